//! OFX and QFX: a tolerant reader of the SGML of OFX 1.x and the XML of OFX 2.x.

use super::Parsed;
use crate::error::{Error, ErrorCode, Result};

pub(super) fn detect(bytes: &[u8]) -> bool {
    bytes.windows(5).take(4096).any(|window| window.eq_ignore_ascii_case(b"<OFX>"))
}

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed> {
    let _text = super::encoding::decode(bytes, None);
    Err(Error::new(ErrorCode::UnknownFormat, "not yet"))
}
