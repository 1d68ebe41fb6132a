//! From text to records: delimiters, quotes and line ends of any kind.
//!
//! The splitter is lenient where banks are sloppy: quotes inside quoted cells that are not doubled,
//! quotes that are never closed, blanks around quoted cells, lone carriage returns as line ends. It
//! counts physical lines, borrows every cell it can, and each byte is looked at a bounded number of
//! times.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2_iter, memchr3};

use crate::limits::{MAX_CELL_BYTES, MAX_COLUMNS};

/// How a file is cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// The byte between cells.
    pub delimiter: u8,
    /// The byte around cells, where there is one.
    pub quote: Option<u8>,
}

/// One record, reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Record<'t> {
    /// The physical line on which the record begins, counted from 1.
    pub line: u64,
    /// How many physical lines the record spans.
    pub span: u64,
    /// The cells, without their quotes.
    pub cells: Vec<Cow<'t, str>>,
    /// Whether the record had more cells than are kept.
    pub overfull: bool,
    /// Buffers of earlier cells with quotes in them, to be used again.
    spare: Vec<String>,
}

impl Record<'_> {
    /// Makes room for another record.
    fn clear(&mut self) {
        for cell in self.cells.drain(..) {
            if let Cow::Owned(mut buffer) = cell {
                buffer.clear();
                self.spare.push(buffer);
            }
        }
        self.overfull = false;
    }

    /// The cell of that column without white space at its ends; empty where there is none.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| super::text::clean(cell))
    }

    /// Whether no cell holds anything.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty())
    }

    /// How many cells there are up to the last that holds something.
    pub fn width(&self) -> usize {
        self.cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1)
    }
}

/// Cuts a text into records.
#[derive(Debug, Clone)]
pub(super) struct Splitter<'t> {
    text: &'t str,
    at: usize,
    line: u64,
    dialect: Dialect,
    /// No closing quote lies before this offset: a failed search is not repeated.
    unclosed_until: usize,
}

/// What ended a cell.
enum End {
    Cell,
    Record,
    Text,
}

/// Where a quoted cell ends.
enum Close {
    /// Its content ends at `to`; the delimiter or line end after it is at `after`.
    Found { to: usize, after: usize, escaped: bool },
    /// Another quoted cell begins first: the opening quote is a stray one.
    OtherCell,
    /// No quote within reach closes it.
    Nowhere,
}

impl<'t> Splitter<'t> {
    pub fn new(text: &'t str, dialect: Dialect) -> Self {
        Self { text, at: 0, line: 1, dialect, unclosed_until: 0 }
    }

    /// Reads the next record into `record`; `false` at the end of the text.
    pub fn next_into(&mut self, record: &mut Record<'t>) -> bool {
        record.clear();
        record.line = self.line;
        if self.at >= self.text.len() {
            return false;
        }
        loop {
            let (cell, end) = match self.quoted(&mut record.spare) {
                Some(quoted) => quoted,
                None => self.plain(),
            };
            if record.cells.len() < MAX_COLUMNS {
                record.cells.push(cell);
            } else {
                record.overfull = true;
            }
            match end {
                End::Cell => {}
                End::Record => {
                    record.span = self.line.saturating_sub(record.line);
                    return true;
                }
                End::Text => {
                    record.span = self.line.saturating_sub(record.line).saturating_add(1);
                    return true;
                }
            }
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Steps over the delimiter or line end at `at`.
    fn step(&mut self, at: usize) -> End {
        match self.byte(at) {
            None => {
                self.at = at;
                End::Text
            }
            Some(b'\r') if self.byte(at + 1) == Some(b'\n') => {
                self.at = at + 2;
                self.line += 1;
                End::Record
            }
            Some(b'\r' | b'\n') => {
                self.at = at + 1;
                self.line += 1;
                End::Record
            }
            Some(_) => {
                self.at = at + 1;
                End::Cell
            }
        }
    }

    fn plain(&mut self) -> (Cow<'t, str>, End) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = memchr3(self.dialect.delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
        let cell = self.slice(self.at, self.at + length);
        let end = self.step(self.at + length);
        (Cow::Borrowed(cell), end)
    }

    /// The quoted cell that begins here, if one does and its quote is closed.
    fn quoted(&mut self, spare: &mut Vec<String>) -> Option<(Cow<'t, str>, End)> {
        let quote = self.dialect.quote?;
        let mut open = self.at;
        while self.byte(open) == Some(b' ') {
            open += 1;
        }
        if self.byte(open) != Some(quote) || open < self.unclosed_until {
            return None;
        }
        let from = open + 1;
        let (to, after, escaped) = match self.find_close(quote, from) {
            Close::Found { to, after, escaped } => (to, after, escaped),
            Close::OtherCell => return None,
            Close::Nowhere => {
                self.unclosed_until = from.saturating_add(MAX_CELL_BYTES);
                return None;
            }
        };
        let inner = self.slice(from, to);
        self.line += count_line_ends(inner);
        let cell = if escaped { unescape(inner, quote, spare.pop()) } else { Cow::Borrowed(inner) };
        let end = self.step(after);
        Some((cell, end))
    }

    /// Looks for the end of the cell whose content starts at `from`.
    fn find_close(&self, quote: u8, from: usize) -> Close {
        let bytes = self.text.as_bytes();
        let limit = from.saturating_add(MAX_CELL_BYTES).min(bytes.len());
        let window = bytes.get(from..limit).unwrap_or_default();
        let mut escaped = false;
        let mut skip = None;
        for at in memchr_iter(quote, window).map(|at| from + at) {
            if skip == Some(at) {
                continue;
            }
            let after = self.after_blanks(at + 1);
            if self.ends_cell(after) {
                return Close::Found { to: at, after, escaped };
            }
            if self.byte(at + 1) == Some(quote) {
                escaped = true;
                skip = Some(at + 1);
            } else if at > from && self.starts_cell(at) {
                return Close::OtherCell;
            }
        }
        Close::Nowhere
    }

    fn after_blanks(&self, mut at: usize) -> usize {
        while self.byte(at) == Some(b' ') {
            at += 1;
        }
        at
    }

    fn ends_cell(&self, at: usize) -> bool {
        match self.byte(at) {
            None | Some(b'\r' | b'\n') => true,
            Some(byte) => byte == self.dialect.delimiter,
        }
    }

    /// Whether the quote at `at` looks like the first byte of another cell.
    fn starts_cell(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.byte(before));
        before.is_some_and(|byte| byte == self.dialect.delimiter || matches!(byte, b'\r' | b'\n'))
    }
}

/// The cell with every doubled quote as one.
fn unescape(inner: &str, quote: u8, buffer: Option<String>) -> Cow<'_, str> {
    let mut cell = buffer.unwrap_or_default();
    let mut rest = inner;
    while let Some(at) = memchr(quote, rest.as_bytes()) {
        let (before, behind) = rest.split_at_checked(at + 1).unwrap_or((rest, ""));
        cell.push_str(before);
        rest = behind.strip_prefix(char::from(quote)).unwrap_or(behind);
    }
    cell.push_str(rest);
    Cow::Owned(cell)
}

fn count_line_ends(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let ends = memchr2_iter(b'\n', b'\r', bytes).filter(|at| {
        // The line feed of a pair was counted with its carriage return.
        bytes.get(*at) == Some(&b'\r')
            || at.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'\r')
    });
    u64::try_from(ends.count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, delimiter: u8) -> Vec<(u64, Vec<String>)> {
        let mut splitter = Splitter::new(text, Dialect { delimiter, quote: Some(b'"') });
        let mut record = Record::default();
        let mut all = Vec::new();
        while splitter.next_into(&mut record) {
            all.push((record.line, record.cells.iter().map(ToString::to_string).collect()));
        }
        all
    }

    fn cells(text: &str) -> Vec<Vec<String>> {
        split(text, b',').into_iter().map(|(_, cells)| cells).collect()
    }

    #[test]
    fn line_ends_of_any_kind_count_as_one() {
        // Holds: LF, CRLF and lone CR end a record, and each counts as one physical line.
        for text in ["a,b\n\nc,d\n", "a,b\r\n\r\nc,d\r\n", "a,b\r\rc,d\r", "a,b\n\nc,d"] {
            let lines: Vec<u64> = split(text, b',').iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [1, 2, 3], "{text:?}");
        }
    }

    #[test]
    fn quotes_hide_delimiters_and_line_ends() {
        // Holds: a quoted cell may hold delimiters, doubled quotes and line ends.
        let all = split("\"a,1\",\"b\"\"2\"\r\n \"c\r\nd\" ,e\nf", b',');
        assert_eq!(all.first().unwrap().1, ["a,1", "b\"2"]);
        assert_eq!(all.get(1).unwrap(), &(2, vec!["c\r\nd".to_owned(), "e".to_owned()]));
        assert_eq!(all.get(2).unwrap().0, 4);
    }

    #[test]
    fn stray_quotes_stay_in_their_cell() {
        // Holds: a quote that is not closed, or not doubled, never swallows the records after it.
        assert_eq!(cells("a,\"b,c\nd,e,f\n"), [vec!["a", "\"b", "c"], vec!["d", "e", "f"]]);
        assert_eq!(cells("\"x \"y\" z\",2\n"), [["x \"y\" z", "2"]]);
        assert_eq!(cells("\"a,1\n\"b\",2\n"), [["\"a", "1"], ["b", "2"]]);
        assert_eq!(cells("5\" pipe,2\n"), [["5\" pipe", "2"]]);
        assert_eq!(cells("\"\",\"\"\n"), [["", ""]]);
        assert_eq!(cells("\"\"\"a\"\"\",1\n"), [["\"a\"", "1"]]);
    }

    #[test]
    fn hostile_quotes_take_linear_time() {
        // Holds: a megabyte of opening quotes is read in well under a second.
        let text = "\"x\n".repeat(400_000);
        assert_eq!(split(&text, b',').len(), 400_000);
        let text = ",\" ".repeat(400_000);
        assert_eq!(split(&text, b',').len(), 1);
    }

    #[test]
    fn columns_are_limited() {
        // Holds: cells beyond the limit are not kept, and the record says so.
        let text = "x,".repeat(300);
        let mut record = Record::default();
        let dialect = Dialect { delimiter: b',', quote: None };
        assert!(Splitter::new(&text, dialect).next_into(&mut record));
        assert!(record.overfull && record.cells.len() == MAX_COLUMNS);
        assert_eq!(record.width(), MAX_COLUMNS);
    }
}
