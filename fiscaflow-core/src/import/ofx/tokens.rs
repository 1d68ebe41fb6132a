//! From text to tags: one pass for the SGML of OFX 1.x and the XML of OFX 2.x.
//!
//! Each token is a tag together with the text up to the next one, which is all that a leaf needs:
//! whether it is closed, by whom and where does not matter. What only resembles a tag is text.
//! Nothing is looked up outside the file: a document type is refused, and the entities that are
//! expanded are those the specification names.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use super::tags::MAX_PACKED;
use super::text;
use crate::error::{Error, ErrorCode, Result};
use crate::import::text::Lines;

/// A tag and the text behind it.
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// The tag itself.
    pub(super) tag: Name<'a>,
    /// What stands between it and the next tag.
    pub(super) value: Value<'a>,
    /// Whether it is ended at once: by its own end tag behind the value, which is not reported
    /// separately, or as `<A/>`.
    pub(super) is_closed: bool,
}

/// A tag as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    /// The byte at which the tag begins.
    pub(super) at: usize,
    /// The name without a prefix and as it is written.
    pub(super) name: &'a str,
    /// The name in capitals and packed; 0 where it is too long.
    pub(super) key: u128,
    /// Whether it is an end tag.
    pub(super) is_end: bool,
    /// Whether it is start and end tag in one.
    pub(super) is_empty: bool,
}

/// The text behind a tag.
#[derive(Debug)]
pub(super) struct Value<'a> {
    raw: &'a str,
    has_entities: bool,
    /// The text, where comments or marked sections interrupt it.
    spliced: Option<String>,
}

impl<'a> Value<'a> {
    const BLANK: Self = Self { raw: "", has_entities: false, spliced: None };

    /// Whether there is nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        self.raw.is_empty() && self.spliced.as_deref().is_none_or(|text| text.trim().is_empty())
    }

    /// The text with its entities expanded, without the white space around it.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self.spliced {
            Some(text) => Cow::Owned(text.trim().to_owned()),
            None if self.has_entities => Cow::Owned(text::expand(self.raw)),
            None => Cow::Borrowed(self.raw),
        }
    }
}

/// What a `<` begins.
enum Markup<'a> {
    Tag { tag: Name<'a>, end: usize },
    Skipped { end: usize },
    Verbatim { text: &'a str, end: usize },
    Text,
}

/// The bytes that a name may have, in capitals; 0 for the others.
const NAME_BYTES: [u8; 128] = {
    let mut table = [0; 128];
    let mut byte = 0_u8;
    let mut slots: &mut [u8] = &mut table;
    while let [slot, rest @ ..] = slots {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':') {
            *slot = byte.to_ascii_uppercase();
        }
        byte += 1;
        slots = rest;
    }
    table
};

/// Reads the tags of a text in their order.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    /// The byte behind the tag to come.
    position: usize,
    next: Option<Name<'a>>,
}

impl<'a> Tokens<'a> {
    /// Begins at the first tag; what stands before it is skipped.
    pub(super) fn new(text: &'a str) -> Result<Self> {
        let mut tokens = Self { text, position: 0, next: None };
        tokens.value(None)?;
        Ok(tokens)
    }

    /// The tag to come.
    pub(super) fn peek(&self) -> Option<&Name<'a>> {
        self.next.as_ref()
    }

    /// The next tag with its text, or nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>> {
        let Some(tag) = self.next.take() else { return Ok(None) };
        if tag.is_empty || tag.is_end {
            self.value(None)?;
            return Ok(Some(Token { tag, value: Value::BLANK, is_closed: tag.is_empty }));
        }
        let (value, is_closed) = self.value(Some(&tag))?;
        if is_closed {
            self.value(None)?;
        }
        Ok(Some(Token { tag, value, is_closed }))
    }

    /// Reads on to the next tag, which is kept, and returns the text before it; or to the end tag
    /// of `own`, which is passed over.
    fn value(&mut self, own: Option<&Name<'a>>) -> Result<(Value<'a>, bool)> {
        let start = self.position;
        let (mut from, mut piece) = (start, start);
        let mut has_entities = false;
        let mut spliced: Option<String> = None;
        let mut is_closed = false;
        let end = loop {
            let Some(at) = self.find_markup(from, &mut has_entities) else {
                self.position = self.text.len();
                break self.text.len();
            };
            if let Some(end) = own.and_then(|own| self.own_end(own, at)) {
                self.position = end;
                is_closed = true;
                break at;
            }
            let (verbatim, after) = match self.markup(at)? {
                Markup::Tag { tag, end } => {
                    self.next = Some(tag);
                    self.position = end;
                    break at;
                }
                Markup::Text => {
                    from = at.saturating_add(1);
                    continue;
                }
                Markup::Skipped { end } => ("", end),
                Markup::Verbatim { text, end } => (text, end),
            };
            let spliced = spliced.get_or_insert_default();
            spliced.push_str(&text::expand(self.slice(piece, at)));
            spliced.push_str(verbatim);
            (from, piece) = (after, after);
        };
        if let Some(spliced) = &mut spliced {
            spliced.push_str(&text::expand(self.slice(piece, end)));
        }
        let raw = if spliced.is_some() { "" } else { self.slice(start, end).trim_ascii() };
        Ok((Value { raw, has_entities, spliced }, is_closed))
    }

    /// The byte behind the end tag at `at`, if it is that of the tag itself and written like it.
    /// Other spellings are read as any tag is; this saves that work for most tags of XML.
    fn own_end(&self, own: &Name<'a>, at: usize) -> Option<usize> {
        let [b'<', b'/', rest @ ..] = self.text.as_bytes().get(at..)? else { return None };
        let (name, rest) = rest.split_at_checked(own.name.len())?;
        let [b'>', rest @ ..] = rest else { return None };
        (name == own.name.as_bytes()).then(|| self.text.len().saturating_sub(rest.len()))
    }

    /// The next `<`; tells on the way whether an `&` was met.
    fn find_markup(&self, from: usize, has_entities: &mut bool) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let found = from.checked_add(memchr2(b'<', b'&', bytes.get(from..)?)?)?;
        if bytes.get(found) == Some(&b'<') {
            return Some(found);
        }
        *has_entities = true;
        found.checked_add(memchr(b'<', bytes.get(found..)?)?)
    }

    /// What the `<` at this byte begins.
    fn markup(&self, at: usize) -> Result<Markup<'a>> {
        let inside = at.saturating_add(1);
        match self.text.as_bytes().get(inside) {
            Some(b'/') => Ok(self.tag(at, inside.saturating_add(1), true)),
            Some(first) if first.is_ascii_alphabetic() => Ok(self.tag(at, inside, false)),
            Some(b'!') => self.declaration(at),
            Some(b'?') => Ok(Markup::Skipped { end: self.behind(inside, b">", at)? }),
            _ => Ok(Markup::Text),
        }
    }

    fn tag(&self, at: usize, name_at: usize, is_end: bool) -> Markup<'a> {
        let bytes = self.text.as_bytes().get(name_at..).unwrap_or_default();
        let (mut key, mut prefix, mut length) = (0_u128, 0_usize, bytes.len());
        for (index, byte) in bytes.iter().enumerate() {
            match NAME_BYTES.get(usize::from(*byte)) {
                None | Some(0) => {
                    length = index;
                    break;
                }
                Some(b':') => (key, prefix) = (0, index.saturating_add(1)),
                Some(capital) => key = (key << 8) | u128::from(*capital),
            }
        }
        let Some((end, is_empty)) = self.tag_end(name_at.saturating_add(length)) else {
            return Markup::Text;
        };
        let name = self.slice(name_at.saturating_add(prefix), name_at.saturating_add(length));
        if name.is_empty() || !bytes.first().is_some_and(u8::is_ascii_alphabetic) {
            return Markup::Text;
        }
        let key = if name.len() > MAX_PACKED { 0 } else { key };
        Markup::Tag { tag: Name { at, name, key, is_end, is_empty }, end }
    }

    /// The byte behind a tag whose name ends at `from`, and whether it closes itself; nothing
    /// where it is no tag. Attributes are skipped; words without `=` are prose, not attributes.
    fn tag_end(&self, from: usize) -> Option<(usize, bool)> {
        let bytes = self.text.as_bytes().get(from..)?;
        let length = match bytes.first()? {
            b'>' => return Some((from.checked_add(1)?, false)),
            b'/' | b' ' | b'\t' | b'\r' | b'\n' => memchr2(b'<', b'>', bytes)?,
            _ => return None,
        };
        if bytes.get(length) != Some(&b'>') {
            return None;
        }
        let attributes = bytes.get(..length)?.trim_ascii();
        let is_empty = attributes.last() == Some(&b'/');
        let is_tag = is_empty || attributes.is_empty() || attributes.contains(&b'=');
        is_tag.then_some((from.checked_add(length)?.checked_add(1)?, is_empty))
    }

    /// Comments and marked sections; declarations of a document type are refused.
    fn declaration(&self, at: usize) -> Result<Markup<'a>> {
        const CDATA: &str = "<![CDATA[";
        const REFUSED: [&str; 5] = ["DOCTYPE", "ENTITY", "ELEMENT", "ATTLIST", "NOTATION"];
        let rest = self.text.get(at..).unwrap_or_default();
        if rest.starts_with("<!--") {
            let end = self.behind(at.saturating_add(4), b"-->", at)?;
            return Ok(Markup::Skipped { end });
        }
        if rest.starts_with(CDATA) {
            let start = at.saturating_add(CDATA.len());
            let end = self.behind(start, b"]]>", at)?;
            return Ok(Markup::Verbatim { text: self.slice(start, end.saturating_sub(3)), end });
        }
        let keyword = rest.as_bytes().get(2..).unwrap_or_default();
        let starts = |word: &&str| {
            keyword
                .get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        };
        if REFUSED.iter().any(starts) {
            return Err(self.malformed("document types and entities are not read", at));
        }
        Ok(Markup::Text)
    }

    /// The byte behind the next `end`, which must come.
    fn behind(&self, from: usize, end: &[u8], begun: usize) -> Result<usize> {
        let bytes = self.text.as_bytes().get(from..).unwrap_or_default();
        memmem::find(bytes, end)
            .and_then(|found| found.checked_add(from)?.checked_add(end.len()))
            .ok_or_else(|| self.malformed("a comment or section is not closed", begun))
    }

    fn malformed(&self, message: &str, at: usize) -> Error {
        let line = Lines::new(self.text).at(at);
        Error::new(ErrorCode::MalformedFile, message).line(line)
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tags as `NAME=value`, end tags as `/NAME`.
    fn read(text: &str) -> Result<Vec<String>> {
        let mut tokens = Tokens::new(text)?;
        let mut seen = Vec::new();
        while let Some(Token { tag, value, is_closed }) = tokens.next()? {
            if !tag.is_end {
                seen.push(format!("{}={}", tag.name, value.into_text()));
            }
            if tag.is_end || is_closed {
                seen.push(format!("/{}", tag.name));
            }
        }
        Ok(seen)
    }

    #[test]
    fn tags_end_where_their_end_tag_stands() {
        // Holds: an end tag is reported once, right behind the value or later, however written.
        let table = [
            ("<A>x</A>y<B/>", "A=x|/A|B=|/B"),
            ("<A>x</a >", "A=x|/a"),
            ("<o:A></o:A><A></AB>", "A=|/A|A=|/AB"),
            ("<A><B>1</B></A></A>", "A=|B=1|/B|/A|/A"),
            ("<A><!-- --></A>z<B><![CDATA[]]></B>", "A=|/A|B=|/B"),
        ];
        for (text, tags) in table {
            assert_eq!(read(text).map(|tags| tags.join("|")).as_deref(), Ok(tags), "{text}");
        }
    }

    #[test]
    fn tags_come_with_their_text() {
        // Holds: end tags, prefixes, attributes and white space around a value do not matter.
        for text in [
            "head<A>\n<B>x y\r\n<C>1",
            "<A><B>x y</B><C>1</C></A>",
            "<A >\n<B>\n  x y\n<C>\t1 </C ></A>",
            "<o:A xmlns:o='u'>\r<o:B>x y<C>1",
            "<?xml version='1.0'?><!-- <Z>1 --><A><?pi x?><B>x<!-- <Z>2 --> y<C>1<!---->",
            "<A/>ignored<B><![CDATA[x y]]></B>ignored<C>1</C>",
        ] {
            let tags = read(text).map(|tags| tags.into_iter().filter(|tag| !tag.starts_with('/')));
            assert_eq!(
                tags.map(Vec::from_iter),
                Ok(["A=", "B=x y", "C=1"].map(String::from).into())
            );
        }
    }

    #[test]
    fn what_only_resembles_a_tag_is_text() {
        // Holds: a `<` that begins no tag stays in the value, and so do marked sections.
        let table = [
            ("<A>1 < 2 <B>y", "A=1 < 2|B=y"),
            ("<A>me <me@x.org> <3 <b c>", "A=me <me@x.org> <3 <b c>"),
            ("<A>x <B", "A=x <B"),
            ("<A>x <B <C>y", "A=x <B|C=y"),
            ("<A>x </ y <!> z <>", "A=x </ y <!> z <>"),
            ("<A><![CDATA[<b> &amp; ]]>&amp;", "A=<b> &amp; &"),
            ("no tag at all", ""),
        ];
        for (text, tags) in table {
            assert_eq!(read(text).map(|tags| tags.join("|")).as_deref(), Ok(tags), "{text}");
        }
    }

    #[test]
    fn document_types_and_open_sections_are_refused() {
        // Holds: entity declarations never come into play, and a file cut in a comment is no file.
        for text in [
            "<!DOCTYPE ofx [<!ENTITY a 'b'>]><A>&a;",
            "<A>\n<!doctype x>",
            "<!ENTITY x SYSTEM 'file'>",
            "<A>\n<!-- open",
            "<A>\n<![CDATA[ open",
            "<A>\n<?open",
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.code(), ErrorCode::MalformedFile);
            assert_eq!(error.at_line(), Some(if text.contains('\n') { 2 } else { 1 }));
        }
    }
}
