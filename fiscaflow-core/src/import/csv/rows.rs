//! The straight pass: from the records of a table to rows, once everything is settled.
//!
//! A record becomes a row, continues the one before it, is known to be no transaction (prose,
//! totals, balance lines, rows without an amount, announced rows without a date), or is a problem.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::dates::{self, Written};
use super::numbers;
use super::profile::CsvProfile;
use super::roles::Roles;
use super::settle::Formats;
use super::split::Record;
use super::table::Table;
use super::text::{fold, is_void};
use super::words::{self, Direction, State};
use crate::error::{Error, ErrorCode, Result};
use crate::import::text::one_line;
use crate::import::{MAX_FILE_ROWS, Problem, Row};
use crate::limits::{MAX_COLUMNS, MAX_DESCRIPTION_BYTES};

mod amounts;
mod currencies;
mod found;
mod texts;

pub(super) use currencies::file_currency;
use found::Memo;
pub(super) use found::{Found, Group, MAX_KINDS, Mark, Seen, Words};

/// What told the direction of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Nothing but the sign.
    Plain,
    /// A plus sign.
    Plus,
    /// A column, word or tag: money out.
    Out,
    /// A column, word or tag: money in.
    In,
}

/// Reads every row; `None` where a cell can be read in two ways while nothing told which.
pub(super) fn read(
    table: &Table<'_>,
    roles: &Roles,
    formats: Formats,
    profile: &CsvProfile,
) -> Result<Option<Found>> {
    let mut reader = Reader::new(table, roles, formats, profile);
    let mut rows = table.records();
    let mut record = Record::default();
    while rows.next_into(&mut record) {
        match reader.read(&record) {
            Ok(kept) => reader.continues = kept,
            Err(problem) => {
                reader.found.problems.push(problem);
                reader.continues = false;
            }
        }
        if reader.open && !formats.whole {
            return Ok(None);
        }
        if reader.found.records() > MAX_FILE_ROWS {
            let text = format!("a file may have at most {MAX_FILE_ROWS} rows");
            return Err(Error::new(ErrorCode::LimitExceeded, text).field("content"));
        }
    }
    Ok(Some(reader.found))
}

struct Reader<'a, 't> {
    table: &'a Table<'t>,
    roles: &'a Roles,
    formats: Formats,
    /// How many cells a row has; more are a shifted row.
    width: usize,
    in_words: Vec<String>,
    out_words: Vec<String>,
    /// The currency of amounts that carry none.
    file_currency: Option<String>,
    found: Found,
    /// Whether a line without date and amount continues the row before it.
    continues: bool,
    /// Whether a cell can be read in two ways, and no format is settled.
    open: bool,
    /// The description of the row that is read.
    description: String,
    last_date: (String, Option<(NaiveDate, Option<NaiveDate>)>),
    directions: Memo<Option<Direction>>,
    states: Memo<State>,
    currencies: Memo<u16>,
}

impl<'a, 't> Reader<'a, 't> {
    fn new(table: &'a Table<'t>, roles: &'a Roles, formats: Formats, profile: &CsvProfile) -> Self {
        let folded = |words: &[String]| words.iter().map(|word| fold(word.trim())).collect();
        let width = match &table.header {
            Some(header) => header.cells.len(),
            None => table.typical().iter().map(|row| row.cells.len()).max().unwrap_or(0),
        };
        Self {
            table,
            roles,
            formats,
            width,
            in_words: folded(&profile.in_words),
            out_words: folded(&profile.out_words),
            file_currency: file_currency(table, roles, profile),
            found: Found::new(table.count_lines(), roles.balance.is_some(), Words::stated(profile)),
            continues: false,
            open: false,
            description: String::new(),
            last_date: (String::new(), None),
            directions: Memo::default(),
            states: Memo::default(),
            currencies: Memo::default(),
        }
    }

    fn problem(&self, code: ErrorCode, record: &Record<'_>, field: String, text: &str) -> Problem {
        Problem { code, message: text.to_owned(), line: Some(record.line), field: Some(field) }
    }

    /// Reads one record; whether the next one may continue it.
    fn read(&mut self, record: &Record<'_>) -> Result<bool, Problem> {
        let Some((date, as_of)) = self.date(record.cell(self.roles.booking)) else {
            return self.undated(record);
        };
        let found = match self.amount(record) {
            Ok(Some(found)) => found,
            // A balance line may be written in any way: it is no transaction.
            Ok(None) | Err(_) if self.is_balance_line(record) => return Ok(false),
            Ok(None) => return self.without_amount(record).map(|()| false),
            Err(problem) => return Err(problem),
        };
        self.check_form(record)?;
        let state = match self.roles.status {
            Some(column) => self.state(record.cell(column)),
            None => State::Booked,
        };
        if state == State::Failed {
            return Ok(false);
        }
        self.describe(record)?;
        let is_cell =
            self.description == record.cell(self.roles.descriptions.first().copied().unwrap_or(0));
        if self.is_balance_line(record) || !is_cell && words::is_balance_line(&self.description) {
            return Ok(false);
        }
        let value_date = match self.roles.value.map(|column| record.cell(column)) {
            Some(cell) if !is_void(cell) => self.value_date(cell),
            _ => as_of,
        };
        let account = match self.roles.account {
            // A quote that was lost at one end leaves the other one behind.
            Some(column) => self.found.accounts.number(record.cell(column).trim_matches('"')),
            None => 0,
        };
        let currency = self.currency(record, found.currency)?;
        let balance = self.balance(record);
        let roles = self.roles;
        let text = |column: Option<usize>| column.map(|column| texts::short(record.cell(column)));
        let (payee, bank_id) = (text(roles.payee), text(roles.bank_id));
        let (reference, category) = (text(roles.reference), text(roles.category));
        let row = Row {
            value_date,
            description: &self.description,
            payee: payee.as_deref(),
            bank_id: bank_id.as_deref(),
            reference: reference.as_deref(),
            category: category.as_deref(),
            pending: state == State::Pending,
            ..Row::new(record.line, date, found.amount)
        };
        let mark = Mark { side: found.side, minus: found.minus };
        self.found.push(&row, mark, balance, (account, currency));
        Ok(true)
    }

    /// The date of a cell; rows of one day stand together, so the last one is remembered.
    fn date(&mut self, cell: &str) -> Option<(NaiveDate, Option<NaiveDate>)> {
        if cell.is_empty() {
            return None;
        }
        if self.last_date.0 != cell {
            let read = self.new_date(cell);
            self.last_date.0.clear();
            self.last_date.0.push_str(cell);
            self.last_date.1 = read;
        }
        self.last_date.1
    }

    fn value_date(&mut self, cell: &str) -> Option<NaiveDate> {
        let known = self.last_date.0 == cell;
        let found = if known { self.last_date.1 } else { self.new_date(cell) };
        found.map(|found| found.0)
    }

    /// The date of a cell in the file's order, and the one behind `as of`.
    fn new_date(&mut self, cell: &str) -> Option<(NaiveDate, Option<NaiveDate>)> {
        if let Some(date) = dates::plain(cell.as_bytes(), self.formats.order) {
            return Some((date, None));
        }
        let found = dates::scan(cell)?;
        let date = self.in_order(found.date);
        if date.is_none() {
            // It exists, but not in this order.
            self.open |= self.formats.order.is_none();
            self.found.contradicted = true;
        }
        Some((date?, found.as_of.and_then(|date| self.in_order(date))))
    }

    fn in_order(&self, date: Written) -> Option<NaiveDate> {
        match self.formats.order {
            Some(order) => date.in_order(order),
            None => date.alike(),
        }
    }

    /// A record without a readable date.
    fn undated(&mut self, record: &Record<'_>) -> Result<bool, Problem> {
        let cell = record.cell(self.roles.booking);
        let has_amount = self.amount_cells(record).any(|cell| numbers::scan(cell).is_some());
        if !has_amount {
            if cell.is_empty() && self.continues {
                self.append(record);
                return Ok(true);
            }
            return Ok(false);
        }
        let total = (0..record.cells.len()).any(|place| words::is_total(record.cell(place)));
        if total || State::of(cell) == State::Pending || self.table.is_header(record) {
            return Ok(false);
        }
        let field = self.table.field(self.roles.booking, "booking_date");
        let text = if cell.is_empty() {
            "the row has an amount and no date"
        } else {
            "the date cannot be read"
        };
        Err(self.problem(ErrorCode::InvalidDate, record, field, text))
    }

    /// Adds the text of a line to the description of the row before it.
    fn append(&mut self, record: &Record<'_>) {
        let Some(rows) = self.found.last_rows() else { return };
        for column in &self.roles.descriptions {
            let cell = record.cell(*column);
            let length = rows.iter().next_back().map_or(0, |row| row.description.len());
            if !cell.is_empty()
                && !words::is_total(cell)
                && length + cell.len() < MAX_DESCRIPTION_BYTES
            {
                rows.continue_description(&one_line(Cow::Borrowed(cell)));
            }
        }
    }

    /// Whether one of the texts says that the record reports a balance.
    fn is_balance_line(&self, record: &Record<'_>) -> bool {
        let mut texts = self.roles.descriptions.iter().chain(&self.roles.payee);
        texts.any(|column| words::is_balance_line(record.cell(*column)))
    }

    fn amount_cells<'r>(&self, record: &'r Record<'_>) -> impl Iterator<Item = &'r str> {
        self.roles.amounts.places().map(|column| record.cell(column))
    }

    /// A dated record without an amount is no transaction, unless its end is missing or its
    /// balance has moved.
    fn without_amount(&mut self, record: &Record<'_>) -> Result<(), Problem> {
        let last = self.roles.amounts.places().max();
        if last.is_some_and(|last| record.cells.len() <= last) {
            let text = "the row ends before its amount";
            return Err(self.problem(ErrorCode::MalformedFile, record, "amount".into(), text));
        }
        let balance = self.balance(record);
        if balance.is_some() && self.found.last_balance().is_some_and(|last| Some(last) != balance)
        {
            let text = "the row has no amount, but its balance is another than before";
            return Err(self.problem(ErrorCode::MalformedFile, record, "amount".into(), text));
        }
        Ok(())
    }

    /// Whether the record has the form of the others: its cells are where they belong.
    fn check_form(&self, record: &Record<'_>) -> Result<(), Problem> {
        if record.overfull {
            let text = format!("a row may have at most {MAX_COLUMNS} columns");
            return Err(self.problem(ErrorCode::LimitExceeded, record, "columns".into(), &text));
        }
        if record.cells.len() > self.width
            && record.width() > self.width
            && self.overflow_column().is_none()
        {
            let text = "the row has more columns than the others: a delimiter in a text or amount";
            return Err(self.problem(ErrorCode::MalformedFile, record, "columns".into(), text));
        }
        if record.span > 1 {
            self.check_lines(record)?;
        }
        Ok(())
    }

    /// The last column, where it is a description that may hold delimiters.
    fn overflow_column(&self) -> Option<usize> {
        let last = self.width.checked_sub(1)?;
        self.roles.descriptions.contains(&last).then_some(last)
    }

    /// A quote that was never closed hides whole rows in one cell.
    fn check_lines(&self, record: &Record<'_>) -> Result<(), Problem> {
        let delimiter = char::from(self.table.dialect.delimiter);
        let hidden = |line: &str| line.matches(delimiter).count() + 1 >= self.width.max(3);
        let swallowed = record.cells.iter().any(|cell| {
            let mut lines = cell.split(['\n', '\r']);
            lines.next();
            lines.any(hidden)
        });
        if !swallowed {
            return Ok(());
        }
        let text = "a quoted cell spans whole rows: a quote is not closed";
        Err(self.problem(ErrorCode::MalformedFile, record, "columns".into(), text))
    }

    fn state(&mut self, cell: &str) -> State {
        self.states.get(cell).unwrap_or_else(|| {
            let state = State::of(cell);
            self.states.put(cell, state);
            state
        })
    }
}
