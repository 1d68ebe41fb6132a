//! The one write of a book, and that of a delivery, which goes the same way.
//!
//! A caller that stops waiting does not stop it half-way. A write that failed leaves its connection
//! in a state that nobody should guess at, so the connection is closed and the next write opens
//! another.

use std::sync::Arc;

use fiscaflow_core::log::{Commit, Erasure, Hash, Object};
use fiscaflow_core::model::{Document, Transaction};
use fiscaflow_core::store::DeliveryStep;
use fiscaflow_core::{BookId, Error, ErrorCode, Result, TransactionId};
use sqlx::{Connection, Executor, SqliteConnection};

use super::batch::Batch;
use super::error::{failed, is_constraint, is_null};
use super::rows::blob;
use super::{SqliteStore, deliveries, documents, erase, transactions};
use crate::pool::Lent;

/// Rows of one statement: SQLite takes 32,766 values.
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
        let mut writer = store.writer.lend().await.map_err(failed)?;
        match attempt(writer.connection().map_err(failed)?, &job).await {
            Ok(()) => {
                writer.settle();
                Ok(())
            }
            Err(Failure { error, rolled_back }) => {
                discard(&store, writer, rolled_back).await;
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
    let untouched = |error| Failure { error, rolled_back: true };
    let unknown = |error| Failure { error, rolled_back: false };
    if let Job::Commit(commit) = job
        && let Some(whole) = whole(commit).map_err(untouched)?
    {
        return write_whole(connection, whole).await;
    }
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

/// A small commit as one text, from `BEGIN` to `COMMIT`.
fn whole(commit: &Commit) -> Result<Option<Batch>> {
    let pieces = pieces(commit);
    let rows = pieces.iter().fold(0_usize, |sum, piece| sum.saturating_add(piece.rows()));
    if rows > ROWS {
        return Ok(None);
    }
    let mut batch = Batch::default();
    batch.sql("BEGIN IMMEDIATE");
    pieces.iter().try_for_each(|piece| piece.push(&mut batch, commit))?;
    batch.sql("COMMIT");
    Ok(Some(batch))
}

/// Runs it. Where a row was refused the transaction is open, and nothing but that is wrong with it;
/// after everything else, a failed `COMMIT` among it, nobody should guess.
async fn write_whole(connection: &mut SqliteConnection, whole: Batch) -> Result<(), Failure> {
    let Err(failure) = whole.run(&mut *connection).await else { return Ok(()) };
    let rolled_back = is_constraint(&failure) && connection.execute("ROLLBACK").await.is_ok();
    Err(Failure { error: refused(failure), rolled_back })
}

/// Keeps the connection after a mere refusal; closes it after everything else.
async fn discard(store: &SqliteStore, writer: Lent<'_, SqliteConnection>, rolled_back: bool) {
    if rolled_back {
        return writer.settle();
    }
    writer.close().await;
    if store.in_memory {
        // With its connection a database in memory is gone; better none than half of one.
        store.writer.close().await;
    }
}

/// What a commit writes, in its order; documents and transactions apart: that order counts only
/// among the changes of one object.
enum Piece<'a> {
    Head,
    Put(Vec<&'a Document>),
    Drop(&'a Document),
    PutRows(Vec<&'a Transaction>),
    DropRows(Vec<TransactionId>),
}

impl Piece<'_> {
    fn push(&self, batch: &mut Batch, commit: &Commit) -> Result<()> {
        let book_id = commit.book_id;
        match self {
            Self::Head => push_head(batch, commit),
            Self::Put(put) => documents::put(batch, book_id, put),
            Self::Drop(document) => {
                documents::remove(batch, book_id, document);
                Ok(())
            }
            Self::PutRows(put) => transactions::put(batch, book_id, put),
            Self::DropRows(ids) => transactions::remove(batch, book_id, ids),
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::Head | Self::Drop(_) => 1,
            Self::Put(put) => put.len(),
            Self::PutRows(put) => put.len(),
            Self::DropRows(ids) => ids.len(),
        }
    }
}

fn pieces(commit: &Commit) -> Vec<Piece<'_>> {
    let mut documents = vec![Piece::Head];
    let mut rows: Vec<Piece<'_>> = Vec::new();
    for change in &commit.changes {
        match (&change.before, &change.after) {
            (_, Some(Object::Document(document))) => match documents.last_mut() {
                Some(Piece::Put(put)) if put.len() < ROWS => put.push(document),
                _ => documents.push(Piece::Put(vec![document])),
            },
            (Some(Object::Document(document)), None) => documents.push(Piece::Drop(document)),
            (_, Some(Object::Transaction(transaction))) => match rows.last_mut() {
                Some(Piece::PutRows(put)) if put.len() < ROWS => put.push(&**transaction),
                _ => rows.push(Piece::PutRows(vec![&**transaction])),
            },
            (Some(Object::Transaction(transaction)), None) => match rows.last_mut() {
                Some(Piece::DropRows(ids)) if ids.len() < ROWS => ids.push(transaction.id),
                _ => rows.push(Piece::DropRows(vec![transaction.id])),
            },
            (None, None) => {}
        }
    }
    documents.append(&mut rows);
    documents
}

/// Writes a commit in batches. What is erased is so before what takes its place.
async fn write_commit(
    connection: &mut SqliteConnection,
    commit: &Commit,
    erasure: Option<&Erasure>,
) -> Result<()> {
    let pieces = pieces(commit);
    let (head, rest) = pieces.split_at_checked(1).unwrap_or_default();
    let Some(erasure) = erasure else {
        return write_pieces(connection, commit, &pieces).await;
    };
    write_pieces(connection, commit, head).await?;
    erase::destroy(connection, erasure).await?;
    write_pieces(connection, commit, rest).await
}

async fn write_pieces(
    connection: &mut SqliteConnection,
    commit: &Commit,
    pieces: &[Piece<'_>],
) -> Result<()> {
    let mut left = pieces.iter().peekable();
    let mut batches = std::iter::from_fn(|| {
        left.peek()?;
        let (mut batch, mut rows) = (Batch::default(), 0_usize);
        while let Some(piece) = left.next_if(|_| rows < ROWS) {
            rows = rows.saturating_add(piece.rows());
            if let Err(error) = piece.push(&mut batch, commit) {
                return Some(Err(error));
            }
        }
        Some(Ok(batch))
    });
    let mut next = batches.next();
    while let Some(batch) = next {
        // SQLite runs in a thread of its own: meanwhile the next batch is made.
        let running = batch?.run(&mut *connection);
        let (answered, following) = tokio::join!(running, async { batches.next() });
        answered.map_err(refused)?;
        next = following;
    }
    Ok(())
}

/// What a failed statement of a commit means: where the head does not move, or a key has an answer,
/// a column that may not be null would be so.
fn refused(failure: sqlx::Error) -> Error {
    if is_null(&failure) { conflict() } else { failed(failure) }
}

fn conflict() -> Error {
    Error::new(ErrorCode::Conflict, "the book has moved on")
}

/// Moves the head from the commit's parent to the commit, and adds the commit's bytes and the
/// answer to its idempotency key. Where the head does not move, or the key has an answer, the
/// column that would be null stops all of it.
fn push_head(batch: &mut Batch, commit: &Commit) -> Result<()> {
    let stored = &commit.stored;
    let book = blob(commit.book_id.uuid());
    let seq = i64::try_from(stored.seq).map_err(|_| conflict())?;
    let hash = stored.hash.as_bytes().as_slice();
    let parent = stored.parent.as_bytes().as_slice();
    if seq == 1 {
        if stored.parent != Hash::ZERO {
            return Err(conflict());
        }
        batch.sql(
            "INSERT INTO books (book_id, head_seq, head_hash) VALUES (?, 1, ?) \
             ON CONFLICT DO NOTHING",
        );
        batch.values.push(book.as_slice()).push(hash);
    } else {
        batch.sql(
            "UPDATE books SET head_seq = ?, head_hash = ?, moved = 1 \
             WHERE book_id = ? AND head_seq = ? AND head_hash = ?",
        );
        batch.values.push(seq).push(hash).push(book.as_slice()).push(seq.saturating_sub(1));
        batch.values.push(parent);
    }
    batch.sql(
        "INSERT INTO commits (book_id, seq, parent, hash, header, body, texts, nodes) \
         VALUES (CASE changes() WHEN 1 THEN ? END, ?, ?, ?, ?, ?, ?, ?)",
    );
    batch.values.push(book.as_slice()).push(seq).push(parent).push(hash);
    for bytes in [&stored.header, &stored.body, &stored.texts] {
        batch.values.push(bytes.as_slice());
    }
    batch.values.push(Some(commit.nodes.as_slice()).filter(|nodes| !nodes.is_empty()));
    if let Some(used) = &commit.idempotency {
        batch.sql(
            "INSERT INTO answers (book_id, key, seq, request_salt, request_digest, answer) \
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (book_id, key) DO UPDATE SET answer = NULL",
        );
        batch.values.push(book.as_slice()).push(used.key.as_str()).push(seq);
        for bytes in
            [used.request_salt.as_slice(), used.request_digest.as_bytes().as_slice(), &used.answer]
        {
            batch.values.push(bytes);
        }
    }
    Ok(())
}
