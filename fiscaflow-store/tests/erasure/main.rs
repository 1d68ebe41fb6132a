//! Erasing: what a member, or a whole book, leaves behind is nothing.
//!
//! Every text that somebody gives holds a *bird*, a word by which it is found again, whoever
//! carries it elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod book;
mod data;
mod member;
mod sealed;
#[cfg(feature = "postgres")]
#[path = "../shared/mod.rs"]
mod shared;
mod whole;

use std::sync::Arc;

use fiscaflow_core::api::{Call, call};
use fiscaflow_core::engine::{Context, Engine, NewImport};
use fiscaflow_core::log::{Commit, Hash, Idempotency, StoredCommit};
use fiscaflow_core::store::{SetAsideQuery, Store};
use fiscaflow_core::{BookId, Clock, Error, IdSource};
use fiscaflow_store::{RandomIds, SystemClock};
use serde_json::{Value, json};

/// A word that stands in no other text.
fn bird(number: usize) -> String {
    format!("canary{number:03}bird")
}

fn member(number: usize) -> String {
    format!("018f-{number}")
}

/// A book of an owner, `own`, with an account and a category.
struct Home {
    engine: Engine,
    store: Arc<dyn Store>,
    id: BookId,
    account: String,
    category: String,
}

fn engine(store: &Arc<dyn Store>) -> Engine {
    let ids = Arc::new(RandomIds::new().unwrap());
    Engine::new(Arc::clone(store), Arc::new(SystemClock), ids)
}

impl Home {
    /// A book with nothing in it.
    async fn empty(store: Arc<dyn Store>) -> Self {
        let id = BookId::new(RandomIds::new().unwrap().uuid(SystemClock.now()));
        let engine = engine(&store);
        let home = Self { engine, store, id, account: String::new(), category: String::new() };
        let book = json!({"id": id, "name": "Home", "currency": "EUR"});
        home.owner("books.create", None, book).await;
        home
    }

    async fn over(store: Arc<dyn Store>) -> Self {
        let mut home = Self::empty(store).await;
        home.account = text(&home.owner("accounts.create", None, json!({"name": "Giro"})).await);
        home.category = text(&home.owner("categories.create", None, json!({"name": "Food"})).await);
        home
    }

    /// The same book as another engine over the same store has it.
    fn through_another(&self) -> Self {
        self.over_store(Arc::clone(&self.store))
    }

    /// The same as one over another way to the store.
    fn over_store(&self, store: Arc<dyn Store>) -> Self {
        let (account, category) = (self.account.clone(), self.category.clone());
        Self { engine: engine(&store), store, id: self.id, account, category }
    }

    async fn call(
        &self,
        context: Context,
        verb: &str,
        id: Option<&str>,
        request: Value,
    ) -> Result<Value, Error> {
        let book_id = (verb != "books.create").then_some(self.id);
        let (verb, id) = (verb.to_owned(), id.map(str::to_owned));
        let request = Some(request).filter(|it| !it.is_null());
        call(&self.engine, Call { verb, book_id, context, id, request }).await
    }

    async fn owner(&self, verb: &str, id: Option<&str>, request: Value) -> Value {
        let context = Context::new("own".parse().unwrap());
        self.call(context, verb, id, request).await.unwrap()
    }

    /// The transactions as of a commit.
    async fn listed_at(&self, point: &str) -> String {
        let as_of = Some(point.parse().unwrap());
        let context = Context { as_of, ..Context::new("own".parse().unwrap()) };
        let all = json!({"limit": 500});
        self.call(context, "transactions.list", None, all).await.unwrap().to_string()
    }

    /// The same by a member, for a reason and with a key, both of which hold the bird.
    async fn member(&self, number: usize, verb: &str, id: Option<&str>, request: Value) -> Value {
        let actor = member(number).parse().unwrap();
        let key = Hash::of(&[verb.as_bytes(), request.to_string().as_bytes()]);
        let reason = Some(format!("for {}", bird(number)));
        let idempotency_key = Some(format!("{number}-{key}"));
        let context = Context { reason, idempotency_key, ..Context::new(actor) };
        self.call(context, verb, id, request).await.unwrap()
    }

    /// Everything in which a member may leave a text, and what others make of it. Returns the
    /// member's transaction.
    async fn sing(&self, number: usize) -> String {
        let (bird, actor) = (bird(number), member(number));
        let new = json!({"actor": actor, "role": "member", "name": format!("{bird} née Bird")});
        self.owner("members.put", None, new).await;
        let payee = json!({"name": format!("{bird} & sons"), "aliases": [bird]});
        self.member(number, "payees.create", None, payee).await;
        let condition = json!({"kind": "text", "field": "description", "op": "contains",
            "values": [format!("shop{number}."), bird]});
        let actions = json!([{"kind": "set_payee", "payee": format!("{bird} & sons")},
            {"kind": "add_tag", "tag": format!("{bird}-tag")},
            {"kind": "append_notes", "notes": format!("{bird} says $$ $0")},
            {"kind": "flag", "reason": format!("look, {bird}")}]);
        let rule = json!({"name": bird, "condition": condition, "actions": actions});
        self.member(number, "rules.create", None, rule).await;
        let budget = json!({"name": bird, "tags": [bird], "limit": "10.00"});
        self.member(number, "budgets.create", None, budget).await;
        let day = 1 + number % 9;
        let import = NewImport {
            content: format!("Date;Amount;Description\n2026-03-0{day};-1.00;shop{number}.\n")
                .into(),
            file_name: Some(format!("{bird}.csv")),
            account_id: Some(self.account.parse().unwrap()),
            ..NewImport::default()
        };
        let context = Context::new(actor.parse().unwrap());
        self.engine.book(self.id, context).imports().create(import).await.unwrap();
        let new = json!({"account_id": self.account, "booking_date": "2026-03-01",
            "amount": "-3.00", "description": format!("{bird} BY HAND"),
            "payee": format!("{bird} GmbH"), "notes": format!("{bird} notes"), "tags": [bird],
            "reference": bird, "external_id": bird, "metadata": {bird.as_str(): bird},
            "attachments": [{"name": format!("{bird}.jpg"), "media_type": "image/jpeg",
                "digest": "00".repeat(32)}],
            "splits": [{"amount": "-1.00", "category_id": self.category, "notes": bird},
                {"amount": "-2.00"}]});
        let id = text(&self.member(number, "transactions.create", None, new).await);
        // Others carry it on.
        let sorted = json!({"ids": [id], "category_id": self.category});
        self.owner("transactions.recategorise", None, sorted).await;
        self.owner("rules.apply", None, Value::Null).await;
        id
    }

    /// All that can be asked of the book, and all that the store keeps of its history, as one text.
    async fn told(&self) -> String {
        let mut told = String::new();
        for format in ["json", "csv", "hledger", "beancount", "ofx"] {
            let export = self.owner("exports.create", None, json!({"format": format})).await;
            told += &export.to_string();
        }
        for verb in ["members.list", "rules.list", "insights.list", "budgets.list", "payees.list"] {
            told += &self.owner(verb, None, Value::Null).await.to_string();
        }
        let top = json!({"from": "2026-01-01", "to": "2026-12-31"});
        told += &self.owner("reports.top_payees", None, top).await.to_string();
        let history = json!({"limit": 500});
        told += &self.owner("history.list", None, history).await.to_string();
        told + &stored(&*self.store, self.id).await
    }
}

/// What a store keeps of a book beside rows: its history, answers and reasons.
async fn stored(store: &dyn Store, id: BookId) -> String {
    let mut told = String::new();
    for commit in store.commits(id, 0, u32::MAX).await.unwrap() {
        let header: Value = serde_json::from_slice(&commit.header).unwrap();
        if let Some(key) = header["idempotency_key"].as_str() {
            let answered = store.answered(id, key).await.unwrap().unwrap();
            told += &String::from_utf8_lossy(&answered.answer);
        }
        told += &String::from_utf8_lossy(&commit.header);
        told += &String::from_utf8_lossy(&commit.body);
        told += &String::from_utf8_lossy(&commit.texts);
    }
    let all = SetAsideQuery { limit: u32::MAX, ..SetAsideQuery::default() };
    told + &format!("{:?}", store.set_aside(id, "hooks", &all).await.unwrap())
}

/// A commit as it was handed to a store, with its answer.
async fn as_written(store: &dyn Store, book_id: BookId, stored: StoredCommit) -> Commit {
    let changes = stored.changes().unwrap();
    let header: Value = serde_json::from_slice(&stored.header).unwrap();
    let mut idempotency = None;
    if let Some(key) = header["idempotency_key"].as_str() {
        let given = store.answered(book_id, key).await.unwrap().unwrap();
        let (request_salt, request_digest) = (given.request_salt, given.request_digest);
        let (key, answer) = (key.to_owned(), given.answer);
        idempotency = Some(Idempotency { key, request_salt, request_digest, answer });
    }
    Commit { book_id, stored, idempotency, changes, nodes: Vec::new() }
}

fn text(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}
