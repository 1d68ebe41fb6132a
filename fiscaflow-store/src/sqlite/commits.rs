//! The history and the answers to idempotency keys, read.

use fiscaflow_core::log::{Hash, StoredCommit};
use fiscaflow_core::store::{Answered, COMMIT_BYTES};
use fiscaflow_core::{BookId, Result};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::SqliteStore;
use super::error::{damaged, failed};
use super::rows::blob;

pub(super) async fn commits(
    store: &SqliteStore,
    book_id: BookId,
    after_seq: u64,
    limit: u32,
) -> Result<Vec<StoredCommit>> {
    let (book, after) = (blob(book_id.uuid()), i64::try_from(after_seq).unwrap_or(i64::MAX));
    let mut select = QueryBuilder::<Sqlite>::new("");
    select.push("SELECT seq, parent, hash, header, body, texts FROM commits WHERE book_id = ");
    select.push_bind(book.clone()).push(" AND seq > ").push_bind(after);
    if limit > 1 {
        // How many bytes there are SQLite knows without reading them.
        select.push(" AND seq <= (SELECT max(seq) FROM (SELECT seq, sum(bytes) OVER (ORDER BY seq");
        select.push(") - bytes AS before FROM (SELECT seq, length(header) + length(body) + ");
        select.push("length(texts) AS bytes FROM commits WHERE book_id = ").push_bind(book);
        select.push(" AND seq > ").push_bind(after).push(" ORDER BY seq LIMIT ").push(limit);
        select.push(")) WHERE before < ").push(COMMIT_BYTES).push(")");
    }
    // A bound limit would have SQLite plan anew at each call.
    select.push(" ORDER BY seq LIMIT ").push(limit);
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
    store.rows(select.build()).await?.into_iter().map(read).collect()
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
