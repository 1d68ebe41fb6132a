//! One runner, one JSON line a job: items, seconds, items per second, peak memory.
//!
//! `fiscaflow-benches JOB [--n N] [--seed S] [--repeat R] [--rules K]`; `all` runs every job. The
//! same seed gives the same data. Each figure is the median of the repeats. N is 100,000 where
//! nothing is said for the `parse-` jobs, which also tell bytes and the memory above the file, and
//! for `import-100k`, which also tells the bare inserts of the same rows; else it is 10,000.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints figures")]
#![allow(clippy::float_arithmetic, reason = "seconds and rates, never money")]

mod bare;
mod data;
mod files;
mod jobs;
mod parse;
mod random;

use std::process::ExitCode;

use serde_json::{Value, json};

const USAGE: &str = "usage: fiscaflow-benches JOB [--n N] [--seed S] [--repeat R] [--rules K]\n\
    jobs: parse-ofx parse-csv parse-camt parse-mt940 parse-qif import import-100k rules view \
    spending commit all";

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
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(job) = arguments.next() else {
        eprintln!("{USAGE}");
        return ExitCode::from(64);
    };
    if job == parse::CHILD {
        return parse_files(&arguments.collect::<Vec<_>>());
    }
    let mut options = Options { n: 0, seed: 1, repeat: 3, rules: 100 };
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse::<usize>().ok());
        let Some(value) = value else {
            eprintln!("`{name}` needs a number\n{USAGE}");
            return ExitCode::from(64);
        };
        match name.as_str() {
            "--n" => options.n = value,
            "--seed" => options.seed = u64::try_from(value).unwrap_or_default(),
            "--repeat" => options.repeat = value.max(1),
            "--rules" => options.rules = value,
            _ => {
                eprintln!("unknown option `{name}`\n{USAGE}");
                return ExitCode::from(64);
            }
        }
    }
    let names: Vec<&str> = match job.as_str() {
        "all" => jobs::JOBS.to_vec(),
        one if jobs::JOBS.contains(&one) => vec![one],
        _ => {
            eprintln!("unknown job `{job}`\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    let asked = options.n;
    for name in names {
        options.n = if asked == 0 { jobs::usual_n(name) } else { asked };
        match jobs::run(name, &options) {
            Ok(mut runs) => {
                runs.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
                let Some(median) = runs.get(runs.len() / 2) else { continue };
                let mut line = json!({
                    "job": name,
                    "n": options.n,
                    "seed": options.seed,
                    "repeat": options.repeat,
                    "items": median.items,
                    "seconds": median.seconds,
                    "items_per_second": median.items as f64 / median.seconds,
                    "peak_bytes": status_bytes("VmHWM:"),
                });
                if let (Value::Object(line), Value::Object(more)) = (&mut line, &median.more) {
                    line.extend(more.clone());
                }
                println!("{line}");
            }
            Err(error) => {
                eprintln!("{name}: {error:?}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn parse_files(paths: &[String]) -> ExitCode {
    match parse::child(paths) {
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

/// A size that the system tells of this process: `VmHWM:` is the most memory that was resident.
fn status_bytes(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
