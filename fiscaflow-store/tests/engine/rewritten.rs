//! A store that changes under a running engine: its history was replaced by a backup or by another
//! copy, it fails for a while, or somebody else is always faster.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use fiscaflow_core::conformance::{Tap, Tapped};
use fiscaflow_core::limits::MAX_ATTEMPTS;
use fiscaflow_core::model::{NewAccount, NewBook};
use fiscaflow_core::store::Store;
use fiscaflow_core::{BookId, Error, ErrorCode, Result};
use fiscaflow_store::MemoryStore;
use serde_json::json;

use super::{anna, engine, shape};

/// A store that can be exchanged for another, and whose documents can be out of reach.
#[derive(Debug)]
struct Replaced {
    store: RwLock<Arc<dyn Store>>,
    fails: AtomicBool,
    /// So many commits come too late.
    late: AtomicU32,
}

impl Replaced {
    fn new(store: Arc<dyn Store>) -> Arc<Self> {
        let (fails, late) = (AtomicBool::new(false), AtomicU32::new(0));
        Arc::new(Self { store: RwLock::new(store), fails, late })
    }
}

#[async_trait]
impl Tap for Replaced {
    async fn before(&self, call: &'static str) -> Result<Arc<dyn Store>> {
        if call == "documents" && self.fails.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorCode::StoreUnavailable, "the store is busy"));
        }
        let one_less = |late: u32| late.checked_sub(1);
        let late = || self.late.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
        if call == "commit" && late().is_ok() {
            return Err(Error::new(ErrorCode::Conflict, "the book has moved on"));
        }
        Ok(Arc::clone(&self.store.read().unwrap()))
    }
}

/// A store in which the book has accounts of these names.
async fn store_with(id: BookId, names: &[&str]) -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = engine(Arc::clone(&store));
    let new = NewBook { id: Some(id), name: "Home".to_owned(), ..NewBook::new("EUR") };
    engine.books(anna()).create(new).await.unwrap();
    for name in names {
        let new = NewAccount { name: (*name).to_owned(), ..NewAccount::default() };
        engine.book(id, anna()).accounts().create(new).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_replaced_history_is_read_afresh() {
    // Holds: an engine that kept the former history in memory answers from the one that is there,
    // be it longer, shorter or as long, with figures and without, and writes on it, whether it
    // wrote on the former one or did not.
    let id: BookId = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
    for names in [&["A", "B", "C"][..], &["A"], &["D", "E"]] {
        for first in ["a list", "figures", "a write", "another write"] {
            let store = Replaced::new(store_with(id, &["X", "Y"]).await);
            let engine = engine(Arc::new(Tapped(Arc::clone(&store))));
            let book = engine.book(id, anna());
            book.reports().balances(shape(json!({}))).await.unwrap();
            let write = async || book.accounts().create(shape(json!({"name": "new"}))).await;
            if first == "another write" {
                write().await.unwrap();
            }
            let next = store_with(id, names).await;
            *store.store.write().unwrap() = next;
            let mut names = names.to_vec();
            if first.ends_with("write") {
                write().await.unwrap();
                names.push("new");
            }
            if first == "figures" {
                let balances = book.reports().balances(shape(json!({}))).await.unwrap();
                assert_eq!(balances.len(), names.len());
            }
            let mut found: Vec<String> =
                book.accounts().list().await.unwrap().into_iter().map(|it| it.name).collect();
            found.sort();
            assert_eq!(found, names);
            book.accounts().create(shape(json!({"name": "newer"}))).await.unwrap();
            assert!(book.history().verify().await.unwrap().verified);
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_is_no_taken_id() {
    // Holds: a book that cannot be looked at just now is `store_unavailable`, so that whoever makes
    // it again tries again; once the store answers, a repeat gives the book that is there.
    let id: BookId = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
    let store = Replaced::new(store_with(id, &[]).await);
    let engine = engine(Arc::new(Tapped(Arc::clone(&store))));
    let new = || NewBook { id: Some(id), name: "Home".to_owned(), ..NewBook::new("EUR") };
    store.fails.store(true, Ordering::SeqCst);
    let error = engine.books(anna()).create(new()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    store.fails.store(false, Ordering::SeqCst);
    assert_eq!(engine.books(anna()).create(new()).await.unwrap().id, id);
}

#[tokio::test]
async fn a_write_is_decided_so_often_and_no_more() {
    // Holds: a writer that comes too late decides again until it has done so `MAX_ATTEMPTS` times,
    // then the caller hears of it.
    let id: BookId = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
    let store = Replaced::new(store_with(id, &[]).await);
    let book = engine(Arc::new(Tapped(Arc::clone(&store)))).book(id, anna());
    for (late, made) in [(MAX_ATTEMPTS - 1, true), (MAX_ATTEMPTS, false)] {
        store.late.store(late, Ordering::SeqCst);
        let created = book.accounts().create(shape(json!({"name": format!("{late}")}))).await;
        assert_eq!(store.late.load(Ordering::SeqCst), 0);
        match created {
            Ok(_) => assert!(made),
            Err(error) => assert_eq!((error.code(), made), (ErrorCode::Conflict, false)),
        }
    }
}
