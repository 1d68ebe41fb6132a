//! Transactions, read: lists, columns and origins.

use std::cmp::Reverse;

use fiscaflow_core::model::Transaction;
use fiscaflow_core::store::{
    ColumnRow, Head, OriginQuery, OriginRow, PageRequest, Selection, fold,
};
use fiscaflow_core::{BookId, CategoryId, Result, TransactionId};
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::PostgresStore;
use super::documents::{HEAD_COLUMNS, read_head};
use super::error::failed;
use super::rows::{self, Columns};
use super::statement::{self, of_book, push_select};
use crate::rows::{TRANSACTION, day, read, read_column_row, source_name, status_name};

/// Selects transactions and the head that they belong to, in one statement: a row for each
/// transaction, or one for a book without any.
pub(super) async fn select(
    store: &PostgresStore,
    book_id: BookId,
    selection: Selection<'_>,
) -> Result<Option<(Head, Vec<Transaction>)>> {
    // The book is named to the wall before any row is looked for: the condition is the whole
    // statement's.
    let mut select = of_book(book_id)?;
    select.push("SELECT * FROM (");
    push_select(&mut select, "head_seq, head_hash", "books");
    select.push(") AS head LEFT JOIN (");
    match selection {
        Selection::Ids([id]) => {
            push_columns(&mut select);
            select.push(" AND id = ").push_bind(id.uuid());
        }
        Selection::Ids(ids) => {
            let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
            push_columns(&mut select);
            select.push(" AND id = ANY(").push_bind(ids).push(")");
        }
        // No stored text holds U+0000, and PostgreSQL takes it in no value.
        Selection::Page(PageRequest { query, .. })
            if [&query.tag, &query.text].into_iter().flatten().any(|text| text.contains('\0')) =>
        {
            push_columns(&mut select);
            select.push(" AND false");
        }
        Selection::Page(request) => push_page(&mut select, request),
    }
    select.push(") AS t ON true");
    let rows = store.rows(select).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let head = read_head(first)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: Option<Uuid> = row.try_get(HEAD_COLUMNS).map_err(failed)?;
        if id.is_some() {
            found.push(read(&mut Columns::from(row, HEAD_COLUMNS))?);
        }
    }
    if let Selection::Page(_) = selection {
        // A join promises no order, though it keeps the one it finds.
        found.sort_unstable_by_key(|it| Reverse((it.booking_date, it.id)));
    }
    Ok(Some((head, found)))
}

fn push_page(select: &mut QueryBuilder<Postgres>, request: &PageRequest) {
    let Some(id) = request.query.category_id else {
        return push_list(select, request, Category::Any);
    };
    // Two lists in one order, each along its own index: of those in the category and of those with
    // a part in it.
    select.push("SELECT * FROM (");
    push_list(select, request, Category::Is(id));
    select.push(") AS whole UNION ALL SELECT * FROM (");
    push_list(select, request, Category::InParts(id));
    select.push(") AS parts ORDER BY booking_day DESC, id DESC LIMIT ").push(request.limit);
}

/// Adds a selection of the book's transactions to a statement that names the book to the wall.
fn push_columns(select: &mut QueryBuilder<Postgres>) {
    select.push("SELECT ").push(TRANSACTION).push(", origins FROM fiscaflow.transactions ");
    select.push("WHERE book_id = $1");
}

/// Which categories a list is of.
#[derive(Clone, Copy)]
enum Category {
    Any,
    Is(CategoryId),
    InParts(CategoryId),
}

fn push_list(select: &mut QueryBuilder<Postgres>, request: &PageRequest, category: Category) {
    let query = &request.query;
    push_columns(select);
    if !query.deleted {
        select.push(" AND NOT deleted");
    }
    if let Some(id) = query.account_id {
        select.push(" AND account_id = ").push_bind(id.uuid());
    }
    push_category(select, category);
    if query.uncategorised {
        select.push(" AND category_id IS NULL AND splits IS NULL");
    }
    if let Some(kind) = query.category_source {
        // The kind stands in the statement: a partial index is found by its own words.
        select.push(" AND category_source = '").push(source_name(kind)).push("'");
    }
    if let Some(id) = query.schedule_id {
        select.push(" AND schedule_id = ").push_bind(id.uuid());
    }
    if let Some(id) = query.goal_id {
        select.push(" AND goal_id = ").push_bind(id.uuid());
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
        select.push(" AND tags IS NOT NULL AND tags::jsonb ? ").push_bind(tag.clone());
    }
    if let Some(text) = &query.text {
        select.push(" AND strpos(search, ").push_bind(fold(text)).push(") > 0");
    }
    if let Some(after) = request.after {
        select.push(" AND (booking_day, id) < (").push_bind(day(after.booking_date));
        select.push(", ").push_bind(after.id.uuid()).push(")");
    }
    // The number stands in the statement: a plan for any number would sort the whole book.
    select.push(" ORDER BY booking_day DESC, id DESC LIMIT ").push(request.limit);
}

fn push_category(select: &mut QueryBuilder<Postgres>, category: Category) {
    match category {
        Category::Any => {}
        Category::Is(id) => {
            select.push(" AND category_id = ").push_bind(id.uuid());
        }
        Category::InParts(id) => {
            select.push(" AND category_id IS DISTINCT FROM ").push_bind(id.uuid());
            select.push(" AND splits IS NOT NULL AND splits::jsonb @> ");
            select.push_bind(format!("[{{\"category\":\"{id}\"}}]")).push("::jsonb");
        }
    }
}

pub(super) async fn columns(
    store: &PostgresStore,
    book_id: BookId,
    after: Option<TransactionId>,
    limit: u32,
) -> Result<Vec<ColumnRow>> {
    let mut select = statement::select(book_id, rows::COLUMN_ROW, "transactions")?;
    if let Some(after) = after {
        select.push(" AND id > ").push_bind(after.uuid());
    }
    select.push(" ORDER BY id LIMIT ").push(limit);
    let rows = store.rows(select).await?;
    rows.iter().map(|row| read_column_row(&mut Columns::of(row))).collect()
}

pub(super) async fn origins(
    store: &PostgresStore,
    book_id: BookId,
    query: &OriginQuery,
) -> Result<Vec<OriginRow>> {
    let mut select = of_book(book_id)?;
    let account = query.account_id.uuid();
    push_select(&mut select, rows::ORIGIN, "origins");
    select.push(" AND account_id = ").push_bind(account);
    select.push(" AND booking_day BETWEEN ").push_bind(day(query.from));
    select.push(" AND ").push_bind(day(query.to));
    if !query.bank_ids.is_empty() {
        // Two indexes, hence two selections; the second leaves out what the first finds.
        select.push(" UNION ALL ");
        push_select(&mut select, rows::ORIGIN, "origins");
        select.push(" AND account_id = ").push_bind(account);
        select.push(" AND booking_day NOT BETWEEN ").push_bind(day(query.from));
        select.push(" AND ").push_bind(day(query.to)).push(" AND bank_id = ANY(");
        let storable = query.bank_ids.iter().filter(|id| !id.contains('\0'));
        select.push_bind(storable.cloned().collect::<Vec<String>>()).push(")");
    }
    let rows = store.rows(select).await?;
    let mut found = rows.iter().map(rows::read_origin_row).collect::<Result<Vec<_>>>()?;
    found.sort_unstable_by_key(|(number, origin)| (origin.transaction_id, *number));
    Ok(found.into_iter().map(|(_, origin)| origin).collect())
}
