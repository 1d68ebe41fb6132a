// Progress: what an import tells while it runs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { FiscaFlow, Rejected } from '@fiscaflow/engine';

const ROWS = 2_000;
const rows = Array.from({ length: ROWS }, (_, n) => `2026-03-01,-${n}.20,Bakery ${n}\n`);
const content = Buffer.from(`Date,Amount,Description\n${rows.join('')}`);

/** A fresh book, an account of it, and what closes its engine. */
async function fresh() {
  const engine = await FiscaFlow.open('memory:');
  const anna = { actor: 'anna' };
  const book = await engine.books(anna).create({ name: 'Home', currency: 'EUR' });
  const home = engine.book(book.id, anna);
  const { id } = await home.accounts.create({ name: 'Giro' });
  return { home, file: { content, account_id: id }, close: () => engine.close() };
}

/** Checks that progress only rises and ends with all rows; gives the phases in their order. */
function judge(heard) {
  const phases = [...new Set(heard.map(({ phase }) => phase))];
  for (const phase of phases) {
    const done = heard.filter((it) => it.phase === phase).map((it) => it.done);
    assert.deepEqual(done, [...new Set(done)].toSorted((one, next) => one - next));
    assert.equal(done.at(-1), ROWS);
  }
  const ordered = phases.flatMap((phase) => heard.filter((it) => it.phase === phase));
  assert.deepEqual(heard, ordered);
  for (const it of heard) {
    assert.deepEqual(Object.keys(it).toSorted(), ['done', 'phase', 'total']);
    assert.equal(it.total, ROWS);
  }
  return phases;
}

test('an import and its preview tell their progress before they answer', async () => {
  const { home, file, close } = await fresh();
  const heard = [];
  const onProgress = (progress) => heard.push(progress);
  await home.imports.preview(file, { onProgress });
  assert.deepEqual(judge(heard.splice(0)), ['read', 'match']);
  const report = await home.imports.create(file, { onProgress });
  assert.equal(report.imported, ROWS);
  assert.ok(heard.length > 100);
  assert.deepEqual(judge(heard.splice(0)), ['read', 'match', 'store']);
  await close();
});

test('what a callback throws is a warning and harms nothing', async () => {
  const { home, file, close } = await fresh();
  const warned = once(process, 'warning');
  let calls = 0;
  const onProgress = () => {
    calls += 1;
    if (calls === 1) throw new RangeError('on purpose');
    if (calls === 2) throw 'no error at all';
  };
  assert.equal((await home.imports.create(file, { onProgress })).imported, ROWS);
  assert.ok(calls > 100);
  assert.equal((await warned)[0].message, 'on purpose');
  assert.equal((await home.history.verify()).verified, true);
  await close();
});

test('a callback may use the book', async () => {
  const { home, file, close } = await fresh();
  const made = [];
  const onProgress = ({ phase, done }) => {
    if (phase === 'match' && done === 0) made.push(home.accounts.create({ name: 'Cash' }));
  };
  assert.equal((await home.imports.create(file, { onProgress })).imported, ROWS);
  assert.deepEqual((await Promise.all(made)).map(({ name }) => name), ['Cash']);
  await close();
});

test('an import that is refused rejects all the same', async () => {
  const { home, file, close } = await fresh();
  const nothing = { ...file, content: Buffer.from([0]) };
  const refused = { code: 'unknown_format' };
  await assert.rejects(home.imports.create(nothing, { onProgress() {} }), refused);
  await assert.rejects(home.imports.create(file, { onProgress: 1 }), (error) => {
    return error instanceof Rejected && error.field === 'onProgress';
  });
  await close();
});
