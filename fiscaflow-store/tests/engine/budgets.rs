//! Budgets: what is reached is announced, whatever made it so, and once.

use std::collections::BTreeMap;

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

impl Home {
    /// Each threshold that was announced, by budget and period, and how often.
    async fn announcements(&self) -> BTreeMap<[String; 4], usize> {
        let mut found = BTreeMap::new();
        let mut after = 0;
        loop {
            let query = shape(json!({"after": after, "limit": 500}));
            let events = self.book.events().list(query).await.unwrap();
            let Some(last) = events.last() else { return found };
            after = last.seq;
            for it in events.iter().filter(|it| it.name == "planning.budget.threshold_crossed") {
                let of = |name: &str| it.payload[name].clone();
                let key = [it.aggregate_id.clone(), of("from"), of("to"), of("threshold")];
                *found.entry(key).or_default() += 1;
            }
        }
    }
}

#[tokio::test]
async fn what_one_period_leaves_crosses_in_the_next() {
    // Holds: spending that is recorded late lowers what a later month has, and announces what that
    // month reaches by it; the event says what was available.
    let home = Home::new().await;
    let food = home.category("Food", None).await.id;
    let further = json!({"rollover": {"carry": "both"}, "start": "2026-02-01"});
    let mut new = json!({"category_ids": [food], "limit": "100"});
    new.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    home.budget(new).await;
    home.record("2026-03-02", "-100", json!({"category_id": food})).await;
    assert!(home.announced().await.is_empty());
    home.record("2026-02-02", "-75", json!({"category_id": food})).await;
    assert_eq!(home.announced().await, ["2026-03 80"]);
    home.record("2026-02-03", "-25", json!({"category_id": food})).await;
    assert_eq!(home.announced().await[1..], ["2026-02 80", "2026-02 100", "2026-03 100"]);
    home.agrees(&MONTHS).await;
    let events = home.book.events().list(shape(json!({"limit": 500}))).await.unwrap();
    let last = events.iter().rfind(|it| it.payload.contains_key("available")).unwrap();
    assert_eq!((&*last.payload["available"], &*last.payload["limit"]), ("100.00", "100.00"));
}

#[tokio::test]
async fn a_budget_that_carries_starts_now_and_repeats_alike() {
    // Holds: without a start, a budget that carries starts with the present period; a repeat with
    // the same id is a repeat; one that stops carrying keeps its start.
    let home = Home::new().await;
    let food = home.category("Food", None).await.id;
    let id = "018f0000-0000-7000-8000-00000000000b";
    let further = json!({"id": id, "category_ids": [food], "limit": "1",
        "rollover": {"carry": "surplus", "cap": "5"}});
    let first = home.budget(further.clone()).await;
    assert_eq!(home.budget(further).await, first);
    let kept = home.book.budgets().list().await.unwrap().remove(0);
    assert!(kept.start.is_some());
    let patch = shape(json!({"rollover": {}}));
    assert_eq!(home.book.budgets().update(first, patch).await.unwrap().start, kept.start);
}

#[tokio::test]
async fn limits_of_budgets_are_exact() {
    // Holds: as many tags and units as the limits say are taken, and one more is refused.
    let home = Home::new().await;
    let make = async |further: Value| {
        let mut new = json!({"name": "B", "limit": "1", "tags": ["a"]});
        new.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        let made = home.book.budgets().create(shape(new)).await;
        made.map(|_| ())
            .map_err(|error| format!("{} {}", error.code(), error.at_field().unwrap_or_default()))
    };
    let tags = |count: usize| (0..count).map(|it| it.to_string()).collect::<Vec<_>>();
    assert_eq!(make(json!({"tags": tags(50)})).await, Ok(()));
    assert_eq!(make(json!({"tags": tags(51)})).await.unwrap_err(), "limit_exceeded tags");
    let every = |count: u32| {
        json!({"period": {"kind": "every", "count": count, "unit": "days",
            "anchor": "2026-01-01"}})
    };
    assert_eq!(make(every(1_000)).await, Ok(()));
    assert_eq!(make(every(1_001)).await.unwrap_err(), "invalid_input period");
    assert_eq!(make(every(0)).await.unwrap_err(), "invalid_input period");
    let reset = |every: u32| json!({"rollover": {"carry": "both", "reset_every": every}});
    assert_eq!(make(reset(1_000)).await, Ok(()));
    assert_eq!(make(reset(1_001)).await.unwrap_err(), "invalid_input rollover.reset_every");
    assert_eq!(make(json!({"tags": []})).await.unwrap_err(), "invalid_input category_ids");
}

/// Numbers that look random and are not.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

#[tokio::test]
async fn whatever_is_done_each_threshold_is_announced_once() {
    // Holds: over random recording, editing, deleting, moving of categories and changing of limits,
    // every period of budgets of several shapes has announced all that it reaches, and nothing
    // twice.
    let periods = [
        json!({"kind": "weeks"}),
        json!({"kind": "every", "count": 10, "unit": "days", "anchor": "2026-01-05"}),
        json!({"kind": "semi_months"}),
        json!({"kind": "months", "start_day": 25}),
        json!({"kind": "quarters"}),
    ];
    let rollovers = [
        json!({}),
        json!({"carry": "surplus"}),
        json!({"carry": "deficit"}),
        json!({"carry": "both", "cap": "30", "reset_every": 3}),
    ];
    let mut count = 0;
    for seed in 0..12 {
        let home = Home::new().await;
        let mut chance = Chance(seed);
        let food = home.category("Food", None).await.id;
        let sweets = home.category("Sweets", None).await.id;
        let mut budgets = Vec::new();
        for period in &periods {
            let rollover = &rollovers[usize::try_from(chance.below(4)).unwrap()];
            let new = json!({"category_ids": [food], "limit": "50", "start": "2026-01-01",
                "period": period, "rollover": rollover});
            budgets.push(home.budget(new).await);
        }
        let mut recorded = Vec::new();
        for _ in 0..25 {
            let day = format!("2026-{:02}-{:02}", 1 + chance.below(4), 1 + chance.below(28));
            match chance.below(8) {
                0 => {
                    let parent = json!({"parent_id": food});
                    let patch = if chance.below(2) == 0 { parent } else { json!({"to_top": true}) };
                    home.book.categories().update(sweets, shape(patch)).await.unwrap();
                }
                1 => {
                    let budget = budgets[usize::try_from(chance.below(5)).unwrap()];
                    let patch = json!({"limit": (20 + chance.below(60)).to_string()});
                    home.book.budgets().update(budget, shape(patch)).await.unwrap();
                }
                2 if !recorded.is_empty() => {
                    let at = usize::try_from(chance.below(recorded.len() as u64)).unwrap();
                    home.book.transactions().delete(recorded.swap_remove(at)).await.unwrap();
                }
                3 if !recorded.is_empty() => {
                    let at = usize::try_from(chance.below(recorded.len() as u64)).unwrap();
                    let patch = shape(json!({"booking_date": day}));
                    home.book.transactions().update(recorded[at], patch).await.unwrap();
                }
                _ => {
                    let minor = i64::try_from(chance.below(6_000)).unwrap() - 1_000;
                    let amount = format!("{}.{:02}", -minor / 100, (minor % 100).abs());
                    let category = if chance.below(3) == 0 { sweets } else { food };
                    let further = json!({"category_id": category});
                    recorded.push(home.record(&day, &amount, further).await.id);
                }
            }
            for budget in &budgets {
                let query = json!({"budget_id": budget, "to": "2026-06-30"});
                for state in home.book.budgets().history(shape(query)).await.unwrap() {
                    let all = state.reached.iter().all(|it| state.announced.contains(it));
                    assert!(all, "seed {seed}: {state:?}");
                }
            }
        }
        let announced = home.announcements().await;
        assert!(announced.values().all(|times| *times == 1), "seed {seed}: {announced:?}");
        count += announced.len();
    }
    assert!(count > 100, "only {count} thresholds were crossed");
}
