// The examples of the README run as they stand.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { root } from './support.mjs';

const require = createRequire(import.meta.url);
const readme = join(dirname(require.resolve('@fiscaflow/engine/package.json')), 'README.md');
const blocks = [...readFileSync(readme, 'utf8').matchAll(/^```js\n(.*?)^```$/gms)];
const [quickstart, once, progress, copies, events, pages, errors] = blocks.map((block) => block[1]);

const statement = join(root, 'fiscaflow-store/examples/quickstart/statements/raiffeisen-2017.csv');

/** Runs modules in a fresh folder beside this file, where the package is found; what each says. */
function run(...sources) {
  const folder = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), 'run-'));
  copyFileSync(statement, join(folder, 'raiffeisen-2017.csv'));
  const said = sources.map((source) => {
    writeFileSync(join(folder, 'main.mjs'), source);
    return spawnSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
  });
  rmSync(folder, { recursive: true });
  for (const { stderr, status } of said) assert.deepEqual([stderr, status], ['', 0]);
  return said.map(({ stdout }) => stdout);
}

test('the quick start, twice', () => {
  const [first, second] = run(quickstart, quickstart);
  const figures = `2017-09 (no category): 387.33 EUR
2017-09 Food: 67.27 EUR
2017-10 (no category): 296.61 EUR
2017-10 Food: 97.58 EUR
Food: 32.5 % used, 202.42 left
`;
  assert.equal(first, `31 imported, then 0 and 31 known\n${figures}history verified: 5 commits\n`);
  assert.equal(second, `0 imported, then 0 and 31 known\n${figures}history verified: 5 commits\n`);
});

test('the other examples, after the quick start', () => {
  const body = quickstart.replace('await engine.close();\n', '');
  const account = 'const account_id = first.statements[0].account_id;\n';
  const [said] = run(`${body}${account}${once}${progress}${pages}${errors}await engine.close();\n`);
  assert.match(said, /^match: 31 of 31 rows$/m);
  const lines = said.trimEnd().split('\n').slice(-33);
  assert.match(lines[0], /^2026-03-01 -12\.50 /);
  assert.match(lines[31], /^2017-09-18 /);
  assert.equal(lines[32], 'invalid_amount opening_balance');
});

test('copies and events, after the quick start', () => {
  const body = quickstart.replace('await engine.close();\n', '');
  const given = `
    const [phone, server, offline] = [engine, await FiscaFlow.open('memory:'), () => false];
    await home.members.put({ actor: 'fee-bot', role: 'member' });
  `;
  const told = 'console.log((await server.copyBook(id, phone)).commits, delivered > 3);\n';
  const [said] = run(`${body}${given}${copies}${events}${told}`);
  assert.match(said, /^0 true$/m);
});
