-- The row of a transaction tells its origins, too, so that reading it finds one row.

PRAGMA user_version = 4;

-- JSON: account, import, day, minor units, whether it was pending (0 or 1), bank id, fingerprint.
ALTER TABLE transactions ADD COLUMN origins TEXT;
UPDATE transactions SET origins = (
    SELECT json_group_array(json_array(
        lower(hex(o.account_id)), lower(hex(o.import_id)), o.booking_day, o.amount_minor, o.pending,
        o.bank_id, o.fingerprint) ORDER BY o.number)
    FROM origins AS o
    WHERE o.book_id = transactions.book_id AND o.transaction_id = transactions.id)
WHERE EXISTS (
    SELECT 1 FROM origins AS o
    WHERE o.book_id = transactions.book_id AND o.transaction_id = transactions.id);
