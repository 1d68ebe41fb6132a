//! JSON (RFC 8259) as a reader that is asked for the next value: no tree is built, texts without
//! escapes are borrowed, numbers are handed out as they are written, and every place is known.

use std::borrow::Cow;

use crate::import::bytes::{find_nesting, find_string_end};

/// The most objects and lists that may be open at once; Plaid's answers need about eight.
const MAX_DEPTH: u32 = 64;

/// The text is no JSON from this byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) message: &'static str,
}

/// A value that is no object and no list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    Text(Cow<'a, str>),
    /// The characters of a number, not checked yet.
    Number(&'a str),
    Bool(bool),
    Null,
    /// An object or a list, which was passed over.
    Nested,
}

#[derive(Debug)]
pub(super) struct Json<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Open objects and lists; the lowest bit of `kinds` tells whether the innermost is an object.
    depth: u32,
    kinds: u64,
    /// Whether a value has been read in the innermost one.
    has_value: bool,
}

impl<'a> Json<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, depth: 0, kinds: 0, has_value: false }
    }

    /// The byte at which the next value or mark begins.
    pub(super) fn at(&mut self) -> usize {
        self.skip_blanks();
        self.at
    }

    /// Goes back to a value in an object or list that is still open.
    pub(super) fn rewind(&mut self, at: usize) {
        self.at = at;
    }

    /// The first byte of the next value or mark.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.bytes.get(self.at).copied()
    }

    /// Begins an object or a list if the next value is one.
    pub(super) fn enter(&mut self, mark: u8) -> Result<bool, Broken> {
        if self.peek() != Some(mark) {
            return Ok(false);
        }
        if self.depth >= MAX_DEPTH {
            return Err(self.broken("too many objects and lists are open at once"));
        }
        self.depth = self.depth.saturating_add(1);
        self.kinds = self.kinds << 1 | u64::from(mark == b'{');
        self.at = self.at.saturating_add(1);
        self.has_value = false;
        Ok(true)
    }

    /// The next name in an object, as it is written: nobody escapes the letters of a name. Nothing
    /// at the object's end, which is left.
    pub(super) fn next_key(&mut self) -> Result<Option<&'a str>, Broken> {
        if !self.next_value()? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.broken("expected a name in quotation marks"));
        }
        let from = self.at.wrapping_add(1);
        self.skip_string()?;
        let key = self.text.get(from..self.at.wrapping_sub(1)).unwrap_or_default();
        if self.peek() != Some(b':') {
            return Err(self.broken("expected a colon behind the name"));
        }
        self.at = self.at.wrapping_add(1);
        self.skip_blanks();
        Ok(Some(key))
    }

    /// Whether another value follows in the object or list; at its end it is left.
    pub(super) fn next_value(&mut self) -> Result<bool, Broken> {
        let end = if self.kinds & 1 == 1 { b'}' } else { b']' };
        match self.peek() {
            Some(byte) if byte == end => {
                self.leave();
                Ok(false)
            }
            Some(b',') if self.has_value => {
                self.at = self.at.saturating_add(1);
                match self.peek() {
                    Some(b'}' | b']') => Err(self.broken("expected a value behind the comma")),
                    _ => Ok(true),
                }
            }
            Some(_) if !self.has_value => {
                self.has_value = true;
                Ok(true)
            }
            Some(_) => Err(self.broken("expected a comma between two values")),
            None => Err(self.broken("the file ends before its values do")),
        }
    }

    fn leave(&mut self) {
        self.at = self.at.saturating_add(1);
        self.depth = self.depth.saturating_sub(1);
        self.kinds >>= 1;
        // What was left is a value of what is around it.
        self.has_value = true;
    }

    /// The next value; an object or list is passed over.
    pub(super) fn scalar(&mut self) -> Result<Scalar<'a>, Broken> {
        match self.peek() {
            Some(b'"') => self.string().map(Scalar::Text),
            Some(b'-' | b'0'..=b'9') => {
                let from = self.at;
                let rest = self.bytes.get(from..).unwrap_or_default();
                let is_number =
                    |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                self.at = from.saturating_add(rest.iter().take_while(is_number).count());
                Ok(Scalar::Number(self.text.get(from..self.at).unwrap_or_default()))
            }
            Some(b't') => self.skip_word(b"true").map(|()| Scalar::Bool(true)),
            Some(b'f') => self.skip_word(b"false").map(|()| Scalar::Bool(false)),
            Some(b'n') => self.skip_word(b"null").map(|()| Scalar::Null),
            Some(b'{' | b'[') => self.skip_nested().map(|()| Scalar::Nested),
            Some(_) => Err(self.broken("expected a value")),
            None => Err(self.broken("the file ends before its values do")),
        }
    }

    /// The next value, if it is a text.
    pub(super) fn text(&mut self) -> Result<Option<Cow<'a, str>>, Broken> {
        match self.peek() {
            Some(b'"') => self.string().map(Some),
            _ => self.skip().map(|()| None),
        }
    }

    /// Passes over the next value.
    pub(super) fn skip(&mut self) -> Result<(), Broken> {
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(b'{' | b'[') => self.skip_nested(),
            Some(b'n') => self.skip_word(b"null"),
            Some(b't') => self.skip_word(b"true"),
            Some(b'f') => self.skip_word(b"false"),
            _ => self.scalar().map(drop),
        }
    }

    fn skip_word(&mut self, word: &[u8]) -> Result<(), Broken> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.broken("expected a value"));
        }
        self.at = self.at.wrapping_add(word.len());
        Ok(())
    }

    /// Passes over an object or list: of what is in it only the nesting is looked at.
    fn skip_nested(&mut self) -> Result<(), Broken> {
        let (mut kinds, mut depth) = (0_u64, 0_u32);
        let left = MAX_DEPTH.saturating_sub(self.depth);
        loop {
            let Some(at) = find_nesting(self.bytes, self.at) else {
                self.at = self.bytes.len();
                return Err(self.broken("the file ends before its values do"));
            };
            self.at = at;
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.skip_string()?;
                    continue;
                }
                Some(mark @ (b'{' | b'[')) => {
                    depth = depth.saturating_add(1);
                    if depth > left {
                        return Err(self.broken("too many objects and lists are open at once"));
                    }
                    kinds = kinds << 1 | u64::from(*mark == b'{');
                }
                Some(mark) => {
                    if (kinds & 1 == 1) != (*mark == b'}') {
                        return Err(self.broken("an object or list ends with the other's mark"));
                    }
                    kinds >>= 1;
                    depth = depth.saturating_sub(1);
                }
                None => {}
            }
            self.at = at.saturating_add(1);
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_string(&mut self) -> Result<(), Broken> {
        let mut at = self.at.saturating_add(1);
        loop {
            let Some(end) = find_string_end(self.bytes, at) else { return Err(self.cut()) };
            if self.bytes.get(end) == Some(&b'"') {
                self.at = end.saturating_add(1);
                return Ok(());
            }
            at = end.saturating_add(2);
        }
    }

    /// Reads the text that begins at the next quotation mark.
    fn string(&mut self) -> Result<Cow<'a, str>, Broken> {
        let from = self.at.saturating_add(1);
        let Some(end) = find_string_end(self.bytes, from) else { return Err(self.cut()) };
        let plain = self.text.get(from..end).unwrap_or_default();
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end.saturating_add(1);
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped(plain, end).map(Cow::Owned)
    }

    /// Reads on from the first backslash of a text.
    #[cold]
    fn escaped(&mut self, plain: &str, from: usize) -> Result<String, Broken> {
        let mut text = plain.to_owned();
        let mut at = from;
        loop {
            self.at = at;
            let rest = self.text.get(at..).unwrap_or_default();
            if let Some(escape) = rest.strip_prefix('\\') {
                let (char, length) = unescape(escape)
                    .ok_or_else(|| self.broken("an escape that JSON does not know"))?;
                text.push(char);
                at = at.saturating_add(1).saturating_add(length);
            } else if rest.starts_with('"') {
                self.at = at.saturating_add(1);
                return Ok(text);
            }
            let Some(end) = find_string_end(self.bytes, at) else { return Err(self.cut()) };
            text.push_str(self.text.get(at..end).unwrap_or_default());
            at = end;
        }
    }

    #[inline]
    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at = self.at.wrapping_add(1);
        }
    }

    fn cut(&self) -> Broken {
        Broken { at: self.bytes.len(), message: "the file ends before its values do" }
    }

    fn broken(&self, message: &'static str) -> Broken {
        Broken { at: self.at, message }
    }
}

/// The character of an escape, whose backslash has been taken off, and the bytes of it.
fn unescape(escape: &str) -> Option<(char, usize)> {
    let char = match escape.bytes().next()? {
        byte @ (b'"' | b'\\' | b'/') => char::from(byte),
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(escape),
        _ => return None,
    };
    Some((char, 1))
}

/// The character of `uXXXX`, or of two of them for what UTF-16 writes in two. Half of such a pair
/// stands for nothing and becomes U+FFFD.
fn unicode(escape: &str) -> Option<(char, usize)> {
    let first = unit(escape)?;
    let behind = escape.get(5..)?.strip_prefix('\\').and_then(unit);
    if let (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) = (first, behind) {
        let (high, low) = (first & 0x3FF, second & 0x3FF);
        return Some((char::from_u32((high << 10 | low).saturating_add(0x1_0000))?, 11));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 5))
}

fn unit(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix('u')?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All values of a text, without names, as they are written.
    fn values(text: &str) -> Result<Vec<String>, Broken> {
        let mut json = Json::new(text);
        let mut found = Vec::new();
        all(&mut json, &mut found)?;
        Ok(found)
    }

    fn all(json: &mut Json<'_>, found: &mut Vec<String>) -> Result<(), Broken> {
        if json.enter(b'{')? {
            while let Some(key) = json.next_key()? {
                found.push(format!("{key}:"));
                all(json, found)?;
            }
            return Ok(());
        }
        if json.enter(b'[')? {
            while json.next_value()? {
                all(json, found)?;
            }
            return Ok(());
        }
        found.push(match json.scalar()? {
            Scalar::Text(text) => text.into_owned(),
            Scalar::Number(number) => number.to_owned(),
            Scalar::Bool(is_true) => is_true.to_string(),
            Scalar::Null => "null".to_owned(),
            Scalar::Nested => "nested".to_owned(),
        });
        Ok(())
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        // Holds: nesting, names, words, texts with escapes, and numbers to the last digit.
        let text =
            " {\"a\" : [1.50, -2e3 ,true,\r\n\tfalse,null], \"b\":{}, \"\":[[],{\"c\":\"\"}]} ";
        let expected = ["a:", "1.50", "-2e3", "true", "false", "null", "b:", ":", "c:", ""];
        assert_eq!(values(text).as_deref(), Ok(&expected.map(str::to_owned)[..]));
        for (written, read) in [
            (r#""a \"b\" \\ \/ c""#, "a \"b\" \\ / c"),
            (r#""\n\t\r\b\f""#, "\n\t\r\u{8}\u{C}"),
            (r#""caf\u00e9 \u20AC \ud83d\uDE00!""#, "café € 😀!"),
            (r#""\ud83d x \ude00""#, "\u{FFFD} x \u{FFFD}"),
            (r#""\ud83d\u0041""#, "\u{FFFD}A"),
            (r#""\\""#, "\\"),
            ("\"naïve, 日本\"", "naïve, 日本"),
        ] {
            assert_eq!(values(written), Ok(vec![read.to_owned()]), "{written}");
        }
    }

    #[test]
    fn what_is_no_json_is_named_with_its_place() {
        // Holds: each fault stops the reading at its byte, whether values are read or passed over.
        for (text, at) in [
            ("", 0),
            ("{", 1),
            ("[1", 2),
            ("[1 2]", 3),
            ("[1,]", 3),
            ("[,1]", 1),
            ("{\"a\"}", 4),
            ("{\"a\":}", 5),
            ("{a:1}", 1),
            ("{\"a\":1,}", 7),
            ("[1}", 2),
            ("\"abc", 4),
            ("\"abc\\", 4),
            ("[\"\\x\"]", 2),
            ("[\"\\u12g4\"]", 2),
            ("[tru]", 1),
            ("[nul", 1),
            ("[+1]", 1),
            ("['a']", 1),
        ] {
            assert_eq!(values(text).map_err(|it| it.at), Err(at), "{text}");
        }
        for (text, at) in [("[[{}", 4), ("[{]}", 2), ("[[}]", 2), ("[\"", 2), ("{\"a\\\"}", 6)] {
            assert_eq!(Json::new(text).skip().map_err(|it| it.at), Err(at), "{text}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        // Holds: read or passed over, more than 64 levels are refused, and 64 are not.
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        for (depth, is_taken) in [(64, true), (65, false), (100_000, false)] {
            let text = nested(depth);
            assert_eq!(Json::new(&text).skip().is_ok(), is_taken, "{depth}");
            let mut json = Json::new(&text);
            let mut entered = Ok(true);
            while entered == Ok(true) {
                entered = json.enter(b'[');
            }
            assert_eq!(entered.is_ok(), is_taken, "{depth}");
        }
    }
}
