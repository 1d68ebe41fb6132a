//! Every QIF file of the shared fixture collection, compared with the facts of its manifest.
//!
//! Where the collection is missing, these tests are skipped.

use rust_decimal::Decimal;
use serde_json::Value;

use super::*;

#[test]
fn the_fixture_collection_is_read_as_its_manifest_says() {
    // Holds: every fact of every QIF file of the collection that a statement can hold, without any
    // stated order: count, sum, parts and days of the file, count and sum of each section.
    let Some(folder) = shared::fixtures() else { return };
    let manifest = std::fs::read(folder.join("fixtures.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut differences = Vec::new();
    let mut checked = 0;
    for entry in manifest["entries"].as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        if !file.starts_with("qif/") {
            continue;
        }
        checked += 1;
        let bytes = std::fs::read(folder.join(file)).unwrap();
        if detect(&bytes) != Some(Format::Qif) {
            differences.push(format!("{file}: not recognised"));
        }
        match parse(&bytes, &ParseOptions::default()) {
            Ok(parsed) => {
                let found = compare(&parsed, entry);
                differences.extend(found.into_iter().map(|found| format!("{file}: {found}")));
            }
            Err(error) => differences.push(format!("{file}: {error:?}")),
        }
    }
    eprintln!("{checked} QIF files of the collection compared with its manifest");
    assert!(checked > 0);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn files_that_the_manifest_calls_ambiguous_are_decided_by_what_they_hold() {
    // Holds: the days of the files whose numbers alone tell no order. In three of them month and
    // day are the same number; the fourth pads the day with a blank, as Quicken does.
    let Some(folder) = shared::fixtures() else { return };
    let days = |file: &str| -> Vec<String> {
        let bytes = std::fs::read(folder.join("qif").join(file)).unwrap();
        let parsed = read(&bytes).unwrap();
        let all = parsed.statements.iter().flat_map(|found| found.rows.iter());
        all.map(|row| row.booking_date.to_string()).collect()
    };
    assert_eq!(days("qif2json-utf8.qif"), ["2010-03-03"]);
    assert_eq!(days("quiffen-test_split.qif"), ["2000-01-01"]);
    assert_eq!(days("quiffen-test_unknown_account_type.qif"), ["2001-01-01"]);
    let padded = days("qif2json-normalTransactions.qif");
    assert_eq!(padded, ["1994-06-01", "1994-06-02", "1994-06-03"]);
}

#[test]
fn other_formats_of_the_collection_are_not_taken_for_qif() {
    // Holds: no CSV, MT940, OFX, CAMT, JSON or journal file is recognised as QIF.
    let Some(folder) = shared::fixtures() else { return };
    for format in ["camt", "csv", "ledger", "mt940", "ofx", "plaid", "reference", "categorization"]
    {
        for file in std::fs::read_dir(folder.join(format)).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert_ne!(detect(&bytes), Some(Format::Qif), "{}", path.display());
        }
    }
}

/// What differs between a parsed file and the facts of the manifest.
fn compare(parsed: &Parsed, entry: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = |what: &str, found: String, expected: String| {
        if found != expected {
            differences.push(format!("{what} is {found}, expected {expected}"));
        }
    };
    let facts = &entry["facts"];
    let all: Vec<Row<'_>> = parsed.statements.iter().flat_map(|found| found.rows.iter()).collect();
    check("problems", parsed.problems.len().to_string(), "0".to_owned());
    check("n", all.len().to_string(), facts["n_transactions"].to_string());
    check("sum", sum(&all), decimal(&facts["sum"]));
    let splits: usize = all.iter().map(|row| row.splits.len()).sum();
    check("n_splits", splits.to_string(), facts["n_splits"].to_string());
    let days = all.iter().map(|row| row.booking_date);
    for (name, day) in [("first", days.clone().min()), ("last", days.max())] {
        if let Some(expected) = facts[name].as_str() {
            check(name, day.unwrap().to_string(), expected.to_owned());
        }
    }
    let sections = facts["sections"].as_array().unwrap();
    let is_read = |section: &&Value| section["sum"].is_string();
    let sections: Vec<&Value> = sections.iter().filter(is_read).collect();
    check("statements", parsed.statements.len().to_string(), sections.len().to_string());
    for (statement, section) in parsed.statements.iter().zip(sections) {
        let rows: Vec<Row<'_>> = statement.rows.iter().collect();
        check("records", rows.len().to_string(), section["records"].to_string());
        check("sum of the section", sum(&rows), decimal(&section["sum"]));
    }
    differences
}

fn sum(rows: &[Row<'_>]) -> String {
    let sum: Decimal = rows.iter().map(|row| row.amount.decimal()).sum();
    sum.normalize().to_string()
}

fn decimal(fact: &Value) -> String {
    fact.as_str().unwrap().parse::<Decimal>().unwrap().normalize().to_string()
}
