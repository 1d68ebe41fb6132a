//! Writers of one book in one process wait for each other: none is turned away, each makes one
//! commit, and a budget's threshold is announced once however many cross it. Writers of several
//! processes may be turned away and come again; what is announced is the same.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use fiscaflow_core::budgets::BudgetQuery;
use fiscaflow_core::calendar::{CalendarUnit, Period};
use fiscaflow_core::engine::{BookHandle, Context, Engine, HistoryQuery};
use fiscaflow_core::model::{
    Carry, NewAccount, NewBook, NewBudget, NewCategory, NewTransaction, Rollover, Weekday,
};
use fiscaflow_core::store::Store;
use fiscaflow_core::{BookId, ErrorCode};
use fiscaflow_store::{RandomIds, SystemClock, open};

#[cfg(feature = "postgres")]
mod shared;

const WRITERS: usize = 64;

fn engine(store: Arc<dyn Store>) -> Engine {
    Engine::new(store, Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()))
}

fn anna() -> Context {
    Context::new("anna".parse().unwrap())
}

async fn book(engine: &Engine) -> (BookHandle, BookId) {
    let new = NewBook { name: "Home".into(), ..NewBook::new("EUR") };
    let id = engine.books(anna()).create(new).await.unwrap().id;
    (engine.book(id, anna()), id)
}

async fn all_are_taken(url: &str) {
    let (home, _) = book(&engine(open(url).await.unwrap())).await;
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
    let weekly = NewBudget {
        period: Some(Period::Weeks { first_day: Weekday::Monday }),
        rollover: Some(Rollover { carry: Carry::Both, ..Rollover::default() }),
        start: Some("2026-02-23".parse().unwrap()),
        ..budget.clone()
    };
    let (count, unit) = (10, CalendarUnit::Days);
    let anchor = "2026-03-05".parse().unwrap();
    let of_account = NewBudget {
        category_ids: Vec::new(),
        account_ids: vec![account],
        period: Some(Period::Every { count, unit, anchor }),
        thresholds: Some(vec![320]),
        ..budget.clone()
    };
    let mut budgets = Vec::new();
    for new in [budget, weekly, of_account] {
        budgets.push(home.budgets().create(new).await.unwrap().id.to_string());
    }
    let before = home.history().verify().await.unwrap().commits;

    // Each spends 5; the 16th, 20th and 24th cross 80, 100 and 120 percent of 100. The week has as
    // much again from the one before: the 32nd, 40th and 48th. The 64th crosses the third.
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
    for (budget, expected) in
        budgets.iter().zip([&["80", "100", "120"][..], &["80", "100", "120"], &["320"]])
    {
        let of_budget = events.iter().filter(|event| event.aggregate_id == *budget);
        let crossed: Vec<&String> =
            of_budget.filter_map(|event| event.payload.get("threshold")).collect();
        assert_eq!(crossed, expected);
    }
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

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres_all_writers_are_taken() {
    // Holds: the same on PostgreSQL.
    all_are_taken(&shared::postgres::database().url).await;
}

/// Has 32 writers write through engines that know nothing of each other, as processes do, each
/// until it is taken.
async fn announced_once(engines: [Engine; 4]) {
    let (home, id) = book(&engines[0]).await;
    let account = NewAccount { name: "Giro".into(), ..NewAccount::default() };
    let account = home.accounts().create(account).await.unwrap().id;
    let budget = NewBudget {
        name: "Giro".into(),
        account_ids: vec![account],
        limit: "100".parse().unwrap(),
        ..NewBudget::default()
    };
    home.budgets().create(budget).await.unwrap();
    let writers = engines.iter().cycle().take(32).map(|engine| {
        let book = engine.book(id, anna());
        tokio::spawn(async move {
            let date = "2026-03-05".parse().unwrap();
            let new = NewTransaction::new(account, date, "-5".parse().unwrap());
            while let Err(error) = book.transactions().create(new.clone()).await {
                assert_eq!(error.code(), ErrorCode::Conflict, "{error:?}");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    for engine in &engines {
        let book = engine.book(id, anna());
        let query = HistoryQuery { after: None, limit: Some(500) };
        let events = book.events().list(query).await.unwrap();
        let crossed = events.iter().filter_map(|event| event.payload.get("threshold"));
        assert_eq!(crossed.collect::<Vec<_>>(), ["80", "100", "120"]);
        let month = BudgetQuery { date: "2026-03-05".parse().ok(), ..BudgetQuery::default() };
        let state = book.budgets().state(month).await.unwrap();
        assert_eq!(
            (state[0].announced.as_slice(), state[0].transactions),
            (&[80, 100, 120][..], 32)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn engines_over_one_memory_announce_once() {
    // Holds: 32 writers of four engines over one store in memory cross each threshold once.
    let store = open("memory:").await.unwrap();
    announced_once([(); 4].map(|()| engine(Arc::clone(&store)))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn engines_over_one_sqlite_file_announce_once() {
    // Holds: the same of four engines that opened one SQLite file each for itself.
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("book.sqlite").display());
    let mut engines = Vec::new();
    for _ in 0..4 {
        engines.push(engine(open(&url).await.unwrap()));
    }
    announced_once(engines.try_into().unwrap()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn engines_over_one_postgres_database_announce_once() {
    // Holds: the same of four engines with connections of their own, one of them through a pooler.
    let database = shared::postgres::database();
    let through = shared::postgres::pooler().url(&database);
    let mut engines = Vec::new();
    for url in [&database.url, &through, &database.with("max_connections=1"), &database.url] {
        engines.push(engine(open(url).await.unwrap()));
    }
    announced_once(engines.try_into().unwrap()).await;
}
