//! PostgreSQL: one database for any number of books and server processes.
//!
//! An operation is one statement, so that it sees one point of the history and holds one
//! connection for one round trip. Each statement names its book twice: in its conditions, and to
//! the database, whose row-level security lets it see no other (see [`statement`]). A large commit
//! is several statements in one transaction; through a pooler that hands out connections by the
//! transaction, everything is. [`crate::rows`] says how a transaction stands in its row, [`error`]
//! what a failure means to the caller, [`migrate`] which versions of the schema there were.

mod commit;
mod commits;
mod deliveries;
mod documents;
mod erase;
mod error;
mod kept;
mod migrate;
mod options;
mod rows;
mod snapshots;
mod statement;
mod transactions;
mod tree;

use std::sync::Arc;

use async_trait::async_trait;
use fiscaflow_core::log::{Commit, Erasure, StoredCommit};
use fiscaflow_core::model::{Document, Transaction};
use fiscaflow_core::store::{
    Answered, ColumnRow, Delivery, DeliveryStep, Head, KeptPart, KeptRow, OriginQuery, OriginRow,
    Selection, SetAside, SetAsideQuery, Snapshot, Store, TreeNodes, WaitingQuery,
};
use fiscaflow_core::{BookId, Result, TransactionId};
use sqlx::PgConnection;

use crate::pool::Pool;
use crate::{check_runtime, closed};

/// A store that keeps its books in a PostgreSQL database, which any number of processes may share.
///
/// ```no_run
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fiscaflow_store::PostgresStore;
///
/// let url = "postgres://fiscaflow:secret@db.example.org/books?sslmode=verify-full";
/// let store = PostgresStore::open(url).await?;
/// # fiscaflow_core::store::Store::close(&store).await;
/// # Ok::<(), fiscaflow_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pool: Arc<Pool<PgConnection>>,
    /// Whether connections go through a pooler that hands them out by the transaction: then nothing
    /// outlives a transaction, and no statement has a name.
    by_transaction: bool,
}

impl PostgresStore {
    /// Opens a database and brings its schema, `fiscaflow`, up to date.
    ///
    /// Errors: see [`open`](crate::open).
    pub async fn open(url: &str) -> Result<Self> {
        options::open(url).await
    }

    /// The store, where it is open and its caller has a runtime.
    fn opened(&self) -> Result<&Self> {
        check_runtime()?;
        if self.pool.is_closed() { Err(closed()) } else { Ok(self) }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn head(&self, book_id: BookId) -> Result<Option<Head>> {
        documents::head(self.opened()?, book_id).await
    }

    async fn documents(&self, book_id: BookId) -> Result<Option<(Head, Vec<Document>)>> {
        documents::documents(self.opened()?, book_id).await
    }

    async fn select(
        &self,
        book_id: BookId,
        selection: Selection<'_>,
    ) -> Result<Option<(Head, Vec<Transaction>)>> {
        transactions::select(self.opened()?, book_id, selection).await
    }

    async fn columns(
        &self,
        book_id: BookId,
        after: Option<TransactionId>,
        limit: u32,
    ) -> Result<Vec<ColumnRow>> {
        transactions::columns(self.opened()?, book_id, after, limit).await
    }

    async fn origins(&self, book_id: BookId, query: &OriginQuery) -> Result<Vec<OriginRow>> {
        transactions::origins(self.opened()?, book_id, query).await
    }

    async fn commits(
        &self,
        book_id: BookId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<StoredCommit>> {
        commits::commits(self.opened()?, book_id, after_seq, limit).await
    }

    async fn tree_nodes(&self, book_id: BookId, seqs: &[u64]) -> Result<Vec<TreeNodes>> {
        tree::nodes(self.opened()?, book_id, seqs).await
    }

    async fn keep_tree_nodes(&self, book_id: BookId, nodes: &[TreeNodes]) -> Result<()> {
        let (store, nodes) = (self.opened()?.clone(), nodes.to_vec());
        crate::uncancelled(async move { tree::keep(&store, book_id, &nodes).await }).await
    }

    async fn answered(&self, book_id: BookId, key: &str) -> Result<Option<Answered>> {
        commits::answered(self.opened()?, book_id, key).await
    }

    async fn commit(&self, commit: Arc<Commit>) -> Result<()> {
        self.opened()?;
        commit::commit(self, commit).await
    }

    async fn erase(&self, erasure: Arc<Erasure>) -> Result<()> {
        self.opened()?;
        commit::erase(self, erasure).await
    }

    async fn books(&self, after: Option<BookId>, limit: u32) -> Result<Vec<BookId>> {
        deliveries::books(self.opened()?, after, limit).await
    }

    async fn waiting(&self, query: &WaitingQuery) -> Result<Vec<BookId>> {
        deliveries::waiting(self.opened()?, query).await
    }

    async fn delivery(&self, book_id: BookId, sink: &str) -> Result<Option<Delivery>> {
        deliveries::delivery(self.opened()?, book_id, sink).await
    }

    async fn set_aside(
        &self,
        book_id: BookId,
        sink: &str,
        query: &SetAsideQuery,
    ) -> Result<Vec<SetAside>> {
        deliveries::set_aside(self.opened()?, book_id, sink, query).await
    }

    async fn deliver(&self, book_id: BookId, sink: &str, step: Arc<DeliveryStep>) -> Result<()> {
        let (store, sink) = (self.opened()?.clone(), sink.to_owned());
        crate::uncancelled(async move { deliveries::deliver(&store, book_id, &sink, &step).await })
            .await
    }

    async fn snapshot(&self, book_id: BookId) -> Result<Option<Snapshot>> {
        snapshots::snapshot(self.opened()?, book_id).await
    }

    async fn keep_snapshot(&self, book_id: BookId, snapshot: Snapshot) -> Result<()> {
        let store = self.opened()?.clone();
        crate::uncancelled(async move { snapshots::keep(&store, book_id, snapshot).await }).await
    }

    async fn kept(&self, book_id: BookId, part: &KeptPart) -> Result<Vec<KeptRow>> {
        kept::kept(self.opened()?, book_id, part).await
    }

    async fn close(&self) {
        // Waits for the work that is under way.
        self.pool.close().await;
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore")
            .field("by_transaction", &self.by_transaction)
            .field("closed", &self.pool.is_closed())
            .finish_non_exhaustive()
    }
}
