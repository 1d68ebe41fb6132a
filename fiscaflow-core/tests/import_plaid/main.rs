//! Answers of Plaid: what is read, what is reported, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files, the library does not")]

mod answers;
mod collection;
mod problems;
mod properties;
mod rows;
#[path = "../shared/mod.rs"]
mod shared;

use std::fmt::Write as _;

use fiscaflow_core::import::{
    Correction, Format, MAX_FILE_ROWS, ParseOptions, Parsed, Problem, Row, detect, parse,
};
use fiscaflow_core::{Amount, ErrorCode, Result};

fn read(text: &str) -> Result<Parsed> {
    parse(text.as_bytes(), &ParseOptions { format: Some(Format::Plaid), ..ParseOptions::default() })
}

/// An answer with one account in US dollars and these transactions, which begin on line 3.
fn answer(transactions: &str) -> String {
    format!(
        "{{\"accounts\": [{{\"account_id\": \"A\", \"type\": \"depository\", \"balances\": {{\
         \"current\": 110, \"iso_currency_code\": \"USD\"}}}}],\n\"transactions\": [\n{transactions}\
         \n], \"total_transactions\": 1}}"
    )
}

/// A transaction with these members beside account, amount and date.
fn transaction(members: &str) -> String {
    let comma = if members.is_empty() { "" } else { ", " };
    format!("{{\"account_id\": \"A\", \"amount\": 5.40, \"date\": \"2024-01-31\"{comma}{members}}}")
}

/// The rows of all statements, as [`row`] writes them.
fn rows(parsed: &Parsed) -> Vec<String> {
    parsed.statements.iter().flat_map(|found| found.rows.iter().map(|it| row(&it))).collect()
}

/// A row in one line; what it does not have is left out.
fn row(row: &Row<'_>) -> String {
    let mut text =
        format!("{}: {} {} `{}`", row.line, row.booking_date, row.amount, row.description);
    let fields = [
        ("value", row.value_date.map(|date| date.to_string())),
        ("currency", row.currency.map(str::to_owned)),
        ("payee", row.payee.map(str::to_owned)),
        ("account", row.counterparty_account.map(str::to_owned)),
        ("id", row.bank_id.map(str::to_owned)),
        ("ref", row.reference.map(str::to_owned)),
        ("category", row.category.map(str::to_owned)),
        ("pending", row.pending.then(String::new)),
        ("was", row.pending_id.map(str::to_owned)),
        (
            "corrects",
            row.corrects.as_ref().map(|correction| match correction {
                Correction::Replaces(id) => format!("replaces {id}"),
                Correction::Deletes(id) => format!("deletes {id}"),
            }),
        ),
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
    let text = |problem: &Problem| {
        let field = problem.field.as_deref().unwrap_or("-");
        format!("{} {} {field}", problem.code, problem.line.unwrap_or_default())
    };
    parsed.problems.iter().map(text).collect()
}

/// A file that has no problem.
fn whole(text: &str) -> Parsed {
    let parsed = read(text).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new(), "{text}");
    parsed
}
