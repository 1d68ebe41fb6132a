//! The one write.
//!
//! Everything that a commit changes is part of one statement, which therefore is a transaction of
//! its own: it moves the head if the head is the commit's parent, and does the rest for the row
//! that it moved. Where that was none, nothing is done. Transactions beyond the first few thousand
//! follow in further statements of the same transaction.
//!
//! A caller that stops waiting does not stop it half-way.

use std::collections::BTreeMap;
use std::sync::Arc;

use fiscaflow_core::log::{Commit, Erasure, Hash, Object};
use fiscaflow_core::model::{Document, Transaction};
use fiscaflow_core::{Result, TransactionId};
use sqlx::{Connection as _, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::PostgresStore;
use super::erase;
use super::error::{conflict, failed};
use super::rows::{
    ORIGIN_NAMES, ORIGIN_UPDATE, OriginRows, TRANSACTION_NAMES, TRANSACTION_UPDATE, TransactionRows,
};
use super::statement::{BOOK, Held, in_time, of_book};
use crate::damaged;
use crate::rows::Encoded;

/// Transactions of one statement.
const ROWS: usize = 2_000;

/// How many times as long as a commit an erasure may take, which rewrites the book's commits.
const ERASURE: u32 = 30;

/// Writes a commit, whatever becomes of the caller.
pub(super) async fn commit(store: &PostgresStore, commit: Arc<Commit>) -> Result<()> {
    let store = store.clone();
    let parts = u32::try_from(commit.changes.len().div_ceil(ROWS)).unwrap_or(u32::MAX);
    let times = parts.saturating_add(1);
    crate::uncancelled(async move { in_time(times, attempt(&store, &commit, None)).await }).await
}

/// Writes an erasure, whatever becomes of the caller.
pub(super) async fn erase(store: &PostgresStore, erasure: Arc<Erasure>) -> Result<()> {
    let store = store.clone();
    crate::uncancelled(async move {
        let work = attempt(&store, &erasure.commit, Some(&erasure));
        in_time(ERASURE, work).await
    })
    .await
}

async fn attempt(store: &PostgresStore, commit: &Commit, erasure: Option<&Erasure>) -> Result<()> {
    let writes = Writes::of(commit);
    if !store.by_transaction && writes.transactions.len() <= ROWS && erasure.is_none() {
        let mut whole = first(commit, &writes)?;
        let mut lent = store.pool.lend().await.map_err(failed)?;
        let query = whole.build_query_scalar();
        let connection = lent.connection().map_err(failed)?;
        let count = query.fetch_one(&mut *connection).await.map_err(failed)?;
        connection.shrink_buffers();
        lent.settle();
        return moved(count);
    }
    let mut held = Held::acquire(&store.pool).await?;
    let mut transaction = held.begin().await?;
    let named = !store.by_transaction;
    let work = async {
        match erasure {
            None => write(&mut transaction, commit, &writes, named).await,
            Some(erasure) => write_erasure(&mut transaction, erasure, &writes, named).await,
        }
    };
    let written = match work.await {
        Ok(()) => transaction.commit().await.map_err(failed),
        Err(error) => match transaction.rollback().await {
            Ok(()) => {
                held.release();
                return Err(error);
            }
            Err(_) => Err(error),
        },
    };
    if written.is_ok() {
        held.release();
    }
    written
}

async fn write(
    connection: &mut PgConnection,
    commit: &Commit,
    writes: &Writes<'_>,
    named: bool,
) -> Result<()> {
    let mut statement = first(commit, writes)?;
    let query = statement.build_query_scalar().persistent(named);
    moved(query.fetch_one(&mut *connection).await.map_err(failed)?)?;
    for chunk in writes.transactions.chunks(ROWS).skip(1) {
        let mut statement = following(commit)?;
        push_transactions(&mut statement, chunk)?;
        finish(connection, statement, named).await?;
    }
    Ok(())
}

/// The same with what is destroyed before the commit's changes apply.
async fn write_erasure(
    connection: &mut PgConnection,
    erasure: &Erasure,
    writes: &Writes<'_>,
    named: bool,
) -> Result<()> {
    let commit = &erasure.commit;
    let mut statement = of_book(commit.book_id)?;
    push_head(&mut statement, commit)?;
    finish(connection, statement, named).await?;
    erase::destroy(connection, erasure, named).await?;
    let mut statement = following(commit)?;
    push_documents(&mut statement, writes)?;
    finish(connection, statement, named).await?;
    for chunk in writes.transactions.chunks(ROWS) {
        let mut statement = following(commit)?;
        push_transactions(&mut statement, chunk)?;
        finish(connection, statement, named).await?;
    }
    Ok(())
}

/// A statement that follows the one that moved the head, in its transaction.
fn following(commit: &Commit) -> Result<QueryBuilder<Postgres>> {
    let mut statement = of_book(commit.book_id)?;
    statement.push("WITH moved AS (SELECT $1 AS book_id WHERE ").push(BOOK).push(")");
    Ok(statement)
}

async fn finish(
    connection: &mut PgConnection,
    mut statement: QueryBuilder<Postgres>,
    named: bool,
) -> Result<()> {
    statement.push(" SELECT count(*) FROM moved");
    let query = statement.build_query_scalar().persistent(named);
    moved(query.fetch_one(connection).await.map_err(failed)?)
}

/// Whether a statement found the head where it should be.
fn moved(count: i64) -> Result<()> {
    if count == 1 { Ok(()) } else { Err(conflict()) }
}

/// What is left of the changes: of those of one object the last.
struct Writes<'a> {
    /// By kind and key; `None` where the document is to be taken away.
    documents: Vec<((&'static str, String), Option<&'a Document>)>,
    transactions: Vec<(TransactionId, Option<&'a Transaction>)>,
}

impl<'a> Writes<'a> {
    fn of(commit: &'a Commit) -> Self {
        let mut documents = BTreeMap::new();
        let mut transactions = BTreeMap::new();
        for change in &commit.changes {
            match (&change.before, &change.after) {
                (_, Some(Object::Document(document))) => {
                    documents.insert((document.kind().as_str(), document.key()), Some(document));
                }
                (Some(Object::Document(document)), None) => {
                    documents.insert((document.kind().as_str(), document.key()), None);
                }
                (_, Some(Object::Transaction(transaction))) => {
                    transactions.insert(transaction.id, Some(&**transaction));
                }
                (Some(Object::Transaction(transaction)), None) => {
                    transactions.insert(transaction.id, None);
                }
                (None, None) => {}
            }
        }
        Self {
            documents: documents.into_iter().collect(),
            transactions: transactions.into_iter().collect(),
        }
    }
}

/// The statement that moves the head and writes everything but further transactions.
fn first(commit: &Commit, writes: &Writes<'_>) -> Result<QueryBuilder<Postgres>> {
    let mut statement = of_book(commit.book_id)?;
    push_head(&mut statement, commit)?;
    push_documents(&mut statement, writes)?;
    let chunk = writes.transactions.get(..ROWS).unwrap_or(&writes.transactions);
    push_transactions(&mut statement, chunk)?;
    statement.push(" SELECT count(*) FROM moved");
    Ok(statement)
}

/// Moves the head from the commit's parent to the commit, and adds the commit's bytes and the
/// answer to its idempotency key.
fn push_head(statement: &mut QueryBuilder<Postgres>, commit: &Commit) -> Result<()> {
    let stored = &commit.stored;
    let seq = i64::try_from(stored.seq).map_err(|_| conflict())?;
    if seq == 1 {
        if stored.parent != Hash::ZERO {
            return Err(conflict());
        }
        statement
            .push("WITH moved AS (INSERT INTO fiscaflow.books (book_id, head_seq, head_hash) ");
        statement.push("SELECT $1, 1, ").push_bind(stored.hash.as_bytes().as_slice());
        statement.push(" WHERE ").push(BOOK).push(" ON CONFLICT DO NOTHING RETURNING book_id)");
    } else {
        statement.push("WITH moved AS (UPDATE fiscaflow.books SET head_seq = ").push_bind(seq);
        statement.push(", head_hash = ").push_bind(stored.hash.as_bytes().as_slice());
        statement.push(", moved = true WHERE book_id = $1 AND ").push(BOOK);
        statement.push(" AND head_seq = ").push_bind(seq.saturating_sub(1));
        statement.push(" AND head_hash = ").push_bind(stored.parent.as_bytes().as_slice());
        statement.push(" RETURNING book_id)");
    }
    statement.push(", appended AS (INSERT INTO fiscaflow.commits (book_id, seq, parent, hash, ");
    statement.push("header, body, texts, nodes) SELECT book_id, ").push_bind(seq);
    for bytes in [
        stored.parent.as_bytes().as_slice(),
        stored.hash.as_bytes().as_slice(),
        &stored.header,
        &stored.body,
        &stored.texts,
    ] {
        statement.push(", ").push_bind(bytes);
    }
    let nodes = Some(commit.nodes.as_slice()).filter(|nodes| !nodes.is_empty());
    statement.push(", ").push_bind(nodes).push(" FROM moved)");
    if let Some(used) = &commit.idempotency {
        statement.push(", answered AS (INSERT INTO fiscaflow.answers (book_id, key, seq, ");
        statement.push("request_salt, request_digest, answer) SELECT book_id, ");
        statement.push_bind(used.key.as_str()).push(", ").push_bind(seq);
        for bytes in
            [used.request_salt.as_slice(), used.request_digest.as_bytes().as_slice(), &used.answer]
        {
            statement.push(", ").push_bind(bytes);
        }
        statement.push(" FROM moved)");
    }
    Ok(())
}

fn push_documents(statement: &mut QueryBuilder<Postgres>, writes: &Writes<'_>) -> Result<()> {
    let (mut kinds, mut keys, mut contents) = (Vec::new(), Vec::new(), Vec::new());
    let (mut gone_kinds, mut gone_keys) = (Vec::new(), Vec::new());
    for ((kind, key), document) in &writes.documents {
        if let Some(document) = document {
            let content = String::from_utf8(document.encode()?);
            contents.push(content.map_err(|_| damaged("a document is not a text"))?);
            kinds.push(*kind);
            keys.push(key.as_str());
        } else {
            gone_kinds.push(*kind);
            gone_keys.push(key.as_str());
        }
    }
    if !keys.is_empty() {
        statement.push(", kept AS (INSERT INTO fiscaflow.documents (book_id, kind, key, content) ");
        statement.push("SELECT moved.book_id, d.* FROM moved, unnest(").push_bind(kinds);
        statement.push(", ").push_bind(keys).push(", ").push_bind(contents);
        statement.push(") AS d ON CONFLICT (book_id, kind, key) ");
        statement.push("DO UPDATE SET content = excluded.content)");
    }
    if !gone_keys.is_empty() {
        statement.push(", dropped AS (DELETE FROM fiscaflow.documents USING unnest(");
        statement.push_bind(gone_kinds).push(", ").push_bind(gone_keys);
        statement.push(") AS d(kind, key) WHERE EXISTS (SELECT FROM moved) AND ");
        statement.push("book_id = $1 AND documents.kind = d.kind AND documents.key = d.key)");
    }
    Ok(())
}

/// Puts transactions in the place of those that bear their ids, with their origins, and takes
/// others away. Of two rows of one name, a statement may not write one and delete the other: the
/// origins that stay are written over, and those beyond their number deleted.
fn push_transactions(
    statement: &mut QueryBuilder<Postgres>,
    chunk: &[(TransactionId, Option<&Transaction>)],
) -> Result<()> {
    if chunk.is_empty() {
        return Ok(());
    }
    let (mut rows, mut origins) = (TransactionRows::default(), OriginRows::default());
    let (mut ids, mut counts, mut gone) = (Vec::<Uuid>::new(), Vec::<i64>::new(), Vec::new());
    for (id, transaction) in chunk {
        let kept = transaction.map_or(&[][..], |transaction| &transaction.origins);
        ids.push(id.uuid());
        counts.push(i64::try_from(kept.len()).unwrap_or(i64::MAX));
        match transaction {
            None => gone.push(id.uuid()),
            Some(transaction) => rows.push(Encoded::new(transaction)?),
        }
        for (number, origin) in kept.iter().enumerate() {
            origins.push(*id, number, origin);
        }
    }
    if gone.len() < chunk.len() {
        statement.push(", put AS (INSERT INTO fiscaflow.transactions (book_id");
        statement.push(TRANSACTION_NAMES).push(") SELECT moved.book_id, t.* FROM moved, ");
        rows.bind(statement);
        statement.push(" AS t ON CONFLICT (book_id, id) DO UPDATE SET ");
        statement.push(TRANSACTION_UPDATE.join(", ")).push(")");
    }
    if !gone.is_empty() {
        statement.push(", removed AS (DELETE FROM fiscaflow.transactions WHERE book_id = $1 AND ");
        statement.push("EXISTS (SELECT FROM moved) AND id = ANY(").push_bind(gone).push("))");
    }
    // Row by row along the index: as a join, PostgreSQL would go through the book's origins.
    statement.push(", cut AS (DELETE FROM fiscaflow.origins WHERE book_id = $1 AND ctid = ANY(");
    statement.push("ARRAY(SELECT o.ctid FROM unnest(").push_bind(ids).push(", ").push_bind(counts);
    statement.push(") AS t(id, kept) CROSS JOIN LATERAL (SELECT ctid FROM fiscaflow.origins ");
    statement.push("WHERE book_id = $1 AND transaction_id = t.id AND number >= t.kept OFFSET 0) ");
    statement.push("AS o WHERE EXISTS (SELECT FROM moved))))");
    if !origins.is_empty() {
        statement.push(", originated AS (INSERT INTO fiscaflow.origins (book_id");
        statement.push(ORIGIN_NAMES).push(") SELECT moved.book_id, o.* FROM moved, ");
        origins.bind(statement);
        statement.push(" AS o ON CONFLICT (book_id, transaction_id, number) DO UPDATE SET ");
        statement.push(ORIGIN_UPDATE.join(", ")).push(")");
    }
    Ok(())
}
