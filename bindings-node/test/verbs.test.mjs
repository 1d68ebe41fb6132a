// The package has the engine's verbs, all of them and no others.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FiscaFlow } from '@fiscaflow/engine';

import { methodOf, verbs } from './support.mjs';

const methods = (object) =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(object)).filter((name) => name !== 'constructor');

test('every verb is a method, and every method a verb', async () => {
  const engine = await FiscaFlow.open('memory:');
  const context = { actor: 'anna' };
  const book = engine.book('018f0000-0000-7000-8000-000000000001', context);
  const found = [...methods(engine.books(context)), ...methods(book)].map((name) => `books.${name}`);
  for (const [noun, object] of Object.entries(book)) {
    found.push(...methods(object).map((name) => `${noun}.${name}`));
  }
  const wanted = verbs.map((verb) => methodOf(verb.name).join('.'));
  assert.deepEqual(found.toSorted(), wanted.toSorted());
  await engine.close();
});

test('a method takes what its verb takes', async () => {
  const engine = await FiscaFlow.open('memory:');
  const context = { actor: 'anna' };
  const book = engine.book('018f0000-0000-7000-8000-000000000001', context);
  for (const verb of verbs) {
    const [noun, name] = methodOf(verb.name);
    const target = verb.name === 'books.create' ? engine.books(context) : (book[noun] ?? book);
    const wanted = [verb.takes_id, verb.request !== null, verb.observed].filter(Boolean).length;
    assert.equal(target[name].length, wanted, verb.name);
  }
  await engine.close();
});
