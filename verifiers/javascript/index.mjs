// Checks proofs of a FiscaFlow book's history without the engine: Node alone is enough.
//
// A book's commits are the leaves of a Merkle tree (RFC 9162, section 2.1). A checkpoint names the
// tree of one moment: its size and its root. A root is worth what the checkpoint is worth that it
// comes from: one that the checker kept, or one that is signed by a key that it trusts. A root that
// came with the proof proves nothing. docs/proofs.md of FiscaFlow tells the rest.
//
// Hashes are `Uint8Array`s of 32 bytes. Sizes and indices are `bigint`s, or numbers where they are
// safe ones: a larger number is not what it seems, and is refused.

import { createHash, createPublicKey, verify } from 'node:crypto';

const MOST = 2n ** 64n - 1n;

/** The hash of a leaf, whose bytes are a commit's header as it is stored. */
export function leafHash(leaf) {
  return createHash('sha256').update(Uint8Array.of(0)).update(leaf).digest();
}

/** The hash of a node, of those of its two children. */
export function nodeHash(left, right) {
  return createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest();
}

/**
 * Whether the leaf with that hash is the one of that index, from 0, in the tree of that size and
 * root (RFC 9162, section 2.1.3.2).
 */
export function checkInclusion(leaf, index, size, path, root) {
  let node = natural(index);
  let last = natural(size);
  if (node === null || last === null || node >= last) return false;
  if (![leaf, root, ...path].every(isHash)) return false;
  last -= 1n;
  let found = leaf;
  for (const neighbour of path) {
    if (last === 0n) return false;
    if (node & 1n || node === last) {
      found = nodeHash(neighbour, found);
      // The last node of a level without a neighbour stands for itself one level up.
      while (!(node & 1n) && node) [node, last] = [node >> 1n, last >> 1n];
    } else {
      found = nodeHash(found, neighbour);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && same(found, root);
}

/**
 * Whether the tree of size `newSize` begins with the one of size `oldSize`, which is not 0 (RFC
 * 9162, section 2.1.4.2).
 */
export function checkConsistency(oldSize, oldRoot, newSize, newRoot, path) {
  const before = natural(oldSize);
  const after = natural(newSize);
  if (before === null || after === null || before === 0n || before > after) return false;
  if (![oldRoot, newRoot, ...path].every(isHash)) return false;
  if (before === after) return path.length === 0 && same(oldRoot, newRoot);
  if (path.length === 0) return false;
  // Where the old tree is complete it is a node of the new one, and its root is the first hash.
  const whole = (before & (before - 1n)) === 0n;
  const [first, rest] = whole ? [oldRoot, path] : [path[0], path.slice(1)];
  let [node, last] = [before - 1n, after - 1n];
  while (node & 1n) [node, last] = [node >> 1n, last >> 1n];
  let [older, newer] = [first, first];
  for (const neighbour of rest) {
    if (last === 0n) return false;
    if (node & 1n || node === last) {
      [older, newer] = [nodeHash(neighbour, older), nodeHash(neighbour, newer)];
      while (!(node & 1n) && node) [node, last] = [node >> 1n, last >> 1n];
    } else {
      newer = nodeHash(newer, neighbour);
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && same(older, oldRoot) && same(newer, newRoot);
}

function natural(number) {
  if (typeof number === 'number' && !Number.isSafeInteger(number)) return null;
  const whole = BigInt(number);
  return whole < 0n || whole > MOST ? null : whole;
}

function isHash(bytes) {
  return bytes instanceof Uint8Array && bytes.length === 32;
}

function same(one, other) {
  return Buffer.compare(one, other) === 0;
}

/**
 * Reads a checkpoint (C2SP `tlog-checkpoint`), signed or not: `origin`, `size`, `root`, the `text`
 * that is signed, and `signatures` by `keyName`, `keyId` and `signature`; `null` for what is none.
 */
export function parseCheckpoint(note) {
  const end = note.lastIndexOf('\n\n') + 1;
  const text = end ? note.slice(0, end) : note;
  const lines = end ? note.slice(end + 1).split('\n') : [''];
  if (lines.pop() !== '' || (end && !lines.length) || lines.length > 100) return null;
  if (/[\x00-\x09\x0b-\x1f]/.test(note) || !text.endsWith('\n')) return null;
  const read = lines.map(readSignature);
  const [origin, digits, base64, ...further] = text.slice(0, -1).split('\n');
  if (!origin || further.includes('') || read.includes(null)) return null;
  if (!/^(0|[1-9][0-9]{0,19})$/.test(digits ?? '') || BigInt(digits) > MOST) return null;
  const root = fromBase64(base64 ?? '');
  if (!root || !isHash(root)) return null;
  return { origin, size: BigInt(digits), root, text, signatures: read };
}

/** Whether a checkpoint is signed by a key: `name+id+Base64`, as note tools write it. */
export function isSignedBy(checkpoint, verifierKey) {
  const [name, id, ...rest] = verifierKey.split('+');
  const key = fromBase64(rest.join('+'));
  if (!key || key.length !== 33 || key[0] !== 1 || name !== checkpoint.origin) return false;
  const hash = createHash('sha256').update(`${name}\n`).update(key).digest();
  if (hash.subarray(0, 4).toString('hex') !== id) return false;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.subarray(1).toString('base64url') };
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  const ours = checkpoint.signatures.filter(
    (it) => it.keyName === name && same(it.keyId, hash.subarray(0, 4)),
  );
  const text = Buffer.from(checkpoint.text);
  return ours.length > 0 && ours.every((it) => verify(null, text, publicKey, it.signature));
}

function readSignature(line) {
  const found = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)$/.exec(line);
  const bytes = found && fromBase64(found[2]);
  if (!bytes || bytes.length < 5) return null;
  return { keyName: found[1], keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

/** Base64 in its one canonical form. */
function fromBase64(text) {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}
