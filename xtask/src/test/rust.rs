//! The Rust part: unit, integration and documentation tests of everything but the bindings,
//! whose crates only make sense inside their hosts and are tested there.

use super::{Run, add, counts};
use crate::cargo;
use crate::report::Counts;
use crate::shell::Outcome;
use crate::tools::{self, apt};

const BINDINGS: [&str; 3] = ["fiscaflow-python", "fiscaflow-node", "fiscaflow-mobile"];

/// Runs `cargo test`; a failing test does not keep the rest from running.
pub fn run(run: &Run, sum: &mut Counts) -> Outcome {
    // What the tests compare with: another ledger's program, a client of the server, other zones.
    // The databases that books may live in, and the broker that hears of them.
    let packages = ["curl", "hledger", "pgbouncer", "postgresql", "rabbitmq-server", "tzdata"];
    apt::ensure(&packages)?;
    let beancount = tools::python::beancount()?;
    let test = run.cargo().env("FISCAFLOW_BEANCOUNT", beancount);
    let test = test.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    let test = test.args(["--features", cargo::FEATURES]);
    // Millions of cases want optimised code; what was built for them is there in other zones.
    let test = if run.deep || run.zone.is_some() { test.args(["--profile", "deep"]) } else { test };
    let done = test.args(BINDINGS.map(|name| format!("--exclude={name}"))).tee()?;
    add(sum, counts::cargo(&done.text), &done)
}
