//! How far events have come to their sinks.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::assert_code;
use super::samples::TEXTS;
use super::scribe::Scribe;
use super::wait::{together, up_to_polls};
use crate::error::ErrorCode;
use crate::id::{BookId, EventId};
use crate::store::{
    Delivery, DeliveryStep, EventPlace, LONGEST_WAIT, Lease, SetAside, SetAsideQuery, Store,
    WaitingQuery,
};

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_704_110_400_123_456).unwrap()
}

fn all() -> SetAsideQuery {
    SetAsideQuery { limit: u32::MAX, ..SetAsideQuery::default() }
}

fn place(seq: u64, number: u32) -> EventPlace {
    EventPlace { seq, number }
}

fn aside(scribe: &Scribe, place: EventPlace, again: bool) -> SetAside {
    SetAside {
        place,
        event_id: EventId::new(scribe.uuid()),
        name: "planning.budget.threshold_crossed".to_owned(),
        tries: 5,
        reason: "refused".to_owned(),
        at: noon(),
        again,
    }
}

/// A step from a version to the next that has come to a commit.
fn step(expected: u64, seq: u64) -> DeliveryStep {
    let delivery = Delivery { version: expected + 1, seq, ..Delivery::default() };
    DeliveryStep { expected, delivery, put_aside: Vec::new(), taken_back: Vec::new() }
}

async fn write(store: &dyn Store, scribe: &Scribe, sink: &str, step: DeliveryStep) {
    store.deliver(scribe.book_id, sink, Arc::new(step)).await.unwrap();
}

/// A book of three commits.
async fn book_of_three(store: &dyn Store, seed: u32) -> Scribe {
    let mut scribe = Scribe::new(seed);
    for _ in 0..3 {
        scribe.change(store, Vec::new()).await;
    }
    scribe
}

async fn waiting(store: &dyn Store, sink: &str, now: DateTime<Utc>) -> Vec<BookId> {
    let query = WaitingQuery { sink: sink.to_owned(), now, after: None, limit: u32::MAX };
    store.waiting(&query).await.unwrap()
}

/// Holds: what was written comes back as it was, byte for byte, for the book and sink it was
/// written for.
pub async fn a_delivery_comes_back_as_it_was(store: Arc<dyn Store>) {
    let (one, two) = (book_of_three(&*store, 1).await, book_of_three(&*store, 2).await);
    assert_eq!(store.delivery(one.book_id, "hooks").await.unwrap(), None);
    assert_eq!(store.set_aside(one.book_id, "hooks", &all()).await.unwrap(), []);
    for (version, text) in (0..).zip(TEXTS) {
        let lease = Lease { owner: (*text).to_owned(), until: noon() };
        let delivery = Delivery {
            version: version + 1,
            seq: version % 4,
            events: u32::MAX,
            lease: Some(lease).filter(|_| version % 2 == 0),
            tries: 7,
            misses: 8,
            failure: Some((*text).to_owned()),
            retry_at: Some(noon()).filter(|_| version % 3 == 0),
        };
        let refused = SetAside {
            reason: (*text).to_owned(),
            name: (*text).to_owned(),
            ..aside(&one, place(1, u32::MAX), version % 2 == 1)
        };
        let step = DeliveryStep {
            expected: version,
            delivery: delivery.clone(),
            put_aside: vec![refused.clone()],
            taken_back: Vec::new(),
        };
        write(&*store, &one, "hooks", step).await;
        assert_eq!(store.delivery(one.book_id, "hooks").await.unwrap(), Some(delivery));
        assert_eq!(store.set_aside(one.book_id, "hooks", &all()).await.unwrap(), [refused]);
    }
    for (book, sink) in [(one.book_id, "HOOKS"), (one.book_id, "hooks "), (two.book_id, "hooks")] {
        assert_eq!(store.delivery(book, sink).await.unwrap(), None);
        assert_eq!(store.set_aside(book, sink, &all()).await.unwrap(), []);
    }
    for sink in TEXTS {
        write(&*store, &two, sink, step(0, 1)).await;
        assert!(store.delivery(two.book_id, sink).await.unwrap().is_some());
    }
}

/// Holds: a step on another version than the one that is kept, of a book that is not there, or
/// beyond its newest commit is a conflict and leaves nothing.
pub async fn a_step_that_does_not_fit_is_a_conflict_and_leaves_nothing(store: Arc<dyn Store>) {
    let scribe = book_of_three(&*store, 1).await;
    let unknown = Scribe::new(2).book_id;
    let with_event = |step: DeliveryStep| {
        let refused = aside(&scribe, place(2, 0), false);
        Arc::new(DeliveryStep { put_aside: vec![refused], ..step })
    };
    for (book, wrong) in [(unknown, step(0, 0)), (scribe.book_id, step(0, 4))] {
        let result = store.deliver(book, "hooks", with_event(wrong)).await;
        assert_code(result, ErrorCode::Conflict);
        assert_eq!(store.delivery(book, "hooks").await.unwrap(), None);
        assert_eq!(store.set_aside(book, "hooks", &all()).await.unwrap(), []);
    }
    assert_code(
        store.deliver(scribe.book_id, "hooks", with_event(step(1, 1))).await,
        ErrorCode::Conflict,
    );
    let first = DeliveryStep { put_aside: vec![aside(&scribe, place(1, 0), false)], ..step(0, 1) };
    write(&*store, &scribe, "hooks", first.clone()).await;
    write(&*store, &scribe, "other", step(0, 3)).await;
    for wrong in [step(0, 2), step(2, 2), step(1, 4)] {
        let wrong = DeliveryStep { taken_back: vec![place(1, 0)], ..wrong };
        let result = store.deliver(scribe.book_id, "hooks", with_event(wrong)).await;
        assert_code(result, ErrorCode::Conflict);
        let kept = store.delivery(scribe.book_id, "hooks").await.unwrap();
        assert_eq!(kept, Some(first.delivery.clone()));
        assert_eq!(
            store.set_aside(scribe.book_id, "hooks", &all()).await.unwrap(),
            first.put_aside
        );
    }
    write(&*store, &scribe, "hooks", step(1, 3)).await;
}

/// Holds: set-aside events come in the order of their places, after a place, at most so many, on
/// request only those that are to be delivered again; one place holds one event; what is taken
/// back is gone.
pub async fn set_aside_events_are_read_in_order(store: Arc<dyn Store>) {
    let scribe = book_of_three(&*store, 1).await;
    let places = [place(2, 1), place(1, 2), place(1, 0), place(3, 0), place(1, 10)];
    let put_aside: Vec<_> =
        places.iter().map(|place| aside(&scribe, *place, place.seq == 1)).collect();
    let mut sorted = put_aside.clone();
    sorted.sort_by_key(|event| event.place);
    write(&*store, &scribe, "hooks", DeliveryStep { put_aside, ..step(0, 3) }).await;
    let read = async |after, again, limit| {
        let query = SetAsideQuery { after, again, limit };
        store.set_aside(scribe.book_id, "hooks", &query).await.unwrap()
    };
    assert_eq!(read(None, false, u32::MAX).await, sorted);
    assert_eq!(read(None, true, u32::MAX).await, sorted[..3]);
    assert_eq!(read(None, true, 2).await, sorted[..2]);
    assert_eq!(read(Some(place(1, 2)), false, 2).await, sorted[2..4]);
    assert_eq!(read(Some(place(1, 3)), false, 9).await, sorted[2..]);
    assert_eq!(read(Some(place(3, 0)), false, 9).await, []);
    assert_eq!(read(None, false, 0).await, []);

    let replaced = SetAside { tries: 6, again: true, ..sorted[4].clone() };
    let step = DeliveryStep {
        put_aside: vec![replaced.clone()],
        taken_back: vec![sorted[0].place, sorted[3].place, place(9, 9)],
        ..step(1, 3)
    };
    write(&*store, &scribe, "hooks", step).await;
    let left = [sorted[1].clone(), sorted[2].clone(), replaced];
    assert_eq!(read(None, false, u32::MAX).await, left);
}

/// Holds: a book waits for a sink while it has commits after the place that is kept or an event
/// that is to be delivered again, unless somebody has it for longer or the event has to wait, but
/// nobody for longer than anybody may.
pub async fn books_wait_for_each_sink(store: Arc<dyn Store>) {
    let (scribe, now) = (book_of_three(&*store, 1).await, noon());
    let book = vec![scribe.book_id];
    assert_eq!(waiting(&*store, "hooks", now).await, book);
    write(&*store, &scribe, "hooks", step(0, 2)).await;
    assert_eq!(waiting(&*store, "hooks", now).await, book);
    write(&*store, &scribe, "hooks", step(1, 3)).await;
    assert_eq!(waiting(&*store, "hooks", now).await, []);
    assert_eq!(waiting(&*store, "other", now).await, book, "each sink has its own place");

    let mut refused = aside(&scribe, place(2, 0), false);
    let put = |event: &SetAside, expected| DeliveryStep {
        put_aside: vec![event.clone()],
        ..step(expected, 3)
    };
    write(&*store, &scribe, "hooks", put(&refused, 2)).await;
    assert_eq!(waiting(&*store, "hooks", now).await, []);
    refused.again = true;
    write(&*store, &scribe, "hooks", put(&refused, 3)).await;
    assert_eq!(waiting(&*store, "hooks", now).await, book);

    let until = now + TimeDelta::microseconds(1);
    for (kept, is_lease) in [(4, true), (5, false)] {
        let mut held = step(kept, 2);
        match is_lease {
            true => held.delivery.lease = Some(Lease { owner: "a".to_owned(), until }),
            false => held.delivery.retry_at = Some(until),
        }
        write(&*store, &scribe, "hooks", held).await;
        assert_eq!(waiting(&*store, "hooks", now).await, []);
        assert_eq!(waiting(&*store, "hooks", until).await, book);
        // Whoever wrote that had a clock that was further ahead than anybody waits.
        let wrong = until - LONGEST_WAIT - TimeDelta::microseconds(1);
        assert_eq!(waiting(&*store, "hooks", wrong).await, book);
        let longest = until - LONGEST_WAIT;
        assert_eq!(waiting(&*store, "hooks", longest).await, []);
    }
}

/// Holds: waiting books come in the order of their ids, after an id, at most so many.
pub async fn waiting_books_are_found_in_parts(store: Arc<dyn Store>) {
    let mut books = Vec::new();
    for seed in [4, 2, 5, 1, 3] {
        let scribe = book_of_three(&*store, seed).await;
        match seed {
            5 => write(&*store, &scribe, "hooks", step(0, 3)).await,
            _ => books.push(scribe.book_id),
        }
    }
    books.sort();
    let read = async |after, limit| {
        let query = WaitingQuery { sink: "hooks".to_owned(), now: noon(), after, limit };
        store.waiting(&query).await.unwrap()
    };
    assert_eq!(read(None, u32::MAX).await, books);
    assert_eq!(read(None, 2).await, books[..2]);
    assert_eq!(read(Some(books[1]), 1).await, books[2..3]);
    assert_eq!(read(Some(books[3]), 9).await, []);
    assert_eq!(read(Some(BookId::new(uuid::Uuid::nil())), 9).await, books);
    assert_eq!(read(None, 0).await, []);
}

/// Holds: of several steps on one version one is written.
pub async fn of_steps_at_once_one_wins(store: Arc<dyn Store>) {
    let scribe = book_of_three(&*store, 1).await;
    for round in 0..8 {
        let rivals: Vec<_> = (0..6)
            .map(|number| {
                let mut rival = step(round, 3);
                rival.delivery.tries = number;
                rival.put_aside = vec![aside(&scribe, place(round + 1, number), false)];
                Arc::new(rival)
            })
            .collect();
        let steps = rivals.iter();
        let steps = steps.map(|step| store.deliver(scribe.book_id, "hooks", Arc::clone(step)));
        let results = together(steps).await;
        let won: Vec<_> = rivals.iter().zip(&results).filter(|(_, it)| it.is_ok()).collect();
        assert_eq!(won.len(), 1, "{results:?}");
        let kept = store.delivery(scribe.book_id, "hooks").await.unwrap();
        assert_eq!(kept.as_ref(), Some(&won[0].0.delivery));
        let events = store.set_aside(scribe.book_id, "hooks", &all()).await.unwrap();
        assert_eq!(events.last(), won[0].0.put_aside.first());
        assert_eq!(events.len(), usize::try_from(round).unwrap() + 1);
    }
}

/// Holds: a step whose caller goes away after any number of polls is written or not, never half,
/// and the store goes on.
pub async fn an_abandoned_step_leaves_all_or_nothing(store: Arc<dyn Store>) {
    let scribe = book_of_three(&*store, 1).await;
    for polls in 0..12 {
        let version = async || {
            let kept = store.delivery(scribe.book_id, "hooks").await.unwrap();
            kept.map_or(0, |kept| kept.version)
        };
        let before = version().await;
        let asked = place(1, u32::try_from(polls).unwrap());
        let put_aside = vec![aside(&scribe, asked, false)];
        let abandoned = Arc::new(DeliveryStep { put_aside, ..step(before, 3) });
        up_to_polls(store.deliver(scribe.book_id, "hooks", abandoned), polls).await;
        // Whoever comes next decides on what there is; the abandoned one may still be on its way.
        let mut found = before;
        for _ in 0..100 {
            found = version().await;
            let next = Arc::new(step(found, 3));
            match store.deliver(scribe.book_id, "hooks", next).await {
                Ok(()) => break,
                Err(error) => assert_eq!(error.code(), ErrorCode::Conflict, "{error:?}"),
            }
        }
        assert_eq!(version().await, found + 1, "the store goes on");
        let events = store.set_aside(scribe.book_id, "hooks", &all()).await.unwrap();
        let is_there = events.iter().any(|event| event.place == asked);
        assert_eq!(is_there, found == before + 1, "after {polls} polls");
    }
}
