//! The columns of PostgreSQL's tables, bound as arrays and read.

use fiscaflow_core::model::Origin;
use fiscaflow_core::store::{OriginRow, search_text};
use fiscaflow_core::{Result, TransactionId};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::error::failed;
use crate::rows::{Cells, Encoded, date, day, source_name, status_name};

/// What the column `origins` of a transaction should hold, made of the origins' own rows.
pub(super) const ORIGINS_OF_ROWS: &str = "(\
     SELECT '[' || string_agg(concat('[\"', replace(o.account_id::text, '-', ''), '\",\"', \
         replace(o.import_id::text, '-', ''), '\",', o.booking_day, ',', o.amount_minor, ',', \
         o.pending::int, ',', coalesce(to_json(o.bank_id)::text, 'null'), ',', \
         to_json(o.fingerprint), ']'), ',' ORDER BY o.number) || ']' FROM fiscaflow.origins AS o \
     WHERE o.book_id = transactions.book_id AND o.transaction_id = transactions.id)";

/// The columns of [`read_column_row`](crate::rows::read_column_row).
pub(super) const COLUMN_ROW: &str = "id, account_id, booking_day, amount_minor, category_id, \
     payee, transfer_id IS NOT NULL, status, deleted, splits, tags, schedule_id, goal_id";

/// The columns of [`read_origin_row`]. Whether a transaction stands for a booked row is an
/// aggregate, because PostgreSQL would answer `EXISTS` by reading the origins of all books.
pub(super) const ORIGIN: &str = "transaction_id, number, booking_day, bank_id, fingerprint, \
     pending, NOT pending OR coalesce((\
         SELECT bool_or(NOT o.pending) FROM fiscaflow.origins AS o \
         WHERE o.book_id = origins.book_id AND o.transaction_id = origins.transaction_id), \
     false), amount_minor";

/// An origin and its number in its transaction.
pub(super) type NumberedOrigin = (i64, OriginRow);

/// Reads a row of the columns [`ORIGIN`].
pub(super) fn read_origin_row(row: &PgRow) -> Result<NumberedOrigin> {
    let c = &mut Columns::of(row);
    let transaction_id = TransactionId::new(c.id()?);
    let number = c.number()?;
    let origin = OriginRow {
        transaction_id,
        booking_date: date(c.number()?)?,
        bank_id: c.optional_text()?.map(str::to_owned),
        fingerprint: c.text()?.to_owned(),
        pending: c.flag()?,
        booked: c.flag()?,
        amount_minor: c.number()?,
    };
    Ok((number, origin))
}

/// Makes a struct of column arrays: what `unnest` makes rows of.
macro_rules! columns {
    ($name:ident<$lifetime:lifetime>, $names:ident, $update:ident:
     $($column:ident: $type:ty,)*) => {
        #[derive(Default)]
        pub(super) struct $name<$lifetime> { $($column: Vec<$type>,)* }

        /// The columns beside the book, in the order in which they are bound.
        pub(super) const $names: &str = concat!($(", ", stringify!($column),)*);

        /// What a row that is there already takes over.
        pub(super) const $update: &[&str] = &[
            $(concat!(stringify!($column), " = excluded.", stringify!($column)),)*
        ];

        impl $name<'_> {
            /// The arrays as a table `unnest(...)`. One row is selected as it is, because the
            /// database keeps a table for each array.
            pub(super) fn bind(mut self, statement: &mut QueryBuilder<Postgres>) {
                let is_one = [$(self.$column.len(),)*].iter().all(|rows| *rows == 1);
                let mut before = if is_one { "(SELECT " } else { "unnest(" };
                $(
                    statement.push(std::mem::replace(&mut before, ", "));
                    if is_one && let Some(value) = self.$column.pop() {
                        statement.push_bind(value);
                    } else {
                        statement.push_bind(self.$column);
                    }
                )*
                statement.push(")");
            }
        }
    };
}

columns! { TransactionRows<'a>, TRANSACTION_NAMES, TRANSACTION_UPDATE:
    id: Uuid,
    account_id: Uuid,
    booking_day: i64,
    amount_minor: i64,
    revision: i64,
    value_day: Option<i64>,
    category_id: Option<Uuid>,
    transfer_id: Option<Uuid>,
    schedule_id: Option<Uuid>,
    goal_id: Option<Uuid>,
    deleted: bool,
    currency: String,
    status: &'static str,
    category_source: Option<&'static str>,
    payee: Option<&'a str>,
    splits: Option<String>,
    tags: Option<String>,
    description: &'a str,
    notes: Option<&'a str>,
    search: String,
    sources: Option<String>,
    reference: Option<&'a str>,
    external_id: Option<&'a str>,
    attachments: Option<String>,
    metadata: Option<String>,
    origins: Option<String>,
}

impl<'a> TransactionRows<'a> {
    pub(super) fn push(&mut self, encoded: Encoded<'a>) {
        let transaction = encoded.transaction;
        self.id.push(transaction.id.uuid());
        self.account_id.push(transaction.account_id.uuid());
        self.booking_day.push(day(transaction.booking_date));
        self.amount_minor.push(transaction.amount.minor());
        self.revision.push(i64::try_from(transaction.revision).unwrap_or(i64::MAX));
        self.value_day.push(transaction.value_date.map(day));
        self.category_id.push(transaction.category_id.map(|id| id.uuid()));
        self.transfer_id.push(transaction.transfer_id.map(|id| id.uuid()));
        self.schedule_id.push(transaction.schedule_id.map(|id| id.uuid()));
        self.goal_id.push(transaction.goal_id.map(|id| id.uuid()));
        self.deleted.push(transaction.deleted);
        self.currency.push(transaction.amount.currency().stored());
        self.status.push(status_name(transaction.status));
        let source = transaction.category_source.as_ref();
        self.category_source.push(source.map(|source| source_name(source.kind)));
        self.payee.push(transaction.payee.as_deref());
        self.splits.push(encoded.splits);
        self.tags.push(encoded.tags);
        self.description.push(&transaction.description);
        self.notes.push(transaction.notes.as_deref());
        self.search.push(search_text(transaction));
        self.sources.push(encoded.sources);
        self.reference.push(transaction.reference.as_deref());
        self.external_id.push(transaction.external_id.as_deref());
        self.attachments.push(encoded.attachments);
        self.metadata.push(encoded.metadata);
        self.origins.push(encoded.origins);
    }
}

columns! { OriginRows<'a>, ORIGIN_NAMES, ORIGIN_UPDATE:
    transaction_id: Uuid,
    number: i64,
    account_id: Uuid,
    import_id: Uuid,
    booking_day: i64,
    amount_minor: i64,
    pending: bool,
    bank_id: Option<&'a str>,
    fingerprint: &'a str,
}

impl<'a> OriginRows<'a> {
    pub(super) fn push(&mut self, id: TransactionId, number: usize, origin: &'a Origin) {
        self.transaction_id.push(id.uuid());
        self.number.push(i64::try_from(number).unwrap_or(i64::MAX));
        self.account_id.push(origin.account_id.uuid());
        self.import_id.push(origin.import_id.uuid());
        self.booking_day.push(day(origin.booking_date));
        self.amount_minor.push(origin.amount.minor());
        self.pending.push(origin.pending);
        self.bank_id.push(origin.bank_id.as_deref());
        self.fingerprint.push(&origin.fingerprint);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.number.is_empty()
    }
}

/// A row whose columns are read one after the other.
pub(super) struct Columns<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r PgRow) -> Self {
        Self::from(row, 0)
    }

    /// Those from a place on.
    pub(super) fn from(row: &'r PgRow, next: usize) -> Self {
        Self { row, next }
    }

    fn get<T>(&mut self) -> Result<T>
    where
        T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
    {
        // The schema gives the types; to compare each with the wanted one takes time for nothing.
        let value = self.row.try_get_unchecked(self.next).map_err(failed)?;
        self.next = self.next.saturating_add(1);
        Ok(value)
    }
}

impl<'r> Cells<'r> for Columns<'r> {
    fn id(&mut self) -> Result<Uuid> {
        self.get()
    }

    fn optional_id(&mut self) -> Result<Option<Uuid>> {
        self.get()
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
