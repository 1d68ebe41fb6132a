//! `cargo xtask gen`: writes the files that are made from others (stubs, type declarations,
//! OpenAPI, Kotlin and Swift sources). They are committed, so that a reader sees them and a user
//! needs no generator; `--check` compares them with what would be written.
//!
//! A generator answers with paths and bytes and writes nothing itself. What it `owns` holds only
//! its output: a file there that it no longer makes is stale, and a file that it makes but
//! nobody committed is as wrong as one that differs.

mod mobile;
mod openapi;
mod python;
mod python_package;
mod scenarios;
mod shapes;
mod typescript;

use std::collections::BTreeMap;
use std::path::Path;

use crate::shell::{Cmd, Outcome};

/// Whether to write or to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Write the files and delete stale ones.
    Write,
    /// Change nothing; fail on any difference.
    Compare,
}

/// Files by path from the root of the repository.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A named maker of files.
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    /// How reports call it.
    pub name: &'static str,
    /// Files, or directories (with a closing slash), that hold nothing but its output.
    pub owns: &'static [&'static str],
    /// Makes the files; receives the root of the repository.
    pub make: fn(&Path) -> Outcome<Files>,
}

/// All generators, in the order in which they run.
const GENERATORS: &[Generator] = &[
    scenarios::GENERATOR,
    openapi::GENERATOR,
    python_package::GENERATOR,
    python::GENERATOR,
    typescript::GENERATOR,
    mobile::rust::GENERATOR,
    mobile::kotlin::GENERATOR,
    mobile::swift::GENERATOR,
    mobile::GENERATOR,
];

/// Writes or compares the output of all generators.
pub fn run(root: &Path, mode: Mode) -> Outcome {
    run_all(root, mode, GENERATORS)
}

fn run_all(root: &Path, mode: Mode, generators: &[Generator]) -> Outcome {
    let mut problems = Vec::new();
    for generator in generators {
        match run_one(root, mode, generator) {
            Ok(found) => problems.extend(found),
            Err(problem) => problems.push(format!("{}: {problem}", generator.name)),
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    let advice = "run `cargo xtask gen` and commit what it writes";
    Err(format!("{}\n{advice}", problems.join("\n")))
}

/// What is wrong with the files of one generator; nothing after they were written.
fn run_one(root: &Path, mode: Mode, generator: &Generator) -> Outcome<Vec<String>> {
    let made = (generator.make)(root)?;
    if let Some(path) = made.keys().find(|path| !generator.owns(path)) {
        return Err(format!("makes {path}, which it does not own"));
    }
    let tracked = list(root, &["--cached"], generator)?;
    let mut present = list(root, &["--others"], generator)?;
    present.extend(tracked.iter().filter(|path| root.join(path).exists()).cloned());
    let stale = present.iter().filter(|path| !made.contains_key(*path));
    let mut problems = Vec::new();
    for path in stale {
        match mode {
            Mode::Write => std::fs::remove_file(root.join(path)).map_err(|e| e.to_string())?,
            Mode::Compare => problems.push(format!("{path}: no longer generated")),
        }
    }
    for (path, bytes) in &made {
        let file = root.join(path);
        let same = std::fs::read(&file).is_ok_and(|found| found == *bytes);
        match mode {
            Mode::Write if !same => write(&file, bytes)?,
            Mode::Compare if !same => problems.push(format!("{path}: out of date")),
            Mode::Compare if !tracked.contains(path) => {
                problems.push(format!("{path}: not committed"));
            }
            _ => {}
        }
    }
    println!("   {}: {} files", generator.name, made.len());
    Ok(problems)
}

impl Generator {
    fn owns(&self, path: &str) -> bool {
        let owned =
            |own: &&str| if own.ends_with('/') { path.starts_with(*own) } else { path == *own };
        self.owns.iter().any(owned)
    }
}

/// The files below what a generator owns, as git lists them.
fn list(root: &Path, which: &[&str], generator: &Generator) -> Outcome<Vec<String>> {
    let git = Cmd::new("git").dir(root).args(["ls-files", "-z"]).args(which).arg("--");
    let text = git.args(generator.owns).capture()?;
    Ok(text.split_terminator('\0').map(str::to_owned).collect())
}

/// The files below `dir`, by path from there.
fn read_tree(dir: &Path) -> Outcome<Files> {
    let mut files = Files::new();
    for path in crate::files::below(dir, &[""]) {
        let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.strip_prefix(dir).map_err(|e| e.to_string())?;
        files.insert(name.to_string_lossy().into_owned(), bytes);
    }
    Ok(files)
}

fn write(file: &Path, bytes: &[u8]) -> Outcome {
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir).map_err(|e| e.to_string())?;
    }
    println!("   writing {}", file.display());
    std::fs::write(file, bytes).map_err(|e| format!("{}: {e}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const TWO: &[Generator] = &[Generator { name: "two", owns: &["out/", "one.txt"], make: two }];

    fn two(_: &Path) -> Outcome<Files> {
        let file = |path: &str| (path.to_owned(), path.as_bytes().to_vec());
        Ok(Files::from([file("out/a/b.txt"), file("one.txt")]))
    }

    fn repository() -> Scratch {
        let dir = Scratch::new();
        git(dir.path(), &["init", "-q"]);
        dir
    }

    fn git(dir: &Path, args: &[&str]) {
        Cmd::new("git").dir(dir).args(args).capture().unwrap();
    }

    #[test]
    fn written_and_committed_files_compare_equal() {
        let dir = repository();
        let missing = run_all(dir.path(), Mode::Compare, TWO).unwrap_err();
        assert!(missing.contains("one.txt: out of date"), "{missing}");
        run_all(dir.path(), Mode::Write, TWO).unwrap();
        let untracked = run_all(dir.path(), Mode::Compare, TWO).unwrap_err();
        assert!(untracked.contains("out/a/b.txt: not committed"), "{untracked}");
        git(dir.path(), &["add", "."]);
        run_all(dir.path(), Mode::Compare, TWO).unwrap();
    }

    #[test]
    fn changed_and_stale_files_are_found_and_mended() {
        let dir = repository();
        run_all(dir.path(), Mode::Write, TWO).unwrap();
        std::fs::write(dir.path().join("one.txt"), "edited by hand").unwrap();
        std::fs::write(dir.path().join("out/old.txt"), "").unwrap();
        git(dir.path(), &["add", "."]);
        let found = run_all(dir.path(), Mode::Compare, TWO).unwrap_err();
        assert!(found.contains("one.txt: out of date"), "{found}");
        assert!(found.contains("out/old.txt: no longer generated"), "{found}");
        run_all(dir.path(), Mode::Write, TWO).unwrap();
        run_all(dir.path(), Mode::Compare, TWO).unwrap();
        assert!(!dir.path().join("out/old.txt").exists());
    }

    /// What is generated is marked for git, for reviewers and for tidy, which all read one file.
    #[test]
    fn everything_owned_is_marked_as_generated() {
        let attributes = include_str!("../../../.gitattributes");
        for own in GENERATORS.iter().flat_map(|generator| generator.owns) {
            let pattern = if own.ends_with('/') { format!("{own}**") } else { (*own).to_owned() };
            let line = format!("{pattern} linguist-generated");
            assert!(attributes.lines().any(|l| l == line), "`{line}` is not in .gitattributes");
        }
    }

    #[test]
    fn a_generator_writes_only_what_it_owns() {
        let dir = repository();
        let stray = Generator { name: "stray", owns: &["elsewhere/"], make: two };
        let said = run_all(dir.path(), Mode::Write, &[stray]).unwrap_err();
        assert!(said.contains("which it does not own"), "{said}");
        assert!(!dir.path().join("one.txt").exists());
    }
}
