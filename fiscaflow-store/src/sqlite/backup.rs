//! Backup and restore of whole database files, checked before they stand in their place.
//! [`super::portable`] does the same for books of any store.
//!
//! A copy is made under another name beside its place, read from end to end, brought to the disk,
//! and only then given its name, where nothing may be yet. Whatever goes wrong, no file of that
//! name is half a database.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use fiscaflow_core::store::{Store, verify_book};
use fiscaflow_core::{BookId, Error, ErrorCode, Result};
use serde::Serialize;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::options::Durability;
use super::{SqliteStore, error};
use crate::check_runtime;

/// Books that are looked up at once.
const BOOKS: u32 = 500;

/// What SQLite adds to a database's name for files that belong to it.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What no history tells of, and nobody may have put into a copy.
const STRAY: [(&str, &str); 3] = [
    (
        "SELECT 1 FROM sqlite_schema WHERE type IN ('trigger', 'view')",
        "the database has a trigger or a view",
    ),
    ("PRAGMA foreign_key_check", "the database has rows of nothing"),
    (
        "SELECT 1 FROM transactions WHERE book_id NOT IN (SELECT book_id FROM books) LIMIT 1",
        "the database has transactions of no book",
    ),
];

/// A database that was copied and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Its books.
    pub books: u64,
    /// Their commits, each of which fits its hash and its parent.
    pub commits: u64,
    /// The bytes of the file.
    pub bytes: u64,
}

impl SqliteStore {
    /// Copies the whole database, as it is at one moment, into a file that must not be there yet.
    /// Readers and writers go on meanwhile; a database in memory waits.
    ///
    /// When this returns, the copy is on the disk, its owner alone may read it, SQLite's own check
    /// of the file found nothing, and the history of every book verifies.
    ///
    /// It has the places up to which events were delivered, and no lease: whoever had one is no
    /// relay of the copy.
    ///
    /// Errors: `invalid_input` where the file or a log of one is there or its directory is not,
    /// `storage_full`, `store_unavailable`; `corrupt_data` and `history_broken` for what must not
    /// be relied on.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use fiscaflow_store::{Durability, SqliteStore};
    ///
    /// # let dir = tempfile::tempdir().unwrap();
    /// let store = SqliteStore::open(dir.path().join("household.db"), Durability::Full).await?;
    /// let backup = dir.path().join("2026-03-01.db");
    /// store.backup_to(&backup).await?;
    /// assert!(store.backup_to(&backup).await.is_err(), "a backup is never overwritten");
    ///
    /// SqliteStore::restore(&backup, dir.path().join("again.db")).await?;
    /// # Ok::<(), fiscaflow_core::Error>(()) }).unwrap();
    /// ```
    pub async fn backup_to(&self, path: impl AsRef<Path>) -> Result<Backup> {
        let (store, path) = (self.clone(), path.as_ref().to_owned());
        self.opened()?;
        to_the_end(async move {
            let place = Place::prepare(path)?;
            store.vacuum_into(&place.draft.0).await?;
            place.finish().await
        })
        .await
    }

    /// Puts a backup where no database is yet, checked like [`SqliteStore::backup_to`] does. The
    /// backup is only read.
    ///
    /// Errors: those of [`SqliteStore::backup_to`]; `invalid_input` for a backup that is not there
    /// and for a file beside which there is a write-ahead log: it is a database in use.
    pub async fn restore(backup: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<Backup> {
        let (backup, path) = (backup.as_ref().to_owned(), path.as_ref().to_owned());
        check_runtime()?;
        to_the_end(async move {
            check_unused(&backup)?;
            let place = Place::prepare(path)?;
            place.draft.fill(backup).await?;
            place.finish().await
        })
        .await
    }

    async fn vacuum_into(&self, draft: &Path) -> Result<()> {
        let text = "the path of a backup is UTF-8";
        let draft = draft.to_str().ok_or_else(|| invalid_path(text))?;
        if self.in_memory {
            // As a connection in memory opens whatever it opens: the mode says that this is a file.
            let escaped = draft.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let vacuum = sqlx::query("VACUUM INTO ?").bind(format!("file:{escaped}?mode=rwc"));
            let mut writer = self.writer.lend().await.map_err(error::failed)?;
            let connection = writer.connection().map_err(error::failed)?;
            return vacuum.execute(connection).await.map(|_| ()).map_err(error::failed);
        }
        let vacuum = sqlx::query("VACUUM INTO ?").bind(draft.to_owned());
        // A connection of its own: those of readers may not write, and the writer has its work.
        let mut connection = self.writer.options().connect().await.map_err(error::failed)?;
        let copied = vacuum.execute(&mut connection).await.map_err(error::failed);
        connection.close().await.map_err(error::failed)?;
        copied.map(|_| ())
    }
}

/// A database file under a passing name, for its owner alone. It is taken away with this.
pub(super) struct Draft(pub(super) PathBuf);

impl Draft {
    /// An empty one beside a path.
    pub(super) fn beside(path: &Path) -> Result<Self> {
        let mut number = [0; 4];
        getrandom::fill(&mut number)
            .map_err(|_| Error::new(ErrorCode::Internal, "no randomness"))?;
        let draft = beside(path, &format!(".{:08x}.partial", u32::from_ne_bytes(number)));
        create_new(&draft)?;
        Ok(Self(draft))
    }

    /// Fills it with the bytes of a backup.
    pub(super) async fn fill(&self, backup: PathBuf) -> Result<()> {
        let draft = self.0.clone();
        let copied = tokio::task::spawn_blocking(move || {
            let mut from = File::open(backup).map_err(|error| failed(&error, "backup"))?;
            let mut to = OpenOptions::new().write(true).open(draft).map_err(failed_at_path)?;
            io::copy(&mut from, &mut to).map_err(failed_at_path)
        });
        copied.await.unwrap_or_else(|_| Err(cut_off())).map(|_| ())
    }

    /// Opens what it was filled with.
    pub(super) async fn open(&self, durability: Durability) -> Result<SqliteStore> {
        // Opening would make a fresh database of an empty file.
        if self.0.metadata().map_err(failed_at_path)?.len() == 0 {
            return Err(error::no_database());
        }
        SqliteStore::open(&self.0, durability).await
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After success there is nothing of these names.
        drop(std::fs::remove_file(&self.0));
        for suffix in LOGS {
            drop(std::fs::remove_file(beside(&self.0, suffix)));
        }
    }
}

/// Where a copy is to stand, and the draft beside it. What is not finished is taken away.
pub(super) struct Place {
    path: PathBuf,
    pub(super) draft: Draft,
}

impl Place {
    /// An empty draft.
    pub(super) fn prepare(path: PathBuf) -> Result<Self> {
        check_free(&path)?;
        let draft = Draft::beside(&path)?;
        Ok(Self { path, draft })
    }

    /// Checks the draft, brings it to the disk and gives it its name.
    pub(super) async fn finish(self) -> Result<Backup> {
        let store = self.draft.open(Durability::Full).await?;
        let mut checked = store.check().await;
        if checked.is_ok()
            && let Err(error) = store.settle_copy().await
        {
            checked = Err(error);
        }
        store.close().await;
        let (books, commits) = checked?;
        let placed = tokio::task::spawn_blocking(move || {
            // What the log has would be lost with it.
            let log = beside(&self.draft.0, "-wal").metadata();
            if log.is_ok_and(|log| log.len() > 0) {
                return Err(unfolded());
            }
            // Opened for writing, as some systems bring nothing else to the disk.
            let file =
                OpenOptions::new().write(true).open(&self.draft.0).map_err(failed_at_path)?;
            file.sync_all().map_err(failed_at_path)?;
            let bytes = file.metadata().map_err(failed_at_path)?.len();
            drop(file);
            check_free(&self.path)?;
            self.give_name()?;
            sync_directory(&self.path).map_err(failed_at_path)?;
            Ok(Backup { books, commits, bytes })
        });
        placed.await.unwrap_or_else(|_| Err(cut_off()))
    }
}

impl Place {
    /// Gives the draft its name, which fails where somebody was faster.
    fn give_name(&self) -> Result<()> {
        let draft = &self.draft.0;
        match std::fs::hard_link(draft, &self.path) {
            Ok(()) => return std::fs::remove_file(draft).map_err(failed_at_path),
            Err(failure) if failure.kind() == io::ErrorKind::AlreadyExists => {
                return Err(failed_at_path(failure));
            }
            Err(_) => {}
        }
        // Where no file has two names, an empty file takes the name first; it stays there if the
        // process is killed just then.
        create_new(&self.path)?;
        std::fs::rename(draft, &self.path).map_err(|failure| {
            drop(std::fs::remove_file(&self.path));
            failed_at_path(failure)
        })
    }
}

impl SqliteStore {
    /// Ends the leases of relays, which deliver events of the database that was copied, and brings
    /// everything that is in the log into the file: closing would not tell that it could not.
    async fn settle_copy(&self) -> Result<()> {
        let free = "UPDATE deliveries SET lease_owner = NULL, lease_until = NULL \
                    WHERE lease_owner IS NOT NULL";
        let mut writer = self.writer.lend().await.map_err(error::failed)?;
        let connection = writer.connection().map_err(error::failed)?;
        sqlx::query(free).execute(&mut *connection).await.map_err(error::failed)?;
        let fold = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
        let folded = fold.fetch_one(connection).await.map_err(error::failed)?;
        let is_busy: i64 = folded.try_get(0).map_err(error::failed)?;
        if is_busy == 0 { Ok(()) } else { Err(unfolded()) }
    }

    /// Reads everything: the file's pages, and every history. Nothing is there beside them: what
    /// would act by itself, rows of no book.
    pub(super) async fn check(&self) -> Result<(u64, u64)> {
        let row = self.row(sqlx::query("PRAGMA integrity_check(1)")).await?;
        let said = row.as_ref().and_then(|row| row.try_get(0).ok()).unwrap_or("");
        if said != "ok" {
            return Err(error::damaged("the database file is damaged"));
        }
        for (stray, text) in STRAY {
            if self.row(sqlx::query(stray)).await?.is_some() {
                return Err(error::damaged(text));
            }
        }
        let (mut books, mut commits) = (0_u64, 0_u64);
        for book_id in all_books(self).await? {
            let verification = verify_book(self, book_id).await?;
            verification.ok()?;
            books = books.saturating_add(1);
            commits = commits.saturating_add(verification.commits);
        }
        Ok((books, commits))
    }
}

/// Every book of a store.
pub(super) async fn all_books(store: &dyn Store) -> Result<Vec<BookId>> {
    let mut books = Vec::new();
    loop {
        let part = store.books(books.last().copied(), BOOKS).await?;
        if part.is_empty() {
            return Ok(books);
        }
        books.extend(part);
    }
}

/// Runs in a task of its own, so that a caller who stops waiting leaves no half of anything.
pub(super) async fn to_the_end(
    work: impl Future<Output = Result<Backup>> + Send + 'static,
) -> Result<Backup> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(cut_off()))
}

fn unfolded() -> Error {
    Error::new(ErrorCode::StoreUnavailable, "the copy cannot be brought to its end")
}

fn cut_off() -> Error {
    Error::new(ErrorCode::Internal, "the copy was cut off")
}

/// Refuses a backup beside which there is a log: it is a database in use, whatever other name leads
/// to it.
pub(super) fn check_unused(backup: &Path) -> Result<()> {
    let backup = backup.canonicalize().map_err(|failure| failed(&failure, "backup"))?;
    match ["-wal", "-journal"].iter().any(|suffix| beside(&backup, suffix).exists()) {
        true => {
            let text = "a log is beside the backup (`-wal` or `-journal`): it is in use, or was";
            Err(Error::new(ErrorCode::InvalidInput, text).field("backup"))
        }
        false => Ok(()),
    }
}

/// Refuses a place that is taken, and one with the log of another database beside it: SQLite would
/// play that back over what is put there.
fn check_free(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(invalid_path("the file is there already"));
    }
    match LOGS.iter().any(|suffix| beside(path, suffix).symlink_metadata().is_ok()) {
        true => Err(invalid_path("the log of another database is beside the place")),
        false => Ok(()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn create_new(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ()).map_err(failed_at_path)
}

/// A name is on the disk when its directory is.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// Elsewhere directories cannot be opened.
#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn invalid_path(text: &str) -> Error {
    Error::new(ErrorCode::InvalidInput, text).field("path")
}

fn failed_at_path(failure: io::Error) -> Error {
    failed(&failure, "path")
}

fn failed(failure: &io::Error, field: &str) -> Error {
    use io::ErrorKind as K;
    let (code, text) = match failure.kind() {
        K::AlreadyExists => (ErrorCode::InvalidInput, "the file is there already"),
        K::NotFound | K::NotADirectory => (ErrorCode::InvalidInput, "there is no such file"),
        K::IsADirectory => (ErrorCode::InvalidInput, "the path is a directory"),
        K::StorageFull | K::QuotaExceeded => {
            (ErrorCode::StorageFull, "there is no space left for the copy")
        }
        _ => (ErrorCode::StoreUnavailable, "the file cannot be read or written"),
    };
    Error::new(code, text).field(field)
}
