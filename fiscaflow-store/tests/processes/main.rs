//! Four processes with eight writers each work on four books at once: what each writer was told is
//! what it would have been told in some order of single deeds, that order is the book's log and
//! agrees with real time, and the books are what the log makes of nothing.
//!
//! A process is this test program, started anew with an order in its environment. It waits for the
//! others, works, and then writes what was done as lines of JSON.

#![cfg(all(feature = "sqlite", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests report by panicking"
)]

mod controls;
mod deeds;
mod order;
#[cfg(feature = "postgres")]
#[path = "../shared/mod.rs"]
mod shared;

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

use fiscaflow_core::Result;
use fiscaflow_core::conformance::{Random, Tap, Tapped, fsck};
use fiscaflow_core::engine::{Context, Engine};
use fiscaflow_core::store::{PageRequest, Store, TransactionQuery};
use fiscaflow_store::{RandomIds, open};
use rustix::time::{ClockId, clock_gettime};

use deeds::{Answer, Chance, Record, book_id, perform, setting_up};
use order::{Replay, Seen, clock, explain};

/// Carries a child's order: its number, a seed, how many deeds a writer does, and a URL.
const CHILD: &str = "FISCAFLOW_TEST_PROCESSES";
const PROCESSES: u32 = 4;
/// Writers of a process.
const WRITERS: u32 = 8;
const BOOKS: u32 = 4;

/// Histories, each with deeds of a writer: many more on request.
fn rounds() -> (u64, u64) {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { (50, 60) } else { (1, 16) }
}

/// The machine's monotonic clock, which its processes share.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
}

tokio::task_local! {
    /// How many commits the deed that is under way has tried.
    static TRIES: Cell<u32>;
}

/// A store that counts the tries.
#[derive(Debug)]
struct Counting(Arc<dyn Store>);

#[async_trait::async_trait]
impl Tap for Counting {
    async fn before(&self, call: &'static str) -> Result<Arc<dyn Store>> {
        if call == "commit" {
            TRIES.with(|tries| tries.set(tries.get() + 1));
        }
        Ok(Arc::clone(&self.0))
    }
}

async fn engine(url: &str) -> Engine {
    let store = Arc::new(Tapped(Arc::new(Counting(open(url).await.unwrap()))));
    Engine::new(store, clock(), Arc::new(RandomIds::new().unwrap()))
}

async fn recorded(engine: &Engine, book: u32, name: String, deed: deeds::Deed) -> Record {
    let work = async {
        let invoked = now();
        let answer = perform(engine, book, &name, &deed).await;
        let returned = now();
        (invoked, answer, returned, TRIES.with(Cell::get))
    };
    let (invoked, answer, returned, tries) = TRIES.scope(Cell::new(0), work).await;
    Record { name, book, deed, invoked, returned, tries, answer }
}

/// One write, so that nothing is ever read in halves.
fn say(what: &str) {
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

/// No test of its own: what a child does.
#[test]
fn writes_beside_others() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(work(&order));
    std::process::exit(0);
}

async fn work(order: &str) {
    let parts: Vec<&str> = order.splitn(4, ' ').collect();
    let number = |part: &str| part.parse::<u64>().unwrap();
    let (process, seed, deeds) =
        (parts[0].parse::<u32>().unwrap(), number(parts[1]), number(parts[2]));
    let engine = engine(parts[3]).await;
    say("ready");
    std::io::stdin().lines().next().unwrap().unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let (engine, writer) = (engine.clone(), process * WRITERS + writer);
        tokio::spawn(async move {
            let mut random = Random::new(seed << 8 | u64::from(writer));
            let mut done = Vec::new();
            for number in 0..deeds {
                let book = u32::try_from(random.below(BOOKS as usize)).unwrap();
                let mut chance = Chance { random: random.clone(), book, writer, number };
                let deed = chance.deed();
                random = chance.random;
                done.push(recorded(&engine, book, format!("{writer} {number}"), deed).await);
            }
            done
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        for record in writer.await.unwrap() {
            say(&serde_json::to_string(&record).unwrap());
        }
    }
    engine.close().await;
}

/// Has four processes work, each on its URL; what they did, and what was done before.
async fn worked(urls: &[String; PROCESSES as usize], seed: u64, deeds: u64) -> Vec<Record> {
    let first = engine(&urls[0]).await;
    let mut records = Vec::new();
    for book in 0..BOOKS {
        for (number, deed) in setting_up(book).into_iter().enumerate() {
            let name = format!("setting up {number}");
            records.push(recorded(&first, book, name, deed).await);
        }
    }
    first.close().await;
    let children: Vec<_> = (0..PROCESSES)
        .map(|process| {
            let order = format!("{process} {seed} {deeds} {}", urls[process as usize]);
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "writes_beside_others"])
                .env(CHILD, order)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stderr.take().unwrap()).lines();
            (child, lines)
        })
        .collect();
    let mut waiting = Vec::new();
    for (child, mut lines) in children {
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        waiting.push((child, lines));
    }
    for (child, _) in &mut waiting {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    for (mut child, lines) in waiting {
        for line in lines {
            let line = line.unwrap();
            let record = serde_json::from_str(&line);
            records.push(record.unwrap_or_else(|_| panic!("the child of {seed} says {line}")));
        }
        assert!(child.wait().unwrap().success());
    }
    records
}

/// Fails unless the books in a store are explained by their logs, and are what a replay gives.
async fn check(url: &str, records: &[Record], seed: u64) -> Seen {
    let store = open(url).await.unwrap();
    let mut total = Seen::default();
    for book in 0..BOOKS {
        let id = book_id(book);
        // No fork, no gap, every byte, and rows, documents and columns as the log makes them.
        let log = fsck(&*store, id).await;
        let of_book: Vec<Record> =
            records.iter().filter(|record| record.book == book).cloned().collect();
        let replay = Replay::new();
        let seen = explain(&log, &of_book, &replay).await;
        let seen = seen.unwrap_or_else(|wrong| panic!("seed {seed}, book {book}: {wrong}"));
        assert_eq!(contents(&*store, book).await, contents(&*replay.store, book).await);
        let ids = Arc::new(RandomIds::new().unwrap());
        let engine = Engine::new(Arc::clone(&store), clock(), ids);
        let anna = Context::new("anna".parse().unwrap());
        engine.book(id, anna).history().verify().await.unwrap().ok().unwrap();
        total.commits += seen.commits;
        total.announced += seen.announced;
        total.others += seen.others;
        total.refused += seen.refused;
    }
    store.close().await;
    total
}

/// All that a book holds, as JSON.
async fn contents(store: &dyn Store, book: u32) -> Vec<String> {
    let documents = store.documents(book_id(book)).await.unwrap().unwrap().1;
    let mut all: Vec<String> =
        documents.iter().map(|it| String::from_utf8(it.encode().unwrap()).unwrap()).collect();
    let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
    let request = PageRequest { query, after: None, limit: u32::MAX };
    let transactions = store.page(book_id(book), &request).await.unwrap();
    all.extend(transactions.iter().map(|it| serde_json::to_string(it).unwrap()));
    all
}

/// Works and checks; `urls` gives a fresh database, as each process reaches it.
async fn explained<G>(urls: impl Fn() -> ([String; PROCESSES as usize], G)) {
    let (rounds, deeds) = rounds();
    for seed in 0..rounds {
        let (urls, guard) = urls();
        let records = worked(&urls, seed, deeds).await;
        let conflict = |record: &&Record| record.answer == Answer::Refused("conflict".to_owned());
        let unavailable =
            |record: &&Record| record.answer == Answer::Refused("store_unavailable".to_owned());
        let unresolved = records.iter().filter(conflict).count();
        let turned_away = records.iter().filter(unavailable).count();
        let mut tries: Vec<u32> = records.iter().map(|record| record.tries).collect();
        tries.sort_unstable();
        let conflicts: u32 = tries.iter().map(|tries| tries.saturating_sub(1)).sum();
        println!(
            "seed {seed}: {} deeds, {conflicts} conflicts, at most {} tries, {unresolved} \
             unresolved, {turned_away} turned away",
            records.len(),
            tries.last().unwrap()
        );
        assert_eq!((unresolved, turned_away), (0, 0), "seed {seed}: no writer is turned away");
        let seen = check(&urls[0], &records, seed).await;
        println!("{seen:?}");
        assert!(seen.announced > 4 && seen.refused > 10, "little was tested: {seen:?}");
        drop(guard);
    }
}

#[tokio::test]
async fn writers_of_four_processes_on_one_sqlite_file_are_strictly_serialisable() {
    // Holds: 32 writers in 4 processes on 4 books of one file. Nobody is turned away, the log is an
    // order that explains every answer and agrees with real time, thresholds are announced once a
    // period, there is no fork and no gap, and the books are what a replay from nothing gives.
    explained(|| {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("books.db").display());
        ([(); PROCESSES as usize].map(|()| url.clone()), folder)
    })
    .await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn writers_of_four_processes_on_one_postgres_database_are_strictly_serialisable() {
    // Holds: the same on PostgreSQL; one process comes through a pooler, one has one connection.
    explained(|| {
        let database = shared::postgres::database();
        let through = shared::postgres::pooler().url(&database);
        let single = database.with("max_connections=1");
        ([database.url.clone(), through, single, database.url.clone()], database)
    })
    .await;
}
