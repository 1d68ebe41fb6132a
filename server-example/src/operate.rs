//! What operators do beside serving: back up, restore, copy books to another store.
//!
//! All of it works while the server runs. The answers are lines for people.

use std::fmt::Write as _;
use std::path::Path;

use fiscaflow_core::store::{copy_book, list_books};
use fiscaflow_core::{BookId, Error};
use fiscaflow_store::{Backup, Durability, SqliteStore, open};

use crate::auth::Books;
use crate::config::database_file;

/// Books that are looked up at once.
const BOOKS: u32 = 500;

/// Backs the database up into a file that is not there yet.
pub async fn backup(database: &str, path: &Path) -> Result<String, String> {
    let file = existing(database)?;
    let store = SqliteStore::open(file, Durability::Full).await.map_err(text)?;
    let made = store.backup_to(path).await.map_err(text);
    fiscaflow_core::store::Store::close(&store).await;
    made.map(told)
}

/// Puts a backup in the place of a database that is not there yet.
pub async fn restore(database: &str, path: &Path) -> Result<String, String> {
    let file = database_file(database).ok_or_else(no_file)?;
    SqliteStore::restore(path, file).await.map_err(text).map(told)
}

/// Copies books to the store of another URL: what it lacks of them.
pub async fn copy(database: &str, to: &str, books: &Books) -> Result<String, String> {
    if database_file(database).is_some() {
        existing(database)?;
    }
    let (from, to) = (open(database).await.map_err(text)?, open(to).await.map_err(text)?);
    let mut lines = String::new();
    let mut after = None;
    loop {
        let part = list_books(&*from, after, BOOKS).await.map_err(text)?;
        let Some(last) = part.last() else { break };
        after = Some(*last);
        for id in part.into_iter().filter(|id| wanted(books, id)) {
            let copied = copy_book(&*from, &*to, id).await;
            let copied = copied.map_err(|error| format!("{lines}{id}  {error}"))?;
            let (new, seq, hash) = (copied.commits, copied.head.seq, copied.head.hash);
            // Writing to a string cannot fail.
            _ = writeln!(lines, "{id}  {new} commits copied, {seq} in all, the newest {hash}");
        }
    }
    from.close().await;
    to.close().await;
    Ok(lines)
}

fn existing(database: &str) -> Result<String, String> {
    let file = database_file(database).ok_or_else(no_file)?;
    match Path::new(&file).exists() {
        true => Ok(file),
        false => Err(format!("there is no database `{file}`")),
    }
}

fn wanted(books: &Books, id: &BookId) -> bool {
    match books {
        Books::All => true,
        Books::Listed(ids) => ids.contains(id),
    }
}

fn no_file() -> String {
    "`--database` is no SQLite file".to_owned()
}

fn text(error: Error) -> String {
    error.to_string()
}

fn told(made: Backup) -> String {
    let Backup { books, commits, bytes } = made;
    format!("{books} books, {commits} commits, {bytes} bytes; every history verifies\n")
}
