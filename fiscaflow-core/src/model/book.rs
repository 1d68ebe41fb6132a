//! The book, its members and their roles.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::text::check_text;
use crate::error::{Error, Result};
use crate::id::BookId;
use crate::money::Currency;

/// Who acts, in the host's words: the engine checks what an actor may do, the host says who it is.
///
/// Use an opaque id, not a name or an e-mail address: it stands in the history for good.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct ActorId(String);

crate::api::schema::string_schema!(ActorId, "actor", "Who acts, in the host's words.");

impl ActorId {
    /// The longest actor id, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// The text as the host gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ActorId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                "actor",
                "an actor id is a text without control characters",
            ));
        }
        check_text("actor", text, Self::MAX_BYTES)?;
        Ok(Self(text.to_owned()))
    }
}

crate::error::read_from_text!(ActorId);

impl From<ActorId> for String {
    fn from(actor: ActorId) -> Self {
        actor.0
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a member may do; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Role {
    /// Reads everything, changes nothing.
    Viewer,
    /// Also records, imports, categorises and budgets.
    Member,
    /// Also changes the book itself and its members.
    Owner,
}

/// One household's finances: the unit of tenancy, consistency and history.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Book {
    /// The book's id.
    pub id: BookId,
    /// What people call it.
    pub name: String,
    /// The currency of new accounts and budgets that name none.
    pub currency: Currency,
    /// The IANA time zone in which its civil dates are meant.
    pub zone: String,
    /// The currencies it knows beyond ISO 4217.
    pub currencies: Vec<CustomCurrency>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// What it makes of its own past.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub learning: Learning,
}

debug_only!(Book: id);

/// What a book makes of its own past.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Learning {
    /// Whether what is recorded or imported without a category gets the one that persons chose for
    /// what was like it.
    pub enabled: bool,
    /// How probable a category has to be for that, in percent, 1 to 100; 85 where nothing was said.
    pub threshold: u8,
    /// The payees of which nothing is learned, by their names without a bank's noise.
    pub forgotten: Vec<String>,
}

debug_only!(Learning: enabled, threshold);

impl Default for Learning {
    fn default() -> Self {
        Self { enabled: true, threshold: 85, forgotten: Vec::new() }
    }
}

/// A currency that is not in ISO 4217.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CustomCurrency {
    /// 3 to 8 capitals or digits, such as `BTC`.
    pub code: String,
    /// How many decimal places its smallest unit has, 0 to 8.
    pub exponent: u8,
}

/// A book to be made; its maker becomes its owner.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewBook {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<BookId>,
    /// What people call it.
    pub name: String,
    /// The ISO 4217 code of its main currency.
    pub currency: String,
    /// The IANA time zone; `UTC` where absent.
    pub zone: Option<String>,
    /// Currencies to know beyond ISO 4217.
    #[serde(default)]
    pub currencies: Vec<CustomCurrency>,
}

debug_only!(NewBook: id);

/// Changes to a book; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BookPatch {
    /// The new name.
    pub name: Option<String>,
    /// The new IANA time zone.
    pub zone: Option<String>,
    /// Currencies to know in addition.
    pub add_currencies: Vec<CustomCurrency>,
    /// Whether what is recorded or imported may get a category that was learned.
    pub learn: Option<bool>,
    /// How probable such a category has to be, in percent, 1 to 100.
    pub learn_threshold: Option<u8>,
}

debug_only!(BookPatch:);

/// Someone who may reach a book.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Member {
    /// The host's id of the actor.
    pub actor: ActorId,
    /// What the member may do.
    pub role: Role,
    /// What people call the member.
    pub name: Option<String>,
}

debug_only!(Member: role);
