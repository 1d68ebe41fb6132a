//! One number format and one date order for the whole file, from the evidence of its cells.
//!
//! Rows are looked at until their cells prove what is open, and at the whole file where they do not
//! or where later rows contradict them. What stays open after that is said to be, with both
//! readings.

use chrono::NaiveDate;

use super::dates::{self, Triple, Written};
use super::numbers::{self, Reading};
use super::profile::{CsvProfile, DateOrder, DecimalSeparator};
use super::roles::Roles;
use super::split::Record;
use super::table::Table;
use crate::error::ErrorCode;
use crate::import::Problem;

mod order;

pub(super) use order::OrderEvidence;

/// After how many rows it is looked again whether the evidence is enough.
const STEP_ROWS: usize = 64;

/// How the cells of this file are read. What is `None` makes no difference to any cell seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Formats {
    /// The decimal separator of amounts.
    pub decimal: Option<DecimalSeparator>,
    /// The decimal separator of balances.
    pub balance_decimal: Option<DecimalSeparator>,
    /// The order of numeric dates.
    pub order: Option<DateOrder>,
    /// Whether every row was looked at.
    pub whole: bool,
}

/// Evidence on the decimal separator.
#[derive(Debug, Clone, Default)]
struct DecimalEvidence {
    point: usize,
    comma: usize,
    /// Line and column of the first cell that can be read in two ways.
    open: Option<(u64, usize)>,
}

impl DecimalEvidence {
    fn add(&mut self, cell: &str, line: u64, column: usize) {
        let Some(scanned) = numbers::scan(cell) else { return };
        match numbers::readings(scanned.digits) {
            Reading::Only(DecimalSeparator::Point) => self.point += 1,
            Reading::Only(DecimalSeparator::Comma) => self.comma += 1,
            Reading::Open => {
                self.open.get_or_insert((line, column));
            }
            Reading::Same | Reading::None => {}
        }
    }

    /// The separator that the evidence proves: all of it but a few garbled cells.
    fn verdict(&self) -> Option<DecimalSeparator> {
        if self.point > self.comma.saturating_mul(9) {
            Some(DecimalSeparator::Point)
        } else if self.comma > self.point.saturating_mul(9) {
            Some(DecimalSeparator::Comma)
        } else {
            None
        }
    }

    /// Whether more cells have to be seen.
    fn is_open(&self) -> bool {
        self.verdict().is_none() && (self.open.is_some() || self.point > 0 || self.comma > 0)
    }

    fn is_contradictory(&self) -> bool {
        self.point > 0 && self.comma > 0 && self.verdict().is_none()
    }
}

/// Everything that was seen.
struct Evidence {
    amounts: DecimalEvidence,
    balances: DecimalEvidence,
    others: DecimalEvidence,
    order: OrderEvidence,
}

impl Evidence {
    fn new() -> Self {
        Self {
            amounts: DecimalEvidence::default(),
            balances: DecimalEvidence::default(),
            others: DecimalEvidence::default(),
            order: OrderEvidence::default(),
        }
    }

    /// Looks at the rows until they prove what is open, or at all of them; whether it was all.
    fn gather(table: &Table<'_>, roles: &Roles, profile: &CsvProfile, whole: bool) -> (Self, bool) {
        let mut evidence = Self::new();
        let mut rows = table.records();
        let mut record = Record::default();
        let mut seen = 0_usize;
        while rows.next_into(&mut record) {
            evidence.add(&record, roles);
            evidence.add_others(&record, roles);
            seen += 1;
            let check = seen >= table.sample.len() && seen.is_multiple_of(STEP_ROWS);
            if check && !whole && !evidence.is_open(profile) {
                return (evidence, false);
            }
        }
        (evidence, true)
    }

    /// Whether more rows have to be seen.
    fn is_open(&self, profile: &CsvProfile) -> bool {
        profile.decimal.is_none() && self.amounts.is_open()
            || profile.date_order.is_none() && self.order.is_open()
    }

    fn add(&mut self, record: &Record<'_>, roles: &Roles) {
        let line = record.line;
        for column in roles.amounts.places() {
            self.amounts.add(record.cell(column), line, column);
        }
        if let Some(column) = roles.balance {
            self.balances.add(record.cell(column), line, column);
        }
        let booking = dates::scan(record.cell(roles.booking));
        let value = roles.value.and_then(|column| dates::scan(record.cell(column)));
        self.order.add_row(line, booking.map(|cell| cell.date), value.map(|cell| cell.date));
    }

    /// Looks at the columns without a role as well: the same program wrote them.
    fn add_others(&mut self, record: &Record<'_>, roles: &Roles) {
        for column in 0..record.cells.len() {
            if is_text(roles, column) {
                continue;
            }
            let cell = record.cell(column);
            if cell.len() > 40 {
                continue;
            }
            if let Some(found) = dates::scan(cell) {
                self.order.add_other(found.date);
            } else if !cell.contains(' ') {
                self.others.add(cell, record.line, column);
            }
        }
    }
}

/// Whether a column holds text in which numbers and dates are not the exporter's own.
fn is_text(roles: &Roles, column: usize) -> bool {
    let texts = [roles.payee, roles.reference, roles.bank_id, roles.account, roles.category];
    roles.descriptions.contains(&column)
        || texts.contains(&Some(column))
        || roles.amounts.places().any(|place| place == column)
        || roles.balance == Some(column)
}

/// Settles the formats, or says what can be read in two ways.
pub(super) fn settle(
    table: &Table<'_>,
    roles: &Roles,
    profile: &CsvProfile,
    whole: bool,
) -> Result<Formats, Vec<Problem>> {
    let (evidence, whole) = Evidence::gather(table, roles, profile, whole);
    let mut problems = Vec::new();
    let decimal = profile.decimal.or_else(|| {
        decide_decimal(&evidence, table, roles, profile).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        })
    });
    let order = profile.date_order.or_else(|| {
        evidence.order.decide(table, roles).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        })
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    let balance_decimal = evidence.balances.verdict().or(decimal);
    Ok(Formats { decimal, balance_decimal, order, whole })
}

/// The decimal separator; `None` where every cell reads the same either way.
fn decide_decimal(
    evidence: &Evidence,
    table: &Table<'_>,
    roles: &Roles,
    profile: &CsvProfile,
) -> Result<Option<DecimalSeparator>, Problem> {
    let amounts = &evidence.amounts;
    if let Some(decimal) = amounts.verdict() {
        return Ok(Some(decimal));
    }
    let open = amounts.open;
    if !amounts.is_contradictory() {
        if open.is_none() {
            return Ok(None);
        }
        for other in [&evidence.balances, &evidence.others] {
            if let Some(decimal) = other.verdict() {
                return Ok(Some(decimal));
            }
        }
    }
    if let Some(decimal) = without_minor_unit(table, roles, profile) {
        return Ok(Some(decimal));
    }
    let (line, column) = open.unwrap_or((table.first_line, 0));
    let field = match open {
        Some(_) => table.field(column, "amount"),
        None => "amount".to_owned(),
    };
    let message = if amounts.is_contradictory() {
        "amounts are written with a decimal point and with a decimal comma; state `decimal` in the \
         profile"
    } else {
        "`1,234` or `1.234` may mean 1234 or 1.234 here; state `decimal` (`point` or `comma`) in \
         the profile"
    };
    Err(Problem {
        code: ErrorCode::AmbiguousFile,
        message: message.to_owned(),
        line: Some(line),
        field: Some(field),
    })
}

/// In a currency without decimal places every separator groups thousands.
fn without_minor_unit(
    table: &Table<'_>,
    roles: &Roles,
    profile: &CsvProfile,
) -> Option<DecimalSeparator> {
    let stated = profile.currency.as_deref().and_then(super::words::code);
    let in_column = || {
        let column = roles.currency?;
        let mut codes = table.typical().into_iter().map(|row| super::words::code(row.cell(column)));
        let first = codes.next()??;
        codes.all(|code| code == Some(first)).then_some(first)
    };
    let currency = in_column().or(roles.header_currency).or(stated)?;
    if currency.exponent() > 0 {
        return None;
    }
    let has = |separator: char| {
        table
            .typical()
            .iter()
            .any(|row| roles.amounts.places().any(|at| row.cell(at).contains(separator)))
    };
    match (has(','), has('.')) {
        (true, false) => Some(DecimalSeparator::Point),
        (false, true) => Some(DecimalSeparator::Comma),
        _ => None,
    }
}

/// The days between two dates.
fn days_between(left: NaiveDate, right: NaiveDate) -> u64 {
    right.signed_duration_since(left).num_days().unsigned_abs()
}

/// The triple of a date whose order is open.
fn open(date: Written) -> Option<Triple> {
    match date {
        Written::Open(triple) => Some(triple),
        Written::Fixed(_) => None,
    }
}
