//! Progress: what an import tells of itself while it runs.

use std::sync::{Arc, Mutex};

use fiscaflow_core::ErrorCode;
use fiscaflow_core::engine::{BookHandle, ImportPhase, ImportProgress, NewImport, Observer};
use fiscaflow_store::MemoryStore;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{Home, anna, engine, shape};

/// The book, and what is heard of its imports.
fn watched(book: &BookHandle) -> (BookHandle, Arc<Mutex<Vec<ImportProgress>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    (book.watched(Observer::new(move |it| hear.lock().unwrap().push(it))), heard)
}

/// A file with that many rows that can be read, and one in a currency that the book does not have.
fn file(home: &Home, rows: usize) -> NewImport {
    let row = |n: usize| format!("2026-03-{:02},-1.{:02},EUR,Bakery {n}\n", n % 28 + 1, n % 100);
    let rows: String = (0..rows).map(row).collect();
    let text = format!("Date,Amount,Currency,Description\n{rows}2026-03-01,-1.00,XPF,Ferry\n");
    NewImport {
        content: text.into_bytes(),
        account_id: Some(home.account.id),
        partial: true,
        ..NewImport::default()
    }
}

/// Checks what was heard of an import, and gives how often each of its phases was told of.
fn judge(heard: &Mutex<Vec<ImportProgress>>, total: u64) -> Vec<(ImportPhase, usize)> {
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    let place = |it: &ImportProgress| (it.phase, it.done);
    assert!(heard.is_sorted_by(|one, next| place(one) < place(next)), "{heard:?}");
    assert!(heard.iter().all(|it| it.total == total), "{heard:?}");
    let phases = heard.chunk_by(|one, next| one.phase == next.phase);
    let count = |of_phase: &[ImportProgress]| {
        let last = of_phase.last().unwrap();
        assert_eq!(last.done, total, "{last:?}");
        (last.phase, of_phase.len())
    };
    phases.map(count).collect()
}

#[tokio::test]
async fn an_import_tells_how_far_it_is() {
    // Holds: phases come in order and end with all rows, those included that cannot be taken; a
    // preview and a file that brings nothing store nothing.
    use ImportPhase::{Match, Read, Store};
    let home = Home::new().await;
    let (book, heard) = watched(&home.book);
    let new = || file(&home, 1_999);
    book.imports().preview(new()).await.unwrap();
    assert_eq!(judge(&heard, 2_000), [(Read, 1), (Match, 101)]);
    let report = book.imports().create(new()).await.unwrap();
    assert_eq!((report.imported, report.problems.len()), (1_999, 1));
    assert_eq!(judge(&heard, 2_000), [(Read, 1), (Match, 101), (Store, 2)]);
    assert_eq!(book.imports().create(new()).await.unwrap().duplicates, 1_999);
    assert_eq!(judge(&heard, 2_000), [(Read, 1), (Match, 101)]);
    book.imports().create(NewImport { partial: false, ..file(&home, 2) }).await.unwrap();
    assert_eq!(judge(&heard, 3), [(Read, 1), (Match, 4)]);
    book.imports().create(NewImport { content: b"nothing".into(), ..new() }).await.unwrap_err();
    assert_eq!(judge(&heard, 0), []);
    home.book.imports().create(file(&home, 2_100)).await.unwrap();
    assert_eq!(judge(&heard, 0), []);
}

#[tokio::test]
async fn who_watches_changes_nothing() {
    // Holds: a watched import answers like one that nobody watches, and with a key it is the same
    // request.
    let home = Home::new().await;
    let (book, heard) = watched(&home.with_key("k"));
    let first = book.imports().create(file(&home, 10)).await.unwrap();
    assert_eq!(judge(&heard, 11).len(), 3);
    assert_eq!(home.with_key("k").imports().create(file(&home, 10)).await.unwrap(), first);
    let error = home.with_key("k").imports().create(file(&home, 11)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::IdempotencyKeyReused);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_decided_again_does_not_go_back() {
    // Holds: what is heard only rises, although the book moves on just before it is written.
    let store = Arc::new(MemoryStore::new());
    let home = Home::over(store.clone()).await;
    let elsewhere = engine(store).book(home.id, anna());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    let book = home.book.watched(Observer::new(move |it: ImportProgress| {
        hear.lock().unwrap().push(it);
        if (it.phase, it.done) == (ImportPhase::Store, 0) {
            let cash = shape(json!({"name": "Cash"}));
            let made = async { elsewhere.accounts().create(cash).await };
            block_in_place(|| Handle::current().block_on(made)).unwrap();
        }
    }));
    assert_eq!(book.imports().create(file(&home, 500)).await.unwrap().imported, 500);
    assert_eq!(home.book.accounts().list().await.unwrap().len(), 2);
    assert_eq!(judge(&heard, 501).len(), 3);
}

#[tokio::test]
async fn an_observer_that_panics_leaves_the_book_whole() {
    // Holds: whenever the observer gives up, the book verifies, holds all or nothing of the file,
    // and takes the next import.
    for phase in [ImportPhase::Read, ImportPhase::Match, ImportPhase::Store] {
        let home = Home::new().await;
        let new = file(&home, 300);
        let book = home.book.watched(Observer::new(move |it: ImportProgress| {
            assert!((it.phase, it.done) != (phase, it.total), "on purpose");
        }));
        let import = tokio::spawn(async move { book.imports().create(new).await.map(drop) });
        assert!(import.await.unwrap_err().is_panic());
        let report = home.book.imports().create(file(&home, 300)).await.unwrap();
        let stored = if phase == ImportPhase::Store { 300 } else { 0 };
        assert_eq!((report.imported, report.duplicates), (300 - stored, stored));
        assert!(home.book.history().verify().await.unwrap().verified);
    }
}

#[test]
fn progress_stands_in_json_as_in_every_language() {
    let progress = ImportProgress { phase: ImportPhase::Match, done: 20, total: 2_000 };
    let json = json!({"phase": "match", "done": 20, "total": 2_000});
    assert_eq!(serde_json::to_value(progress).unwrap(), json);
}
