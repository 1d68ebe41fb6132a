//! The layouts of exports that are common in the world, with invented content.

use fiscaflow_core::Amount;

use super::*;

/// What a file yields, in one line.
fn summary(parsed: &Parsed) -> String {
    let rows = || parsed.statements.iter().flat_map(|statement| statement.rows.iter());
    let sum = rows().fold(Amount::ZERO, |sum, row| sum.checked_add(row.amount).unwrap());
    let first = rows().map(|row| row.booking_date).min();
    let last = rows().map(|row| row.booking_date).max();
    let text = |found: Option<String>| found.unwrap_or_else(|| "-".to_owned());
    let date = |found: Option<chrono::NaiveDate>| text(found.map(|date| date.to_string()));
    let mut line = format!("{} rows, {sum}, {}..{}", rows().count(), date(first), date(last));
    for statement in &parsed.statements {
        line += &format!(
            ", account {}, currency {}, closing {}",
            text(statement.account.clone()),
            text(statement.currency.clone()),
            text(statement.closing_balance.map(|balance| balance.to_string())),
        );
    }
    for problem in &parsed.problems {
        line += &format!(", {} in line {:?}", problem.code, problem.line);
    }
    line
}

/// Every layout: its name and its lines.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let tables = [include_str!("layouts-europe.txt"), include_str!("layouts-world.txt")];
    tables.into_iter().flat_map(|table| table.split("\n== ").skip(1)).map(|section| {
        let (name, rest) = section.split_once('\n').unwrap();
        (name, rest.split_once('\n').unwrap().1)
    })
}

fn check(layouts: &str) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for section in layouts.split("\n== ").skip(1) {
        let (name, rest) = section.split_once('\n').unwrap();
        let (expected, text) = rest.split_once('\n').unwrap();
        let expected = expected.strip_prefix("> ").unwrap();
        let found = match detect(text.as_bytes()) {
            Some(Format::Csv) => summary(&read(text.as_bytes(), None)),
            other => format!("taken for {other:?}"),
        };
        count += 1;
        if found != expected {
            wrong.push(format!("{name}:\n  expected {expected}\n  got      {found}"));
        }
    }
    assert!(count > 30);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn layouts_of_continental_europe_are_read_without_a_profile() {
    // Holds: the usual exports of banks in a dozen languages yield their rows, account, currency
    // and closing balance.
    check(include_str!("layouts-europe.txt"));
}

#[test]
fn layouts_of_the_rest_of_the_world_are_read_without_a_profile() {
    // Holds: the same for banks of English-speaking countries, Asia and South America.
    check(include_str!("layouts-world.txt"));
}
