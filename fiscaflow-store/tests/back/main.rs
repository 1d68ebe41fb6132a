//! Going back: random histories, whose commits are taken back and brought back, and which are read
//! as of each of their points.
//!
//! What has to come of it is told by a twin that knows nothing of the engine: it reads the stored
//! bytes, and folds what is left when a commit is left out. A second witness is the engine itself
//! on a book that never heard of the request.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    missing_debug_implementations,
    reason = "a test fails by panicking"
)]

mod asked;
mod chance;
mod log;
mod oracle;
mod overtaken;
mod sealed;
#[cfg(feature = "postgres")]
#[path = "../shared/mod.rs"]
mod throwaway;
mod undone;

use std::sync::Arc;

use chrono::TimeDelta;
use fiscaflow_core::api::{self, Call};
use fiscaflow_core::conformance::{FixedClock, SequentialIds};
use fiscaflow_core::engine::{Context, Engine, Point};
use fiscaflow_core::store::Store;
use fiscaflow_core::{BookId, Clock as _, Error};
use serde_json::{Value, json};

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    pub verb: &'static str,
    pub id: Option<String>,
    pub request: Value,
}

/// A book, its engine and its time.
#[derive(Debug, Clone)]
pub struct World {
    pub engine: Engine,
    pub store: Arc<dyn Store>,
    pub clock: Arc<FixedClock>,
    pub book_id: BookId,
}

impl World {
    /// A fresh book in a store; the number tells books of one store apart.
    pub async fn new(store: Arc<dyn Store>, number: u32) -> Self {
        let clock = Arc::new(FixedClock::default());
        let ids = Arc::new(SequentialIds::new(number));
        let engine = Engine::new(Arc::clone(&store), clock.clone(), ids);
        let book_id = format!("01890000-0000-7000-8000-b{number:011x}").parse().unwrap();
        let world = Self { engine, store, clock, book_id };
        let request = json!({"id": book_id, "name": "Home", "currency": "EUR"});
        let made = Request { verb: "books.create", id: None, request };
        world.run(&made).await.unwrap();
        world
    }

    /// Runs a request a minute later.
    pub async fn run(&self, request: &Request) -> Result<Value, Error> {
        self.clock.advance(TimeDelta::seconds(61));
        self.ask(request, None).await
    }

    /// Runs a request as Anna, now or as of a point.
    pub async fn ask(&self, request: &Request, as_of: Option<Point>) -> Result<Value, Error> {
        let context = Context { as_of, ..Context::new("anna".parse().unwrap()) };
        let call = Call {
            verb: request.verb.to_owned(),
            book_id: (request.verb != "books.create").then_some(self.book_id),
            context,
            id: request.id.clone(),
            request: Some(request.request.clone()),
        };
        api::call(&self.engine, call).await
    }

    /// The number of the newest commit.
    pub async fn seq(&self) -> u64 {
        self.store.head(self.book_id).await.unwrap().unwrap().seq
    }

    /// Whether the newest commit was made just now.
    pub async fn is_new(&self) -> bool {
        let before = self.seq().await - 1;
        let newest = self.store.commits(self.book_id, before, 1).await.unwrap();
        newest[0].entry().unwrap().at == self.clock.now()
    }

    /// Takes a commit back.
    pub async fn undo(&self, seq: u64, keep_later: bool) -> Result<Value, Error> {
        let request = json!({"keep_later": keep_later});
        let id = Some(seq.to_string());
        self.run(&Request { verb: "history.undo", id, request }).await
    }
}

/// How many histories a test takes.
pub fn cases(ordinary: u32, deep: u32) -> u32 {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { deep } else { ordinary }
}
