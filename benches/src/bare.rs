//! The bare inserts: what SQLite itself takes for the rows of an import, by which the import is
//! measured. No engine, no matching, no history: prepared statements and one transaction, through
//! the library's own interface, because a wrapper's cost would flatter the engine.

#![allow(unsafe_code, reason = "the interface of SQLite is one of C")]

use std::ffi::{CString, c_char, c_int};
use std::path::Path;
use std::ptr;
use std::time::Instant;

use fiscaflow_core::Result;
use libsqlite3_sys as ffi;

use super::jobs::failed;

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
    // As the store sets its connections up.
    for setting in [
        "journal_mode = WAL",
        "foreign_keys = ON",
        "synchronous = FULL",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
        "journal_size_limit = 16777216",
        "cache_size = -32768",
    ] {
        connection.all(&format!("PRAGMA {setting}"))?;
    }
    let start = Instant::now();
    connection.all("BEGIN IMMEDIATE")?;
    connection.fill("transactions", &rows.transactions)?;
    connection.fill("origins", &rows.origins)?;
    connection.all("COMMIT")?;
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

    fn fill(&self, table: &str, rows: &[Vec<Value>]) -> Result<()> {
        let Some(first) = rows.first() else { return Ok(()) };
        let places = vec!["?"; first.len()].join(", ");
        let statement = self.prepare(&format!("INSERT INTO {table} VALUES ({places})"))?;
        for row in rows {
            for (place, value) in (1..).zip(row) {
                statement.bind(place, value)?;
            }
            statement.step()?;
            // SAFETY: the statement is prepared. What is bound lives until it is bound anew.
            unsafe { ffi::sqlite3_reset(statement.0) };
        }
        Ok(())
    }
}

impl Statement {
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
