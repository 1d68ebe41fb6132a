//! The statement line `:61:`: value date, entry date, mark, amount, type and references.

use chrono::NaiveDate;
use memchr::memchr2;

use super::values::{Dates, Fault, amount, digits, split_number};
use crate::error::ErrorCode;
use crate::import::text::{trim, trim_start};
use crate::money::Amount;

/// What stands for no reference, or says where in `:86:` there is one.
const NO_REFERENCE: [&str; 8] =
    ["NONREF", "EREF", "EREF+", "KREF", "KREF+", "PREF", "MARF", "NOTPROVIDED"];

/// A `:61:` that could be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    /// The entry date, or the value date where there is none.
    pub(super) booking_date: NaiveDate,
    pub(super) value_date: NaiveDate,
    pub(super) amount: Amount,
    /// Whether the entry is only expected (marks `EC`, `ED`).
    pub(super) is_expected: bool,
    /// The account owner's reference; empty where there is none.
    pub(super) reference: &'a str,
    /// The bank's reference; empty where there is none.
    pub(super) bank_reference: &'a str,
    /// The other party's account; empty where there is none.
    pub(super) account: &'a str,
    /// The other party's name, which Rabobank once wrote behind the reference.
    pub(super) name: &'a str,
    /// The lines behind the first one.
    pub(super) supplement: &'a str,
}

impl<'a> Entry<'a> {
    /// Reads the field; `is_cut` says that the file ends with it, so that its amount may lack
    /// digits.
    pub(super) fn read(body: &'a str, is_cut: bool, dates: &mut Dates) -> Result<Self, Fault> {
        let end = memchr2(b'\n', b'\r', body.as_bytes()).unwrap_or(body.len());
        let (line, supplement) = body.split_at_checked(end).unwrap_or((body, ""));
        let supplement = trim(supplement);
        let (value_date, value_digits, rest) = value_date(line, dates)?;
        let (entry_digits, rest) = entry_date(rest);
        let booking_date = match entry_digits {
            Some(digits) => dates.entry((value_date, value_digits), digits)?,
            None => value_date,
        };
        let (mark, rest) = Mark::read(rest)?;
        let (number, rest) = split_number(rest);
        let amount = amount(number, mark.is_negative)?;
        if is_cut && trim(rest).is_empty() && supplement.is_empty() {
            return Err(Fault::new(ErrorCode::MalformedFile, "the file ends inside an entry"));
        }
        let references = behind_amount(rest)?;
        let mut entry = Self {
            booking_date,
            value_date,
            amount,
            is_expected: mark.is_expected,
            reference: references.own,
            bank_reference: references.of_bank,
            account: "",
            name: references.behind,
            supplement,
        };
        entry.find_account();
        Ok(entry)
    }

    /// Some banks have the other party's account in place of a reference or below the line.
    fn find_account(&mut self) {
        if is_iban(self.reference) {
            self.account = std::mem::take(&mut self.reference);
        } else if is_iban(self.supplement) {
            self.account = std::mem::take(&mut self.supplement);
        } else if self.bank_reference.is_empty() && is_dutch_number(self.supplement) {
            let number = std::mem::take(&mut self.supplement);
            self.account = if number.bytes().all(|byte| byte == b'0') { "" } else { number };
        }
    }
}

fn value_date<'a>(
    line: &'a str,
    dates: &mut Dates,
) -> Result<(NaiveDate, [u8; 6], &'a str), Fault> {
    let found = digits::<6>(trim(line)).ok_or_else(|| {
        Fault::new(ErrorCode::MalformedFile, "expected a value date such as `240131`")
    })?;
    let date = dates
        .value(found.0)
        .ok_or_else(|| Fault::new(ErrorCode::InvalidDate, "the value date does not exist"))?;
    Ok((date, found.0, found.1))
}

/// The digits of the entry date, where there are some; zeros stand for none.
fn entry_date(rest: &str) -> (Option<[u8; 4]>, &str) {
    let rest = trim_start(rest);
    match digits::<4>(rest) {
        Some((digits, rest)) => ((digits != *b"0000").then_some(digits), trim_start(rest)),
        None => (None, rest),
    }
}

/// Which way the money went.
struct Mark {
    is_negative: bool,
    is_expected: bool,
}

impl Mark {
    /// Reads credit or debit, the reversal of either, or an expected one, and passes over the
    /// letter behind it, which is the last one of the currency.
    fn read(text: &str) -> Result<(Self, &str), Fault> {
        let mark = |is_negative, is_expected| Self { is_negative, is_expected };
        let (mark, length) = match text.as_bytes() {
            [b'R', b'C', ..] => (mark(true, false), 2),
            [b'R', b'D', ..] => (mark(false, false), 2),
            [b'E', b'C', ..] => (mark(false, true), 2),
            [b'E', b'D', ..] => (mark(true, true), 2),
            [b'C' | b'c', ..] => (mark(false, false), 1),
            [b'D' | b'd', ..] => (mark(true, false), 1),
            _ => {
                let text = "expected a mark: `C`, `D`, `RC`, `RD`, `EC` or `ED`";
                return Err(Fault::new(ErrorCode::MalformedFile, text));
            }
        };
        let rest = text.get(length..).unwrap_or_default();
        let behind = rest.strip_prefix(|letter: char| letter.is_ascii_alphabetic());
        Ok((mark, trim_start(behind.unwrap_or(rest))))
    }
}

/// What stands behind the amount.
struct References<'a> {
    own: &'a str,
    of_bank: &'a str,
    behind: &'a str,
}

/// Reads type and references. The type, a letter and three more places, is left out by some.
fn behind_amount(rest: &str) -> Result<References<'_>, Fault> {
    let rest = trim(rest);
    let rest = if rest.starts_with("//") || rest.starts_with("NONREF") {
        rest
    } else if rest.is_empty() || rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        // A letter that is not ASCII within the type would be text, not a type.
        rest.get(4.min(rest.len())..).unwrap_or(rest)
    } else {
        let text = "expected an amount such as `12,34` and a type such as `NTRF`";
        return Err(Fault::new(ErrorCode::InvalidAmount, text));
    };
    let (own, of_bank, behind) = match split_at_pair(rest, b'/') {
        Some((own, of_bank)) => (own, of_bank, ""),
        None => match split_at_pair(rest, b' ') {
            Some((own, behind)) => (own, "", behind),
            None => (rest, "", ""),
        },
    };
    Ok(References { own: reference(own), of_bank: reference(of_bank), behind: trim(behind) })
}

/// What stands before and behind the first two bytes of a kind.
fn split_at_pair(text: &str, byte: u8) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let at = bytes.windows(2).position(|pair| pair == [byte, byte])?;
    Some((text.get(..at)?, text.get(at.checked_add(2)?..)?))
}

fn reference(text: &str) -> &str {
    let text = trim(text);
    if NO_REFERENCE.contains(&text) { "" } else { text }
}

/// Whether a text has the form of an IBAN (ISO 13616).
pub(super) fn is_iban(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (15..=34).contains(&text.len())
        && matches!(text.as_bytes(), [a, b, c, d, rest @ ..]
            if a.is_ascii_uppercase() && b.is_ascii_uppercase()
                && c.is_ascii_digit() && d.is_ascii_digit()
                && rest.iter().copied().all(is_part))
}

/// Whether a text is an account number of Rabobank's files before IBAN: ten digits, or `P` and
/// nine for accounts at the post.
fn is_dutch_number(text: &str) -> bool {
    text.len() == 10
        && text.strip_prefix('P').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit())
}
