//! The columns of SQLite's tables, bound and read.
//!
//! Ids are 16 bytes. A date takes three bytes in an index where a text takes ten.

use fiscaflow_core::model::Origin;
use fiscaflow_core::store::{OriginRow, search_text};
use fiscaflow_core::{BookId, Result, TransactionId};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Row, Sqlite};
use uuid::Uuid;

use super::error::{damaged, failed};
use crate::rows::{Cells, Encoded, date, day, from_json, status_name};

/// The head of the statement that puts transactions: their columns in the order of
/// [`bind`].
pub(super) const INSERT: &str = "INSERT OR REPLACE INTO transactions (\
     book_id, id, account_id, booking_day, amount_minor, currency, status, deleted, category_id, \
     transfer_id, payee, splits, tags, description, notes, search, value_day, sources, reference, \
     external_id, attachments, metadata, revision, schedule_id, goal_id) ";

/// The columns of a whole transaction, in the order of [`read`](crate::rows::read).
pub(super) const TRANSACTION: &str = "id, account_id, booking_day, amount_minor, currency, \
     status, deleted, category_id, transfer_id, payee, splits, tags, description, notes, \
     value_day, sources, reference, external_id, attachments, metadata, revision, schedule_id, \
     goal_id, (\
         SELECT json_group_array(json_array(booking_day, bank_id, fingerprint, hex(account_id), \
         hex(import_id), amount_minor, pending) ORDER BY number) FROM origins WHERE origins.book_id = \
         transactions.book_id AND transaction_id = transactions.id)";

/// The head of the statement that puts origins: their columns in the order of [`bind_origin`].
pub(super) const INSERT_ORIGIN: &str = "INSERT INTO origins (book_id, transaction_id, number, \
     account_id, booking_day, bank_id, fingerprint, import_id, amount_minor, pending) ";

/// The values of rows to be put, one row after the other.
#[derive(Default)]
pub(super) struct Values {
    arguments: SqliteArguments,
    is_faulty: bool,
}

impl Values {
    fn push<'v, T>(&mut self, value: T) -> &mut Self
    where
        T: sqlx::Encode<'v, Sqlite> + sqlx::Type<Sqlite>,
    {
        self.is_faulty |= Arguments::add(&mut self.arguments, value).is_err();
        self
    }

    /// The statement for the rows, each with as many values as its head names columns.
    pub(super) fn statement(self, head: &str) -> Result<(String, SqliteArguments)> {
        if self.is_faulty {
            return Err(damaged("a value cannot be bound"));
        }
        let columns = head.split(',').count();
        let row = format!("({})", vec!["?"; columns].join(","));
        let rows = vec![row.as_str(); self.arguments.len().div_euclid(columns)].join(",");
        Ok((format!("{head} VALUES {rows}"), self.arguments))
    }
}

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
        .push(transaction.goal_id.map(|id| blob(id.uuid())));
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
    let origins: Vec<OriginRowJson> = from_json(Columns::of(row).optional_text()?)?;
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

/// A row whose columns are read one after the other.
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    fn get<T>(&mut self) -> Result<T>
    where
        T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
    {
        let value = self.row.try_get(self.next).map_err(failed)?;
        self.next = self.next.saturating_add(1);
        Ok(value)
    }
}

impl<'r> Cells<'r> for Columns<'r> {
    fn id(&mut self) -> Result<Uuid> {
        self.optional_id()?.ok_or_else(|| damaged("a stored row lacks an id"))
    }

    fn optional_id(&mut self) -> Result<Option<Uuid>> {
        let bytes: Option<&[u8]> = self.get()?;
        let id = bytes.map(Uuid::from_slice).transpose();
        id.map_err(|_| damaged("a stored id cannot be read"))
    }

    fn number(&mut self) -> Result<i64> {
        self.get()
    }

    fn optional_number(&mut self) -> Result<Option<i64>> {
        self.get()
    }

    fn flag(&mut self) -> Result<bool> {
        self.get()
    }

    fn text(&mut self) -> Result<&'r str> {
        self.get()
    }

    fn optional_text(&mut self) -> Result<Option<&'r str>> {
        self.get()
    }
}

/// An id as it is stored.
pub(super) fn blob(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}
