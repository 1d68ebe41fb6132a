// Books in a second place: backups, copies from engine to engine, and PostgreSQL.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { FiscaFlow, Rejected } from '@fiscaflow/engine';

const anna = { actor: 'anna' };
const folder = mkdtempSync(join(tmpdir(), 'fiscaflow-'));
after(() => rmSync(folder, { recursive: true }));
const file = (name) => join(folder, name);

/** Some writes, each of which happens once. */
async function live(engine, id, first, last) {
  for (let number = first; number < last; number += 1) {
    const once = { ...anna, idempotency_key: `account ${number}`, reason: 'moving in' };
    await engine.book(id, once).accounts.create({ name: `Account ${number}` });
  }
}

/** Everything that happened, and the proof of it. */
async function history(engine, id) {
  const book = engine.book(id, anna);
  const verification = await book.history.verify();
  assert.equal(verification.verified, true);
  return [verification, await book.history.list({ limit: 500 }), await book.accounts.list()];
}

async function fresh(engine) {
  return (await engine.books(anna).create({ name: 'Home', currency: 'EUR' })).id;
}

test('a backup is restored as it was', async () => {
  for (const [number, url] of ['memory:', `sqlite:${file('books.db')}`].entries()) {
    const engine = await FiscaFlow.open(url);
    const id = await fresh(engine);
    await live(engine, id, 0, 5);
    const [backup, again] = [file(`${number}.backup`), `sqlite:${file(`${number}.again`)}`];
    const bytes = await engine.backup(backup);
    assert.deepEqual(bytes, { books: 1, bytes: statSync(backup).size, commits: 6 });
    assert.equal((await FiscaFlow.restore(backup, again)).commits, 6);
    const other = await FiscaFlow.open(again);
    assert.deepEqual(await history(other, id), await history(engine, id));
    await live(other, id, 0, 6);
    assert.equal((await other.book(id, anna).accounts.list()).length, 6);
    await assert.rejects(engine.backup(backup), { code: 'invalid_input', field: 'path' });
    await other.close();
    await engine.close();
    await assert.rejects(engine.backup(file('late')), { code: 'closed', lane: 'unavailable' });
  }
  const none = FiscaFlow.restore(file('none'), 'memory:');
  await assert.rejects(none, { code: 'invalid_input', field: 'backup' });
});

test('a book is copied there and back', async () => {
  const phone = await FiscaFlow.open(`sqlite:${file('phone.db')}`);
  const server = await FiscaFlow.open(`sqlite:${file('server.db')}`);
  const id = await fresh(phone);
  await live(phone, id, 0, 3);
  const copied = await phone.copyBook(id, server);
  const { head } = await phone.book(id, anna).history.verify();
  assert.deepEqual(copied, { commits: 4, head: { hash: head, seq: 4 } });
  assert.equal((await phone.copyBook(id, server)).commits, 0);
  assert.deepEqual(await history(phone, id), await history(server, id));
  await live(server, id, 0, 5);
  assert.equal((await server.copyBook(id, phone)).commits, 2);
  assert.deepEqual(await history(phone, id), await history(server, id));
  await phone.book(id, anna).accounts.create({ name: 'Cash' });
  await server.book(id, anna).accounts.create({ name: 'Savings' });
  await assert.rejects(phone.copyBook(id, server), (error) => {
    return error instanceof Rejected && error.code === 'id_conflict' && error.id === '7';
  });
  const nowhere = '01890000-0000-7000-8000-000000000000';
  await assert.rejects(phone.copyBook(nowhere, server), { code: 'book_not_found' });
  await assert.rejects(phone.copyBook('home', server), { code: 'invalid_input', field: 'book_id' });
  await assert.rejects(phone.copyBook(id, {}), { code: 'invalid_input', field: 'to' });
  await phone.close();
  await server.close();
});

const url = process.env.FISCAFLOW_TEST_DATABASE;
const skip = url ? false : 'FISCAFLOW_TEST_DATABASE names no PostgreSQL database';

test('books live in PostgreSQL too', { skip }, async () => {
  const server = await FiscaFlow.open(url);
  const phone = await FiscaFlow.open('sqlite::memory:');
  const id = await fresh(phone);
  await live(phone, id, 0, 3);
  assert.equal((await phone.copyBook(id, server)).commits, 4);
  await live(server, id, 0, 5);
  assert.equal((await server.copyBook(id, phone)).commits, 2);
  assert.deepEqual(await history(phone, id), await history(server, id));
  const backup = file('server.backup');
  await server.backup(backup);
  await FiscaFlow.restore(backup, url);
  await live(server, id, 5, 6);
  await assert.rejects(FiscaFlow.restore(backup, url), { code: 'id_conflict', id });
  const told = [];
  const relay = server.relay({ sink: 'names', tell: (it) => told.push(it.event.name) });
  assert.equal((await relay.round()).delivered, told.length);
  assert.ok(told.length >= 7);
  assert.equal((await relay.round()).delivered, 0);
  await phone.close();
  await server.close();
});
