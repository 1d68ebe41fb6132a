//! CSV: a row for each transaction, or for each part of one that is split.
//!
//! Cells that a spreadsheet would take for a formula begin with an apostrophe (OWASP, "CSV
//! injection"); amounts and dates are written by us and need none.

use std::borrow::Cow;

use super::{Source, category_paths};
use crate::error::{Error, ErrorCode, Result};
use crate::id::CategoryId;
use crate::model::Transaction;
use crate::money::Money;

const TITLES: [&str; 15] = [
    "date",
    "value_date",
    "account",
    "amount",
    "currency",
    "status",
    "payee",
    "description",
    "category",
    "tags",
    "notes",
    "reference",
    "transfer_id",
    "part",
    "id",
];

pub(super) fn write(source: &Source<'_>) -> Result<String> {
    let paths = category_paths(source.plan);
    let category = |id: Option<CategoryId>| {
        id.and_then(|id| paths.get(&id)).map(|names| names.join(":")).unwrap_or_default()
    };
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(TITLES).map_err(|_| unwritable())?;
    for transaction in source.transactions.iter().filter(|transaction| !transaction.deleted) {
        let account = source.plan.accounts.get(&transaction.account_id);
        let account = account.map(|account| account.name.as_str()).unwrap_or_default();
        let mut row = |amount: Money, id: Option<CategoryId>, notes: Option<&str>, part: String| {
            table.write_record(
                cells(transaction, account, amount, &category(id), notes, &part)
                    .iter()
                    .map(|cell| cell.as_bytes()),
            )
        };
        let parts = transaction.splits.len();
        if parts == 0 {
            let notes = transaction.notes.as_deref();
            row(transaction.amount, transaction.category_id, notes, String::new())
                .map_err(|_| unwritable())?;
        }
        for (place, split) in transaction.splits.iter().enumerate() {
            let notes = split.notes.as_deref().or(transaction.notes.as_deref());
            let part = format!("{} of {parts}", place.saturating_add(1));
            row(split.amount, split.category_id, notes, part).map_err(|_| unwritable())?;
        }
    }
    let bytes = table.into_inner().map_err(|_| unwritable())?;
    String::from_utf8(bytes).map_err(|_| unwritable())
}

fn cells<'a>(
    transaction: &'a Transaction,
    account: &'a str,
    amount: Money,
    category: &'a str,
    notes: Option<&'a str>,
    part: &'a str,
) -> [Cow<'a, str>; TITLES.len()] {
    let status = serde_json::to_value(transaction.status).unwrap_or_default();
    [
        transaction.booking_date.to_string().into(),
        transaction.value_date.map(|date| date.to_string()).unwrap_or_default().into(),
        safe(account),
        amount.amount().to_string().into(),
        transaction.amount.currency().to_string().into(),
        status.as_str().unwrap_or_default().to_owned().into(),
        safe(transaction.payee.as_deref().unwrap_or_default()),
        safe(&transaction.description),
        safe(category),
        safe(&transaction.tags.join(" ")).into_owned().into(),
        safe(notes.unwrap_or_default()),
        safe(transaction.reference.as_deref().unwrap_or_default()),
        transaction.transfer_id.map(|id| id.to_string()).unwrap_or_default().into(),
        part.into(),
        transaction.id.to_string().into(),
    ]
}

/// A cell that no spreadsheet takes for a formula.
fn safe(text: &str) -> Cow<'_, str> {
    // Spreadsheets pass over white space before the sign, and people do not see what has no width.
    let passed_over = |char: char| {
        (char.is_whitespace() && !char.is_control())
            || matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let first = text.trim_start_matches(passed_over).chars().next();
    let starts_formula = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '%' | '＝' | '＋' | '－' | '＠')
    );
    if starts_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn unwritable() -> Error {
    Error::new(ErrorCode::Internal, "a table cannot be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_starts_a_formula() {
        // Holds: every sign that begins a formula is behind an apostrophe; other texts stay.
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@A1",
            "\t=1",
            " =1",
            "\n=1",
            "|calc",
            "＝1",
            "\u{3000}=1",
            "\u{200b}@A1",
        ] {
            assert_eq!(safe(text), format!("'{text}"));
        }
        for text in ["", "Café", "a=b", "1-2", "'=1"] {
            assert_eq!(safe(text), text);
        }
    }
}
