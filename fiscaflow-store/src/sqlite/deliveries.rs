//! How far events have come to their sinks.

use chrono::{DateTime, Utc};
use fiscaflow_core::store::{
    Delivery, DeliveryStep, EventPlace, Lease, SetAside, SetAsideQuery, WaitingQuery,
};
use fiscaflow_core::{BookId, Error, ErrorCode, EventId, Result};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::error::{damaged, failed};

pub(super) async fn waiting(pool: &SqlitePool, query: &WaitingQuery) -> Result<Vec<BookId>> {
    // No id is smaller than the empty one.
    let after = query.after.map(|book| *book.uuid().as_bytes());
    let after = after.as_ref().map_or(&[][..], |bytes| bytes.as_slice());
    let rows = sqlx::query(
        "SELECT books.book_id FROM books \
         LEFT JOIN deliveries ON deliveries.book_id = books.book_id AND deliveries.sink = ?1 \
         WHERE books.book_id > ?2 \
           AND (books.head_seq > coalesce(deliveries.seq, 0) \
             OR EXISTS (SELECT 1 FROM set_aside WHERE set_aside.book_id = books.book_id \
               AND set_aside.sink = ?1 AND again = 1)) \
           AND coalesce(deliveries.lease_until, ?3) <= ?3 \
           AND coalesce(deliveries.retry_at, ?3) <= ?3 \
         ORDER BY books.book_id LIMIT ?4",
    )
    .bind(query.sink.as_str())
    .bind(after)
    .bind(query.now.timestamp_micros())
    .bind(i64::from(query.limit))
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let read = |row: &SqliteRow| {
        let id: &[u8] = row.try_get(0).map_err(failed)?;
        let id = uuid::Uuid::from_slice(id).map_err(|_| damaged("a book has no id"))?;
        Ok(BookId::new(id))
    };
    rows.iter().map(read).collect()
}

pub(super) async fn delivery(
    pool: &SqlitePool,
    book_id: BookId,
    sink: &str,
) -> Result<Option<Delivery>> {
    let row = sqlx::query(
        "SELECT version, seq, events, lease_owner, lease_until, tries, failure, retry_at \
         FROM deliveries WHERE book_id = ? AND sink = ?",
    )
    .bind(book_id.uuid().as_bytes().as_slice())
    .bind(sink)
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let owner: Option<String> = row.try_get(3).map_err(failed)?;
    let until = instant(row.try_get(4).map_err(failed)?)?;
    Ok(Some(Delivery {
        version: number(row.try_get::<i64, _>(0).map_err(failed)?)?,
        seq: number(row.try_get::<i64, _>(1).map_err(failed)?)?,
        events: number(row.try_get::<i64, _>(2).map_err(failed)?)?,
        lease: owner.zip(until).map(|(owner, until)| Lease { owner, until }),
        tries: number(row.try_get::<i64, _>(5).map_err(failed)?)?,
        failure: row.try_get(6).map_err(failed)?,
        retry_at: instant(row.try_get(7).map_err(failed)?)?,
    }))
}

pub(super) async fn set_aside(
    pool: &SqlitePool,
    book_id: BookId,
    sink: &str,
    query: &SetAsideQuery,
) -> Result<Vec<SetAside>> {
    let after = query.after.map_or((-1, -1), |place| (signed(place.seq), i64::from(place.number)));
    let rows = sqlx::query(
        "SELECT seq, number, event_id, name, tries, reason, at, again FROM set_aside \
         WHERE book_id = ? AND sink = ? AND (seq, number) > (?, ?) AND again >= ? \
         ORDER BY seq, number LIMIT ?",
    )
    .bind(book_id.uuid().as_bytes().as_slice())
    .bind(sink)
    .bind(after.0)
    .bind(after.1)
    .bind(query.again)
    .bind(i64::from(query.limit))
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.iter().map(read_set_aside).collect()
}

fn read_set_aside(row: &SqliteRow) -> Result<SetAside> {
    let id: &[u8] = row.try_get(2).map_err(failed)?;
    let id = uuid::Uuid::from_slice(id).map_err(|_| damaged("an event has no id"))?;
    Ok(SetAside {
        place: EventPlace {
            seq: number(row.try_get::<i64, _>(0).map_err(failed)?)?,
            number: number(row.try_get::<i64, _>(1).map_err(failed)?)?,
        },
        event_id: EventId::new(id),
        name: row.try_get(3).map_err(failed)?,
        tries: number(row.try_get::<i64, _>(4).map_err(failed)?)?,
        reason: row.try_get(5).map_err(failed)?,
        at: instant(row.try_get(6).map_err(failed)?)?.ok_or_else(|| damaged("no time"))?,
        again: row.try_get(7).map_err(failed)?,
    })
}

/// Writes a step inside the transaction of the connection.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    book_id: BookId,
    sink: &str,
    step: &DeliveryStep,
) -> Result<()> {
    let Delivery { version, seq, events, lease, tries, failure, retry_at } = &step.delivery;
    // The first step makes the row, every other one finds the version that it expects. Either way
    // the book has to have come that far.
    let statement = if step.expected == 0 {
        "INSERT INTO deliveries (book_id, sink, version, seq, events, lease_owner, lease_until, \
           tries, failure, retry_at) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 \
         WHERE EXISTS (SELECT 1 FROM books WHERE book_id = ?1 AND head_seq >= ?4) AND ?11 = 0 \
         ON CONFLICT DO NOTHING"
    } else {
        "UPDATE deliveries SET version = ?3, seq = ?4, events = ?5, lease_owner = ?6, \
           lease_until = ?7, tries = ?8, failure = ?9, retry_at = ?10 \
         WHERE book_id = ?1 AND sink = ?2 AND version = ?11 \
           AND EXISTS (SELECT 1 FROM books WHERE book_id = ?1 AND head_seq >= ?4)"
    };
    let written = sqlx::query(statement)
        .bind(book_id.uuid().as_bytes().as_slice())
        .bind(sink)
        .bind(signed(*version))
        .bind(signed(*seq))
        .bind(i64::from(*events))
        .bind(lease.as_ref().map(|lease| lease.owner.as_str()))
        .bind(lease.as_ref().map(|lease| lease.until.timestamp_micros()))
        .bind(i64::from(*tries))
        .bind(failure.as_deref())
        .bind(retry_at.map(|at| at.timestamp_micros()))
        .bind(signed(step.expected))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    if written.rows_affected() != 1 {
        return Err(Error::new(ErrorCode::Conflict, "the delivery has moved on"));
    }
    for place in &step.taken_back {
        sqlx::query(
            "DELETE FROM set_aside WHERE book_id = ? AND sink = ? AND seq = ? AND number = ?",
        )
        .bind(book_id.uuid().as_bytes().as_slice())
        .bind(sink)
        .bind(signed(place.seq))
        .bind(i64::from(place.number))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    }
    for event in &step.put_aside {
        put_aside(connection, book_id, sink, event).await?;
    }
    Ok(())
}

async fn put_aside(
    connection: &mut SqliteConnection,
    book_id: BookId,
    sink: &str,
    event: &SetAside,
) -> Result<()> {
    sqlx::query(
        "INSERT OR REPLACE INTO set_aside \
           (book_id, sink, seq, number, event_id, name, tries, reason, at, again) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(book_id.uuid().as_bytes().as_slice())
    .bind(sink)
    .bind(signed(event.place.seq))
    .bind(i64::from(event.place.number))
    .bind(event.event_id.uuid().as_bytes().as_slice())
    .bind(event.name.as_str())
    .bind(i64::from(event.tries))
    .bind(event.reason.as_str())
    .bind(event.at.timestamp_micros())
    .bind(event.again)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number<N: TryFrom<i64>>(stored: i64) -> Result<N> {
    N::try_from(stored).map_err(|_| damaged("a number of a delivery is out of range"))
}

fn instant(micros: Option<i64>) -> Result<Option<DateTime<Utc>>> {
    let read = |micros| {
        DateTime::from_timestamp_micros(micros).ok_or_else(|| damaged("a time is out of range"))
    };
    micros.map(read).transpose()
}
