//! Who decided what, over the books of all scenarios: every derived field has one winner in its
//! explanation, and what a person chose survives whatever rules, models and imports do.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use fiscaflow_core::api;
use fiscaflow_core::conformance::scenarios::{SECRET_KEYS, Scenario, StepCall, StepError, run};
use fiscaflow_core::engine::{BookHandle, Context, Engine};
use fiscaflow_core::model::{Document, Role, Source, SourceKind, Transaction};
use fiscaflow_core::secrets::KeyRing;
use fiscaflow_core::store::{PageRequest, Store, TransactionQuery};
use fiscaflow_core::{BookId, TransactionId};
use fiscaflow_store::{MemoryStore, RandomIds, SystemClock};
use serde_json::{Value, json};

/// Nouns whose verbs are a person's own word on single transactions, or take it back.
const BY_HAND: [&str; 3] = ["transactions", "transfers", "history"];

fn scenarios() -> BTreeMap<String, Scenario> {
    Scenario::read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")).unwrap()
}

fn engine(store: &Arc<MemoryStore>) -> Engine {
    let ids = Arc::new(RandomIds::new().unwrap());
    let keys: KeyRing = SECRET_KEYS.parse().unwrap();
    let engine = Engine::new(Arc::clone(store) as Arc<dyn Store>, Arc::new(SystemClock), ids);
    engine.with_keys(Arc::new(keys))
}

async fn all(store: &MemoryStore, book_id: BookId) -> BTreeMap<TransactionId, Transaction> {
    let request = PageRequest { query: TransactionQuery::default(), after: None, limit: u32::MAX };
    let page = store.page(book_id, &request).await.unwrap();
    page.into_iter().map(|it| (it.id, it)).collect()
}

/// A transaction's derived fields: the value, and who set it.
fn derived(it: &Transaction) -> [(&'static str, Value, Option<&Source>); 7] {
    [
        ("category", json!([it.category_id, it.splits]), it.category_source.as_ref()),
        ("payee", json!(it.payee), it.payee_source.as_ref()),
        ("tags", json!(it.tags), it.tags_source.as_ref()),
        ("notes", json!(it.notes), it.notes_source.as_ref()),
        ("status", json!(it.status), it.status_source.as_ref()),
        ("schedule", json!(it.schedule_id), it.schedule_source.as_ref()),
        ("goal", json!(it.goal_id), it.goal_source.as_ref()),
    ]
}

/// What persons chose for transactions that are still there is as it was.
fn assert_kept(
    before: &BTreeMap<TransactionId, Transaction>,
    after: &BTreeMap<TransactionId, Transaction>,
    at: &str,
) -> usize {
    let mut kept = 0;
    for (id, before) in before {
        let Some(after) = after.get(id) else { continue };
        for (was, is) in derived(before).iter().zip(&derived(after)) {
            if was.2.is_some_and(|source| source.kind == SourceKind::User) {
                assert_eq!(was, is, "{at}: a person's choice of {id} was changed");
                kept += 1;
            }
        }
    }
    kept
}

/// Each field that has a value, or that somebody emptied, has exactly one winner: who set it, to
/// what it is. What has no source came with the bank's row, or with who recorded it.
async fn assert_explained(book: &BookHandle, it: &Transaction, at: &str) -> BTreeSet<SourceKind> {
    let explained = book.transactions().explain(it.id).await.unwrap();
    let mut kinds = BTreeSet::new();
    let mut winner = |field: &str, value: Option<&str>, source: Option<&Source>| {
        if value.is_none() && source.is_none() {
            return;
        }
        let value = value.unwrap_or_default();
        let won: Vec<_> = explained
            .candidates
            .iter()
            .filter(|one| one.won && one.field == field && (field != "tags" || one.value == value))
            .collect();
        assert_eq!(won.len(), 1, "{at}: winners of {field} of {}: {explained:?}", it.id);
        let won = won.first().unwrap();
        assert_eq!(won.value, value, "{at}: {field}");
        assert_eq!(&won.source, source.unwrap_or(&won.source), "{at}: {field}");
        assert!(!won.why.is_empty(), "{at}: {field}");
        let learned = won.source.kind == SourceKind::Learned;
        assert!(!learned || !won.evidence.is_empty(), "{at}: no evidence for {field}");
        kinds.insert(won.source.kind);
    };
    let parts: Vec<String> =
        it.splits.iter().map(|part| part.amount.amount().to_string()).collect();
    let category = it.category_id.map(|id| id.to_string());
    match parts.is_empty() {
        true => winner("category", category.as_deref(), it.category_source.as_ref()),
        false => winner("splits", Some(&parts.join(" ")), it.category_source.as_ref()),
    }
    winner("payee", it.payee.as_deref(), it.payee_source.as_ref());
    winner("notes", it.notes.as_deref(), it.notes_source.as_ref());
    winner("status", json!(it.status).as_str(), it.status_source.as_ref());
    let schedule = it.schedule_id.map(|id| id.to_string());
    winner("schedule", schedule.as_deref(), it.schedule_source.as_ref());
    let goal = it.goal_id.map(|id| id.to_string());
    winner("goal", goal.as_deref(), it.goal_source.as_ref());
    it.tags.iter().for_each(|tag| winner("tags", Some(tag), None));
    kinds
}

/// The book as its owner sees it.
async fn owned(store: &MemoryStore, engine: &Engine, book_id: BookId) -> BookHandle {
    let (_, documents) = store.documents(book_id).await.unwrap().unwrap();
    let owner = documents.into_iter().find_map(|document| match document {
        Document::Member(member) if member.role == Role::Owner => Some(member.actor),
        _ => None,
    });
    engine.book(book_id, Context::new(owner.unwrap()))
}

/// In every scenario, after every step that is not a person's word on single transactions.
#[tokio::test]
async fn what_a_person_chose_survives_rules_models_and_imports() {
    let mut kept = BTreeMap::new();
    for (file, scenario) in scenarios() {
        let store = Arc::new(MemoryStore::new());
        let engine = engine(&store);
        run(&scenario, async |call: StepCall| {
            let (noun, at) = (noun(&call.verb), format!("{file}: {}", call.verb));
            let book_id = call.book_id.as_deref().and_then(|id| id.parse().ok());
            let call = call.into_call().map_err(StepError::from)?;
            // With what it was linked to a person's link goes.
            let unlinks = ["goals.delete", "schedules.delete"].contains(&call.verb.as_str());
            // What an owner has erased is gone, whoever chose it.
            let erases = ["books.erase_texts", "members.erase"].contains(&call.verb.as_str());
            let by_hand = unlinks || erases || BY_HAND.contains(&noun.as_str());
            let Some(book_id) = book_id.filter(|_| !by_hand) else {
                return api::call(&engine, call).await.map_err(StepError::from);
            };
            let before = all(&store, book_id).await;
            let answer = api::call(&engine, call).await;
            *kept.entry(noun).or_insert(0) +=
                assert_kept(&before, &all(&store, book_id).await, &at);
            answer.map_err(StepError::from)
        })
        .await
        .unwrap();
    }
    for noun in ["rules", "suggestions", "imports"] {
        assert!(kept.get(noun).is_some_and(|kept| *kept > 20), "too little was at stake: {kept:?}");
    }
}

/// In every book that a scenario leaves.
#[tokio::test]
async fn every_derived_field_has_a_winner() {
    let mut kinds = BTreeSet::new();
    for (file, scenario) in scenarios() {
        let store = Arc::new(MemoryStore::new());
        let engine = engine(&store);
        let mut books: BTreeSet<BookId> = BTreeSet::new();
        run(&scenario, async |call: StepCall| {
            books.extend(call.book_id.as_deref().and_then(|id| id.parse::<BookId>().ok()));
            let call = call.into_call().map_err(StepError::from)?;
            api::call(&engine, call).await.map_err(StepError::from)
        })
        .await
        .unwrap();
        for book_id in books {
            if store.head(book_id).await.unwrap().is_none() {
                continue;
            }
            let book = owned(&store, &engine, book_id).await;
            for it in all(&store, book_id).await.values() {
                kinds.extend(assert_explained(&book, it, &file).await);
            }
        }
    }
    use SourceKind::{Learned, Provider, Rule, User};
    assert_eq!(kinds, BTreeSet::from([Provider, Learned, Rule, User]));
}

fn noun(verb: &str) -> String {
    verb.split('.').next().unwrap_or_default().to_owned()
}
