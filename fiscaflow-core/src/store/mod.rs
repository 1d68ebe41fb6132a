//! What a store must do: typed reads and one atomic write.
//!
//! There is no open transaction in the trait: nothing leaks across an await, a dropped future or
//! a language boundary. Every read names a book, but for the two that find books: those whose
//! events wait, and all of them. Both are for the host; the engine calls neither, so no actor can.
//! Two books never meet in one commit. What is kept of the delivery of events is no part of
//! the history: it says what became of it outside. The suite in `conformance::stores` (feature
//! `testing`) holds a store to this contract.
//!
//! Whoever began a call polls it to its end or drops it: one that is kept and not polled may hold
//! its connection and the queue of its book.

mod contents;
mod copy;
mod delivery;
mod kept;
mod query;
mod seals;
mod tree;
mod verify;

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;

pub use contents::Contents;
pub use copy::{Copied, check_checkpoint, copy_book};
pub use delivery::{
    Delivery, DeliveryStep, EventPlace, LONGEST_WAIT, Lease, SetAside, SetAsideQuery, WaitingQuery,
};
pub use kept::{Kept, KeptPart, KeptRow, KeptSink};
pub use query::{
    OriginQuery, OriginRow, PageRequest, Position, Selection, TransactionQuery, fold, search_text,
};
pub(crate) use seals::{each_commit, newest_seal};
pub use tree::TreeNodes;
pub(crate) use verify::verify_past;
pub use verify::{VerifyPhase, VerifyProgress, verify_book, verify_book_watched};

use crate::error::Result;
use crate::id::{AccountId, BookId, CategoryId, GoalId, ScheduleId, TransactionId};
use crate::log::{Commit, Erasure, Hash, Idempotency, StoredCommit};
use crate::model::{Document, Transaction};

/// How many commits are read at a time.
pub(crate) const COMMITS: u32 = 16;

/// Once commits make so many bytes together, [`Store::commits`] reads no further: one import may be
/// one large commit.
pub const COMMIT_BYTES: usize = 4 << 20;

/// The newest commit of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Its sequence number; the first commit of a book has 1.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// What a transaction is linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Links {
    /// The schedule that it pays.
    pub schedule_id: Option<ScheduleId>,
    /// The goal that it is saved for.
    pub goal_id: Option<GoalId>,
}

impl Links {
    /// Whether it is linked to nothing.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// What figures are computed from: one transaction without the texts that no figure asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct ColumnRow {
    /// The transaction.
    pub id: TransactionId,
    /// Its account.
    pub account_id: AccountId,
    /// Its booking date.
    pub booking_date: chrono::NaiveDate,
    /// Its signed amount in minor units.
    pub amount_minor: i64,
    /// Its category.
    pub category_id: Option<CategoryId>,
    /// Its payee.
    pub payee: Option<String>,
    /// Whether it is one side of a transfer.
    pub transfer: bool,
    /// Whether the bank has not booked it yet.
    pub pending: bool,
    /// Whether it counts: neither void nor deleted.
    pub counts: bool,
    /// Its parts: category and minor units.
    pub splits: Vec<(Option<CategoryId>, i64)>,
    /// Its tags, sorted, each once.
    pub tags: Vec<String>,
    /// What it is linked to.
    pub links: Links,
}

crate::model::debug_only!(ColumnRow: id, account_id, booking_date, transfer, pending, counts);

impl From<&Transaction> for ColumnRow {
    fn from(transaction: &Transaction) -> Self {
        let splits = transaction.splits.iter();
        Self {
            id: transaction.id,
            account_id: transaction.account_id,
            booking_date: transaction.booking_date,
            amount_minor: transaction.amount.minor(),
            category_id: transaction.category_id,
            payee: transaction.payee.clone(),
            transfer: transaction.transfer_id.is_some(),
            pending: transaction.status == crate::model::Status::Pending,
            counts: transaction.counts(),
            splits: splits.map(|split| (split.category_id, split.amount.minor())).collect(),
            tags: transaction.tags.clone(),
            links: Links { schedule_id: transaction.schedule_id, goal_id: transaction.goal_id },
        }
    }
}

/// The commit that answered an idempotency key.
#[derive(Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its sequence number.
    pub seq: u64,
    /// The salt of the request's digest.
    pub request_salt: [u8; 16],
    /// SHA-256 of the salt and the SHA-256 of the request that it answered.
    pub request_digest: Hash,
    /// The answer's JSON bytes.
    pub answer: Vec<u8>,
}

crate::model::debug_only!(Answered: seq);

impl Answered {
    /// Whether the answer was erased.
    pub fn is_erased(&self) -> bool {
        self.answer.is_empty()
    }

    /// Whether it answered the request with that SHA-256.
    pub fn is_for(&self, request: Hash) -> bool {
        Idempotency::salted(&self.request_salt, request) == self.request_digest
    }
}

/// A book's view as bytes: see [`View::to_bytes`](crate::view::View::to_bytes).
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit that it belongs to.
    pub head: Head,
    /// The bytes.
    pub bytes: Vec<u8>,
}

crate::model::debug_only!(Snapshot: head);

/// Where books live.
///
/// Reads see only whole commits. An unknown book has no head, no documents and no transactions:
/// asking for it is not an error. Texts come back byte for byte as they were given; none holds
/// U+0000. A store is closed from the call of [`Store::close`] on.
///
/// A store is [`Any`], so that whoever backs one up can copy its file where it has one.
#[async_trait]
pub trait Store: std::fmt::Debug + Any + Send + Sync {
    /// The newest commit of a book; `None` for a book that is not there.
    async fn head(&self, book_id: BookId) -> Result<Option<Head>>;

    /// All documents of a book and the head they belong to, read at one point of its history.
    /// Documents come in the order of kind (by its stored name) and key, both by their bytes.
    async fn documents(&self, book_id: BookId) -> Result<Option<(Head, Vec<Document>)>>;

    /// Transactions of a book and its head, read at one point of its history, so that one read
    /// tells whether what is known of the book is still so; `None` for a book that is not there.
    ///
    /// By their ids: deleted ones included, in any order. Ids that are not there, or are another
    /// book's, are left out. A page: those that its query selects, newest first (booking date,
    /// then id, descending), after a position, at most `limit` of them.
    async fn select(
        &self,
        book_id: BookId,
        selection: Selection<'_>,
    ) -> Result<Option<(Head, Vec<Transaction>)>>;

    /// The transactions with these ids: [`Store::select`] without the head.
    async fn transactions(
        &self,
        book_id: BookId,
        ids: &[TransactionId],
    ) -> Result<Vec<Transaction>> {
        let found = self.select(book_id, Selection::Ids(ids)).await?;
        Ok(found.map_or_else(Vec::new, |(_, transactions)| transactions))
    }

    /// A page of transactions: [`Store::select`] without the head.
    async fn page(&self, book_id: BookId, request: &PageRequest) -> Result<Vec<Transaction>> {
        let found = self.select(book_id, Selection::Page(request)).await?;
        Ok(found.map_or_else(Vec::new, |(_, transactions)| transactions))
    }

    /// Transactions in the order of their ids after `after`, at most `limit` of them, with what
    /// figures are computed from. Deleted ones are included and marked.
    async fn columns(
        &self,
        book_id: BookId,
        after: Option<TransactionId>,
        limit: u32,
    ) -> Result<Vec<ColumnRow>>;

    /// What was imported into an account before and may meet new rows: the origins that lie in a
    /// span of days or carry one of the bank ids, deleted transactions included, in the order of
    /// transaction ids and of the origins in each.
    async fn origins(&self, book_id: BookId, query: &OriginQuery) -> Result<Vec<OriginRow>>;

    /// Commits after a sequence number, oldest first, at most `limit` of them, and none after those
    /// that make [`COMMIT_BYTES`] bytes of headers, bodies and texts. Where there is one, there is
    /// one in the answer.
    async fn commits(
        &self,
        book_id: BookId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<StoredCommit>>;

    /// The nodes of the book's tree that are kept beside commits with these numbers, in any order.
    /// What is not kept is left out. One read, as everything here, so that what it answers belongs
    /// together.
    async fn tree_nodes(&self, book_id: BookId, seqs: &[u64]) -> Result<Vec<TreeNodes>>;

    /// Keeps nodes beside commits that have none; commits that have some, or are not there, are
    /// passed over.
    async fn keep_tree_nodes(&self, book_id: BookId, nodes: &[TreeNodes]) -> Result<()>;

    /// The commit that carries this idempotency key, if there is one.
    async fn answered(&self, book_id: BookId, key: &str) -> Result<Option<Answered>>;

    /// Appends a commit and applies its changes in their order: what is after is put in the place
    /// of what bears that name, an object that has no after is removed. All of it or none. The
    /// nodes that come with it are kept beside it; none are kept where none come.
    ///
    /// When the book's head is not the commit's parent, or the book has answered the commit's
    /// idempotency key already, nothing is written and the answer is `conflict`: read and decide
    /// again. Once this returns without error the commit survives the end of the process.
    ///
    /// The commit is shared, not lent, because the write goes on when its caller stops waiting.
    async fn commit(&self, commit: Arc<Commit>) -> Result<()>;

    /// Appends a commit as [`Store::commit`] does, and with it, all or none of it:
    ///  - destroys the texts that the erasure names in commits before it, salts included. Where
    ///    that is all of them, documents and transactions become what
    ///    [`Object::without_texts`](crate::log::Object::without_texts) makes of them, before the
    ///    commit's own changes apply;
    ///  - empties the answers to all idempotency keys used up to
    ///    [`last_answer`](Erasure::last_answer), for an answer may hold any text of the book: the
    ///    salt becomes zeros, the digest stays, so that the key stays used;
    ///  - forgets the kept view, and keeps none of an earlier commit from now on;
    ///  - empties the reasons why deliveries failed and events were set aside: they are in the
    ///    words of others.
    ///
    /// Where it is a seal, body and texts of the commits up to
    /// [`sealed_until`](Erasure::sealed_until) become empty. Unless events may be lost, the answer
    /// is `undelivered` and nothing is written where a sink has a place before that commit, or an
    /// event of a commit up to it lies aside; its `id` is the last commit that could be sealed. If
    /// they may, what lies aside of those commits is forgotten.
    async fn erase(&self, erasure: Arc<Erasure>) -> Result<()>;

    /// Takes what was erased out of files and logs, as far as the store has these in hand. No
    /// read answers with it from [`Store::erase`] on; this is about bytes that nothing refers to.
    /// Doing it again is no error, and it can take as long as copying the database.
    async fn scrub(&self) -> Result<()> {
        Ok(())
    }

    /// All books, in the order of their ids, after one of them, at most so many. For operators: no
    /// actor may see them all.
    async fn books(&self, after: Option<BookId>, limit: u32) -> Result<Vec<BookId>>;

    /// Books whose events wait for a sink: there are commits after the place that is kept, or
    /// set-aside events that are to be delivered again. What it costs follows the books that wait,
    /// once the sink has been told something of every book that there was.
    async fn waiting(&self, query: &WaitingQuery) -> Result<Vec<BookId>>;

    /// How far a book's events have come to a sink; `None` where nothing was written yet.
    async fn delivery(&self, book_id: BookId, sink: &str) -> Result<Option<Delivery>>;

    /// The events of a book that a sink refused too often.
    async fn set_aside(
        &self,
        book_id: BookId,
        sink: &str,
        query: &SetAsideQuery,
    ) -> Result<Vec<SetAside>>;

    /// Writes a step of a delivery, all of it or none.
    ///
    /// When another version is kept than the one that is expected, or the book has no such commit
    /// yet, nothing is written and the answer is `conflict`. Like a commit, the write goes on when
    /// its caller stops waiting.
    async fn deliver(&self, book_id: BookId, sink: &str, step: Arc<DeliveryStep>) -> Result<()>;

    /// The view that was kept for a book last. It is derived: a store may forget it at any time,
    /// or keep none at all, and whoever reads it checks it.
    async fn snapshot(&self, _book_id: BookId) -> Result<Option<Snapshot>> {
        Ok(None)
    }

    /// Keeps a view in the place of the one before, unless that is of a later commit or the book
    /// is not there.
    async fn keep_snapshot(&self, _book_id: BookId, _snapshot: Snapshot) -> Result<()> {
        Ok(())
    }

    /// What is kept beside the history, as it stands in its rows. Of one call all of it belongs
    /// together.
    async fn kept(&self, book_id: BookId, part: &KeptPart) -> Result<Vec<KeptRow>>;

    /// Ends the work in order; later calls answer `closed`. Closing twice is no error.
    async fn close(&self);
}
