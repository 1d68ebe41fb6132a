//! Events on their way to a callable of Python, and the inbox of who hears them.
//!
//! The callable is asked about each event by itself, so that a failure is that event's own. It is
//! called where progress is told: on the thread that waits for the round, or on the one that tells
//! asyncio. What it says comes back through an `Answer`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use fiscaflow_core::engine::Engine;
use fiscaflow_core::outbox::{
    EventSink, Inbox, Outgoing, Relay, RelaySettings, RoundReport, Undelivered,
};
use fiscaflow_core::{Error, EventId, Result};
use fiscaflow_store::{RandomIds, SystemClock};
use pyo3::prelude::*;
use tokio::sync::{Mutex as Turns, oneshot};

use crate::engine::text;
use crate::errors::raise;
use crate::progress::{Told, Voice};
use crate::runtime::{Held, Home, Pending};

/// Delivers the events of all books to one sink, a round at a time.
#[pyclass(frozen, module = "fiscaflow._native")]
#[derive(Debug)]
pub struct NativeRelay {
    relay: Held<Arc<Relay>>,
    sink: Arc<Sink>,
    /// One round after the other.
    turns: Arc<Turns<()>>,
    home: Home,
}

#[pymethods]
impl NativeRelay {
    /// Runs a round and gives what came of it as JSON; `ask` is called with each event as JSON and
    /// what its answer is given to.
    #[pyo3(signature = (
        ask: "collections.abc.Callable[[str, Answer], object]",
    ) -> "str")]
    fn round(&self, py: Python<'_>, ask: Py<PyAny>) -> PyResult<String> {
        let (voice, told) = Told::by_voice();
        self.home.wait(py, self.run(voice, ask)?, told)
    }

    /// Starts a round; `done` is called with what came of it as JSON or an exception.
    #[pyo3(signature = (
        ask: "collections.abc.Callable[[str, Answer], object]",
        done: "collections.abc.Callable[[str | None, BaseException | None], object]",
    ) -> "Pending")]
    fn start_round(&self, py: Python<'_>, ask: Py<PyAny>, done: Py<PyAny>) -> PyResult<Pending> {
        self.home.start(py, self.run(self.home.voice(), ask)?, done)
    }
}

impl NativeRelay {
    pub(crate) fn new(engine: &Engine, sink: String, settings: &str, home: Home) -> PyResult<Self> {
        let sink = Arc::new(Sink { name: sink, ear: Mutex::default() });
        let make = || {
            let options = settings.parse::<RelaySettings>()?.into();
            let (store, clock) = (Arc::clone(engine.store()), Arc::new(SystemClock));
            let sink = Arc::clone(&sink);
            Relay::new(store, clock, &RandomIds::new()?, sink, options)
        };
        let relay = make().map_err(|error: Error| raise(&error))?;
        Ok(Self { relay: Held::new(Arc::new(relay), home), sink, turns: Arc::default(), home })
    }

    fn run(
        &self,
        voice: Voice,
        ask: Py<PyAny>,
    ) -> PyResult<impl Future<Output = Result<String>> + use<>> {
        let (relay, sink, turns) = (self.relay.get()?, Arc::clone(&self.sink), self.turns.clone());
        Ok(async move {
            let _turn = turns.lock().await;
            let _listening = sink.listen(Ear { voice, ask: Arc::new(ask) });
            text(&RoundReport::from(relay.round().await?))
        })
    }
}

/// Who is asked during a round.
#[derive(Debug, Clone)]
struct Ear {
    voice: Voice,
    ask: Arc<Py<PyAny>>,
}

#[derive(Debug)]
struct Sink {
    name: String,
    /// Present during a round.
    ear: Mutex<Option<Ear>>,
}

/// Takes the ear away at the end of a round, however it ends.
struct Listening<'a>(&'a Sink);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        *self.0.ear() = None;
    }
}

impl Sink {
    fn listen(&self, ear: Ear) -> Listening<'_> {
        *self.ear() = Some(ear);
        Listening(self)
    }

    fn ear(&self) -> MutexGuard<'_, Option<Ear>> {
        self.ear.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, it: &Outgoing) -> std::result::Result<(), Undelivered> {
        let event = text(it).map_err(|_| Undelivered::unsaid())?;
        let (answer, answered) = oneshot::channel();
        if let Some(Ear { voice, ask }) = self.ear().clone() {
            let answer = Answer(Mutex::new(Some(answer)));
            voice.say(Box::new(move |py| ask.call1(py, (event, answer)).map(drop)));
        }
        // Who goes away without an answer was there for no event.
        let gone = |_| Undelivered::unavailable(0, "the sink is gone");
        Undelivered::said(answered.await.map_err(gone)?.as_deref())
    }
}

#[async_trait]
impl EventSink for Sink {
    fn name(&self) -> &str {
        &self.name
    }

    async fn tell(&self, events: &[Outgoing]) -> std::result::Result<(), Undelivered> {
        for (delivered, it) in events.iter().enumerate() {
            self.ask(it).await.map_err(|failed| Undelivered { delivered, ..failed })?;
        }
        Ok(())
    }
}

/// What a sink's answer to an event is given to.
#[pyclass(frozen, module = "fiscaflow._native")]
#[derive(Debug)]
pub struct Answer(Mutex<Option<oneshot::Sender<Option<String>>>>);

#[pymethods]
impl Answer {
    /// Says that the event was taken, or by JSON why not. Only the first answer counts.
    #[pyo3(signature = (failure: "str | None") -> "None")]
    fn give(&self, failure: Option<String>) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Nobody waits any more for what came too late.
        let _ = sender.map(|sender| sender.send(failure));
    }
}

/// A consumer of events whose effects are writes of the engine.
#[pyclass(frozen, module = "fiscaflow._native")]
#[derive(Debug)]
pub struct NativeInbox(Inbox);

#[pymethods]
impl NativeInbox {
    #[new]
    fn new(consumer: String, actor: String) -> PyResult<Self> {
        let actor = actor.parse().map_err(|error: Error| raise(&error.field("actor")))?;
        Inbox::new(consumer, actor).map(Self).map_err(|error| raise(&error))
    }

    /// How a write says that it is the effect of an event: a context as JSON.
    #[pyo3(signature = (event_id: "str", correlation_id: "str | None") -> "str")]
    fn context(&self, event_id: String, correlation_id: Option<String>) -> PyResult<String> {
        let event_id: EventId =
            event_id.parse().map_err(|error: Error| raise(&error.field("event.id")))?;
        text(&self.0.context_of(event_id, correlation_id)).map_err(|error| raise(&error))
    }
}
