//! Every CAMT file of the shared fixture collection, compared with the facts of its manifest.
//!
//! Where the collection is missing, these tests are skipped.

use serde_json::Value;

use super::*;

#[test]
fn the_fixture_collection_is_read_as_its_manifest_says() {
    // Holds: every fact of every CAMT file of the collection.
    let Some(folder) = shared::fixtures() else { return };
    let manifest = std::fs::read(folder.join("fixtures.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let entries = ["entries", "derived"].map(|list| manifest[list].as_array().unwrap().clone());
    let mut differences = Vec::new();
    let mut checked = 0;
    for entry in entries.concat() {
        let file = entry["file"].as_str().unwrap();
        if !file.starts_with("camt/") {
            continue;
        }
        checked += 1;
        let bytes = std::fs::read(folder.join(file)).unwrap();
        if detect(&bytes) != Some(Format::Camt) {
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
    eprintln!("{checked} CAMT files of the collection compared with its manifest");
    assert!(checked > 0);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn other_formats_of_the_collection_are_not_taken_for_camt() {
    // Holds: no file of another format is recognised as CAMT.
    let Some(folder) = shared::fixtures() else { return };
    for format in ["csv", "derived", "ledger", "mt940", "ofx", "plaid", "qif", "reference"] {
        for file in std::fs::read_dir(folder.join(format)).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert_ne!(detect(&bytes), Some(Format::Camt), "{}", path.display());
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
    check(
        "lines",
        parsed.problems.iter().any(|it| it.line.is_none()).to_string(),
        false.to_string(),
    );
    check("n", all.len().to_string(), facts["n_transactions"].to_string());
    check("sum", sum(&all), decimal(&facts["sum"]));
    let statements = facts["statements"].as_array().unwrap();
    check("statements", parsed.statements.len().to_string(), statements.len().to_string());
    for (found, fact) in parsed.statements.iter().zip(statements) {
        let text = |name: &str| fact[name].as_str().unwrap_or_default().to_owned();
        let rows: Vec<Row<'_>> = found.rows.iter().collect();
        check("account", found.account.clone().unwrap_or_default(), text("account"));
        check("currency", found.currency.clone().unwrap_or_default(), text("currency"));
        // No file of the collection gives each detail of an entry its amount, so that entries
        // are never divided here; where there is one detail, both counts are the same.
        check("n_entries", rows.len().to_string(), fact["n_entries"].to_string());
        check("sum", sum(&rows), decimal(&fact["sum"]));
        // An entry without a date has that of its message, which the manifest does not count.
        if fact["first"].is_string() {
            check("first", day_of(&rows, "first"), text("first"));
            check("last", day_of(&rows, "last"), text("last"));
        }
        let pending = rows.iter().filter(|row| row.pending).count();
        check("pending", pending.to_string(), fact["not_booked"].as_u64().unwrap_or(0).to_string());
        let balances = &fact["balances"];
        let opening = match &balances["OPBD"] {
            Value::Null => &balances["PRCD"],
            opening => opening,
        };
        check("opening", amount(found.opening_balance), decimal(opening));
        check("closing", amount(found.closing_balance), decimal(&balances["CLBD"]));
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
    amount(fact.as_str().map(|text| text.parse::<Amount>().unwrap()))
}

fn day_of(rows: &[Row<'_>], which: &str) -> String {
    let days = rows.iter().map(|row| row.booking_date);
    let day = if which == "first" { days.min() } else { days.max() };
    day.map(|day| day.to_string()).unwrap_or_default()
}
