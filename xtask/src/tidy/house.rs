//! Rules that look at the tree as a whole: the pages that must be there, what they must name,
//! and the manifests that inherit from the root.

use super::{Finding, SourceFile, Weight};

/// The pages a visitor looks for.
const PAGES: [&str; 8] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "deny.toml",
    "rustfmt.toml",
];

/// What the core must not depend on: it is pure, and every arrow points to it.
const NOT_IN_CORE: [&str; 9] =
    ["fiscaflow-", "tokio", "sqlx", "getrandom", "rand", "reqwest", "axum", "pyo3", "napi"];
/// What the stores must not depend on: whoever uses them.
const NOT_IN_STORE: [&str; 5] =
    ["fiscaflow-server", "fiscaflow-python", "fiscaflow-node", "fiscaflow-mobile", "axum"];

/// Everything that the rules find in the tree.
pub fn check_tree(files: &[SourceFile]) -> Vec<Finding> {
    let tree = Tree { files };
    let mut found = Vec::new();
    for page in PAGES.iter().filter(|page| tree.text(page).is_none()) {
        found.push(error(page, "is missing"));
    }
    changelog(&tree, &mut found);
    for member in tree.members() {
        readme_names(&tree, member, &mut found);
        manifest(&tree, member, &mut found);
    }
    found
}

struct Tree<'a> {
    files: &'a [SourceFile],
}

impl<'a> Tree<'a> {
    fn text(&self, path: &str) -> Option<&'a str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// The members that the root manifest lists.
    fn members(&self) -> Vec<&'a str> {
        let manifest = self.text("Cargo.toml").unwrap_or_default();
        let list = manifest.split_once("\nmembers").and_then(|(_, rest)| rest.split_once(']'));
        let quoted = list.map(|(list, _)| list.split('"').skip(1).step_by(2));
        quoted.into_iter().flatten().collect()
    }
}

fn error(path: &str, what: impl Into<String>) -> Finding {
    Finding { weight: Weight::Error, path: path.to_owned(), line: 0, what: what.into() }
}

/// A change and the words about it come in one commit, so there is always a place for them.
fn changelog(tree: &Tree<'_>, found: &mut Vec<Finding>) {
    let Some(text) = tree.text("CHANGELOG.md") else { return };
    if !text.lines().any(|line| line.trim_end() == "## [Unreleased]") {
        found.push(error("CHANGELOG.md", "has no section `## [Unreleased]`"));
    }
}

/// The front page names every crate: what is not named there is not found.
fn readme_names(tree: &Tree<'_>, member: &str, found: &mut Vec<Finding>) {
    let Some(text) = tree.text("README.md") else { return };
    if !text.contains(member) {
        found.push(error("README.md", format!("does not name the crate `{member}`")));
    }
}

/// Lints, versions and the like are stated once, in the root manifest.
fn manifest(tree: &Tree<'_>, member: &str, found: &mut Vec<Finding>) {
    let path = format!("{member}/Cargo.toml");
    let Some(text) = tree.text(&path) else {
        found.push(error(&path, "is missing, but the root manifest lists it"));
        return;
    };
    if !text.contains("[lints]\nworkspace = true") {
        found.push(error(&path, "does not inherit the workspace's lints"));
    }
    let mut section = "";
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim().trim_end_matches(".workspace"), value.trim());
        let stated = value.starts_with('"') || value.contains("version =");
        if section.ends_with("dependencies]") && !name.starts_with('#') && stated {
            let what = format!("the version of `{name}` belongs into the root manifest");
            found.push(Finding { line: number + 1, ..error(&path, what) });
        }
        // A dev-dependency on oneself turns on a feature for one's own tests.
        let itself = section == "[dev-dependencies]" && name == member;
        if section.ends_with("dependencies]") && !itself && points_back(member, name) {
            let what = format!("`{member}` must not depend on `{name}`");
            found.push(Finding { line: number + 1, ..error(&path, what) });
        }
        if section == "[package]" && name == "readme" {
            let readme = format!("{member}/{}", value.trim_matches('"'));
            if tree.text(&readme).is_none() {
                found.push(error(&readme, "is missing, but its manifest names it"));
            }
        }
    }
}

/// Whether a dependency goes against the arrows: server and bindings use the stores, the stores
/// use the core, and nothing points back.
fn points_back(member: &str, dependency: &str) -> bool {
    // The verifier is smaller than the core and knows nothing of it.
    if dependency == "fiscaflow-verifier" {
        return false;
    }
    let banned: &[&str] = match member {
        "fiscaflow-core" => &NOT_IN_CORE,
        "fiscaflow-store" => &NOT_IN_STORE,
        _ => &[],
    };
    let fits = |ban: &str| dependency == ban || (ban.ends_with('-') && dependency.starts_with(ban));
    banned.iter().any(|ban| fits(ban))
}
