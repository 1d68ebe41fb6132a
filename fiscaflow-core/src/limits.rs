//! Every limit, in one table. What exceeds one is refused with `limit_exceeded`.

/// Transactions in one page of a list.
pub const MAX_PAGE: u32 = 500;
/// Transactions in a page where the query names no number.
pub const DEFAULT_PAGE: u32 = 50;
/// Transactions in one bulk request.
pub const MAX_BATCH: usize = 1_000;
/// Bytes of a raw description.
pub const MAX_DESCRIPTION_BYTES: usize = 4_096;
/// Bytes of notes.
pub const MAX_NOTES_BYTES: usize = 10_240;
/// Parts of one transaction.
pub const MAX_SPLITS: usize = 100;
/// Tags of one transaction.
pub const MAX_TAGS: usize = 50;
/// Attachments of one transaction.
pub const MAX_ATTACHMENTS: usize = 50;
/// Members of one transaction's metadata.
pub const MAX_METADATA: usize = 50;
/// Bytes of a name (of a book, account, category, payee, rule, tag...).
pub const MAX_NAME_BYTES: usize = 255;
/// Bytes of an idempotency key, correlation id or causation id.
pub const MAX_KEY_BYTES: usize = 255;
/// Rules of a book.
pub const MAX_RULES: usize = 10_000;
/// Nodes of one rule's condition.
pub const MAX_CONDITION_NODES: usize = 500;
/// Levels of one rule's condition.
pub const MAX_CONDITION_DEPTH: usize = 32;
/// Values of one text condition.
pub const MAX_VALUES: usize = 500;
/// Bytes of a regular expression.
pub const MAX_PATTERN_BYTES: usize = 512;
/// Bytes of the compiled regular expressions of one rule, all together.
pub const MAX_PATTERN_SIZE: usize = 256 * 1024;
/// Characters of the classes of a rule's regular expressions, together: classes by name and ranges
/// count as often as they stand there, because each of their characters is looked up.
pub const MAX_PATTERN_CHARACTERS: u64 = 900_000;
/// Regular expressions of one rule.
pub const MAX_PATTERNS: usize = 200;
/// Rules of a book that have regular expressions, which bounds the memory that all of them take.
pub const MAX_PATTERN_RULES: usize = 500;
/// Bytes of a rule's sentence.
pub const MAX_RULE_TEXT_BYTES: usize = 1024 * 1024;
/// Bytes of a text that regular expressions of rules see.
pub const MAX_PATTERN_TEXT: usize = 512;
/// What regular expressions may do in one run of the rules, in bytes of text times a quarter of
/// the states of the expression, at least.
pub const PATTERN_UNITS: u64 = 250_000_000;
/// What they may do beyond that for each transaction of the run.
pub const PATTERN_UNITS_PER_ROW: u64 = 50_000;
/// Bytes of a question in words.
pub const MAX_QUESTION_BYTES: usize = 1_000;
/// Actions of one rule.
pub const MAX_ACTIONS: usize = 50;
/// Accounts, categories, payees, budgets, schedules, goals or months of assignments of a book,
/// each.
pub const MAX_DOCUMENTS: usize = 10_000;
/// Periods of a budget in one answer.
pub const MAX_BUDGET_PERIODS: usize = 1_000;
/// Periods of the past from which a limit is recommended.
pub const MAX_PAST_PERIODS: usize = 60;
/// Tags of one budget.
pub const MAX_BUDGET_TAGS: usize = 50;
/// Automations of one envelope.
pub const MAX_AUTOMATIONS: usize = 50;
/// The weight of one share of the remainder.
pub const MAX_WEIGHT: u32 = 1_000_000;
/// Thresholds of one budget, or milestones of one goal.
pub const MAX_THRESHOLDS: usize = 10;
/// Days, weeks, months or years in one period or between two occurrences.
pub const MAX_PERIOD_UNITS: u32 = 1_000;
/// Days on which one recurrence falls in its unit.
pub const MAX_RECURRENCE_DAYS: usize = 31;
/// Days on which a recurrence is left out.
pub const MAX_SKIPPED_DAYS: usize = 1_000;
/// Commits in one page of the history.
pub const MAX_HISTORY_PAGE: u32 = 500;
/// Bytes of an imported file.
pub const MAX_FILE_BYTES: usize = 20 * 1024 * 1024;
/// Bytes of a JSON export that is restored.
pub const MAX_RESTORE_BYTES: usize = 256 * 1024 * 1024;
/// Transactions of an imported file.
pub const MAX_FILE_ROWS: usize = 100_000;
/// Payees of which a book does not learn.
pub const MAX_FORGOTTEN: usize = 500;
/// Dated rates in one look for transfers.
pub const MAX_RATES: usize = 1_000;
/// Rates of one day and base that a book keeps.
pub const MAX_QUOTES: usize = 200;
/// Days and bases of which a book keeps rates.
pub const MAX_RATE_SHEETS: usize = 20_000;
/// Days that a rate may be old where it is used.
pub const MAX_RATE_AGE_DAYS: u32 = 366;
/// How often a write is decided again when the book has moved on.
pub const MAX_ATTEMPTS: u32 = 8;
/// Categories among which outside help chooses.
pub const MAX_CHOICES: usize = 250;
/// Payees that one request asks outside help about.
pub const MAX_ASKED: usize = 120;
/// Payees in one question to outside help.
pub const MAX_ASKED_AT_ONCE: usize = 40;
/// Bytes that are kept of the reason why an event was not delivered.
pub const MAX_REASON_BYTES: usize = 1_000;
