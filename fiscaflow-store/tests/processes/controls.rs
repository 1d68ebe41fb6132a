//! What the check is worth: histories by hand, each with one fault, and each fault is found.

use std::sync::Arc;

use fiscaflow_core::EventId;
use fiscaflow_core::conformance::SequentialIds;
use fiscaflow_core::engine::Engine;
use fiscaflow_core::log::{Change, CommitInfo, Draft, NewEvent};
use fiscaflow_core::model::Transaction;
use fiscaflow_core::store::Store;
use fiscaflow_store::MemoryStore;
use serde_json::json;
use uuid::Uuid;

use crate::deeds::{Answer, Deed, Record, book_id, perform, setting_up};
use crate::order::{Replay, clock, explain};

/// A book in memory, what was done in it, and a clock that goes on by one with each step.
struct Told {
    store: Arc<dyn Store>,
    engine: Engine,
    records: Vec<Record>,
}

const T: &str = "00000001-0000-7000-8000-000000000007";

impl Told {
    /// A book with a transaction.
    async fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let ids = Arc::new(SequentialIds::new(9));
        let engine = Engine::new(Arc::clone(&store), clock(), ids);
        let mut told = Self { store, engine, records: Vec::new() };
        for deed in setting_up(0) {
            told.then(deed).await;
        }
        let account = told.records[1].deed.request.as_ref().unwrap()["id"].clone();
        let new = json!({
            "id": T, "account_id": account, "booking_date": "2026-03-05", "amount": "-5",
        });
        told.then(deed("transactions.create", None, new)).await;
        told
    }

    /// Does it once everything before has ended.
    async fn then(&mut self, deed: Deed) {
        let number = self.records.len();
        let (name, time) = (number.to_string(), 10 * number as u64);
        let answer = perform(&self.engine, 0, &name, &deed).await;
        let (invoked, returned) = (time, time + 5);
        let record = Record { name, book: 0, deed, invoked, returned, tries: 1, answer };
        self.records.push(record);
    }

    async fn transaction(&self) -> Transaction {
        let ids = [T.parse().unwrap()];
        self.store.transactions(book_id(0), &ids).await.unwrap().pop().unwrap()
    }

    async fn explained(&self) -> Result<(), String> {
        let log = self.store.commits(book_id(0), 0, u32::MAX).await.unwrap();
        explain(&log, &self.records, &Replay::new()).await.map(|_| ())
    }

    async fn found(&self, fault: &str) {
        let said = self.explained().await.unwrap_err();
        assert!(said.contains(fault), "{said}");
    }
}

fn deed(verb: &str, id: Option<&str>, request: serde_json::Value) -> Deed {
    let id = id.map(str::to_owned);
    Deed { verb: verb.to_owned(), id, request: Some(request), key: None }
}

fn change(what: serde_json::Value) -> Deed {
    deed("transactions.update", Some(T), what)
}

#[tokio::test]
async fn a_history_without_fault_is_explained() {
    // Holds: the controls below fail for their fault alone.
    let mut told = Told::new().await;
    told.then(change(json!({"tags": ["a"]}))).await;
    told.then(deed("reports.balances", None, json!({}))).await;
    told.then(change(json!({"notes": "b"}))).await;
    told.then(deed("transactions.get", Some("00000000-0000-7000-8000-000000000000"), json!({})))
        .await;
    told.explained().await.unwrap();
}

#[tokio::test]
async fn an_order_against_real_time_is_found() {
    // Holds: of two changes the log has first the one that began after the other had ended.
    let mut told = Told::new().await;
    told.then(change(json!({"tags": ["a"]}))).await;
    told.then(change(json!({"notes": "b"}))).await;
    let last = told.records.len() - 1;
    let times = |record: &Record| (record.invoked, record.returned);
    let (one, other) = (times(&told.records[last - 1]), times(&told.records[last]));
    (told.records[last].invoked, told.records[last].returned) = one;
    (told.records[last - 1].invoked, told.records[last - 1].returned) = other;
    told.found("had ended before").await;
    // At the same time either order will do.
    told.records[last].returned = other.1;
    told.explained().await.unwrap();
}

#[tokio::test]
async fn a_lost_update_is_found() {
    // Holds: a change that was decided on an older state and written over a newer one is found,
    // though every hash fits.
    let mut told = Told::new().await;
    let old = told.transaction().await;
    told.then(change(json!({"tags": ["a"]}))).await;
    let head = told.store.head(book_id(0)).await.unwrap();
    let after = Transaction { notes: Some("b".to_owned()), ..old.clone() };
    let name = told.records.len().to_string();
    let info = CommitInfo {
        actor: "anna".parse().unwrap(),
        at: "2026-12-31T10:00:00Z".parse().unwrap(),
        action: "transactions.update".to_owned(),
        reason: None,
        correlation_id: Some(name),
        causation_id: None,
    };
    let event = NewEvent::new(
        EventId::new(Uuid::from_u128(1)),
        "ledger.transaction.updated",
        "transaction",
        T,
    );
    let draft = Draft {
        book_id: book_id(0),
        parent: head,
        info,
        changes: vec![Change::update(old, after.clone())],
        events: vec![event],
        idempotency: None,
    };
    let commit = Arc::new(draft.seal(&SequentialIds::new(8)).unwrap());
    told.store.commit(commit).await.unwrap();
    let (number, time) = (told.records.len(), 10 * told.records.len() as u64);
    told.records.push(Record {
        name: number.to_string(),
        book: 0,
        deed: change(json!({"notes": "b"})),
        invoked: time,
        returned: time + 5,
        tries: 1,
        answer: Answer::Done(serde_json::to_value(&after).unwrap()),
    });
    told.found("was answered, it is").await;
}

#[tokio::test]
async fn a_stale_read_is_found() {
    // Holds: a read that began after a change had ended and does not show it has no place.
    let mut told = Told::new().await;
    let get = || Deed { request: None, ..deed("transactions.get", Some(T), json!(null)) };
    told.then(get()).await;
    let before = told.records.last().unwrap().answer.clone();
    told.then(change(json!({"tags": ["a"]}))).await;
    told.then(get()).await;
    told.explained().await.unwrap();
    let stale = told.records.len() - 1;
    told.records[stale].answer = before;
    told.found("has no place").await;
    // Had it begun before the change ended, it would have one.
    told.records[stale].invoked = told.records[stale - 1].returned;
    told.explained().await.unwrap();
    // Followed by a change it is found there.
    told.records[stale].invoked += 1;
    told.then(change(json!({"notes": "b"}))).await;
    told.found("had ended before").await;
}

#[tokio::test]
async fn an_effect_that_nobody_asked_for_is_found() {
    // Holds: a commit without a caller, and one whose caller was told that it was refused.
    let mut told = Told::new().await;
    told.then(change(json!({"tags": ["a"]}))).await;
    let whole = told.records.pop().unwrap();
    told.found("nobody made").await;
    told.records.push(Record { answer: Answer::Refused("not_found".to_owned()), ..whole });
    told.found("was answered, it is").await;
}
