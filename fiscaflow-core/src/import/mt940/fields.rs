//! From text to fields: where a tag begins a field, and where a line only looks like one.
//!
//! Banks wrap the text of `:86:` at 65 columns wherever that falls, so that a line may begin with
//! the rest of a time (`:26:37`) or with a hyphen. What a line means follows from the order in
//! which a message has its fields, never from the line alone.

use crate::import::text::LineByLine;

/// The fields that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// `:20:`, which begins a message.
    Reference,
    /// `:21:`
    Related,
    /// `:25:`
    Account,
    /// `:28:`, `:28C:`
    Number,
    /// `:60F:`, `:60M:`
    Opening,
    /// `:61:`
    Entry,
    /// `:86:`
    Details,
    /// `:62F:`, `:62M:`
    Closing,
    /// `:64:`
    Available,
    /// `:65:`
    Forward,
    /// `:13D:` of MT942
    Time,
    /// `:34F:` of MT942: the least amount that it reports.
    Floor,
    /// `:90C:`, `:90D:` of MT942: number and sum of its entries.
    Sum,
    /// `:NS:`, which SWIFT does not know: numbered lines of text.
    Own,
    /// `:940:`, `:942:`, a heading of some Dutch banks.
    Heading,
}

impl Tag {
    /// The tag that begins a line, and what follows it on the line.
    pub(super) fn of(line: &str) -> Option<(Self, &str)> {
        let behind = line.strip_prefix(':')?;
        let end = behind.bytes().take(4).position(|byte| byte == b':')?;
        let tag = match behind.get(..end)? {
            "20" => Self::Reference,
            "21" => Self::Related,
            "25" | "25P" => Self::Account,
            "28" | "28C" => Self::Number,
            "60" | "60F" | "60M" => Self::Opening,
            "61" => Self::Entry,
            "86" => Self::Details,
            "62" | "62F" | "62M" => Self::Closing,
            "64" | "64F" => Self::Available,
            "65" | "65F" => Self::Forward,
            "13" | "13D" => Self::Time,
            "34F" => Self::Floor,
            "90C" | "90D" => Self::Sum,
            "NS" => Self::Own,
            "940" | "942" | "950" => Self::Heading,
            _ => return None,
        };
        Some((tag, behind.get(end.checked_add(1)?..)?))
    }

    /// Whether entries may be followed by this field. The others have numbers that may as well be
    /// the minutes of a time, at which a line of text was broken.
    fn may_follow_entries(self) -> bool {
        match self {
            Self::Opening
            | Self::Entry
            | Self::Details
            | Self::Closing
            | Self::Available
            | Self::Forward
            | Self::Sum
            | Self::Own
            | Self::Heading => true,
            Self::Reference
            | Self::Related
            | Self::Account
            | Self::Number
            | Self::Time
            | Self::Floor => false,
        }
    }
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) tag: Tag,
    /// The tag as it is written, without its colons.
    pub(super) name: &'a str,
    /// What follows the tag, line breaks included.
    pub(super) body: &'a str,
    /// The line of the tag, counted from 1.
    pub(super) line: u64,
    /// Whether the file ends with this field, without a line end.
    pub(super) is_cut: bool,
}

/// A tag line whose field has not ended yet.
#[derive(Debug, Clone, Copy)]
struct Begun<'a> {
    tag: Tag,
    name: &'a str,
    line: u64,
    /// Where the body begins.
    start: usize,
}

/// Cuts a text into fields.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    text: &'a str,
    lines: LineByLine<'a>,
    begun: Option<Begun<'a>>,
    /// Whether entries have begun and no balance has ended them.
    in_entries: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, lines: LineByLine::new(text), begun: None, in_entries: false }
    }

    /// The next field; text before the first one and behind the end of a message is passed over.
    pub(super) fn next(&mut self) -> Option<Field<'a>> {
        // Where a line ends the message, and where a line with a hyphen may end it.
        let (mut end, mut hyphen) = (None, None);
        loop {
            let start = self.lines.position();
            let Some(line) = self.lines.next() else {
                let begun = self.begun.take()?;
                let end = end.or(hyphen);
                let is_cut = end.is_none() && !self.text.ends_with(['\n', '\r']);
                return Some(self.field(begun, end.unwrap_or(self.text.len()), is_cut));
            };
            match line.as_bytes().first() {
                Some(b':') => {
                    let Some((tag, behind)) = Tag::of(line) else { continue };
                    if !self.is_field(tag) {
                        continue;
                    }
                    let length = line.len().saturating_sub(behind.len());
                    let next = Begun {
                        tag,
                        name: line.get(1..length.saturating_sub(1)).unwrap_or_default(),
                        line: self.lines.number(),
                        start: start.saturating_add(length),
                    };
                    let is_text = self.in_entries && tag.may_follow_entries();
                    let ends = end.or(hyphen.filter(|_| !is_text)).unwrap_or(start);
                    self.in_entries = match tag {
                        Tag::Entry => true,
                        Tag::Details | Tag::Own => self.in_entries,
                        _ => false,
                    };
                    if let Some(begun) = self.begun.replace(next) {
                        return Some(self.field(begun, ends, false));
                    }
                    (end, hyphen) = (None, None);
                }
                Some(b'-') if end.is_none() => match line.get(1..).map(trim) {
                    Some("") => hyphen = hyphen.or(Some(start)),
                    Some(rest) if rest.starts_with('}') => end = Some(start),
                    _ => {}
                },
                Some(b'{') if end.is_none() && line.starts_with("{1:") => end = Some(start),
                _ => {}
            }
        }
    }

    /// Whether a line that looks like the tag begins a field.
    fn is_field(&self, tag: Tag) -> bool {
        match self.begun {
            Some(Begun { tag: Tag::Details | Tag::Own, .. }) if !tag.may_follow_entries() => {
                self.begins_message(tag)
            }
            _ => true,
        }
    }

    /// Whether the fields of a message's head follow: behind a time that was broken they do not.
    fn begins_message(&self, tag: Tag) -> bool {
        let mut ahead = self.lines.clone();
        let tags = std::iter::from_fn(|| ahead.next()).find_map(Tag::of);
        let next = tags.map(|(tag, _)| tag);
        match tag {
            Tag::Reference => next.is_none_or(|next| {
                next == Tag::Opening || next != Tag::Reference && !next.may_follow_entries()
            }),
            Tag::Account => {
                matches!(next, Some(Tag::Number | Tag::Opening | Tag::Floor | Tag::Time))
            }
            _ => false,
        }
    }

    fn field(&self, begun: Begun<'a>, end: usize, is_cut: bool) -> Field<'a> {
        let Begun { tag, name, line, start } = begun;
        let body = self.text.get(start..end.max(start)).unwrap_or_default();
        Field { tag, name, body, line, is_cut }
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control())
}
