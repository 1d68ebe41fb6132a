//! Budgets: what is reached is announced, whatever made it so, and once.

use fiscaflow_core::BudgetId;
use serde_json::{Value, json};

use super::{Home, shape};

impl Home {
    async fn budget(&self, further: Value) -> BudgetId {
        let mut new = json!({"name": "Food", "thresholds": [80, 100]});
        for (name, value) in further.as_object().unwrap() {
            new[name] = value.clone();
        }
        self.book.budgets().create(shape(new)).await.unwrap().id
    }

    /// What was announced so far, in that order: month and threshold.
    async fn announced(&self) -> Vec<String> {
        let events = self.book.events().list(shape(json!({"limit": 500}))).await.unwrap();
        let crossed = events.iter().filter(|it| it.name == "planning.budget.threshold_crossed");
        crossed.map(|it| format!("{} {}", it.payload["month"], it.payload["threshold"])).collect()
    }

    /// In these months every budget has announced exactly what it reaches.
    async fn agrees(&self, months: &[&str]) {
        for month in months {
            let query = shape(json!({"month": month}));
            for state in self.book.budgets().state(query).await.unwrap() {
                assert_eq!(state.reached, state.announced, "{month}");
            }
        }
    }
}

const MONTHS: [&str; 3] = ["2026-02", "2026-03", "2026-04"];

#[tokio::test]
async fn a_budget_over_what_was_spent_announces_it() {
    // Holds: making a budget announces what each month reaches already, in the same commit, and
    // the next transaction announces nothing again.
    let home = Home::new().await;
    let food = home.category("Food", None).await.id;
    home.record("2026-02-01", "-79.99", json!({"category_id": food})).await;
    home.record("2026-03-01", "-80", json!({"category_id": food})).await;
    home.record("2026-04-01", "-150", json!({"category_id": food})).await;
    home.budget(json!({"category_ids": [food], "limit": "100"})).await;
    assert_eq!(home.announced().await, ["2026-03 80", "2026-04 80", "2026-04 100"]);
    home.agrees(&MONTHS).await;
    home.record("2026-04-02", "-1", json!({"category_id": food})).await;
    assert_eq!(home.announced().await.len(), 3);
}

#[tokio::test]
async fn a_changed_budget_announces_what_it_reaches_then() {
    // Holds: a lower limit, another threshold and another category announce what they reach, and
    // nothing that was announced before.
    let home = Home::new().await;
    let food = home.category("Food", None).await.id;
    let fun = home.category("Fun", None).await.id;
    home.record("2026-02-01", "-100", json!({"category_id": fun})).await;
    home.record("2026-03-01", "-90", json!({"category_id": food})).await;
    let id = home.budget(json!({"category_ids": [food], "limit": "200"})).await;
    assert!(home.announced().await.is_empty());
    let change = async |patch: Value| {
        home.book.budgets().update(id, shape(patch)).await.unwrap();
        home.agrees(&MONTHS).await;
        home.announced().await
    };
    assert_eq!(change(json!({"name": "Meals"})).await.len(), 0);
    assert_eq!(change(json!({"limit": "100"})).await, ["2026-03 80"]);
    assert_eq!(change(json!({"thresholds": [80, 90]})).await[1..], ["2026-03 90"]);
    let all = change(json!({"category_ids": [food, fun]})).await;
    assert_eq!(all[2..], ["2026-02 80", "2026-02 90"]);
    // Below and above again: the alerts are there already.
    home.book.budgets().update(id, shape(json!({"limit": "1000"}))).await.unwrap();
    assert_eq!(change(json!({"limit": "100"})).await.len(), 4);
}

#[tokio::test]
async fn a_category_that_moves_below_a_budget_announces_it() {
    // Holds: moving a category announces what the budgets above it reach by that, and renaming it
    // announces nothing.
    let home = Home::new().await;
    let food = home.category("Food", None).await.id;
    let sweets = home.category("Sweets", None).await.id;
    home.budget(json!({"category_ids": [food], "limit": "10"})).await;
    home.record("2026-03-01", "-9", json!({"category_id": sweets})).await;
    let update = async |patch: Value| {
        home.book.categories().update(sweets, shape(patch)).await.unwrap();
        home.announced().await
    };
    assert!(update(json!({"name": "Candy"})).await.is_empty());
    assert_eq!(update(json!({"parent_id": food})).await, ["2026-03 80"]);
    home.agrees(&MONTHS).await;
    update(json!({"to_top": true})).await;
    assert_eq!(update(json!({"parent_id": food})).await, ["2026-03 80"]);
}
