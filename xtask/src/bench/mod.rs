//! The benchmarks: our runner alone, or beside the peers of the field over the same files.
//! `benches/README.md` says what is compared and how.

mod peers;
mod table;

use std::path::Path;

use crate::cargo;
use crate::shell::Outcome;

/// Runs the benchmarks, in release mode.
pub fn run(root: &Path, args: &[String]) -> Outcome {
    if let Some((flag, rest)) = args.split_first()
        && flag == "--peers"
    {
        return peers::run(root, rest);
    }
    let mut command = cargo::command(root);
    command = command.args(["run", "--release", "--package", "fiscaflow-benches"]);
    if args.iter().any(|arg| arg == "postgres" || arg == "both") {
        command = command.args(["--features", "postgres"]);
    }
    command.arg("--").args(args).run()
}
