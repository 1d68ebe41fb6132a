//! Heads and documents.

use std::sync::Arc;

use super::samples;
use super::scribe::Scribe;
use crate::log::{Change, Commit, Hash};
use crate::model::{Document, DocumentKind, Member, Payee, Role};
use crate::store::{OriginQuery, PageRequest, Selection, SetAsideQuery, Store, TransactionQuery};
use crate::{BookId, PayeeId, TransactionId};

/// The documents of a book in the store's order.
async fn stored(store: &dyn Store, book_id: BookId) -> Vec<Document> {
    store.documents(book_id).await.unwrap().map(|(_, documents)| documents).unwrap_or_default()
}

/// In the order that the contract asks for.
fn sorted(mut documents: Vec<Document>) -> Vec<Document> {
    documents.sort_by_key(|document| (document.kind().as_str(), document.key()));
    documents
}

/// Holds: a book that is not there reads as empty everywhere, also beside one that is there.
pub async fn an_unknown_book_has_nothing(store: Arc<dyn Store>) {
    let mut other = Scribe::new(1);
    other.create_documents(&*store, &samples::documents(&other)).await;
    other.create(&*store, vec![samples::full_transaction(&other)]).await;
    let known: Vec<TransactionId> =
        store.columns(other.book_id, None, 9).await.unwrap().iter().map(|row| row.id).collect();
    assert_eq!(known.len(), 1);

    let unknown = Scribe::new(2).book_id;
    let everything = PageRequest {
        query: TransactionQuery { deleted: true, ..TransactionQuery::default() },
        after: None,
        limit: 10,
    };
    let origins = OriginQuery {
        account_id: other.account_id,
        from: "2000-01-01".parse().unwrap(),
        to: "2100-01-01".parse().unwrap(),
        bank_ids: vec!["bank-1".to_owned()],
    };
    assert_eq!(store.head(unknown).await.unwrap(), None);
    assert_eq!(store.documents(unknown).await.unwrap(), None);
    for selection in [Selection::Ids(&known), Selection::Page(&everything)] {
        assert_eq!(store.select(unknown, selection).await.unwrap(), None);
    }
    assert_eq!(store.transactions(unknown, &known).await.unwrap(), []);
    assert_eq!(store.page(unknown, &everything).await.unwrap(), []);
    assert_eq!(store.columns(unknown, None, 10).await.unwrap(), []);
    assert_eq!(store.origins(unknown, &origins).await.unwrap(), []);
    assert_eq!(store.commits(unknown, 0, 10).await.unwrap(), []);
    assert_eq!(store.answered(unknown, "key").await.unwrap(), None);
    assert_eq!(store.delivery(unknown, "hooks").await.unwrap(), None);
    let everything = SetAsideQuery { limit: 10, ..SetAsideQuery::default() };
    assert_eq!(store.set_aside(unknown, "hooks", &everything).await.unwrap(), []);
}

/// Holds: documents of all kinds come whole, by kind and key, with the head they belong to.
pub async fn documents_come_with_their_head_in_order(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let documents = samples::documents(&scribe);
    scribe.create_documents(&*store, &documents).await;
    let (head, found) = store.documents(scribe.book_id).await.unwrap().unwrap();
    assert_eq!(Some(head), scribe.head);
    assert_eq!(store.head(scribe.book_id).await.unwrap(), scribe.head);
    assert_eq!(found, sorted(documents));
    for kind in DocumentKind::ALL {
        assert!(found.iter().any(|document| document.kind() == *kind), "{kind:?} has no sample");
    }
}

/// Holds: a document of every kind can be made, put anew and removed; the others stay.
pub async fn every_kind_is_made_changed_and_removed(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let mut left = samples::documents(&scribe);
    scribe.create_documents(&*store, &left).await;
    for place in 0..left.len() {
        let before = left[place].clone();
        let after = changed(before.clone());
        assert_eq!((before.kind(), before.key()), (after.kind(), after.key()));
        scribe.change(&*store, vec![Change::update(before, after.clone())]).await;
        left[place] = after;
        assert_eq!(stored(&*store, scribe.book_id).await, sorted(left.clone()));
    }
    while let Some(document) = left.pop() {
        scribe.change(&*store, vec![Change::remove(document)]).await;
        let (head, found) = store.documents(scribe.book_id).await.unwrap().unwrap();
        assert_eq!((Some(head), found), (scribe.head, sorted(left.clone())));
    }
}

/// The same document with another content.
fn changed(document: Document) -> Document {
    match document {
        Document::Book(book) => crate::model::Book { name: "Ours".into(), ..book }.into(),
        Document::Member(member) => Member { role: Role::Member, ..member }.into(),
        Document::Account(account) => {
            crate::model::Account { closed: true, number: None, ..account }.into()
        }
        Document::Category(category) => {
            crate::model::Category { name: "Food".into(), ..category }.into()
        }
        Document::Payee(payee) => Payee { aliases: Vec::new(), ..payee }.into(),
        Document::Rule(rule) => crate::model::Rule { enabled: false, ..rule }.into(),
        Document::Budget(budget) => crate::model::Budget { thresholds: vec![50], ..budget }.into(),
        Document::Envelope(envelope) => crate::model::Envelope { cap: None, ..envelope }.into(),
        Document::Assignment(assignment) => {
            crate::model::Assignment { amounts: Vec::new(), ..assignment }.into()
        }
        Document::Import(import) => {
            crate::model::Import { imported: 1, file_name: None, ..import }.into()
        }
        Document::Layout(layout) => crate::model::Layout { account_id: None, ..layout }.into(),
        Document::TransferRefusal(refusal) => refusal.into(),
        Document::Schedule(schedule) => crate::model::Schedule { active: false, ..schedule }.into(),
        Document::RateSheet(sheet) => crate::model::RateSheet { rates: Vec::new(), ..sheet }.into(),
        Document::Goal(goal) => crate::model::Goal { due: None, ..goal }.into(),
        Document::Dismissal(dismissal) => {
            crate::model::Dismissal { date: crate::calendar::FIRST_DAY, ..dismissal }.into()
        }
        Document::Milestone(milestone) => {
            crate::model::Milestone { date: crate::calendar::FIRST_DAY, ..milestone }.into()
        }
        Document::Secret(secret) => crate::model::Secret { key_version: 2, ..secret }.into(),
        // All of an alert is its key.
        Document::Alert(alert) => alert.into(),
    }
}

/// Holds: of several changes of one document in one commit the last one counts, and putting and
/// removing keep their order.
pub async fn changes_of_one_object_apply_in_order(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let payee = |name: &str| Payee {
        id: PayeeId::new(uuid::Uuid::from_u128(7)),
        name: name.to_owned(),
        aliases: Vec::new(),
    };
    let changes = vec![
        Change::create(payee("a")),
        Change::update(payee("a"), payee("b")),
        Change::remove(payee("b")),
        Change::create(payee("c")),
    ];
    scribe.change(&*store, changes).await;
    assert_eq!(stored(&*store, scribe.book_id).await, [payee("c").into()]);
    let changes = vec![Change::update(payee("c"), payee("d")), Change::remove(payee("d"))];
    scribe.change(&*store, changes).await;
    assert_eq!(stored(&*store, scribe.book_id).await, []);
}

/// Holds: removing what is not there changes nothing and is no error.
pub async fn a_document_that_is_not_there_is_removed_without_error(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let documents = samples::documents(&scribe);
    scribe.create_documents(&*store, &documents).await;
    let absent =
        Payee { id: PayeeId::new(scribe.uuid()), name: "nobody".to_owned(), aliases: Vec::new() };
    scribe.change(&*store, vec![Change::remove(absent)]).await;
    assert_eq!(stored(&*store, scribe.book_id).await, sorted(documents));
}

/// Holds: a book that has commits but no document is there all the same.
pub async fn a_book_may_have_no_document(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let commit: Arc<Commit> = scribe.change(&*store, Vec::new()).await;
    assert_eq!(commit.stored.parent, Hash::ZERO);
    let found = store.documents(scribe.book_id).await.unwrap();
    assert_eq!(found, Some((commit.stored.head(), Vec::new())));
}
