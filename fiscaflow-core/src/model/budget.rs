//! Budgets: how much of a month's money some categories may take.

use serde::{Deserialize, Serialize};

use crate::id::{BudgetId, CategoryId};
use crate::money::{Amount, Money};
use crate::period::Month;

/// A monthly limit on the spending of some categories and those below them, in one currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Budget {
    /// The budget's id.
    pub id: BudgetId,
    /// What people call it.
    pub name: String,
    /// The categories it watches; those below them count too.
    pub category_ids: Vec<CategoryId>,
    /// What may be spent in a month, above zero.
    pub limit: Money,
    /// The percentages of the limit whose crossing is announced once a month, ascending.
    pub thresholds: Vec<u32>,
}
debug_only!(Budget: id, category_ids, thresholds);

/// A budget to be made.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewBudget {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<BudgetId>,
    /// What people call it.
    pub name: String,
    /// The categories it watches; at least one, and none of income.
    pub category_ids: Vec<CategoryId>,
    /// What may be spent in a month, above zero.
    pub limit: Amount,
    /// The currency code; the book's currency where absent.
    pub currency: Option<String>,
    /// The percentages to announce; 80, 100 and 120 where absent.
    pub thresholds: Option<Vec<u32>>,
}
debug_only!(NewBudget: id, category_ids, currency, thresholds);

/// Changes to a budget; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BudgetPatch {
    /// The new name.
    pub name: Option<String>,
    /// The new categories.
    pub category_ids: Option<Vec<CategoryId>>,
    /// The new limit, in the budget's currency.
    pub limit: Option<Amount>,
    /// The new percentages.
    pub thresholds: Option<Vec<u32>>,
}
debug_only!(BudgetPatch: category_ids, thresholds);

/// That a budget's threshold was announced for a month; there is one for each, never two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Alert {
    /// The budget.
    pub budget_id: BudgetId,
    /// The month in which it was crossed.
    pub month: Month,
    /// The percentage that was crossed.
    pub threshold: u32,
}
