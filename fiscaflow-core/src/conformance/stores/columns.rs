//! Column rows: what figures are computed from.

use std::sync::Arc;

use super::samples;
use super::scribe::Scribe;
use crate::model::{Status, Transaction};
use crate::store::{ColumnRow, Store};

/// Holds: rows come in the order of ids, after an id, at most `limit` of them; parts of any size
/// make up the whole.
pub async fn columns_come_in_the_order_of_ids(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut other = Scribe::new(2);
    // Written in the opposite order, and dated in yet another.
    let mut transactions: Vec<_> = (1..=9)
        .map(|day| scribe.transaction(&format!("2024-01-{:02}", day * 7 % 10), day))
        .collect();
    transactions.reverse();
    let mut all: Vec<ColumnRow> =
        scribe.create(&*store, transactions).await.iter().map(ColumnRow::from).collect();
    all.sort_by_key(|row| row.id);
    other.create(&*store, vec![other.transaction("2024-01-01", 1)]).await;

    for limit in [1, 2, 8, 9, 10, u32::MAX] {
        let mut read = Vec::new();
        loop {
            let after = read.last().map(|row: &ColumnRow| row.id);
            let part = store.columns(scribe.book_id, after, limit).await.unwrap();
            assert!(part.len() <= usize::try_from(limit).unwrap(), "limit {limit}");
            if part.is_empty() {
                break;
            }
            read.extend(part);
            assert!(read.len() <= all.len(), "parts of {limit} do not end");
        }
        assert_eq!(read, all, "limit {limit}");
    }
    assert_eq!(store.columns(scribe.book_id, None, 0).await.unwrap(), []);
    let absent = crate::TransactionId::new(uuid::Uuid::nil());
    assert_eq!(store.columns(scribe.book_id, Some(absent), 99).await.unwrap(), all);
}

/// Holds: pending, transfers, void and deleted ones are marked as the contract says.
pub async fn columns_tell_what_counts(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut transactions = Vec::new();
    for status in
        [Status::Pending, Status::Posted, Status::Reconciled, Status::Void, Status::Disputed]
    {
        for deleted in [false, true] {
            let bare = scribe.transaction("2024-01-01", 1);
            transactions.push(Transaction { status, deleted, ..bare });
        }
    }
    transactions[3].transfer_id = Some(transactions[4].id);
    scribe.create(&*store, transactions).await;
    let rows = store.columns(scribe.book_id, None, 99).await.unwrap();
    let marks: Vec<_> = rows.iter().map(|row| (row.pending, row.counts, row.transfer)).collect();
    let (yes, no) = (true, false);
    assert_eq!(
        marks,
        [
            (yes, yes, no),
            (yes, no, no),
            (no, yes, no),
            (no, no, yes),
            (no, yes, no),
            (no, no, no),
            (no, no, no),
            (no, no, no),
            (no, yes, no),
            (no, no, no),
        ]
    );
}

/// Holds: a column row is the transaction's, with its category, payee and parts.
pub async fn columns_of_every_transaction_agree_with_the_rows(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut transactions: Vec<_> = samples::TEXTS
        .iter()
        .map(|text| Transaction {
            payee: Some((*text).to_owned()),
            ..scribe.transaction("2024-01-01", 1)
        })
        .collect();
    transactions.push(samples::full_transaction(&scribe));
    let all = scribe.create(&*store, transactions).await;
    let expected: Vec<ColumnRow> = all.iter().map(ColumnRow::from).collect();
    assert_eq!(store.columns(scribe.book_id, None, 99).await.unwrap(), expected);
}
