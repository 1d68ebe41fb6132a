//! Text as the readers share it: values in one line, dates that begin with the year, and the line
//! on which a byte stands.

use std::borrow::Cow;

use chrono::NaiveDate;
use memchr::{memchr, memchr2_iter};
use rust_decimal::Decimal;

use super::bytes::has_control;
use crate::money::Amount;

/// Makes a value one line: no white space around it, control characters and line breaks inside
/// are one blank. Blanks that the bank wrote stay.
#[inline]
pub(in crate::import) fn one_line(text: Cow<'_, str>) -> Cow<'_, str> {
    if is_one_line(&text) { text } else { to_one_line(text) }
}

/// Whether a text is surely one line without white space around it.
#[inline]
fn is_one_line(text: &str) -> bool {
    is_surely_trimmed(text) && !has_control(text.as_bytes())
}

fn to_one_line(text: Cow<'_, str>) -> Cow<'_, str> {
    if !has_control(text.as_bytes()) {
        return match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
    }
    let mut line = String::with_capacity(text.len());
    for part in text.split(|char: char| char.is_ascii_control()) {
        let part = part.trim();
        if !part.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(part);
        }
    }
    Cow::Owned(line)
}

/// A text without the white space around it, which is looked for only where there may be some.
#[inline]
pub(in crate::import) fn trim(text: &str) -> &str {
    if is_surely_trimmed(text) { text } else { text.trim() }
}

/// A text without the white space before it.
#[inline]
pub(in crate::import) fn trim_start(text: &str) -> &str {
    if is_graphic(text.as_bytes().first()) { text } else { text.trim_start() }
}

/// A text without the white space behind it.
#[inline]
pub(in crate::import) fn trim_end(text: &str) -> &str {
    if is_graphic(text.as_bytes().last()) { text } else { text.trim_end() }
}

/// Whether a text begins and ends with characters of ASCII that are no white space.
#[inline]
fn is_surely_trimmed(text: &str) -> bool {
    is_graphic(text.as_bytes().first()) && is_graphic(text.as_bytes().last())
}

fn is_graphic(end: Option<&u8>) -> bool {
    end.is_none_or(u8::is_ascii_graphic)
}

/// The lines of a text, one after the other; they end with LF or CRLF, or with CR in a text that
/// has no LF. Line ends are no part of them.
#[derive(Debug, Clone)]
pub(in crate::import) struct LineByLine<'a> {
    text: &'a str,
    line_end: u8,
    position: usize,
    number: u64,
}

impl<'a> LineByLine<'a> {
    pub(in crate::import) fn new(text: &'a str) -> Self {
        let has_line_feed = memchr(b'\n', text.as_bytes()).is_some();
        let line_end = if has_line_feed { b'\n' } else { b'\r' };
        Self { text, line_end, position: 0, number: 0 }
    }

    /// The next line.
    pub(in crate::import) fn next(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.position..)?;
        if rest.is_empty() {
            return None;
        }
        self.number = self.number.saturating_add(1);
        let Some(length) = find_near(self.line_end, rest.as_bytes()) else {
            self.position = self.text.len();
            return Some(rest.trim_end_matches('\r'));
        };
        self.position = self.position.saturating_add(length).saturating_add(1);
        let line = rest.get(..length).unwrap_or_default();
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// Where the next line begins.
    pub(in crate::import) fn position(&self) -> usize {
        self.position
    }

    /// The number of the last line, counted from 1.
    pub(in crate::import) fn number(&self) -> u64 {
        self.number
    }
}

/// The place of a byte that is mostly found after a few others, for which a search by vectors takes
/// longer to begin than to end.
fn find_near(wanted: u8, bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 16;
    let Some((near, far)) = bytes.split_at_checked(NEAR) else {
        return bytes.iter().position(|byte| *byte == wanted);
    };
    let found = near.iter().position(|byte| *byte == wanted);
    found.or_else(|| memchr(wanted, far)?.checked_add(NEAR))
}

/// Reads the day of a date, or of a date and time, that begins with `YYYY-MM-DD` (ISO 8601, XML
/// Schema's `date` and `dateTime`), as it is written: time and zone do not move it.
pub(in crate::import) fn iso_date(text: &str) -> Option<NaiveDate> {
    let (day, rest) = text.as_bytes().split_first_chunk::<10>()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = day else { return None };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let begins_time = |byte: &u8| matches!(byte, b'T' | b't' | b' ' | b'Z' | b'z' | b'+' | b'-');
    let is_time = rest.first().is_none_or(begins_time)
        && rest.iter().skip(1).all(|byte| byte.is_ascii_digit() || b":.+-Zz ".contains(byte));
    if !is_time {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok().filter(|year| *year > 0)?, month, day)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| {
        let value = digit.wrapping_sub(b'0');
        (value <= 9).then(|| number.wrapping_mul(10).wrapping_add(u32::from(value)))
    })
}

/// The amount that the digits among these bytes write, of which so many are decimal places; what
/// stands between them is passed over. Nothing where they are too many.
pub(in crate::import) fn decimal(bytes: &[u8], is_negative: bool, places: usize) -> Option<Amount> {
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte & 0xF);
    // Nearly all amounts fit into 64 bits, with which it takes a fraction of the time.
    let short = digits
        .clone()
        .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit)));
    let number = match short {
        Some(number) => i128::from(number),
        None => digits.into_iter().try_fold(0_i128, |number, digit| {
            number.checked_mul(10)?.checked_add(i128::from(digit))
        })?,
    };
    let number = if is_negative { -number } else { number };
    let value = Decimal::try_from_i128_with_scale(number, u32::try_from(places).ok()?);
    value.ok().map(Amount::new)
}

/// Tells on which line a byte stands; lines end with CR, LF or both.
///
/// Asked for bytes in rising order, it reads the text once.
#[derive(Debug)]
pub(in crate::import) struct Lines<'a> {
    bytes: &'a [u8],
    position: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(in crate::import) fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), position: 0, line: 1 }
    }

    /// The line, counted from 1, of a byte that is not before the last one asked for.
    pub(in crate::import) fn at(&mut self, position: usize) -> u64 {
        let start = self.position;
        let Some(passed) = self.bytes.get(start..position) else { return self.line };
        let ends = if memchr(b'\r', passed).is_none() {
            line_feeds(passed)
        } else {
            let is_end = |found: &usize| {
                let at = start.saturating_add(*found);
                self.bytes.get(at) == Some(&b'\n')
                    || self.bytes.get(at.saturating_add(1)) != Some(&b'\n')
            };
            memchr2_iter(b'\r', b'\n', passed).filter(is_end).count()
        };
        self.line = self.line.saturating_add(u64::try_from(ends).unwrap_or(u64::MAX));
        self.position = position;
        self.line
    }
}

/// How many line feeds there are. Counts in single bytes, of which the processor adds up many at
/// once, and no more than a byte can hold.
fn line_feeds(bytes: &[u8]) -> usize {
    const PART: usize = 192;
    let count = |part: &[u8]| {
        part.iter().fold(0_u8, |count, byte| count.wrapping_add(u8::from(*byte == b'\n')))
    };
    bytes.chunks(PART).map(|part| usize::from(count(part))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_one_line() {
        // Holds: line breaks and control characters become one blank, other blanks stay.
        let table = [
            ("a  b", "a  b"),
            (" \u{A0}a\u{A0}b ", "a\u{A0}b"),
            ("a \r\n\t b\0c", "a b c"),
            ("\n", ""),
        ];
        for (raw, line) in table {
            assert_eq!(one_line(Cow::Borrowed(raw)), line);
            assert_eq!(one_line(Cow::Owned(raw.to_owned())), line);
        }
    }

    #[test]
    fn lines_come_with_their_number_and_place() {
        // Holds: any line end, lines shorter and longer than the near search, and none at the end.
        let long = "x".repeat(40);
        for (end, length) in [("\n", 1), ("\r\n", 2), ("\r", 1)] {
            for last in ["", end] {
                let text = format!("a{end}{end}{long}{end}  b {last}");
                let mut lines = LineByLine::new(&text);
                assert_eq!((lines.next(), lines.number()), (Some("a"), 1), "{text:?}");
                assert_eq!(lines.position(), 1 + length);
                assert_eq!((lines.next(), lines.next()), (Some(""), Some(&*long)));
                assert_eq!((lines.next(), lines.number()), (Some("  b "), 4));
                assert_eq!((lines.position(), lines.next()), (text.len(), None));
            }
        }
        assert_eq!(LineByLine::new("").next(), None);
    }

    #[test]
    fn texts_are_trimmed() {
        // Holds: every white space goes, as by the standard library.
        for text in ["", " ", "a", " a b\t", "\u{a0}\u{e9}\u{a0}", "\u{e9}", "\u{1}a"] {
            assert_eq!(trim(text), text.trim(), "{text:?}");
            assert_eq!(trim_start(text), text.trim_start(), "{text:?}");
            assert_eq!(trim_end(text), text.trim_end(), "{text:?}");
        }
    }

    #[test]
    fn lines_are_counted_by_any_line_end() {
        // Holds: CR, LF and CRLF each end one line, also where they are mixed.
        for text in ["a\nb\nc", "a\rb\rc", "a\r\nb\r\nc", "a\rb\r\nc", "a\nb\rc"] {
            let mut lines = Lines::new(text);
            for (line, wanted) in ["a", "b", "c"].into_iter().enumerate() {
                let at = text.find(wanted).unwrap_or_default();
                assert_eq!(lines.at(at), line as u64 + 1, "{text:?}");
            }
            assert_eq!(Lines::new(text).at(text.len()), 3);
        }
        let mut lines = Lines::new("\r\n\r\n");
        assert_eq!((0..=4).map(|at| lines.at(at)).collect::<Vec<_>>(), [1, 1, 2, 2, 3]);
    }
}
