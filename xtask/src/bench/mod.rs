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
    let run = ["run", "--release", "--package", "fiscaflow-benches", "--"];
    cargo::command(root).args(run).args(args).run()
}
