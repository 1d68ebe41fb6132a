//! The nodes of books' trees, beside the commits that complete them.

use fiscaflow_core::store::TreeNodes;
use fiscaflow_core::{BookId, Result};
use sqlx::{QueryBuilder, Row, Sqlite};

use super::SqliteStore;
use super::commits::read_seq;
use super::error::{damaged, failed};
use super::rows::blob;

/// Rows of one statement: SQLite takes 32,766 values.
const ROWS: usize = 1_000;

pub(super) async fn nodes(
    store: &SqliteStore,
    book_id: BookId,
    seqs: &[u64],
) -> Result<Vec<TreeNodes>> {
    let list = serde_json::to_string(seqs).map_err(|_| damaged("a list cannot be bound"))?;
    let select = sqlx::query(
        "SELECT seq, nodes FROM commits WHERE book_id = ? \
         AND seq IN (SELECT value FROM json_each(?)) AND nodes IS NOT NULL",
    )
    .bind(blob(book_id.uuid()))
    .bind(list);
    let read = |row: sqlx::sqlite::SqliteRow| {
        let seq = read_seq(row.try_get(0).map_err(failed)?)?;
        Ok(TreeNodes { seq, bytes: row.try_get(1).map_err(failed)? })
    };
    store.rows(select).await?.into_iter().map(read).collect()
}

pub(super) async fn keep(store: &SqliteStore, book_id: BookId, nodes: &[TreeNodes]) -> Result<()> {
    let mut writer = store.writer.lend().await.map_err(failed)?;
    for chunk in nodes.chunks(ROWS) {
        let mut update = QueryBuilder::<Sqlite>::new(
            "UPDATE commits SET nodes = kept.nodes FROM (SELECT column1 AS seq, column2 AS nodes \
             FROM (",
        );
        update.push_values(chunk, |mut row, kept| {
            row.push_bind(i64::try_from(kept.seq).unwrap_or(i64::MAX)).push_bind(&*kept.bytes);
        });
        update.push(")) AS kept WHERE commits.book_id = ").push_bind(blob(book_id.uuid()));
        update.push(" AND commits.seq = kept.seq AND commits.nodes IS NULL");
        let connection = writer.connection().map_err(failed)?;
        update.build().execute(connection).await.map_err(failed)?;
    }
    writer.settle();
    Ok(())
}
