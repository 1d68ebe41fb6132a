// Errors: three lanes, the golden codes, and the field that is at fault.

import assert from 'node:assert/strict';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';

import { Corrupt, FiscaFlow, FiscaFlowError, Rejected, Unavailable } from '@fiscaflow/engine';

import { errorCodes, statement } from './support.mjs';

const anna = { actor: 'anna' };
const unknown = '01890000-0000-7000-8000-000000000000';
let engine, home, giro;

before(async () => {
  engine = await FiscaFlow.open('memory:');
  const book = await engine.books(anna).create({ name: 'Home', currency: 'EUR' });
  home = engine.book(book.id, anna);
  giro = await home.accounts.create({ name: 'Giro' });
});
after(() => engine.close());

const rejects = (promise, details) => assert.rejects(promise, details);
const coffee = (amount) => ({ account_id: giro.id, booking_date: '2026-03-01', amount });

test('every code of the golden list has its lane', () => {
  const lanes = { rejected: Rejected, unavailable: Unavailable, corrupt: Corrupt };
  for (const { code, lane } of errorCodes) {
    const error = new lanes[lane]('text', { code });
    assert.equal(error.lane, lane, code);
    assert.ok(error instanceof FiscaFlowError && error instanceof Error);
  }
  assert.ok(errorCodes.length > 30);
});

test('an error says what it is', async () => {
  const error = await home.accounts.get(unknown).catch((reason) => reason);
  assert.ok(error instanceof Rejected);
  assert.deepEqual({ ...error }, { code: 'not_found', lane: 'rejected', id: unknown });
  assert.equal(error.name, 'Rejected');
  assert.match(inspect(error), /^Rejected: no such account/);
  assert.match(error.stack, /errors\.test\.mjs/, 'the caller is in the stack');
});

describe('amounts', () => {
  for (const amount of [-2.8, 0, 3, 10n]) {
    test(`the number ${amount} is refused by the engine`, () =>
      rejects(home.transactions.create(coffee(amount)), {
        name: 'Rejected',
        code: 'invalid_amount',
        field: 'amount',
      }));
  }

  test('a number deep in a request is named by its path', () =>
    rejects(
      home.transactions.create({
        ...coffee('-10.00'),
        splits: [{ amount: '-6.00' }, { amount: -4.0 }],
      }),
      { code: 'invalid_amount', field: 'splits[1].amount' },
    ));

  test('what is no number at all is refused, not left out', async () => {
    for (const amount of [NaN, Infinity, 2n ** 64n]) {
      await rejects(home.transactions.create(coffee(amount)), {
        code: 'invalid_input',
        field: 'amount',
      });
    }
  });

  test('decimals of a library cross as text', async () => {
    const decimal = { toJSON: () => '-2.80' };
    const made = await home.transactions.create(coffee(decimal));
    assert.deepEqual(made.amount, { value: '-2.80', currency: 'EUR' });
  });
});

describe('values without a place in a request', () => {
  const name = (value) => home.accounts.create({ name: value });
  const cyclic = {};
  cyclic.self = cyclic;

  for (const [what, make, details] of [
    ['a map', () => name(new Map()), { field: 'name' }],
    ['a function', () => name(() => 'Giro'), { field: 'name' }],
    ['a symbol', () => name(Symbol('Giro')), { field: 'name' }],
    ['half a character', () => name('\ud800'), { field: 'name' }],
    ['bytes for text', () => name(Buffer.from('Giro')), { field: 'name' }],
    ['a cycle', () => name(cyclic), {}],
    ['a list for a request', () => home.accounts.create([]), {}],
    ['a text for a request', () => home.accounts.create('Giro'), {}],
    ['nothing for a request', () => home.accounts.create(), { field: 'name' }],
    ['a member that is not known', () => home.accounts.create({ nmae: 'x' }), { field: 'nmae' }],
    ['a number for an id', () => home.accounts.get(7), { field: 'id' }],
    ['no id', () => home.accounts.get(), { field: 'id' }],
    ['a text for bytes', () => home.imports.create({ content: statement }), { field: 'content' }],
    ['no bytes', () => home.imports.create({}), { field: 'content' }],
    ['no book', () => engine.book(undefined, anna).get(), { field: 'book_id' }],
    ['no UUID for a book', () => engine.book('home', anna).get(), { field: 'book_id' }],
    ['no actor', () => engine.book(unknown).get(), { field: 'actor' }],
    ['no store', () => FiscaFlow.open('ftp://host'), { field: 'url' }],
    ['no URL', () => FiscaFlow.open(), { field: 'url' }],
    ['a number for a URL', () => FiscaFlow.open(7), { field: 'url' }],
  ]) {
    test(what, () => rejects(make(), { name: 'Rejected', code: 'invalid_input', ...details }));
  }

  test('an instant is no civil date', async () => {
    const from = new Date('2026-03-01T00:00:00Z');
    await rejects(home.transactions.list({ from }), { code: 'invalid_date', field: 'from' });
    await rejects(home.transactions.list({ from: new Date(NaN) }), { field: 'from' });
  });

  test('undefined and null are left out', async () => {
    const made = await home.accounts.create({ name: 'Cash', kind: undefined, number: null });
    assert.equal(made.kind, 'checking');
    assert.equal(made.number, null);
  });

  test('names of members are names, whatever they mean elsewhere', async () => {
    const metadata = JSON.parse('{"__proto__": "kept", "constructor": "kept"}');
    const made = await home.transactions.create({ ...coffee('-1.00'), metadata });
    assert.deepEqual(Object.entries(made.metadata).toSorted(), [
      ['__proto__', 'kept'],
      ['constructor', 'kept'],
    ]);
  });
});

test('a file that is broken names its line', async () => {
  const content = Buffer.from(statement.replace('-48.10', '4,8,10'));
  const report = await home.imports.create({ content, create_accounts: true });
  assert.equal(report.imported, 0);
  const [problem] = report.problems;
  assert.equal(problem.code, 'invalid_amount');
  assert.equal(problem.line, 9);
});

describe('closing', () => {
  test('a closed engine answers `closed`', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fiscaflow-'));
    for (const url of ['memory:', `sqlite:${join(folder, 'home.db')}`]) {
      const short = await FiscaFlow.open(url);
      const book = await short.books(anna).create({ name: 'Home', currency: 'EUR' });
      const handle = short.book(book.id, anna);
      await handle.accounts.list();
      await short.close();
      await short.close();
      for (const call of [
        () => handle.accounts.list(),
        () => handle.accounts.create({ name: 'Giro' }),
        () => short.books(anna).create({ name: 'Other', currency: 'EUR' }),
        () => handle.reports.balances(),
      ]) {
        await rejects(call(), { name: 'Unavailable', code: 'closed', lane: 'unavailable' });
      }
    }
    rmSync(folder, { recursive: true });
  });

  test('a file that is no database of ours is left alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fiscaflow-'));
    const file = join(folder, 'notes.txt');
    writeFileSync(file, 'no database\n'.repeat(100));
    await assert.rejects(FiscaFlow.open(`sqlite:${file}`), FiscaFlowError);
    rmSync(folder, { recursive: true });
  });

  test('`await using` closes', { skip: !Symbol.asyncDispose && 'no such symbol' }, async () => {
    const short = await FiscaFlow.open('memory:');
    await short[Symbol.asyncDispose]();
    await rejects(short.books(anna).create({ name: 'Home', currency: 'EUR' }), { code: 'closed' });
  });
});

test('an engine is not made by hand', () => {
  assert.throws(() => new FiscaFlow(), TypeError);
});
