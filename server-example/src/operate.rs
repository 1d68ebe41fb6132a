//! What operators do beside serving: back up, restore, copy books to another store, compare a
//! history with a checkpoint.
//!
//! All of it works while the server runs. The answers are lines for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use fiscaflow_core::store::{Store, check_checkpoint, copy_book};
use fiscaflow_core::{BookId, Error};
use fiscaflow_store::{Backup, open};

use crate::auth::Books;
use crate::config::database_file;

/// Books that are looked up at once.
const BOOKS: u32 = 500;

/// Backs the database up into a file that is not there yet.
pub async fn backup(database: &str, path: &Path) -> Result<String, String> {
    kept(database)?;
    let store = open(database).await.map_err(text)?;
    let made = fiscaflow_store::backup(&store, path).await.map_err(text);
    store.close().await;
    made.map(told)
}

/// Puts a backup in the place of a database that is not there yet, or its books into another.
pub async fn restore(database: &str, path: &Path) -> Result<String, String> {
    if is_passing(database) {
        return Err(passing());
    }
    fiscaflow_store::restore(path, database).await.map_err(text).map(told)
}

/// Copies books to the store of another URL: what it lacks of them. A book that cannot be copied is
/// told, and the others go on.
pub async fn copy(database: &str, to: &str, books: &Books) -> Result<String, String> {
    kept(database)?;
    let from = open(database).await.map_err(text)?;
    let copied = match open(to).await {
        Ok(to) => {
            let copied = copy_all(&*from, &*to, books).await;
            to.close().await;
            copied
        }
        Err(error) => Err(text(error)),
    };
    from.close().await;
    copied
}

/// Compares the history of a book with a checkpoint of it, which is read from a file.
pub async fn check(database: &str, path: &Path) -> Result<String, String> {
    kept(database)?;
    let note = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    // Whoever prints a note into a file adds a line's end to the one that it has.
    let note = note.strip_suffix("\n\n").map_or(note.clone(), |note| format!("{note}\n"));
    let store = open(database).await.map_err(text)?;
    let checked = check_checkpoint(&*store, &note).await.map_err(text);
    store.close().await;
    let (id, head) = checked?;
    Ok(format!("{id}  the history of {} commits begins with the checkpoint's\n", head.seq))
}

async fn copy_all(from: &dyn Store, to: &dyn Store, books: &Books) -> Result<String, String> {
    let (mut lines, mut failed) = (String::new(), 0_u32);
    let mut after = None;
    let mut unknown: BTreeSet<BookId> = match books {
        Books::All => BTreeSet::new(),
        Books::Listed(ids) => ids.iter().copied().collect(),
    };
    loop {
        let part = from.books(after, BOOKS).await;
        let part = part.map_err(|error| format!("{lines}{error}"))?;
        let Some(last) = part.last() else { break };
        after = Some(*last);
        for id in part.into_iter().filter(|id| wanted(books, id)) {
            unknown.remove(&id);
            // Writing to a string cannot fail.
            _ = match copy_book(from, to, id).await {
                Ok(copied) => {
                    let (new, seq, hash) = (copied.commits, copied.head.seq, copied.head.hash);
                    writeln!(lines, "{id}  {new} commits copied, {seq} in all, the newest {hash}")
                }
                Err(error) => {
                    failed = failed.saturating_add(1);
                    writeln!(lines, "{id}  {error}")
                }
            };
        }
    }
    for id in unknown {
        failed = failed.saturating_add(1);
        _ = writeln!(lines, "{id}  there is no such book");
    }
    match failed {
        0 => Ok(lines),
        _ => Err(format!("{lines}{failed} books were not copied")),
    }
}

/// Refuses a database in which nothing can be: opening a file makes it.
fn kept(database: &str) -> Result<(), String> {
    match database_file(database) {
        Some(file) if !Path::new(&file).exists() => Err(format!("there is no database `{file}`")),
        None if is_passing(database) => Err(passing()),
        _ => Ok(()),
    }
}

fn is_passing(database: &str) -> bool {
    let is_file = database_file(database).is_some();
    database.starts_with("memory") || database.starts_with("sqlite:") && !is_file
}

fn wanted(books: &Books, id: &BookId) -> bool {
    match books {
        Books::All => true,
        Books::Listed(ids) => ids.contains(id),
    }
}

fn passing() -> String {
    "`--database` is in memory: it keeps nothing".to_owned()
}

fn text(error: Error) -> String {
    error.to_string()
}

fn told(made: Backup) -> String {
    let Backup { books, commits, bytes } = made;
    format!("{books} books, {commits} commits, {bytes} bytes; every history verifies\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fiscaflow_core::conformance::Scribe;

    #[tokio::test]
    async fn a_book_that_differs_does_not_keep_others_from_being_copied() {
        // Holds: every book that can be copied is there afterwards, whatever was said of others;
        // the answer is an error that names those, and the rest is told as ever.
        let dir = tempfile::tempdir().unwrap();
        let url = |name: &str| format!("sqlite:{}", dir.path().join(name).display());
        let (from, to) = (open(&url("from")).await.unwrap(), open(&url("to")).await.unwrap());
        let mut scribes: Vec<_> = (1..=5).map(Scribe::new).collect();
        scribes.sort_by_key(|scribe| scribe.book_id);
        for (number, scribe) in scribes.iter_mut().enumerate() {
            scribe.change(&*from, Vec::new()).await;
            if number == 0 || number == 3 {
                scribe.head = None;
                scribe.change(&*to, Vec::new()).await;
            }
        }
        from.close().await;
        to.close().await;
        let said = copy(&url("from"), &url("to"), &Books::All).await.unwrap_err();
        assert_eq!(said.lines().count(), 6, "{said}");
        assert_eq!(said.matches("1 commits copied, 1 in all").count(), 3, "{said}");
        assert!(said.ends_with("\n2 books were not copied"), "{said}");
        for (number, (scribe, line)) in scribes.iter().zip(said.lines()).enumerate() {
            assert!(line.starts_with(&scribe.book_id.to_string()), "{line}");
            assert_eq!(line.contains("copied"), number != 0 && number != 3, "{line}");
        }
        let to = open(&url("to")).await.unwrap();
        assert_eq!(to.books(None, BOOKS).await.unwrap().len(), 5);
        to.close().await;
        let missing = Scribe::new(6).book_id;
        let some = Books::Listed([missing, scribes[1].book_id].into());
        let said = copy(&url("from"), &url("to"), &some).await.unwrap_err();
        assert!(said.contains(&format!("{missing}  there is no such book")), "{said}");
        assert!(said.ends_with("\n1 books were not copied"), "{said}");
    }
}
