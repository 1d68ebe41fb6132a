//! Dates that a host makes in Rust, where no reader has looked at them.

use std::sync::Arc;

use chrono::{DateTime, Months, NaiveDate, Offset as _, TimeZone as _};
use fiscaflow_core::ErrorCode;
use fiscaflow_core::budgets::BudgetQuery;
use fiscaflow_core::conformance::FixedClock;
use fiscaflow_core::engine::Engine;
use fiscaflow_core::model::{
    Action, Condition, NewBook, NewRule, NewTransaction, TransactionPatch,
};
use fiscaflow_store::{MemoryStore, RandomIds};
use serde_json::json;

use super::{Home, anna, shape};

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

#[tokio::test]
async fn a_month_ends_at_midnight_of_the_books_zone() {
    // Holds: in every zone, a second before and at the end of a month, a budget's state is that of
    // the month in which the zone's own clock is, reckoned here from its offset. Each zone meets
    // one of 60 month ends, and all of them in the deep tier.
    let clock = Arc::new(FixedClock::default());
    let ids = Arc::new(RandomIds::new().unwrap());
    let engine = Engine::new(Arc::new(MemoryStore::new()), Arc::clone(&clock) as _, ids);
    let new = NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") };
    let id = engine.books(anna()).create(new).await.unwrap().id;
    let book = engine.book(id, anna());
    let account = book.accounts().create(shape(json!({"name": "Giro"}))).await.unwrap().id;
    let budget = json!({"name": "Giro", "account_ids": [account], "limit": "1"});
    book.budgets().create(shape(budget)).await.unwrap();
    let all = std::env::var_os("FISCAFLOW_DEEP").is_some();
    let first = NaiveDate::from_ymd_opt(2021, 1, 1).unwrap();
    for (number, zone) in chrono_tz::TZ_VARIANTS.iter().enumerate() {
        book.update(shape(json!({"zone": zone.name()}))).await.unwrap();
        for month in (0..60).filter(|month| all || *month as usize == number % 60) {
            let border = first.checked_add_months(Months::new(month)).unwrap();
            let border = border.and_hms_opt(0, 0, 0).unwrap();
            let near = zone.offset_from_utc_datetime(&border).fix().local_minus_utc();
            for beside in [-1, 0] {
                let seconds = border.and_utc().timestamp() - i64::from(near) + beside;
                let instant = DateTime::from_timestamp(seconds, 0).unwrap();
                let offset = zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
                let there = instant.with_timezone(&offset).format("%Y-%m").to_string();
                clock.set(instant);
                let states = book.budgets().state(BudgetQuery::default()).await.unwrap();
                let told = states[0].month.map(|month| month.to_string());
                assert_eq!(told.as_ref(), Some(&there), "{zone} {instant}");
            }
        }
    }
}
