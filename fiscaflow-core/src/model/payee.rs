//! Payees: the other parties, under one name each.

use serde::{Deserialize, Serialize};

use crate::id::PayeeId;

/// A payee that the book keeps under one name. A transaction whose payee is spelt like the name or
/// one of the aliases (letter case apart) is recorded under the name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Payee {
    /// The payee's id.
    pub id: PayeeId,
    /// The name under which transactions are recorded; unique in the book.
    pub name: String,
    /// Other spellings.
    pub aliases: Vec<String>,
}
debug_only!(Payee: id);

/// A payee to be made.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewPayee {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<PayeeId>,
    /// The name; unique in the book.
    pub name: String,
    /// Other spellings.
    #[serde(default)]
    pub aliases: Vec<String>,
}
debug_only!(NewPayee: id);
