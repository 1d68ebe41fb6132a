-- Books: their history, the answers to idempotency keys, their documents and their transactions;
-- and how far their events have come to whoever is told of them.
--
-- Every key leads with the book. Ids are 16 bytes, hashes 32. Dates are days since 1970-01-01
-- (`date(booking_day * 86400, 'unixepoch')` shows one), times are microseconds since then. Amounts
-- are minor units of the currency. Lists and maps stand as JSON; an empty one is NULL.

PRAGMA application_id = 1179862599; -- 'FSFG'
PRAGMA user_version = 1;

CREATE TABLE books (
    book_id   BLOB    NOT NULL PRIMARY KEY CHECK (length(book_id) = 16),
    head_seq  INTEGER NOT NULL CHECK (head_seq > 0),
    head_hash BLOB    NOT NULL CHECK (length(head_hash) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE commits (
    book_id BLOB    NOT NULL REFERENCES books (book_id),
    seq     INTEGER NOT NULL CHECK (seq > 0),
    parent  BLOB    NOT NULL CHECK (length(parent) = 32),
    hash    BLOB    NOT NULL CHECK (length(hash) = 32),
    header  BLOB    NOT NULL,
    body    BLOB    NOT NULL,
    texts   BLOB    NOT NULL,
    PRIMARY KEY (book_id, seq)
) STRICT;

CREATE TABLE answers (
    book_id        BLOB    NOT NULL,
    key            TEXT    NOT NULL,
    seq            INTEGER NOT NULL,
    request_salt   BLOB    NOT NULL CHECK (length(request_salt) = 16),
    request_digest BLOB    NOT NULL CHECK (length(request_digest) = 32),
    answer         BLOB    NOT NULL,
    PRIMARY KEY (book_id, key),
    FOREIGN KEY (book_id, seq) REFERENCES commits (book_id, seq)
) STRICT;

CREATE TABLE documents (
    book_id BLOB NOT NULL REFERENCES books (book_id),
    kind    TEXT NOT NULL,
    key     TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (book_id, kind, key)
) STRICT;

CREATE TABLE transactions (
    book_id       BLOB    NOT NULL,
    id            BLOB    NOT NULL CHECK (length(id) = 16),
    account_id    BLOB    NOT NULL,
    booking_day   INTEGER NOT NULL,
    amount_minor  INTEGER NOT NULL,
    currency      TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    deleted       INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    category_id   BLOB,
    transfer_id   BLOB,
    payee         TEXT,
    splits        TEXT,
    tags          TEXT,
    description   TEXT    NOT NULL,
    notes         TEXT,
    search        TEXT    NOT NULL, -- description, payee and notes, folded
    value_day     INTEGER,
    sources       TEXT,             -- of what somebody set
    reference     TEXT,
    external_id   TEXT,
    attachments   TEXT,
    metadata      TEXT,
    revision      INTEGER NOT NULL,
    schedule_id   BLOB,
    goal_id       BLOB,
    PRIMARY KEY (book_id, id)
) STRICT;

-- The order of lists; the id within a day comes with the index.
CREATE INDEX transactions_by_day
    ON transactions (book_id, booking_day DESC, id DESC);
CREATE INDEX transactions_by_account
    ON transactions (book_id, account_id, booking_day DESC, id DESC);
CREATE INDEX transactions_by_category
    ON transactions (book_id, category_id, booking_day DESC, id DESC);
-- Few transactions have these.
CREATE INDEX transactions_with_splits
    ON transactions (book_id, booking_day DESC, id DESC) WHERE splits IS NOT NULL;
CREATE INDEX transactions_with_tags
    ON transactions (book_id, booking_day DESC, id DESC) WHERE tags IS NOT NULL;
-- What pays schedules and is saved for goals.
CREATE INDEX transactions_of_schedules
    ON transactions (book_id, schedule_id, booking_day DESC, id DESC)
    WHERE schedule_id IS NOT NULL;
CREATE INDEX transactions_of_goals
    ON transactions (book_id, goal_id, booking_day DESC, id DESC) WHERE goal_id IS NOT NULL;
-- What persons chose: categories are learned from it.
CREATE INDEX transactions_chosen
    ON transactions (book_id, booking_day DESC, id DESC)
    WHERE sources ->> '$.category.kind' = 'user';

-- The rows of files that transactions stand for: what a later import meets. They go with their
-- transaction, also when it is put anew.
CREATE TABLE origins (
    book_id        BLOB    NOT NULL,
    transaction_id BLOB    NOT NULL,
    number         INTEGER NOT NULL,
    account_id     BLOB    NOT NULL,
    booking_day    INTEGER NOT NULL,
    bank_id        TEXT,
    fingerprint    TEXT    NOT NULL,
    import_id      BLOB    NOT NULL,
    amount_minor   INTEGER NOT NULL,
    pending        INTEGER NOT NULL CHECK (pending IN (0, 1)),
    PRIMARY KEY (book_id, transaction_id, number),
    FOREIGN KEY (book_id, transaction_id) REFERENCES transactions (book_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX origins_by_day ON origins (book_id, account_id, booking_day);
CREATE INDEX origins_by_bank_id ON origins (book_id, account_id, bank_id)
    WHERE bank_id IS NOT NULL;

-- A book's view as bytes. It is derived: it may be deleted at any time.
CREATE TABLE snapshots (
    book_id BLOB    NOT NULL PRIMARY KEY REFERENCES books (book_id),
    seq     INTEGER NOT NULL CHECK (seq > 0),
    hash    BLOB    NOT NULL CHECK (length(hash) = 32),
    content BLOB    NOT NULL
) STRICT;

-- How far the events of a book have come to a sink. The events are in the commits.
CREATE TABLE deliveries (
    book_id     BLOB    NOT NULL REFERENCES books (book_id),
    sink        TEXT    NOT NULL,
    version     INTEGER NOT NULL CHECK (version > 0),
    seq         INTEGER NOT NULL CHECK (seq >= 0), -- done with, as are so many of the next commit:
    events      INTEGER NOT NULL CHECK (events >= 0),
    lease_owner TEXT,
    lease_until INTEGER,
    tries       INTEGER NOT NULL,
    failure     TEXT,
    retry_at    INTEGER,
    PRIMARY KEY (book_id, sink)
) STRICT, WITHOUT ROWID;

-- Events that a sink refused too often.
CREATE TABLE set_aside (
    book_id  BLOB    NOT NULL,
    sink     TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    event_id BLOB    NOT NULL CHECK (length(event_id) = 16),
    name     TEXT    NOT NULL,
    tries    INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    again    INTEGER NOT NULL CHECK (again IN (0, 1)), -- to be delivered again
    PRIMARY KEY (book_id, sink, seq, number),
    FOREIGN KEY (book_id, sink) REFERENCES deliveries (book_id, sink)
) STRICT, WITHOUT ROWID;
