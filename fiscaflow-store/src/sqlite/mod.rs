//! SQLite: one file for any number of books, or one that lives in memory.
//!
//! One connection writes, several read (write-ahead log). Every read is a single statement, so it
//! sees one point of the history without holding a transaction open; what writes is [`commit`].
//! [`crate::rows`] says how a transaction stands in its row, [`error`] what a failure means to the
//! caller, [`migrate`] which versions of the schema there were.

mod backup;
mod batch;
mod columns;
mod commit;
mod commits;
mod deliveries;
mod documents;
mod erase;
mod error;
mod kept;
mod migrate;
mod options;
mod portable;
mod rows;
mod snapshots;
mod transactions;
mod tree;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fiscaflow_core::log::{Commit, Erasure, StoredCommit};
use fiscaflow_core::model::{Document, Transaction};
use fiscaflow_core::store::{
    Answered, ColumnRow, Delivery, DeliveryStep, Head, KeptPart, KeptRow, OriginQuery, OriginRow,
    Selection, SetAside, SetAsideQuery, Snapshot, Store, TreeNodes, WaitingQuery,
};
use fiscaflow_core::{BookId, Result, TransactionId};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row as _, Sqlite, SqliteConnection};

use error::failed;

pub use backup::Backup;
pub use options::Durability;
pub use portable::{backup, restore};

use crate::pool::Pool;
use crate::{check_runtime, closed};

/// A store that keeps its books in an SQLite database.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fiscaflow_store::{Durability, SqliteStore};
///
/// # let dir = tempfile::tempdir().unwrap();
/// let store = SqliteStore::open(dir.path().join("household.db"), Durability::Full).await?;
/// # fiscaflow_core::store::Store::close(&store).await;
/// # Ok::<(), fiscaflow_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    /// One connection.
    writer: Arc<Pool<SqliteConnection>>,
    /// Several connections; the writer's where the database is in memory.
    readers: Arc<Pool<SqliteConnection>>,
    /// Whether the writer's connection is the database.
    in_memory: bool,
}

impl SqliteStore {
    /// Opens a database file; makes it where it is absent, and brings its schema up to date.
    ///
    /// Errors: see [`open`](crate::open).
    pub async fn open(path: impl AsRef<Path>, durability: Durability) -> Result<Self> {
        options::open_file(path.as_ref(), durability).await
    }

    /// Opens a fresh database in memory. It is gone when the store is closed.
    pub async fn open_in_memory() -> Result<Self> {
        options::open_in_memory().await
    }

    /// Opens what follows `sqlite:` in a URL.
    pub(crate) async fn open_url(rest: &str) -> Result<Self> {
        options::open_url(rest).await
    }

    /// The store, where it is open and its caller has a runtime: without one the driver would
    /// panic.
    fn opened(&self) -> Result<&Self> {
        check_runtime()?;
        if self.readers.is_closed() { Err(closed()) } else { Ok(self) }
    }

    /// Reads all rows of a statement.
    async fn rows(&self, select: Query<'_, Sqlite, SqliteArguments>) -> Result<Vec<SqliteRow>> {
        let mut reader = self.opened()?.readers.lend().await.map_err(failed)?;
        let rows = select.fetch_all(reader.connection().map_err(failed)?).await.map_err(failed)?;
        reader.settle();
        Ok(rows)
    }

    /// Reads the first row of a statement: what it costs to wait for a second one is saved.
    async fn row(&self, select: Query<'_, Sqlite, SqliteArguments>) -> Result<Option<SqliteRow>> {
        let mut reader = self.opened()?.readers.lend().await.map_err(failed)?;
        let row = select.fetch_optional(reader.connection().map_err(failed)?).await;
        let row = row.map_err(failed)?;
        reader.settle();
        Ok(row)
    }

    /// Reads a flag of a sink.
    async fn flag(&self, select: &'static str, sink: &str) -> Result<Option<bool>> {
        let row = self.row(sqlx::query(select).bind(sink)).await?;
        row.map(|row| row.try_get(0).map_err(failed)).transpose()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn head(&self, book_id: BookId) -> Result<Option<Head>> {
        documents::head(self, book_id).await
    }

    async fn documents(&self, book_id: BookId) -> Result<Option<(Head, Vec<Document>)>> {
        documents::documents(self, book_id).await
    }

    async fn select(
        &self,
        book_id: BookId,
        selection: Selection<'_>,
    ) -> Result<Option<(Head, Vec<Transaction>)>> {
        transactions::select(self, book_id, selection).await
    }

    async fn columns(
        &self,
        book_id: BookId,
        after: Option<TransactionId>,
        limit: u32,
    ) -> Result<Vec<ColumnRow>> {
        columns::columns(self, book_id, after, limit).await
    }

    async fn origins(&self, book_id: BookId, query: &OriginQuery) -> Result<Vec<OriginRow>> {
        transactions::origins(self, book_id, query).await
    }

    async fn commits(
        &self,
        book_id: BookId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<StoredCommit>> {
        commits::commits(self, book_id, after_seq, limit).await
    }

    async fn tree_nodes(&self, book_id: BookId, seqs: &[u64]) -> Result<Vec<TreeNodes>> {
        tree::nodes(self, book_id, seqs).await
    }

    async fn keep_tree_nodes(&self, book_id: BookId, nodes: &[TreeNodes]) -> Result<()> {
        self.opened()?;
        tree::keep(self, book_id, nodes).await
    }

    async fn answered(&self, book_id: BookId, key: &str) -> Result<Option<Answered>> {
        commits::answered(self, book_id, key).await
    }

    async fn commit(&self, commit: Arc<Commit>) -> Result<()> {
        self.opened()?;
        commit::write(self, commit::Job::Commit(commit)).await
    }

    async fn erase(&self, erasure: Arc<Erasure>) -> Result<()> {
        self.opened()?;
        commit::write(self, commit::Job::Erase(erasure)).await
    }

    async fn scrub(&self) -> Result<()> {
        self.opened()?;
        erase::scrub(self).await
    }

    async fn books(&self, after: Option<BookId>, limit: u32) -> Result<Vec<BookId>> {
        deliveries::books(self, after, limit).await
    }

    async fn waiting(&self, query: &WaitingQuery) -> Result<Vec<BookId>> {
        deliveries::waiting(self, query).await
    }

    async fn delivery(&self, book_id: BookId, sink: &str) -> Result<Option<Delivery>> {
        deliveries::delivery(self, book_id, sink).await
    }

    async fn set_aside(
        &self,
        book_id: BookId,
        sink: &str,
        query: &SetAsideQuery,
    ) -> Result<Vec<SetAside>> {
        deliveries::set_aside(self, book_id, sink, query).await
    }

    async fn deliver(&self, book_id: BookId, sink: &str, step: Arc<DeliveryStep>) -> Result<()> {
        self.opened()?;
        commit::write(self, commit::Job::Deliver(book_id, sink.to_owned(), step)).await
    }

    async fn snapshot(&self, book_id: BookId) -> Result<Option<Snapshot>> {
        snapshots::snapshot(self, book_id).await
    }

    async fn keep_snapshot(&self, book_id: BookId, snapshot: Snapshot) -> Result<()> {
        self.opened()?;
        snapshots::keep(self, book_id, snapshot).await
    }

    async fn kept(&self, book_id: BookId, part: &KeptPart) -> Result<Vec<KeptRow>> {
        kept::kept(self, book_id, part).await
    }

    async fn close(&self) {
        // Both ends wait for the work that is under way. The writer goes last: the last connection
        // to leave folds the write-ahead log into the file.
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("in_memory", &self.in_memory)
            .field("closed", &self.readers.is_closed())
            .finish_non_exhaustive()
    }
}
