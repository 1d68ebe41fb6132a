//! Each limit at n and n + 1.

use std::sync::Arc;

use fiscaflow_core::limits::{MAX_CONDITION_DEPTH, MAX_FILE_BYTES};
use fiscaflow_store::MemoryStore;
use serde_json::{Value, json};

use crate::support::Server;

const BOOK: &str = r#"{"name": "Home", "currency": "EUR"}"#;
const MAX_BODY: usize = 1000;
const MAX_IMPORT: usize = 3000;

async fn small() -> Server {
    Server::with(Arc::new(MemoryStore::new()), |limits, _| {
        (limits.body_bytes, limits.import_bytes) = (MAX_BODY, MAX_IMPORT);
    })
    .await
}

/// A text made longer by blanks.
fn padded(text: &str, bytes: usize) -> Vec<u8> {
    format!("{text:bytes$}").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies() {
    let server = small().await;
    let token = server.token("anna");
    let post = |bytes: usize| {
        let request = server.request("POST", "/books").token(&token);
        request.body("application/json", padded(BOOK, bytes))
    };
    post(MAX_BODY).send().await.created();
    post(MAX_BODY).chunked().send().await.created();
    for reply in [post(MAX_BODY + 1), post(MAX_BODY + 1).chunked(), post(50 * MAX_BODY)] {
        let error = reply.send().await.error(413, "limit_exceeded");
        assert_eq!(error["message"], "a body has at most 1000 bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imports() {
    let server = small().await;
    let book = server.book("anna").await;
    let post = |kind: &str, body: Vec<u8>| {
        let path = format!("/books/{book}/imports");
        server.request("POST", &path).token(&server.token("anna")).body(kind, body)
    };
    let file = |bytes| post("application/octet-stream", padded("no statement", bytes));
    file(MAX_IMPORT).send().await.error(422, "unknown_format");
    file(MAX_IMPORT + 1).send().await.error(413, "limit_exceeded");
    file(MAX_IMPORT + 1).chunked().send().await.error(413, "limit_exceeded");
    let json = |bytes| post("application/json", padded(r#"{"content": "eA=="}"#, bytes));
    json(MAX_IMPORT).send().await.error(422, "unknown_format");
    json(MAX_IMPORT + 1).send().await.error(413, "limit_exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn files() {
    // The usual limit of a body leaves room for the largest file; the file's own is the core's.
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let post = |bytes: usize| {
        let path = format!("/books/{book}/imports");
        let request = server.request("POST", &path).token(&server.token("anna"));
        request.body("application/octet-stream", vec![b'x'; bytes]).send()
    };
    post(MAX_FILE_BYTES).await.error(422, "unknown_format");
    let error = post(MAX_FILE_BYTES + 1).await.error(413, "limit_exceeded");
    assert_eq!(error["details"]["field"], "content");
}

#[tokio::test(flavor = "multi_thread")]
async fn depth() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let token = server.token("anna");
    let post = |levels: usize| {
        let body = format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
        let request = server.request("POST", &format!("/books/{book}/rules")).token(&token);
        request.body("application/json", body).send()
    };
    post(100).await.error(422, "invalid_input");
    let error = post(101).await.error(422, "limit_exceeded");
    assert!(error["message"].as_str().unwrap().contains("100"), "{error}");
    post(100_000).await.error(422, "limit_exceeded");
    // The deepest rule that the engine takes comes through, and the next is refused there.
    let rule = |levels: usize| {
        let leaf = json!({"kind": "direction", "is": "out"});
        let nest = |inner, _| json!({"kind": "all", "of": [inner]});
        let actions = json!([{"kind": "add_tag", "tag": "x"}]);
        json!({"name": "x", "condition": (1..levels).fold(leaf, nest), "actions": actions})
    };
    let path = format!("/books/{book}/rules");
    server.call("anna", "POST", &path, rule(MAX_CONDITION_DEPTH)).await.created();
    let error = server.call("anna", "POST", &path, rule(MAX_CONDITION_DEPTH + 1)).await;
    assert_eq!(error.error(422, "limit_exceeded")["details"]["field"], "condition");
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_of_texts_and_pages() {
    let server = Server::in_memory().await;
    let book = server.book("anna").await;
    let accounts = format!("/books/{book}/accounts");
    let named =
        |bytes: usize| server.call("anna", "POST", &accounts, json!({"name": "x".repeat(bytes)}));
    named(255).await.created();
    assert_eq!(named(256).await.error(422, "limit_exceeded")["details"]["field"], "name");
    let page = |limit: u32| {
        let path = format!("/books/{book}/transactions?limit={limit}");
        let request = server.request("GET", &path).token(&server.token("anna"));
        request.send()
    };
    page(500).await.ok();
    let refused = page(501).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["error"]["details"]["field"], Value::from("limit"));
}
