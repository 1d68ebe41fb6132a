'use strict';

// Events on their way out, and the inbox of who hears them.

const { NativeInbox } = require('./native.js');
const { Rejected, Unavailable, fromNative, refused, settled } = require('./errors.js');
const { encode, text } = require('./wire.js');

/** No JSON, so that the engine says of such a failure that there was one, and nothing of its text. */
const UNSAID = '';

class Undelivered extends Error {
  constructor(reason, { unavailable = false, retry_after_seconds } = {}) {
    super(reason);
    this.unavailable = unavailable;
    if (retry_after_seconds !== undefined) this.retry_after_seconds = retry_after_seconds;
  }
}
Object.defineProperty(Undelivered.prototype, 'name', {
  value: 'Undelivered',
  configurable: true,
  writable: true,
});

/** What the engine is told of what a sink threw. */
function failure(error) {
  if (error instanceof Undelivered) {
    const { message: reason, unavailable, retry_after_seconds } = error;
    return JSON.stringify({ reason, retry_after_seconds, unavailable });
  }
  if (error instanceof Unavailable) return JSON.stringify({ reason: error.code, unavailable: true });
  return UNSAID;
}

class Relay {
  #native;
  #tell;

  constructor(engine, { sink, tell, ...settings }) {
    if (typeof tell !== 'function') throw refused('tell', 'expected a function');
    const [name, told] = [text('sink', sink) ?? '', encode(settings)];
    try {
      this.#native = engine.relay(name, told);
    } catch (error) {
      throw fromNative(error);
    }
    this.#tell = tell;
  }

  async round() {
    const tell = this.#tell;
    const ask = async (event) => {
      try {
        await tell(JSON.parse(event));
      } catch (error) {
        return failure(error);
      }
      return undefined;
    };
    return JSON.parse(await settled(this.#native.round(ask)));
  }
}

class Inbox {
  #native;

  constructor(consumer, { actor } = {}) {
    try {
      this.#native = new NativeInbox(text('consumer', consumer) ?? '', text('actor', actor) ?? '');
    } catch (error) {
      throw fromNative(error);
    }
  }

  context(it) {
    const { id, correlation_id } = it.event;
    try {
      return JSON.parse(this.#native.context(id, correlation_id ?? undefined));
    } catch (error) {
      throw fromNative(error);
    }
  }

  async once(engine, it, effect) {
    try {
      return await effect(engine.book(it.book_id, this.context(it)));
    } catch (error) {
      if (error instanceof Rejected && error.code === 'idempotency_key_reused') return undefined;
      throw error;
    }
  }
}

module.exports = { Inbox, Relay, Undelivered };
