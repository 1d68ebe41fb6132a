//! Writers of one book in one process wait for each other: none is turned away, each makes one
//! commit, and a budget's threshold is announced once however many cross it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use fiscaflow_core::engine::{BookHandle, Context, Engine, HistoryQuery};
use fiscaflow_core::model::{NewAccount, NewBook, NewBudget, NewCategory, NewTransaction};
use fiscaflow_store::{RandomIds, SystemClock, open};

const WRITERS: usize = 64;

async fn book(url: &str) -> BookHandle {
    let store = open(url).await.unwrap();
    let engine = Engine::new(store, Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()));
    let anna = Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home".into(), ..NewBook::new("EUR") };
    let id = engine.books(anna.clone()).create(new).await.unwrap().id;
    engine.book(id, anna)
}

async fn all_are_taken(url: &str) {
    let home = book(url).await;
    let account = NewAccount { name: "Giro".into(), ..NewAccount::default() };
    let account = home.accounts().create(account).await.unwrap().id;
    let food = NewCategory { name: "Food".into(), ..NewCategory::default() };
    let food = home.categories().create(food).await.unwrap().id;
    let budget = NewBudget {
        name: "Food".into(),
        category_ids: vec![food],
        limit: "100".parse().unwrap(),
        ..NewBudget::default()
    };
    home.budgets().create(budget).await.unwrap();
    let before = home.history().verify().await.unwrap().commits;

    // Each spends 5; the 16th, 20th and 24th cross 80, 100 and 120 percent.
    let writers = (0..WRITERS).map(|_| {
        let home = home.clone();
        tokio::spawn(async move {
            let date = "2026-03-05".parse().unwrap();
            let mut new = NewTransaction::new(account, date, "-5".parse().unwrap());
            new.category_id = Some(food);
            home.transactions().create(new).await
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }

    let after = home.history().verify().await.unwrap();
    assert!(after.verified, "{after:?}");
    assert_eq!(after.commits - before, u64::try_from(WRITERS).unwrap());
    let query = HistoryQuery { after: None, limit: Some(500) };
    let events = home.events().list(query).await.unwrap();
    let crossed: Vec<String> =
        events.iter().filter_map(|event| event.payload.get("threshold").cloned()).collect();
    assert_eq!(crossed, ["80", "100", "120"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory_all_writers_are_taken() {
    // Holds: 64 writers at once on the memory store, one commit each, thresholds once.
    all_are_taken("memory:").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite_all_writers_are_taken() {
    // Holds: the same on a SQLite file, whose commits take time.
    let folder = tempfile::tempdir().unwrap();
    all_are_taken(&format!("sqlite:{}", folder.path().join("book.sqlite").display())).await;
}
