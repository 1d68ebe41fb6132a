//! Documents and heads, read.

use fiscaflow_core::log::Hash;
use fiscaflow_core::model::Document;
use fiscaflow_core::store::Head;
use fiscaflow_core::{BookId, Result};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::error::failed;
use super::statement::select;
use crate::damaged;

pub(super) async fn head(store: &PostgresStore, book_id: BookId) -> Result<Option<Head>> {
    let rows = store.rows(select(book_id, "head_seq, head_hash", "books")?).await?;
    rows.first().map(read_head).transpose()
}

pub(super) async fn documents(
    store: &PostgresStore,
    book_id: BookId,
) -> Result<Option<(Head, Vec<Document>)>> {
    let from = "books LEFT JOIN fiscaflow.documents USING (book_id)";
    let mut select = select(book_id, "head_seq, head_hash, kind, content", from)?;
    select.push(" ORDER BY kind, key");
    let rows = store.rows(select).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let head = read_head(first)?;
    let mut documents = Vec::with_capacity(rows.len());
    for row in &rows {
        let kind: Option<&str> = row.try_get(2).map_err(failed)?;
        // A book without documents joins with nothing.
        let Some(kind) = kind else { continue };
        let content: &str = row.try_get(3).map_err(failed)?;
        documents.push(Document::decode(kind.parse()?, content.as_bytes())?);
    }
    Ok(Some((head, documents)))
}

/// How many columns [`read_head`] reads.
pub(super) const HEAD_COLUMNS: usize = 2;

/// The first two columns.
pub(super) fn read_head(row: &PgRow) -> Result<Head> {
    let seq: i64 = row.try_get(0).map_err(failed)?;
    let seq = u64::try_from(seq).map_err(|_| damaged("a head has no place in the history"))?;
    Ok(Head { seq, hash: Hash::from_slice(row.try_get(1).map_err(failed)?)? })
}
