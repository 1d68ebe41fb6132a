//! How far events have come to their sinks.

use chrono::{DateTime, Utc};
use fiscaflow_core::store::{
    Delivery, DeliveryStep, EventPlace, LONGEST_WAIT, Lease, SetAside, SetAsideQuery, WaitingQuery,
};
use fiscaflow_core::{BookId, Error, ErrorCode, EventId, Result};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::SqliteStore;
use super::commit::{self, Job};
use super::error::{damaged, failed};
use super::rows::blob;

/// Books that have moved, and those of which it is kept that they wait: two short indexes.
const INDEXED: &str = "\
    SELECT book_id FROM (SELECT books.book_id FROM books \
        LEFT JOIN deliveries ON deliveries.book_id = books.book_id AND deliveries.sink = ?1 \
        WHERE moved = 1 AND books.book_id > ?2 \
          AND coalesce(lease_until NOT BETWEEN ?3 AND ?5, 1) AND coalesce(retry_at NOT BETWEEN ?3 AND ?5, 1) \
        ORDER BY books.book_id LIMIT ?4) \
    UNION SELECT book_id FROM (SELECT book_id FROM deliveries \
        WHERE sink = ?1 AND waits = 1 AND book_id > ?2 \
          AND coalesce(lease_until NOT BETWEEN ?3 AND ?5, 1) AND coalesce(retry_at NOT BETWEEN ?3 AND ?5, 1) \
        ORDER BY book_id LIMIT ?4) \
    ORDER BY book_id LIMIT ?4";

/// The same among all books, for a sink of which not every book has something.
const EVERYWHERE: &str = "\
    SELECT books.book_id FROM books \
    LEFT JOIN deliveries ON deliveries.book_id = books.book_id AND deliveries.sink = ?1 \
    WHERE books.book_id > ?2 \
      AND (books.head_seq > coalesce(deliveries.seq, 0) \
        OR EXISTS (SELECT 1 FROM set_aside WHERE set_aside.book_id = books.book_id \
          AND set_aside.sink = ?1 AND again = 1)) \
      AND coalesce(lease_until NOT BETWEEN ?3 AND ?5, 1) AND coalesce(retry_at NOT BETWEEN ?3 AND ?5, 1) \
    ORDER BY books.book_id LIMIT ?4";

/// Whether something is kept for a sink of every book.
const COMPLETE: &str = "\
    SELECT NOT EXISTS (SELECT 1 FROM books LEFT JOIN deliveries \
      ON deliveries.book_id = books.book_id AND deliveries.sink = ?1 \
      WHERE deliveries.book_id IS NULL)";

pub(super) async fn books(
    store: &SqliteStore,
    after: Option<BookId>,
    limit: u32,
) -> Result<Vec<BookId>> {
    // No id is smaller than the empty one.
    let after = after.map_or(Vec::new(), |book| book.uuid().as_bytes().to_vec());
    let select = "SELECT book_id FROM books WHERE book_id > ? ORDER BY book_id LIMIT ?";
    let select = sqlx::query(select).bind(after).bind(i64::from(limit));
    store.rows(select).await?.iter().map(read_book).collect()
}

fn read_book(row: &SqliteRow) -> Result<BookId> {
    let id: &[u8] = row.try_get(0).map_err(failed)?;
    let id = uuid::Uuid::from_slice(id).map_err(|_| damaged("a book has no id"))?;
    Ok(BookId::new(id))
}

pub(super) async fn waiting(store: &SqliteStore, query: &WaitingQuery) -> Result<Vec<BookId>> {
    let sink = query.sink.as_str();
    let known = store.flag("SELECT complete FROM sinks WHERE sink = ?", sink).await?;
    let incomplete = known == Some(false) && query.after.is_none();
    if incomplete && store.flag(COMPLETE, sink).await? == Some(true) {
        commit::write(store, Job::Complete(sink.to_owned())).await?;
    }
    let after = query.after.map_or(Vec::new(), |book| book.uuid().as_bytes().to_vec());
    let now = query.now.timestamp_micros();
    let longest = LONGEST_WAIT.num_microseconds().unwrap_or(i64::MAX);
    let select = sqlx::query(if known == Some(true) { INDEXED } else { EVERYWHERE })
        .bind(sink)
        .bind(after)
        .bind(now.saturating_add(1))
        .bind(i64::from(query.limit))
        .bind(now.saturating_add(longest));
    store.rows(select).await?.iter().map(read_book).collect()
}

/// Marks a sink as complete, if it is: inside the transaction of the connection.
pub(super) async fn complete(connection: &mut SqliteConnection, sink: &str) -> Result<()> {
    let all = sqlx::query_scalar(COMPLETE).bind(sink).fetch_one(&mut *connection).await;
    if all.map_err(failed)? {
        let mark = sqlx::query("UPDATE sinks SET complete = 1 WHERE sink = ?").bind(sink);
        mark.execute(connection).await.map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn delivery(
    store: &SqliteStore,
    book_id: BookId,
    sink: &str,
) -> Result<Option<Delivery>> {
    let mut select = QueryBuilder::<Sqlite>::new("SELECT ");
    select.push(COLUMNS).push(" FROM deliveries WHERE version > 0 AND book_id = ");
    select.push_bind(blob(book_id.uuid())).push(" AND sink = ").push_bind(sink);
    store.row(select.build()).await?.as_ref().map(read_delivery).transpose()
}

/// What is kept of a delivery, in the order of [`read_delivery`].
pub(super) const COLUMNS: &str =
    "version, seq, events, lease_owner, lease_until, tries, misses, failure, retry_at";

/// Reads the first columns of a row.
pub(super) fn read_delivery(row: &SqliteRow) -> Result<Delivery> {
    let owner: Option<String> = row.try_get(3).map_err(failed)?;
    let until = instant(row.try_get(4).map_err(failed)?)?;
    Ok(Delivery {
        version: number(row.try_get::<i64, _>(0).map_err(failed)?)?,
        seq: number(row.try_get::<i64, _>(1).map_err(failed)?)?,
        events: number(row.try_get::<i64, _>(2).map_err(failed)?)?,
        lease: owner.zip(until).map(|(owner, until)| Lease { owner, until }),
        tries: number(row.try_get::<i64, _>(5).map_err(failed)?)?,
        misses: number(row.try_get::<i64, _>(6).map_err(failed)?)?,
        failure: row.try_get(7).map_err(failed)?,
        retry_at: instant(row.try_get(8).map_err(failed)?)?,
    })
}

pub(super) async fn set_aside(
    store: &SqliteStore,
    book_id: BookId,
    sink: &str,
    query: &SetAsideQuery,
) -> Result<Vec<SetAside>> {
    let after = query
        .after
        .map_or((i64::MIN, i64::MIN), |place| (signed(place.seq), i64::from(place.number)));
    let select = sqlx::query(
        "SELECT seq, number, event_id, name, tries, reason, at, again FROM set_aside \
         WHERE book_id = ? AND sink = ? AND (seq, number) > (?, ?) AND again >= ? \
         ORDER BY seq, number LIMIT ?",
    )
    .bind(book_id.uuid().as_bytes().as_slice())
    .bind(sink)
    .bind(after.0)
    .bind(after.1)
    .bind(query.again)
    .bind(i64::from(query.limit));
    store.rows(select).await?.iter().map(read_set_aside).collect()
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
    let Delivery { version, seq, events, lease, tries, misses, failure, retry_at } = &step.delivery;
    // The first step makes the row, or finds one that was only marked; every other one finds the
    // version that it expects. Either way the book has to have come that far.
    let statement = if step.expected == 0 {
        "INSERT INTO deliveries (book_id, sink, version, seq, events, lease_owner, lease_until, \
           tries, misses, failure, retry_at, waits) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1 \
         WHERE EXISTS (SELECT 1 FROM books WHERE book_id = ?1 AND head_seq >= ?4) AND ?12 = 0 \
         ON CONFLICT (book_id, sink) DO UPDATE SET version = excluded.version, \
           seq = excluded.seq, events = excluded.events, lease_owner = excluded.lease_owner, \
           lease_until = excluded.lease_until, tries = excluded.tries, \
           misses = excluded.misses, failure = excluded.failure, retry_at = excluded.retry_at \
         WHERE deliveries.version = 0"
    } else {
        "UPDATE deliveries SET version = ?3, seq = ?4, events = ?5, lease_owner = ?6, \
           lease_until = ?7, tries = ?8, misses = ?9, failure = ?10, retry_at = ?11 \
         WHERE book_id = ?1 AND sink = ?2 AND version = ?12 \
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
        .bind(i64::from(*misses))
        .bind(failure.as_deref())
        .bind(retry_at.map(|at| at.timestamp_micros()))
        .bind(signed(step.expected))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    if written.rows_affected() != 1 {
        return Err(Error::new(ErrorCode::Conflict, "the delivery has moved on"));
    }
    write_set_aside(connection, book_id, sink, step).await?;
    mark(connection, book_id, sink, step.expected == 0).await
}

/// Marks who waits: this sink as it is now, and every other one if the book has moved.
async fn mark(
    connection: &mut SqliteConnection,
    book_id: BookId,
    sink: &str,
    is_first: bool,
) -> Result<()> {
    let others = "INSERT INTO deliveries \
           (book_id, sink, version, seq, events, tries, misses, waits) \
         SELECT book_id, sinks.sink, 0, 0, 0, 0, 0, 1 FROM books, sinks \
         WHERE book_id = ?1 AND moved = 1 AND sinks.sink <> ?2 \
         ON CONFLICT (book_id, sink) DO UPDATE SET waits = 1";
    let looked = "UPDATE books SET moved = 0 WHERE book_id = ?1 AND moved = 1";
    let own = "UPDATE deliveries SET waits = \
           seq < (SELECT head_seq FROM books WHERE book_id = ?1) \
           OR EXISTS (SELECT 1 FROM set_aside WHERE book_id = ?1 AND sink = ?2 AND again = 1) \
         WHERE book_id = ?1 AND sink = ?2";
    let known = "INSERT INTO sinks (sink) VALUES (?2) ON CONFLICT DO NOTHING";
    for statement in [others, looked, own].into_iter().chain(is_first.then_some(known)) {
        sqlx::query(statement)
            .bind(book_id.uuid().as_bytes().as_slice())
            .bind(sink)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn write_set_aside(
    connection: &mut SqliteConnection,
    book_id: BookId,
    sink: &str,
    step: &DeliveryStep,
) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn finding_who_waits_goes_along_two_short_indexes() {
        // Holds: for a known sink no table is gone through: what is looked at is in the partial
        // indexes, or is one row of a book that is. For one that is not known, all books are.
        let store = SqliteStore::open_in_memory().await.unwrap();
        let plan = async |statement: &str| {
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let explain = sqlx::query(explain).bind("hooks").bind(&[0_u8][..]).bind(0).bind(9);
            let rows = store.rows(explain).await.unwrap();
            rows.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>()
        };
        let looks = |it: &&String| it.starts_with("SCAN") || it.starts_with("SEARCH");
        let found = plan(INDEXED).await;
        let found: Vec<_> = found.iter().filter(looks).collect();
        let known = [
            "INDEX books_moved (book_id>?)",
            "deliveries USING PRIMARY KEY (book_id=? AND sink=?)",
            "INDEX deliveries_waiting (sink=? AND book_id>?)",
            "SCAN (subquery",
        ];
        let is_known = |it: &&String| known.iter().any(|known| it.contains(known));
        assert!(found.iter().all(is_known), "{found:#?}");
        assert_eq!(found.iter().filter(|it| it.starts_with("SEARCH")).count(), 3, "{found:#?}");
        let all = plan(EVERYWHERE).await;
        assert!(
            all.iter().any(|it| it.contains("books USING PRIMARY KEY (book_id>?)")),
            "{all:#?}"
        );
    }
}
