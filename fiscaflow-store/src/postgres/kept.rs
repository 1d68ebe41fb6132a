//! What is kept beside the history, as it stands in its rows.

use fiscaflow_core::store::{Kept, KeptPart, KeptRow, KeptSink};
use fiscaflow_core::{BookId, Result};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row, ValueRef as _};
use uuid::Uuid;

use super::PostgresStore;
use super::commits::{read_answered, read_seq};
use super::deliveries::{self, read_delivery};
use super::error::failed;
use super::rows::{self, Columns};
use super::statement::{BOOK, of_book, push_select, select};
use crate::rows::{TRANSACTION, kept_document, odd_columns, read, source_name};

/// Stray rows that are told.
const MOST_STRAY: u32 = 100;

/// The columns of a transaction, with the origins as their own rows tell them, and those that stand
/// beside what it is read from.
fn transactions(book_id: BookId) -> Result<QueryBuilder<Postgres>> {
    let beside = "search, category_source, origins";
    let columns = [TRANSACTION, rows::ORIGINS_OF_ROWS, beside].join(", ");
    select(book_id, &columns, "transactions")
}

pub(super) async fn kept(
    store: &PostgresStore,
    book_id: BookId,
    part: &KeptPart,
) -> Result<Vec<KeptRow>> {
    let (select, row): (_, fn(&PgRow) -> Result<KeptRow>) = match part {
        KeptPart::Documents => {
            let mut select = select(book_id, "kind, key, content", "documents")?;
            select.push(" ORDER BY kind, key");
            (select, document)
        }
        KeptPart::Transactions { after, limit } => {
            let mut select = transactions(book_id)?;
            if let Some(after) = after {
                select.push(" AND id > ").push_bind(after.uuid());
            }
            select.push(" ORDER BY id LIMIT ").push(*limit);
            (select, transaction)
        }
        KeptPart::These(ids) => {
            let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
            let mut select = transactions(book_id)?;
            select.push(" AND id = ANY(").push_bind(ids).push(")");
            (select, transaction)
        }
        KeptPart::StrayOrigins => (stray_origins(book_id)?, stray),
        KeptPart::StrayCommits => {
            let mut select = select(book_id, "seq", "commits")?;
            select.push(" AND seq < 1 LIMIT ").push(MOST_STRAY);
            (select, stray_commit)
        }
        KeptPart::Answers { after, limit } => {
            let columns = "seq, request_salt, request_digest, answer, key";
            let mut select = select(book_id, columns, "answers")?;
            if let Some(after) = after {
                select.push(" AND key > ").push_bind(after.clone());
            }
            select.push(" ORDER BY key LIMIT ").push(*limit);
            (select, answer)
        }
        KeptPart::Sinks => (sinks(book_id)?, sink),
    };
    store.rows(select).await?.iter().map(row).collect()
}

fn text(row: &PgRow, column: usize) -> Result<&str> {
    row.try_get(column).map_err(failed)
}

fn document(row: &PgRow) -> Result<KeptRow> {
    Ok(kept_document(text(row, 0)?, text(row, 1)?, text(row, 2)?))
}

fn transaction(row: &PgRow) -> Result<KeptRow> {
    let id: Uuid = row.try_get(0).map_err(failed)?;
    let (id, kind) = (id.to_string(), "transaction".to_owned());
    let Ok(transaction) = read(&mut Columns::of(row)) else {
        return Ok(KeptRow { kind, id, content: None, odd: Vec::new() });
    };
    let mut odd = odd_columns(&transaction, |name| row.try_get(name).map_err(failed))?;
    let source = transaction.category_source.as_ref().map(|source| source_name(source.kind));
    if row.try_get::<Option<&str>, _>("category_source").map_err(failed)? != source {
        odd.push("category_source");
    }
    Ok(KeptRow { kind, id, content: Some(Kept::Transaction(Box::new(transaction))), odd })
}

/// Transactions whose origins are not numbered from 0, or that are not there. Whether one is there
/// is asked by its key: as `EXISTS` it would be a join over all books.
fn stray_origins(book_id: BookId) -> Result<QueryBuilder<Postgres>> {
    let mut statement = of_book(book_id)?;
    statement.push("SELECT transaction_id, gone FROM (SELECT transaction_id, (SELECT t.id FROM ");
    statement.push("fiscaflow.transactions AS t WHERE t.book_id = $1 AND t.id = ");
    statement.push("origins.transaction_id) IS NULL AS gone, min(number) <> 0 OR max(number) <> ");
    statement.push("count(*) - 1 AS odd FROM fiscaflow.origins WHERE book_id = $1 AND ").push(BOOK);
    statement.push(" GROUP BY transaction_id) AS found WHERE gone OR odd LIMIT ").push(MOST_STRAY);
    Ok(statement)
}

fn stray_commit(row: &PgRow) -> Result<KeptRow> {
    let seq: i64 = row.try_get(0).map_err(failed)?;
    Ok(KeptRow { kind: "commit".to_owned(), id: seq.to_string(), content: None, odd: Vec::new() })
}

fn stray(row: &PgRow) -> Result<KeptRow> {
    let (id, gone): (Uuid, bool) =
        (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    let odd = if gone { Vec::new() } else { vec!["number"] };
    Ok(KeptRow { kind: "origin".to_owned(), id: id.to_string(), content: None, odd })
}

fn answer(row: &PgRow) -> Result<KeptRow> {
    let content = read_answered(row).ok().map(Kept::Answer);
    Ok(KeptRow {
        kind: "answer".to_owned(),
        id: text(row, 4)?.to_owned(),
        content,
        odd: Vec::new(),
    })
}

/// Every sink of which something is kept for the book, or that is known at all. Each part names the
/// book to the wall by itself, whichever is read first.
fn sinks(book_id: BookId) -> Result<QueryBuilder<Postgres>> {
    let mut statement = of_book(book_id)?;
    statement.push("WITH book AS MATERIALIZED (");
    push_select(&mut statement, "head_seq, moved", "books");
    statement.push("), told AS MATERIALIZED (");
    push_select(&mut statement, &format!("{}, sink, waits", deliveries::COLUMNS), "deliveries");
    statement.push("), aside AS MATERIALIZED (");
    push_select(&mut statement, "sink, bool_or(again) AS again", "set_aside");
    statement.push(" GROUP BY sink), names AS (SELECT sink FROM fiscaflow.sinks UNION ");
    statement.push("SELECT sink FROM told UNION SELECT sink FROM aside) SELECT ");
    statement.push(deliveries::COLUMNS).push(", names.sink, head_seq, coalesce(again, false), ");
    statement.push("NOT coalesce(complete, false) OR moved OR coalesce(waits, false) FROM book ");
    statement.push("CROSS JOIN names LEFT JOIN fiscaflow.sinks ON sinks.sink = names.sink ");
    statement.push("LEFT JOIN told ON told.sink = names.sink ");
    statement.push("LEFT JOIN aside ON aside.sink = names.sink");
    Ok(statement)
}

fn sink(row: &PgRow) -> Result<KeptRow> {
    let version: Option<i64> = row.try_get(0).map_err(failed)?;
    let read = || {
        let delivery = match version {
            None | Some(0) => None,
            Some(_) => Some(read_delivery(row)?),
        };
        let head_seq = read_seq(row.try_get(10).map_err(failed)?)?;
        let again = row.try_get(11).map_err(failed)?;
        let findable = row.try_get(12).map_err(failed)?;
        Ok::<_, fiscaflow_core::Error>(KeptSink { delivery, head_seq, again, findable })
    };
    let content = read().ok().map(Kept::Sink);
    let leased = |column: usize| row.try_get_raw(column).is_ok_and(|value| !value.is_null());
    let odd = if leased(3) == leased(4) { Vec::new() } else { vec!["lease_owner"] };
    Ok(KeptRow { kind: "delivery".to_owned(), id: text(row, 9)?.to_owned(), content, odd })
}
