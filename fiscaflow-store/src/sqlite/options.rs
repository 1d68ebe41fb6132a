//! Opening: what a URL means, and how connections are set up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fiscaflow_core::{Error, ErrorCode, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::{SqliteStore, error, migrate};
use crate::pool::{Bounds, Pool};
use crate::{check_runtime, invalid_url};

/// The oldest SQLite that is fit: older ones can lose pages when a write meets a checkpoint.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];
/// How many connections read at once.
const READERS: u32 = 4;
/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);
/// The size to which the write-ahead log is cut after a large import.
const LOG_BYTES: &str = "16777216";
/// The pages that the writing connection may keep at hand: 32 MiB. A large import adds to half a
/// dozen indexes at places all over them; with SQLite's usual 2 MiB most of these pages are written
/// out and read again many times.
const WRITER_CACHE: &str = "-32768";
/// How often, and after which pause, the switch to the write-ahead log is tried: SQLite does not
/// wait by itself there.
const SWITCH_TRIES: u32 = 50;
const SWITCH_PAUSE: Duration = Duration::from_millis(20);

/// What an acknowledged commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of the process and the loss of power: each commit waits for the disk.
    #[default]
    Full,
    /// The end of the process. A loss of power may take back the newest commits, each as a whole;
    /// the database stays sound.
    MayLoseLastCommits,
}

/// Opens what follows `sqlite:` in a URL.
pub(super) async fn open_url(rest: &str) -> Result<SqliteStore> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, settings) = rest.split_once('?').unwrap_or((rest, ""));
    let mut durability = Durability::Full;
    for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
        durability = match setting {
            "durability=full" => Durability::Full,
            "durability=may_lose_last_commits" => Durability::MayLoseLastCommits,
            _ => {
                let name: String = setting.chars().take(40).collect();
                return Err(invalid_url(format!("`{name}` is no setting of an sqlite store")));
            }
        };
    }
    match path {
        "" => Err(invalid_url("an sqlite url names a file or `:memory:`")),
        ":memory:" => open_in_memory().await,
        path => open_file(Path::new(path), durability).await,
    }
}

/// The file that what follows `sqlite:` in a URL names, where it names one.
pub(super) fn file(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    (!["", ":memory:"].contains(&path)).then_some(path)
}

/// Opens a fresh database in memory: its one connection is the database.
pub(super) async fn open_in_memory() -> Result<SqliteStore> {
    check_runtime()?;
    let options = common().in_memory(true);
    let writer = Arc::new(Pool::new(options, bounds(1)));
    let mut lent = writer.lend().await.map_err(error::failed)?;
    let connection = lent.connection().map_err(error::failed)?;
    check_sqlite(connection).await?;
    migrate::migrate(connection).await?;
    lent.settle();
    Ok(SqliteStore { readers: writer.clone(), writer, in_memory: true })
}

/// Opens a file. Nothing is written before it is known to be ours, and of no newer version.
pub(super) async fn open_file(path: &Path, durability: Durability) -> Result<SqliteStore> {
    check_runtime()?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if directory.is_some_and(|directory| !directory.is_dir()) {
        return Err(invalid_url("the directory of the database is not there"));
    }
    if path.is_dir() {
        return Err(invalid_url("the path of the database is a directory"));
    }
    if !may_be_database(path) {
        return Err(error::no_database());
    }
    make_private(path);
    let options = common().filename(path).create_if_missing(true);
    let options = match durability {
        // `fullfsync` makes Apple's systems pass the request on to the disk; elsewhere it is idle.
        Durability::Full => options
            .synchronous(SqliteSynchronous::Full)
            .pragma("fullfsync", "ON")
            .pragma("checkpoint_fullfsync", "ON"),
        Durability::MayLoseLastCommits => options.synchronous(SqliteSynchronous::Normal),
    };
    let mut connection =
        SqliteConnection::connect_with(&options).await.map_err(error::failed_to_open)?;
    if let Err(error) = prepare(&mut connection).await {
        // Closed, not dropped: the refused file is left alone before the caller hears of it.
        drop(connection.close().await);
        return Err(error);
    }
    let options = options.create_if_missing(false);
    let writing = options.clone().pragma("cache_size", WRITER_CACHE);
    let writer = Arc::new(Pool::new(writing, bounds(1)));
    writer.lend().await.map_err(error::failed)?.settle();
    // Closed only now: the last connection of all takes the write-ahead log away, and one that
    // opens at that moment would have to wait.
    connection.close().await.map_err(error::failed)?;
    let reading = options.pragma("query_only", "ON");
    let readers = Arc::new(Pool::new(reading, bounds(READERS)));
    Ok(SqliteStore { writer, readers, in_memory: false })
}

/// Makes the file where it is absent, for its owner alone; SQLite gives the files beside it the
/// same permissions. Where that fails, SQLite says why when it opens the file. A file that is there
/// is not opened: when it is closed again, the system drops the locks that other connections of
/// this process hold on it.
#[cfg(unix)]
fn make_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    drop(options.write(true).create_new(true).mode(0o600).open(path));
}

/// Elsewhere a file has the permissions of its directory.
#[cfg(not(unix))]
fn make_private(_path: &Path) {}

/// Whether the file is a database as far as its size tells: SQLite takes a file that is smaller
/// than a page for an empty one and writes over it. A journal beside it says that somebody was cut
/// off while writing: then only SQLite can tell, as it does of larger files. The file is not
/// opened: see [`make_private`].
fn may_be_database(path: &Path) -> bool {
    const SMALLEST_PAGE: u64 = 512;
    let Ok(metadata) = std::fs::metadata(path) else { return true };
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        Path::new(&name).exists()
    };
    metadata.len() == 0 || metadata.len() >= SMALLEST_PAGE || beside("-journal") || beside("-wal")
}

async fn prepare(connection: &mut SqliteConnection) -> Result<()> {
    check_sqlite(connection).await?;
    migrate::check(connection).await?;
    use_write_ahead_log(connection).await?;
    migrate::migrate(connection).await
}

fn common() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // A damaged or prepared file must not run code by way of its schema.
        .pragma("trusted_schema", "OFF")
        // What people own is sorted in memory, not in files that others may find.
        .pragma("temp_store", "MEMORY")
        .pragma("journal_size_limit", LOG_BYTES)
        .disable_statement_logging()
}

/// Connections stay: opening one costs more than keeping it, and the one of a database in memory
/// is the database.
const fn bounds(connections: u32) -> Bounds {
    // Without its connection a database in memory is gone: one that is busy is waited for.
    let forever = Duration::MAX;
    Bounds { connections, turn: TURN_TIMEOUT, asked: forever, idle: forever, age: forever }
}

async fn check_sqlite(connection: &mut SqliteConnection) -> Result<()> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(connection)
        .await
        .map_err(error::failed_to_open)?;
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found = [0; 3].map(|_: u32| parts.next().unwrap_or(0));
    if found >= OLDEST_SQLITE {
        return Ok(());
    }
    let oldest = OLDEST_SQLITE.map(|part| part.to_string()).join(".");
    let text = format!("SQLite {version} is linked, {oldest} or later is needed");
    Err(Error::new(ErrorCode::Internal, text))
}

async fn use_write_ahead_log(connection: &mut SqliteConnection) -> Result<()> {
    let mut tries = 0;
    loop {
        tries += 1;
        // Read to the end: the switch is committed after its answer, and that can fail.
        let switched = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL")
            .fetch_all(&mut *connection)
            .await;
        match switched {
            Ok(mode) if mode == ["wal"] => return Ok(()),
            Ok(_) => {
                let text = "the file system does not support a write-ahead log";
                return Err(Error::new(ErrorCode::StoreUnavailable, text));
            }
            Err(failure) if error::is_busy(&failure) && tries < SWITCH_TRIES => {
                tokio::time::sleep(SWITCH_PAUSE).await;
            }
            Err(failure) => return Err(error::failed(failure)),
        }
    }
}
