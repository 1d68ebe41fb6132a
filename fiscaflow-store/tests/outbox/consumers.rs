//! Consumers whose effects happen once, however often an event comes.

use std::sync::Arc;

use fiscaflow_core::conformance::SequentialIds;
use fiscaflow_core::engine::{BookHandle, Context, Engine};
use fiscaflow_core::model::{Category, NewBook, NewCategory};
use fiscaflow_core::outbox::{Inbox, Outgoing};
use fiscaflow_core::{BookId, ErrorCode, Result};
use sqlx::{Connection as _, SqliteConnection};

use super::{World, stores};

async fn home(url: &str) -> (Engine, BookId, Vec<Outgoing>) {
    let world = World::new(url).await;
    let ids = Arc::new(SequentialIds::new(7));
    let engine = Engine::new(Arc::clone(&world.store), world.clock.clone(), ids);
    let anna = Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") };
    let book_id = engine.books(anna.clone()).create(new).await.unwrap().id;
    let book = engine.book(book_id, anna);
    category(book.clone(), "Food").await.unwrap();
    let events = book.events().list(Default::default()).await.unwrap();
    let outgoing = events.into_iter().map(|event| Outgoing { book_id, event }).collect();
    (engine, book_id, outgoing)
}

async fn category(book: BookHandle, name: &str) -> Result<Category> {
    let new = NewCategory { name: name.to_owned(), ..NewCategory::default() };
    book.categories().create(new).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_deliveries_of_an_event_have_one_effect() {
    // Holds: an effect that is a write of the engine is made once, by whoever comes first; all
    // get its answer, and the history tells the event that caused it.
    for url in &stores() {
        let (engine, book_id, events) = home(url).await;
        let inbox = Inbox::new("seen", "anna".parse().unwrap()).unwrap();
        let mut sends = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (engine, inbox, event) = (engine.clone(), inbox.clone(), events[0].clone());
            sends.spawn(async move {
                inbox
                    .once(&engine, &event, |book| async move { category(book, "Seen").await })
                    .await
            });
        }
        let answers = sends.join_all().await;
        let first = answers[0].clone().unwrap().unwrap();
        assert!(answers.iter().all(|answer| answer == &Ok(Some(first.clone()))));
        let book = engine.book(book_id, Context::new("anna".parse().unwrap()));
        assert_eq!(book.categories().list().await.unwrap().len(), 2);
        let entry = book.history().list(Default::default()).await.unwrap().pop().unwrap();
        assert_eq!(entry.causation_id, Some(events[0].event.id.to_string()));

        // Decided on other facts: what was done first stays.
        let other =
            inbox.once(&engine, &events[0], |book| async move { category(book, "Other").await });
        assert_eq!(other.await, Ok(None));
        // Another consumer and another event are other effects.
        let second = Inbox::new("second", "anna".parse().unwrap()).unwrap();
        for (inbox, event, name) in [(&second, &events[0], "A"), (&inbox, &events[1], "B")] {
            inbox
                .once(&engine, event, |book| async move { category(book, name).await })
                .await
                .unwrap()
                .unwrap();
        }
        assert_eq!(book.categories().list().await.unwrap().len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_whose_answer_was_erased_is_done() {
    // Holds: an event that comes again after its effect and the erasure of what was answered is
    // done with; what fails for another reason is not.
    for url in &stores() {
        let (engine, book_id, events) = home(url).await;
        let inbox = Inbox::new("seen", "anna".parse().unwrap()).unwrap();
        let again =
            || inbox.once(&engine, &events[0], |book| async move { category(book, "Seen").await });
        assert!(again().await.unwrap().is_some());
        let book = engine.book(book_id, Context::new("anna".parse().unwrap()));
        book.erase_texts().await.unwrap();
        assert_eq!(again().await, Ok(None));
        assert_eq!(book.categories().list().await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn an_effect_that_failed_is_tried_again() {
    // Holds: what was refused is not remembered as done.
    let (engine, _, events) = home("memory:").await;
    let inbox = Inbox::new("seen", "anna".parse().unwrap()).unwrap();
    let taken = inbox.once(&engine, &events[0], |book| async move { category(book, "Food").await });
    assert_eq!(taken.await.unwrap_err().code(), ErrorCode::NameTaken);
    let done = inbox.once(&engine, &events[0], |book| async move { category(book, "Seen").await });
    assert!(done.await.unwrap().is_some());
    assert!(Inbox::new("x".repeat(213), "anna".parse().unwrap()).is_err());
    assert!(Inbox::new("", "anna".parse().unwrap()).is_err());
}

/// The inbox of a consumer with a database of its own, as `docs/events.md` shows it: the id is
/// remembered in the transaction that is the effect. Whether the effect was new.
async fn count(
    database: &mut SqliteConnection,
    it: &Outgoing,
    dies: bool,
) -> sqlx::Result<Option<bool>> {
    let mut effect = database.begin_with("BEGIN IMMEDIATE").await?;
    let seen = sqlx::query("INSERT INTO inbox (event_id) VALUES (?) ON CONFLICT DO NOTHING")
        .bind(it.event.id.to_string())
        .execute(&mut *effect)
        .await?;
    if seen.rows_affected() == 0 {
        return Ok(Some(false));
    }
    sqlx::query(
        "INSERT INTO seen (name, times) VALUES (?, 1) \
         ON CONFLICT (name) DO UPDATE SET times = times + 1",
    )
    .bind(&it.event.name)
    .execute(&mut *effect)
    .await?;
    if dies {
        return Ok(None);
    }
    effect.commit().await?;
    Ok(Some(true))
}

#[tokio::test]
async fn a_consumer_with_its_own_database_remembers_there() {
    // Holds: duplicates, also after a crash before the commit, leave the counts of one clean run.
    let (_, _, events) = home("memory:").await;
    let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let schema = "CREATE TABLE inbox (event_id TEXT PRIMARY KEY) STRICT; \
                  CREATE TABLE seen (name TEXT PRIMARY KEY, times INTEGER NOT NULL) STRICT;";
    sqlx::raw_sql(schema).execute(&mut database).await.unwrap();
    for (round, dies) in [(0, true), (1, false), (2, false), (3, true)] {
        for event in &events {
            let done = count(&mut database, event, dies).await.unwrap();
            let expected = match round {
                0 => None,
                1 => Some(true),
                _ => Some(false),
            };
            assert_eq!(done, expected);
        }
    }
    let times: i64 =
        sqlx::query_scalar("SELECT sum(times) FROM seen").fetch_one(&mut database).await.unwrap();
    assert_eq!(usize::try_from(times).unwrap(), events.len());
}
