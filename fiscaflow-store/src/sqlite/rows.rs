//! The columns of SQLite's tables, bound and read.
//!
//! Ids are 16 bytes. A date takes three bytes in an index where a text takes ten.

use fiscaflow_core::model::Origin;
use fiscaflow_core::store::{OriginRow, search_text};
use fiscaflow_core::{BookId, Result, TransactionId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::batch::Values;
use super::error::failed;
use crate::packed::Packed;
use crate::rows::{Encoded, date, day, from_json, status_name};

/// The head of the statement that puts transactions: their columns in the order of
/// [`bind`].
pub(super) const INSERT: &str = "INSERT OR REPLACE INTO transactions (\
     book_id, id, account_id, booking_day, amount_minor, currency, status, deleted, category_id, \
     transfer_id, payee, splits, tags, description, notes, search, value_day, sources, reference, \
     external_id, attachments, metadata, revision, schedule_id, goal_id, origins) ";

/// Whole transactions as [`Packed`] reads them, each in the order of [`read`](crate::rows::read).
pub(super) const TRANSACTIONS: &str = "group_concat(concat(id, account_id, booking_day, ',', amount_minor, ',', \
     octet_length(currency), ',', currency, octet_length(status), ',', status, deleted, \
     category_id IS NOT NULL, category_id, transfer_id IS NOT NULL, transfer_id, \
     octet_length(payee), ',', payee, octet_length(splits), ',', splits, \
     octet_length(tags), ',', tags, octet_length(description), ',', description, \
     octet_length(notes), ',', notes, value_day, ',', octet_length(sources), ',', sources, \
     octet_length(reference), ',', reference, octet_length(external_id), ',', external_id, \
     octet_length(attachments), ',', attachments, octet_length(metadata), ',', metadata, \
     revision, ',', schedule_id IS NOT NULL, schedule_id, goal_id IS NOT NULL, goal_id, \
     octet_length(origins), ',', origins), '')";

/// What the column `origins` of a transaction should hold, made of the origins' own rows.
pub(super) const ORIGINS_OF_ROWS: &str = "(SELECT json_group_array(json_array(\
         lower(hex(origins.account_id)), lower(hex(import_id)), origins.booking_day, \
         origins.amount_minor, pending, bank_id, fingerprint) ORDER BY number) FROM origins \
     WHERE origins.book_id = transactions.book_id AND transaction_id = transactions.id)";

/// What stands joined in a column.
pub(super) fn packed(row: &SqliteRow, column: usize) -> Result<Packed<'_>> {
    // SQLite takes the joined bytes for a text, which they are not.
    row.try_get_unchecked(column).map(Packed::new).map_err(failed)
}

/// The head of the statement that puts origins: their columns in the order of [`bind_origin`].
pub(super) const INSERT_ORIGIN: &str = "INSERT INTO origins (book_id, transaction_id, number, \
     account_id, booking_day, bank_id, fingerprint, import_id, amount_minor, pending) ";

/// Binds the row's values in the order of [`INSERT`].
pub(super) fn bind(row: &mut Values, book_id: BookId, encoded: Encoded<'_>) {
    let transaction = encoded.transaction;
    row.push(blob(book_id.uuid()))
        .push(blob(transaction.id.uuid()))
        .push(blob(transaction.account_id.uuid()))
        .push(day(transaction.booking_date))
        .push(transaction.amount.minor())
        .push(transaction.amount.currency().stored())
        .push(status_name(transaction.status))
        .push(transaction.deleted)
        .push(transaction.category_id.map(|id| blob(id.uuid())))
        .push(transaction.transfer_id.map(|id| blob(id.uuid())))
        .push(transaction.payee.as_deref())
        .push(encoded.splits)
        .push(encoded.tags)
        .push(transaction.description.as_str())
        .push(transaction.notes.as_deref())
        .push(search_text(transaction))
        .push(transaction.value_date.map(day))
        .push(encoded.sources)
        .push(transaction.reference.as_deref())
        .push(transaction.external_id.as_deref())
        .push(encoded.attachments)
        .push(encoded.metadata)
        .push(i64::try_from(transaction.revision).unwrap_or(i64::MAX))
        .push(transaction.schedule_id.map(|id| blob(id.uuid())))
        .push(transaction.goal_id.map(|id| blob(id.uuid())))
        .push(encoded.origins);
}

/// Binds an origin's values in the order of [`INSERT_ORIGIN`].
pub(super) fn bind_origin(
    row: &mut Values,
    book_id: BookId,
    transaction_id: TransactionId,
    (number, origin): (usize, &Origin),
) {
    row.push(blob(book_id.uuid()))
        .push(blob(transaction_id.uuid()))
        .push(i64::try_from(number).unwrap_or(i64::MAX))
        .push(blob(origin.account_id.uuid()))
        .push(day(origin.booking_date))
        .push(origin.bank_id.as_deref())
        .push(origin.fingerprint.as_str())
        .push(blob(origin.import_id.uuid()))
        .push(origin.amount.minor())
        .push(origin.pending);
}

/// The column of [`read_origins`]: many origins as one JSON text, because a row of its own for each
/// of them would cost more than to find it.
pub(super) const ORIGINS: &str = "json_group_array(json_array(hex(transaction_id), number, \
     booking_day, bank_id, fingerprint, pending, CASE WHEN pending THEN EXISTS (SELECT 1 \
         FROM origins AS booked WHERE booked.book_id = origins.book_id \
         AND booked.transaction_id = origins.transaction_id AND NOT booked.pending) ELSE 1 END, \
     amount_minor))";

/// An origin as [`ORIGINS`] lists it: transaction, number, day, bank id, fingerprint, whether it
/// was pending and whether its transaction is booked, minor units.
type OriginRowJson = (Uuid, i64, i64, Option<String>, String, u8, u8, i64);

/// An origin and its number in its transaction.
pub(super) type NumberedOrigin = (i64, OriginRow);

/// Reads a row of the column [`ORIGINS`].
pub(super) fn read_origins(row: &SqliteRow) -> Result<Vec<NumberedOrigin>> {
    let origins: Vec<OriginRowJson> = from_json(row.try_get(0).map_err(failed)?)?;
    let origin = |origin: OriginRowJson| {
        let (transaction, number, day, bank_id, fingerprint, pending, booked, amount_minor) =
            origin;
        let origin = OriginRow {
            transaction_id: TransactionId::new(transaction),
            booking_date: date(day)?,
            bank_id,
            fingerprint,
            pending: pending != 0,
            booked: booked != 0,
            amount_minor,
        };
        Ok((number, origin))
    };
    origins.into_iter().map(origin).collect()
}

/// An id as it is stored.
pub(super) fn blob(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}
