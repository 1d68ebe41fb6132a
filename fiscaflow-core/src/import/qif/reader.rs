//! From records to statements: one for each section of transactions.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::records::{Field, Item, Record, Records, Section, Split};
use super::{amounts, dates};
use crate::error::{Error, ErrorCode, Result};
use crate::import::text::one_line;
use crate::import::{
    DateOrder, Format, MAX_FILE_ROWS, Parsed, Problem, Row, RowSplit, Rows, Statement,
};
use crate::limits::MAX_SPLITS;
use crate::money::Amount;

/// Reads the statements of a decoded file.
pub(super) fn read(text: &str, order: Option<DateOrder>) -> Result<Parsed> {
    let formats = Formats::find(text, order)?;
    let mut records = Records::new(text);
    // Half the file is more than the texts of most; what is not needed is never touched.
    let room = if formats.count > 0 { text.len() / 2 } else { 0 };
    let rows = Rows::with_capacity(formats.count, room);
    let mut reader = Reader { formats, rows, ..Reader::default() };
    while let Some(item) = records.next() {
        // Sections of unknown kinds are not limited otherwise.
        if reader.problems.len() > MAX_FILE_ROWS {
            return Err(too_many("problems", records.record.line));
        }
        match item {
            Item::Section(section, line) => reader.begin(section, line),
            Item::Record => match records.section {
                Section::Accounts => reader.take_account(&records.record),
                Section::Transactions => reader.take(&records.record, false),
                Section::Investments => reader.take(&records.record, true),
                Section::Unknown(_) | Section::None => reader.pass_over(&records.record),
                Section::List => {}
            },
        }
    }
    reader.finish_statement();
    let Reader { statements, mut problems, .. } = reader;
    problems.sort_by_key(|problem| problem.line);
    Ok(Parsed { format: Format::Qif, statements, problems, csv: None })
}

/// How the dates and amounts of the file are read.
#[derive(Debug)]
struct Formats<'a> {
    orders: dates::Orders,
    decimal: Option<u8>,
    /// The last date that was read: records of one day stand together.
    last: Option<(&'a str, NaiveDate)>,
    /// How many transactions there are, if they stand in one section.
    count: usize,
}

impl Default for Formats<'_> {
    fn default() -> Self {
        Self {
            orders: dates::Evidence::default().settle(None),
            decimal: None,
            last: None,
            count: 0,
        }
    }
}

impl<'a> Formats<'a> {
    /// Looks at every date and amount of the transactions.
    fn find(text: &'a str, order: Option<DateOrder>) -> Result<Self> {
        let (mut dates, mut amounts) = (dates::Evidence::default(), amounts::Evidence::default());
        let mut records = Records::survey(text);
        let mut last = "";
        let (mut count, mut sections) = (0_usize, 0_usize);
        let mut has_header = text.trim().is_empty();
        while let Some(item) = records.next() {
            if let Item::Section(section, _) = item {
                has_header = true;
                dates.begin_section();
                sections = sections.saturating_add(usize::from(section.is_of_account()));
                continue;
            }
            if !records.section.is_of_account() {
                continue;
            }
            let record = &records.record;
            count = count.saturating_add(1);
            if count > MAX_FILE_ROWS {
                return Err(too_many("transactions", record.line));
            }
            // Records of one day stand together, and a repeated date proves nothing more.
            if record.date.text != last
                && let Some(written) = dates::scan(record.date.text)
            {
                last = record.date.text;
                dates.add(written);
            }
            amounts.add(record.amount.text);
            for split in &record.splits {
                amounts.add(split.amount.text);
            }
        }
        if !has_header {
            let text = "the file holds no header of the format, such as `!Type:Bank`";
            return Err(Error::new(ErrorCode::MalformedFile, text).line(1));
        }
        let (orders, decimal) = (dates.settle(order), amounts.settle());
        Ok(Self { orders, decimal, last: None, count: if sections == 1 { count } else { 0 } })
    }

    fn date(&mut self, field: Field<'a>) -> Result<NaiveDate, Fault> {
        if let Some((_, date)) = self.last.filter(|(text, _)| *text == field.text) {
            return Ok(date);
        }
        match self.orders.read(dates::scan(field.text)) {
            Ok(date) => {
                self.last = Some((field.text, date));
                Ok(date)
            }
            Err((code, message)) => Err(Fault { code, message, line: field.line, field: "D" }),
        }
    }

    fn amount(&self, field: Field<'a>, name: &'static str) -> Result<Amount, Fault> {
        amounts::read(field.text, self.decimal)
            .map_err(|(code, message)| Fault::new(code, message, field.line, name))
    }
}

/// What is wrong with a record.
struct Fault {
    code: ErrorCode,
    message: String,
    line: u64,
    field: &'static str,
}

impl Fault {
    fn new(code: ErrorCode, message: &str, line: u64, field: &'static str) -> Self {
        Self { code, message: message.to_owned(), line, field }
    }
}

#[derive(Debug, Default)]
struct Reader<'a> {
    formats: Formats<'a>,
    /// The account that the next section belongs to.
    account: Option<&'a str>,
    /// How many accounts the section before has named.
    accounts: usize,
    /// The statement's own account and rows.
    own: Option<&'a str>,
    rows: Rows,
    is_open: bool,
    /// Whether the section was named as one that is passed over.
    is_named: bool,
    section: Option<(Section<'a>, u64)>,
    description: String,
    splits: Vec<RowSplit<'a>>,
    statements: Vec<Statement>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn begin(&mut self, section: Section<'a>, line: u64) {
        self.finish_statement();
        self.section = Some((section, line));
        (self.is_named, self.own) = (false, self.account);
        if section == Section::Accounts {
            self.accounts = 0;
        }
    }

    /// The account of the transactions that follow; a list of several is no account's header.
    fn take_account(&mut self, record: &Record<'a>) {
        if record.number.is_empty() {
            return;
        }
        self.accounts = self.accounts.saturating_add(1);
        self.account = Some(record.number).filter(|_| self.accounts == 1);
    }

    fn take(&mut self, record: &Record<'a>, is_investment: bool) {
        if !self.is_open {
            self.is_open = true;
            // Quicken begins an account with its balance, as a transfer from the account itself.
            let is_opening = record.payee.eq_ignore_ascii_case("Opening Balance");
            self.own = self.own.or(transfer(record.category).filter(|_| is_opening));
        }
        if let Err(fault) = self.push(record, is_investment) {
            self.problems.push(Problem {
                code: fault.code,
                message: fault.message,
                line: Some(fault.line),
                field: Some(fault.field.to_owned()),
            });
        }
    }

    fn push(&mut self, record: &Record<'a>, is_investment: bool) -> Result<(), Fault> {
        let malformed =
            |message, line, field| Err(Fault::new(ErrorCode::MalformedFile, message, line, field));
        let lacks_amount = record.amount.text.is_empty();
        if record.is_cut || record.is_last && is_investment && lacks_amount {
            return malformed("the file ends inside a record", record.line, "^");
        }
        let two_values = |line, field| {
            let text = "the record has two different values of this field";
            Err(Fault::new(ErrorCode::AmbiguousFile, text, line, field))
        };
        if let Some(line) = record.other_date {
            return two_values(line, "D");
        }
        if record.date.text.is_empty() {
            return malformed("the record has no date", record.line, "D");
        }
        let date = self.formats.date(record.date)?;
        let amount = match record.amount.text {
            // What was done with a security may move no money.
            "" if is_investment => Amount::ZERO,
            "" => return malformed("the record has no amount", record.line, "T"),
            _ => self.formats.amount(record.amount, "T")?,
        };
        let other = record.other_amount;
        if !other.text.is_empty() && self.formats.amount(other, "U")? != amount {
            return two_values(other.line, "U");
        }
        self.read_splits(record, amount)?;
        let (category, other) = category(record.category);
        let action = [record.number, record.security];
        let action = if is_investment { action } else { [""; 2] };
        let payee = one_line(Cow::Borrowed(record.payee));
        describe(&mut self.description, [action[0], action[1], &payee, record.memo]);
        self.rows.push(&Row {
            description: &self.description,
            payee: Some(&payee),
            reference: Some(record.number).filter(|_| !is_investment),
            category: Some(category),
            counterparty_account: other.filter(|other| Some(*other) != self.own),
            splits: self.splits.as_slice().into(),
            ..Row::new(record.line, date, amount)
        });
        Ok(())
    }

    /// The parts of the amount. They are left out where one of them has no amount.
    fn read_splits(&mut self, record: &Record<'a>, amount: Amount) -> Result<(), Fault> {
        self.splits.clear();
        if record.splits.len() > MAX_SPLITS {
            let text = format!("a transaction may have at most {MAX_SPLITS} parts");
            return Err(Fault::new(ErrorCode::LimitExceeded, &text, record.line, "S"));
        }
        let is_whole = |split: &Split<'_>| !split.amount.text.is_empty();
        if record.splits.is_empty() || !record.splits.iter().all(is_whole) {
            return Ok(());
        }
        let text = |text: &'a str| (!text.is_empty()).then_some(text);
        let mut sum = Amount::ZERO;
        for split in &record.splits {
            let part = self.formats.amount(split.amount, "$")?;
            sum = sum.checked_add(part).map_err(|_| {
                let text = "the sum of the parts does not fit";
                Fault::new(ErrorCode::AmountOverflow, text, split.amount.line, "$")
            })?;
            let (category, notes) = (text(split.category), text(split.memo));
            self.splits.push(RowSplit { amount: part, category, notes });
        }
        if sum != amount {
            let text = "the parts do not add up to the amount";
            return Err(Fault::new(ErrorCode::SplitSum, text, record.line, "$"));
        }
        Ok(())
    }

    /// A record of a section that is not known: said once, if it may be a transaction.
    fn pass_over(&mut self, record: &Record<'a>) {
        let is_transaction = dates::scan(record.date.text).is_some()
            && amounts::read(record.amount.text, Some(b'.')).is_ok();
        if self.is_named || !is_transaction {
            return;
        }
        self.is_named = true;
        let (message, line) = match self.section {
            Some((Section::Unknown(name), line)) => {
                let letters = name.chars().filter(|letter| !letter.is_control());
                let name: String = letters.take(32).collect();
                (
                    format!("the kind of section `{name}` is not known: its records are left out"),
                    line,
                )
            }
            _ => ("the records before the first header are left out".to_owned(), record.line),
        };
        self.problems.push(Problem {
            code: ErrorCode::MalformedFile,
            message,
            line: Some(line),
            field: Some("!Type".to_owned()),
        });
    }

    fn finish_statement(&mut self) {
        if std::mem::take(&mut self.is_open) {
            let rows = std::mem::take(&mut self.rows);
            let account = self.own.map(str::to_owned);
            self.statements.push(Statement { account, rows, ..Statement::default() });
        }
    }
}

fn too_many(what: &str, line: u64) -> Error {
    let text = format!("a file may hold at most {MAX_FILE_ROWS} {what}");
    Error::new(ErrorCode::LimitExceeded, text).field("content").line(line)
}

/// The account in brackets, to or from which the money went.
fn transfer(category: &str) -> Option<&str> {
    let (account, _) = category.strip_prefix('[')?.split_once(']')?;
    Some(account.trim()).filter(|account| !account.is_empty())
}

/// The category of an `L` line, and the other account that it names.
fn category(text: &str) -> (&str, Option<&str>) {
    if let Some(account) = transfer(text) {
        return ("", Some(account));
    }
    // Income and expenses of securities have both: `Fees|[Checking]`.
    if let Some((category, other)) = text.split_once('|') {
        return (category.trim(), transfer(other.trim()));
    }
    (if text.eq_ignore_ascii_case("--Split--") { "" } else { text }, None)
}

/// Joins the parts of a description by one blank; what another part says already is left out.
fn describe(to: &mut String, parts: [&str; 4]) {
    to.clear();
    for part in parts {
        let part = one_line(Cow::Borrowed(part));
        if part.is_empty() || begins(to, &part) {
            continue;
        }
        if begins(&part, to) {
            to.clear();
        } else {
            to.push(' ');
        }
        to.push_str(&part);
    }
}

/// Whether a text begins with another, capitals aside.
fn begins(text: &str, start: &str) -> bool {
    text.as_bytes().get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start.as_bytes()))
}
