//! An import that is taken back while something else happens to the book.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use fiscaflow_core::conformance::{SequentialIds, Tap, Tapped, fsck};
use fiscaflow_core::engine::{Engine, NewImport};
use fiscaflow_core::store::Store;
use fiscaflow_core::{Error, Result};
use fiscaflow_store::MemoryStore;
use serde_json::{Value, json};

use super::{Request, World};

fn request(verb: &'static str, id: Option<&str>, request: Value) -> Request {
    Request { verb, id: id.map(str::to_owned), request }
}

/// A book in which one transaction stands for a row of an import, and was made by another one that
/// is taken back; one more was changed since it came.
struct Home {
    world: World,
    import_id: String,
    /// Of the commit that made it.
    made: u64,
    /// Of the commit of the import.
    imported: u64,
    changed: String,
}

impl Home {
    async fn new() -> Self {
        let world = World::new(Arc::new(MemoryStore::new()), 1).await;
        let account = request("accounts.create", None, json!({"name": "Giro"}));
        let account_id = world.run(&account).await.unwrap()["id"].clone();
        let import = async |rows: &str| {
            let new = NewImport {
                content: format!("Date;Amount;Description\n{rows}").into(),
                account_id: serde_json::from_value(account_id.clone()).unwrap(),
                ..NewImport::default()
            };
            let new = request("imports.create", None, serde_json::to_value(new).unwrap());
            let report = world.run(&new).await.unwrap();
            report["import_id"].as_str().unwrap().to_owned()
        };
        let first = import("2024-03-01;-10.00;BREAD\n").await;
        let made = world.seq().await;
        let import_id = import("2024-03-01;-10.00;BAKER\n2024-03-02;-2.00;MILK\n").await;
        let imported = world.seq().await;
        let list = request("transactions.list", None, json!({}));
        let listed = world.ask(&list, None).await.unwrap();
        let id_of = |text: &str| {
            let mut items = listed["items"].as_array().unwrap().iter();
            let found = items.find(|it| it["description"] == text).unwrap();
            found["id"].as_str().unwrap().to_owned()
        };
        let (bread, baker, changed) = (id_of("BREAD"), id_of("BAKER"), id_of("MILK"));
        let merge = request("transactions.merge", Some(&bread), json!({"absorbed_id": baker}));
        world.run(&merge).await.unwrap();
        world.run(&request("imports.undo", Some(&first), Value::Null)).await.unwrap();
        Self { world, import_id, made, imported, changed }
    }

    fn undo(&self) -> Request {
        request("imports.undo", Some(&self.import_id), Value::Null)
    }

    fn deeds(&self) -> [Request; 5] {
        let seal = |until: u64| request("books.seal", None, json!({"until": until.to_string()}));
        let patch = json!({"notes": "seen"});
        [
            seal(self.made),
            seal(self.imported),
            request("books.erase_texts", None, Value::Null),
            request("transactions.update", Some(&self.changed), patch),
            request("transactions.delete", Some(&self.changed), Value::Null),
        ]
    }

    /// What was answered, and what is in the book then.
    async fn left(&self, answer: Result<Value, Error>) -> Value {
        let answer = answer.unwrap_or_else(|error| json!(error.code().as_str()));
        let mut all = Vec::new();
        for deleted in [false, true] {
            let list = request("transactions.list", None, json!({"deleted": deleted}));
            let mut list = self.world.ask(&list, None).await.unwrap();
            for item in list["items"].as_array_mut().unwrap() {
                item["revision"] = Value::Null;
            }
            all.push(list);
        }
        fsck(&*self.world.store, self.world.book_id).await;
        json!([answer, all])
    }
}

/// A store in which something happens to the book before one of the calls.
#[derive(Debug)]
struct Overtaken {
    world: World,
    deed: Request,
    left: AtomicI64,
}

#[async_trait]
impl Tap for Overtaken {
    async fn before(&self, _call: &'static str) -> Result<Arc<dyn Store>> {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            // In a task of its own, as the stack is small.
            let (world, deed) = (self.world.clone(), self.deed.clone());
            let done = tokio::spawn(async move { world.ask(&deed, None).await });
            done.await.unwrap().unwrap();
        }
        Ok(Arc::clone(&self.world.store))
    }
}

#[tokio::test]
async fn an_import_is_taken_back_as_the_book_is_then() {
    // Holds: whatever happens to the book while an import is taken back, seals and erasures of what
    // was read for it too, it ends as if that had happened before.
    let removed = |count: u32| json!(count);
    let told = [removed(1), json!("not_undoable"), removed(2), removed(2), removed(2)];
    for (number, told) in told.into_iter().enumerate() {
        let before = Home::new().await;
        before.world.ask(&before.deeds()[number], None).await.unwrap();
        let expected = before.world.ask(&before.undo(), None).await;
        let expected = before.left(expected).await;
        let answer = expected[0].get("removed").unwrap_or(&expected[0]);
        assert_eq!(*answer, told, "{:?}", before.deeds()[number]);
        for calls in 0.. {
            let home = Home::new().await;
            let (world, deed) = (home.world.clone(), home.deeds()[number].clone());
            let tap = Arc::new(Overtaken { world, deed, left: AtomicI64::new(calls) });
            let store: Arc<dyn Store> = Arc::new(Tapped(Arc::clone(&tap)));
            let (clock, ids) = (home.world.clock.clone(), Arc::new(SequentialIds::new(2)));
            let engine = Engine::new(store, clock, ids);
            let through = World { engine, ..home.world.clone() };
            let undone = through.ask(&home.undo(), None).await;
            let ended = home.left(undone).await;
            if tap.left.load(Ordering::SeqCst) >= 0 {
                assert!(calls > 9, "every call was tried");
                break;
            }
            assert_eq!(ended, expected, "{:?} before call {calls}", home.deeds()[number]);
        }
    }
}
