//! What the lines before the table say of the whole file: the account and its currency.

use super::lexicon::{Title, meaning};
use super::profile::ColumnRole;
use super::shape;
use super::split::Record;
use super::words::{self, Mark};

/// What the lines before the table say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Preamble {
    /// The account's number, where exactly one is named.
    pub account: Option<String>,
    /// The currency code, where exactly one is named.
    pub currency: Option<String>,
}

impl Preamble {
    /// Reads `label;value` pairs, `label: value` cells and IBANs.
    pub fn of(records: &[Record<'_>]) -> Self {
        let mut accounts = Vec::new();
        let mut ibans = Vec::new();
        let mut currencies = Vec::new();
        for record in records {
            for place in 0..record.cells.len() {
                let cell = record.cell(place);
                if shape::is_iban(cell) {
                    ibans.push(cell.to_owned());
                }
                let (label, value) = match cell.split_once(':') {
                    Some((label, value)) if !value.trim().is_empty() => (label, value.trim()),
                    _ => (cell, record.cell(place + 1).trim_start_matches([':', ' '])),
                };
                if label.len() > 60 || value.is_empty() {
                    continue;
                }
                match meaning(&Title::of(label)).roles.first() {
                    Some(ColumnRole::Account) => accounts.extend(account_of(value)),
                    Some(ColumnRole::Currency) if words::code(value).is_some() => {
                        currencies.push(value.to_owned());
                    }
                    Some(ColumnRole::Balance) => currencies.extend(currency_of(record, place)),
                    _ => {}
                }
            }
        }
        Self { account: only(ibans).or_else(|| only(accounts)), currency: only(currencies) }
    }
}

/// The currency beside or in the amount of a balance: `Saldo;66.331,90;EUR`.
fn currency_of(record: &Record<'_>, label: usize) -> Option<String> {
    let beside = record.cell(label + 2);
    if words::code(beside).is_some() {
        return Some(beside.to_owned());
    }
    match super::numbers::scan(record.cell(label + 1))?.currency {
        Some(Mark::Known(currency)) => Some(currency.code().to_owned()),
        _ => None,
    }
}

/// The account's number in a text: `012-3-456789` in `POSB Savings 012-3-456789`.
fn account_of(value: &str) -> Option<String> {
    if value.len() > 64 {
        return None;
    }
    let has_digits = |word: &&str| word.bytes().filter(u8::is_ascii_digit).count() >= 4;
    let mut numbers = value.split([' ', '/', ';', ',']).filter(has_digits);
    let number = numbers.next()?;
    let words = value.split(' ').any(|word| !word.bytes().any(|byte| byte.is_ascii_digit()));
    let alone = numbers.next().is_none() && words;
    Some(if alone { number } else { value }.to_owned())
}

/// The one value, if all are the same.
fn only(mut values: Vec<String>) -> Option<String> {
    values.dedup();
    if values.len() == 1 { values.pop() } else { None }
}
