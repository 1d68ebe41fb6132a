//! Dates as banks write them: three numbers in any order, month names in a dozen languages, times
//! and zones behind or before them.
//!
//! A date is the one that is written; a zone never moves it. [`scan`] takes a cell apart without
//! knowing the order of the file; [`Written::in_order`] gives the date once the order is settled.

use std::fmt;

use chrono::NaiveDate;

use super::profile::DateOrder;
use super::text::{clean, fold};
use super::vocabulary::{self, List};

/// A date as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Only one reading is possible: the year leads in four digits, or the month has a name.
    Fixed(NaiveDate),
    /// Three numbers, the year last or short.
    Open(Triple),
}

/// Three numbers whose order the file must tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Triple {
    /// The numbers in the order they are written.
    pub parts: [u32; 3],
    /// How many digits each of them has.
    pub digits: [u8; 3],
    /// What stands between them, if anything does.
    pub separator: Option<char>,
}

impl fmt::Display for Triple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (part, digits)) in self.parts.iter().zip(self.digits).enumerate() {
            if let Some(separator) = self.separator.filter(|_| place > 0) {
                write!(f, "{separator}")?;
            }
            write!(f, "{part:0width$}", width = usize::from(digits))?;
        }
        Ok(())
    }
}

impl Triple {
    /// The date in that order, where it exists.
    pub fn in_order(self, order: DateOrder) -> Option<NaiveDate> {
        let [first, second, third] = self.parts;
        let [first_digits, _, third_digits] = self.digits;
        let (year, year_digits, month, day) = match order {
            DateOrder::Dmy => (third, third_digits, second, first),
            DateOrder::Mdy => (third, third_digits, first, second),
            DateOrder::Ymd => (first, first_digits, second, third),
        };
        let year = match year_digits {
            2 if year < 70 => year + 2000,
            2 => year + 1900,
            4 if year >= 1000 => year,
            _ => return None,
        };
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    }

    /// The date, where it is the same in every order. Years that lead in two digits stand before
    /// dashes.
    pub fn alike(self) -> Option<NaiveDate> {
        let date = self.in_order(DateOrder::Dmy)?;
        let year_first = self.in_order(DateOrder::Ymd).filter(|_| self.separator == Some('-'));
        let same = self.in_order(DateOrder::Mdy) == Some(date);
        (same && year_first.is_none_or(|other| other == date)).then_some(date)
    }
}

impl Written {
    /// The date, where it exists in that order.
    pub fn in_order(self, order: DateOrder) -> Option<NaiveDate> {
        match self {
            Self::Fixed(date) => Some(date),
            Self::Open(triple) => triple.in_order(order),
        }
    }

    /// The date, where every order that files of its kind use gives the same.
    pub fn alike(self) -> Option<NaiveDate> {
        match self {
            Self::Fixed(date) => Some(date),
            Self::Open(triple) => triple.alike(),
        }
    }
}

/// A cell that holds a date, and a second one behind `as of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateCell {
    /// The date.
    pub date: Written,
    /// The date behind `as of`.
    pub as_of: Option<Written>,
}

/// The usual case, which [`scan`] reads alike: ten bytes with the year in four digits, or eight
/// digits that begin with it.
pub(super) fn plain(cell: &[u8], order: Option<DateOrder>) -> Option<NaiveDate> {
    let (year, month, day) = match (cell, order) {
        ([y @ .., b'-', m1, m2, b'-', d1, d2], _) | ([y @ .., b'/', m1, m2, b'/', d1, d2], _)
            if y.len() == 4 =>
        {
            (y, [*m1, *m2], [*d1, *d2])
        }
        ([y @ .., m1, m2, d1, d2], _) if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        ([a1, a2, first, b1, b2, second, y @ ..], Some(order))
            if y.len() == 4 && first == second && matches!(first, b'.' | b'/' | b'-') =>
        {
            match order {
                DateOrder::Dmy => (y, [*b1, *b2], [*a1, *a2]),
                DateOrder::Mdy => (y, [*a1, *a2], [*b1, *b2]),
                DateOrder::Ymd => return None,
            }
        }
        _ => return None,
    };
    let year = digits(year).filter(|year| (1900..2100).contains(year))?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, digits(&month)?, digits(&day)?)
}

fn digits(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    })
}

/// The date in a cell that holds nothing else but a time, a zone or a weekday.
pub(super) fn scan(cell: &str) -> Option<DateCell> {
    let cell = clean(cell);
    if !(6..=64).contains(&cell.len()) || !cell.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Some((first, second)) = split_as_of(cell) {
        return Some(DateCell { date: scan_one(first)?, as_of: Some(scan_one(second)?) });
    }
    scan_one(cell).map(|date| DateCell { date, as_of: None })
}

fn split_as_of(cell: &str) -> Option<(&str, &str)> {
    const AS_OF: &[u8] = b" as of ";
    if cell.len() < 6 + AS_OF.len() {
        return None;
    }
    let at = cell.as_bytes().windows(7).position(|part| part.eq_ignore_ascii_case(AS_OF))?;
    Some((cell.get(..at)?, cell.get(at + 7..)?))
}

fn scan_one(cell: &str) -> Option<Written> {
    let cell = skip_time(clean(cell));
    match cell.chars().next()? {
        letter if letter.is_ascii_digit() => scan_numbers(cell).or_else(|| scan_named(cell)),
        letter if letter.is_alphabetic() => {
            let rest = cell.trim_start_matches(char::is_alphabetic);
            let rest = rest.trim_start_matches(['.', ',', ' ']);
            is_weekday(cell).then(|| scan_numbers(rest)).flatten().or_else(|| scan_named(cell))
        }
        _ => None,
    }
}

/// Drops a time before the date: `14:31, 03/04/2023`.
fn skip_time(cell: &str) -> &str {
    let Some((time, rest)) = cell.split_once([' ', ',']) else { return cell };
    let bytes = time.as_bytes();
    let is_time = time.contains(':')
        && time.len() <= 8
        && bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b':');
    if is_time { rest.trim_start_matches([' ', ',']) } else { cell }
}

/// Leading digits: their value, how many there are, and the rest.
fn number(text: &str) -> Option<(u32, u8, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 || length > 8 {
        return None;
    }
    let value = text.get(..length)?.parse().ok()?;
    Some((value, u8::try_from(length).ok()?, text.get(length..)?))
}

/// The day of a time as OFX writes it, with a zone in brackets: `20240131120000[0:GMT]`.
fn ofx_day(cell: &str) -> Option<&str> {
    let (time, zone) = cell.strip_suffix(']')?.split_once('[')?;
    let figures = time.bytes().take_while(u8::is_ascii_digit).count();
    (figures == 14 && zone.len() <= 12).then(|| cell.get(..8)).flatten()
}

/// Three numbers with one separator, or eight digits.
fn scan_numbers(cell: &str) -> Option<Written> {
    if let Some(day) = ofx_day(cell) {
        return scan_numbers(day);
    }
    let (first, first_digits, rest) = number(cell)?;
    if first_digits == 8 {
        return is_tail(rest).then(|| eight_digits(first)).flatten();
    }
    let (separator, rest) = match rest.strip_prefix(':') {
        Some(rest) if first_digits == 4 => (':', rest),
        _ => separator(rest)?,
    };
    let (second, second_digits, rest) = number(rest)?;
    let (same, rest) = match rest.strip_prefix(':') {
        Some(rest) if separator == ':' => (':', rest),
        _ => self::separator(rest)?,
    };
    let (third, third_digits, rest) = number(rest)?;
    if same != separator || second_digits > 2 || !is_tail(rest) {
        return None;
    }
    let triple = Triple {
        parts: [first, second, third],
        digits: [first_digits, second_digits, third_digits],
        separator: Some(separator),
    };
    match (first_digits, third_digits) {
        (4, 1 | 2) => triple.in_order(DateOrder::Ymd).map(Written::Fixed),
        (1 | 2, 4) | (1 | 2, 2) | (2, 1) => {
            let exists = DateOrder::ALL.iter().any(|order| triple.in_order(*order).is_some());
            exists.then_some(Written::Open(triple))
        }
        _ => None,
    }
}

/// One separator; blanks may stand behind a dot.
fn separator(text: &str) -> Option<(char, &str)> {
    let letter = text.chars().next()?;
    let rest = text.get(letter.len_utf8()..)?;
    match letter {
        '.' => Some(('.', rest.trim_start_matches(' '))),
        '/' | '-' | ' ' => Some((letter, rest)),
        '‐' | '–' | '−' => Some(('-', rest)),
        '年' | '月' => Some(('年', rest)),
        _ => None,
    }
}

/// `YYYYMMDD`, or an order that the file must tell where that is no date of our time.
fn eight_digits(value: u32) -> Option<Written> {
    let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
    if (1900..2100).contains(&year)
        && let Some(date) = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    {
        return Some(Written::Fixed(date));
    }
    let parts = [value / 1_000_000, value / 10_000 % 100, value % 10_000];
    let triple = Triple { parts, digits: [2, 2, 4], separator: None };
    let of_our_time = (1900..2100).contains(&(value % 10_000));
    let exists = [DateOrder::Dmy, DateOrder::Mdy].iter().any(|o| triple.in_order(*o).is_some());
    (of_our_time && exists).then_some(Written::Open(triple))
}

/// Whether nothing but a time and a zone follows.
fn is_tail(text: &str) -> bool {
    let text = text.trim_start_matches(['.', '日']);
    if text.is_empty() {
        return true;
    }
    let Some(rest) = text.strip_prefix(['T', 't', ' ', ',', '-', '\u{A0}']) else {
        return false;
    };
    let rest = rest.trim_start_matches([' ', ',', '-', '\u{A0}']);
    let hour = rest.bytes().take_while(u8::is_ascii_digit).count();
    let colon = matches!(rest.as_bytes().get(hour), Some(b':' | b'.' | b'h'));
    let compact = matches!(hour, 4 | 6);
    let length_fits = rest.len() <= 40;
    let plain = |letter: char| letter.is_alphanumeric() || " :.,+-()/_".contains(letter);
    length_fits && rest.chars().all(plain) && (hour == 0 && is_zone(rest))
        || (1..=2).contains(&hour) && colon
        || compact && rest.len() == hour
}

/// Whether a text is a zone or half of the day without a time.
fn is_zone(text: &str) -> bool {
    matches!(text, "UTC" | "GMT" | "Z" | "CET" | "CEST" | "EST" | "EDT" | "PST" | "PDT")
}

/// A date with the month's name: `04 Nov 2009`, `Nov 4, 2009`, `2009-Nov-04`, `4. November 09`.
fn scan_named(cell: &str) -> Option<Written> {
    let mut numbers = [None; 2];
    let (mut month, mut month_place, mut found, mut rest) = (None, 0, 0_usize, cell);
    while month.is_none() || found < 2 {
        rest = rest.trim_start_matches([' ', '.', ',', '-', '/', '\u{A0}', '\'', '’']);
        let letter = rest.chars().next()?;
        if letter.is_ascii_digit() {
            let (value, digits, after) = number(rest)?;
            *numbers.get_mut(found)? = Some((value, digits));
            found += 1;
            rest = strip_ordinal(after);
        } else {
            let length = rest.find(|letter: char| !letter.is_alphabetic()).unwrap_or(rest.len());
            let word = rest.get(..length)?;
            rest = rest.get(length..)?;
            if let Some(number) = month_of(word) {
                if month.is_some() {
                    return None;
                }
                (month, month_place) = (Some(number), found);
            } else if !is_weekday(word) && !matches!(word, "de" | "of" | "d" | "del") {
                return None;
            }
        }
    }
    if !is_tail(rest) {
        return None;
    }
    let ([Some(first), Some(second)], Some(month)) = (numbers, month) else { return None };
    // The year is the number of four digits, or the one that stands last.
    let ((day, day_digits), (year, year_digits)) =
        if first.1 == 4 && month_place <= 1 { (second, first) } else { (first, second) };
    if day_digits > 2 {
        return None;
    }
    let triple =
        Triple { parts: [day, month, year], digits: [day_digits, 2, year_digits], separator: None };
    triple.in_order(DateOrder::Dmy).map(Written::Fixed)
}

fn strip_ordinal(text: &str) -> &str {
    ["st", "nd", "rd", "th", "er", "º"]
        .iter()
        .find_map(|ordinal| text.strip_prefix(ordinal))
        .filter(|rest| !rest.starts_with(char::is_alphabetic))
        .unwrap_or(text)
}

fn is_weekday(text: &str) -> bool {
    let length = text.find(|letter: char| !letter.is_alphabetic()).unwrap_or(text.len());
    let Some(word) = text.get(..length) else { return false };
    word.len() <= 12 && List::Weekday.has(&fold(word))
}

/// The number of a month by its name or abbreviation in a dozen languages.
fn month_of(word: &str) -> Option<u32> {
    if word.len() < 3 || word.len() > 16 {
        return None;
    }
    vocabulary::month(&fold(word))
}
