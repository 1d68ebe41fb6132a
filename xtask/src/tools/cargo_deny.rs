//! cargo-deny, which holds the dependency bans and licences of `deny.toml`.

use std::path::PathBuf;

use crate::cache;
use crate::shell::{Cmd, Outcome};

const VERSION: &str = "0.20.2";

/// The binary; compiled on first use, which takes minutes.
pub fn binary() -> Outcome<PathBuf> {
    let cache = cache::dir()?;
    let entry = cache::entry(&format!("cargo-deny-{VERSION}"), |dir| {
        // The build tree keeps its name, so that an interrupted compilation is taken up again.
        let build = cache.join("cargo-deny-build");
        Cmd::new("cargo")
            .args(["install", "--quiet", "--locked", "cargo-deny", "--version", VERSION, "--root"])
            .arg(dir)
            .env("CARGO_TARGET_DIR", &build)
            .run()?;
        cache::remove(&build)
    })?;
    Ok(entry.join("bin/cargo-deny"))
}
