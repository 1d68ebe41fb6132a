-- Books: their history, the answers to idempotency keys, their documents and their transactions;
-- and how far their events have come to whoever is told of them.
--
-- Every key leads with the book. Hashes are 32 bytes. Dates are days since 1970-01-01
-- (`date '1970-01-01' + booking_day::int` shows one), times are microseconds since then. Amounts
-- are minor units of the currency. Lists and maps stand as JSON; an empty one is NULL. Texts are
-- compared by their bytes.

CREATE SCHEMA fiscaflow;

-- One row: the version of this schema.
CREATE TABLE fiscaflow.schema_version (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint  NOT NULL
);

CREATE TABLE fiscaflow.books (
    book_id   uuid   NOT NULL PRIMARY KEY,
    head_seq  bigint NOT NULL CHECK (head_seq > 0),
    head_hash bytea  NOT NULL CHECK (octet_length(head_hash) = 32)
);

CREATE TABLE fiscaflow.commits (
    book_id uuid   NOT NULL REFERENCES fiscaflow.books (book_id),
    seq     bigint NOT NULL CHECK (seq > 0),
    parent  bytea  NOT NULL CHECK (octet_length(parent) = 32),
    hash    bytea  NOT NULL CHECK (octet_length(hash) = 32),
    header  bytea  NOT NULL,
    body    bytea  NOT NULL,
    texts   bytea  NOT NULL,
    PRIMARY KEY (book_id, seq)
);

CREATE TABLE fiscaflow.answers (
    book_id        uuid   NOT NULL,
    key            text   COLLATE "C" NOT NULL,
    seq            bigint NOT NULL,
    request_salt   bytea  NOT NULL CHECK (octet_length(request_salt) = 16),
    request_digest bytea  NOT NULL CHECK (octet_length(request_digest) = 32),
    answer         bytea  NOT NULL,
    PRIMARY KEY (book_id, key),
    FOREIGN KEY (book_id, seq) REFERENCES fiscaflow.commits (book_id, seq)
);

CREATE TABLE fiscaflow.documents (
    book_id uuid NOT NULL REFERENCES fiscaflow.books (book_id),
    kind    text COLLATE "C" NOT NULL,
    key     text COLLATE "C" NOT NULL,
    content text COLLATE "C" NOT NULL,
    PRIMARY KEY (book_id, kind, key)
);

CREATE TABLE fiscaflow.transactions (
    book_id         uuid    NOT NULL,
    id              uuid    NOT NULL,
    account_id      uuid    NOT NULL,
    booking_day     bigint  NOT NULL,
    amount_minor    bigint  NOT NULL,
    revision        bigint  NOT NULL,
    value_day       bigint,
    category_id     uuid,
    transfer_id     uuid,
    schedule_id     uuid,
    goal_id         uuid,
    deleted         boolean NOT NULL,
    currency        text    COLLATE "C" NOT NULL,
    status          text    COLLATE "C" NOT NULL,
    category_source text    COLLATE "C", -- who set the category, as `sources` tells it
    payee           text    COLLATE "C",
    splits          text    COLLATE "C",
    tags            text    COLLATE "C",
    description     text    COLLATE "C" NOT NULL,
    notes           text    COLLATE "C",
    search          text    COLLATE "C" NOT NULL, -- description, payee and notes, folded
    sources         text    COLLATE "C", -- of what somebody set
    reference       text    COLLATE "C",
    external_id     text    COLLATE "C",
    attachments     text    COLLATE "C",
    metadata        text    COLLATE "C",
    PRIMARY KEY (book_id, id)
);

-- What is hashed is hardly ever read again by parts: kept as it came, it costs no processor.
ALTER TABLE fiscaflow.commits ALTER COLUMN body SET STORAGE EXTERNAL;

-- The order of lists.
CREATE INDEX transactions_by_day
    ON fiscaflow.transactions (book_id, booking_day DESC, id DESC);
CREATE INDEX transactions_by_account
    ON fiscaflow.transactions (book_id, account_id, booking_day DESC, id DESC);
CREATE INDEX transactions_by_category
    ON fiscaflow.transactions (book_id, category_id, booking_day DESC, id DESC)
    WHERE category_id IS NOT NULL;
CREATE INDEX transactions_uncategorised
    ON fiscaflow.transactions (book_id, booking_day DESC, id DESC)
    WHERE category_id IS NULL AND splits IS NULL;
-- Few transactions have these.
CREATE INDEX transactions_with_splits
    ON fiscaflow.transactions (book_id, booking_day DESC, id DESC) WHERE splits IS NOT NULL;
CREATE INDEX transactions_with_tags
    ON fiscaflow.transactions (book_id, booking_day DESC, id DESC) WHERE tags IS NOT NULL;
-- What pays schedules and is saved for goals.
CREATE INDEX transactions_of_schedules
    ON fiscaflow.transactions (book_id, schedule_id, booking_day DESC, id DESC)
    WHERE schedule_id IS NOT NULL;
CREATE INDEX transactions_of_goals
    ON fiscaflow.transactions (book_id, goal_id, booking_day DESC, id DESC)
    WHERE goal_id IS NOT NULL;
-- What persons chose: categories are learned from it.
CREATE INDEX transactions_chosen
    ON fiscaflow.transactions (book_id, booking_day DESC, id DESC)
    WHERE category_source = 'user';

-- The rows of files that transactions stand for: what a later import meets.
CREATE TABLE fiscaflow.origins (
    book_id        uuid    NOT NULL,
    transaction_id uuid    NOT NULL,
    number         bigint  NOT NULL,
    account_id     uuid    NOT NULL,
    import_id      uuid    NOT NULL,
    booking_day    bigint  NOT NULL,
    amount_minor   bigint  NOT NULL,
    pending        boolean NOT NULL,
    bank_id        text    COLLATE "C",
    fingerprint    text    COLLATE "C" NOT NULL,
    PRIMARY KEY (book_id, transaction_id, number)
);

CREATE INDEX origins_by_day ON fiscaflow.origins (book_id, account_id, booking_day);
CREATE INDEX origins_by_bank_id ON fiscaflow.origins (book_id, account_id, bank_id)
    WHERE bank_id IS NOT NULL;

-- A book's view as bytes. It is derived: it may be deleted at any time.
CREATE TABLE fiscaflow.snapshots (
    book_id uuid   NOT NULL PRIMARY KEY REFERENCES fiscaflow.books (book_id),
    seq     bigint NOT NULL CHECK (seq > 0),
    hash    bytea  NOT NULL CHECK (octet_length(hash) = 32),
    content bytea  NOT NULL
);
ALTER TABLE fiscaflow.snapshots ALTER COLUMN content SET STORAGE EXTERNAL;

-- How far the events of a book have come to a sink. The events are in the commits.
CREATE TABLE fiscaflow.deliveries (
    book_id     uuid   NOT NULL REFERENCES fiscaflow.books (book_id),
    sink        text   COLLATE "C" NOT NULL,
    version     bigint NOT NULL CHECK (version > 0),
    seq         bigint NOT NULL CHECK (seq >= 0), -- done with, as are so many of the next commit:
    events      bigint NOT NULL CHECK (events >= 0),
    lease_owner text   COLLATE "C",
    lease_until bigint,
    tries       bigint NOT NULL,
    failure     text   COLLATE "C",
    retry_at    bigint,
    PRIMARY KEY (book_id, sink)
);

-- Events that a sink refused too often.
CREATE TABLE fiscaflow.set_aside (
    book_id  uuid    NOT NULL,
    sink     text    COLLATE "C" NOT NULL,
    seq      bigint  NOT NULL,
    number   bigint  NOT NULL,
    event_id uuid    NOT NULL,
    name     text    COLLATE "C" NOT NULL,
    tries    bigint  NOT NULL,
    reason   text    COLLATE "C" NOT NULL,
    at       bigint  NOT NULL,
    again    boolean NOT NULL, -- to be delivered again
    PRIMARY KEY (book_id, sink, seq, number),
    FOREIGN KEY (book_id, sink) REFERENCES fiscaflow.deliveries (book_id, sink)
);

-- The second wall: a statement sees the book that it named before it looked, and no other, whatever
-- its own conditions say. `IS NOT DISTINCT FROM` keeps the planner from taking the wall for a key:
-- it is asked of each row that was found, never used to find rows.
CREATE FUNCTION fiscaflow.current_book() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('fiscaflow.book', true), '')::uuid;

ALTER TABLE fiscaflow.books ENABLE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.books FORCE ROW LEVEL SECURITY;
CREATE POLICY one_book ON fiscaflow.books
    USING (book_id IS NOT DISTINCT FROM (SELECT fiscaflow.current_book()));
ALTER TABLE fiscaflow.commits ENABLE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.commits FORCE ROW LEVEL SECURITY;
CREATE POLICY one_book ON fiscaflow.commits
    USING (book_id IS NOT DISTINCT FROM (SELECT fiscaflow.current_book()));
ALTER TABLE fiscaflow.answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.answers FORCE ROW LEVEL SECURITY;
CREATE POLICY one_book ON fiscaflow.answers
    USING (book_id IS NOT DISTINCT FROM (SELECT fiscaflow.current_book()));
ALTER TABLE fiscaflow.documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.documents FORCE ROW LEVEL SECURITY;
CREATE POLICY one_book ON fiscaflow.documents
    USING (book_id IS NOT DISTINCT FROM (SELECT fiscaflow.current_book()));
ALTER TABLE fiscaflow.transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.transactions FORCE ROW LEVEL SECURITY;
CREATE POLICY one_book ON fiscaflow.transactions
    USING (book_id IS NOT DISTINCT FROM (SELECT fiscaflow.current_book()));
ALTER TABLE fiscaflow.origins ENABLE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.origins FORCE ROW LEVEL SECURITY;
CREATE POLICY one_book ON fiscaflow.origins
    USING (book_id IS NOT DISTINCT FROM (SELECT fiscaflow.current_book()));
ALTER TABLE fiscaflow.snapshots ENABLE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.snapshots FORCE ROW LEVEL SECURITY;
CREATE POLICY one_book ON fiscaflow.snapshots
    USING (book_id IS NOT DISTINCT FROM (SELECT fiscaflow.current_book()));
ALTER TABLE fiscaflow.deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY one_book ON fiscaflow.deliveries
    USING (book_id IS NOT DISTINCT FROM (SELECT fiscaflow.current_book()));
ALTER TABLE fiscaflow.set_aside ENABLE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.set_aside FORCE ROW LEVEL SECURITY;
CREATE POLICY one_book ON fiscaflow.set_aside
    USING (book_id IS NOT DISTINCT FROM (SELECT fiscaflow.current_book()));

-- Which books have events that wait is asked of all of them. That statement says so, and sees heads
-- and deliveries, which tell nothing of what is in a book.
CREATE POLICY waiting ON fiscaflow.books FOR SELECT
    USING ((SELECT current_setting('fiscaflow.waiting', true)) = 'on');
CREATE POLICY waiting ON fiscaflow.deliveries FOR SELECT
    USING ((SELECT current_setting('fiscaflow.waiting', true)) = 'on');
CREATE POLICY waiting ON fiscaflow.set_aside FOR SELECT
    USING ((SELECT current_setting('fiscaflow.waiting', true)) = 'on');

INSERT INTO fiscaflow.schema_version (version) VALUES (1);
