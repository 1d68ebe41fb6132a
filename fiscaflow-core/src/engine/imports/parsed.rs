//! What a file says, for callers that are not after transactions of a book.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::import::{Correction, CsvProfile, Format, Parsed, Problem, Row, RowSplit, Statement};
use crate::money::Amount;

/// A bank's file as it was read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ParsedFile {
    /// The format that was read.
    pub format: Format,
    /// How a delimited file was read, complete: the same bytes are read the same way with it, and
    /// it can be kept as a layout.
    pub csv: Option<CsvProfile>,
    /// The file's statements, in its order.
    pub statements: Vec<ParsedStatement>,
    /// What could not be read; records named here are in no statement.
    pub problems: Vec<Problem>,
}
crate::model::debug_only!(ParsedFile: format);

/// One account's part of a file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ParsedStatement {
    /// The bank's identification (routing number, BIC) as written.
    pub bank_id: Option<String>,
    /// The account's number as written.
    pub account: Option<String>,
    /// The currency as written.
    pub currency: Option<String>,
    /// The balance before the first booked entry.
    pub opening_balance: Option<Amount>,
    /// The balance after the last booked entry.
    pub closing_balance: Option<Amount>,
    /// The transactions, in the file's order.
    pub rows: Vec<ParsedRow>,
    /// Bank ids of transactions that the bank has taken back without saying more.
    pub removed: Vec<String>,
    /// Investment transactions, which are counted and not read.
    pub investments: u64,
}
crate::model::debug_only!(ParsedStatement: investments);

/// One transaction as the bank wrote it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ParsedRow {
    /// The line of the file on which the record begins, counted from 1.
    pub line: u64,
    /// The booking date as written, not shifted to another zone.
    #[serde(deserialize_with = "crate::period::date")]
    pub booking_date: NaiveDate,
    /// The value date, where the file gives one.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub value_date: Option<NaiveDate>,
    /// The signed amount: negative = money leaves the account.
    pub amount: Amount,
    /// The row's own currency, where it differs from or replaces the statement's.
    pub currency: Option<String>,
    /// The raw description.
    pub description: String,
    /// The other party, where the file has it in a field of its own.
    pub payee: Option<String>,
    /// The other party's account.
    pub counterparty_account: Option<String>,
    /// The bank's id of the transaction.
    pub bank_id: Option<String>,
    /// A cheque number or reference.
    pub reference: Option<String>,
    /// The bank's or exporter's own category.
    pub category: Option<String>,
    /// Whether the bank has not booked it yet.
    pub pending: bool,
    /// The bank id that it had while it was pending.
    pub pending_id: Option<String>,
    /// The bank id of an earlier row that it replaces.
    pub replaces: Option<String>,
    /// The bank id of an earlier row that it takes back.
    pub deletes: Option<String>,
    /// The parts of the amount, where the file divides it.
    pub splits: Vec<ParsedSplit>,
}
crate::model::debug_only!(ParsedRow: line, pending);

/// A part of a row's amount.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ParsedSplit {
    /// The part; negative = money leaves the account.
    pub amount: Amount,
    /// The exporter's own category.
    pub category: Option<String>,
    /// The note on this part.
    pub notes: Option<String>,
}
crate::model::debug_only!(ParsedSplit:);

impl From<Parsed> for ParsedFile {
    fn from(parsed: Parsed) -> Self {
        let Parsed { format, statements, problems, csv } = parsed;
        let statements = statements.into_iter().map(ParsedStatement::from).collect();
        Self { format, csv, statements, problems }
    }
}

impl From<Statement> for ParsedStatement {
    fn from(statement: Statement) -> Self {
        Self {
            rows: statement.rows.iter().map(ParsedRow::from).collect(),
            bank_id: statement.bank_id,
            account: statement.account,
            currency: statement.currency,
            opening_balance: statement.opening_balance,
            closing_balance: statement.closing_balance,
            removed: statement.removed,
            investments: super::count(statement.investments),
        }
    }
}

impl From<Row<'_>> for ParsedRow {
    fn from(row: Row<'_>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (replaces, deletes) = match row.corrects {
            Some(Correction::Replaces(id)) => (Some(id), None),
            Some(Correction::Deletes(id)) => (None, Some(id)),
            None => (None, None),
        };
        Self {
            line: row.line,
            booking_date: row.booking_date,
            value_date: row.value_date,
            amount: row.amount,
            currency: owned(row.currency),
            description: row.description.to_owned(),
            payee: owned(row.payee),
            counterparty_account: owned(row.counterparty_account),
            bank_id: owned(row.bank_id),
            reference: owned(row.reference),
            category: owned(row.category),
            pending: row.pending,
            pending_id: owned(row.pending_id),
            replaces: owned(replaces),
            deletes: owned(deletes),
            splits: row.splits.iter().map(ParsedSplit::from).collect(),
        }
    }
}

impl From<RowSplit<'_>> for ParsedSplit {
    fn from(split: RowSplit<'_>) -> Self {
        Self {
            amount: split.amount,
            category: split.category.map(str::to_owned),
            notes: split.notes.map(str::to_owned),
        }
    }
}
