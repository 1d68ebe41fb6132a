//! The one write: what it needs, what it leaves, and what it leaves when it is refused.

use std::sync::Arc;

use super::scribe::{Scribe, transactions_after};
use super::wait::{together, up_to_polls};
use super::{assert_code, samples};
use crate::error::ErrorCode;
use crate::id::PayeeId;
use crate::log::{Change, Commit, Draft, Hash, Idempotency, Verifier};
use crate::model::{Document, Payee, Transaction};
use crate::store::{ColumnRow, Head, Store};

/// All that a book shows.
type Contents = (Option<(Head, Vec<Document>)>, Vec<ColumnRow>, usize);

async fn contents(store: &dyn Store, scribe: &Scribe) -> Contents {
    (
        store.documents(scribe.book_id).await.unwrap(),
        store.columns(scribe.book_id, None, u32::MAX).await.unwrap(),
        store.commits(scribe.book_id, 0, u32::MAX).await.unwrap().len(),
    )
}

fn payee(name: &str) -> Payee {
    let id = PayeeId::new(uuid::Uuid::from_u128(1));
    Payee { id, name: name.to_owned(), aliases: Vec::new() }
}

/// Changes of each sort: what a refused commit must not leave anything of.
fn changes_of_each_sort(scribe: &Scribe) -> Vec<Change> {
    vec![
        Change::create(payee("refused")),
        Change::create(samples::full_transaction(scribe)),
        Change::create(scribe.transaction("2024-01-01", 1)),
    ]
}

/// A book with a document, transactions and an answered key.
async fn written(store: &dyn Store, seed: u32) -> Scribe {
    let mut scribe = Scribe::new(seed);
    scribe.create_documents(store, &samples::documents(&scribe)).await;
    let commit =
        scribe.seal_with_key(vec![Change::create(scribe.transaction("2024-01-01", 1))], "used");
    scribe.write(store, commit).await;
    scribe
}

/// Asserts that a commit is refused as a conflict and that nothing of it remains.
async fn refused(store: &dyn Store, scribe: &Scribe, commit: Arc<Commit>) {
    let before = contents(store, scribe).await;
    let key = commit.idempotency.as_ref().map(|used| used.key.clone());
    let answered_before = match &key {
        Some(key) => store.answered(scribe.book_id, key).await.unwrap(),
        None => None,
    };
    assert_code(store.commit(commit).await, ErrorCode::Conflict);
    assert_eq!(contents(store, scribe).await, before);
    if let Some(key) = key {
        assert_eq!(store.answered(scribe.book_id, &key).await.unwrap(), answered_before);
    }
}

/// Holds: a commit on no parent makes the book; a second such commit is a conflict.
pub async fn the_first_commit_makes_the_book(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let rival = scribe.seal(changes_of_each_sort(&scribe));
    let commit = scribe.change(&*store, vec![Change::create(scribe.book())]).await;
    assert_eq!(store.head(scribe.book_id).await.unwrap(), Some(commit.stored.head()));
    assert_eq!(commit.stored.seq, 1);
    refused(&*store, &scribe, rival).await;
}

/// Holds: a commit that was decided on an older head changes nothing and takes no key.
pub async fn a_commit_on_an_older_head_is_a_conflict_and_leaves_nothing(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let late = scribe.seal_with_key(changes_of_each_sort(&scribe), "late");
    let winner = scribe.seal(vec![Change::create(payee("winner"))]);
    scribe.write(&*store, winner).await;
    refused(&*store, &scribe, late).await;
    assert_eq!(store.answered(scribe.book_id, "late").await.unwrap(), None);
    // The same decision on the new head goes through.
    let again = scribe.seal_with_key(changes_of_each_sort(&scribe), "late");
    scribe.write(&*store, again).await;
}

/// Holds: a parent that is ahead, has another hash or belongs to another book is a conflict.
pub async fn a_commit_that_skips_is_a_conflict(store: Arc<dyn Store>) {
    let scribe = written(&*store, 1).await;
    let other = written(&*store, 2).await;
    let head = scribe.head.unwrap();
    let unborn = Scribe::new(3);
    let strange_parents = [
        Some(Head { seq: head.seq + 1, ..head }),
        Some(Head { seq: head.seq - 1, ..head }),
        Some(Head { hash: Hash::of(&[b"forged"]), ..head }),
        Some(Head { seq: u64::MAX - 1, ..head }),
        Some(Head { seq: u64::MAX, ..head }),
        Some(Head { seq: 0, hash: Hash::of(&[b"forged"]) }),
        other.head,
        None,
    ];
    for parent in strange_parents {
        for writer in [&scribe, &unborn] {
            if parent.is_none() && writer.head.is_none() {
                continue;
            }
            let draft = Draft { parent, ..writer.draft(changes_of_each_sort(writer)) };
            refused(&*store, writer, writer.seal_draft(draft)).await;
        }
    }
}

/// Holds: the same commit twice is one commit.
pub async fn a_repeated_commit_is_a_conflict(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    for number in 0..3 {
        let changes = vec![Change::create(scribe.transaction("2024-01-01", number))];
        let commit = scribe.change(&*store, changes).await;
        refused(&*store, &scribe, commit).await;
    }
}

/// Holds: a key that the book has answered is not answered again, even on the right head.
pub async fn a_used_key_is_a_conflict_and_leaves_nothing(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let again = scribe.seal_with_key(changes_of_each_sort(&scribe), "used");
    refused(&*store, &scribe, again).await;
    // Keys differ by their bytes.
    for key in ["Used", "used ", "use", ""] {
        let commit = scribe.seal_with_key(Vec::new(), key);
        scribe.write(&*store, commit).await;
    }
}

/// Holds: two books may use one key; each keeps its own answer.
pub async fn a_key_belongs_to_one_book(store: Arc<dyn Store>) {
    let (mut one, mut other) = (Scribe::new(1), Scribe::new(2));
    let ours = one.seal_with_key(Vec::new(), "key");
    one.write(&*store, ours).await;
    assert_eq!(store.answered(other.book_id, "key").await.unwrap(), None);
    other.change(&*store, Vec::new()).await;
    let theirs = other.seal_with_key(Vec::new(), "key");
    other.write(&*store, theirs).await;
    let seq = |answered: Option<crate::store::Answered>| answered.map(|answered| answered.seq);
    assert_eq!(seq(store.answered(one.book_id, "key").await.unwrap()), Some(1));
    assert_eq!(seq(store.answered(other.book_id, "key").await.unwrap()), Some(2));
}

/// Holds: an answer comes back byte for byte with its salt, its digest and its commit, for any key
/// and any size.
pub async fn answers_come_back_as_they_were(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let long = "k".repeat(255);
    let mut keys: Vec<&str> = samples::TEXTS.to_vec();
    keys.push(&long);
    let mut expected = Vec::new();
    for (number, key) in keys.iter().enumerate() {
        let answer = [[0, 255, number as u8].repeat(number * 100), b"{}".to_vec()].concat();
        let request = Hash::of(&[key.as_bytes(), b"request"]);
        let salt = [0, 255, number as u8, 128].repeat(4).try_into().unwrap();
        let used = Idempotency::new((*key).to_owned(), request, salt, answer.clone());
        let draft = Draft { idempotency: Some(used.clone()), ..scribe.draft(Vec::new()) };
        let commit = scribe.seal_draft(draft);
        scribe.write(&*store, commit).await;
        expected.push((*key, commit_seq(&scribe), used, request));
    }
    for (key, seq, used, request) in expected {
        let found = store.answered(scribe.book_id, key).await.unwrap().unwrap();
        assert_eq!((found.seq, found.request_salt), (seq, used.request_salt), "key {key:?}");
        assert_eq!(found.request_digest, used.request_digest, "key {key:?}");
        assert_eq!(found.answer, used.answer, "key {key:?}");
        assert!(found.is_for(request) && !found.is_for(used.request_digest), "key {key:?}");
    }
    assert_eq!(store.answered(scribe.book_id, "another").await.unwrap(), None);
}

fn commit_seq(scribe: &Scribe) -> u64 {
    scribe.head.map_or(0, |head| head.seq)
}

/// Holds: ten thousand changes of all sorts are one commit, all of them there.
pub async fn ten_thousand_changes_are_one_commit(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let some = |scribe: &Scribe| -> Vec<Transaction> {
        (0..4_500).map(|number| scribe.transaction("2024-01-01", number)).collect()
    };
    let mut transactions = some(&scribe);
    for transaction in transactions.iter_mut().step_by(3) {
        let account = scribe.account_id;
        transaction.origins = vec![samples::origin(&scribe, account, "2024-01-01", Some("b"))];
    }
    let payees = (0..1_000_u128).map(|number| Payee {
        id: PayeeId::new(uuid::Uuid::from_u128(number)),
        ..payee("one of many")
    });
    let created: Vec<Change> = transactions
        .iter()
        .cloned()
        .map(Change::create)
        .chain(payees.clone().map(Change::create))
        .collect();
    assert_eq!(created.len(), 5_500);
    scribe.change(&*store, created).await;
    // Then ten thousand: every other transaction goes, the rest changes, new ones come.
    let mut changes = Vec::new();
    for (place, transaction) in transactions.iter().enumerate() {
        changes.push(if place % 2 == 0 {
            Change::remove(transaction.clone())
        } else {
            let after = Transaction { notes: Some("n".to_owned()), ..transaction.clone() };
            Change::update(transaction.clone(), after)
        });
    }
    changes.extend(some(&scribe).into_iter().map(Change::create));
    changes.extend(payees.map(Change::remove));
    assert_eq!(changes.len(), 10_000);
    let commit = scribe.change(&*store, changes).await;
    let mut expected: Vec<ColumnRow> =
        transactions_after(&commit).iter().map(ColumnRow::from).collect();
    expected.sort_by_key(|row| row.id);
    let (found, rows, commits) = contents(&*store, &scribe).await;
    assert_eq!(found, Some((commit.stored.head(), Vec::new())));
    assert_eq!((rows.len(), commits), (6_750, 2));
    assert!(rows == expected, "the rows are those of the commit");
}

/// Holds: of several commits decided on one head, exactly one is made and the others conflict.
pub async fn of_commits_at_once_one_wins(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    for round in 0..5 {
        let rivals: Vec<_> = (0..8)
            .map(|number| {
                scribe.seal(vec![
                    Change::create(payee(&format!("{round} {number}"))),
                    Change::create(scribe.transaction("2024-01-01", number)),
                ])
            })
            .collect();
        let rows = store.columns(scribe.book_id, None, u32::MAX).await.unwrap().len();
        let results = together(rivals.iter().map(|rival| store.commit(Arc::clone(rival)))).await;
        let mut winners = Vec::new();
        for (rival, result) in rivals.iter().zip(results) {
            match result {
                Ok(()) => winners.push(rival),
                Err(error) => assert_eq!(error.code(), ErrorCode::Conflict, "{error:?}"),
            }
        }
        assert_eq!(winners.len(), 1);
        scribe.head = Some(winners[0].stored.head());
        assert_eq!(store.head(scribe.book_id).await.unwrap(), scribe.head);
        let rows_now = store.columns(scribe.book_id, None, u32::MAX).await.unwrap().len();
        assert_eq!(rows_now, rows + 1);
    }
}

/// Holds: a commit of events alone is a commit.
pub async fn a_commit_without_changes_moves_the_head(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let before = contents(&*store, &scribe).await;
    let commit = scribe.change(&*store, Vec::new()).await;
    let after = contents(&*store, &scribe).await;
    assert_eq!(store.head(scribe.book_id).await.unwrap(), Some(commit.stored.head()));
    assert_eq!(after.0.map(|found| found.1), before.0.map(|found| found.1));
    assert_eq!((after.1, after.2), (before.1, before.2 + 1));
}

/// Holds: a commit whose caller goes away after any number of polls is made or not made, never
/// half, and the store goes on.
pub async fn a_caller_that_stops_waiting_leaves_all_or_nothing(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    for polls in 0..12 {
        let created = vec![
            Change::create(payee(&format!("after {polls} polls"))),
            Change::create(scribe.transaction("2024-01-01", polls)),
            Change::create(scribe.transaction("2024-01-02", polls)),
        ];
        let abandoned = scribe.seal(created);
        let polls = usize::try_from(polls).unwrap();
        up_to_polls(store.commit(Arc::clone(&abandoned)), polls).await;
        // Whoever comes next decides on what there is; the abandoned one may still be on its way.
        let mut made = false;
        for _ in 0..100 {
            let head = store.head(scribe.book_id).await.unwrap();
            made = head == Some(abandoned.stored.head());
            assert!(made || head == scribe.head);
            let draft = Draft { parent: head, ..scribe.draft(Vec::new()) };
            let next = scribe.seal_draft(draft);
            match store.commit(Arc::clone(&next)).await {
                Ok(()) => {
                    scribe.head = Some(next.stored.head());
                    break;
                }
                Err(error) => assert_eq!(error.code(), ErrorCode::Conflict, "{error:?}"),
            }
        }
        assert_eq!(store.head(scribe.book_id).await.unwrap(), scribe.head, "the store goes on");
        let ids: Vec<_> = transactions_after(&abandoned).iter().map(|one| one.id).collect();
        let found = store.transactions(scribe.book_id, &ids).await.unwrap().len();
        assert_eq!(found, if made { 2 } else { 0 }, "after {polls} polls");
    }
    let mut verifier = Verifier::new(scribe.book_id);
    for commit in store.commits(scribe.book_id, 0, u32::MAX).await.unwrap() {
        verifier.check(&commit);
    }
    verifier.finish(scribe.head).ok().unwrap();
}
