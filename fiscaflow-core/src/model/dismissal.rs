//! Findings that a person does not want to see again.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// That somebody dismissed a finding; it stays so until somebody restores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Dismissal {
    /// The finding's name.
    pub insight_id: String,
    /// The day on which it was dismissed, in the book's zone.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
}
