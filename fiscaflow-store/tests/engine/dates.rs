//! Dates that a host makes in Rust, where no reader has looked at them.

use fiscaflow_core::ErrorCode;
use fiscaflow_core::model::{Action, Condition, NewRule, NewTransaction, TransactionPatch};
use serde_json::json;

use super::{Home, shape};

#[tokio::test]
async fn a_day_that_cannot_be_written_is_not_kept() {
    // Holds: a year beyond four digits is `invalid_date` however it comes, and the book stays
    // readable from its store.
    let home = Home::new().await;
    let kept = home.record("9999-12-31", "-1", json!({})).await;
    let far = chrono::NaiveDate::from_ymd_opt(12_026, 3, 1).unwrap();
    let new = NewTransaction::new(home.account.id, far, "-1".parse().unwrap());
    let error = home.book.transactions().create(new).await.unwrap_err();
    assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidDate, Some("booking_date")));
    let patch = TransactionPatch { value_date: Some(far), ..TransactionPatch::default() };
    let error = home.book.transactions().update(kept.id, patch).await.unwrap_err();
    assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidDate, Some("value_date")));
    let rule = NewRule {
        condition: Condition::Date { from: None, to: Some(far) },
        actions: vec![Action::AddTag { tag: "x".to_owned() }],
        ..shape(json!({"name": "far", "condition": {"kind": "all", "of": []}, "actions": []}))
    };
    let error = home.book.rules().create(rule).await.unwrap_err();
    assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidDate, Some("condition")));
    assert!(home.book.history().verify().await.unwrap().verified);
}
