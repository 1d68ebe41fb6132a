//! The one write of a book, and that of a delivery, which goes the same way.
//!
//! It runs in a task of its own: a caller that stops waiting does not stop it half-way. A write
//! that failed leaves its connection in a state that nobody should guess at, so the connection is
//! closed and the next write opens another.

use std::sync::Arc;

use fiscaflow_core::log::{Commit, Erasure, Hash, Object};
use fiscaflow_core::model::{Document, Transaction};
use fiscaflow_core::store::DeliveryStep;
use fiscaflow_core::{BookId, Error, ErrorCode, Result, TransactionId};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Sqlite, SqliteConnection};

use super::error::failed;
use super::{SqliteStore, deliveries, documents, erase, transactions};

/// Documents of one statement: SQLite takes 32,766 values.
const ROWS: usize = 1_000;

/// What is written, all of it or none.
pub(super) enum Job {
    Commit(Arc<Commit>),
    Erase(Arc<Erasure>),
    Deliver(BookId, String, Arc<DeliveryStep>),
    /// Something is kept for the sink of every book, if it is.
    Complete(String),
}

/// Writes, whatever becomes of the caller.
pub(super) async fn write(store: &SqliteStore, job: Job) -> Result<()> {
    let store = store.clone();
    crate::uncancelled(async move {
        let mut connection = store.writer().acquire().await.map_err(failed)?;
        match attempt(&mut connection, &job).await {
            Ok(()) => Ok(()),
            Err(Failure { error, rolled_back }) => {
                discard(&store, connection, rolled_back).await;
                Err(error)
            }
        }
    })
    .await
}

/// Why nothing was written, and whether the database said that nothing of it remains.
struct Failure {
    error: Error,
    rolled_back: bool,
}

async fn attempt(connection: &mut SqliteConnection, job: &Job) -> Result<(), Failure> {
    let unknown = |error| Failure { error, rolled_back: false };
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(|failure| unknown(failed(failure)))?;
    let written = match job {
        Job::Commit(commit) => write_commit(&mut transaction, commit, None).await,
        Job::Erase(erasure) => write_commit(&mut transaction, &erasure.commit, Some(erasure)).await,
        Job::Deliver(book_id, sink, step) => {
            deliveries::write(&mut transaction, *book_id, sink, step).await
        }
        Job::Complete(sink) => deliveries::complete(&mut transaction, sink).await,
    };
    match written {
        Ok(()) => transaction.commit().await.map_err(|failure| unknown(failed(failure))),
        Err(error) => {
            let rolled_back = transaction.rollback().await.is_ok();
            Err(Failure { error, rolled_back })
        }
    }
}

/// Keeps the connection after a mere refusal; closes it after everything else.
async fn discard(store: &SqliteStore, connection: PoolConnection<Sqlite>, rolled_back: bool) {
    match (rolled_back, store.in_memory) {
        (true, _) => drop(connection),
        (false, false) => drop(connection.close().await),
        // With its connection a database in memory is gone; better none than half of one.
        (false, true) => {
            drop(connection.close().await);
            store.writer().close().await;
        }
    }
}

async fn write_commit(
    connection: &mut SqliteConnection,
    commit: &Commit,
    erasure: Option<&Erasure>,
) -> Result<()> {
    move_head(connection, commit).await?;
    append(connection, commit).await?;
    if let Some(erasure) = erasure {
        erase::destroy(connection, erasure).await?;
    }
    write_documents(connection, commit).await?;
    write_transactions(connection, commit).await
}

fn conflict() -> Error {
    Error::new(ErrorCode::Conflict, "the book has moved on")
}

/// Moves the head from the commit's parent to the commit, or finds that it is not there.
async fn move_head(connection: &mut SqliteConnection, commit: &Commit) -> Result<()> {
    let stored = &commit.stored;
    let book = commit.book_id.uuid();
    let seq = i64::try_from(stored.seq).map_err(|_| conflict())?;
    let moved = if seq == 1 {
        sqlx::query(
            "INSERT INTO books (book_id, head_seq, head_hash) VALUES (?, 1, ?) \
             ON CONFLICT DO NOTHING",
        )
        .bind(book.as_bytes().as_slice())
        .bind(stored.hash.as_bytes().as_slice())
        .execute(connection)
        .await
    } else {
        sqlx::query(
            "UPDATE books SET head_seq = ?1, head_hash = ?2, moved = 1 \
             WHERE book_id = ?3 AND head_seq = ?1 - 1 AND head_hash = ?4",
        )
        .bind(seq)
        .bind(stored.hash.as_bytes().as_slice())
        .bind(book.as_bytes().as_slice())
        .bind(stored.parent.as_bytes().as_slice())
        .execute(connection)
        .await
    };
    let first_of_none = seq != 1 || stored.parent == Hash::ZERO;
    match moved.map_err(failed)?.rows_affected() {
        1 if first_of_none => Ok(()),
        _ => Err(conflict()),
    }
}

/// Adds the commit's bytes and the answer to its idempotency key.
async fn append(connection: &mut SqliteConnection, commit: &Commit) -> Result<()> {
    let stored = &commit.stored;
    let seq = i64::try_from(stored.seq).map_err(|_| conflict())?;
    sqlx::query(
        "INSERT INTO commits (book_id, seq, parent, hash, header, body, texts, nodes) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(commit.book_id.uuid().as_bytes().as_slice())
    .bind(seq)
    .bind(stored.parent.as_bytes().as_slice())
    .bind(stored.hash.as_bytes().as_slice())
    .bind(stored.header.as_slice())
    .bind(stored.body.as_slice())
    .bind(stored.texts.as_slice())
    .bind(Some(commit.nodes.as_slice()).filter(|nodes| !nodes.is_empty()))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    let Some(used) = &commit.idempotency else { return Ok(()) };
    let answered = sqlx::query(
        "INSERT INTO answers (book_id, key, seq, request_salt, request_digest, answer) \
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (book_id, key) DO NOTHING",
    )
    .bind(commit.book_id.uuid().as_bytes().as_slice())
    .bind(used.key.as_str())
    .bind(seq)
    .bind(used.request_salt.as_slice())
    .bind(used.request_digest.as_bytes().as_slice())
    .bind(used.answer.as_slice())
    .execute(connection)
    .await
    .map_err(failed)?;
    if answered.rows_affected() == 1 { Ok(()) } else { Err(conflict()) }
}

/// A change as the database makes it.
enum Write<T, N> {
    Put(T),
    Remove(N),
}

impl<T, N> Write<T, N> {
    fn is_put(&self) -> bool {
        matches!(self, Self::Put(_))
    }

    fn put(&self) -> Option<&T> {
        match self {
            Self::Put(object) => Some(object),
            Self::Remove(_) => None,
        }
    }

    fn removed(&self) -> Option<&N> {
        match self {
            Self::Put(_) => None,
            Self::Remove(name) => Some(name),
        }
    }
}

/// Documents and transactions are written apart: a commit's order counts only among the changes of
/// one object.
async fn write_documents(connection: &mut SqliteConnection, commit: &Commit) -> Result<()> {
    let writes: Vec<Write<&Document, &Document>> = commit
        .changes
        .iter()
        .filter_map(|change| match (&change.before, &change.after) {
            (_, Some(Object::Document(document))) => Some(Write::Put(document)),
            (Some(Object::Document(document)), None) => Some(Write::Remove(document)),
            _ => None,
        })
        .collect();
    for run in writes.chunk_by(|one, other| one.is_put() == other.is_put()) {
        for chunk in run.chunks(ROWS) {
            let put: Vec<&Document> = chunk.iter().filter_map(Write::put).copied().collect();
            documents::put(connection, commit.book_id, &put).await?;
            let removed = chunk.iter().filter_map(Write::removed).copied();
            documents::remove(connection, commit.book_id, removed).await?;
        }
    }
    Ok(())
}

async fn write_transactions(connection: &mut SqliteConnection, commit: &Commit) -> Result<()> {
    let writes: Vec<Write<&Transaction, TransactionId>> = commit
        .changes
        .iter()
        .filter_map(|change| match (&change.before, &change.after) {
            (_, Some(Object::Transaction(transaction))) => Some(Write::Put(&**transaction)),
            (Some(Object::Transaction(transaction)), None) => Some(Write::Remove(transaction.id)),
            _ => None,
        })
        .collect();
    for run in writes.chunk_by(|one, other| one.is_put() == other.is_put()) {
        let put: Vec<&Transaction> = run.iter().filter_map(Write::put).copied().collect();
        transactions::put(connection, commit.book_id, &put).await?;
        let removed: Vec<_> = run.iter().filter_map(Write::removed).copied().collect();
        transactions::remove(connection, commit.book_id, &removed).await?;
    }
    Ok(())
}
