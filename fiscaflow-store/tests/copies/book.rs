//! Copying a book from store to store.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use fiscaflow_core::ErrorCode;
use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::log::{Change, Commit};
use fiscaflow_core::store::{Store, copy_book, verify_book};
use fiscaflow_store::open;
use tempfile::TempDir;

use super::{Home, assert_same};

/// A fresh store of each kind.
pub(super) async fn stores(dir: &TempDir, name: &str) -> Vec<Arc<dyn Store>> {
    let file = format!("sqlite:{}", dir.path().join(name).display());
    let mut stores = Vec::new();
    for url in ["memory:", "sqlite::memory:", file.as_str()] {
        stores.push(open(url).await.unwrap());
    }
    #[cfg(feature = "postgres")]
    stores.push(open(&super::shared::postgres::database().url).await.unwrap());
    stores
}

#[tokio::test]
async fn a_copy_is_the_same_there_and_back() {
    // Holds: from every store to every other one history, rows and answers to keys are equal; the
    // copy is written on, a repeated request is answered as on the first store, and what is new
    // comes back.
    let dir = tempfile::tempdir().unwrap();
    for (number, from) in stores(&dir, "from").await.into_iter().enumerate() {
        let home = Home::over(&from).await;
        home.live(0..20).await;
        for to in stores(&dir, &format!("to-{number}")).await {
            let before = from.head(home.id).await.unwrap().unwrap();
            let copied = copy_book(&*from, &*to, home.id).await.unwrap();
            assert_eq!((copied.commits, copied.head), (before.seq, before));
            assert_same(&*from, &*to, home.id, 30).await;
            let again = copy_book(&*from, &*to, home.id).await.unwrap();
            assert_eq!((again.commits, again.head), (0, before));

            let there = home.through(&to);
            assert_eq!(there.record(7).await, home.record(7).await);
            there.record(100 + u32::try_from(before.seq).unwrap()).await;
            let ahead = copy_book(&*from, &*to, home.id).await.unwrap();
            assert_eq!((ahead.commits, ahead.head.seq), (0, before.seq + 1));
            let back = copy_book(&*to, &*from, home.id).await.unwrap();
            assert_eq!(back.commits, 1);
            assert_same(&*from, &*to, home.id, 30).await;
        }
    }
}

#[tokio::test]
async fn a_copy_that_is_cut_off_goes_on() {
    // Holds: wherever a copy is cut off, the other store has the beginning of the history, whole;
    // the next copy brings the rest.
    let dir = tempfile::tempdir().unwrap();
    let from = open("memory:").await.unwrap();
    let home = Home::over(&from).await;
    home.live(0..8).await;
    for polls in (0..60).step_by(4) {
        for to in stores(&dir, &format!("cut-{polls}")).await {
            {
                let mut copy = pin!(copy_book(&*from, &*to, home.id));
                for _ in 0..polls {
                    let mut context = Context::from_waker(Waker::noop());
                    if copy.as_mut().poll(&mut context).is_ready() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
            copy_book(&*from, &*to, home.id).await.unwrap();
            assert_same(&*from, &*to, home.id, 8).await;
        }
    }
}

#[tokio::test]
async fn another_history_is_refused_and_left_alone() {
    // Holds: where the histories part, the first commit that differs is named, wherever it is, in
    // both directions, and neither store is changed.
    let dir = tempfile::tempdir().unwrap();
    for common in [0, 1, 2, 5, 17, 40] {
        for other in stores(&dir, &format!("{common}")).await {
            let one = open("memory:").await.unwrap();
            let mut scribe = Scribe::new(common + 1);
            for _ in 0..common {
                scribe.change(&*one, Vec::new()).await;
            }
            if common > 0 {
                copy_book(&*one, &*other, scribe.book_id).await.unwrap();
            }
            let head = scribe.head;
            for (store, more) in [(&one, 3), (&other, 40)] {
                scribe.head = head;
                for _ in 0..more {
                    scribe.change(&**store, Vec::new()).await;
                }
            }
            let book = scribe.book_id;
            let before = (one.head(book).await.unwrap(), other.head(book).await.unwrap());
            for (from, to) in [(&one, &other), (&other, &one)] {
                let error = copy_book(&**from, &**to, book).await.unwrap_err();
                assert_eq!(error.code(), ErrorCode::IdConflict);
                assert_eq!(error.of_id(), Some((common + 1).to_string().as_str()));
            }
            let after = (one.head(book).await.unwrap(), other.head(book).await.unwrap());
            assert_eq!(before, after);
        }
    }
}

#[tokio::test]
async fn a_broken_history_is_copied_up_to_the_break() {
    // Holds: what does not fit its hashes does not spread.
    let (from, to) = (open("memory:").await.unwrap(), open("sqlite::memory:").await.unwrap());
    let mut scribe = Scribe::new(1);
    scribe.change(&*from, Vec::new()).await;
    let sound = scribe.head;
    let commit = scribe.seal(vec![Change::create(scribe.transaction("2024-01-01", 1))]);
    let mut bad: Commit = (*commit).clone();
    bad.stored.texts.push(b' ');
    scribe.write(&*from, Arc::new(bad)).await;
    scribe.change(&*from, Vec::new()).await;
    let error = copy_book(&*from, &*to, scribe.book_id).await.unwrap_err();
    assert_eq!((error.code(), error.of_id()), (ErrorCode::HistoryBroken, Some("2")));
    assert_eq!(to.head(scribe.book_id).await.unwrap(), sound);
    let verification = verify_book(&*from, scribe.book_id).await.unwrap();
    assert_eq!((verification.verified, verification.broken_seq), (false, Some(2)));
    assert!(verify_book(&*to, scribe.book_id).await.unwrap().verified);
    let unknown = copy_book(&*from, &*to, Scribe::new(2).book_id).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::BookNotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies_at_once_while_the_book_is_written_all_end_well() {
    // Holds: three copies at once and a writer disturb nobody; a last copy makes both the same.
    for url in ["memory:", "sqlite::memory:"] {
        let (from, to) = (open("memory:").await.unwrap(), open(url).await.unwrap());
        let home = Arc::new(Home::over(&from).await);
        home.live(0..10).await;
        let mut work = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let (from, to, id) = (Arc::clone(&from), Arc::clone(&to), home.id);
            work.spawn(async move {
                while let Err(error) = copy_book(&*from, &*to, id).await {
                    assert_eq!(error.code(), ErrorCode::Conflict);
                }
            });
        }
        let writer = Arc::clone(&home);
        work.spawn(async move { writer.live(10..20).await });
        work.join_all().await;
        copy_book(&*from, &*to, home.id).await.unwrap();
        assert_same(&*from, &*to, home.id, 20).await;
    }
}

#[tokio::test]
async fn all_books_are_listed_in_parts() {
    // Holds: every book is found, also one whose events somebody delivers.
    for url in ["memory:", "sqlite::memory:"] {
        let store = open(url).await.unwrap();
        let mut books = Vec::new();
        for seed in 1..=5 {
            let mut scribe = Scribe::new(seed);
            scribe.change(&*store, Vec::new()).await;
            books.push(scribe.book_id);
        }
        books.sort_unstable();
        assert_eq!(store.books(None, 9).await.unwrap(), books);
        assert_eq!(store.books(Some(books[1]), 2).await.unwrap(), books[2..4]);
    }
}
