//! SWIFT MT940 (customer statement), MT942 (interim report) and MT950, as banks write them.
//!
//! A file is a row of fields, each of which begins a line with its tag: `fields` cuts the text
//! into them and knows which lines only look like a tag, `entry` reads a `:61:`, `details` the
//! texts of its `:86:` in their dialects, `values` dates, amounts and balances, `reader` makes a
//! statement of each message.
//!
//! Pages that continue a statement (`:60M:`, `:62M:`) stay statements of their own: each has its
//! balances, which can be checked page by page.
//!
//! Sources: SWIFT Standards MT, category 9; DFÜ agreement of Deutsche Kreditwirtschaft, annex 3,
//! chapter 8 (the sub-fields of `:86:`); the formats that Dutch and Polish banks publish.

mod details;
mod entry;
mod fields;
mod reader;
mod values;

use self::fields::Tag;
use super::{Parsed, codepages, encoding};
use crate::error::Result;

/// How much of a file is looked at to recognise the format.
const HEAD: usize = 16 * 1024;

/// Whether the file is one of these messages: it begins with a field, or fields of a message
/// follow some lines of a bank's own.
pub(super) fn detect(bytes: &[u8]) -> bool {
    let head = encoding::decode(bytes.get(..HEAD).unwrap_or(bytes), None);
    let is_noise = |letter: char| letter.is_whitespace() || letter.is_control();
    let head = head.trim_start_matches(is_noise);
    if Tag::of(head).is_some() {
        return true;
    }
    let mut tags = head.split(['\n', '\r']).filter_map(Tag::of).map(|(tag, _)| tag);
    tags.any(|tag| tag == Tag::Reference)
        && tags.any(|tag| matches!(tag, Tag::Account | Tag::Opening | Tag::Entry))
}

/// Reads a file.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed> {
    let text = codepages::decode(bytes);
    reader::read(&text)
}
