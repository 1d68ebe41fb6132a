//! SQLite without us. What writes, and what reads a whole table, goes through the library's own
//! interface, because a wrapper's cost would flatter the engine: prepared statements, no engine, no
//! matching, no history. Single rows and pages are read through the driver that the store uses.

#![allow(unsafe_code, reason = "the interface of SQLite is one of C")]

use std::ffi::{CString, c_char, c_int};
use std::hint::black_box;
use std::path::Path;
use std::ptr;
use std::time::Instant;

use chrono::NaiveDate;
use fiscaflow_core::{AccountId, BookId, Clock as _, IdSource as _, Result, TransactionId};
use fiscaflow_store::{RandomIds, SystemClock};
use libsqlite3_sys as ffi;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqliteConnection};

use super::{COLUMNS, FLAG, IDS, NUMBERS, TEXTS, TRANSACTION, broken, day};
use crate::jobs::failed;

/// How the store sets up the connection that writes.
const SETTINGS: [&str; 7] = [
    "journal_mode = WAL",
    "foreign_keys = ON",
    "synchronous = FULL",
    "trusted_schema = OFF",
    "temp_store = MEMORY",
    "journal_size_limit = 16777216",
    "cache_size = -32768",
];

/// A value as SQLite stores it.
enum Value {
    Null,
    Integer(i64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

/// The rows that an import added to the tables of transactions and origins.
pub struct Rows {
    transactions: Vec<Vec<Value>>,
    origins: Vec<Vec<Value>>,
}

impl Rows {
    /// How many transactions.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }
}

/// Reads what one file has beyond another, in the order in which it was added.
pub fn rows(path: &Path, without: &Path) -> Result<Rows> {
    let before = Connection::open(without)?.all("SELECT head_seq FROM books")?;
    let Some(Value::Integer(head)) = before.first().and_then(|row| row.first()) else {
        return Err(failed("no head"));
    };
    let newer = format!("WHERE revision > {head}");
    let connection = Connection::open(path)?;
    Ok(Rows {
        transactions: connection
            .all(&format!("SELECT * FROM transactions {newer} ORDER BY rowid"))?,
        origins: connection.all(&format!(
            "SELECT * FROM origins WHERE transaction_id IN (SELECT id FROM transactions {newer}) \
             ORDER BY book_id, transaction_id, number"
        ))?,
    })
}

/// Inserts the rows into a file that has the same tables and indexes, durably; the seconds.
pub fn insert(path: &Path, rows: &Rows) -> Result<f64> {
    let connection = Connection::open(path)?;
    connection.set_up()?;
    let start = Instant::now();
    connection.all("BEGIN IMMEDIATE")?;
    connection.fill("transactions", &rows.transactions)?;
    connection.fill("origins", &rows.origins)?;
    connection.all("COMMIT")?;
    Ok(start.elapsed().as_secs_f64())
}

/// Inserts single rows, each durably.
pub struct Writer {
    insert: Statement,
    row: Vec<Value>,
    ids: RandomIds,
    // Behind its statement: it is closed after it.
    _connection: Connection,
}

impl Writer {
    /// A file with at least one transaction, whose like is inserted.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.set_up()?;
        let row = connection.all("SELECT * FROM transactions LIMIT 1")?.pop();
        let row = row.ok_or_else(|| failed("no transaction"))?;
        let insert = connection.insert("transactions", row.len())?;
        Ok(Self { insert, row, ids: RandomIds::new()?, _connection: connection })
    }

    /// So many rows, each a transaction of its own; the seconds.
    pub fn commits(&mut self, count: usize) -> Result<f64> {
        let start = Instant::now();
        for _ in 0..count {
            if let Some(id) = self.row.get_mut(1) {
                *id = Value::Blob(self.ids.uuid(SystemClock.now()).as_bytes().to_vec());
            }
            self.insert.run(&self.row)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }
}

/// Reads single rows and pages.
pub struct Reader {
    connection: SqliteConnection,
    book: Vec<u8>,
}

impl Reader {
    /// A file with a book.
    pub async fn open(path: &Path, book_id: BookId) -> Result<Self> {
        let options = SqliteConnectOptions::new().filename(path).disable_statement_logging();
        let connection = options.connect().await.map_err(broken)?;
        Ok(Self { connection, book: book_id.uuid().as_bytes().to_vec() })
    }

    /// Transactions one by one; the seconds.
    pub async fn gets(&mut self, ids: &[TransactionId]) -> Result<f64> {
        let one = format!("SELECT {TRANSACTION} FROM transactions WHERE book_id = ? AND id = ?");
        let start = Instant::now();
        for id in ids {
            let one = sqlx::query(AssertSqlSafe(one.as_str())).bind(self.book.as_slice());
            let one = one.bind(id.uuid().as_bytes().as_slice());
            take(&one.fetch_one(&mut self.connection).await.map_err(broken)?)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }

    /// Pages of 20 transactions of an account, each from a day back; the seconds.
    pub async fn pages(&mut self, account: AccountId, days: &[NaiveDate]) -> Result<f64> {
        let page = format!(
            "SELECT {TRANSACTION} FROM transactions WHERE book_id = ? AND account_id = ? \
             AND booking_day <= ? AND deleted = 0 ORDER BY booking_day DESC, id DESC LIMIT 20"
        );
        let start = Instant::now();
        for to in days {
            let page = sqlx::query(AssertSqlSafe(page.as_str())).bind(self.book.as_slice());
            let page = page.bind(account.uuid().as_bytes().as_slice()).bind(day(*to));
            let rows = page.fetch_all(&mut self.connection).await.map_err(broken)?;
            rows.iter().try_for_each(take)?;
        }
        Ok(start.elapsed().as_secs_f64())
    }
}

/// Takes every value out of a row of [`TRANSACTION`]; an id is 16 bytes.
fn take(row: &SqliteRow) -> Result<()> {
    for place in IDS {
        let id: Option<&[u8]> = row.try_get(place).map_err(broken)?;
        black_box(id.map(<[u8; 16]>::try_from));
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
pub fn columns(path: &Path, book_id: BookId) -> Result<f64> {
    let connection = Connection::open(path)?;
    let book = Value::Blob(book_id.uuid().as_bytes().to_vec());
    let (start, mut sum) = (Instant::now(), 0_i64);
    let all = format!("SELECT {COLUMNS} FROM transactions WHERE book_id = ? ORDER BY id");
    let statement = connection.prepare(&all)?;
    statement.bind(1, &book)?;
    while statement.step()? {
        sum = sum.wrapping_add(statement.look());
    }
    black_box(sum);
    Ok(start.elapsed().as_secs_f64())
}

struct Connection(*mut ffi::sqlite3);

struct Statement(*mut ffi::sqlite3_stmt);

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: it was opened, and no statement of it outlives the call that prepared it.
        unsafe { ffi::sqlite3_close(self.0) };
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: it was prepared, and is not used any more.
        unsafe { ffi::sqlite3_finalize(self.0) };
    }
}

impl Connection {
    fn open(path: &Path) -> Result<Self> {
        let name = path.to_str().and_then(|path| CString::new(path).ok());
        let name = name.ok_or_else(|| failed("a path that SQLite does not take"))?;
        let mut handle = ptr::null_mut();
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_NOMUTEX;
        // SAFETY: the name ends with a zero byte and lives on; the handle is closed on drop, as it
        // has to be after a failure too.
        let code = unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &mut handle, flags, ptr::null()) };
        let connection = Self(handle);
        if code == ffi::SQLITE_OK { Ok(connection) } else { Err(failed("SQLite cannot open")) }
    }

    fn prepare(&self, sql: &str) -> Result<Statement> {
        let mut statement = ptr::null_mut();
        let length = c_int::try_from(sql.len()).unwrap_or(c_int::MAX);
        // SAFETY: the connection is open, and the text has that many bytes.
        let code = unsafe {
            let text = sql.as_ptr().cast::<c_char>();
            ffi::sqlite3_prepare_v2(self.0, text, length, &mut statement, ptr::null_mut())
        };
        let prepared = Statement(statement);
        if code == ffi::SQLITE_OK { Ok(prepared) } else { Err(failed("SQLite cannot prepare")) }
    }

    /// Every row of a statement.
    fn all(&self, sql: &str) -> Result<Vec<Vec<Value>>> {
        let statement = self.prepare(sql)?;
        let mut rows = Vec::new();
        while statement.step()? {
            rows.push(statement.row());
        }
        Ok(rows)
    }

    fn set_up(&self) -> Result<()> {
        SETTINGS.iter().try_for_each(|it| self.all(&format!("PRAGMA {it}")).map(drop))
    }

    /// The statement that inserts a row of so many values.
    fn insert(&self, table: &str, values: usize) -> Result<Statement> {
        let places = vec!["?"; values].join(", ");
        self.prepare(&format!("INSERT INTO {table} VALUES ({places})"))
    }

    fn fill(&self, table: &str, rows: &[Vec<Value>]) -> Result<()> {
        let Some(first) = rows.first() else { return Ok(()) };
        let statement = self.insert(table, first.len())?;
        rows.iter().try_for_each(|row| statement.run(row))
    }
}

impl Statement {
    /// Runs it to its end with these values, so that it may be run again.
    fn run(&self, row: &[Value]) -> Result<()> {
        for (place, value) in (1..).zip(row) {
            self.bind(place, value)?;
        }
        self.step()?;
        // SAFETY: the statement is prepared. What is bound lives until it is bound anew.
        let code = unsafe { ffi::sqlite3_reset(self.0) };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(failed("SQLite cannot insert")) }
    }

    fn step(&self) -> Result<bool> {
        // SAFETY: the statement is prepared, and what is bound to it lives.
        match unsafe { ffi::sqlite3_step(self.0) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            code => Err(failed(&format!("SQLite answers {code}"))),
        }
    }

    /// Binds a value without a copy: it has to live until the statement is stepped.
    fn bind(&self, place: c_int, value: &Value) -> Result<()> {
        let length = |bytes: &[u8]| c_int::try_from(bytes.len()).unwrap_or(c_int::MAX);
        let kept = ffi::SQLITE_STATIC();
        // SAFETY: the caller keeps the bytes until the statement was stepped.
        let code = unsafe {
            match value {
                Value::Null => ffi::sqlite3_bind_null(self.0, place),
                Value::Integer(value) => ffi::sqlite3_bind_int64(self.0, place, *value),
                Value::Text(text) => {
                    let start = text.as_ptr().cast::<c_char>();
                    ffi::sqlite3_bind_text(self.0, place, start, length(text), kept)
                }
                Value::Blob(blob) => {
                    let start = blob.as_ptr().cast();
                    ffi::sqlite3_bind_blob(self.0, place, start, length(blob), kept)
                }
            }
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(failed("SQLite takes no such value")) }
    }

    /// Looks at each value of the row where it lies.
    fn look(&self) -> i64 {
        // SAFETY: the statement stands on a row.
        let value = |place| unsafe {
            if ffi::sqlite3_column_type(self.0, place) == ffi::SQLITE_INTEGER {
                return ffi::sqlite3_column_int64(self.0, place);
            }
            std::hint::black_box(ffi::sqlite3_column_blob(self.0, place));
            i64::from(ffi::sqlite3_column_bytes(self.0, place))
        };
        // SAFETY: the statement is prepared.
        let count = unsafe { ffi::sqlite3_column_count(self.0) };
        (0..count).fold(0, |sum, place| value(place).wrapping_add(sum))
    }

    fn row(&self) -> Vec<Value> {
        // SAFETY: the statement stands on a row; the bytes are copied before it moves on.
        unsafe {
            let value = |place| match ffi::sqlite3_column_type(self.0, place) {
                ffi::SQLITE_INTEGER => Value::Integer(ffi::sqlite3_column_int64(self.0, place)),
                ffi::SQLITE_TEXT => Value::Text(self.bytes(place)),
                ffi::SQLITE_BLOB => Value::Blob(self.bytes(place)),
                _ => Value::Null,
            };
            (0..ffi::sqlite3_column_count(self.0)).map(value).collect()
        }
    }

    /// The bytes of a text or blob of the row.
    ///
    /// # Safety
    ///
    /// The statement stands on a row.
    unsafe fn bytes(&self, place: c_int) -> Vec<u8> {
        // SAFETY: SQLite gives as many bytes as it says, none at a null pointer.
        unsafe {
            let start = ffi::sqlite3_column_blob(self.0, place).cast::<u8>();
            let length = usize::try_from(ffi::sqlite3_column_bytes(self.0, place)).unwrap_or(0);
            if start.is_null() {
                return Vec::new();
            }
            std::slice::from_raw_parts(start, length).to_vec()
        }
    }
}
