//! What a failure of PostgreSQL means to the caller: one place that maps it to a code.
//!
//! The texts are ours: PostgreSQL's own may quote a statement or a value. Its SQLSTATE is shown,
//! because it is what its documentation is searched for.

use fiscaflow_core::{Error, ErrorCode};

use crate::{closed, damaged, invalid_url, unavailable};

/// What a failed statement means. Whether a commit whose connection was cut was made is unknown:
/// `store_unavailable` asks its caller to come again with the same key.
pub(super) fn failed(failure: sqlx::Error) -> Error {
    use sqlx::Error as E;
    match &failure {
        E::Database(error) => by_state(&error.code().unwrap_or_default(), error.table()),
        E::PoolClosed => closed(),
        E::PoolTimedOut => unavailable("the store is busy, or the database cannot be reached"),
        E::Io(failure) => {
            unavailable(format!("the connection to the database failed: {}", failure.kind()))
        }
        E::Tls(_) => unavailable("the database and this program agree on no encryption"),
        E::Protocol(_) | E::WorkerCrashed | E::BeginFailed => {
            unavailable("the connection to the database failed")
        }
        E::RowNotFound
        | E::ColumnDecode { .. }
        | E::ColumnIndexOutOfBounds { .. }
        | E::ColumnNotFound(_)
        | E::TypeNotFound { .. }
        | E::Decode(_) => damaged("a stored row cannot be read"),
        _ => Error::new(ErrorCode::Internal, "the database driver failed"),
    }
}

/// What a failure to open means: a user, password or database that the server does not know is the
/// caller's mistake.
pub(super) fn failed_to_open(failure: sqlx::Error) -> Error {
    let state = failure.as_database_error().and_then(|error| error.code());
    match state.as_deref() {
        Some(state) if state.starts_with("28") => {
            invalid_url(format!("the server refuses the user or the password (SQLSTATE {state})"))
        }
        Some("3D000") => invalid_url("the server has no such database (SQLSTATE 3D000)"),
        _ if matches!(failure, sqlx::Error::Configuration(_)) => {
            invalid_url("the settings of the url cannot be used")
        }
        _ => failed(failure),
    }
}

/// What a commit means that another one was ahead of.
pub(super) fn conflict() -> Error {
    Error::new(ErrorCode::Conflict, "the book has moved on")
}

/// By <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn by_state(state: &str, table: Option<&str>) -> Error {
    let (kind, text) = match (state.get(..2).unwrap_or_default(), state) {
        // The key was answered before; the name of a partition or a shard begins with its table's.
        // And a server whose usual isolation is stricter than ours says so of a head that moved.
        (_, "23505") if table.is_some_and(|table| table.starts_with("answers")) => {
            return conflict();
        }
        (_, "40001" | "40P01") => return conflict(),
        (_, "53100") => (ErrorCode::StorageFull, "there is no space left for the write"),
        ("54", _) => (ErrorCode::LimitExceeded, "the commit is too large for the database"),
        (_, "22021" | "22P05") => (ErrorCode::InvalidInput, "a text holds U+0000"),
        ("23" | "XX", _) => (ErrorCode::CorruptData, "what is stored contradicts itself"),
        (_, "26000" | "42P05") => (
            ErrorCode::StoreUnavailable,
            "a pooler is in the way: one that hands out connections by the transaction needs \
             `pgbouncer=true` in the url",
        ),
        (_, "08P01") => (
            ErrorCode::StoreUnavailable,
            "a pooler refuses: its server does not answer, the user or the password is wrong, or \
             it hands out connections by the transaction and the url lacks `pgbouncer=true`",
        ),
        (_, "25006") | ("28", _) | (_, "42501") => {
            (ErrorCode::StoreUnavailable, "the database may not be read or written")
        }
        // Of class 25: somebody else's limit on how long a transaction may take.
        ("08" | "53" | "55" | "57" | "58", _) | (_, "25P03" | "25P04" | "40003") => {
            (ErrorCode::StoreUnavailable, "the database does not answer now")
        }
        _ => (ErrorCode::Internal, "the database refused a statement"),
    };
    Error::new(kind, format!("{text} (SQLSTATE {state})"))
}

#[cfg(test)]
mod tests {
    //! The mapping as a table.

    use super::*;

    #[test]
    fn every_state_has_its_lane() {
        // Holds: states map by themselves before they map by their class, and texts show them.
        let expected = [
            ("08006", ErrorCode::StoreUnavailable),
            ("57P01", ErrorCode::StoreUnavailable),
            ("57P03", ErrorCode::StoreUnavailable),
            ("53300", ErrorCode::StoreUnavailable),
            ("55P03", ErrorCode::StoreUnavailable),
            ("58030", ErrorCode::StoreUnavailable),
            ("25006", ErrorCode::StoreUnavailable),
            ("28P01", ErrorCode::StoreUnavailable),
            ("42501", ErrorCode::StoreUnavailable),
            ("26000", ErrorCode::StoreUnavailable),
            ("25P03", ErrorCode::StoreUnavailable),
            ("25P04", ErrorCode::StoreUnavailable),
            ("40003", ErrorCode::StoreUnavailable),
            ("53100", ErrorCode::StorageFull),
            ("54000", ErrorCode::LimitExceeded),
            ("22021", ErrorCode::InvalidInput),
            ("23505", ErrorCode::CorruptData),
            ("XX001", ErrorCode::CorruptData),
            ("42601", ErrorCode::Internal),
            ("", ErrorCode::Internal),
        ];
        for (state, kind) in expected {
            let error = by_state(state, None);
            assert_eq!(error.code(), kind, "state {state}");
            assert!(error.to_string().ends_with(&format!("(SQLSTATE {state})")));
        }
        assert_eq!(by_state("40001", None).code(), ErrorCode::Conflict);
        assert_eq!(by_state("23505", Some("answers_7")).code(), ErrorCode::Conflict);
        assert_eq!(failed(sqlx::Error::PoolClosed).code(), ErrorCode::Closed);
        assert_eq!(failed(sqlx::Error::PoolTimedOut).code(), ErrorCode::StoreUnavailable);
    }
}
