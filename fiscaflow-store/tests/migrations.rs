//! Opening a database file: fresh, of this version, of a newer one, foreign, or cut off half-way.

#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod household;
#[path = "shared/versions.rs"]
mod versions;

use std::path::Path;
use std::process::{Command, Stdio};

use fiscaflow_core::conformance::{Scribe, fsck};
use fiscaflow_core::log::Change;
use fiscaflow_core::store::Store;
use fiscaflow_core::{ErrorCode, Lane};
use fiscaflow_store::{Durability, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use versions::{IN_ORDER, Versions};

fn versions() -> Versions {
    Versions::of("sqlite")
}

/// The newest version of the schema.
fn newest() -> i64 {
    i64::try_from(versions().newest()).unwrap()
}

async fn raw(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Runs a statement on the file as another program would.
async fn run(path: &Path, sql: &'static str) {
    let mut file = raw(path).await;
    sqlx::raw_sql(sql).execute(&mut file).await.unwrap();
    file.close().await.unwrap();
}

/// Everything that makes up a schema, in the order of names.
async fn schema(path: &Path) -> (i64, i64, Vec<(String, String, Option<String>)>) {
    let mut file = raw(path).await;
    let application = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut file).await;
    let version = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut file).await;
    let parts = sqlx::query_as("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")
        .fetch_all(&mut file)
        .await;
    file.close().await.unwrap();
    (application.unwrap(), version.unwrap(), parts.unwrap())
}

async fn fresh(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Durability::Full).await.unwrap()
}

/// The names of the files in a directory.
fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_fresh_file_has_the_newest_schema_and_keeps_its_books() {
    // Holds: a file is made where there is none, or an empty one; opened again it is as it was.
    let dir = tempfile::tempdir().unwrap();
    for name in ["absent.db", "empty.db"] {
        let path = dir.path().join(name);
        if name == "empty.db" {
            std::fs::write(&path, "").unwrap();
        }
        let mut scribe = Scribe::new(1);
        for round in 0..3 {
            let store = fresh(&path).await;
            assert_eq!(store.head(scribe.book_id).await.unwrap(), scribe.head, "round {round}");
            scribe.create(&store, vec![scribe.transaction("2024-01-01", round)]).await;
            fsck(&store, scribe.book_id).await;
            store.close().await;
        }
        let (application, version, parts) = schema(&path).await;
        assert_eq!((application, version), (0x4653_4647, newest()));
        let strict = |sql: &str| sql.starts_with("CREATE INDEX") || sql.contains(") STRICT");
        assert!(parts.iter().all(|(_, _, sql)| sql.as_deref().is_none_or(strict)), "{parts:?}");
    }
}

#[tokio::test]
async fn a_connection_is_set_up_for_safety() {
    // Holds: the file is in write-ahead mode, so that readers and the writer do not block.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    fresh(&path).await.close().await;
    let mut file = raw(&path).await;
    let mode: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut file).await.unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_stays_untouched() {
    // Holds: a database of a later version is `schema_too_new`, the text names both versions, and
    // neither its bytes nor its neighbours change.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let mut scribe = Scribe::new(1);
    let store = fresh(&path).await;
    scribe.create(&store, vec![scribe.transaction("2024-01-01", 1)]).await;
    store.close().await;
    run(&path, "PRAGMA user_version = 7; ALTER TABLE books ADD COLUMN colour TEXT").await;
    let before = std::fs::read(&path).unwrap();
    for _ in 0..2 {
        let error = SqliteStore::open(&path, Durability::Full).await.unwrap_err();
        assert_eq!((error.code(), error.lane()), (ErrorCode::SchemaTooNew, Lane::Corrupt));
        assert!(error.message().contains("version 7"), "{error}");
        assert!(error.message().contains(&format!("up to {}", newest())), "{error}");
        assert!(std::fs::read(&path).unwrap() == before, "the file changed");
        assert_eq!(files(dir.path()), ["books.db"]);
    }
}

#[tokio::test]
async fn a_foreign_file_is_refused_and_stays_untouched() {
    // Holds: another program's database, or no database at all, is `invalid_input`.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("foreign.db");
    let makers = [
        "CREATE TABLE notes (text TEXT)",
        "PRAGMA user_version = 3",
        "PRAGMA application_id = 252006674; CREATE TABLE t (x)",
        "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)",
        // Ours by name, but without a version.
        "PRAGMA application_id = 1179862599",
        "PRAGMA application_id = 1179862599; PRAGMA user_version = -1",
    ];
    for maker in makers {
        run(&path, maker).await;
        refused(&path).await;
        std::fs::remove_file(&path).unwrap();
    }
    let junk: [&[u8]; 3] = [&[0xa5; 5_000], b"SQLite format 3\0 but not really", b"x"];
    for bytes in junk {
        std::fs::write(&path, bytes).unwrap();
        refused(&path).await;
        std::fs::remove_file(&path).unwrap();
    }
}

async fn refused(path: &Path) {
    let before = std::fs::read(path).unwrap();
    let neighbours = files(path.parent().unwrap());
    let Err(error) = SqliteStore::open(path, Durability::Full).await else {
        panic!("a foreign file was opened");
    };
    assert_eq!(error.code(), ErrorCode::InvalidInput, "{error:?}");
    assert_eq!(error.at_field(), Some("url"));
    assert!(std::fs::read(path).unwrap() == before, "the file changed");
    assert_eq!(files(path.parent().unwrap()), neighbours);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_that_open_at_once_make_one_schema() {
    // Holds: of several that open a fresh file at the same time, one makes the schema, all get a
    // store, and their commits follow one another.
    for round in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("books.db");
        let opening: Vec<_> = (0..4)
            .map(|_| {
                let path = path.clone();
                tokio::spawn(async move { SqliteStore::open(&path, Durability::Full).await })
            })
            .collect();
        let mut stores = Vec::new();
        for store in opening {
            stores.push(store.await.unwrap().unwrap_or_else(|error| panic!("{round}: {error:?}")));
        }
        let mut scribe = Scribe::new(1);
        for store in &stores {
            let late = scribe.seal(Vec::new());
            let changes = vec![Change::create(scribe.transaction("2024-01-01", 1))];
            scribe.change(store, changes).await;
            for other in &stores {
                assert_eq!(other.head(scribe.book_id).await.unwrap(), scribe.head);
                let error = other.commit(late.clone()).await.unwrap_err();
                assert_eq!(error.code(), ErrorCode::Conflict);
            }
        }
        for store in &stores {
            assert_eq!(fsck(store, scribe.book_id).await.len(), stores.len());
            store.close().await;
        }
    }
}

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// The rows of a database, as statements that insert them.
async fn rows_of(path: &Path) -> String {
    let mut file = raw(path).await;
    let mut rows = Vec::new();
    for table in IN_ORDER {
        let names = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)").bind(table);
        let names: Vec<String> = names.fetch_all(&mut file).await.unwrap();
        let values: Vec<String> = names.iter().map(|name| format!("quote({name})")).collect();
        let (names, values) = (names.join(", "), values.join(" || ', ' || "));
        let lines = format!(
            "SELECT 'INSERT INTO {table} ({names}) VALUES (' || {values} || ');' FROM {table} \
             ORDER BY 1"
        );
        let lines = sqlx::query_scalar::<_, String>(AssertSqlSafe(lines)).fetch_all(&mut file);
        rows.extend(lines.await.unwrap());
    }
    rows.join("\n") + "\n"
}

/// Makes a database of a version, with the rows of a book from one that was not later.
async fn make(path: &Path, rows: usize, found: usize) {
    let versions = versions();
    let mut file = raw(path).await;
    let (before, after) = (versions.between(0, rows), versions.between(rows, found));
    let all = [before, versions.rows(rows), after].concat();
    sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut file).await.unwrap();
    file.close().await.unwrap();
}

#[tokio::test]
async fn every_earlier_version_becomes_the_newest() {
    // Holds: a database of any version, with the rows of a book of that version or of one before
    // it, opens, has the schema of a fresh one and the book whole, and the book goes on.
    let dir = tempfile::tempdir().unwrap();
    let written = dir.path().join("fresh.db");
    versions::write(&url(&written)).await.unwrap();
    let expected = schema(&written).await;
    if versions::are_wanted() {
        versions().keep(&rows_of(&written).await);
    }
    let upgrades = versions().upgrades();
    assert!(!upgrades.is_empty());
    for (rows, found) in upgrades {
        let path = dir.path().join(format!("{rows}-{found}.db"));
        make(&path, rows, found).await;
        versions::goes_on(&url(&path)).await;
        assert_eq!(schema(&path).await, expected, "rows of {rows}, found at {found}");
    }
}

/// What the child is told.
const CHILD: &str = "FISCAFLOW_TEST_MIGRATE";

#[tokio::test]
async fn origins_are_filled_in_as_a_commit_writes_them() {
    // Holds: what the fourth version writes into the rows of transactions, of any text, is byte for
    // byte what a commit writes.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let store = fresh(&path).await;
    let scribe = versions::write_origins(&store).await;
    run(&path, "UPDATE transactions SET origins = NULL").await;
    let mut file = raw(&path).await;
    let fills = versions().that_fills(4);
    let filled = sqlx::query(AssertSqlSafe(fills)).execute(&mut file).await.unwrap();
    assert_eq!(filled.rows_affected(), 1);
    versions::stand_as_written(&store, &scribe).await;
}

#[tokio::test]
async fn a_migration_that_was_cut_off_runs_again() {
    // Holds: a process that dies after any statement of the migrations, of all of them or of those
    // from some version on, leaves a file that opens, with the schema of a fresh one and its book.
    if let Ok(order) = std::env::var(CHILD) {
        die_half_way(&order).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let expected = dir.path().join("fresh.db");
    fresh(&expected).await.close().await;
    let expected = schema(&expected).await;
    let newest = versions().newest();
    for (mode, from) in
        ["DELETE", "WAL"].into_iter().flat_map(|it| (0..newest).map(move |n| (it, n)))
    {
        let count = versions().statements(from).len();
        assert!(from > 0 || count > 10, "the migrations have {count} statements");
        for done in 0..=count {
            let path = dir.path().join(format!("{mode}-{from}-{done}.db"));
            if from > 0 {
                make(&path, 1, from).await;
            }
            let order = format!("{mode} {from} {done} {}", path.display());
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "a_migration_that_was_cut_off_runs_again"])
                .env(CHILD, order)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(!child.success(), "the child dies");
            assert!(path.exists(), "the child began");
            let store = fresh(&path).await;
            let mut scribe = Scribe::new(1);
            scribe.create(&store, vec![scribe.transaction("2024-01-01", 1)]).await;
            fsck(&store, scribe.book_id).await;
            store.close().await;
            // Looking at all of the book takes as long as everything else: at the ends it is done.
            if from > 0 && [0, count].contains(&done) {
                versions::goes_on(&url(&path)).await;
            }
            assert_eq!(schema(&path).await, expected, "{mode}, {done} statements from {from}");
        }
    }
}

/// Runs some statements of the migrations, each on disk as far as SQLite puts it there, and dies.
async fn die_half_way(order: &str) -> ! {
    let mut parts = order.splitn(4, ' ');
    let mut next = || parts.next().expect("an order has four parts");
    let (mode, from, done, path) = (next(), next(), next(), next());
    let (from, done) = (from.parse().expect("a version"), done.parse().expect("a number"));
    let mut file = raw(Path::new(path)).await;
    // With hardly any cache, pages go to the file before the transaction ends.
    let begin = format!(
        "PRAGMA journal_mode = {mode}; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; \
         BEGIN IMMEDIATE"
    );
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut file).await.unwrap();
    let statements = versions().statements(from);
    for statement in statements.into_iter().take(done) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut file).await.unwrap();
    }
    std::process::abort()
}
