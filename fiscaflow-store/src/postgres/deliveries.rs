//! How far events have come to their sinks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use fiscaflow_core::store::{
    Delivery, DeliveryStep, EventPlace, Lease, SetAside, SetAsideQuery, WaitingQuery,
};
use fiscaflow_core::{BookId, Error, ErrorCode, EventId, Result};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::PostgresStore;
use super::error::failed;
use super::statement::{BOOK, of_book, select};
use crate::damaged;

/// The condition that opens the wall to the one statement that looks at all books: it sees their
/// heads and deliveries, and nothing of what is in them.
const WAITING: &str = "(SELECT set_config('fiscaflow.waiting', 'on', true)) IS NOT NULL";

pub(super) async fn waiting(store: &PostgresStore, query: &WaitingQuery) -> Result<Vec<BookId>> {
    let now = query.now.timestamp_micros();
    let mut select = QueryBuilder::new(
        "SELECT books.book_id FROM fiscaflow.books LEFT JOIN fiscaflow.deliveries \
         ON deliveries.book_id = books.book_id AND deliveries.sink = ",
    );
    select.push_bind(query.sink.as_str()).push(" WHERE ").push(WAITING);
    if let Some(after) = query.after {
        select.push(" AND books.book_id > ").push_bind(after.uuid());
    }
    select.push(" AND (books.head_seq > coalesce(deliveries.seq, 0) OR EXISTS (SELECT FROM ");
    select.push("fiscaflow.set_aside WHERE set_aside.book_id = books.book_id AND again AND ");
    select.push("set_aside.sink = ").push_bind(query.sink.as_str()).push("))");
    for column in ["lease_until", "retry_at"] {
        select.push(" AND coalesce(").push(column).push(" <= ").push_bind(now).push(", true)");
    }
    select.push(" ORDER BY books.book_id LIMIT ").push(query.limit);
    let read = |row: &PgRow| Ok(BookId::new(row.try_get(0).map_err(failed)?));
    store.rows(select).await?.iter().map(read).collect()
}

pub(super) async fn delivery(
    store: &PostgresStore,
    book_id: BookId,
    sink: &str,
) -> Result<Option<Delivery>> {
    let columns = "version, seq, events, lease_owner, lease_until, tries, failure, retry_at";
    let mut select = select(book_id, columns, "deliveries")?;
    select.push(" AND sink = ").push_bind(sink);
    let rows = store.rows(select).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let owner: Option<String> = row.try_get(3).map_err(failed)?;
    let until = instant(row.try_get(4).map_err(failed)?)?;
    Ok(Some(Delivery {
        version: number(row, 0)?,
        seq: number(row, 1)?,
        events: number(row, 2)?,
        lease: owner.zip(until).map(|(owner, until)| Lease { owner, until }),
        tries: number(row, 5)?,
        failure: row.try_get(6).map_err(failed)?,
        retry_at: instant(row.try_get(7).map_err(failed)?)?,
    }))
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

/// Writes a step: one statement, like a commit.
pub(super) async fn deliver(
    store: &PostgresStore,
    book_id: BookId,
    sink: &str,
    step: &DeliveryStep,
) -> Result<()> {
    let mut statement = of_book(book_id)?;
    push_delivery(&mut statement, sink, step);
    push_set_aside(&mut statement, sink, step);
    statement.push(" SELECT count(*) FROM moved");
    let rows = store.rows(statement).await?;
    let moved = rows.first().map(|row| row.try_get::<i64, _>(0));
    if moved.transpose().map_err(failed)? == Some(1) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Conflict, "the delivery has moved on"))
}

/// The first step makes the row, every other one finds the version that it expects. Either way the
/// book has to have come that far.
fn push_delivery(statement: &mut QueryBuilder<Postgres>, sink: &str, step: &DeliveryStep) {
    let columns = "version, seq, events, lease_owner, lease_until, tries, failure, retry_at";
    let seq = signed(step.delivery.seq);
    if step.expected == 0 {
        statement.push("WITH moved AS (INSERT INTO fiscaflow.deliveries (book_id, sink, ");
        statement.push(columns).push(") SELECT book_id, ").push_bind(sink).push(", ");
        push_values(statement, &step.delivery);
        statement.push(" FROM fiscaflow.books WHERE book_id = $1 AND ").push(BOOK);
        statement.push(" AND head_seq >= ").push_bind(seq);
        statement.push(" ON CONFLICT DO NOTHING RETURNING book_id)");
    } else {
        statement.push("WITH moved AS (UPDATE fiscaflow.deliveries SET (").push(columns);
        statement.push(") = ROW(");
        push_values(statement, &step.delivery);
        statement.push(") WHERE book_id = $1 AND ").push(BOOK).push(" AND sink = ");
        statement.push_bind(sink).push(" AND version = ").push_bind(signed(step.expected));
        statement.push(" AND EXISTS (SELECT FROM fiscaflow.books WHERE books.book_id = $1 AND ");
        statement.push("head_seq >= ").push_bind(seq).push(") RETURNING book_id)");
    }
}

/// What is kept of a delivery, without the parentheses.
fn push_values(statement: &mut QueryBuilder<Postgres>, delivery: &Delivery) {
    let Delivery { version, seq, events, lease, tries, failure, retry_at } = delivery;
    let lease_until = lease.as_ref().map(|lease| lease.until.timestamp_micros());
    statement.push_bind(signed(*version)).push(", ").push_bind(signed(*seq)).push(", ");
    statement.push_bind(i64::from(*events)).push(", ");
    statement.push_bind(lease.as_ref().map(|lease| lease.owner.clone())).push(", ");
    statement.push_bind(lease_until).push(", ").push_bind(i64::from(*tries)).push(", ");
    statement.push_bind(failure.clone()).push(", ");
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
