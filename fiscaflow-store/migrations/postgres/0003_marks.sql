-- Which books have events that wait, so that nobody has to look at all of them.

-- Whether a book has moved and no sink was told of it yet.
ALTER TABLE fiscaflow.books ADD COLUMN moved boolean NOT NULL DEFAULT true;
CREATE INDEX books_moved ON fiscaflow.books (book_id) WHERE moved;

-- A version of 0, of which nothing was written yet; how often nobody answered; and whether events
-- wait, as the book was when `moved` ended.
ALTER TABLE fiscaflow.deliveries DROP CONSTRAINT deliveries_version_check;
ALTER TABLE fiscaflow.deliveries
    ADD CONSTRAINT deliveries_version_check CHECK (version >= 0);
ALTER TABLE fiscaflow.deliveries ADD COLUMN misses bigint NOT NULL DEFAULT 0;
ALTER TABLE fiscaflow.deliveries ADD COLUMN waits boolean NOT NULL DEFAULT false;
-- The one index that does not lead with the book: it is asked for the books.
CREATE INDEX deliveries_waiting ON fiscaflow.deliveries (sink, book_id) WHERE waits;

-- Who is told of events: names, nothing of a book. Of one that is complete something is kept for
-- every book that has not moved; for others all books are looked at.
CREATE TABLE fiscaflow.sinks (
    sink     text    COLLATE "C" NOT NULL PRIMARY KEY,
    complete boolean NOT NULL DEFAULT false
);
SET LOCAL fiscaflow.waiting = 'on';
INSERT INTO fiscaflow.sinks (sink) SELECT DISTINCT sink FROM fiscaflow.deliveries;
SET LOCAL fiscaflow.waiting = 'off';

UPDATE fiscaflow.schema_version SET version = 3;
