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

/// How many random commands are compared with the naive twin: many more on request.
fn operations() -> u32 {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { 1_000_000 } else { 20_000 }
}

async fn memory() -> (Arc<dyn Store>, ()) {
    (open("memory:").await.expect("a store"), ())
}

async fn sqlite_memory() -> (Arc<dyn Store>, ()) {
    (open("sqlite::memory:").await.expect("a store"), ())
}

async fn sqlite_file() -> (Arc<dyn Store>, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}", dir.path().join("books.db").display());
    (open(&url).await.expect("a store"), dir)
}

mod on_memory {
    fiscaflow_core::store_conformance! {
        block_on = crate::block_on, store = crate::memory, operations = crate::operations()
    }
}

mod on_sqlite_memory {
    fiscaflow_core::store_conformance! {
        block_on = crate::block_on, store = crate::sqlite_memory, operations = crate::operations()
    }
}

mod on_sqlite_file {
    fiscaflow_core::store_conformance! {
        block_on = crate::block_on, store = crate::sqlite_file, operations = crate::operations()
    }
}

/// PostgreSQL, as an ordinary role.
#[cfg(feature = "postgres")]
mod on_postgres {
    use std::sync::Arc;

    use fiscaflow_core::store::Store;
    use fiscaflow_store::open;

    use crate::shared::postgres::{database, run};

    async fn store() -> (Arc<dyn Store>, ()) {
        (open(&database().url).await.expect("a store"), ())
    }

    async fn with_one_connection() -> (Arc<dyn Store>, ()) {
        let url = database().with("max_connections=1");
        (open(&url).await.expect("a store"), ())
    }

    /// Every answer is a round trip, so fewer commands are compared.
    fn operations() -> u32 {
        if std::env::var_os("FISCAFLOW_DEEP").is_some() { 1_000_000 } else { 2_000 }
    }

    mod as_usual {
        fiscaflow_core::store_conformance! {
            block_on = crate::block_on,
            store = crate::on_postgres::store,
            operations = crate::on_postgres::operations(),
        }
    }

    async fn through_a_pooler() -> (Arc<dyn Store>, ()) {
        let url = crate::shared::postgres::pooler().url(&database());
        (open(&url).await.expect("a store"), ())
    }

    mod through_pgbouncer {
        fiscaflow_core::store_conformance! {
            block_on = crate::block_on,
            store = crate::on_postgres::through_a_pooler,
            operations = crate::on_postgres::operations() / 4,
        }
    }

    /// Tables in parts by a hash of the book, made of the migration itself.
    async fn in_parts() -> (Arc<dyn Store>, ()) {
        let database = database();
        run(&database.url, crate::shared::parts::in_parts());
        (open(&database.url).await.expect("a store"), ())
    }

    mod in_parts_by_book {
        fiscaflow_core::store_conformance! {
            block_on = crate::block_on,
            store = crate::on_postgres::in_parts,
            operations = crate::on_postgres::operations() / 10,
        }
    }

    mod on_one_connection {
        fiscaflow_core::store_conformance! {
            block_on = crate::block_on,
            store = crate::on_postgres::with_one_connection,
            operations = crate::on_postgres::operations() / 4,
        }
    }
}
