//! Books and databases in a second place: backups, and copies from engine to engine.

use std::sync::Arc;

use fiscaflow_core::store;
use fiscaflow_store as stores;

use crate::engine::{Engine, run};
use crate::errors::Result;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Backup {
    /// Its books.
    pub books: i64,
    /// The bytes of the file.
    pub bytes: i64,
    /// Their commits, each of which fits its hash and its parent.
    pub commits: i64,
}

/// What came of copying a book.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Copied {
    /// Commits that were added.
    pub commits: i64,
    /// The hash of the newest commit that the copy has now.
    pub hash: String,
    /// Its number; the first commit of a book has 1.
    pub seq: i64,
}

#[uniffi::export]
impl Engine {
    /// Backs up every book into an SQLite file that must not be there yet, while the engine is
    /// used. An SQLite database is copied as it is at one moment; of any other store each book is
    /// copied with its history, without how far its events were delivered. When this returns, the
    /// file is on the disk and every history in it verifies; otherwise there is no file.
    pub async fn backup(&self, path: String) -> Result<Backup> {
        let store = self.core()?.store().clone();
        run(async move { Ok(stores::backup(&store, path).await?.into()) }).await
    }

    /// Copies to another engine's store what it lacks of a book: every commit, checked, so that
    /// both histories are the same. A copy that was cut off goes on when it is repeated, and what
    /// is new comes in either direction. Nobody's role is asked. Where the other store has another
    /// history of the book, the error is `id_conflict`, with the first commit that differs as `id`.
    pub async fn copy_book(&self, book_id: String, to: Arc<Engine>) -> Result<Copied> {
        let (from, to) = (self.core()?.store().clone(), to.core()?.store().clone());
        run(async move {
            let at_book = |error: fiscaflow_core::Error| error.field("book_id");
            let book_id = book_id.parse().map_err(at_book)?;
            let copied = store::copy_book(&*from, &*to, book_id).await?;
            let (commits, seq) = (count(copied.commits), count(copied.head.seq));
            Ok(Copied { commits, hash: copied.head.hash.to_string(), seq })
        })
        .await
    }
}

/// Restores a backup, whatever store it was made of, where a URL says. Everything in it is checked
/// before anything is written. `sqlite:PATH` names a file that must not be there yet. Into
/// PostgreSQL its books are copied: those that are not there, and the rest of those whose history
/// there is the beginning of the one in the backup; so what was cut off goes on when it is
/// repeated. Where the database has another history of a book, or a longer one, the error is
/// `id_conflict`, and nothing is written. `memory:` keeps nothing, and thereby tries a backup.
#[uniffi::export]
pub async fn restore(backup: String, url: String) -> Result<Backup> {
    run(async move { Ok(stores::restore(backup, &url).await?.into()) }).await
}

impl From<stores::Backup> for Backup {
    fn from(made: stores::Backup) -> Self {
        let stores::Backup { books, commits, bytes } = made;
        Self { books: count(books), bytes: count(bytes), commits: count(commits) }
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
