//! Statement import: from the bytes of a bank's file to normalised statements.
//!
//! Readers are pure functions, one module a format, behind one [`detect`] and one [`parse`]. They
//! keep what the bank wrote (dates, descriptions, signs) and never guess: what can be read in two
//! ways is a [`Problem`] that names line, field and both readings.

pub(crate) mod assignment;
mod bytes;
mod camt;
mod codepages;
mod csv;
mod encoding;
pub(crate) mod matching;
mod mt940;
mod ofx;
mod plaid;
mod qif;
mod rows;
mod text;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::csv::{
    ColumnRole, CsvColumn, CsvProfile, DateOrder, DecimalSeparator, Delimiter, Quote, SignRule,
};
pub use self::rows::{Correction, Row, RowSplit, RowSplits, Rows};
use crate::error::{Error, ErrorCode, Result};
pub use crate::limits::{MAX_FILE_BYTES, MAX_FILE_ROWS};
use crate::money::Amount;

/// What the caller knows about a file; everything may be left out.
#[derive(Debug, Clone, Default)]
pub struct ParseOptions {
    /// The format, where it should not be detected.
    pub format: Option<Format>,
    /// Dialect and column roles of a delimited file, where they should not be detected.
    pub csv: Option<CsvProfile>,
    /// The order of day, month and year in a QIF or delimited file, where it should not be found in
    /// the file; stronger than that of the profile.
    pub date_order: Option<DateOrder>,
}

/// The format of a file, judged by its first bytes; `None` where no reader knows it.
pub fn detect(bytes: &[u8]) -> Option<Format> {
    if ofx::detect(bytes) {
        Some(Format::Ofx)
    } else if camt::detect(bytes) {
        Some(Format::Camt)
    } else if mt940::detect(bytes) {
        Some(Format::Mt940)
    } else if qif::detect(bytes) {
        Some(Format::Qif)
    } else if plaid::detect(bytes) {
        Some(Format::Plaid)
    } else if csv::detect(bytes) {
        Some(Format::Csv)
    } else {
        None
    }
}

/// Reads a file. An error means that nothing could be read at all; what is wrong with single
/// records is in [`Parsed::problems`].
pub fn parse(bytes: &[u8], options: &ParseOptions) -> Result<Parsed> {
    if bytes.len() > MAX_FILE_BYTES {
        let text = format!("a file may have at most {MAX_FILE_BYTES} bytes");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("content"));
    }
    match options.format.or_else(|| detect(bytes)) {
        Some(Format::Ofx) => ofx::parse(bytes),
        Some(Format::Camt) => camt::parse(bytes),
        Some(Format::Mt940) => mt940::parse(bytes),
        Some(Format::Qif) => qif::parse(bytes, options.date_order),
        Some(Format::Plaid) => plaid::parse(bytes),
        Some(Format::Csv) => {
            let profile = options.csv.clone().unwrap_or_default();
            let date_order = options.date_order.or(profile.date_order);
            csv::parse(bytes, &CsvProfile { date_order, ..profile })
        }
        None => Err(Error::new(ErrorCode::UnknownFormat, unknown(bytes))),
    }
}

/// What to do about a file that no reader knows.
fn unknown(bytes: &[u8]) -> &'static str {
    let head = bytes.get(..4096).unwrap_or(bytes);
    let holds = |name: &[u8]| memchr::memmem::find(head, name).is_some();
    if bytes.is_empty() {
        "the file is empty"
    } else if bytes.starts_with(b"PK\x03\x04") {
        // The first names in the archive are those of its format, where it is a document.
        if holds(b"[Content_Types].xml") || holds(b"mimetypeapplication/") || holds(b"xl/") {
            "the file is a spreadsheet or document: save it as CSV and import that"
        } else {
            "the file is a ZIP archive: unpack it and import the files in it"
        }
    } else if bytes.starts_with(b"\x1F\x8B") {
        "the file is compressed (gzip): unpack it and import the file in it"
    } else if bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        "the file is a spreadsheet or document of old Office: save it as CSV and import that"
    } else if bytes.starts_with(b"%PDF") {
        "the file is a PDF, which is made for people: ask the bank for OFX, camt.053, MT940 or CSV"
    } else {
        "no reader knows this file; there are readers for OFX, QFX, QIF, CSV, CAMT, MT940 and \
         Plaid's JSON"
    }
}

/// A file format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Format {
    /// OFX 1.x (SGML) and 2.x (XML), and Quicken's QFX (OFX specification 2.3, section 11).
    Ofx,
    /// ISO 20022 account reports, statements and notifications: camt.052.001, camt.053.001 and
    /// camt.054.001, all versions.
    Camt,
    /// SWIFT MT940, MT942 and MT950 (SWIFT Standards MT, category 9).
    Mt940,
    /// Quicken's interchange format (Intuit, 1997).
    Qif,
    /// Answers of Plaid in JSON (API reference, Transactions and Investments).
    Plaid,
    /// Delimited text: CSV, TSV and their relatives.
    Csv,
}

impl Format {
    /// Its name, as it is written on the wire and in the book.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ofx => "ofx",
            Self::Csv => "csv",
            Self::Mt940 => "mt940",
            Self::Camt => "camt",
            Self::Qif => "qif",
            Self::Plaid => "plaid",
        }
    }
}

/// What a file yielded: whole statements, and what could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The format that was read.
    pub format: Format,
    /// The file's statements, in its order; a valid file may have none.
    pub statements: Vec<Statement>,
    /// What is wrong, per record. Records with a problem are not among the statements.
    pub problems: Vec<Problem>,
    /// How a delimited file was read, completely settled: read again with it, the file yields the
    /// same. `None` for other formats, and where what can be read in two ways is not settled.
    pub csv: Option<CsvProfile>,
}

/// One account's part of a file.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Statement {
    /// The bank's identification (routing number, BIC), where the file gives it.
    pub bank_id: Option<String>,
    /// The account's number as written, where the file gives it.
    pub account: Option<String>,
    /// The currency code as written, where the file gives it.
    pub currency: Option<String>,
    /// The transactions, in the file's order.
    pub rows: Rows,
    /// The balance before the first booked entry, where the file gives it.
    pub opening_balance: Option<Amount>,
    /// The balance after the last booked entry, where the file gives it.
    pub closing_balance: Option<Amount>,
    /// Bank ids of transactions that the bank has taken back without saying more (Plaid's
    /// `removed`).
    pub removed: Vec<String>,
    /// Investment transactions that were counted but not read.
    pub investments: usize,
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Statement({} rows)", self.rows.len())
    }
}

/// Something in a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Why: `malformed_file`, `ambiguous_file`, `invalid_amount`, `invalid_date` and the like.
    pub code: ErrorCode,
    /// The text for people; it does not quote amounts or payees.
    pub message: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<u64>,
    /// The field as the file or the format calls it, where it is known.
    pub field: Option<String>,
}
