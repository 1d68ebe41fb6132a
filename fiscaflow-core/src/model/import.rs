//! Imports: which file brought which transactions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, ImportId};
use crate::import::Format;

/// One run of an import.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Import {
    /// The import's id.
    pub id: ImportId,
    /// The file's name, where the caller gave one.
    pub file_name: Option<String>,
    /// The format that was read.
    pub format: Format,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub digest: String,
    /// The accounts it brought transactions for.
    pub account_ids: Vec<AccountId>,
    /// How many transactions were new.
    pub imported: u64,
    /// How many were there already.
    pub duplicates: u64,
    /// When it ran.
    pub created_at: DateTime<Utc>,
    /// The sequence number of its commit.
    pub seq: u64,
}
debug_only!(Import: id, format, imported, duplicates);
