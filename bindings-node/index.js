'use strict';

// The package's entry: what opens an engine, calls it and closes it. The nouns and verbs of a
// book are generated from the engine's own table.

const { NativeEngine } = require('./native.js');
const { Inbox, Relay, Undelivered } = require('./delivery.js');
const { Books, BookHandle } = require('./generated/nouns.js');
const errors = require('./errors.js');
const { encode, text } = require('./wire.js');

const { Corrupt, FiscaFlowError, Rejected, Unavailable, refused, settled } = errors;

class FiscaFlow {
  #native;

  constructor(native) {
    if (!(native instanceof NativeEngine)) {
      throw new TypeError('an engine is opened by `await FiscaFlow.open(url)`');
    }
    this.#native = native;
  }

  static async open(url, { secretKeys, signingKey } = {}) {
    const keys = [text('secretKeys', secretKeys), text('signingKey', signingKey)];
    return new FiscaFlow(await settled(NativeEngine.open(text('url', url) ?? '', ...keys)));
  }

  books(context) {
    return new Books(this.#caller(undefined, context));
  }

  book(bookId, context) {
    return new BookHandle(this.#caller(bookId, context));
  }

  async backup(path) {
    return JSON.parse(await settled(this.#native.backup(text('path', path) ?? '')));
  }

  static async restore(backup, url) {
    const [file, place] = [text('backup', backup) ?? '', text('url', url) ?? ''];
    return JSON.parse(await settled(NativeEngine.restore(file, place)));
  }

  async copyBook(bookId, to) {
    if (!(to instanceof FiscaFlow)) throw refused('to', 'expected an engine');
    const id = text('book_id', bookId) ?? '';
    return JSON.parse(await settled(this.#native.copyBook(id, to.#native)));
  }

  relay(options) {
    return new Relay(this.#native, options);
  }

  async close() {
    await settled(this.#native.close());
  }

  /** What nouns call to run a verb: it knows the engine, the book and who acts. */
  #caller(bookId, context) {
    const native = this.#native;
    const fixed = { ...context };
    return async (verb, id, request, bytes, options) => {
      const answer = await settled(
        native.call(
          {
            verb,
            bookId: text('book_id', bookId),
            context: encode(fixed),
            id: text('id', id),
            request: request == null ? undefined : encode(request, bytes),
          },
          listener(options?.onProgress),
        ),
      );
      return JSON.parse(answer) ?? undefined;
    };
  }
}

// Node.js has had the symbol of `await using` since 20.5.
if (Symbol.asyncDispose) {
  FiscaFlow.prototype[Symbol.asyncDispose] = FiscaFlow.prototype.close;
}

/** What the native part tells progress to: it never throws, so that the call goes on. */
function listener(onProgress) {
  if (onProgress == null) return undefined;
  if (typeof onProgress !== 'function') throw refused('onProgress', 'expected a function');
  return (progress) => {
    try {
      onProgress(JSON.parse(progress));
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  };
}

module.exports = {
  Corrupt,
  FiscaFlow,
  FiscaFlowError,
  Inbox,
  Rejected,
  Unavailable,
  Undelivered,
};
