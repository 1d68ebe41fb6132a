//! Exports: a book as other programs read it.
//!
//! Pure functions from documents and transactions to bytes, one module a format. `journal` writes
//! for beancount and hledger, so that either program computes the balances that the engine does;
//! `json` is the whole book and can be restored.

mod csv;
pub(crate) mod journal;
pub(crate) mod json;
mod ofx;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::id::CategoryId;
use crate::log::Hash;
use crate::model::Transaction;
use crate::plan::Plan;

/// What an export is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180), a row for each transaction or part of one, safe to open
    /// in a spreadsheet.
    Csv,
    /// The whole book; it can be restored into an empty one.
    Json,
    /// A journal for beancount 2 and 3.
    Beancount,
    /// A journal for hledger.
    Hledger,
    /// OFX 2.2, a statement for each account.
    Ofx,
}

impl ExportFormat {
    /// The media type of the bytes.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Beancount | Self::Hledger => "text/plain; charset=utf-8",
            Self::Ofx => "application/x-ofx",
        }
    }

    /// What the file's name ends in.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Beancount => "beancount",
            Self::Hledger => "journal",
            Self::Ofx => "ofx",
        }
    }
}

/// What is written: a book's documents, and transactions by booking date and id.
pub(crate) struct Source<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) transactions: &'a [Transaction],
    pub(crate) head: Hash,
    pub(crate) now: DateTime<Utc>,
}

impl<'a> Source<'a> {
    /// The text of an export.
    pub(crate) fn write(&self, format: ExportFormat) -> Result<String> {
        match format {
            ExportFormat::Csv => csv::write(self),
            ExportFormat::Json => json::write(self),
            ExportFormat::Beancount => Ok(journal::write(self, journal::Dialect::Beancount)),
            ExportFormat::Hledger => Ok(journal::write(self, journal::Dialect::Hledger)),
            ExportFormat::Ofx => Ok(ofx::write(self)),
        }
    }

    /// The transactions that count in figures.
    fn counted(&self) -> impl Iterator<Item = &'a Transaction> {
        self.transactions.iter().filter(|transaction| transaction.counts())
    }
}

/// The names from the top of the tree down to each category.
fn category_paths(plan: &Plan) -> BTreeMap<CategoryId, Vec<&str>> {
    let path = |id: &CategoryId| {
        let mut names = Vec::new();
        let mut next = Some(*id);
        // A tree has no more levels than it has nodes, whatever its documents say.
        for _ in 0..=plan.categories.len() {
            let Some(category) = next.and_then(|id| plan.categories.get(&id)) else { break };
            names.push(category.name.as_str());
            next = category.parent_id;
        }
        names.reverse();
        names
    };
    plan.categories.keys().map(|id| (*id, path(id))).collect()
}

/// A text on one line: control characters become blanks.
fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
