//! Telling others what happened: events leave in order, at least once.
//!
//! Events are written in the commit that caused them, so nothing has to be put into an outbox: it
//! is the history, and a place in it for each book and sink. A [`Relay`] reads on from that place
//! and tells an [`EventSink`], which the host writes: a webhook, a broker, a queue. Several relays
//! may run, in one process or in many; a book is with one of them at a time, by a lease.
//!
//! An event that comes twice has the same id. [`Inbox`] makes what a consumer does about it happen
//! once, where that is a write of the engine; `docs/events.md` shows how a consumer with a
//! database of its own does so.

mod host;
mod inbox;
mod relay;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

pub use host::{BrokenBook, RelaySettings, RoundReport};
pub use inbox::Inbox;
pub use relay::{Relay, RelayOptions, Round};

use crate::id::BookId;
use crate::limits::MAX_REASON_BYTES;
use crate::log::Event;

/// An event on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outgoing {
    /// The book in which it happened.
    pub book_id: BookId,
    /// What happened. Its id is the same at every delivery.
    pub event: Event,
}

/// Who is told of events.
///
/// ```
/// use fiscaflow_core::outbox::{EventSink, Outgoing, Undelivered};
///
/// #[derive(Debug)]
/// struct Printer;
///
/// #[async_trait::async_trait]
/// impl EventSink for Printer {
///     fn name(&self) -> &str {
///         "printer"
///     }
///
///     async fn tell(&self, events: &[Outgoing]) -> Result<(), Undelivered> {
///         for it in events {
///             println!("{} {} {}", it.book_id, it.event.id, it.event.name);
///         }
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
pub trait EventSink: std::fmt::Debug + Send + Sync + 'static {
    /// The name under which is kept how far it has come; another name is told everything anew.
    fn name(&self) -> &str;

    /// Tells some events of one book, oldest first. Without error all of them count as delivered,
    /// so what answers has to have kept them: a broker by its confirmation, a server by its status.
    ///
    /// It has to end, and in much less time than the relay's lease: a relay that takes over tells
    /// the same events again.
    async fn tell(&self, events: &[Outgoing]) -> Result<(), Undelivered>;
}

/// Why not all events were delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// So many were, from the first on.
    pub delivered: usize,
    /// Whose fault it is that the next one was not.
    pub cause: Cause,
    /// Why, in words that hold nothing personal: operators read them.
    pub reason: String,
    /// In how long an unavailable sink wants to be asked again; at most an hour is waited.
    pub retry_after: Option<TimeDelta>,
}

/// Whose fault it is that an event was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The sink's: it would take no event now. Nothing is counted, and the book waits.
    Unavailable,
    /// The event's: the sink does not take this one. It is tried again, and set aside in the end.
    Refused,
}

impl Undelivered {
    /// The sink takes no event now; so many were delivered before.
    pub fn unavailable(delivered: usize, reason: impl Into<String>) -> Self {
        Self { delivered, cause: Cause::Unavailable, reason: reason.into(), retry_after: None }
    }

    /// The sink did not take an event; so many were delivered before it.
    pub fn refused(delivered: usize, reason: impl Into<String>) -> Self {
        Self { delivered, cause: Cause::Refused, reason: reason.into(), retry_after: None }
    }
}

/// A reason as it is kept: cut to its limit, without what some stores and terminals do not bear.
fn kept_reason(reason: &str) -> String {
    let mut kept = String::new();
    for it in reason.chars().map(|it| if it.is_control() { ' ' } else { it }) {
        if kept.len().saturating_add(it.len_utf8()) > MAX_REASON_BYTES {
            break;
        }
        kept.push(it);
    }
    kept
}
