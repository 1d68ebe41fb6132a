//! The reader of delimited files against files that nobody on this project wrote: every fact that
//! the manifest of the shared fixtures states.

use rust_decimal::Decimal;
use serde_json::Value;

use super::*;

/// A file in which nothing decides between two readings.
struct Undecidable {
    file: &'static str,
    why: &'static str,
    /// What the problem's message says: both readings, and the field of the profile that decides.
    says: &'static [&'static str],
    /// The smallest profiles that give the facts.
    answers: &'static [&'static str],
    /// The profile that states the other reading, and what then differs from the facts.
    other: (&'static str, &'static str),
}

const UNDECIDABLE: &[Undecidable] = &[
    Undecidable {
        file: "csv/b2y-uk-account.csv",
        why: "one row dated 10/02/2018, in English and without a currency",
        says: &["`10/02/2018`", "2018-02-10 (`dmy`)", "2018-10-02 (`mdy`)", "`date_order`"],
        answers: &[r#"{"date_order":"dmy"}"#],
        other: (r#"{"date_order":"mdy"}"#, "first: expected 2018-02-10, got 2018-10-02"),
    },
    Undecidable {
        file: "csv/csv2ofx-payoneer.csv",
        why: "every row is dated 05/03/2021; `ofx/csv2ofx-payoneer.ofx` reads the same file the \
              other way round",
        says: &["`05/03/2021`", "2021-03-05 (`dmy`)", "2021-05-03 (`mdy`)", "`date_order`"],
        answers: &[r#"{"date_order":"dmy"}"#],
        other: (r#"{"date_order":"mdy"}"#, "first: expected 2021-03-05, got 2021-05-03"),
    },
    Undecidable {
        file: "csv/ledger-convert5.csv",
        why: "two rows in euros, dated 01/01/2011 and 01/02/2011",
        says: &["`01/02/2011`", "2011-02-01 (`dmy`)", "2011-01-02 (`mdy`)", "`date_order`"],
        answers: &[r#"{"date_order":"mdy"}"#],
        other: (r#"{"date_order":"dmy"}"#, "last: expected 2011-01-02, got 2011-02-01"),
    },
    Undecidable {
        file: "csv/b2y-posb-sg.csv",
        why: "no header, one row, one amount without sign before an empty column",
        says: &[
            "column 2",
            "column 3",
            "money out",
            "money in",
            "`debit`",
            "`credit`",
            "`columns`",
        ],
        answers: &[
            r#"{"columns":[{"role":"debit","index":2}]}"#,
            r#"{"columns":[{"role":"credit","index":3}]}"#,
            r#"{"sign":"positive_is_out"}"#,
        ],
        other: (r#"{"columns":[{"role":"credit","index":2}]}"#, "sum: expected -7.8, got 7.8"),
    },
    Undecidable {
        file: "csv/b2y-no-header-card.csv",
        why: "no header, one row, one amount without sign behind an empty column",
        says: &[
            "column 5",
            "column 6",
            "money out",
            "money in",
            "`debit`",
            "`credit`",
            "`columns`",
        ],
        answers: &[
            r#"{"columns":[{"role":"debit","index":6}]}"#,
            r#"{"columns":[{"role":"credit","index":5}]}"#,
            r#"{"sign":"positive_is_out"}"#,
        ],
        other: (r#"{"columns":[{"role":"debit","index":5}]}"#, "sum: expected -20.59, got 20.59"),
    },
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
        if UNDECIDABLE.iter().any(|known| known.file == fixture.file) {
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
fn undecidable_fixtures_are_reported_and_answered_by_the_smallest_profile() {
    // Holds: what can be read in two ways is one problem that names line, field, both readings and
    // the field of the profile that decides, and no row. A profile that states only this gives the
    // facts, all else being found; one that states the opposite gives the other reading.
    for fixture in fixtures() {
        let Some(known) = UNDECIDABLE.iter().find(|known| known.file == fixture.file) else {
            continue;
        };
        let (file, why) = (known.file, known.why);
        let open = read(&fixture.bytes, None);
        assert!(open.statements.is_empty(), "{file}: {why}");
        assert_eq!(open.problems.len(), 1, "{file}: {why}");
        let problem = &open.problems[0];
        assert_eq!(problem.code.as_str(), "ambiguous_file", "{file}");
        assert!(problem.line.is_some() && problem.field.is_some(), "{file}");
        for part in known.says {
            assert!(problem.message.contains(part), "{file}: {part} in {}", problem.message);
        }
        for answer in known.answers {
            let differences = differences(&fixture, &read(&fixture.bytes, Some(answer)));
            assert!(differences.is_empty(), "{file} {answer}: {}", differences.join("; "));
        }
        let (profile, expected) = known.other;
        let differences = differences(&fixture, &read(&fixture.bytes, Some(profile)));
        assert!(differences.iter().any(|found| found == expected), "{file}: {differences:?}");
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
