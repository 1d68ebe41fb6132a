// Events: sinks that take them, sinks that do not, and effects that happen once.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { FiscaFlow, Inbox, Rejected, Unavailable, Undelivered } from '@fiscaflow/engine';

const require = createRequire(import.meta.url);
const anna = { actor: 'anna' };

/** A fresh engine, and a book of it with some accounts. */
async function fresh(...accounts) {
  const engine = await FiscaFlow.open('memory:');
  const { id } = await engine.books(anna).create({ name: 'Home', currency: 'EUR' });
  const home = engine.book(id, anna);
  for (const name of accounts) await home.accounts.create({ name });
  return { engine, home, id };
}

const eventIds = async (home) => (await home.events.list({ limit: 500 })).map(({ id }) => id);

test('a sink is told everything once and in order', async () => {
  const { engine, home, id } = await fresh(...Array.from({ length: 30 }, (_, n) => `Account ${n}`));
  const told = [];
  const tell = async (it) => {
    await null;
    told.push(it);
  };
  const relay = engine.relay({ sink: 'notes', tell });
  const done = await relay.round();
  const nothing = { broken: [], more: false, put_off: 0, set_aside: 0, unavailable: null };
  assert.deepEqual(done, { ...nothing, delivered: told.length });
  const events = await home.events.list({ limit: 500 });
  assert.deepEqual(told, events.map((event) => ({ book_id: id, event })));
  assert.equal((await engine.relay({ sink: 'notes', tell }).round()).delivered, 0);
  await home.accounts.create({ name: 'Cash' });
  assert.equal((await relay.round()).delivered, 1);
  const plain = [];
  const other = engine.relay({ sink: 'others', tell: (it) => plain.push(it.event.id) });
  assert.equal((await other.round()).delivered, told.length);
  assert.deepEqual(plain, told.map((it) => it.event.id));
  const since = new Date(Date.now() + 86_400_000);
  assert.equal((await engine.relay({ sink: 'late', tell, since }).round()).delivered, 0);
  await engine.close();
});

test('what is refused is tried again and set aside', async () => {
  const { engine, home } = await fresh('Giro', 'Cash');
  const ids = await eventIds(home);
  const told = [];
  let thrown = new RangeError('Ann Doe');
  const tell = ({ event }) => {
    if (event.id === ids[1]) throw thrown;
    told.push(event.id);
  };
  const relay = engine.relay({ sink: 'notes', tell, tries: 3, pause_seconds: 0 });
  const rounds = [await relay.round(), await relay.round(), await relay.round()];
  assert.deepEqual(rounds.map((it) => it.put_off), [1, 1, 0]);
  assert.deepEqual(rounds.map((it) => it.set_aside), [0, 0, 1]);
  assert.deepEqual(told, ids.filter((id) => id !== ids[1]));
  const aside = async () => (await home.events.delivery({ sink: 'notes' })).set_aside;
  const [{ id, tries, reason }] = await aside();
  assert.deepEqual([id, tries, reason], [ids[1], 3, 'the sink failed']);
  for (const [value, said] of [
    [new Undelivered('the address is unknown'), 'the address is unknown'],
    [undefined, 'the sink failed'],
    ['Ann Doe', 'the sink failed'],
  ]) {
    thrown = value;
    await home.events.redeliver({ sink: 'notes', event_id: ids[1] });
    assert.equal((await relay.round()).set_aside, 1);
    assert.equal((await aside())[0].reason, said);
  }
  await engine.close();
});

test('a sink that is away loses nothing', async () => {
  const { engine, home } = await fresh('Giro');
  const told = [];
  let thrown = new Undelivered('no network', { unavailable: true, retry_after_seconds: 0 });
  const tell = async ({ event }) => {
    if (thrown) throw thrown;
    told.push(event.id);
  };
  const relay = engine.relay({ sink: 'notes', tell, tries: 1, pause_seconds: 0 });
  for (let n = 0; n < 3; n += 1) {
    const { delivered, set_aside, unavailable } = await relay.round();
    assert.deepEqual([delivered, set_aside, unavailable], [0, 0, 'no network']);
  }
  thrown = new Unavailable('busy', { code: 'store_unavailable' });
  assert.equal((await relay.round()).unavailable, 'store_unavailable');
  thrown = undefined;
  assert.equal((await relay.round()).delivered, told.length);
  assert.deepEqual(told, await eventIds(home));
  await engine.close();
});

test('what is no relay is refused', async () => {
  const { engine } = await fresh();
  const relay = (options) => () => engine.relay({ sink: 'notes', tell() {}, ...options });
  for (const [options, field] of [
    [{ tries: 0 }, 'tries'],
    [{ batch: 0 }, 'batch'],
    [{ tries: -1 }, 'tries'],
    [{ tell: 'print' }, 'tell'],
    [{ sink: 7 }, 'sink'],
    [{ sink: '' }, 'sink'],
  ]) {
    assert.throws(relay(options), (error) => {
      return error instanceof Rejected && error.code === 'invalid_input' && error.field === field;
    });
  }
  assert.throws(relay({ leaseSeconds: 1 }), { code: 'invalid_input' });
  assert.throws(() => new Inbox('', anna), { code: 'invalid_input' });
  await engine.close();
  await assert.rejects(relay({})().round(), { code: 'closed', lane: 'unavailable' });
});

test('an effect happens once', async () => {
  const { engine, home, id } = await fresh('Giro');
  const [event] = await home.events.list({ limit: 500 });
  const it = { book_id: id, event };
  const named = (name) => (book) => book.categories.create({ name });
  const inbox = new Inbox('notes', anna);
  const first = await inbox.once(engine, it, named('Seen'));
  assert.deepEqual(await inbox.once(engine, it, named('Seen')), first);
  assert.equal(await inbox.once(engine, it, named('Other')), undefined);
  assert.deepEqual((await home.categories.list()).map(({ name }) => name), ['Seen']);
  assert.equal((await home.history.list({ limit: 500 })).at(-1).causation_id, event.id);
  assert.ok(await new Inbox('others', anna).once(engine, it, named('Other')));
  const stranger = new Inbox('notes', { actor: 'zoe' }).once(engine, it, (book) => book.get());
  await assert.rejects(stranger, { code: 'book_not_found' });
  await engine.close();
});

test('a sink may write into the book', async () => {
  const { engine, home } = await fresh('Giro', 'Cash');
  const inbox = new Inbox('names', anna);
  const tell = async (it) => {
    if (!it.event.name.startsWith('ledger.account.')) return;
    await inbox.once(engine, it, (book) => book.categories.create({ name: it.event.id }));
  };
  await engine.relay({ sink: 'one', tell }).round();
  await engine.relay({ sink: 'two', tell }).round();
  assert.equal((await home.categories.list()).length, 2);
  await engine.close();
});

test('a process with a relay ends', () => {
  const source = `
    const { FiscaFlow } = require(${JSON.stringify(require.resolve('@fiscaflow/engine'))});
    FiscaFlow.open('memory:').then(async (engine) => {
      await engine.books({ actor: 'anna' }).create({ name: 'Home', currency: 'EUR' });
      globalThis.relay = engine.relay({ sink: 'notes', tell() {} });
      console.log((await relay.round()).delivered);
    });`;
  const done = spawnSync(process.execPath, ['-e', source], { encoding: 'utf8', timeout: 30_000 });
  assert.equal(done.stdout, '1\n');
  assert.equal(done.status, 0);
});
