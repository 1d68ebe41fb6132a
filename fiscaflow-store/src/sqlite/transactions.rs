//! Transactions: lists and origins, and how they are put and taken away.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use fiscaflow_core::model::Transaction;
use fiscaflow_core::store::{Head, OriginQuery, OriginRow, PageRequest, Selection, fold};
use fiscaflow_core::{BookId, CategoryId, Error, ErrorCode, Result, TransactionId};
use sqlx::{QueryBuilder, Sqlite};

use super::SqliteStore;
use super::batch::Batch;
use super::documents::read_head;
use super::rows::{self, blob};
use crate::rows::{Encoded, day, read, source_name, status_name};

/// Origins of one statement: SQLite takes 32,766 values.
const ROWS: usize = 1_000;

/// Selects a transaction and the head that it belongs to.
static ONE: LazyLock<String> = LazyLock::new(|| {
    let head = "SELECT head_seq, head_hash, (SELECT ";
    let of = " FROM transactions WHERE book_id = ?1 AND id = ?2) FROM books WHERE book_id = ?1";
    [head, rows::TRANSACTIONS, of].concat()
});

/// Selects transactions and the head that they belong to, in one row of one statement.
pub(super) async fn select(
    store: &SqliteStore,
    book_id: BookId,
    selection: Selection<'_>,
) -> Result<Option<(Head, Vec<Transaction>)>> {
    let book = blob(book_id.uuid());
    let row = if let Selection::Ids([id]) = selection {
        store.row(sqlx::query(ONE.as_str()).bind(book).bind(blob(id.uuid()))).await?
    } else {
        let mut select = QueryBuilder::<Sqlite>::new("SELECT head_seq, head_hash, (SELECT ");
        select.push(rows::TRANSACTIONS).push(" FROM ");
        match selection {
            Selection::Ids(ids) => {
                select.push("transactions WHERE book_id = ").push_bind(book.clone());
                push_ids(select.push(" AND id IN "), ids)?;
            }
            Selection::Page(request) => push_page(&mut select, book_id, request),
        }
        select.push(") FROM books WHERE book_id = ").push_bind(book);
        store.row(select.build()).await?
    };
    let Some(row) = row else { return Ok(None) };
    let mut found = rows::packed(&row, 2)?.all(read)?;
    if let Selection::Page(_) = selection {
        // What is joined has no order, though SQLite keeps the one it finds.
        found.sort_unstable_by_key(|it| Reverse((it.booking_date, it.id)));
    }
    Ok(Some((read_head(&row)?, found)))
}

fn push_page(select: &mut QueryBuilder<Sqlite>, book_id: BookId, request: &PageRequest) {
    select.push("(");
    if let Some(id) = request.query.category_id {
        // Two lists in one order, each along its own index: of those in the category and of those
        // with a part in it.
        select.push("SELECT * FROM (");
        push_list(select, book_id, request, Category::Is(id));
        select.push(") UNION ALL SELECT * FROM (");
        push_list(select, book_id, request, Category::InParts(id));
        select.push(") ORDER BY booking_day DESC, id DESC LIMIT ").push(request.limit);
    } else {
        push_list(select, book_id, request, Category::Any);
    }
    select.push(") AS t");
}

/// Which categories a list is of.
#[derive(Clone, Copy)]
enum Category {
    Any,
    Is(CategoryId),
    InParts(CategoryId),
}

fn push_list(
    select: &mut QueryBuilder<Sqlite>,
    book_id: BookId,
    request: &PageRequest,
    category: Category,
) {
    let query = &request.query;
    select.push("SELECT * FROM transactions WHERE book_id = ").push_bind(blob(book_id.uuid()));
    if !query.deleted {
        select.push(" AND deleted = 0");
    }
    if let Some(id) = query.account_id {
        select.push(" AND account_id = ").push_bind(blob(id.uuid()));
    }
    push_category(select, category);
    if query.uncategorised {
        select.push(" AND category_id IS NULL AND splits IS NULL");
    }
    if let Some(kind) = query.category_source {
        // The kind stands in the statement: a partial index is found by its own words.
        select.push(" AND sources ->> '$.category.kind' = '").push(source_name(kind)).push("'");
    }
    if let Some(id) = query.schedule_id {
        select.push(" AND schedule_id = ").push_bind(blob(id.uuid()));
    }
    if let Some(id) = query.goal_id {
        select.push(" AND goal_id = ").push_bind(blob(id.uuid()));
    }
    if let Some(from) = query.from {
        select.push(" AND booking_day >= ").push_bind(day(from));
    }
    if let Some(to) = query.to {
        select.push(" AND booking_day <= ").push_bind(day(to));
    }
    if let Some(status) = query.status {
        select.push(" AND status = ").push_bind(status_name(status));
    }
    if let Some(tag) = &query.tag {
        select.push(" AND tags IS NOT NULL AND EXISTS ");
        select.push("(SELECT 1 FROM json_each(tags) WHERE json_each.value = ");
        select.push_bind(tag.as_str()).push(")");
    }
    if let Some(text) = &query.text {
        select.push(" AND instr(search, ").push_bind(fold(text)).push(") > 0");
    }
    if let Some(after) = request.after {
        select.push(" AND (booking_day, id) < (").push_bind(day(after.booking_date));
        select.push(", ").push_bind(blob(after.id.uuid())).push(")");
    }
    // The number stands in the statement: SQLite plans anew whenever one is bound here.
    select.push(" ORDER BY booking_day DESC, id DESC LIMIT ").push(request.limit);
}

fn push_category(select: &mut QueryBuilder<Sqlite>, category: Category) {
    match category {
        Category::Any => {}
        Category::Is(id) => {
            select.push(" AND category_id = ").push_bind(blob(id.uuid()));
        }
        Category::InParts(id) => {
            select.push(" AND category_id IS NOT ").push_bind(blob(id.uuid()));
            select.push(" AND splits IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(splits) ");
            select.push("WHERE json_each.value ->> 'category' = ").push_bind(id.to_string());
            select.push(")");
        }
    }
}

pub(super) async fn origins(
    store: &SqliteStore,
    book_id: BookId,
    query: &OriginQuery,
) -> Result<Vec<OriginRow>> {
    let mut select = QueryBuilder::<Sqlite>::new("");
    push_origins(&mut select, book_id, query, "origins_by_day");
    select.push(" AND origins.booking_day BETWEEN ").push_bind(day(query.from));
    select.push(" AND ").push_bind(day(query.to)).push(" GROUP BY origins.booking_day");
    if !query.bank_ids.is_empty() {
        // Two indexes, hence two statements; the second leaves out what the first finds. That is
        // mostly all of it, so whether there is more is asked before the ids are looked up.
        select.push(" UNION ALL ");
        push_origins(&mut select, book_id, query, "origins_by_bank_id");
        select.push(" AND origins.booking_day NOT BETWEEN ").push_bind(day(query.from));
        select.push(" AND ").push_bind(day(query.to));
        select.push(" AND bank_id IN (SELECT value FROM json_each(CASE WHEN ");
        push_exists(&mut select, book_id, query, " < ", query.from);
        select.push(" OR ");
        push_exists(&mut select, book_id, query, " > ", query.to);
        // No stored text holds U+0000, which SQLite's JSON would cut a text at.
        let storable = query.bank_ids.iter().filter(|id| !id.contains('\0'));
        let ids: Vec<&String> = storable.collect();
        select.push(" THEN ").push_bind(to_json(&ids)?).push(" ELSE '[]' END))");
    }
    let mut found = Vec::new();
    for day in store.rows(select.build()).await? {
        found.append(&mut rows::read_origins(&day)?);
    }
    found.sort_unstable_by_key(|(number, origin)| (origin.transaction_id, *number));
    Ok(found.into_iter().map(|(_, origin)| origin).collect())
}

/// The origins of an account, along an index: left to itself, SQLite goes through the whole book.
fn push_origins(
    select: &mut QueryBuilder<Sqlite>,
    book_id: BookId,
    query: &OriginQuery,
    index: &str,
) {
    select.push("SELECT ").push(rows::ORIGINS).push(" FROM origins INDEXED BY ").push(index);
    select.push(" WHERE origins.book_id = ");
    select.push_bind(blob(book_id.uuid())).push(" AND origins.account_id = ");
    select.push_bind(blob(query.account_id.uuid()));
}

/// Whether the account has an origin on this side of a day.
fn push_exists(
    select: &mut QueryBuilder<Sqlite>,
    book_id: BookId,
    query: &OriginQuery,
    side: &str,
    of: NaiveDate,
) {
    select.push("EXISTS (SELECT 1 FROM origins AS others WHERE others.book_id = ");
    select.push_bind(blob(book_id.uuid())).push(" AND others.account_id = ");
    select.push_bind(blob(query.account_id.uuid())).push(" AND others.booking_day").push(side);
    select.push_bind(day(of)).push(")");
}

/// Puts transactions in the place of those that bear their ids; the former ones' origins go with
/// them.
pub(super) fn put(batch: &mut Batch, book_id: BookId, transactions: &[&Transaction]) -> Result<()> {
    batch.insert(rows::INSERT, transactions.len());
    for transaction in transactions {
        rows::bind(&mut batch.values, book_id, Encoded::new(transaction)?);
    }
    let mut newest = BTreeMap::new();
    for transaction in transactions {
        newest.insert(transaction.id, &transaction.origins);
    }
    let origins = newest
        .into_iter()
        .flat_map(|(id, origins)| origins.iter().enumerate().map(move |origin| (id, origin)));
    for chunk in origins.collect::<Vec<_>>().chunks(ROWS) {
        batch.insert(rows::INSERT_ORIGIN, chunk.len());
        for (id, origin) in chunk {
            rows::bind_origin(&mut batch.values, book_id, *id, *origin);
        }
    }
    Ok(())
}

/// Takes transactions away; one that is not there is no error.
pub(super) fn remove(batch: &mut Batch, book_id: BookId, ids: &[TransactionId]) -> Result<()> {
    batch.sql(
        "DELETE FROM transactions WHERE book_id = ? \
         AND id IN (SELECT unhex(value) FROM json_each(?))",
    );
    batch.values.push(blob(book_id.uuid())).push(id_list(ids)?);
    Ok(())
}

/// Any number of ids as one value: a list of values is limited.
pub(super) fn push_ids(query: &mut QueryBuilder<Sqlite>, ids: &[TransactionId]) -> Result<()> {
    query.push("(SELECT unhex(value) FROM json_each(").push_bind(id_list(ids)?).push("))");
    Ok(())
}

fn id_list(ids: &[TransactionId]) -> Result<String> {
    let ids: Vec<String> = ids.iter().map(|id| id.uuid().simple().to_string()).collect();
    to_json(&ids)
}

fn to_json<T: serde::Serialize>(values: &[T]) -> Result<String> {
    serde_json::to_string(values)
        .map_err(|_| Error::new(ErrorCode::Internal, "a list cannot be written as JSON"))
}
