//! Effects that happen once, however often an event comes.

use std::future::Future;

use super::Outgoing;
use crate::engine::{BookHandle, Context, Engine};
use crate::error::{Error, ErrorCode, Result};
use crate::id::EventId;
use crate::limits::MAX_KEY_BYTES;
use crate::model::{ActorId, check_name};

/// A consumer of events whose effects are writes of the engine.
///
/// The event's id is part of the write's idempotency key, so it is remembered in the very commit
/// that is the effect: either both are there or neither. An effect is therefore *one* verb on the
/// event's own book. What is written elsewhere has to remember the id there: see `docs/events.md`.
///
/// ```no_run
/// # use fiscaflow_core::{Engine, Result, outbox::{Inbox, Outgoing}, model::NewCategory};
/// async fn note(engine: &Engine, it: &Outgoing) -> Result<()> {
///     let inbox = Inbox::new("notes", "notes".parse()?)?;
///     let new = NewCategory { name: format!("Seen {}", it.event.seq), ..NewCategory::default() };
///     inbox.once(engine, it, |book| async move { book.categories().create(new).await }).await?;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Inbox {
    consumer: String,
    actor: ActorId,
}

impl Inbox {
    /// A consumer under a name of its own, and as whom it acts: a member of the books.
    ///
    /// Errors: `invalid_input` for an empty name, `limit_exceeded` for one of more than 212 bytes.
    pub fn new(consumer: impl Into<String>, actor: ActorId) -> Result<Self> {
        let consumer = consumer.into();
        check_name("consumer", &consumer)?;
        let inbox = Self { consumer, actor };
        if inbox.key("00000000-0000-0000-0000-000000000000").len() > MAX_KEY_BYTES {
            let text = "`consumer` is too long for an idempotency key";
            return Err(Error::new(ErrorCode::LimitExceeded, text).field("consumer"));
        }
        Ok(inbox)
    }

    fn key(&self, event_id: &str) -> String {
        format!("inbox/{}/{event_id}", self.consumer)
    }

    /// How a write says that it is the effect of an event.
    pub fn context(&self, it: &Outgoing) -> Context {
        self.context_of(it.event.id, it.event.correlation_id.clone())
    }

    /// The same by what it is made of: the event's id and the correlation id that it has.
    pub fn context_of(&self, event_id: EventId, correlation_id: Option<String>) -> Context {
        Context {
            idempotency_key: Some(self.key(&event_id.to_string())),
            correlation_id,
            causation_id: Some(event_id.to_string()),
            ..Context::new(self.actor.clone())
        }
    }

    /// Does what an event calls for, one write on its book, unless it was done before. The answer
    /// is the first one; `None` where the first time something else was written, because the
    /// consumer had decided on other facts, and where the answer was erased since.
    pub async fn once<T, F: Future<Output = Result<T>>>(
        &self,
        engine: &Engine,
        it: &Outgoing,
        effect: impl FnOnce(BookHandle) -> F,
    ) -> Result<Option<T>> {
        let book = engine.book(it.book_id, self.context(it));
        match effect(book).await {
            Err(error) if error.code() == ErrorCode::IdempotencyKeyReused => Ok(None),
            Err(error) if was_erased(&error) => Ok(None),
            result => result.map(Some),
        }
    }
}

/// Whether what was answered the first time is gone: the effect is there.
fn was_erased(error: &Error) -> bool {
    error.code() == ErrorCode::Erased && error.at_field() == Some("idempotency_key")
}
