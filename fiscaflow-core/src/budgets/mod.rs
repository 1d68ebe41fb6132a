//! Budgets: how much of each limit is used, what is carried on, and which thresholds were crossed;
//! envelopes: what came in, and what it is for.
//!
//! Everything follows from plan and view: nothing is kept but which thresholds were announced.
//! Sums are exact; what has to be rounded, to minor units or to one decimal place of a percentage,
//! is rounded half to even.

mod alerts;
mod automations;
mod chain;
mod due;
mod envelopes;
mod recommend;
mod scope;
mod uses;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub(crate) use alerts::{announce, may_cross};
pub use automations::{AutomationQuery, AutomationReport, Proposal, ProposalPart, propose};
use chain::Chain;
pub(crate) use envelopes::available;
pub use envelopes::{EnvelopeMonth, EnvelopeQuery, EnvelopeState, envelopes, on_budget};
pub use recommend::{PastPeriod, Recommendation, RecommendationQuery, recommend};
use uses::{Counter, Use};

use crate::analytics::{Named, Witness};
use crate::calendar::DateRange;
use crate::error::{Error, ErrorCode, Result};
use crate::id::BudgetId;
use crate::limits::MAX_BUDGET_PERIODS;
use crate::model::Budget;
use crate::money::{Amount, Money, div_half_even};
use crate::period::Month;
use crate::plan::Plan;
use crate::view::View;

/// Which budgets' state to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BudgetQuery {
    /// A month: each budget's period that holds its first day.
    pub month: Option<Month>,
    /// A day: each budget's period that holds it; `as_of` where neither this nor a month is named.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub date: Option<NaiveDate>,
    /// The day by the end of which pace and projection are told; today, in the book's zone, where
    /// absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
    /// One budget; all where absent.
    pub budget_id: Option<BudgetId>,
    /// Whether to name the transactions that make the figures.
    pub witness: bool,
}

/// Which of a budget's periods to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BudgetHistoryQuery {
    /// The budget.
    pub budget_id: BudgetId,
    /// A day of the first period; the budget's start, or the first spending, where absent.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// A day of the last period; `as_of` where absent.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
    /// The day by the end of which pace and projection are told; today, in the book's zone, where
    /// absent.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
    /// Whether to name the transactions that make the figures.
    #[serde(default)]
    pub witness: bool,
}

impl BudgetHistoryQuery {
    /// All periods of a budget up to the present one.
    pub fn of(budget_id: BudgetId) -> Self {
        Self { budget_id, from: None, to: None, as_of: None, witness: false }
    }
}

/// How a budget stands in a period.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BudgetState {
    /// The budget.
    pub budget_id: BudgetId,
    /// Its name.
    pub name: String,
    /// The period, where it is a calendar month.
    pub month: Option<Month>,
    /// The first day of the period.
    #[serde(deserialize_with = "crate::period::date")]
    pub from: NaiveDate,
    /// The last day of the period.
    #[serde(deserialize_with = "crate::period::date")]
    pub to: NaiveDate,
    /// What may be spent in each period.
    pub limit: Money,
    /// What the period began with beyond the limit; below zero where more was spent before.
    pub carried_in: Money,
    /// What was spent and booked, refunds taken off; below zero when more came back than went out.
    pub spent: Money,
    /// The same of what the bank has not booked yet.
    pub reserved: Money,
    /// What is left of limit and carry; what is reserved is taken off where the budget counts it.
    /// Below zero when more was used than was there.
    pub remaining: Money,
    /// What was used in percent of limit and carry, one decimal place, rounded half to even;
    /// absent where these leave nothing to be spent.
    pub used_percent: Option<Amount>,
    /// The days of the period.
    pub days: u32,
    /// How many of them have come by `as_of`, that day included.
    pub days_passed: u32,
    /// What would be used by then if each day took the same, rounded half to even.
    pub expected: Money,
    /// What was used by then beyond what was expected; below zero where it is less.
    pub ahead: Money,
    /// What is used at the period's end if the days to come take what those before took, rounded
    /// half to even; absent before the period's first day.
    pub projected: Option<Money>,
    /// The thresholds reached now, ascending.
    pub reached: Vec<u32>,
    /// The thresholds announced in this period, ascending.
    pub announced: Vec<u32>,
    /// How many transactions, or parts of split ones, are spent or reserved.
    pub transactions: u64,
    /// What was used was made from these, where asked for.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(BudgetState: budget_id, from, to, reached, announced);

/// What pace is told by, and whether figures come with their witness.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The day by the end of which pace and projection are told.
    pub as_of: NaiveDate,
    /// Whether to name the transactions that make the figures.
    pub witness: bool,
}

/// How budgets stand in their periods that hold a day. One that has not begun by then is left out.
///
/// # Errors
///
/// `amount_overflow` where a figure does not fit, `limit_exceeded` where witnesses would name more
/// than 100,000 transactions.
pub fn states(
    plan: &Plan,
    view: &View,
    budgets: &[&Budget],
    day: NaiveDate,
    told: Told,
) -> Result<Vec<BudgetState>> {
    let mut states = Vec::with_capacity(budgets.len());
    let mut named = Named::default();
    for budget in budgets {
        let range = budget.period.range_of(day);
        if chain::begun(budget, range) {
            states.extend(in_ranges(plan, view, budget, &[range], told, &mut named)?);
        }
    }
    Ok(states)
}

/// How a budget stands in its periods from the one of `from` to the one of `to`: each begins with
/// what the one before left.
///
/// # Errors
///
/// `limit_exceeded` for more than [`MAX_BUDGET_PERIODS`] periods, or where witnesses would name
/// more than 100,000 transactions.
pub fn history(
    plan: &Plan,
    view: &View,
    budget: &Budget,
    (from, to): (Option<NaiveDate>, NaiveDate),
    told: Told,
) -> Result<Vec<BudgetState>> {
    let first_use = || {
        let lines = view.lines().filter(|line| scope::counts(plan, budget, line));
        lines.map(|line| line.date).min()
    };
    let from = from.or(budget.start).or_else(first_use).unwrap_or(to);
    if from > to {
        return Err(Error::invalid("from", "`from` is after `to`"));
    }
    let days = DateRange::new(from, crate::calendar::after(to));
    let ranges = budget.period.ranges(days).filter(|range| chain::begun(budget, *range));
    let ranges: Vec<DateRange> = ranges.take(MAX_BUDGET_PERIODS + 1).collect();
    if ranges.len() > MAX_BUDGET_PERIODS {
        let text = format!("an answer has at most {MAX_BUDGET_PERIODS} periods");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("from"));
    }
    in_ranges(plan, view, budget, &ranges, told, &mut Named::default())
}

/// How a budget stands in these periods, which ascend.
fn in_ranges(
    plan: &Plan,
    view: &View,
    budget: &Budget,
    ranges: &[DateRange],
    told: Told,
    named: &mut Named,
) -> Result<Vec<BudgetState>> {
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return Ok(Vec::new()) };
    let from = chain::begin(budget).unwrap_or(*first).start().min(first.start());
    let counter = Counter { plan, budget };
    let uses = counter.uses(view, DateRange::new(from, last.end()), told);
    let mut chain = Chain::new(budget, &uses);
    let mut states = Vec::with_capacity(ranges.len());
    for range in ranges {
        let carried = chain.carried_into(*range);
        let used = uses.get(&range.start()).cloned().unwrap_or_default();
        let state = state(plan, view, budget, *range, carried, used, told)?;
        named.add(state.witness.as_ref())?;
        states.push(state);
    }
    Ok(states)
}

fn state(
    plan: &Plan,
    view: &View,
    budget: &Budget,
    range: DateRange,
    carried: i128,
    used: Use,
    told: Told,
) -> Result<BudgetState> {
    let money = |minor| Money::from_wide(minor, budget.limit.currency());
    let available = i128::from(budget.limit.minor()) + carried;
    let (days, days_passed) = (range.days(), range.days_until(told.as_of));
    let (total, passed) = (i128::from(days.max(1)), i128::from(days_passed));
    let expected = div_half_even(available.max(0) * passed, total);
    let projected = (passed > 0).then(|| div_half_even(used.by_now * total, passed));
    let tenths = (available > 0).then(|| div_half_even(used.used(budget) * 1_000, available));
    let percent = tenths.and_then(|it| Decimal::try_from_i128_with_scale(it, 1).ok());
    let (from, to) = (range.start(), range.last_day());
    let announced = plan.alerts.range((budget.id, from, to, 0)..=(budget.id, from, to, u32::MAX));
    Ok(BudgetState {
        budget_id: budget.id,
        name: budget.name.clone(),
        month: Some(Month::of(from)).filter(|month| DateRange::of(*month) == range),
        from,
        to,
        limit: budget.limit,
        carried_in: money(carried)?,
        spent: money(used.spent)?,
        reserved: money(used.pending)?,
        remaining: money(available - used.used(budget))?,
        used_percent: percent.map(Amount::new),
        days,
        days_passed,
        expected: money(expected)?,
        ahead: money(used.by_now - expected)?,
        projected: projected.map(money).transpose()?,
        reached: chain::reached(budget, available, used.used(budget)).collect(),
        announced: announced.map(|(_, alert)| alert.threshold).collect(),
        transactions: u64::try_from(used.lines).unwrap_or(0),
        witness: told.witness.then(|| Witness::of(view, budget.limit.currency(), used.witness)),
    })
}
