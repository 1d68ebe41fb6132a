//! Backing up an SQLite database, and restoring it.

use std::path::Path;
use std::sync::Arc;

use fiscaflow_core::ErrorCode;
use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::log::{Change, Commit, Draft, NewEvent};
use fiscaflow_core::store::{Delivery, DeliveryStep, Lease, SetAsideQuery, Store};
use fiscaflow_store::{Durability, SqliteStore};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Home, assert_same};

async fn database(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Durability::Full).await.unwrap()
}

/// The names of what lies in a directory.
pub(super) fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_database_in_use_is_whole() {
    // Holds: while a book is written, a backup is one moment of it that verifies; restored it is
    // the same as the backup, is written on, and nothing lies beside them.
    let dir = tempfile::tempdir().unwrap();
    let (books, copies) = (dir.path().join("books.db"), dir.path().join("50% #copies?"));
    std::fs::create_dir(&copies).unwrap();
    let file = database(&books).await;
    let memory = SqliteStore::open_in_memory().await.unwrap();
    for (name, store) in [("file", file), ("memory", memory)] {
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let home = Arc::new(Home::over(&shared).await);
        home.live(0..5).await;
        let writer = Arc::clone(&home);
        let writing = tokio::spawn(async move { writer.live(5..15).await });
        let (backup, again) = (copies.join(name), copies.join(format!("{name}-again")));
        let made = store.backup_to(&backup).await.unwrap();
        writing.await.unwrap();
        assert_eq!((made.books, made.bytes), (1, std::fs::metadata(&backup).unwrap().len()));

        let restored = SqliteStore::restore(&backup, &again).await.unwrap();
        assert_eq!((restored.books, restored.commits), (1, made.commits));
        let (one, other) = (database(&backup).await, database(&again).await);
        assert_same(&one, &other, home.id, 15).await;
        let head = other.head(home.id).await.unwrap().unwrap();
        assert_eq!(head.seq, made.commits);
        assert!(store.commits(home.id, head.seq - 1, 1).await.unwrap()[0].hash == head.hash);
        let other: Arc<dyn Store> = Arc::new(other);
        home.through(&other).record(99).await;
        one.close().await;
        other.close().await;
    }
    assert_eq!(names(&copies), ["file", "file-again", "memory", "memory-again"]);
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_half_is_left() {
    // Holds: a file that is there stays as it is, empty ones and links too; what goes wrong leaves
    // no file; the codes say whose fault it was.
    let dir = tempfile::tempdir().unwrap();
    let store = database(&dir.path().join("books.db")).await;
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    Home::over(&shared).await.live(0..3).await;
    let copies = dir.path().join("copies");
    std::fs::create_dir(&copies).unwrap();
    let taken = copies.join("taken");
    std::fs::write(&taken, "").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", copies.join("link")).unwrap();
    let before = names(&copies);
    for path in [taken.clone(), copies.join("link"), copies.clone(), copies.join("no/such")] {
        let error = store.backup_to(&path).await.unwrap_err();
        assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidInput, Some("path")));
        let error = SqliteStore::restore(dir.path().join("books.db-none"), &path).await;
        assert_eq!(error.unwrap_err().code(), ErrorCode::InvalidInput);
    }
    for (name, content) in [("empty", &b""[..]), ("text", b"no database"), ("zeros", &[0; 4096])] {
        std::fs::write(dir.path().join(name), content).unwrap();
        let restored = SqliteStore::restore(dir.path().join(name), copies.join("new")).await;
        assert_eq!(restored.unwrap_err().code(), ErrorCode::InvalidInput, "{name}");
    }
    // In use: its newest commits are in the log beside it.
    let in_use = SqliteStore::restore(dir.path().join("books.db"), copies.join("new")).await;
    assert_eq!(in_use.unwrap_err().at_field(), Some("backup"));
    #[cfg(unix)]
    {
        let latest = dir.path().join("latest.db");
        std::os::unix::fs::symlink("books.db", &latest).unwrap();
        let in_use = SqliteStore::restore(latest, copies.join("new")).await;
        assert_eq!(in_use.unwrap_err().at_field(), Some("backup"));
    }
    assert_eq!(names(&copies), before);
    store.close().await;
    let closed = store.backup_to(copies.join("new")).await.unwrap_err();
    assert_eq!(closed.code(), ErrorCode::Closed);
}

#[tokio::test]
async fn the_log_of_another_database_is_not_played_back() {
    // Holds: a log that a killed process left, a memory of it or a rollback journal beside the
    // place is refused and left alone; without it the restored database is the backup's.
    let dir = tempfile::tempdir().unwrap();
    let store = database(&dir.path().join("books.db")).await;
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let home = Home::over(&shared).await;
    home.live(0..3).await;
    let backup = dir.path().join("backup");
    let made = store.backup_to(&backup).await.unwrap();
    home.live(3..9).await;
    let place = dir.path().join("again.db");
    for name in ["wal", "shm", "journal"] {
        let left = dir.path().join(format!("again.db-{name}"));
        let log = dir.path().join(if name == "shm" { "books.db-shm" } else { "books.db-wal" });
        let log = std::fs::read(log).unwrap();
        assert!(!log.is_empty());
        std::fs::write(&left, &log).unwrap();
        let error = SqliteStore::restore(&backup, &place).await.unwrap_err();
        assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidInput, Some("path")));
        let error = store.backup_to(&place).await.unwrap_err();
        assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidInput, Some("path")));
        assert!(!place.exists());
        assert_eq!(std::fs::read(&left).unwrap(), log, "{name}");
        std::fs::remove_file(left).unwrap();
    }
    SqliteStore::restore(&backup, &place).await.unwrap();
    let head = database(&place).await.head(home.id).await.unwrap().unwrap();
    assert_eq!(head.seq, made.commits);
}

#[tokio::test]
async fn a_backup_goes_on_delivering_where_it_was_made_and_has_no_leases() {
    // Holds: places and what was set aside are in a backup and in what is restored of it, also of
    // a file copied by hand; leases of relays are in neither.
    let dir = tempfile::tempdir().unwrap();
    let store = database(&dir.path().join("books.db")).await;
    let mut scribe = Scribe::new(1);
    let event_id = fiscaflow_core::EventId::new(scribe.uuid());
    let events = vec![NewEvent::new(event_id, "tests.thing.done", "thing", "1")];
    let commit = scribe.seal_draft(Draft { events, ..scribe.draft(Vec::new()) });
    scribe.write(&store, commit).await;
    let until = fiscaflow_core::Clock::now(&scribe.clock);
    let lease = Some(Lease { owner: "a relay".to_owned(), until });
    let delivery = Delivery { version: 1, seq: 1, tries: 2, lease, ..Delivery::default() };
    let aside = fiscaflow_core::store::SetAside {
        place: fiscaflow_core::store::EventPlace { seq: 1, number: 0 },
        event_id,
        name: "tests.thing.done".to_owned(),
        tries: 5,
        reason: "no".to_owned(),
        at: until,
        again: false,
    };
    let step = DeliveryStep {
        expected: 0,
        delivery: delivery.clone(),
        put_aside: vec![aside.clone()],
        taken_back: Vec::new(),
    };
    store.deliver(scribe.book_id, "hooks", Arc::new(step)).await.unwrap();
    let (backup, again) = (dir.path().join("backup"), dir.path().join("again"));
    store.backup_to(&backup).await.unwrap();
    store.close().await;
    SqliteStore::restore(dir.path().join("books.db"), &again).await.unwrap();
    for path in [backup, again] {
        let copy = database(&path).await;
        let kept = copy.delivery(scribe.book_id, "hooks").await.unwrap();
        assert_eq!(kept, Some(Delivery { lease: None, ..delivery.clone() }));
        let all = SetAsideQuery { after: None, again: false, limit: 10 };
        let found = copy.set_aside(scribe.book_id, "hooks", &all).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&aside));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_backup_is_its_owners_alone() {
    // Holds: backup and restored database have the permissions of a fresh database.
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let store = database(&dir.path().join("books.db")).await;
    store.backup_to(dir.path().join("backup")).await.unwrap();
    SqliteStore::restore(dir.path().join("backup"), dir.path().join("again")).await.unwrap();
    for name in ["backup", "again"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn what_must_not_be_relied_on_is_no_backup() {
    // Holds: a history that does not verify, a damaged page, and what no history tells of are
    // found, in backups and in what is restored, and no file is made of them.
    let dir = tempfile::tempdir().unwrap();
    let store = database(&dir.path().join("books.db")).await;
    let mut scribe = Scribe::new(1);
    let many = (0..400).map(|it| Change::create(scribe.transaction("2024-01-01", it))).collect();
    scribe.change(&store, many).await;
    let good = dir.path().join("good");
    store.backup_to(&good).await.unwrap();
    let mut bytes = std::fs::read(&good).unwrap();
    // The middle of the file, page by page: whatever lies there, something does not fit.
    let half = bytes.len() / 2;
    bytes[half..half + 8_192].fill(0x5a);
    let bad = dir.path().join("bad");
    std::fs::write(&bad, &bytes).unwrap();
    let error = SqliteStore::restore(&bad, dir.path().join("again")).await.unwrap_err();
    assert_eq!(error.lane(), fiscaflow_core::Lane::Corrupt, "{error:?}");

    for (name, stray) in [
        ("trigger", "CREATE TRIGGER t AFTER UPDATE ON books BEGIN DELETE FROM documents; END"),
        ("view", "CREATE VIEW v AS SELECT * FROM commits"),
        (
            "row",
            "CREATE TEMP TABLE t AS SELECT * FROM transactions LIMIT 1; \
             UPDATE t SET book_id = zeroblob(16); INSERT INTO transactions SELECT * FROM t",
        ),
        (
            "child",
            "PRAGMA foreign_keys = OFF; \
             INSERT INTO documents VALUES (zeroblob(16), 'kind', 'key', '{}')",
        ),
    ] {
        let odd = dir.path().join(name);
        std::fs::copy(&good, &odd).unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&odd);
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(stray).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let error = SqliteStore::restore(&odd, dir.path().join("again")).await.unwrap_err();
        assert_eq!(error.lane(), fiscaflow_core::Lane::Corrupt, "{name}: {error:?}");
    }

    let mut broken: Commit = (*scribe.seal(Vec::new())).clone();
    broken.stored.body.push(b' ');
    scribe.write(&store, Arc::new(broken)).await;
    let error = store.backup_to(dir.path().join("again")).await.unwrap_err();
    assert_eq!((error.code(), error.of_id()), (ErrorCode::HistoryBroken, Some("2")));
    assert!(names(dir.path()).iter().all(|name| !name.starts_with("again")));
}
