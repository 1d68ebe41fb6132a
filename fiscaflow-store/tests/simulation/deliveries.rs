//! What was told outside, held to the log: nothing that is not there, in order, at least once, by
//! one relay at a time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use fiscaflow_core::store::{Delivery, SetAsideQuery, Store};
use fiscaflow_core::{BookId, EventId};
use tokio::runtime::Runtime;

use super::between::{SINK, State, TRIES};
use super::facts::{Checked, Facts, holds};

/// What is known of the delivery of both books.
#[derive(Default)]
pub struct Deliveries {
    kept: BTreeMap<BookId, Delivery>,
    /// Events that ever lay aside, or were sealed before they were told: they come out of order, or
    /// never.
    late: BTreeSet<EventId>,
    told: BTreeSet<EventId>,
    read: usize,
}

impl Deliveries {
    /// Looks at what was told since, and at the places that are kept.
    pub fn observe(
        &mut self,
        runtime: &Runtime,
        (store, state): (&dyn Store, &State),
        books: &[Facts],
        now: DateTime<Utc>,
    ) -> Checked {
        for it in state.told.iter().skip(self.read) {
            let facts = books.iter().find(|facts| facts.id == it.book_id);
            let mut events = facts.iter().flat_map(|it| &it.read).flat_map(|it| &it.events);
            let is_there = events.any(|event| *event == it.event);
            holds(is_there, "told is there", || format!("{} was told", it.event.name))?;
            if self.told.insert(it.event.id) {
                self.check_order(facts.unwrap(), it.event.id)?;
            }
        }
        self.read = state.told.len();
        for facts in books {
            let kept = runtime.block_on(store.delivery(facts.id, SINK)).unwrap();
            let kept = kept.unwrap_or_default();
            let before = self.kept.insert(facts.id, kept.clone()).unwrap_or_default();
            // An erasure empties the words of the sink, and nothing else.
            let emptied = before.failure.is_some() && kept.failure.as_deref() == Some("");
            let failure = if emptied { kept.failure.clone() } else { before.failure.clone() };
            let before = Delivery { failure, ..before };
            if before != kept {
                check_step(&before, &kept, now)?;
                self.check_place(runtime, store, facts, &kept)?;
            }
        }
        Ok(())
    }

    /// What of sealed commits was not told is lost; unless that was wanted there is nothing like it
    /// for a sink that was told something.
    pub fn seal(
        &mut self,
        (runtime, store): (&Runtime, &dyn Store),
        facts: &Facts,
        lose_events: bool,
    ) -> Checked {
        let kept = self.kept.get(&facts.id).filter(|kept| kept.version > 0);
        if let Some(kept) = kept.filter(|_| !lose_events) {
            let query = SetAsideQuery { limit: 10_000, ..SetAsideQuery::default() };
            let aside = runtime.block_on(store.set_aside(facts.id, SINK, &query)).unwrap();
            let lies = aside.iter().any(|it| it.place.seq <= facts.sealed);
            holds(kept.seq >= facts.sealed && !lies, "seals wait for sinks", || {
                format!("{} is sealed, {kept:?}", facts.sealed)
            })?;
        }
        let sealed = facts.read.iter().filter(|read| read.entry.seq <= facts.sealed);
        let events = sealed.flat_map(|read| &read.events).map(|event| event.id);
        self.late.extend(events.filter(|id| !self.told.contains(id)));
        Ok(())
    }

    /// Whether the sink was told something of a book.
    pub fn has_begun(&self, id: BookId) -> bool {
        self.kept.get(&id).is_some_and(|kept| kept.version > 0)
    }

    /// What comes first was written first, but for what once lay aside, and for an event that is
    /// offered to learn whether the sink is away or the one before is at fault.
    fn check_order(&self, facts: &Facts, id: EventId) -> Checked {
        if self.kept.get(&facts.id).is_some_and(|kept| kept.misses >= TRIES) {
            return Ok(());
        }
        let events = facts.read.iter().flat_map(|it| &it.events);
        let mut before = events.take_while(|event| event.id != id);
        let skipped = before.find(|event| !self.told.contains(&event.id));
        let skipped = skipped.filter(|event| !self.late.contains(&event.id));
        holds(skipped.is_none(), "told in order", || format!("{skipped:?} was overtaken"))
    }

    /// What is done with was told, or lies aside.
    fn check_place(
        &mut self,
        runtime: &Runtime,
        store: &dyn Store,
        facts: &Facts,
        kept: &Delivery,
    ) -> Checked {
        let query = SetAsideQuery { limit: 10_000, ..SetAsideQuery::default() };
        let aside = runtime.block_on(store.set_aside(facts.id, SINK, &query)).unwrap();
        self.late.extend(aside.iter().map(|it| it.event_id));
        for read in &facts.read {
            for (event, number) in read.events.iter().zip(0..) {
                let next = read.entry.seq == kept.seq + 1 && number < kept.events;
                let done = read.entry.seq <= kept.seq || next;
                let fair = self.told.contains(&event.id) || self.late.contains(&event.id);
                holds(!done || fair, "told at least once", || {
                    format!("{} of {} was left out", event.name, read.entry.seq)
                })?;
            }
        }
        Ok(())
    }

    /// Whether everything has come.
    pub fn check_all(&self, books: &[Facts]) -> Checked {
        for facts in books {
            let mut events = facts.read.iter().flat_map(|it| &it.events);
            let missing = events
                .find(|event| !self.told.contains(&event.id) && !self.late.contains(&event.id));
            holds(missing.is_none(), "told at least once", || format!("{missing:?} never came"))?;
        }
        Ok(())
    }
}

/// A place only moves on, and not while somebody else has it.
fn check_step(before: &Delivery, kept: &Delivery, now: DateTime<Utc>) -> Checked {
    let moved = (kept.seq, kept.events) >= (before.seq, before.events);
    holds(kept.version > before.version && moved, "place moves on", || format!("{kept:?}"))?;
    let (Some(had), Some(has)) = (&before.lease, &kept.lease) else { return Ok(()) };
    holds(had.owner == has.owner || had.until <= now, "lease", || {
        format!("{} took over from {}", has.owner, had.owner)
    })
}
