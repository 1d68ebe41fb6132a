//! The Node part: builds the addon, packs the package and installs the tarball into an empty
//! project, where the tests and the TypeScript compiler see what a user sees.

use std::path::{Path, PathBuf};

use super::{Run, add, counts};
use crate::files;
use crate::report::Counts;
use crate::shell::{Cmd, Outcome};
use crate::tools::node::{self, Node};

/// What the type check needs beside the package itself.
const TYPE_TOOLS: [&str; 2] = ["typescript@5.9.3", "@types/node@20.19.43"];

/// Builds, packs, installs, tests and type-checks.
pub fn run(run: &Run, sum: &mut Counts) -> Outcome {
    let manifest = run.need("bindings-node/package.json")?;
    let tests = run.need("bindings-node/test")?;
    let package = run.root.join("bindings-node");
    let node = node::ready()?;
    let shop = run.workshop("node")?;

    run.need("bindings-node/package-lock.json")?;
    node.cmd("npm").args(["ci", "--loglevel=error"]).dir(&package).run()?;
    node.cmd("npm")
        .args(["run", build_script(&manifest)?])
        .dir(&package)
        .env("CARGO_TARGET_DIR", &run.target)
        .run()?;
    let tarballs = pack(&node, &package, &shop)?;

    let project = shop.join("project");
    std::fs::create_dir(&project).map_err(|e| e.to_string())?;
    std::fs::write(project.join("package.json"), "{ \"private\": true }\n")
        .map_err(|e| e.to_string())?;
    let install = || node.cmd("npm").args(["install", "--loglevel=error"]).dir(&project);
    install().args(&tarballs).run()?;
    Cmd::new("cp").arg("-R").arg(&tests).arg(project.join("test")).run()?;

    let test_files = files::below(&project.join("test"), &[".test.js", ".test.mjs", ".test.cjs"]);
    let test = run.tell(node.cmd("node").dir(&project));
    let done = test.args(["--test", "--test-reporter=spec"]).args(&test_files).tee()?;
    let tested = add(sum, counts::node(&done.text), &done);
    install().args(TYPE_TOOLS).run()?;
    tested.and(type_check(&node, &project))
}

/// The script of the package that builds the addon: the debug one where there is one, because it
/// shares what cargo has compiled already.
fn build_script(manifest: &Path) -> Outcome<&'static str> {
    let text = std::fs::read_to_string(manifest).map_err(|e| e.to_string())?;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let has = |name: &str| json.get("scripts").is_some_and(|scripts| scripts.get(name).is_some());
    ["build:debug", "build"]
        .into_iter()
        .find(|name| has(name))
        .ok_or_else(|| "bindings-node/package.json has no script `build`".to_owned())
}

/// Packs the package and, where the addon comes in packages of its own, those that were built.
fn pack(node: &Node, package: &Path, shop: &Path) -> Outcome<Vec<PathBuf>> {
    let built = |dir: &PathBuf| {
        dir.join("package.json").exists() && !files::below(dir, &[".node"]).is_empty()
    };
    let platforms = std::fs::read_dir(package.join("npm")).into_iter().flatten().flatten();
    let mut packages = vec![package.to_path_buf()];
    packages.extend(platforms.map(|entry| entry.path()).filter(built));
    for dir in &packages {
        let pack = node.cmd("npm").args(["pack", "--loglevel=error", "--pack-destination"]);
        pack.arg(shop).dir(dir).run()?;
    }
    Ok(files::below(shop, &[".tgz"]))
}

fn type_check(node: &Node, project: &Path) -> Outcome {
    let sources = files::below(&project.join("test"), &[".ts", ".mts"]);
    if sources.is_empty() {
        return Err("bindings-node/test has no TypeScript file to check the types with".to_owned());
    }
    let strict = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022"];
    node.cmd("npx").arg("tsc").args(strict).args(&sources).dir(project).run()
}
