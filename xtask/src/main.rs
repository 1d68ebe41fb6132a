//! The task runner of FiscaFlow: `cargo xtask check | test | gen | bench | simulate | setup`. It is
//! the only one; continuous integration calls what a developer calls.

#![allow(clippy::print_stdout, reason = "a task runner talks to a person")]

mod bench;
mod cache;
mod cargo;
mod check;
mod files;
mod generate;
mod report;
#[cfg(test)]
mod scratch;
mod shell;
mod simulate;
mod test;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use shell::Outcome;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check                            format, tidy, clippy, docs, generated files, dependencies
  test [--deep] [--without NAME ...] [--only NAME ...]
                                   all tests: rust python node kotlin swift; the long
                                   versions, then all once more in two zones far apart
  gen [--check]                    write the generated files, or compare them
  bench [ARG ...]                  run the benchmarks, in release mode
  bench --peers [JOB ...] [--n N] [--seed S] [--repeat R] [--limit SECONDS]
                                   the same data read by us and by the peers of the field
  simulate [--seed N [--planted BUG]] [--replay FILE]
                                   one run of the simulation, with its trace
  setup [TOOL ...]                 make tools ready: cargo-deny python node kotlin swift
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Outcome {
    let (command, rest) = args.split_first().ok_or(USAGE)?;
    let root = root()?;
    match (command.as_str(), rest) {
        ("check", []) => check::run(&root),
        ("test", args) => test::run(&root, args),
        ("gen", []) => generate::run(&root, generate::Mode::Write),
        ("gen", [flag]) if flag == "--check" => generate::run(&root, generate::Mode::Compare),
        ("bench", args) => bench::run(&root, args),
        ("simulate", args) => simulate::run(&root, args),
        ("setup", names) => tools::setup(names),
        _ => Err(USAGE.to_owned()),
    }
}

/// The root of the repository: the directory above this crate.
fn root() -> Outcome<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_path_buf).ok_or_else(|| "this crate has no parent".to_owned())
}
