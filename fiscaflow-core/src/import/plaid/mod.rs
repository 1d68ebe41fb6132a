//! Plaid: the answers of `/transactions/get`, `/transactions/sync` and
//! `/investments/transactions/get`, several of them in one file or list, and the files that
//! describe users of its sandbox.
//!
//! `json` reads JSON without building a tree, `answer` follows the shapes of the answers,
//! `accounts` keeps one statement for each account, `entry` makes a row of one transaction,
//! `values` reads numbers by their own digits: an amount never passes through a binary float.
//!
//! Plaid writes money out with a positive sign; here, as everywhere, it is negative.
//!
//! Source: Plaid API reference, products *Transactions* and *Investments* (version 2020-09-14, with
//! the fields of 2017 and 2018), and the schema of Sandbox custom users.

mod accounts;
mod answer;
mod entry;
mod json;
mod values;

use memchr::memmem;

use super::{Parsed, encoding};
use crate::error::Result;

/// How much of a file is looked at to recognise it.
const HEAD: usize = 64 * 1024;

/// Whether the file is JSON with the names that Plaid's answers have, and no others.
pub(super) fn detect(bytes: &[u8]) -> bool {
    let head = encoding::decode(bytes.get(..HEAD).unwrap_or(bytes), None);
    if !head.trim_start().starts_with(['{', '[']) {
        return false;
    }
    let has = |name: &str| {
        let key = format!("\"{name}\"");
        memmem::find(head.as_bytes(), key.as_bytes()).is_some()
    };
    let is_answer = has("account_id")
        && [
            "pending_transaction_id",
            "total_transactions",
            "next_cursor",
            "investment_transactions",
            "holdings",
        ]
        .iter()
        .any(|name| has(name));
    let is_sync = has("next_cursor") && has("has_more") && has("added");
    let is_refusal = has("error_code") && has("error_type") && has("request_id");
    is_answer || is_sync || is_refusal || has("override_accounts")
}

/// Reads a file. A valid one may hold accounts without transactions.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed> {
    let text = encoding::decode(bytes, None);
    answer::read(&text)
}
