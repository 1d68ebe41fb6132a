//! The reference store: books in memory, gone with the process.
//!
//! It is written to be read: every method does what the contract says in the plainest way, so that
//! it can settle what another store should answer. What a book holds, and how that is read, stands
//! in the core's [`Contents`], because a book as of a past point is read alike. It copies what it
//! returns and sorts what it lists; a book of some ten thousand transactions is no trouble for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use fiscaflow_core::log::{Commit, ErasedTexts, Erasure, Hash, StoredCommit};
use fiscaflow_core::model::{Document, Transaction};
use fiscaflow_core::store::{
    Answered, COMMIT_BYTES, ColumnRow, Contents, Delivery, DeliveryStep, EventPlace, Head, Kept,
    KeptPart, KeptRow, KeptSink, OriginQuery, OriginRow, Selection, SetAside, SetAsideQuery, Store,
    TreeNodes, WaitingQuery,
};
use fiscaflow_core::{BookId, Error, ErrorCode, Result, TransactionId};

use crate::closed;

/// A store that keeps its books in memory.
///
/// ```
/// use fiscaflow_core::store::Store;
/// use fiscaflow_store::MemoryStore;
///
/// let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(MemoryStore::new());
/// ```
pub struct MemoryStore {
    /// `None` once the store is closed.
    books: RwLock<Option<HashMap<BookId, Book>>>,
}

/// What is kept of one book.
#[derive(Default)]
struct Book {
    commits: Vec<StoredCommit>,
    /// The nodes of the tree beside the commits of these numbers.
    nodes: BTreeMap<u64, Vec<u8>>,
    contents: Contents,
    answers: BTreeMap<String, Answered>,
    sinks: BTreeMap<String, Sink>,
}

/// What is kept of the delivery to one sink.
#[derive(Default)]
struct Sink {
    delivery: Delivery,
    set_aside: BTreeMap<EventPlace, SetAside>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// A store without books.
    pub fn new() -> Self {
        Self { books: RwLock::new(Some(HashMap::new())) }
    }

    fn books(&self) -> RwLockReadGuard<'_, Option<HashMap<BookId, Book>>> {
        // No code that holds the lock can panic half-way through a change.
        self.books.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn books_mut(&self) -> RwLockWriteGuard<'_, Option<HashMap<BookId, Book>>> {
        self.books.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a book; one that is not there reads as an empty one.
    fn read<T>(&self, book_id: BookId, read: impl FnOnce(&Book) -> T) -> Result<T> {
        match &*self.books() {
            None => Err(closed()),
            Some(books) => Ok(read(books.get(&book_id).unwrap_or(&Book::default()))),
        }
    }
}

impl Book {
    fn head(&self) -> Option<Head> {
        self.commits.last().map(StoredCommit::head)
    }

    /// Whether the commit was decided on this book's newest state.
    fn is_next(&self, commit: &Commit) -> bool {
        let (seq, hash) = self.head().map_or((0, Hash::ZERO), |head| (head.seq, head.hash));
        commit.stored.parent == hash && commit.stored.seq.checked_sub(1) == Some(seq)
    }

    fn has_answered(&self, commit: &Commit) -> bool {
        let key = commit.idempotency.as_ref().map(|used| &used.key);
        key.is_some_and(|key| self.answers.contains_key(key))
    }

    fn append(&mut self, commit: &Commit) {
        self.contents.apply(&commit.changes);
        if let Some(used) = &commit.idempotency {
            let answered = Answered {
                seq: commit.stored.seq,
                request_salt: used.request_salt,
                request_digest: used.request_digest,
                answer: used.answer.clone(),
            };
            self.answers.insert(used.key.clone(), answered);
        }
        if !commit.nodes.is_empty() {
            self.nodes.insert(commit.stored.seq, commit.nodes.clone());
        }
        self.commits.push(commit.stored.clone());
    }

    fn keep_nodes(&mut self, nodes: &[TreeNodes]) {
        let last = self.head().map_or(0, |head| head.seq);
        for kept in nodes.iter().filter(|kept| (1..=last).contains(&kept.seq)) {
            self.nodes.entry(kept.seq).or_insert_with(|| kept.bytes.clone());
        }
    }

    /// Destroys what an erasure names, all of it or nothing.
    fn destroy(&mut self, erasure: &Erasure) -> Result<()> {
        let mut rests = Vec::new();
        for (place, commit) in self.commits.iter().enumerate() {
            rests.extend(erasure.rest_of(commit.seq, &commit.texts)?.map(|rest| (place, rest)));
        }
        let sealed = erasure.sealed_until();
        let aside = |sink: &Sink| Some(sink.set_aside.keys().next()?.seq.saturating_sub(1));
        let done =
            |sink: &Sink| aside(sink).map_or(sink.delivery.seq, |it| it.min(sink.delivery.seq));
        erasure.check_delivered(self.sinks.values().map(done).min())?;
        if erasure.texts == ErasedTexts::All {
            self.contents.erase_texts()?;
        }
        for commit in self.commits.iter_mut().filter(|commit| commit.seq <= sealed) {
            commit.body.clear();
        }
        for (place, rest) in rests {
            if let Some(commit) = self.commits.get_mut(place) {
                commit.texts = rest;
            }
        }
        let last = erasure.last_answer();
        for answered in self.answers.values_mut().filter(|answered| answered.seq <= last) {
            (answered.request_salt, answered.answer) = ([0; 16], Vec::new());
        }
        for sink in self.sinks.values_mut() {
            sink.delivery.failure.iter_mut().for_each(String::clear);
            // A step that was decided before would bring back what it had read.
            sink.delivery.version = sink.delivery.version.saturating_add(1);
            sink.set_aside.retain(|place, _| sealed == 0 || place.seq > sealed);
            sink.set_aside.values_mut().for_each(|event| event.reason.clear());
        }
        Ok(())
    }
}

impl Book {
    fn is_waiting(&self, query: &WaitingQuery) -> bool {
        let none = Sink::default();
        let sink = self.sinks.get(&query.sink).unwrap_or(&none);
        let behind = self.head().map_or(0, |head| head.seq) > sink.delivery.seq;
        let again = sink.set_aside.values().any(|event| event.again);
        (behind || again) && sink.delivery.is_free(query.now)
    }

    /// Writes a step; false where it was decided on another state.
    fn deliver(&mut self, sink: &str, step: &DeliveryStep) -> bool {
        let kept = self.sinks.get(sink).map_or(0, |sink| sink.delivery.version);
        let seq = self.head().map_or(0, |head| head.seq);
        if kept != step.expected || step.delivery.seq > seq {
            return false;
        }
        let sink = self.sinks.entry(sink.to_owned()).or_default();
        sink.delivery = step.delivery.clone();
        for place in &step.taken_back {
            sink.set_aside.remove(place);
        }
        for event in &step.put_aside {
            sink.set_aside.insert(event.place, event.clone());
        }
        true
    }
}

impl Book {
    fn kept(&self, part: &KeptPart) -> Vec<KeptRow> {
        let row = |kind: &str, id: &str, content| KeptRow {
            kind: kind.to_owned(),
            id: id.to_owned(),
            content: Some(content),
            odd: Vec::new(),
        };
        match part {
            KeptPart::Answers { after, limit } => {
                let rest = self.answers.iter().filter(|(key, _)| Some(*key) > after.as_ref());
                let rest = rest.take(size(*limit));
                rest.map(|(key, it)| row("answer", key, Kept::Answer(it.clone()))).collect()
            }
            KeptPart::Sinks => {
                let sink = |(name, sink): (&String, &Sink)| {
                    let kept = KeptSink {
                        delivery: Some(sink.delivery.clone()),
                        head_seq: self.head().map_or(0, |head| head.seq),
                        again: sink.set_aside.values().any(|event| event.again),
                        findable: true,
                    };
                    row("delivery", name, Kept::Sink(kept))
                };
                self.sinks.iter().map(sink).collect()
            }
            part => self.contents.kept(part),
        }
    }
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[async_trait]
impl Store for MemoryStore {
    async fn head(&self, book_id: BookId) -> Result<Option<Head>> {
        self.read(book_id, Book::head)
    }

    async fn documents(&self, book_id: BookId) -> Result<Option<(Head, Vec<Document>)>> {
        self.read(book_id, |book| {
            book.head().map(|head| (head, book.contents.documents().cloned().collect()))
        })
    }

    async fn select(
        &self,
        book_id: BookId,
        selection: Selection<'_>,
    ) -> Result<Option<(Head, Vec<Transaction>)>> {
        self.read(book_id, |book| book.head().map(|head| (head, book.contents.select(selection))))
    }

    async fn columns(
        &self,
        book_id: BookId,
        after: Option<TransactionId>,
        limit: u32,
    ) -> Result<Vec<ColumnRow>> {
        self.read(book_id, |book| book.contents.columns(after, limit))
    }

    async fn origins(&self, book_id: BookId, query: &OriginQuery) -> Result<Vec<OriginRow>> {
        self.read(book_id, |book| book.contents.origins(query))
    }

    async fn commits(
        &self,
        book_id: BookId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<StoredCommit>> {
        self.read(book_id, |book| {
            let rest = book.commits.iter().filter(|commit| commit.seq > after_seq);
            let mut bytes = 0_usize;
            let within = |commit: &&StoredCommit| {
                let before = bytes;
                bytes = bytes.saturating_add(commit.size());
                before < COMMIT_BYTES
            };
            rest.take(size(limit)).take_while(within).cloned().collect()
        })
    }

    async fn tree_nodes(&self, book_id: BookId, seqs: &[u64]) -> Result<Vec<TreeNodes>> {
        self.read(book_id, |book| {
            let seqs: std::collections::BTreeSet<_> = seqs.iter().copied().collect();
            let kept = |seq| Some(TreeNodes { seq, bytes: book.nodes.get(&seq)?.clone() });
            seqs.into_iter().filter_map(kept).collect()
        })
    }

    async fn keep_tree_nodes(&self, book_id: BookId, nodes: &[TreeNodes]) -> Result<()> {
        let mut books = self.books_mut();
        if let Some(book) = books.as_mut().ok_or_else(closed)?.get_mut(&book_id) {
            book.keep_nodes(nodes);
        }
        Ok(())
    }

    async fn answered(&self, book_id: BookId, key: &str) -> Result<Option<Answered>> {
        self.read(book_id, |book| book.answers.get(key).cloned())
    }

    async fn commit(&self, commit: Arc<Commit>) -> Result<()> {
        let mut books = self.books_mut();
        let books = books.as_mut().ok_or_else(closed)?;
        let empty = Book::default();
        let book = books.get(&commit.book_id).unwrap_or(&empty);
        if !book.is_next(&commit) || book.has_answered(&commit) {
            return Err(Error::new(ErrorCode::Conflict, "the book has moved on"));
        }
        books.entry(commit.book_id).or_default().append(&commit);
        Ok(())
    }

    async fn books(&self, after: Option<BookId>, limit: u32) -> Result<Vec<BookId>> {
        let books = self.books();
        let books = books.as_ref().ok_or_else(closed)?.keys();
        let mut found: Vec<BookId> = books.filter(|id| Some(**id) > after).copied().collect();
        found.sort_unstable();
        found.truncate(size(limit));
        Ok(found)
    }

    async fn erase(&self, erasure: Arc<Erasure>) -> Result<()> {
        let commit = &erasure.commit;
        let mut books = self.books_mut();
        let books = books.as_mut().ok_or_else(closed)?;
        let empty = Book::default();
        let book = books.get(&commit.book_id).unwrap_or(&empty);
        if !book.is_next(commit) || book.has_answered(commit) {
            return Err(Error::new(ErrorCode::Conflict, "the book has moved on"));
        }
        let book = books.entry(commit.book_id).or_default();
        book.destroy(&erasure)?;
        book.append(commit);
        Ok(())
    }

    async fn waiting(&self, query: &WaitingQuery) -> Result<Vec<BookId>> {
        let books = self.books();
        let books = books.as_ref().ok_or_else(closed)?;
        let waiting = books.iter().filter(|(id, book)| {
            query.after.is_none_or(|after| **id > after) && book.is_waiting(query)
        });
        let mut waiting: Vec<BookId> = waiting.map(|(id, _)| *id).collect();
        waiting.sort_unstable();
        waiting.truncate(size(query.limit));
        Ok(waiting)
    }

    async fn delivery(&self, book_id: BookId, sink: &str) -> Result<Option<Delivery>> {
        self.read(book_id, |book| book.sinks.get(sink).map(|sink| sink.delivery.clone()))
    }

    async fn set_aside(
        &self,
        book_id: BookId,
        sink: &str,
        query: &SetAsideQuery,
    ) -> Result<Vec<SetAside>> {
        self.read(book_id, |book| {
            let events = book.sinks.get(sink).into_iter().flat_map(|sink| sink.set_aside.values());
            let wanted = events
                .filter(|event| query.after.is_none_or(|after| event.place > after))
                .filter(|event| event.again || !query.again);
            wanted.take(size(query.limit)).cloned().collect()
        })
    }

    async fn deliver(&self, book_id: BookId, sink: &str, step: Arc<DeliveryStep>) -> Result<()> {
        let mut books = self.books_mut();
        let book = books.as_mut().ok_or_else(closed)?.get_mut(&book_id);
        match book.is_some_and(|book| book.deliver(sink, &step)) {
            true => Ok(()),
            false => Err(Error::new(ErrorCode::Conflict, "the delivery has moved on")),
        }
    }

    async fn kept(&self, book_id: BookId, part: &KeptPart) -> Result<Vec<KeptRow>> {
        self.read(book_id, |book| book.kept(part))
    }

    async fn close(&self) {
        *self.books_mut() = None;
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore")
            .field("books", &self.books().as_ref().map(HashMap::len))
            .finish()
    }
}
