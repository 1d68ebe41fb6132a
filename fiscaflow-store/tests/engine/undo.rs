//! Undo of imports that met: in whatever order they are taken back, and with whatever a person did
//! to their rows since.

use fiscaflow_core::engine::{Context, Merge, NewTransfer};
use fiscaflow_core::model::Status;
use fiscaflow_core::{ErrorCode, ImportId, TransactionId};
use serde_json::json;

use super::{Home, anna, shape};

async fn import(home: &Home, rows: &str) -> ImportId {
    let content = format!("Date;Status;Amount;Description\n{}\n", rows.replace('|', "\n"));
    let new = fiscaflow_core::engine::NewImport {
        content: content.into_bytes(),
        account_id: Some(home.account.id),
        ..Default::default()
    };
    let report = home.book.imports().create(new).await.unwrap();
    assert_eq!(report.problems, []);
    report.import_id.unwrap()
}

async fn only(home: &Home, text: &str) -> TransactionId {
    let page = home.book.transactions().list(shape(json!({"text": text}))).await.unwrap();
    assert_eq!(page.items.len(), 1, "{text}");
    page.items[0].id
}

async fn left(home: &Home) -> Vec<String> {
    let page = home.book.transactions().list(shape(json!({}))).await.unwrap();
    page.items.into_iter().map(|it| it.description).collect()
}

#[tokio::test]
async fn imports_that_met_are_undone_in_any_order() {
    // Holds: a pending row and its booked row leave nothing behind, whichever import goes first.
    for booked_first in [true, false] {
        let home = Home::new().await;
        let pending = import(&home, "2026-03-01;Pending;-10.00;HOTEL").await;
        let booked = import(&home, "2026-03-03;Posted;-10.00;HOTEL ROMA").await;
        let order = if booked_first { [booked, pending] } else { [pending, booked] };
        for (at, id) in order.into_iter().enumerate() {
            home.book.imports().undo(id).await.unwrap();
            assert_eq!(left(&home).await.len(), 1 - at, "booked first: {booked_first}");
        }
    }
}

#[tokio::test]
async fn a_merged_row_goes_with_the_imports_that_brought_it() {
    // Holds: a transaction that stands for the rows of two imports goes with the second of them,
    // and one that a person recorded stays: then the file can come again.
    for kept_first in [true, false] {
        let home = Home::new().await;
        let one = import(&home, "2026-03-01;Posted;-10.00;HOTEL").await;
        let other = import(&home, "2026-03-02;Posted;-10.00;CARD 17").await;
        let (kept, absorbed) = (only(&home, "hotel").await, only(&home, "card 17").await);
        let merge = Merge { absorbed_id: absorbed };
        home.book.transactions().merge(kept, merge).await.unwrap();
        let order = if kept_first { [one, other] } else { [other, one] };
        for (at, id) in order.into_iter().enumerate() {
            home.book.imports().undo(id).await.unwrap();
            assert_eq!(left(&home).await.len(), 1 - at, "kept first: {kept_first}");
        }
    }

    let home = Home::new().await;
    let by_hand = home.record("2026-03-01", "-10.00", json!({"description": "Hotel"})).await.id;
    let id = import(&home, "2026-03-01;Posted;-10.00;CARD 17").await;
    let merge = Merge { absorbed_id: only(&home, "card 17").await };
    home.book.transactions().merge(by_hand, merge).await.unwrap();
    home.book.imports().undo(id).await.unwrap();
    assert_eq!(home.book.transactions().get(by_hand).await.unwrap().origins, []);
    import(&home, "2026-03-01;Posted;-10.00;CARD 17").await;
    assert_eq!(left(&home).await.len(), 2);
    assert!(home.book.history().verify().await.unwrap().verified);
}

#[tokio::test]
async fn a_repeated_undo_is_answered_alike() {
    // Holds: with its key an undo whose answer was lost answers what it answered, although the
    // import is gone; without, or with another import, it does not.
    let home = Home::new().await;
    let id = import(&home, "2026-03-01;Posted;-10.00;HOTEL").await;
    let other = import(&home, "2026-03-02;Posted;-11.00;INN").await;
    let first = home.with_key("k").imports().undo(id).await.unwrap();
    assert_eq!(home.with_key("k").imports().undo(id).await.unwrap(), first);
    let error = home.with_key("k").imports().undo(other).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::IdempotencyKeyReused);
    let error = home.book.imports().undo(id).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    home.book
        .members()
        .put(shape(json!({"actor": "vera", "role": "viewer", "name": null})))
        .await
        .unwrap();
    let vera =
        Context { idempotency_key: Some("k".to_owned()), ..Context::new("vera".parse().unwrap()) };
    let error = home.engine.book(home.id, vera).imports().undo(id).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Forbidden);
    assert_eq!(anna().idempotency_key, None);
}

#[tokio::test]
async fn an_undo_never_leaves_a_transfer_uneven() {
    // Holds: where an undo gives a side of a transfer its former amount back, the two sides stand
    // alone again.
    let home = Home::new().await;
    let ofx = |date: &str, amount: &str| {
        let text = format!(
            "OFXHEADER:100\n\n<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>1</BANKACCTFROM>\
             <BANKTRANLIST><STMTTRN><DTPOSTED>{date}<TRNAMT>{amount}<FITID>a<NAME>SAVINGS\
             </STMTTRN></BANKTRANLIST></STMTRS></OFX>"
        );
        let content = text.into_bytes();
        let account_id = Some(home.account.id);
        fiscaflow_core::engine::NewImport { content, account_id, ..Default::default() }
    };
    home.book.imports().create(ofx("20260301", "-50.00")).await.unwrap();
    let changed = home.book.imports().create(ofx("20260302", "-57.50")).await.unwrap();
    let from_id = only(&home, "savings").await;
    let savings = home.book.accounts().create(shape(json!({"name": "Savings"}))).await.unwrap();
    let to_id = home.record("2026-03-02", "57.50", json!({"account_id": savings.id})).await.id;
    home.book.transfers().create(NewTransfer { from_id, to_id }).await.unwrap();
    home.book.imports().undo(changed.import_id.unwrap()).await.unwrap();
    let from = home.book.transactions().get(from_id).await.unwrap();
    let to = home.book.transactions().get(to_id).await.unwrap();
    assert_eq!(from.amount.to_string(), "-50.00 EUR");
    assert_eq!((from.transfer_id, to.transfer_id), (None, None));
}

#[tokio::test]
async fn what_the_bank_takes_back_does_not_undo_what_a_person_settled() {
    // Holds: a deletion by the bank leaves a reconciled transaction as it is and is refused for a
    // side of a transfer, whose other side would be left alone.
    let ofx = |entry: &str| {
        format!(
            "OFXHEADER:100\n\n<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>1</BANKACCTFROM>\
             <BANKTRANLIST><STMTTRN>{entry}</STMTTRN></BANKTRANLIST></STMTRS></OFX>"
        )
    };
    let first = ofx("<DTPOSTED>20260301<TRNAMT>-50.00<FITID>a<NAME>SHOP");
    let gone = ofx(
        "<DTPOSTED>20260302<TRNAMT>-50.00<FITID>b<CORRECTFITID>a<CORRECTACTION>DELETE<NAME>SHOP",
    );
    let file = |home: &Home, content: &str| fiscaflow_core::engine::NewImport {
        content: content.as_bytes().to_vec(),
        account_id: Some(home.account.id),
        ..Default::default()
    };
    let home = Home::new().await;
    home.book.imports().create(file(&home, &first)).await.unwrap();
    let id = only(&home, "shop").await;
    home.book.transactions().update(id, shape(json!({"status": "reconciled"}))).await.unwrap();
    for duplicates in [1, 1] {
        let report = home.book.imports().create(file(&home, &gone)).await.unwrap();
        assert_eq!((report.duplicates, report.problems), (duplicates, Vec::new()));
    }
    let kept = home.book.transactions().get(id).await.unwrap();
    assert_eq!(kept.status, Status::Reconciled);

    let home = Home::new().await;
    home.book.imports().create(file(&home, &first)).await.unwrap();
    let from_id = only(&home, "shop").await;
    let other = home.book.accounts().create(shape(json!({"name": "Other"}))).await.unwrap();
    let to_id = home.record("2026-03-02", "50", json!({"account_id": other.id})).await.id;
    home.book.transfers().create(NewTransfer { from_id, to_id }).await.unwrap();
    let report = home.book.imports().create(file(&home, &gone)).await.unwrap();
    assert_eq!(report.problems[0].code, ErrorCode::InvalidTransfer);
    let kept = home.book.transactions().get(from_id).await.unwrap();
    assert_eq!((kept.status, kept.transfer_id), (Status::Posted, Some(to_id)));
}
