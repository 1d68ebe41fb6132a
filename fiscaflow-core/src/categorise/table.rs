//! Categories for the rows of a table, outside any book: for who has rows that somebody labelled
//! and rows that nobody did.

use chrono::NaiveDate;

use crate::learn::{Guess, Model, Sample};

/// A row of a table.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct TableRow<'a> {
    /// The bank's text.
    pub text: &'a str,
    /// The category; absent = to be found.
    pub label: Option<&'a str>,
    /// The signed amount in minor units.
    pub amount_minor: Option<i64>,
    /// The booking date.
    pub date: Option<NaiveDate>,
}

impl std::fmt::Debug for TableRow<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableRow").field("date", &self.date).finish_non_exhaustive()
    }
}

/// What the labelled rows say of each row without a label, with its probability; none for rows that
/// have one, and where nothing was labelled.
///
/// ```
/// use fiscaflow_core::categorise::{TableRow, complete};
///
/// let row = |text, label| TableRow { text, label, ..TableRow::default() };
/// let rows = [
///     row("REWE SAGT DANKE 4711", Some("food")),
///     row("SHELL 0815", Some("fuel")),
///     row("REWE SAGT DANKE 17", None),
/// ];
/// let found = complete(&rows);
/// assert!(found.first().is_some_and(|guess| guess.is_none()));
/// let guess = found.last().copied().flatten();
/// assert_eq!(guess.map(|guess| guess.label), Some("food"));
/// ```
pub fn complete<'a>(rows: &[TableRow<'a>]) -> Vec<Option<Guess<&'a str>>> {
    let sample = |row: &TableRow<'a>| Sample {
        text: row.text,
        amount_minor: row.amount_minor,
        date: row.date,
        account: None,
    };
    let mut model = Model::new();
    for row in rows {
        if let Some(label) = row.label {
            model.learn(&sample(row), label);
        }
    }
    let guess = |row: &TableRow<'a>| match row.label {
        Some(_) => None,
        None => model.best(&sample(row)),
    };
    rows.iter().map(guess).collect()
}
