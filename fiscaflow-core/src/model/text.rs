//! Limits of texts, in one place.

use crate::error::{Error, ErrorCode, Result};
use crate::limits::MAX_NAME_BYTES;

/// Refuses an empty, overlong or unstorable name.
pub(crate) fn check_name(field: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid(field, format!("`{field}` must not be empty")));
    }
    check_text(field, text, MAX_NAME_BYTES)
}

/// Refuses a text that is longer than `max_bytes` or holds U+0000, which PostgreSQL cannot store.
pub(crate) fn check_text(field: &str, text: &str, max_bytes: usize) -> Result<()> {
    if text.len() > max_bytes {
        let message = format!("`{field}` may have at most {max_bytes} bytes");
        return Err(Error::new(ErrorCode::LimitExceeded, message).field(field));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, format!("`{field}` must not contain U+0000")));
    }
    Ok(())
}

/// [`check_text`] for a text that may be absent.
pub(crate) fn check_optional(field: &str, text: Option<&str>, max_bytes: usize) -> Result<()> {
    text.map_or(Ok(()), |text| check_text(field, text, max_bytes))
}

/// Refuses a list with more than `max` entries.
pub(crate) fn check_list<T>(field: &str, list: &[T], max: usize) -> Result<()> {
    if list.len() <= max {
        return Ok(());
    }
    let message = format!("`{field}` may have at most {max} entries");
    Err(Error::new(ErrorCode::LimitExceeded, message).field(field))
}
