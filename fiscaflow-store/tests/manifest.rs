//! The quickstart's `--json` against the facts of real files, collected beside this repository.
//!
//! Where the collection is missing, these tests are skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "../../fiscaflow-core/tests/shared/mod.rs"]
mod shared;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The quickstart's exit code and JSON for some files, in one fresh book.
fn quickstart(files: &[&Path]) -> (i32, Value) {
    let output = Command::new(program()).args(["--json", "--db", "memory:"]).args(files).output();
    let output = output.expect("the quickstart runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{files:?}: {stderr}");
    let json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{files:?}: not one JSON object: {error}; {stderr}"));
    (output.status.code().unwrap_or(-1), json)
}

/// The built quickstart. Cargo builds examples with the tests, but not when one test alone is asked
/// for: then the program may be absent or older than its sources.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this program's path");
    let profile = test.parent().and_then(Path::parent).expect("cargo's directories");
    let program = profile.join("examples/quickstart");
    static BUILT: std::sync::Once = std::sync::Once::new();
    BUILT.call_once(|| {
        let changed = |path: &Path| std::fs::metadata(path).and_then(|it| it.modified()).ok();
        if changed(&program) < newest_source() {
            let build = ["build", "-p", "fiscaflow-store", "--example", "quickstart"];
            let status = Command::new(env!("CARGO")).args(build).status().expect("cargo runs");
            assert!(status.success(), "the quickstart does not build");
        }
    });
    program
}

/// When the newest source of core, store or quickstart was written.
fn newest_source() -> Option<std::time::SystemTime> {
    let store = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders =
        ["src", "examples", "../fiscaflow-core/src"].map(|it| store.join(it)).to_vec();
    let mut newest = None;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let entry = entry.expect("a source");
            let about = entry.metadata().expect("what the system knows of it");
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                newest = newest.max(about.modified().ok());
            }
        }
    }
    newest
}

/// A decimal without needless zeros, so that texts can be compared.
fn plain(number: &str) -> String {
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    if number == "-0" { "0".to_owned() } else { number.to_owned() }
}

/// What of a file's facts the quickstart did not meet, in words.
fn differences(entry: &Value, file: &Value) -> Vec<String> {
    let facts = &entry["facts"];
    let statements = file["statements"].as_array().cloned().unwrap_or_default();
    let total: u64 = statements.iter().filter_map(|it| it["transactions"].as_u64()).sum();
    let mut found = Vec::new();
    let mut compare = |what: &str, expected: String, actual: String| {
        if expected != actual {
            found.push(format!("{what} {actual}, not {expected}"));
        }
    };
    compare("transactions", facts["n_transactions"].to_string(), total.to_string());
    if total > 0 {
        let sums = statements.iter().filter_map(|it| it["sum"].as_str());
        let sum: rust_decimal::Decimal =
            sums.map(|sum| sum.parse::<rust_decimal::Decimal>().unwrap()).sum();
        let expected = facts["sum"].as_str().unwrap_or_default();
        compare("sum", plain(expected), plain(&sum.to_string()));
        let dates = |name: &'static str| statements.iter().filter_map(move |it| it[name].as_str());
        if let Some(first) = facts["first"].as_str() {
            compare("first", first.into(), dates("first").min().unwrap_or_default().into());
        }
        if let Some(last) = facts["last"].as_str() {
            compare("last", last.into(), dates("last").max().unwrap_or_default().into());
        }
    }
    if let Some(expected) = facts["statements"].as_array() {
        for (expected, statement) in expected.iter().zip(&statements) {
            for member in ["account", "currency"] {
                let expected = expected[member].as_str().unwrap_or_default().to_owned();
                compare(member, expected, statement[member].as_str().unwrap_or_default().into());
            }
        }
    }
    found
}

/// Of the files marked `ok`, at least 90 % of the OFX and 60 % of the CSV files yield exactly their
/// facts; every `problem` file reports a problem, every `empty` file none; nothing panics; and a
/// file given twice imports nothing the second time. Prints the table.
#[test]
fn real_files_yield_their_facts() {
    let Some(fixtures) = shared::fixtures() else { return };
    let manifest = std::fs::read(fixtures.join("fixtures.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut failures = Vec::new();
    for (format, needed_percent) in [("ofx", 90), ("csv", 60)] {
        let (mut good, mut all) = (0_u32, 0_u32);
        for entry in manifest["entries"].as_array().unwrap() {
            let name = entry["file"].as_str().unwrap();
            if !name.starts_with(&format!("{format}/")) {
                continue;
            }
            let path = fixtures.join(name);
            let (code, answer) = quickstart(&[&path, &path]);
            let (file, again) = (&answer["files"][0], &answer["files"][1]);
            if again["imported"] != 0 {
                failures.push(format!("{name}: imported {} the second time", again["imported"]));
            }
            if answer["history"]["verified"] != true {
                failures.push(format!("{name}: the history does not verify"));
            }
            let problems = file["problems"].as_array().map_or(0, Vec::len);
            let differences = differences(entry, file);
            let verdict = match entry["expect"].as_str().unwrap() {
                "ok" => {
                    all += 1;
                    if differences.is_empty() {
                        good += 1;
                    }
                    if differences.is_empty() { "ok".to_owned() } else { differences.join("; ") }
                }
                "empty" if problems == 0 && file["imported"] == 0 && code == 0 => {
                    "empty".to_owned()
                }
                "problem" if problems > 0 => "problem".to_owned(),
                expected => {
                    failures.push(format!("{name}: should be `{expected}`: {file}"));
                    "WRONG".to_owned()
                }
            };
            println!("{name:<48} {problems:>3} problems  {verdict}");
        }
        println!("{format}: {good} of {all} files marked ok yield exactly their facts");
        if good * 100 < all * needed_percent {
            failures.push(format!("{format}: {good} of {all} is below {needed_percent} %"));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Two files with common entries give what one file of the union gives, in either order.
#[test]
fn overlapping_files_equal_their_union() {
    let Some(fixtures) = shared::fixtures() else { return };
    let (a, b) = (fixtures.join("derived/overlap-a.ofx"), fixtures.join("derived/overlap-b.ofx"));
    let whole = fixtures.join("ofx/actual-data.ofx");
    for files in [[&*a, &*b, &*whole], [&*b, &*a, &*whole]] {
        let (code, answer) = quickstart(&files);
        let counts = |name: &str| [0, 1, 2].map(|place| answer["files"][place][name].clone());
        assert_eq!(counts("imported"), [7, 3, 0].map(Value::from));
        assert_eq!(counts("duplicates"), [0, 4, 10].map(Value::from));
        assert_eq!(code, 0);
    }
}

/// A file that cannot be read gives exit code 2 and a problem; the others are imported.
#[test]
fn unreadable_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let prose = folder.path().join("prose.txt");
    std::fs::write(&prose, "Dear Sir or Madam,\n").unwrap();
    let statement = folder.path().join("march.ofx");
    std::fs::write(&statement, "<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>1</BANKACCTFROM><BANKTRANLIST><STMTTRN><DTPOSTED>20260301<TRNAMT>-1.00<NAME>TEA</STMTTRN></BANKTRANLIST></STMTRS></OFX>").unwrap();
    let (code, answer) = quickstart(&[&prose, &folder.path().join("absent"), &statement]);
    assert_eq!(code, 2);
    assert_eq!(answer["files"][0]["problems"][0]["code"], "unknown_format");
    assert_eq!(answer["files"][1]["problems"][0]["field"], "path");
    assert_eq!(answer["files"][2]["imported"], 1);
    assert_eq!(answer["history"]["verified"], true);
}
