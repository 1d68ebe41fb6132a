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
