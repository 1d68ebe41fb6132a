//! The status of an error in a REST interface, in one place for the server and for hosts.

use crate::error::{ErrorCode, Lane};

/// The HTTP status (RFC 9110, section 15) with which an error is answered; `field` tells a file
/// that is too large from other limits.
///
/// What is rejected is 422, unless a status says it better: 403 for what the role forbids, 404 for
/// what is not there, 409 for what may pass once the book has changed, 410 for what was erased, 413
/// for a file that is too large. What is unavailable is 503, so that clients and proxies may try
/// again, with two exceptions: `conflict` is 409, because the book and not the store stood in the
/// way, and 507 says that there is no space left. What is corrupt is 500.
///
/// ```
/// use fiscaflow_core::{ErrorCode, api::status};
///
/// assert_eq!(status(ErrorCode::SplitSum, Some("splits")), 422);
/// assert_eq!(status(ErrorCode::BookNotFound, None), 404);
/// assert_eq!(status(ErrorCode::LimitExceeded, Some("content")), 413);
/// assert_eq!(status(ErrorCode::Conflict, None), 409);
/// assert_eq!(status(ErrorCode::StoreUnavailable, None), 503);
/// ```
pub fn status(code: ErrorCode, field: Option<&str>) -> u16 {
    match code {
        ErrorCode::InvalidCursor => 400,
        ErrorCode::Forbidden => 403,
        ErrorCode::BookNotFound | ErrorCode::NotFound | ErrorCode::UnknownVerb => 404,
        // Gone (section 15.5.11).
        ErrorCode::Erased | ErrorCode::Sealed => 410,
        ErrorCode::IdConflict
        | ErrorCode::NameTaken
        | ErrorCode::Reconciled
        | ErrorCode::InUse
        | ErrorCode::LastOwner
        | ErrorCode::UndoBlocked
        | ErrorCode::Undelivered
        | ErrorCode::Conflict => 409,
        ErrorCode::LimitExceeded if field == Some("content") => 413,
        ErrorCode::StorageFull => 507,
        // A key that is used again: draft-ietf-httpapi-idempotency-key-header-07, section 2.7.
        _ => match code.lane() {
            Lane::Rejected => 422,
            Lane::Unavailable => 503,
            Lane::Corrupt => 500,
        },
    }
}
