//! Every scenario, word for word, through the engine on each store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fiscaflow_core::api;
use fiscaflow_core::conformance::scenarios::{SECRET_KEYS, Scenario, StepError, run};
use fiscaflow_core::conformance::{Tap, Tapped};
use fiscaflow_core::engine::Engine;
use fiscaflow_core::secrets::KeyRing;
use fiscaflow_core::store::Store;
use fiscaflow_store::{RandomIds, SystemClock, open};

#[cfg(feature = "postgres")]
mod shared;

/// A store that is never asked which books there are: that is for hosts, and no actor may learn it.
/// Every verb has a scenario.
#[derive(Debug)]
struct OfOneBook(Arc<dyn Store>);

#[async_trait]
impl Tap for OfOneBook {
    async fn before(&self, call: &'static str) -> fiscaflow_core::Result<Arc<dyn Store>> {
        assert!(!["books", "waiting"].contains(&call), "a verb asks for the `{call}` of all");
        Ok(Arc::clone(&self.0))
    }
}

/// Runs all scenarios, each on a fresh store, and tells all that fail.
async fn run_all(url_of: impl AsyncFn(&str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let scenarios = Scenario::read_all(&folder).unwrap();
    assert!(scenarios.len() >= 25, "only {} scenarios", scenarios.len());
    let mut failures = Vec::new();
    let keys: Arc<KeyRing> = Arc::new(SECRET_KEYS.parse().unwrap());
    for (file, scenario) in &scenarios {
        let store = open(&url_of(file).await).await.unwrap();
        let store = Arc::new(Tapped(Arc::new(OfOneBook(store))));
        let ids = Arc::new(RandomIds::new().unwrap());
        let engine = Engine::new(store, Arc::new(SystemClock), ids).with_keys(keys.clone());
        let outcome = run(scenario, async |call| {
            let call = call.into_call().map_err(StepError::from)?;
            api::call(&engine, call).await.map_err(StepError::from)
        });
        if let Err(failure) = outcome.await {
            failures.push(format!("{file}: {failure}"));
        }
        engine.close().await;
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Every scenario holds on the memory store.
#[tokio::test]
async fn memory() {
    run_all(async |_: &str| "memory:".to_owned()).await;
}

/// Every scenario holds on an SQLite database in memory.
#[tokio::test]
async fn sqlite_memory() {
    run_all(async |_: &str| "sqlite::memory:".to_owned()).await;
}

/// Every scenario holds on an SQLite file.
#[tokio::test]
async fn sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    run_all(async |file: &str| format!("sqlite:{}", folder.path().join(file).display())).await;
}

/// Every scenario holds on PostgreSQL, as an ordinary role.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres() {
    run_all(async |_: &str| shared::postgres::database().url).await;
}

/// Every scenario holds on PostgreSQL through PgBouncer in transaction mode.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres_through_pgbouncer() {
    let pooler = shared::postgres::pooler();
    run_all(async |_: &str| pooler.url(&shared::postgres::database())).await;
}
