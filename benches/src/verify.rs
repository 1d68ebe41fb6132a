//! A whole book against its history, each time in a process of its own: what making the book left
//! in the allocator would hide what that needs.

use std::time::Instant;

use fiscaflow_core::store::verify_book;
use fiscaflow_core::{BookId, Result};
use fiscaflow_store::open;
use serde_json::{Value, json};

use super::jobs::{Bench, Run, failed};
use super::{Options, of_child, status_bytes};

/// What the program is called with to be such a process; not for people.
pub const CHILD: &str = "verify-book";

/// Verifies a book that holds the transactions asked for.
pub async fn job(options: &Options) -> Result<Vec<Run>> {
    let bench = Bench::filled(options).await?;
    bench.engine.close().await;
    let book = bench.book_id.to_string();
    let run = |_| {
        let told = of_child([CHILD, &bench.place.url(), &book])?;
        let seconds = told.get("seconds").and_then(Value::as_f64).unwrap_or_default();
        Ok(Run { items: options.n, seconds, more: told })
    };
    (0..options.repeat).map(run).collect()
}

/// What the second process does.
pub fn child(arguments: &[String]) -> Result<Value> {
    let [url, book] = arguments else { return Err(failed("a URL and a book")) };
    let book_id: BookId = book.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|_| failed("no runtime"))?.block_on(async {
        let store = open(url).await?;
        let start = Instant::now();
        let found = verify_book(&*store, book_id).await?;
        let seconds = start.elapsed().as_secs_f64();
        found.ok()?;
        store.close().await;
        let peak = status_bytes("VmHWM:");
        Ok(json!({"commits": found.commits, "seconds": seconds, "peak_bytes": peak}))
    })
}
