//! The check of a whole book from first principles: whatever it shows must follow from its log.

use std::collections::BTreeMap;

use crate::id::{BookId, TransactionId};
use crate::log::{Change, Finding, Object, StoredCommit, Verifier};
use crate::model::{Document, Transaction};
use crate::store::{ColumnRow, PageRequest, Position, Store, TransactionQuery, verify_book};

/// How many rows are read at a time: few enough that a book of some size needs several reads.
const ROWS: u32 = 1_000;

/// Checks a book and panics where it contradicts itself: every byte of the history fits its
/// hashes, or is sealed as the history tells, and the nodes of its tree, documents, transactions,
/// lists and columns are what the history makes of nothing. Returns the history.
pub async fn fsck(store: &dyn Store, book_id: BookId) -> Vec<StoredCommit> {
    let head = store.head(book_id).await.unwrap();
    let history = history(store, book_id).await;
    let mut verifier = Verifier::new(book_id);
    let mut documents = BTreeMap::new();
    let mut transactions = BTreeMap::new();
    for commit in &history {
        verifier.check(commit);
        for nodes in store.tree_nodes(book_id, &[commit.seq]).await.unwrap() {
            verifier.check_nodes(&nodes);
        }
        if !commit.is_sealed() {
            let opened = commit.open().unwrap();
            apply(&mut documents, &mut transactions, opened.changes);
        }
    }
    verifier.finish(head).ok().unwrap();

    let found = store.documents(book_id).await.unwrap().map(|(_, found)| found);
    let expected: Vec<Document> = documents.into_values().collect();
    assert!(found.unwrap_or_default() == expected, "documents follow from the history");
    check_columns(store, book_id, &transactions).await;
    check_rows(store, book_id, &transactions).await;
    verify(store, book_id).await;
    history
}

/// Has a book verified and panics where something does not follow from the history. Its writer may
/// not care for what engines and relays make sure of: that parts add up and transfers have two
/// sides, that what is set aside are events, and that a kept view is one.
pub(super) async fn verify(store: &dyn Store, book_id: BookId) {
    let found = verify_book(store, book_id).await.unwrap();
    assert!(found.broken_seq.is_none(), "{found:#?}");
    let is_rule = |it: &&Finding| it.fields == ["splits"] || it.fields == ["transfer_id"];
    let is_outside = |it: &&Finding| ["delivery", "set_aside", "view"].contains(&&*it.kind);
    let strange = found.findings.iter().find(|it| !is_rule(it) && !is_outside(it));
    assert!(strange.is_none(), "{strange:#?}");
}

async fn history(store: &dyn Store, book_id: BookId) -> Vec<StoredCommit> {
    let mut history: Vec<StoredCommit> = Vec::new();
    loop {
        let after = history.last().map_or(0, |commit| commit.seq);
        let part = store.commits(book_id, after, ROWS).await.unwrap();
        if part.is_empty() {
            return history;
        }
        history.extend(part);
    }
}

fn apply(
    documents: &mut BTreeMap<(&'static str, String), Document>,
    transactions: &mut BTreeMap<TransactionId, Transaction>,
    changes: Vec<Change>,
) {
    for Change { before, after } in changes {
        match (before, after) {
            (_, Some(Object::Document(document))) => {
                documents.insert((document.kind().as_str(), document.key()), document);
            }
            (_, Some(Object::Transaction(transaction))) => {
                transactions.insert(transaction.id, *transaction);
            }
            (Some(Object::Document(document)), None) => {
                documents.remove(&(document.kind().as_str(), document.key()));
            }
            (Some(Object::Transaction(transaction)), None) => {
                transactions.remove(&transaction.id);
            }
            (None, None) => panic!("the history has an empty change"),
        }
    }
}

async fn check_columns(
    store: &dyn Store,
    book_id: BookId,
    transactions: &BTreeMap<TransactionId, Transaction>,
) {
    let mut rows: Vec<ColumnRow> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.id);
        let part = store.columns(book_id, after, ROWS).await.unwrap();
        if part.is_empty() {
            break;
        }
        rows.extend(part);
    }
    let expected: Vec<ColumnRow> = transactions.values().map(ColumnRow::from).collect();
    assert_eq!(rows.len(), expected.len(), "each transaction is there once");
    assert!(rows == expected, "columns follow from the history");
}

async fn check_rows(
    store: &dyn Store,
    book_id: BookId,
    transactions: &BTreeMap<TransactionId, Transaction>,
) {
    let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
    let mut request = PageRequest { query, after: None, limit: ROWS };
    let mut found = 0;
    loop {
        let page = store.page(book_id, &request).await.unwrap();
        let Some(last) = page.last() else { break };
        request.after = Some(Position { booking_date: last.booking_date, id: last.id });
        found += page.len();
        for transaction in &page {
            let expected = transactions.get(&transaction.id);
            assert!(expected == Some(transaction), "{transaction:?} follows from the history");
        }
    }
    assert_eq!(found, transactions.len(), "each transaction is listed once");
}
