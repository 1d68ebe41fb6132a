//! Stores that fail in the middle, copies that came before, and forgeries.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fiscaflow_core::conformance::{Scribe, Tap, Tapped, fsck};
use fiscaflow_core::engine::{Context, Engine};
use fiscaflow_core::log::{ErasedTexts, Erasure};
use fiscaflow_core::store::{Store, copy_book, verify_book};
use fiscaflow_core::{BookId, Error, ErrorCode, Result};
use fiscaflow_store::MemoryStore;
use serde_json::json;

use super::{Home, bird, member, stored};

/// A store that fails at one call.
#[derive(Debug)]
pub struct Failing {
    pub store: Arc<dyn Store>,
    /// How many calls go well before that.
    pub left: AtomicI64,
}

#[async_trait]
impl Tap for Failing {
    async fn before(&self, _call: &'static str) -> Result<Arc<dyn Store>> {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(Error::new(ErrorCode::StoreUnavailable, "the store is away"));
        }
        Ok(Arc::clone(&self.store))
    }
}

#[tokio::test]
async fn a_store_that_fails_has_erased_all_or_nothing() {
    // Holds: at whichever call the store fails, the texts are all there or all gone, and the same
    // request, repeated, ends what was begun.
    for fails_at in 0.. {
        let home = Home::over(Arc::new(MemoryStore::new())).await;
        home.sing(1).await;
        let inner = Arc::clone(&home.store);
        let failing = Failing { store: Arc::clone(&inner), left: AtomicI64::new(fails_at) };
        let tapped: Arc<dyn Store> = Arc::new(Tapped(Arc::new(failing)));
        let through = Home { engine: super::engine(&tapped), store: tapped, ..home };
        let keyed = || Context {
            idempotency_key: Some("once".to_owned()),
            ..Context::new("own".parse().unwrap())
        };
        let how = || json!({"entered_texts": true});
        let one = member(1);
        let erased = through.call(keyed(), "members.erase", Some(&one), how()).await;
        fsck(&*inner, through.id).await;
        if erased.is_ok() {
            assert!(fails_at > 4, "every call was tried");
            return;
        }
        through.call(keyed(), "members.erase", Some(&one), how()).await.unwrap();
        assert!(!through.told().await.contains(&bird(1)), "failed at {fails_at}");
        fsck(&*inner, through.id).await;
    }
}

#[tokio::test]
async fn a_copy_from_before_is_erased_too() {
    // Holds: a copy that has the texts loses them with the next copy, through several erasures of
    // each kind, and has the same history then.
    for whole in [false, true] {
        let home = Home::over(Arc::new(MemoryStore::new())).await;
        home.sing(1).await;
        home.sing(2).await;
        let copy: Arc<dyn Store> = Arc::new(MemoryStore::new());
        copy_book(&*home.store, &*copy, home.id).await.unwrap();
        let how = json!({"entered_texts": true});
        home.owner("members.erase", Some(&member(1)), how.clone()).await;
        home.sing(3).await;
        if whole {
            home.owner("books.erase_texts", None, serde_json::Value::Null).await;
            home.sing(4).await;
        }
        home.owner("members.erase", Some(&member(2)), how).await;
        home.owner("accounts.create", None, json!({"name": "later"})).await;
        copy_book(&*home.store, &*copy, home.id).await.unwrap();
        let told = stored(&*copy, home.id).await;
        assert!(!told.contains(&bird(1)) && !told.contains(&bird(2)));
        let all = |store: Arc<dyn Store>| async move { fsck(&*store, home.id).await };
        assert!(all(Arc::clone(&home.store)).await == all(copy).await);
    }
}

#[tokio::test]
async fn an_erasure_that_no_commit_tells_of_is_found() {
    // Holds: a history in which more texts are gone than its commits tell does not verify, and the
    // first commit that lacks one is named; so does one in which fewer are gone.
    for forged in [0, 2] {
        let store = MemoryStore::new();
        let mut scribe = Scribe::new(1);
        for _ in 0..3 {
            scribe.create(&store, vec![scribe.transaction("2024-01-01", 1)]).await;
        }
        let chosen = ErasedTexts::These([(2, vec![0])].into());
        let told = ErasedTexts::These((2..2 + forged).map(|seq| (seq, vec![0])).collect());
        let commit = scribe.erasure(&store, told, Vec::new()).await.commit;
        store.erase(Arc::new(Erasure { commit, texts: chosen })).await.unwrap();
        let verification = verify_book(&store, scribe.book_id).await.unwrap();
        assert_eq!((verification.verified, verification.broken_seq), (false, Some(2)));
    }
}

/// A store whose texts are erased once its head was read.
#[derive(Debug)]
struct Overtaken {
    store: Arc<dyn Store>,
    erases: Mutex<Option<Engine>>,
    id: BookId,
}

#[async_trait]
impl Tap for Overtaken {
    async fn before(&self, call: &'static str) -> Result<Arc<dyn Store>> {
        let erases = if call == "commits" { self.erases.lock().unwrap().take() } else { None };
        if let Some(engine) = erases {
            let own = Context::new("own".parse().unwrap());
            engine.book(self.id, own).erase_texts().await.unwrap();
        }
        Ok(Arc::clone(&self.store))
    }
}

#[tokio::test]
async fn an_erasure_during_a_check_is_no_alarm() {
    // Holds: a history whose texts go while it is checked, before the commit that tells of it is
    // seen, verifies.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    home.sing(1).await;
    let (store, id) = (Arc::clone(&home.store), home.id);
    let erases = Mutex::new(Some(home.engine.clone()));
    let overtaken: Arc<dyn Store> = Arc::new(Tapped(Arc::new(Overtaken { store, erases, id })));
    let before = home.store.head(id).await.unwrap().unwrap().seq;
    let found = verify_book(&*overtaken, id).await.unwrap();
    found.ok().unwrap();
    assert_eq!(found.commits, before + 1);
}
