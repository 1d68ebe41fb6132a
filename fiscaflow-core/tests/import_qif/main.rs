//! QIF as programs and banks write it: what is read, what is reported, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files, the library does not")]

mod collection;
mod formats;
mod properties;
mod records;
mod sections;
#[path = "../shared/mod.rs"]
mod shared;

use std::fmt::Write as _;

use fiscaflow_core::import::{
    DateOrder, Format, MAX_FILE_ROWS, ParseOptions, Parsed, Problem, Row, detect, parse,
};
use fiscaflow_core::{ErrorCode, Result};

fn read(bytes: &[u8]) -> Result<Parsed> {
    read_in(bytes, None)
}

/// Reads a file whose dates have a stated order.
fn read_in(bytes: &[u8], date_order: Option<DateOrder>) -> Result<Parsed> {
    let options = ParseOptions { format: Some(Format::Qif), date_order, ..ParseOptions::default() };
    parse(bytes, &options)
}

/// The rows of all statements, as [`row`] writes them.
fn rows(parsed: &Parsed) -> Vec<String> {
    parsed
        .statements
        .iter()
        .flat_map(|statement| statement.rows.iter().map(|it| row(&it)))
        .collect()
}

/// A row in one line; what it does not have is left out.
fn row(row: &Row<'_>) -> String {
    let mut text =
        format!("{}: {} {} `{}`", row.line, row.booking_date, row.amount, row.description);
    let fields = [
        ("payee", row.payee),
        ("ref", row.reference),
        ("category", row.category),
        ("account", row.counterparty_account),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            write!(text, " {name}={value}").unwrap();
        }
    }
    for split in row.splits.iter() {
        write!(text, " [{}", split.amount).unwrap();
        for text_of in [split.category, split.notes].into_iter().flatten() {
            write!(text, " {text_of}").unwrap();
        }
        text.push(']');
    }
    text
}

/// The problems as `code line field`.
fn problems(parsed: &Parsed) -> Vec<String> {
    let text = |problem: &Problem| {
        let field = problem.field.as_deref().unwrap_or("-");
        format!("{} {} {field}", problem.code, problem.line.unwrap_or_default())
    };
    parsed.problems.iter().map(text).collect()
}

/// The only row of a section of a bank account with this record, without its line; the record's
/// lines begin on line 2.
fn only_row(record: &str) -> String {
    let parsed = read(format!("!Type:Bank\n{record}\n^\n").as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new(), "{record}");
    let [row] = <[String; 1]>::try_from(rows(&parsed)).unwrap();
    row.strip_prefix("2: ").unwrap().to_owned()
}
