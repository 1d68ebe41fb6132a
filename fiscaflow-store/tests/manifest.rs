//! The quickstart as its users meet it: its answers to good and bad requests, and its `--json`
//! against the facts of real files, collected beside this repository.
//!
//! Where the collection is missing, the tests that need it are skipped.

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

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
    if let Some(expected) = facts["n_transactions"].as_u64() {
        compare("transactions", expected.to_string(), total.to_string());
    }
    if total > 0 {
        let sums = statements.iter().filter_map(|it| it["sum"].as_str());
        let sum: rust_decimal::Decimal =
            sums.map(|sum| sum.parse::<rust_decimal::Decimal>().unwrap()).sum();
        // The manifest keeps Plaid's own sign: money that leaves is positive.
        let turned = entry["file"].as_str().is_some_and(|file| file.starts_with("plaid/"));
        let sum = if turned { -sum } else { sum };
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
                // A fact that the manifest does not state is none.
                let Some(expected) = expected[member].as_str() else { continue };
                let found = statement[member].as_str().unwrap_or_default();
                compare(member, expected.to_owned(), found.to_owned());
            }
        }
    }
    found
}

/// Of the files marked `ok`, all but some CSV files yield exactly their facts; every `problem`
/// file reports a problem, every `empty` file none; nothing panics; and a file given twice
/// imports nothing the second time. Prints the table.
#[test]
fn real_files_yield_their_facts() {
    let Some(fixtures) = shared::fixtures() else { return };
    let manifest = std::fs::read(fixtures.join("fixtures.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut failures = Vec::new();
    for (format, needed_percent) in
        [("ofx", 100), ("csv", 80), ("camt", 100), ("mt940", 100), ("qif", 100), ("plaid", 100)]
    {
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

const TEA: &str = "<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>1</BANKACCTFROM><BANKTRANLIST>\
    <STMTTRN><DTPOSTED>20260301<TRNAMT>-1.00<NAME>TEA</STMTTRN></BANKTRANLIST></STMTRS></OFX>";

/// Exit code, standard output and standard error for some arguments in a folder.
fn run<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> (i32, String, String) {
    let output = Command::new(program()).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let stderr = text(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code().unwrap_or(-1), text(&output.stdout), stderr)
}

/// `--help` answers on standard output with code 0, a command line that is not understood on
/// standard error with 64; neither makes a database.
#[test]
fn the_command_line_is_understood_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    for help in ["--help", "-h"] {
        let (code, out, err) = run(folder.path(), &["--db", "x.sqlite", help]);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.starts_with("usage: quickstart") && out.contains("--date-order"), "{out}");
    }
    for wrong in [
        &["--bogus"][..],
        &["-x"],
        &["-"],
        &["--db"],
        &["--date-order"],
        &["--date-order", "myd"],
        &["--jsonn", "march.ofx"],
    ] {
        let (code, out, err) = run(folder.path(), wrong);
        assert_eq!((code, out.as_str()), (64, ""), "{wrong:?}");
        assert!(err.contains("usage: quickstart"), "{wrong:?}: {err}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A bare path is a file; `--` ends the options; without `--db` each run has a database of its own,
/// in cargo's target directory, and no run takes away another one's.
#[test]
fn databases_lie_where_they_are_expected() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("--march.ofx"), TEA).unwrap();
    let (code, out, _) = run(folder.path(), &["--db", "my.sqlite", "--", "--march.ofx"]);
    assert!(code == 0 && out.contains("--march.ofx: 1 new"), "{out}");
    assert!(folder.path().join("my.sqlite").is_file());
    let fresh = || {
        let (code, out, _) = run(folder.path(), &["--", "--march.ofx"]);
        assert!(code == 0 && out.contains("--march.ofx: 1 new"), "{out}");
        PathBuf::from(out.lines().next().unwrap().strip_prefix("Imported into ").unwrap())
    };
    let (first, second) = (fresh(), fresh());
    assert_ne!(first, second);
    let target = program().ancestors().nth(3).unwrap().to_path_buf();
    for path in [first, second] {
        assert!(path.starts_with(&target) && path.is_file(), "{}", path.display());
        std::fs::remove_file(path).unwrap();
    }
}

/// Changes a file behind the engine's back.
fn change(path: &Path, sql: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let connected = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await;
        let mut connection = connected.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    });
}

/// `verify` checks every book of a database, says what does not fit and since when, and ends with
/// code 1 then; a database that is not there is not made.
#[test]
fn a_database_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("march.ofx"), TEA).unwrap();
    let (code, ..) = run(folder.path(), &["--db", "my.sqlite", "march.ofx"]);
    assert_eq!(code, 0);
    let (code, out, err) = run(folder.path(), &["verify", "--db", "my.sqlite"]);
    assert!(code == 0 && out.contains(": verified, "), "{out}");
    assert!(err.contains("commits") && err.contains("transactions"), "{err}");

    change(&folder.path().join("my.sqlite"), "UPDATE transactions SET amount_minor = -900");
    let (code, out, _) = run(folder.path(), &["verify", "--db", "my.sqlite"]);
    assert!(code == 1 && out.contains("is other than commit") && out.contains("`amount`"), "{out}");
    let (code, out, _) = run(folder.path(), &["verify", "--db", "my.sqlite", "--json"]);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["verified"]), (1, &Value::Bool(false)));
    let finding = &answer["books"][0]["verification"]["findings"][0];
    assert_eq!(finding["kind"], "transaction");
    assert_eq!(finding["fields"], serde_json::json!(["amount"]));

    let (code, out, err) = run(folder.path(), &["verify", "--db", "absent.sqlite"]);
    assert!(code == 1 && out.is_empty() && err.contains("no such database"), "{err}");
    assert!(!folder.path().join("absent.sqlite").exists());
    let other = "018f5a2c-0000-7000-8000-000000000002";
    let (code, ..) = run(folder.path(), &["verify", "--db", "my.sqlite", "--book", other]);
    assert_eq!(code, 1);
    for wrong in [&["verify"][..], &["verify", "--db", "my.sqlite", "march.ofx"]] {
        assert_eq!(run(folder.path(), wrong).0, 64, "{wrong:?}");
    }
}

/// A reader that goes away after the first line ends the program quietly.
#[test]
fn a_reader_that_leaves_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(program())
        .current_dir(folder.path())
        .args(["--db", "memory:"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

/// The report is the same, byte for byte, wherever the machine is; only the hash of the newest
/// commit is another in each run.
#[test]
fn the_report_is_the_same_in_every_zone() {
    let Some(zones) = shared::zones() else { return };
    for arguments in [&["--db", "memory:"][..], &["--db", "memory:", "--json"]] {
        let [one, other] = zones.map(|zone| {
            let output = Command::new(program()).env("TZ", zone).args(arguments).output().unwrap();
            assert!(output.status.success(), "{zone}");
            let text = String::from_utf8(output.stdout).unwrap();
            let is_hash = |word: &&str| word.len() == 64;
            let hash = text.split(|c: char| !c.is_ascii_hexdigit()).find(is_hash);
            hash.map_or_else(|| text.clone(), |hash| text.replace(hash, ""))
        });
        assert_eq!(one, other);
        assert!(one.len() > 200, "{one}");
    }
}

/// File names are bytes, not texts.
#[cfg(target_os = "linux")]
#[test]
fn file_names_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"m\xffrch.ofx");
    std::fs::write(folder.path().join(name), TEA).unwrap();
    for json in ["--json", "--"] {
        let arguments = [OsStr::new("--db"), OsStr::new("memory:"), OsStr::new(json), name];
        let (code, out, _) = run(folder.path(), &arguments);
        assert_eq!(code, 0, "{out}");
    }
}

/// A database that cannot be opened is one JSON object for programs and a line for people, and its
/// code is 1.
#[test]
fn a_failure_is_json_too() {
    let folder = tempfile::tempdir().unwrap();
    for (db, message) in [("mysql:x", "`mysql:` names no store"), ("no/x.db", "directory")] {
        let (code, out, err) = run(folder.path(), &["--json", "--db", db]);
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &json["error"]["code"]), (1, &"invalid_input".into()));
        assert_eq!(json["error"]["field"], "url");
        assert_eq!(json["error"]["lane"], "rejected");
        let said = json["error"]["message"].as_str().unwrap();
        assert!(said.contains(message) && err.contains(message), "{said}; {err}");
    }
}

/// What is wrong with a file is said in words, with what to do about it; sections without content
/// are left out.
#[test]
fn the_report_tells_people_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("empty.ofx", "");
    write("prose.txt", "Dear Sir or Madam,\n");
    write("open.csv", "Date,Description,Amount\n01/02/2026,TEA,-1.00\n03/04/2026,TEA,-2.00\n");
    write("open.qif", "!Type:Bank\nD01/02/2026\nT-1.00\n^\n");
    let files = ["--db", "memory:", "absent", "empty.ofx", "prose.txt", "open.csv"];
    let (code, out, _) = run(folder.path(), &files);
    assert_eq!(code, 2);
    for part in ["no such file", "the file is empty", "readers for OFX", "--date-order dmy"] {
        assert!(out.contains(part), "`{part}` is missing: {out}");
    }
    assert!(!out.contains("Budgets") && !out.contains("Balances"), "{out}");
    let (code, out, _) = run(folder.path(), &["--db", "memory:", "open.qif"]);
    assert!(code == 2 && out.contains("--date-order dmy"), "{out}");
    for (order, day) in [("dmy", "2026-02-01"), ("mdy", "2026-01-02")] {
        for file in ["open.csv", "open.qif"] {
            let (code, out, _) =
                run(folder.path(), &["--db", "memory:", "--date-order", order, file]);
            assert!(code == 0 && out.contains(day), "{out}");
        }
    }
}

/// Rows that were left out are not counted as transactions, one is not several, and a budget in
/// another currency than the file's is not shown.
#[test]
fn the_report_counts_what_was_taken() {
    let folder = tempfile::tempdir().unwrap();
    let row = "<STMTTRN><DTPOSTED>20260302<TRNAMT>-1.234<NAME>TEA</STMTTRN></BANKTRANLIST>";
    let text = TEA.replace("EUR", "NZD").replace("</BANKTRANLIST>", row);
    std::fs::write(folder.path().join("march.ofx"), text).unwrap();
    std::fs::write(folder.path().join("tea.ofx"), TEA.replace("EUR", "NZD")).unwrap();
    let (code, out, _) = run(folder.path(), &["--db", "memory:", "march.ofx", "tea.ofx"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("march.ofx: 1 new, 0 known already, 1 problem\n"), "{out}");
    assert!(out.contains("1: 1 of 2 transactions, "), "{out}");
    assert!(out.contains("1: 1 transaction, 2026-03-01 to 2026-03-01, sum -1.00 NZD"), "{out}");
    assert!(out.contains("(no category)") && !out.contains("Budgets"), "{out}");
}
