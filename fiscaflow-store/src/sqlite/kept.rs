//! What is kept beside the history, as it stands in its rows.

use fiscaflow_core::store::{Kept, KeptPart, KeptRow, KeptSink};
use fiscaflow_core::{BookId, Result};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, ValueRef as _};
use uuid::Uuid;

use super::SqliteStore;
use super::commits::read_answered;
use super::deliveries::{self, read_delivery};
use super::error::{damaged, failed};
use super::rows::{self, blob};
use super::transactions::push_ids;
use crate::rows::{Cells, TRANSACTION, kept_document, odd_columns, read};

/// Stray rows that are told.
const MOST_STRAY: i64 = 100;

/// Transactions whose origins are not numbered from 0, or that are not there. What follows a U+0000
/// in a text is seen by no read.
const STRAY: &str = "SELECT transaction_id, gone FROM (SELECT transaction_id, \
       NOT EXISTS (SELECT 1 FROM transactions WHERE transactions.book_id = origins.book_id \
         AND transactions.id = origins.transaction_id) AS gone, \
       min(number) <> 0 OR max(number) <> count(*) - 1 OR max(pending NOT IN (0, 1)) \
         OR max(instr(CAST(fingerprint AS BLOB), x'00')) > 0 \
         OR max(coalesce(instr(CAST(bank_id AS BLOB), x'00'), 0)) > 0 AS odd \
     FROM origins WHERE book_id = ? GROUP BY transaction_id) WHERE gone OR odd LIMIT ?";

pub(super) async fn kept(
    store: &SqliteStore,
    book_id: BookId,
    part: &KeptPart,
) -> Result<Vec<KeptRow>> {
    let book = blob(book_id.uuid());
    let mut select = QueryBuilder::<Sqlite>::new("SELECT ");
    let row: fn(&SqliteRow) -> Result<KeptRow> = match part {
        KeptPart::Documents => {
            select.push("kind, key, content FROM documents WHERE book_id = ").push_bind(book);
            select.push(" ORDER BY kind, key");
            document
        }
        KeptPart::Transactions { after, limit } => {
            push_transactions(&mut select, book_id);
            if let Some(after) = after {
                select.push(" AND id > ").push_bind(blob(after.uuid()));
            }
            select.push(" ORDER BY id LIMIT ").push_bind(i64::from(*limit));
            transaction
        }
        KeptPart::These(ids) => {
            push_transactions(&mut select, book_id);
            select.push(" AND id IN ");
            push_ids(&mut select, ids)?;
            transaction
        }
        KeptPart::StrayOrigins => {
            let select = sqlx::query(STRAY).bind(book).bind(MOST_STRAY);
            return store.rows(select).await?.iter().map(stray).collect();
        }
        KeptPart::StrayCommits => {
            select.push("seq FROM commits WHERE seq < 1 AND book_id = ").push_bind(book);
            select.push(" LIMIT ").push(MOST_STRAY);
            stray_commit
        }
        KeptPart::Answers { after, limit } => {
            select.push("seq, request_salt, request_digest, answer, key FROM answers ");
            select.push("WHERE book_id = ").push_bind(book);
            if let Some(after) = after {
                select.push(" AND key > ").push_bind(after.as_str());
            }
            select.push(" ORDER BY key LIMIT ").push_bind(i64::from(*limit));
            answer
        }
        KeptPart::Sinks => {
            push_sinks(&mut select, book_id);
            sink
        }
    };
    store.rows(select.build()).await?.iter().map(row).collect()
}

/// A name, as far as it is a text.
fn name(row: &SqliteRow, column: usize) -> Result<String> {
    let bytes: &[u8] = row.try_get_unchecked(column).map_err(failed)?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn document(row: &SqliteRow) -> Result<KeptRow> {
    // What is no text is no content either.
    Ok(kept_document(&name(row, 0)?, &name(row, 1)?, row.try_get(2).unwrap_or_default()))
}

/// Adds the columns of whole transactions, with the origins as their own rows tell them. Each is
/// read by itself, as the type that it should have: what is joined into one value tells nothing of
/// types.
fn push_transactions(select: &mut QueryBuilder<Sqlite>, book_id: BookId) {
    select.push(TRANSACTION).push(", ").push(rows::ORIGINS_OF_ROWS);
    select.push(", search, origins FROM transactions WHERE book_id = ");
    select.push_bind(blob(book_id.uuid()));
}

/// An id, or the hexadecimal digits of what is none.
fn id(row: &SqliteRow) -> Result<String> {
    let id: &[u8] = row.try_get_unchecked(0).map_err(failed)?;
    let digits = || id.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Uuid::from_slice(id).map_or_else(|_| digits(), |id| id.to_string()))
}

fn transaction(row: &SqliteRow) -> Result<KeptRow> {
    let (id, kind) = (id(row)?, "transaction".to_owned());
    let Ok(transaction) = read(&mut Columns::of(row)) else {
        return Ok(KeptRow { kind, id, content: None, odd: Vec::new() });
    };
    let mut odd = odd_columns(&transaction, |name| row.try_get(name).map_err(failed))?;
    if !row.try_get("deleted").is_ok_and(|deleted: i64| (0..=1).contains(&deleted)) {
        odd.push("deleted");
    }
    Ok(KeptRow { kind, id, content: Some(Kept::Transaction(Box::new(transaction))), odd })
}

fn stray_commit(row: &SqliteRow) -> Result<KeptRow> {
    let seq: i64 = row.try_get(0).map_err(failed)?;
    Ok(KeptRow { kind: "commit".to_owned(), id: seq.to_string(), content: None, odd: Vec::new() })
}

fn stray(row: &SqliteRow) -> Result<KeptRow> {
    let gone: bool = row.try_get(1).map_err(failed)?;
    let odd = if gone { Vec::new() } else { vec!["number"] };
    Ok(KeptRow { kind: "origin".to_owned(), id: id(row)?, content: None, odd })
}

fn answer(row: &SqliteRow) -> Result<KeptRow> {
    let content = read_answered(row).ok().map(Kept::Answer);
    Ok(KeptRow { kind: "answer".to_owned(), id: name(row, 4)?, content, odd: Vec::new() })
}

/// Every sink of which something is kept for the book, or that is known at all.
fn push_sinks(select: &mut QueryBuilder<Sqlite>, book_id: BookId) {
    select.push(deliveries::COLUMNS).push(", names.sink, head_seq, EXISTS (SELECT 1 FROM ");
    select.push("set_aside WHERE set_aside.book_id = books.book_id AND set_aside.sink = ");
    select.push("names.sink AND again <> 0), coalesce(complete, 0) = 0 OR moved = 1 OR waits = 1 ");
    select.push("FROM books CROSS JOIN (SELECT sink FROM sinks UNION SELECT sink FROM deliveries ");
    select.push("WHERE book_id = ").push_bind(blob(book_id.uuid()));
    select.push(" UNION SELECT sink FROM set_aside WHERE book_id = ");
    select
        .push_bind(blob(book_id.uuid()))
        .push(") AS names LEFT JOIN sinks ON sinks.sink = names.sink LEFT JOIN deliveries ");
    select.push("ON deliveries.book_id = books.book_id AND deliveries.sink = names.sink ");
    select.push("WHERE books.book_id = ").push_bind(blob(book_id.uuid()));
}

fn sink(row: &SqliteRow) -> Result<KeptRow> {
    let version: Option<i64> = row.try_get(0).map_err(failed)?;
    let read = || {
        // By a name that is no text nothing more would be found.
        row.try_get::<&str, _>(9).map_err(failed)?;
        let delivery = match version {
            None | Some(0) => None,
            Some(_) => Some(read_delivery(row)?),
        };
        let head_seq = super::commits::read_seq(row.try_get(10).map_err(failed)?)?;
        let findable: Option<bool> = row.try_get(12).map_err(failed)?;
        let again = row.try_get(11).map_err(failed)?;
        let findable = findable.unwrap_or(false);
        Ok::<_, fiscaflow_core::Error>(KeptSink { delivery, head_seq, again, findable })
    };
    let content = read().ok().map(Kept::Sink);
    let leased = |column: usize| row.try_get_raw(column).is_ok_and(|value| !value.is_null());
    let odd = if leased(3) == leased(4) { Vec::new() } else { vec!["lease_owner"] };
    Ok(KeptRow { kind: "delivery".to_owned(), id: name(row, 9)?, content, odd })
}

/// A row whose columns are read one after the other.
struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    fn get<T>(&mut self) -> Result<T>
    where
        T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
    {
        let value = self.row.try_get(self.next).map_err(failed)?;
        self.next = self.next.saturating_add(1);
        Ok(value)
    }
}

impl<'r> Cells<'r> for Columns<'r> {
    fn id(&mut self) -> Result<Uuid> {
        self.optional_id()?.ok_or_else(|| damaged("a stored row lacks an id"))
    }

    fn optional_id(&mut self) -> Result<Option<Uuid>> {
        let bytes: Option<&[u8]> = self.get()?;
        let id = bytes.map(Uuid::from_slice).transpose();
        id.map_err(|_| damaged("a stored id cannot be read"))
    }

    fn number(&mut self) -> Result<i64> {
        self.get()
    }

    fn optional_number(&mut self) -> Result<Option<i64>> {
        self.get()
    }

    fn flag(&mut self) -> Result<bool> {
        self.get()
    }

    fn text(&mut self) -> Result<&'r str> {
        self.get()
    }

    fn optional_text(&mut self) -> Result<Option<&'r str>> {
        self.get()
    }
}
