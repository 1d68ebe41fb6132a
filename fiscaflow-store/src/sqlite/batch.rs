//! Statements that go to the database as one text: SQLite runs in a thread of its own, and each
//! trip to it costs more than what a small statement does there.

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Sqlite, SqliteConnection};

/// A longer text is not kept prepared.
const KEPT_BYTES: usize = 8 * 1024;

/// Statements and their values, in the order in which they stand there.
#[derive(Default)]
pub(super) struct Batch {
    sql: String,
    pub(super) values: Values,
}

/// Values of statements.
#[derive(Default)]
pub(super) struct Values {
    arguments: SqliteArguments,
    is_faulty: bool,
}

impl Values {
    pub(super) fn push<'v, T>(&mut self, value: T) -> &mut Self
    where
        T: sqlx::Encode<'v, Sqlite> + sqlx::Type<Sqlite>,
    {
        self.is_faulty |= Arguments::add(&mut self.arguments, value).is_err();
        self
    }
}

impl Batch {
    /// Adds a statement; its values follow.
    pub(super) fn sql(&mut self, statement: &str) {
        if !self.sql.is_empty() {
            self.sql.push(';');
        }
        self.sql.push_str(statement);
    }

    /// Adds the statement that inserts so many rows, by a head that names their columns.
    pub(super) fn insert(&mut self, head: &str, rows: usize) {
        let row = format!("({})", vec!["?"; head.split(',').count()].join(","));
        self.sql(&format!("{head} VALUES {}", vec![row.as_str(); rows].join(",")));
    }

    /// Runs the statements, one after the other, up to one that fails.
    pub(super) async fn run(self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        if self.values.is_faulty {
            return Err(sqlx::Error::Encode("a value cannot be bound".into()));
        }
        // A statement of many rows comes once in that length, and is some megabytes when prepared.
        let is_kept = self.sql.len() < KEPT_BYTES;
        let query = sqlx::query_with(AssertSqlSafe(self.sql), self.values.arguments);
        query.persistent(is_kept).execute(connection).await.map(drop)
    }
}
