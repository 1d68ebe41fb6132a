//! What tests of several crates share: saying that they do not run, and the collection of real
//! files beside the repository. Each test crate takes this file in by its path.

#![allow(dead_code, reason = "not every test crate needs all of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files, the library does not")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Says that the test that calls this checks nothing, and why; to be called once in a test, which
/// then returns. `cargo test` counts it as passed all the same, but `cargo xtask test` reads the
/// line and counts it as skipped.
///
/// It is written to the stream itself, because what is printed in a test that passes is thrown
/// away.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("SKIPPED {}::{test}: {reason}\n", env!("CARGO_CRATE_NAME"));
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// The collection of real files: `fixtures` in the folder that `FISCAFLOW_SHARED` names, or in
/// `shared` beside the repository. Where it is missing the calling test is skipped; under
/// continuous integration (`CI=true`) it fails, because nobody reads there what was skipped.
pub fn fixtures() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("FISCAFLOW_SHARED").map_or_else(beside, PathBuf::from);
    let fixtures = shared.join("fixtures");
    if fixtures.join("fixtures.json").is_file() {
        return Some(fixtures);
    }
    let reason = format!("no collection of files at {}", fixtures.display());
    if std::env::var_os("CI").is_some_and(|value| value == "true") {
        panic!("{reason}");
    }
    skip(&reason);
    None
}

/// Two zones that are never on the same day for long, for processes that are to live in them. Where
/// the machine does not know them the calling test is skipped, as in [`fixtures`].
pub fn zones() -> Option<[&'static str; 2]> {
    let zones = ["Pacific/Kiritimati", "America/St_Johns"];
    let here = |zone: &&str| Path::new("/usr/share/zoneinfo").join(zone).is_file();
    if zones.iter().all(here) {
        return Some(zones);
    }
    let reason = "the machine has no time zone database";
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{reason}");
    skip(reason);
    None
}
