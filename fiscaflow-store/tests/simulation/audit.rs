//! What must hold while a run goes on: after every poll the log is read on, and what is in the
//! store, what callers heard and what was told outside is held to it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use fiscaflow_core::api::Call;
use fiscaflow_core::engine::Point;
use fiscaflow_core::limits::MAX_ATTEMPTS;
use fiscaflow_core::model::{Document, Role, Transaction};
use fiscaflow_core::outbox::Round;
use fiscaflow_core::store::{
    ColumnRow, PageRequest, Store, TransactionQuery, copy_book, verify_book,
};
use fiscaflow_core::{BookId, ErrorCode, Lane, Result};
use fiscaflow_store::MemoryStore;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::broken::Broken;
use super::checkpoints::Checkpoints;
use super::deliveries::Deliveries;
use super::draw::book;
use super::facts::{Checked, Facts, NOWHERE, Read, broken, holds};
use super::figures;
use super::lone::{self, Lone, counted};
use super::roles::role_for;
use super::seals::{self, RESTATE, SEAL, at_point, is_erased_since, takes_away, without_count};
use super::words;

/// How a step ended.
#[derive(Debug)]
pub enum Outcome {
    Answer(Result<Value>),
    Pages(Result<Vec<Transaction>>),
    Round(Result<Round>),
}

/// What a step began with.
#[derive(Debug, Clone)]
pub struct Since {
    pub seqs: [u64; 2],
    pub now: DateTime<Utc>,
}

/// A step that has ended.
pub struct Ended<'a> {
    pub number: u32,
    pub call: Option<&'a Call>,
    pub since: &'a Since,
    pub now: DateTime<Utc>,
    /// Whether something failed for it.
    pub failed: bool,
}

/// What a step has written, and what its twin has.
struct Written {
    book: usize,
    text: String,
    lone: Lone,
    known: BTreeSet<String>,
}

/// Everything that is known of a run.
pub struct Audit {
    pub runtime: Rc<Runtime>,
    pub store: Arc<Broken>,
    pub books: [Facts; 2],
    pub deliveries: Deliveries,
    pub checkpoints: Checkpoints,
    /// The calls that were made, by their correlation ids.
    pub calls: BTreeMap<String, (u32, Call)>,
    written: BTreeMap<u32, Written>,
    /// What was answered first under a key.
    answers: BTreeMap<(Option<BookId>, String), (Call, Value)>,
    keys: BTreeSet<(BookId, String)>,
}

impl Audit {
    pub fn new(runtime: Rc<Runtime>, store: Arc<Broken>) -> Self {
        Self {
            runtime,
            store,
            books: [0, 1].map(|at| Facts::new(book(at).parse().unwrap())),
            deliveries: Deliveries::default(),
            checkpoints: Checkpoints::default(),
            calls: BTreeMap::new(),
            written: BTreeMap::new(),
            answers: BTreeMap::new(),
            keys: BTreeSet::new(),
        }
    }

    pub fn seqs(&self) -> [u64; 2] {
        [self.books[0].seq(), self.books[1].seq()]
    }

    /// Reads on in the log; tells the commits that are new.
    pub fn observe(&mut self) -> Checked<Vec<String>> {
        let mut found = Vec::new();
        for at in 0..self.books.len() {
            let id = self.books[at].id;
            let head = self.runtime.block_on(self.store.head(id)).unwrap();
            let seq = self.books[at].seq();
            if head.map_or(0, |head| head.seq) != seq {
                let commits = self.runtime.block_on(self.store.commits(id, seq, 100)).unwrap();
                holds(!commits.is_empty(), "chain", || "the log has lost commits".to_owned())?;
                for commit in commits {
                    self.take(at, &commit)?;
                    found.push(format!("commit {at}.{} {}", commit.seq, commit.hash));
                }
                self.check_state(at)?;
            }
            let last = self.books[at].read.last().map(|read| read.commit.stored.head());
            let head = self.runtime.block_on(self.store.head(id)).unwrap();
            holds(last == head, "chain", || format!("the head of {at} is another"))?;
        }
        Ok(found)
    }

    fn take(&mut self, at: usize, commit: &fiscaflow_core::log::StoredCommit) -> Checked {
        let entry = match commit.entry() {
            Ok(entry) => entry,
            Err(error) => return broken("chain", format!("commit {}: {error}", commit.seq)),
        };
        let request = entry.correlation_id.clone().unwrap_or_default();
        let Some((number, call)) = self.calls.get(&request).cloned() else {
            return broken("request", format!("nobody asked for commit {}", commit.seq));
        };
        let (facts, id) = (&self.books[at], self.books[at].id);
        let asked = call.book_id.unwrap_or(id);
        holds(asked == id, "books apart", || format!("{} of another book", entry.action))?;
        let mut answered = None;
        let is_restated = entry.action == RESTATE;
        if let Some(key) = call.context.idempotency_key.as_ref().filter(|_| !is_restated) {
            let kept = self.runtime.block_on(self.store.answered(id, key)).unwrap();
            let fits = kept.as_ref().is_some_and(|kept| kept.seq == commit.seq);
            holds(fits, "answer kept", || format!("{key} of {} is not kept", entry.action))?;
            answered = kept.map(|kept| (key.clone(), kept));
            holds(self.keys.insert((id, key.clone())), "key once", || {
                format!("{key} has two effects")
            })?;
        }
        let (seq, known) = (facts.seq(), facts.known.clone());
        let erased = self.store.erasures.lock().unwrap().get(&commit.hash).cloned();
        self.books[at].take(commit, &call, answered, erased)?;
        if takes_away(&entry.action) {
            self.check_gone(at, &call)?;
        }
        if is_restated {
            return Ok(());
        }
        let facts = &self.books[at];
        let read = facts.read.last().unwrap();
        let text = lone::text(&entry, &read.commit.changes, &read.events);
        let mut call = asked_as(&call, &request);
        if entry.action == SEAL {
            call = at_point(&call, facts.sealed);
        }
        let lone = lone::decide(&self.runtime, facts, seq, entry.at, &call);
        let (ours, theirs) = (counted(&text, &known), lone.wrote.as_deref());
        let theirs = theirs.map(|it| counted(it, &known));
        holds(theirs.as_ref() == Some(&ours), "as if alone", || {
            format!("step {number}\n{ours}\nalone it would have been {:?}\n{theirs:?}", lone.answer)
        })?;
        self.written.insert(number, Written { book: at, text, lone, known });
        Ok(())
    }

    /// A book of which something was taken away just now is whole.
    fn check_gone(&mut self, at: usize, call: &Call) -> Checked {
        let store: &dyn Store = &*self.store;
        self.books[at].verifier = seals::verified(&self.runtime, store, &self.books[at])?;
        let facts = &self.books[at];
        if call.verb == SEAL {
            let how = call.request.as_ref().map(|it| &it["lose_events"]);
            let lose_events = how == Some(&Value::Bool(true));
            self.deliveries.seal((&self.runtime, store), facts, lose_events)?;
        }
        self.check_verified(facts.id)
    }

    /// The whole of a book, and what is kept beside its history, follow from its history.
    fn check_verified(&self, id: BookId) -> Checked {
        let found = self.runtime.block_on(verify_book(&*self.store, id)).unwrap();
        holds(found.verified, "verified", || format!("{found:?}"))
    }

    /// Documents, rows and columns in the store are those that the log makes.
    fn check_state(&self, at: usize) -> Checked {
        let (facts, store) = (&self.books[at], &self.store);
        let documents = self.runtime.block_on(store.documents(facts.id)).unwrap();
        let found: Vec<Document> = documents.map(|it| it.1).unwrap_or_default();
        let expected: Vec<&Document> = facts.documents.values().collect();
        let same = found.iter().eq(expected);
        holds(same, "state of the log", || "documents do not follow from the log".to_owned())?;
        let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
        let request = PageRequest { query, after: None, limit: 10_000 };
        let mut rows = self.runtime.block_on(store.page(facts.id, &request)).unwrap();
        rows.sort_by_key(|it| it.id);
        if facts.read.iter().any(|read| takes_away(&read.entry.action)) {
            words::check(&self.runtime, &**store, facts)?;
        }
        holds(rows.iter().eq(facts.transactions.values()), "state of the log", || {
            "transactions do not follow from the log".to_owned()
        })?;
        let columns = self.runtime.block_on(store.columns(facts.id, None, 10_000)).unwrap();
        holds(
            columns == rows.iter().map(ColumnRow::from).collect::<Vec<_>>(),
            "state of the log",
            || "columns do not follow from the log".to_owned(),
        )
    }

    /// Holds what somebody heard to what happened.
    pub fn ended(&mut self, ended: &Ended<'_>, outcome: &Outcome) -> Checked {
        let error = match outcome {
            Outcome::Answer(Err(error)) | Outcome::Pages(Err(error)) => Some(error),
            Outcome::Round(Err(error)) => Some(error),
            Outcome::Round(Ok(round)) => {
                return holds(round.broken.is_empty(), "errors", || format!("{:?}", round.broken));
            }
            _ => None,
        };
        if let Some(error) = error {
            let text = || format!("step {}: {error:?}", ended.number);
            let fair = match (error.lane(), error.code()) {
                (Lane::Unavailable, ErrorCode::StoreUnavailable) => ended.failed,
                (_, ErrorCode::Conflict) => {
                    // What a seal itself restates is in nobody's way.
                    let own = format!("step {}", ended.number);
                    let others = |read: &&Read| read.entry.correlation_id.as_ref() != Some(&own);
                    let moved = self.books.iter().zip(ended.since.seqs).map(|(facts, since)| {
                        let since = usize::try_from(since).unwrap();
                        facts.read.iter().skip(since).filter(others).count()
                    });
                    moved.sum::<usize>() >= usize::try_from(MAX_ATTEMPTS).unwrap()
                }
                (lane, _) => lane == Lane::Rejected,
            };
            holds(fair, "errors", text)?;
            if error.lane() != Lane::Rejected || error.code() == ErrorCode::Conflict {
                return Ok(());
            }
        }
        let Some(call) = ended.call else { return Ok(()) };
        match outcome {
            Outcome::Answer(answer) => self.check_answer(ended, call, answer),
            Outcome::Pages(Ok(pages)) => self.check_walk(ended, call, pages),
            _ => Ok(()),
        }
    }

    fn check_answer(&mut self, ended: &Ended<'_>, call: &Call, answer: &Result<Value>) -> Checked {
        self.check_role(ended, call, answer)?;
        // A preview writes nothing, its answer neither.
        let key = call.context.idempotency_key.as_ref();
        let key = key.filter(|_| !call.verb.ends_with(".preview"));
        // A seal that has nothing to do keeps none either.
        let idle = answer.as_ref().is_ok_and(|it| call.verb == SEAL && it["commits"] == 0);
        let key = key.filter(|_| !idle);
        if let (Ok(answer), Some(key)) = (answer, key) {
            let (first, told) = self
                .answers
                .entry((call.book_id, key.clone()))
                .or_insert_with(|| (call.clone(), answer.clone()));
            let same = (&first.verb, &first.id, &first.request);
            holds(same == (&call.verb, &call.id, &call.request), "key of one request", || {
                format!("step {}: {key} answers another request", ended.number)
            })?;
            holds(told == answer, "same answer", || {
                format!("step {}: {key} answered otherwise before", ended.number)
            })?;
        }
        let answer = answer.as_ref().map_err(|error| error.code());
        if let Some(written) = self.written.get(&ended.number) {
            let (Ok(answer), Ok(alone)) = (answer, &written.lone.answer) else {
                return broken("all or nothing", format!("step {}: {answer:?}", ended.number));
            };
            let wrote = written.lone.wrote.as_deref().unwrap_or_default();
            self.check_count(ended, call, answer)?;
            let (answer, alone) = (without_count(call, answer), without_count(call, alone));
            let ours = counted(&format!("{}{answer}", written.text), &written.known);
            let theirs = counted(&format!("{wrote}{alone}"), &written.known);
            return holds(ours == theirs, "as if alone", || {
                format!("step {} in {}\n{ours}\nalone\n{theirs}", ended.number, written.book)
            });
        }
        if answer == Err(ErrorCode::Undelivered) {
            return self.check_waits(ended, call);
        }
        let call = asked_as(call, &format!("step {}", ended.number));
        self.check_past(ended, &call, answer)?;
        let unknown = Facts::new(call.book_id.unwrap_or(NOWHERE));
        let at = self.books.iter().position(|facts| Some(facts.id) == call.book_id);
        let (facts, from, to) = match at {
            Some(at) => (&self.books[at], ended.since.seqs[at], self.books[at].seq()),
            None => (&unknown, 0, 0),
        };
        let mut tried = Vec::new();
        for seq in (from..=to).rev() {
            for now in [ended.since.now, ended.now] {
                let lone = lone::decide(&self.runtime, facts, seq, now, &call);
                let same = match (answer, &lone.answer) {
                    (Ok(ours), Ok(theirs)) => {
                        let text = |it: &Value| {
                            counted(&without_count(&call, it).to_string(), &facts.known)
                        };
                        lone.wrote.is_none() && text(ours) == text(theirs)
                    }
                    (ours, theirs) => ours.err() == theirs.as_ref().err().copied(),
                };
                if same {
                    return Ok(());
                }
                tried.push(lone);
            }
        }
        broken("as if alone", format!("step {}: {answer:?} instead of {tried:?}", ended.number))
    }

    /// A seal that was refused for a sink was to wait for it, and there is one.
    fn check_waits(&self, ended: &Ended<'_>, call: &Call) -> Checked {
        let waits = call.request.as_ref().is_some_and(|it| it["lose_events"] == false);
        let begun = call.book_id.is_some_and(|id| self.deliveries.has_begun(id));
        holds(waits && begun, "seals wait for sinks", || {
            format!("step {} waits for no sink", ended.number)
        })
    }

    /// A seal tells how many objects its commits restated.
    fn check_count(&self, ended: &Ended<'_>, call: &Call, answer: &Value) -> Checked {
        if call.verb != SEAL {
            return Ok(());
        }
        let own = Some(format!("step {}", ended.number));
        let all = self.books.iter().flat_map(|facts| &facts.read);
        let restated = all.filter(|it| it.entry.correlation_id == own);
        let count: usize = restated.map(|read| read.commit.changes.len()).sum();
        holds(answer["restated"] == count, "restated", || {
            format!("step {}: {answer} instead of {count}", ended.number)
        })
    }

    /// What is told as of a commit is what was told on its day, but for texts that were erased and
    /// for the revisions of what was sealed.
    fn check_past(
        &self,
        ended: &Ended<'_>,
        call: &Call,
        answer: Result<&Value, ErrorCode>,
    ) -> Checked {
        let facts = self.books.iter().find(|facts| Some(facts.id) == call.book_id);
        let (Some(facts), Some(Point::Seq(seq)), Ok(answer)) = (facts, call.context.as_of, answer)
        else {
            return Ok(());
        };
        let read = &facts.read[usize::try_from(seq).unwrap() - 1];
        let owner = read.roles.iter().find(|(_, role)| **role == Role::Owner);
        let mut then = call.clone();
        then.context.as_of = None;
        then.context.actor = owner.unwrap().0.clone();
        let is_told_anew = is_erased_since(facts, seq) || (facts.sealed > 0 && of_history(call));
        if is_told_anew && call.verb != "history.verify" {
            return Ok(());
        }
        let lone = lone::decide(&self.runtime, facts, seq, read.entry.at, &then);
        let plain = |it: &Value| if facts.sealed > 0 { without_revision(it) } else { it.clone() };
        let told = lone.answer.as_ref().map(plain);
        holds(told == Ok(plain(answer)), "as of", || {
            format!("step {} as of {seq}\n{answer}\ninstead of\n{:?}", ended.number, lone.answer)
        })
    }

    /// Who is no member learns nothing, whose role is too low is refused.
    fn check_role(&self, ended: &Ended<'_>, call: &Call, answer: &Result<Value>) -> Checked {
        let Some(at) = self.books.iter().position(|facts| Some(facts.id) == call.book_id) else {
            return Ok(());
        };
        let facts = &self.books[at];
        let roles = (ended.since.seqs[at]..=facts.seq()).map(|seq| {
            let roles = facts.roles(seq)?;
            roles.get(&call.context.actor).copied()
        });
        let roles: BTreeSet<Option<Role>> = roles.collect();
        let needed = role_for(&call.verb);
        let code = answer.as_ref().err().map(fiscaflow_core::Error::code);
        let may = roles.iter().any(|role| *role >= Some(needed));
        let fair = match code {
            Some(ErrorCode::BookNotFound) => roles.contains(&None),
            Some(ErrorCode::Forbidden) => {
                // Only an owner takes back what only an owner does.
                let most = if call.verb == "history.undo" { Role::Owner } else { needed };
                roles.iter().any(|role| role.is_some() && *role < Some(most))
            }
            _ => may,
        };
        holds(fair, "roles", || {
            format!("step {}: {} as {roles:?} is {code:?}", ended.number, call.verb)
        })
    }

    /// A walk over pages that nobody disturbed shows what a list does, each once, in order.
    fn check_walk(&self, ended: &Ended<'_>, call: &Call, pages: &[Transaction]) -> Checked {
        let at = self.books.iter().position(|facts| Some(facts.id) == call.book_id).unwrap();
        let facts = &self.books[at];
        if facts.seq() != ended.since.seqs[at] {
            return Ok(());
        }
        let query = serde_json::from_value(call.request.clone().unwrap()).unwrap();
        let same = pages.iter().eq(figures::list(facts, &query));
        holds(same, "lists", || format!("step {}: {:?}", ended.number, call.request))
    }

    /// A copy that is made from the bytes of the log is the book.
    pub fn check_copies(&self) -> Checked {
        for facts in self.books.iter().filter(|facts| facts.seq() > 0) {
            let copy = MemoryStore::new();
            self.check_verified(facts.id)?;
            let copied = self.runtime.block_on(copy_book(&*self.store, &copy, facts.id));
            if let Err(error) = copied {
                return broken("copy", error.to_string());
            }
            let (one, other) = (
                self.runtime.block_on(self.store.documents(facts.id)).unwrap(),
                self.runtime.block_on(copy.documents(facts.id)).unwrap(),
            );
            holds(one == other, "copy", || "the copy has other documents".to_owned())?;
            let columns = |store: &dyn Store| {
                self.runtime.block_on(store.columns(facts.id, None, 10_000)).unwrap()
            };
            let same = columns(&*self.store) == columns(&copy);
            holds(same, "copy", || "the copy has other transactions".to_owned())?;
        }
        Ok(())
    }
}

/// Whether a call asks what happened: of what is sealed less is told from then on.
fn of_history(call: &Call) -> bool {
    call.verb.starts_with("history.")
        || ["events.list", "members.personal_data"].contains(&call.verb.as_str())
}

/// An answer in which no transaction says which commit made it.
fn without_revision(answer: &Value) -> Value {
    match answer {
        Value::Array(list) => list.iter().map(without_revision).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|it| it.0 != "revision");
            kept.map(|(name, it)| (name.clone(), without_revision(it))).collect()
        }
        other => other.clone(),
    }
}

/// A call as it was made, with the id of its request.
pub fn asked_as(call: &Call, request: &str) -> Call {
    let mut call = call.clone();
    call.context.correlation_id = Some(request.to_owned());
    call
}
