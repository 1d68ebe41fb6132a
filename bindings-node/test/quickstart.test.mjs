// The examples of the README run as they stand.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { statement } from './support.mjs';

const require = createRequire(import.meta.url);
const readme = join(dirname(require.resolve('@fiscaflow/engine/package.json')), 'README.md');
const blocks = [...readFileSync(readme, 'utf8').matchAll(/^```js\n(.*?)^```$/gms)];
const [quickstart, once, pages, errors] = blocks.map((block) => block[1]);

/** Runs a module in a fresh folder beside this file, where the package is found. */
function run(source) {
  const folder = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), 'run-'));
  writeFileSync(join(folder, 'march.ofx'), statement);
  writeFileSync(join(folder, 'main.mjs'), source);
  const done = spawnSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  assert.equal(done.stderr, '');
  assert.equal(done.status, 0);
  return done.stdout;
}

test('the quick start', () => {
  assert.equal(
    run(quickstart),
    `3 imported, then 0 and 3 known
2026-03: 54.50 EUR
Food: 109.0 % used, -4.50 left
history verified: 5 commits
`,
  );
});

test('the other examples, after the quick start', () => {
  const body = quickstart.replace('await engine.close();\n', '');
  const account = 'const account_id = first.statements[0].account_id;\n';
  const said = run(`${body}${account}${once}${pages}${errors}await engine.close();\n`);
  assert.deepEqual(said.split('\n').slice(4, 9), [
    '2026-03-05 -48.10 GREEN GROCER',
    '2026-03-02 -3.20 CORNER CAFE',
    '2026-03-02 -3.20 CORNER CAFE',
    '2026-03-01 -12.50 ',
    'invalid_amount opening_balance',
  ]);
});
