//! Envelopes: what is assigned is one document a month, and limits are exact.

use serde_json::{Value, json};

use super::{Home, shape};

impl Home {
    async fn keep(&self, members: Value) -> Result<(), String> {
        let kept = self.book.envelopes().put(shape(members)).await;
        kept.map(|_| ())
            .map_err(|error| format!("{} {}", error.code(), error.at_field().unwrap_or_default()))
    }
}

#[tokio::test]
async fn limits_of_envelopes_are_exact() {
    // Holds: as many automations and months, and as much weight, as the limits say are taken, and
    // one more is refused.
    let home = Home::new().await;
    let food = home.category("Food", None).await.id;
    let with = |rule: Value, count: usize| {
        let automations = vec![json!({"rule": rule}); count];
        json!({"category_id": food, "automations": automations})
    };
    let fixed = json!({"kind": "fixed", "amount": "1"});
    assert_eq!(home.keep(with(fixed.clone(), 50)).await, Ok(()));
    assert_eq!(home.keep(with(fixed, 51)).await.unwrap_err(), "limit_exceeded automations");
    let refused = async |rule: Value, field: &str| {
        let refused = home.keep(with(rule, 1)).await.unwrap_err();
        assert_eq!(refused, format!("invalid_input automations[0].rule.{field}"));
    };
    for (kind, field) in [("average", "months"), ("copy", "months_ago")] {
        assert_eq!(home.keep(with(json!({"kind": kind, field: 1_000}), 1)).await, Ok(()));
        refused(json!({"kind": kind, field: 1_001}), field).await;
        refused(json!({"kind": kind, field: 0}), field).await;
    }
    let remainder = |weight: u32| json!({"kind": "remainder", "weight": weight});
    assert_eq!(home.keep(with(remainder(1_000_000), 1)).await, Ok(()));
    refused(remainder(1_000_001), "weight").await;
    let days = json!({"start": "2026-01-01", "unit": "days", "every": 1_001});
    refused(json!({"kind": "repeat", "amount": "1", "days": days}), "days.every").await;
}

#[tokio::test]
async fn an_assignment_that_says_nothing_is_none() {
    // Holds: assigning nothing again takes the month's document away, and doing what is done
    // already makes no commit.
    let home = Home::new().await;
    let food = home.category("Food", None).await.id;
    let commits = async || home.book.history().verify().await.unwrap().commits;
    let assign = async |amount: &str| {
        let amounts = json!([{"category_id": food, "amount": amount}]);
        let new = json!({"month": "2026-03", "amounts": amounts});
        home.book.envelopes().assign(shape(new)).await.unwrap().amounts.len()
    };
    let before = commits().await;
    assert_eq!((assign("0").await, commits().await), (0, before));
    assert_eq!((assign("5.00").await, commits().await), (1, before + 1));
    assert_eq!((assign("5").await, commits().await), (1, before + 1));
    assert_eq!((assign("0").await, commits().await), (0, before + 2));
}

#[tokio::test]
async fn envelopes_are_exported_and_restored() {
    // Holds: a restored book has the envelopes and assignments of the export, and tells the same.
    let home = Home::new().await;
    let food = home.category("Food", None).await.id;
    let rule = json!({"kind": "by_date", "amount": "90", "month": "2026-12", "repeat_months": 12});
    let kept = json!({"category_id": food, "cap": "80", "automations": [{"rule": rule}]});
    home.keep(kept).await.unwrap();
    home.record("2026-03-01", "12.34", json!({})).await;
    let month = json!({"month": "2026-03"});
    home.book.envelopes().apply(shape(month.clone())).await.unwrap();
    let state = home.book.envelopes().state(shape(month.clone())).await.unwrap();
    assert_eq!(state.assigned.amount().to_string(), "9.00");

    let export = home.book.exports().create(shape(json!({"format": "json"}))).await.unwrap();
    let new = fiscaflow_core::model::NewBook::new("EUR");
    let new = fiscaflow_core::model::NewBook { name: "Other".to_owned(), ..new };
    let other = home.engine.books(super::anna()).create(new).await.unwrap().id;
    let other = home.engine.book(other, super::anna());
    other.exports().restore(shape(json!({"content": export.content}))).await.unwrap();
    assert_eq!(other.envelopes().state(shape(month)).await.unwrap(), state);
    assert_eq!(
        other.envelopes().list().await.unwrap(),
        home.book.envelopes().list().await.unwrap()
    );

    let mut broken: Value = serde_json::from_str(&export.content).unwrap();
    broken["assignments"][0]["held"] = json!({"value": "-1.00", "currency": "EUR"});
    let content = broken.to_string();
    let third = fiscaflow_core::model::NewBook::new("EUR");
    let third = fiscaflow_core::model::NewBook { name: "Third".to_owned(), ..third };
    let third = home.engine.books(super::anna()).create(third).await.unwrap().id;
    let third = home.engine.book(third, super::anna());
    let refused = third.exports().restore(shape(json!({"content": content}))).await.unwrap_err();
    assert_eq!(refused.at_field(), Some("amounts"));
}
