//! Categories: what money was for, as a tree.

use serde::{Deserialize, Serialize};

use crate::id::CategoryId;

/// Which side of the household's books a category stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum CategoryKind {
    /// Spending; a positive amount in it is a refund and lowers it.
    #[default]
    Expense,
    /// Earnings; a negative amount in it is paid back and lowers it.
    Income,
}

/// A category of a book. A child is of its parent's kind.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Category {
    /// The category's id.
    pub id: CategoryId,
    /// What people call it; unique among its siblings.
    pub name: String,
    /// Spending or earnings.
    pub kind: CategoryKind,
    /// The category above it; absent at the top.
    pub parent_id: Option<CategoryId>,
}
debug_only!(Category: id, kind, parent_id);

/// A category to be made.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewCategory {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<CategoryId>,
    /// What people call it; unique among its siblings.
    pub name: String,
    /// Spending or earnings; the parent's kind, or spending, where absent.
    pub kind: Option<CategoryKind>,
    /// The category above it; absent at the top.
    pub parent_id: Option<CategoryId>,
}
debug_only!(NewCategory: id, kind, parent_id);

/// Changes to a category; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CategoryPatch {
    /// The new name.
    pub name: Option<String>,
    /// The new category above it.
    pub parent_id: Option<CategoryId>,
    /// Moves it to the top.
    pub to_top: bool,
}
debug_only!(CategoryPatch: parent_id, to_top);
