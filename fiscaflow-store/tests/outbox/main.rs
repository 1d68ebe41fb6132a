//! Events on their way out: in order, at least once, whoever fails; once where a consumer says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod away;
mod consumers;
mod leases;
mod marks;
mod model;
mod order;
mod refused;
mod sealed;
#[cfg(feature = "postgres")]
#[path = "../shared/mod.rs"]
mod shared;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use fiscaflow_core::conformance::{FixedClock, Scribe, SequentialIds};
use fiscaflow_core::log::{Draft, NewEvent};
use fiscaflow_core::outbox::{EventSink, Outgoing, Relay, RelayOptions, Round, Undelivered};
use fiscaflow_core::store::{Delivery, SetAside, SetAsideQuery, Store};
use fiscaflow_core::{BookId, EventId};
use tokio::sync::Semaphore;

/// What a sink does when it is told something.
#[derive(Debug, Clone)]
enum Does {
    Answers(Result<(), Undelivered>),
    /// Takes everything, and does not answer before it is let go.
    Hangs(Arc<Semaphore>),
}

/// A sink that writes down what it took, and does as it is told.
#[derive(Debug, Default)]
struct Sink {
    told: Mutex<Vec<(BookId, EventId)>>,
    script: Mutex<VecDeque<Does>>,
    /// Events that it never takes.
    poison: Mutex<Vec<EventId>>,
    /// Events at which it is unavailable.
    away: Mutex<Vec<EventId>>,
    /// Whether it takes nothing at all.
    down: AtomicBool,
    /// How often it was asked.
    asked: AtomicUsize,
}

impl Sink {
    fn then(&self, does: Does) {
        self.script.lock().unwrap().push_back(does);
    }

    fn told(&self) -> Vec<EventId> {
        self.told.lock().unwrap().iter().map(|(_, id)| *id).collect()
    }

    fn told_of(&self, book_id: BookId) -> Vec<EventId> {
        let told = self.told.lock().unwrap();
        told.iter().filter(|(book, _)| *book == book_id).map(|(_, id)| *id).collect()
    }

    fn is_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    fn take(&self, events: &[Outgoing]) {
        let took = events.iter().map(|it| (it.book_id, it.event.id));
        self.told.lock().unwrap().extend(took);
    }
}

#[async_trait]
impl EventSink for Sink {
    fn name(&self) -> &str {
        "hooks"
    }

    async fn tell(&self, events: &[Outgoing]) -> Result<(), Undelivered> {
        let does = self.script.lock().unwrap().pop_front();
        let poison = self.poison.lock().unwrap().clone();
        let bad = events.iter().position(|it| poison.contains(&it.event.id));
        let away = self.away.lock().unwrap().clone();
        let away = events.iter().position(|it| away.contains(&it.event.id));
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = match does {
            Some(Does::Answers(answer)) => answer,
            Some(Does::Hangs(gate)) => {
                self.take(events);
                gate.acquire().await.unwrap().forget();
                return Ok(());
            }
            None if self.down.load(Ordering::Relaxed) => Err(Undelivered::unavailable(0, "down")),
            None if away.is_some() => Err(Undelivered::unavailable(away.unwrap_or(0), "down")),
            None => bad.map_or(Ok(()), |bad| Err(Undelivered::refused(bad, "cannot read it"))),
        };
        // What is told to fail fails, however few events there are.
        let fails =
            |it: Undelivered| Undelivered { delivered: it.delivered.min(events.len() - 1), ..it };
        let answer = answer.map_err(fails);
        let took = answer.as_ref().map_or_else(|failed| failed.delivered, |()| events.len());
        self.take(&events[..took]);
        answer
    }
}

/// A store, its books' scribes, and a clock that is moved by hand.
struct World {
    store: Arc<dyn Store>,
    clock: Arc<FixedClock>,
    ids: SequentialIds,
    sink: Arc<Sink>,
}

impl World {
    async fn new(url: &str) -> Self {
        Self {
            store: fiscaflow_store::open(url).await.unwrap(),
            clock: Arc::default(),
            ids: SequentialIds::new(u32::MAX),
            sink: Arc::default(),
        }
    }

    fn relay(&self, options: RelayOptions) -> Relay {
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let sink: Arc<dyn EventSink> = self.sink.clone();
        Relay::new(store, clock, &self.ids, sink, options).unwrap()
    }

    async fn round(&self) -> Round {
        self.relay(RelayOptions::default()).round().await.unwrap()
    }

    /// Commits one commit of so many events; answers with their ids.
    async fn write(&self, scribe: &mut Scribe, events: usize) -> Vec<EventId> {
        let ids: Vec<_> = (0..events).map(|_| EventId::new(scribe.uuid())).collect();
        let events = ids.iter().map(|id| NewEvent::new(*id, "tests.thing.done", "thing", "1"));
        let draft = Draft { events: events.collect(), ..scribe.draft(Vec::new()) };
        let commit = scribe.seal_draft(draft);
        scribe.write(&*self.store, commit).await;
        ids
    }

    async fn kept(&self, scribe: &Scribe) -> Delivery {
        self.store.delivery(scribe.book_id, "hooks").await.unwrap().unwrap_or_default()
    }

    async fn set_aside(&self, scribe: &Scribe) -> Vec<SetAside> {
        let all = SetAsideQuery { limit: u32::MAX, ..SetAsideQuery::default() };
        self.store.set_aside(scribe.book_id, "hooks", &all).await.unwrap()
    }

    fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }
}

/// A fresh store of each kind, by its URL.
fn stores() -> Vec<String> {
    vec![
        "memory:".to_owned(),
        "sqlite::memory:".to_owned(),
        #[cfg(feature = "postgres")]
        shared::postgres::database().url,
    ]
}
