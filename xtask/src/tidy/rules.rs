//! Rules that look at one file at a time.

use super::rust_text::{self, Line};
use super::{Finding, SourceFile, Weight};

/// Longest line of Rust, in characters; the width that rustfmt is set to.
const MAX_LINE: usize = 100;
/// Lines from which a hand-written file should be divided, and from which it must be.
const LONG_FILE: usize = 500;
const MAX_FILE: usize = 800;

/// Languages that are written by hand here.
const SOURCE: [&str; 11] =
    ["rs", "py", "pyi", "js", "mjs", "cjs", "ts", "mts", "kt", "swift", "sql"];

/// Crates in which amounts live: no binary float may come near them.
const EXACT: [&str; 2] = ["fiscaflow-core/src/", "fiscaflow-store/src/"];

/// What is about probabilities in these: no amount is computed there.
const PROBABLE: &str = "fiscaflow-core/src/learn/";

/// Everything that the rules find in one file.
pub fn check_file(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Findings { file, found: Vec::new() };
    machine_paths(&mut findings);
    if file.generated || !is_source(&file.path) {
        return findings.found;
    }
    size(&mut findings);
    leftovers(&mut findings);
    if file.path.ends_with(".rs") {
        let lines = rust_text::split(&file.text);
        header(&mut findings);
        line_length(&mut findings, &lines);
        rust_leftovers(&mut findings, &lines);
        floats(&mut findings, &lines);
    }
    findings.found
}

struct Findings<'a> {
    file: &'a SourceFile,
    found: Vec<Finding>,
}

impl Findings<'_> {
    fn error(&mut self, line: usize, what: impl Into<String>) {
        self.push(Weight::Error, line, what.into());
    }

    fn push(&mut self, weight: Weight, line: usize, what: String) {
        self.found.push(Finding { weight, path: self.file.path.clone(), line, what });
    }
}

fn is_source(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| SOURCE.contains(&extension))
}

/// A file of one subject stays short enough to be read.
fn size(findings: &mut Findings<'_>) {
    let lines = findings.file.text.lines().count();
    if lines > MAX_FILE {
        findings.error(0, format!("{lines} lines; divide it, {MAX_FILE} is the limit"));
    } else if lines > LONG_FILE {
        findings.push(Weight::Warning, 0, format!("{lines} lines; {LONG_FILE} is the aim"));
    }
}

/// Every Rust file says first what lives in it and why.
fn header(findings: &mut Findings<'_>) {
    let first = findings.file.text.lines().find(|line| !line.trim().is_empty());
    let says = |line: &str| line.starts_with("//!") || line.starts_with("#![doc = include_str!(");
    if !first.is_some_and(says) {
        findings.error(1, "begin the file with `//!`: what lives here, and why");
    }
}

/// Code and comments fit the page. Text in a string cannot be wrapped without changing it, and an
/// address not at all.
fn line_length(findings: &mut Findings<'_>, lines: &[Line]) {
    let text = findings.file.text.clone();
    for (number, (raw, line)) in text.lines().zip(lines).enumerate() {
        let width = line.code.chars().count() + line.comment.chars().count();
        if width > MAX_LINE && !raw.contains("://") {
            findings.error(number + 1, format!("{} characters wide", raw.chars().count()));
        }
    }
}

/// Words by which people mark what they mean to come back to. What is known to be missing stands
/// in the changelog or the tracker, where it is found.
fn leftovers(findings: &mut Findings<'_>) {
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("HA", "CK"), concat!("XX", "X:")];
    let text = findings.file.text.clone();
    for (number, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| has_word(line, word)) {
            findings.error(number + 1, format!("`{word}` is left in the code"));
        }
    }
}

/// Rust code that is there only while one works, and tests that are switched off in silence.
fn rust_leftovers(findings: &mut Findings<'_>, lines: &[Line]) {
    for (number, line) in lines.iter().enumerate() {
        for name in [concat!("db", "g!"), concat!("to", "do!"), concat!("unimplem", "ented!")] {
            if has_word(&line.code, name) {
                findings.error(number + 1, format!("`{name}` is left in the code"));
            }
        }
        if line.code.contains(concat!("#[", "ignore]")) {
            findings.error(number + 1, "a test that is ignored says why: `#[ignore = \"...\"]`");
        }
    }
}

/// Money, rates and percentages are exact: integers or decimals, nowhere a binary float. Only
/// serde's callback has one in its name and type, and it is where floats are refused.
fn floats(findings: &mut Findings<'_>, lines: &[Line]) {
    let path = &findings.file.path;
    if !EXACT.iter().any(|dir| path.starts_with(dir)) || path.starts_with(PROBABLE) {
        return;
    }
    for (number, line) in lines.iter().enumerate() {
        let refused = line.code.contains("fn visit_f");
        let float = ["f32", "f64"].iter().find(|float| has_word(&line.code, float));
        if let Some(float) = float.filter(|_| !refused) {
            findings.error(number + 1, format!("`{float}` in a crate whose numbers are exact"));
        }
    }
}

/// The tree is read on other machines: no directory of the one on which a line was written.
fn machine_paths(findings: &mut Findings<'_>) {
    if findings.file.path.ends_with(".lock") || findings.file.path.ends_with("-lock.json") {
        return;
    }
    let roots = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/fa", "rm/"),
        concat!("/tm", "p/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
    ];
    let text = findings.file.text.clone();
    for (number, line) in text.lines().enumerate() {
        if let Some(root) = roots.iter().find(|root| has_path(line, root)) {
            findings.error(number + 1, format!("`{root}` is a path of one machine"));
        }
    }
}

/// Whether `root` begins a path in `line`: in `https://host/a/b/` or `target/a/b/` it does not.
fn has_path(line: &str, root: &str) -> bool {
    line.match_indices(root).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/$}>~*".contains(c))
    })
}

/// Whether `word` stands in `line` as a word of its own.
fn has_word(line: &str, word: &str) -> bool {
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !in_word(before) && !in_word(after)
    })
}
