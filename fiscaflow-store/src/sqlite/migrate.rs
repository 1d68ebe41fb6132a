//! The schema's versions. See `migrations/sqlite/NOTES.md` for how a new one is added.
//!
//! SQLite keeps two numbers in the head of a file: `application_id` says that it is ours,
//! `user_version` is the version of its schema. Both change in the transaction that changes the
//! tables, so a migration that is cut off leaves no trace and runs again.

use fiscaflow_core::{Error, ErrorCode, Result};
use sqlx::{Connection, SqliteConnection};

use super::error;
use crate::invalid_url;

/// What stands in the head of our files: `FSFG`.
const APPLICATION_ID: i64 = 0x4653_4647;

/// Each brings the version before it to the next and ends with that version.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/sqlite/0001_books.sql"),
    include_str!("../../migrations/sqlite/0002_tree.sql"),
    include_str!("../../migrations/sqlite/0003_marks.sql"),
    include_str!("../../migrations/sqlite/0004_origins.sql"),
];

/// The version that this code reads and writes.
const VERSION: i64 = 4;
const _: () = assert!(MIGRATIONS.len() == 4 && VERSION == 4, "a migration for every version");

/// Finds the version of a database, 0 for an empty one; refuses what is not ours or is newer.
pub(super) async fn check(connection: &mut SqliteConnection) -> Result<i64> {
    let found: (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id), \
                (SELECT user_version FROM pragma_user_version), \
                (SELECT count(*) FROM sqlite_schema)",
    )
    .fetch_one(connection)
    .await
    .map_err(error::failed_to_open)?;
    match found {
        (0, 0, 0) => Ok(0),
        (APPLICATION_ID, 1..=VERSION, _) => Ok(found.1),
        (APPLICATION_ID, newer, _) if newer > VERSION => {
            let text = format!(
                "the database has schema version {newer}, this program knows versions up to \
                 {VERSION}"
            );
            Err(Error::new(ErrorCode::SchemaTooNew, text))
        }
        _ => Err(invalid_url("the file is another program's database")),
    }
}

/// Brings the schema up to date. Of several that try at once, one does it.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<()> {
    if check(connection).await? == VERSION {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(error::failed)?;
    let version = usize::try_from(check(&mut transaction).await?).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(version) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(error::failed)?;
    }
    transaction.commit().await.map_err(error::failed)
}
