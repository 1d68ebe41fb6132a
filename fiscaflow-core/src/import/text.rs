//! Text as the readers share it: values in one line, and the line on which a byte stands.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2_iter};

/// Makes a value one line: no white space around it, control characters and line breaks inside
/// are one blank. Blanks that the bank wrote stay.
pub(in crate::import) fn one_line(text: Cow<'_, str>) -> Cow<'_, str> {
    // Looks at every byte, which is faster than to stop at the first.
    let is_clean = text.bytes().fold(true, |clean, byte| clean & (byte > 0x1F) & (byte != 0x7F));
    let is_trimmed = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_clean && is_trimmed(bytes.first()) && is_trimmed(bytes.last()) {
        return text;
    }
    if is_clean {
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

/// Tells on which line a byte stands; lines end with CR, LF or both.
///
/// Asked for bytes in rising order, it reads the text once.
#[derive(Debug)]
pub(in crate::import) struct Lines<'a> {
    bytes: &'a [u8],
    /// Whether line feeds alone end the lines, which is counted faster.
    is_plain: bool,
    position: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(in crate::import) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        Self { bytes, is_plain: memchr(b'\r', bytes).is_none(), position: 0, line: 1 }
    }

    /// The line, counted from 1, of a byte that is not before the last one asked for.
    pub(in crate::import) fn at(&mut self, position: usize) -> u64 {
        let start = self.position;
        let Some(passed) = self.bytes.get(start..position) else { return self.line };
        let ends = if self.is_plain {
            memchr_iter(b'\n', passed).count()
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
