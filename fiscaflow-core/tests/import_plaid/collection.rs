//! Every Plaid file of the shared fixture collection, compared with the facts of its manifest.
//!
//! Where the collection is missing, these tests are skipped.

use serde_json::Value;

use super::*;

#[test]
fn the_fixture_collection_is_read_as_its_manifest_says() {
    // Holds: every fact of every Plaid file of the collection.
    let Some(folder) = shared::fixtures() else { return };
    let manifest = std::fs::read(folder.join("fixtures.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut differences = Vec::new();
    let mut checked = 0;
    for entry in manifest["entries"].as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        if !file.starts_with("plaid/") {
            continue;
        }
        checked += 1;
        let bytes = std::fs::read(folder.join(file)).unwrap();
        if detect(&bytes) != Some(Format::Plaid) {
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
    eprintln!("{checked} Plaid files of the collection compared with its manifest");
    assert!(checked > 0);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn other_formats_of_the_collection_are_not_taken_for_plaid() {
    // Holds: no file of another format is recognised as Plaid's, JSON of other kinds included.
    let Some(folder) = shared::fixtures() else { return };
    for format in ["camt", "csv", "derived", "ledger", "mt940", "ofx", "qif", "reference"] {
        for file in std::fs::read_dir(folder.join(format)).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert_ne!(detect(&bytes), Some(Format::Plaid), "{}", path.display());
        }
    }
    let manifest = std::fs::read(folder.join("fixtures.json")).unwrap();
    assert_ne!(detect(&manifest), Some(Format::Plaid));
}

/// What differs between a parsed file and the facts of the manifest, which keeps Plaid's sign.
fn compare(parsed: &Parsed, entry: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = |what: &str, found: String, expected: String| {
        if found != expected {
            differences.push(format!("{what} is {found}, expected {expected}"));
        }
    };
    let facts = &entry["facts"];
    let rows: Vec<Row<'_>> = parsed.statements.iter().flat_map(|found| found.rows.iter()).collect();
    check("problems", problems(parsed).join(", "), String::new());
    check("n", rows.len().to_string(), facts["n_transactions"].as_u64().unwrap_or(0).to_string());
    let sum: rust_decimal::Decimal = rows.iter().map(|row| -row.amount.decimal()).sum();
    let expected = facts["sum"].as_str().unwrap_or("0").parse::<Amount>().unwrap();
    check("sum", sum.normalize().to_string(), expected.decimal().normalize().to_string());
    let day = |day: Option<chrono::NaiveDate>| day.map(|it| it.to_string()).unwrap_or_default();
    let text = |name: &str| facts[name].as_str().unwrap_or_default().to_owned();
    check("first", day(rows.iter().map(|row| row.booking_date).min()), text("first"));
    check("last", day(rows.iter().map(|row| row.booking_date).max()), text("last"));
    if let Some(accounts) = facts["accounts"].as_u64() {
        check("accounts", parsed.statements.len().to_string(), accounts.to_string());
    }
    if let Some(used) = facts["distinct_accounts_used"].as_u64() {
        let with_rows = parsed.statements.iter().filter(|found| !found.rows.is_empty()).count();
        check("accounts used", with_rows.to_string(), used.to_string());
    }
    if let Some(ids) = facts["distinct_transaction_ids"].as_u64() {
        let mut found: Vec<&str> = rows.iter().filter_map(|row| row.bank_id).collect();
        found.sort_unstable();
        found.dedup();
        check("ids", found.len().to_string(), ids.to_string());
    }
    if let Some(pending) = facts["pending"].as_u64() {
        let found = rows.iter().filter(|row| row.pending).count();
        check("pending", found.to_string(), pending.to_string());
    }
    if let Some(currencies) = facts["currencies"].as_array() {
        for statement in parsed.statements.iter().filter(|found| !found.rows.is_empty()) {
            let currency = Value::from(statement.currency.clone().unwrap_or_default());
            check("currency", currencies.contains(&currency).to_string(), true.to_string());
        }
    }
    differences
}
