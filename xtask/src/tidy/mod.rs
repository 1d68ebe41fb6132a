//! `tidy`: the rules of the house that neither rustfmt nor clippy can hold. A rule looks at the
//! files that git knows or would add, and answers with findings; errors fail the check, warnings
//! are shown. Each rule is described where it is written, in `rules.rs` and `house.rs`.

mod house;
mod rules;
mod rust_text;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use crate::shell::{Cmd, Outcome};

/// One text file of the tree.
#[derive(Debug)]
pub struct SourceFile {
    /// Path from the root of the repository, with slashes.
    pub path: String,
    /// The content.
    pub text: String,
    /// Whether `.gitattributes` calls it generated; such a file answers only for its content.
    pub generated: bool,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Shown, and nothing more.
    Warning,
    /// Fails the check.
    Error,
}

/// A place where a rule is broken.
#[derive(Debug)]
pub struct Finding {
    /// How much it weighs.
    pub weight: Weight,
    /// Path from the root of the repository.
    pub path: String,
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong, in a sentence.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.weight {
            Weight::Warning => write!(f, "warning: ")?,
            Weight::Error => write!(f, "error: ")?,
        }
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Checks the tree at `root`.
pub fn run(root: &Path) -> Outcome {
    let files = collect(root)?;
    let findings = check(&files);
    findings.iter().for_each(|finding| println!("{finding}"));
    let errors = findings.iter().filter(|f| f.weight == Weight::Error).count();
    println!("   {} files, {} findings", files.len(), findings.len());
    if errors == 0 { Ok(()) } else { Err(format!("{errors} errors")) }
}

/// All findings in `files`, in the order of the files.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = files.iter().flat_map(rules::check_file).collect();
    findings.extend(house::check_tree(files));
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}

/// The text files that git tracks or would add; what is not UTF-8 is no text.
pub fn collect(root: &Path) -> Outcome<Vec<SourceFile>> {
    let git = Cmd::new("git").dir(root).args(["ls-files", "-z", "--cached", "--others"]);
    let listed = git.arg("--exclude-standard").capture()?;
    let attributes = std::fs::read_to_string(root.join(".gitattributes")).unwrap_or_default();
    let generated = generated_patterns(&attributes);
    let mut files = Vec::new();
    for path in listed.split_terminator('\0') {
        // A file that is deleted but still in the index has nothing to say.
        let Ok(bytes) = std::fs::read(root.join(path)) else { continue };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let generated = generated.iter().any(|pattern| matches(pattern, path));
        files.push(SourceFile { path: path.to_owned(), text, generated });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The patterns that `.gitattributes` marks as `linguist-generated`.
fn generated_patterns(attributes: &str) -> Vec<&str> {
    let marked = |line: &&str| line.split_whitespace().skip(1).any(|a| a == "linguist-generated");
    attributes.lines().filter(marked).filter_map(|line| line.split_whitespace().next()).collect()
}

/// Whether a path fits a pattern; of git's patterns only a file and `dir/**` are in use here.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix("**") {
        Some(dir) => path.starts_with(dir),
        None => path == pattern,
    }
}
