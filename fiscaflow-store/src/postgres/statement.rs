//! How a statement reaches the database: which book it sees, and on what connection it runs.
//!
//! Row-level security shows a statement the book that `fiscaflow.book` names, a setting that ends
//! with the transaction. A statement sets it in a condition that refers to no row, which PostgreSQL
//! asks before it looks for rows (a one-time filter): so the wall costs no round trip.

use std::time::Duration;

use fiscaflow_core::{BookId, Result};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, Connection, PgConnection, Postgres, QueryBuilder, Transaction};

use super::PostgresStore;
use super::error::failed;
use crate::pool::{Lent, Pool};
use crate::{damaged, unavailable};

/// The condition that names the book to the wall. The book is the statement's first value.
pub(super) const BOOK: &str = "(SELECT set_config('fiscaflow.book', $1::text, true)) IS NOT NULL";

/// What the planner is told. Every statement has an index to go along; left to itself PostgreSQL
/// reads whole tables where it takes a book for a good part of them. It compiles what it thinks
/// expensive, which takes longer than to run it. And it plans a statement anew for each value,
/// which takes longer than to run it, too, though there is one good plan for all of them.
pub(super) const PLANNER: [(&str, &str); 4] = [
    ("enable_seqscan", "off"),
    ("random_page_cost", "1.1"),
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
];

/// Begins a transaction with the settings of [`PLANNER`], for connections that keep none.
const BEGIN: &str = "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL random_page_cost = 1.1; \
     SET LOCAL jit = off";

/// How long the database may take for an operation. A connection that was lost without a word would
/// be waited for as long as TCP does, a quarter of an hour, and nobody else could have it.
pub(super) const IN_TIME: Duration = Duration::from_secs(60);

/// The same for what takes time by itself: so many times as long.
pub(super) async fn in_time<T>(times: u32, work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || Err(unavailable("the database does not answer"));
    tokio::time::timeout(IN_TIME.saturating_mul(times), work).await.unwrap_or_else(|_| late())
}

/// An empty statement whose first value is the book.
pub(super) fn of_book(book_id: BookId) -> Result<QueryBuilder<Postgres>> {
    let mut arguments = PgArguments::default();
    arguments.add(book_id.uuid()).map_err(|_| damaged("a value cannot be bound"))?;
    Ok(QueryBuilder::with_arguments("", arguments))
}

/// Adds a selection of the book's rows; further conditions follow with `AND`.
pub(super) fn push_select(statement: &mut QueryBuilder<Postgres>, columns: &str, from: &str) {
    statement.push("SELECT ").push(columns).push(" FROM fiscaflow.").push(from);
    statement.push(" WHERE book_id = $1 AND ").push(BOOK);
}

/// A statement that selects rows of a book.
pub(super) fn select(book_id: BookId, columns: &str, from: &str) -> Result<QueryBuilder<Postgres>> {
    let mut statement = of_book(book_id)?;
    push_select(&mut statement, columns, from);
    Ok(statement)
}

impl PostgresStore {
    /// Runs a statement that is an operation of its own.
    pub(super) async fn rows(&self, select: QueryBuilder<Postgres>) -> Result<Vec<PgRow>> {
        in_time(1, self.rows_whenever(select)).await
    }

    async fn rows_whenever(&self, mut select: QueryBuilder<Postgres>) -> Result<Vec<PgRow>> {
        if !self.by_transaction {
            let mut lent = self.pool.lend().await.map_err(failed)?;
            let query = select.build();
            let rows = query.fetch_all(lent.connection().map_err(failed)?).await;
            let rows = rows.map_err(failed)?;
            lent.settle();
            return Ok(rows);
        }
        // A statement without a name is parsed in one message and run in the next: the pooler
        // must not give them to two connections.
        let mut held = Held::acquire(&self.pool).await?;
        let mut transaction = held.begin().await?;
        let query = select.build().persistent(false);
        let rows = query.fetch_all(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        held.release();
        Ok(rows)
    }
}

/// A connection while a transaction may be open on it. Unless it is released it is closed: the
/// driver would give a connection whose `BEGIN` was abandoned to the pool's next user, with the
/// transaction open.
pub(super) struct Held<'p>(Option<Lent<'p, PgConnection>>);

impl<'p> Held<'p> {
    pub(super) async fn acquire(pool: &'p Pool<PgConnection>) -> Result<Self> {
        pool.lend().await.map(|lent| Self(Some(lent))).map_err(failed)
    }

    pub(super) async fn begin(&mut self) -> Result<Transaction<'_, Postgres>> {
        let lent = self.0.as_mut().ok_or_else(crate::closed)?;
        let connection = lent.connection().map_err(failed)?;
        connection.begin_with(BEGIN).await.map_err(failed)
    }

    /// Gives the connection back; no transaction is open on it.
    pub(super) fn release(mut self) {
        if let Some(mut lent) = self.0.take() {
            if let Ok(connection) = lent.connection() {
                connection.shrink_buffers();
            }
            lent.settle();
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(lent) = self.0.take() {
            lent.discard();
        }
    }
}
