//! Idempotency keys under concurrency: however often and by however many a request is sent, it has
//! one effect, and whoever sends something else under its key is refused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use fiscaflow_core::conformance::{Tap, Tapped, fsck};
use fiscaflow_core::engine::{Context, Engine};
use fiscaflow_core::model::{NewAccount, NewBook, NewTransaction, Transaction};
use fiscaflow_core::store::{Store, TransactionQuery};
use fiscaflow_core::{AccountId, Amount, BookId, Error, ErrorCode, Result};
use fiscaflow_store::{RandomIds, SystemClock, open};

#[cfg(feature = "postgres")]
mod shared;

/// Sends of one request at once.
const SENDS: usize = 50;

/// Requests, each sent so often: many more on request.
fn keys() -> usize {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { 1_000 } else { 8 }
}

fn engine(store: &Arc<dyn Store>) -> Engine {
    let ids = Arc::new(RandomIds::new().unwrap());
    Engine::new(Arc::clone(store), Arc::new(SystemClock), ids)
}

fn anna(key: Option<&str>) -> Context {
    Context { idempotency_key: key.map(str::to_owned), ..Context::new("anna".parse().unwrap()) }
}

/// Sends until there is an answer that is no conflict, as a client does.
async fn send(
    engine: Engine,
    book: BookId,
    account: AccountId,
    key: String,
    amount: Amount,
) -> Result<Transaction> {
    let new = NewTransaction::new(account, "2026-03-05".parse().unwrap(), amount);
    loop {
        let book = engine.book(book, anna(Some(&key)));
        match book.transactions().create(new.clone()).await {
            Err(error) if error.code() == ErrorCode::Conflict => {}
            result => return result,
        }
    }
}

/// Engines that know nothing of each other, as processes do not, send each request at once: with
/// one content, and with two.
async fn one_effect(stores: &[Arc<dyn Store>]) {
    let engines: Vec<Engine> = stores.iter().map(engine).collect();
    let new = NewBook { name: "Home".into(), ..NewBook::new("EUR") };
    let id = engines[0].books(anna(None)).create(new).await.unwrap().id;
    let home = engines[0].book(id, anna(None));
    let account = NewAccount { name: "Giro".into(), ..NewAccount::default() };
    let account = home.accounts().create(account).await.unwrap().id;
    let before = stores[0].head(id).await.unwrap().unwrap().seq;
    let mut recorded = Vec::new();
    for number in 0..keys() {
        let contents: &[&str] = if number % 2 == 0 { &["-5"] } else { &["-5", "-6"] };
        let sends = (0..SENDS).map(|send_number| {
            let engine = engines[send_number % engines.len()].clone();
            let amount = contents[send_number / 4 % contents.len()].parse().unwrap();
            tokio::spawn(send(engine, id, account, format!("key {number}"), amount))
        });
        let mut answers = Vec::new();
        for send in sends.collect::<Vec<_>>() {
            answers.push(send.await.unwrap());
        }
        let done: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
        assert!(done.iter().all(|it| it == &done[0]), "one answer for all");
        let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert!(refused.iter().all(|error| error.code() == ErrorCode::IdempotencyKeyReused));
        match contents.len() {
            1 => assert_eq!(done.len(), SENDS),
            _ => assert!([24, 26].contains(&done.len()), "{} of both contents", done.len()),
        }
        recorded.push(done[0].id);
    }
    let mut kept = Vec::new();
    let mut query = TransactionQuery { limit: Some(500), ..TransactionQuery::default() };
    loop {
        let page = home.transactions().list(query.clone()).await.unwrap();
        kept.extend(page.items.iter().map(|it| it.id));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    kept.sort_unstable();
    recorded.sort_unstable();
    assert_eq!(kept, recorded);
    let after = stores[0].head(id).await.unwrap().unwrap().seq;
    assert_eq!(after - before, u64::try_from(keys()).unwrap(), "one commit a key");
    fsck(&*stores[0], id).await;
}

/// A store whose answer to the n-th call from now on is lost.
#[derive(Debug)]
struct Losing {
    store: Arc<dyn Store>,
    calls: AtomicU32,
}

#[async_trait]
impl Tap for Losing {
    async fn before(&self, _call: &'static str) -> Result<Arc<dyn Store>> {
        Ok(Arc::clone(&self.store))
    }

    async fn after(&self, _call: &'static str) -> Result<()> {
        match self.calls.fetch_sub(1, Ordering::SeqCst) {
            1 => Err(Error::new(ErrorCode::StoreUnavailable, "the answer is lost")),
            _ => Ok(()),
        }
    }
}

/// Loses an answer of the store to each request, and sends the request again.
async fn lost_answers(url: &str) {
    let trials: u32 = if std::env::var_os("FISCAFLOW_DEEP").is_some() { 1_000 } else { 20 };
    let store = open(url).await.unwrap();
    let losing = Arc::new(Losing { store: Arc::clone(&store), calls: AtomicU32::new(0) });
    let tapped: Arc<dyn Store> = Arc::new(Tapped(Arc::clone(&losing)));
    let engine = engine(&tapped);
    let new = NewBook { name: "Home".into(), ..NewBook::new("EUR") };
    let id = engine.books(anna(None)).create(new).await.unwrap().id;
    let account = NewAccount { name: "Giro".into(), ..NewAccount::default() };
    let account = engine.book(id, anna(None)).accounts().create(account).await.unwrap().id;
    let (mut requests, mut lost, mut made) = (0, 0, 0);
    while made < trials {
        let trial = requests;
        requests += 1;
        assert!(trial < 10 * trials, "{made} of {trial} answers were lost after a commit");
        let book = engine.book(id, anna(Some(&format!("key {trial}"))));
        let new =
            NewTransaction::new(account, "2026-03-05".parse().unwrap(), "-1".parse().unwrap());
        let before = store.head(id).await.unwrap();
        losing.calls.store(1 + trial % 4, Ordering::SeqCst);
        if let Err(error) = book.transactions().create(new.clone()).await {
            assert_eq!(error.code(), ErrorCode::StoreUnavailable);
            lost += 1;
            made += u32::from(store.head(id).await.unwrap() != before);
        }
        losing.calls.store(0, Ordering::SeqCst);
        book.transactions().create(new).await.unwrap();
        let head = store.head(id).await.unwrap().unwrap().seq;
        assert_eq!(head, before.unwrap().seq + 1, "one effect of request {trial}");
    }
    println!("{requests} requests, {lost} answers lost, {made} of them after the commit");
    assert_eq!(fsck(&*store, id).await.len(), 2 + requests as usize);
}

#[tokio::test]
async fn in_memory_a_lost_answer_is_no_second_effect() {
    // Holds: whichever answer of the store is lost, that to the commit included, the same request
    // with its key has one effect.
    lost_answers("memory:").await;
}

#[tokio::test]
async fn on_sqlite_a_lost_answer_is_no_second_effect() {
    // Holds: the same on a file and in memory.
    let folder = tempfile::tempdir().unwrap();
    lost_answers(&format!("sqlite:{}", folder.path().join("book.sqlite").display())).await;
    lost_answers("sqlite::memory:").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory_each_key_has_one_effect() {
    // Holds: 50 sends at once through four engines over one store in memory.
    let store = open("memory:").await.unwrap();
    one_effect(&[(); 4].map(|()| Arc::clone(&store))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite_in_memory_each_key_has_one_effect() {
    // Holds: the same over one SQLite database in memory.
    let store = open("sqlite::memory:").await.unwrap();
    one_effect(&[(); 4].map(|()| Arc::clone(&store))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_one_sqlite_file_each_key_has_one_effect() {
    // Holds: the same where each engine has opened the file for itself.
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("book.sqlite").display());
    let mut stores = Vec::new();
    for _ in 0..4 {
        stores.push(open(&url).await.unwrap());
    }
    one_effect(&stores).await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_one_postgres_database_each_key_has_one_effect() {
    // Holds: the same of stores with connections of their own to one database.
    let url = shared::postgres::database().url;
    one_effect(&[open(&url).await.unwrap(), open(&url).await.unwrap()]).await;
}
