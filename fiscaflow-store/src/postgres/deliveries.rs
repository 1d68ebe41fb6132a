//! How far events have come to their sinks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use fiscaflow_core::store::{
    Delivery, DeliveryStep, EventPlace, LONGEST_WAIT, Lease, SetAside, SetAsideQuery, WaitingQuery,
};
use fiscaflow_core::{BookId, Error, ErrorCode, EventId, Result};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::PostgresStore;
use super::error::failed;
use super::statement::{BOOK, of_book, select};
use crate::damaged;

/// The condition that opens the wall to statements that look for books: they see heads and
/// deliveries of all of them, and nothing of what is in one.
const WAITING: &str = "(SELECT set_config('fiscaflow.waiting', 'on', true)) IS NOT NULL";

pub(super) async fn books(
    store: &PostgresStore,
    after: Option<BookId>,
    limit: u32,
) -> Result<Vec<BookId>> {
    let mut select = QueryBuilder::new("SELECT book_id FROM fiscaflow.books WHERE ");
    select.push(WAITING);
    if let Some(after) = after {
        select.push(" AND book_id > ").push_bind(after.uuid());
    }
    select.push(" ORDER BY book_id LIMIT ").push(limit);
    store.rows(select).await?.iter().map(read_book).collect()
}

fn read_book(row: &PgRow) -> Result<BookId> {
    Ok(BookId::new(row.try_get(0).map_err(failed)?))
}

pub(super) async fn waiting(store: &PostgresStore, query: &WaitingQuery) -> Result<Vec<BookId>> {
    let sink = query.sink.as_str();
    let mut known = QueryBuilder::new("SELECT complete FROM fiscaflow.sinks WHERE sink = ");
    known.push_bind(sink);
    let known = store.rows(known).await?;
    let known: Option<bool> =
        known.first().map(|row| row.try_get(0)).transpose().map_err(failed)?;
    if known == Some(false) && query.after.is_none() {
        complete(store, sink).await?;
    }
    let select = if known == Some(true) { indexed(query) } else { everywhere(query) };
    store.rows(select).await?.iter().map(read_book).collect()
}

/// Marks a sink as complete where something is kept for it of every book. A book that is made
/// while this looks has moved, and the sink is known to whoever ends that.
async fn complete(store: &PostgresStore, sink: &str) -> Result<()> {
    let mut mark = QueryBuilder::new("UPDATE fiscaflow.sinks SET complete = true WHERE sink = ");
    mark.push_bind(sink).push(" AND NOT EXISTS (SELECT FROM fiscaflow.books LEFT JOIN ");
    mark.push("fiscaflow.deliveries ON deliveries.book_id = books.book_id AND deliveries.sink = ");
    mark.push_bind(sink).push(" WHERE ").push(WAITING).push(" AND deliveries.book_id IS NULL)");
    store.rows(mark).await.map(|_| ())
}

/// Books that have moved, and those of which it is kept that they wait: two short indexes.
fn indexed(query: &WaitingQuery) -> QueryBuilder<Postgres> {
    let mut select = QueryBuilder::new(
        "(SELECT books.book_id FROM fiscaflow.books LEFT JOIN fiscaflow.deliveries \
         ON deliveries.book_id = books.book_id AND deliveries.sink = ",
    );
    select.push_bind(query.sink.clone()).push(" WHERE moved AND ").push(WAITING);
    push_part(&mut select, query, "books.book_id");
    select.push(") UNION (SELECT deliveries.book_id FROM fiscaflow.deliveries WHERE sink = ");
    select.push_bind(query.sink.clone()).push(" AND waits AND ").push(WAITING);
    push_part(&mut select, query, "deliveries.book_id");
    select.push(") ORDER BY book_id LIMIT ").push(query.limit);
    select
}

/// The same among all books, for a sink of which not every book has something.
fn everywhere(query: &WaitingQuery) -> QueryBuilder<Postgres> {
    let mut select = QueryBuilder::new(
        "SELECT books.book_id FROM fiscaflow.books LEFT JOIN fiscaflow.deliveries \
         ON deliveries.book_id = books.book_id AND deliveries.sink = ",
    );
    select.push_bind(query.sink.clone()).push(" WHERE ").push(WAITING);
    select.push(" AND (books.head_seq > coalesce(deliveries.seq, 0) OR EXISTS (SELECT FROM ");
    select.push("fiscaflow.set_aside WHERE set_aside.book_id = books.book_id AND again AND ");
    select.push("set_aside.sink = ").push_bind(query.sink.clone()).push("))");
    push_part(&mut select, query, "books.book_id");
    select
}

/// Only what somebody may begin with now, after a book, at most so many.
fn push_part(select: &mut QueryBuilder<Postgres>, query: &WaitingQuery, book_id: &str) {
    let now = query.now.timestamp_micros();
    let longest = LONGEST_WAIT.num_microseconds().unwrap_or(i64::MAX);
    if let Some(after) = query.after {
        select.push(" AND ").push(book_id).push(" > ").push_bind(after.uuid());
    }
    for column in ["lease_until", "retry_at"] {
        select.push(" AND coalesce(").push(column).push(" NOT BETWEEN ");
        select.push_bind(now.saturating_add(1)).push(" AND ");
        select.push_bind(now.saturating_add(longest)).push(", true)");
    }
    select.push(" ORDER BY ").push(book_id).push(" LIMIT ").push(query.limit);
}

pub(super) async fn delivery(
    store: &PostgresStore,
    book_id: BookId,
    sink: &str,
) -> Result<Option<Delivery>> {
    let mut select = select(book_id, COLUMNS, "deliveries")?;
    select.push(" AND version > 0 AND sink = ").push_bind(sink);
    let rows = store.rows(select).await?;
    rows.first().map(read_delivery).transpose()
}

/// Reads the first columns of a row, in the order of [`COLUMNS`].
pub(super) fn read_delivery(row: &PgRow) -> Result<Delivery> {
    let owner: Option<String> = row.try_get(3).map_err(failed)?;
    let until = instant(row.try_get(4).map_err(failed)?)?;
    Ok(Delivery {
        version: number(row, 0)?,
        seq: number(row, 1)?,
        events: number(row, 2)?,
        lease: owner.zip(until).map(|(owner, until)| Lease { owner, until }),
        tries: number(row, 5)?,
        misses: number(row, 6)?,
        failure: row.try_get(7).map_err(failed)?,
        retry_at: instant(row.try_get(8).map_err(failed)?)?,
    })
}

pub(super) async fn set_aside(
    store: &PostgresStore,
    book_id: BookId,
    sink: &str,
    query: &SetAsideQuery,
) -> Result<Vec<SetAside>> {
    let columns = "seq, number, event_id, name, tries, reason, at, again";
    let mut select = select(book_id, columns, "set_aside")?;
    select.push(" AND sink = ").push_bind(sink);
    if let Some(after) = query.after {
        select.push(" AND (seq, number) > (").push_bind(signed(after.seq));
        select.push(", ").push_bind(i64::from(after.number)).push(")");
    }
    if query.again {
        select.push(" AND again");
    }
    select.push(" ORDER BY seq, number LIMIT ").push(query.limit);
    store.rows(select).await?.iter().map(read_set_aside).collect()
}

fn read_set_aside(row: &PgRow) -> Result<SetAside> {
    let at: i64 = row.try_get(6).map_err(failed)?;
    Ok(SetAside {
        place: EventPlace { seq: number(row, 0)?, number: number(row, 1)? },
        event_id: EventId::new(row.try_get(2).map_err(failed)?),
        name: row.try_get(3).map_err(failed)?,
        tries: number(row, 4)?,
        reason: row.try_get(5).map_err(failed)?,
        at: instant(Some(at))?.ok_or_else(|| damaged("no time"))?,
        again: row.try_get(7).map_err(failed)?,
    })
}

/// What is kept of a delivery.
pub(super) const COLUMNS: &str =
    "version, seq, events, lease_owner, lease_until, tries, misses, failure, retry_at";

/// Writes a step: one statement, like a commit.
pub(super) async fn deliver(
    store: &PostgresStore,
    book_id: BookId,
    sink: &str,
    step: &DeliveryStep,
) -> Result<()> {
    let mut statement = of_book(book_id)?;
    push_delivery(&mut statement, sink, step);
    push_marks(&mut statement, sink, step.expected == 0);
    push_set_aside(&mut statement, sink, step);
    statement.push(" SELECT count(*) FROM moved");
    let rows = store.rows(statement).await?;
    let moved = rows.first().map(|row| row.try_get::<i64, _>(0));
    if moved.transpose().map_err(failed)? == Some(1) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Conflict, "the delivery has moved on"))
}

/// The first step makes the row, or finds one that was only marked; every other one finds the
/// version that it expects. Either way the book has to have come that far. Its row is locked first,
/// so that what is said of it is true until the end.
fn push_delivery(statement: &mut QueryBuilder<Postgres>, sink: &str, step: &DeliveryStep) {
    let seq = signed(step.delivery.seq);
    statement.push("WITH book AS MATERIALIZED (SELECT book_id, head_seq, moved FROM ");
    statement.push("fiscaflow.books WHERE book_id = $1 AND ").push(BOOK);
    statement.push(" AND head_seq >= ").push_bind(seq).push(" FOR NO KEY UPDATE)");
    if step.expected == 0 {
        statement.push(", moved AS (INSERT INTO fiscaflow.deliveries AS kept (book_id, sink, ");
        statement.push(COLUMNS).push(", waits) SELECT book_id, ").push_bind(sink.to_owned());
        statement.push(", ");
        push_values(statement, &step.delivery);
        push_waits(statement, sink, step);
        statement.push(" FROM book ON CONFLICT (book_id, sink) DO UPDATE SET (").push(COLUMNS);
        statement.push(", waits) = ROW(excluded.").push(COLUMNS.replace(", ", ", excluded."));
        statement.push(", excluded.waits) WHERE kept.version = 0 RETURNING kept.book_id)");
    } else {
        statement.push(", moved AS (UPDATE fiscaflow.deliveries AS kept SET (").push(COLUMNS);
        statement.push(", waits) = ROW(");
        push_values(statement, &step.delivery);
        push_waits(statement, sink, step);
        statement.push(") FROM book WHERE kept.book_id = $1 AND ").push(BOOK);
        statement.push(" AND kept.book_id = book.book_id AND kept.sink = ");
        statement.push_bind(sink.to_owned());
        statement.push(" AND kept.version = ").push_bind(signed(step.expected));
        statement.push(" RETURNING kept.book_id)");
    }
}

/// Whether the book waits after the step: it has come further, or an event is to be told again.
fn push_waits(statement: &mut QueryBuilder<Postgres>, sink: &str, step: &DeliveryStep) {
    let put = step.put_aside.iter().map(|event| event.place);
    let gone = put.chain(step.taken_back.iter().copied());
    let (seqs, numbers): (Vec<i64>, Vec<i64>) =
        gone.map(|place| (signed(place.seq), i64::from(place.number))).unzip();
    statement.push(", book.head_seq > ").push_bind(signed(step.delivery.seq)).push(" OR ");
    statement.push_bind(step.put_aside.iter().any(|event| event.again));
    statement.push(" OR EXISTS (SELECT FROM fiscaflow.set_aside WHERE set_aside.book_id = $1 ");
    statement.push("AND set_aside.sink = ").push_bind(sink.to_owned());
    statement
        .push(" AND again AND (set_aside.seq, set_aside.number) NOT IN (SELECT * FROM unnest(");
    statement.push_bind(seqs).push(", ").push_bind(numbers).push(")))");
}

/// Marks the book for every other known sink if it has moved.
fn push_marks(statement: &mut QueryBuilder<Postgres>, sink: &str, is_first: bool) {
    statement.push(", marked AS (INSERT INTO fiscaflow.deliveries AS others (book_id, sink, ");
    statement.push("version, seq, events, tries, misses, waits) SELECT book.book_id, sinks.sink, ");
    statement.push("0, 0, 0, 0, 0, true FROM moved JOIN book ON book.book_id = moved.book_id ");
    statement.push("CROSS JOIN fiscaflow.sinks WHERE book.moved AND sinks.sink <> ");
    statement.push_bind(sink.to_owned());
    statement.push(" ON CONFLICT (book_id, sink) DO UPDATE SET waits = true)");
    statement.push(", looked AS (UPDATE fiscaflow.books SET moved = false FROM moved ");
    statement.push("WHERE books.book_id = $1 AND ").push(BOOK);
    statement.push(" AND books.book_id = moved.book_id AND books.moved)");
    if is_first {
        statement.push(", known AS (INSERT INTO fiscaflow.sinks (sink) SELECT ");
        statement.push_bind(sink.to_owned()).push(" FROM moved ON CONFLICT DO NOTHING)");
    }
}

/// What is kept of a delivery, without the parentheses.
fn push_values(statement: &mut QueryBuilder<Postgres>, delivery: &Delivery) {
    let Delivery { version, seq, events, lease, tries, misses, failure, retry_at } = delivery;
    let lease_until = lease.as_ref().map(|lease| lease.until.timestamp_micros());
    statement.push_bind(signed(*version)).push(", ").push_bind(signed(*seq)).push(", ");
    statement.push_bind(i64::from(*events)).push(", ");
    statement.push_bind(lease.as_ref().map(|lease| lease.owner.clone())).push(", ");
    statement.push_bind(lease_until).push(", ").push_bind(i64::from(*tries)).push(", ");
    statement.push_bind(i64::from(*misses)).push(", ").push_bind(failure.clone()).push(", ");
    statement.push_bind(retry_at.map(|at| at.timestamp_micros()));
}

/// Takes set-aside events away and puts others; one that is in both is put.
fn push_set_aside(statement: &mut QueryBuilder<Postgres>, sink: &str, step: &DeliveryStep) {
    let put: BTreeMap<EventPlace, &SetAside> =
        step.put_aside.iter().map(|event| (event.place, event)).collect();
    let gone = step.taken_back.iter().filter(|place| !put.contains_key(place));
    let (seqs, numbers): (Vec<i64>, Vec<i64>) =
        gone.map(|place| (signed(place.seq), i64::from(place.number))).unzip();
    if !seqs.is_empty() {
        statement.push(", gone AS (DELETE FROM fiscaflow.set_aside USING unnest(").push_bind(seqs);
        statement.push(", ").push_bind(numbers).push(") AS t(seq, number) WHERE EXISTS (SELECT ");
        statement.push("FROM moved) AND book_id = $1 AND set_aside.seq = t.seq AND ");
        statement.push("set_aside.number = t.number AND sink = ").push_bind(sink).push(")");
    }
    if put.is_empty() {
        return;
    }
    let place = |of: fn(&EventPlace) -> i64| put.keys().map(of).collect::<Vec<i64>>();
    statement.push(", put AS (INSERT INTO fiscaflow.set_aside (book_id, sink, seq, number, ");
    statement.push("event_id, name, tries, reason, at, again) SELECT moved.book_id, ");
    statement.push_bind(sink).push(", t.* FROM moved, unnest(");
    statement.push_bind(place(|place| signed(place.seq))).push(", ");
    statement.push_bind(place(|place| i64::from(place.number))).push(", ");
    let ids: Vec<Uuid> = put.values().map(|event| event.event_id.uuid()).collect();
    let names: Vec<String> = put.values().map(|event| event.name.clone()).collect();
    let tries: Vec<i64> = put.values().map(|event| i64::from(event.tries)).collect();
    let reasons: Vec<String> = put.values().map(|event| event.reason.clone()).collect();
    let times: Vec<i64> = put.values().map(|event| event.at.timestamp_micros()).collect();
    let again: Vec<bool> = put.values().map(|event| event.again).collect();
    statement.push_bind(ids).push(", ").push_bind(names).push(", ").push_bind(tries);
    statement.push(", ").push_bind(reasons).push(", ").push_bind(times).push(", ");
    statement.push_bind(again).push(") AS t ON CONFLICT (book_id, sink, seq, number) DO UPDATE ");
    statement.push("SET (event_id, name, tries, reason, at, again) = ROW(excluded.event_id, ");
    statement.push("excluded.name, excluded.tries, excluded.reason, excluded.at, ");
    statement.push("excluded.again))");
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number<N: TryFrom<i64>>(row: &PgRow, column: usize) -> Result<N> {
    let stored: i64 = row.try_get(column).map_err(failed)?;
    N::try_from(stored).map_err(|_| damaged("a number of a delivery is out of range"))
}

fn instant(micros: Option<i64>) -> Result<Option<DateTime<Utc>>> {
    let read = |micros| {
        DateTime::from_timestamp_micros(micros).ok_or_else(|| damaged("a time is out of range"))
    };
    micros.map(read).transpose()
}
