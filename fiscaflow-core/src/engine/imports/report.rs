//! What an import answers.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ImportId, TransactionId};
use crate::import::matching::{Evidence, MatchReason};
use crate::import::{CsvProfile, Format, Problem, Statement};
use crate::model::Transaction;
use crate::money::Amount;

/// What one statement of a file brought.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StatementReport {
    /// The account of the book.
    pub account_id: Option<AccountId>,
    /// The account number as written in the file.
    pub account: Option<String>,
    /// The currency as written in the file.
    pub currency: Option<String>,
    /// How many transactions were read.
    pub transactions: u64,
    /// Their sum as written in the file.
    pub sum: Amount,
    /// The balance before them, where the file gives it.
    pub opening_balance: Option<Amount>,
    /// The balance after them, where the file gives it.
    pub closing_balance: Option<Amount>,
    /// Whether opening balance and transactions make the closing balance; absent where the file
    /// does not give both. Banks' own files do not always add up: it is told, not refused.
    pub balanced: Option<bool>,
    /// The first booking date.
    pub first: Option<NaiveDate>,
    /// The last booking date.
    pub last: Option<NaiveDate>,
    /// Investment transactions, which are counted and not imported.
    pub investments: u64,
    /// How many were new.
    pub imported: u64,
    /// How many were there already.
    pub duplicates: u64,
    /// How many of those that were there the bank took back: they are void.
    pub removed: u64,
}
crate::model::debug_only!(StatementReport: account_id, transactions, imported, duplicates);

/// A row that was recognised, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RowMatch {
    /// The row's line in the file.
    pub line: u64,
    /// The transaction that it is.
    pub transaction_id: TransactionId,
    /// Why.
    pub reason: MatchReason,
    /// The facts that agree.
    pub evidence: Vec<Evidence>,
    /// How sure it is, in percent.
    pub confidence: u8,
}

/// What an import did.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ImportReport {
    /// The import; absent where nothing was written.
    pub import_id: Option<ImportId>,
    /// The format that was read.
    pub format: Format,
    /// How a delimited file was read, complete: the same bytes are read the same way with it, and
    /// it can be kept as a layout.
    pub csv: Option<CsvProfile>,
    /// The file's statements.
    pub statements: Vec<StatementReport>,
    /// How many transactions were new.
    pub imported: u64,
    /// How many were there already.
    pub duplicates: u64,
    /// How many of those that were there the bank took back: they are void.
    pub removed: u64,
    /// The rows that were there already.
    pub matches: Vec<RowMatch>,
    /// What could not be read or taken; records named here were left out.
    pub problems: Vec<Problem>,
}
crate::model::debug_only!(ImportReport: import_id, format, imported, duplicates);

/// What an import would do.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ImportPreview {
    /// What the import would answer; it has no id.
    pub report: ImportReport,
    /// The transactions that it would record, rules applied. Their ids are made up.
    pub created: Vec<Transaction>,
    /// The transactions that it would change, as they would be.
    pub updated: Vec<Transaction>,
}
crate::model::debug_only!(ImportPreview: report);

/// What an undo took back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UndoReport {
    /// The import that was undone.
    pub import_id: ImportId,
    /// How many transactions are gone: those that nothing but this import brought.
    pub removed: u64,
    /// How many stay, without what this import had added to them.
    pub restored: u64,
}

impl StatementReport {
    /// What a statement holds, before anything of it was taken.
    pub(super) fn new(statement: &Statement) -> Self {
        let dates = || statement.rows.iter().map(|row| row.booking_date);
        let amounts = || statement.rows.iter().filter(|row| !row.pending).map(|row| row.amount);
        let sum = |from: Amount| amounts().try_fold(from, Amount::checked_add);
        let mut all = statement.rows.iter().map(|row| row.amount);
        let all = all.try_fold(Amount::ZERO, Amount::checked_add);
        let ends = statement.opening_balance.zip(statement.closing_balance);
        let balanced = ends.map(|(opening, closing)| {
            sum(opening).is_ok_and(|sum| sum.decimal() == closing.decimal())
        });
        Self {
            account_id: None,
            account: statement.account.clone(),
            currency: statement.currency.clone(),
            transactions: super::count(statement.rows.len()),
            sum: all.unwrap_or_default(),
            opening_balance: statement.opening_balance,
            closing_balance: statement.closing_balance,
            balanced,
            first: dates().min(),
            last: dates().max(),
            investments: super::count(statement.investments),
            imported: 0,
            duplicates: 0,
            removed: 0,
        }
    }
}
