//! Events on their way to a webhook: a server of this process on a real socket.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use fiscaflow_core::conformance::{FixedClock, Scribe, SequentialIds};
use fiscaflow_core::log::{Draft, NewEvent};
use fiscaflow_core::outbox::{Relay, Round};
use fiscaflow_core::store::Store;
use fiscaflow_core::{Clock as _, EventId};
use fiscaflow_server::config::{WEBHOOK_SECRET, parse};
use fiscaflow_server::webhook::WebhookSink;
use fiscaflow_store::MemoryStore;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A post as its receiver saw it.
pub struct Post {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Post {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whether the signature is that of the secret over id, time and body.
    pub fn is_signed(&self) -> bool {
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(SECRET).unwrap()).unwrap();
        mac.update(format!("{id}.{time}.{}", self.body).as_bytes());
        let expected = STANDARD.encode(mac.finalize().into_bytes());
        self.header("webhook-signature") == format!("v1,{expected}")
    }

    fn id(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        let id = body["event"]["id"].as_str().unwrap().to_owned();
        assert_eq!(self.header("webhook-id"), id);
        id
    }
}

/// A receiver that answers with these statuses, then with 204; 0 is no answer at all.
pub async fn receiver(
    statuses: impl IntoIterator<Item = u16>,
) -> (String, mpsc::UnboundedReceiver<Post>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (posts, received) = mpsc::unbounded_channel();
    let statuses: VecDeque<u16> = statuses.into_iter().collect();
    let statuses = Arc::new(Mutex::new(statuses));
    let router = Router::new().fallback(move |request: extract::Request| {
        let (posts, statuses) = (posts.clone(), Arc::clone(&statuses));
        async move {
            let (head, body) = request.into_parts();
            let headers = head.headers.iter();
            let headers = headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
            let body = String::from_utf8(body).unwrap();
            let _ = posts.send(Post { headers, body });
            let status = statuses.lock().unwrap().pop_front().unwrap_or(204);
            if status == 0 {
                std::future::pending::<()>().await;
            }
            StatusCode::from_u16(status).unwrap()
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(router.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move { _ = connection.await });
        }
    });
    (url, received)
}

struct Hooked {
    relay: Relay,
    clock: Arc<FixedClock>,
    written: Vec<String>,
}

/// A book of so many events, and a relay to a webhook.
async fn hooked(url: &str, timeout: &str, secret: Option<&str>, events: usize) -> Hooked {
    let args = ["--webhook-url", url, "--webhook-timeout", timeout].map(str::to_owned);
    let environment = |name: &str| secret.filter(|_| name == WEBHOOK_SECRET).map(str::to_owned);
    let settings = parse(&args, &environment).unwrap().1.webhook.unwrap();
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::<FixedClock>::default());
    let mut scribe = Scribe::new(1);
    let ids: Vec<_> = (0..events).map(|_| EventId::new(scribe.uuid())).collect();
    let events = ids.iter().map(|id| NewEvent::new(*id, "tests.thing.done", "thing", "1"));
    let draft = Draft { events: events.collect(), ..scribe.draft(Vec::new()) };
    let commit = scribe.seal_draft(draft);
    scribe.write(&*store as &dyn Store, commit).await;
    let sink = Arc::new(WebhookSink::new(&settings, clock.clone()).unwrap());
    let options = WebhookSink::options(&settings);
    let relay = Relay::new(store, clock.clone(), &SequentialIds::new(2), sink, options).unwrap();
    Hooked { relay, clock, written: ids.iter().map(ToString::to_string).collect() }
}

async fn ids(posts: &mut mpsc::UnboundedReceiver<Post>) -> Vec<String> {
    let mut ids = Vec::new();
    while let Ok(post) = posts.try_recv() {
        ids.push(post.id());
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_posted_in_order_and_signed() {
    // Holds: one post an event, with id, time and signature over exactly the body that is sent,
    // and no signature where there is no secret.
    for secret in [Some(format!("whsec_{SECRET}")), None] {
        let (url, mut posts) = receiver([]).await;
        let hooked = hooked(&url, "10", secret.as_deref(), 12).await;
        assert_eq!(hooked.relay.round().await.unwrap().delivered, 12);
        for written in &hooked.written {
            let post = posts.recv().await.unwrap();
            assert_eq!(post.id(), *written);
            assert_eq!(post.header("content-type"), "application/json");
            let now = hooked.clock.now().timestamp().to_string();
            assert_eq!(post.header("webhook-timestamp"), now);
            assert_eq!(post.is_signed(), secret.is_some());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_says_whether_the_event_or_the_address_is_at_fault() {
    // Holds: what says that this event cannot be taken counts against it, everything else, a broken
    // server too, lets the book wait; either way what was taken before is not posted again.
    for status in [400, 404, 405, 406, 409, 410, 413, 415, 422, 451] {
        let (url, mut posts) = receiver([204, status]).await;
        let hooked = hooked(&url, "10", None, 3).await;
        let round = hooked.relay.round().await.unwrap();
        assert_eq!((round.delivered, round.put_off), (1, 1), "{status}");
        assert_eq!(ids(&mut posts).await, hooked.written[..2]);
        hooked.clock.advance(TimeDelta::hours(1));
        assert_eq!(hooked.relay.round().await.unwrap().delivered, 2);
        assert_eq!(ids(&mut posts).await, hooked.written[1..]);
    }
    for status in [301, 401, 403, 408, 425, 429, 500, 501, 502, 503, 504] {
        let (url, mut posts) = receiver([204, status]).await;
        let hooked = hooked(&url, "10", None, 3).await;
        let round = hooked.relay.round().await.unwrap();
        assert_eq!(round.unavailable, Some(format!("status {status}")));
        assert_eq!(ids(&mut posts).await, hooked.written[..2]);
        hooked.clock.advance(TimeDelta::seconds(10));
        assert_eq!(hooked.relay.round().await.unwrap().delivered, 2);
        assert_eq!(ids(&mut posts).await, hooked.written[1..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_and_no_answer_are_borne() {
    // Holds: an address that does not answer holds a round up for its time limit at most, nothing
    // is lost, and the text has no address in it.
    let (url, mut posts) = receiver([0]).await;
    let slow = hooked(&url, "1", None, 2).await;
    let round = slow.relay.round().await.unwrap();
    assert_eq!(round.unavailable.as_deref(), Some("no answer in time"));
    slow.clock.advance(TimeDelta::seconds(10));
    assert_eq!(slow.relay.round().await.unwrap().delivered, 2);
    assert_eq!(ids(&mut posts).await.len(), 3);

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gone = hooked(&format!("http://{free}/"), "10", None, 1).await;
    let round = gone.relay.round().await.unwrap();
    let expected = Round { unavailable: Some("no connection".to_owned()), ..Round::default() };
    assert_eq!(round, expected);
}

/// A receiver that answers every connection's first post with these bytes and nothing more; it
/// keeps the connection open.
async fn raw(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut head = [0; 4_096];
                _ = stream.read(&mut head).await;
                _ = stream.write_all(&answer).await;
                std::future::pending::<()>().await;
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_alone_is_the_answer() {
    // Holds: a body that is very large, or never ends, changes nothing of what its status says.
    let large =
        [b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n".as_slice(), &vec![b' '; 3_000_000]];
    for (answer, delivered) in [
        (large.concat(), 1),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nnot".to_vec(), 1),
        (b"HTTP/1.1 422 No\r\ncontent-length: 9\r\n\r\nnot".to_vec(), 0),
    ] {
        let hooked = hooked(&raw(answer).await, "10", None, 1).await;
        let round = hooked.relay.round().await.unwrap();
        assert_eq!((round.delivered, round.put_off), (delivered, 1 - delivered));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_says_when_to_come_again() {
    // Holds: `Retry-After` in seconds is kept to, and a date or nonsense is as none.
    for (said, pause) in [("100", 100), ("soon", 10), ("Fri, 31 Dec 1999 23:59:59 GMT", 10)] {
        for status in [429, 503] {
            let answer = format!(
                "HTTP/1.1 {status} No\r\nretry-after: {said}\r\nconnection: close\r\n\
                 content-length: 0\r\n\r\n"
            );
            let hooked = hooked(&raw(answer.into_bytes()).await, "10", None, 1).await;
            assert!(hooked.relay.round().await.unwrap().unavailable.is_some());
            hooked.clock.advance(TimeDelta::seconds(pause - 1));
            assert_eq!(hooked.relay.round().await.unwrap(), Round::default());
            hooked.clock.advance(TimeDelta::seconds(1));
            assert!(hooked.relay.round().await.unwrap().unavailable.is_some());
        }
    }
}

/// How long a test waits for what has to come.
pub const PATIENCE: Duration = Duration::from_secs(60);
