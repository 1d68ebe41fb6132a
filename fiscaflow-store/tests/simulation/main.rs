//! The whole engine in a simulation: several processes and actors on the same books, a store and a
//! sink that fail before, during and after what they do, calls that are dropped at any poll,
//! processes that die. Everything follows from a seed.
//!
//! `script` is a run as data, `draw` and `requests` draw one from a seed, `world` runs it, over
//! `between`, where calls wait and fail. After every poll `audit` holds the store and what callers
//! heard to the log (`facts`), to one engine alone (`lone`), to plain loops (`figures`, `look`,
//! `roles`), to what was told outside (`deliveries`) and to checkpoints that somebody holds
//! (`checkpoints`). What erasures and seals take away (`seals`) is found nowhere (`words`).
//! `broken` plants bugs, `shrink` makes what broke smaller. `cargo xtask simulate` runs one seed,
//! or a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod audit;
mod between;
mod broken;
mod checkpoints;
mod deliveries;
mod draw;
mod facts;
mod figures;
mod lone;
mod look;
mod requests;
mod roles;
mod script;
mod seals;
mod shrink;
mod words;
mod world;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use fiscaflow_store::open;
use tokio::runtime::Runtime;

use broken::{Broken, PLANTED};
use facts::Failure;
use script::Script;
use world::Report;

/// How many seeds a planted bug may hide from.
const MOST_SEEDS: u64 = 1_000;
/// Runs that may be spent on making one smaller.
const TRIES: usize = 400;

fn runtime() -> Rc<Runtime> {
    Rc::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap())
}

/// Runs a script over a store of that URL, with the bug planted that it names.
fn run_over(url: &str, script: &Script) -> Report {
    let runtime = runtime();
    let kept = runtime.block_on(open(url)).unwrap();
    let bug = script.planted.as_deref();
    let bug = bug.map(|bug| PLANTED.iter().find(|it| it.0 == bug).expect("a planted bug").0);
    let store = Arc::new(Broken::new(bug.unwrap_or_default(), Arc::clone(&kept)));
    #[cfg(debug_assertions)]
    fiscaflow_core::planted::plant(bug);
    let ran = catch_unwind(AssertUnwindSafe(|| world::run(script, store, kept, runtime)));
    #[cfg(debug_assertions)]
    fiscaflow_core::planted::plant(None);
    ran.unwrap_or_else(|panic| {
        let failure = Failure { breaks: "no panic".to_owned(), text: words(&*panic) };
        Report { trace: Vec::new(), failure: Some((0, failure)) }
    })
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned())).unwrap_or_default()
}

fn run(script: &Script) -> Report {
    run_over("memory:", script)
}

/// Makes a run that breaks something as small as it gets, and writes it down.
fn told(script: &Script, failure: &Failure) -> String {
    let fails = |script: &Script| run(script).failure.map(|(_, failure)| failure.breaks);
    let mut small = shrink::shrunk(script, &failure.breaks, TRIES, fails);
    small.breaks = Some(failure.breaks.clone());
    let name = format!("simulation-{}.json", script.seed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, serde_json::to_string_pretty(&small).unwrap()).unwrap();
    let report = run(&small);
    let (steps, trace) = (small.steps.len(), report.trace.join("\n"));
    format!("seed {}, {steps} steps left, {}\n{trace}", script.seed, path.display())
}

/// Whether the long versions are asked for.
fn is_deep() -> bool {
    std::env::var_os("FISCAFLOW_DEEP").is_some()
}

#[test]
fn no_seed_breaks_anything() {
    // Holds: whatever fails, and whoever acts at once, every invariant after every poll.
    let seeds = if is_deep() { 10_000 } else { 500 };
    let first = number("FISCAFLOW_SIMULATE_FROM").unwrap_or(0);
    let seeds = number("FISCAFLOW_SIMULATE_SEEDS").unwrap_or(seeds);
    let failed: Vec<_> = (first..first + seeds)
        .filter_map(|seed| {
            let script = draw::script(seed);
            run(&script).failure.map(|(step, failure)| (script, step, failure))
        })
        .collect();
    for (script, step, failure) in &failed {
        println!("seed {} step {step}: {} {:.2000}", script.seed, failure.breaks, failure.text);
    }
    if let Some((script, _, failure)) = failed.first() {
        panic!("{} of {seeds} seeds; {}", failed.len(), told(script, failure));
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn a_seed_gives_one_trace() {
    // Holds: the same seed gives the same trace byte for byte, again and over SQLite.
    for seed in 0..if is_deep() { 200 } else { 12 } {
        let script = draw::script(seed);
        let trace = run(&script).trace.join("\n");
        assert!(trace.len() > 10_000, "seed {seed} does next to nothing");
        assert!(run(&script).trace.join("\n") == trace, "seed {seed} again");
        #[cfg(feature = "sqlite")]
        {
            let other = run_over("sqlite::memory:", &script).trace.join("\n");
            let mut lines = trace.lines().zip(other.lines());
            let differs = lines.find(|(one, other)| one != other);
            assert!(trace == other, "seed {seed} over sqlite: {differs:?}");
        }
    }
}

#[cfg(debug_assertions)]
#[test]
fn every_planted_bug_is_found() {
    // Holds: each bug breaks an invariant within some seeds; so the runs above are not blind.
    let mut hidden = Vec::new();
    for (bug, about) in PLANTED {
        let found = (0..MOST_SEEDS).find_map(|seed| {
            let script = Script { planted: Some(bug.to_owned()), ..draw::script(seed) };
            run(&script).failure.map(|(step, failure)| (seed, step, failure.breaks))
        });
        match found {
            Some((seed, step, breaks)) => {
                println!("| {bug} | {about} | {breaks} | {seed} | {step} |");
            }
            None => hidden.push(bug),
        }
    }
    assert!(hidden.is_empty(), "{hidden:?} are not found within {MOST_SEEDS} seeds");
}

#[cfg(debug_assertions)]
#[test]
fn a_failure_shrinks_to_a_file_that_fails_alike() {
    // Holds: what is left of a run breaks the same, is smaller, and comes back from its file.
    let planted = Some("one_sided_transfer".to_owned());
    let fails = |script: &Script| run(script).failure.map(|(_, failure)| failure.breaks);
    let scripts =
        (0..MOST_SEEDS).map(|seed| Script { planted: planted.clone(), ..draw::script(seed) });
    let found = scripts.filter_map(|it| fails(&it).map(|breaks| (it, breaks))).next();
    let (script, breaks) = found.expect("a run that fails");
    let small = shrink::shrunk(&script, &breaks, TRIES, fails);
    assert!(small.steps.len() <= 12, "{} of {} steps", small.steps.len(), script.steps.len());
    assert!(small.steps.iter().all(|step| step.faults.is_empty() && step.cancel.is_none()));
    let file = serde_json::to_string(&small).unwrap();
    let read: Script = serde_json::from_str(&file).unwrap();
    assert_eq!(fails(&read), Some(breaks));
}

#[test]
fn what_is_asked_for_runs() {
    // Holds: replay files that are kept break what they say, or nothing; and runs what
    // `cargo xtask simulate` asks for.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulation/replays");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let script: Script = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        if cfg!(not(debug_assertions)) && script.planted.is_some() {
            continue;
        }
        let breaks = run(&script).failure.map(|(_, failure)| failure.breaks);
        assert_eq!(breaks, script.breaks, "{}", path.display());
    }
    if let Some(seed) = number("FISCAFLOW_SIMULATE_SEED") {
        let planted = std::env::var("FISCAFLOW_SIMULATE_PLANTED").ok();
        let script = Script { planted, ..draw::script(seed) };
        let report = run(&script);
        println!("{}", report.trace.join("\n"));
        if let Some((_, failure)) = report.failure {
            println!("{}", told(&script, &failure));
        }
    }
    if let Ok(path) = std::env::var("FISCAFLOW_SIMULATE_REPLAY") {
        let script: Script = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        println!("{}", run(&script).trace.join("\n"));
    }
}
