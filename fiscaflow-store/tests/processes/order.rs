//! Whether a log explains what its writers were told: strict serialisability.
//!
//! The log is the order of what changed the book. Each commit is done again, in that order, in a
//! book in memory, by the deed that made it: it has to give the answer and the events that it gave
//! then. What changed nothing (reads, refusals, repeats) has to have its place between two commits,
//! where it gives the answer that was given. And whatever had returned before another was invoked
//! stands before it. The search for places is complete: each takes the first that explains it, and
//! only an earlier end can be asked of it by what follows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fiscaflow_core::conformance::{FixedClock, SequentialIds, Tap, Tapped};
use fiscaflow_core::engine::Engine;
use fiscaflow_core::log::StoredCommit;
use fiscaflow_core::store::Store;
use fiscaflow_core::{Error, ErrorCode, Result};
use fiscaflow_store::MemoryStore;

use crate::deeds::{Answer, Record, book_id, perform};

/// The day on which everything happens.
pub fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at("2026-12-31T10:00:00Z".parse().unwrap()))
}

/// A store that commits nothing.
#[derive(Debug)]
struct Dry(Arc<dyn Store>);

#[async_trait::async_trait]
impl Tap for Dry {
    async fn before(&self, call: &'static str) -> Result<Arc<dyn Store>> {
        match call {
            "commit" => Err(Error::new(ErrorCode::StorageFull, "it would change the book")),
            _ => Ok(Arc::clone(&self.0)),
        }
    }
}

/// The books in memory, in which everything is done again.
pub struct Replay {
    pub store: Arc<dyn Store>,
    engine: Engine,
    dry: Arc<dyn Store>,
}

impl Replay {
    pub fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let dry = Arc::new(Tapped(Arc::new(Dry(Arc::clone(&store)))));
        let ids = Arc::new(SequentialIds::new(1));
        Self { engine: Engine::new(Arc::clone(&store), clock(), ids), dry, store }
    }

    /// An engine that commits nothing. It remembers nothing either: a store that refuses whatever
    /// is committed does not tell it that the book has moved on.
    fn dry(&self) -> Engine {
        Engine::new(Arc::clone(&self.dry), clock(), Arc::new(SequentialIds::new(2)))
    }

    async fn again(&self, engine: &Engine, record: &Record) -> Answer {
        perform(engine, record.book, &record.name, &record.deed).await
    }
}

/// An event without what differs from run to run.
fn events(commit: &StoredCommit) -> Vec<String> {
    let told = commit
        .events()
        .unwrap()
        .into_iter()
        .map(|event| format!("{} {} {:?}", event.name, event.aggregate_id, event.payload));
    told.collect()
}

/// What names a threshold or milestone that is announced.
fn announced(commit: &StoredCommit) -> Vec<String> {
    let all = commit.events().unwrap().into_iter();
    let told = all.filter(|event| event.name.starts_with("planning."));
    let told = told.filter_map(|event| {
        let number = event.payload.get("threshold").or(event.payload.get("percent"))?;
        Some(format!("{} {:?} {number}", event.aggregate_id, event.payload.get("from")))
    });
    told.collect()
}

/// What was seen, for those who ask whether it was much.
#[derive(Debug, Default)]
pub struct Seen {
    pub commits: usize,
    pub announced: usize,
    pub others: usize,
    pub refused: usize,
}

/// Which records stand in the order already.
struct Standing {
    stands: Vec<bool>,
    /// Records by the time of their return, and how many of them, from the first on, stand.
    by_return: Vec<usize>,
    whole: usize,
}

impl Standing {
    fn new(records: &[Record]) -> Self {
        let mut by_return: Vec<usize> = (0..records.len()).collect();
        by_return.sort_by_key(|number| records[*number].returned);
        Self { stands: vec![false; records.len()], by_return, whole: 0 }
    }

    fn put(&mut self, number: usize) {
        self.stands[number] = true;
        while self.by_return.get(self.whole).is_some_and(|next| self.stands[*next]) {
            self.whole += 1;
        }
    }

    /// One that had returned before this one was invoked and does not stand.
    fn missing_before(&self, records: &[Record], number: usize) -> Option<usize> {
        let next = *self.by_return.get(self.whole)?;
        (records[next].returned < records[number].invoked).then_some(next)
    }
}

/// Explains the records of a book by its log, or says what cannot be explained.
pub async fn explain(
    log: &[StoredCommit],
    records: &[Record],
    replay: &Replay,
) -> std::result::Result<Seen, String> {
    let by_name: HashMap<&str, usize> =
        records.iter().enumerate().map(|(number, record)| (record.name.as_str(), number)).collect();
    let mut makers = Vec::new();
    for commit in log {
        let entry = commit.entry().map_err(|error| error.to_string())?;
        let name = entry.correlation_id.unwrap_or_default();
        let maker = by_name.get(name.as_str());
        let maker = *maker.ok_or_else(|| format!("nobody made commit {}", commit.seq))?;
        if makers.contains(&maker) {
            return Err(format!("`{name}` made two commits"));
        }
        makers.push(maker);
    }
    let mut others: Vec<usize> = (0..records.len()).filter(|it| !makers.contains(it)).collect();
    others.sort_by_key(|number| records[*number].invoked);
    let refused = |number: &&usize| matches!(records[**number].answer, Answer::Refused(_));
    let mut seen = Seen {
        commits: log.len(),
        others: others.len(),
        refused: others.iter().filter(refused).count(),
        ..Seen::default()
    };

    let (mut standing, mut told) = (Standing::new(records), BTreeSet::new());
    for (commit, maker) in log.iter().zip(makers) {
        let record = &records[maker];
        let place = format!("commit {} of `{}`", commit.seq, record.name);
        if let Some(earlier) = standing.missing_before(records, maker) {
            let earlier = &records[earlier];
            return Err(format!(
                "{earlier:?} had ended before {place} began, and is not before it"
            ));
        }
        do_again(commit, record, replay).await.map_err(|wrong| format!("{place}: {wrong}"))?;
        for one in announced(commit) {
            if !told.insert(one.clone()) {
                return Err(format!("{place} announces {one} again"));
            }
        }
        standing.put(maker);
        place_others(records, &mut others, &mut standing, replay).await;
    }
    seen.announced = told.len();
    match others.first() {
        Some(left) => Err(format!("{:?} has no place", records[*left])),
        None => Ok(seen),
    }
}

/// Makes a commit once more and compares.
async fn do_again(
    commit: &StoredCommit,
    record: &Record,
    replay: &Replay,
) -> std::result::Result<(), String> {
    let answer = replay.again(&replay.engine, record).await;
    if answer != record.answer {
        return Err(format!("{:?} was answered, it is {answer:?}", record.answer));
    }
    let made = replay.store.commits(book_id(record.book), commit.seq - 1, 2).await.unwrap();
    match made.as_slice() {
        [made] if events(made) == events(commit) => Ok(()),
        [made] => Err(format!("{:?} followed, it is {:?}", events(commit), events(made))),
        _ => Err("nothing was changed".to_owned()),
    }
}

/// Gives those a place here whom the book as it is explains.
async fn place_others(
    records: &[Record],
    others: &mut Vec<usize>,
    standing: &mut Standing,
    replay: &Replay,
) {
    let mut left = Vec::new();
    let mut waiting = std::mem::take(others).into_iter();
    for number in waiting.by_ref() {
        if standing.missing_before(records, number).is_some() {
            left.push(number);
            break;
        }
        let record = &records[number];
        if replay.again(&replay.dry(), record).await == record.answer {
            standing.put(number);
        } else {
            left.push(number);
        }
    }
    left.extend(waiting);
    *others = left;
}
