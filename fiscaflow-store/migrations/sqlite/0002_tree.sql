-- The nodes of each book's Merkle tree, beside the commits that complete them: 32 bytes each, the
-- leaf first. They are derived from the headers; commits from before this version get theirs when
-- their book is next written or proved.

PRAGMA user_version = 2;

ALTER TABLE commits ADD COLUMN nodes BLOB;
