//! Budgets: how much of a period's money some spending may take.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::calendar::Period;
use crate::id::{AccountId, BudgetId, CategoryId};
use crate::money::{Amount, Money};

/// What of a period's end the next one begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Carry {
    /// Nothing: what is left lapses, and what was spent too much is forgiven.
    #[default]
    Nothing,
    /// What is left.
    Surplus,
    /// What was spent too much.
    Deficit,
    /// Either.
    Both,
}

/// What a budget carries from one period into the next.
///
/// ```
/// use fiscaflow_core::model::{Carry, Rollover};
///
/// let json = r#"{"carry": "both", "cap": "100.00", "reset_yearly": true}"#;
/// let rollover: Rollover = serde_json::from_str(json)?;
/// assert_eq!((rollover.carry, rollover.reset_every), (Carry::Both, None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rollover {
    /// Which way it carries.
    pub carry: Carry,
    /// The most that is carried of what is left; a deficit is carried whole. No bound where absent.
    pub cap: Option<Amount>,
    /// Every so many periods, counted from the one of the budget's start, nothing is carried in.
    pub reset_every: Option<u32>,
    /// Whether nothing is carried into the first period that starts in a calendar year.
    pub reset_yearly: bool,
}

/// A limit on some spending in each period, in one currency.
///
/// Spending counts where everything holds that the budget names: the category is one of its
/// categories or below one, and not one of those left out; the transaction has one of its tags;
/// it lies in one of its accounts.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Budget {
    /// The budget's id.
    pub id: BudgetId,
    /// What people call it.
    pub name: String,
    /// The categories it watches; those below them count too. All spending where empty.
    pub category_ids: Vec<CategoryId>,
    /// Categories that it leaves out, with those below them.
    pub except_category_ids: Vec<CategoryId>,
    /// The tags of which a transaction needs one; any or none where empty.
    pub tags: Vec<String>,
    /// The accounts it watches; all where empty.
    pub account_ids: Vec<AccountId>,
    /// What may be spent in a period, above zero.
    pub limit: Money,
    /// The percentages of what is available whose crossing is announced once a period, ascending.
    pub thresholds: Vec<u32>,
    /// How time is divided.
    pub period: Period,
    /// What goes on into the next period.
    pub rollover: Rollover,
    /// A day of its first period; from the beginning where absent.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub start: Option<NaiveDate>,
    /// Whether what the bank has not booked yet counts as used.
    pub pending_counts: bool,
}
debug_only!(Budget: id, category_ids, except_category_ids, account_ids, thresholds, period, start);

/// A budget to be made. It names at least one of categories, categories left out, tags, accounts.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewBudget {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<BudgetId>,
    /// What people call it.
    pub name: String,
    /// The categories it watches, none of income; those below them count too.
    #[serde(default)]
    pub category_ids: Vec<CategoryId>,
    /// Categories that it leaves out, with those below them.
    #[serde(default)]
    pub except_category_ids: Vec<CategoryId>,
    /// The tags of which a transaction needs one.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The accounts it watches.
    #[serde(default)]
    pub account_ids: Vec<AccountId>,
    /// What may be spent in a period, above zero.
    pub limit: Amount,
    /// The currency code; the book's currency where absent.
    pub currency: Option<String>,
    /// The percentages to announce; 80, 100 and 120 where absent.
    pub thresholds: Option<Vec<u32>>,
    /// How time is divided; calendar months where absent.
    pub period: Option<Period>,
    /// What goes on into the next period; nothing where absent.
    pub rollover: Option<Rollover>,
    /// A day of its first period; where absent, from the beginning, or from now on where something
    /// is carried.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub start: Option<NaiveDate>,
    /// Whether what the bank has not booked yet counts as used; it does where absent.
    pub pending_counts: Option<bool>,
}
debug_only!(NewBudget: id, category_ids, account_ids, currency, thresholds, period, start);

/// Changes to a budget; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BudgetPatch {
    /// The new name.
    pub name: Option<String>,
    /// The new categories.
    pub category_ids: Option<Vec<CategoryId>>,
    /// The new categories to leave out.
    pub except_category_ids: Option<Vec<CategoryId>>,
    /// The new tags.
    pub tags: Option<Vec<String>>,
    /// The new accounts.
    pub account_ids: Option<Vec<AccountId>>,
    /// The new limit, in the budget's currency.
    pub limit: Option<Amount>,
    /// The new percentages.
    pub thresholds: Option<Vec<u32>>,
    /// The new division of time.
    pub period: Option<Period>,
    /// What goes on into the next period from now on, in all periods since the start.
    pub rollover: Option<Rollover>,
    /// A day of the new first period.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub start: Option<NaiveDate>,
    /// Whether what the bank has not booked yet counts as used.
    pub pending_counts: Option<bool>,
}
debug_only!(BudgetPatch: category_ids, account_ids, thresholds, period, start);

/// That a budget's threshold was announced for a period; there is one for each, never two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Alert {
    /// The budget.
    pub budget_id: BudgetId,
    /// The first day of the period in which it was crossed.
    #[serde(deserialize_with = "crate::period::date")]
    pub from: NaiveDate,
    /// The last day of that period.
    #[serde(deserialize_with = "crate::period::date")]
    pub to: NaiveDate,
    /// The percentage that was crossed.
    pub threshold: u32,
}
