//! The straight pass: from the records of a table to entries, once everything is settled.
//!
//! A record becomes an entry, continues the one before it, is known to be no transaction (prose,
//! totals, balance lines, rows without an amount, announced rows without a date), or is a problem.

use chrono::NaiveDate;

use super::dates;
use super::numbers;
use super::profile::{CsvProfile, DateOrder};
use super::roles::Roles;
use super::settle::Formats;
use super::split::{MAX_COLUMNS, Record};
use super::table::Table;
use super::text::{fold, is_void};
use super::words::{self, Direction, Mark, State};
use crate::error::{Error, ErrorCode, Result};
use crate::import::{MAX_FILE_ROWS, Problem};
use crate::limits::MAX_DESCRIPTION_BYTES;
use crate::money::Amount;

mod amounts;
mod texts;

use amounts::Found;
use texts::join;

/// What told the direction of an entry.
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

/// What becomes a row.
#[derive(Debug)]
pub(super) struct Draft {
    pub line: u64,
    pub booking_date: NaiveDate,
    pub value_date: Option<NaiveDate>,
    pub amount: Amount,
    pub description: String,
    pub payee: Option<String>,
    pub bank_id: Option<String>,
    pub reference: Option<String>,
    pub category: Option<String>,
    pub pending: bool,
}

/// A row whose sign is not settled yet: its amount has none.
#[derive(Debug)]
pub(super) struct Entry {
    pub row: Draft,
    pub side: Side,
    /// Whether a minus or brackets stood around the amount.
    pub minus: bool,
    pub balance: Option<Amount>,
    /// Its account and currency among those that were seen; 0 is none.
    pub account: u16,
    pub currency: u16,
}

/// Texts that were seen, numbered from 1.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub texts: Vec<String>,
    last: u16,
}

impl Seen {
    /// The number of a text; 0 is no text. Beyond the limit, all texts are one.
    fn number(&mut self, text: &str, limit: usize) -> u16 {
        if text.is_empty() {
            return 0;
        }
        if self.get(self.last) == Some(text) {
            return self.last;
        }
        let place = match self.texts.iter().position(|known| known == text) {
            Some(place) => place,
            None if self.texts.len() < limit => {
                self.texts.push(text.to_owned());
                self.texts.len() - 1
            }
            None => limit,
        };
        self.last = u16::try_from(place + 1).unwrap_or(u16::MAX);
        self.last
    }

    pub fn get(&self, number: u16) -> Option<&str> {
        let place = usize::from(number).checked_sub(1)?;
        self.texts.get(place).map(String::as_str)
    }
}

/// More accounts or currencies than this in one file are not that.
pub(super) const MAX_KINDS: usize = 64;

/// What the pass yields.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub entries: Vec<Entry>,
    pub accounts: Seen,
    pub currencies: Seen,
    pub problems: Vec<Problem>,
}

/// Reads every row.
pub(super) fn read(
    table: &Table<'_>,
    roles: &Roles,
    formats: Formats,
    profile: &CsvProfile,
) -> Result<Entries> {
    let mut reader = Reader::new(table, roles, formats, profile);
    let mut rows = table.records();
    let mut record = Record::default();
    while rows.next_into(&mut record) {
        let before = reader.found.entries.len();
        match reader.read(&record) {
            Ok(kept) => reader.continues = kept,
            Err(problem) => {
                reader.found.entries.truncate(before);
                reader.found.problems.push(problem);
                reader.continues = false;
            }
        }
        if reader.found.entries.len() > MAX_FILE_ROWS {
            let text = format!("a file may have at most {MAX_FILE_ROWS} rows");
            return Err(Error::new(ErrorCode::LimitExceeded, text).field("content"));
        }
    }
    Ok(reader.found)
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
    found: Entries,
    /// Whether a line without date and amount continues the entry before it.
    continues: bool,
    last_date: (String, Option<(NaiveDate, Option<NaiveDate>)>),
    last_direction: (String, Option<Direction>),
    last_state: (String, State),
}

impl<'a, 't> Reader<'a, 't> {
    fn new(table: &'a Table<'t>, roles: &'a Roles, formats: Formats, profile: &CsvProfile) -> Self {
        let folded = |words: &[String]| words.iter().map(|word| fold(word.trim())).collect();
        let width = match &table.header {
            Some(header) => header.cells.len(),
            None => table.typical().iter().map(|row| row.cells.len()).max().unwrap_or(0),
        };
        let mut found = Entries::default();
        found.entries.reserve((table.text.len() / 96).min(MAX_FILE_ROWS));
        Self {
            table,
            roles,
            formats,
            width,
            in_words: folded(&profile.in_words),
            out_words: folded(&profile.out_words),
            file_currency: profile
                .currency
                .clone()
                .or_else(|| roles.header_currency.map(|currency| currency.code().to_owned()))
                .or_else(|| table.facts.currency.clone()),
            found,
            continues: false,
            last_date: (String::new(), None),
            last_direction: (String::new(), None),
            last_state: (String::new(), State::Booked),
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
            Ok(None) => return self.without_amount(record).map(|()| false),
            // A balance line may be written in any way: it is no transaction.
            Err(_) if self.is_balance_line(record) => return Ok(false),
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
        let description = self.description(record)?;
        if words::is_balance_line(&description) || self.is_balance_line(record) {
            return Ok(false);
        }
        let value_date = match self.roles.value.map(|column| record.cell(column)) {
            Some(cell) if !is_void(cell) => self.value_date(cell),
            _ => as_of,
        };
        let account = match self.roles.account {
            Some(column) => self.found.accounts.number(record.cell(column), MAX_KINDS),
            None => 0,
        };
        let currency = self.currency(record, found.currency)?;
        let balance = self.balance(record);
        let row = Draft {
            line: record.line,
            booking_date: date,
            value_date,
            amount: found.amount,
            description,
            payee: self.text(record, self.roles.payee),
            bank_id: self.text(record, self.roles.bank_id),
            reference: self.text(record, self.roles.reference),
            category: self.text(record, self.roles.category),
            pending: state == State::Pending,
        };
        let Found { side, minus, .. } = found;
        self.found.entries.push(Entry { row, side, minus, balance, account, currency });
        Ok(true)
    }

    /// The date of a cell; rows of one day stand together, so the last one is remembered.
    fn date(&mut self, cell: &str) -> Option<(NaiveDate, Option<NaiveDate>)> {
        if cell.is_empty() {
            return None;
        }
        if self.last_date.0 != cell {
            let read = read_date(cell, self.formats.order);
            self.last_date.0.clear();
            self.last_date.0.push_str(cell);
            self.last_date.1 = read;
        }
        self.last_date.1
    }

    fn value_date(&mut self, cell: &str) -> Option<NaiveDate> {
        if self.last_date.0 == cell {
            return self.last_date.1.map(|found| found.0);
        }
        read_date(cell, self.formats.order).map(|found| found.0)
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

    /// Adds the text of a line to the description of the entry before it.
    fn append(&mut self, record: &Record<'_>) {
        let Some(entry) = self.found.entries.last_mut() else { return };
        for column in &self.roles.descriptions {
            let cell = record.cell(*column);
            if !cell.is_empty()
                && !words::is_total(cell)
                && entry.row.description.len() + cell.len() < MAX_DESCRIPTION_BYTES
            {
                join(&mut entry.row.description, cell);
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

    /// A dated record without an amount is no transaction, unless its end is missing.
    fn without_amount(&self, record: &Record<'_>) -> Result<(), Problem> {
        let last = self.roles.amounts.places().max();
        if last.is_some_and(|last| record.cells.len() <= last) {
            let text = "the row ends before its amount";
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
        if self.last_state.0 != cell {
            self.last_state = (cell.to_owned(), State::of(cell));
        }
        self.last_state.1
    }

    /// The number of the row's currency: its column, the amount's cell, the header, the profile.
    fn currency(&mut self, record: &Record<'_>, mark: Option<Mark>) -> Result<u16, Problem> {
        let cell = self.roles.currency.map_or("", |column| record.cell(column));
        let marked = match mark {
            Some(Mark::Known(currency)) => Some(currency),
            _ => None,
        };
        if let (Some(marked), Some(written)) = (marked, words::code(cell))
            && marked != written
        {
            let field = self.table.field(self.roles.currency.unwrap_or(0), "currency");
            let text = "the row names two currencies";
            return Err(self.problem(ErrorCode::CurrencyMismatch, record, field, text));
        }
        let known = match Mark::of(cell) {
            // A code stays as it is written; a sign becomes its code.
            Some(Mark::Known(_)) if cell.is_ascii() && cell.len() == 3 => cell,
            Some(Mark::Known(ref currency)) => {
                return Ok(self.found.currencies.number(currency.code(), MAX_KINDS));
            }
            _ if self.roles.currency.is_some() && (3..=8).contains(&cell.len()) => cell,
            _ => "",
        };
        let currencies = &mut self.found.currencies;
        if !known.is_empty() {
            return Ok(currencies.number(known, MAX_KINDS));
        }
        if let Some(marked) = marked {
            return Ok(currencies.number(marked.code(), MAX_KINDS));
        }
        let stated = self.file_currency.as_deref();
        // `$` is handed on as it is written; other shared signs say too little.
        let sign = if mark == Some(Mark::Shared("$")) { "$" } else { "" };
        Ok(currencies.number(stated.unwrap_or(sign), MAX_KINDS))
    }
}

/// The date of a cell in the file's order, and the one behind `as of`.
fn read_date(cell: &str, order: DateOrder) -> Option<(NaiveDate, Option<NaiveDate>)> {
    let found = dates::scan(cell)?;
    let as_of = found.as_of.and_then(|date| date.in_order(order));
    Some((found.date.in_order(order)?, as_of))
}
