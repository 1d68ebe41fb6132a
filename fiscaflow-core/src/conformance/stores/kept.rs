//! What is kept beside the history, as it stands in its rows: whole, in order, in parts, and in the
//! form in which the store writes it.

use std::sync::Arc;

use super::samples::{documents, full_transaction};
use super::scribe::Scribe;
use crate::id::{BookId, TransactionId};
use crate::log::ErasedTexts;
use crate::model::Transaction;
use crate::store::{Delivery, DeliveryStep, Kept, KeptPart, KeptRow, Store};

/// The rows, none of which has a column that does not fit.
async fn rows(store: &dyn Store, book_id: BookId, part: KeptPart) -> Vec<KeptRow> {
    let rows = store.kept(book_id, &part).await.unwrap();
    for row in &rows {
        assert_eq!(row.odd, [""; 0], "{} {}", row.kind, row.id);
    }
    rows
}

fn transaction(row: &KeptRow) -> Transaction {
    match &row.content {
        Some(Kept::Transaction(it)) => (**it).clone(),
        other => panic!("{other:?} instead of a transaction"),
    }
}

/// Transactions, page by page.
async fn transactions(store: &dyn Store, book_id: BookId, limit: u32) -> Vec<Transaction> {
    let (mut found, mut after): (Vec<Transaction>, Option<TransactionId>) = (Vec::new(), None);
    loop {
        let page = rows(store, book_id, KeptPart::Transactions { after, limit }).await;
        assert!(page.len() <= usize::try_from(limit).unwrap());
        let Some(last) = page.last() else { return found };
        after = Some(last.id.parse().unwrap());
        found.extend(page.iter().map(transaction));
    }
}

/// Holds: documents and transactions come as other reads answer with them, in order, before and
/// after texts were erased; what is not there is left out.
pub async fn rows_hold_what_reads_answer(store: Arc<dyn Store>) {
    let (mut scribe, mut other) = (Scribe::new(1), Scribe::new(2));
    scribe.create_documents(&*store, &documents(&scribe)).await;
    let new = vec![full_transaction(&scribe), scribe.transaction("2024-01-01", -5)];
    let made = scribe.create(&*store, new).await;
    other.create(&*store, vec![full_transaction(&other)]).await;
    for erased in [false, true] {
        if erased {
            let erasure = scribe.erasure(&*store, ErasedTexts::All, Vec::new()).await;
            store.erase(Arc::new(erasure)).await.unwrap();
        }
        let book_id = scribe.book_id;
        let (_, expected) = store.documents(book_id).await.unwrap().unwrap();
        let found = rows(&*store, book_id, KeptPart::Documents).await;
        assert_eq!(found.len(), expected.len());
        for (row, document) in found.iter().zip(expected) {
            assert_eq!((&*row.kind, &row.id), (document.kind().as_str(), &document.key()));
            assert_eq!(row.content, Some(Kept::Document(Box::new(document))));
        }
        let ids: Vec<TransactionId> = made.iter().map(|it| it.id).collect();
        let mut expected = store.transactions(book_id, &ids).await.unwrap();
        expected.sort_by_key(|it| it.id);
        for limit in [1, 2, 9] {
            assert_eq!(transactions(&*store, book_id, limit).await, expected);
        }
        let some = vec![made[1].id, TransactionId::new(scribe.uuid())];
        let found = rows(&*store, book_id, KeptPart::These(some)).await;
        assert_eq!(found.iter().map(transaction).collect::<Vec<_>>(), [made[1].clone()]);
        for part in [KeptPart::StrayOrigins, KeptPart::StrayCommits] {
            assert_eq!(rows(&*store, book_id, part).await, []);
        }
    }
    let absent = Scribe::new(3).book_id;
    assert_eq!(rows(&*store, absent, KeptPart::Documents).await, []);
    assert_eq!(transactions(&*store, absent, 9).await, []);
}

/// Holds: answers come in the order of their keys, in parts, of their book alone.
pub async fn answers_come_in_the_order_of_keys(store: Arc<dyn Store>) {
    let (mut scribe, mut other) = (Scribe::new(1), Scribe::new(2));
    for key in ["b", "ä", "a", "B", "a 1"] {
        let commit = scribe.seal_with_key(Vec::new(), key);
        scribe.write(&*store, commit).await;
    }
    let commit = other.seal_with_key(Vec::new(), "c");
    other.write(&*store, commit).await;
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let part = KeptPart::Answers { after, limit: 2 };
        let page = rows(&*store, scribe.book_id, part).await;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        found.extend(page);
    }
    let keys: Vec<&str> = found.iter().map(|row| &*row.id).collect();
    assert_eq!(keys, ["B", "a", "a 1", "b", "ä"]);
    for row in &found {
        let answered = store.answered(scribe.book_id, &row.id).await.unwrap().unwrap();
        assert_eq!(row.content, Some(Kept::Answer(answered)));
    }
}

/// Holds: every sink of which something is kept is told, with where the book is, and a book that
/// waits is found.
pub async fn sinks_are_told_with_their_places(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    scribe.change(&*store, Vec::new()).await;
    scribe.change(&*store, Vec::new()).await;
    assert_eq!(rows(&*store, scribe.book_id, KeptPart::Sinks).await, []);
    let delivery = Delivery { version: 1, seq: 1, ..Delivery::default() };
    let (put_aside, taken_back) = (Vec::new(), Vec::new());
    let step = DeliveryStep { expected: 0, delivery: delivery.clone(), put_aside, taken_back };
    store.deliver(scribe.book_id, "hooks", Arc::new(step)).await.unwrap();
    let found = rows(&*store, scribe.book_id, KeptPart::Sinks).await;
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].kind, &*found[0].id), ("delivery", "hooks"));
    let Some(Kept::Sink(sink)) = &found[0].content else { panic!("{found:?}") };
    assert_eq!(sink.delivery, Some(delivery));
    assert_eq!((sink.head_seq, sink.again, sink.findable), (2, false, true));
}
