//! Backing up whatever store there is into an SQLite file, and restoring from it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use fiscaflow_core::conformance::{Scribe, Tap, Tapped};
#[cfg(feature = "postgres")]
use fiscaflow_core::store::copy_book;
use fiscaflow_core::store::{Store, verify_book};
use fiscaflow_core::{Error, ErrorCode, Lane, Result};
use fiscaflow_store::{backup, open, restore};

use super::backup::names;
use super::book::stores;
use super::{Home, assert_same};

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// Where a backup may be restored to: a file and, where it is built, PostgreSQL.
fn places(file: &Path) -> Vec<String> {
    vec![
        url(file),
        #[cfg(feature = "postgres")]
        super::shared::postgres::database().url,
    ]
}

#[tokio::test]
async fn any_store_is_backed_up_and_restored_into_any_other() {
    // Holds: books of every store are in its backup and in what is restored of it, with equal
    // history, rows and answers to keys, which verify and are written on; a restore that is
    // repeated into a store that takes books changes nothing; nothing else lies beside them.
    let dir = tempfile::tempdir().unwrap();
    let copies = dir.path().join("copies");
    std::fs::create_dir(&copies).unwrap();
    let mut expected = Vec::new();
    for (number, from) in stores(&dir, "from").await.into_iter().enumerate() {
        let (one, other) = (Home::over(&from).await, Home::over(&from).await);
        one.live(0..12).await;
        other.live(0..2).await;
        let mut commits = 0;
        for home in [&one, &other] {
            commits += from.head(home.id).await.unwrap().unwrap().seq;
        }

        let (file, again) = (copies.join(format!("{number}")), copies.join(format!("{number}-a")));
        let made = backup(&from, &file).await.unwrap();
        assert_eq!((made.books, made.commits), (2, commits));
        assert_eq!(made.bytes, std::fs::metadata(&file).unwrap().len());
        for place in places(&again) {
            let restored = restore(&file, &place).await.unwrap();
            assert_eq!((restored.books, restored.commits), (2, commits), "{number}");
            if !place.starts_with("sqlite") {
                restore(&file, &place).await.unwrap();
            }
            let to = open(&place).await.unwrap();
            for home in [&one, &other] {
                assert_same(&*from, &*to, home.id, 12).await;
                assert!(verify_book(&*to, home.id).await.unwrap().verified);
            }
            assert_eq!(one.through(&to).record(7).await, one.record(7).await);
            one.through(&to).record(99).await;
            to.close().await;
        }
        // What is restored nowhere was checked.
        assert_eq!(restore(&file, "memory:").await.unwrap().commits, commits);
        expected.extend([format!("{number}"), format!("{number}-a")]);
        from.close().await;
        let closed = backup(&from, copies.join("new")).await.unwrap_err();
        assert_eq!(closed.code(), ErrorCode::Closed);
    }
    assert_eq!(names(&copies), expected);
}

/// Answers so many calls, and then none.
#[derive(Debug)]
struct Failing {
    store: Arc<dyn Store>,
    answers: AtomicU32,
}

#[async_trait]
impl Tap for Failing {
    async fn before(&self, _call: &'static str) -> Result<Arc<dyn Store>> {
        let left = |left: u32| left.checked_sub(1);
        match self.answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) {
            Ok(_) => Ok(Arc::clone(&self.store)),
            Err(_) => Err(Error::new(ErrorCode::StoreUnavailable, "the store is away")),
        }
    }
}

#[tokio::test]
async fn a_backup_that_is_cut_off_leaves_nothing() {
    // Holds: at whichever call the store fails, the error is the answer and there is no file of any
    // name; the last try needs one call more than the one before, and is whole.
    let dir = tempfile::tempdir().unwrap();
    let store = open("memory:").await.unwrap();
    let home = Home::over(&store).await;
    home.live(0..10).await;
    let file = dir.path().join("backup");
    let mut failures = 0;
    loop {
        let answers = AtomicU32::new(failures);
        let failing = Failing { store: Arc::clone(&store), answers };
        let failing: Arc<dyn Store> = Arc::new(Tapped(Arc::new(failing)));
        match backup(&failing, &file).await {
            Ok(made) => {
                assert_eq!((made.books, names(dir.path())), (1, vec!["backup".to_owned()]));
                break;
            }
            Err(error) => assert_eq!(error.code(), ErrorCode::StoreUnavailable),
        }
        assert!(names(dir.path()).is_empty(), "after {failures} calls");
        failures += 1;
    }
    assert!(failures > 10, "{failures}");
    let to = open(&url(&file)).await.unwrap();
    assert_same(&*store, &*to, home.id, 10).await;
    to.close().await;
}

#[tokio::test]
async fn what_is_no_backup_is_restored_nowhere() {
    // Holds: a file that is not there, empty, of another kind, in use or damaged is refused with
    // the code of a restore to a file, for a store of any kind, and nothing is left beside it.
    let dir = tempfile::tempdir().unwrap();
    let from = open("memory:").await.unwrap();
    let mut scribe = Scribe::new(1);
    let row = |it| fiscaflow_core::log::Change::create(it);
    let many = (0..400).map(|it| row(scribe.transaction("2024-01-01", it))).collect();
    scribe.change(&*from, many).await;
    let good = dir.path().join("good");
    backup(&from, &good).await.unwrap();
    let mut bytes = std::fs::read(&good).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 8_192].fill(0x5a);
    std::fs::write(dir.path().join("damaged"), bytes).unwrap();
    std::fs::write(dir.path().join("empty"), "").unwrap();
    std::fs::write(dir.path().join("text"), "no database").unwrap();
    let in_use = open(&url(&dir.path().join("used"))).await.unwrap();
    scribe.head = None;
    scribe.change(&*in_use, Vec::new()).await;
    let before = names(dir.path());
    for (name, lane) in [
        ("none", Lane::Rejected),
        ("no/none", Lane::Rejected),
        ("empty", Lane::Rejected),
        ("text", Lane::Rejected),
        ("used", Lane::Rejected),
        ("damaged", Lane::Corrupt),
    ] {
        let error = restore(dir.path().join(name), "memory:").await.unwrap_err();
        assert_eq!(error.lane(), lane, "{name}: {error:?}");
        if lane == Lane::Rejected {
            assert_eq!(error.code(), ErrorCode::InvalidInput, "{name}");
        }
    }
    let nowhere = restore(&good, "nowhere:").await.unwrap_err();
    assert_eq!((nowhere.code(), nowhere.at_field()), (ErrorCode::InvalidInput, Some("url")));
    assert_eq!(names(dir.path()), before);
    in_use.close().await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_book_of_another_history_stops_a_restore_before_it_begins() {
    // Holds: where the store has another history of a book, or more of it than the backup, the
    // answer is `id_conflict` with the book's id, and no other book is touched; where it has the
    // beginning of the history, wherever that ends, the rest comes.
    let dir = tempfile::tempdir().unwrap();
    let mut scribes: Vec<Scribe> = (1..=3).map(Scribe::new).collect();
    scribes.sort_by_key(|scribe| scribe.book_id);
    // How many commits of the last book the store has before, and whether it wrote one of its own.
    for (place, common, wrote) in [("a", 0, true), ("b", 3, true), ("c", 5, true), ("d", 0, false)]
        .into_iter()
        .chain([("e", 1, false), ("f", 5, false)])
    {
        let from = open("memory:").await.unwrap();
        let url = super::shared::postgres::database().url;
        let to = open(&url).await.unwrap();
        for scribe in &mut scribes {
            scribe.head = None;
        }
        let id = scribes[2].book_id;
        let mut head = None;
        for commits in 1..=5 {
            for scribe in &mut scribes {
                scribe.change(&*from, Vec::new()).await;
            }
            if commits == common {
                copy_book(&*from, &*to, id).await.unwrap();
                head = scribes[2].head;
            }
        }
        let file = dir.path().join(place);
        backup(&from, &file).await.unwrap();
        if wrote {
            scribes[2].head = head;
            scribes[2].change(&*to, Vec::new()).await;
            let error = restore(&file, &url).await.unwrap_err();
            let named = (error.code(), error.of_id().map(str::to_owned));
            assert_eq!(named, (ErrorCode::IdConflict, Some(id.to_string())), "{place}");
            assert_eq!(to.books(None, 9).await.unwrap(), [id], "{place}");
            assert_eq!(to.head(id).await.unwrap(), scribes[2].head, "{place}");
        } else {
            let made = restore(&file, &url).await.unwrap();
            assert_eq!((made.books, made.commits), (3, 15), "{place}");
            for scribe in &scribes {
                assert_same(&*from, &*to, scribe.book_id, 0).await;
            }
        }
        to.close().await;
    }
}
