//! One runner, one JSON line a job: items, seconds, items per second, peak memory.
//!
//! `fiscaflow-benches JOB [--n N] [--seed S] [--repeat R] [--rules K] [--data DIR]
//! [--store sqlite|postgres|both]`; `all` runs every job, `data` writes the data as files into
//! `--out DIR`, which the `parse-` jobs read when it is named as `--data`. The same seed gives the
//! same data. Each figure is the median of the repeats. N is 100,000 where nothing is said for
//! `data`, for the `parse-` jobs, which also tell bytes and the memory above the file, for
//! `import-100k`, `get` and `page`, which as `view-build` and `commit` also tell what the bare
//! driver takes for the same, for the jobs of the categoriser and for those of figures, which also
//! tell a scan of all lines beside what comes from monthly sums; 1,000 for `commit`; else it is
//! 10,000. The `parse-` jobs and `import-100k` also tell the time on a processor: on a machine that
//! others use, the clock on the wall says how long the queue was. PostgreSQL is there with the
//! feature `postgres`. `README.md` beside this crate's manifest says how other
//! programs stand beside it. `evaluate` is no job: it learns one labelled file and is judged by
//! another.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints figures")]
#![allow(clippy::float_arithmetic, reason = "seconds and rates, never money")]

mod bare;
mod beside;
mod data;
mod evaluate;
mod figures;
mod files;
mod household;
mod jobs;
mod learn;
mod parse;
mod place;
mod proofs;
mod random;
mod rules;
mod verify;
mod written;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use serde_json::{Value, json};

use jobs::failed;
use place::Kind;

const USAGE: &str = "usage: fiscaflow-benches JOB [--n N] [--seed S] [--repeat R] [--rules K] \
    [--data DIR] [--store sqlite|postgres|both]\n       \
    fiscaflow-benches data [--n N] [--seed S] --out DIR\n\
    jobs: parse-ofx parse-csv parse-camt parse-mt940 parse-qif import import-100k rules \
    rules-10 rules-100 rules-1000 rules-10000 monthly-by-category top-payees running-balance \
    net-worth-by-day budgets dashboard view-build view-catch-up spending commit get page prove \
    check-proof commit-proofs verify learn predict normalise all\n\
    or: fiscaflow-benches evaluate --train A.csv --test B.csv --text COL --label COL \
    [--amount COL] [--date COL]";

/// What a job is run with.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many transactions.
    pub n: usize,
    /// What the data is made from.
    pub seed: u64,
    /// How often each job runs; the median counts.
    pub repeat: usize,
    /// How many rules, for `rules` and `import`.
    pub rules: usize,
    /// Where the data lies, or is written to.
    pub folder: Option<PathBuf>,
    /// Where the books of the jobs lie.
    pub store: Kind,
}

impl Options {
    /// The options, and all stores that they name.
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<(Self, Vec<Kind>), String> {
        let store = Kind::Sqlite;
        let mut options = Self { n: 0, seed: 1, repeat: 3, rules: 100, folder: None, store };
        let mut stores = vec![store];
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            if name == "--data" || name == "--out" {
                options.folder = Some(value.into());
                continue;
            }
            if name == "--store" {
                stores = Kind::read(&value).ok_or_else(|| format!("no store `{value}`"))?;
                continue;
            }
            let value = value.parse::<usize>().map_err(|_| format!("`{name}` needs a number"))?;
            match name.as_str() {
                "--n" => options.n = value,
                "--seed" => options.seed = u64::try_from(value).unwrap_or_default(),
                "--repeat" => options.repeat = value.max(1),
                "--rules" => options.rules = value,
                _ => return Err(format!("unknown option `{name}`")),
            }
        }
        Ok((options, stores))
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(job) = arguments.next() else {
        eprintln!("{USAGE}");
        return ExitCode::from(64);
    };
    if [parse::CHILD, verify::CHILD, "evaluate"].contains(&&*job) {
        let rest: Vec<String> = arguments.collect();
        return tell(match job.as_str() {
            parse::CHILD => parse::child(&rest),
            verify::CHILD => verify::child(&rest),
            _ => evaluate::run(&rest),
        });
    }
    let (options, stores) = match Options::read(arguments) {
        Ok(read) => read,
        Err(problem) => return misused(&problem),
    };
    let names: Vec<&str> = match job.as_str() {
        "data" => return write_data(&options),
        "all" => jobs::JOBS.to_vec(),
        one if jobs::JOBS.contains(&one) => vec![one],
        _ => return misused(&format!("unknown job `{job}`")),
    };
    for name in names {
        let n = if options.n == 0 { jobs::usual_n(name) } else { options.n };
        let stores = if jobs::STORED.contains(&name) { &*stores } else { &[Kind::Sqlite] };
        for store in stores {
            let options = Options { n, store: *store, ..options.clone() };
            match jobs::run(name, &options) {
                Ok(runs) => println!("{}", line(name, &options, runs)),
                Err(error) => {
                    eprintln!("{name}: {error:?}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    ExitCode::SUCCESS
}

fn misused(problem: &str) -> ExitCode {
    eprintln!("{problem}\n{USAGE}");
    ExitCode::from(64)
}

/// What is printed of a job: of each number the median of the runs.
fn line(name: &str, options: &Options, mut runs: Vec<jobs::Run>) -> Value {
    runs.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
    let Some(median) = runs.get(runs.len() / 2) else { return Value::Null };
    let mut line = json!({
        "job": name,
        "peer": "fiscaflow",
        "version": env!("CARGO_PKG_VERSION"),
        "n": options.n,
        "seed": options.seed,
        "repeat": options.repeat,
        "items": median.items,
        "seconds": median.seconds,
        "items_per_second": median.items as f64 / median.seconds,
        "peak_bytes": status_bytes("VmHWM:"),
    });
    let Value::Object(members) = &mut line else { return line };
    if jobs::STORED.contains(&name) {
        members.insert("store".to_owned(), options.store.as_str().into());
    }
    for (name, of_median) in median.more.as_object().into_iter().flatten() {
        let mut told: Vec<&Value> = runs.iter().filter_map(|run| run.more.get(name)).collect();
        told.sort_by(|left, right| {
            let number = |value: &Value| value.as_f64().unwrap_or_default();
            number(left).total_cmp(&number(right))
        });
        let told = told.get(told.len() / 2).filter(|_| of_median.is_f64());
        members.insert(name.clone(), (*told.unwrap_or(&of_median)).clone());
    }
    line
}

fn write_data(options: &Options) -> ExitCode {
    let Some(folder) = &options.folder else { return misused("`data` needs `--out`") };
    let n = if options.n == 0 { 100_000 } else { options.n };
    match written::write(folder, n, options.seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("data: {error:?}");
            ExitCode::FAILURE
        }
    }
}

fn tell(figures: fiscaflow_core::Result<Value>) -> ExitCode {
    match figures {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

/// What this program prints when it is called so, in a process of its own.
fn of_child(
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> fiscaflow_core::Result<Value> {
    let program = std::env::current_exe().map_err(|_| failed("no path to this program"))?;
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|_| failed("no second process"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| failed(&format!("no figures: {}", String::from_utf8_lossy(&output.stderr))))
}

/// A size that the system tells of this process: `VmHWM:` is the most memory that was resident.
fn status_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// For how long the threads that this process has now were on a processor.
fn cpu_seconds() -> Option<f64> {
    let mut nanoseconds = 0_u64;
    for thread in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        let told = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        nanoseconds += told.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(nanoseconds as f64 / 1e9)
}
