//! How far a book's events have come to those who are told of them.
//!
//! Events stand in the commits that caused them, so the outbox is the history and a place in it,
//! one for each book and sink, and nothing is copied. [`outbox`](crate::outbox) moves it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::id::{BookId, EventId};

/// How far the events of one book have come to one sink.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// What those who move the place recognise each other by, from 1: each gives it a higher one.
    pub version: u64,
    /// The events of this commit, and of all before it, are done with: delivered or set aside.
    pub seq: u64,
    /// So are this many events of the commit that follows.
    pub events: u32,
    /// Who is delivering.
    pub lease: Option<Lease>,
    /// How often the next event was refused.
    pub tries: u32,
    /// How often in a row the sink was unavailable for it.
    pub misses: u32,
    /// Why the next event was not delivered.
    pub failure: Option<String>,
    /// The next event waits until then.
    pub retry_at: Option<DateTime<Utc>>,
}

/// The right to deliver a book's events, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who has it.
    pub owner: String,
    /// From when on others may take it.
    pub until: DateTime<Utc>,
}

/// Where an event stands in its book's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPlace {
    /// Its commit.
    pub seq: u64,
    /// Its number among the commit's events, from 0.
    pub number: u32,
}

/// An event that a sink refused too often, so that others could go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where it stands.
    pub place: EventPlace,
    /// Its id.
    pub event_id: EventId,
    /// Its name, such as `planning.budget.threshold_crossed`.
    pub name: String,
    /// How often it was refused.
    pub tries: u32,
    /// Why, in the sink's words.
    pub reason: String,
    /// When it was refused last.
    pub at: DateTime<Utc>,
    /// Whether it is to be delivered again.
    pub again: bool,
}

/// One step of a delivery: all of it is written, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryStep {
    /// The version on which it was decided, 0 where nothing was kept yet.
    pub expected: u64,
    /// What is kept from now on.
    pub delivery: Delivery,
    /// Set-aside events that are put, in the place of those that stand there already.
    pub put_aside: Vec<SetAside>,
    /// The places of set-aside events that are taken away.
    pub taken_back: Vec<EventPlace>,
}

/// Which set-aside events to read, in the order of their places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetAsideQuery {
    /// What follows this place.
    pub after: Option<EventPlace>,
    /// Only what is to be delivered again.
    pub again: bool,
    /// How many at most.
    pub limit: u32,
}

/// Which books to look for: those whose events, or some that are to be delivered again, wait for a
/// sink, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingQuery {
    /// The sink.
    pub sink: String,
    /// The time: a book that somebody has a lease of, or whose event waits, beyond it is left out,
    /// unless it is by more than [`LONGEST_WAIT`].
    pub now: DateTime<Utc>,
    /// What follows this book.
    pub after: Option<BookId>,
    /// How many at most.
    pub limit: u32,
}

/// The longest lease, and the longest time for which an event is put off. What stands further ahead
/// was written by a clock that was wrong, and binds nobody.
pub const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

impl Delivery {
    /// Whether somebody may begin now.
    pub fn is_free(&self, now: DateTime<Utc>) -> bool {
        let ahead = |at: DateTime<Utc>| {
            let wait = at.signed_duration_since(now);
            wait > TimeDelta::zero() && wait <= LONGEST_WAIT
        };
        !self.lease.as_ref().is_some_and(|lease| ahead(lease.until))
            && !self.retry_at.is_some_and(ahead)
    }
}
