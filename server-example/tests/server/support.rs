//! A server on a free port, and a client that sends exactly what it is told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use fiscaflow_core::api::{Method, Verb, schemas};
use fiscaflow_core::conformance::scenarios::SECRET_KEYS;
use fiscaflow_core::store::Store;
use fiscaflow_server::auth::{Books, Tokens};
use fiscaflow_server::config::{Config, Limits, Timeouts, parse};
use fiscaflow_server::serve::serve;
use fiscaflow_server::state::{AppState, Given, Helper};
use fiscaflow_store::{MemoryStore, RandomIds, SystemClock};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// An id that nothing has.
pub const NOWHERE: &str = "01890000-0000-7000-8000-0000000000ff";

/// A server that is running.
pub struct Server {
    pub address: SocketAddr,
    pub tokens: Arc<Tokens>,
    pub state: AppState,
    secrets: Mutex<HashMap<String, String>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<bool>,
}

impl Server {
    /// A server over an empty store in memory.
    pub async fn in_memory() -> Self {
        Self::over(Arc::new(MemoryStore::new())).await
    }

    /// A server over a store.
    pub async fn over(store: Arc<dyn Store>) -> Self {
        Self::with(store, |_, _| ()).await
    }

    /// A server over an empty store in memory that may ask somebody outside.
    #[cfg(feature = "outside")]
    pub async fn asking(outside: Arc<dyn Helper>) -> Self {
        Self::start(Arc::new(MemoryStore::new()), Some(outside), |_, _| ()).await
    }

    /// A server over a store, with other limits than the usual ones.
    pub async fn with(
        store: Arc<dyn Store>,
        change: impl FnOnce(&mut Limits, &mut Timeouts),
    ) -> Self {
        Self::start(store, None, change).await
    }

    async fn start(
        store: Arc<dyn Store>,
        outside: Option<Arc<dyn Helper>>,
        change: impl FnOnce(&mut Limits, &mut Timeouts),
    ) -> Self {
        let (_, Config { mut limits, mut timeouts, .. }) = parse(&[], &|_| None).unwrap();
        change(&mut limits, &mut timeouts);
        let tokens = Arc::new(Tokens::new(None));
        let clock = Arc::new(SystemClock);
        let ids = Arc::new(RandomIds::new().unwrap());
        let keys = Some(SECRET_KEYS.parse().unwrap());
        let given = Given { outside, keys, signer: None };
        let state = AppState::new(store, clock, ids, Arc::clone(&tokens), given, limits, timeouts);
        let state = state.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, state.clone(), async { _ = stopped.await }));
        Self { address, tokens, state, secrets: Mutex::default(), stop, task }
    }

    /// Stops the server; tells whether everything ended in time.
    pub async fn stop(self) -> bool {
        self.stop.send(()).unwrap();
        self.task.await.unwrap()
    }

    /// The token of an actor for all books, made when first asked for.
    pub fn token(&self, actor: &str) -> String {
        let mut secrets = self.secrets.lock().unwrap();
        let make = || self.new_token(actor, Books::All);
        secrets.entry(actor.to_owned()).or_insert_with(make).clone()
    }

    /// A fresh token.
    pub fn new_token(&self, actor: &str, books: Books) -> String {
        let now = fiscaflow_core::Clock::now(&SystemClock);
        self.tokens.create(actor.parse().unwrap(), books, now).unwrap().1
    }

    /// A request to a path below `/api/v1`.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.address, method, &format!("/api/v1{path}"))
    }

    /// A call as an actor, with a JSON body.
    pub async fn call(&self, actor: &str, method: &str, path: &str, body: Value) -> Reply {
        self.request(method, path).token(&self.token(actor)).json(&body).send().await
    }

    /// A read as an actor.
    pub async fn get(&self, actor: &str, path: &str) -> Reply {
        self.request("GET", path).token(&self.token(actor)).send().await
    }

    /// The id of a new book of an actor.
    pub async fn book(&self, actor: &str) -> String {
        let book = json!({"name": "Home", "currency": "EUR"});
        self.call(actor, "POST", "/books", book).await.created()["id"].as_str().unwrap().to_owned()
    }

    /// The id of a new account of a book.
    pub async fn account(&self, actor: &str, book: &str, name: &str) -> String {
        let path = format!("/books/{book}/accounts");
        let account = self.call(actor, "POST", &path, json!({"name": name})).await.created();
        account["id"].as_str().unwrap().to_owned()
    }

    /// The number of commits of a book.
    pub async fn commits(&self, actor: &str, book: &str) -> usize {
        let path = format!("/books/{book}/history?limit=500");
        self.get(actor, &path).await.ok().as_array().unwrap().len()
    }
}

/// A request in the making.
pub struct Request {
    address: SocketAddr,
    head: String,
    body: Vec<u8>,
    chunked: bool,
}

impl Request {
    pub fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        let head = format!("{method} {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
        Self { address, head, body: Vec::new(), chunked: false }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into_bytes())
    }

    pub fn body(mut self, kind: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", kind)
    }

    /// A body of which nothing is said.
    pub fn untyped(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// Sends the body in pieces and does not tell its length.
    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// The bytes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone().into_bytes();
        if self.chunked {
            bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in self.body.chunks(1000) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).bytes());
            bytes.extend(&self.body);
        }
        bytes
    }

    pub async fn send(self) -> Reply {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let bytes = self.bytes();
        // A server that refuses early may close before it has read everything.
        let writing = tokio::spawn(async move {
            _ = writer.write_all(&bytes).await;
            writer
        });
        let mut answer = Vec::new();
        let reading = reader.read_to_end(&mut answer);
        let read = tokio::time::timeout(Duration::from_secs(60), reading).await.unwrap();
        assert!(read.is_ok() || !answer.is_empty(), "no answer: {read:?}");
        writing.abort();
        Reply::read(&answer)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Self { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {text:?}"))
    }

    /// The data of an answer that has to be one, with the envelope around it checked.
    pub fn data(&self, status: u16) -> Value {
        let body = self.json();
        assert_eq!(self.status, status, "{body}");
        check_meta(self, &body);
        body["data"].clone()
    }

    pub fn ok(&self) -> Value {
        self.data(200)
    }

    pub fn created(&self) -> Value {
        self.data(201)
    }

    /// The members of an error that has to be one, with the envelope around it checked.
    pub fn error(&self, status: u16, code: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status, &body["error"]["code"]), (status, &code.into()), "{body}");
        assert!(body["error"]["message"].is_string() && body.get("data").is_none(), "{body}");
        assert!(body["error"]["details"]["lane"].is_string(), "{body}");
        check_meta(self, &body);
        body["error"].clone()
    }
}

fn check_meta(reply: &Reply, body: &Value) {
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    assert_eq!(body["meta"]["request_id"].as_str(), reply.header("x-request-id"), "{body}");
    assert!(body["meta"]["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

pub fn method(verb: &Verb) -> &'static str {
    match verb.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// A verb's path with ids in it.
pub fn path(verb: &Verb, book: &str, id: &str) -> String {
    verb.path.replace("{book_id}", &encoded(book)).replace("{id}", &encoded(id))
}

/// A text as part of a path or a query.
pub fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let encode = |byte: u8| {
        if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(encode).collect()
}

/// The members of a request as a query.
pub fn query(request: &Value) -> String {
    let members = request.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let pairs = members.map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{}={}", encoded(name), encoded(&text))
    });
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// A request of a verb that has everything it must have and nothing else, made from its schema.
pub fn least_request(verb: &Verb) -> Value {
    static SCHEMAS: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(schemas()).unwrap());
    let schemas = &*SCHEMAS;
    verb.request.map_or(json!({}), |shape| least(&schemas[shape.name], schemas))
}

fn least(schema: &Value, schemas: &Value) -> Value {
    if let Some(path) = schema["$ref"].as_str() {
        return least(&schemas[path.rsplit('/').next().unwrap()], schemas);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return least(choices.iter().find(|choice| choice["type"] != "null").unwrap(), schemas);
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let named = |name: &str| schema["type"] == name || schema["type"][0] == name;
    match schema["format"].as_str() {
        Some("uuid") => NOWHERE.into(),
        Some("date") => "2026-03-01".into(),
        Some("month") => "2026-03".into(),
        Some("decimal") => "-1.00".into(),
        Some("currency") => "EUR".into(),
        Some("base64") => "eA==".into(),
        Some("point") => "1".into(),
        _ if named("string") => "x".into(),
        _ if named("integer") => 1.into(),
        _ if named("boolean") => true.into(),
        _ if named("array") => json!([]),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten();
            let members = required.map(|name| {
                let name = name.as_str().unwrap();
                (name.to_owned(), least(&schema["properties"][name], schemas))
            });
            Value::from_iter(members)
        }
    }
}
