//! Views as bytes: one a book, derived, so that a book opens without reading its rows.

use fiscaflow_core::store::Snapshot;
use fiscaflow_core::{BookId, Result};
use sqlx::Row;

use super::PostgresStore;
use super::documents::read_head;
use super::error::failed;
use super::statement::{BOOK, of_book, select};
use crate::damaged;

pub(super) async fn snapshot(store: &PostgresStore, book_id: BookId) -> Result<Option<Snapshot>> {
    let rows = store.rows(select(book_id, "seq, hash, content", "snapshots")?).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Snapshot { head: read_head(row)?, bytes: row.try_get(2).map_err(failed)? }))
}

pub(super) async fn keep(store: &PostgresStore, book_id: BookId, snapshot: Snapshot) -> Result<()> {
    let seq =
        i64::try_from(snapshot.head.seq).map_err(|_| damaged("a sequence number is large"))?;
    let mut insert = of_book(book_id)?;
    insert.push("INSERT INTO fiscaflow.snapshots (book_id, seq, hash, content) SELECT book_id, ");
    insert.push_bind(seq).push(", ").push_bind(snapshot.head.hash.as_bytes().to_vec());
    insert
        .push(", ")
        .push_bind(snapshot.bytes)
        .push(" FROM fiscaflow.books WHERE book_id = $1 AND ");
    insert.push(BOOK).push(" ON CONFLICT (book_id) DO UPDATE SET seq = excluded.seq, ");
    insert.push("hash = excluded.hash, content = excluded.content ");
    insert.push("WHERE snapshots.seq <= excluded.seq");
    store.rows(insert).await.map(drop)
}
