//! Documents and heads.

use fiscaflow_core::log::Hash;
use fiscaflow_core::model::Document;
use fiscaflow_core::store::Head;
use fiscaflow_core::{BookId, Result};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::batch::Batch;
use super::error::{damaged, failed};
use super::rows::blob;

pub(super) async fn head(store: &SqliteStore, book_id: BookId) -> Result<Option<Head>> {
    let select = sqlx::query("SELECT head_seq, head_hash FROM books WHERE book_id = ?")
        .bind(book_id.uuid().as_bytes().as_slice());
    store.row(select).await?.as_ref().map(read_head).transpose()
}

pub(super) async fn documents(
    store: &SqliteStore,
    book_id: BookId,
) -> Result<Option<(Head, Vec<Document>)>> {
    let select = sqlx::query(
        "SELECT head_seq, head_hash, kind, content FROM books LEFT JOIN documents USING (book_id) \
         WHERE book_id = ? ORDER BY kind, key",
    )
    .bind(book_id.uuid().as_bytes().as_slice());
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

/// The first two columns.
pub(super) fn read_head(row: &SqliteRow) -> Result<Head> {
    let seq: i64 = row.try_get(0).map_err(failed)?;
    let seq = u64::try_from(seq).map_err(|_| damaged("a head has no place in the history"))?;
    Ok(Head { seq, hash: Hash::from_slice(row.try_get(1).map_err(failed)?)? })
}

/// Puts documents in the place of those that bear their names.
pub(super) fn put(batch: &mut Batch, book_id: BookId, documents: &[&Document]) -> Result<()> {
    let head = "INSERT OR REPLACE INTO documents (book_id, kind, key, content)";
    batch.insert(head, documents.len());
    for document in documents {
        let content = String::from_utf8(document.encode()?)
            .map_err(|_| damaged("a document is not a text"))?;
        batch.values.push(blob(book_id.uuid())).push(document.kind().as_str());
        batch.values.push(document.key()).push(content);
    }
    Ok(())
}

/// Takes a document away; one that is not there is no error.
pub(super) fn remove(batch: &mut Batch, book_id: BookId, document: &Document) {
    batch.sql("DELETE FROM documents WHERE book_id = ? AND kind = ? AND key = ?");
    batch.values.push(blob(book_id.uuid())).push(document.kind().as_str()).push(document.key());
}
