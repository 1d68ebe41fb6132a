//! Monthly sums: what moved in each month, by what its lines have in common.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use crate::period::Month;

/// The sum of a month's lines of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// Months since the year 0.
    pub(super) month: i32,
    pub(super) group: u32,
    pub(super) lines: u64,
    /// In minor units. Sums of 64-bit amounts do not reach its bounds.
    pub(super) minor: i128,
}

impl Cell {
    fn key(&self) -> (i32, u32) {
        (self.month, self.group)
    }
}

/// What is to be added to cells.
pub(super) type Deltas = BTreeMap<(i32, u32), Delta>;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delta {
    lines: i64,
    minor: i128,
}

impl Delta {
    /// Adds a line, or takes it away.
    pub(super) fn count(&mut self, minor: i64, comes: bool) {
        let (line, minor) = if comes { (1, i128::from(minor)) } else { (-1, -i128::from(minor)) };
        self.lines += line;
        self.minor += minor;
    }
}

/// The month of a day that is counted from the common era.
pub(super) fn month_of(day: i32) -> i32 {
    NaiveDate::from_num_days_from_ce_opt(day).map_or(0, number)
}

/// A month's number.
pub(super) fn number(day: NaiveDate) -> i32 {
    day.year() * 12 + i32::try_from(day.month0()).unwrap_or_default()
}

/// The month of that number.
pub(super) fn month(number: i32) -> Option<Month> {
    let month = u32::try_from(number.rem_euclid(12)).ok()?.checked_add(1)?;
    NaiveDate::from_ymd_opt(number.div_euclid(12), month, 1).map(Month::of)
}

/// Cells with what is to be added to them, from the month `from` to the month `to`, in the order
/// of months and groups. One without lines is left out.
pub(super) fn join<'a>(
    cells: &'a [Cell],
    deltas: &'a Deltas,
    from: i32,
    to: i32,
) -> impl Iterator<Item = Cell> + 'a {
    let first = cells.partition_point(|cell| cell.month < from);
    let end = cells.partition_point(|cell| cell.month <= to).max(first);
    let mut cells = cells.get(first..end).unwrap_or_default().iter().copied().peekable();
    let span = (from <= to).then(|| deltas.range((from, 0)..=(to, u32::MAX)));
    let mut deltas = span.into_iter().flatten().peekable();
    let joined = std::iter::from_fn(move || {
        let Some((key, delta)) = deltas.peek().copied() else { return cells.next() };
        if let Some(cell) = cells.next_if(|cell| cell.key() < *key) {
            return Some(cell);
        }
        deltas.next();
        let empty = Cell { month: key.0, group: key.1, lines: 0, minor: 0 };
        let cell = cells.next_if(|cell| cell.key() == *key).unwrap_or(empty);
        let lines = cell.lines.saturating_add_signed(delta.lines);
        Some(Cell { lines, minor: cell.minor + delta.minor, ..cell })
    });
    joined.filter(|cell| cell.lines > 0)
}
