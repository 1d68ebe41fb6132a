//! The naive twin of a store: lists, searched from end to end. It is slow and obviously right.

use crate::error::{Error, ErrorCode, Result};
use crate::id::{BookId, TransactionId};
use crate::log::{Commit, ErasedTexts, Erasure, Hash, Object, StoredCommit};
use crate::model::{Document, Transaction};
use crate::store::{
    Answered, ColumnRow, Delivery, DeliveryStep, Head, LONGEST_WAIT, OriginQuery, OriginRow,
    PageRequest, Position, SetAside, SetAsideQuery, WaitingQuery,
};

#[derive(Default)]
pub(super) struct Twin {
    commits: Vec<(BookId, StoredCommit)>,
    answers: Vec<(BookId, String, Answered)>,
    documents: Vec<(BookId, Document)>,
    transactions: Vec<(BookId, Transaction)>,
    deliveries: Vec<((BookId, String), Delivery)>,
    set_aside: Vec<((BookId, String), SetAside)>,
}

impl Twin {
    pub(super) fn head(&self, book_id: BookId) -> Option<Head> {
        self.commits(book_id, 0, u32::MAX).last().map(StoredCommit::head)
    }

    pub(super) fn documents(&self, book_id: BookId) -> Option<(Head, Vec<Document>)> {
        let head = self.head(book_id)?;
        let mut found: Vec<Document> = of(&self.documents, book_id).cloned().collect();
        found.sort_by_key(|document| (document.kind().as_str(), document.key()));
        Some((head, found))
    }

    /// In the order of ids.
    pub(super) fn transactions(&self, book_id: BookId, ids: &[TransactionId]) -> Vec<Transaction> {
        let wanted = self.by_id(book_id).into_iter().filter(|one| ids.contains(&one.id));
        wanted.cloned().collect()
    }

    pub(super) fn page(&self, book_id: BookId, request: &PageRequest) -> Vec<Transaction> {
        let position = |one: &Transaction| Position { booking_date: one.booking_date, id: one.id };
        let mut found: Vec<&Transaction> = of(&self.transactions, book_id)
            .filter(|one| request.query.selects(one))
            .filter(|one| request.after.is_none_or(|after| position(one) < after))
            .collect();
        found.sort_by_key(|one| position(one));
        found.into_iter().rev().take(size(request.limit)).cloned().collect()
    }

    pub(super) fn columns(
        &self,
        book_id: BookId,
        after: Option<TransactionId>,
        limit: u32,
    ) -> Vec<ColumnRow> {
        let rest = self.by_id(book_id).into_iter().filter(|one| Some(one.id) > after);
        rest.take(size(limit)).map(ColumnRow::from).collect()
    }

    pub(super) fn origins(&self, book_id: BookId, query: &OriginQuery) -> Vec<OriginRow> {
        let mut rows = Vec::new();
        for one in self.by_id(book_id) {
            let booked = !one.origins.iter().all(|origin| origin.pending);
            for origin in &one.origins {
                let in_span = origin.booking_date >= query.from && origin.booking_date <= query.to;
                let named = query.bank_ids.iter().any(|id| Some(id) == origin.bank_id.as_ref());
                if origin.account_id == query.account_id && (in_span || named) {
                    rows.push(OriginRow {
                        transaction_id: one.id,
                        booking_date: origin.booking_date,
                        bank_id: origin.bank_id.clone(),
                        fingerprint: origin.fingerprint.clone(),
                        pending: origin.pending,
                        booked,
                        amount_minor: origin.amount.minor(),
                    });
                }
            }
        }
        rows
    }

    pub(super) fn commits(&self, book_id: BookId, after_seq: u64, limit: u32) -> Vec<StoredCommit> {
        let rest = of(&self.commits, book_id).filter(|commit| commit.seq > after_seq);
        rest.take(size(limit)).cloned().collect()
    }

    pub(super) fn answered(&self, book_id: BookId, key: &str) -> Option<Answered> {
        let mut answers = self.answers.iter();
        let found = answers.find(|(book, used, _)| *book == book_id && used == key);
        found.map(|(_, _, answered)| answered.clone())
    }

    pub(super) fn commit(&mut self, commit: &Commit) -> Result<()> {
        let book_id = commit.book_id;
        let (seq, hash) = self.head(book_id).map_or((0, Hash::ZERO), |head| (head.seq, head.hash));
        let fits = commit.stored.seq == seq + 1 && commit.stored.parent == hash;
        let key = commit.idempotency.as_ref().map(|used| used.key.as_str());
        if !fits || key.is_some_and(|key| self.answered(book_id, key).is_some()) {
            return Err(Error::new(ErrorCode::Conflict, "the twin has moved on"));
        }
        for change in &commit.changes {
            if let Some(object) = change.subject() {
                self.take(book_id, object);
            }
            match &change.after {
                Some(Object::Document(document)) => {
                    self.documents.push((book_id, document.clone()));
                }
                Some(Object::Transaction(transaction)) => {
                    self.transactions.push((book_id, (**transaction).clone()));
                }
                None => {}
            }
        }
        if let Some(used) = &commit.idempotency {
            let answered = Answered {
                seq: commit.stored.seq,
                request_salt: used.request_salt,
                request_digest: used.request_digest,
                answer: used.answer.clone(),
            };
            self.answers.push((book_id, used.key.clone(), answered));
        }
        self.commits.push((book_id, commit.stored.clone()));
        Ok(())
    }

    pub(super) fn erase(&mut self, erasure: &Erasure) -> Result<()> {
        let book_id = erasure.commit.book_id;
        let before = self.commits(book_id, 0, u32::MAX);
        let mut used: Vec<Answered> = of_three(&self.answers, book_id).collect();
        self.check_delivered(erasure)?;
        self.commit(&erasure.commit)?;
        let sealed = match erasure.texts {
            ErasedTexts::Sealed { until, .. } => {
                used.retain(|it| it.seq <= until);
                until.min(erasure.commit.stored.seq - 1)
            }
            _ => 0,
        };
        for (book, commit) in &mut self.commits {
            if *book == book_id && before.contains(commit) {
                let rest = erasure.rest_of(commit.seq, &commit.texts)?;
                commit.texts = rest.unwrap_or(commit.texts.clone());
                if commit.seq <= sealed {
                    commit.body.clear();
                }
            }
        }
        for (_, _, answered) in self.answers.iter_mut().filter(|it| used.contains(&it.2)) {
            (answered.request_salt, answered.answer) = ([0; 16], Vec::new());
        }
        let of_book = |name: &(BookId, String)| name.0 == book_id;
        for (_, delivery) in self.deliveries.iter_mut().filter(|it| of_book(&it.0)) {
            delivery.failure = delivery.failure.take().map(|_| String::new());
            delivery.version += 1;
        }
        for (_, event) in self.set_aside.iter_mut().filter(|it| of_book(&it.0)) {
            event.reason = String::new();
        }
        let is_sealed = |seq: u64| sealed > 0 && seq <= sealed;
        self.set_aside.retain(|(name, event)| name.0 != book_id || !is_sealed(event.place.seq));
        if erasure.texts == ErasedTexts::All {
            self.bare(book_id, &erasure.commit)?;
        }
        Ok(())
    }

    /// Whether every sink is done with what a seal drops. A store looks at the head first.
    fn check_delivered(&self, erasure: &Erasure) -> Result<()> {
        let book_id = erasure.commit.book_id;
        let ErasedTexts::Sealed { until, lose_events: false } = erasure.texts else {
            return Ok(());
        };
        if self.head(book_id).map(|head| head.hash) != Some(erasure.commit.stored.parent) {
            return Ok(());
        }
        let behind = self.deliveries.iter().any(|(name, it)| name.0 == book_id && it.seq < until);
        let aside =
            |(name, it): &((BookId, String), SetAside)| name.0 == book_id && it.place.seq <= until;
        match until > 0 && (behind || self.set_aside.iter().any(aside)) {
            true => Err(Error::new(ErrorCode::Undelivered, "a sink waits")),
            false => Ok(()),
        }
    }

    /// Takes the texts out of all objects of a book that a commit did not change.
    fn bare(&mut self, book_id: BookId, but: &Commit) -> Result<()> {
        let changed = |object: &Object| {
            let mut subjects = but.changes.iter().filter_map(|change| change.subject());
            subjects.any(|it| (it.kind(), it.key()) == (object.kind(), object.key()))
        };
        for (_, document) in self.documents.iter_mut().filter(|it| it.0 == book_id) {
            let object = Object::from(document.clone());
            if let (false, Object::Document(bare)) = (changed(&object), object.without_texts()?) {
                *document = bare;
            }
        }
        for (_, transaction) in self.transactions.iter_mut().filter(|it| it.0 == book_id) {
            let object = Object::from(transaction.clone());
            if let (false, Object::Transaction(bare)) = (changed(&object), object.without_texts()?)
            {
                *transaction = *bare;
            }
        }
        Ok(())
    }

    pub(super) fn delivery(&self, book_id: BookId, sink: &str) -> Option<Delivery> {
        let mut all = self.deliveries.iter();
        all.find(|(name, _)| (name.0, name.1.as_str()) == (book_id, sink)).map(|it| it.1.clone())
    }

    pub(super) fn set_aside(
        &self,
        book_id: BookId,
        sink: &str,
        query: &SetAsideQuery,
    ) -> Vec<SetAside> {
        let of = self.set_aside.iter().filter(|(name, _)| (name.0, &*name.1) == (book_id, sink));
        let mut found: Vec<SetAside> = of.map(|(_, event)| event.clone()).collect();
        found.sort_by_key(|event| event.place);
        found.retain(|event| event.again || !query.again);
        found.retain(|event| query.after.is_none_or(|after| after < event.place));
        found.truncate(size(query.limit));
        found
    }

    pub(super) fn waiting(&self, query: &WaitingQuery) -> Vec<BookId> {
        let mut books: Vec<BookId> = self.commits.iter().map(|(book, _)| *book).collect();
        books.sort();
        books.dedup();
        books.retain(|book| query.after.is_none_or(|after| after < *book));
        books.retain(|book| {
            let kept = self.delivery(*book, &query.sink).unwrap_or_default();
            let again = SetAsideQuery { after: None, again: true, limit: 1 };
            let again = self.set_aside(*book, &query.sink, &again);
            let behind = self.head(*book).is_some_and(|head| head.seq > kept.seq);
            let waits = |at| query.now < at && at <= query.now + LONGEST_WAIT;
            let leased = kept.lease.is_some_and(|lease| waits(lease.until));
            let early = kept.retry_at.is_some_and(waits);
            (behind || !again.is_empty()) && !leased && !early
        });
        books.truncate(size(query.limit));
        books
    }

    pub(super) fn deliver(
        &mut self,
        book_id: BookId,
        sink: &str,
        step: &DeliveryStep,
    ) -> Result<()> {
        let kept = self.delivery(book_id, sink).map_or(0, |kept| kept.version);
        let head = self.head(book_id);
        if kept != step.expected || head.is_none_or(|head| head.seq < step.delivery.seq) {
            return Err(Error::new(ErrorCode::Conflict, "the twin has moved on"));
        }
        let name = (book_id, sink.to_owned());
        self.deliveries.retain(|(known, _)| *known != name);
        self.deliveries.push((name.clone(), step.delivery.clone()));
        let taken = |place| step.taken_back.contains(&place);
        let put = |place| step.put_aside.iter().any(|event| event.place == place);
        self.set_aside
            .retain(|(known, event)| *known != name || !taken(event.place) && !put(event.place));
        self.set_aside.extend(step.put_aside.iter().map(|event| (name.clone(), event.clone())));
        Ok(())
    }

    /// Takes away what bears the object's name.
    fn take(&mut self, book_id: BookId, object: &Object) {
        match object {
            Object::Document(document) => self.documents.retain(|(book, one)| {
                *book != book_id || (one.kind(), one.key()) != (document.kind(), document.key())
            }),
            Object::Transaction(transaction) => {
                self.transactions.retain(|(book, one)| *book != book_id || one.id != transaction.id)
            }
        }
    }

    /// The ids of a book's transactions, in their order.
    pub(super) fn ids(&self, book_id: BookId) -> Vec<TransactionId> {
        self.by_id(book_id).into_iter().map(|one| one.id).collect()
    }

    fn by_id(&self, book_id: BookId) -> Vec<&Transaction> {
        let mut found: Vec<&Transaction> = of(&self.transactions, book_id).collect();
        found.sort_by_key(|one| one.id);
        found
    }
}

/// What belongs to a book.
fn of<T>(all: &[(BookId, T)], book_id: BookId) -> impl Iterator<Item = &T> {
    all.iter().filter(move |(book, _)| *book == book_id).map(|(_, one)| one)
}

/// The answers that belong to a book.
fn of_three(
    all: &[(BookId, String, Answered)],
    book_id: BookId,
) -> impl Iterator<Item = Answered> + '_ {
    all.iter().filter(move |it| it.0 == book_id).map(|it| it.2.clone())
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap()
}
