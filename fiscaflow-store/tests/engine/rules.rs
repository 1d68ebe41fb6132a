//! Rules in a book: what they leave is within every limit, and they leave it alike each time.

use fiscaflow_core::limits::MAX_TAGS;
use fiscaflow_core::model::Rule;
use serde_json::{Value, json};

use super::{Home, shape};

impl Home {
    async fn rule(&self, further: Value) -> Rule {
        let mut new = json!({"name": "rule", "condition": {"kind": "all", "of": []}});
        for (name, value) in further.as_object().unwrap() {
            new[name] = value.clone();
        }
        self.book.rules().create(shape(new)).await.unwrap()
    }
}

fn add_tags(rule: usize) -> Value {
    (0..30).map(|tag| json!({"kind": "add_tag", "tag": format!("{rule}-{tag:02}")})).collect()
}

#[tokio::test]
async fn rules_add_as_many_tags_as_there_is_room_for() {
    // Holds: the tags of the rules that run first are taken up to the limit, recording and applying
    // agree, and the transaction can still be changed.
    let home = Home::new().await;
    let before = home.record("2026-03-01", "-1", json!({})).await;
    home.rule(json!({"priority": 1, "actions": add_tags(0)})).await;
    home.rule(json!({"priority": 0, "actions": add_tags(1)})).await;
    let recorded = home.record("2026-03-01", "-1", json!({})).await;
    let wanted: Vec<String> = (0..30)
        .map(|tag| format!("0-{tag:02}"))
        .chain((0..20).map(|tag| format!("1-{tag:02}")))
        .collect();
    assert_eq!((recorded.tags.len(), &recorded.tags), (MAX_TAGS, &wanted));
    home.book.rules().apply().await.unwrap();
    let transactions = home.book.transactions();
    assert_eq!(transactions.get(before.id).await.unwrap().tags, wanted);
    assert_eq!(home.book.rules().apply().await.unwrap().changed, 0);
    let changed = transactions.update(recorded.id, shape(json!({"notes": "x"}))).await.unwrap();
    assert_eq!(changed.tags, wanted);
    let explanation = transactions.explain(recorded.id).await.unwrap();
    let lost = explanation.candidates.iter().filter(|candidate| !candidate.won);
    assert!(lost.clone().all(|candidate| candidate.why.contains("at most 50 tags")));
    assert_eq!(lost.count(), 10);
}
