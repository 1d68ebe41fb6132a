//! Opening by URL, and what goes wrong with it.

use fiscaflow_core::conformance::{Scribe, fsck};
use fiscaflow_core::log::Change;
use fiscaflow_core::{Error, ErrorCode};
use fiscaflow_store::open;

use crate::shared::postgres::{LOCKED, ROLE, database, pooler, run};

/// A text that must never appear in an error.
const SECRET: &str = "hunter2";

async fn refused(url: &str) -> Error {
    let error = open(url).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    error
}

#[tokio::test]
async fn what_cannot_be_reached_says_so() {
    // Holds: a server that is not there is unavailable; no error shows the password.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [
        format!("postgres://anna:{SECRET}@{nobody}/books"),
        format!("postgresql://anna:{SECRET}@host.invalid/books"),
    ] {
        assert_eq!(refused(&url).await.code(), ErrorCode::StoreUnavailable);
    }
}

#[tokio::test]
async fn a_url_that_means_nothing_is_refused() {
    // Holds: unknown settings, values and forms are the caller's mistake, at `url`.
    for rest in [
        format!("//anna:{SECRET}@db/books?colour=blue"),
        format!("//anna:{SECRET}@db/books?max_connections=0"),
        format!("//anna:{SECRET}@db/books?max_connections={SECRET}"),
        format!("//anna:{SECRET}@db/books?pgbouncer={SECRET}"),
        format!("//anna:{SECRET}@db/books?sslmode={SECRET}"),
        format!("//anna:{SECRET}@db:port/books"),
        String::new(),
    ] {
        let error = refused(&format!("postgres:{rest}")).await;
        assert_eq!(error.code(), ErrorCode::InvalidInput, "{error:?}");
        assert_eq!(error.at_field(), Some("url"));
    }
}

#[tokio::test]
async fn a_stranger_is_refused() {
    // Holds: a user, password or database that the server does not know is the caller's mistake.
    let database = database();
    let absent = database.url.replace(&database.name, "absent");
    let stranger = database.url.replace(ROLE, "stranger");
    let locked = database.url.replace(&format!("{ROLE}:fiscaflow"), &format!("{LOCKED}:{SECRET}"));
    for url in [absent, stranger, locked] {
        let error = refused(&url).await;
        assert_eq!(error.code(), ErrorCode::InvalidInput, "{error:?}");
        assert_eq!(error.at_field(), Some("url"));
    }
    // Who may come in but not make tables is not taken for a stranger.
    let locked = database.url.replace(&format!("{ROLE}:fiscaflow"), &format!("{LOCKED}:right"));
    assert_eq!(refused(&locked).await.code(), ErrorCode::StoreUnavailable);
}

#[tokio::test]
async fn several_processes_share_a_database() {
    // Holds: stores that know nothing of each other see each other's commits, and conflict.
    let database = database();
    let (one, other) = (open(&database.url).await.unwrap(), open(&database.url).await.unwrap());
    let mut scribe = Scribe::new(1);
    for store in [&one, &other, &one] {
        let late = scribe.seal(Vec::new());
        scribe.create(&**store, vec![scribe.transaction("2024-01-01", 1)]).await;
        for store in [&one, &other] {
            assert_eq!(store.head(scribe.book_id).await.unwrap(), scribe.head);
            let error = store.commit(late.clone()).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::Conflict);
        }
    }
}

#[tokio::test]
async fn without_the_setting_a_pooler_is_named() {
    // Holds: a pooler in transaction mode without `pgbouncer=true` fails in words that help.
    let database = database();
    let url = pooler().url(&database);
    let error = refused(&url.replace("?pgbouncer=true", "")).await;
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    assert!(error.message().contains("`pgbouncer=true`"), "{error:?}");
    open(&url).await.unwrap().close().await;
}

#[tokio::test]
async fn a_replica_is_read() {
    // Holds: a database that takes no writes, as a replica does, opens and answers; a commit there
    // is unavailable and changes nothing.
    let database = database();
    let store = open(&database.url).await.unwrap();
    let mut scribe = Scribe::new(1);
    scribe.create(&*store, vec![scribe.transaction("2024-01-01", 1)]).await;
    let name = &database.name;
    run(&database.admin, format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    for url in [database.url.clone(), database.with("pgbouncer=true")] {
        let replica = open(&url).await.unwrap();
        let commit = scribe.seal(vec![Change::create(scribe.transaction("2024-01-01", 1))]);
        let error = replica.commit(commit).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{error:?}");
        assert_eq!(fsck(&*replica, scribe.book_id).await.len(), 1);
    }
}
