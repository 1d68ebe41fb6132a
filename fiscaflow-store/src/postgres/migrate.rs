//! The schema's versions. See `migrations/postgres/NOTES.md` for how a new one is added.
//!
//! Tables and version change in one transaction, so a migration that is cut off leaves no trace and
//! runs again. An advisory lock of that transaction lets one process migrate and the others wait.

use fiscaflow_core::{Error, ErrorCode, Result};
use sqlx::{Connection, PgConnection};

use super::error;
use crate::invalid_url;

/// Each brings the version before it to the next and ends with that version.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/postgres/0001_books.sql"),
    include_str!("../../migrations/postgres/0002_tree.sql"),
    include_str!("../../migrations/postgres/0003_marks.sql"),
    include_str!("../../migrations/postgres/0004_origins.sql"),
];

/// The version that this code reads and writes.
const VERSION: i64 = 4;
const _: () = assert!(MIGRATIONS.len() == 4 && VERSION == 4, "a migration for every version");

/// The oldest PostgreSQL whose functions keep the meaning that they were made with.
const OLDEST_SERVER: i32 = 140_000;

/// Finds the version of a database, 0 for one without our schema; refuses what is not ours or is
/// newer. Nothing here has a name or outlives its statement, so that any pooler will do. The
/// catalogue is read like any table: `to_regclass` may still answer what was true before a lock.
async fn check(connection: &mut PgConnection) -> Result<i64> {
    let (server, schema, table): (i32, bool, bool) = sqlx::query_as(
        "SELECT current_setting('server_version_num')::int, EXISTS (SELECT FROM pg_namespace \
         WHERE nspname = 'fiscaflow'), EXISTS (SELECT FROM pg_class JOIN pg_namespace AS n \
         ON n.oid = relnamespace WHERE nspname = 'fiscaflow' AND relname = 'schema_version')",
    )
    .persistent(false)
    .fetch_one(&mut *connection)
    .await
    .map_err(error::failed_to_open)?;
    if server < OLDEST_SERVER {
        return Err(invalid_url("the server is older than PostgreSQL 14"));
    }
    if !table {
        let foreign = "the schema `fiscaflow` of the database is another program's";
        return if schema { Err(invalid_url(foreign)) } else { Ok(0) };
    }
    let version: i64 = sqlx::query_scalar("SELECT max(version) FROM fiscaflow.schema_version")
        .persistent(false)
        .fetch_one(connection)
        .await
        .map_err(error::failed_to_open)?;
    if (1..=VERSION).contains(&version) {
        return Ok(version);
    }
    let text = format!(
        "the database has schema version {version}, this program knows versions up to {VERSION}"
    );
    Err(Error::new(ErrorCode::SchemaTooNew, text))
}

/// Brings the schema up to date. Of several that try at once, one does it.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<()> {
    let mut transaction = connection.begin().await.map_err(error::failed_to_open)?;
    let mut version = check(&mut transaction).await?;
    if version < VERSION {
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('fiscaflow.schema', 0))")
            .persistent(false)
            .execute(&mut *transaction)
            .await
            .map_err(error::failed)?;
        version = check(&mut transaction).await?;
    }
    let done = usize::try_from(version).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(error::failed)?;
    }
    transaction.commit().await.map_err(error::failed)
}
