//! The amount of a row: one column or two, its direction, the balance behind it.

use super::{Reader, Side};
use crate::error::ErrorCode;
use crate::import::Problem;
use crate::import::csv::numbers::{self, Scanned};
use crate::import::csv::profile::DecimalSeparator;
use crate::import::csv::roles::AmountColumns;
use crate::import::csv::split::Record;
use crate::import::csv::text::{fold, is_void};
use crate::import::csv::words::{Direction, Mark};
use crate::money::Amount;

/// The amount of a row before its sign is settled.
pub(super) struct Found {
    pub amount: Amount,
    pub minus: bool,
    pub side: Side,
    pub currency: Option<Mark>,
}

impl Reader<'_, '_> {
    pub(super) fn amount(&mut self, record: &Record<'_>) -> Result<Option<Found>, Problem> {
        match self.roles.amounts {
            AmountColumns::Single(column) => self.single(record, column),
            AmountColumns::Pair { debit, credit } => self.pair(record, debit, credit),
        }
    }

    fn single(&mut self, record: &Record<'_>, column: usize) -> Result<Option<Found>, Problem> {
        let cell = record.cell(column);
        if is_void(cell) {
            return Ok(None);
        }
        let mut found = self.number(record, column, cell, "amount")?;
        if let Some(direction) = self.roles.direction {
            let word = record.cell(direction.column);
            found.side = match self.direction(word) {
                Some(Direction::In) => Side::In,
                Some(Direction::Out) => Side::Out,
                None => match direction.blank {
                    Some(Direction::In) if word.is_empty() => Side::In,
                    Some(Direction::Out) if word.is_empty() => Side::Out,
                    _ => {
                        let field = self.table.field(direction.column, "direction");
                        let text = "the row does not say whether money comes in or goes out";
                        return Err(self.problem(ErrorCode::MalformedFile, record, field, text));
                    }
                },
            };
        }
        Ok(Some(found))
    }

    fn pair(
        &self,
        record: &Record<'_>,
        debit: Option<usize>,
        credit: Option<usize>,
    ) -> Result<Option<Found>, Problem> {
        let side = |column: Option<usize>, role, side| -> Result<Option<Found>, Problem> {
            let Some(column) = column else { return Ok(None) };
            let cell = record.cell(column);
            if is_void(cell) {
                return Ok(None);
            }
            let found = self.number(record, column, cell, role)?;
            Ok(Some(Found { side, ..found }))
        };
        let debit = side(debit, "debit", Side::Out)?;
        let credit = side(credit, "credit", Side::In)?;
        match (debit, credit) {
            (Some(debit), Some(credit)) => {
                if credit.amount.decimal().is_zero() {
                    Ok(Some(debit))
                } else if debit.amount.decimal().is_zero() {
                    Ok(Some(credit))
                } else {
                    let text = "the row has both an amount that goes out and one that comes in";
                    Err(self.problem(ErrorCode::MalformedFile, record, "amount".into(), text))
                }
            }
            (debit, credit) => Ok(debit.or(credit)),
        }
    }

    fn number(
        &self,
        record: &Record<'_>,
        column: usize,
        cell: &str,
        role: &str,
    ) -> Result<Found, Problem> {
        if let Some(found) = plain_number(cell, self.formats.decimal) {
            return Ok(found);
        }
        let read = |scanned: Scanned<'_>| {
            let amount = numbers::read(scanned.digits, self.formats.decimal)?;
            let side = match (scanned.direction, scanned.plus) {
                (Some(Direction::In), _) => Side::In,
                (Some(Direction::Out), _) => Side::Out,
                (None, true) => Side::Plus,
                (None, false) => Side::Plain,
            };
            Some(Found { amount, minus: scanned.negative, side, currency: scanned.currency })
        };
        numbers::scan(cell).and_then(read).ok_or_else(|| {
            let field = self.table.field(column, role);
            let text = "the amount cannot be read in the number format of the file";
            self.problem(ErrorCode::InvalidAmount, record, field, text)
        })
    }

    fn direction(&mut self, cell: &str) -> Option<Direction> {
        if self.last_direction.0 != cell {
            let folded = || fold(cell);
            let stated = !self.in_words.is_empty() || !self.out_words.is_empty();
            let direction = if stated && self.in_words.contains(&folded()) {
                Some(Direction::In)
            } else if stated && self.out_words.contains(&folded()) {
                Some(Direction::Out)
            } else {
                Direction::of(cell)
            };
            self.last_direction = (cell.to_owned(), direction);
        }
        self.last_direction.1
    }

    pub(super) fn balance(&self, record: &Record<'_>) -> Option<Amount> {
        let cell = record.cell(self.roles.balance?);
        let decimal = self.formats.balance_decimal;
        let found = plain_number(cell, decimal).map(|found| (found.amount, found.minus));
        let (amount, minus) = found.or_else(|| {
            let scanned = numbers::scan(cell)?;
            let minus = scanned.negative || scanned.direction == Some(Direction::Out);
            Some((numbers::read(scanned.digits, decimal)?, minus))
        })?;
        Some(if minus { Amount::new(-amount.decimal()) } else { amount })
    }
}

/// A number of plain digits with at most a sign before them: the usual case.
fn plain_number(cell: &str, decimal: DecimalSeparator) -> Option<Found> {
    let (minus, digits) = match cell.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, cell),
    };
    let amount = numbers::read_plain(digits.as_bytes(), decimal)?;
    Some(Found { amount, minus, side: Side::Plain, currency: None })
}
