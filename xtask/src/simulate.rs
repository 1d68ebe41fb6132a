//! `cargo xtask simulate`: one run of the simulation in the tests of the stores, with its trace.

use std::path::Path;

use crate::cargo;
use crate::shell::Outcome;

const USAGE: &str = "simulate [--seed N [--planted BUG]] [--replay FILE]";

/// Runs what is asked for: the test reads it from the environment.
pub fn run(root: &Path, args: &[String]) -> Outcome {
    let test = ["test", "--package", "fiscaflow-store", "--test", "simulation", "--locked", "--"];
    let mut command = cargo::command(root).args(test);
    command = command.args(["--exact", "what_is_asked_for_runs", "--nocapture"]);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let value = words.next().ok_or(USAGE)?;
        command = match word.as_str() {
            "--seed" => command.env("FISCAFLOW_SIMULATE_SEED", value),
            "--planted" => command.env("FISCAFLOW_SIMULATE_PLANTED", value),
            "--replay" => {
                let path = Path::new(value).canonicalize().map_err(|e| format!("{value}: {e}"))?;
                command.env("FISCAFLOW_SIMULATE_REPLAY", path)
            }
            _ => return Err(USAGE.to_owned()),
        };
    }
    command.run()
}
