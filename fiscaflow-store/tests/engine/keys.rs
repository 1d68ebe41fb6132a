//! Idempotency keys: a request with a key is answered once and for all, whatever it changed.

use fiscaflow_core::ErrorCode;
use serde_json::json;

use super::{Home, shape};

#[tokio::test]
async fn a_request_that_changes_nothing_uses_its_key() {
    // Holds: a late repeat of a request that found nothing to do leaves what came after it, and
    // another request with its key is refused.
    let home = Home::new().await;
    let one = home.record("2026-03-01", "-1", json!({"notes": "A"})).await;
    let notes = |text: &str| shape(json!({"notes": text}));
    let keyed = home.with_key("k");
    let first = keyed.transactions().update(one.id, notes("A")).await.unwrap();
    home.book.transactions().update(one.id, notes("B")).await.unwrap();
    let again = keyed.transactions().update(one.id, notes("A")).await.unwrap();
    assert_eq!(again, first);
    let kept = home.book.transactions().get(one.id).await.unwrap();
    assert_eq!(kept.notes.as_deref(), Some("B"));
    let error = keyed.transactions().update(one.id, notes("C")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::IdempotencyKeyReused);
    let verification = home.book.history().verify().await.unwrap();
    assert!(verification.verified, "{verification:?}");
}

#[tokio::test]
async fn a_request_without_key_that_changes_nothing_leaves_no_commit() {
    // Holds: the history has a commit for a change or a key, and for nothing else.
    let home = Home::new().await;
    let one = home.record("2026-03-01", "-1", json!({"notes": "A"})).await;
    let commits = async || home.book.history().verify().await.unwrap().commits;
    let before = commits().await;
    home.book.transactions().update(one.id, shape(json!({"notes": "A"}))).await.unwrap();
    home.book.rules().apply().await.unwrap();
    assert_eq!(commits().await, before);
    home.with_key("k").rules().apply().await.unwrap();
    home.with_key("k").rules().apply().await.unwrap();
    assert_eq!(commits().await, before + 1);
    let events = home.book.events().list(shape(json!({"limit": 500}))).await.unwrap();
    assert!(events.iter().all(|event| event.seq <= before), "nothing happened: {events:?}");
}

#[tokio::test]
async fn removing_what_is_no_transfer_uses_its_key() {
    // Holds: a late repeat of a removal that found no transfer leaves the transfer made since.
    let home = Home::new().await;
    let cash = home.book.accounts().create(shape(json!({"name": "Cash"}))).await.unwrap();
    let out = home.record("2026-03-01", "-9", json!({})).await;
    let into = home.record("2026-03-01", "9", json!({"account_id": cash.id})).await;
    home.with_key("k").transfers().remove(out.id).await.unwrap();
    let both = json!({"from_id": out.id, "to_id": into.id});
    home.book.transfers().create(shape(both)).await.unwrap();
    home.with_key("k").transfers().remove(out.id).await.unwrap();
    let kept = home.book.transactions().get(out.id).await.unwrap();
    assert_eq!(kept.transfer_id, Some(into.id));
    home.with_key("l").transfers().remove(out.id).await.unwrap();
    home.with_key("l").transfers().remove(out.id).await.unwrap();
    assert_eq!(home.book.transactions().get(out.id).await.unwrap().transfer_id, None);
}

#[tokio::test]
async fn an_empty_key_is_no_key() {
    // Holds: a client that fills in nothing does not have all its requests under one key.
    let home = Home::new().await;
    let error = home.with_key("").rules().apply().await.unwrap_err();
    assert_eq!(
        (error.code(), error.at_field()),
        (ErrorCode::InvalidInput, Some("idempotency_key"))
    );
}
