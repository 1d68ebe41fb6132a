//! What a backtest says of single rules.

use fiscaflow_core::rules::{BacktestReport, RuleUse};
use serde_json::{Value, json};

use super::{Home, shape};

impl Home {
    async fn tried(&self, rules: Value) -> BacktestReport {
        let rules: Vec<Value> = rules.as_array().unwrap().iter().map(named).collect();
        self.book.rules().backtest(shape(json!({"rules": rules}))).await.unwrap()
    }

    /// What is said of a rule that is alone in the book.
    async fn alone(&self, action: Value) -> RuleUse {
        self.tried(json!([{"actions": [action]}])).await.rules.remove(0)
    }
}

/// A rule that always applies.
fn named(rule: &Value) -> Value {
    let mut rule = rule.clone();
    rule["name"] = json!("rule");
    rule["condition"] = json!({"kind": "all", "of": []});
    rule
}

#[tokio::test]
async fn a_rule_without_another_is_not_shadowed() {
    // Holds: a lone rule is never called shadowed, though a person's word stands against it; what
    // it appended or removed before counts as won, and what it cannot do does not.
    let home = Home::new().await;
    let fun = home.category("Fun", None).await;
    let parts = json!([{"amount": "-4", "category_id": fun.id}, {"amount": "-6"}]);
    let further = json!({"notes": "mine\nby rule", "tags": ["mine"], "splits": parts});
    home.record("2026-03-01", "-10", further).await;
    for (action, won) in [
        (json!({"kind": "append_notes", "notes": "by rule"}), 1),
        (json!({"kind": "prepend_notes", "notes": "mine"}), 1),
        (json!({"kind": "set_notes", "notes": "other"}), 0),
        (json!({"kind": "remove_tag", "tag": "gone"}), 1),
        (json!({"kind": "remove_tag", "tag": "mine"}), 0),
        (json!({"kind": "set_tags", "tags": ["mine"]}), 1),
        (json!({"kind": "set_tags", "tags": []}), 0),
        (json!({"kind": "add_tag", "tag": "x"}), 0),
        (json!({"kind": "set_category", "category_id": fun.id}), 0),
    ] {
        let it = home.alone(action.clone()).await;
        assert_eq!((it.applied, it.won), (1, won), "{action}");
        assert!(!it.shadowed && !it.dead, "{action}");
    }
}

#[tokio::test]
async fn a_rule_is_shadowed_where_others_have_the_last_word() {
    // Holds: of two rules on the same field the one that is overruled everywhere is shadowed, and
    // so is one that never runs, for one before it is the last; not one of which something is left.
    let home = Home::new().await;
    let food = home.category("Food", None).await;
    home.record("2026-03-01", "-10", json!({})).await;
    let category = json!({"kind": "set_category", "category_id": food.id});
    let split = json!({"kind": "split", "parts": [{"percent": "30"}, {}]});
    let note = |kind: &str, text: &str| json!({"kind": kind, "notes": text});
    let tag = |kind: &str, tag: &str| json!({"kind": kind, "tag": tag});
    for (first, later, shadowed) in [
        (&category, &split, true),
        (&split, &category, true),
        (&note("set_notes", "a"), &note("set_notes", "ab"), true),
        (&note("append_notes", "a"), &note("set_notes", "b"), true),
        (&note("set_notes", "a"), &note("append_notes", "b"), false),
        (&tag("add_tag", "x"), &tag("remove_tag", "x"), true),
        (&tag("add_tag", "x"), &tag("add_tag", "y"), false),
    ] {
        let rules = json!([{"actions": [first], "priority": 1}, {"actions": [later]}]);
        let tried = home.tried(rules).await;
        let told: Vec<bool> = tried.rules.iter().map(|it| it.shadowed).collect();
        assert_eq!(told, [shadowed, false], "{first} {later}");
    }
    let stop = json!([{"actions": [category], "priority": 1, "stop": true},
        {"actions": [tag("add_tag", "x")]}]);
    let tried = home.tried(stop).await;
    assert!(tried.rules[1].shadowed && tried.rules[1].stopped == 1);
}

#[tokio::test]
async fn each_two_rules_that_disagree_are_a_conflict() {
    // Holds: each pair of rules with different categories is told once, the one that runs first
    // first, with how many transactions it is about; of very many rules the last 32 are compared.
    let home = Home::new().await;
    let mut ids = Vec::new();
    for name in ["Food", "Fun", "Other"] {
        ids.push(home.category(name, None).await.id);
    }
    home.record("2026-03-01", "-1", json!({})).await;
    home.record("2026-03-02", "-1", json!({"category_id": ids[0]})).await;
    let rule = |place: i32, category: usize| {
        json!({"priority": -place,
            "actions": [{"kind": "set_category", "category_id": ids[category]}]})
    };
    let tried = home.tried(json!([rule(1, 0), rule(2, 1), rule(3, 2), rule(4, 1)])).await;
    let place = |id: fiscaflow_core::RuleId| id.to_string().chars().last().unwrap();
    let mut told: Vec<(char, char)> =
        tried.conflicts.iter().map(|it| (place(it.first_id), place(it.later_id))).collect();
    told.sort_unstable();
    assert_eq!(told, [('1', '2'), ('1', '3'), ('1', '4'), ('2', '3'), ('3', '4')]);
    assert!(tried.conflicts.iter().all(|it| it.count == 2));
    let many: Vec<Value> = (0..40).map(|place| rule(place, usize::from(place == 39))).collect();
    assert_eq!(home.tried(json!(many)).await.conflicts.len(), 31);
}
