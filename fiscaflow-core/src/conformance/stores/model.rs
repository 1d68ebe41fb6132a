//! Random commands, and after each one a comparison of every read with the naive twin.
//!
//! The same seed gives the same commands, so a difference is found again by the episode and the
//! step that it names. Books stay small, which is where the corners are.

use std::fmt::Write as _;
use std::sync::Arc;

use super::chance::Chance;
use super::fsck;
use super::scribe::Scribe;
use super::twin::Twin;
use crate::conformance::sources::Random;
use crate::error::ErrorCode;
use crate::id::TransactionId;
use crate::log::{Change, Commit, Draft, ErasedTexts, Erasure, Hash, Object};
use crate::model::Transaction;
use crate::store::{Head, Store, WaitingQuery};

/// Commands in one episode: two fresh books, written in turns.
const STEPS: u32 = 100;
/// Episodes on one store, which forgets nothing between them.
const EPISODES: u32 = 10;
/// Transactions that a book may have before only removals follow.
const CROWDED: usize = 10;

/// Has `lane` run so many random commands, from that episode on, in several lanes at once: which
/// commands they are does not depend on the number of lanes.
pub fn in_lanes(lanes: u32, operations: u32, lane: impl Fn(u32, u32) + Sync) {
    let episodes = operations.div_ceil(STEPS).div_ceil(lanes);
    std::thread::scope(|scope| {
        for number in 0..lanes {
            let first = number * episodes;
            let of_lane = operations.saturating_sub(first * STEPS).min(episodes * STEPS);
            let lane = &lane;
            scope.spawn(move || lane(of_lane, first));
        }
    });
}

/// Runs that many random commands, from an episode on, on stores that `make` gives, and fails at
/// the first difference.
pub async fn run<M, F, G>(make: M, operations: u32, first: u32)
where
    M: Fn() -> F,
    F: Future<Output = (Arc<dyn Store>, G)>,
{
    let mut left = operations;
    let mut episode = first;
    while left > 0 {
        let (store, guard) = make().await;
        for _ in 0..EPISODES {
            let steps = left.min(STEPS);
            Episode::new(&*store, episode).run(steps).await;
            left -= steps;
            episode += 1;
        }
        store.close().await;
        drop(guard);
    }
}

struct Episode<'a> {
    store: &'a dyn Store,
    number: u32,
    step: u32,
    command: &'static str,
    twin: Twin,
    chance: Chance,
    books: [Scribe; 2],
    newest: Option<Arc<Commit>>,
    keys: u32,
    /// Whether objects may hold texts that the history of the book has no more.
    blind: [bool; 2],
}

impl<'a> Episode<'a> {
    fn new(store: &'a dyn Store, number: u32) -> Self {
        Self {
            store,
            number,
            step: 0,
            command: "",
            twin: Twin::default(),
            chance: Chance { random: Random::new(u64::from(number)) },
            books: [Scribe::new(2 * number), Scribe::new(2 * number + 1)],
            newest: None,
            keys: 0,
            blind: [false; 2],
        }
    }

    async fn run(&mut self, steps: u32) {
        for step in 0..steps {
            self.step = step;
            let book = self.chance.random.below(2);
            if self.chance.random.one_in(4) {
                self.deliver(book).await;
            } else if self.chance.random.one_in(16) {
                self.erase(book).await;
            } else if let Some(commit) = self.command(book) {
                self.attempt(book, commit).await;
            }
            self.compare(book).await;
            self.compare_deliveries(book).await;
            if self.chance.random.one_in(4) {
                self.compare(1 - book).await;
            }
        }
        self.verify().await;
    }

    /// What is kept of a book follows from its history.
    async fn verify(&self) {
        for (scribe, _) in self.books.iter().zip(self.blind).filter(|(_, blind)| !blind) {
            fsck::verify(self.store, scribe.book_id).await;
        }
    }

    /// What is tried next on a book.
    fn command(&mut self, book: usize) -> Option<Arc<Commit>> {
        let dice = self.chance.random.below(16);
        let changes = self.changes(book);
        let scribe = &self.books[book];
        let key = |number: u32| ["key", "KEY", "schlüssel"][number as usize % 3].repeat(2);
        let (command, commit) = match dice {
            0 => ("nothing", None),
            1 => ("the newest commit again", self.newest.clone()),
            2 => {
                let parent = self.books[1 - book].head;
                let draft = Draft { parent, ..scribe.draft(changes) };
                ("a commit on the other book's head", Some(scribe.seal_draft(draft)))
            }
            3 => {
                let seq = scribe.head.map_or(0, |head| head.seq);
                let parent = Some(Head { seq, hash: Hash::of(&[b"forged"]) });
                let draft = Draft { parent, ..scribe.draft(changes) };
                ("a commit on a forged head", Some(scribe.seal_draft(draft)))
            }
            4 => {
                let draft = Draft { parent: None, ..scribe.draft(changes) };
                ("a first commit", Some(scribe.seal_draft(draft)))
            }
            5 | 6 => {
                // Often used before.
                self.keys += 1;
                let key = key(self.keys);
                ("a commit with a key", Some(scribe.seal_with_key(changes, &key)))
            }
            _ => ("a commit", Some(scribe.seal(changes))),
        };
        self.command = command;
        commit
    }

    fn changes(&mut self, book: usize) -> Vec<Change> {
        let book_id = self.books[book].book_id;
        let known = self.twin.ids(book_id);
        let foreign = self.twin.ids(self.books[1 - book].book_id);
        let count = self.chance.random.below(5);
        (0..count)
            .map(|_| {
                let dice = self.chance.random.below(10);
                match dice {
                    0 | 1 => {
                        let document = self.chance.document(&self.books[book]);
                        Change::create(document)
                    }
                    2 => Change::remove(self.chance.document(&self.books[book])),
                    3 => self.removal(book, &known),
                    _ if known.len() > CROWDED => self.removal(book, &known),
                    4..=6 => {
                        let id = self.fresh_id(book, &foreign);
                        Change::create(self.chance.transaction(id))
                    }
                    _ => self.update(book, &known),
                }
            })
            .collect()
    }

    fn fresh_id(&mut self, book: usize, foreign: &[TransactionId]) -> TransactionId {
        let random = &mut self.chance.random;
        match random.below(4) {
            0 => {
                let bits = u128::from(random.next()) << 64 | u128::from(random.next());
                TransactionId::new(uuid::Uuid::from_u128(bits))
            }
            1 if !foreign.is_empty() => foreign[random.below(foreign.len())],
            _ => TransactionId::new(self.books[book].uuid()),
        }
    }

    fn stored(&self, book: usize, id: TransactionId) -> Option<Transaction> {
        self.twin.transactions(self.books[book].book_id, &[id]).pop()
    }

    fn removal(&mut self, book: usize, known: &[TransactionId]) -> Change {
        let stored = self.chance.known(known).and_then(|id| self.stored(book, id));
        let absent = TransactionId::new(self.books[book].uuid());
        Change::remove(stored.unwrap_or_else(|| self.chance.transaction(absent)))
    }

    fn update(&mut self, book: usize, known: &[TransactionId]) -> Change {
        match self.chance.known(known).and_then(|id| self.stored(book, id)) {
            Some(before) => {
                let after = self.chance.transaction(before.id);
                Change::update(before, after)
            }
            None => {
                let id = TransactionId::new(self.books[book].uuid());
                Change::create(self.chance.transaction(id))
            }
        }
    }

    async fn attempt(&mut self, book: usize, commit: Arc<Commit>) {
        let code = |result: crate::Result<()>| result.err().map(|error| error.code());
        let expected: Option<ErrorCode> = code(self.twin.commit(&commit));
        let found = code(self.store.commit(Arc::clone(&commit)).await);
        self.same("commit", &found, &expected, |code| format!("{code:?}"));
        if expected.is_none() {
            self.books[book].head = Some(commit.stored.head());
            self.newest = Some(commit);
        }
    }

    /// Tries an erasure of all texts, or of some that are chosen blindly: what stands in objects is
    /// the business of whoever chooses.
    async fn erase(&mut self, book: usize) {
        let sealed = self.twin.commits(self.books[book].book_id, 0, u32::MAX);
        let sealed = sealed.iter().filter(|it| it.is_sealed()).count();
        if self.chance.random.one_in(3) && self.books[book].head.is_some() {
            self.command = "a seal";
            let scribe = &self.books[book];
            let until = self.chance.random.below(5) + sealed;
            let until = u64::try_from(until).unwrap().min(scribe.head.unwrap().seq);
            let loses = self.chance.random.one_in(2);
            let seal = scribe.sealing(self.store, until, loses).await;
            return self.take_away(book, seal).await;
        }
        self.command = "an erasure";
        let changes = self.changes(book);
        let texts = match self.chance.random.one_in(2) {
            true => ErasedTexts::All,
            false => ErasedTexts::These((0..9).map(|seq| (seq, vec![0, 2])).collect()),
        };
        let erasure = self.books[book].erasure(self.store, texts, changes).await;
        self.take_away(book, erasure).await;
    }

    async fn take_away(&mut self, book: usize, erasure: Erasure) {
        let erasure = Arc::new(erasure);
        let code = |result: crate::Result<()>| result.err().map(|error| error.code());
        let expected = code(self.twin.erase(&erasure));
        let found = code(self.store.erase(Arc::clone(&erasure)).await);
        self.same("erase", &found, &expected, |code| format!("{code:?}"));
        if expected.is_none() {
            self.blind[book] = erasure.texts != ErasedTexts::All;
            self.books[book].head = Some(erasure.commit.stored.head());
            self.newest = Some(Arc::new(erasure.commit.clone()));
        }
    }

    /// Tries a step of a delivery, which fits most of the time.
    async fn deliver(&mut self, book: usize) {
        self.command = "a step of a delivery";
        let book_id = self.books[book].book_id;
        let sink = self.chance.sink();
        let kept = self.twin.delivery(book_id, sink).map_or(0, |kept| kept.version);
        let head = self.twin.head(book_id).map_or(0, |head| head.seq);
        let step = Arc::new(self.chance.step(kept, head));
        let code = |result: crate::Result<()>| result.err().map(|error| error.code());
        let expected = code(self.twin.deliver(book_id, sink, &step));
        let found = code(self.store.deliver(book_id, sink, Arc::clone(&step)).await);
        self.same("deliver", &found, &expected, |code| format!("{code:?} of {step:?}"));
    }

    /// Compares how far the events of a book have come.
    async fn compare_deliveries(&mut self, book: usize) {
        let (store, book_id) = (self.store, self.books[book].book_id);
        let sink = self.chance.sink();
        let found = store.delivery(book_id, sink).await.unwrap();
        let expected = self.twin.delivery(book_id, sink);
        self.same("delivery", &found, &expected, |found| format!("{sink}: {found:?}"));
        let query = self.chance.set_aside_query();
        let found = store.set_aside(book_id, sink, &query).await.unwrap();
        let expected = self.twin.set_aside(book_id, sink, &query);
        self.same("set_aside", &found, &expected, |found| format!("{query:?}: {found:?}"));
        // Stores are shared by episodes: books of others may lie before and after.
        let ours = [self.books[0].book_id, self.books[1].book_id];
        let waiting = WaitingQuery { sink: sink.to_owned(), ..self.chance.waiting_query() };
        let mut found = store.waiting(&waiting).await.unwrap();
        found.retain(|book| ours.contains(book));
        let expected = self.twin.waiting(&waiting);
        self.same("waiting", &found, &expected, |found| format!("{waiting:?}: {found:?}"));
    }

    /// Compares every read of a book.
    async fn compare(&mut self, book: usize) {
        let (store, book_id) = (self.store, self.books[book].book_id);
        let head = store.head(book_id).await.unwrap();
        self.same("head", &head, &self.twin.head(book_id), |head| format!("{head:?}"));
        let documents = store.documents(book_id).await.unwrap();
        self.same("documents", &documents, &self.twin.documents(book_id), |found| {
            let documents = found.iter().flat_map(|(_, documents)| documents);
            let names = documents.map(|one| format!("{} {}", one.kind().as_str(), one.key()));
            format!("{:?} {:?}", found.as_ref().map(|found| found.0), Vec::from_iter(names))
        });

        let ids = self.twin.ids(book_id);
        let mut wanted = self.twin.ids(self.books[1 - book].book_id);
        wanted.extend(&ids);
        let mut found = store.transactions(book_id, &wanted).await.unwrap();
        found.sort_by_key(|one| one.id);
        self.same("transactions", &found, &self.twin.transactions(book_id, &wanted), shown);
        let request = self.chance.request(&ids);
        let page = store.page(book_id, &request).await.unwrap();
        self.same("page", &page, &self.twin.page(book_id, &request), |page| {
            let query = serde_json::to_string(&request.query).unwrap();
            format!("{query} after {:?}: {}", request.after, shown(page))
        });

        let after = self.chance.maybe(2, |chance| chance.known(&ids)).flatten();
        let limit = self.chance.limit(ids.len());
        let columns = store.columns(book_id, after, limit).await.unwrap();
        let expected = self.twin.columns(book_id, after, limit);
        self.same("columns", &columns, &expected, |rows| format!("{rows:?}"));
        let query = self.chance.origin_query();
        let origins = store.origins(book_id, &query).await.unwrap();
        self.same("origins", &origins, &self.twin.origins(book_id, &query), |rows| {
            format!("{} {:?} {rows:?}", query.from, query.bank_ids)
        });

        let seq = head.map_or(0, |head| head.seq);
        let after = self.chance.random.next() % (seq + 2);
        let limit = self.chance.limit(3);
        let commits = store.commits(book_id, after, limit).await.unwrap();
        let expected = self.twin.commits(book_id, after, limit);
        self.same("commits", &commits, &expected, |found| format!("after {after}: {found:?}"));
        let key = ["keykey", "KEYKEY", "schlüsselschlüssel", ""][self.chance.random.below(4)];
        let answered = store.answered(book_id, key).await.unwrap();
        let expected = self.twin.answered(book_id, key);
        self.same("answered", &answered, &expected, |found| format!("{key}: {found:?}"));
    }

    #[track_caller]
    fn same<T: PartialEq>(&self, read: &str, found: &T, expected: &T, show: impl Fn(&T) -> String) {
        if found == expected {
            return;
        }
        let Self { number, step, command, .. } = self;
        let mut report = format!("episode {number}, step {step}, {read} after {command}:\n");
        let _ = writeln!(report, "the store says {}", show(found));
        let _ = writeln!(report, "it should be   {}", show(expected));
        if let Some(newest) = &self.newest {
            for change in &newest.changes {
                let kinds = (change.before.as_ref(), change.after.as_ref());
                let name = |object: Option<&Object>| object.map(|one| (one.kind(), one.key()));
                let _ = writeln!(report, "  {:?} -> {:?}", name(kinds.0), name(kinds.1));
            }
        }
        panic!("{report}");
    }
}

fn shown(transactions: &Vec<Transaction>) -> String {
    serde_json::to_string_pretty(transactions).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn lanes_share_the_episodes() {
        // Holds: each episode is run by one lane, whatever their number.
        for (lanes, operations) in [(1, 200), (2, 1_000_000), (3, 1_050), (4, 90), (4, 0)] {
            let run = Mutex::new(Vec::new());
            in_lanes(lanes, operations, |of_lane, first| {
                let episodes = first..first + of_lane.div_ceil(STEPS);
                run.lock().unwrap().push((episodes, of_lane));
            });
            let mut run = run.into_inner().unwrap();
            assert_eq!(run.iter().map(|(_, of_lane)| of_lane).sum::<u32>(), operations);
            let mut episodes: Vec<u32> = run.drain(..).flat_map(|(episodes, _)| episodes).collect();
            episodes.sort_unstable();
            assert!(episodes.into_iter().eq(0..operations.div_ceil(STEPS)));
        }
    }
}
