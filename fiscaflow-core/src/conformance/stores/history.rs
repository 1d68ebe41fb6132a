//! The history as it is read back.

use std::sync::Arc;

use super::samples;
use super::scribe::Scribe;
use crate::id::EventId;
use crate::log::{Change, CommitInfo, Draft, NewEvent, StoredCommit, Verifier};
use crate::model::Transaction;
use crate::store::{COMMIT_BYTES, Store};

/// Commits of all sorts, as they were written.
async fn written(store: &dyn Store, scribe: &mut Scribe) -> Vec<StoredCommit> {
    let full = samples::full_transaction(scribe);
    let event = NewEvent::new(EventId::new(scribe.uuid()), "ledger.transaction.made", "t", "1")
        .with("amount", "-10.00");
    let mut drafts: Vec<Vec<Change>> = vec![
        samples::documents(scribe).into_iter().map(Change::create).collect(),
        vec![Change::create(full.clone())],
        Vec::new(),
        vec![Change::update(full.clone(), Transaction { deleted: true, ..full.clone() })],
        vec![Change::remove(full)],
    ];
    drafts.extend(samples::TEXTS.iter().map(|text| {
        let description = (*text).to_owned();
        vec![Change::create(Transaction { description, ..scribe.transaction("2024-01-01", 1) })]
    }));
    let mut commits = Vec::new();
    for (number, changes) in drafts.into_iter().enumerate() {
        let draft = scribe.draft(changes);
        let info = CommitInfo {
            reason: Some(format!("reason {number}")),
            correlation_id: Some("request".to_owned()),
            causation_id: Some("cause".to_owned()),
            ..draft.info.clone()
        };
        let draft = Draft { info, events: vec![event.clone()], ..draft };
        let commit = scribe.seal_draft(draft);
        commits.push(scribe.write(store, commit).await.stored.clone());
    }
    commits
}

/// Holds: a read ends with the commit that makes it large, and what follows comes with the next.
pub async fn large_commits_are_read_a_few_at_a_time(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut expected = Vec::new();
    for size in [0, 3, 0, 2, 0, 0, 5, 5, 0] {
        let notes = Some("n".repeat(1 << 16));
        let large = |_| Transaction { notes: notes.clone(), ..scribe.transaction("2024-01-01", 1) };
        let changes = (0..size * 16).map(large).map(Change::create).collect();
        expected.push(scribe.change(&*store, changes).await.stored.clone());
    }
    for limit in [1, 2, 3, 100] {
        let mut found = Vec::new();
        while found.len() < expected.len() {
            let part = store.commits(scribe.book_id, found.len() as u64, limit).await.unwrap();
            let bytes: usize = part.iter().map(StoredCommit::size).sum();
            let last = part.last().map_or(0, StoredCommit::size);
            assert!(!part.is_empty() && bytes - last < COMMIT_BYTES, "{bytes} bytes");
            let is_full = part.len() == limit as usize || bytes >= COMMIT_BYTES;
            found.extend(part);
            assert!(is_full || found.len() == expected.len());
        }
        same(&found, &expected);
    }
}

/// Asserts that the two histories are the same, byte for byte.
#[track_caller]
fn same(found: &[StoredCommit], expected: &[StoredCommit]) {
    let seqs = |commits: &[StoredCommit]| commits.iter().map(|one| one.seq).collect::<Vec<_>>();
    assert_eq!(seqs(found), seqs(expected));
    for (found, expected) in found.iter().zip(expected) {
        assert!(found == expected, "commit {} differs in its bytes", expected.seq);
    }
}

/// Holds: a commit is read as it was written, and the whole history verifies against the head.
pub async fn commits_come_back_byte_for_byte_and_verify(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let expected = written(&*store, &mut scribe).await;
    let found = store.commits(scribe.book_id, 0, u32::MAX).await.unwrap();
    same(&found, &expected);
    let mut verifier = Verifier::new(scribe.book_id);
    found.iter().for_each(|commit| verifier.check(commit));
    let verification = verifier.finish(store.head(scribe.book_id).await.unwrap());
    assert!(verification.verified, "{:?}", verification.problem);
    assert_eq!(verification.commits, expected.last().map_or(0, |last| last.seq));
}

/// Holds: oldest first, after any number, at most `limit`.
pub async fn the_history_is_read_in_parts(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let all = written(&*store, &mut scribe).await;
    let last = all.last().map_or(0, |commit| commit.seq);
    for after in [0, 1, 7, last - 1, last, last + 1, u64::MAX] {
        for limit in [0, 1, 2, 26, 27, 28, u32::MAX] {
            let rest = all.iter().filter(|commit| commit.seq > after);
            let expected: Vec<StoredCommit> =
                rest.take(usize::try_from(limit).unwrap()).cloned().collect();
            same(&store.commits(scribe.book_id, after, limit).await.unwrap(), &expected);
        }
    }
}

/// Holds: two books that are written in turns have each their own history.
pub async fn two_histories_do_not_mix(store: Arc<dyn Store>) {
    let (mut one, mut other) = (Scribe::new(1), Scribe::new(2));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..6 {
        let change = vec![Change::create(one.transaction("2024-01-01", number))];
        ours.push(one.change(&*store, change).await.stored.clone());
        if number % 2 == 0 {
            let change = vec![Change::create(other.transaction("2024-01-01", number))];
            theirs.push(other.change(&*store, change).await.stored.clone());
        }
    }
    same(&store.commits(one.book_id, 0, 99).await.unwrap(), &ours);
    same(&store.commits(other.book_id, 0, 99).await.unwrap(), &theirs);
}
