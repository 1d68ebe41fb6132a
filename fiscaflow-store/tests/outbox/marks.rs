//! Who waits is found by marks: they have to say what heads and places say.

use std::sync::Arc;

use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::store::{
    Delivery, DeliveryStep, EventPlace, SetAside, SetAsideQuery, Store, WaitingQuery,
};
use fiscaflow_core::{BookId, Clock as _, EventId};

use super::{World, stores};

const SINKS: [&str; 3] = ["one", "two", "late"];

/// Numbers that look random and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % limit
    }

    fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count.try_into().unwrap())).unwrap()
    }
}

async fn waiting(world: &World, sink: &str, limit: u32) -> Vec<BookId> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let now = world.clock.now();
        let query = WaitingQuery { sink: sink.to_owned(), now, after, limit };
        let part = world.store.waiting(&query).await.unwrap();
        after = part.last().copied();
        found.extend(&part);
        if part.len() < usize::try_from(limit).unwrap() {
            return found;
        }
    }
}

/// Who waits by what is kept of each book.
async fn expected(world: &World, sink: &str, scribes: &[Scribe]) -> Vec<BookId> {
    let mut found = Vec::new();
    for scribe in scribes {
        let Some(head) = world.store.head(scribe.book_id).await.unwrap() else { continue };
        let kept = world.store.delivery(scribe.book_id, sink).await.unwrap().unwrap_or_default();
        let again = SetAsideQuery { after: None, again: true, limit: 1 };
        let again = world.store.set_aside(scribe.book_id, sink, &again).await.unwrap();
        if (head.seq > kept.seq || !again.is_empty()) && kept.is_free(world.clock.now()) {
            found.push(scribe.book_id);
        }
    }
    found.sort();
    found
}

/// A step that fits: to the end of the book as often as not.
async fn step(world: &World, scribe: &Scribe, sink: &str, chance: &mut Chance) {
    let head = scribe.head.unwrap().seq;
    let kept = world.store.delivery(scribe.book_id, sink).await.unwrap().unwrap_or_default();
    let seq = if chance.below(2) == 0 { head } else { chance.below(head + 1) };
    let retry_at = (chance.below(8) == 0).then(|| world.clock.now() + chrono::TimeDelta::hours(1));
    let place = EventPlace { seq: 1, number: u32::try_from(chance.below(3)).unwrap() };
    let aside = SetAside {
        place,
        event_id: EventId::new(uuid::Uuid::nil()),
        name: "tests.thing.done".to_owned(),
        tries: 5,
        reason: "no".to_owned(),
        at: world.clock.now(),
        again: chance.below(2) == 0,
    };
    let delivery = Delivery { version: kept.version + 1, seq, retry_at, ..Delivery::default() };
    let put_aside = if chance.below(4) == 0 { vec![aside] } else { Vec::new() };
    let taken_back = if chance.below(3) == 0 { vec![place] } else { Vec::new() };
    let step = DeliveryStep { expected: kept.version, delivery, put_aside, taken_back };
    world.store.deliver(scribe.book_id, sink, Arc::new(step)).await.unwrap();
}

#[tokio::test]
async fn marks_say_what_heads_and_places_say() {
    // Holds: after every commit and every step of any sink, each sink finds exactly the books that
    // wait for it, in parts of any size: before and after something is kept of every book, those
    // that are made later, and for a sink that is new among others.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribes: Vec<_> = (1..=12).map(Scribe::new).collect();
        let mut chance = Chance(7);
        for round in 0..400 {
            // Books come little by little, and the last sink in the middle.
            let known = 3 + chance.pick(if round < 100 { 3 } else { 10 });
            let scribe = &mut scribes[known % 12];
            if scribe.head.is_none() || chance.below(3) == 0 {
                world.write(scribe, 1).await;
            } else {
                let sink = SINKS[chance.pick(if round < 150 { 2 } else { 3 })];
                step(&world, scribe, sink, &mut chance).await;
            }
            world.pass(i64::try_from(chance.below(600)).unwrap());
            for sink in SINKS {
                let limit = u32::try_from(1 + chance.below(9)).unwrap();
                let found = waiting(&world, sink, limit).await;
                assert_eq!(found, expected(&world, sink, &scribes).await, "{sink} in {round}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_hold_while_many_write_at_once() {
    // Holds: commits and steps of two sinks at the same time leave marks that say what heads and
    // places say.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribes: Vec<_> = (1..=2).map(Scribe::new).collect();
        for scribe in &mut scribes {
            world.write(scribe, 1).await;
        }
        for round in 0..30 {
            let mut tasks = tokio::task::JoinSet::new();
            for scribe in &mut scribes {
                let commit = scribe.seal(Vec::new());
                scribe.head = Some(commit.stored.head());
                let (store, book_id) = (Arc::clone(&world.store), scribe.book_id);
                tasks.spawn(async move { store.commit(commit).await.unwrap() });
                for sink in ["one", "two"] {
                    let store = Arc::clone(&world.store);
                    tasks.spawn(async move { to_the_end(&*store, book_id, sink).await });
                }
            }
            tasks.join_all().await;
            for sink in ["one", "two"] {
                let found = waiting(&world, sink, 9).await;
                assert_eq!(found, expected(&world, sink, &scribes).await, "{sink} in {round}");
            }
        }
    }
}

/// Moves a place to the newest commit that is seen.
async fn to_the_end(store: &dyn Store, book_id: BookId, sink: &str) {
    let kept = store.delivery(book_id, sink).await.unwrap().unwrap_or_default();
    let seq = store.head(book_id).await.unwrap().unwrap().seq;
    let delivery = Delivery { version: kept.version + 1, seq, ..Delivery::default() };
    let (put_aside, taken_back) = (Vec::new(), Vec::new());
    let step = DeliveryStep { expected: kept.version, delivery, put_aside, taken_back };
    store.deliver(book_id, sink, Arc::new(step)).await.unwrap();
}
