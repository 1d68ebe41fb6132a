//! Commits written by hand: what the engine would hand to a store, without the engine.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::conformance::sources::{FixedClock, SequentialIds};
use crate::env::{Clock, IdSource};
use crate::id::{AccountId, BookId, EventId, TransactionId};
use crate::log::{
    COUNT, Change, Commit, CommitInfo, Draft, EVENT, ErasedTexts, Erasure, Hash, Idempotency,
    NewEvent, OF_BOOK, OF_MEMBER, Object, SEAL, Seal, StoredCommit,
};
use crate::model::{Book, Document, Status, Transaction};
use crate::money::{Currency, Money};
use crate::store::{Head, PageRequest, Store, TransactionQuery};

/// Writes the commits of one book.
///
/// ```
/// use fiscaflow_core::conformance::Scribe;
/// use fiscaflow_core::log::Change;
///
/// let mut scribe = Scribe::new(7);
/// let coffee = scribe.transaction("2024-03-01", -280);
/// let commit = scribe.seal(vec![Change::create(coffee)]);
/// assert_eq!(commit.stored.seq, 1);
/// ```
#[derive(Debug)]
pub struct Scribe {
    /// The book.
    pub book_id: BookId,
    /// Its newest commit, as far as this scribe knows.
    pub head: Option<Head>,
    /// The account of new transactions.
    pub account_id: AccountId,
    /// The time of commits.
    pub clock: FixedClock,
    /// The ids of whatever is made.
    pub ids: SequentialIds,
}

impl Scribe {
    /// The scribe of a book that nobody has written yet. Scribes of different seeds have no id in
    /// common.
    pub fn new(seed: u32) -> Self {
        let (clock, ids) = (FixedClock::default(), SequentialIds::new(seed));
        let book_id = BookId::new(ids.uuid(clock.now()));
        let account_id = AccountId::new(ids.uuid(clock.now()));
        Self { book_id, head: None, account_id, clock, ids }
    }

    /// A fresh id.
    pub fn uuid(&self) -> uuid::Uuid {
        self.ids.uuid(self.clock.now())
    }

    /// The book's own document.
    pub fn book(&self) -> Book {
        Book {
            id: self.book_id,
            name: "Household".to_owned(),
            currency: euro(),
            zone: "Europe/Berlin".to_owned(),
            currencies: Vec::new(),
            created_at: self.clock.now(),
            learning: crate::model::Learning::default(),
        }
    }

    /// A transaction with the least that is needed, in euro cents.
    pub fn transaction(&self, date: &str, amount_minor: i64) -> Transaction {
        bare_transaction(
            TransactionId::new(self.uuid()),
            self.account_id,
            date.parse().unwrap_or_default(),
            amount_minor,
        )
    }

    /// What the scribe is about to decide, on the head it knows.
    pub fn draft(&self, changes: Vec<Change>) -> Draft {
        self.clock.advance(chrono::TimeDelta::milliseconds(1));
        let info = CommitInfo {
            actor: "scribe".parse().expect("an actor"),
            at: self.clock.now(),
            action: "tests.write".to_owned(),
            reason: None,
            correlation_id: None,
            causation_id: None,
        };
        Draft {
            book_id: self.book_id,
            parent: self.head,
            info,
            changes,
            events: Vec::new(),
            idempotency: None,
        }
    }

    /// The next commit, sealed, not written.
    pub fn seal(&self, changes: Vec<Change>) -> Arc<Commit> {
        self.seal_draft(self.draft(changes))
    }

    /// The next commit with an idempotency key, sealed, not written.
    pub fn seal_with_key(&self, changes: Vec<Change>, key: &str) -> Arc<Commit> {
        let answer = format!("{{\"key\":{}}}", key.len()).into_bytes();
        let request = Hash::of(&[key.as_bytes()]);
        let idempotency = Some(Idempotency::new(key.to_owned(), request, self.ids.salt(), answer));
        self.seal_draft(Draft { idempotency, ..self.draft(changes) })
    }

    /// A draft, sealed, not written.
    pub fn seal_draft(&self, draft: Draft) -> Arc<Commit> {
        Arc::new(draft.seal(&self.ids).expect("a draft that can be sealed"))
    }

    /// Writes a sealed commit and moves on to it.
    pub async fn write(&mut self, store: &dyn Store, commit: Arc<Commit>) -> Arc<Commit> {
        store.commit(Arc::clone(&commit)).await.expect("the next commit");
        self.head = Some(commit.stored.head());
        commit
    }

    /// The next commit as one that tells of an erasure, with what it destroys; not written.
    pub async fn erasure(
        &self,
        store: &dyn Store,
        texts: ErasedTexts,
        changes: Vec<Change>,
    ) -> Erasure {
        let mut draft = self.draft(changes);
        let verb = if texts == ErasedTexts::All { OF_BOOK } else { OF_MEMBER };
        verb.clone_into(&mut draft.info.action);
        let commit = Arc::unwrap_or_clone(self.seal(Vec::new()));
        let bare = Erasure { commit, texts };
        let mut count = 0;
        for commit in store.commits(self.book_id, 0, u32::MAX).await.expect("a history") {
            let had = commit.erased_texts().expect("texts").len();
            if let Some(texts) = bare.rest_of(commit.seq, &commit.texts).expect("texts") {
                let rest = StoredCommit { texts, ..commit };
                count += rest.erased_texts().expect("texts").len() - had;
            }
        }
        let event = NewEvent::new(EventId::new(self.uuid()), EVENT, "book", "it");
        draft.events.push(event.with(COUNT, count.to_string()));
        Erasure { commit: Arc::unwrap_or_clone(self.seal_draft(draft)), ..bare }
    }

    /// The next commit as one that tells of a seal and restates everything; not written.
    pub async fn sealing(&self, store: &dyn Store, until: u64, lose_events: bool) -> Erasure {
        let documents = store.documents(self.book_id).await.expect("a book");
        let documents = documents.into_iter().flat_map(|(_, documents)| documents);
        let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
        let all = PageRequest { query, after: None, limit: u32::MAX };
        let transactions = store.page(self.book_id, &all).await.expect("transactions");
        let objects = documents.map(Object::from).chain(transactions.into_iter().map(Object::from));
        let same = |it: Object| Change { before: Some(it.clone()), after: Some(it) };
        let mut draft = self.draft(objects.map(same).collect());
        SEAL.clone_into(&mut draft.info.action);
        let (mut seal, mut earlier) = (Seal { until, ..Seal::default() }, Seal::default());
        for commit in store.commits(self.book_id, 0, u32::MAX).await.expect("a history") {
            if commit.is_sealed() {
                continue;
            }
            let opened = commit.open().expect("a commit that fits");
            earlier = opened.seal().expect("a seal").unwrap_or(earlier);
            if commit.seq <= until {
                seal.erased += opened.erased;
                seal.told += opened.told_erased();
            }
        }
        seal.erased += earlier.erased;
        seal.told += earlier.told;
        draft.events.push(seal.event(EventId::new(self.uuid()), self.book_id));
        let commit = Arc::unwrap_or_clone(self.seal_draft(draft));
        Erasure { commit, texts: ErasedTexts::Sealed { until, lose_events } }
    }

    /// Seals and writes changes.
    pub async fn change(&mut self, store: &dyn Store, changes: Vec<Change>) -> Arc<Commit> {
        let commit = self.seal(changes);
        self.write(store, commit).await
    }

    /// Seals and writes the creation of transactions; returns them as they are stored.
    pub async fn create(
        &mut self,
        store: &dyn Store,
        transactions: Vec<Transaction>,
    ) -> Vec<Transaction> {
        let changes = transactions.into_iter().map(Change::create).collect();
        let commit = self.change(store, changes).await;
        transactions_after(&commit)
    }

    /// Seals and writes the creation of documents.
    pub async fn create_documents(&mut self, store: &dyn Store, documents: &[Document]) {
        let changes = documents.iter().cloned().map(Change::create).collect();
        self.change(store, changes).await;
    }
}

/// The transactions that a commit puts, as they are stored.
pub(super) fn transactions_after(commit: &Commit) -> Vec<Transaction> {
    let after = commit.changes.iter().filter_map(|change| change.after.as_ref());
    let transactions = after.filter_map(|object| match object {
        Object::Transaction(transaction) => Some((**transaction).clone()),
        Object::Document(_) => None,
    });
    transactions.collect()
}

/// The euro.
pub(super) fn euro() -> Currency {
    Currency::iso("EUR").expect("the euro")
}

/// A transaction with nothing but what is needed.
pub(super) fn bare_transaction(
    id: TransactionId,
    account_id: AccountId,
    booking_date: NaiveDate,
    amount_minor: i64,
) -> Transaction {
    Transaction {
        id,
        account_id,
        booking_date,
        value_date: None,
        amount: Money::from_minor(amount_minor, euro()),
        status: Status::Posted,
        status_source: None,
        description: String::new(),
        payee: None,
        payee_source: None,
        category_id: None,
        category_source: None,
        tags: Vec::new(),
        tags_source: None,
        notes: None,
        notes_source: None,
        splits: Vec::new(),
        schedule_id: None,
        schedule_source: None,
        goal_id: None,
        goal_source: None,
        transfer_id: None,
        reference: None,
        external_id: None,
        attachments: Vec::new(),
        metadata: std::collections::BTreeMap::new(),
        origins: Vec::new(),
        deleted: false,
        revision: 0,
    }
}
