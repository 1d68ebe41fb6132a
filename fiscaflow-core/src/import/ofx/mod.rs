//! OFX and QFX: a tolerant reader of the SGML of OFX 1.x and the XML of OFX 2.x.
//!
//! Banks send files without headers, without end tags, with private tags and unescaped text, so
//! the reader follows the tags it knows and lets the rest pass: `header` finds the charset,
//! `tokens` the tags and the text behind each, `tags` knows their meaning and how they nest,
//! `reader` follows the nesting, `entry` makes a row of one transaction, `values` reads dates and
//! amounts, `grouping` doubts some of them, `text` has entities and descriptions.
//! The file is read once and no tree is built.
//!
//! Source: OFX specification 2.3, with 1.6 for the SGML form.

mod entry;
mod grouping;
mod header;
mod reader;
mod tags;
mod text;
mod tokens;
mod values;

use super::{Parsed, encoding};
use crate::error::Result;

pub(super) use header::detect;

/// Reads a file. A valid one may hold no statement: a sign-on answer, a profile, an account list.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed> {
    let charset = header::charset(bytes);
    let text = encoding::decode(bytes, charset.as_deref());
    reader::read(&text)
}
