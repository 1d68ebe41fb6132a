//! A store between the engine and another: tests count, delay or refuse calls there.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::id::{BookId, TransactionId};
use crate::log::{Commit, Erasure, StoredCommit};
use crate::model::{Document, Transaction};
use crate::store::{
    Answered, ColumnRow, Delivery, DeliveryStep, Head, KeptPart, KeptRow, OriginQuery, OriginRow,
    PageRequest, Selection, SetAside, SetAsideQuery, Snapshot, Store, TreeNodes, WaitingQuery,
};

/// What happens around the calls of a store.
#[async_trait]
pub trait Tap: Debug + Send + Sync + 'static {
    /// The store that answers a call, by the call's name; an error is the answer instead.
    async fn before(&self, call: &'static str) -> Result<Arc<dyn Store>>;

    /// What happens once it has answered; an error takes the place of the answer.
    async fn after(&self, _call: &'static str) -> Result<()> {
        Ok(())
    }
}

/// A store whose calls all go through a [`Tap`].
///
/// ```
/// use std::sync::Arc;
/// use fiscaflow_core::conformance::{Tap, Tapped};
/// use fiscaflow_core::store::Store;
/// use fiscaflow_core::{Error, ErrorCode, Result};
///
/// #[derive(Debug)]
/// struct Away;
///
/// #[async_trait::async_trait]
/// impl Tap for Away {
///     async fn before(&self, _call: &'static str) -> Result<Arc<dyn Store>> {
///         Err(Error::new(ErrorCode::StoreUnavailable, "the store is away"))
///     }
/// }
///
/// let store: Arc<dyn Store> = Arc::new(Tapped(Arc::new(Away)));
/// ```
#[derive(Debug)]
pub struct Tapped<T>(pub Arc<T>);

macro_rules! pass_on {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl<T: Tap> Store for Tapped<T> {
            $(async fn $name(&self, $($argument: $kind),*) -> Result<$answer> {
                let answer = self.0.before(stringify!($name)).await?.$name($($argument),*).await;
                self.0.after(stringify!($name)).await?;
                answer
            })*

            async fn close(&self) {
                if let Ok(store) = self.0.before("close").await {
                    store.close().await;
                    drop(self.0.after("close").await);
                }
            }
        }
    };
}

pass_on! {
    fn head(book_id: BookId) -> Option<Head>;
    fn documents(book_id: BookId) -> Option<(Head, Vec<Document>)>;
    fn select(book_id: BookId, rows: Selection<'_>) -> Option<(Head, Vec<Transaction>)>;
    fn transactions(book_id: BookId, ids: &[TransactionId]) -> Vec<Transaction>;
    fn page(book_id: BookId, request: &PageRequest) -> Vec<Transaction>;
    fn columns(book_id: BookId, after: Option<TransactionId>, limit: u32) -> Vec<ColumnRow>;
    fn origins(book_id: BookId, query: &OriginQuery) -> Vec<OriginRow>;
    fn commits(book_id: BookId, after_seq: u64, limit: u32) -> Vec<StoredCommit>;
    fn tree_nodes(book_id: BookId, seqs: &[u64]) -> Vec<TreeNodes>;
    fn keep_tree_nodes(book_id: BookId, nodes: &[TreeNodes]) -> ();
    fn answered(book_id: BookId, key: &str) -> Option<Answered>;
    fn commit(commit: Arc<Commit>) -> ();
    fn books(after: Option<BookId>, limit: u32) -> Vec<BookId>;
    fn erase(erasure: Arc<Erasure>) -> ();
    fn scrub() -> ();
    fn waiting(query: &WaitingQuery) -> Vec<BookId>;
    fn delivery(book_id: BookId, sink: &str) -> Option<Delivery>;
    fn set_aside(book_id: BookId, sink: &str, query: &SetAsideQuery) -> Vec<SetAside>;
    fn deliver(book_id: BookId, sink: &str, step: Arc<DeliveryStep>) -> ();
    fn snapshot(book_id: BookId) -> Option<Snapshot>;
    fn keep_snapshot(book_id: BookId, snapshot: Snapshot) -> ();
    fn kept(book_id: BookId, part: &KeptPart) -> Vec<KeptRow>;
}
