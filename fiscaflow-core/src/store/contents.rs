//! What a book holds at one point of its history, in memory: what commits make of nothing.
//!
//! It is written to be read: it answers the reads of the contract in the plainest way. The store in
//! memory and books as of a past point are made of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    ColumnRow, Kept, KeptPart, KeptRow, OriginQuery, OriginRow, PageRequest, Position, Selection,
};
use crate::error::Result;
use crate::id::TransactionId;
use crate::log::{Change, Object, TRANSACTION};
use crate::model::{Document, Origin, Transaction};

/// The documents and transactions of a book.
///
/// ```
/// use fiscaflow_core::log::Change;
/// use fiscaflow_core::model::Dismissal;
/// use fiscaflow_core::store::Contents;
///
/// let mut contents = Contents::default();
/// let date = "2026-11-29".parse().unwrap();
/// contents.apply(&[Change::create(Dismissal { insight_id: "unusual/7".into(), date })]);
/// assert_eq!(contents.documents().count(), 1);
/// ```
#[derive(Default)]
pub struct Contents {
    documents: BTreeMap<(&'static str, String), Document>,
    transactions: BTreeMap<TransactionId, Transaction>,
}

crate::model::debug_only!(Contents:);

impl Contents {
    /// Applies changes in their order: what is after is put in the place of what bears that name,
    /// an object that has no after is removed.
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match (&change.before, &change.after) {
                (_, Some(after)) => self.put(after.clone()),
                (Some(before), None) => self.remove(before),
                (None, None) => {}
            }
        }
    }

    /// Erases all personal texts.
    ///
    /// Errors: `corrupt_data` where an object cannot be read without them; then nothing is erased.
    pub fn erase_texts(&mut self) -> Result<()> {
        let documents = self.documents.values().cloned().map(Object::Document);
        let transactions = self.transactions.values().cloned().map(Object::from);
        let bare: Vec<Object> = documents
            .chain(transactions)
            .map(|object| object.without_texts())
            .collect::<Result<_>>()?;
        bare.into_iter().for_each(|object| self.put(object));
        Ok(())
    }

    /// Puts an object in the place of what bears its name.
    pub(crate) fn put(&mut self, object: Object) {
        match object {
            Object::Document(document) => {
                self.documents.insert((document.kind().as_str(), document.key()), document);
            }
            Object::Transaction(transaction) => {
                self.transactions.insert(transaction.id, *transaction);
            }
        }
    }

    /// Removes what bears an object's name.
    pub(crate) fn remove(&mut self, object: &Object) {
        match object {
            Object::Document(document) => {
                self.documents.remove(&(document.kind().as_str(), document.key()));
            }
            Object::Transaction(transaction) => drop(self.transactions.remove(&transaction.id)),
        }
    }

    /// Gives a transaction the commit that changed it last.
    pub(crate) fn set_revision(&mut self, id: TransactionId, revision: u64) {
        if let Some(transaction) = self.transactions.get_mut(&id) {
            transaction.revision = revision;
        }
    }

    /// How many transactions there are.
    pub(crate) fn len(&self) -> usize {
        self.transactions.len()
    }

    /// The documents, in the order of kind (by its stored name) and key.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    /// The transactions of a selection.
    pub fn select(&self, selection: Selection<'_>) -> Vec<Transaction> {
        match selection {
            Selection::Ids(ids) => self.transactions(ids),
            Selection::Page(request) => self.page(request),
        }
    }

    /// The transactions with these ids, as far as they are there.
    pub fn transactions(&self, ids: &[TransactionId]) -> Vec<Transaction> {
        let ids: BTreeSet<_> = ids.iter().collect();
        ids.into_iter().filter_map(|id| self.transactions.get(id)).cloned().collect()
    }

    /// The transactions that a request selects, newest first.
    pub fn page(&self, request: &PageRequest) -> Vec<Transaction> {
        let position = |transaction: &Transaction| Position {
            booking_date: transaction.booking_date,
            id: transaction.id,
        };
        let mut selected: Vec<&Transaction> = self
            .transactions
            .values()
            .filter(|transaction| request.query.selects(transaction))
            .filter(|transaction| request.after.is_none_or(|after| position(transaction) < after))
            .collect();
        selected.sort_unstable_by_key(|transaction| std::cmp::Reverse(position(transaction)));
        selected.into_iter().take(size(request.limit)).cloned().collect()
    }

    /// Transactions in the order of their ids, with what figures are computed from.
    pub fn columns(&self, after: Option<TransactionId>, limit: u32) -> Vec<ColumnRow> {
        let rest = self.transactions.iter().filter(|(id, _)| Some(**id) > after);
        rest.take(size(limit)).map(|(_, transaction)| transaction.into()).collect()
    }

    /// Documents and transactions as rows, which hold nothing beside them.
    pub fn kept(&self, part: &KeptPart) -> Vec<KeptRow> {
        let row = |it: &Transaction| KeptRow {
            kind: TRANSACTION.to_owned(),
            id: it.id.to_string(),
            content: Some(Kept::Transaction(Box::new(it.clone()))),
            odd: Vec::new(),
        };
        match part {
            KeptPart::Documents => {
                let row = |((kind, key), it): (&(&str, String), &Document)| KeptRow {
                    kind: (*kind).to_owned(),
                    id: key.clone(),
                    content: Some(Kept::Document(Box::new(it.clone()))),
                    odd: Vec::new(),
                };
                self.documents.iter().map(row).collect()
            }
            KeptPart::Transactions { after, limit } => {
                let rest = self.transactions.iter().filter(|(id, _)| Some(**id) > *after);
                rest.take(size(*limit)).map(|(_, it)| row(it)).collect()
            }
            KeptPart::These(ids) => self.transactions(ids).iter().map(row).collect(),
            KeptPart::StrayOrigins
            | KeptPart::StrayCommits
            | KeptPart::Answers { .. }
            | KeptPart::Sinks => Vec::new(),
        }
    }

    /// What was imported into an account before and may meet new rows.
    pub fn origins(&self, query: &OriginQuery) -> Vec<OriginRow> {
        let bank_ids: HashSet<&String> = query.bank_ids.iter().collect();
        let wanted = |origin: &Origin| {
            let in_span = (query.from..=query.to).contains(&origin.booking_date);
            let has_id = origin.bank_id.as_ref().is_some_and(|id| bank_ids.contains(id));
            origin.account_id == query.account_id && (in_span || has_id)
        };
        let mut rows = Vec::new();
        for transaction in self.transactions.values() {
            let booked = transaction.origins.iter().any(|origin| !origin.pending);
            for origin in transaction.origins.iter().filter(|origin| wanted(origin)) {
                rows.push(OriginRow {
                    transaction_id: transaction.id,
                    booking_date: origin.booking_date,
                    bank_id: origin.bank_id.clone(),
                    fingerprint: origin.fingerprint.clone(),
                    pending: origin.pending,
                    booked,
                    amount_minor: origin.amount.minor(),
                });
            }
        }
        rows
    }
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
