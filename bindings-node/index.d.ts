// The package's types. Those of nouns and shapes are generated from the engine's own table.

import type { BookHandle, Books } from './generated/nouns.js';
import type { BookId, Context, ErrorCode, Event } from './generated/shapes.js';

export type * from './generated/nouns.js';
export type * from './generated/shapes.js';

/** A host's keys. None is needed; what wants one answers without it. */
export interface Keys {
  /** The master keys of `book.secrets`: `VERSION:BASE64` each, apart by commas. */
  secretKeys?: string;
  /** What signs the checkpoints of `book.proofs`: a private key as note tools write it. */
  signingKey?: string;
}

/**
 * An engine over one store of books. One engine serves a whole process: keep it, and close it at
 * the end.
 *
 * ```js
 * const engine = await FiscaFlow.open('sqlite:home.db');
 * const book = await engine.books({ actor: 'anna' }).create({ name: 'Home', currency: 'EUR' });
 * const home = engine.book(book.id, { actor: 'anna' });
 * await home.accounts.create({ name: 'Giro' });
 * ```
 */
export declare class FiscaFlow {
  private constructor();

  /**
   * Opens a store: `memory:`, which is gone when it is closed, or `sqlite:PATH`, a file that is
   * made where it is absent.
   */
  static open(url: string, keys?: Keys): Promise<FiscaFlow>;

  /** Making books: whoever makes one is its owner. */
  books(context: Context): Books;

  /**
   * One book, for one actor. Nothing is read yet; a book that is not there, or not the actor's,
   * answers `book_not_found` to whatever is asked.
   */
  book(bookId: BookId, context: Context): BookHandle;

  /**
   * Backs up every book into an SQLite file that must not be there yet, while the engine is used.
   * An SQLite database is copied as it is at one moment; of any other store each book is copied
   * with its history, without how far its events were delivered. Once this is fulfilled, the file
   * is on the disk and every history in it verifies; otherwise there is no file.
   */
  backup(path: string): Promise<Backup>;

  /**
   * Restores a backup, whatever store it was made of, where a URL says. Everything in it is checked
   * before anything is written. `sqlite:PATH` names a file that must not be there yet. Into
   * PostgreSQL its books are copied: those that are not there, and the rest of those whose history
   * there is the beginning of the one in the backup; so what was cut off goes on when it is
   * repeated. Where the database has another history of a book, or a longer one, the error is
   * `id_conflict`, and nothing is written. `memory:` keeps nothing, and thereby tries a backup.
   */
  static restore(backup: string, url: string): Promise<Backup>;

  /**
   * Copies to another engine's store what it lacks of a book: every commit, checked, so that both
   * histories are the same. A copy that was cut off goes on when it is repeated, and what is new
   * comes in either direction. Nobody's role is asked. Where the other store has another history
   * of the book, the error is `id_conflict`, with the first commit that differs as `id`.
   */
  copyBook(bookId: BookId, to: FiscaFlow): Promise<Copied>;

  /**
   * What delivers the events of all books to a function: each book's in order, at least once.
   */
  relay(options: RelayOptions): Relay;

  /** Closes the store; later calls answer `closed`. Closing twice does no harm. */
  close(): Promise<void>;

  /** Closes the store at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a backup holds. */
export interface Backup {
  /** Its books. */
  books: number;
  /** The bytes of the file. */
  bytes: number;
  /** Their commits, each of which fits its hash and its parent. */
  commits: number;
}

/** What came of copying a book. */
export interface Copied {
  /** Commits that were added. */
  commits: number;
  /** The newest commit that the copy has now; the first of a book has the number 1. */
  head: { hash: string; seq: number };
}

/** An event on its way out. */
export interface Outgoing {
  /** The book in which it happened. */
  book_id: BookId;
  /** What happened. Its id is the same at every delivery. */
  event: Event;
}

/** How events are delivered. */
export interface RelayOptions {
  /** The name under which is kept how far it has come; another name is told everything anew. */
  sink: string;
  /**
   * Is given one event at a time, and takes it by returning or by the promise that it returns. What
   * it throws refuses the event, which is tried again after a pause and set aside in the end; an
   * `Undelivered` says more.
   */
  tell(it: Outgoing): unknown;
  /**
   * How many events there may be between two places that are kept, 20 where absent: after a failure
   * as many are told again.
   */
  batch?: number | undefined;
  /** How long a book's events are this relay's, 60 where absent: more than a batch ever takes. */
  lease_seconds?: number | undefined;
  /** How long an event waits that was refused, 10 where absent; twice as long each further time. */
  pause_seconds?: number | undefined;
  /** Events from before this instant are passed over. */
  since?: Date | string | undefined;
  /** How often an event is refused before it is set aside, 5 where absent. */
  tries?: number | undefined;
}

/** What a round came to. */
export interface Round {
  /** Books whose history is damaged, with the code of the error; they wait for an hour. */
  broken: { book_id: BookId; code: ErrorCode }[];
  /** Events that the sink took. */
  delivered: number;
  /** Whether a book had more events than its turn took: the next round need not wait. */
  more: boolean;
  /** Books whose next event was refused and waits. */
  put_off: number;
  /** Events that were set aside. */
  set_aside: number;
  /** Why the sink could take nothing of a book now. */
  unavailable: string | null;
}

/** Delivers the events of all books to one sink, a round at a time. */
export interface Relay {
  /**
   * Gives each book whose events wait a turn. Call it again at once where there was `more`,
   * otherwise after a pause.
   */
  round(): Promise<Round>;
}

/**
 * What a sink throws to say why it does not take an event. Whatever else it throws refuses the
 * event, too, and nothing of it is told; but an `Unavailable` of an engine means that the sink
 * takes no event now.
 */
export declare class Undelivered extends Error {
  /**
   * @param reason Why, in words that hold nothing personal: operators read them.
   * @param options Whether the sink takes no event now, and in how long it wants to be asked again:
   *   then nothing is counted, and the book waits.
   */
  constructor(reason: string, options?: { unavailable?: boolean; retry_after_seconds?: number });
  readonly unavailable: boolean;
  readonly retry_after_seconds?: number;
}

/** A consumer of events whose effects are writes of the engine, each of which happens once. */
export declare class Inbox {
  /**
   * @param consumer Its name, under which it is remembered what it has done.
   * @param options As whom it acts: a member of the books.
   */
  constructor(consumer: string, options: { actor: string });

  /** How a write says that it is the effect of an event. */
  context(it: Outgoing): Context;

  /**
   * Does what an event calls for, one write on its book, unless it was done before. The answer is
   * the first one; `undefined` where the first time something else was written.
   */
  once<T>(
    engine: FiscaFlow,
    it: Outgoing,
    effect: (book: BookHandle) => Promise<T>,
  ): Promise<T | undefined>;
}

/** What a caller should do about an error: change the request, try again, or stop and look. */
export type Lane = 'rejected' | 'unavailable' | 'corrupt';

/** What is known about an error beside its message. */
export interface ErrorDetails {
  /** The reason, stable across versions and languages. */
  code: ErrorCode;
  /** The field of the request or of the file's record, where one is at fault. */
  field?: string;
  /** The line of the file, counted from 1, where one is at fault. */
  line?: number;
  /** The object concerned, where there is one. */
  id?: string;
}

/** Why something could not be done. Messages hold no amounts, payees or SQL. */
export declare abstract class FiscaFlowError extends Error implements ErrorDetails {
  constructor(message: string, details: ErrorDetails);
  readonly lane: Lane;
  readonly code: ErrorCode;
  readonly field?: string;
  readonly line?: number;
  readonly id?: string;
}

/** A domain answer: the same request will fail again, so the caller must change something. */
export declare class Rejected extends FiscaFlowError {
  readonly lane: 'rejected';
}

/** The store could not answer now: the same request may succeed later. */
export declare class Unavailable extends FiscaFlowError {
  readonly lane: 'unavailable';
}

/** What is stored contradicts itself, or the engine has a defect: stop and look. */
export declare class Corrupt extends FiscaFlowError {
  readonly lane: 'corrupt';
}

declare global {
  interface SymbolConstructor {
    /** The symbol of `await using`, for compilers whose library does not have it yet. */
    readonly asyncDispose: unique symbol;
  }
}
