//! MT940 and MT942 as banks write them: what is read, what is reported, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files, the library does not")]

mod collection;
mod details;
mod entries;
mod messages;
mod properties;
#[path = "../shared/mod.rs"]
mod shared;

use std::fmt::Write as _;

use fiscaflow_core::import::{
    Format, MAX_FILE_ROWS, ParseOptions, Parsed, Row, Statement, detect, parse,
};
use fiscaflow_core::{Amount, ErrorCode, Result};

fn read(bytes: &[u8]) -> Result<Parsed> {
    parse(bytes, &ParseOptions { format: Some(Format::Mt940), ..ParseOptions::default() })
}

/// One message around the given entries; the first of them stands on line 5.
fn message(entries: &str) -> String {
    format!(
        ":20:STARTUMS\n:25:12345678/1020304050\n:28C:1/1\n:60F:C240131EUR100,00\n{entries}\n\
         :62F:C240229EUR90,00\n-\n"
    )
}

/// The rows of all statements, as [`row`] writes them.
fn rows(parsed: &Parsed) -> Vec<String> {
    parsed
        .statements
        .iter()
        .flat_map(|statement| statement.rows.iter().map(|it| row(&it)))
        .collect()
}

/// A row in one line; what it does not have is left out, and so is a value date that is also the
/// booking date.
fn row(row: &Row<'_>) -> String {
    let mut text =
        format!("{}: {} {} `{}`", row.line, row.booking_date, row.amount, row.description);
    let value = row.value_date.filter(|date| *date != row.booking_date);
    let fields = [
        ("value", value.map(|date| date.to_string())),
        ("currency", row.currency.map(str::to_owned)),
        ("payee", row.payee.map(str::to_owned)),
        ("id", row.bank_id.map(str::to_owned)),
        ("ref", row.reference.map(str::to_owned)),
        ("account", row.counterparty_account.map(str::to_owned)),
        ("pending", row.pending.then(String::new)),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            write!(text, " {name}={value}").unwrap();
        }
    }
    text
}

/// The problems as `code line field`.
fn problems(parsed: &Parsed) -> Vec<String> {
    let text = |problem: &fiscaflow_core::import::Problem| {
        let field = problem.field.as_deref().unwrap_or("-");
        format!("{} {} {field}", problem.code, problem.line.unwrap_or_default())
    };
    parsed.problems.iter().map(text).collect()
}

/// The row of a message with this one entry, which has no problem; without its line.
fn only_row(entry: &str) -> String {
    let parsed = read(message(entry).as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new(), "{entry}");
    let [row] = <[String; 1]>::try_from(rows(&parsed)).unwrap();
    row.strip_prefix("5: ").unwrap().to_owned()
}
