//! `cargo xtask check`: everything that can be said about the tree without running its tests.
//! Every step runs even when an earlier one failed, so that one run tells all.

use std::path::Path;

use crate::report::Report;
use crate::shell::{Cmd, Outcome};
use crate::{cargo, generate, tidy, tools};

/// What users may choose of a crate's features: none, each alone, and those that are on by default
/// with another. All of them together is what everything else is built with.
const CHOICES: [(&str, &[&str]); 3] = [
    ("fiscaflow-core", &["", "schema"]),
    ("fiscaflow-store", &["", "sqlite", "postgres"]),
    (
        "fiscaflow-server",
        &["", "outside", "webhooks", "rabbitmq", "webhooks,rabbitmq", "default,postgres"],
    ),
];

/// Runs all steps. But for the choices, cargo is always called with `--workspace`: other packages
/// select other features of shared dependencies, and switching compiles them again.
pub fn run(root: &Path) -> Outcome {
    let mut report = Report::default();
    report.step("format", || cargo::command(root).args(["fmt", "--all", "--check"]).run());
    report.step("tidy", || tidy::run(root));
    report.step("clippy", || clippy(root));
    report.step("choices of features", || choices(root));
    report.step("docs", || {
        cargo::command(root)
            .args(["doc", "--workspace", "--no-deps", "--locked", "--features", cargo::FEATURES])
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()
    });
    report.step("generated files", || generate::run(root, generate::Mode::Compare));
    report.step("dependencies", || dependencies(root));
    println!("\n{}", report.table());
    report.verdict()
}

fn clippy(root: &Path) -> Outcome {
    // The build script of pyo3 asks an interpreter about itself.
    tools::python::interpreter()?;
    cargo::command(root)
        .args(["clippy", "--workspace", "--all-targets", "--locked"])
        .args(["--features", cargo::FEATURES, "--", "-D", "warnings"])
        .run()
}

/// Each choice compiles, without a warning, as who depends on the crate alone would have it.
fn choices(root: &Path) -> Outcome {
    let mut failed = Vec::new();
    for (package, choices) in CHOICES {
        for features in choices {
            let done = cargo::command(root)
                .args(["clippy", "--quiet", "--locked", "--package", package])
                .args(["--no-default-features", "--features", features, "--", "-D", "warnings"])
                .run();
            failed.extend(done.err().map(|_| format!("{package} with `{features}`")));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join(", ")) }
}

/// Bans, licences and sources need nothing but the lock file. `advisories` would need a copy of
/// the advisory database, which is fetched from the network: it is no part of this check.
fn dependencies(root: &Path) -> Outcome {
    let deny = tools::cargo_deny::binary()?;
    println!("   advisories are not checked: their database is not part of the tree");
    Cmd::new(deny)
        .dir(root)
        .args(["--workspace", "--all-features", "--locked", "check"])
        .args(["bans", "licenses", "sources"])
        .run()
}
