//! Relays that die, that are too slow, and that run beside each other.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::outbox::RelayOptions;
use tokio::sync::Semaphore;

use super::{Does, World, stores};

/// Runs a future until it stands still at a gate that the sink has reached.
async fn until_told<F: Future>(mut future: std::pin::Pin<&mut F>, world: &World, events: usize) {
    while world.sink.told().len() < events {
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(future.as_mut().poll(&mut context), Poll::Pending));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_was_told_before_a_crash_is_told_again() {
    // Holds: a relay that dies between delivery and place leaves its lease; until it has run out
    // nobody tells anything, then another relay tells the same events again, and all that follow.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribe = Scribe::new(1);
        let first = world.write(&mut scribe, 3).await;
        world.sink.then(Does::Hangs(Arc::new(Semaphore::new(0))));
        {
            let relay = world.relay(RelayOptions::default());
            let mut dying = pin!(relay.round());
            until_told(dying.as_mut(), &world, 3).await;
        }
        let second = world.write(&mut scribe, 1).await;
        world.pass(59);
        assert_eq!(world.round().await.delivered, 0);
        world.pass(1);
        assert_eq!(world.round().await.delivered, 4);
        assert_eq!(world.sink.told(), [first.clone(), first, second].concat());
    }
}

#[tokio::test]
async fn a_relay_that_lost_its_lease_moves_nothing() {
    // Holds: while one relay waits for its sink, its lease runs out and another one goes on; when
    // the first comes back it neither moves the place nor tells anything more.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribe = Scribe::new(1);
        let first = world.write(&mut scribe, 2).await;
        let second = world.write(&mut scribe, 2).await;
        let gate = Arc::new(Semaphore::new(0));
        world.sink.then(Does::Hangs(Arc::clone(&gate)));
        let slow = world.relay(RelayOptions { batch: 2, ..RelayOptions::default() });
        let mut waits = pin!(slow.round());
        until_told(waits.as_mut(), &world, 2).await;
        world.pass(60);
        assert_eq!(world.round().await.delivered, 4);
        let third = world.write(&mut scribe, 1).await;
        let kept = world.kept(&scribe).await;
        gate.add_permits(1);
        waits.await.unwrap();
        assert_eq!(world.kept(&scribe).await, kept);
        let told = [first.clone(), first, second].concat();
        assert_eq!(world.sink.told(), told);
        assert_eq!(world.round().await.delivered, 1);
        assert_eq!(world.sink.told(), [told, third].concat());
    }
}

#[tokio::test]
async fn a_lease_that_is_used_does_not_run_out() {
    // Holds: a relay that goes on has its lease anew with every batch.
    let world = World::new("memory:").await;
    let mut scribe = Scribe::new(1);
    let written = world.write(&mut scribe, 3).await;
    let gate = Arc::new(Semaphore::new(0));
    (0..3).for_each(|_| world.sink.then(Does::Hangs(Arc::clone(&gate))));
    let relay = world.relay(RelayOptions { batch: 1, ..RelayOptions::default() });
    let mut works = pin!(relay.round());
    for told in 1..=3 {
        until_told(works.as_mut(), &world, told).await;
        world.pass(59);
        assert_eq!(world.round().await.delivered, 0, "it is still the first one's");
        gate.add_permits(1);
    }
    assert_eq!(works.await.unwrap().delivered, 3);
    assert_eq!(world.sink.told(), written);
}

#[tokio::test]
async fn a_round_that_is_no_longer_wanted_gives_its_lease_back() {
    // Holds: what the sink was being told is told to its end, nothing after it, and whoever comes
    // next begins at once and right behind.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribes: Vec<_> = (1..=2).map(Scribe::new).collect();
        for scribe in &mut scribes {
            world.write(scribe, 3).await;
        }
        let gate = Arc::new(Semaphore::new(0));
        world.sink.then(Does::Hangs(Arc::clone(&gate)));
        let relay = world.relay(RelayOptions { batch: 2, ..RelayOptions::default() });
        let wanted = AtomicBool::new(true);
        let mut works = pin!(relay.round_while(|| wanted.load(Ordering::SeqCst)));
        until_told(works.as_mut(), &world, 2).await;
        wanted.store(false, Ordering::SeqCst);
        gate.add_permits(1);
        assert_eq!(works.await.unwrap().delivered, 2);
        assert_eq!(world.round().await.delivered, 4);
        assert_eq!(world.sink.told().len(), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relays_at_once_share_the_books() {
    // Holds: of many relays at once one has a book, so every event is told once and in order.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribes: Vec<_> = (1..=6).map(Scribe::new).collect();
        let mut written = Vec::new();
        for scribe in &mut scribes {
            let ids = [world.write(scribe, 7).await, world.write(scribe, 7).await];
            written.push(ids.concat());
        }
        let mut relays = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let relay = world.relay(RelayOptions { batch: 3, ..RelayOptions::default() });
            relays.spawn(async move { relay.round().await.unwrap().delivered });
        }
        let delivered: u64 = relays.join_all().await.into_iter().sum();
        assert_eq!(delivered, 6 * 14);
        for (scribe, written) in scribes.iter().zip(&written) {
            assert_eq!(world.sink.told_of(scribe.book_id), *written);
        }
    }
}
