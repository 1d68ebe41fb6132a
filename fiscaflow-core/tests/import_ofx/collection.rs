//! Every OFX file of the shared fixture collection, compared with the facts of its manifest.
//!
//! Where the collection is missing, these tests are skipped.

use serde_json::Value;

use super::*;

#[test]
fn the_fixture_collection_is_read_as_its_manifest_says() {
    // Holds: every fact of every OFX file of the collection.
    let Some(folder) = shared::fixtures() else { return };
    let manifest = std::fs::read(folder.join("fixtures.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let entries = ["entries", "derived"].map(|list| manifest[list].as_array().unwrap().clone());
    let mut differences = Vec::new();
    let mut checked = 0;
    for entry in entries.concat() {
        let file = entry["file"].as_str().unwrap();
        if !(file.starts_with("ofx/") || file.ends_with(".ofx")) {
            continue;
        }
        checked += 1;
        let bytes = std::fs::read(folder.join(file)).unwrap();
        if detect(&bytes) != Some(Format::Ofx) {
            differences.push(format!("{file}: not recognised"));
        }
        match parse(&bytes, &ParseOptions::default()) {
            Ok(parsed) => {
                let found = compare(&parsed, &entry);
                differences.extend(found.into_iter().map(|found| format!("{file}: {found}")));
            }
            Err(error) => differences.push(format!("{file}: {error:?}")),
        }
    }
    eprintln!("{checked} OFX files of the collection compared with its manifest");
    assert!(checked > 0);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn other_formats_of_the_collection_are_not_taken_for_ofx() {
    // Holds: no CSV, QIF, MT940, CAMT, JSON or journal file is recognised as OFX.
    let Some(folder) = shared::fixtures() else { return };
    for format in ["camt", "csv", "ledger", "mt940", "plaid", "qif", "reference"] {
        for file in std::fs::read_dir(folder.join(format)).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert_ne!(detect(&bytes), Some(Format::Ofx), "{}", path.display());
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
    let is_problem = entry["expect"] == "problem";
    check("a problem", (!parsed.problems.is_empty()).to_string(), is_problem.to_string());
    if is_problem {
        if let Some(importable) = entry["importable"].as_u64() {
            check("importable", all.len().to_string(), importable.to_string());
        }
    } else {
        check("n", all.len().to_string(), facts["n_transactions"].to_string());
        check("sum", sum(&all), decimal(&facts["sum"]));
    }
    for fact in ["first", "last"] {
        if let Some(day) = facts[fact].as_str() {
            check(fact, day_of(&all, fact).replace('-', ""), day.to_owned());
        }
    }
    let Some(statements) = facts["statements"].as_array() else { return differences };
    check("statements", parsed.statements.len().to_string(), statements.len().to_string());
    for (found, fact) in parsed.statements.iter().zip(statements) {
        let text = |name: &str| fact[name].as_str().unwrap_or_default().to_owned();
        check("account", found.account.clone().unwrap_or_default(), text("account"));
        check("bank_id", found.bank_id.clone().unwrap_or_default(), text("bank_id"));
        check("currency", found.currency.clone().unwrap_or_default(), text("currency"));
        let investments = fact["n_investment"].as_u64().unwrap_or_default();
        check("investments", found.investments.to_string(), investments.to_string());
        let balance =
            found.closing_balance.map(|balance| balance.decimal().normalize().to_string());
        check("balance", balance.unwrap_or_default(), decimal(&fact["ledger_balance"]));
        if !is_problem {
            let rows: Vec<Row<'_>> = found.rows.iter().collect();
            check("n_cash", rows.len().to_string(), fact["n_cash"].to_string());
            check("sum_cash", sum(&rows), decimal(&fact["sum_cash"]));
            check("first", day_of(&rows, "first"), text("first"));
            check("last", day_of(&rows, "last"), text("last"));
        }
    }
    differences
}

fn sum(rows: &[Row<'_>]) -> String {
    let sum: rust_decimal::Decimal = rows.iter().map(|row| row.amount.decimal()).sum();
    sum.normalize().to_string()
}

fn decimal(fact: &Value) -> String {
    let amount = fact.as_str().map(|text| text.parse::<Amount>().unwrap());
    amount.map(|amount| amount.decimal().normalize().to_string()).unwrap_or_default()
}

fn day_of(rows: &[Row<'_>], which: &str) -> String {
    let days = rows.iter().map(|row| row.booking_date);
    let day = if which == "first" { days.min() } else { days.max() };
    day.map(|day| day.to_string()).unwrap_or_default()
}
