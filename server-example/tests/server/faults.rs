//! What goes wrong: stores that fail, hang or panic, clients that are slow or leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fiscaflow_core::conformance::{Tap, Tapped};
use fiscaflow_core::engine::{Context, Engine};
use fiscaflow_core::model::{NewAccount, NewBook};
use fiscaflow_core::outbox::{EventSink, Outgoing, RelayOptions, Undelivered};
use fiscaflow_core::store::Store;
use fiscaflow_core::{Error, ErrorCode, Result};
use fiscaflow_server::relay;
use fiscaflow_store::{MemoryStore, RandomIds, SystemClock, open};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use crate::events::{events, file};
use crate::support::{Request, Server};

/// What a store does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
enum Fault {
    None,
    Unavailable,
    Full,
    Corrupt,
    Panics,
    Hangs,
    HeldCommits,
}

const FAULTS: [Fault; 7] = [
    Fault::None,
    Fault::Unavailable,
    Fault::Full,
    Fault::Corrupt,
    Fault::Panics,
    Fault::Hangs,
    Fault::HeldCommits,
];

/// How long a server may take to notice what a client does.
const NOTICE: Duration = Duration::from_millis(100);

/// What takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Closed until permits are added.
#[derive(Debug)]
struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

/// Lets a store in memory do wrong as told.
#[derive(Debug, Default)]
struct Faulty {
    inner: Arc<MemoryStore>,
    fault: AtomicU8,
    /// How many commits are held back, and by what.
    held: AtomicUsize,
    gate: Gate,
}

impl Faulty {
    fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }

    fn fault(&self) -> Fault {
        FAULTS[usize::from(self.fault.load(Ordering::SeqCst))]
    }

    /// Waits until that many commits are held back.
    async fn holds(&self, commits: usize) {
        while self.held.load(Ordering::SeqCst) < commits {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn pass(&self) -> Result<()> {
        let code = match self.fault() {
            Fault::None | Fault::HeldCommits => return Ok(()),
            Fault::Unavailable => ErrorCode::StoreUnavailable,
            Fault::Full => ErrorCode::StorageFull,
            Fault::Corrupt => ErrorCode::CorruptData,
            Fault::Panics => panic!("canary in a panic"),
            Fault::Hangs => return std::future::pending().await,
        };
        Err(Error::new(code, "canary in an error").field("canary").id("canary"))
    }
}

#[async_trait]
impl Tap for Faulty {
    async fn before(&self, call: &'static str) -> Result<Arc<dyn Store>> {
        match call {
            "head" => self.pass().await?,
            "commit" if self.fault() == Fault::HeldCommits => {
                self.held.fetch_add(1, Ordering::SeqCst);
                self.gate.0.acquire().await.unwrap().forget();
            }
            _ => {}
        }
        Ok(self.inner.clone())
    }
}

async fn faulty(
    change: impl FnOnce(&mut fiscaflow_server::config::Timeouts),
) -> (Server, Arc<Faulty>) {
    let store = Arc::new(Faulty::default());
    let server = Server::with(Arc::new(Tapped(Arc::clone(&store))), |limits, timeouts| {
        limits.requests = 2;
        change(timeouts);
    });
    (server.await, store)
}

/// A new book and account of anna's, made without the server, which may be in a hurry.
async fn home(store: &Faulty) -> (String, String) {
    let inner: Arc<dyn Store> = Arc::clone(&store.inner) as _;
    let engine = Engine::new(inner, Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()));
    let anna = || Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home".into(), ..NewBook::new("EUR") };
    let book = engine.books(anna()).create(new).await.unwrap().id;
    let new = NewAccount { name: "Cash".into(), ..NewAccount::default() };
    let account = engine.book(book, anna()).accounts().create(new).await.unwrap().id;
    (book.to_string(), account.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_has_its_status_and_gives_nothing_away() {
    let (server, store) = faulty(|_| ()).await;
    let book = server.book("anna").await;
    let cases = [
        (Fault::Unavailable, 503, "store_unavailable"),
        (Fault::Full, 507, "storage_full"),
        (Fault::Corrupt, 500, "corrupt_data"),
        (Fault::Panics, 500, "internal"),
    ];
    for (fault, status, code) in cases {
        store.set(fault);
        let reply = server.get("anna", &format!("/books/{book}")).await;
        let error = reply.error(status, code);
        assert_eq!(
            reply.header("retry-after").is_some(),
            error["details"]["lane"] == "unavailable"
        );
        if status == 500 {
            assert!(!String::from_utf8(reply.body).unwrap().contains("canary"));
        }
        store.set(Fault::None);
        server.get("anna", &format!("/books/{book}")).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_ready_while_its_store_answers() {
    let (server, store) = faulty(|_| ()).await;
    let ask = |target: &str| Request::new(server.address, "GET", target).send();
    assert_eq!(ask("/ready").await.ok(), json!({"status": "ready"}));
    for fault in [Fault::Unavailable, Fault::Corrupt, Fault::Hangs] {
        store.set(fault);
        ask("/ready").await.error(503, "store_unavailable");
        assert_eq!(ask("/health").await.ok(), json!({"status": "alive"}));
    }
    store.set(Fault::Panics);
    ask("/ready").await.error(500, "internal");
    store.set(Fault::None);
    ask("/ready").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_hangs_keeps_nobody_waiting() {
    let (server, store) = faulty(|timeouts| timeouts.answer = Duration::from_millis(200)).await;
    let (book, _) = home(&store).await;
    store.set(Fault::Hangs);
    let accounts = format!("/books/{book}/accounts");
    for _ in 0..2 {
        let reply = server.call("anna", "POST", &accounts, json!({"name": "Giro"})).await;
        reply.error(503, "answer_timeout");
        assert!(reply.header("retry-after").is_some());
    }
    // Two writes are still under way, and two is the limit here.
    let reply = server.get("anna", &format!("/books/{book}")).await;
    reply.error(503, "overloaded");
    assert!(reply.header("retry-after").is_some());
    Request::new(server.address, "GET", "/health").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_ends_although_its_client_leaves() {
    let (server, store) = faulty(|_| ()).await;
    let book = server.book("anna").await;
    let path = format!("/books/{book}/accounts");
    store.set(Fault::HeldCommits);
    let request = server.request("POST", &path).token(&server.token("anna"));
    let request = request.json(&json!({"name": "Giro"}));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&request.bytes()).await.unwrap();
    store.holds(1).await;
    drop(stream);
    tokio::time::sleep(NOTICE).await;
    assert_eq!(server.get("anna", &path).await.ok(), json!([]));
    store.gate.0.add_permits(1);
    let written = async { while server.get("anna", &path).await.ok() == json!([]) {} };
    tokio::time::timeout(PATIENCE, written).await.expect("the write was given up");
}

/// A request for an import whose progress is told.
fn watched(server: &Server, [book, account]: [&str; 2]) -> Request {
    let request = server.request("POST", &format!("/books/{book}/imports?account_id={account}"));
    let request = request.token(&server.token("anna")).header("accept", "text/event-stream");
    request.body("text/csv", file(10))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_ends_although_the_client_that_hears_of_it_leaves() {
    let (server, store) = faulty(|_| ()).await;
    let (book, account) = home(&store).await;
    let request = watched(&server, [&book, &account]);
    store.set(Fault::HeldCommits);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&request.bytes()).await.unwrap();
    // Progress comes while the import is under way.
    let mut heard = String::new();
    while !heard.contains(r#""phase":"store""#) {
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).await.unwrap();
        assert!(read > 0, "{heard}");
        heard.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    store.holds(1).await;
    drop(stream);
    tokio::time::sleep(NOTICE).await;
    store.gate.0.add_permits(1);
    let path = format!("/books/{book}/transactions");
    let written = async { while server.get("anna", &path).await.ok()["items"] == json!([]) {} };
    tokio::time::timeout(PATIENCE, written).await.expect("the import was given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hears_of_an_import_is_not_kept_waiting_either() {
    let (server, store) = faulty(|timeouts| timeouts.answer = Duration::from_millis(200)).await;
    let (book, account) = home(&store).await;
    let request = watched(&server, [&book, &account]);
    store.set(Fault::HeldCommits);
    let (name, end) = events(&request.send().await).pop().unwrap();
    assert_eq!((name.as_str(), &end["error"]["code"]), ("error", &json!("answer_timeout")));
    store.gate.0.add_permits(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_what_is_under_way() {
    let (server, store) = faulty(|_| ()).await;
    // Two books, because the writers of one book wait for each other.
    let (book, other) = (server.book("anna").await, server.book("anna").await);
    store.set(Fault::HeldCommits);
    let request = |book: &str| {
        let path = format!("/books/{book}/accounts");
        let request = server.request("POST", &path).token(&server.token("anna"));
        request.json(&json!({"name": "Giro"}))
    };
    // One client waits for its answer, one has left.
    let (waits, leaves, address) = (request(&book), request(&other), server.address);
    let waiting = tokio::spawn(waits.send());
    store.holds(1).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&leaves.bytes()).await.unwrap();
    store.holds(2).await;
    drop(stream);
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(NOTICE).await;
    assert!(TcpStream::connect(address).await.is_err(), "new clients are still taken");
    assert!(!stopping.is_finished());
    store.gate.0.add_permits(9);
    waiting.await.unwrap().created();
    assert!(stopping.await.unwrap());
    let closed = store.inner.head(book.parse().unwrap()).await.unwrap_err();
    assert_eq!(closed.code(), ErrorCode::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_nobody_waits_for_is_given_up() {
    // Holds: reads whose clients have gone or got no answer in time take no place from others, and
    // stopping waits for none of them.
    let (server, store) = faulty(|timeouts| timeouts.answer = Duration::from_millis(100)).await;
    let (book, _) = home(&store).await;
    store.set(Fault::Hangs);
    for _ in 0..100 {
        server.get("anna", &format!("/books/{book}")).await.error(503, "answer_timeout");
    }
    assert!(server.stop().await);
}

/// Takes one event for each permit, and counts what it was told.
#[derive(Debug)]
struct Slow(Semaphore, AtomicUsize);

#[async_trait]
impl EventSink for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    async fn tell(&self, _: &[Outgoing]) -> std::result::Result<(), Undelivered> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.acquire().await.unwrap().forget();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_gives_leases_back() {
    // Holds: what a sink is being told when the server stops is told to its end, and the book is
    // free for whoever delivers next.
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("books.db").display());
    let server = Server::over(open(&url).await.unwrap()).await;
    let book = server.book("anna").await;
    server.account("anna", &book, "Giro").await;
    let sink = Arc::new(Slow(Semaphore::new(1), AtomicUsize::new(0)));
    let options = RelayOptions { batch: 1, ..RelayOptions::default() };
    let state = server.state.clone();
    relay::start(sink.clone(), options, &state).unwrap();
    // The first event has gone, and the second is on its way.
    while sink.1.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    let stopping = tokio::spawn(server.stop());
    while !state.is_stopping() {
        tokio::task::yield_now().await;
    }
    sink.0.add_permits(9);
    assert!(stopping.await.unwrap());
    let store = open(&url).await.unwrap();
    let kept = store.delivery(book.parse().unwrap(), "slow").await.unwrap().unwrap();
    assert_eq!((kept.lease, sink.0.available_permits()), (None, 8));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_ever() {
    let (server, store) = faulty(|timeouts| {
        timeouts.answer = Duration::from_millis(100);
        timeouts.stop = Duration::from_millis(300);
    })
    .await;
    let (book, _) = home(&store).await;
    store.set(Fault::Hangs);
    // A read that nobody waits for any more is given up; a write is not.
    server.get("anna", &format!("/books/{book}")).await.error(503, "answer_timeout");
    let accounts = format!("/books/{book}/accounts");
    let written = server.call("anna", "POST", &accounts, json!({"name": "Giro"})).await;
    written.error(503, "answer_timeout");
    assert!(!server.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off_and_nobody_waits_for_them() {
    // Holds: who comes is answered while a hundred others have not said what they want; in the end
    // these are cut off.
    let (server, _) = faulty(|timeouts| {
        timeouts.header = Duration::from_secs(5);
        timeouts.body = Duration::from_millis(500);
    })
    .await;
    let mut slow = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let begun: &[u8] =
            if number % 2 == 0 { b"" } else { b"GET /health HTTP/1.1\r\nhost: x\r\n" };
        stream.write_all(begun).await.unwrap();
        slow.push(stream);
    }
    let book = server.book("anna").await;
    for stream in &slow {
        let nothing_yet = stream.try_read(&mut [0]).unwrap_err();
        assert_eq!(nothing_yet.kind(), std::io::ErrorKind::WouldBlock);
    }
    for mut stream in slow {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest));
        _ = read.await.expect("the connection is still open");
    }
    // A body that comes too slowly is answered.
    let request = server.request("POST", &format!("/books/{book}/accounts"));
    let request = request.token(&server.token("anna")).json(&json!({"name": "Giro"}));
    let bytes = request.bytes();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body_timeout"), "{answer}");
    assert_eq!(server.get("anna", &format!("/books/{book}/accounts")).await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_late_is_made_once() {
    // Holds: a write that takes too long is answered with 503 and when to come again, and goes on;
    // the same key then gets its answer, and there is one effect.
    let (server, store) = faulty(|timeouts| timeouts.answer = Duration::from_millis(200)).await;
    let (book, _) = home(&store).await;
    let path = format!("/books/{book}/accounts");
    store.set(Fault::HeldCommits);
    let request = || {
        let request = server.request("POST", &path).token(&server.token("anna"));
        request.header("idempotency-key", "once").json(&json!({"name": "Giro"}))
    };
    let late = request().send().await;
    late.error(503, "answer_timeout");
    assert!(late.header("retry-after").is_some());
    store.holds(1).await;
    store.set(Fault::None);
    store.gate.0.add_permits(1);
    let mut again = request().send().await;
    while again.status == 503 {
        again = request().send().await;
    }
    again.created();
    let accounts = server.get("anna", &path).await.ok();
    assert_eq!(accounts.as_array().unwrap().len(), 2, "{accounts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_take_an_answer_is_cut_off() {
    // Holds: clients that ask for large answers and take nothing of them do not keep their places,
    // also where they take a byte now and then.
    let server = Server::with(Arc::new(MemoryStore::new()), |limits, timeouts| {
        limits.connections = 2;
        timeouts.write = Duration::from_millis(300);
    });
    let server = server.await;
    // More than any buffer on the way holds.
    let asks = "GET /api-docs/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(40);
    let mut stuck = Vec::new();
    for _ in 0..2 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(server.address).await.unwrap();
        stream.write_all(asks.as_bytes()).await.unwrap();
        stuck.push(stream);
    }
    let mut sipping = stuck.pop().unwrap();
    let sips = tokio::spawn(async move {
        let mut byte = [0];
        while matches!(sipping.read(&mut byte).await, Ok(1)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    for _ in 0..3 {
        Request::new(server.address, "GET", "/health").send().await.ok();
    }
    sips.abort();
}
