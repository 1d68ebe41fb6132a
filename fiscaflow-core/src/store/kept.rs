//! What a store keeps of a book beside its history, row by row, as it stands there.
//!
//! Other reads answer with objects; this one is for whoever compares the rows with the history. So
//! a row that cannot be read is no error here, and what stands in columns beside those that the
//! object is read from is told where it does not fit them.

use super::{Answered, Delivery};
use crate::id::TransactionId;
use crate::model::{Document, Transaction};

/// Which rows to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptPart {
    /// The documents, in the order of kind and key.
    Documents,
    /// Transactions in the order of their ids.
    Transactions {
        /// What follows this one.
        after: Option<TransactionId>,
        /// How many at most.
        limit: u32,
    },
    /// The transactions with these ids, in any order.
    These(Vec<TransactionId>),
    /// Of the rows of origins those whose transaction is not there, and those that are not
    /// numbered from 0: each transaction once, in any order, some hundred at most.
    StrayOrigins,
    /// Of the commits those before the first, which no other read finds: some hundred at most.
    StrayCommits,
    /// The answers to idempotency keys, in the order of the keys' bytes.
    Answers {
        /// What follows this key.
        after: Option<String>,
        /// How many at most.
        limit: u32,
    },
    /// What is kept of the delivery to each sink of which the store knows, in any order.
    Sinks,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRow {
    /// The kind of what it holds: that of an object, `origin`, `answer` or `delivery`.
    pub kind: String,
    /// What names it among those: an object's key, the id of an origin's transaction, an
    /// idempotency key, a sink.
    pub id: String,
    /// What it holds; `None` where it cannot be read.
    pub content: Option<Kept>,
    /// The columns that do not stand as the store writes them for this content.
    pub odd: Vec<&'static str>,
}

/// What a row holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// A document.
    Document(Box<Document>),
    /// A transaction, with its origins.
    Transaction(Box<Transaction>),
    /// An answer.
    Answer(Answered),
    /// How far a sink is.
    Sink(KeptSink),
}

/// What is kept of the delivery to a sink, all of it from one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSink {
    /// How far the events have come; `None` where nothing was written yet.
    pub delivery: Option<Delivery>,
    /// The newest commit of the book.
    pub head_seq: u64,
    /// Whether a set-aside event is to be delivered again.
    pub again: bool,
    /// Whether [`Store::waiting`](super::Store::waiting) finds the book for the sink, if it waits.
    pub findable: bool,
}
