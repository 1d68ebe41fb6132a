//! Events on their way to a sink in Kotlin or Swift, and the inbox of who hears them.
//!
//! A sink is told each event by itself, so that a failure is that event's own. What it throws that
//! is no [`Undelivered`] refuses the event, and nothing of it is told: its text may hold anything.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use fiscaflow_core::api;
use fiscaflow_core::outbox::{
    EventSink as CoreSink, Inbox as CoreInbox, Outgoing as CoreOutgoing, Relay as CoreRelay,
    RelaySettings, RoundReport, Undelivered as CoreUndelivered,
};
use fiscaflow_store::{RandomIds, SystemClock};
use serde::Deserialize;
use serde_json::json;

use crate::engine::{CallContext, Engine, Inside, run, value};
use crate::errors::{FiscaFlowError, Result};
use crate::types::Event;

/// An event on its way out.
#[derive(Debug, Clone, Deserialize, uniffi::Record)]
pub struct Outgoing {
    /// The book in which it happened.
    pub book_id: String,
    /// What happened. Its id is the same at every delivery.
    pub event: Event,
}

/// Why a sink does not take an event.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Error)]
pub enum Undelivered {
    /// It does not take this one, which is tried again and set aside in the end.
    Refused {
        /// Why, in words that hold nothing personal: operators read them.
        message: String,
    },
    /// It takes no event now. Nothing is counted, and the book waits.
    Unavailable {
        /// Why, in words that hold nothing personal: operators read them.
        message: String,
        /// In how long it wants to be asked again, in seconds.
        retry_after_seconds: Option<i64>,
    },
}

impl std::fmt::Display for Undelivered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Refused { message } | Self::Unavailable { message, .. }) = self;
        f.write_str(message)
    }
}

impl std::error::Error for Undelivered {}

impl From<uniffi::UnexpectedUniFFICallbackError> for Undelivered {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Refused { message: CoreUndelivered::unsaid().reason }
    }
}

impl From<Undelivered> for CoreUndelivered {
    fn from(it: Undelivered) -> Self {
        match it {
            Undelivered::Refused { message } => Self::refused(0, message),
            Undelivered::Unavailable { message, retry_after_seconds } => Self {
                retry_after: retry_after_seconds.and_then(chrono::TimeDelta::try_seconds),
                ..Self::unavailable(0, message)
            },
        }
    }
}

/// Who is told of events.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Is told one event, oldest first in each book, and takes it by returning.
    async fn tell(&self, outgoing: Outgoing) -> Result<(), Undelivered>;
}

/// How a relay works; what is absent is as usual.
#[derive(Debug, Clone, Default, uniffi::Record)]
pub struct RelayOptions {
    /// How many events there may be between two places that are kept, 20 where absent: after a
    /// failure as many are told again.
    #[uniffi(default = None)]
    pub batch: Option<i64>,
    /// How long a book's events are this relay's, 60 where absent: more than a batch ever takes.
    #[uniffi(default = None)]
    pub lease_seconds: Option<i64>,
    /// How long an event waits that was refused, 10 where absent; twice as long each further time.
    #[uniffi(default = None)]
    pub pause_seconds: Option<i64>,
    /// Events from before this instant are passed over.
    #[uniffi(default = None)]
    pub since: Option<SystemTime>,
    /// How often an event is refused before it is set aside, 5 where absent.
    #[uniffi(default = None)]
    pub tries: Option<i64>,
}

/// What a round came to.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Round {
    /// Books whose history is damaged; they wait for an hour.
    pub broken: Vec<String>,
    /// Events that the sink took.
    pub delivered: i64,
    /// Whether a book had more events than its turn took: the next round need not wait.
    pub more: bool,
    /// Books whose next event was refused and waits.
    pub put_off: i64,
    /// Events that were set aside.
    pub set_aside: i64,
    /// Why the sink could take nothing of a book now.
    pub unavailable: Option<String>,
}

impl From<RoundReport> for Round {
    fn from(report: RoundReport) -> Self {
        let count = |events: u64| i64::try_from(events).unwrap_or(i64::MAX);
        Self {
            broken: report.broken.into_iter().map(|book| book.book_id.to_string()).collect(),
            delivered: count(report.delivered),
            more: report.more,
            put_off: count(report.put_off),
            set_aside: count(report.set_aside),
            unavailable: report.unavailable,
        }
    }
}

/// Delivers the events of all books to one sink, a round at a time.
#[derive(Debug, uniffi::Object)]
pub struct Relay {
    relay: Inside<Arc<CoreRelay>>,
}

#[uniffi::export]
impl Engine {
    /// What delivers the events of all books to a sink: each book's in order, at least once. Under
    /// the name is kept how far it has come; another name is told everything anew.
    #[uniffi::method(default(options = None))]
    pub fn relay(
        &self,
        name: String,
        sink: Arc<dyn EventSink>,
        options: Option<RelayOptions>,
    ) -> Result<Arc<Relay>> {
        let given = options.unwrap_or_default();
        let settings: RelaySettings = api::read(json!({
            "batch": given.batch,
            "lease_seconds": given.lease_seconds,
            "pause_seconds": given.pause_seconds,
            "since": given.since.map(DateTime::<Utc>::from),
            "tries": given.tries,
        }))?;
        let (store, clock) = (self.core()?.store().clone(), Arc::new(SystemClock));
        let sink = Arc::new(Sink { name, sink });
        let relay = CoreRelay::new(store, clock, &RandomIds::new()?, sink, settings.into())?;
        Ok(Arc::new(Relay { relay: Inside::new(Arc::new(relay)) }))
    }
}

#[uniffi::export]
impl Relay {
    /// Gives each book whose events wait a turn. Call it again at once where there was `more`,
    /// otherwise after a pause.
    pub async fn round(&self) -> Result<Round> {
        let relay = self.relay.clone();
        run(async move { Ok(RoundReport::from(relay.get()?.round().await?).into()) }).await
    }
}

struct Sink {
    name: String,
    sink: Arc<dyn EventSink>,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl CoreSink for Sink {
    fn name(&self) -> &str {
        &self.name
    }

    async fn tell(&self, events: &[CoreOutgoing]) -> Result<(), CoreUndelivered> {
        for (delivered, it) in events.iter().enumerate() {
            let unreadable = |_| CoreUndelivered { delivered, ..CoreUndelivered::unsaid() };
            let value = serde_json::to_value(it).map_err(unreadable)?;
            let outgoing = serde_json::from_value(value).map_err(unreadable)?;
            let failed = |it| CoreUndelivered { delivered, ..CoreUndelivered::from(it) };
            self.sink.tell(outgoing).await.map_err(failed)?;
        }
        Ok(())
    }
}

/// A consumer of events whose effects are writes of the engine, each of which happens once.
#[derive(Debug, uniffi::Object)]
pub struct Inbox {
    inbox: CoreInbox,
}

#[uniffi::export]
impl Inbox {
    /// A consumer by its name, under which it is remembered what it has done, and as whom it acts:
    /// a member of the books.
    #[uniffi::constructor]
    pub fn new(consumer: String, actor: String) -> Result<Arc<Self>> {
        let at_actor = |error: fiscaflow_core::Error| error.field("actor");
        let actor = actor.parse().map_err(at_actor)?;
        Ok(Arc::new(Self { inbox: CoreInbox::new(consumer, actor)? }))
    }

    /// How a write says that it is the effect of an event.
    pub fn context(&self, outgoing: Outgoing) -> Result<CallContext> {
        let Event { id, correlation_id, .. } = outgoing.event;
        let at_event = |error: fiscaflow_core::Error| error.field("event.id");
        let event_id = id.0.parse().map_err(at_event)?;
        serde_json::from_value(value(&self.inbox.context_of(event_id, correlation_id))?)
            .map_err(|_| FiscaFlowError::internal("the context has another shape"))
    }
}
