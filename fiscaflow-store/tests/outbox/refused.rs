//! Events that a sink does not take.

use std::sync::Arc;

use fiscaflow_core::conformance::{Scribe, SequentialIds};
use fiscaflow_core::engine::{BookHandle, Context, DeliveryQuery, Engine, Redelivery};
use fiscaflow_core::limits::MAX_REASON_BYTES;
use fiscaflow_core::model::NewBook;
use fiscaflow_core::outbox::Undelivered;
use fiscaflow_core::store::{Delivery, DeliveryStep, EventPlace, SetAside};
use fiscaflow_core::{BookId, Clock as _, ErrorCode, EventId};

use super::{Does, World, stores};

#[tokio::test]
async fn an_event_that_is_refused_waits_longer_each_time_and_is_set_aside() {
    // Holds: five tries after pauses of 10, 20, 40 and 80 seconds, then the event goes aside with
    // the last reason, in the same step that moves the place, and the others follow at once.
    for url in &stores() {
        let world = World::new(url).await;
        let mut scribe = Scribe::new(1);
        let mut written = world.write(&mut scribe, 3).await;
        let poison = written.remove(1);
        world.sink.poison.lock().unwrap().push(poison);
        for (tries, pause) in [(1, 10), (2, 20), (3, 40), (4, 80)] {
            let round = world.round().await;
            assert_eq!((round.put_off, round.set_aside), (1, 0));
            let kept = world.kept(&scribe).await;
            assert_eq!((kept.seq, kept.events, kept.tries), (0, 1, tries));
            assert_eq!(kept.failure.as_deref(), Some("cannot read it"));
            world.pass(pause - 1);
            assert_eq!(world.round().await, Default::default(), "it waits {pause} seconds");
            world.pass(1);
        }
        assert_eq!(world.sink.told(), written[..1]);
        let round = world.round().await;
        assert_eq!((round.put_off, round.set_aside, round.delivered), (0, 1, 1));
        assert_eq!(world.sink.told(), written);
        let aside = world.set_aside(&scribe).await;
        assert_eq!(aside.len(), 1);
        assert_eq!((aside[0].event_id, aside[0].tries), (poison, 5));
        assert_eq!((aside[0].reason.as_str(), aside[0].again), ("cannot read it", false));
        let kept = world.kept(&scribe).await;
        assert_eq!((kept.seq, kept.tries, kept.failure), (1, 0, None));
    }
}

#[tokio::test]
async fn tries_are_counted_for_one_event() {
    // Holds: an event that came through takes its count along, and one that was refused for a
    // while is delivered in its order.
    let world = World::new("memory:").await;
    let mut scribe = Scribe::new(1);
    let written = world.write(&mut scribe, 3).await;
    let long = "x".repeat(MAX_REASON_BYTES + 1);
    for (delivered, reason, tries) in
        [(0, long.as_str(), 1), (0, "no", 2), (1, "no", 1), (0, "no", 2), (1, "no", 1)]
    {
        world.sink.then(Does::Answers(Err(Undelivered::refused(delivered, reason))));
        world.round().await;
        let kept = world.kept(&scribe).await;
        assert_eq!(kept.tries, tries);
        assert_eq!(kept.failure.as_deref(), reason.get(..MAX_REASON_BYTES).or(Some(reason)));
        world.pass(3_600);
    }
    world.round().await;
    assert_eq!(world.sink.told(), written);
}

/// The scribe's world as its owner sees it: a book of the engine's own.
async fn owned(world: &World) -> (BookHandle, Vec<EventId>, Engine, BookId) {
    let ids = Arc::new(SequentialIds::new(77));
    let engine = Engine::new(Arc::clone(&world.store), world.clock.clone(), ids);
    let anna = Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") };
    let id = engine.books(anna.clone()).create(new).await.unwrap().id;
    let book = engine.book(id, anna);
    for name in ["Giro", "Cash"] {
        let new = fiscaflow_core::model::NewAccount { name: name.to_owned(), ..Default::default() };
        book.accounts().create(new).await.unwrap();
    }
    let events = book.events().list(Default::default()).await.unwrap();
    (book, events.iter().map(|event| event.id).collect(), engine, id)
}

fn hooks() -> DeliveryQuery {
    DeliveryQuery { sink: "hooks".to_owned(), after: None, after_number: None }
}

#[tokio::test]
async fn a_set_aside_event_is_delivered_again_on_request() {
    // Holds: who asks sees what was refused and why; an event is told again once, after a request,
    // and goes from the list; one that is refused again stays with its new reason.
    for url in &stores() {
        let world = World::new(url).await;
        let (book, written, ..) = owned(&world).await;
        assert!(written.len() >= 2);
        let poison = written[0];
        world.sink.poison.lock().unwrap().push(poison);
        for _ in 0..5 {
            world.round().await;
            world.pass(3_600);
        }
        assert_eq!(world.sink.told(), written[1..]);
        let told = book.events().delivery(hooks()).await.unwrap();
        assert_eq!((told.behind, told.tries, told.failure), (0, 0, None));
        assert_eq!(told.set_aside.len(), 1);
        assert_eq!((told.set_aside[0].id, told.set_aside[0].again), (poison, false));
        let after = DeliveryQuery { after: Some(told.set_aside[0].seq), ..hooks() };
        assert_eq!(book.events().delivery(after).await.unwrap().set_aside, []);

        let again = Redelivery { sink: "hooks".to_owned(), event_id: poison };
        for tries in [6, 7] {
            assert!(book.events().redeliver(again.clone()).await.unwrap().again);
            assert!(book.events().redeliver(again.clone()).await.unwrap().again);
            assert_eq!(world.round().await.set_aside, 1);
            let aside = book.events().delivery(hooks()).await.unwrap().set_aside;
            assert_eq!((aside[0].tries, aside[0].again), (tries, false));
        }
        book.events().redeliver(again.clone()).await.unwrap();
        world.sink.then(Does::Answers(Err(Undelivered::unavailable(0, "down"))));
        world.round().await;
        assert!(book.events().delivery(hooks()).await.unwrap().set_aside[0].again);
        world.pass(10);
        world.sink.poison.lock().unwrap().clear();
        assert_eq!(world.round().await.delivered, 1);
        assert_eq!(book.events().delivery(hooks()).await.unwrap().set_aside, []);
        assert_eq!(world.sink.told().last(), Some(&poison));
        let error = book.events().redeliver(again).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound);
        assert_eq!(world.round().await, Default::default());
    }
}

#[tokio::test]
async fn very_many_set_aside_events_of_one_commit_are_all_seen() {
    // Holds: going on from the last event of each answer shows every set-aside event once, in
    // order, also where more than an answer holds are of one commit; `after` alone passes it over.
    for url in &stores() {
        let world = World::new(url).await;
        let (book, _, _, id) = owned(&world).await;
        let places = (1..=2).flat_map(|seq| (0..600).map(move |number| EventPlace { seq, number }));
        let put_aside: Vec<_> = places
            .map(|place| SetAside {
                place,
                event_id: EventId::new(uuid::Uuid::from_u64_pair(place.seq, place.number.into())),
                name: "tests.thing.done".to_owned(),
                tries: 5,
                reason: "no".to_owned(),
                at: world.clock.now(),
                again: false,
            })
            .collect();
        let ids: Vec<_> = put_aside.iter().map(|it| it.event_id).collect();
        let delivery = Delivery { version: 1, ..Delivery::default() };
        let step = DeliveryStep { expected: 0, delivery, put_aside, taken_back: Vec::new() };
        world.store.deliver(id, "hooks", Arc::new(step)).await.unwrap();
        let (mut query, mut seen) = (hooks(), Vec::new());
        loop {
            let part = book.events().delivery(query.clone()).await.unwrap().set_aside;
            let Some(last) = part.last() else { break };
            (query.after, query.after_number) = (Some(last.seq), Some(last.number));
            seen.extend(part.iter().map(|it| it.id));
        }
        assert_eq!(seen, ids);
        let after = DeliveryQuery { after: Some(1), ..hooks() };
        let part = book.events().delivery(after).await.unwrap().set_aside;
        assert_eq!((part[0].seq, part[0].number, part.len()), (2, 0, 500));
        let lost = DeliveryQuery { after_number: Some(1), ..hooks() };
        let error = book.events().delivery(lost).await.unwrap_err();
        assert_eq!(
            (error.code(), error.at_field()),
            (ErrorCode::InvalidInput, Some("after_number"))
        );
    }
}

#[tokio::test]
async fn only_an_owner_has_events_delivered_again() {
    // Holds: a member may look and not act; a stranger gets the answer of a book that is not there.
    let world = World::new("memory:").await;
    let (book, written, engine, id) = owned(&world).await;
    let ben = fiscaflow_core::api::read(serde_json::json!({"actor": "ben", "role": "member"}));
    let ben: fiscaflow_core::model::Member = ben.unwrap();
    book.members().put(ben).await.unwrap();
    let again = Redelivery { sink: "hooks".to_owned(), event_id: written[0] };
    for (actor, looks, acts) in [
        ("ben", None, ErrorCode::Forbidden),
        ("zoe", Some(ErrorCode::BookNotFound), ErrorCode::BookNotFound),
    ] {
        let book = engine.book(id, Context::new(actor.parse().unwrap()));
        let code = book.events().delivery(hooks()).await.err().map(|error| error.code());
        assert_eq!(code, looks);
        assert_eq!(book.events().redeliver(again.clone()).await.unwrap_err().code(), acts);
    }
    let unknown = book.events().redeliver(again).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::NotFound);
    let nameless = DeliveryQuery { sink: String::new(), ..hooks() };
    let error = book.events().delivery(nameless).await.unwrap_err();
    assert_eq!(error.at_field(), Some("sink"));
}
