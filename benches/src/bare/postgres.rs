//! PostgreSQL without us: the driver that the store uses, on one connection, as a superuser, for
//! whom there is no second wall. Many rows go in as arrays, which is the driver's fast way.

use std::hint::black_box;
use std::time::Instant;

use chrono::NaiveDate;
use fiscaflow_core::{AccountId, BookId, Clock as _, IdSource as _, Result, TransactionId};
use fiscaflow_store::{RandomIds, SystemClock};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, PgConnection, Postgres,
    Row as _, TypeInfo as _,
};
use uuid::Uuid;

use super::{COLUMNS, FLAG, IDS, NUMBERS, TEXTS, TRANSACTION, broken, day};
use crate::jobs::failed;

/// Rows of one statement.
const CHUNK: usize = 10_000;

async fn connect(url: &str) -> Result<PgConnection> {
    let options = url.parse::<PgConnectOptions>().map_err(broken)?.disable_statement_logging();
    options.connect().await.map_err(broken)
}

/// A column's values.
enum Values {
    Ids(Vec<Option<Uuid>>),
    Numbers(Vec<Option<i64>>),
    Flags(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
}

type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

impl Values {
    fn of(rows: &[PgRow], place: usize) -> Result<Self> {
        fn all<'r, T>(rows: &'r [PgRow], place: usize) -> Result<Vec<Option<T>>>
        where
            T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
        {
            rows.iter().map(|row| row.try_get(place).map_err(broken)).collect()
        }
        let column = rows.first().and_then(|row| row.columns().get(place));
        Ok(match column.map(|column| column.type_info().name()) {
            Some("UUID") => Self::Ids(all(rows, place)?),
            Some("INT8") => Self::Numbers(all(rows, place)?),
            Some("BOOL") => Self::Flags(all(rows, place)?),
            Some("TEXT") => Self::Texts(all(rows, place)?),
            _ => return Err(failed("a column of another type")),
        })
    }

    fn bind<'q>(&'q self, query: Query<'q>) -> Query<'q> {
        match self {
            Self::Ids(values) => query.bind(values.as_slice()),
            Self::Numbers(values) => query.bind(values.as_slice()),
            Self::Flags(values) => query.bind(values.as_slice()),
            Self::Texts(values) => query.bind(values.as_slice()),
        }
    }
}

/// Rows of one table, as columns.
struct Table {
    insert: String,
    chunks: Vec<Vec<Values>>,
}

impl Table {
    fn of(name: &str, rows: &[PgRow]) -> Result<Self> {
        let columns = rows.first().map(PgRow::columns).unwrap_or_default();
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
        let insert = format!(
            "INSERT INTO fiscaflow.{name} ({}) SELECT * FROM unnest({})",
            names.join(", "),
            places.join(", ")
        );
        let chunk = |rows| (0..names.len()).map(|place| Values::of(rows, place)).collect();
        Ok(Self { insert, chunks: rows.chunks(CHUNK).map(chunk).collect::<Result<_>>()? })
    }

    async fn insert(&self, connection: &mut PgConnection) -> Result<()> {
        for chunk in &self.chunks {
            let insert = sqlx::query(AssertSqlSafe(self.insert.clone()));
            let insert = chunk.iter().fold(insert, |query, values| values.bind(query));
            insert.execute(&mut *connection).await.map_err(broken)?;
        }
        Ok(())
    }
}

/// The rows that an import added to the tables of transactions and origins.
pub struct Rows {
    transactions: Table,
    origins: Table,
    count: usize,
}

impl Rows {
    /// How many transactions.
    pub fn len(&self) -> usize {
        self.count
    }
}

/// Reads what one database has beyond another.
pub async fn rows(url: &str, without: &str) -> Result<Rows> {
    let head = sqlx::query_scalar::<_, i64>("SELECT head_seq FROM fiscaflow.books");
    let head = head.fetch_one(&mut connect(without).await?).await.map_err(broken)?;
    let mut connection = connect(url).await?;
    let transactions =
        sqlx::query("SELECT * FROM fiscaflow.transactions WHERE revision > $1 ORDER BY id");
    let transactions = transactions.bind(head).fetch_all(&mut connection).await.map_err(broken)?;
    let origins = sqlx::query(
        "SELECT o.* FROM fiscaflow.origins AS o JOIN fiscaflow.transactions AS t \
         ON t.book_id = o.book_id AND t.id = o.transaction_id WHERE t.revision > $1 \
         ORDER BY o.transaction_id, o.number",
    );
    let origins = origins.bind(head).fetch_all(&mut connection).await.map_err(broken)?;
    Ok(Rows {
        transactions: Table::of("transactions", &transactions)?,
        origins: Table::of("origins", &origins)?,
        count: transactions.len(),
    })
}

/// Inserts the rows into a database that has the same tables and indexes; the seconds.
pub async fn insert(url: &str, rows: &Rows) -> Result<f64> {
    let mut connection = connect(url).await?;
    let start = Instant::now();
    let mut transaction = connection.begin().await.map_err(broken)?;
    rows.transactions.insert(&mut transaction).await?;
    rows.origins.insert(&mut transaction).await?;
    transaction.commit().await.map_err(broken)?;
    Ok(start.elapsed().as_secs_f64())
}

/// Inserts single rows, each durably.
pub struct Writer {
    connection: PgConnection,
    insert: String,
    row: PgRow,
    ids: RandomIds,
}

impl Writer {
    /// A database with at least one transaction, whose like is inserted.
    pub async fn open(url: &str) -> Result<Self> {
        let mut connection = connect(url).await?;
        let row = sqlx::query("SELECT * FROM fiscaflow.transactions LIMIT 1");
        let row = row.fetch_one(&mut connection).await.map_err(broken)?;
        let names: Vec<&str> = row.columns().iter().map(|column| column.name()).collect();
        let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
        let (names, places) = (names.join(", "), places.join(", "));
        let insert = format!("INSERT INTO fiscaflow.transactions ({names}) VALUES ({places})");
        Ok(Self { connection, insert, row, ids: RandomIds::new()? })
    }

    /// So many rows, each a transaction of its own; the seconds.
    pub async fn commits(&mut self, count: usize) -> Result<f64> {
        let start = Instant::now();
        for _ in 0..count {
            let id = self.ids.uuid(SystemClock.now());
            let mut insert = sqlx::query(AssertSqlSafe(self.insert.clone()));
            for column in self.row.columns() {
                let place = column.ordinal();
                insert = match column.type_info().name() {
                    "UUID" if place == 1 => insert.bind(id),
                    "UUID" => insert.bind(value::<Uuid>(&self.row, place)?),
                    "INT8" => insert.bind(value::<i64>(&self.row, place)?),
                    "BOOL" => insert.bind(value::<bool>(&self.row, place)?),
                    _ => insert.bind(value::<&str>(&self.row, place)?),
                };
            }
            insert.execute(&mut self.connection).await.map_err(broken)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }
}

fn value<'r, T>(row: &'r PgRow, place: usize) -> Result<Option<T>>
where
    T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    row.try_get(place).map_err(broken)
}

/// Reads single rows and pages.
pub struct Reader {
    connection: PgConnection,
    book: Uuid,
}

impl Reader {
    /// A database with a book.
    pub async fn open(url: &str, book_id: BookId) -> Result<Self> {
        Ok(Self { connection: connect(url).await?, book: book_id.uuid() })
    }

    /// Transactions one by one; the seconds.
    pub async fn gets(&mut self, ids: &[TransactionId]) -> Result<f64> {
        let one = format!(
            "SELECT {TRANSACTION} FROM fiscaflow.transactions WHERE book_id = $1 AND id = $2"
        );
        let start = Instant::now();
        for id in ids {
            let one = sqlx::query(AssertSqlSafe(one.as_str())).bind(self.book).bind(id.uuid());
            take(&one.fetch_one(&mut self.connection).await.map_err(broken)?)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }

    /// Pages of 20 transactions of an account, each from a day back; the seconds.
    pub async fn pages(&mut self, account: AccountId, days: &[NaiveDate]) -> Result<f64> {
        let page = format!(
            "SELECT {TRANSACTION} FROM fiscaflow.transactions WHERE book_id = $1 AND account_id = $2 \
             AND booking_day <= $3 AND NOT deleted ORDER BY booking_day DESC, id DESC LIMIT 20"
        );
        let start = Instant::now();
        for to in days {
            let page = sqlx::query(AssertSqlSafe(page.as_str())).bind(self.book);
            let page = page.bind(account.uuid()).bind(day(*to));
            let rows = page.fetch_all(&mut self.connection).await.map_err(broken)?;
            rows.iter().try_for_each(take)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }
}

/// Takes every value out of a row of [`TRANSACTION`].
fn take(row: &PgRow) -> Result<()> {
    for place in IDS {
        black_box(row.try_get::<Option<Uuid>, _>(place).map_err(broken)?);
    }
    for place in NUMBERS {
        black_box(row.try_get::<Option<i64>, _>(place).map_err(broken)?);
    }
    black_box(row.try_get::<bool, _>(FLAG).map_err(broken)?);
    for place in TEXTS {
        black_box(row.try_get::<Option<String>, _>(place).map_err(broken)?);
    }
    Ok(())
}

/// Reads what figures are computed from, all of it; the seconds.
pub async fn columns(url: &str, book_id: BookId) -> Result<f64> {
    let mut connection = connect(url).await?;
    let (start, mut after, mut sum) = (Instant::now(), Uuid::nil(), 0_i64);
    let page = format!(
        "SELECT {COLUMNS} FROM fiscaflow.transactions WHERE book_id = $1 AND id > $2 \
         ORDER BY id LIMIT {CHUNK}"
    );
    loop {
        let page = sqlx::query(AssertSqlSafe(page.clone())).bind(book_id.uuid()).bind(after);
        let rows = page.fetch_all(&mut connection).await.map_err(broken)?;
        let Some(last) = rows.last() else { break };
        after = last.try_get("id").map_err(broken)?;
        for row in &rows {
            sum = sum.wrapping_add(row.try_get("amount_minor").map_err(broken)?);
        }
    }
    black_box(sum);
    Ok(start.elapsed().as_secs_f64())
}
