//! Callers that stop waiting: no transaction stays open, and the pool stays whole.

use std::sync::Arc;

use fiscaflow_core::conformance::{Scribe, fsck};
use fiscaflow_core::log::Change;
use fiscaflow_core::store::Store;
use fiscaflow_store::open as open_store;
use sqlx::{Connection, PgConnection};

use crate::shared::postgres::database;

/// Polls a future so many times and drops it; other tasks run in between.
async fn abandoned<F: Future>(future: F, polls: u32) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        let mut once = false;
        let done = std::future::poll_fn(|context| {
            if once {
                return std::task::Poll::Ready(false);
            }
            once = true;
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(_) => std::task::Poll::Ready(true),
                std::task::Poll::Pending => {
                    context.waker().wake_by_ref();
                    std::task::Poll::Pending
                }
            }
        });
        if done.await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// How many connections to a database have a transaction open and ask for nothing, a moment on.
async fn open_transactions(admin: &mut PgConnection, name: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM pg_sleep(0.05), pg_stat_activity \
         WHERE datname = $1 AND state LIKE 'idle in %'",
    )
    .bind(name)
    .fetch_one(admin)
    .await
    .unwrap()
}

async fn leave_nothing(settings: &str) {
    let database = database();
    let store: Arc<dyn Store> = open_store(&database.with(settings)).await.unwrap();
    let mut scribe = Scribe::new(1);
    scribe.change(&*store, vec![Change::create(scribe.book())]).await;
    let book = scribe.book_id;
    let mut admin = PgConnection::connect(&database.admin).await.unwrap();
    for round in 0..600_u32 {
        let polls = round % 12 + 1;
        let next = scribe.seal(vec![Change::create(scribe.transaction("2024-01-01", 1))]);
        abandoned(store.head(book), polls).await;
        abandoned(store.documents(book), polls).await;
        abandoned(store.commit(Arc::clone(&next)), polls).await;
        if round % 20 == 0 {
            // Whoever borrows a connection next finds no transaction open on it: what it reads is
            // what the others have written by then.
            for _ in 0..3 {
                scribe.head = store.head(book).await.unwrap();
                let _ = store.commit(scribe.seal(Vec::new())).await;
            }
        }
        scribe.head = store.head(book).await.unwrap();
    }
    // The last writes go on although nobody waits: they end, a transaction that was left does not.
    let mut open = i64::MAX;
    for _ in 0..600 {
        open = open_transactions(&mut admin, &database.name).await;
        if open == 0 {
            break;
        }
    }
    assert_eq!(open, 0, "transactions stayed open");
    // Closing waits for them: what is there then has an end.
    store.close().await;
    let store = open_store(&database.with(settings)).await.unwrap();
    fsck(&*store, book).await;
    store.close().await;
}

#[tokio::test]
async fn abandoned_calls_leave_no_transaction_open() {
    // Holds: 1,800 abandoned calls on four connections, each statement by itself.
    leave_nothing("max_connections=4").await;
}

#[tokio::test]
async fn abandoned_transactions_leave_no_transaction_open() {
    // Holds: the same where every call is a transaction of several round trips.
    leave_nothing("max_connections=4&pgbouncer=true").await;
}
