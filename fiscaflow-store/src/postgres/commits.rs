//! The history and the answers to idempotency keys, read.

use fiscaflow_core::log::{Hash, StoredCommit};
use fiscaflow_core::store::{Answered, COMMIT_BYTES};
use fiscaflow_core::{BookId, Result};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::error::failed;
use super::statement::select;
use crate::damaged;

pub(super) async fn commits(
    store: &PostgresStore,
    book_id: BookId,
    after_seq: u64,
    limit: u32,
) -> Result<Vec<StoredCommit>> {
    let after = i64::try_from(after_seq).unwrap_or(i64::MAX);
    let mut select = select(book_id, "seq, parent, hash, header, body, texts", "commits")?;
    select.push(" AND seq > ").push_bind(after);
    if limit > 1 {
        // How many bytes there are PostgreSQL knows without reading them.
        select.push(" AND seq <= (SELECT max(seq) FROM (SELECT seq, sum(bytes) OVER (ORDER BY seq");
        select.push(") - bytes AS before FROM (SELECT seq, octet_length(header)::bigint + ");
        select.push("octet_length(body) + octet_length(texts) AS bytes FROM fiscaflow.commits ");
        select.push("WHERE book_id = $1 AND seq > $2 ORDER BY seq LIMIT ").push(limit);
        select.push(") AS next) AS sums WHERE before < ").push(COMMIT_BYTES).push(")");
    }
    select.push(" ORDER BY seq LIMIT ").push(limit);
    let read = |row: PgRow| {
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
    store: &PostgresStore,
    book_id: BookId,
    key: &str,
) -> Result<Option<Answered>> {
    // No stored text holds U+0000, which PostgreSQL takes in no value.
    if key.contains('\0') {
        return Ok(None);
    }
    let mut select = select(book_id, "seq, request_salt, request_digest, answer", "answers")?;
    select.push(" AND key = ").push_bind(key);
    let rows = store.rows(select).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    read_answered(row).map(Some)
}

/// Reads the first columns of a row: commit, salt, digest, answer.
pub(super) fn read_answered(row: &PgRow) -> Result<Answered> {
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
