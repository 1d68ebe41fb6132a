//! QIF: Quicken's interchange format, as Quicken, other programs and banks write it.
//!
//! A file is lines that begin with a letter for what they hold, `^` behind each record, and
//! headers that begin with `!`. It says neither which of two numbers is the month nor which of two
//! separators is the decimal one, so that a file is read twice: first every date and amount is
//! looked at and one order and one separator is settled (`dates`, `amounts`), then the rows are
//! made (`reader`). `records` cuts the text.
//!
//! Transactions with securities are rows as well. Their amount is the record's own, which QIF
//! writes without a sign and leaves out where no money is named; what was done is the description.
//!
//! Source: Intuit's `QIF` help page (1997) and the notes of GnuCash on what programs really write.

mod amounts;
mod dates;
mod reader;
mod records;

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::{DateOrder, Parsed, encoding};
use crate::error::Result;

/// How much of a file is looked at to recognise the format.
const HEAD: usize = 16 * 1024;

/// Whether the file is QIF: its first line that is neither blank nor a comment is a header.
pub(super) fn detect(bytes: &[u8]) -> bool {
    let head = encoding::decode(bytes.get(..HEAD).unwrap_or(bytes), None);
    let mut lines = head.split(['\n', '\r']).map(str::trim);
    let is_begin = |line: &&str| !line.is_empty() && *line != "^" && !line.starts_with('#');
    lines.find(is_begin).is_some_and(records::is_header)
}

/// Reads a file; `order` is that of its dates, where it should not be found in the file.
pub(super) fn parse(bytes: &[u8], order: Option<DateOrder>) -> Result<Parsed> {
    let text = without_controls(super::codepages::decode(bytes));
    reader::read(&text, order)
}

/// The text with blanks in place of control characters, which are part of no value; line breaks
/// stay, and so does the place of everything else. Where lines end with LF, a CR that stands alone
/// ends none.
fn without_controls(text: Cow<'_, str>) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    // Looks at every byte, which is faster than to stop at the first.
    let odd = |byte: u8| (byte < b' ' && byte != b'\n' && byte != b'\r') | (byte == 0x7F);
    let is_odd = bytes.iter().fold(false, |found, byte| found | odd(*byte));
    let ends_with_lf = memchr(b'\n', bytes).is_some();
    let is_alone = |at: usize| bytes.get(at.saturating_add(1)) != Some(&b'\n');
    let is_broken = ends_with_lf && memchr_iter(b'\r', bytes).any(is_alone);
    if !is_odd && !is_broken {
        return text;
    }
    let is_control = |at: usize, letter: char| match letter {
        '\n' => false,
        '\r' => ends_with_lf && is_alone(at),
        _ => letter.is_ascii_control(),
    };
    let letters = text.char_indices();
    letters.map(|(at, letter)| if is_control(at, letter) { ' ' } else { letter }).collect()
}
