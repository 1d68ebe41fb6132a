//! From tags to statements: follows the nesting, also where end tags are missing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use memchr::memmem;

use super::entry::Entry;
use super::grouping::Groupings;
use super::tags::{INSIDE_ENTRY, PART, Role, Tag};
use super::tokens::{Token, Tokens, Value};
use super::values;
use crate::error::{Error, ErrorCode, Result};
use crate::import::text::{Lines, one_line};
use crate::import::{Format, MAX_FILE_ROWS, Parsed, Problem, Statement};

/// The most aggregates that may be open at once; the specification needs about a dozen.
const MAX_DEPTH: usize = 64;
/// The most private aggregates that are told from private leaves.
const MAX_PRIVATE: usize = 1024;

/// Reads the statements of a decoded file.
pub(super) fn read(text: &str) -> Result<Parsed> {
    let mut reader = Reader::new(text);
    let mut tokens = Tokens::new(text)?;
    while let Some(Token { tag: name, value, is_closed }) = tokens.next()? {
        let tag = name.tag;
        match tag.map(|tag| (tag, tag.role())) {
            Some((_, Role::Leaf)) if name.is_end => {}
            Some((tag, Role::Leaf)) => reader.leaf(tag, value, name.at),
            _ if name.is_end => reader.end(tag, name.name),
            Some((tag, Role::Aggregate(rank))) => {
                reader.begin(tag, rank, value, name.at)?;
                if is_closed {
                    reader.end(Some(tag), name.name);
                }
            }
            None if value.is_blank() && !is_closed => reader.begin_private(name.name, name.at)?,
            None => {}
        }
    }
    reader.finish()
}

/// An aggregate that is open.
#[derive(Debug)]
struct Frame<'a> {
    /// Nothing for a private aggregate.
    tag: Option<Tag>,
    rank: u8,
    name: &'a str,
}

/// The answer to a request.
#[derive(Debug, Default)]
struct Status<'a> {
    line: u64,
    code: Cow<'a, str>,
    is_refusal: bool,
    /// Whether statements are missing if the request was refused.
    matters: bool,
}

/// A statement that is being read.
#[derive(Debug, Default)]
struct Open {
    statement: Statement,
    has_currency: bool,
    has_balance: bool,
}

/// How entries were seen to end; tells a file without end tags from one that was cut.
#[derive(Debug, Default)]
struct Ends {
    entry_by_end_tag: bool,
    entry_by_next: bool,
    any_by_end_tag: bool,
}

#[derive(Debug)]
struct Reader<'a> {
    text: &'a str,
    lines: Lines<'a>,
    frames: Vec<Frame<'a>>,
    /// How many private aggregates are open: what they hold is not the statement's.
    private_depth: usize,
    /// The names of private tags that have end tags, looked up when first needed.
    private_aggregates: Option<BTreeSet<&'a str>>,
    open: Option<Open>,
    entry: Option<Entry<'a>>,
    status: Option<Status<'a>>,
    ends: Ends,
    groupings: Groupings,
    is_ofx: bool,
    /// Entries begun so far.
    entries: usize,
    /// Statements and answers begun so far.
    answers: usize,
    statements: Vec<Statement>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            lines: Lines::new(text),
            frames: Vec::new(),
            private_depth: 0,
            private_aggregates: None,
            open: None,
            entry: None,
            status: None,
            ends: Ends::default(),
            groupings: Groupings::default(),
            is_ofx: false,
            entries: 0,
            answers: 0,
            statements: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Begins an aggregate; those that it cannot stand in end here.
    fn begin(&mut self, tag: Tag, rank: u8, value: Value<'a>, at: usize) -> Result<()> {
        let mut rank = rank;
        if tag.is_investment() && (!value.is_blank() || !self.is_open(Tag::InvTranList)) {
            return Ok(());
        }
        if matches!(tag, Tag::Payee | Tag::Currency) && !value.is_blank() {
            self.leaf(tag, value, at);
            return Ok(());
        }
        let is_nested = (tag.is_account() && self.entry.is_some())
            || (tag == Tag::Status && self.open.is_some());
        if is_nested {
            rank = INSIDE_ENTRY;
        }
        if rank < INSIDE_ENTRY || self.private_depth == 0 {
            while self.frames.last().is_some_and(|frame| frame.rank >= rank) {
                self.pop(None);
            }
        }
        if rank < PART && tag != Tag::Status {
            // A statement without a tag of its own, as in a file that begins with an entry.
            self.finish_statement();
        }
        self.push(Some(tag), rank, tag.name(), at)?;
        self.is_ofx = true;
        match tag {
            _ if is_nested => {}
            Tag::Status => {
                self.count_answer(at)?;
                let owner = self.frames.iter().rev().filter_map(|frame| frame.tag).nth(1);
                let matters = owner.is_some_and(Tag::answers_for_statements);
                let line = self.lines.at(at);
                self.status = Some(Status { line, matters, ..Status::default() });
            }
            _ if tag.is_statement() => {
                self.count_answer(at)?;
                self.open = Some(Open::default());
            }
            _ if tag.is_entry() => self.begin_entry(tag, at)?,
            _ if tag.is_investment() => {
                if let Some(open) = &mut self.open {
                    open.statement.investments = open.statement.investments.saturating_add(1);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin_entry(&mut self, tag: Tag, at: usize) -> Result<()> {
        self.entries = self.entries.saturating_add(1);
        if self.entries > MAX_FILE_ROWS {
            let text = format!("a file may hold at most {MAX_FILE_ROWS} transactions");
            return Err(self.limit(text, at));
        }
        self.open.get_or_insert_default();
        self.entry = Some(Entry::new(self.lines.at(at), tag == Tag::StmtTrnP));
        Ok(())
    }

    /// Begins an aggregate that the specification does not have, if it is one: a private leaf
    /// without a value looks the same, but has no end tag.
    fn begin_private(&mut self, name: &'a str, at: usize) -> Result<()> {
        if self.open.is_none() && self.status.is_none() {
            return Ok(());
        }
        let text = self.text;
        let known = self.private_aggregates.get_or_insert_with(|| names_with_end_tags(text));
        if !known.contains(name) {
            return Ok(());
        }
        self.private_depth = self.private_depth.saturating_add(1);
        self.push(None, u8::MAX, name, at)
    }

    fn push(&mut self, tag: Option<Tag>, rank: u8, name: &'a str, at: usize) -> Result<()> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(self.limit(format!("at most {MAX_DEPTH} tags may be open at once"), at));
        }
        self.frames.push(Frame { tag, rank, name });
        Ok(())
    }

    /// Takes a value where it is the statement's, the entry's or the answer's.
    fn leaf(&mut self, tag: Tag, value: Value<'a>, at: usize) {
        let Some(inside) = self.frames.last().and_then(|frame| frame.tag) else { return };
        if self.private_depth > 0 {
            return;
        }
        if let Some(entry) = &mut self.entry {
            entry.take(tag, inside, value.into_text(), at);
            return;
        }
        match (inside, tag) {
            (Tag::Status, Tag::Code | Tag::Severity) => {
                if let Some(status) = &mut self.status {
                    let text = value.into_text();
                    match tag {
                        Tag::Code => status.code = text,
                        _ => status.is_refusal = text.eq_ignore_ascii_case("ERROR"),
                    }
                }
            }
            (_, Tag::CurDef) if inside.is_statement() || inside.is_account() => {
                self.take_currency(value.into_text(), at);
            }
            (_, Tag::BankId | Tag::AcctId) if inside.is_account() => {
                if let Some(Open { statement, .. }) = &mut self.open {
                    let text = one_line(value.into_text());
                    let field = match tag {
                        Tag::BankId => &mut statement.bank_id,
                        _ => &mut statement.account,
                    };
                    if field.is_none() && !text.is_empty() {
                        *field = Some(text.into_owned());
                    }
                }
            }
            (Tag::LedgerBal, Tag::BalAmt) => self.take_balance(&value.into_text(), at),
            _ => {}
        }
    }

    fn take_currency(&mut self, text: Cow<'a, str>, at: usize) {
        let Some(open) = self.open.as_mut().filter(|open| !open.has_currency) else { return };
        open.has_currency = true;
        if text.is_empty() {
            let message = "the statement's currency is blank";
            self.report(ErrorCode::UnknownCurrency, message, at, Tag::CurDef);
        } else {
            open.statement.currency = Some(text.into_owned());
        }
    }

    /// The balance; banks that do not know it send it blank.
    fn take_balance(&mut self, text: &str, at: usize) {
        let Some(open) = self.open.as_mut().filter(|open| !open.has_balance) else { return };
        if text.is_empty() {
            return;
        }
        open.has_balance = true;
        match values::balance(text) {
            Ok((amount, style)) => {
                open.statement.closing_balance = Some(amount);
                self.groupings.note(style, self.statements.len(), None, self.lines.at(at));
            }
            Err(code) => self.report(code, values::explain(code), at, Tag::BalAmt),
        }
    }

    /// Ends the innermost aggregate of that name and all that is open inside it. An end tag of what
    /// is not open is skipped.
    fn end(&mut self, tag: Option<Tag>, name: &str) {
        let is_it = |frame: &Frame<'_>| match tag {
            Some(_) => frame.tag == tag,
            None => frame.tag.is_none() && frame.name == name,
        };
        if tag.is_none() && self.private_depth == 0 {
            return;
        }
        let Some(depth) = self.frames.iter().rposition(is_it) else { return };
        while self.frames.len() > depth {
            self.pop(tag);
        }
        self.ends.any_by_end_tag |= tag.is_some();
    }

    /// Ends the innermost aggregate; `by` is the end tag that says so.
    fn pop(&mut self, by: Option<Tag>) {
        let Some(frame) = self.frames.pop() else { return };
        let Some(tag) = frame.tag else {
            self.private_depth = self.private_depth.saturating_sub(1);
            return;
        };
        if tag.is_entry() {
            match by == Some(tag) {
                true => self.ends.entry_by_end_tag = true,
                false => self.ends.entry_by_next = true,
            }
            self.finish_entry();
        } else if tag == Tag::Status && frame.rank < INSIDE_ENTRY {
            self.finish_status();
        } else if frame.rank < PART {
            self.finish_statement();
        }
    }

    fn finish_entry(&mut self) {
        if let (Some(entry), Some(open)) = (&self.entry, &mut self.open) {
            let Statement { currency, rows, .. } = &mut open.statement;
            let (place, line) = (rows.len(), entry.line());
            let (lines, problems) = (&mut self.lines, &mut self.problems);
            if let Some(style) = entry.finish(currency.as_deref(), rows, lines, problems) {
                self.groupings.note(style, self.statements.len(), Some(place), line);
            }
        }
        self.entry = None;
    }

    fn finish_status(&mut self) {
        let Some(status) = self.status.take() else { return };
        if status.is_refusal && status.matters {
            let code: String = status.code.chars().filter(char::is_ascii_digit).take(8).collect();
            self.problems.push(Problem {
                code: ErrorCode::BankRefused,
                message: format!("the bank refused the request with status `{code}`"),
                line: Some(status.line),
                field: Some(Tag::Status.name().to_owned()),
            });
        }
    }

    fn finish_statement(&mut self) {
        self.statements.extend(self.open.take().map(|open| open.statement));
    }

    /// Ends the file and all that is still open.
    fn finish(mut self) -> Result<Parsed> {
        if !self.is_ofx {
            let text = "the file holds no tag of the format";
            return Err(Error::new(ErrorCode::MalformedFile, text).line(1));
        }
        let ends = &self.ends;
        let was_cut = ends.entry_by_end_tag || (ends.any_by_end_tag && !ends.entry_by_next);
        if self.entry.is_some() && was_cut {
            self.entry = None;
            let message = "the file ends inside an entry";
            self.report(ErrorCode::MalformedFile, message, self.text.len(), Tag::StmtTrn);
        } else if self.ends.entry_by_end_tag {
            self.report_cut_list();
        }
        while !self.frames.is_empty() {
            self.pop(None);
        }
        self.finish_statement();
        let Self { mut statements, mut problems, groupings, .. } = self;
        groupings.settle(&mut statements, &mut problems);
        problems.sort_by_key(|problem| problem.line);
        Ok(Parsed { format: Format::Ofx, statements, problems, csv: None })
    }

    /// Where entries have end tags, so has their list: without one the file was cut.
    fn report_cut_list(&mut self) {
        let lists = [Tag::BankTranList, Tag::BankTranListP, Tag::InvTranList];
        if let Some(list) = lists.into_iter().find(|list| self.is_open(*list)) {
            let message = "the file ends inside the list of transactions: others may be missing";
            self.report(ErrorCode::MalformedFile, message, self.text.len(), list);
        }
    }

    fn is_open(&self, tag: Tag) -> bool {
        self.frames.iter().any(|frame| frame.tag == Some(tag))
    }

    fn report(&mut self, code: ErrorCode, message: &str, at: usize, field: Tag) {
        let (message, line) = (message.to_owned(), Some(self.lines.at(at)));
        self.problems.push(Problem { code, message, line, field: Some(field.name().to_owned()) });
    }

    fn count_answer(&mut self, at: usize) -> Result<()> {
        self.answers = self.answers.saturating_add(1);
        if self.answers > MAX_FILE_ROWS {
            return Err(self.limit(format!("a file may hold at most {MAX_FILE_ROWS} answers"), at));
        }
        Ok(())
    }

    fn limit(&mut self, text: String, at: usize) -> Error {
        Error::new(ErrorCode::LimitExceeded, text).field("content").line(self.lines.at(at))
    }
}

/// The private names that appear in end tags, so that their start tags begin aggregates.
fn names_with_end_tags(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for at in memmem::find_iter(text.as_bytes(), b"</") {
        let name = text.get(at.saturating_add(2)..).unwrap_or_default();
        let is_name = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
        let end = name.find(|char| !is_name(char)).unwrap_or(name.len());
        if names.len() < MAX_PRIVATE {
            names.extend(name.get(..end));
        }
    }
    names
}
