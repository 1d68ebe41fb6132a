'use strict';

// From values of JavaScript to the JSON that the engine reads. JSON would turn what it does not
// know into `null` or `{}` without a word; here that is an error which names the field.

const { refused } = require('./errors.js');

/** Deeper than any request; what refers to itself ends here too. */
const MAX_DEPTH = 100;

/**
 * Writes a request or a context. `bytes` names the members that hold a file's bytes; they travel
 * as Base64.
 */
function encode(value, bytes = []) {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw refused('', 'expected an object with the members of the request');
  }
  if (bytes.length > 0) value = { ...value };
  for (const name of bytes) {
    if (value[name] != null) value[name] = base64(name, value[name]);
  }
  return JSON.stringify(plain(value, '', 0));
}

/** A text, or nothing. */
function text(field, value) {
  if (value == null) return undefined;
  if (typeof value !== 'string') throw refused(field, `\`${field}\` is a text`);
  return value;
}

function base64(field, value) {
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
  if (!(value instanceof Uint8Array)) {
    throw refused(field, 'expected bytes: a Uint8Array such as a Buffer');
  }
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

function plain(value, path, depth) {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return wellFormed(value, path);
  if (typeof value === 'number' || typeof value === 'bigint') return number(value, path);
  if (typeof value !== 'object') throw refused(path, `a ${typeof value} has no place in a request`);
  if (depth > MAX_DEPTH) throw refused(path, 'the request is nested too deeply');
  if (typeof value.toJSON === 'function') return plain(converted(value, path), path, depth + 1);
  if (Array.isArray(value)) {
    return Array.from(value, (item, place) => plain(item ?? null, `${path}[${place}]`, depth + 1));
  }
  if (Symbol.iterator in value) throw refused(path, 'expected a plain object or an array');
  // Without a prototype `__proto__` is a name like any other.
  const object = Object.create(null);
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    object[name] = plain(member, path ? `${path}.${name}` : name, depth + 1);
  }
  return object;
}

/** A half of a surrogate pair is no character, and no other language could read it. */
function wellFormed(value, path) {
  if (!value.isWellFormed()) throw refused(path, 'the text is not well-formed Unicode');
  return value;
}

function number(value, path) {
  const exact = typeof value === 'bigint' ? Number(value) : value;
  if (!Number.isFinite(exact)) throw refused(path, 'expected a finite number');
  if (typeof value === 'bigint' && !Number.isSafeInteger(exact)) {
    throw refused(path, 'the number is too large');
  }
  return exact;
}

/** What an object says it is in JSON, such as a decimal number of a library. */
function converted(value, path) {
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw refused(path, 'the date is not valid');
  }
  return value.toJSON();
}

module.exports = { encode, text };
