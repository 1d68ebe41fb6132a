//! From text to tags: one pass for the SGML of OFX 1.x and the XML of OFX 2.x.
//!
//! Each token is a tag together with the text up to the next one, which is all that a leaf needs:
//! whether it is closed, by whom and where does not matter. What only resembles a tag is text.
//! Nothing is looked up outside the file: a document type is refused, and the entities that are
//! expanded are those the specification names.

use std::borrow::Cow;

use memchr::{memchr2, memmem};

use super::tags::{self, Tag};
use super::text;
use crate::error::{Error, ErrorCode, Result};
use crate::import::bytes::{find_byte, find_name_end, find_tag, find_tag_or_entity};
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
    /// What it is; nothing where it is private.
    pub(super) tag: Option<Tag>,
    /// Whether it is an end tag.
    pub(super) is_end: bool,
    /// Whether it is start and end tag in one.
    pub(super) is_empty: bool,
}

/// The text behind a tag.
#[derive(Debug)]
pub(super) struct Value<'a> {
    /// As it stands in the file, or put together where comments or marked sections interrupt it.
    text: Cow<'a, str>,
    has_entities: bool,
}

impl<'a> Value<'a> {
    const BLANK: Self = Self { text: Cow::Borrowed(""), has_entities: false };

    /// Whether there is nothing but white space.
    pub(super) fn is_blank(&self) -> bool {
        match &self.text {
            Cow::Borrowed(raw) => raw.is_empty(),
            Cow::Owned(spliced) => spliced.trim().is_empty(),
        }
    }

    /// The text with its entities expanded, without the white space around it.
    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self.text {
            Cow::Owned(spliced) => Cow::Owned(spliced.trim().to_owned()),
            Cow::Borrowed(raw) if self.has_entities => Cow::Owned(text::expand(raw)),
            raw => raw,
        }
    }
}

/// What a `<` begins that begins no tag.
enum Markup<'a> {
    Skipped { end: usize },
    Verbatim { text: &'a str, end: usize },
    Text,
}

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
        let has_text = !tag.is_empty && !tag.is_end;
        let (behind, is_closed) = self.value(has_text.then_some(&tag))?;
        let value = if has_text { behind } else { Value::BLANK };
        if is_closed {
            self.value(None)?;
        }
        Ok(Some(Token { tag, value, is_closed: is_closed || tag.is_empty }))
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
            if let Some((tag, end)) = self.tag(at) {
                self.next = Some(tag);
                self.position = end;
                break at;
            }
            let (verbatim, after) = match self.markup(at)? {
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
        let text = match spliced {
            None => Cow::Borrowed(self.slice(start, end).trim_ascii()),
            Some(before) => Cow::Owned(before + &text::expand(self.slice(piece, end))),
        };
        Ok((Value { text, has_entities }, is_closed))
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
        let found = find_tag_or_entity(bytes, from)?;
        if bytes.get(found) == Some(&b'<') {
            return Some(found);
        }
        *has_entities = true;
        find_tag(bytes, found)
    }

    /// The tag that the `<` at this byte begins, and the byte behind it.
    fn tag(&self, at: usize) -> Option<(Name<'a>, usize)> {
        let bytes = self.text.as_bytes();
        let inside = at.saturating_add(1);
        let is_end = bytes.get(inside) == Some(&b'/');
        let name_at = inside.saturating_add(usize::from(is_end));
        let name_end = find_name_end(bytes, name_at)?;
        let (end, is_empty) = self.tag_end(name_end)?;
        let written = self.slice(name_at, name_end);
        let key = tags::key(bytes.get(name_at..)?, written.len());
        let (name, tag) = match Tag::of_key(key) {
            Some(tag) => (written, Some(tag)),
            None => other_name(written)?,
        };
        Some((Name { at, name, tag, is_end, is_empty }, end))
    }

    /// What the `<` at this byte begins, which is no tag.
    fn markup(&self, at: usize) -> Result<Markup<'a>> {
        let inside = at.saturating_add(1);
        match self.text.as_bytes().get(inside) {
            Some(b'!') => self.declaration(at),
            Some(b'?') => Ok(Markup::Skipped { end: self.behind(inside, b">", at)? }),
            _ => Ok(Markup::Text),
        }
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

/// The name without its prefix, and its tag if it is one after all; nothing where it is no name.
fn other_name(written: &str) -> Option<(&str, Option<Tag>)> {
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    let begins = written.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if !begins || !written.bytes().all(is_part) {
        return None;
    }
    let name = match find_byte(written.as_bytes(), 0, b':') {
        None => written,
        Some(_) => written.rsplit(':').next().filter(|name| !name.is_empty())?,
    };
    Some((name, Tag::of(tags::key(name.as_bytes(), name.len()), name)))
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
