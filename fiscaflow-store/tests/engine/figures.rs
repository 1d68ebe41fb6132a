//! Figures: a view that was kept current tells what one built afresh tells, on every store.

use std::sync::Arc;

use fiscaflow_core::engine::BookHandle;
use fiscaflow_core::model::Transaction;
use fiscaflow_core::store::Store;
use fiscaflow_store::open;
use serde_json::{Value, json};

use super::{Home, anna, engine, shape};

/// A generator that is the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth's MMIX generator; its higher digits are the better ones.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(all.len()).unwrap();
        (count > 0).then(|| &all[usize::try_from(self.below(count)).unwrap()])
    }

    fn cents(&mut self) -> String {
        let cents = i64::try_from(self.below(20_000)).unwrap() - 15_000;
        let sign = if cents < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
    }

    fn day(&mut self) -> String {
        format!("2026-{:02}-{:02}", 1 + self.below(5), 1 + self.below(28))
    }
}

/// Everything that reports tell, as JSON.
async fn told(book: &BookHandle) -> Vec<Value> {
    let span = json!({"from": "2026-02-03", "to": "2026-04-17"});
    let days = json!({"from": "2026-02-03", "to": "2026-03-02", "step": "day"});
    let reports = book.reports();
    fn value<T: serde::Serialize>(rows: fiscaflow_core::Result<T>) -> Value {
        serde_json::to_value(rows.unwrap()).unwrap()
    }
    vec![
        value(reports.spending(shape(json!({}))).await),
        value(reports.spending(shape(json!({"from": "2026-02", "to": "2026-03"}))).await),
        value(reports.balances(shape(json!({}))).await),
        value(reports.balances(shape(span.clone())).await),
        value(reports.cash_flow(shape(json!({}))).await),
        value(reports.net_worth(shape(span.clone())).await),
        value(reports.net_worth(shape(days)).await),
        value(reports.top_payees(shape(json!({}))).await),
        value(reports.top_payees(shape(span)).await),
    ]
}

/// One thing that happens to a book.
async fn step(
    home: &Home,
    categories: &[Value],
    known: &mut Vec<Transaction>,
    chance: &mut Chance,
) {
    let transactions = home.book.transactions();
    let one = chance.of(known).map(|it| it.id);
    match (chance.below(10), one) {
        (0, Some(id)) => {
            transactions.delete(id).await.unwrap();
            known.retain(|it| it.id != id);
        }
        (1, Some(id)) => {
            let patch =
                json!({"booking_date": chance.day(), "amount": chance.cents(), "splits": []});
            transactions.update(id, shape(patch)).await.unwrap();
        }
        (2, Some(id)) => {
            let status = chance.of(&["void", "pending", "posted"]).unwrap();
            transactions.update(id, shape(json!({"status": status}))).await.unwrap();
        }
        (3, Some(id)) => {
            let category = chance.of(categories).unwrap();
            let patch = json!({"category_id": category, "tags": ["x"], "payee": "Kiosk"});
            transactions.update(id, shape(patch)).await.unwrap();
        }
        (4, Some(id)) => {
            let patch = json!({"amount": "-30", "splits": [
                {"amount": "-40", "category_id": categories[0]}, {"amount": "10"}]});
            transactions.update(id, shape(patch)).await.unwrap();
        }
        _ => {
            let payee = chance.of(&["Kiosk", "Cobbler", "Employer"]).unwrap();
            let category = chance.of(categories).unwrap();
            let further = json!({"payee": payee, "category_id": category});
            known.push(home.record(&chance.day(), &chance.cents(), further).await);
        }
    }
}

async fn stay_current(url: &str) {
    for seed in 0..6 {
        let store: Arc<dyn Store> = open(url).await.unwrap();
        let home = Home::over(Arc::clone(&store)).await;
        let mut categories = vec![Value::Null];
        for kind in ["expense", "income"] {
            let new = shape(json!({"name": kind, "kind": kind}));
            let category = home.book.categories().create(new).await.unwrap();
            categories.insert(0, json!(category.id));
        }
        // Another process on the same store: it learns of commits by reading them.
        let other = engine(Arc::clone(&store)).book(home.id, anna());
        let (mut known, mut chance) = (Vec::new(), Chance(seed));
        for number in 0..60 {
            step(&home, &categories, &mut known, &mut chance).await;
            if number % 7 == 0 {
                let afresh = engine(Arc::clone(&store)).book(home.id, anna());
                let expected = told(&afresh).await;
                assert_eq!(told(&home.book).await, expected, "seed {seed}, step {number}");
                assert_eq!(told(&other).await, expected, "seed {seed}, step {number}");
            }
        }
    }
}

#[tokio::test]
async fn figures_stay_current_in_memory() {
    // Holds: whatever is recorded, changed, deleted, made void or split, every report of an engine
    // that was there all along, and of one that reads the commits of others, is a fresh one's.
    stay_current("memory:").await;
}

#[tokio::test]
async fn figures_stay_current_on_sqlite() {
    // Holds: the same on SQLite.
    stay_current("sqlite::memory:").await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn figures_stay_current_on_postgres() {
    // Holds: the same on PostgreSQL.
    stay_current(&super::throwaway::postgres::database().url).await;
}
