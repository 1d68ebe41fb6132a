-- The row of a transaction tells its origins, too, so that reading it finds one row.

-- JSON: account, import, day, minor units, whether it was pending (0 or 1), bank id, fingerprint.
ALTER TABLE fiscaflow.transactions ADD COLUMN origins text COLLATE "C";

-- Of all books: the owner looks over the wall.
ALTER TABLE fiscaflow.transactions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.origins NO FORCE ROW LEVEL SECURITY;
UPDATE fiscaflow.transactions SET origins = of_rows.origins FROM (
    SELECT o.book_id, o.transaction_id, '[' || string_agg(concat(
        '["', replace(o.account_id::text, '-', ''), '","', replace(o.import_id::text, '-', ''), '",',
        o.booking_day, ',', o.amount_minor, ',', o.pending::int, ',',
        coalesce(to_json(o.bank_id)::text, 'null'), ',', to_json(o.fingerprint), ']'
    ), ',' ORDER BY o.number) || ']' AS origins
    FROM fiscaflow.origins AS o GROUP BY o.book_id, o.transaction_id
) AS of_rows
WHERE transactions.book_id = of_rows.book_id AND transactions.id = of_rows.transaction_id;
ALTER TABLE fiscaflow.origins FORCE ROW LEVEL SECURITY;
ALTER TABLE fiscaflow.transactions FORCE ROW LEVEL SECURITY;

UPDATE fiscaflow.schema_version SET version = 4;
