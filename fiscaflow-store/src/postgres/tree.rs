//! The nodes of books' trees, beside the commits that complete them.

use fiscaflow_core::store::TreeNodes;
use fiscaflow_core::{BookId, Result};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::commits::read_seq;
use super::error::failed;
use super::statement::{BOOK, of_book, select};

pub(super) async fn nodes(
    store: &PostgresStore,
    book_id: BookId,
    seqs: &[u64],
) -> Result<Vec<TreeNodes>> {
    let mut select = select(book_id, "seq, nodes", "commits")?;
    select.push(" AND seq = ANY(").push_bind(numbers(seqs.iter().copied()));
    select.push(") AND nodes IS NOT NULL");
    let read = |row: PgRow| {
        let seq = read_seq(row.try_get(0).map_err(failed)?)?;
        Ok(TreeNodes { seq, bytes: row.try_get(1).map_err(failed)? })
    };
    store.rows(select).await?.into_iter().map(read).collect()
}

pub(super) async fn keep(
    store: &PostgresStore,
    book_id: BookId,
    nodes: &[TreeNodes],
) -> Result<()> {
    let mut update = of_book(book_id)?;
    update.push("UPDATE fiscaflow.commits SET nodes = kept.nodes FROM unnest(");
    update.push_bind(numbers(nodes.iter().map(|kept| kept.seq))).push(", ");
    update.push_bind(nodes.iter().map(|kept| kept.bytes.clone()).collect::<Vec<_>>());
    update.push(") AS kept(seq, nodes) WHERE commits.book_id = $1 AND ").push(BOOK);
    update.push(" AND commits.seq = kept.seq AND commits.nodes IS NULL");
    store.rows(update).await.map(drop)
}

/// Numbers as they are bound: one that is too large is of no commit.
fn numbers(seqs: impl Iterator<Item = u64>) -> Vec<i64> {
    seqs.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX)).collect()
}
