//! A history that holds together and tells of what cannot be.

use fiscaflow_core::Money;
use fiscaflow_core::conformance::stores::Scribe;
use fiscaflow_core::log::Change;
use fiscaflow_core::model::{Split, Transaction};
use fiscaflow_core::store::{Store as _, verify_book};
use fiscaflow_store::MemoryStore;

/// What is found in a book with these transactions, written by somebody who is no engine.
async fn found(make: impl FnOnce(&Scribe) -> Vec<Transaction>) -> Vec<(String, Vec<String>)> {
    let (store, mut scribe) = (MemoryStore::new(), Scribe::new(1));
    let rows = make(&scribe).into_iter().map(Change::create).collect();
    scribe.change(&store, rows).await;
    let found = verify_book(&store, scribe.book_id).await.unwrap();
    assert!(found.broken_seq.is_none() && store.head(scribe.book_id).await.unwrap().is_some());
    found.findings.into_iter().map(|it| (it.id, it.fields)).collect()
}

#[tokio::test]
async fn parts_that_do_not_add_up_are_found() {
    // Holds: of transactions with parts those are named whose parts are not the whole.
    let with = |scribe: &Scribe, parts: &[i64]| {
        let mut row = scribe.transaction("2026-03-01", -900);
        let part = |minor: &i64| Split {
            amount: Money::from_minor(*minor, row.amount.currency()),
            category_id: None,
            notes: None,
        };
        row.splits = parts.iter().map(part).collect();
        row
    };
    let mut wrong = Vec::new();
    let found = found(|scribe| {
        let wholes = [&[][..], &[-900], &[-400, -500], &[100, -1_000]];
        let others = [&[-400][..], &[-400, -501], &[900], &[i64::MIN, i64::MIN]];
        wrong = others.map(|parts| with(scribe, parts)).to_vec();
        wholes.iter().map(|parts| with(scribe, parts)).chain(wrong.clone()).collect()
    });
    let mut found = found.await;
    found.sort();
    let mut expected: Vec<_> =
        wrong.iter().map(|it| (it.id.to_string(), vec!["splits".to_owned()])).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn half_transfers_are_found() {
    // Holds: the sides of transfers name each other; named are one whose other side names a third,
    // or nothing, one without another side, and one that is its own.
    let mut wrong = Vec::new();
    let found = found(|scribe| {
        let mut rows: Vec<_> =
            (0..9).map(|number| scribe.transaction("2026-03-01", -number)).collect();
        let ids: Vec<_> = rows.iter().map(|it| it.id).collect();
        // Two pairs, told of in both orders.
        for (one, other) in [(0, 1), (1, 0), (3, 2), (2, 3), (4, 5), (5, 6), (6, 5), (7, 8)] {
            rows[one].transfer_id = Some(ids[other]);
        }
        let mut alone = scribe.transaction("2026-03-02", -1);
        alone.transfer_id = Some(scribe.transaction("2026-03-02", 1).id);
        rows[8].transfer_id = Some(ids[8]);
        let mut after = scribe.transaction("2026-03-03", -1);
        after.transfer_id = Some(alone.id);
        wrong = vec![ids[4], ids[7], ids[8], alone.id, after.id];
        rows.extend([alone, after]);
        rows
    });
    let mut found = found.await;
    found.sort();
    let mut expected: Vec<_> =
        wrong.iter().map(|id| (id.to_string(), vec!["transfer_id".to_owned()])).collect();
    expected.sort();
    assert_eq!(found, expected);
}
