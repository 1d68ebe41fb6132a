//! The twin of a run: one engine that begins with the same commits, alone, with nothing that
//! fails. Books are strictly serialisable, so whatever many engines did together it does, too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use fiscaflow_core::ErrorCode;
use fiscaflow_core::api::{Call, call};
use fiscaflow_core::conformance::{FixedClock, SequentialIds};
use fiscaflow_core::engine::Engine;
use fiscaflow_core::log::{Change, Entry, Erasure, Event, Object};
use fiscaflow_core::store::Store;
use fiscaflow_store::MemoryStore;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::facts::Facts;
use super::seals::RESTATE;

/// Ids that no process of a run gives.
const SEED: u32 = 0x0fff_ffff;

/// What the twin did.
#[derive(Debug, Clone)]
pub struct Lone {
    pub answer: Result<Value, ErrorCode>,
    /// What it wrote, as text.
    pub wrote: Option<String>,
}

/// A store with a book's first commits and nothing else.
pub fn store_at(runtime: &Runtime, facts: &Facts, seq: u64) -> Arc<dyn Store> {
    let store = MemoryStore::new();
    for read in facts.read.iter().take(usize::try_from(seq).unwrap()) {
        let written = match &read.erased {
            None => runtime.block_on(store.commit(Arc::clone(&read.commit))),
            Some(texts) => {
                let (commit, texts) = ((*read.commit).clone(), texts.clone());
                runtime.block_on(store.erase(Arc::new(Erasure { commit, texts })))
            }
        };
        written.unwrap();
    }
    Arc::new(store)
}

/// An engine that nobody disturbs.
pub fn engine_over(store: Arc<dyn Store>, now: DateTime<Utc>) -> Engine {
    Engine::new(store, Arc::new(FixedClock::at(now)), Arc::new(SequentialIds::new(SEED)))
}

/// What a call does to a book that has so many commits, at a time.
pub fn decide(runtime: &Runtime, facts: &Facts, seq: u64, now: DateTime<Utc>, of: &Call) -> Lone {
    let store = store_at(runtime, facts, seq);
    let engine = engine_over(Arc::clone(&store), now);
    let answer = runtime.block_on(call(&engine, of.clone()));
    let mut commits = runtime.block_on(store.commits(facts.id, seq, 100)).unwrap();
    // What a seal restates on the way is not compared.
    commits.retain(|commit| commit.entry().unwrap().action != RESTATE);
    let wrote = commits.first().map(|commit| {
        let (entry, events) = (commit.entry().unwrap(), commit.events().unwrap());
        text(&entry, &commit.changes().unwrap(), &events)
    });
    assert!(commits.len() < 2, "one call, one commit");
    Lone { answer: answer.map_err(|error| error.code()), wrote }
}

/// A commit as text, without what is drawn anew for each: hashes and salts.
pub fn text(entry: &Entry, changes: &[Change], events: &[Event]) -> String {
    let mut text = format!(
        "{} of {} at {} because {:?}, {:?}\n",
        entry.action, entry.actor, entry.at, entry.reason, entry.correlation_id
    );
    for change in changes {
        for (sign, image) in [("-", &change.before), ("+", &change.after)] {
            let json = match image {
                None => continue,
                Some(Object::Document(it)) => String::from_utf8(it.encode().unwrap()).unwrap(),
                Some(Object::Transaction(it)) => serde_json::to_string(it).unwrap(),
            };
            let kind = image.as_ref().map_or("", Object::kind);
            text.push_str(&format!("{sign}{kind} {json}\n"));
        }
    }
    for event in events {
        let of = (&event.aggregate_type, &event.aggregate_id);
        text.push_str(&format!("{} {} {of:?} {:?}\n", event.id, event.name, event.payload));
    }
    text
}

/// A text whose UUIDs are counted in the order in which they come, but for those that are known.
pub fn counted(text: &str, known: &BTreeSet<String>) -> String {
    let (mut found, mut seen) = (String::new(), BTreeMap::<&str, usize>::new());
    let mut rest = text;
    while let Some(at) = rest.find('-').map(|at| at.saturating_sub(8)) {
        match rest.get(at..at + 36).filter(|it| uuid::Uuid::try_parse(it).is_ok()) {
            Some(id) => {
                found.push_str(&rest[..at]);
                if known.contains(id) {
                    found.push_str(id);
                } else {
                    let next = seen.len();
                    found.push_str(&format!("#{}", *seen.entry(id).or_insert(next)));
                }
                rest = &rest[at + 36..];
            }
            None => {
                // Behind this dash.
                let dash = rest.find('-').unwrap() + 1;
                found.push_str(&rest[..dash]);
                rest = &rest[dash..];
            }
        }
    }
    found.push_str(rest);
    found
}
