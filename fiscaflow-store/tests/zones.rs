//! The zone of the machine changes nothing: every answer of every scenario is the same, byte for
//! byte, in a process that lives in Kiritimati, 14 hours ahead, and in one in St. John's, three and
//! a half behind. Where the two are on different days, and in different months, nobody may notice.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../fiscaflow-core/tests/shared/mod.rs"]
mod shared;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use fiscaflow_core::api;
use fiscaflow_core::conformance::scenarios::{SECRET_KEYS, Scenario, StepError, run};
use fiscaflow_core::conformance::{FixedClock, SequentialIds};
use fiscaflow_core::engine::Engine;
use fiscaflow_core::secrets::KeyRing;
use fiscaflow_store::open;

/// Names the file that a process of another zone writes its answers to.
const ANSWERS: &str = "FISCAFLOW_ZONE_ANSWERS";

/// Stores, and when it is: in Kiritimati December already, then in St. John's November still.
const RUNS: [(&str, &str); 2] =
    [("memory:", "2026-11-30T10:30:00Z"), ("sqlite::memory:", "2026-12-01T02:30:00Z")];

/// What the engine says to every step of every scenario, a line each.
async fn answers() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let scenarios = Scenario::read_all(&folder).unwrap();
    let mut said = String::new();
    for (url, now) in RUNS {
        for (file, scenario) in &scenarios {
            let clock = Arc::new(FixedClock::at(now.parse().unwrap()));
            let store = open(url).await.unwrap();
            let engine = Engine::new(store, clock, Arc::new(SequentialIds::new(1)));
            let engine = engine.with_keys(Arc::new(SECRET_KEYS.parse::<KeyRing>().unwrap()));
            let outcome = run(scenario, async |call| {
                let answer = match call.into_call() {
                    Ok(call) => api::call(&engine, call).await,
                    Err(error) => Err(error),
                };
                match &answer {
                    Ok(answer) => writeln!(said, "{file} {url} {now} {answer}").unwrap(),
                    Err(error) => writeln!(said, "{file} {url} {now} {error:?}").unwrap(),
                }
                answer.map_err(StepError::from)
            });
            outcome.await.unwrap_or_else(|failure| panic!("{file} at {now}: {failure}"));
            engine.close().await;
        }
    }
    said
}

/// Every answer of every scenario, on both stores, is the same in every zone.
#[tokio::test]
async fn answers_are_the_same_in_every_zone() {
    if let Some(path) = std::env::var_os(ANSWERS) {
        std::fs::write(path, answers().await).unwrap();
        return;
    }
    let Some(zones) = shared::zones() else { return };
    let folder = tempfile::tempdir().unwrap();
    let others = zones.map(|zone| {
        let path = folder.path().join(zone.replace('/', "-"));
        let mut other = Command::new(std::env::current_exe().unwrap());
        other.args(["--exact", "answers_are_the_same_in_every_zone"]);
        other.env("TZ", zone).env(ANSWERS, &path).stdout(Stdio::piped());
        (zone, path, other.spawn().unwrap())
    });
    let said = others.map(|(zone, path, other)| {
        let output = other.wait_with_output().unwrap();
        assert!(output.status.success(), "{zone}: {}", String::from_utf8_lossy(&output.stdout));
        std::fs::read_to_string(&path).unwrap()
    });
    let [first, second] = &said;
    for (one, other) in first.lines().zip(second.lines()) {
        assert_eq!(one, other);
    }
    assert_eq!(first.len(), second.len());
    assert!(first.lines().count() > 800, "only {} answers", first.lines().count());
}
