//! How a statement reaches the database: which book it sees, and on what connection it runs.
//!
//! Row-level security shows a statement the book that `fiscaflow.book` names, a setting that ends
//! with the transaction. A statement sets it in a condition that refers to no row, which PostgreSQL
//! asks before it looks for rows (a one-time filter): so the wall costs no round trip.

use fiscaflow_core::{BookId, Result};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, Connection, PgPool, Postgres, QueryBuilder, Transaction};

use super::PostgresStore;
use super::error::failed;
use crate::damaged;

/// The condition that names the book to the wall. The book is the statement's first value.
pub(super) const BOOK: &str = "(SELECT set_config('fiscaflow.book', $1::text, true)) IS NOT NULL";

/// What the planner is told. Every statement has an index to go along; left to itself PostgreSQL
/// reads whole tables where it takes a book for a good part of them. And it compiles what it thinks
/// expensive, which takes longer than to run it.
pub(super) const PLANNER: [(&str, &str); 3] =
    [("enable_seqscan", "off"), ("random_page_cost", "1.1"), ("jit", "off")];

/// Begins a transaction with the settings of [`PLANNER`], for connections that keep none.
const BEGIN: &str = "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL random_page_cost = 1.1; \
     SET LOCAL jit = off";

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
    pub(super) async fn rows(&self, mut select: QueryBuilder<Postgres>) -> Result<Vec<PgRow>> {
        if !self.by_transaction {
            return select.build().fetch_all(&self.pool).await.map_err(failed);
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
pub(super) struct Held(Option<PoolConnection<Postgres>>);

impl Held {
    pub(super) async fn acquire(pool: &PgPool) -> Result<Self> {
        pool.acquire().await.map(|connection| Self(Some(connection))).map_err(failed)
    }

    pub(super) async fn begin(&mut self) -> Result<Transaction<'_, Postgres>> {
        let connection = self.0.as_mut().ok_or_else(crate::closed)?;
        connection.begin_with(BEGIN).await.map_err(failed)
    }

    /// Gives the connection back; no transaction is open on it.
    pub(super) fn release(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(mut connection) = self.0.take() {
            connection.close_on_drop();
        }
    }
}
