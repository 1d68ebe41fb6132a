//! Transactions by id, and how commits put and remove them.

use std::sync::Arc;

use super::samples;
use super::scribe::{Scribe, transactions_after};
use crate::TransactionId;
use crate::log::Change;
use crate::model::{Status, Transaction};
use crate::store::{OriginQuery, Store};

/// The transactions with these ids, in the order of ids.
async fn by_id(store: &dyn Store, scribe: &Scribe, ids: &[TransactionId]) -> Vec<Transaction> {
    let mut found = store.transactions(scribe.book_id, ids).await.unwrap();
    found.sort_by_key(|transaction| transaction.id);
    found
}

/// Holds: ids that are there come back, each once, deleted ones too; others are left out.
pub async fn reads_by_id_leave_out_what_is_not_there(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let days = ["2024-01-01", "2024-01-02", "2024-01-03"];
    let mut transactions = days.map(|day| scribe.transaction(day, 1)).to_vec();
    transactions[2].deleted = true;
    let stored = scribe.create(&*store, transactions).await;
    let ids: Vec<_> = stored.iter().map(|transaction| transaction.id).collect();
    let absent = TransactionId::new(scribe.uuid());
    assert_eq!(by_id(&*store, &scribe, &[]).await, []);
    assert_eq!(by_id(&*store, &scribe, &[absent]).await, []);
    assert_eq!(by_id(&*store, &scribe, &ids).await, stored);
    assert_eq!(
        by_id(&*store, &scribe, &[ids[2], absent, ids[0]]).await,
        [stored[0].clone(), stored[2].clone()]
    );
    assert_eq!(by_id(&*store, &scribe, &[ids[1], ids[1]]).await, [stored[1].clone()]);
}

/// Holds: an id of another book's transaction is not there.
pub async fn a_transaction_of_another_book_is_not_there(store: Arc<dyn Store>) {
    let (mut one, mut other) = (Scribe::new(1), Scribe::new(2));
    let ours = one.create(&*store, vec![one.transaction("2024-01-01", 1)]).await;
    let theirs = other.create(&*store, vec![other.transaction("2024-01-01", 2)]).await;
    let ids = [ours[0].id, theirs[0].id];
    assert_eq!(by_id(&*store, &one, &ids).await, ours);
    assert_eq!(by_id(&*store, &other, &ids).await, theirs);
}

/// Holds: callers choose ids, so two books may use one: each has its own transaction.
pub async fn one_id_in_two_books_names_two_transactions(store: Arc<dyn Store>) {
    let (mut one, mut other) = (Scribe::new(1), Scribe::new(2));
    let full = samples::full_transaction(&one);
    let ours = one.create(&*store, vec![full.clone()]).await;
    let bare = Transaction { id: full.id, ..other.transaction("2024-05-05", 5) };
    let theirs = other.create(&*store, vec![bare.clone()]).await;
    assert_eq!(by_id(&*store, &one, &[full.id]).await, ours);
    assert_eq!(by_id(&*store, &other, &[full.id]).await, theirs);
    other.change(&*store, vec![Change::remove(bare)]).await;
    assert_eq!(by_id(&*store, &one, &[full.id]).await, ours);
    assert_eq!(by_id(&*store, &other, &[full.id]).await, []);
}

/// Holds: what is put anew has exactly the new fields, whether it gains or loses them.
pub async fn updates_replace_every_field(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let full = samples::full_transaction(&scribe);
    let bare = Transaction { id: full.id, ..scribe.transaction("2023-12-31", 1) };
    let mut before: Option<&Transaction> = None;
    for after in [&full, &bare, &full, &full] {
        let change = match before {
            None => Change::create(after.clone()),
            Some(before) => Change::update(before.clone(), after.clone()),
        };
        let commit = scribe.change(&*store, vec![change]).await;
        let stored = transactions_after(&commit);
        assert_eq!(stored[0].revision, commit.stored.seq);
        assert_eq!(by_id(&*store, &scribe, &[full.id]).await, stored);
        before = Some(after);
    }
    // What is called new replaces too: the name decides.
    let commit = scribe.change(&*store, vec![Change::create(bare)]).await;
    assert_eq!(by_id(&*store, &scribe, &[full.id]).await, transactions_after(&commit));
}

/// Holds: a removed transaction is in no read, nor are its origins; removing it again is no error.
pub async fn removed_transactions_are_gone_with_their_origins(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let full = samples::full_transaction(&scribe);
    scribe.create(&*store, vec![full.clone()]).await;
    for _ in 0..2 {
        scribe.change(&*store, vec![Change::remove(full.clone())]).await;
        assert_eq!(by_id(&*store, &scribe, &[full.id]).await, []);
        assert_eq!(store.columns(scribe.book_id, None, 9).await.unwrap(), []);
        let query = OriginQuery {
            account_id: scribe.account_id,
            from: "2024-01-01".parse().unwrap(),
            to: "2024-12-31".parse().unwrap(),
            bank_ids: vec!["bank-1".to_owned()],
        };
        assert_eq!(store.origins(scribe.book_id, &query).await.unwrap(), []);
    }
}

/// Holds: of several changes of one transaction in one commit the last one counts.
pub async fn changes_of_one_transaction_apply_in_order(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let first = samples::full_transaction(&scribe);
    let second = Transaction { status: Status::Void, origins: Vec::new(), ..first.clone() };
    let third = Transaction { payee: None, ..first.clone() };
    let bystander = scribe.transaction("2024-01-01", 1);
    let changes = vec![
        Change::create(first.clone()),
        Change::update(first.clone(), second.clone()),
        Change::create(bystander.clone()),
        Change::update(second.clone(), third.clone()),
    ];
    let commit = scribe.change(&*store, changes).await;
    let mut expected = transactions_after(&commit).split_off(2);
    expected.sort_by_key(|transaction| transaction.id);
    assert_eq!(by_id(&*store, &scribe, &[first.id, bystander.id]).await, expected);
    let changes = vec![
        Change::remove(third.clone()),
        Change::create(second.clone()),
        Change::remove(second),
        Change::create(third),
    ];
    let commit = scribe.change(&*store, changes).await;
    let last = transactions_after(&commit).pop();
    assert_eq!(by_id(&*store, &scribe, &[first.id]).await, Vec::from_iter(last));
}

/// Holds: there is no limit to the ids of one read.
pub async fn many_ids_are_read_at_once(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let transactions = (0..3).map(|minor| scribe.transaction("2024-01-01", minor)).collect();
    let stored = scribe.create(&*store, transactions).await;
    let mut ids: Vec<_> = (0..40_000).map(|_| TransactionId::new(scribe.uuid())).collect();
    ids.extend(stored.iter().map(|transaction| transaction.id));
    assert_eq!(by_id(&*store, &scribe, &ids).await, stored);
}
