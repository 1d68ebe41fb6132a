//! Automations: what fills envelopes each month, as a pure function of plan, view and month.
//!
//! Automations run by turn ([`Automation::priority`](crate::model::Automation)), within a turn by
//! category; shares of the remainder come last. What they ask for, and what of it was withheld, is
//! told with every proposal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::due;
use super::envelopes::{Flow, Standing, flows, standing};
use crate::calendar::DateRange;
use crate::error::Result;
use crate::id::CategoryId;
use crate::model::{AutomationRule, Envelope};
use crate::money::{Amount, Money, div_half_even};
use crate::period::Month;
use crate::plan::Plan;
use crate::view::View;

/// In which month automations shall fill envelopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AutomationQuery {
    /// The month.
    pub month: Month,
    /// Whether envelopes that were assigned something in it are filled anew; only those that were
    /// assigned nothing are filled where absent.
    #[serde(default)]
    pub overwrite: bool,
}

/// What one automation asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ProposalPart {
    /// Its place among the envelope's automations, from 0.
    pub automation: u32,
    /// What it asked for; what automations by date ask for together stands with the first.
    pub asked: Money,
}

/// What an envelope is to be assigned, and why: what its automations asked for, less what was
/// withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Proposal {
    /// The category.
    pub category_id: CategoryId,
    /// What it is assigned now.
    pub before: Money,
    /// What it is to be assigned.
    pub amount: Money,
    /// What its automations asked for, in their turn.
    pub parts: Vec<ProposalPart>,
    /// What was withheld, or is given back, because the envelope is full.
    pub beyond_cap: Money,
    /// What was withheld because there was no more to be budgeted.
    pub beyond_funds: Money,
}

/// What automations propose for a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AutomationReport {
    /// The month.
    pub month: Month,
    /// The envelopes that have automations and may be filled, by category.
    pub proposals: Vec<Proposal>,
    /// What is to be budgeted before.
    pub before: Money,
    /// What is to be budgeted then.
    pub after: Money,
}

/// An envelope while it is filled, in minor units.
pub(super) struct Filling<'a> {
    pub(super) id: CategoryId,
    pub(super) envelope: &'a Envelope,
    cap: Option<i128>,
    before: i128,
    pub(super) carried: i128,
    given: i128,
    beyond_cap: i128,
    beyond_funds: i128,
    parts: Vec<(usize, i128)>,
}

impl Filling<'_> {
    /// What the cap leaves room for.
    fn room(&self) -> i128 {
        self.cap.map_or(i128::MAX, |cap| (cap - self.carried - self.given).max(0))
    }

    /// Gives what was asked for as far as cap and funds allow; what was given.
    fn give(&mut self, asked: i128, funds: i128) -> i128 {
        let fits = asked.min(self.room());
        let given = fits.min(funds.max(0));
        self.beyond_cap += asked - fits;
        self.beyond_funds += fits - given;
        self.given += given;
        given
    }
}

/// What automations look at.
pub(super) struct Facts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) month: Month,
    pub(super) flows: BTreeMap<Month, Flow>,
    standing: Standing,
}

/// What automations propose for a month.
///
/// # Errors
///
/// `amount_overflow` where a sum does not fit.
pub fn propose(plan: &Plan, view: &View, query: &AutomationQuery) -> Result<AutomationReport> {
    let month = query.month;
    let flows = flows(plan, view, month.last_day());
    let standing = standing(plan, &flows, month);
    let facts = Facts { plan, month, flows, standing };
    let mut fillings = facts.fillings(query.overwrite)?;
    let returned: i128 = fillings.iter().map(|it| it.before - it.given).sum();
    let mut funds = facts.standing.to_be_budgeted + returned;
    let priorities = fillings.iter().flat_map(|it| &it.envelope.automations);
    let priorities: BTreeSet<u32> = priorities.map(|it| it.priority).collect();
    for priority in priorities {
        let available = funds.max(0);
        for filling in &mut fillings {
            let asked = facts.asked(filling, priority, available)?;
            let most = if priority == 0 { i128::MAX } else { funds };
            funds -= filling.give(asked, most);
        }
    }
    facts.share(&mut fillings, &mut funds)?;
    facts.report(fillings, funds)
}

impl Facts<'_> {
    pub(super) fn minor(&self, amount: Amount) -> Result<i128> {
        Ok(i128::from(Money::from_amount(amount, self.plan.book.currency)?.minor()))
    }

    /// What an envelope was assigned in a month.
    pub(super) fn assigned(&self, month: Month, id: CategoryId) -> i128 {
        let assignment = self.plan.assignments.get(&month);
        let amounts = assignment.into_iter().flat_map(|it| &it.amounts);
        let found = amounts.filter(|it| it.category_id == id).map(|it| it.amount.minor());
        found.map(i128::from).sum()
    }

    /// The envelopes that are filled, and what is given back of those that are too full.
    fn fillings(&self, overwrite: bool) -> Result<Vec<Filling<'_>>> {
        let mut fillings = Vec::new();
        for (id, envelope) in &self.plan.envelopes {
            let of = |map: &BTreeMap<CategoryId, i128>| map.get(id).copied().unwrap_or(0);
            let before = of(&self.standing.assigned);
            if envelope.automations.is_empty() || (before != 0 && !overwrite) {
                continue;
            }
            let cap = envelope.cap.map(|cap| self.minor(cap)).transpose()?;
            let carried = of(&self.standing.carried);
            let excess = cap.map_or(0, |cap| (carried - cap).max(0));
            let excess = if envelope.returns_excess { excess } else { 0 };
            fillings.push(Filling {
                id: *id,
                envelope,
                cap,
                before,
                carried,
                given: -excess,
                beyond_cap: excess,
                beyond_funds: 0,
                parts: Vec::new(),
            });
        }
        Ok(fillings)
    }

    /// What an envelope's automations of one turn ask for.
    fn asked(&self, filling: &mut Filling<'_>, priority: u32, available: i128) -> Result<i128> {
        let mut total = 0;
        let by_date = due::first(filling.envelope);
        let automations = filling.envelope.automations.iter().enumerate();
        for (at, automation) in automations.filter(|(_, it)| it.priority == priority) {
            let asked = match &automation.rule {
                _ if by_date == Some(at) => self.by_dates(filling)?,
                AutomationRule::UpTo { amount } => {
                    self.minor(*amount)? - filling.carried - filling.given - total
                }
                AutomationRule::PercentOfAvailable { percent } => share_of(available, *percent),
                AutomationRule::Remainder { .. } => continue,
                rule if due::is_by_date(rule) => continue,
                rule => self.asked_by(rule, filling.id)?,
            };
            let asked = asked.max(0);
            filling.parts.push((at, asked));
            total += asked;
        }
        Ok(total)
    }

    /// What an automation asks for that looks at nothing but its category.
    fn asked_by(&self, rule: &AutomationRule, id: CategoryId) -> Result<i128> {
        Ok(match rule {
            AutomationRule::Fixed { amount } => self.minor(*amount)?,
            AutomationRule::Repeat { amount, days } => {
                let times = days.dates_in(DateRange::of(self.month)).count();
                self.minor(*amount)?.saturating_mul(i128::try_from(times).unwrap_or(0))
            }
            AutomationRule::Percent { percent, category_id, previous } => {
                let month = if *previous { self.month.previous() } else { self.month };
                let income = self.flows.get(&month).map(|flow| &flow.income);
                let income = income.into_iter().flatten();
                let wanted = income.filter(|(id, _)| category_id.is_none_or(|it| it == **id));
                let income: i128 = wanted.map(|(_, minor)| *minor).sum();
                share_of(income.max(0), *percent)
            }
            AutomationRule::Schedule { schedule_id, increase_percent, increase_amount, .. } => {
                let due = self.falls_due(*schedule_id, (*increase_percent, *increase_amount))?;
                due.filter(|it| it.left == 0).map_or(0, |it| it.minor)
            }
            AutomationRule::Average { months, increase_percent, increase_amount } => {
                let mut sum = 0;
                for ago in 1..=*months {
                    let flow = self.flows.get(&self.month.back(ago));
                    sum -= flow.and_then(|flow| flow.activity.get(&id)).copied().unwrap_or(0);
                }
                let average = div_half_even(sum, i128::from(*months).max(1));
                self.increased(average, (*increase_percent, *increase_amount))?
            }
            AutomationRule::Copy { months_ago } => self.assigned(self.month.back(*months_ago), id),
            AutomationRule::UpTo { .. }
            | AutomationRule::ByDate { .. }
            | AutomationRule::PercentOfAvailable { .. }
            | AutomationRule::Remainder { .. } => 0,
        })
    }

    /// Shares what is left to be budgeted among the envelopes that take a share of the remainder;
    /// what a full one leaves, the others share.
    fn share(&self, fillings: &mut [Filling<'_>], funds: &mut i128) -> Result<()> {
        loop {
            let weights: Vec<u32> = fillings.iter().map(weight).collect();
            if *funds <= 0 || weights.iter().all(|weight| *weight == 0) {
                return Ok(());
            }
            let left = Money::from_wide(*funds, self.plan.book.currency)?;
            let mut full = false;
            for ((filling, share), weight) in
                fillings.iter_mut().zip(left.allocate(&weights)?).zip(weights)
            {
                if weight == 0 {
                    continue;
                }
                let asked = i128::from(share.minor());
                let given = asked.min(filling.room());
                full |= filling.room() <= asked;
                filling.given += given;
                *funds -= given;
                let automations = filling.envelope.automations.iter();
                let at = automations.clone().position(is_remainder).unwrap_or(0);
                match filling.parts.iter_mut().find(|(part, _)| *part == at) {
                    Some((_, asked)) => *asked += given,
                    None => filling.parts.push((at, given)),
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    fn report(&self, fillings: Vec<Filling<'_>>, funds: i128) -> Result<AutomationReport> {
        let money = |minor: i128| Money::from_wide(minor, self.plan.book.currency);
        let mut proposals = Vec::with_capacity(fillings.len());
        for filling in fillings {
            let parts = filling.parts.iter().map(|(at, asked)| {
                let automation = u32::try_from(*at).unwrap_or(u32::MAX);
                Ok(ProposalPart { automation, asked: money(*asked)? })
            });
            proposals.push(Proposal {
                category_id: filling.id,
                before: money(filling.before)?,
                amount: money(filling.given)?,
                parts: parts.collect::<Result<_>>()?,
                beyond_cap: money(filling.beyond_cap)?,
                beyond_funds: money(filling.beyond_funds)?,
            });
        }
        Ok(AutomationReport {
            month: self.month,
            proposals,
            before: money(self.standing.to_be_budgeted)?,
            after: money(funds)?,
        })
    }
}

fn is_remainder(automation: &crate::model::Automation) -> bool {
    matches!(automation.rule, AutomationRule::Remainder { .. })
}

/// The weight of an envelope among those that share the remainder; none where it is full.
fn weight(filling: &Filling<'_>) -> u32 {
    if filling.room() == 0 {
        return 0;
    }
    let weights = filling.envelope.automations.iter().map(|automation| match automation.rule {
        AutomationRule::Remainder { weight } => weight,
        _ => 0,
    });
    weights.fold(0, u32::saturating_add)
}

/// So many percent of an amount, rounded half to even.
pub(super) fn share_of(minor: i128, percent: Amount) -> i128 {
    let percent = percent.decimal();
    let hundredfold = 10_i128.checked_pow(percent.scale()).and_then(|it| it.checked_mul(100));
    let product = minor.checked_mul(percent.mantissa());
    match (product, hundredfold) {
        (Some(product), Some(hundredfold)) => div_half_even(product, hundredfold),
        _ => 0,
    }
}
