//! Errors: one variant per lane, so that a caller catches what it acts upon.

use crate::types::ErrorCode;

/// The result of every verb.
pub type Result<T, E = FiscaFlowError> = std::result::Result<T, E>;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Lane {
    /// Change something: the same request will fail again.
    Rejected,
    /// Try again: the same request may succeed later.
    Unavailable,
    /// Stop and look: what is stored contradicts itself, or the engine has a defect.
    Corrupt,
}

/// Why something could not be done. The variant says what to do about it, the code why it came to
/// that; codes never change.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Error)]
pub enum FiscaFlowError {
    /// A domain answer: the same request will fail again, so change something.
    Rejected {
        /// The stable reason, such as `split_sum`.
        code: ErrorCode,
        /// The text for people; it holds no amounts and no payees.
        message: String,
        /// The field of the request or of the file's record, where one is at fault.
        field: Option<String>,
        /// The line of the file, counted from 1, where one is at fault.
        line: Option<i64>,
        /// The object concerned, where there is one.
        id: Option<String>,
    },
    /// The store could not answer now: the same request may succeed later.
    Unavailable {
        /// The stable reason, such as `store_unavailable`.
        code: ErrorCode,
        /// The text for people; it holds no amounts and no payees.
        message: String,
        /// The field of the request or of the file's record, where one is at fault.
        field: Option<String>,
        /// The line of the file, counted from 1, where one is at fault.
        line: Option<i64>,
        /// The object concerned, where there is one.
        id: Option<String>,
    },
    /// What is stored contradicts itself, or the engine has a defect: stop and look.
    Corrupt {
        /// The stable reason, such as `history_broken`.
        code: ErrorCode,
        /// The text for people; it holds no amounts and no payees.
        message: String,
        /// The field of the request or of the file's record, where one is at fault.
        field: Option<String>,
        /// The line of the file, counted from 1, where one is at fault.
        line: Option<i64>,
        /// The object concerned, where there is one.
        id: Option<String>,
    },
}

impl From<fiscaflow_core::Error> for FiscaFlowError {
    fn from(error: fiscaflow_core::Error) -> Self {
        let code = ErrorCode::from(error.code());
        let message = error.message().to_owned();
        let field = error.at_field().map(str::to_owned);
        let line = error.at_line().and_then(|line| line.try_into().ok());
        let id = error.of_id().map(str::to_owned);
        match Lane::from(error.lane()) {
            Lane::Rejected => Self::Rejected { code, message, field, line, id },
            Lane::Unavailable => Self::Unavailable { code, message, field, line, id },
            Lane::Corrupt => Self::Corrupt { code, message, field, line, id },
        }
    }
}

impl FiscaFlowError {
    /// A defect of the engine itself.
    pub(crate) fn internal(message: &str) -> Self {
        fiscaflow_core::Error::new(fiscaflow_core::ErrorCode::Internal, message).into()
    }
}

impl std::fmt::Display for FiscaFlowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Rejected { message, .. }
        | Self::Unavailable { message, .. }
        | Self::Corrupt { message, .. }) = self;
        f.write_str(message)
    }
}

impl std::error::Error for FiscaFlowError {}

impl From<fiscaflow_core::Lane> for Lane {
    fn from(lane: fiscaflow_core::Lane) -> Self {
        match lane {
            fiscaflow_core::Lane::Rejected => Self::Rejected,
            fiscaflow_core::Lane::Unavailable => Self::Unavailable,
            fiscaflow_core::Lane::Corrupt => Self::Corrupt,
        }
    }
}

impl From<fiscaflow_core::ErrorCode> for ErrorCode {
    fn from(code: fiscaflow_core::ErrorCode) -> Self {
        // Both lists come from the core: a code is in one exactly where it is in the other.
        serde_json::from_value(code.as_str().into()).unwrap_or(Self::Internal)
    }
}

#[uniffi::export]
impl ErrorCode {
    /// What to do about an error of this code.
    pub fn lane(&self) -> Lane {
        let mut all = fiscaflow_core::ErrorCode::ALL.iter();
        let found = all.find(|code| Self::from(**code) == *self);
        found.map_or(Lane::Corrupt, |code| code.lane().into())
    }
}

#[cfg(test)]
mod tests {
    use fiscaflow_core::{Error, ErrorCode as CoreCode};

    use super::*;

    #[test]
    fn an_error_keeps_everything_it_names() {
        let error = Error::new(CoreCode::MalformedFile, "no end").field("amount").line(7).id("x");
        let expected = FiscaFlowError::Rejected {
            code: ErrorCode::MalformedFile,
            message: "no end".into(),
            field: Some("amount".into()),
            line: Some(7),
            id: Some("x".into()),
        };
        assert_eq!(FiscaFlowError::from(error), expected);
    }

    #[test]
    fn every_code_has_its_name_and_lane() {
        for code in CoreCode::ALL {
            let here = ErrorCode::from(*code);
            let read: ErrorCode = serde_json::from_value(code.as_str().into()).unwrap();
            assert_eq!(read, here);
            assert_eq!(here.lane(), code.lane().into());
            let lane = match FiscaFlowError::from(Error::new(*code, "")) {
                FiscaFlowError::Rejected { .. } => Lane::Rejected,
                FiscaFlowError::Unavailable { .. } => Lane::Unavailable,
                FiscaFlowError::Corrupt { .. } => Lane::Corrupt,
            };
            assert_eq!(lane, here.lane());
        }
    }
}
