//! The loader and the type declarations of the Node addon, as the napi command writes them while
//! it builds.

use std::path::Path;

use super::{Files, Generator, read_tree};
use crate::cargo;
use crate::shell::Outcome;
use crate::tools::node;

const LOADER: &str = "bindings-node/native.js";
const TYPES: &str = "bindings-node/native.d.ts";

/// Makes both from one build.
pub const GENERATOR: Generator =
    Generator { name: "Node loader and types", owns: &[LOADER, TYPES], make };

fn make(root: &Path) -> Outcome<Files> {
    let package = root.join("bindings-node");
    if !package.join("package.json").exists() {
        return Ok(Files::new());
    }
    let node = node::ready()?;
    node.cmd("npm").args(["ci", "--loglevel=error"]).dir(&package).run()?;
    let shop = cargo::workshop(root, "generate-node")?;
    node.cmd("npx")
        .args(["napi", "build", "--platform", "--no-const-enum", "--js", "native.js"])
        .args(["--dts", "native.d.ts", "--output-dir"])
        .arg(&shop)
        .dir(&package)
        .env("CARGO_TARGET_DIR", cargo::target(root)?)
        .run()?;
    let made = read_tree(&shop)?;
    let name = |path: &str| path.trim_start_matches("bindings-node/").to_owned();
    let take = |path: &str| made.get(&name(path)).map(|bytes| (path.to_owned(), bytes.clone()));
    Ok([LOADER, TYPES].into_iter().filter_map(take).collect())
}
