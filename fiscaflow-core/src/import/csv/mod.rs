//! CSV: dialect, column roles, number and date format are found or stated, never guessed.

use serde::{Deserialize, Serialize};

use super::Parsed;
use crate::error::{Error, ErrorCode, Result};

/// What is known about a delimited file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CsvProfile {}

pub(super) fn detect(_bytes: &[u8]) -> bool {
    false
}

pub(super) fn parse(_bytes: &[u8], _profile: Option<&CsvProfile>) -> Result<Parsed> {
    Err(Error::new(ErrorCode::UnknownFormat, "not yet"))
}
