'use strict';

// One class of errors, and a subclass for each lane: what a caller should do about an error.

const codes = require('./generated/codes.js');

class FiscaFlowError extends Error {
  constructor(message, details, options) {
    super(message, options);
    this.code = details.code;
    this.lane = codes[details.code]?.lane ?? 'corrupt';
    for (const name of ['field', 'line', 'id']) {
      if (details[name] !== undefined) this[name] = details[name];
    }
  }
}

class Rejected extends FiscaFlowError {}
class Unavailable extends FiscaFlowError {}
class Corrupt extends FiscaFlowError {}

// Given in words, because a bundler may shorten the names of classes.
const names = { FiscaFlowError, Rejected, Unavailable, Corrupt };
for (const [value, type] of Object.entries(names)) {
  Object.defineProperty(type.prototype, 'name', { value, configurable: true, writable: true });
}

const lanes = { rejected: Rejected, unavailable: Unavailable, corrupt: Corrupt };

/** The error that the native part wrote into the message of its own. */
function fromNative(error) {
  let details;
  try {
    details = JSON.parse(error.message);
  } catch {
    return new Corrupt('the engine failed', { code: 'internal' }, { cause: error });
  }
  return new lanes[details.lane](details.message, details);
}

/** What the native part promised; its error becomes one of ours. */
async function settled(promise) {
  try {
    return await promise;
  } catch (error) {
    throw fromNative(error);
  }
}

/** A value that has no place in a request. */
function refused(field, message) {
  return new Rejected(message, { code: 'invalid_input', field: field || undefined });
}

module.exports = { ...names, fromNative, refused, settled };
