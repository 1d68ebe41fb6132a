//! Events on their way to a function of JavaScript, and the inbox of who hears them.
//!
//! The function is asked about each event by itself, so that a failure is that event's own. It
//! never throws: its promise says by JSON why an event was not taken, and nothing where it was.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fiscaflow_core::engine::Engine;
use fiscaflow_core::outbox::{
    EventSink, Inbox, Outgoing, Relay, RelaySettings, RoundReport, Undelivered,
};
use fiscaflow_core::{Error, EventId, Result};
use fiscaflow_store::{RandomIds, SystemClock};
use napi::Status;
use napi::bindgen_prelude::Promise;
use napi::threadsafe_function::ThreadsafeFunction;
use napi_derive::napi;
use tokio::sync::Mutex as Turns;

use crate::errors::{failed, guarded, text};

/// What is asked about an event, as JSON.
type Ask = ThreadsafeFunction<String, Promise<Option<String>>, String, Status, false>;

/// Delivers the events of all books to one sink, a round at a time.
#[napi]
#[derive(Debug)]
pub struct NativeRelay {
    relay: Arc<Relay>,
    sink: Arc<Sink>,
    /// One round after the other.
    turns: Arc<Turns<()>>,
}

#[napi]
impl NativeRelay {
    /// Runs a round and gives what came of it as JSON.
    #[napi(catch_unwind)]
    pub async fn round(&self, ask: Ask) -> napi::Result<String> {
        let (relay, sink, turns) = (self.relay.clone(), self.sink.clone(), self.turns.clone());
        guarded(async move {
            let _turn = turns.lock().await;
            let _listening = sink.listen(ask);
            text(&RoundReport::from(relay.round().await?))
        })
        .await
    }
}

impl NativeRelay {
    pub(crate) fn new(engine: &Engine, sink: String, settings: &str) -> Result<Self> {
        let sink = Arc::new(Sink { name: sink, ask: Mutex::default() });
        let options = settings.parse::<RelaySettings>()?.into();
        let (store, clock) = (Arc::clone(engine.store()), Arc::new(SystemClock));
        let relay = Relay::new(store, clock, &RandomIds::new()?, Arc::clone(&sink) as _, options)?;
        Ok(Self { relay: Arc::new(relay), sink, turns: Arc::default() })
    }
}

/// A function is held during a round only: as long as it is, Node.js does not end.
struct Sink {
    name: String,
    ask: Mutex<Option<Arc<Ask>>>,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Lets go of the function at the end of a round, however it ends.
struct Listening<'a>(&'a Sink);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        *self.0.ask() = None;
    }
}

impl Sink {
    fn listen(&self, ask: Ask) -> Listening<'_> {
        *self.ask() = Some(Arc::new(ask));
        Listening(self)
    }

    fn ask(&self) -> MutexGuard<'_, Option<Arc<Ask>>> {
        self.ask.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tell_one(&self, it: &Outgoing) -> std::result::Result<(), Undelivered> {
        let event = text(it).map_err(|_| Undelivered::unsaid())?;
        // Who goes away without an answer was there for no event.
        let gone = || Undelivered::unavailable(0, "the sink is gone");
        let ask = self.ask().clone().ok_or_else(gone)?;
        let said = ask.call_async_catch(event).await.map_err(|_| gone())?;
        Undelivered::said(said.await.map_err(|_| gone())?.as_deref())
    }
}

#[async_trait]
impl EventSink for Sink {
    fn name(&self) -> &str {
        &self.name
    }

    async fn tell(&self, events: &[Outgoing]) -> std::result::Result<(), Undelivered> {
        for (delivered, it) in events.iter().enumerate() {
            self.tell_one(it).await.map_err(|failed| Undelivered { delivered, ..failed })?;
        }
        Ok(())
    }
}

/// A consumer of events whose effects are writes of the engine.
#[napi]
#[derive(Debug)]
pub struct NativeInbox(Inbox);

#[napi]
impl NativeInbox {
    /// A consumer by its name, and as whom it acts.
    #[napi(constructor, catch_unwind)]
    pub fn new(consumer: String, actor: String) -> napi::Result<Self> {
        let actor = actor.parse().map_err(|error: Error| failed(&error.field("actor")))?;
        Inbox::new(consumer, actor).map(Self).map_err(|error| failed(&error))
    }

    /// How a write says that it is the effect of an event: a context as JSON.
    #[napi(catch_unwind)]
    pub fn context(
        &self,
        event_id: String,
        correlation_id: Option<String>,
    ) -> napi::Result<String> {
        let event_id: EventId =
            event_id.parse().map_err(|error: Error| failed(&error.field("event.id")))?;
        text(&self.0.context_of(event_id, correlation_id)).map_err(|error| failed(&error))
    }
}
