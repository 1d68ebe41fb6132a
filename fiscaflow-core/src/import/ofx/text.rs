//! What stands in a file as text: entities, white space, descriptions, line numbers.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr2_iter};

/// Expands the entities of the specification (section 2.3.2.1): the five of XML, `&nbsp;` and
/// numeric references. An `&` that begins none of them is text, as banks forget to escape it.
///
/// An entity escaped twice (`&amp;lt;`) is taken for what was meant: no bank writes `&lt;` on a
/// statement.
pub(super) fn expand(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = split_at_ampersand(rest) {
        text.push_str(before);
        let (character, behind) = match entity(after) {
            Some(('&', behind)) => entity(behind).unwrap_or(('&', behind)),
            Some(found) => found,
            None => ('&', after),
        };
        text.push(character);
        rest = behind;
    }
    text.push_str(rest);
    text
}

fn split_at_ampersand(text: &str) -> Option<(&str, &str)> {
    let (before, after) = text.split_at_checked(memchr(b'&', text.as_bytes())?)?;
    Some((before, after.strip_prefix('&')?))
}

/// The character whose entity, without its `&`, begins the text, and what follows it.
fn entity(text: &str) -> Option<(char, &str)> {
    const NAMED: [(&str, char); 6] = [
        ("lt;", '<'),
        ("gt;", '>'),
        ("amp;", '&'),
        ("quot;", '"'),
        ("apos;", '\''),
        ("nbsp;", ' '),
    ];
    const MAX_DIGITS: usize = 8;
    let Some(number) = text.strip_prefix('#') else {
        return NAMED.iter().find_map(|(name, char)| {
            let (start, rest) = text.split_at_checked(name.len())?;
            start.eq_ignore_ascii_case(name).then_some((*char, rest))
        });
    };
    let end = number.bytes().take(MAX_DIGITS).position(|byte| byte == b';')?;
    let (digits, rest) = number.split_at_checked(end)?;
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    let char = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    let is_text = char >= ' ' || matches!(char, '\t' | '\n' | '\r');
    is_text.then_some((char, rest.strip_prefix(';')?))
}

/// Makes a value one line: no white space around it, control characters and line breaks inside
/// are one blank. Blanks that the bank wrote stay.
pub(super) fn one_line(text: Cow<'_, str>) -> Cow<'_, str> {
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

/// Joins the parts of a description by one blank. A part that only repeats or goes on where
/// another was cut (`NAME` holds 32 characters, `MEMO` the whole) does not appear twice.
pub(super) fn join(parts: [&str; 3]) -> String {
    let mut kept = [""; 3];
    for part in parts {
        if part.is_empty() || kept.iter().any(|other| begins(other, part)) {
            continue;
        }
        let shorter = kept.iter().position(|other| other.is_empty() || begins(part, other));
        if let Some(slot) = shorter.and_then(|index| kept.get_mut(index)) {
            *slot = part;
        }
    }
    let [first, second, third] = kept;
    if second.is_empty() {
        return first.to_owned();
    }
    let parts = if third.is_empty() { vec![first, second] } else { vec![first, second, third] };
    parts.join(" ")
}

/// Whether `text` begins with `start`, capitals and white space aside.
fn begins(text: &str, start: &str) -> bool {
    let mut text = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    start
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .all(|wanted| text.next().is_some_and(|byte| byte.eq_ignore_ascii_case(&wanted)))
}

/// Tells on which line a byte stands; lines end with CR, LF or both.
///
/// Asked for bytes in rising order, it reads the text once.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    /// Whether line feeds alone end the lines, which is counted faster.
    is_plain: bool,
    position: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        Self { bytes, is_plain: memchr(b'\r', bytes).is_none(), position: 0, line: 1 }
    }

    /// The line, counted from 1, of a byte that is not before the last one asked for.
    pub(super) fn at(&mut self, position: usize) -> u64 {
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
    fn entities_are_expanded_once_and_only_the_known_ones() {
        // Holds: the named and numeric entities become characters, everything else stays as it is.
        let table = [
            ("AT&amp;T", "AT&T"),
            ("AT&AMP;T &Lt;", "AT&T <"),
            ("a &lt;b&gt; &quot;c&quot; &apos;d&apos;&nbsp;e", "a <b> \"c\" 'd' e"),
            ("caf&#233; &#xE9;&#XE9;", "café éé"),
            ("TPAY &amp;lt;X&amp;gt;", "TPAY <X>"),
            ("a &amp;amp; b &amp;#39;", "a & b '"),
            ("&amp;amp;lt;", "&lt;"),
            ("A & B &; &x; &amp &lt &", "A & B &; &x; &amp &lt &"),
            (
                "&#0; &#xD800; &#1114112; &#; &#x; &#+65; &#12",
                "&#0; &#xD800; &#1114112; &#; &#x; &#+65; &#12",
            ),
            ("&#99999999999999;", "&#99999999999999;"),
        ];
        for (raw, text) in table {
            assert_eq!(expand(raw), text);
        }
    }

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
    fn descriptions_say_nothing_twice() {
        // Holds: what repeats or continues another part appears once, in its longer form.
        let table = [
            (["NAME", "", "memo"], "NAME memo"),
            (["", "", "memo"], "memo"),
            (["NAME", "", ""], "NAME"),
            (["", "", ""], ""),
            (["Shop", "", "SHOP"], "Shop"),
            (
                ["SHOP HANDYWAY ALDI", "", "SHOP  HANDYWAY ALDI STORE 12"],
                "SHOP  HANDYWAY ALDI STORE 12",
            ),
            (["SHOP STORE 12", "", "SHOP"], "SHOP STORE 12"),
            (["SHOP ST", "SHOP STORE 12", "ref 5"], "SHOP STORE 12 ref 5"),
            (["a", "b", "c"], "a b c"),
            (["a", "b", "b c"], "a b c"),
            (["ab", "c", "a"], "ab c"),
        ];
        for (parts, description) in table {
            assert_eq!(join(parts), description, "{parts:?}");
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
