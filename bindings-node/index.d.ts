// The package's types. Those of nouns and shapes are generated from the engine's own table.

import type { BookHandle, Books } from './generated/nouns.js';
import type { BookId, Context, ErrorCode } from './generated/shapes.js';

export type * from './generated/nouns.js';
export type * from './generated/shapes.js';

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
  static open(url: string): Promise<FiscaFlow>;

  /** Making books: whoever makes one is its owner. */
  books(context: Context): Books;

  /**
   * One book, for one actor. Nothing is read yet; a book that is not there, or not the actor's,
   * answers `book_not_found` to whatever is asked.
   */
  book(bookId: BookId, context: Context): BookHandle;

  /** Closes the store; later calls answer `closed`. Closing twice does no harm. */
  close(): Promise<void>;

  /** Closes the store at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
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
