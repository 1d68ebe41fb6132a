//! Goals: what is reached is announced once, whatever made it so, and a goal survives a restore.

use std::collections::{BTreeMap, BTreeSet};

use fiscaflow_core::engine::{ExportQuery, NewRestore};
use fiscaflow_core::export::ExportFormat;
use fiscaflow_core::log::Hash;
use fiscaflow_core::model::NewBook;
use fiscaflow_core::{GoalId, TransactionId};
use serde_json::{Value, json};

use super::{Home, anna, shape};

impl Home {
    async fn goal(&self, further: Value) -> GoalId {
        let funding = json!({"kind": "balances", "account_ids": [self.account.id]});
        let mut new = json!({"name": "Bicycle", "target": "100", "start": "2024-01-01",
            "funding": funding});
        new.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        self.book.goals().create(shape(new)).await.unwrap().id
    }

    /// Each milestone that was announced, by goal and percentage, and how often.
    async fn milestones(&self) -> BTreeMap<(String, String), usize> {
        let (mut found, mut after) = (BTreeMap::new(), 0);
        loop {
            let query = shape(json!({"after": after, "limit": 500}));
            let events = self.book.events().list(query).await.unwrap();
            let Some(last) = events.last() else { return found };
            after = last.seq;
            for it in events.iter().filter(|it| it.name == "planning.goal.milestone_reached") {
                let key = (it.aggregate_id.clone(), it.payload["percent"].clone());
                *found.entry(key).or_default() += 1;
            }
        }
    }

    /// Every goal has announced whatever it reaches now.
    async fn has_announced(&self, what: &str) {
        for it in self.book.goals().progress(shape(json!({}))).await.unwrap() {
            let all = it.reached.iter().all(|percent| it.announced.contains(percent));
            assert!(all, "{what}: {it:?}");
        }
    }
}

#[tokio::test]
async fn whatever_brings_a_goal_to_a_milestone_announces_it_once() {
    // Holds: a goal over what is there already, a transaction, an edit, an opening balance, a lower
    // target, another funding and the end of a pause announce what they reach; nothing is announced
    // twice, and money of a later day only when that has come.
    let home = Home::new().await;
    let percents = async || {
        home.has_announced("after a step").await;
        let all = home.milestones().await;
        assert!(all.values().all(|times| *times == 1), "{all:?}");
        all.len()
    };
    home.record("2024-01-02", "30", json!({})).await;
    let id = home.goal(json!({})).await;
    assert_eq!(percents().await, 1);
    let later = home.record("2999-01-01", "1000", json!({})).await;
    assert_eq!(percents().await, 1);
    let some = home.record("2024-01-03", "19.99", json!({})).await;
    assert_eq!(percents().await, 1);
    let edit = async |amount: &str| {
        let patch = shape(json!({"amount": amount}));
        home.book.transactions().update(some.id, patch).await.unwrap();
    };
    edit("20").await;
    assert_eq!(percents().await, 2);
    edit("1").await;
    edit("20").await;
    assert_eq!(percents().await, 2);
    let update = async |patch: Value| {
        home.book.goals().update(id, shape(patch)).await.unwrap();
    };
    update(json!({"target": "66"})).await;
    assert_eq!(percents().await, 3);
    update(json!({"state": "paused"})).await;
    let cash = json!({"name": "Cash", "opening_balance": "500"});
    let cash = home.book.accounts().create(shape(cash)).await.unwrap().id;
    let both = json!({"kind": "balances", "account_ids": [home.account.id, cash]});
    home.book.goals().update(id, shape(json!({"funding": both}))).await.unwrap();
    assert_eq!(home.milestones().await.len(), 3);
    update(json!({"state": "active"})).await;
    assert_eq!(percents().await, 4);
    home.book.transactions().delete(later.id).await.unwrap();
    assert_eq!(percents().await, 4);
    // With the goal its milestones go, and a new one of that id announces anew.
    home.book.goals().delete(id).await.unwrap();
    assert_eq!(home.goal(json!({"id": id})).await, id);
    assert_eq!(home.milestones().await.values().sum::<usize>(), 6);
}

#[tokio::test]
async fn whatever_is_done_each_milestone_is_announced_once() {
    // Holds: over random recording, editing, deleting, assigning and changing of goals of every
    // kind, each has announced all that it reaches, and nothing twice; the announcements are those
    // of a naive scan of all that is there after each step.
    let mut count = 0;
    for seed in 0..10_u64 {
        let mut state = seed;
        let mut below = |end: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % end
        };
        let home = Home::new().await;
        let fun = home.category("Fun", None).await.id;
        let since = json!({"kind": "contributions", "account_ids": [home.account.id]});
        let envelope = json!({"kind": "envelope", "category_id": fun});
        let mut goals = Vec::new();
        for funding in [Value::Null, since, envelope] {
            let further = if funding.is_null() { json!({}) } else { json!({"funding": funding}) };
            goals.push(home.goal(further).await);
        }
        let mut recorded: Vec<(TransactionId, String, i64, bool)> = Vec::new();
        let (mut targets, mut assigned) = (vec![10_000; 3], BTreeMap::new());
        let mut reached = BTreeSet::new();
        for _ in 0..25 {
            let month = format!("2024-{:02}", 1 + below(4));
            let day = format!("{month}-{:02}", 1 + below(28));
            match below(7) {
                0 => {
                    let target = 50 + below(100);
                    let patch = json!({"target": target.to_string()});
                    let at = usize::try_from(below(3)).unwrap();
                    let goal = goals[at];
                    targets[at] = i64::try_from(target).unwrap() * 100;
                    home.book.goals().update(goal, shape(patch)).await.unwrap();
                }
                1 => {
                    let amount = below(40);
                    let amounts = json!([{"category_id": fun, "amount": amount.to_string()}]);
                    assigned.insert(month.clone(), i64::try_from(amount).unwrap() * 100);
                    let assign = json!({"month": month, "amounts": amounts});
                    home.book.envelopes().assign(shape(assign)).await.unwrap();
                }
                2 if !recorded.is_empty() => {
                    let at = usize::try_from(below(recorded.len() as u64)).unwrap();
                    home.book.transactions().delete(recorded.swap_remove(at).0).await.unwrap();
                }
                _ => {
                    let minor = i64::try_from(below(6_000)).unwrap() - 2_000;
                    let sign = if minor < 0 { "-" } else { "" };
                    let amount = format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100);
                    let further =
                        if below(2) == 0 { json!({"category_id": fun}) } else { json!({}) };
                    let it = home.record(&day, &amount, further).await;
                    // One without a category may have been given one that was learned.
                    recorded.push((it.id, month, minor, it.category_id == Some(fun)));
                }
            }
            home.has_announced(&format!("seed {seed}")).await;
            reached.extend(reached_now(&goals, &targets, &recorded, &assigned));
            let announced: BTreeSet<_> = home.milestones().await.into_keys().collect();
            assert_eq!(announced, reached, "seed {seed}");
        }
        let announced = home.milestones().await;
        assert!(announced.values().all(|times| *times == 1), "seed {seed}: {announced:?}");
        count += announced.len();
    }
    assert!(count > 50, "only {count} milestones were reached");
}

/// The milestones that are reached by a naive scan: of what lies in the account, what came into it,
/// and what lies in the envelope.
fn reached_now(
    goals: &[GoalId],
    targets: &[i64],
    recorded: &[(TransactionId, String, i64, bool)],
    assigned: &BTreeMap<String, i64>,
) -> BTreeSet<(String, String)> {
    let all = recorded.iter().map(|(.., minor, _)| minor).sum::<i64>();
    let saved = [all, all, in_envelope(recorded, assigned)];
    let mut reached = BTreeSet::new();
    for ((goal, target), saved) in goals.iter().zip(targets).zip(saved) {
        let percents = [25, 50, 75, 100].into_iter().filter(|it| saved * 100 >= target * it);
        reached.extend(percents.map(|it| (goal.to_string(), it.to_string())));
    }
    reached
}

/// What lies in an envelope by now: month by month, what was overspent made good.
fn in_envelope(
    recorded: &[(TransactionId, String, i64, bool)],
    assigned: &BTreeMap<String, i64>,
) -> i64 {
    let (mut left, last) = (0_i64, "2024-04");
    for month in ["2024-01", "2024-02", "2024-03", last] {
        left = left.max(0) + assigned.get(month).unwrap_or(&0);
        let own = recorded.iter().filter(|(_, of, _, is_fun)| of == month && *is_fun);
        left += own.map(|(.., minor, _)| minor).sum::<i64>();
    }
    left.max(0)
}

#[tokio::test]
async fn goals_come_with_an_export() {
    // Holds: a restored book has the same goals and milestones, says the same of them, and
    // announces nothing again; a goal that the engine would not have kept is refused.
    let home = Home::new().await;
    home.record("2024-01-02", "60", json!({})).await;
    home.goal(json!({"due": "2024-12-31"})).await;
    let told = |book: fiscaflow_core::engine::BookHandle| async move {
        let query = json!({"as_of": "2024-03-03", "witness": true});
        let mut told = book.goals().progress(shape(query)).await.unwrap();
        // Each book has commits of its own.
        told.iter_mut().flat_map(|it| &mut it.witness).for_each(|it| it.head = Hash::ZERO);
        told
    };
    let format = ExportFormat::Json;
    let content = home.book.exports().create(ExportQuery { format }).await.unwrap().content;
    let empty = async || {
        let new = NewBook { name: "Copy".to_owned(), ..NewBook::new("EUR") };
        let id = home.engine.books(anna()).create(new).await.unwrap().id;
        home.engine.book(id, anna())
    };
    let copy = empty().await;
    let restored = NewRestore { content: content.clone() };
    copy.exports().restore(restored).await.unwrap();
    assert_eq!(told(copy.clone()).await, told(home.book.clone()).await);
    assert_eq!(told(copy.clone()).await[0].announced, [25, 50]);
    let events = copy.events().list(shape(json!({"limit": 500}))).await.unwrap();
    assert!(!events.iter().any(|it| it.name == "planning.goal.milestone_reached"));
    let export: Value = serde_json::from_str(&content).unwrap();
    for (place, value) in [
        ("/goals/0/target", json!({"value": "0.00", "currency": "EUR"})),
        ("/goals/0/milestones", json!([100, 25])),
        ("/goals/0/milestones", json!([25])),
        ("/goals/0/due", json!("2023-12-31")),
        ("/goals/0/name", json!("x".repeat(300))),
    ] {
        let mut wrong = export.clone();
        *wrong.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value;
        let content = wrong.to_string();
        let error = empty().await.exports().restore(NewRestore { content }).await;
        assert!(error.is_err(), "{place} was restored");
    }
}
