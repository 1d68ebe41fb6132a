//! The reader of delimited files against files that nobody on this project wrote: every fact that
//! the manifest of the shared fixtures states.

use rust_decimal::Decimal;
use serde_json::Value;

use super::*;

/// Files that cannot be read without a profile, why, and the profile that answers.
const UNDECIDABLE: &[(&str, &str, &str)] = &[
    (
        "csv/b2y-uk-account.csv",
        "one row dated 10/02/2018 and no other hint",
        r#"{"date_order":"dmy"}"#,
    ),
    ("csv/csv2ofx-payoneer.csv", "every row is dated 05/03/2021", r#"{"date_order":"dmy"}"#),
    ("csv/ledger-convert5.csv", "two rows, 01/01/2011 and 01/02/2011", r#"{"date_order":"mdy"}"#),
    (
        "csv/b2y-posb-sg.csv",
        "no header, one row, one amount without sign beside an empty column",
        r#"{"columns":[{"role":"debit","index":2},{"role":"credit","index":3}]}"#,
    ),
    (
        "csv/b2y-no-header-card.csv",
        "no header, one row, one amount without sign beside an empty column",
        r#"{"columns":[{"role":"debit","index":6},{"role":"credit","index":5}]}"#,
    ),
];

struct Fixture {
    file: String,
    bytes: Vec<u8>,
    expect: String,
    importable: Option<u64>,
    facts: Value,
}

fn fixtures() -> Vec<Fixture> {
    let Some(folder) = shared::fixtures() else { return Vec::new() };
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("fixtures.json")).unwrap()).unwrap();
    let entries = manifest["entries"].as_array().unwrap();
    let derived = manifest["derived"].as_array().unwrap();
    let mut all = Vec::new();
    for entry in entries.iter().chain(derived) {
        let file = entry["file"].as_str().unwrap().to_owned();
        if !file.ends_with(".csv") || !(file.starts_with("csv/") || file.starts_with("derived/")) {
            continue;
        }
        let same = entry["facts"]["same_as"].as_str();
        let source = same.and_then(|same| entries.iter().find(|other| other["file"] == same));
        let source = source.unwrap_or(entry);
        let bytes = std::fs::read(folder.join(&file)).unwrap();
        all.push(Fixture {
            file,
            bytes,
            expect: source["expect"].as_str().unwrap_or("ok").to_owned(),
            importable: source["importable"].as_u64(),
            facts: source["facts"].clone(),
        });
    }
    assert!(all.len() >= 42, "the manifest lost files");
    all
}

/// What differs from the facts; empty where all agree.
fn differences(fixture: &Fixture, parsed: &Parsed) -> Vec<String> {
    let facts = &fixture.facts;
    let rows: Vec<_> =
        parsed.statements.iter().flat_map(|statement| statement.rows.iter()).collect();
    let mut found = Vec::new();
    let mut compare = |what: &str, expected: Option<String>, got: String| {
        if let Some(expected) = expected.filter(|expected| *expected != got) {
            found.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    let booked = rows.iter().filter(|row| !row.pending).count();
    let count = fixture.importable.or(facts["n_transactions"].as_u64());
    compare("n", count.map(|n| n.to_string()), booked.to_string());
    let sum: Decimal = rows.iter().filter(|row| !row.pending).map(|row| row.amount.decimal()).sum();
    let expected = facts["sum"].as_str().map(|sum| sum.parse::<Decimal>().unwrap().normalize());
    compare("sum", expected.map(|sum| sum.to_string()), sum.normalize().to_string());
    for (what, date) in [
        ("first", rows.iter().map(|row| row.booking_date).min()),
        ("last", rows.iter().map(|row| row.booking_date).max()),
    ] {
        let expected = facts[what].as_str().map(str::to_owned);
        compare(what, expected, date.map_or_else(String::new, |date| date.to_string()));
    }
    if let Some(expected) = facts["currencies"].as_array() {
        let expected: Vec<&str> = expected.iter().filter_map(Value::as_str).collect();
        let mut got: Vec<&str> = parsed
            .statements
            .iter()
            .flat_map(|statement| {
                let own = statement.rows.iter().filter_map(|row| row.currency);
                statement.currency.as_deref().into_iter().chain(own)
            })
            .collect();
        got.sort_unstable();
        got.dedup();
        compare("currencies", Some(expected.join(" ")), got.join(" "));
    }
    if fixture.expect == "ok" {
        compare(
            "problems",
            Some(String::new()),
            format!("{:?}", parsed.problems).replace("[]", ""),
        );
    } else if parsed.problems.is_empty() {
        compare("problems", Some("some".to_owned()), "none".to_owned());
    }
    if let Some(expected) = facts["rows_that_must_be_reported"].as_u64() {
        compare("reported", Some(expected.to_string()), parsed.problems.len().to_string());
    }
    found
}

#[test]
fn every_fixture_is_detected_as_delimited_text() {
    // Holds: the format of every delimited fixture is recognised from its bytes.
    for fixture in fixtures() {
        assert_eq!(detect(&fixture.bytes), Some(Format::Csv), "{}", fixture.file);
    }
}

#[test]
fn every_fixture_yields_its_facts_without_a_profile() {
    // Holds: count, sum, days, currency and problems of every file that can be decided.
    let mut wrong = Vec::new();
    for fixture in fixtures() {
        if UNDECIDABLE.iter().any(|(file, ..)| *file == fixture.file) {
            continue;
        }
        let differences = differences(&fixture, &read(&fixture.bytes, None));
        if !differences.is_empty() {
            wrong.push(format!("{}: {}", fixture.file, differences.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn undecidable_fixtures_are_reported_and_answered_by_a_profile() {
    // Holds: what can be read in two ways is one problem that names line and field and no row; a
    // stated profile then yields the facts.
    for fixture in fixtures() {
        let Some((_, why, profile)) = UNDECIDABLE.iter().find(|known| known.0 == fixture.file)
        else {
            continue;
        };
        let open = read(&fixture.bytes, None);
        assert!(open.statements.is_empty(), "{}: {why}", fixture.file);
        assert_eq!(open.problems.len(), 1, "{}: {why}", fixture.file);
        let problem = &open.problems[0];
        assert_eq!(problem.code.as_str(), "ambiguous_file", "{}", fixture.file);
        assert!(problem.line.is_some() && problem.field.is_some(), "{}", fixture.file);
        let differences = differences(&fixture, &read(&fixture.bytes, Some(profile)));
        assert!(differences.is_empty(), "{}: {}", fixture.file, differences.join("; "));
    }
}

#[test]
fn other_formats_are_not_taken_for_delimited_text() {
    // Holds: no fixture of another format is taken for delimited text.
    let Some(folder) = shared::fixtures() else { return };
    for kind in ["camt", "mt940", "ofx", "qif", "plaid", "ledger"] {
        for entry in std::fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert_ne!(detect(&bytes), Some(Format::Csv), "{}", path.display());
        }
    }
}
