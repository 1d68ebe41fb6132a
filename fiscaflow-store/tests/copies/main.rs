//! Books and databases in a second place: the same there, or not there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod backup;
mod book;
mod portable;
#[cfg(feature = "postgres")]
#[path = "../shared/mod.rs"]
mod shared;

use std::sync::Arc;

use fiscaflow_core::conformance::fsck;
use fiscaflow_core::engine::{BookHandle, Context, Engine};
use fiscaflow_core::model::{NewAccount, NewBook, NewCategory, NewTransaction};
use fiscaflow_core::store::Store;
use fiscaflow_core::{AccountId, BookId};
use fiscaflow_store::{RandomIds, SystemClock};

/// A book that an engine wrote, with keys, reasons, undone and deleted things.
struct Home {
    engine: Engine,
    id: BookId,
    account: AccountId,
}

fn engine(store: &Arc<dyn Store>) -> Engine {
    let ids = Arc::new(RandomIds::new().unwrap());
    Engine::new(Arc::clone(store), Arc::new(SystemClock), ids)
}

impl Home {
    async fn over(store: &Arc<dyn Store>) -> Self {
        let engine = engine(store);
        let anna = Context::new("anna".parse().unwrap());
        let new = NewBook { name: "Home ünï".into(), ..NewBook::new("EUR") };
        let id = engine.books(anna.clone()).create(new).await.unwrap().id;
        let book = engine.book(id, anna);
        let new = NewAccount { name: "Giro".into(), ..NewAccount::default() };
        let account = book.accounts().create(new).await.unwrap().id;
        Self { engine, id, account }
    }

    /// The same book as another engine has it.
    fn through(&self, store: &Arc<dyn Store>) -> Self {
        Self { engine: engine(store), ..*self }
    }

    fn book(&self, key: Option<String>) -> BookHandle {
        let reason = Some("because of Ben".to_owned());
        let anna = Context::new("anna".parse().unwrap());
        self.engine.book(self.id, Context { idempotency_key: key, reason, ..anna })
    }

    /// Records what a key stands for; the same key, the same answer.
    async fn record(&self, number: u32) -> fiscaflow_core::TransactionId {
        let day = "2026-03-05".parse().unwrap();
        let mut new = NewTransaction::new(self.account, day, "-5.25".parse().unwrap());
        new.description = format!("shop {number}");
        let book = self.book(Some(format!("key {number}")));
        book.transactions().create(new).await.unwrap().id
    }

    /// Some commits of every sort.
    async fn live(&self, numbers: std::ops::Range<u32>) {
        let book = self.book(None);
        for number in numbers {
            let id = self.record(number).await;
            let name = format!("Category {number}");
            let new = NewCategory { name, ..NewCategory::default() };
            book.categories().create(new).await.unwrap();
            if number % 3 == 0 {
                book.transactions().delete(id).await.unwrap();
            }
        }
    }
}

/// Fails unless both stores have the same of a book, each of which follows from its history.
async fn assert_same(one: &dyn Store, other: &dyn Store, id: BookId, keys: u32) {
    let histories = (fsck(one, id).await, fsck(other, id).await);
    assert!(histories.0 == histories.1, "{} and {} commits", histories.0.len(), histories.1.len());
    for number in 0..keys {
        let key = format!("key {number}");
        let answers = (one.answered(id, &key).await, other.answered(id, &key).await);
        assert!(answers.0.unwrap() == answers.1.unwrap(), "{key}");
    }
}
