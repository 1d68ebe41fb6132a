//! Schedules: payments that are expected again and again.

use serde::{Deserialize, Serialize};

use crate::calendar::Recurrence;
use crate::id::{AccountId, CategoryId, ScheduleId};
use crate::money::{Amount, Money};

/// A payment that is expected again and again: a rent, a salary, a subscription.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Schedule {
    /// The schedule's id.
    pub id: ScheduleId,
    /// What people call it.
    pub name: String,
    /// The account in which it is paid.
    pub account_id: AccountId,
    /// The other party; a transaction of another one does not pay it.
    pub payee: Option<String>,
    /// What it is for; it says nothing of which transaction pays it.
    pub category_id: Option<CategoryId>,
    /// The signed amount that is expected: negative = money out.
    pub amount: Money,
    /// How far an amount may be from it, in percent of it.
    pub tolerance_percent: u32,
    /// When it is due.
    pub recurrence: Recurrence,
    /// How many days before or after it may be paid.
    pub tolerance_days: u32,
    /// Whether it is expected; one that is not keeps its stream from being suggested again.
    pub active: bool,
}
debug_only!(Schedule: id, account_id, category_id, recurrence, active);

/// A schedule to be made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewSchedule {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<ScheduleId>,
    /// What people call it.
    pub name: String,
    /// The account in which it is paid.
    pub account_id: AccountId,
    /// The other party; any where absent.
    pub payee: Option<String>,
    /// What it is for.
    pub category_id: Option<CategoryId>,
    /// The signed amount that is expected, in the account's currency: negative = money out.
    pub amount: Amount,
    /// How far an amount may be from it, in percent of it, at most 100; 10 where absent.
    pub tolerance_percent: Option<u32>,
    /// When it is due.
    pub recurrence: Recurrence,
    /// How many days before or after it may be paid, at most 31; 5 where absent.
    pub tolerance_days: Option<u32>,
    /// Whether it is expected; it is where absent.
    pub active: Option<bool>,
}
debug_only!(NewSchedule: id, account_id, category_id, recurrence, active);

/// Changes to a schedule; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SchedulePatch {
    /// The new name.
    pub name: Option<String>,
    /// The new other party.
    pub payee: Option<String>,
    /// The new category.
    pub category_id: Option<CategoryId>,
    /// The new amount.
    pub amount: Option<Amount>,
    /// The new tolerance of amounts.
    pub tolerance_percent: Option<u32>,
    /// When it is due from now on.
    pub recurrence: Option<Recurrence>,
    /// The new tolerance of days.
    pub tolerance_days: Option<u32>,
    /// Whether it is expected.
    pub active: Option<bool>,
}
debug_only!(SchedulePatch: category_id, recurrence, active);
