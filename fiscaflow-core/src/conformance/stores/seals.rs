//! Sealing old commits: what goes, what stays, and for whom it waits.

use std::sync::Arc;

use super::scribe::Scribe;
use super::wait::{together, up_to_polls};
use super::{assert_code, fsck, samples};
use crate::error::ErrorCode;
use crate::id::EventId;
use crate::log::{Change, StoredCommit};
use crate::model::Transaction;
use crate::store::{
    Delivery, DeliveryStep, EventPlace, PageRequest, SetAside, SetAsideQuery, Snapshot, Store,
    TransactionQuery,
};

/// A book of five commits: documents, two transactions, one of which is changed and the other
/// taken away; the third and fourth have keys.
async fn written(store: &dyn Store, seed: u32) -> Scribe {
    let mut scribe = Scribe::new(seed);
    let mut documents = samples::documents(&scribe);
    documents.push(scribe.book().into());
    scribe.create_documents(store, &documents).await;
    let full = samples::full_transaction(&scribe);
    let made = scribe.create(store, vec![full, scribe.transaction("2024-01-01", 1)]).await;
    let [kept, lost] = &made[..] else { panic!("two transactions") };
    let after = Transaction { notes: Some("later".to_owned()), ..kept.clone() };
    let change = scribe.seal_with_key(vec![Change::update(kept.clone(), after)], "early");
    scribe.write(store, change).await;
    let removal = scribe.seal_with_key(vec![Change::remove(lost.clone())], "late");
    scribe.write(store, removal).await;
    scribe.create(store, vec![scribe.transaction("2024-01-02", 2)]).await;
    scribe
}

/// The present of a book: documents and transactions, but for the commits that changed them last.
async fn present(store: &dyn Store, scribe: &Scribe) -> (Vec<String>, Vec<Transaction>) {
    let documents = store.documents(scribe.book_id).await.unwrap().unwrap().1;
    let documents = documents.iter().map(|it| String::from_utf8(it.encode().unwrap()).unwrap());
    let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
    let request = PageRequest { query, after: None, limit: u32::MAX };
    let mut page = store.page(scribe.book_id, &request).await.unwrap();
    page.iter_mut().for_each(|it| it.revision = 0);
    (documents.collect(), page)
}

async fn history(store: &dyn Store, scribe: &Scribe) -> Vec<StoredCommit> {
    store.commits(scribe.book_id, 0, u32::MAX).await.unwrap()
}

/// Holds: of sealed commits body and texts are gone, header and hash stand; later commits and the
/// present are as they were, and follow from what is left; another book has lost nothing. So it is
/// after a second seal, and the answers to the keys of sealed commits are gone, no others.
pub async fn bodies_go_and_nothing_else(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let other = written(&*store, 2).await;
    let (before, theirs) = (history(&*store, &scribe).await, history(&*store, &other).await);
    let was = present(&*store, &scribe).await;
    for until in [3, 4] {
        let seal = scribe.sealing(&*store, until, false).await;
        store.erase(Arc::new(seal.clone())).await.unwrap();
        scribe.head = Some(seal.commit.stored.head());
        store.scrub().await.unwrap();
        let found = fsck(&*store, scribe.book_id).await;
        for (was, is) in before.iter().zip(&found) {
            assert_eq!((was.hash, &was.header), (is.hash, &is.header));
            assert_eq!(is.is_sealed(), is.seq <= until);
            assert!(if is.is_sealed() { is.texts.is_empty() } else { was == is });
        }
        assert!(present(&*store, &scribe).await == was, "the present stays");
        let early = store.answered(scribe.book_id, "early").await.unwrap().unwrap();
        assert!(early.is_erased() && early.request_salt == [0; 16]);
        let late = store.answered(scribe.book_id, "late").await.unwrap().unwrap();
        assert_eq!(late.is_erased(), until == 4);
    }
    assert!(history(&*store, &other).await == theirs);
    assert!(!store.answered(other.book_id, "early").await.unwrap().unwrap().is_erased());
    assert_code(store.commit(scribe.seal_with_key(Vec::new(), "early")).await, ErrorCode::Conflict);
    scribe.create(&*store, vec![scribe.transaction("2024-01-03", 3)]).await;
    fsck(&*store, scribe.book_id).await;
}

/// Holds: a view of before a seal is forgotten and does not come back.
pub async fn no_view_of_before_comes_back(store: Arc<dyn Store>) {
    let scribe = written(&*store, 1).await;
    let view = Snapshot { head: scribe.head.unwrap(), bytes: b"of before".into() };
    store.keep_snapshot(scribe.book_id, view.clone()).await.unwrap();
    let seal = scribe.sealing(&*store, 3, false).await;
    store.erase(Arc::new(seal)).await.unwrap();
    for _ in 0..2 {
        let kept = store.snapshot(scribe.book_id).await.unwrap();
        assert!(kept.is_none_or(|kept| kept.bytes.is_empty()));
        store.keep_snapshot(scribe.book_id, view.clone()).await.unwrap();
    }
}

async fn deliver(
    store: &dyn Store,
    scribe: &Scribe,
    sink: &str,
    seq: u64,
    aside: Option<EventPlace>,
) {
    let kept = store.delivery(scribe.book_id, sink).await.unwrap();
    let expected = kept.map_or(0, |kept| kept.version);
    let delivery = Delivery { version: expected + 1, seq, ..Delivery::default() };
    let put = aside.map(|place| SetAside {
        place,
        event_id: EventId::new(scribe.uuid()),
        name: "planning.budget.threshold_crossed".to_owned(),
        tries: 5,
        reason: "away".to_owned(),
        at: chrono::DateTime::UNIX_EPOCH,
        again: false,
    });
    let put_aside = put.into_iter().collect();
    let step = DeliveryStep { expected, delivery, put_aside, taken_back: Vec::new() };
    store.deliver(scribe.book_id, sink, Arc::new(step)).await.unwrap();
}

/// Holds: a seal is refused, and changes nothing, while a sink is not done with what it would
/// drop, or an event of that lies aside; the answer names what could be sealed. Where events may
/// be lost it is made, and what lies aside of sealed commits is forgotten, no more. A sink of
/// another book, and one that was never told anything, are not waited for.
pub async fn a_seal_waits_for_sinks(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let other = written(&*store, 2).await;
    deliver(&*store, &other, "hooks", 1, Some(EventPlace { seq: 1, number: 0 })).await;
    deliver(&*store, &scribe, "hooks", 5, None).await;
    deliver(&*store, &scribe, "mails", 2, None).await;
    let before = history(&*store, &scribe).await;
    let refused = async |until: u64, could: u64| {
        let seal = scribe.sealing(&*store, until, false).await;
        let error = store.erase(Arc::new(seal)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Undelivered);
        assert_eq!(error.of_id(), Some(could.to_string().as_str()));
        assert!(history(&*store, &scribe).await == before);
    };
    refused(3, 2).await;
    deliver(&*store, &scribe, "mails", 5, Some(EventPlace { seq: 4, number: 1 })).await;
    refused(4, 3).await;
    let seal = scribe.sealing(&*store, 3, false).await;
    store.erase(Arc::new(seal.clone())).await.unwrap();
    scribe.head = Some(seal.commit.stored.head());
    let all = SetAsideQuery { limit: u32::MAX, ..SetAsideQuery::default() };
    let aside = async |scribe: &Scribe, sink: &str| {
        store.set_aside(scribe.book_id, sink, &all).await.unwrap().len()
    };
    assert_eq!(aside(&scribe, "mails").await, 1);
    let seal = scribe.sealing(&*store, 5, true).await;
    store.erase(Arc::new(seal)).await.unwrap();
    assert_eq!((aside(&scribe, "mails").await, aside(&other, "hooks").await), (0, 1));
    fsck(&*store, scribe.book_id).await;
}

/// Holds: a seal that was decided on another head is a conflict and drops nothing; of several at
/// once one is made.
pub async fn a_seal_on_another_head_drops_nothing(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let late = scribe.sealing(&*store, 3, false).await;
    scribe.change(&*store, Vec::new()).await;
    let before = history(&*store, &scribe).await;
    assert_code(store.erase(Arc::new(late)).await, ErrorCode::Conflict);
    assert!(history(&*store, &scribe).await == before);
    let mut several = Vec::new();
    for _ in 0..4 {
        several.push(scribe.sealing(&*store, 3, false).await);
    }
    let tries = several.into_iter().map(|seal| store.erase(Arc::new(seal)));
    let made = together(tries).await.iter().filter(|result| result.is_ok()).count();
    assert_eq!(made, 1);
    fsck(&*store, scribe.book_id).await;
}

/// Holds: a seal whose caller goes away after any number of polls is made or not made.
pub async fn an_abandoned_seal_leaves_all_or_nothing(store: Arc<dyn Store>) {
    for polls in 0..12 {
        let mut scribe = written(&*store, 100 + u32::try_from(polls).unwrap()).await;
        let seal = scribe.sealing(&*store, 3, false).await;
        up_to_polls(store.erase(Arc::new(seal.clone())), polls).await;
        // Whoever comes next decides on what there is; the abandoned one may be on its way.
        for _ in 0..100 {
            scribe.head = store.head(scribe.book_id).await.unwrap();
            if store.commit(scribe.seal(Vec::new())).await.is_ok() {
                break;
            }
        }
        let found = fsck(&*store, scribe.book_id).await;
        let made = found.iter().any(|commit| commit.hash == seal.commit.stored.hash);
        assert_eq!(found[0].is_sealed(), made, "after {polls} polls");
    }
}
