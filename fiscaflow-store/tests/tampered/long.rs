//! Long histories of whatever a book allows: nothing in them is ever found.

use fiscaflow_core::conformance::Random;
use fiscaflow_core::store::{copy_book, verify_book};
use fiscaflow_store::{MemoryStore, backup, open, restore};
use serde_json::{Value, json};

use super::book::Home;
use super::deep;

/// Commits something: what the book refuses is left.
async fn commit(home: &Home, random: &mut Random, ids: &mut Vec<Value>) {
    let some = ids.get(random.below(ids.len().max(1))).cloned().unwrap_or_default();
    let other = ids.get(random.below(ids.len().max(1))).cloned().unwrap_or_default();
    let amount = format!("-{}.00", 1 + random.below(90));
    let of = |verb: &'static str, id: &Value, request: Value| {
        let id = id.as_str().unwrap_or_default().to_owned();
        async move { drop(home.attempt(verb, Some(&id), request).await) }
    };
    match random.below(400) {
        0..40 => of("transactions.update", &some, json!({"notes": amount})).await,
        40..50 => of("transactions.delete", &some, Value::Null).await,
        50..70 => {
            let sorted = json!({"ids": [some, other], "category_id": home.food});
            drop(home.attempt("transactions.recategorise", None, sorted).await);
        }
        107..112 => {
            let gone = home.attempt("transfers.remove", some.as_str(), Value::Null).await;
            drop(gone);
        }
        70..80 => ids.push(home.save("7.00").await),
        80..90 => {
            let parts = json!({"splits": [{"amount": "-1.00"}, {"amount": "-2.00"}]});
            of("transactions.update", &some, parts).await;
        }
        90..95 => of("transactions.merge", &some, json!({"absorbed_id": other})).await,
        95..105 => {
            let head = home.store.head(home.id).await.unwrap().unwrap().seq;
            let seq = head - random.below(5).min(head as usize - 1) as u64;
            of("history.undo", &json!(seq.to_string()), json!({})).await;
        }
        105 => drop(home.attempt("books.erase_texts", None, Value::Null).await),
        106 => drop(home.attempt("rules.apply", None, Value::Null).await),
        112 => home.seal(50).await,
        _ => ids.push(home.spend(&amount, &format!("Kauf {}", random.below(50))).await),
    }
}

#[tokio::test]
async fn a_long_history_is_clean() {
    // Holds: after a long row of random commits, a new start, a copy, a backup and its restoring,
    // nothing is found; on request after 100,000 of them.
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let url = |name: &str| format!("sqlite:{}?durability=may_lose_last_commits", path(name));
    let home = Home::new(open(&url("books.db")).await.unwrap(), 1).await;
    home.fill().await;
    let (mut random, mut ids) = (Random::new(7), Vec::new());
    let commits = if deep() { 100_000 } else { 400 };
    while home.store.head(home.id).await.unwrap().unwrap().seq < commits {
        commit(&home, &mut random, &mut ids).await;
    }
    let id = home.id;
    home.engine.close().await;

    let store = open(&url("books.db")).await.unwrap();
    let found = verify_book(&*store, id).await.unwrap();
    assert!(found.verified && found.commits >= commits, "{found:#?}");
    let copy = MemoryStore::new();
    copy_book(&*store, &copy, id).await.unwrap();
    let found = verify_book(&copy, id).await.unwrap();
    assert!(found.verified, "{found:#?}");

    backup(&store, path("backup.db")).await.unwrap();
    store.close().await;
    restore(path("backup.db"), &format!("sqlite:{}", path("again.db"))).await.unwrap();
    let store = open(&url("again.db")).await.unwrap();
    let found = verify_book(&*store, id).await.unwrap();
    assert!(found.verified && found.commits >= commits, "{found:#?}");
    println!("{} commits, {} transactions, nothing found", found.commits, ids.len());
}
