//! ISO 20022 messages as banks write them: what is read, what is reported, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files, the library does not")]

mod collection;
mod details;
mod problems;
mod properties;
mod rows;
#[path = "../shared/mod.rs"]
mod shared;
mod tables;

use std::fmt::Write as _;

use fiscaflow_core::import::{
    Format, MAX_FILE_ROWS, ParseOptions, Parsed, Problem, Row, Statement, detect, parse,
};
use fiscaflow_core::{Amount, ErrorCode, Result};

fn read(bytes: &[u8]) -> Result<Parsed> {
    parse(bytes, &ParseOptions { format: Some(Format::Camt), ..ParseOptions::default() })
}

/// A camt.053 with one statement around the given entries, which begin on line 3.
fn statement(entries: &str) -> String {
    format!(
        "<Document><BkToCstmrStmt><GrpHdr><CreDtTm>2024-02-01T06:00:00</CreDtTm></GrpHdr><Stmt>\n\
         <Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy></Acct>\n{entries}\n\
         </Stmt></BkToCstmrStmt></Document>\n"
    )
}

/// An entry with these elements beside amount, direction, status and date.
fn entry(elements: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts>\
         <BookgDt><Dt>2024-01-31</Dt></BookgDt>{elements}</Ntry>"
    )
}

/// An entry with the details of one transaction.
fn detailed(elements: &str) -> String {
    entry(&format!("<NtryDtls><TxDtls>{elements}</TxDtls></NtryDtls>"))
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
    let text = |problem: &Problem| {
        let field = problem.field.as_deref().unwrap_or("-");
        format!("{} {} {field}", problem.code, problem.line.unwrap_or_default())
    };
    parsed.problems.iter().map(text).collect()
}

/// The only statement of a file that has no problem.
fn only_statement(text: &str) -> Statement {
    let parsed = read(text.as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new(), "{text}");
    let [statement] = <[Statement; 1]>::try_from(parsed.statements).unwrap();
    statement
}

/// The rows of a file with this one entry, which has no problem.
fn entry_rows(entry: &str) -> Vec<String> {
    only_statement(&statement(entry)).rows.iter().map(|it| row(&it)).collect()
}
