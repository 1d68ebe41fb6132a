//! Goals' figures: what is saved, what is missing, and when it will be there.
//!
//! Nothing of it is kept but the milestones that were announced: what is saved by a day (`saved`)
//! follows from plan and view, and plan, pace and projection (`pace`) from what is saved by a few
//! days. All of it is integers.

mod announce;
mod pace;
mod saved;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub(crate) use announce::{announce, may_reach};

use self::pace::Line;
use self::saved::Saved;
use crate::analytics::{Named, Witness};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{GoalId, TransactionId};
use crate::model::{Goal, GoalFunding, GoalState};
use crate::money::{Amount, Money, div_half_even};
use crate::plan::Plan;
use crate::view::View;

/// Which goals' progress to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct GoalQuery {
    /// One goal; all where absent.
    pub goal_id: Option<GoalId>,
    /// The day by whose end it is told; today, in the book's zone, where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
    /// Whether to name the transactions that make the figures.
    pub witness: bool,
}

/// What one transaction added to a goal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct GoalContribution {
    /// The transaction.
    pub transaction_id: TransactionId,
    /// Its booking date.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// What it added; below zero where it took something away.
    pub amount: Money,
}
crate::model::debug_only!(GoalContribution: transaction_id, date);

/// How a goal stands at the end of a day.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct GoalProgress {
    /// The goal.
    pub goal_id: GoalId,
    /// Its name.
    pub name: String,
    /// `achieved` also where the target is saved and no person has decided otherwise.
    pub state: GoalState,
    /// What is to be saved.
    pub target: Money,
    /// What is saved; below zero where more went out than came in.
    pub saved: Money,
    /// What is missing to the target; zero where nothing is.
    pub remaining: Money,
    /// What is saved in percent of the target, one decimal place, rounded half to even.
    pub saved_percent: Amount,
    /// What of it was there before the goal's start.
    pub before: Money,
    /// What of it an envelope was assigned since then, what it lost by overspending made good; zero
    /// for goals that are saved otherwise.
    pub assigned: Money,
    /// What should be saved by the plan: equal parts for the months from start to due day.
    pub planned: Option<Money>,
    /// What is missing to that; zero where nothing is.
    pub shortfall: Option<Money>,
    /// How many months are left to save in, the present one included.
    pub months_left: Option<u32>,
    /// What has to be saved in each of them, rounded up to a whole minor unit.
    pub needed_per_month: Option<Money>,
    /// What was saved in a month, on average over the last full ones, six at most; rounded half to
    /// even.
    pub pace: Option<Money>,
    /// Over how many months that is.
    pub pace_months: u32,
    /// The day on which the target is saved if it goes on at that pace.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub projected: Option<NaiveDate>,
    /// The milestones reached now, ascending.
    pub reached: Vec<u32>,
    /// The milestones announced, ascending.
    pub announced: Vec<u32>,
    /// The transactions since the start that changed what is saved, by date, where asked for: with
    /// what was before and what was assigned they add up to it.
    pub contributions: Option<Vec<GoalContribution>>,
    /// What is saved was made from these, those before the start too, where asked for; and for an
    /// envelope, from what it was assigned.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(GoalProgress: goal_id, state, reached, announced);

/// How goals stand at the end of a day.
///
/// # Errors
///
/// Those of [`progress`]; `limit_exceeded` where witnesses would name more than 100,000
/// transactions.
pub fn progress_of_all(
    plan: &Plan,
    view: &View,
    goals: &[&Goal],
    as_of: NaiveDate,
    witness: bool,
) -> Result<Vec<GoalProgress>> {
    let (mut all, mut named) = (Vec::with_capacity(goals.len()), Named::default());
    for goal in goals {
        let it = progress(plan, view, goal, as_of, witness)?;
        named.add(it.witness.as_ref())?;
        all.push(it);
    }
    Ok(all)
}

/// How a goal stands at the end of a day.
///
/// # Errors
///
/// `amount_overflow` where a figure does not fit.
pub fn progress(
    plan: &Plan,
    view: &View,
    goal: &Goal,
    as_of: NaiveDate,
    witness: bool,
) -> Result<GoalProgress> {
    let source = Saved { plan, view, goal };
    let line = Line::new(goal, as_of);
    let days: BTreeSet<NaiveDate> = line.days().collect();
    let by = source.by_days(&days);
    let at = |day: NaiveDate| by.get(&day).copied().unwrap_or(0);
    let (before, saved) = (at(line.before), at(as_of));
    let target = i128::from(goal.target.minor());
    let remaining = (target - saved).max(0);
    let state = state(goal, saved);
    let money = |minor: i128| Money::from_wide(minor, goal.target.currency());
    let active = state == GoalState::Active;
    let planned = line.planned(before, target).filter(|_| active);
    let months_left = line.months_left().filter(|_| active);
    let needed = months_left.map(|months| pace::div_up(remaining, i128::from(months)));
    let (moved, months) = line.window.map_or((0, 0), |it| (at(it.last) - at(it.before), it.months));
    let pace = (months > 0).then(|| div_half_even(moved, i128::from(months)));
    let projected = pace::projected(as_of, remaining, moved, months).filter(|_| active);
    // Only an envelope is filled by anything but transactions.
    let enveloped = matches!(goal.funding, GoalFunding::Envelope { .. });
    let flows = if witness || enveloped {
        source.contributions(line.before, as_of)
    } else {
        BTreeMap::new()
    };
    let contributed = if enveloped { flows.values().sum() } else { saved - before };
    let named = witness.then(|| source.witness(line.before, &flows));
    let contributions = flows.into_iter().map(|((date, transaction_id), minor)| {
        Ok(GoalContribution { transaction_id, date, amount: money(minor)? })
    });
    let announced = plan.milestones.range((goal.id, 0)..=(goal.id, u32::MAX));
    Ok(GoalProgress {
        goal_id: goal.id,
        name: goal.name.clone(),
        state,
        target: goal.target,
        saved: money(saved)?,
        remaining: money(remaining)?,
        saved_percent: percent(saved, target),
        before: money(before)?,
        assigned: money(saved - before - contributed)?,
        planned: planned.map(money).transpose()?,
        shortfall: planned.map(|planned| money((planned - saved).max(0))).transpose()?,
        months_left,
        needed_per_month: needed.map(money).transpose()?,
        pace: pace.map(money).transpose()?,
        pace_months: months,
        projected,
        reached: reached(goal, saved).collect(),
        announced: announced.map(|(_, it)| it.percent).collect(),
        contributions: if witness { Some(contributions.collect::<Result<_>>()?) } else { None },
        witness: named,
    })
}

/// Refuses a goal that no transaction can be linked to.
pub(crate) fn linkable(id: GoalId, plan: &Plan) -> Result<()> {
    if matches!(plan.goal(id)?.funding, GoalFunding::Transactions { .. }) {
        return Ok(());
    }
    let text = "the goal is not saved by transactions that are linked to it";
    Err(Error::new(ErrorCode::InvalidInput, text).id(id))
}

/// What a person has decided, or the figures say.
fn state(goal: &Goal, saved: i128) -> GoalState {
    match goal.state {
        GoalState::Active | GoalState::Paused if saved >= i128::from(goal.target.minor()) => {
            GoalState::Achieved
        }
        decided => decided,
    }
}

/// The milestones that what is saved reaches, compared as integers.
fn reached(goal: &Goal, saved: i128) -> impl Iterator<Item = u32> + use<> {
    let target = i128::from(goal.target.minor());
    let reaches = move |percent: &u32| {
        saved.saturating_mul(100) >= target.saturating_mul(i128::from(*percent))
    };
    goal.milestones.clone().into_iter().filter(reaches)
}

fn percent(saved: i128, target: i128) -> Amount {
    let tenths = div_half_even(saved.saturating_mul(1_000), target.max(1));
    Amount::new(Decimal::try_from_i128_with_scale(tenths, 1).unwrap_or_default())
}
