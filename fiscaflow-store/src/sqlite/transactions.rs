//! Transactions: lists and origins, and how they are put and taken away.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use fiscaflow_core::model::Transaction;
use fiscaflow_core::store::{OriginQuery, OriginRow, PageRequest, fold};
use fiscaflow_core::{BookId, CategoryId, Error, ErrorCode, Result, TransactionId};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use super::error::failed;
use super::rows::{self, Columns, Values, blob};
use crate::rows::{Encoded, day, read, source_name, status_name};

/// Rows of one statement: SQLite takes 32,766 values.
const ROWS: usize = 1_000;

pub(super) async fn transactions(
    pool: &SqlitePool,
    book_id: BookId,
    ids: &[TransactionId],
) -> Result<Vec<Transaction>> {
    let mut select = QueryBuilder::<Sqlite>::new("SELECT ");
    select.push(rows::TRANSACTION).push(" FROM transactions WHERE book_id = ");
    select.push_bind(blob(book_id.uuid())).push(" AND id IN ");
    push_ids(&mut select, ids)?;
    fetch(pool, select, |row| read(&mut Columns::of(row))).await
}

pub(super) async fn page(
    pool: &SqlitePool,
    book_id: BookId,
    request: &PageRequest,
) -> Result<Vec<Transaction>> {
    let mut select = QueryBuilder::<Sqlite>::new("");
    match request.query.category_id {
        None => push_page(&mut select, book_id, request, Category::Any),
        Some(id) => {
            // Two lists in one order, each along its own index: of those in the category and of
            // those with a part in it.
            select.push("SELECT * FROM (");
            push_page(&mut select, book_id, request, Category::Is(id));
            select.push(") UNION ALL SELECT * FROM (");
            push_page(&mut select, book_id, request, Category::InParts(id));
            select.push(") ORDER BY booking_day DESC, id DESC LIMIT ");
            select.push_bind(i64::from(request.limit));
        }
    }
    fetch(pool, select, |row| read(&mut Columns::of(row))).await
}

/// Which categories a list is of.
#[derive(Clone, Copy)]
enum Category {
    Any,
    Is(CategoryId),
    InParts(CategoryId),
}

fn push_page(
    select: &mut QueryBuilder<Sqlite>,
    book_id: BookId,
    request: &PageRequest,
    category: Category,
) {
    let query = &request.query;
    select.push("SELECT ").push(rows::TRANSACTION).push(" FROM transactions WHERE book_id = ");
    select.push_bind(blob(book_id.uuid()));
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
    select.push(" ORDER BY booking_day DESC, id DESC LIMIT ").push_bind(i64::from(request.limit));
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
    pool: &SqlitePool,
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
    let days = fetch(pool, select, rows::read_origins).await?;
    let mut found: Vec<_> = days.into_iter().flatten().collect();
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

/// Puts transactions in the place of those that bear their ids, so many in one statement.
pub(super) async fn put(
    connection: &mut SqliteConnection,
    book_id: BookId,
    transactions: &[&Transaction],
) -> Result<()> {
    let mut statements = transactions.chunks(ROWS).flat_map(|chunk| {
        std::iter::once_with(move || insert(book_id, chunk)).chain(insert_origins(book_id, chunk))
    });
    let mut next = statements.next();
    while let Some(statement) = next {
        let (sql, values) = statement?;
        // SQLite runs in a thread of its own: meanwhile the next statement is made.
        let running = sqlx::query_with(AssertSqlSafe(sql), values).execute(&mut *connection);
        let (done, following) = tokio::join!(running, async { statements.next() });
        done.map_err(failed)?;
        next = following;
    }
    Ok(())
}

type Statement = (String, SqliteArguments);

fn insert(book_id: BookId, transactions: &[&Transaction]) -> Result<Statement> {
    let mut values = Values::default();
    for transaction in transactions {
        rows::bind(&mut values, book_id, Encoded::new(transaction)?);
    }
    values.statement(rows::INSERT)
}

/// Adds the origins of transactions that were put just now: the former ones went with the former
/// transactions.
fn insert_origins<'a>(
    book_id: BookId,
    transactions: &[&'a Transaction],
) -> impl Iterator<Item = Result<Statement>> + use<'a> {
    let mut newest = BTreeMap::new();
    for transaction in transactions {
        newest.insert(transaction.id, &transaction.origins);
    }
    let mut origins = newest
        .into_iter()
        .flat_map(|(id, origins)| origins.iter().enumerate().map(move |origin| (id, origin)))
        .peekable();
    std::iter::from_fn(move || {
        origins.peek()?;
        let mut values = Values::default();
        for (id, origin) in origins.by_ref().take(ROWS) {
            rows::bind_origin(&mut values, book_id, id, origin);
        }
        Some(values.statement(rows::INSERT_ORIGIN))
    })
}

/// Takes transactions away; one that is not there is no error.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    book_id: BookId,
    ids: &[TransactionId],
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut delete = QueryBuilder::<Sqlite>::new("DELETE FROM transactions WHERE book_id = ");
    delete.push_bind(blob(book_id.uuid())).push(" AND id IN ");
    push_ids(&mut delete, ids)?;
    delete.build().execute(connection).await.map_err(failed)?;
    Ok(())
}

/// Any number of ids as one value: a list of values is limited.
pub(super) fn push_ids(query: &mut QueryBuilder<Sqlite>, ids: &[TransactionId]) -> Result<()> {
    let ids: Vec<String> = ids.iter().map(|id| id.uuid().simple().to_string()).collect();
    query.push("(SELECT unhex(value) FROM json_each(").push_bind(to_json(&ids)?).push("))");
    Ok(())
}

fn to_json<T: serde::Serialize>(values: &[T]) -> Result<String> {
    serde_json::to_string(values)
        .map_err(|_| Error::new(ErrorCode::Internal, "a list cannot be written as JSON"))
}

async fn fetch<T>(
    pool: &SqlitePool,
    mut select: QueryBuilder<Sqlite>,
    read: impl Fn(&SqliteRow) -> Result<T>,
) -> Result<Vec<T>> {
    let rows = select.build().fetch_all(pool).await.map_err(failed)?;
    rows.iter().map(read).collect()
}
