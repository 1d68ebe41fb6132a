//! ISO 20022 cash management: account reports (camt.052), statements (camt.053) and notifications
//! (camt.054), in every version, with a namespace, with a prefix or with neither, in any envelope.
//!
//! `header` recognises a file and its charset, `scan` reads the XML, `nodes` knows which elements
//! matter and where they stand, `reader` makes statements of them, `entry` and `detail` rows,
//! `balance` opening and closing balances, `references` judges a kind of id that some banks misuse,
//! `values` reads amounts and entities. The file is read once and no tree is built.
//!
//! Source: ISO 20022 message definitions camt.052.001, camt.053.001 and camt.054.001, versions 01
//! to 13, and the external code sets for entry status and balance type.

mod balance;
mod detail;
mod entry;
mod header;
mod nodes;
mod reader;
mod references;
mod scan;
mod values;

use super::{Parsed, encoding};
use crate::error::Result;

pub(super) use header::detect;

/// Reads a file. A valid one may hold statements without entries.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed> {
    let text = encoding::decode(bytes, header::charset(bytes).as_deref());
    reader::read(&text)
}
