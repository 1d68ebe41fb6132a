//! Every store passes the core's conformance suite.

#![allow(clippy::expect_used, reason = "tests report by panicking")]

use std::sync::Arc;

use fiscaflow_core::store::Store;
use fiscaflow_store::open;
use tempfile::TempDir;

#[cfg(feature = "postgres")]
mod shared;

/// Runs a case on a runtime of its own.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime").block_on(future)
}

fn is_deep() -> bool {
    std::env::var_os("FISCAFLOW_DEEP").is_some()
}

/// How many random commands are compared with the naive twin: many more on request.
fn operations() -> u32 {
    if is_deep() { 1_000_000 } else { 20_000 }
}

/// On how many threads.
fn lanes() -> u32 {
    if is_deep() { 2 } else { 1 }
}

async fn memory() -> (Arc<dyn Store>, ()) {
    (open("memory:").await.expect("a store"), ())
}

async fn sqlite_memory() -> (Arc<dyn Store>, ()) {
    (open("sqlite::memory:").await.expect("a store"), ())
}

async fn sqlite_file() -> (Arc<dyn Store>, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    // What survives a loss of power is told elsewhere; a million waits for the disk tell nothing.
    let settings = if is_deep() { "?durability=may_lose_last_commits" } else { "" };
    let url = format!("sqlite:{}{settings}", dir.path().join("books.db").display());
    (open(&url).await.expect("a store"), dir)
}

mod on_memory {
    fiscaflow_core::store_conformance! {
        block_on = crate::block_on,
        store = crate::memory,
        operations = crate::operations(),
        lanes = crate::lanes(),
    }
}

mod on_sqlite_memory {
    fiscaflow_core::store_conformance! {
        block_on = crate::block_on,
        store = crate::sqlite_memory,
        operations = crate::operations(),
        lanes = crate::lanes(),
    }
}

mod on_sqlite_file {
    fiscaflow_core::store_conformance! {
        block_on = crate::block_on,
        store = crate::sqlite_file,
        operations = crate::operations(),
        lanes = crate::lanes(),
    }
}

/// PostgreSQL, as an ordinary role.
#[cfg(feature = "postgres")]
mod on_postgres {
    use std::sync::Arc;

    use fiscaflow_core::store::Store;
    use fiscaflow_store::open;

    use crate::shared::postgres::{Database, database, pooler, run};

    /// A database that is gone after its test: a million commands take a thousand of them.
    struct Passing(Database);

    impl Drop for Passing {
        fn drop(&mut self) {
            self.0.drop_now();
        }
    }

    async fn store_at(url: impl Fn(&Database) -> String) -> (Arc<dyn Store>, Passing) {
        let database = Passing(database());
        (open(&url(&database.0)).await.expect("a store"), database)
    }

    async fn store() -> (Arc<dyn Store>, Passing) {
        store_at(|database| database.url.clone()).await
    }

    async fn with_one_connection() -> (Arc<dyn Store>, Passing) {
        store_at(|database| database.with("max_connections=1")).await
    }

    /// Every answer is a round trip, so fewer commands are compared.
    fn operations() -> u32 {
        if crate::is_deep() { 1_000_000 } else { 2_000 }
    }

    /// Both sides wait for each other.
    fn lanes() -> u32 {
        if crate::is_deep() { 4 } else { 1 }
    }

    mod as_usual {
        fiscaflow_core::store_conformance! {
            block_on = crate::block_on,
            store = crate::on_postgres::store,
            operations = crate::on_postgres::operations(),
            lanes = crate::on_postgres::lanes(),
        }
    }

    async fn through_a_pooler() -> (Arc<dyn Store>, Passing) {
        store_at(|database| pooler().url(database)).await
    }

    mod through_pgbouncer {
        fiscaflow_core::store_conformance! {
            block_on = crate::block_on,
            store = crate::on_postgres::through_a_pooler,
            operations = crate::on_postgres::operations() / 4,
            lanes = crate::on_postgres::lanes(),
        }
    }

    /// Tables in parts by a hash of the book, made of the migration itself.
    async fn in_parts() -> (Arc<dyn Store>, Passing) {
        store_at(|database| {
            run(&database.url, crate::shared::parts::in_parts());
            database.url.clone()
        })
        .await
    }

    mod in_parts_by_book {
        fiscaflow_core::store_conformance! {
            block_on = crate::block_on,
            store = crate::on_postgres::in_parts,
            operations = crate::on_postgres::operations() / 10,
            lanes = crate::on_postgres::lanes(),
        }
    }

    mod on_one_connection {
        fiscaflow_core::store_conformance! {
            block_on = crate::block_on,
            store = crate::on_postgres::with_one_connection,
            operations = crate::on_postgres::operations() / 4,
            lanes = crate::on_postgres::lanes(),
        }
    }
}
