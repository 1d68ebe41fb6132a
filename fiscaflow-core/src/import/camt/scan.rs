//! From text to elements: a scanner of XML that knows which elements matter.
//!
//! It reports the beginning and end of the elements that hold others, and the others with their
//! text in one piece; what is not read is passed over without a word. Tags are checked against each
//! other all the same. A document type is refused, so that there are no entities but the five of
//! XML and no file or address is ever looked up.
//!
//! Written by hand because the format is nearly all tags: of plain entries quick-xml 0.42 yields
//! 460,000 to 580,000 a second as events alone, this reader 1.0 to 1.2 million as finished rows.

use std::borrow::Cow;

use memchr::memmem;

use super::nodes::{Leaf, Node};
use super::values::unescape;
use crate::import::bytes::{find_byte, find_name_end, find_tag, find_tag_or_entity};

/// The most elements that may be open at once; the messages need about fifteen.
const MAX_DEPTH: usize = 64;
/// The most white space in an end tag; it is gone over once for each open element.
const MAX_BLANKS: usize = 64;

/// What comes next in a file. Small, since there are millions: where it begins and what it holds is
/// asked of the scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// An element that holds others begins.
    Begin(Node),
    /// The element that began last and has not ended yet ends.
    End(Node),
    /// An element with text.
    Leaf(Leaf),
    /// The tags do not fit; after this, what does not fit is passed over.
    Fault(Fault),
    /// The text is at its end.
    Eof,
}

/// The text of an element.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) leaf: Leaf,
    /// What stands in the start tag behind the name.
    pub(super) attributes: &'a str,
    /// The text, or nothing where it holds an unknown entity.
    pub(super) value: Option<Cow<'a, str>>,
    /// The byte at which the element begins.
    pub(super) at: usize,
}

/// What is wrong with the tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Elements are still open when the tag of one around them ends it.
    Unclosed,
    /// An end tag of what is not open.
    Stray,
    /// A `<` that begins no tag, or a tag that does not end.
    NoTag,
    /// A document type, or another declaration that only such a one may hold.
    DocumentType,
    /// Too many elements are open.
    Depth,
    /// A comment, section, instruction or tag is open when the text ends.
    Cut,
}

/// An element that is open.
#[derive(Debug)]
struct Frame<'a> {
    tag: Tag<'a>,
    node: Node,
    /// For elements with text.
    attributes: &'a str,
}

/// Where a start tag begins, and its name.
#[derive(Debug, Clone, Copy)]
struct Tag<'a> {
    at: usize,
    name: &'a [u8],
    /// The first eight bytes of the name, and what follows it if it has fewer.
    head: u64,
}

impl<'a> Tag<'a> {
    /// What is behind the name, if these bytes begin with it. Eight bytes are compared as a number,
    /// and up to sixteen as two: a call for each name would cost more than the name.
    #[inline]
    fn strip<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let length = self.name.len();
        let (name, behind) = bytes.split_at_checked(length)?;
        let begins = match (bytes.first_chunk(), length) {
            (Some(head), ..=8) => {
                let differs = u64::from_le_bytes(*head) ^ self.head;
                differs.trailing_zeros() as usize >= length.wrapping_mul(8)
            }
            (Some(head), 9..=16) => {
                let tail = name.last_chunk::<8>();
                u64::from_le_bytes(*head) == self.head && tail == self.name.last_chunk::<8>()
            }
            _ => name == self.name,
        };
        begins.then_some(behind)
    }
}

/// A start tag.
struct Start<'a> {
    tag: Tag<'a>,
    node: Node,
    attributes: &'a str,
    is_empty: bool,
    /// The byte behind it.
    end: usize,
}

#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// The next byte to be looked at.
    at: usize,
    /// Where the last token begins, and what it holds if it is a leaf.
    token_at: usize,
    attributes: &'a str,
    value: &'a str,
    /// Whether an `&` may be in it.
    may_have_entities: bool,
    /// The byte behind the last tag or section: there the text begins that has not been taken.
    text_from: usize,
    /// The text before that, where a comment or section divides it.
    pieces: Option<String>,
    /// Whether that text holds an unknown entity.
    is_unknown: bool,
    open: Vec<Frame<'a>>,
    /// The node of the innermost open element.
    inside: Node,
    /// How many open elements end before anything else is looked at.
    closing: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            token_at: 0,
            attributes: "",
            value: "",
            may_have_entities: false,
            text_from: 0,
            pieces: None,
            is_unknown: false,
            open: Vec::with_capacity(MAX_DEPTH),
            inside: Node::Outside,
            closing: 0,
        }
    }

    /// Whether elements are open.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The byte at which the last token begins.
    pub(super) fn token_at(&self) -> usize {
        self.token_at
    }

    /// The text of the last token, which is this leaf.
    #[inline]
    pub(super) fn text(&mut self, leaf: Leaf) -> Text<'a> {
        let value = match self.pieces {
            None if !self.may_have_entities => Some(Cow::Borrowed(self.value)),
            None => unescape(self.value),
            Some(_) => self.join_pieces(),
        };
        Text { leaf, attributes: self.attributes, value, at: self.token_at }
    }

    #[cold]
    fn join_pieces(&mut self) -> Option<Cow<'a, str>> {
        let pieces = self.pieces.take().filter(|_| !std::mem::take(&mut self.is_unknown))?;
        unescape(self.value).map(|last| Cow::Owned(pieces + &last))
    }

    /// What comes next; it is read in one place, where its parts need not be put together.
    #[inline]
    pub(super) fn next(&mut self) -> Token {
        loop {
            if self.closing > 0 {
                self.closing = self.closing.saturating_sub(1);
                match self.close(self.at) {
                    Some(token) => return token,
                    None => continue,
                }
            }
            let Some(at) = find_tag(self.bytes, self.at) else {
                self.at = self.bytes.len();
                return Token::Eof;
            };
            let found = match self.bytes.get(at.wrapping_add(1)) {
                Some(b'/') => self.end_tag(at),
                Some(b'!' | b'?') => self.markup(at),
                _ => self.start_tag(at),
            };
            if let Some(token) = found {
                return token;
            }
        }
    }

    fn start_tag(&mut self, at: usize) -> Option<Token> {
        let Start { tag, node, attributes, is_empty, end } = match self.read_start(at) {
            Ok(start) => start,
            Err(fault) => return Some(self.fault(fault, at, at.saturating_add(1))),
        };
        self.at = end;
        self.text_from = end;
        let is_short = matches!(node, Node::Leaf(_) | Node::Skipped);
        if is_short && !is_empty {
            // Most elements hold nothing but text: their end tag is the next one.
            let next = self.find_text_end(end)?;
            self.at = next;
            if let Some(behind) = self.end_of(next, &tag) {
                self.at = behind;
                self.text_from = behind;
                let Node::Leaf(leaf) = node else { return None };
                self.value = self.text.get(end..next).unwrap_or_default();
                self.attributes = attributes;
                self.token_at = at;
                self.pieces = None;
                return Some(Token::Leaf(leaf));
            }
        }
        if self.open.len() >= MAX_DEPTH {
            return Some(self.fault(Fault::Depth, at, self.bytes.len()));
        }
        self.open.push(Frame { tag, node, attributes });
        self.inside = node;
        self.pieces = None;
        self.is_unknown = false;
        self.closing = usize::from(is_empty);
        self.token_at = at;
        if is_short { None } else { Some(Token::Begin(node)) }
    }

    /// The place of the first tag from a place on; notes whether there is an `&` before it.
    #[inline]
    fn find_text_end(&mut self, from: usize) -> Option<usize> {
        let found = find_tag_or_entity(self.bytes, from)?;
        self.may_have_entities = self.bytes.get(found) == Some(&b'&');
        if self.may_have_entities { find_tag(self.bytes, found) } else { Some(found) }
    }

    /// Reads the start tag at a place.
    #[inline]
    fn read_start(&self, at: usize) -> Result<Start<'a>, Fault> {
        let from = at.wrapping_add(1);
        let name_end = find_name_end(self.bytes, from).ok_or(Fault::Cut)?;
        let name = self.bytes.get(from..name_end).filter(|name| !name.is_empty());
        let name = name.ok_or(Fault::NoTag)?;
        let head = self.bytes.get(from..).and_then(|rest| rest.first_chunk());
        let head = head.copied().map_or(0, u64::from_le_bytes);
        let (tag, node) = (Tag { at, name, head }, self.inside.child(name));
        if self.bytes.get(name_end) == Some(&b'>') {
            let end = name_end.wrapping_add(1);
            return Ok(Start { tag, node, attributes: "", is_empty: false, end });
        }
        let (attributes, is_empty, end) = self.read_attributes(name_end)?;
        Ok(Start { tag, node, attributes, is_empty, end })
    }

    /// What stands between a name and the end of its tag, whether that ends the element as well,
    /// and the byte behind it.
    fn read_attributes(&self, from: usize) -> Result<(&'a str, bool, usize), Fault> {
        let behind = from.wrapping_add(1);
        match self.bytes.get(from) {
            Some(b'/') if self.bytes.get(behind) == Some(&b'>') => {
                Ok(("", true, behind.wrapping_add(1)))
            }
            Some(b'/' | b'<') => Err(Fault::NoTag),
            _ => {
                let end = self.end_of_attributes(from)?;
                let attributes = self.text.get(from..end).unwrap_or_default();
                let inner = attributes.strip_suffix('/');
                Ok((inner.unwrap_or(attributes), inner.is_some(), end.wrapping_add(1)))
            }
        }
    }

    /// The place of the `>` behind attributes; in quotes it is text.
    fn end_of_attributes(&self, from: usize) -> Result<usize, Fault> {
        let mut quote = None;
        for (passed, byte) in self.bytes.get(from..).unwrap_or_default().iter().enumerate() {
            match (byte, quote) {
                (b'<', _) => return Err(Fault::NoTag),
                (b'>', None) => return Ok(from.saturating_add(passed)),
                (b'"' | b'\'', None) => quote = Some(*byte),
                (_, Some(begun)) if begun == *byte => quote = None,
                _ => {}
            }
        }
        Err(Fault::Cut)
    }

    /// The byte behind the end tag of the element that this tag begins, if it stands at this place.
    #[inline]
    fn end_of(&self, at: usize, tag: &Tag<'_>) -> Option<usize> {
        let [b'<', b'/', rest @ ..] = self.bytes.get(at..)? else { return None };
        match tag.strip(rest)? {
            [b'>', rest @ ..] => Some(self.bytes.len().wrapping_sub(rest.len())),
            rest => self.end_behind_blanks(rest),
        }
    }

    #[cold]
    fn end_behind_blanks(&self, rest: &[u8]) -> Option<usize> {
        let is_blank = |byte: &&u8| byte.is_ascii_whitespace();
        let blanks = rest.iter().take(MAX_BLANKS).take_while(is_blank).count();
        let rest = rest.get(blanks..)?.strip_prefix(b">")?;
        Some(self.bytes.len().wrapping_sub(rest.len()))
    }

    fn end_tag(&mut self, at: usize) -> Option<Token> {
        if let Some(frame) = self.open.last()
            && let Some(behind) = self.end_of(at, &frame.tag)
        {
            self.at = behind;
            return self.close(at);
        }
        self.unexpected_end(at)
    }

    /// An end tag that is not the innermost element's.
    #[cold]
    fn unexpected_end(&mut self, at: usize) -> Option<Token> {
        let depth = self.open.iter().rposition(|frame| self.end_of(at, &frame.tag).is_some());
        let from = at.saturating_add(2);
        let end = match find_name_end(self.bytes, from) {
            None => return Some(self.fault(Fault::Cut, at, self.bytes.len())),
            Some(end) if self.bytes.get(end) == Some(&b'>') => end.saturating_add(1),
            Some(end) => end,
        };
        let Some(depth) = depth else {
            return Some(self.fault(Fault::Stray, at, end));
        };
        let behind = self.open.get(depth).and_then(|frame| self.end_of(at, &frame.tag));
        self.closing = self.open.len().saturating_sub(depth);
        self.text_from = behind.unwrap_or(end);
        Some(self.fault(Fault::Unclosed, at, self.text_from))
    }

    /// Ends the innermost element; its text reaches to this place.
    fn close(&mut self, text_to: usize) -> Option<Token> {
        let frame = self.open.pop()?;
        self.inside = self.open.last().map_or(Node::Outside, |frame| frame.node);
        let Node::Leaf(leaf) = frame.node else {
            self.text_from = self.at;
            return if frame.node == Node::Skipped { None } else { Some(Token::End(frame.node)) };
        };
        self.value = self.text.get(self.text_from..text_to).unwrap_or_default();
        self.may_have_entities = true;
        self.attributes = frame.attributes;
        self.token_at = frame.tag.at;
        self.text_from = self.at;
        Some(Token::Leaf(leaf))
    }

    /// A comment, a section or an instruction.
    #[cold]
    fn markup(&mut self, at: usize) -> Option<Token> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let (mark, end, is_text) = if rest.starts_with(b"<!--") {
            ("<!--", "-->", false)
        } else if rest.starts_with(b"<![CDATA[") {
            ("<![CDATA[", "]]>", true)
        } else if rest.starts_with(b"<?") {
            ("<?", "?>", false)
        } else {
            return Some(self.fault(Fault::DocumentType, at, self.bytes.len()));
        };
        let from = at.saturating_add(mark.len());
        let inner = self.bytes.get(from..).unwrap_or_default();
        let Some(length) = memmem::find(inner, end.as_bytes()) else {
            return Some(self.fault(Fault::Cut, at, self.bytes.len()));
        };
        let to = from.saturating_add(length);
        if matches!(self.inside, Node::Leaf(_)) {
            let before = self.text.get(self.text_from..at).unwrap_or_default();
            let pieces = self.pieces.get_or_insert_default();
            match unescape(before) {
                Some(before) => pieces.push_str(&before),
                None => self.is_unknown = true,
            }
            if is_text {
                pieces.push_str(self.text.get(from..to).unwrap_or_default());
            }
        }
        self.at = to.saturating_add(end.len());
        self.text_from = self.at;
        None
    }

    #[cold]
    fn fault(&mut self, fault: Fault, at: usize, resume: usize) -> Token {
        self.at = if fault == Fault::Cut { self.bytes.len() } else { resume };
        self.token_at = at;
        Token::Fault(fault)
    }
}

/// The value of an attribute, without entities, which no code has.
pub(super) fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = attributes.trim_ascii_start();
    // By far the most have one attribute, and are written in one way.
    if let Some(value) = rest.strip_prefix(name).and_then(|rest| rest.strip_prefix("=\""))
        && let Some(end) = find_byte(value.as_bytes(), 0, b'"')
    {
        return value.get(..end).map(str::trim_ascii);
    }
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_ascii_start();
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, behind) = after.strip_prefix(quote)?.split_once(quote)?;
        if key.trim_ascii() == name {
            return Some(value.trim_ascii());
        }
        rest = behind;
    }
    None
}
