//! The history and the answers to idempotency keys, read.

use fiscaflow_core::log::{Hash, StoredCommit};
use fiscaflow_core::store::{Answered, COMMIT_BYTES};
use fiscaflow_core::{BookId, Result};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::error::{damaged, failed};

pub(super) async fn commits(
    store: &SqliteStore,
    book_id: BookId,
    after_seq: u64,
    limit: u32,
) -> Result<Vec<StoredCommit>> {
    // How many bytes there are SQLite knows without reading them.
    let select = sqlx::query(
        "SELECT seq, parent, hash, header, body, texts FROM commits \
         WHERE book_id = ?1 AND seq > ?2 AND (?3 = 1 OR seq <= (SELECT max(seq) FROM (\
         SELECT seq, sum(bytes) OVER (ORDER BY seq) - bytes AS before FROM (\
         SELECT seq, length(header) + length(body) + length(texts) AS bytes FROM commits \
         WHERE book_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3)) WHERE before < ?4)) \
         ORDER BY seq LIMIT ?3",
    )
    .bind(book_id.uuid().as_bytes().as_slice())
    .bind(i64::try_from(after_seq).unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .bind(i64::try_from(COMMIT_BYTES).unwrap_or(i64::MAX));
    let read = |row: SqliteRow| {
        Ok(StoredCommit {
            seq: read_seq(row.try_get(0).map_err(failed)?)?,
            parent: Hash::from_slice(row.try_get(1).map_err(failed)?)?,
            hash: Hash::from_slice(row.try_get(2).map_err(failed)?)?,
            header: row.try_get(3).map_err(failed)?,
            body: row.try_get(4).map_err(failed)?,
            texts: row.try_get(5).map_err(failed)?,
        })
    };
    store.rows(select).await?.into_iter().map(read).collect()
}

pub(super) async fn answered(
    store: &SqliteStore,
    book_id: BookId,
    key: &str,
) -> Result<Option<Answered>> {
    let select = sqlx::query(
        "SELECT seq, request_salt, request_digest, answer FROM answers \
         WHERE book_id = ? AND key = ?",
    )
    .bind(book_id.uuid().as_bytes().as_slice())
    .bind(key);
    store.row(select).await?.as_ref().map(read_answered).transpose()
}

/// Reads the first columns of a row: commit, salt, digest, answer.
pub(super) fn read_answered(row: &SqliteRow) -> Result<Answered> {
    let salt: &[u8] = row.try_get(1).map_err(failed)?;
    Ok(Answered {
        seq: read_seq(row.try_get(0).map_err(failed)?)?,
        request_salt: salt.try_into().map_err(|_| damaged("a salt has 16 bytes"))?,
        request_digest: Hash::from_slice(row.try_get(2).map_err(failed)?)?,
        answer: row.try_get(3).map_err(failed)?,
    })
}

pub(super) fn read_seq(seq: i64) -> Result<u64> {
    u64::try_from(seq).map_err(|_| damaged("a commit has no place in the history"))
}
