//! What the cells of a column look like, counted over a sample.

use super::dates;
use super::numbers::{self, Reading};
use super::profile::DecimalSeparator;
use super::split::Record;
use super::text::is_void;
use super::words::{self, Direction, State};

/// Counts over the cells of one column.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    /// Cells that hold something.
    pub filled: usize,
    /// Cells that are a date.
    pub dates: usize,
    /// Cells that are an amount in some form.
    pub numbers: usize,
    /// Amounts with a sign, brackets, a currency, a direction or a decimal separator.
    pub money: usize,
    /// Amounts with a minus or brackets.
    pub negative: usize,
    /// Amounts with a plus.
    pub plus: usize,
    /// Amounts with a separator among their digits.
    pub separated: usize,
    /// Numbers that are zero, and numbers too long or with leading zeros as only ids have them.
    pub zeros: usize,
    pub ids: usize,
    /// Amounts that only make sense with a decimal point, and with a decimal comma.
    pub points: usize,
    pub commas: usize,
    /// Cells that are a currency code.
    pub currencies: usize,
    /// Cells of three capitals, as currency codes of the past are.
    pub codes: usize,
    /// Cells with four digits or more.
    pub digits: usize,
    /// Cells of a status that means that the row is not booked yet.
    pub pending: usize,
    /// Cells that are a direction that means money in.
    pub ins: usize,
    /// Cells that are a direction that means money out.
    pub outs: usize,
    /// Cells that a bank's booking system writes as a status.
    pub states: usize,
    /// Cells that look like an account number of the bank's country (IBAN).
    pub ibans: usize,
    /// Bytes over all cells.
    pub bytes: usize,
    /// The first cell that holds something, and whether all others are the same.
    pub sample: String,
    /// Whether every cell that holds something holds the same.
    pub constant: bool,
}

impl Column {
    /// Adds one cell.
    pub fn add(&mut self, cell: &str) {
        if is_void(cell) && cell != "-" {
            return;
        }
        match Direction::of(cell) {
            Some(Direction::In) => self.ins += 1,
            Some(Direction::Out) => self.outs += 1,
            None => {}
        }
        if cell == "-" {
            return;
        }
        if self.filled == 0 {
            self.sample = cell.chars().take(64).collect();
            self.constant = true;
        } else if self.constant && cell.len() <= 256 {
            self.constant = cell == self.sample;
        }
        self.filled += 1;
        self.bytes += cell.len();
        self.currencies += usize::from(words::code(cell).is_some());
        self.codes +=
            usize::from(cell.len() == 3 && cell.bytes().all(|byte| byte.is_ascii_uppercase()));
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        self.digits += usize::from(digits >= 4);
        self.add_state(cell);
        self.ibans += usize::from(is_iban(cell));
        if dates::scan(cell).is_some() {
            self.dates += 1;
        } else {
            self.add_number(cell);
        }
    }

    fn add_state(&mut self, cell: &str) {
        if cell.len() <= 40 && words::is_status(cell) {
            self.states += 1;
            self.pending += usize::from(State::of(cell) == State::Pending);
        }
    }

    fn add_number(&mut self, cell: &str) {
        if cell.len() > 64 {
            return;
        }
        let Some(scanned) = numbers::scan(cell) else { return };
        match numbers::readings(scanned.digits) {
            Reading::None => return,
            Reading::Only(DecimalSeparator::Point) => self.points += 1,
            Reading::Only(DecimalSeparator::Comma) => self.commas += 1,
            Reading::Same | Reading::Open => {}
        }
        self.numbers += 1;
        let separated = scanned.digits.contains(['.', ',']);
        self.separated += usize::from(separated);
        self.zeros +=
            usize::from(!scanned.digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte)));
        let length = scanned.digits.len();
        self.ids += usize::from(
            !separated && (length >= 9 || length > 1 && scanned.digits.starts_with('0')),
        );
        let marked = scanned.negative
            || scanned.plus
            || scanned.currency.is_some()
            || scanned.direction.is_some()
            || separated;
        self.money += usize::from(marked);
        self.negative += usize::from(scanned.negative);
        self.plus += usize::from(scanned.plus);
    }

    /// Whether the cells are dates, as far as there are any.
    pub fn is_date(&self) -> bool {
        self.filled > 0 && self.dates * 2 >= self.filled
    }

    /// Whether the cells are amounts, as far as there are any.
    pub fn is_number(&self) -> bool {
        self.filled > 0 && self.numbers * 2 >= self.filled
    }

    /// Whether the cells are amounts, some of which could not be a number of another kind.
    pub fn is_money(&self) -> bool {
        self.is_number() && self.money > 0
    }

    /// Whether the cells are whole numbers that could be amounts: not all zero, and no ids.
    pub fn is_whole(&self) -> bool {
        self.is_number() && self.separated == 0 && self.ids == 0 && self.zeros < self.numbers
    }

    /// Whether the cells are currency codes.
    pub fn is_currency(&self) -> bool {
        self.filled > 0 && self.currencies * 2 >= self.filled
    }

    /// Whether the cells have the form of currency codes.
    pub fn is_code(&self) -> bool {
        self.filled > 0 && self.codes == self.filled
    }

    /// How many cells are directions.
    pub fn directions(&self) -> usize {
        self.ins + self.outs
    }

    /// Whether no cell holds anything.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }
}

/// Whether a cell has the form of an IBAN: country, check digits, then letters and digits.
pub(super) fn is_iban(cell: &str) -> bool {
    let compact = cell.bytes().filter(|byte| *byte != b' ');
    let length = compact.clone().count();
    (15..=34).contains(&length)
        && compact.enumerate().all(|(at, byte)| match at {
            0 | 1 => byte.is_ascii_uppercase(),
            2 | 3 => byte.is_ascii_digit(),
            _ => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        })
}

/// Counts the columns of some records.
pub(super) fn columns<'r, 't: 'r>(records: impl Iterator<Item = &'r Record<'t>>) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for record in records {
        if columns.len() < record.cells.len() {
            columns.resize_with(record.cells.len(), Column::default);
        }
        for (place, column) in columns.iter_mut().enumerate() {
            column.add(record.cell(place));
        }
    }
    columns
}
