//! Every MT940 and MT942 file of the shared fixture collection, compared with the facts of its
//! manifest.
//!
//! Where the collection is missing, these tests are skipped.

use serde_json::Value;

use super::*;

#[test]
fn the_fixture_collection_is_read_as_its_manifest_says() {
    // Holds: every fact of every MT940 and MT942 file of the collection that a statement can hold.
    let Some(folder) = shared::fixtures() else { return };
    let manifest = std::fs::read(folder.join("fixtures.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let entries = manifest["entries"].as_array().unwrap();
    let derived = manifest["derived"].as_array().unwrap();
    let facts_of = |file: &str| entries.iter().find(|entry| entry["file"] == file).unwrap();
    let mut differences = Vec::new();
    let mut checked = 0;
    for entry in entries.iter().chain(derived) {
        let file = entry["file"].as_str().unwrap();
        let original = entry["derived_from"].as_str().unwrap_or(file);
        if !original.starts_with("mt940/") {
            continue;
        }
        checked += 1;
        let bytes = std::fs::read(folder.join(file)).unwrap();
        if detect(&bytes) != Some(Format::Mt940) {
            differences.push(format!("{file}: not recognised"));
        }
        match parse(&bytes, &ParseOptions::default()) {
            Ok(parsed) => {
                let found = compare(&parsed, facts_of(original));
                differences.extend(found.into_iter().map(|found| format!("{file}: {found}")));
            }
            Err(error) => differences.push(format!("{file}: {error:?}")),
        }
    }
    eprintln!("{checked} MT940 files of the collection compared with its manifest");
    assert!(checked > 0);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn other_formats_of_the_collection_are_not_taken_for_mt940() {
    // Holds: no CSV, QIF, OFX, CAMT, JSON or journal file is recognised as MT940.
    let Some(folder) = shared::fixtures() else { return };
    for format in ["camt", "csv", "ledger", "ofx", "plaid", "qif", "reference", "categorization"] {
        for file in std::fs::read_dir(folder.join(format)).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert_ne!(detect(&bytes), Some(Format::Mt940), "{}", path.display());
        }
    }
}

/// What differs between a parsed file and the facts of the manifest. A problem file's rows may be
/// left out as far as the manifest does not say how many may come through.
fn compare(parsed: &Parsed, entry: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = |what: &str, found: String, expected: String| {
        if found != expected {
            differences.push(format!("{what} is {found}, expected {expected}"));
        }
    };
    let facts = &entry["facts"];
    let all: Vec<Row<'_>> = parsed.statements.iter().flat_map(|found| found.rows.iter()).collect();
    let is_problem = entry["expect"] == "problem";
    check("a problem", (!parsed.problems.is_empty()).to_string(), is_problem.to_string());
    let is_named = |problem: &fiscaflow_core::import::Problem| problem.line.is_some();
    check("a line", parsed.problems.iter().all(is_named).to_string(), "true".to_owned());
    if is_problem {
        let most = entry["importable"].as_u64().or(facts["n_transactions"].as_u64()).unwrap();
        check("too many rows", (all.len() as u64 > most).to_string(), "false".to_owned());
        return differences;
    }
    check("n", all.len().to_string(), facts["n_transactions"].to_string());
    check("sum", sum(&all), decimal(&facts["sum"]));
    let statements = facts["statements"].as_array().unwrap();
    check("statements", parsed.statements.len().to_string(), statements.len().to_string());
    for (found, fact) in parsed.statements.iter().zip(statements) {
        let text = |name: &str| fact[name].as_str().unwrap_or_default().to_owned();
        let rows: Vec<Row<'_>> = found.rows.iter().collect();
        check("account", found.account.clone().unwrap_or_default(), text("account"));
        if !fact["currency"].is_null() {
            check("currency", found.currency.clone().unwrap_or_default(), text("currency"));
        }
        check("n", rows.len().to_string(), fact["n"].to_string());
        check("sum", sum(&rows), decimal(&fact["sum"]));
        check("opening", amount(found.opening_balance), decimal(&fact["opening"]));
        check("closing", amount(found.closing_balance), decimal(&fact["closing"]));
        check("first value date", day_of(&rows, "first"), text("first_value_date"));
        check("last value date", day_of(&rows, "last"), text("last_value_date"));
        if let (Some(opening), Some(closing)) = (found.opening_balance, found.closing_balance) {
            let total: rust_decimal::Decimal = rows.iter().map(|row| row.amount.decimal()).sum();
            let balances = opening.decimal() + total == closing.decimal();
            check("balances", balances.to_string(), fact["balances"].to_string());
        }
    }
    differences
}

fn sum(rows: &[Row<'_>]) -> String {
    let sum: rust_decimal::Decimal = rows.iter().map(|row| row.amount.decimal()).sum();
    sum.normalize().to_string()
}

fn amount(amount: Option<Amount>) -> String {
    amount.map(|amount| amount.decimal().normalize().to_string()).unwrap_or_default()
}

fn decimal(fact: &Value) -> String {
    amount(fact.as_str().map(|text| text.parse().unwrap()))
}

fn day_of(rows: &[Row<'_>], which: &str) -> String {
    let days = rows.iter().filter_map(|row| row.value_date);
    let day = if which == "first" { days.min() } else { days.max() };
    day.map(|day| day.to_string()).unwrap_or_default()
}
