//! Goals: an amount to be saved, and what it is saved by.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Direction;
use crate::id::{AccountId, CategoryId, GoalId};
use crate::money::{Amount, Money};

/// What a goal is saved by.
///
/// ```
/// use fiscaflow_core::model::GoalFunding;
///
/// let json = r#"{"kind": "envelope", "category_id": "018f0000-0000-7000-8000-000000000001"}"#;
/// assert!(matches!(serde_json::from_str(json)?, GoalFunding::Envelope { .. }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum GoalFunding {
    /// All that lies in some accounts.
    Balances {
        /// The accounts, in the goal's currency.
        account_ids: Vec<AccountId>,
    },
    /// What has come into some accounts, less what went out of them, since the goal's start.
    Contributions {
        /// The accounts, in the goal's currency.
        account_ids: Vec<AccountId>,
    },
    /// What is available in an envelope.
    Envelope {
        /// Its category of spending.
        category_id: CategoryId,
    },
    /// Single transactions that are linked to it.
    Transactions {
        /// Which way money is saved: `out` of the accounts of the book, the usual case, for one
        /// links what is sent elsewhere; or `in`. What goes the other way takes away.
        #[serde(default = "out")]
        direction: Direction,
    },
}

const fn out() -> Direction {
    Direction::Out
}

/// How far a goal has come, or what a person has decided about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum GoalState {
    /// It is being saved for.
    Active,
    /// It rests: it has its figures, but expects and announces nothing.
    Paused,
    /// Its amount is saved, by the figures or because a person said so.
    Achieved,
    /// It was given up.
    Abandoned,
}

/// An amount to be saved, in one currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Goal {
    /// The goal's id.
    pub id: GoalId,
    /// What people call it.
    pub name: String,
    /// What is to be saved, above zero.
    pub target: Money,
    /// The first day on which something is saved for it.
    #[serde(deserialize_with = "crate::period::date")]
    pub start: NaiveDate,
    /// The day by which it is to be saved.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub due: Option<NaiveDate>,
    /// What it is saved by.
    pub funding: GoalFunding,
    /// What a person has decided about it. While it is active or paused, whether it is achieved
    /// follows from its figures.
    pub state: GoalState,
    /// The percentages of the target whose reaching is announced once, ascending; the last is 100.
    pub milestones: Vec<u32>,
}
debug_only!(Goal: id, start, due, funding, state, milestones);

/// A goal to be made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewGoal {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<GoalId>,
    /// What people call it.
    pub name: String,
    /// What is to be saved, above zero.
    pub target: Amount,
    /// The currency code; the book's currency where absent.
    pub currency: Option<String>,
    /// The first day on which something is saved for it; today, in the book's zone, where absent.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub start: Option<NaiveDate>,
    /// The day by which it is to be saved, not before the start; some day where absent.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub due: Option<NaiveDate>,
    /// What it is saved by.
    pub funding: GoalFunding,
    /// The percentages to announce, from 1 to 100; 25, 50 and 75 where absent. 100 is one always.
    pub milestones: Option<Vec<u32>>,
}
debug_only!(NewGoal: id, currency, start, due, funding, milestones);

/// Changes to a goal; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct GoalPatch {
    /// The new name.
    pub name: Option<String>,
    /// The new target, in the goal's currency.
    pub target: Option<Amount>,
    /// The new first day.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub start: Option<NaiveDate>,
    /// The new day by which it is to be saved.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub due: Option<NaiveDate>,
    /// Whether it is to be saved some day and by none.
    pub some_day: bool,
    /// What it is saved by from now on, in the past too.
    pub funding: Option<GoalFunding>,
    /// What a person decides: to go on, to pause, that it is achieved, or to give it up.
    pub state: Option<GoalState>,
    /// The new percentages.
    pub milestones: Option<Vec<u32>>,
}
debug_only!(GoalPatch: start, due, some_day, funding, state, milestones);

/// That a goal's milestone was announced; there is one for each, never two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Milestone {
    /// The goal.
    pub goal_id: GoalId,
    /// The percentage of the target that was reached.
    pub percent: u32,
    /// The day on which that was announced, in the book's zone.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
}
