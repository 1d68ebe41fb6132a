//! Transfers: what two sides may become, and what is refused.

use fiscaflow_core::ErrorCode;
use fiscaflow_core::engine::{Merge, NewTransfer};
use fiscaflow_core::transfers::TransferQuery;
use serde_json::json;

use super::{Home, shape};

#[tokio::test]
async fn a_merge_keeps_what_is_locked() {
    // Holds: a side of a transfer does not become split by a merge, and a reconciled transaction
    // does not go up in another one.
    let home = Home::new().await;
    let food = home.category("Food", None).await.id;
    let cash = home.book.accounts().create(shape(json!({"name": "Cash"}))).await.unwrap();
    let from_id = home.record("2026-03-01", "-9", json!({})).await.id;
    let to_id = home.record("2026-03-01", "9", json!({"account_id": cash.id})).await.id;
    home.book.transfers().create(NewTransfer { from_id, to_id }).await.unwrap();
    let parts = json!([{"amount": "-4", "category_id": food}, {"amount": "-5"}]);
    let split = home.record("2026-03-02", "-9", json!({"splits": parts})).await.id;
    let merge = home.book.transactions().merge(from_id, Merge { absorbed_id: split }).await;
    assert_eq!(merge.unwrap_err().code(), ErrorCode::InvalidTransfer);

    let posted = home.record("2026-04-01", "-7", json!({})).await.id;
    let done = home.record("2026-04-02", "-7", json!({"status": "reconciled"})).await.id;
    let merge = home.book.transactions().merge(posted, Merge { absorbed_id: done }).await;
    assert_eq!(merge.unwrap_err().code(), ErrorCode::Reconciled);
    let merged = home.book.transactions().merge(done, Merge { absorbed_id: posted }).await.unwrap();
    assert_eq!(merged.booking_date.to_string(), "2026-04-02");
}

#[tokio::test]
async fn a_refusal_is_of_a_pair_that_could_be_a_transfer() {
    // Holds: sides named the wrong way round are refused and not remembered to no purpose.
    let home = Home::new().await;
    let cash = home.book.accounts().create(shape(json!({"name": "Cash"}))).await.unwrap();
    let from_id = home.record("2026-03-01", "-9", json!({})).await.id;
    let to_id = home.record("2026-03-01", "9", json!({"account_id": cash.id})).await.id;
    for pair in
        [NewTransfer { from_id: to_id, to_id: from_id }, NewTransfer { from_id, to_id: from_id }]
    {
        let error = home.book.transfers().refuse(pair).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTransfer);
    }
    home.book.transfers().refuse(NewTransfer { from_id, to_id }).await.unwrap();
    assert_eq!(home.book.transfers().suggest(TransferQuery::default()).await.unwrap(), []);
}

#[tokio::test]
async fn rates_are_few_and_above_zero() {
    // Holds: what is looked for is bounded, and a rate that means nothing is told, not passed over.
    let home = Home::new().await;
    let rate =
        |rate: &str| json!({"date": "2026-03-01", "base": "EUR", "quote": "USD", "rate": rate});
    let query = |rates: Vec<serde_json::Value>| shape::<TransferQuery>(json!({"rates": rates}));
    for (rates, code) in [
        (vec![rate("0")], ErrorCode::InvalidInput),
        (vec![rate("-1")], ErrorCode::InvalidInput),
        (vec![rate("1"); 1_001], ErrorCode::LimitExceeded),
    ] {
        for error in [
            home.book.transfers().suggest(query(rates.clone())).await.unwrap_err(),
            home.book.transfers().link(query(rates)).await.unwrap_err(),
        ] {
            assert_eq!((error.code(), error.at_field()), (code, Some("rates")));
        }
    }
    home.book.transfers().suggest(query(vec![rate("1.1"); 1_000])).await.unwrap();
}
