//! Envelopes: money that came in, assigned by month to the categories that it is for.

use serde::{Deserialize, Serialize};

use crate::calendar::Recurrence;
use crate::id::{CategoryId, ScheduleId};
use crate::money::{Amount, Money};
use crate::period::Month;

/// What a category was assigned in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Assigned {
    /// The category, of spending.
    pub category_id: CategoryId,
    /// How much, in the book's currency; below zero where money was taken out of the envelope.
    pub amount: Money,
}

/// What was assigned in a month: one document a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Assignment {
    /// The month.
    pub month: Month,
    /// The categories that were assigned something, by id, each once.
    pub amounts: Vec<Assigned>,
    /// What is held back for the month after.
    pub held: Money,
}

/// What is to be assigned to a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewAssigned {
    /// The category, of spending.
    pub category_id: CategoryId,
    /// How much it is assigned in the month, in the book's currency.
    pub amount: Amount,
}

/// What is to be assigned in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewAssignment {
    /// The month.
    pub month: Month,
    /// What these categories are assigned from now on; the others keep theirs.
    pub amounts: Vec<NewAssigned>,
}

/// Money that moves from one envelope to another in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Reassignment {
    /// The month.
    pub month: Month,
    /// The category that it is taken from; from what is to be budgeted where absent.
    pub from_category_id: Option<CategoryId>,
    /// The category that it goes to; to what is to be budgeted where absent.
    pub to_category_id: Option<CategoryId>,
    /// How much, above zero, in the book's currency.
    pub amount: Amount,
}

/// What is to be held back in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewHold {
    /// The month.
    pub month: Month,
    /// How much of it the month after begins with, not below zero, in the book's currency.
    pub amount: Amount,
}

/// How an envelope is kept: what becomes of its overspending, and what fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Envelope {
    /// The category, of spending.
    pub category_id: CategoryId,
    /// The first month whose overspending the envelope itself carries on. What is overspent in
    /// other months lowers what is to be budgeted in the next.
    pub carries_deficit_from: Option<Month>,
    /// The most that automations fill it to; no bound where absent.
    pub cap: Option<Amount>,
    /// Whether automations give back what lies in it beyond the cap.
    pub returns_excess: bool,
    /// What fills it.
    pub automations: Vec<Automation>,
}

/// How an envelope is to be kept, instead of how it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewEnvelope {
    /// The category, of spending.
    pub category_id: CategoryId,
    /// The first month whose overspending the envelope itself carries on; none where absent.
    pub carries_deficit_from: Option<Month>,
    /// The most that automations fill it to, in the book's currency; no bound where absent.
    pub cap: Option<Amount>,
    /// Whether automations give back what lies in it beyond the cap.
    #[serde(default)]
    pub returns_excess: bool,
    /// What fills it.
    #[serde(default)]
    pub automations: Vec<Automation>,
}

impl From<NewEnvelope> for Envelope {
    fn from(new: NewEnvelope) -> Self {
        let NewEnvelope { category_id, carries_deficit_from, cap, returns_excess, automations } =
            new;
        Self { category_id, carries_deficit_from, cap, returns_excess, automations }
    }
}

/// One thing that fills an envelope each month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Automation {
    /// Its turn: lower numbers first, in all envelopes. Turn 0 takes what it asks for whether it is
    /// there or not; later turns take what is to be budgeted at most.
    #[serde(default)]
    pub priority: u32,
    /// What it asks for.
    pub rule: AutomationRule,
}

impl Envelope {
    /// Whether one of its automations asks for what a schedule expects.
    pub(crate) fn names_schedule(&self, id: ScheduleId) -> bool {
        let names = |rule: &AutomationRule| match rule {
            AutomationRule::Schedule { schedule_id, .. } => *schedule_id == id,
            _ => false,
        };
        self.automations.iter().any(|it| names(&it.rule))
    }
}

/// What an automation asks for in a month. Amounts are in the book's currency.
///
/// ```
/// use fiscaflow_core::model::Automation;
///
/// let json = r#"{"priority": 1, "rule": {"kind": "by_date", "amount": "600.00",
///     "month": "2026-12", "repeat_months": 12}}"#;
/// let holidays: Automation = serde_json::from_str(json)?;
/// assert_eq!(holidays.priority, 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum AutomationRule {
    /// The same each month.
    Fixed {
        /// How much.
        amount: Amount,
    },
    /// What is missing to an amount.
    UpTo {
        /// How much lies in the envelope then.
        amount: Amount,
    },
    /// What has to be laid by each month to have an amount in time. All of one envelope share what
    /// lies in it, and have the turn of the first of them.
    ByDate {
        /// How much is needed.
        amount: Amount,
        /// The month in which it is needed.
        month: Month,
        /// After how many months it is needed again; only once where absent.
        repeat_months: Option<u32>,
        /// From which month on it is spent: what is spent since then still counts as laid by. Where
        /// it is needed again, it is spent so long before each time.
        spend_from: Option<Month>,
    },
    /// What a schedule of payments out expects: by the month in which they fall due, like an amount
    /// by date that is needed as often as it recurs.
    Schedule {
        /// The schedule, in the book's currency.
        schedule_id: ScheduleId,
        /// Whether all of it is asked for in the month in which it falls due, whatever lies in the
        /// envelope, and nothing before.
        #[serde(default)]
        full: bool,
        /// How much of a hundred more each payment is taken to be; less where it is below zero.
        increase_percent: Option<Amount>,
        /// How much more it is taken to be.
        increase_amount: Option<Amount>,
    },
    /// An amount for each day of the month on which something recurs.
    Repeat {
        /// How much each time.
        amount: Amount,
        /// On which days.
        days: Recurrence,
    },
    /// A share of income, rounded half to even; nothing of income below zero.
    Percent {
        /// How much of a hundred.
        percent: Amount,
        /// A category of income; all income where absent.
        category_id: Option<CategoryId>,
        /// Whether the income of the month before is meant.
        #[serde(default)]
        previous: bool,
    },
    /// A share of what is left to be budgeted when its turn begins, rounded half to even; nothing
    /// where there is nothing left.
    PercentOfAvailable {
        /// How much of a hundred.
        percent: Amount,
    },
    /// The average of what the category took in the months before, rounded half to even; nothing
    /// where more came back.
    Average {
        /// How many months.
        months: u32,
        /// How much of a hundred more than that; less where it is below zero.
        increase_percent: Option<Amount>,
        /// How much more than that.
        increase_amount: Option<Amount>,
    },
    /// What was assigned in an earlier month.
    Copy {
        /// How many months ago.
        months_ago: u32,
    },
    /// A share of what is left to be budgeted after everything else.
    Remainder {
        /// Its weight among all that share.
        weight: u32,
    },
}
