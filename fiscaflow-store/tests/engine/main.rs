//! What the engine promises about a book, over the store in memory: one topic a file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../../fiscaflow-core/tests/rules/any.rs"]
#[allow(dead_code, reason = "the tests of the core need more of it")]
mod any;
mod budgets;
mod choices;
mod dates;
mod debug;
mod envelopes;
mod explained;
#[path = "../../../fiscaflow-core/tests/shared/hostile.rs"]
mod expressions;
mod figures;
mod goals;
mod history;
mod kept;
mod keys;
mod learned;
mod outside;
mod progress;
mod proofs;
mod restore;
mod rewritten;
mod rules;
mod secrets;
#[cfg(feature = "postgres")]
#[path = "../shared/mod.rs"]
mod throwaway;
mod transfers;
mod tried;
mod trying;
mod undo;

use std::sync::Arc;

use fiscaflow_core::engine::{BookHandle, Context, Engine};
use fiscaflow_core::model::{Account, Category, NewBook, Transaction};
use fiscaflow_core::store::Store;
use fiscaflow_core::{BookId, CategoryId};
use fiscaflow_store::{MemoryStore, RandomIds, SystemClock};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A book with an account, as its owner sees it.
struct Home {
    engine: Engine,
    id: BookId,
    book: BookHandle,
    account: Account,
}

fn engine(store: Arc<dyn Store>) -> Engine {
    Engine::new(store, Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()))
}

fn anna() -> Context {
    Context::new("anna".parse().unwrap())
}

/// Reads a request as it stands on the wire.
fn shape<T: DeserializeOwned>(value: Value) -> T {
    fiscaflow_core::api::read(value).unwrap()
}

impl Home {
    async fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new())).await
    }

    async fn over(store: Arc<dyn Store>) -> Self {
        Self::of(engine(store)).await
    }

    async fn of(engine: Engine) -> Self {
        let new = NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") };
        let id = engine.books(anna()).create(new).await.unwrap().id;
        let book = engine.book(id, anna());
        let account = book.accounts().create(shape(json!({"name": "Giro"}))).await.unwrap();
        Self { engine, id, book, account }
    }

    /// The book, for one request with an idempotency key.
    fn with_key(&self, key: &str) -> BookHandle {
        let context = Context { idempotency_key: Some(key.to_owned()), ..anna() };
        self.engine.book(self.id, context)
    }

    async fn category(&self, name: &str, parent_id: Option<CategoryId>) -> Category {
        let new = json!({"name": name, "parent_id": parent_id});
        self.book.categories().create(shape(new)).await.unwrap()
    }

    /// Records a transaction of that day and amount, with these further members.
    async fn record(&self, day: &str, amount: &str, further: Value) -> Transaction {
        let mut new = json!({"account_id": self.account.id, "booking_date": day, "amount": amount});
        for (name, value) in further.as_object().unwrap() {
            new[name] = value.clone();
        }
        self.book.transactions().create(shape(new)).await.unwrap()
    }
}
