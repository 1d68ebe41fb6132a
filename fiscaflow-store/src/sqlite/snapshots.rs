//! Views as bytes: one a book, derived, so that a book opens without reading its rows.

use std::time::Duration;

use fiscaflow_core::log::Hash;
use fiscaflow_core::store::{Head, Snapshot};
use fiscaflow_core::{BookId, Result};
use sqlx::Row;

use super::SqliteStore;
use super::error::{damaged, failed};
use super::rows::blob;

pub(super) async fn snapshot(store: &SqliteStore, book_id: BookId) -> Result<Option<Snapshot>> {
    let select = sqlx::query("SELECT seq, hash, content FROM snapshots WHERE book_id = ?")
        .bind(blob(book_id.uuid()));
    let Some(row) = store.row(select).await? else { return Ok(None) };
    let seq: i64 = row.try_get(0).map_err(failed)?;
    let hash: &[u8] = row.try_get(1).map_err(failed)?;
    let seq = u64::try_from(seq).map_err(|_| damaged("a sequence number is negative"))?;
    let head = Head { seq, hash: Hash::from_slice(hash)? };
    Ok(Some(Snapshot { head, bytes: row.try_get(2).map_err(failed)? }))
}

/// How long keeping a view waits for its turn to write.
const TURN: Duration = Duration::from_millis(100);

/// Keeps a view, unless this process is writing: no figure waits for a long commit only to be kept.
pub(super) async fn keep(store: &SqliteStore, book_id: BookId, snapshot: Snapshot) -> Result<()> {
    let Ok(turn) = tokio::time::timeout(TURN, store.writer.lend()).await else { return Ok(()) };
    let mut writer = turn.map_err(failed)?;
    let seq =
        i64::try_from(snapshot.head.seq).map_err(|_| damaged("a sequence number is large"))?;
    let keep = sqlx::query(
        "INSERT INTO snapshots (book_id, seq, hash, content) \
         SELECT book_id, ?, ?, ? FROM books WHERE book_id = ? \
         ON CONFLICT (book_id) DO UPDATE \
         SET seq = excluded.seq, hash = excluded.hash, content = excluded.content \
         WHERE snapshots.seq <= excluded.seq",
    )
    .bind(seq)
    .bind(snapshot.head.hash.as_bytes().to_vec())
    .bind(snapshot.bytes)
    .bind(blob(book_id.uuid()));
    keep.execute(writer.connection().map_err(failed)?).await.map_err(failed)?;
    writer.settle();
    Ok(())
}
