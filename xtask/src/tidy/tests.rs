//! Every rule is shown to fire, on a small tree that is otherwise in order.

use std::fs;
use std::path::Path;

use super::*;
use crate::scratch::Scratch;

/// A tree in order, in a temporary repository.
fn house() -> Scratch {
    let dir = Scratch::new();
    Cmd::new("git").dir(dir.path()).args(["init", "-q"]).capture().unwrap();
    let manifest = "[workspace]\nmembers = [\n    \"fiscaflow-core\",\n]\n";
    let member = "[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n\n[dependencies]\n\
                  serde.workspace = true\nutoipa = { workspace = true, optional = true }\n";
    for (path, text) in [
        ("Cargo.toml", manifest),
        ("README.md", "The crate `fiscaflow-core`.\n"),
        ("ARCHITECTURE.md", ""),
        ("CONTRIBUTING.md", ""),
        ("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n"),
        ("LICENSE-MIT", ""),
        ("LICENSE-APACHE", ""),
        ("deny.toml", ""),
        ("rustfmt.toml", ""),
        (".gitattributes", "made/** linguist-generated\none.py linguist-generated\n"),
        ("fiscaflow-core/Cargo.toml", member),
        ("fiscaflow-core/src/lib.rs", "//! The core.\n\nfn f() {}\n"),
    ] {
        put(dir.path(), path, text);
    }
    dir
}

fn put(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// What is found after one file was written into a tree in order.
fn found(path: &str, text: &str) -> Vec<String> {
    let dir = house();
    put(dir.path(), path, text);
    check(&collect(dir.path()).unwrap()).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_finds(path: &str, text: &str, expected: &str) {
    let found = found(path, text);
    assert!(found.iter().any(|f| f == expected), "{expected}\nis not in\n{found:#?}");
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[track_caller]
fn assert_clean(path: &str, text: &str) {
    assert_eq!(found(path, text), Vec::<String>::new());
}

#[test]
fn a_tree_in_order_has_no_findings() {
    let dir = house();
    assert!(check(&collect(dir.path()).unwrap()).is_empty());
    run(dir.path()).unwrap();
    put(dir.path(), "a.rs", "fn f() {}\n");
    assert_eq!(run(dir.path()).unwrap_err(), "1 errors");
}

#[test]
fn wide_lines() {
    let wide = format!("//! x\nfn {}() {{}}\n", "a".repeat(100));
    assert_finds("a.rs", &wide, "error: a.rs:2: 108 characters wide");
    assert_finds(
        "a.rs",
        &format!("//! x {}\n", "a ".repeat(60)),
        "error: a.rs:1: 126 characters wide",
    );
    assert_clean("a.rs", &format!("//! x\nconst A: &str = \"{}\";\n", "a".repeat(100)));
    assert_clean("a.rs", &format!("//! x\nconst A: &str = r\"\n{}\";\n", "a".repeat(101)));
    assert_clean("a.rs", &format!("//! <https://example.org/{}>\n", "a".repeat(100)));
    assert_clean("a.md", &"a".repeat(200));
}

#[test]
fn long_files() {
    let lines = |n: usize| "//! x\n".repeat(n);
    assert_clean("a.rs", &lines(500));
    assert_finds("a.rs", &lines(501), "warning: a.rs: 501 lines; 500 is the aim");
    assert_finds("a.py", &lines(801), "error: a.py: 801 lines; divide it, 800 is the limit");
    assert_clean("made/a.rs", &lines(801));
    assert_clean("one.py", &lines(801));
    assert_clean("a.json", &lines(801));
}

#[test]
fn files_without_a_header() {
    let expected = "error: a.rs:1: begin the file with `//!`: what lives here, and why";
    assert_finds("a.rs", "fn f() {}\n", expected);
    assert_finds("a.rs", "", expected);
    assert_clean("a.rs", "\n//! Why.\n");
    assert_clean("a.rs", "#![doc = include_str!(\"../README.md\")]\n");
}

#[test]
fn reminders() {
    for word in
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("HA", "CK"), concat!("XX", "X:")]
    {
        let expected = format!("`{word}` is left in the code");
        assert_finds(
            "a.rs",
            &format!("//! x\n// {word} later\n"),
            &format!("error: a.rs:2: {expected}"),
        );
        assert_finds("a.kt", &format!("// {word}\n"), &format!("error: a.kt:1: {expected}"));
        assert_clean("a.md", &format!("{word}\n"));
        assert_clean("a.rs", &format!("//! x\n// IN{word}\n"));
    }
}

#[test]
fn working_macros_and_silent_tests() {
    for name in [concat!("db", "g!"), concat!("to", "do!"), concat!("unimplem", "ented!")] {
        let expected = format!("error: a.rs:2: `{name}` is left in the code");
        assert_finds("a.rs", &format!("//! x\nfn f() {{ {name}(1) }}\n"), &expected);
        assert_clean("a.rs", &format!("//! x\nconst A: &str = \"{name}(1)\"; // {name}(1)\n"));
    }
    let ignored = format!("//! x\n{}\nfn f() {{}}\n", concat!("#[", "ignore]"));
    assert_finds(
        "a.rs",
        &ignored,
        "error: a.rs:2: a test that is ignored says why: `#[ignore = \"...\"]`",
    );
    assert_clean("a.rs", "//! x\n#[ignore = \"needs a day\"]\nfn f() {}\n");
}

#[test]
fn floats_near_money() {
    let text = "//! x\nfn f(x: f64) {}\n";
    let expected = "error: fiscaflow-core/src/money.rs:2: `f64` in a crate whose numbers are exact";
    assert_finds("fiscaflow-core/src/money.rs", text, expected);
    assert_clean("fiscaflow-core/src/money.rs", "//! no f64\nconst A: &str = \"f64\"; // f32\n");
    assert_clean("fiscaflow-core/src/money.rs", "//! x\nfn visit_f64(self, _: f64) {}\n");
    assert_clean("benches/src/main.rs", text);
    assert_clean("fiscaflow-core/src/learn/fit.rs", text);
}

#[test]
fn paths_of_one_machine() {
    for dir in ["work", "root", "farm", "tmp", "home", "Users"] {
        let expected = format!("error: a.md:1: `/{dir}/` is a path of one machine");
        assert_finds("a.md", &format!("see `/{dir}/a/b`\n"), &expected);
        assert_clean("a.md", &format!("https://example.org/{dir}/a and target/{dir}/a\n"));
        assert_clean("a.lock", &format!("/{dir}/a\n"));
    }
    assert_finds(
        "made/a.rs",
        &format!("{}x\n", concat!("/tm", "p/")),
        concat!("error: made/a.rs:1: `/tm", "p/` is a path of one machine"),
    );
}

#[test]
fn missing_pages() {
    let dir = house();
    fs::remove_file(dir.path().join("ARCHITECTURE.md")).unwrap();
    let findings = check(&collect(dir.path()).unwrap());
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["error: ARCHITECTURE.md: is missing"]);
}

#[test]
fn pages_without_what_they_must_name() {
    assert_finds(
        "CHANGELOG.md",
        "# 1.0\n",
        "error: CHANGELOG.md: has no section `## [Unreleased]`",
    );
    let expected = "error: README.md: does not name the crate `fiscaflow-core`";
    assert_finds("README.md", "hello\n", expected);
}

#[test]
fn manifests_that_go_their_own_way() {
    let path = "fiscaflow-core/Cargo.toml";
    let lints = "[lints]\nworkspace = true\n";
    let expected = format!("error: {path}: does not inherit the workspace's lints");
    assert_finds(path, "[package]\n", &expected);
    for line in ["serde = \"1\"", "serde = { version = \"1\" }"] {
        let text = format!("{lints}[dev-dependencies]\n{line}\n");
        let expected =
            format!("error: {path}:4: the version of `serde` belongs into the root manifest");
        assert_finds(path, &text, &expected);
    }
    let text = format!("{lints}[dependencies]\ntokio.workspace = true\n");
    assert_finds(
        path,
        &text,
        &format!("error: {path}:4: `fiscaflow-core` must not depend on `tokio`"),
    );
    let text = format!("[package]\nreadme = \"README.md\"\n{lints}");
    let expected = "error: fiscaflow-core/README.md: is missing, but its manifest names it";
    assert_finds(path, &text, expected);
    assert_clean(path, &format!("{lints}[features]\ncli = [\"a\"]\n"));
}
