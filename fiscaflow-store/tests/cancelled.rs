//! Whoever stops waiting, after any number of polls, leaves no half effect, no lock and no open
//! transaction, and the engine and its store go on.
//!
//! The calls are those of the scenarios, so every verb is among them. Each is begun on a copy of
//! the book as it is then, and dropped after one poll, after two, and so on until it is done.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use fiscaflow_core::api::{Call, VERBS, call};
use fiscaflow_core::conformance::scenarios::{SECRET_KEYS, Scenario, StepError, run};
use fiscaflow_core::conformance::{FixedClock, SequentialIds, Tap, Tapped, fsck};
use fiscaflow_core::engine::Engine;
use fiscaflow_core::secrets::KeyRing;
use fiscaflow_core::store::{Delivery, DeliveryStep, Store, copy_book};
use fiscaflow_core::{BookId, ErrorCode, Result};
use fiscaflow_store::{Durability, SqliteStore, open};
use sqlx::{Connection as _, SqliteConnection};

/// A call that goes on after so many polls will not be told from one that hangs.
const MOST_POLLS: usize = 5_000;
/// What takes longer hangs: a lock that nobody gives back, or a connection.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets the caller wait before and after each call, as stores far away do.
#[derive(Debug)]
struct Far(Arc<dyn Store>);

/// Waits for one poll.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| match std::mem::replace(&mut paused, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

#[async_trait]
impl Tap for Far {
    async fn before(&self, _call: &'static str) -> Result<Arc<dyn Store>> {
        pause().await;
        Ok(Arc::clone(&self.0))
    }

    async fn after(&self, _call: &'static str) -> Result<()> {
        pause().await;
        Ok(())
    }
}

/// A fresh store, far away.
async fn fresh(url: &str) -> Arc<dyn Store> {
    Arc::new(Tapped(Arc::new(Far(open(url).await.unwrap()))))
}

fn engine(store: &Arc<dyn Store>, seed: u32) -> Engine {
    let clock = Arc::new(FixedClock::at("2026-11-30T10:30:00Z".parse().unwrap()));
    let ids = Arc::new(SequentialIds::new(seed));
    let keys: KeyRing = SECRET_KEYS.parse().unwrap();
    Engine::new(Arc::clone(store), clock, ids).with_keys(Arc::new(keys))
}

/// Polls a future at most so many times, each when it asks for it, then drops it.
async fn up_to<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// How often which verb was swept, and how many calls were dropped.
#[derive(Debug, Default)]
struct Swept {
    verbs: BTreeMap<String, usize>,
    dropped: usize,
    effects: usize,
}

/// Begins a call on copies of a book and drops it after every number of polls.
async fn sweep(from: &Arc<dyn Store>, url: &str, of: &Call, swept: &mut Swept) {
    let mut store = fresh(url).await;
    let mut before = None;
    let mut current = engine(&store, 900);
    for polls in 1..MOST_POLLS {
        if before.is_none() {
            store.close().await;
            store = fresh(url).await;
            current = engine(&store, 900);
            before = Some(copied(from, &store, of.book_id).await);
        }
        let done = up_to(polls, call(&current, of.clone())).await.is_some();
        settled(&store, of.book_id).await;
        let Some(book) = of.book_id else {
            if done {
                return store.close().await;
            }
            swept.dropped += 1;
            continue;
        };
        let after = store.head(book).await.unwrap().map_or(0, |head| head.seq);
        let moved = after - before.unwrap_or_default();
        // A seal repeats what it drops in commits of its own first.
        let single = of.verb != "books.seal";
        assert!(moved <= 1 || !single, "{} left {moved} commits after {polls} polls", of.verb);
        if moved > 0 || done {
            fsck(&*store, book).await;
        }
        if done {
            return store.close().await;
        }
        swept.dropped += 1;
        swept.effects += usize::from(moved > 0);
        // The queue of the book's writers is free: this one finds nothing to do and says so.
        let again = call(&current, of.clone());
        let answered = tokio::time::timeout(PATIENCE, again).await;
        assert!(answered.is_ok(), "{} hangs after one of {polls} polls", of.verb);
        before = None;
    }
    panic!("{} does not end", of.verb);
}

/// Copies the book; tells its newest commit.
async fn copied(from: &Arc<dyn Store>, to: &Arc<dyn Store>, book: Option<BookId>) -> u64 {
    let Some(book) = book else { return 0 };
    match copy_book(&**from, &**to, book).await {
        Ok(copied) => copied.head.seq,
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::BookNotFound);
            0
        }
    }
}

/// Waits until what was begun is written: writers queue up, and this one is the last of them. It
/// is refused, so it leaves nothing.
async fn settled(store: &Arc<dyn Store>, book: Option<BookId>) {
    let step = DeliveryStep {
        expected: u64::MAX >> 1,
        delivery: Delivery { version: u64::MAX >> 1, ..Delivery::default() },
        put_aside: Vec::new(),
        taken_back: Vec::new(),
    };
    let book = book.unwrap_or(BookId::new(Default::default()));
    let refused = store.deliver(book, "nobody", Arc::new(step));
    let refused = tokio::time::timeout(PATIENCE, refused).await;
    assert_eq!(refused.unwrap().unwrap_err().code(), ErrorCode::Conflict);
}

/// Sweeps every verb, each so often.
async fn sweep_verbs(url: &str, most: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut swept = Swept::default();
    for (file, scenario) in Scenario::read_all(&folder).unwrap() {
        let store = open("memory:").await.unwrap();
        let real = engine(&store, 1);
        let outcome = run(&scenario, async |step| {
            let step = match step.into_call() {
                Ok(step) => step,
                Err(error) => return Err(StepError::from(error)),
            };
            let times = swept.verbs.entry(step.verb.clone()).or_default();
            *times += 1;
            if *times <= most {
                sweep(&store, url, &step, &mut swept).await;
            }
            call(&real, step).await.map_err(StepError::from)
        });
        outcome.await.unwrap_or_else(|failure| panic!("{file}: {failure}"));
    }
    let missing: Vec<_> =
        VERBS.iter().map(|verb| verb.name).filter(|it| !swept.verbs.contains_key(*it)).collect();
    assert!(missing.is_empty(), "no scenario calls {missing:?}");
    assert!(swept.dropped > VERBS.len(), "{url}: {} calls were dropped", swept.dropped);
    println!("{url}: {} calls dropped, {} of them had effects", swept.dropped, swept.effects);
}

fn most(ordinary: usize) -> usize {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { usize::MAX } else { ordinary }
}

#[tokio::test]
async fn no_verb_leaves_half_an_effect_in_memory() {
    // Holds: every verb dropped at every poll leaves nothing or all of its effect.
    sweep_verbs("memory:", most(3)).await;
}

#[tokio::test]
async fn no_verb_leaves_half_an_effect_in_sqlite() {
    // Holds: the same over SQLite, whose writes go on without their caller.
    sweep_verbs("sqlite::memory:", most(1)).await;
}

#[tokio::test]
async fn no_abandoned_call_keeps_a_lock_or_a_connection() {
    // Holds: after hundreds of writes and reads that were dropped at every poll, other programs
    // can write to the file at once, and as many callers as ever are served.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let store = SqliteStore::open(&path, Durability::Full).await.unwrap();
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let engine = engine(&shared, 1);
    let context = || fiscaflow_core::engine::Context::new("anna".parse().unwrap());
    let new = fiscaflow_core::model::NewBook {
        name: "Home".to_owned(),
        ..fiscaflow_core::model::NewBook::new("EUR")
    };
    let id = engine.books(context()).create(new).await.unwrap().id;
    for round in 0..400_usize {
        let book = engine.book(id, context());
        let payee = fiscaflow_core::model::NewPayee {
            name: format!("payee {round}"),
            ..fiscaflow_core::model::NewPayee::default()
        };
        let polls = 1 + round % 20;
        drop(up_to(polls, book.payees().create(payee)).await);
        drop(up_to(polls, book.history().verify()).await);
        if round % 20 == 0 {
            let backup = dir.path().join(format!("backup {round}"));
            drop(up_to(1 + round / 20, store.backup_to(backup)).await);
        }
    }
    settled(&shared, Some(id)).await;
    fsck(&*shared, id).await;

    let url = format!("sqlite:{}", path.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    let script = "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK; \
                  PRAGMA wal_checkpoint(TRUNCATE);";
    sqlx::raw_sql(script).execute(&mut other).await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let book = engine.book(id, context());
        callers.spawn(async move { book.history().verify().await.unwrap().verified });
    }
    let served = tokio::time::timeout(PATIENCE, callers.join_all()).await.unwrap();
    assert!(served.into_iter().all(|verified| verified));

    // Of the backups that were begun each is whole or not there.
    engine.close().await;
    let mut whole = 0;
    for round in (0..400).step_by(20) {
        let backup = dir.path().join(format!("backup {round}"));
        if backup.exists() {
            let again = dir.path().join(format!("again {round}"));
            assert_eq!(SqliteStore::restore(&backup, again).await.unwrap().books, 1);
            whole += 1;
        }
    }
    println!("{whole} backups went on to their end");
}
