//! The Node part: builds the addon, packs the package and installs the tarball into empty
//! projects, where the tests and the TypeScript compiler see what a user sees.
//!
//! `test/` is one project. A folder in it with a `package.json` of its own is another, with the
//! packages that it names beside ours: so a test of an integration has its framework, and all
//! other tests show that the package needs nothing.

use std::path::{Path, PathBuf};

use super::{Run, add, counts};
use crate::files;
use crate::report::Counts;
use crate::shell::{Cmd, Outcome};
use crate::tools::node::{self, Node};

/// What the type check needs beside the package itself.
const TYPE_TOOLS: [&str; 2] = ["typescript@5.9.3", "@types/node@20.19.43"];

/// Builds, packs, and tests each project.
pub fn run(run: &Run, sum: &mut Counts) -> Outcome {
    let manifest = run.need("bindings-node/package.json")?;
    run.need("bindings-node/test")?;
    let package = run.root.join("bindings-node");
    let node = node::ready()?;
    let shop = run.workshop("node")?;

    if package.join("package-lock.json").exists() {
        node.cmd("npm").args(["ci", "--loglevel=error"]).dir(&package).run()?;
    }
    node.cmd("npm")
        .args(["run", build_script(&manifest)?, "--", "--features", "postgres"])
        .dir(&package)
        .env("CARGO_TARGET_DIR", &run.target)
        .run()?;
    let tarballs = pack(&node, &package, &shop)?;
    let mut problems = Vec::new();
    for project in projects(&package.join("test"), &shop)? {
        let tested = project
            .install(&node, &tarballs)
            .and_then(|()| project.test(run, &node, sum).and(project.type_check(&node)));
        problems.extend(tested.err().map(|problem| format!("{}: {problem}", project.name)));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
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

/// A project outside the repository with a copy of the tests.
struct Project {
    name: String,
    /// Where it lies; `test/` in it is the copy.
    dir: PathBuf,
    /// The folders of the copy whose files belong to other projects.
    others: Vec<PathBuf>,
    /// The folder of the copy whose files belong to this one.
    own: PathBuf,
}

/// One project for the tests, and one for each folder with a `package.json`.
fn projects(tests: &Path, shop: &Path) -> Outcome<Vec<Project>> {
    let manifests = files::below(tests, &["/package.json"]);
    let folders = manifests.iter().filter_map(|file| file.parent()?.strip_prefix(tests).ok());
    let folders: Vec<PathBuf> = folders.map(Path::to_path_buf).filter(|f| *f != *"").collect();
    let mut all = Vec::new();
    for folder in std::iter::once(&PathBuf::new()).chain(&folders) {
        let name = format!("test/{}", folder.display()).trim_end_matches('/').to_owned();
        let dir = shop.join(name.replace('/', "-"));
        let copy = dir.join("test");
        std::fs::create_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        Cmd::new("cp").arg("-R").arg(tests).arg(&copy).capture()?;
        let others = folders.iter().filter(|other| *other != folder).map(|f| copy.join(f));
        let own = copy.join(folder);
        all.push(Project { name, others: others.collect(), own, dir });
    }
    Ok(all)
}

impl Project {
    /// Installs what the project names itself, then the tarballs, then the tools of the check.
    fn install(&self, node: &Node, tarballs: &[PathBuf]) -> Outcome {
        let place = |name: &str| self.dir.join(name);
        std::fs::write(place("package.json"), "{ \"private\": true }\n")
            .map_err(|e| e.to_string())?;
        for name in ["package.json", "package-lock.json"] {
            let own = self.own.join(name);
            if own.exists() {
                std::fs::copy(&own, place(name)).map_err(|e| format!("{name}: {e}"))?;
            }
        }
        let npm = |verb| node.cmd("npm").dir(&self.dir).args([verb, "--loglevel=error"]);
        if place("package-lock.json").exists() {
            npm("ci").run()?;
        }
        npm("install").args(tarballs).run()?;
        npm("install").args(TYPE_TOOLS).run()
    }

    fn test(&self, run: &Run, node: &Node, sum: &mut Counts) -> Outcome {
        let test_files = self.files(&[".test.js", ".test.mjs", ".test.cjs"]);
        if test_files.is_empty() {
            return Err("there is no test".to_owned());
        }
        let test = run.with_database(run.tell(node.cmd("node").dir(&self.dir)))?;
        let done = test.args(["--test", "--test-reporter=spec"]).args(&test_files).tee()?;
        add(sum, counts::node(&done.text), &done)
    }

    /// Runs the compiler for each `tsconfig.json`.
    fn type_check(&self, node: &Node) -> Outcome {
        let configurations = self.files(&["/tsconfig.json"]);
        if configurations.is_empty() {
            return Err("there is no tsconfig.json to check the types with".to_owned());
        }
        for file in configurations {
            node.cmd("npx")
                .args(["tsc", "--noEmit", "--project"])
                .arg(file)
                .dir(&self.dir)
                .run()?;
        }
        Ok(())
    }

    /// The files of this project and of no other.
    fn files(&self, endings: &[&str]) -> Vec<PathBuf> {
        let mut found = files::below(&self.own, endings);
        found.retain(|file| !self.others.iter().any(|other| file.starts_with(other)));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_folder_with_a_manifest_is_a_project_of_its_own() {
        let scratch = Scratch::new();
        let tests = scratch.path().join("tests");
        for file in ["a.test.mjs", "types/tsconfig.json", "nest/package.json", "nest/b.test.mjs"] {
            let file = tests.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "{}").unwrap();
        }
        let shop = scratch.path().join("shop");
        std::fs::create_dir(&shop).unwrap();
        let found: Vec<_> = projects(&tests, &shop).unwrap();
        let names: Vec<&str> = found.iter().map(|project| project.name.as_str()).collect();
        assert_eq!(names, ["test", "test/nest"]);
        let files: Vec<_> = found.iter().map(|p| p.files(&[".test.mjs", ".json"])).collect();
        assert_eq!(
            files[0],
            [shop.join("test/test/a.test.mjs"), shop.join("test/test/types/tsconfig.json")]
        );
        let nest = shop.join("test-nest/test/nest");
        assert_eq!(files[1], [nest.join("b.test.mjs"), nest.join("package.json")]);
    }
}
