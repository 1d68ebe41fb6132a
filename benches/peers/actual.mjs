// Actual's importer without its user interface: one run of one job, one JSON line.
//
// usage: node actual.mjs JOB PEER --data DIR [--n N] [--seed S], in the folder of its package
//
// A parse job is what the import dialog asks of the file; `import` adds the reconciling of the
// rows with the account and 100 rules, into a budget of its own, synchronised with nobody.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const CSV = { hasHeaderRow: true, delimiter: ';' };
const SHOPS = [
  ...['REWE', 'EDEKA', 'LIDL', 'ALDI', 'SPAR', 'DM DROGERIE', 'SHELL', 'ARAL', 'DB BAHN'],
  ...['AMAZON', 'ZALANDO', 'IKEA', 'NETFLIX', 'SPOTIFY', 'TELEKOM', 'VODAFONE', 'STADTWERKE'],
  ...['ALLIANZ', 'HUK', 'APOTHEKE', 'BAECKEREI', 'PIZZERIA', 'KINO', 'FITNESS', 'BUCHHANDLUNG'],
];

const require = createRequire(join(process.cwd(), 'package.json'));
const api = require('@actual-app/api');
const { version } = JSON.parse(readFileSync('node_modules/@actual-app/api/package.json', 'utf8'));

const options = { data: { type: 'string' }, n: { type: 'string' }, seed: { type: 'string' } };
const { positionals, values } = parseArgs({ options, allowPositionals: true });
const [job, peer] = positionals;
const whole = job === 'import';
const format = whole ? 'ofx' : job.replace('parse-', '');
const files = folder => readdirSync(folder).sort().map(name => join(folder, name));

function statusBytes(name) {
  const lines = readFileSync('/proc/self/status', 'utf8').split('\n');
  return Number(lines.find(line => line.startsWith(name)).match(/\d+/)[0]) * 1024;
}

async function read(filepath) {
  const csv = format === 'csv' ? CSV : {};
  const parsed = await api.internal.send('transactions-parse-file', { filepath, options: csv });
  if (parsed.errors.length > 0) throw new Error(parsed.errors[0].message);
  return parsed.transactions;
}

async function openBudget() {
  await api.internal.send('create-budget', { budgetName: 'bench', avoidUpload: true });
  const group_id = await api.createCategoryGroup({ name: 'Bench' });
  const category = await api.createCategory({ name: 'Shops', group_id });
  for (let place = 0; place < 100; place++) {
    const value = SHOPS[place] ?? `merchant ${String(place).padStart(5, '0')}`;
    await api.createRule({
      stage: null,
      conditionsOp: 'and',
      conditions: [{ field: 'imported_payee', op: 'contains', value }],
      actions: [{ op: 'set', field: 'category', value: category }],
    });
  }
  return api.createAccount({ name: 'Giro' });
}

async function store(account, rows) {
  const { amountToInteger } = api.utils;
  const transactions = rows.map(row => ({ ...row, account, amount: amountToInteger(row.amount) }));
  const { added, errors } = await api.importTransactions(account, transactions);
  if (errors?.length > 0) throw new Error(errors[0].message);
  return added.length;
}

async function run() {
  for (const path of files(join(values.data, 'warm-up', format))) await read(path);
  const account = whole ? await openBudget() : null;
  const before = whole ? 0 : statusBytes('VmRSS:');
  const paths = files(join(values.data, format));
  let [seconds, items, cents] = [0, 0, 0];
  for (const path of paths) {
    const start = process.hrtime.bigint();
    const rows = await read(path);
    items += whole ? await store(account, rows) : rows.length;
    seconds += Number(process.hrtime.bigint() - start) / 1e9;
    for (const row of rows) cents += Math.round(Number(row.amount) * 100);
  }
  return {
    job,
    peer,
    version,
    n: Number(values.n),
    seed: Number(values.seed),
    items,
    seconds,
    items_per_second: items / seconds,
    peak_bytes: statusBytes('VmHWM:') - before,
    bytes: paths.reduce((sum, path) => sum + statSync(path).size, 0),
    files: paths.length,
    // Cells of a delimited file stay text until the dialog's next step.
    sum: format === 'csv' ? null : (cents / 100).toFixed(2),
  };
}

// What it logs must not stand between the lines.
console.log = console.info = console.error;
const dataDir = mkdtempSync(join(tmpdir(), 'fiscaflow-actual-'));
try {
  await api.init({ dataDir, verbose: false });
  const line = await run();
  await api.shutdown();
  process.stdout.write(`${JSON.stringify(line)}\n`);
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
