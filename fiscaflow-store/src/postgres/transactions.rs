//! Transactions, read: lists, columns and origins.

use fiscaflow_core::model::Transaction;
use fiscaflow_core::store::{ColumnRow, OriginQuery, OriginRow, PageRequest, fold};
use fiscaflow_core::{BookId, CategoryId, Result, TransactionId};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::PostgresStore;
use super::rows::{self, Columns};
use super::statement::{of_book, push_select, select};
use crate::rows::{day, read, read_column_row, source_name, status_name};

pub(super) async fn transactions(
    store: &PostgresStore,
    book_id: BookId,
    ids: &[TransactionId],
) -> Result<Vec<Transaction>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let mut select = select(book_id, rows::TRANSACTION, "transactions")?;
    select.push(" AND id = ANY(").push_bind(ids).push(")");
    read_all(store, select).await
}

pub(super) async fn page(
    store: &PostgresStore,
    book_id: BookId,
    request: &PageRequest,
) -> Result<Vec<Transaction>> {
    // No stored text holds U+0000, and PostgreSQL takes it in no value.
    let query = &request.query;
    if [&query.tag, &query.text].into_iter().flatten().any(|text| text.contains('\0')) {
        return Ok(Vec::new());
    }
    let mut select = of_book(book_id)?;
    match query.category_id {
        None => push_list(&mut select, request, Category::Any),
        Some(id) => {
            // Two lists in one order, each along its own index: of those in the category and of
            // those with a part in it.
            select.push("SELECT * FROM (");
            push_list(&mut select, request, Category::Is(id));
            select.push(") AS whole UNION ALL SELECT * FROM (");
            push_list(&mut select, request, Category::InParts(id));
            select.push(") AS parts ORDER BY booking_day DESC, id DESC LIMIT ").push(request.limit);
        }
    }
    read_all(store, select).await
}

async fn read_all(
    store: &PostgresStore,
    select: QueryBuilder<Postgres>,
) -> Result<Vec<Transaction>> {
    store.rows(select).await?.iter().map(|row| read(&mut Columns::of(row))).collect()
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
    push_select(select, rows::TRANSACTION, "transactions");
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
    let mut select = select(book_id, rows::COLUMN_ROW, "transactions")?;
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
    let mut found = rows.iter().map(rows::read_origin).collect::<Result<Vec<_>>>()?;
    found.sort_unstable_by_key(|(number, origin)| (origin.transaction_id, *number));
    Ok(found.into_iter().map(|(_, origin)| origin).collect())
}
