//! Connections that break off: a commit whose answer is lost was made or was not, and a repeat with
//! its key makes it once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use fiscaflow_core::ErrorCode;
use fiscaflow_core::conformance::{Scribe, fsck};
use fiscaflow_core::engine::{Context, Engine};
use fiscaflow_core::log::Change;
use fiscaflow_core::model::{NewAccount, NewBook, NewTransaction};
use fiscaflow_store::{RandomIds, SystemClock, open};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::shared::postgres::{database, server};

/// Passes bytes on, and breaks every connection off in the place of passing on an answer, once as
/// many answers as it was told have passed. Or connections fall silent and stay open.
struct Cutter {
    address: String,
    answers: Arc<AtomicI64>,
    /// What is told apart by this number falls silent when it rises.
    age: Arc<AtomicI64>,
}

impl Cutter {
    async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = Arc::new(AtomicI64::new(i64::MAX));
        let age = Arc::new(AtomicI64::new(0));
        let (left, now) = (Arc::clone(&answers), Arc::clone(&age));
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&left), Arc::clone(&now)));
            }
        });
        Self { address, answers, age }
    }

    /// The connections that there are say nothing any more.
    fn silence(&self) {
        self.age.fetch_add(1, Ordering::SeqCst);
    }

    fn cut_after(&self, answers: i64) {
        self.answers.store(answers, Ordering::SeqCst);
    }
}

async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    left: Arc<AtomicI64>,
    age: Arc<AtomicI64>,
) {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    let born = age.load(Ordering::SeqCst);
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let Ok(count @ 1..) = count else { return };
                if age.load(Ordering::SeqCst) > born {
                    continue;
                }
                if server.write_all(&asked[..count]).await.is_err() {
                    return;
                }
            }
            count = server.read(&mut answered) => {
                let Ok(count @ 1..) = count else { return };
                if left.fetch_sub(1, Ordering::SeqCst) <= 0 {
                    return;
                }
                if client.write_all(&answered[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// How many connections are cut between a commit and its answer: many more on request. Several
/// times as many are cut elsewhere.
fn trials() -> u64 {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { 1_000 } else { 12 }
}

/// Cuts connections in the place of the first answer, of the second, and so on up to `answers`, in
/// turns.
async fn one_effect_each(settings: &str, answers: i64) {
    let database = database();
    let cutter = Cutter::start(server().address.clone()).await;
    let url = database.with(settings).replace(&server().address, &cutter.address);
    let store = open(&url).await.unwrap();
    let ids = Arc::new(RandomIds::new().unwrap());
    let engine = Engine::new(store, Arc::new(SystemClock), ids);
    let anna = || Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home".into(), ..NewBook::new("EUR") };
    let id = engine.books(anna()).create(new).await.unwrap().id;
    let account = NewAccount { name: "Giro".into(), ..NewAccount::default() };
    let account = engine.book(id, anna()).accounts().create(account).await.unwrap().id;
    let direct = open(&database.url).await.unwrap();
    let (mut requests, mut lost, mut made) = (0, 0, 0);
    while made < trials() {
        let trial = requests;
        requests += 1;
        assert!(trial < 50 * trials(), "{made} of {trial} answers were lost after a commit");
        let context = Context { idempotency_key: Some(format!("key {trial}")), ..anna() };
        let book = engine.book(id, context);
        let new =
            NewTransaction::new(account, "2026-03-05".parse().unwrap(), "-1".parse().unwrap());
        let before = direct.head(id).await.unwrap();
        cutter.cut_after(i64::try_from(trial).unwrap() % answers);
        if let Err(error) = book.transactions().create(new.clone()).await {
            assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{error:?}");
            lost += 1;
            made += u64::from(direct.head(id).await.unwrap() != before);
        }
        cutter.cut_after(i64::MAX);
        let mut tries = 0;
        while let Err(error) = book.transactions().create(new.clone()).await {
            // Connections that the cut left dead in the pool.
            assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{error:?}");
            tries += 1;
            assert!(tries < 20, "the store does not come back");
        }
    }
    println!("{requests} requests, {lost} connections cut, {made} of them after the commit");
    let history = fsck(&*direct, id).await;
    assert_eq!(history.len() as u64, requests + 2, "the book, the account, and each");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_made_once() {
    // Holds: wherever in a request the connection breaks off, it is `store_unavailable`, and the
    // same request with its key has one effect.
    // With one connection the answers that are counted are those of the request, mostly.
    one_effect_each("max_connections=1", 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_whose_answer_is_lost_is_made_once() {
    // Holds: the same where each operation is a transaction of several round trips.
    one_effect_each("max_connections=2&pgbouncer=true", 14).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_is_cut_off_goes_on() {
    // Holds: wherever the connection breaks off, the restore is `store_unavailable` and the
    // database has the beginning of the history, whole; repeated, it brings the rest.
    let dir = tempfile::tempdir().unwrap();
    let from = open("memory:").await.unwrap();
    let mut scribe = Scribe::new(1);
    for day in 1..=9 {
        let row = scribe.transaction(&format!("2026-03-0{day}"), -day);
        scribe.change(&*from, vec![Change::create(row)]).await;
    }
    let file = dir.path().join("backup");
    fiscaflow_store::backup(&from, &file).await.unwrap();
    let whole = fsck(&*from, scribe.book_id).await;
    let (mut failures, mut begun) = (0, 0);
    for answers in (4..).step_by(4) {
        let database = database();
        let cutter = Cutter::start(server().address.clone()).await;
        let url = database.url.replace(&server().address, &cutter.address);
        cutter.cut_after(answers);
        let restored = fiscaflow_store::restore(&file, &url).await;
        let there = open(&database.url).await.unwrap();
        let part = fsck(&*there, scribe.book_id).await;
        assert!(whole.starts_with(&part));
        if restored.is_ok() {
            assert_eq!(part.len(), whole.len());
            break;
        }
        assert_eq!(restored.unwrap_err().code(), ErrorCode::StoreUnavailable);
        failures += 1;
        begun += u32::from(!part.is_empty() && part.len() < whole.len());
        fiscaflow_store::restore(&file, &database.url).await.unwrap();
        assert!(fsck(&*there, scribe.book_id).await == whole);
        there.close().await;
    }
    assert!(failures > 5 && begun > 1, "{failures} failures, {begun} of them in the midst");
}

#[test]
fn a_connection_that_falls_silent_is_given_up() {
    // Holds: where the network loses a connection without a word, a read and a commit end with
    // `store_unavailable` in their time, by a clock that jumps to what is waited for, and whoever
    // comes next has a connection that answers, without a restart.
    let apart = tokio::runtime::Runtime::new().unwrap();
    let cutter = apart.block_on(Cutter::start(server().address.clone()));
    let database = database();
    let here = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for settings in ["max_connections=1", "max_connections=1&pgbouncer=true"] {
        let url = database.with(settings).replace(&server().address, &cutter.address);
        here.block_on(async {
            let store = open(&url).await.unwrap();
            let ids = Arc::new(RandomIds::new().unwrap());
            let engine = Engine::new(store.clone(), Arc::new(SystemClock), ids);
            let anna = || Context::new("anna".parse().unwrap());
            let new = || NewBook { name: "Home".into(), ..NewBook::new("EUR") };
            let id = engine.books(anna()).create(new()).await.unwrap().id;
            for is_read in [true, false] {
                cutter.silence();
                tokio::time::pause();
                let lost = match is_read {
                    true => store.head(id).await.map(drop),
                    false => engine.books(anna()).create(new()).await.map(drop),
                };
                assert_eq!(lost.unwrap_err().code(), ErrorCode::StoreUnavailable);
                // Whoever comes next asks whether the connection is still there.
                drop(store.head(id).await);
                tokio::time::resume();
                assert!(store.head(id).await.unwrap().is_some());
                engine.books(anna()).create(new()).await.unwrap();
            }
            engine.close().await;
        });
    }
}
