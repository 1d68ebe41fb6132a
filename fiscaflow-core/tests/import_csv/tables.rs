//! Golden tables: every form of amount and date that is known, and what it means.

use super::*;

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(" | ").collect())
}

/// One cell in a file of one row, with a stated format; what is read, or the problem's code.
fn read_cell(header: &str, cell: &str, other: &str, profile: &str) -> String {
    let text = format!("{header}\n\"{}\"\t{other}\n", cell.replace('"', "\"\""));
    let csv = Some(serde_json::from_str::<CsvProfile>(profile).unwrap());
    let parsed = parse(
        text.as_bytes(),
        &ParseOptions { format: Some(Format::Csv), csv, ..ParseOptions::default() },
    )
    .unwrap();
    let mut rows = parsed.statements.iter().flat_map(|statement| statement.rows.iter());
    match (rows.next(), parsed.problems.first()) {
        (Some(row), None) => format!("{} {}", row.booking_date, row.amount),
        (None, Some(problem)) => problem.code.to_string(),
        _ => "nothing".to_owned(),
    }
}

#[test]
fn amounts_mean_what_their_locale_says() {
    // Holds: 440 amounts in the forms of 29 locales are read exactly or refused, never misread.
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows(include_str!("amounts.txt")) {
        let [locale, decimal, cell, number] = row[..] else { panic!("{row:?}") };
        let profile = format!(
            r#"{{"decimal":"{decimal}","delimiter":"tab","header":true,"sign":"negative_is_out",
                "columns":[{{"role":"amount","index":0}},{{"role":"booking_date","index":1}}]}}"#
        );
        let found = read_cell("Amount\tDate", cell, "2024-01-31", &profile);
        let expected = match number {
            "refused" => "invalid_amount".to_owned(),
            number => format!("2024-01-31 {number}"),
        };
        // A lone dash is how an empty cell is written.
        let expected = if cell == "-" { "nothing".to_owned() } else { expected };
        count += 1;
        if found != expected {
            wrong.push(format!("{locale} `{cell}`: expected {expected}, got {found}"));
        }
    }
    assert!(count >= 430, "{count} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn amounts_read_with_the_other_separator_are_refused_or_ambiguous() {
    // Holds: an amount with decimals is never read with the wrong separator without a word: either
    // its digits do not fit, or they could be read in both ways (three digits behind one
    // separator).
    let mut silent = Vec::new();
    for row in rows(include_str!("amounts.txt")) {
        let [_, decimal, cell, number] = row[..] else { panic!("{row:?}") };
        if number == "refused" || !number.contains('.') {
            continue;
        }
        let other = if decimal == "point" { "comma" } else { "point" };
        let profile = format!(
            r#"{{"decimal":"{other}","delimiter":"tab","header":true,"sign":"negative_is_out",
                "columns":[{{"role":"amount","index":0}},{{"role":"booking_date","index":1}}]}}"#
        );
        let found = read_cell("Amount\tDate", cell, "2024-01-31", &profile);
        if found != "invalid_amount" {
            silent.push(format!("`{cell}` as {other}: {found}"));
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn dates_mean_what_their_order_says() {
    // Holds: 110 dates are read as written in each order, or refused where they do not exist.
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows(include_str!("dates.txt")) {
        let [cell, dmy, mdy, ymd] = row[..] else { panic!("{row:?}") };
        for (order, expected) in [("dmy", dmy), ("mdy", mdy), ("ymd", ymd)] {
            let profile = format!(
                r#"{{"date_order":"{order}","delimiter":"tab","header":true,
                    "columns":[{{"role":"amount","index":1}},{{"role":"booking_date","index":0}}]}}"#
            );
            let found = read_cell("Date\tAmount", cell, "-5.00", &profile);
            let expected = match expected.trim() {
                "-" if cell == "pending" => "nothing".to_owned(),
                "-" => "invalid_date".to_owned(),
                date => format!("{date} -5.00"),
            };
            count += 1;
            if found != expected {
                wrong.push(format!("`{cell}` {order}: expected {expected}, got {found}"));
            }
        }
    }
    assert!(count >= 300, "{count} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
