//! Origins: the rows of files that later imports meet again.

use std::sync::Arc;

use super::samples::{self, origin};
use super::scribe::Scribe;
use crate::AccountId;
use crate::log::Change;
use crate::model::{Origin, Status, Transaction};
use crate::store::{OriginQuery, OriginRow, Store};

/// A transaction that stands for these rows.
fn standing_for(scribe: &Scribe, origins: Vec<Origin>) -> Transaction {
    Transaction { origins, ..scribe.transaction("2024-06-30", -500) }
}

fn row(transaction: &Transaction, origin: &Origin) -> OriginRow {
    OriginRow {
        transaction_id: transaction.id,
        booking_date: origin.booking_date,
        bank_id: origin.bank_id.clone(),
        fingerprint: origin.fingerprint.clone(),
        pending: origin.pending,
        booked: transaction.origins.iter().any(|origin| !origin.pending),
        amount_minor: origin.amount.minor(),
    }
}

fn query(account_id: AccountId, from: &str, to: &str, bank_ids: &[&str]) -> OriginQuery {
    OriginQuery {
        account_id,
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        bank_ids: bank_ids.iter().map(|id| (*id).to_owned()).collect(),
    }
}

async fn asked(store: &dyn Store, scribe: &Scribe, query: &OriginQuery) -> Vec<OriginRow> {
    store.origins(scribe.book_id, query).await.unwrap()
}

/// Holds: the days are those of the file, both ends included; transactions without origin and
/// those of another book are left out.
pub async fn origins_are_found_by_day(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut other = Scribe::new(2);
    let account = scribe.account_id;
    let days = ["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"];
    let mut transactions: Vec<_> = days
        .iter()
        .map(|day| standing_for(&scribe, vec![origin(&scribe, account, day, None)]))
        .collect();
    transactions.push(scribe.transaction("2024-01-02", 1));
    let foreign = standing_for(&other, vec![origin(&other, account, "2024-01-02", None)]);
    other.create(&*store, vec![foreign]).await;
    let all = scribe.create(&*store, transactions).await;
    let rows: Vec<_> = all[..4].iter().map(|one| row(one, &one.origins[0])).collect();
    let found = asked(&*store, &scribe, &query(account, "2024-01-01", "2024-01-03", &[])).await;
    assert_eq!(found, rows);
    let found = asked(&*store, &scribe, &query(account, "2024-01-02", "2024-01-02", &[])).await;
    assert_eq!(found, rows[1..3]);
    let found = asked(&*store, &scribe, &query(account, "2024-01-03", "2024-01-02", &[])).await;
    assert_eq!(found, []);
}

/// Holds: a bank id is found whatever the day; what both day and id find is one row; ids compare
/// by their bytes.
pub async fn origins_are_found_by_bank_id_on_any_day(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let account = scribe.account_id;
    let mut ids: Vec<&str> = samples::TEXTS.to_vec();
    ids.extend(["id-1", "ID-1", "id-1 "]);
    let transactions: Vec<_> = ids
        .iter()
        .map(|id| standing_for(&scribe, vec![origin(&scribe, account, "2020-02-29", Some(id))]))
        .collect();
    let all = scribe.create(&*store, transactions).await;
    for (id, transaction) in ids.iter().zip(&all) {
        let rows = [row(transaction, &transaction.origins[0])];
        let elsewhere = query(account, "2024-01-01", "2024-01-31", &[id, "id-2", "x\0y"]);
        assert_eq!(asked(&*store, &scribe, &elsewhere).await, rows, "bank id {id:?}");
    }
    let everything = query(account, "2020-02-29", "2020-02-29", &ids);
    assert_eq!(asked(&*store, &scribe, &everything).await.len(), all.len());
}

/// Holds: an origin is found in the account it was imported into, wherever its transaction is now;
/// several origins of one transaction come in their order, each on its own merits.
pub async fn an_origin_keeps_its_account_and_its_order(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let (account, moved_to) = (scribe.account_id, AccountId::new(scribe.uuid()));
    let origins = vec![
        origin(&scribe, account, "2024-01-05", Some("late")),
        origin(&scribe, account, "2024-01-01", Some("early")),
        origin(&scribe, moved_to, "2024-01-01", Some("early")),
        origin(&scribe, account, "2024-01-03", None),
    ];
    let before = standing_for(&scribe, origins.clone());
    scribe.create(&*store, vec![before.clone()]).await;
    let after = Transaction { account_id: moved_to, status: Status::Pending, ..before.clone() };
    scribe.change(&*store, vec![Change::update(before, after.clone())]).await;
    let rows: Vec<_> = origins.iter().map(|origin| row(&after, origin)).collect();
    let found = asked(&*store, &scribe, &query(account, "2024-01-01", "2024-01-03", &[])).await;
    assert_eq!(found, [rows[1].clone(), rows[3].clone()]);
    let with_id = query(account, "2024-01-01", "2024-01-03", &["late", "early"]);
    assert_eq!(
        asked(&*store, &scribe, &with_id).await,
        [rows[0].clone(), rows[1].clone(), rows[3].clone()]
    );
    let found = asked(&*store, &scribe, &query(moved_to, "2024-01-01", "2024-12-31", &[])).await;
    assert_eq!(found, [rows[2].clone()]);
    // A merge adds an origin; none is lost or doubled.
    let mut merged = after.clone();
    merged.origins.push(origin(&scribe, account, "2024-01-02", Some("merged")));
    scribe.change(&*store, vec![Change::update(after, merged.clone())]).await;
    let stored = store.transactions(scribe.book_id, &[merged.id]).await.unwrap();
    assert_eq!(stored[0].origins, merged.origins);
}

/// Holds: what a person deleted is recognised when a file brings it again.
pub async fn origins_of_deleted_transactions_are_found(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let account = scribe.account_id;
    let kept = standing_for(&scribe, vec![origin(&scribe, account, "2024-01-01", Some("1"))]);
    let deleted = Transaction { deleted: true, ..kept };
    scribe.create(&*store, vec![deleted.clone()]).await;
    let rows = [row(&deleted, &deleted.origins[0])];
    let by_day = query(account, "2024-01-01", "2024-01-01", &[]);
    assert_eq!(asked(&*store, &scribe, &by_day).await, rows);
    let by_id = query(account, "2025-01-01", "2025-01-01", &["1"]);
    assert_eq!(asked(&*store, &scribe, &by_id).await, rows);
}

/// Holds: there is no limit to the bank ids of one question.
pub async fn many_bank_ids_are_asked_at_once(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let account = scribe.account_id;
    let one = standing_for(&scribe, vec![origin(&scribe, account, "2024-01-01", Some("n 39999"))]);
    scribe.create(&*store, vec![one.clone()]).await;
    let ids: Vec<String> = (0..40_000).map(|number| format!("n {number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let found = asked(&*store, &scribe, &query(account, "2025-01-01", "2025-01-02", &ids)).await;
    assert_eq!(found, [row(&one, &one.origins[0])]);
}
