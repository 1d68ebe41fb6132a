//! The status of an error in a REST interface, in one place for the server and for hosts.

use crate::error::{ErrorCode, Lane};

/// The HTTP status (RFC 9110, section 15) with which an error is answered.
///
/// What is rejected is 422, unless a status says it better: 403 for what the role forbids, 404 for
/// what is not there, 409 for what the present state of the book does not allow. What is
/// unavailable is 503, so that clients and proxies may try again; what is corrupt is 500.
///
/// ```
/// use fiscaflow_core::{ErrorCode, api::status};
///
/// assert_eq!(status(ErrorCode::SplitSum), 422);
/// assert_eq!(status(ErrorCode::BookNotFound), 404);
/// assert_eq!(status(ErrorCode::Conflict), 503);
/// ```
pub const fn status(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::Forbidden => 403,
        ErrorCode::BookNotFound | ErrorCode::NotFound | ErrorCode::UnknownVerb => 404,
        ErrorCode::IdConflict
        | ErrorCode::NameTaken
        | ErrorCode::InUse
        | ErrorCode::Reconciled
        | ErrorCode::LastOwner => 409,
        _ => match code.lane() {
            Lane::Rejected => 422,
            Lane::Unavailable => 503,
            Lane::Corrupt => 500,
        },
    }
}
