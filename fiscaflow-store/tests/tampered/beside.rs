//! Others write, and erase, while a book is verified.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fiscaflow_core::store::{VerifyPhase, verify_book, verify_book_watched};
use fiscaflow_store::MemoryStore;
use serde_json::{Value, json};

use super::book::Home;

/// Writes, changes, erases and seals until it is told to stop; returns how often.
async fn write(home: &Home, stop: &AtomicBool) -> u64 {
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        let id = home.spend("-1.00", "dies und das").await;
        home.of("transactions.update", &id, json!({"notes": format!("{rounds}")})).await;
        home.call("payees.create", json!({"name": format!("Laden {rounds}")})).await;
        if rounds % 8 == 7 {
            home.call("books.erase_texts", Value::Null).await;
        }
        if rounds % 8 == 3 {
            home.seal(5).await;
        }
        rounds += 1;
        tokio::task::yield_now().await;
    }
    rounds
}

async fn never_a_false_alarm(home: Home) {
    home.fill().await;
    let stop = AtomicBool::new(false);
    let verify = async {
        for _ in 0..25 {
            let found = verify_book(&*home.store, home.id).await.unwrap();
            assert!(found.verified, "{found:#?}");
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (rounds, ()) = tokio::join!(write(&home, &stop), verify);
    assert!(rounds > 0);
    assert!(verify_book(&*home.store, home.id).await.unwrap().verified);
}

#[tokio::test]
async fn nothing_is_found_where_others_write_in_memory() {
    // Holds: what changes while it is looked at is no finding.
    never_a_false_alarm(Home::new(Arc::new(MemoryStore::new()), 1).await).await;
}

#[tokio::test]
async fn nothing_is_found_where_others_write_a_file() {
    // Holds: the same on SQLite.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db").display().to_string();
    let url = format!("sqlite:{path}?durability=may_lose_last_commits");
    never_a_false_alarm(Home::new(fiscaflow_store::open(&url).await.unwrap(), 1).await).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn nothing_is_found_where_others_write_a_server() {
    // Holds: the same on PostgreSQL.
    let url = super::shared::postgres::database().url;
    never_a_false_alarm(Home::new(fiscaflow_store::open(&url).await.unwrap(), 1).await).await;
}

#[tokio::test]
async fn how_far_it_is_is_told() {
    // Holds: each phase begins at nothing and ends with all, and it is told a bounded number of
    // times.
    let home = Home::new(Arc::new(MemoryStore::new()), 1).await;
    home.fill().await;
    let heard = std::sync::Mutex::new(Vec::new());
    let hear = |it| heard.lock().unwrap().push(it);
    assert!(verify_book_watched(&*home.store, home.id, &hear).await.unwrap().verified);
    let heard = heard.into_inner().unwrap();
    assert!(heard.len() <= 104, "{}", heard.len());
    for phase in [VerifyPhase::History, VerifyPhase::Rows] {
        let of: Vec<_> = heard.iter().filter(|it| it.phase == phase).collect();
        assert_eq!(of[0].done, 0);
        assert!(of.is_sorted_by(|one, next| one.done < next.done), "{of:?}");
        assert_eq!(of.last().unwrap().done, of[0].total, "{of:?}");
    }
    assert!(heard.is_sorted_by_key(|it| it.phase));
}
