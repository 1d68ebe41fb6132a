//! Backup and restore of whatever store there is, by way of an SQLite file.
//!
//! An SQLite database is copied as it is, with what is kept of deliveries. Of any other store each
//! book is copied commit by commit, as [`copy_book`] does, into a fresh file: so a backup of
//! PostgreSQL is a database of its own, which any engine opens.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fiscaflow_core::store::{Store, copy_book};
use fiscaflow_core::{BookId, Error, ErrorCode, Result};

use super::backup::{Draft, Place, all_books, check_unused, to_the_end};
use super::{Backup, Durability, SqliteStore};
use crate::{check_runtime, open};

/// Backs up all books of a store into an SQLite file that must not be there yet, while the store
/// is used.
///
/// An SQLite database is copied as it is at one moment: see [`SqliteStore::backup_to`]. Of other
/// stores each book is copied with its whole history, as it is when its turn comes: books have
/// nothing to do with each other. How far events have come to their sinks is then left out, so
/// that relays of what is restored begin anew.
///
/// When this returns, the file is on the disk, its owner alone may read it, SQLite's own check of
/// it found nothing, and the history of every book verifies. Otherwise there is no file.
///
/// Errors: those of [`SqliteStore::backup_to`] and of the store.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let dir = tempfile::tempdir().unwrap();
/// # let (file, again) = (dir.path().join("backup"), dir.path().join("again"));
/// let store = fiscaflow_store::open("memory:").await?;
/// let made = fiscaflow_store::backup(&store, &file).await?;
/// let restored = fiscaflow_store::restore(&file, &format!("sqlite:{}", again.display())).await?;
/// assert_eq!((made.books, restored.books), (0, 0));
/// # Ok::<(), fiscaflow_core::Error>(()) }).unwrap();
/// ```
pub async fn backup(store: &Arc<dyn Store>, path: impl AsRef<Path>) -> Result<Backup> {
    check_runtime()?;
    let whole: &dyn Any = &**store;
    if let Some(sqlite) = whole.downcast_ref::<SqliteStore>() {
        return sqlite.backup_to(path).await;
    }
    let (store, path) = (Arc::clone(store), path.as_ref().to_owned());
    to_the_end(async move {
        let place = Place::prepare(path)?;
        // Nobody relies on the draft before it is brought to the disk as a whole.
        let draft = SqliteStore::open(&place.draft.0, Durability::MayLoseLastCommits).await?;
        let copied = copy_all(&*store, &draft, &all_books(&*store).await?).await;
        draft.close().await;
        copied?;
        place.finish().await
    })
    .await
}

/// Restores a backup, whatever it was made of, where a URL says. Everything in it is checked
/// before anything is written; the backup is only read.
///
/// `sqlite:PATH` names a file that must not be there yet, which comes to be as a whole or not at
/// all. Into any other store its books are copied: those that are not there, and the rest of those
/// whose history there is the beginning of the one in the backup. So a restore that was cut off
/// leaves each book at some commit of its history, whole, and goes on when it is repeated.
/// `memory:` keeps nothing, and thereby tries a backup.
///
/// For such a copy there has to be place for a second file beside the backup.
///
/// Errors: those of [`SqliteStore::restore`] and of [`open`](crate::open); `id_conflict` where the
/// store has another history of a book or a longer one, with `id` naming the book: then nothing is
/// written.
pub async fn restore(backup: impl AsRef<Path>, url: &str) -> Result<Backup> {
    if let Some(file) = url.strip_prefix("sqlite:").and_then(super::options::file) {
        return SqliteStore::restore(backup, file).await;
    }
    let backup = backup.as_ref().to_owned();
    let store = open(url).await?;
    let to = Arc::clone(&store);
    let restored = to_the_end(async move { fill(&*to, backup).await }).await;
    store.close().await;
    restored
}

async fn fill(to: &dyn Store, backup: PathBuf) -> Result<Backup> {
    check_unused(&backup)?;
    let at_backup = |error: Error| error.field("backup");
    let draft = Draft::beside(&backup).map_err(at_backup)?;
    draft.fill(backup).await.map_err(at_backup)?;
    let bytes = draft.0.metadata().map_or(0, |file| file.len());
    let from = draft.open(Durability::MayLoseLastCommits).await?;
    let filled = fill_from(to, &from).await;
    from.close().await;
    let (books, commits) = filled?;
    Ok(Backup { books, commits, bytes })
}

async fn fill_from(to: &dyn Store, from: &SqliteStore) -> Result<(u64, u64)> {
    let checked = from.check().await?;
    let books = all_books(from).await?;
    for book_id in &books {
        let Some(there) = to.head(*book_id).await? else { continue };
        let before = there.seq.saturating_sub(1);
        let here = from.commits(*book_id, before, 1).await?;
        if here.first().is_none_or(|commit| commit.hash != there.hash) {
            let text = "the store has another history of a book than the backup, or a longer one";
            return Err(Error::new(ErrorCode::IdConflict, text).id(book_id));
        }
    }
    copy_all(from, to, &books).await?;
    Ok(checked)
}

async fn copy_all(from: &dyn Store, to: &dyn Store, books: &[BookId]) -> Result<()> {
    for book_id in books {
        copy_book(from, to, *book_id).await?;
    }
    Ok(())
}
