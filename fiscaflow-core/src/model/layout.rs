//! Layouts: what a person has stated once about a bank's delimited files.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, LayoutId};
use crate::import::CsvProfile;

/// Dialect and column roles of a bank's delimited files, kept in the book.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Layout {
    /// The layout's id.
    pub id: LayoutId,
    /// What people call it.
    pub name: String,
    /// The account whose files have it: they are read with it where an import names no other.
    pub account_id: Option<AccountId>,
    /// What is stated; the rest is detected.
    pub csv: CsvProfile,
}
debug_only!(Layout: id, account_id);

/// A layout to be kept.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewLayout {
    /// An id of the caller's choice; fresh where absent. One that is there is replaced.
    pub id: Option<LayoutId>,
    /// What people call it.
    pub name: String,
    /// The account whose files have it; an account has one layout at most.
    pub account_id: Option<AccountId>,
    /// What is stated; the rest is detected.
    pub csv: CsvProfile,
}
debug_only!(NewLayout: id, account_id);
