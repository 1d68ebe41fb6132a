//! Erasing texts: what goes, what stays, and that it is one write.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scribe::Scribe;
use super::wait::{together, up_to_polls};
use super::{assert_code, fsck, samples};
use crate::error::ErrorCode;
use crate::id::EventId;
use crate::log::{Change, ErasedTexts, Object};
use crate::store::{
    Delivery, DeliveryStep, EventPlace, Head, OriginQuery, PageRequest, SetAside, SetAsideQuery,
    Snapshot, Store, TransactionQuery,
};

/// In every text of [`written`].
const CANARY: &str = "canary";

/// A book in whose texts, answers and reasons a canary sings, with a kept view of it.
async fn written(store: &dyn Store, seed: u32) -> Scribe {
    let mut scribe = Scribe::new(seed);
    let mut documents = samples::documents(&scribe);
    documents.push(scribe.book().into());
    scribe.create_documents(store, &documents).await;
    let mut full = samples::full_transaction(&scribe);
    full.description = format!("{CANARY} of a bank");
    full.payee = Some(format!("{CANARY} & sons"));
    full.notes = Some(CANARY.to_owned());
    full.tags = vec![CANARY.to_owned()];
    full.metadata.insert(CANARY.to_owned(), CANARY.to_owned());
    full.splits[0].notes = Some(CANARY.to_owned());
    full.origins[0].bank_id = Some(CANARY.to_owned());
    let bare = scribe.transaction("2024-01-01", 1);
    let changes = vec![Change::create(full.clone()), Change::create(bare)];
    let commit = scribe.seal_with_key(changes, "used");
    scribe.write(store, commit).await;
    let reason = SetAside {
        place: EventPlace { seq: 1, number: 0 },
        event_id: EventId::new(scribe.uuid()),
        name: "planning.budget.threshold_crossed".to_owned(),
        tries: 5,
        reason: CANARY.to_owned(),
        at: chrono::DateTime::UNIX_EPOCH,
        again: false,
    };
    let failure = Some(CANARY.to_owned());
    let delivery = Delivery { version: 1, seq: 1, failure, ..Delivery::default() };
    let step =
        DeliveryStep { expected: 0, delivery, put_aside: vec![reason], taken_back: Vec::new() };
    store.deliver(scribe.book_id, "hooks", Arc::new(step)).await.unwrap();
    let view = Snapshot { head: scribe.head.unwrap(), bytes: CANARY.into() };
    store.keep_snapshot(scribe.book_id, view).await.unwrap();
    scribe
}

/// All that a store tells of a book, as one text.
async fn told(store: &dyn Store, scribe: &Scribe) -> String {
    let book_id = scribe.book_id;
    let mut told = String::new();
    for commit in store.commits(book_id, 0, u32::MAX).await.unwrap() {
        told += &String::from_utf8_lossy(&commit.header);
        told += &String::from_utf8_lossy(&commit.body);
        told += &String::from_utf8_lossy(&commit.texts);
    }
    for document in store.documents(book_id).await.unwrap().unwrap().1 {
        told += &String::from_utf8(document.encode().unwrap()).unwrap();
    }
    let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
    let request = PageRequest { query, after: None, limit: u32::MAX };
    let page = store.page(book_id, &request).await.unwrap();
    told += &serde_json::to_string(&page).unwrap();
    for row in store.columns(book_id, None, u32::MAX).await.unwrap() {
        told += &format!("{:?} {:?}", row.payee, row.tags);
    }
    let answered = store.answered(book_id, "used").await.unwrap().unwrap();
    told += &String::from_utf8_lossy(&answered.answer);
    told += &format!("{:?}", store.delivery(book_id, "hooks").await.unwrap());
    let all = SetAsideQuery { limit: u32::MAX, ..SetAsideQuery::default() };
    told += &format!("{:?}", store.set_aside(book_id, "hooks", &all).await.unwrap());
    let view = store.snapshot(book_id).await.unwrap().unwrap_or(empty());
    told + &String::from_utf8_lossy(&view.bytes)
}

fn empty() -> Snapshot {
    Snapshot { head: Head { seq: 1, hash: crate::log::Hash::ZERO }, bytes: Vec::new() }
}

/// Holds: with all texts erased nothing that the store tells holds one, what it tells follows from
/// the history, the history verifies, and another book has lost nothing.
pub async fn all_texts_go_wherever_they_are(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let other = written(&*store, 2).await;
    let before = told(&*store, &other).await;
    let bodies = store.commits(scribe.book_id, 0, u32::MAX).await.unwrap();
    assert!(told(&*store, &scribe).await.contains(CANARY), "what is looked for can be found");
    let erasure = scribe.erasure(&*store, ErasedTexts::All, Vec::new()).await;
    store.erase(Arc::new(erasure.clone())).await.unwrap();
    scribe.head = Some(erasure.commit.stored.head());
    store.scrub().await.unwrap();
    assert!(!told(&*store, &scribe).await.contains(CANARY));
    let history = fsck(&*store, scribe.book_id).await;
    for (was, is) in bodies.iter().zip(&history) {
        assert_eq!((was.hash, &was.header, &was.body), (is.hash, &is.header, &is.body));
    }
    let text = TransactionQuery { text: Some(CANARY.to_owned()), ..TransactionQuery::default() };
    let request = PageRequest { query: text, after: None, limit: 9 };
    assert!(store.page(scribe.book_id, &request).await.unwrap().is_empty());
    let query = OriginQuery {
        account_id: scribe.account_id,
        from: chrono::NaiveDate::MAX,
        to: chrono::NaiveDate::MAX,
        bank_ids: vec![CANARY.to_owned()],
    };
    assert!(store.origins(scribe.book_id, &query).await.unwrap().is_empty());
    assert_eq!(told(&*store, &other).await, before);
    scribe.create(&*store, vec![scribe.transaction("2024-01-02", 2)]).await;
    fsck(&*store, scribe.book_id).await;
}

/// Holds: of chosen texts those go and no other, their salts with them; what the commit makes of
/// objects is what they are.
pub async fn chosen_texts_go_and_no_other(store: Arc<dyn Store>) {
    let scribe = written(&*store, 1).await;
    let before = store.commits(scribe.book_id, 0, u32::MAX).await.unwrap();
    let query = TransactionQuery::default();
    let request = PageRequest { query, after: None, limit: u32::MAX };
    let page = store.page(scribe.book_id, &request).await.unwrap();
    let full = page.into_iter().find(|it| !it.origins.is_empty()).unwrap();
    let bare = Object::from(full).without_texts().unwrap();
    let change = Change { before: Some(bare.clone()), after: Some(bare) };
    let chosen = ErasedTexts::These(BTreeMap::from([(2, vec![0]), (9, vec![0])]));
    let erasure = scribe.erasure(&*store, chosen, vec![change]).await;
    store.erase(Arc::new(erasure.clone())).await.unwrap();
    let history = fsck(&*store, scribe.book_id).await;
    assert_eq!(history[0], before[0]);
    assert_eq!(history[1].erased_texts().unwrap(), [0]);
    assert!(!history[1].texts.starts_with(&before[1].texts[..16]), "the salt is gone");
    assert_eq!(history[2], erasure.commit.stored);
}

/// Holds: an answer that was erased keeps its key used, and later ones are kept.
pub async fn erased_answers_keep_their_keys(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let was = store.answered(scribe.book_id, "used").await.unwrap().unwrap();
    let erasure = scribe.erasure(&*store, ErasedTexts::All, Vec::new()).await;
    store.erase(Arc::new(erasure.clone())).await.unwrap();
    scribe.head = Some(erasure.commit.stored.head());
    let is = store.answered(scribe.book_id, "used").await.unwrap().unwrap();
    assert!(is.is_erased() && !was.is_erased());
    assert_eq!((is.seq, is.request_digest), (was.seq, was.request_digest));
    assert_eq!(is.request_salt, [0; 16]);
    let again = scribe.seal_with_key(Vec::new(), "used");
    assert_code(store.commit(again).await, ErrorCode::Conflict);
    let later = scribe.seal_with_key(Vec::new(), "later");
    scribe.write(&*store, later).await;
    assert!(!store.answered(scribe.book_id, "later").await.unwrap().unwrap().is_erased());
}

/// Holds: who still has a view from before cannot put it back; a later one is kept.
pub async fn no_earlier_view_comes_back(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let earlier = Snapshot { head: scribe.head.unwrap(), bytes: CANARY.into() };
    let erasure = scribe.erasure(&*store, ErasedTexts::All, Vec::new()).await;
    store.erase(Arc::new(erasure.clone())).await.unwrap();
    scribe.head = Some(erasure.commit.stored.head());
    store.keep_snapshot(scribe.book_id, earlier).await.unwrap();
    let kept = store.snapshot(scribe.book_id).await.unwrap();
    assert!(kept.is_none_or(|kept| kept.bytes.is_empty()));
    let commit = scribe.change(&*store, Vec::new()).await;
    let later = Snapshot { head: commit.stored.head(), bytes: b"later".into() };
    store.keep_snapshot(scribe.book_id, later.clone()).await.unwrap();
    assert!(store.snapshot(scribe.book_id).await.unwrap().is_none_or(|kept| kept == later));
}

/// Holds: an erasure that was decided on another head is a conflict and destroys nothing; of
/// several at once one is made.
pub async fn an_erasure_on_another_head_destroys_nothing(store: Arc<dyn Store>) {
    let mut scribe = written(&*store, 1).await;
    let late = scribe.erasure(&*store, ErasedTexts::All, Vec::new()).await;
    scribe.change(&*store, Vec::new()).await;
    let before = told(&*store, &scribe).await;
    assert_code(store.erase(Arc::new(late.clone())).await, ErrorCode::Conflict);
    assert_eq!(told(&*store, &scribe).await, before);
    let absent = Scribe::new(3);
    let mut nowhere = late;
    nowhere.commit.book_id = absent.book_id;
    assert_code(store.erase(Arc::new(nowhere)).await, ErrorCode::Conflict);

    let mut several = Vec::new();
    for _ in 0..4 {
        several.push(scribe.erasure(&*store, ErasedTexts::All, Vec::new()).await);
    }
    let tries = several.into_iter().map(|erasure| store.erase(Arc::new(erasure)));
    let made = together(tries).await.iter().filter(|result| result.is_ok()).count();
    assert_eq!(made, 1);
    fsck(&*store, scribe.book_id).await;
}

/// Holds: an erasure whose caller goes away after any number of polls is made or not made.
pub async fn an_abandoned_erasure_leaves_all_or_nothing(store: Arc<dyn Store>) {
    for polls in 0..12 {
        let mut scribe = written(&*store, 100 + u32::try_from(polls).unwrap()).await;
        let erasure = scribe.erasure(&*store, ErasedTexts::All, Vec::new()).await;
        up_to_polls(store.erase(Arc::new(erasure.clone())), polls).await;
        // Whoever comes next decides on what there is; the abandoned one may be on its way.
        for _ in 0..100 {
            scribe.head = store.head(scribe.book_id).await.unwrap();
            if store.commit(scribe.seal(Vec::new())).await.is_ok() {
                break;
            }
        }
        let history = fsck(&*store, scribe.book_id).await;
        let made = history.iter().any(|commit| commit.hash == erasure.commit.stored.hash);
        assert_eq!(told(&*store, &scribe).await.contains(CANARY), !made, "after {polls} polls");
    }
}
