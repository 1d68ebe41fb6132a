//! The bare driver doing what a job does: the same rows into the same tables and indexes, as
//! durably, and the same reads; no engine, no matching, no history, no second wall. What stands
//! beside ours is measured by it in the same run.

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

use std::ops::Range;

use chrono::NaiveDate;
use fiscaflow_core::{AccountId, BookId, Result, TransactionId};

use super::jobs::failed;
use super::place::{Place, file};

/// What figures are computed from.
const COLUMNS: &str = "id, account_id, booking_day, amount_minor, category_id, payee, \
     transfer_id IS NOT NULL, status, deleted, splits, tags, schedule_id, goal_id";

/// What a transaction is read from: ids, numbers, a flag, and texts. Whoever reads it takes all of
/// them, each as a value of its own, as the engine does; there are no objects made of them.
const TRANSACTION: &str = "id, account_id, category_id, transfer_id, schedule_id, goal_id, \
     booking_day, amount_minor, revision, value_day, deleted, currency, status, payee, splits, \
     tags, description, notes, sources, reference, external_id, attachments, metadata, origins";
const IDS: Range<usize> = 0..6;
const NUMBERS: Range<usize> = 6..10;
const FLAG: usize = 10;
const TEXTS: Range<usize> = 11..24;

/// A date as it is stored.
fn day(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

fn broken(error: sqlx::Error) -> fiscaflow_core::Error {
    failed(&error.to_string())
}

/// The rows that an import added to the tables of transactions and origins.
pub enum Rows {
    Sqlite(sqlite::Rows),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Rows),
}

impl Rows {
    /// What one place has beyond another, in the order in which it was added.
    pub async fn of(place: &Place, without: &Place) -> Result<Self> {
        match (place, without) {
            (Place::File(place), Place::File(without)) => {
                Ok(Self::Sqlite(sqlite::rows(&file(place), &file(without))?))
            }
            #[cfg(feature = "postgres")]
            (Place::Database(place), Place::Database(without)) => {
                Ok(Self::Postgres(postgres::rows(&place.admin, &without.admin).await?))
            }
            #[cfg(feature = "postgres")]
            _ => Err(failed("two kinds of store")),
        }
    }

    /// How many transactions.
    pub fn len(&self) -> usize {
        match self {
            Self::Sqlite(rows) => rows.len(),
            #[cfg(feature = "postgres")]
            Self::Postgres(rows) => rows.len(),
        }
    }

    /// Inserts them in one transaction; the seconds.
    pub async fn insert(&self, place: &Place) -> Result<f64> {
        match (self, place) {
            (Self::Sqlite(rows), Place::File(folder)) => sqlite::insert(&file(folder), rows),
            #[cfg(feature = "postgres")]
            (Self::Postgres(rows), Place::Database(database)) => {
                postgres::insert(&database.admin, rows).await
            }
            #[cfg(feature = "postgres")]
            _ => Err(failed("two kinds of store")),
        }
    }
}

/// Single durable inserts.
pub enum Writer {
    Sqlite(sqlite::Writer),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Writer),
}

impl Writer {
    /// A place with at least one transaction, whose like is inserted.
    pub async fn open(place: &Place) -> Result<Self> {
        match place {
            Place::File(folder) => Ok(Self::Sqlite(sqlite::Writer::open(&file(folder))?)),
            #[cfg(feature = "postgres")]
            Place::Database(database) => {
                Ok(Self::Postgres(postgres::Writer::open(&database.admin).await?))
            }
        }
    }

    /// So many rows, each a transaction of its own; the seconds.
    pub async fn commits(&mut self, count: usize) -> Result<f64> {
        match self {
            Self::Sqlite(writer) => writer.commits(count),
            #[cfg(feature = "postgres")]
            Self::Postgres(writer) => writer.commits(count).await,
        }
    }
}

/// Single rows and pages, through the driver that the store uses.
pub enum Reader {
    Sqlite(sqlite::Reader),
    #[cfg(feature = "postgres")]
    Postgres(postgres::Reader),
}

impl Reader {
    /// A place with a book.
    pub async fn open(place: &Place, book_id: BookId) -> Result<Self> {
        match place {
            Place::File(folder) => {
                Ok(Self::Sqlite(sqlite::Reader::open(&file(folder), book_id).await?))
            }
            #[cfg(feature = "postgres")]
            Place::Database(database) => {
                Ok(Self::Postgres(postgres::Reader::open(&database.admin, book_id).await?))
            }
        }
    }

    /// Transactions one by one; the seconds.
    pub async fn gets(&mut self, ids: &[TransactionId]) -> Result<f64> {
        match self {
            Self::Sqlite(reader) => reader.gets(ids).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(reader) => reader.gets(ids).await,
        }
    }

    /// Pages of 20 transactions of an account, each from a day back; the seconds.
    pub async fn pages(&mut self, account: AccountId, days: &[NaiveDate]) -> Result<f64> {
        match self {
            Self::Sqlite(reader) => reader.pages(account, days).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(reader) => reader.pages(account, days).await,
        }
    }
}

/// Reads what figures are computed from, of the one book; the seconds.
pub async fn columns(place: &Place, book_id: BookId) -> Result<f64> {
    match place {
        Place::File(folder) => sqlite::columns(&file(folder), book_id),
        #[cfg(feature = "postgres")]
        Place::Database(database) => postgres::columns(&database.admin, book_id).await,
    }
}
