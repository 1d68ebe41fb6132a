//! The amount of a row: one column or two, its direction, the balance behind it.

use super::{Reader, Side};
use crate::error::ErrorCode;
use crate::import::Problem;
use crate::import::csv::numbers;
use crate::import::csv::profile::DecimalSeparator;
use crate::import::csv::roles::AmountColumns;
use crate::import::csv::split::Record;
use crate::import::csv::text::{fold, is_void};
use crate::import::csv::words::{Direction, Mark};
use crate::money::Amount;

/// The amount of a row before its sign is settled.
pub(super) struct Number {
    pub amount: Amount,
    pub minus: bool,
    pub side: Side,
    pub currency: Option<Mark>,
}

impl Reader<'_, '_> {
    pub(super) fn amount(&mut self, record: &Record<'_>) -> Result<Option<Number>, Problem> {
        match self.roles.amounts {
            AmountColumns::Single(column) => self.single(record, column),
            AmountColumns::Pair { debit, credit } => self.pair(record, debit, credit),
        }
    }

    fn single(&mut self, record: &Record<'_>, column: usize) -> Result<Option<Number>, Problem> {
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
        &mut self,
        record: &Record<'_>,
        debit: Option<usize>,
        credit: Option<usize>,
    ) -> Result<Option<Number>, Problem> {
        let mut side = |column: Option<usize>, role, side| -> Result<Option<Number>, Problem> {
            let Some(column) = column else { return Ok(None) };
            let cell = record.cell(column);
            if is_void(cell) {
                return Ok(None);
            }
            let found = self.number(record, column, cell, role)?;
            Ok(Some(Number { side, ..found }))
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
        &mut self,
        record: &Record<'_>,
        column: usize,
        cell: &str,
        role: &str,
    ) -> Result<Number, Problem> {
        if let Some(found) = plain_number(cell, self.formats.decimal) {
            return Ok(found);
        }
        let scanned = numbers::scan(cell);
        let amount = scanned.and_then(|scanned| self.amount_of(scanned.digits));
        if let (Some(scanned), Some(amount)) = (scanned, amount) {
            let side = match (scanned.direction, scanned.plus) {
                (Some(Direction::In), _) => Side::In,
                (Some(Direction::Out), _) => Side::Out,
                (None, true) => Side::Plus,
                (None, false) => Side::Plain,
            };
            let (minus, currency) = (scanned.negative, scanned.currency);
            return Ok(Number { amount, minus, side, currency });
        }
        let field = self.table.field(column, role);
        let text = "the amount cannot be read in the number format of the file";
        Err(self.problem(ErrorCode::InvalidAmount, record, field, text))
    }

    /// The number in the settled format.
    fn amount_of(&mut self, digits: &str) -> Option<Amount> {
        let Some(decimal) = self.formats.decimal else {
            let same = numbers::read_alike(digits);
            self.open |= same.is_none();
            return same;
        };
        let amount = numbers::read(digits, decimal);
        if amount.is_none() {
            self.found.contradicted |= numbers::read(digits, decimal.other()).is_some();
        }
        amount
    }

    fn direction(&mut self, cell: &str) -> Option<Direction> {
        if let Some(known) = self.directions.get(cell) {
            return known;
        }
        let stated = !self.in_words.is_empty() || !self.out_words.is_empty();
        let folded = if stated { fold(cell) } else { String::new() };
        let direction = if stated && self.in_words.contains(&folded) {
            Some(Direction::In)
        } else if stated && self.out_words.contains(&folded) {
            Some(Direction::Out)
        } else {
            let known = Direction::of(cell);
            if let Some(direction) = known {
                self.found.words.add(cell, direction);
            }
            known
        };
        self.directions.put(cell, direction);
        direction
    }

    pub(super) fn balance(&mut self, record: &Record<'_>) -> Option<Amount> {
        let cell = record.cell(self.roles.balance?);
        let decimal = self.formats.balance_decimal;
        if let Some(found) = plain_number(cell, decimal) {
            return Some(if found.minus { negated(found.amount) } else { found.amount });
        }
        let scanned = numbers::scan(cell)?;
        let amount = match decimal {
            Some(decimal) => numbers::read(scanned.digits, decimal),
            None => numbers::read_alike(scanned.digits),
        };
        let Some(amount) = amount else {
            let other = decimal.and_then(|decimal| numbers::read(scanned.digits, decimal.other()));
            self.open |= decimal.is_none();
            self.found.contradicted |= other.is_some();
            return None;
        };
        let minus = scanned.negative || scanned.direction == Some(Direction::Out);
        Some(if minus { negated(amount) } else { amount })
    }
}

/// A number of plain digits with at most a sign before them: the usual case.
fn plain_number(cell: &str, decimal: Option<DecimalSeparator>) -> Option<Number> {
    let (side, minus, digits) = match cell.as_bytes() {
        [b'-', digits @ ..] => (Side::Plain, true, digits),
        [b'+', digits @ ..] => (Side::Plus, false, digits),
        digits => (Side::Plain, false, digits),
    };
    let decimal = match decimal {
        Some(decimal) => decimal,
        None if digits.iter().all(u8::is_ascii_digit) => DecimalSeparator::Point,
        None => return None,
    };
    let amount = numbers::read_plain(digits, decimal)?;
    Some(Number { amount, minus, side, currency: None })
}

fn negated(amount: Amount) -> Amount {
    Amount::new(-amount.decimal())
}
