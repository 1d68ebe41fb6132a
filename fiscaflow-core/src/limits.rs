//! The limits of requests, books and answers, in one table; what bounds the work inside stands
//! where the work is. What exceeds one is refused with `limit_exceeded`, a number out of its range
//! with `invalid_input`. `docs/limits.md` shows the table and the exceptions; a test holds each.

macro_rules! limits {
    ($($(#[doc = $about:literal])* $name:ident: $kind:ty = $value:expr;)*) => {
        $($(#[doc = $about])* pub const $name: $kind = $value;)*

        /// Each limit's name, value and meaning, in the order of this file.
        pub const ALL: &[(&str, u64, &str)] =
            &[$((stringify!($name), $value, concat!($($about),*)),)*];
    };
}

limits! {
    /// Transactions in one page of a list.
    MAX_PAGE: u32 = 500;
    /// Transactions in a page where the query names no number.
    DEFAULT_PAGE: u32 = 50;
    /// Transactions in one bulk request.
    MAX_BATCH: usize = 1_000;
    /// Bytes of a raw description, or of one value of a transaction's metadata.
    MAX_DESCRIPTION_BYTES: usize = 4_096;
    /// Bytes of notes.
    MAX_NOTES_BYTES: usize = 10_240;
    /// Parts of one transaction.
    MAX_SPLITS: usize = 100;
    /// Tags of one transaction.
    MAX_TAGS: usize = 50;
    /// Attachments of one transaction.
    MAX_ATTACHMENTS: usize = 50;
    /// Members of one transaction's metadata.
    MAX_METADATA: usize = 50;
    /// Bytes of a name (of a book, account, category, payee, rule, tag, file, sink...), and of a
    /// reference, an account's number or the id that a bank gives a transaction.
    MAX_NAME_BYTES: usize = 255;
    /// Bytes of an idempotency key, correlation id or causation id.
    MAX_KEY_BYTES: usize = 255;
    /// Bytes of a secret's value.
    MAX_SECRET_BYTES: usize = 16 * 1024;
    /// Rules of a book.
    MAX_RULES: usize = 10_000;
    /// Nodes of one rule's condition.
    MAX_CONDITION_NODES: usize = 500;
    /// Levels of one rule's condition.
    MAX_CONDITION_DEPTH: usize = 32;
    /// Values of one text condition.
    MAX_VALUES: usize = 500;
    /// Bytes of a regular expression.
    MAX_PATTERN_BYTES: usize = 512;
    /// Bytes of the compiled regular expressions of one rule, all together.
    MAX_PATTERN_SIZE: usize = 256 * 1024;
    /// Characters of the classes of a rule's regular expressions, together: classes by name and
    /// ranges count as often as they stand there, because each of their characters is looked up.
    MAX_PATTERN_CHARACTERS: u64 = 900_000;
    /// Regular expressions of one rule.
    MAX_PATTERNS: usize = 200;
    /// Rules of a book that have regular expressions, which bounds the memory that all of them
    /// take.
    MAX_PATTERN_RULES: usize = 500;
    /// Bytes of a rule's sentence.
    MAX_RULE_TEXT_BYTES: usize = 1024 * 1024;
    /// Bytes of a text that regular expressions of rules see.
    MAX_PATTERN_TEXT: usize = 512;
    /// What regular expressions may do in one run of the rules, in bytes of text times a quarter of
    /// the states of the expression, at least.
    PATTERN_UNITS: u64 = 250_000_000;
    /// What they may do beyond that for each transaction of the run.
    PATTERN_UNITS_PER_ROW: u64 = 50_000;
    /// Bytes of a question in words.
    MAX_QUESTION_BYTES: usize = 1_000;
    /// Actions of one rule.
    MAX_ACTIONS: usize = 50;
    /// Currencies of a book's own.
    MAX_CURRENCIES: usize = 100;
    /// Accounts, categories, payees, budgets, schedules, goals or months of assignments of a book,
    /// each.
    MAX_DOCUMENTS: usize = 10_000;
    /// Periods of a budget in one answer.
    MAX_BUDGET_PERIODS: usize = 1_000;
    /// Periods of the past from which a limit is recommended.
    MAX_PAST_PERIODS: usize = 60;
    /// Tags of one budget.
    MAX_BUDGET_TAGS: usize = 50;
    /// Automations of one envelope.
    MAX_AUTOMATIONS: usize = 50;
    /// The weight of one share of the remainder.
    MAX_WEIGHT: u32 = 1_000_000;
    /// Thresholds of one budget, or milestones of one goal.
    MAX_THRESHOLDS: usize = 10;
    /// Percent of a budget that can be announced.
    MAX_THRESHOLD: u32 = 10_000;
    /// Days that a payment of a schedule may be early or late.
    MAX_TOLERANCE_DAYS: u32 = 31;
    /// Occurrences of schedules in one answer.
    MAX_OCCURRENCES: usize = 10_000;
    /// Days, weeks, months or years in one period or between two occurrences.
    MAX_PERIOD_UNITS: u32 = 1_000;
    /// Days on which one recurrence falls in its unit.
    MAX_RECURRENCE_DAYS: usize = 31;
    /// Days on which a recurrence is left out.
    MAX_SKIPPED_DAYS: usize = 1_000;
    /// Rows of one answer of a report, and transactions that an answer names.
    MAX_ROWS: usize = 100_000;
    /// Dimensions of a report.
    MAX_DIMENSIONS: usize = 3;
    /// Units of a report's span of the past.
    MAX_SPAN_UNITS: u32 = 1_000;
    /// Payees with whom most was spent, in one answer.
    MAX_TOP_PAYEES: u32 = 1_000;
    /// Unusual payments in one answer.
    MAX_UNUSUAL: usize = 10_000;
    /// Days of a forecast.
    MAX_FORECAST_DAYS: u32 = 366;
    /// Forecasts of the past in one test of them.
    MAX_FORECASTS: u32 = 200;
    /// Transactions that a test of rules lists.
    MAX_REPORT_LIST: u32 = 1_000;
    /// Commits in one page of the history.
    MAX_HISTORY_PAGE: u32 = 500;
    /// Transactions that a book may have, deleted ones counted, to be asked as of a past point: it
    /// is held in memory then.
    MAX_PAST_TRANSACTIONS: usize = 100_000;
    /// Bytes of an imported file.
    MAX_FILE_BYTES: usize = 20 * 1024 * 1024;
    /// Bytes of a JSON export that is restored.
    MAX_RESTORE_BYTES: usize = 256 * 1024 * 1024;
    /// Transactions of an imported file.
    MAX_FILE_ROWS: usize = 100_000;
    /// Columns of a CSV file.
    MAX_COLUMNS: usize = 256;
    /// Bytes of a CSV cell in quotes; a quote that is closed later is a stray one.
    MAX_CELL_BYTES: usize = 10_000;
    /// Records before the header of a CSV file that a profile skips.
    MAX_SKIP_ROWS: u32 = 1_000;
    /// Words of a CSV profile for a direction.
    MAX_PROFILE_WORDS: usize = 32;
    /// Payees of which a book does not learn.
    MAX_FORGOTTEN: usize = 500;
    /// Dated rates in one look for transfers.
    MAX_RATES: usize = 1_000;
    /// Rates of one day and base that a book keeps.
    MAX_QUOTES: usize = 200;
    /// Days and bases of which a book keeps rates.
    MAX_RATE_SHEETS: usize = 20_000;
    /// Days and bases of rates in one answer.
    MAX_LISTED_SHEETS: usize = 4_000;
    /// Days that a rate may be old where it is used.
    MAX_RATE_AGE_DAYS: u32 = 366;
    /// How often a write is decided again when the book has moved on.
    MAX_ATTEMPTS: u32 = 64;
    /// Categories among which outside help chooses.
    MAX_CHOICES: usize = 250;
    /// Payees that one request asks outside help about.
    MAX_ASKED: usize = 120;
    /// Payees in one question to outside help.
    MAX_ASKED_AT_ONCE: usize = 40;
    /// Bytes that are kept of the reason why an event was not delivered.
    MAX_REASON_BYTES: usize = 1_000;
}
