//! What stands between engines and their store, and what relays tell: here calls wait, so that
//! others come between, and here they fail.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use fiscaflow_core::conformance::{FixedClock, Tap};
use fiscaflow_core::outbox::{EventSink, Outgoing, Undelivered};
use fiscaflow_core::store::Store;
use fiscaflow_core::{Clock, Error, ErrorCode, Result};

use super::script::{Does, Fault};

/// The name of the only sink.
pub const SINK: &str = "hooks";

/// How often it may refuse an event, or be away for one.
pub const TRIES: u32 = 2;

/// The seam between engines and store, relays and sink.
#[derive(Debug)]
pub struct Between {
    store: Arc<dyn Store>,
    clock: Arc<FixedClock>,
    state: Mutex<State>,
}

/// What is known of the steps that are under way.
#[derive(Debug, Default)]
pub struct State {
    /// The step that is being polled; nobody's calls neither wait nor fail.
    pub current: Option<u32>,
    /// Whether that step is inside the store, which may then need to be waited for.
    pub inside: bool,
    /// How many calls each step has made.
    calls: BTreeMap<u32, u32>,
    /// What is to fail for each step.
    pub faults: BTreeMap<u32, Vec<Fault>>,
    /// Steps for which something failed.
    pub failed: BTreeSet<u32>,
    /// Steps of which the caller has heard `unavailable` before their end.
    pub given_up: BTreeSet<u32>,
    /// Steps whose answer is lost.
    losing: BTreeSet<u32>,
    /// Who is woken when.
    pub timers: Vec<(DateTime<Utc>, Waker)>,
    /// What happened, in words.
    pub notes: Vec<String>,
    /// What the sink took.
    pub told: Vec<Outgoing>,
}

/// Waits for one poll.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| match std::mem::replace(&mut paused, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

async fn pauses(count: u32) {
    for _ in 0..count {
        pause().await;
    }
}

fn unavailable() -> Error {
    Error::new(ErrorCode::StoreUnavailable, "the store cannot be reached")
}

impl Between {
    pub fn new(store: Arc<dyn Store>, clock: Arc<FixedClock>) -> Self {
        Self { store, clock, state: Mutex::default() }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Whether the step's next call fails, and how.
    fn next(&self, step: u32, call: &str) -> Option<Does> {
        let mut state = self.state();
        let calls = state.calls.entry(step).or_default();
        let at = *calls;
        *calls += 1;
        let faults = state.faults.get(&step)?;
        let does = faults.iter().find(|fault| fault.at == at)?.does;
        state.notes.push(format!("fault {step} {call} {does:?}"));
        if !matches!(does, Does::Slow(_)) {
            state.failed.insert(step);
        }
        Some(does)
    }

    /// Waits until a time by the clock of the run.
    async fn until(&self, due: DateTime<Utc>) {
        poll_fn(|context| {
            if self.clock.now() >= due {
                return Poll::Ready(());
            }
            self.state().timers.push((due, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

#[async_trait]
impl Tap for Between {
    async fn before(&self, call: &'static str) -> Result<Arc<dyn Store>> {
        let Some(step) = self.state().current else { return Ok(Arc::clone(&self.store)) };
        let does = self.next(step, call);
        pause().await;
        match does {
            Some(Does::Refuse) => return Err(unavailable()),
            Some(Does::Slow(polls)) => pauses(polls).await,
            Some(Does::Late(polls)) => {
                self.state().given_up.insert(step);
                pauses(polls).await;
            }
            Some(Does::Lose) => {
                self.state().losing.insert(step);
            }
            None => {}
        }
        self.state().inside = true;
        Ok(Arc::clone(&self.store))
    }

    async fn after(&self, _call: &'static str) -> Result<()> {
        let Some(step) = self.state().current else { return Ok(()) };
        self.state().inside = false;
        pause().await;
        match self.state().losing.remove(&step) {
            true => Err(unavailable()),
            false => Ok(()),
        }
    }
}

/// Where a process tells events.
#[derive(Debug)]
pub struct Sink(pub Arc<Between>);

impl Sink {
    fn take(&self, events: &[Outgoing]) {
        let mut state = self.0.state();
        let step = state.current.unwrap_or_default();
        for it in events {
            state.notes.push(format!("told {step} {} {}", it.event.seq, it.event.name));
        }
        state.told.extend_from_slice(events);
    }
}

#[async_trait]
impl EventSink for Sink {
    fn name(&self) -> &str {
        SINK
    }

    async fn tell(&self, events: &[Outgoing]) -> Result<(), Undelivered> {
        let step = self.0.state().current;
        let does = step.and_then(|step| self.0.next(step, "tell"));
        if step.is_some() {
            pause().await;
        }
        match does {
            Some(Does::Refuse) => return Err(Undelivered::unavailable(0, "down")),
            Some(Does::Lose) => {
                self.take(events);
                return Err(Undelivered::unavailable(0, "no answer"));
            }
            Some(Does::Late(taken)) => {
                let taken = usize::try_from(taken).unwrap().min(events.len() - 1);
                self.take(&events[..taken]);
                return Err(Undelivered::refused(taken, "cannot read it"));
            }
            Some(Does::Slow(minutes)) => {
                self.take(events);
                self.0.until(self.0.clock.now() + TimeDelta::minutes(minutes.into())).await;
            }
            None => self.take(events),
        }
        if step.is_some() {
            pause().await;
        }
        Ok(())
    }
}
