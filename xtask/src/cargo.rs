//! Cargo: how it is called here, and where it leaves what it builds.

use std::path::{Path, PathBuf};

use crate::cache;
use crate::shell::{Cmd, Outcome};

/// What is off by default and checked and tested all the same. Always given: another choice of
/// features compiles what depends on them again.
pub const FEATURES: &str = "fiscaflow-store/postgres,fiscaflow-server/postgres,fiscaflow-server/rabbitmq,\
     fiscaflow-benches/postgres";

/// `cargo` at the root of the repository.
pub fn command(root: &Path) -> Cmd {
    Cmd::new("cargo").dir(root)
}

/// The target directory, wherever the environment put it.
pub fn target(root: &Path) -> Outcome<PathBuf> {
    let args = ["metadata", "--no-deps", "--format-version", "1", "--locked"];
    let text = command(root).args(args).capture()?;
    let metadata: serde_json::Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let target = metadata.get("target_directory").and_then(|t| t.as_str());
    target.map(PathBuf::from).ok_or_else(|| "cargo names no target directory".to_owned())
}

/// An empty directory of this tool among cargo's artefacts.
pub fn workshop(root: &Path, name: &str) -> Outcome<PathBuf> {
    let dir = target(root)?.join("xtask").join(name);
    cache::remove(&dir)?;
    std::fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    Ok(dir)
}
