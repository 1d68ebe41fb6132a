//! OFX and QFX as banks write them: what is read, what is reported, and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests read files, the library does not")]

mod collection;
mod problems;
mod properties;
mod rows;
#[path = "../shared/mod.rs"]
mod shared;

use std::fmt::Write as _;
use std::path::Path;

use fiscaflow_core::import::{
    Correction, Format, MAX_FILE_ROWS, ParseOptions, Parsed, Row, Statement, detect, parse,
};
use fiscaflow_core::{Amount, ErrorCode, Result};

fn read(bytes: &[u8]) -> Result<Parsed> {
    parse(bytes, &ParseOptions { format: Some(Format::Ofx), ..ParseOptions::default() })
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ofx").join(name))
        .unwrap()
}

/// One statement around the given entries, in the SGML of OFX 1.x.
fn statement(entries: &str) -> String {
    format!(
        "OFXHEADER:100\nDATA:OFXSGML\n<OFX>\n<BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR\
         <BANKACCTFROM><BANKID>1<ACCTID>2</BANKACCTFROM>\n<BANKTRANLIST>\n{entries}\n\
         </BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
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

/// A row in one line; what it does not have is left out.
fn row(row: &Row<'_>) -> String {
    let mut text =
        format!("{}: {} {} `{}`", row.line, row.booking_date, row.amount, row.description);
    let fields = [
        ("value", row.value_date.map(|date| date.to_string())),
        ("currency", row.currency.map(str::to_owned)),
        ("payee", row.payee.map(str::to_owned)),
        ("id", row.bank_id.map(str::to_owned)),
        ("ref", row.reference.map(str::to_owned)),
        ("pending", row.pending.then(String::new)),
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
    let text = |problem: &fiscaflow_core::import::Problem| {
        let field = problem.field.as_deref().unwrap_or("-");
        format!("{} {} {field}", problem.code, problem.line.unwrap_or_default())
    };
    parsed.problems.iter().map(text).collect()
}

/// The statement of a file with this one entry, which has no problem.
fn only_row(entry: &str) -> Statement {
    let parsed = read(statement(entry).as_bytes()).unwrap();
    assert_eq!(problems(&parsed), Vec::<String>::new(), "{entry}");
    let [statement] = <[Statement; 1]>::try_from(parsed.statements).unwrap();
    assert_eq!(statement.rows.len(), 1, "{entry}");
    statement
}

const ENTRY: &str = "<STMTTRN><DTPOSTED>20240131<TRNAMT>-5.00<FITID>1<NAME>Shop</STMTTRN>";
