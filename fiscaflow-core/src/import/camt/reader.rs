//! From elements to statements.

use std::borrow::Cow;

use chrono::NaiveDate;

use super::balance::{Balance, Balances};
use super::entry::{Entry, Place};
use super::nodes::{Leaf, Message, Node};
use super::references::References;
use super::scan::{Fault, Scanner, Text, Token};
use crate::error::{Error, ErrorCode, Result};
use crate::import::text::{Lines, iso_date, one_line};
use crate::import::{Format, MAX_FILE_ROWS, Parsed, Problem, Rows, Statement};

/// Bytes of a file for each row that is expected; a row of fewer costs one growth of the list.
const BYTES_PER_ROW: usize = 600;

/// Reads the statements of a decoded file.
pub(super) fn read(text: &str) -> Result<Parsed> {
    let mut reader = Reader::new(text);
    let mut scanner = Scanner::new(text);
    loop {
        match scanner.next() {
            Token::Leaf(leaf) => reader.leaf(scanner.text(leaf)),
            Token::Begin(node) => reader.begin(node, scanner.token_at())?,
            Token::End(node) => reader.end(node)?,
            Token::Fault(fault) => {
                if !reader.survives(fault, scanner.token_at())? {
                    break;
                }
            }
            Token::Eof => {
                if scanner.is_open() {
                    reader.cut(text.len());
                }
                break;
            }
        }
    }
    reader.finish()
}

#[derive(Debug)]
struct Reader<'a> {
    text: &'a str,
    lines: Lines<'a>,
    message: Option<Message>,
    /// The byte at which the message begins.
    message_at: usize,
    /// When the message was made, by its header and by its statement.
    header_created: Option<NaiveDate>,
    created: Option<NaiveDate>,
    /// The statement that is open, and the line on which it begins.
    statement: Option<(Statement, u64)>,
    has_entries: bool,
    balance: Option<Balance<'a>>,
    balances: Balances<'a>,
    entry: Entry<'a>,
    is_in_entry: bool,
    references: References<'a>,
    /// Entries and rows so far, whichever are more.
    records: usize,
    statements: Vec<Statement>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            lines: Lines::new(text),
            message: None,
            message_at: 0,
            header_created: None,
            created: None,
            statement: None,
            has_entries: false,
            balance: None,
            balances: Balances::default(),
            entry: Entry::default(),
            is_in_entry: false,
            references: References::default(),
            records: 0,
            statements: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn begin(&mut self, node: Node, at: usize) -> Result<()> {
        match node {
            Node::Entry => {
                self.count(1, at)?;
                self.has_entries = true;
                self.is_in_entry = true;
                self.entry.begin(at);
            }
            Node::Detail => {
                self.entry.begin_detail();
                if self.entry.detail_count() > MAX_FILE_ROWS {
                    return Err(self.limit(at));
                }
            }
            Node::Balance => self.balance = Some(Balance::new(at)),
            Node::Statement => {
                if self.statements.len() >= MAX_FILE_ROWS {
                    let text = format!("a file may hold at most {MAX_FILE_ROWS} statements");
                    return Err(self.refuse(ErrorCode::LimitExceeded, text, at));
                }
                let line = self.lines.at(at);
                let rows = match self.statements.is_empty() {
                    true => self.text.len().div_euclid(BYTES_PER_ROW),
                    false => 0,
                };
                let rows = Rows::with_capacity(rows.min(MAX_FILE_ROWS), 0);
                self.statement = Some((Statement { rows, ..Statement::default() }, line));
                self.created = None;
                self.has_entries = false;
                self.balances.clear();
            }
            Node::Message(message) => {
                self.message = Some(message);
                self.message_at = at;
                self.header_created = None;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, node: Node) -> Result<()> {
        match node {
            Node::Entry => self.finish_entry()?,
            Node::Balance => {
                if let Some(balance) = self.balance.take() {
                    let problem = balance.finish(&mut self.balances, &mut self.lines);
                    self.problems.extend(problem);
                }
            }
            Node::Statement => self.finish_statement(),
            Node::Message(message) if self.statements.is_empty() => {
                let at = self.message_at;
                self.report("the message holds no statement", at, message.part());
            }
            _ => {}
        }
        Ok(())
    }

    fn leaf(&mut self, text: Text<'a>) {
        if self.is_in_entry {
            return self.entry.take(text);
        }
        if let Some(balance) = &mut self.balance {
            return balance.take(&text);
        }
        let value = one_line(text.value.unwrap_or_default());
        if text.leaf == Leaf::HeaderCreated {
            self.header_created = iso_date(&value);
            return;
        }
        let Some((statement, _)) = &mut self.statement else { return };
        let field = match text.leaf {
            Leaf::Created => {
                self.created = iso_date(&value);
                return;
            }
            Leaf::AccountNumber => &mut statement.account,
            Leaf::AccountCurrency => &mut statement.currency,
            Leaf::Bic | Leaf::ClearingMember => &mut statement.bank_id,
            _ => return,
        };
        if field.is_none() && !value.is_empty() {
            *field = Some(Cow::into_owned(value));
        }
    }

    fn finish_entry(&mut self) -> Result<()> {
        self.is_in_entry = false;
        let (Some((statement, _)), Some(message)) = (&mut self.statement, self.message) else {
            return Ok(());
        };
        let Statement { account, currency, rows, .. } = statement;
        let before = rows.len();
        let mut place = Place {
            message,
            account: account.as_deref(),
            currency,
            created: self.created.or(self.header_created),
            rows,
            lines: &mut self.lines,
            problems: &mut self.problems,
        };
        if let Some(reference) = self.entry.finish(&mut place) {
            self.references.note(self.statements.len(), before, reference);
        }
        let added = rows.len().saturating_sub(before);
        match added > 1 {
            true => self.count(added.saturating_sub(1), self.entry.at()),
            false => Ok(()),
        }
    }

    fn finish_statement(&mut self) {
        let Some((mut statement, line)) = self.statement.take() else { return };
        self.balances.settle(&mut statement, &mut self.lines, &mut self.problems);
        // A report of a running day knows no booked balance yet.
        let is_whole = self.message == Some(Message::Statement);
        if is_whole && !self.has_entries && self.balances.are_unbooked() {
            self.problems.push(Problem {
                code: ErrorCode::MalformedFile,
                message: "the statement has neither an entry nor a booked balance".to_owned(),
                line: Some(line),
                field: Some("Ntry".to_owned()),
            });
        }
        self.statements.push(statement);
    }

    /// Takes note of tags that do not fit. Inside an entry that entry is lost; anywhere else what
    /// follows may belong to anything, so nothing more is read.
    fn survives(&mut self, fault: Fault, at: usize) -> Result<bool> {
        let message = match fault {
            Fault::DocumentType => {
                let text = "a document type or declaration is refused".to_owned();
                return Err(self.refuse(ErrorCode::MalformedFile, text, at));
            }
            Fault::Depth => {
                let text = "too many elements are open at once".to_owned();
                return Err(self.refuse(ErrorCode::LimitExceeded, text, at));
            }
            Fault::Cut => {
                self.cut(at);
                return Ok(false);
            }
            Fault::Unclosed => "an end tag comes before those of the elements inside it",
            Fault::Stray => "an end tag of an element that is not open",
            Fault::NoTag => "a `<` that begins no tag",
        };
        if self.is_in_entry {
            self.entry.break_at(at, message);
            return Ok(true);
        }
        if self.message.is_some() {
            let message = format!("{message}; what follows was not read");
            self.report(&message, at, "Document");
        }
        Ok(false)
    }

    /// The text ends before its elements do: what is open is lost, what was whole stays.
    fn cut(&mut self, at: usize) {
        if self.message.is_some() {
            let field = if self.is_in_entry { "Ntry" } else { "Document" };
            self.is_in_entry = false;
            self.report("the file ends before its elements do", at, field);
        }
    }

    fn finish(mut self) -> Result<Parsed> {
        self.finish_statement();
        if self.message.is_none() {
            let text = "the file holds no message of the format";
            return Err(Error::new(ErrorCode::MalformedFile, text).line(1));
        }
        let Self { mut statements, mut problems, references, .. } = self;
        references.settle(&mut statements);
        problems.sort_by_key(|problem| problem.line);
        Ok(Parsed { format: Format::Camt, statements, problems, csv: None })
    }

    fn count(&mut self, records: usize, at: usize) -> Result<()> {
        self.records = self.records.saturating_add(records);
        if self.records > MAX_FILE_ROWS { Err(self.limit(at)) } else { Ok(()) }
    }

    fn limit(&mut self, at: usize) -> Error {
        let text = format!("a file may hold at most {MAX_FILE_ROWS} transactions");
        self.refuse(ErrorCode::LimitExceeded, text, at)
    }

    fn refuse(&mut self, code: ErrorCode, text: String, at: usize) -> Error {
        Error::new(code, text).field("content").line(self.lines.at(at))
    }

    fn report(&mut self, message: &str, at: usize, field: &str) {
        self.problems.push(Problem {
            code: ErrorCode::MalformedFile,
            message: message.to_owned(),
            line: Some(self.lines.at(at)),
            field: Some(field.to_owned()),
        });
    }
}
