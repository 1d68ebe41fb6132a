//! The shapes of the answers: which list holds what, and in which order it is read.

use super::accounts::{Accounts, text};
use super::entry::Entry;
use super::json::{Broken, Json, Scalar};
use crate::error::{Error, ErrorCode, Result};
use crate::import::text::Lines;
use crate::import::{Format, MAX_FILE_ROWS, Parsed, Problem};

/// Reads the answers of a decoded file.
pub(super) fn read(text: &str) -> Result<Parsed> {
    let mut reader = Reader {
        text,
        lines: Lines::new(text),
        accounts: Accounts::default(),
        is_known: false,
        records: 0,
        problems: Vec::new(),
    };
    match reader.all() {
        Ok(()) => {}
        Err(Stop::Broken(broken)) if reader.is_known => {
            let message = format!("{}; what follows was not read", broken.message);
            reader.report(ErrorCode::MalformedFile, message, broken.at, "content");
        }
        Err(Stop::Broken(broken)) => {
            let line = Lines::new(text).at(broken.at);
            return Err(Error::new(ErrorCode::MalformedFile, broken.message).line(line));
        }
        Err(Stop::Limit(at)) => {
            let message =
                format!("a file may hold at most {MAX_FILE_ROWS} transactions or accounts");
            let line = Lines::new(text).at(at);
            return Err(Error::new(ErrorCode::LimitExceeded, message).field("content").line(line));
        }
    }
    if !reader.is_known {
        let text = "the file holds no answer of the format";
        return Err(Error::new(ErrorCode::MalformedFile, text).line(1));
    }
    let Reader { accounts, mut problems, .. } = reader;
    problems.sort_by_key(|problem| problem.line);
    Ok(Parsed { format: Format::Plaid, statements: accounts.statements, problems, csv: None })
}

type Reading = std::result::Result<(), Stop>;

/// Why reading ends before the text does.
enum Stop {
    Broken(Broken),
    /// The byte at which there is one record too many.
    Limit(usize),
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

struct Reader<'a> {
    text: &'a str,
    lines: Lines<'a>,
    accounts: Accounts,
    /// Whether anything was seen that only the format has.
    is_known: bool,
    /// Transactions and accounts so far.
    records: usize,
    problems: Vec<Problem>,
}

/// What a list of transactions means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    New,
    /// Transactions that take the place of those with their ids.
    Changed,
    Removed,
}

/// What was seen of one answer.
#[derive(Default)]
struct Answer {
    /// Lists of transactions that stand before the accounts.
    waiting: Vec<(usize, List)>,
    has_accounts: bool,
    institution: Option<String>,
    /// Whether the answer leads up to now.
    is_last: bool,
    /// The code of an error, and the byte at which it stands.
    refusal: Option<(String, usize)>,
}

impl<'a> Reader<'a> {
    /// Reads answers that follow one another, or lists of them.
    fn all(&mut self) -> Reading {
        let mut json = Json::new(self.text);
        while json.peek().is_some() {
            if json.enter(b'[')? {
                while json.next_value()? {
                    self.answer(&mut json)?;
                }
            } else {
                self.answer(&mut json)?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, json: &mut Json<'a>) -> Reading {
        if !json.enter(b'{')? {
            return Ok(json.skip()?);
        }
        let before = self.accounts.statements.len();
        let mut answer = Answer::default();
        while let Some(key) = json.next_key()? {
            self.member(key, &mut answer, json)?;
        }
        if !answer.waiting.is_empty() {
            // Their lines are counted from the beginning once more.
            self.lines = Lines::new(self.text);
            let end = json.at();
            for (at, list) in std::mem::take(&mut answer.waiting) {
                json.rewind(at);
                self.list(list, json)?;
            }
            json.rewind(end);
        }
        if answer.is_last {
            self.accounts.close();
        }
        for statement in self.accounts.statements.iter_mut().skip(before) {
            statement.bank_id.clone_from(&answer.institution);
        }
        if let Some((code, at)) = answer.refusal {
            let code: String = code.chars().filter(is_code).take(64).collect();
            let message = format!("the answer is an error with code `{code}`");
            self.report(ErrorCode::BankRefused, message, at, "error_code");
        }
        Ok(())
    }

    fn member(&mut self, key: &str, answer: &mut Answer, json: &mut Json<'a>) -> Reading {
        let list = match key {
            "transactions" | "investment_transactions" | "added" => List::New,
            "modified" => List::Changed,
            "removed" => List::Removed,
            "holdings" | "total_transactions" | "total_investment_transactions" | "next_cursor" => {
                self.is_known = true;
                return Ok(json.skip()?);
            }
            "accounts" => {
                answer.has_accounts = true;
                return self.accounts(json);
            }
            "item" => return self.item(answer, json),
            "has_more" => {
                self.is_known = true;
                answer.is_last = json.scalar()? == Scalar::Bool(false);
                return Ok(());
            }
            "error_code" => {
                let at = json.at();
                if let Some(code) = text(json)? {
                    self.is_known = true;
                    answer.refusal = Some((code, at));
                }
                return Ok(());
            }
            "override_accounts" => return self.override_accounts(json),
            _ => return Ok(json.skip()?),
        };
        self.is_known |= json.peek() == Some(b'[');
        if answer.has_accounts {
            return self.list(list, json);
        }
        answer.waiting.push((json.at(), list));
        Ok(json.skip()?)
    }

    fn accounts(&mut self, json: &mut Json<'a>) -> Reading {
        if !json.enter(b'[')? {
            return Ok(json.skip()?);
        }
        while json.next_value()? {
            let at = json.at();
            self.accounts.read(json)?;
            self.count(0, at)?;
        }
        Ok(())
    }

    fn item(&mut self, answer: &mut Answer, json: &mut Json<'a>) -> Reading {
        if !json.enter(b'{')? {
            return Ok(json.skip()?);
        }
        while let Some(key) = json.next_key()? {
            match key {
                "institution_id" => answer.institution = text(json)?,
                _ => json.skip()?,
            }
        }
        Ok(())
    }

    fn list(&mut self, list: List, json: &mut Json<'a>) -> Reading {
        if !json.enter(b'[')? {
            return Ok(json.skip()?);
        }
        while json.next_value()? {
            let at = json.at();
            self.count(1, at)?;
            if !json.enter(b'{')? {
                let message = "expected a transaction".to_owned();
                self.report(ErrorCode::MalformedFile, message, at, "transactions");
                json.skip()?;
                continue;
            }
            match list {
                List::Removed => self.removed(json)?,
                _ => {
                    let entry = Entry::read(json, at)?;
                    self.add(entry, list == List::Changed, None);
                }
            }
        }
        Ok(())
    }

    /// Adds a transaction to its account's statement, or to the one at that place.
    fn add(&mut self, entry: Entry<'a>, is_change: bool, place: Option<usize>) {
        let account = Some(&*entry.account).filter(|account| !account.is_empty());
        let place = place.unwrap_or_else(|| self.accounts.place(account));
        let Some(statement) = self.accounts.statements.get_mut(place) else { return };
        if statement.currency.is_none() && entry.is_whole() {
            statement.currency = entry.currency().map(str::to_owned);
        }
        let currency = statement.currency.as_deref();
        let rows = &mut statement.rows;
        entry.finish(currency, is_change, rows, &mut self.lines, &mut self.problems);
    }

    /// A transaction that is no more: only its id is told, and in newer answers its account.
    fn removed(&mut self, json: &mut Json<'a>) -> Reading {
        let (mut id, mut account) = (None, None);
        while let Some(key) = json.next_key()? {
            match key {
                "transaction_id" => id = text(json)?,
                "account_id" => account = text(json)?,
                _ => json.skip()?,
            }
        }
        let place = self.accounts.place(account.as_deref());
        if let Some(statement) = self.accounts.statements.get_mut(place) {
            statement.removed.extend(id);
        }
        Ok(())
    }

    /// The accounts of a sandbox user.
    fn override_accounts(&mut self, json: &mut Json<'a>) -> Reading {
        self.is_known = true;
        if !json.enter(b'[')? {
            return Ok(json.skip()?);
        }
        while json.next_value()? {
            let at = json.at();
            self.count(1, at)?;
            if !json.enter(b'{')? {
                json.skip()?;
                continue;
            }
            let place = self.accounts.begin();
            let (mut number, mut subtype) = (None, None);
            while let Some(key) = json.next_key()? {
                match key {
                    "subtype" => subtype = text(json)?,
                    "numbers" if json.enter(b'{')? => {
                        while let Some(key) = json.next_key()? {
                            match key {
                                "account" => number = text(json)?,
                                _ => json.skip()?,
                            }
                        }
                    }
                    "transactions" => self.override_transactions(place, json)?,
                    "investment_transactions" => self.count_investments(place, json)?,
                    _ => json.skip()?,
                }
            }
            if let Some(statement) = self.accounts.statements.get_mut(place) {
                statement.account = number.or(subtype);
            }
        }
        Ok(())
    }

    fn override_transactions(&mut self, place: usize, json: &mut Json<'a>) -> Reading {
        if !json.enter(b'[')? {
            return Ok(json.skip()?);
        }
        while json.next_value()? {
            let at = json.at();
            self.count(1, at)?;
            if json.enter(b'{')? {
                let entry = Entry::read(json, at)?;
                self.add(entry, false, Some(place));
            } else {
                json.skip()?;
            }
        }
        Ok(())
    }

    /// Investment transactions of a sandbox user have a quantity and a price, but no amount.
    fn count_investments(&mut self, place: usize, json: &mut Json<'a>) -> Reading {
        if !json.enter(b'[')? {
            return Ok(json.skip()?);
        }
        let mut investments = 0_usize;
        while json.next_value()? {
            json.skip()?;
            investments = investments.saturating_add(1);
        }
        if let Some(statement) = self.accounts.statements.get_mut(place) {
            statement.investments = investments;
        }
        Ok(())
    }

    fn count(&mut self, records: usize, at: usize) -> Reading {
        self.records = self.records.saturating_add(records);
        if self.records.max(self.accounts.statements.len()) > MAX_FILE_ROWS {
            return Err(Stop::Limit(at));
        }
        Ok(())
    }

    fn report(&mut self, code: ErrorCode, message: String, at: usize, field: &str) {
        let (line, field) = (Some(self.lines.at(at)), Some(field.to_owned()));
        self.problems.push(Problem { code, message, line, field });
    }
}

/// Whether a character may stand in an error code.
fn is_code(char: &char) -> bool {
    char.is_ascii_alphanumeric() || *char == '_'
}
