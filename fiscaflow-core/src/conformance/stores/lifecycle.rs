//! Closing, and work at once.

use std::sync::Arc;

use super::scribe::Scribe;
use super::wait::{together, up_to_polls};
use super::{assert_code, samples};
use crate::error::ErrorCode;
use crate::id::PayeeId;
use crate::log::{Change, ErasedTexts, Erasure};
use crate::model::{Document, Payee, Transaction};
use crate::store::{
    Delivery, DeliveryStep, KeptPart, OriginQuery, PageRequest, Selection, SetAsideQuery, Store,
    TransactionQuery, WaitingQuery,
};

/// Holds: after closing, every call answers `closed`.
pub async fn a_closed_store_answers_closed(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    let stored = scribe.create(&*store, vec![samples::full_transaction(&scribe)]).await;
    let book_id = scribe.book_id;
    store.close().await;
    let request = PageRequest { query: TransactionQuery::default(), after: None, limit: 9 };
    let origins = OriginQuery {
        account_id: scribe.account_id,
        from: "2024-01-01".parse().unwrap(),
        to: "2024-01-01".parse().unwrap(),
        bank_ids: Vec::new(),
    };
    let closed = ErrorCode::Closed;
    assert_code(store.head(book_id).await, closed);
    assert_code(store.documents(book_id).await, closed);
    assert_code(store.transactions(book_id, &[stored[0].id]).await, closed);
    assert_code(store.transactions(book_id, &[]).await, closed);
    assert_code(store.page(book_id, &request).await, closed);
    assert_code(store.columns(book_id, None, 9).await, closed);
    assert_code(store.origins(book_id, &origins).await, closed);
    assert_code(store.commits(book_id, 0, 9).await, closed);
    assert_code(store.tree_nodes(book_id, &[1]).await, closed);
    assert_code(store.keep_tree_nodes(book_id, &[]).await, closed);
    assert_code(store.answered(book_id, "key").await, closed);
    assert_code(store.commit(scribe.seal(Vec::new())).await, closed);
    let commit = Arc::unwrap_or_clone(scribe.seal(Vec::new()));
    let erasure = Erasure { commit, texts: ErasedTexts::All };
    assert_code(store.erase(Arc::new(erasure)).await, closed);
    assert_code(store.waiting(&waiting()).await, closed);
    assert_code(store.delivery(book_id, "hooks").await, closed);
    assert_code(store.set_aside(book_id, "hooks", &SetAsideQuery::default()).await, closed);
    let step = DeliveryStep {
        expected: 0,
        delivery: Delivery { version: 1, ..Delivery::default() },
        put_aside: Vec::new(),
        taken_back: Vec::new(),
    };
    assert_code(store.deliver(book_id, "hooks", Arc::new(step)).await, closed);
    assert_code(store.kept(book_id, &KeptPart::Documents).await, closed);
}

fn waiting() -> WaitingQuery {
    let now = chrono::DateTime::UNIX_EPOCH;
    WaitingQuery { sink: "hooks".to_owned(), now, after: None, limit: 9 }
}

/// Holds: closing again, also at once, is no error.
pub async fn closing_twice_is_no_error(store: Arc<dyn Store>) {
    together([store.close(), store.close()]).await;
    store.close().await;
    assert_code(store.head(Scribe::new(1).book_id).await, ErrorCode::Closed);
}

/// Holds: a read whose caller goes away after any number of polls leaves nothing behind: later
/// reads see every later commit, and later commits are made.
pub async fn abandoned_reads_leave_the_store_as_it_was(store: Arc<dyn Store>) {
    let mut scribe = Scribe::new(1);
    scribe.create_documents(&*store, &samples::documents(&scribe)).await;
    scribe.create(&*store, vec![samples::full_transaction(&scribe)]).await;
    let (book_id, account_id) = (scribe.book_id, scribe.account_id);
    let request = PageRequest { query: TransactionQuery::default(), after: None, limit: 9 };
    let day = "2024-03-01".parse().unwrap();
    let origins = OriginQuery { account_id, from: day, to: day, bank_ids: Vec::new() };
    for polls in 0..6 {
        for _ in 0..4 {
            up_to_polls(store.head(book_id), polls).await;
            up_to_polls(store.documents(book_id), polls).await;
            up_to_polls(store.transactions(book_id, &[]), polls).await;
            up_to_polls(store.page(book_id, &request), polls).await;
            up_to_polls(store.columns(book_id, None, 9), polls).await;
            up_to_polls(store.origins(book_id, &origins), polls).await;
            up_to_polls(store.commits(book_id, 0, 9), polls).await;
            up_to_polls(store.tree_nodes(book_id, &[1]), polls).await;
            up_to_polls(store.answered(book_id, "key"), polls).await;
            up_to_polls(store.kept(book_id, &KeptPart::Documents), polls).await;
            up_to_polls(store.waiting(&waiting()), polls).await;
            up_to_polls(store.delivery(book_id, "hooks"), polls).await;
            up_to_polls(store.set_aside(book_id, "hooks", &SetAsideQuery::default()), polls).await;
        }
        let made = scribe.create(&*store, vec![scribe.transaction("2024-01-01", 1)]).await;
        for _ in 0..8 {
            let read = store.transactions(book_id, &[made[0].id]).await.unwrap();
            assert_eq!(read, made);
            assert_eq!(store.head(book_id).await.unwrap(), scribe.head);
        }
    }
}

/// Holds: while commits are made, every read shows one point of the history: documents fit their
/// head, transactions fit each other and theirs.
pub async fn reads_at_once_see_whole_commits(store: Arc<dyn Store>) {
    const COMMITS: u64 = 40;
    let mut scribe = Scribe::new(1);
    let book_id = scribe.book_id;
    let payee = |seq: u64| Payee {
        id: PayeeId::new(uuid::Uuid::nil()),
        name: seq.to_string(),
        aliases: Vec::new(),
    };
    let transactions: Vec<Transaction> =
        (0..20).map(|minor| scribe.transaction("2024-01-01", minor)).collect();
    let changes = transactions.iter().cloned().map(Change::create);
    let first = changes.chain([Change::create(payee(1))]).collect();
    scribe.change(&*store, first).await;
    let ids: Vec<_> = transactions.iter().map(|one| one.id).collect();
    let page = PageRequest { query: TransactionQuery::default(), after: None, limit: 99 };

    let write = async {
        for seq in 2..=COMMITS {
            let again = transactions.iter().map(|one| Change::update(one.clone(), one.clone()));
            let changes = again.chain([Change::update(payee(seq - 1), payee(seq))]).collect();
            scribe.change(&*store, changes).await;
        }
    };
    let read = async {
        let mut newest = 0;
        while newest < COMMITS {
            let (head, documents) = store.documents(book_id).await.unwrap().unwrap();
            assert_eq!(documents, [Document::from(payee(head.seq))]);
            assert!(newest <= head.seq, "the history went back");
            newest = head.seq;
            for selection in [Selection::Ids(&ids), Selection::Page(&page)] {
                let (at, found) = store.select(book_id, selection).await.unwrap().unwrap();
                assert_eq!(found.len(), ids.len());
                let of_head = found.iter().all(|one| one.revision == at.seq);
                assert!(of_head, "half a commit was read, or another head");
                assert!(newest <= at.seq, "the history went back");
                newest = at.seq;
            }
        }
    };
    let work: [std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>>; 2] =
        [Box::pin(write), Box::pin(read)];
    together(work).await;
}
