//! From fields to statements: one for each message.

use std::borrow::Cow;

use super::details::Details;
use super::entry::Entry;
use super::fields::{Field, Fields, Tag};
use super::values::{self, Dates, Fault, first_line};
use crate::error::{Error, ErrorCode, Result};
use crate::import::text::one_line;
use crate::import::{Format, MAX_FILE_ROWS, Parsed, Problem, Row, Rows, Statement};
use crate::money::Amount;

/// Reads the statements of a decoded file.
pub(super) fn read(text: &str) -> Result<Parsed> {
    let mut fields = Fields::new(text);
    let mut reader = Reader::default();
    while let Some(field) = fields.next() {
        reader.take(field)?;
    }
    reader.finish_message()?;
    if reader.statements.is_empty() {
        let text = "the file holds no field of the format";
        return Err(Error::new(ErrorCode::MalformedFile, text).line(1));
    }
    let Reader { statements, mut problems, .. } = reader;
    problems.sort_by_key(|problem| problem.line);
    Ok(Parsed { format: Format::Mt940, statements, problems, csv: None })
}

/// A message that is being read.
#[derive(Debug, Default)]
struct Message<'a> {
    line: u64,
    account: &'a str,
    currency: Option<&'a str>,
    opening: Option<Amount>,
    closing: Option<Amount>,
    has_closing: bool,
    /// Whether there is a field that makes it a report, MT942's sums and floor included.
    has_content: bool,
    rows: Rows,
}

/// An entry whose texts may still follow.
#[derive(Debug)]
struct Open<'a> {
    line: u64,
    entry: Entry<'a>,
}

#[derive(Debug, Default)]
struct Reader<'a> {
    message: Option<Message<'a>>,
    open: Option<Open<'a>>,
    details: Details,
    dates: Dates,
    entries: usize,
    statements: Vec<Statement>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, field: Field<'a>) -> Result<()> {
        match field.tag {
            Tag::Entry => return self.take_entry(field),
            Tag::Details if self.open.is_some() => self.details.read(field.body),
            Tag::Own if self.open.is_some() => self.details.read_own(field.body),
            Tag::Reference => {
                self.finish_message()?;
                self.message(&field);
            }
            Tag::Account => self.take_account(field)?,
            Tag::Opening => self.take_opening(field)?,
            Tag::Closing => self.take_closing(field)?,
            Tag::Available | Tag::Forward => {
                self.finish_entry();
                self.message(&field).has_content = true;
                if let Err(fault) = values::balance(field.body) {
                    self.report(fault, &field)?;
                }
            }
            Tag::Floor | Tag::Sum => {
                self.finish_entry();
                let text =
                    first_line(field.body).trim_start_matches(|it: char| it.is_ascii_digit());
                let message = self.message(&field);
                message.has_content = true;
                message.currency = message.currency.or(values::currency(text).0);
            }
            Tag::Related | Tag::Number | Tag::Time | Tag::Details | Tag::Own => {
                self.message(&field);
            }
            Tag::Heading => {}
        }
        Ok(())
    }

    /// The message that a field belongs to; a field that should not begin one does so all the same.
    fn message(&mut self, field: &Field<'a>) -> &mut Message<'a> {
        self.message.get_or_insert_with(|| Message { line: field.line, ..Message::default() })
    }

    fn take_account(&mut self, field: Field<'a>) -> Result<()> {
        if self.message.as_ref().is_some_and(|message| message.has_closing) {
            self.finish_message()?;
        }
        self.finish_entry();
        let account = first_line(field.body);
        let message = self.message(&field);
        if message.account.is_empty() && message.rows.is_empty() {
            message.account = account;
        } else if message.account != account {
            let text = "the message names another account";
            self.report(Fault::new(ErrorCode::MalformedFile, text), &field)?;
        }
        Ok(())
    }

    /// An opening balance; behind a closing one it begins the next page of the same account.
    fn take_opening(&mut self, field: Field<'a>) -> Result<()> {
        self.finish_entry();
        if self.message.as_ref().is_some_and(|message| message.has_closing) {
            let account = self.message.as_ref().map_or("", |message| message.account);
            self.finish_message()?;
            self.message(&field).account = account;
        }
        let read = values::balance(field.body);
        let message = self.message(&field);
        let comes_late = message.has_content;
        message.has_content = true;
        let fault = match read {
            Err(fault) => fault,
            Ok((currency, amount)) if !comes_late => {
                message.opening = Some(amount);
                message.currency = message.currency.or(currency);
                return Ok(());
            }
            Ok((_, amount)) if message.opening == Some(amount) => return Ok(()),
            Ok(_) => {
                let text = "the message has an opening balance behind another balance or an entry";
                Fault::new(ErrorCode::MalformedFile, text)
            }
        };
        self.report(fault, &field)
    }

    fn take_closing(&mut self, field: Field<'a>) -> Result<()> {
        self.finish_entry();
        let read = values::balance(field.body);
        let message = self.message(&field);
        let is_first = !message.has_closing;
        (message.has_closing, message.has_content) = (true, true);
        let fault = match read {
            Err(fault) => fault,
            Ok((Some(other), _)) if message.currency.is_some_and(|currency| currency != other) => {
                let text = "the balances of the message are in two currencies";
                Fault::new(ErrorCode::CurrencyMismatch, text)
            }
            Ok((currency, amount)) if is_first => {
                message.closing = Some(amount);
                message.currency = message.currency.or(currency);
                return Ok(());
            }
            Ok((_, amount)) if message.closing == Some(amount) => return Ok(()),
            Ok(_) => {
                message.closing = None;
                let text = "the message has two different closing balances";
                Fault::new(ErrorCode::AmbiguousFile, text)
            }
        };
        self.report(fault, &field)
    }

    fn take_entry(&mut self, field: Field<'a>) -> Result<()> {
        self.finish_entry();
        self.entries = self.entries.saturating_add(1);
        if self.entries > MAX_FILE_ROWS {
            return Err(too_many("transactions", field.line));
        }
        self.message(&field).has_content = true;
        match Entry::read(field.body, field.is_cut, &mut self.dates) {
            Ok(entry) => {
                self.details.clear();
                self.open = Some(Open { line: field.line, entry });
                Ok(())
            }
            Err(fault) => self.report(fault, &field),
        }
    }

    /// Adds the row of the entry that is open.
    fn finish_entry(&mut self) {
        let (Some(Open { line, entry }), Some(message)) = (self.open.take(), &mut self.message)
        else {
            return;
        };
        let details = &mut self.details;
        details.add_supplement(entry.supplement);
        let text = |text: &'a str| (!text.is_empty()).then_some(text);
        let account = text(entry.account).unwrap_or(&details.account);
        // Triodos names the statement's own account here, behind its own name in the message's
        // head.
        let is_own = message.account.ends_with(account)
            && message.account.rsplit('/').next() == Some(account);
        let payee = if details.payee.is_empty() { entry.name } else { &details.payee };
        let reference = text(entry.reference).unwrap_or(&details.reference);
        let description = if details.description.is_empty() { payee } else { &details.description };
        // What stands in the statement line is as the file has it, control characters included.
        let line_of = |text| one_line(Cow::Borrowed(text));
        message.rows.push(&Row {
            value_date: Some(entry.value_date),
            description: &line_of(description),
            payee: Some(&line_of(payee)),
            bank_id: Some(&line_of(entry.bank_reference)),
            reference: Some(&line_of(reference)),
            counterparty_account: Some(account).filter(|_| !is_own).map(line_of).as_deref(),
            pending: entry.is_expected,
            ..Row::new(line, entry.booking_date, entry.amount)
        });
    }

    /// Ends the message and adds its statement.
    fn finish_message(&mut self) -> Result<()> {
        self.finish_entry();
        let Some(message) = self.message.take() else { return Ok(()) };
        let mut report = |text: &str, field: &str| {
            self.problems.push(Problem {
                code: ErrorCode::MalformedFile,
                message: text.to_owned(),
                line: Some(message.line),
                field: Some(field.to_owned()),
            });
        };
        if message.account.is_empty() {
            report("the message names no account", "25");
        } else if !message.has_content {
            report("the message has neither balances nor entries", "60F");
        }
        self.check_limit(message.line)?;
        self.statements.push(Statement {
            account: Some(message.account).filter(|it| !it.is_empty()).map(str::to_owned),
            currency: message.currency.map(str::to_owned),
            rows: message.rows,
            opening_balance: message.opening,
            closing_balance: message.closing,
            ..Statement::default()
        });
        Ok(())
    }

    fn report(&mut self, fault: Fault, field: &Field<'a>) -> Result<()> {
        self.problems.push(Problem {
            code: fault.code,
            message: fault.message,
            line: Some(field.line),
            field: Some(field.name.to_owned()),
        });
        self.check_limit(field.line)
    }

    /// Messages and problems are as limited as entries, for a hostile file has nothing else.
    fn check_limit(&self, line: u64) -> Result<()> {
        if self.statements.len() >= MAX_FILE_ROWS {
            return Err(too_many("messages", line));
        }
        if self.problems.len() > MAX_FILE_ROWS.saturating_mul(2) {
            return Err(too_many("problems", line));
        }
        Ok(())
    }
}

fn too_many(what: &str, line: u64) -> Error {
    let text = format!("a file may hold at most {MAX_FILE_ROWS} {what}");
    Error::new(ErrorCode::LimitExceeded, text).field("content").line(line)
}
