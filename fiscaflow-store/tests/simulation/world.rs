//! Runs a script: processes with engines and relays over one store, on a clock that is moved by
//! hand. One thread polls what is under way, in an order that follows from the script alone.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use chrono::{TimeDelta, Utc};
use fiscaflow_core::api::{Call, call};
use fiscaflow_core::conformance::{FixedClock, Random, SequentialIds, Tapped};
use fiscaflow_core::engine::Engine;
use fiscaflow_core::model::Transaction;
use fiscaflow_core::outbox::{Relay, RelayOptions};
use fiscaflow_core::store::Store;
use fiscaflow_core::{Clock, Error, TransactionId};
use tokio::runtime::Runtime;

use super::audit::{Audit, Ended, Outcome, Since, asked_as};
use super::between::{Between, Sink, TRIES};
use super::broken::Broken;
use super::draw::PROCESSES;
use super::facts::{Checked, Facts, Failure, NOWHERE, broken, holds};
use super::look;
use super::script::{Act, Script, Step};

/// What became of a run.
#[derive(Debug)]
pub struct Report {
    /// What happened, a line each.
    pub trace: Vec<String>,
    /// What broke, and after which step.
    pub failure: Option<(u32, Failure)>,
}

/// Tells whether a task wants to be polled.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What is under way.
struct Task {
    number: u32,
    process: usize,
    call: Option<Call>,
    future: Pin<Box<dyn Future<Output = Outcome>>>,
    flag: Arc<Flag>,
    polls: u32,
    cancel: Option<u32>,
    since: Since,
}

impl Task {
    fn wants(&self) -> bool {
        self.flag.0.load(Ordering::Relaxed)
    }
}

struct Process {
    engine: Engine,
    relay: Arc<Relay>,
}

/// Everything there is.
pub struct World {
    runtime: Rc<Runtime>,
    kept: Arc<dyn Store>,
    between: Arc<Between>,
    clock: Arc<FixedClock>,
    processes: Vec<Process>,
    begun: u32,
    tasks: Vec<Task>,
    /// Steps that have just been woken by another one.
    handed: BTreeSet<u32>,
    calls: BTreeMap<u32, Call>,
    audit: Audit,
    trace: Vec<String>,
}

/// Runs a script over a store. `kept` is the same store without a planted bug.
pub fn run(
    script: &Script,
    store: Arc<Broken>,
    kept: Arc<dyn Store>,
    runtime: Rc<Runtime>,
) -> Report {
    let mut world = World::new(store, kept, runtime);
    let mut at = 0;
    let mut ended = Ok(());
    for step in &script.steps {
        at = step.number;
        ended = world.step(step);
        if ended.is_err() {
            break;
        }
    }
    let ended = ended.and_then(|()| world.settle());
    let failure = ended.err().map(|failure| (at, failure));
    if let Some((at, failure)) = &failure {
        world.trace.push(format!("broken after step {at}: {} {}", failure.breaks, failure.text));
    }
    Report { trace: world.trace, failure }
}

impl World {
    fn new(store: Arc<Broken>, kept: Arc<dyn Store>, runtime: Rc<Runtime>) -> Self {
        let clock = Arc::new(FixedClock::default());
        let between = Arc::new(Between::new(store.clone(), Arc::clone(&clock)));
        let audit = Audit::new(Rc::clone(&runtime), store);
        let mut world = Self {
            runtime,
            kept,
            between,
            clock,
            processes: Vec::new(),
            begun: 0,
            tasks: Vec::new(),
            handed: BTreeSet::new(),
            calls: BTreeMap::new(),
            audit,
            trace: Vec::new(),
        };
        for _ in 0..PROCESSES {
            let process = world.process();
            world.processes.push(process);
        }
        world
    }

    /// A process that begins now, with nothing in memory.
    fn process(&mut self) -> Process {
        self.begun += 1;
        let ids = Arc::new(SequentialIds::new(self.begun));
        let store: Arc<dyn Store> = Arc::new(Tapped(Arc::clone(&self.between)));
        let clock: Arc<dyn Clock> = self.clock.clone();
        let sink = Arc::new(Sink(Arc::clone(&self.between)));
        let options = RelayOptions { batch: 3, tries: TRIES, ..RelayOptions::default() };
        let relay = Relay::new(Arc::clone(&store), Arc::clone(&clock), &*ids, sink, options);
        let engine = Engine::new(store, clock, ids);
        Process { engine, relay: Arc::new(relay.unwrap()) }
    }

    fn step(&mut self, step: &Step) -> Checked {
        let act = serde_json::to_string(&step.act).unwrap();
        self.trace.push(format!("step {} process {} {act}", step.number, step.process));
        match &step.act {
            Act::Call(call) => {
                let call = self.resolved(call);
                self.calls.insert(step.number, call.clone());
                self.call(step, call);
            }
            Act::Repeat(of) => {
                if let Some(call) = self.calls.get(of).cloned() {
                    self.call(step, call);
                }
            }
            Act::Walk(call) => {
                let engine = self.processes[step.process].engine.clone();
                let future = Box::pin(walk(engine, call.clone()));
                self.begin(step, Some(call.clone()), future);
            }
            Act::Round => {
                let relay = Arc::clone(&self.processes[step.process].relay);
                let future = Box::pin(async move { Outcome::Round(relay.round().await) });
                self.begin(step, None, future);
            }
            Act::Restart => {
                self.tasks.retain(|task| task.process != step.process);
                self.processes[step.process] = self.process();
            }
            Act::Pass(seconds) => self.pass(TimeDelta::seconds(*seconds)),
            Act::Look => self.look(step.process)?,
        }
        let mut chance = Random::new(step.chance);
        self.poll_some(step.polls, &mut chance)
    }

    /// Compares what a process tells now, without anything that fails.
    fn look(&mut self, process: usize) -> Checked {
        let engine = &self.processes[process].engine;
        let Audit { books, checkpoints, .. } = &mut self.audit;
        for facts in books {
            look::check(&self.runtime, engine, facts, self.clock.now())?;
            checkpoints.check(&self.runtime, engine, facts)?;
        }
        Ok(())
    }

    fn call(&mut self, step: &Step, of: Call) {
        let engine = self.processes[step.process].engine.clone();
        let request = format!("step {}", step.number);
        let asked = asked_as(&of, &request);
        self.audit.calls.insert(request, (step.number, of.clone()));
        let future = async move { Outcome::Answer(call(&engine, asked).await) };
        self.begin(step, Some(of), Box::pin(future));
    }

    fn begin(
        &mut self,
        step: &Step,
        call: Option<Call>,
        future: Pin<Box<dyn Future<Output = Outcome>>>,
    ) {
        self.between.state().faults.insert(step.number, step.faults.clone());
        self.tasks.push(Task {
            number: step.number,
            process: step.process,
            call,
            future,
            flag: Arc::new(Flag(AtomicBool::new(true))),
            polls: 0,
            cancel: step.cancel,
            since: Since { seqs: self.audit.seqs(), now: self.clock.now() },
        });
    }

    /// Polls what wants to be polled, so often at most.
    fn poll_some(&mut self, polls: u32, chance: &mut Random) -> Checked {
        for _ in 0..polls {
            let all = 0..self.tasks.len();
            let handed = |at: &usize| self.handed.contains(&self.tasks[*at].number);
            let ready: Vec<usize> = match all.clone().find(handed) {
                Some(at) => vec![at],
                None => all.filter(|at| self.tasks[*at].wants()).collect(),
            };
            let Some(at) = chance.pick(&ready) else { return Ok(()) };
            self.poll(*at)?;
        }
        Ok(())
    }

    fn poll(&mut self, at: usize) -> Checked {
        let asleep = self.tasks.iter().filter(|it| !it.wants()).map(|it| it.number);
        let asleep: BTreeSet<u32> = asleep.collect();
        let number = self.tasks[at].number;
        let ended = self.poll_once(at);
        // Whoever is woken by somebody else waits for a lock, and has it now. The lock lets others
        // push in front, and by a clock of its own it decides for how long.
        let woken = self.tasks.iter().filter(|it| it.wants() && asleep.contains(&it.number));
        self.handed = woken.map(|it| it.number).filter(|it| *it != number).collect();
        ended
    }

    fn poll_once(&mut self, at: usize) -> Checked {
        let task = &mut self.tasks[at];
        task.polls += 1;
        task.flag.0.store(false, Ordering::Relaxed);
        self.between.state().current = Some(task.number);
        let outcome = self.runtime.block_on(to_the_next_pause(task, &self.between));
        let (notes, given_up, failed) = {
            let mut state = self.between.state();
            state.current = None;
            let given_up = state.given_up.contains(&task.number);
            (std::mem::take(&mut state.notes), given_up, state.failed.contains(&task.number))
        };
        self.trace.extend(notes);
        let found = self.audit.observe()?;
        self.trace.extend(found);
        self.check_deliveries()?;
        let task = &self.tasks[at];
        let Some(outcome) = outcome else {
            if task.cancel == Some(task.polls) {
                self.trace.push(format!("dropped {}", task.number));
                drop(self.tasks.remove(at));
            }
            return Ok(());
        };
        let task = self.tasks.remove(at);
        self.trace.push(format!("ended {} {}", task.number, shown(&outcome)));
        if given_up {
            return Ok(());
        }
        let (number, call, now) = (task.number, task.call.as_ref(), self.clock.now());
        let ended = Ended { number, call, since: &task.since, now, failed };
        self.audit.ended(&ended, &outcome)
    }

    fn check_deliveries(&mut self) -> Checked {
        let Audit { books, deliveries, .. } = &mut self.audit;
        let (state, now) = (self.between.state(), self.clock.now());
        deliveries.observe(&self.runtime, (&*self.kept, &*state), books, now)
    }

    fn pass(&mut self, by: TimeDelta) {
        self.clock.advance(by);
        let now = self.clock.now();
        self.trace.push(format!("clock {now}"));
        let mut state = self.between.state();
        let (due, later) =
            std::mem::take(&mut state.timers).into_iter().partition(|it| it.0 <= now);
        state.timers = later;
        drop(state);
        due.into_iter().for_each(|(_, waker): (chrono::DateTime<Utc>, Waker)| waker.wake());
    }

    /// Everything ends, nothing fails any more, what waits is told; then all is compared.
    fn settle(&mut self) -> Checked {
        self.trace.push("settle".to_owned());
        let mut chance = Random::new(1);
        while !self.tasks.is_empty() {
            self.poll_some(u32::MAX, &mut chance)?;
            let waits = !self.between.state().timers.is_empty();
            let all = self.tasks.is_empty() || waits;
            holds(all, "nothing hangs", || format!("step {} hangs", self.tasks[0].number))?;
            self.pass(TimeDelta::hours(1));
        }
        for process in 0..PROCESSES {
            self.look(process)?;
        }
        self.processes[0] = self.process();
        let relay = Arc::clone(&self.processes[0].relay);
        for _ in 0..100 {
            self.pass(TimeDelta::hours(2));
            match self.runtime.block_on(relay.round()) {
                Ok(round) if round == Default::default() => break,
                Ok(_) => {}
                Err(error) => return broken("errors", error.to_string()),
            }
            self.check_deliveries()?;
        }
        self.audit.deliveries.check_all(&self.audit.books)?;
        self.look(0)?;
        self.audit.check_copies()
    }

    /// A call with what stands between two `@` replaced by what is there now.
    fn resolved(&self, call: &Call) -> Call {
        let mut text = serde_json::to_string(call).unwrap();
        let facts = self.audit.books.iter().find(|facts| Some(facts.id) == call.book_id);
        let unknown = Facts::new(call.book_id.unwrap_or(NOWHERE));
        let facts = facts.unwrap_or(&unknown);
        while let Some((before, rest)) = text.split_once('@') {
            let (word, after) = rest.split_once('@').unwrap();
            let (what, number) = word.split_once(' ').unwrap();
            let id = what_is_there(facts, what, number.parse().unwrap());
            let id = id.unwrap_or_else(|| super::draw::uid(9, 9));
            text = format!("{before}{id}{after}");
        }
        serde_json::from_str(&text).unwrap()
    }
}

/// The id of the object with that number, counted from the end, over and over.
fn what_is_there(facts: &Facts, what: &str, number: usize) -> Option<String> {
    let nth = |ids: Vec<String>| ids.iter().rev().cycle().nth(number).cloned();
    match what {
        "transaction" => nth(facts.transactions.keys().map(ToString::to_string).collect()),
        "out" => pair(facts).map(|it| it.0.to_string()),
        "in" => pair(facts).map(|it| it.1.to_string()),
        "side" => {
            let sides = facts.transactions.values().filter(|it| it.transfer_id.is_some());
            nth(sides.map(|it| it.id.to_string()).collect())
        }
        "import" => {
            let imports = facts.documents.keys().filter(|(kind, _)| *kind == "import");
            nth(imports.map(|(_, key)| key.clone()).collect())
        }
        "commit" => nth((1..=facts.seq()).map(|seq| seq.to_string()).collect()),
        _ => {
            let given = ["rules.apply", "transactions.recategorise", "suggestions.apply"];
            let commits = facts.read.iter().map(|read| &read.entry);
            let given = commits.filter(|entry| given.contains(&entry.action.as_str()));
            nth(given.map(|entry| entry.seq.to_string()).collect())
        }
    }
}

/// Two transactions that may be the sides of a transfer.
fn pair(facts: &Facts) -> Option<(TransactionId, TransactionId)> {
    let free = |it: &&Transaction| it.transfer_id.is_none() && it.splits.is_empty() && it.counts();
    let all = || facts.transactions.values().filter(free);
    let fits = |one: &Transaction, other: &Transaction| {
        one.account_id != other.account_id
            && one.amount.minor() < 0
            && one.amount.checked_neg().is_ok_and(|amount| amount == other.amount)
    };
    let mut pairs = all().flat_map(|one| all().map(move |other| (one, other)));
    pairs.find(|(one, other)| fits(one, other)).map(|(one, other)| (one.id, other.id))
}

/// Polls a task until it is between two calls of the store, or at its end. A store that works in
/// threads of its own is waited for, so that nothing depends on how fast they are.
async fn to_the_next_pause(task: &mut Task, between: &Between) -> Option<Outcome> {
    let flag = Arc::clone(&task.flag);
    let ours = Waker::from(Arc::clone(&flag));
    poll_fn(move |context| {
        let was_inside = between.state().inside;
        let polled = match was_inside {
            true => task.future.as_mut().poll(context),
            false => task.future.as_mut().poll(&mut Context::from_waker(&ours)),
        };
        match polled {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if between.state().inside => {
                if !was_inside {
                    context.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Poll::Pending => {
                // The runtime's waker may be the one that was left with what is waited for.
                if was_inside {
                    flag.0.store(true, Ordering::Relaxed);
                }
                Poll::Ready(None)
            }
        }
    })
    .await
}

/// Reads a list page by page.
async fn walk(engine: Engine, mut of: Call) -> Outcome {
    let mut all: Vec<Transaction> = Vec::new();
    loop {
        let mut page = match call(&engine, of.clone()).await {
            Ok(page) => page,
            Err(error) => return Outcome::Pages(Err(error)),
        };
        let items: Vec<Transaction> = serde_json::from_value(page["items"].take()).unwrap();
        all.extend(items);
        match page["next_cursor"].take() {
            serde_json::Value::Null => return Outcome::Pages(Ok(all)),
            cursor => {
                if let Some(request) = &mut of.request {
                    request["cursor"] = cursor;
                }
            }
        }
    }
}

fn shown(outcome: &Outcome) -> String {
    let code = |error: &Error| error.code().to_string();
    match outcome {
        Outcome::Answer(Ok(answer)) => answer.to_string(),
        Outcome::Pages(Ok(pages)) => format!("{} listed", pages.len()),
        Outcome::Round(Ok(round)) => format!("{round:?}"),
        Outcome::Answer(Err(error)) | Outcome::Pages(Err(error)) | Outcome::Round(Err(error)) => {
            code(error)
        }
    }
}
