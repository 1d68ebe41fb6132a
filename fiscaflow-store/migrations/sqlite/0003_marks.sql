-- Which books have events that wait, so that nobody has to look at all of them.

PRAGMA user_version = 3;

-- Whether a book has moved and no sink was told of it yet.
ALTER TABLE books ADD COLUMN moved INTEGER NOT NULL DEFAULT 1 CHECK (moved IN (0, 1));
CREATE INDEX books_moved ON books (book_id) WHERE moved = 1;

-- Who is told of events. Of one that is complete something is kept for every book that has not
-- moved; for others all books are looked at.
CREATE TABLE sinks (
    sink     TEXT    NOT NULL PRIMARY KEY,
    complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1))
) STRICT, WITHOUT ROWID;
INSERT INTO sinks (sink) SELECT DISTINCT sink FROM deliveries;

-- A version of 0, of which nothing was written yet; how often nobody answered; and whether events
-- wait, as the book was when `moved` ended.
ALTER TABLE set_aside RENAME TO set_aside_2;
ALTER TABLE deliveries RENAME TO deliveries_2;
CREATE TABLE deliveries (
    book_id     BLOB    NOT NULL REFERENCES books (book_id),
    sink        TEXT    NOT NULL,
    version     INTEGER NOT NULL CHECK (version >= 0), -- 0: nothing was written yet
    seq         INTEGER NOT NULL CHECK (seq >= 0), -- done with, as are so many of the next commit:
    events      INTEGER NOT NULL CHECK (events >= 0),
    lease_owner TEXT,
    lease_until INTEGER,
    tries       INTEGER NOT NULL,
    misses      INTEGER NOT NULL,
    failure     TEXT,
    retry_at    INTEGER,
    waits       INTEGER NOT NULL CHECK (waits IN (0, 1)),
    PRIMARY KEY (book_id, sink)
) STRICT, WITHOUT ROWID;
INSERT INTO deliveries
    SELECT book_id, sink, version, seq, events, lease_owner, lease_until, tries, 0, failure, retry_at, 0
    FROM deliveries_2;
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
INSERT INTO set_aside SELECT * FROM set_aside_2;
DROP TABLE set_aside_2;
DROP TABLE deliveries_2;
CREATE INDEX deliveries_waiting ON deliveries (sink, book_id) WHERE waits = 1;
