//! Order, batches and turns.

use chrono::TimeDelta;
use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::log::Commit;
use fiscaflow_core::outbox::{Relay, RelayOptions, Undelivered};
use fiscaflow_core::{Clock as _, ErrorCode};
use std::sync::Arc;

use super::{Does, World, stores};

#[tokio::test]
async fn each_books_events_leave_in_order_and_once() {
    // Holds: whatever the batch, each book's events come in the order of its history, each once;
    // commits without events are passed; a later round tells only what came since.
    for batch in [1, 2, 3, 100] {
        for url in &stores() {
            let world = World::new(url).await;
            let relay = world.relay(RelayOptions { batch, ..RelayOptions::default() });
            let mut scribes: Vec<_> = (1..=3).map(Scribe::new).collect();
            let mut written = vec![Vec::new(); 3];
            for _ in 0..2 {
                for (number, scribe) in scribes.iter_mut().enumerate() {
                    for events in [2, 0, 1, 0, 0, 5] {
                        written[number].extend(world.write(scribe, events).await);
                    }
                }
                let round = relay.round().await.unwrap();
                assert_eq!((round.delivered, round.more), (24, false));
                for (scribe, written) in scribes.iter().zip(&written) {
                    assert_eq!(world.sink.told_of(scribe.book_id), *written, "batches of {batch}");
                    let kept = world.kept(scribe).await;
                    assert_eq!((kept.seq, kept.events), (scribe.head.unwrap().seq, 0));
                    assert_eq!(kept.lease, None);
                }
            }
            assert_eq!(relay.round().await.unwrap().delivered, 0);
        }
    }
}

#[tokio::test]
async fn a_sink_that_takes_nothing_hears_everything_later() {
    // Holds: what a sink took before it became unavailable is kept, the rest comes in order once
    // it is back, after a pause; nothing is counted against an event, however long it takes.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribe = Scribe::new(1);
        let mut written = world.write(&mut scribe, 4).await;
        written.extend(world.write(&mut scribe, 4).await);
        world.sink.is_down(true);
        for taken in [3, 0, 0, 0, 0, 0, 0, 2, 1] {
            world.sink.then(Does::Answers(Err(Undelivered::unavailable(taken, "down\u{7}"))));
            let round = world.round().await;
            assert_eq!(round.unavailable.as_deref(), Some("down "));
            let kept = world.kept(&scribe).await;
            assert_eq!((kept.tries, kept.failure.as_deref()), (0, Some("down ")));
            world.pass(9);
            assert_eq!(world.round().await, Default::default(), "it waits");
            world.pass(300);
        }
        world.sink.is_down(false);
        assert_eq!(world.sink.told(), written[..6]);
        assert_eq!(world.round().await.delivered, 2);
        assert_eq!(world.sink.told(), written);
        assert_eq!(world.kept(&scribe).await.failure, None);
        assert_eq!(world.set_aside(&scribe).await, []);
    }
}

#[tokio::test]
async fn a_sink_that_is_away_is_asked_ever_more_seldom() {
    // Holds: the pause of a book doubles up to five minutes, or is what the sink asks for, up to
    // an hour; it is short again once the sink took something.
    let world = World::new("memory:").await;
    let mut scribe = Scribe::new(1);
    let written = world.write(&mut scribe, 2).await;
    let relay = world.relay(RelayOptions { batch: 1, ..RelayOptions::default() });
    let asks = |seconds| Undelivered {
        retry_after: Some(TimeDelta::seconds(seconds)),
        ..Undelivered::unavailable(0, "down")
    };
    let down = || Undelivered::unavailable(0, "down");
    for (away, pause) in [
        (down(), 10),
        (down(), 20),
        (asks(7), 40),
        (asks(100), 100),
        (down(), 160),
        (down(), 300),
        (down(), 300),
        (asks(400), 400),
        (asks(1_000_000), 3_600),
    ] {
        world.sink.is_down(true);
        world.sink.then(Does::Answers(Err(away)));
        assert!(relay.round().await.unwrap().unavailable.is_some());
        world.pass(pause - 1);
        assert_eq!(relay.round().await.unwrap(), Default::default(), "{pause}");
        world.pass(1);
    }
    world.sink.is_down(false);
    world.sink.then(Does::Answers(Ok(())));
    world.sink.then(Does::Answers(Err(down())));
    assert_eq!(relay.round().await.unwrap().delivered, 1);
    world.pass(10);
    assert_eq!(relay.round().await.unwrap().delivered, 1);
    assert_eq!(world.sink.told(), written);
}

#[tokio::test]
async fn no_book_stands_in_the_way_of_others() {
    // Holds: whichever books have an event at which the sink is unavailable, and however many, the
    // others' events come all the same; those wait with theirs, uncounted, and come in the end.
    for sick in [1, 4, 40] {
        for url in &stores() {
            let world = World::new(url).await;
            let mut scribes: Vec<_> = (0..sick + 3).map(Scribe::new).collect();
            scribes.sort_by_key(|scribe| scribe.book_id);
            let mut written = Vec::new();
            for scribe in &mut scribes {
                written.push(world.write(scribe, 2).await);
            }
            let sick = usize::try_from(sick).unwrap();
            let away = written[..sick].iter().map(|ids| ids[0]);
            world.sink.away.lock().unwrap().extend(away);
            let relay = world.relay(RelayOptions::default());
            // Every pause is over before the next round, so that nothing but the order helps.
            for _ in 0..sick.div_ceil(3) + 1 {
                relay.round().await.unwrap();
                world.pass(3_600);
            }
            assert_eq!(world.sink.told().len(), 6, "{sick} of {}", scribes.len());
            for (scribe, written) in scribes[sick..].iter().zip(&written[sick..]) {
                assert_eq!(world.sink.told_of(scribe.book_id), *written);
            }
            assert_eq!(world.kept(&scribes[0]).await.tries, 0);
            world.sink.away.lock().unwrap().clear();
            while relay.round().await.unwrap() != Default::default() {}
            for (scribe, written) in scribes.iter().zip(&written) {
                assert_eq!(world.sink.told_of(scribe.book_id), *written);
                assert_eq!(world.set_aside(scribe).await, []);
            }
        }
    }
}

#[tokio::test]
async fn a_sink_that_is_down_is_asked_little_and_loses_nothing() {
    // Holds: of very many books three are tried in a round, others each time; nothing is set aside.
    let world = World::new("memory:").await;
    let mut scribes: Vec<_> = (0..30).map(Scribe::new).collect();
    let mut written = Vec::new();
    for scribe in &mut scribes {
        written.extend(world.write(scribe, 1).await);
    }
    world.sink.away.lock().unwrap().extend(written.iter().copied());
    let relay = world.relay(RelayOptions::default());
    for rounds in 1..=10 {
        assert_eq!(relay.round().await.unwrap().unavailable.as_deref(), Some("down"));
        assert_eq!(world.sink.asked.load(std::sync::atomic::Ordering::Relaxed), rounds * 3);
    }
    assert_eq!(relay.round().await.unwrap(), Default::default(), "each waits");
    for scribe in &scribes {
        assert_eq!(world.kept(scribe).await.failure.as_deref(), Some("down"));
        assert_eq!(world.set_aside(scribe).await, []);
    }
    world.sink.away.lock().unwrap().clear();
    world.pass(10);
    assert_eq!(relay.round().await.unwrap().delivered, 30);
}

#[tokio::test]
async fn a_book_with_very_many_events_leaves_others_their_turn() {
    // Holds: a turn ends after some batches and says that there is more.
    let world = World::new("memory:").await;
    let (mut long, mut short) = (Scribe::new(1), Scribe::new(2));
    let (first, last) = if long.book_id < short.book_id {
        (&mut long, &mut short)
    } else {
        (&mut short, &mut long)
    };
    let written = world.write(first, 60).await;
    let other = world.write(last, 1).await;
    let relay = world.relay(RelayOptions { batch: 1, ..RelayOptions::default() });
    let round = relay.round().await.unwrap();
    assert_eq!((round.delivered, round.more), (51, true));
    assert_eq!(world.sink.told_of(last.book_id), other);
    let round = relay.round().await.unwrap();
    assert_eq!((round.delivered, round.more), (10, false));
    assert_eq!(world.sink.told_of(first.book_id), written);
}

#[tokio::test]
async fn a_new_sink_may_begin_with_a_day() {
    // Holds: events from before the given instant are passed over, the others come.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribe = Scribe::new(1);
        world.write(&mut scribe, 2).await;
        scribe.clock.advance(chrono::TimeDelta::hours(1));
        let since = Some(scribe.clock.now());
        let written = world.write(&mut scribe, 2).await;
        let relay = world.relay(RelayOptions { since, batch: 1, ..RelayOptions::default() });
        relay.round().await.unwrap();
        assert_eq!(world.sink.told(), written);
    }
}

#[tokio::test]
async fn a_damaged_history_does_not_hold_up_other_books() {
    // Holds: events before the damage leave, the book is named and waits, other books go on.
    let world = World::new("memory:").await;
    let (mut damaged, mut sound) = (Scribe::new(1), Scribe::new(2));
    let before = world.write(&mut damaged, 1).await;
    world.round().await;
    let commit = damaged.seal(Vec::new());
    let mut bad: Commit = (*commit).clone();
    bad.stored.body.push(b' ');
    damaged.write(&*world.store, Arc::new(bad)).await;
    let written = world.write(&mut sound, 1).await;
    let round = world.round().await;
    assert_eq!(round.broken.len(), 1);
    assert_eq!(round.broken[0].0, damaged.book_id);
    assert_eq!(round.broken[0].1.code(), ErrorCode::CorruptData);
    assert_eq!(world.sink.told(), [before, written].concat());
    assert_eq!(world.round().await.broken, [], "it waits");
    world.pass(3_600);
    assert_eq!(world.round().await.broken.len(), 1);
}

#[tokio::test]
async fn options_out_of_their_range_are_refused() {
    // Holds: no relay works without tries, lease or batch, or tells more at once than is allowed.
    let world = World::new("memory:").await;
    let relay = |options| {
        let (store, clock) = (Arc::clone(&world.store), Arc::clone(&world.clock));
        Relay::new(store, clock, &world.ids, world.sink.clone(), options)
    };
    let usual = RelayOptions::default;
    assert!(relay(RelayOptions { batch: 1_000, ..usual() }).is_ok());
    for wrong in [
        RelayOptions { batch: 0, ..usual() },
        RelayOptions { batch: 1_001, ..usual() },
        RelayOptions { tries: 0, ..usual() },
        RelayOptions { lease: chrono::TimeDelta::zero(), ..usual() },
    ] {
        assert_eq!(relay(wrong).unwrap_err().code(), ErrorCode::InvalidInput);
    }
    world.store.close().await;
    let error = relay(usual()).unwrap().round().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Closed);
}
