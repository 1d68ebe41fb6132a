//! Random lives of an outbox, held to what a consumer may rely on.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::outbox::{RelayOptions, Undelivered};
use fiscaflow_core::store::{DeliveryStep, SetAside};
use fiscaflow_core::{ErrorCode, EventId};
use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::{Does, World, stores};

/// What happens next.
#[derive(Debug, Clone)]
enum Act {
    /// A commit of so many events in a book.
    Write(usize, usize),
    /// A round of a relay with that batch.
    Round(usize),
    /// A round whose sink takes so many events of the first batch, and no more.
    Unavailable(usize, usize),
    /// A round whose sink takes so many events of the first batch, and refuses the next.
    Refused(usize, usize),
    /// A round that ends after so many polls, as the process ends.
    Cut(usize, usize),
    /// A round that ends while the sink has the events and has not answered.
    CutInSink(usize),
    /// Time goes by.
    Pass(i64),
    /// Everything that is set aside is to be delivered again.
    Again,
}

fn act() -> impl Strategy<Value = Act> {
    let batch = || 1..5_usize;
    prop_oneof![
        4 => (0..2_usize, 0..4_usize).prop_map(|(book, events)| Act::Write(book, events)),
        3 => batch().prop_map(Act::Round),
        2 => (batch(), 0..4_usize).prop_map(|(batch, taken)| Act::Unavailable(batch, taken)),
        4 => (batch(), 0..4_usize).prop_map(|(batch, taken)| Act::Refused(batch, taken)),
        2 => (batch(), 0..30_usize).prop_map(|(batch, polls)| Act::Cut(batch, polls)),
        1 => batch().prop_map(Act::CutInSink),
        4 => prop_oneof![Just(1), Just(10), Just(61), Just(3_600)].prop_map(Act::Pass),
        1 => Just(Act::Again),
    ]
}

fn options(batch: usize) -> RelayOptions {
    RelayOptions { batch, tries: 2, ..RelayOptions::default() }
}

/// Two books, what was written to them, and which events ever were set aside.
struct Life {
    world: World,
    scribes: [Scribe; 2],
    written: [Vec<EventId>; 2],
    late: BTreeSet<EventId>,
}

impl Life {
    async fn new(url: &str) -> Self {
        let (world, scribes) = (World::new(url).await, [Scribe::new(1), Scribe::new(2)]);
        Self { world, scribes, written: Default::default(), late: BTreeSet::new() }
    }

    async fn act(&mut self, act: &Act) {
        let world = &self.world;
        let fails = |undelivered| world.sink.then(Does::Answers(Err(undelivered)));
        match *act {
            Act::Write(book, events) => {
                let ids = world.write(&mut self.scribes[book], events).await;
                self.written[book].extend(ids);
            }
            Act::Round(batch) => drop(world.relay(options(batch)).round().await.unwrap()),
            Act::Unavailable(batch, taken) => {
                fails(Undelivered::unavailable(taken, "down"));
                world.sink.is_down(true);
                world.relay(options(batch)).round().await.unwrap();
                world.sink.is_down(false);
            }
            Act::Refused(batch, taken) => {
                fails(Undelivered::refused(taken, "no"));
                world.relay(options(batch)).round().await.unwrap();
            }
            Act::Cut(batch, polls) => self.cut(batch, polls).await,
            Act::CutInSink(batch) => {
                world.sink.then(Does::Hangs(Arc::new(Semaphore::new(0))));
                self.cut(batch, 1_000).await;
            }
            Act::Pass(seconds) => world.pass(seconds),
            Act::Again => self.again().await,
        }
        self.world.sink.script.lock().unwrap().clear();
        for scribe in &self.scribes {
            let aside = self.world.set_aside(scribe).await;
            self.late.extend(aside.iter().map(|event| event.event_id));
        }
    }

    async fn cut(&self, batch: usize, polls: usize) {
        let relay = self.world.relay(options(batch));
        let mut round = pin!(relay.round());
        for _ in 0..polls {
            let mut context = Context::from_waker(Waker::noop());
            if round.as_mut().poll(&mut context).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn again(&self) {
        for scribe in &self.scribes {
            loop {
                let kept = self.world.kept(scribe).await;
                let events = self.world.set_aside(scribe).await.into_iter();
                let put_aside: Vec<_> =
                    events.map(|event| SetAside { again: true, ..event }).collect();
                if put_aside.is_empty() {
                    break;
                }
                let expected = kept.version;
                let taken_back = Vec::new();
                let step = DeliveryStep { expected, delivery: kept, put_aside, taken_back };
                let step = self.world.store.deliver(scribe.book_id, "hooks", Arc::new(step));
                match step.await {
                    Ok(()) => break,
                    // A round that was cut may still be writing.
                    Err(error) => assert_eq!(error.code(), ErrorCode::Conflict),
                }
            }
        }
    }

    /// What a consumer heard of a book, each event at its first coming.
    fn heard(&self, book: usize) -> Vec<EventId> {
        let mut seen = BTreeSet::new();
        let told = self.world.sink.told_of(self.scribes[book].book_id);
        told.into_iter().filter(|id| seen.insert(*id)).collect()
    }

    /// Events come first in their order, but for those that were set aside, and what is done with
    /// was told or lies aside.
    async fn check(&self) {
        for (book, written) in self.written.iter().enumerate() {
            let place: BTreeMap<_, i32> = written.iter().zip(0..).collect();
            let heard = self.heard(book);
            let in_time = heard.iter().filter(|id| !self.late.contains(id));
            let in_time: Vec<i32> = in_time.map(|id| place[id]).collect();
            assert!(in_time.is_sorted(), "{in_time:?}");
            let kept = self.world.kept(&self.scribes[book]).await;
            let aside = self.world.set_aside(&self.scribes[book]).await;
            let commits = self.world.store.commits(self.scribes[book].book_id, 0, u32::MAX);
            for commit in commits.await.unwrap() {
                for (event, number) in commit.events().unwrap().iter().zip(0..) {
                    let done = commit.seq <= kept.seq
                        || commit.seq == kept.seq + 1 && number < kept.events;
                    let is_aside = aside.iter().any(|it| it.event_id == event.id);
                    assert!(!done || is_aside || heard.contains(&event.id), "left out");
                }
            }
        }
    }

    /// Once the sink takes everything, everything has come.
    async fn settle(&mut self) {
        self.world.pass(3_600);
        self.act(&Act::Again).await;
        while self.world.relay(options(3)).round().await.unwrap() != Default::default() {}
        for (book, written) in self.written.iter().enumerate() {
            let heard: BTreeSet<_> = self.heard(book).into_iter().collect();
            assert_eq!(heard, written.iter().copied().collect());
            assert_eq!(self.world.set_aside(&self.scribes[book]).await, []);
            let head = self.scribes[book].head.map_or(0, |head| head.seq);
            assert_eq!(self.world.kept(&self.scribes[book]).await.seq, head);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("FISCAFLOW_DEEP").is_some() { 5_000 } else { 60 }
    ))]

    /// Holds: whatever fails, dies or is slow, no event is left out, none overtakes another, and
    /// once all is well everything has come.
    #[test]
    fn nothing_is_left_out_and_nothing_overtakes(acts in proptest::collection::vec(act(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for url in &stores() {
                let mut life = Life::new(url).await;
                for act in &acts {
                    life.act(act).await;
                    life.check().await;
                }
                life.settle().await;
                life.check().await;
                life.world.store.close().await;
            }
        });
    }
}
