//! Long histories of whatever a book allows: nothing in them is ever found.

use std::collections::BTreeMap;

use fiscaflow_core::conformance::Random;
use fiscaflow_core::store::{copy_book, verify_book};
use fiscaflow_store::{MemoryStore, backup, open, restore};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::book::Home;
use super::deep;
use super::outside::keep_view;

/// How many steps lie between two that go through the whole book.
const ROUND: usize = 400;

/// Steps through a book.
struct Walk {
    home: Home,
    random: Random,
    ids: Vec<Value>,
    /// Those that are or were sides of transfers.
    sides: Vec<Value>,
    steps: usize,
    /// How often each verb did what it was asked.
    done: BTreeMap<&'static str, usize>,
}

impl Walk {
    /// Asks for something: what the book refuses is left.
    async fn ask(&mut self, verb: &'static str, id: Option<&str>, request: Value) {
        let done = self.home.attempt(verb, id, request).await.is_ok();
        *self.done.entry(verb).or_default() += usize::from(done);
    }

    /// What a transaction comes to; of one that is gone, something.
    async fn amount_of(&self, id: Option<&str>) -> Decimal {
        let found = self.home.attempt("transactions.get", id, Value::Null).await;
        let found = found.unwrap_or_default();
        found["amount"]["value"].as_str().unwrap_or("-3.00").parse().unwrap()
    }

    /// Splits a transaction into parts that come to the whole.
    async fn split(&mut self, id: Option<&str>) {
        let (whole, first) = (self.amount_of(id).await, Decimal::new(-25, 2));
        let parts = json!([{"amount": first.to_string(), "category_id": self.home.food},
            {"amount": (whole - first).to_string()}]);
        let split = self.home.attempt("transactions.update", id, json!({"splits": parts})).await;
        *self.done.entry("transactions.update splits").or_default() += usize::from(split.is_ok());
    }

    /// Records a transaction once more and merges it into the first.
    async fn merge(&mut self, id: Option<&str>) {
        let amount = self.amount_of(id).await.to_string();
        let absorbed = json!({"absorbed_id": self.home.spend(&amount, "noch einmal").await});
        self.ask("transactions.merge", id, absorbed).await;
    }

    /// Commits something, mostly.
    async fn step(&mut self) {
        self.steps += 1;
        match self.steps % ROUND {
            50 => return self.ask("books.erase_texts", None, Value::Null).await,
            100 => return self.ask("rules.apply", None, Value::Null).await,
            150 => {
                self.home.seal(50).await;
                return *self.done.entry("books.seal").or_default() += 1;
            }
            _ => {}
        }
        let mut any = || self.random.pick(&self.ids).cloned().unwrap_or_default();
        let (some, other) = (any(), any());
        let id = some.as_str();
        let amount = format!("-{}.00", 1 + self.random.below(90));
        match self.random.below(400) {
            0..40 => self.ask("transactions.update", id, json!({"notes": amount})).await,
            40..50 => self.ask("transactions.delete", id, Value::Null).await,
            50..70 => {
                let sorted = json!({"ids": [some, other], "category_id": self.home.food});
                self.ask("transactions.recategorise", None, sorted).await;
            }
            70..80 => {
                let side = self.home.save("7.00").await;
                self.ids.push(side.clone());
                self.sides.push(side);
            }
            80..90 => self.split(id).await,
            90..100 => self.merge(id).await,
            100..110 => {
                let head = self.home.store.head(self.home.id).await.unwrap().unwrap().seq;
                let seq = head - self.random.below(5).min(head as usize - 1) as u64;
                self.ask("history.undo", Some(&seq.to_string()), json!({})).await;
            }
            110..120 => {
                let side = self.random.pick(&self.sides).cloned().unwrap_or_default();
                self.ask("transfers.remove", side.as_str(), Value::Null).await;
            }
            _ => {
                let text = format!("Kauf {}", self.random.below(50));
                let made = self.home.spend(&amount, &text).await;
                self.ids.push(made);
            }
        }
    }
}

#[tokio::test]
async fn a_long_history_is_clean() {
    // Holds: after a long row of random commits, a new start, a copy, a backup and its restoring,
    // nothing is found, though each kind of them was made; on request after 100,000 of them.
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let url = |name: &str| format!("sqlite:{}?durability=may_lose_last_commits", path(name));
    let home = Home::new(open(&url("books.db")).await.unwrap(), 1).await;
    home.fill().await;
    let (ids, sides, done) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut walk = Walk { home, random: Random::new(7), ids, sides, steps: 0, done };
    let commits = if deep() { 100_000 } else { 400 };
    // A view that is kept is moved on and compared, whatever came after it.
    for end in [commits - 60, commits] {
        while walk.home.store.head(walk.home.id).await.unwrap().unwrap().seq < end {
            walk.step().await;
        }
        if end < commits {
            keep_view(&walk.home).await;
        }
    }
    let Walk { home, ids, done, .. } = walk;
    assert!(done.values().all(|count| *count > 0) && done.len() == 10, "{done:?}");
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
    let (commits, transactions) = (found.commits, ids.len());
    println!("{commits} commits, {transactions} transactions, nothing found; {done:?}");
}
