// The verifier that needs no engine, over the proofs that all languages judge, and over proofs of a
// book that the engine wrote.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { FiscaFlow } from '@fiscaflow/engine';

const folder = join(process.env.FISCAFLOW_ROOT, 'verifiers');
const verifier = await import(pathToFileURL(join(folder, 'javascript', 'index.mjs')));
const { checkConsistency, checkInclusion, isSignedBy, leafHash, parseCheckpoint } = verifier;

const bytes = (text) => Buffer.from(text === '.' ? '' : text, 'base64');
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256'));
const hashes = (path) => path.map((step) => Buffer.from(step, 'hex'));

function steps(cell, last) {
  let whole = bytes(cell);
  if (cell.includes(':')) {
    const [start, end, made] = cell.split(':');
    const before = bytes(last);
    whole = Buffer.concat([before.subarray(0, +start), bytes(made), before.subarray(+end)]);
  }
  const count = Math.ceil(whole.length / 32);
  return Array.from({ length: count }, (_, at) => whole.subarray(32 * at, 32 * at + 32));
}

test('every proof of the shared file is judged right', () => {
  const good = {};
  const counts = { '+': 0, '-': 0 };
  for (const line of readFileSync(join(folder, 'vectors.txt'), 'utf8').trimEnd().split('\n')) {
    if (line.startsWith('#')) continue;
    const cells = line.split(' ');
    const last = good[cells[0]] ?? cells;
    const [kind, verdict, one, two, three, four, path] = cells.map((cell, at) =>
      cell === '=' ? last[at] : cell,
    );
    const way = steps(path, last[6]);
    const said =
      kind === 'i'
        ? checkInclusion(bytes(one), BigInt(two), BigInt(three), way, bytes(four))
        : checkConsistency(BigInt(one), bytes(two), BigInt(three), bytes(four), way);
    assert.equal(said, verdict === '+', line);
    counts[verdict] += 1;
    if (said) good[kind] = cells;
  }
  assert.equal(counts['+'] + counts['-'], 10_000);
  assert.ok(counts['+'] > 800, `${counts['+']}`);
});

test('a number that is no safe one is no size', () => {
  const [one, root] = [leafHash(Buffer.from('a')), leafHash(Buffer.from('a'))];
  assert.ok(checkInclusion(one, 0, 1, [], root));
  assert.ok(!checkInclusion(one, 0, 2 ** 60, [], root));
  assert.ok(!checkInclusion(one, 0.5, 1, [], root));
});

test('checkpoints are read, and what is none is not', () => {
  const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
  const text = `example.com/log\n3\n${root}\n`;
  const signed = `${text}\n\u2014 example.com/log AAAAAQID\n`;
  assert.equal(parseCheckpoint(text).size, 3n);
  assert.equal(parseCheckpoint(signed).signatures[0].keyName, 'example.com/log');
  const none = ['', `o\n03\n${root}\n`, `o\n3\n${root}`, 'o\n3\nAAAA\n', signed.slice(0, -1)];
  for (const it of [...none, `${text}\n`]) assert.equal(parseCheckpoint(it), null, it);
});

test('a signature is good by its own key and text alone', () => {
  const origin = 'books.example/01890000-0000-7000-8000-000000000001';
  const text = `${origin}\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n`;
  const signature =
    '5amNA7Siy979ESA9WThQ3hxT+0BjUsjVnXXhIKvTgKPJeGpZObya2aoZO++nliZLSaR4lo7dcAWPQ7mjCTWoEktWdwg=';
  const note = `${text}\n\u2014 ${origin} ${signature}\n`;
  const key = `${origin}+e5a98d03+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs`;
  assert.ok(isSignedBy(parseCheckpoint(note), key));
  assert.ok(!isSignedBy(parseCheckpoint(text), key));
  assert.ok(!isSignedBy(parseCheckpoint(note.replace('\n3\n', '\n4\n')), key));
  assert.ok(!isSignedBy(parseCheckpoint(note.replace('5amNA7Si', '5amNA7Sj')), key));
  for (const other of [key.replace('e5a98d03', 'e5a98d04'), key.replace('AepK', 'AepL'), 'o+1+A']) {
    assert.ok(!isSignedBy(parseCheckpoint(note), other), other);
  }
});

test('a book is proved without the engine', async () => {
  const engine = await FiscaFlow.open('memory:');
  const anna = { actor: 'anna' };
  const book = await engine.books(anna).create({ name: 'Home', currency: 'EUR' });
  const home = engine.book(book.id, anna);
  const giro = await home.accounts.create({ name: 'Giro' });
  const made = await home.transactions.create({
    account_id: giro.id,
    booking_date: '2026-03-01',
    amount: '-12.34',
    description: 'Bäcker',
  });
  const held = parseCheckpoint((await home.proofs.checkpoint()).note);
  await home.accounts.create({ name: 'Savings' });
  const proof = await home.proofs.transaction(made.id, { size: Number(held.size) });
  const later = await home.proofs.consistency({ from_size: Number(held.size) });
  await engine.close();

  const { header, index, path } = proof.commit;
  assert.ok(checkInclusion(leafHash(header), index, held.size, hashes(path), held.root));
  assert.equal(JSON.parse(header).body, sha256(proof.body).digest('hex'));
  const change = JSON.parse(proof.body).changes.find((it) => it.key === made.id);
  assert.equal(change.after.facts.minor, -1234);
  const commitment = sha256(Buffer.from(proof.salt, 'hex'), proof.text).digest('hex');
  assert.equal(change.after.text, commitment);
  assert.equal(JSON.parse(proof.text).description, 'Bäcker');
  const newer = parseCheckpoint(later.checkpoint.note);
  const way = hashes(later.path);
  assert.ok(checkConsistency(held.size, held.root, newer.size, newer.root, way));
});
