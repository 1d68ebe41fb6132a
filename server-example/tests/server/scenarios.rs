//! Every scenario, word for word, through HTTP: on the store in memory with files as they are,
//! on SQLite and PostgreSQL with files in JSON.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fiscaflow_core::api::{Method, verb};
use fiscaflow_core::conformance::scenarios::{Scenario, StepCall, StepError, run};
use fiscaflow_core::store::Store;
use fiscaflow_store::MemoryStore;
use serde_json::{Value, json};

use crate::support::{Reply, Request, Server, method, path, query};

/// How the file of an import is sent.
#[derive(Clone, Copy, PartialEq)]
enum Files {
    Bare,
    InJson,
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory() {
    run_all(Files::Bare, async || Arc::new(MemoryStore::new()) as Arc<dyn Store>).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    run_all(Files::InJson, async || {
        number += 1;
        let file = dir.path().join(format!("{number}.db"));
        fiscaflow_store::open(&format!("sqlite:{}", file.display())).await.unwrap()
    })
    .await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    run_all(Files::InJson, async || {
        fiscaflow_store::open(&crate::throwaway::postgres::database().url).await.unwrap()
    })
    .await;
}

async fn run_all(files: Files, mut store: impl AsyncFnMut() -> Arc<dyn Store>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let scenarios = Scenario::read_all(&folder).unwrap();
    let mut failed = Vec::new();
    for (file, scenario) in &scenarios {
        let server = Server::over(store().await).await;
        let ran = run(scenario, async |call| step(&server, call, files).await).await;
        failed.extend(ran.err().map(|said| format!("{file}: {said}")));
        assert!(server.stop().await);
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), scenarios.len(), failed.join("\n"));
}

async fn step(server: &Server, call: StepCall, files: Files) -> Result<Value, StepError> {
    let verb = verb(&call.verb).unwrap_or_else(|| panic!("no verb `{}`", call.verb));
    let target = path(verb, &call.book_id.unwrap_or_default(), &call.id.unwrap_or_default());
    let mut request = call.request.unwrap_or(json!({}));
    let with_query = |request: &Value| format!("{target}{}", query(request));
    let bare = verb.name == "imports.create" && files == Files::Bare;
    let sent = if bare {
        let content = request.as_object_mut().unwrap().remove("content").unwrap_or_default();
        let content = STANDARD.decode(content.as_str().unwrap_or_default()).unwrap();
        let kind = "application/octet-stream";
        server.request("POST", &with_query(&request)).body(kind, content)
    } else if verb.method == Method::Get {
        server.request("GET", &with_query(&request))
    } else {
        server.request(method(verb), &target).json(&request)
    };
    let reply = with_context(sent, server, &call.context).send().await;
    answer(&reply)
}

fn with_context(
    mut request: Request,
    server: &Server,
    context: &serde_json::Map<String, Value>,
) -> Request {
    for (name, value) in context {
        let value = value.as_str().unwrap();
        request = match name.as_str() {
            "actor" => request.token(&server.token(value)),
            "reason" => request.header("x-reason", value),
            "correlation_id" => request.header("x-correlation-id", value),
            "causation_id" => request.header("x-causation-id", value),
            "idempotency_key" => request.header("idempotency-key", value),
            "as_of" => request.header("x-as-of", value),
            other => panic!("no header for `{other}`"),
        };
    }
    request
}

fn answer(reply: &Reply) -> Result<Value, StepError> {
    let body = reply.json();
    if reply.status < 300 {
        return Ok(body["data"].clone());
    }
    let error = &body["error"];
    Err(StepError {
        code: error["code"].as_str().unwrap().to_owned(),
        lane: error["details"]["lane"].as_str().unwrap().to_owned(),
        field: error["details"]["field"].as_str().map(str::to_owned),
        line: error["details"]["line"].as_u64(),
    })
}
