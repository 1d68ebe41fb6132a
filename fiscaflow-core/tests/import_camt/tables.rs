//! Amounts and dates as tables of text: what each spelling becomes.

use super::*;

#[test]
fn amounts_keep_every_digit() {
    // Holds: quirk 17; places are kept as written, and what is no decimal is refused.
    let table = include_str!("amounts.txt");
    let mut checked = 0;
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (written, expected) = line.split_once('|').unwrap();
        let text = statement(&entry("").replace("5.00", written).replace("DBIT", "CRDT"));
        let parsed = read(text.as_bytes()).unwrap();
        let row = parsed.statements[0].rows.get(0);
        let found = match &row {
            Some(row) => row.amount.to_string(),
            None => parsed.problems[0].code.to_string(),
        };
        assert_eq!(found, expected.trim(), "{line}");
        // Money out has the same digits and a minus sign, but nothing is never negative.
        let out = read(text.replace("CRDT", "DBIT").as_bytes()).unwrap();
        if let (Some(row), Some(out)) = (row, out.statements[0].rows.get(0)) {
            assert_eq!(out.amount.decimal(), -row.amount.decimal(), "{line}");
            assert_eq!(out.amount.to_string().starts_with('-'), out.amount != Amount::ZERO);
        }
        checked += 1;
    }
    assert_eq!(checked, 33);
}

#[test]
fn dates_are_kept_as_written() {
    // Holds: quirk 17; neither time nor zone moves a date, and what is no date is not made one.
    let table = include_str!("dates.txt");
    let mut checked = 0;
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (written, expected) = line.split_once('|').unwrap();
        for element in ["Dt", "DtTm"] {
            let day = format!("<{element}>{written}</{element}>");
            let text = statement(&entry("").replace("<Dt>2024-01-31</Dt>", &day));
            let parsed = read(text.as_bytes()).unwrap();
            let found = match parsed.statements[0].rows.get(0) {
                Some(row) => row.booking_date.to_string(),
                None => parsed.problems[0].code.to_string(),
            };
            assert_eq!(found, expected.trim(), "{line}");
        }
        checked += 1;
    }
    assert_eq!(checked, 30);
}
