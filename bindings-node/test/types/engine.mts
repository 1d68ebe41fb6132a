// The types as a strict compiler sees them: what is right compiles, and what is wrong does not.

import {
  FiscaFlow,
  FiscaFlowError,
  Inbox,
  Rejected,
  Undelivered,
  type Backup,
  type BookHandle,
  type Condition,
  type ErrorCode,
  type ImportPhase,
  type ImportProgress,
  type NewTransaction,
  type Outgoing,
  type Round,
  type Transaction,
} from '@fiscaflow/engine';

export async function right(): Promise<void> {
  const engine: FiscaFlow = await FiscaFlow.open('memory:');
  const book = await engine.books({ actor: 'anna' }).create({ name: 'Home', currency: 'EUR' });
  const home: BookHandle = engine.book(book.id, { actor: 'anna', idempotency_key: 'a' });

  const giro = await home.accounts.create({ name: 'Giro', kind: 'checking', number: null });
  const opening: string = giro.opening_balance.value;
  const number: string | null = giro.number;

  const tags = ['a', 'b'] as const;
  const coffee: NewTransaction = { account_id: giro.id, booking_date: '2026-03-01', amount: opening, tags };
  const made: Transaction = await home.transactions.create(coffee);
  made.tags.push(number ?? 'c');

  let cursor: string | null | undefined;
  do {
    const page = await home.transactions.list({ limit: 500, cursor });
    cursor = page.next_cursor;
  } while (cursor);

  await home.imports.create({ content: new Uint8Array([1]), create_accounts: true });
  let phase: ImportPhase | undefined;
  const onProgress = (progress: ImportProgress): void => {
    phase = progress.done < progress.total ? progress.phase : 'store';
  };
  await home.imports.preview({ content: new ArrayBuffer(1) }, { onProgress });
  const nothing: void = await home.transactions.delete(made.id);
  await home.reports.spending();

  for (const rule of await home.rules.list()) {
    await home.rules.update(rule.id, { condition: rule.condition, actions: rule.actions });
  }
  await engine.close();
  return nothing;
}

/** Unions are told apart by their tag, and all cases can be told. */
export function depth(condition: Condition): number {
  switch (condition.kind) {
    case 'all':
    case 'any':
    case 'not':
      return 1 + Math.max(0, ...condition.of.map(depth));
    case 'text':
      return condition.values.length;
    case 'amount':
      return condition.min ? 1 : 0;
    case 'direction':
      return condition.is === 'in' ? 1 : 0;
    case 'date':
      return condition.from ? 1 : 0;
    case 'account':
    case 'category':
      return condition.ids.length;
    case 'amount_near':
      return condition.percent ? 1 : 0;
    case 'currency':
      return condition.codes.length;
    case 'date_near':
    case 'day_of_month':
      return typeof condition.days === 'number' ? condition.days : condition.days.length;
    case 'weekday':
    case 'status':
      return condition.is.length;
    case 'has':
      return condition.what === 'category' ? 1 : 0;
    case 'balance':
      return 0;
    default: {
      const never: never = condition;
      return never;
    }
  }
}

export async function events(engine: FiscaFlow, other: FiscaFlow): Promise<number> {
  const made: Backup = await engine.backup('backup.db');
  const { head } = await engine.copyBook('id', other);
  const inbox = new Inbox('notes', { actor: 'anna' });
  const tell = async (it: Outgoing): Promise<void> => {
    if (it.event.seq < 2) throw new Undelivered('too early', { unavailable: true });
    const seen = await inbox.once(engine, it, (book) => book.categories.create({ name: 'Seen' }));
    // @ts-expect-error: there may be none
    seen.name;
  };
  const done: Round = await engine.relay({ sink: 'notes', tell, since: new Date() }).round();
  // @ts-expect-error: a relay needs a function
  engine.relay({ sink: 'notes' });
  // @ts-expect-error: members are in snake case
  engine.relay({ sink: 'notes', tell, pauseSeconds: 1 });
  // @ts-expect-error: a book goes to an engine
  await engine.copyBook('id', 'sqlite:other.db');
  return made.commits + head.seq + done.delivered;
}

export function errors(error: unknown): ErrorCode | undefined {
  if (error instanceof Rejected) {
    const lane: 'rejected' = error.lane;
    const line: number | undefined = error.line;
    return lane && line ? error.code : undefined;
  }
  if (!(error instanceof FiscaFlowError)) return undefined;
  // @ts-expect-error: no code is called so
  return error.code === 'not_there' ? undefined : error.code;
}

export async function wrong(home: BookHandle): Promise<void> {
  // @ts-expect-error: an engine is opened, not made
  new FiscaFlow();
  // @ts-expect-error: who acts?
  (await FiscaFlow.open('memory:')).books({});
  // @ts-expect-error: a request is needed to make something
  await home.accounts.create();
  // @ts-expect-error: a name is needed
  await home.accounts.create({ kind: 'checking' });
  // @ts-expect-error: no kind is called so
  await home.accounts.create({ name: 'Giro', kind: 'giro' });
  // @ts-expect-error: members are in snake case
  await home.accounts.create({ name: 'Giro', openingBalance: '1.00' });
  // @ts-expect-error: an amount is a decimal string
  await home.accounts.create({ name: 'Giro', opening_balance: 1.5 });
  // @ts-expect-error: a file's content is bytes
  await home.imports.create({ content: 'text' });
  // @ts-expect-error: progress is an object
  await home.imports.create({ content: new Uint8Array() }, { onProgress: (done: number) => done });
  // @ts-expect-error: only what takes long tells its progress
  await home.accounts.create({ name: 'Giro' }, { onProgress: () => {} });
  // @ts-expect-error: an id is needed
  await home.accounts.get();
  // @ts-expect-error: a day is a string
  await home.transactions.list({ from: new Date() });
  // @ts-expect-error: an action of this kind has another member
  await home.rules.create({ name: 'r', condition: { kind: 'all', of: [] }, actions: [{ kind: 'add_tag', payee: 'p' }] });
  const [account] = await home.accounts.list();
  // @ts-expect-error: there may be none
  account.name;
  // @ts-expect-error: no noun is called so
  await home.loans.list();
}
