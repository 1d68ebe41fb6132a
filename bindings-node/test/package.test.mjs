// The package as it is installed: both module systems, threads, and nothing of ours left running.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import * as esm from '@fiscaflow/engine';

const require = createRequire(import.meta.url);
const cjs = require('@fiscaflow/engine');

test('both module systems see one package', () => {
  const errors = ['Corrupt', 'FiscaFlowError', 'Rejected', 'Unavailable', 'Undelivered'];
  const names = [...errors, 'FiscaFlow', 'Inbox'].toSorted();
  assert.deepEqual(Object.keys(cjs).toSorted(), names);
  for (const name of names) assert.equal(esm[name], cjs[name], name);
});

test('only what is meant to be used can be reached', () => {
  assert.equal(require('@fiscaflow/engine/package.json').name, '@fiscaflow/engine');
  assert.throws(() => require('@fiscaflow/engine/native.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
});

test('the package has no dependencies', () => {
  const { dependencies = {} } = require('@fiscaflow/engine/package.json');
  assert.deepEqual(dependencies, {});
});

test('a worker has an engine of its own', async () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const { FiscaFlow } = require(${JSON.stringify(require.resolve('@fiscaflow/engine'))});
    FiscaFlow.open('memory:').then(async (engine) => {
      const book = await engine.books({ actor: 'anna' }).create({ name: 'Home', currency: 'EUR' });
      parentPort.postMessage(book.name);
      await engine.close();
    });`;
  const worker = new Worker(source, { eval: true });
  const [[name], [exitCode]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
  assert.equal(name, 'Home');
  assert.equal(exitCode, 0);
});

test('a process with an open engine ends', () => {
  const source = `
    const { FiscaFlow } = require(${JSON.stringify(require.resolve('@fiscaflow/engine'))});
    FiscaFlow.open('sqlite::memory:').then(() => console.log('open'));`;
  const done = spawnSync(process.execPath, ['-e', source], { encoding: 'utf8', timeout: 30_000 });
  assert.equal(done.stdout, 'open\n');
  assert.equal(done.status, 0);
});

test('many calls at once are answered, each with its own answer', async () => {
  const engine = await esm.FiscaFlow.open('memory:');
  const context = { actor: 'anna' };
  const book = await engine.books(context).create({ name: 'Home', currency: 'EUR' });
  const { accounts } = engine.book(book.id, context);
  // Writes of one book wait for each other, so they are made in turn; reads are not.
  for (let n = 0; n < 10; n += 1) await accounts.create({ name: `Account ${n}` });
  const all = await accounts.list();
  const found = await Promise.all(
    Array.from({ length: 200 }, (_, n) => accounts.get(all[n % 10].id)),
  );
  found.forEach((account, n) => assert.equal(account.id, all[n % 10].id));
  await engine.close();
});
