//! A sink that does not answer: is it away, or is it one event that keeps it from answering?

use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::outbox::{RelayOptions, Undelivered};

use super::{Does, World, stores};

#[tokio::test]
async fn an_event_that_keeps_the_sink_from_answering_is_set_aside() {
    // Holds: five tries after pauses of 10, 20, 40 and 80 seconds, whichever relay makes them; the
    // event behind is offered at the fifth, and since it is taken the first one goes aside with its
    // reason. It is tried once more like one that somebody asked for, and stays aside in the end;
    // what comes later waits for no longer than that.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribe = Scribe::new(1);
        let mut written = world.write(&mut scribe, 2).await;
        written.extend(world.write(&mut scribe, 1).await);
        let slow = written.remove(1);
        world.sink.away.lock().unwrap().push(slow);
        for (misses, pause) in [(1, 10), (2, 20), (3, 40), (4, 80)] {
            assert!(world.round().await.unavailable.is_some());
            let kept = world.kept(&scribe).await;
            assert_eq!((kept.seq, kept.events, kept.tries, kept.misses), (0, 1, 0, misses));
            world.pass(pause - 1);
            assert_eq!(world.round().await, Default::default(), "it waits {pause} seconds");
            world.pass(1);
        }
        assert_eq!(world.sink.told(), written[..1]);
        let round = world.round().await;
        assert_eq!((round.set_aside, round.delivered, round.unavailable), (1, 1, None));
        assert_eq!(world.sink.told(), written);
        let aside = world.set_aside(&scribe).await;
        assert_eq!((aside.len(), aside[0].event_id, aside[0].tries), (1, slow, 5));
        assert_eq!((aside[0].reason.as_str(), aside[0].again), ("down", true));
        assert_eq!(world.kept(&scribe).await.misses, 0);

        written.extend(world.write(&mut scribe, 1).await);
        for pause in [10, 20, 40, 80] {
            assert!(world.round().await.unavailable.is_some());
            assert!(world.set_aside(&scribe).await[0].again);
            world.pass(pause);
        }
        let round = world.round().await;
        assert_eq!((round.set_aside, round.delivered), (1, 1));
        assert!(!world.set_aside(&scribe).await[0].again);
        assert_eq!(world.sink.told(), written);
        assert_eq!(world.round().await, Default::default());
    }
}

#[tokio::test]
async fn an_event_is_set_aside_where_the_one_behind_is_refused() {
    // Holds: a sink that refuses is there; the refused one is counted by itself.
    let world = World::new("memory:").await;
    let mut scribe = Scribe::new(1);
    let written = world.write(&mut scribe, 3).await;
    world.sink.away.lock().unwrap().push(written[0]);
    world.sink.poison.lock().unwrap().push(written[1]);
    for _ in 0..4 {
        world.round().await;
        world.pass(3_600);
    }
    let round = world.round().await;
    assert_eq!((round.set_aside, round.put_off), (1, 1));
    assert_eq!(world.set_aside(&scribe).await[0].event_id, written[0]);
    assert_eq!((world.kept(&scribe).await.events, world.kept(&scribe).await.tries), (1, 1));
}

#[tokio::test]
async fn several_such_events_in_a_row_hold_nobody_up_for_good() {
    // Holds: the events behind are offered in turn; each bad one goes aside after tries of its own,
    // the good one comes, and may come early.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribe = Scribe::new(1);
        let written = world.write(&mut scribe, 5).await;
        world.sink.away.lock().unwrap().extend(&written[..4]);
        for _ in 0..60 {
            world.round().await;
            world.pass(3_600);
        }
        let aside = world.set_aside(&scribe).await;
        let aside: Vec<_> = aside.iter().map(|it| (it.event_id, it.again)).collect();
        assert_eq!(aside, written[..4].iter().map(|id| (*id, false)).collect::<Vec<_>>());
        assert_eq!(world.sink.told().last(), written.last());
        assert_eq!(world.kept(&scribe).await.seq, 1);
        assert_eq!(world.round().await, Default::default());
    }
}

#[tokio::test]
async fn a_sink_that_is_away_for_days_has_nothing_set_aside() {
    // Holds: where no event gets through, nothing is anybody's fault: all come in their order once
    // the sink is back, those of many books and of commits without events between.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribes: Vec<_> = (1..=5).map(Scribe::new).collect();
        let mut written = Vec::new();
        for scribe in &mut scribes {
            let mut ids = Vec::new();
            for events in [1, 0, 2, 0, 0, 4] {
                ids.extend(world.write(scribe, events).await);
            }
            written.push(ids);
        }
        world.sink.is_down(true);
        for _ in 0..100 {
            assert!(world.round().await.unavailable.is_some());
            world.pass(3_600);
        }
        world.sink.is_down(false);
        while world.round().await.delivered > 0 {}
        for (scribe, written) in scribes.iter().zip(&written) {
            assert_eq!(world.sink.told_of(scribe.book_id), *written);
            assert_eq!(world.set_aside(scribe).await, []);
        }
    }
}

#[tokio::test]
async fn a_sink_that_comes_back_between_two_tries_gets_everything() {
    // Holds: an event that goes aside because the sink came back just then is told in the next
    // round, without anybody asking.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribe = Scribe::new(1);
        let written = world.write(&mut scribe, 3).await;
        let relay = world.relay(RelayOptions::default());
        for _ in 0..5 {
            world.sink.then(Does::Answers(Err(Undelivered::unavailable(0, "down"))));
            relay.round().await.unwrap();
            world.pass(3_600);
        }
        assert_eq!(world.sink.told(), written[1..]);
        assert_eq!(relay.round().await.unwrap().delivered, 1);
        assert_eq!(world.sink.told(), [written[1], written[2], written[0]]);
        assert_eq!(world.set_aside(&scribe).await, []);
        assert_eq!(relay.round().await.unwrap(), Default::default());
    }
}
