//! What a failure of SQLite means to the caller: one place that maps it to a code.
//!
//! The texts are ours: SQLite's own may quote a statement or a value. Its result code is shown,
//! because it is what the documentation of SQLite is searched for.

use fiscaflow_core::{Error, ErrorCode};

pub(super) use crate::damaged;
use crate::{closed, invalid_url, unavailable};

/// Primary result codes, <https://www.sqlite.org/rescode.html>.
mod primary {
    pub(super) const PERM: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const NOMEM: i32 = 7;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const PROTOCOL: i32 = 15;
    pub(super) const TOOBIG: i32 = 18;
    pub(super) const CONSTRAINT: i32 = 19;
    pub(super) const NOLFS: i32 = 22;
    pub(super) const AUTH: i32 = 23;
    pub(super) const NOTADB: i32 = 26;
}

/// An extended result code.
const CONSTRAINT_NOTNULL: i32 = 1299;

/// What a failed statement means.
pub(super) fn failed(failure: sqlx::Error) -> Error {
    use sqlx::Error as E;
    match &failure {
        E::Database(_) => by_result_code(result_code(&failure)),
        E::PoolClosed => closed(),
        E::PoolTimedOut => unavailable("the store is busy"),
        E::Io(_) | E::Tls(_) | E::WorkerCrashed => unavailable("the database cannot be reached"),
        E::RowNotFound
        | E::ColumnDecode { .. }
        | E::ColumnIndexOutOfBounds { .. }
        | E::ColumnNotFound(_)
        | E::TypeNotFound { .. }
        | E::Decode(_) => damaged("a stored row cannot be read"),
        _ => Error::new(ErrorCode::Internal, "the database driver failed"),
    }
}

/// What a failure to open a file means: a file of another kind is the caller's mistake.
pub(super) fn failed_to_open(failure: sqlx::Error) -> Error {
    match result_code(&failure).map(|code| code & 0xff) {
        Some(primary::NOTADB) => no_database(),
        _ => failed(failure),
    }
}

/// What a file of another kind means.
pub(super) fn no_database() -> Error {
    invalid_url("the file is no SQLite database")
}

/// Whether another connection held a lock.
pub(super) fn is_busy(failure: &sqlx::Error) -> bool {
    let code = result_code(failure).map(|code| code & 0xff);
    matches!(code, Some(primary::BUSY | primary::LOCKED))
}

/// Whether a row was refused, which undoes its statement alone.
pub(super) fn is_constraint(failure: &sqlx::Error) -> bool {
    result_code(failure).map(|code| code & 0xff) == Some(primary::CONSTRAINT)
}

/// Whether a column that may not be null would have been so.
pub(super) fn is_null(failure: &sqlx::Error) -> bool {
    result_code(failure) == Some(CONSTRAINT_NOTNULL)
}

fn result_code(failure: &sqlx::Error) -> Option<i32> {
    failure.as_database_error()?.code()?.parse().ok()
}

fn by_result_code(code: Option<i32>) -> Error {
    let Some(code) = code else {
        return Error::new(ErrorCode::Internal, "the database driver failed");
    };
    let (kind, text) = match code & 0xff {
        primary::BUSY | primary::LOCKED | primary::PROTOCOL => {
            (ErrorCode::StoreUnavailable, "the database is busy")
        }
        primary::NOMEM => (ErrorCode::StoreUnavailable, "there is no memory left"),
        primary::READONLY | primary::PERM | primary::AUTH => {
            (ErrorCode::StoreUnavailable, "the database may not be written")
        }
        primary::IOERR | primary::CANTOPEN | primary::NOLFS => {
            (ErrorCode::StoreUnavailable, "the database file cannot be read or written")
        }
        primary::FULL => (ErrorCode::StorageFull, "there is no space left for the write"),
        primary::TOOBIG => (ErrorCode::LimitExceeded, "the commit is too large for the database"),
        primary::CORRUPT | primary::NOTADB => {
            (ErrorCode::CorruptData, "the database file is damaged")
        }
        primary::CONSTRAINT => (ErrorCode::CorruptData, "a row contradicts what is stored already"),
        _ => (ErrorCode::Internal, "the database refused a statement"),
    };
    Error::new(kind, format!("{text} (SQLite result code {code})"))
}

#[cfg(test)]
mod tests {
    //! The mapping as a table.

    use super::*;

    #[test]
    fn every_result_code_has_its_lane() {
        // Holds: extended codes follow their primary code, and texts show the number alone.
        let expected = [
            (5, ErrorCode::StoreUnavailable),
            (261, ErrorCode::StoreUnavailable),
            (517, ErrorCode::StoreUnavailable),
            (6, ErrorCode::StoreUnavailable),
            (8, ErrorCode::StoreUnavailable),
            (10, ErrorCode::StoreUnavailable),
            (1034, ErrorCode::StoreUnavailable),
            (14, ErrorCode::StoreUnavailable),
            (13, ErrorCode::StorageFull),
            (18, ErrorCode::LimitExceeded),
            (11, ErrorCode::CorruptData),
            (267, ErrorCode::CorruptData),
            (26, ErrorCode::CorruptData),
            (787, ErrorCode::CorruptData),
            (1555, ErrorCode::CorruptData),
            (1, ErrorCode::Internal),
            (21, ErrorCode::Internal),
        ];
        for (code, kind) in expected {
            let error = by_result_code(Some(code));
            assert_eq!(error.code(), kind, "result code {code}");
            assert!(error.to_string().ends_with(&format!("(SQLite result code {code})")));
        }
        assert_eq!(failed(sqlx::Error::PoolClosed).code(), ErrorCode::Closed);
        assert_eq!(failed(sqlx::Error::PoolTimedOut).code(), ErrorCode::StoreUnavailable);
    }
}
