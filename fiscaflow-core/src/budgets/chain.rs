//! What was used in each period of a budget, and what goes from one period into the next.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use super::{Told, scope};
use crate::calendar::DateRange;
use crate::id::TransactionId;
use crate::model::{Budget, Carry};
use crate::money::Money;
use crate::plan::Plan;
use crate::view::Line;

/// What was used in a period, in minor units, and the transactions that made it.
#[derive(Debug, Clone, Default)]
pub(super) struct Use {
    pub(super) spent: i128,
    pub(super) pending: i128,
    /// What counts as used and came by the day that pace is told by.
    pub(super) by_now: i128,
    pub(super) transactions: u64,
    pub(super) witness: Vec<TransactionId>,
    last: Option<TransactionId>,
}

impl Use {
    /// What counts as used.
    pub(super) fn used(&self, budget: &Budget) -> i128 {
        if budget.pending_counts { self.spent + self.pending } else { self.spent }
    }

    fn add(&mut self, budget: &Budget, line: &Line<'_>, told: Option<Told>) {
        let minor = -i128::from(line.amount_minor);
        *(if line.pending { &mut self.pending } else { &mut self.spent }) += minor;
        // The parts of one transaction stand side by side.
        let new = self.last.replace(line.transaction_id) != Some(line.transaction_id);
        self.transactions = self.transactions.saturating_add(u64::from(new));
        let Some(told) = told.filter(|_| !line.pending || budget.pending_counts) else { return };
        if line.date <= told.as_of {
            self.by_now += minor;
        }
        if told.witness && new {
            self.witness.push(line.transaction_id);
        }
    }
}

/// What was used, by the first day of the period.
pub(super) type Uses = BTreeMap<NaiveDate, Use>;

/// What lines use of a budget in its periods.
pub(super) fn uses<'a>(
    plan: &Plan,
    budget: &Budget,
    lines: impl Iterator<Item = Line<'a>>,
    told: Option<Told>,
) -> Uses {
    let mut uses = Uses::new();
    let mut range = budget.period.range_of(NaiveDate::MIN);
    for line in lines.filter(|line| scope::counts(plan, budget, line)) {
        if !range.contains(line.date) {
            range = budget.period.range_of(line.date);
        }
        uses.entry(range.start()).or_default().add(budget, &line, told);
    }
    uses
}

/// The budget's first period; `None` where it has always been.
pub(super) fn begin(budget: &Budget) -> Option<DateRange> {
    budget.start.map(|start| budget.period.range_of(start))
}

/// Whether the budget has begun in a period.
pub(super) fn begun(budget: &Budget, range: DateRange) -> bool {
    begin(budget).is_none_or(|first| first.start() <= range.start())
}

/// The thresholds that use reaches: compared as integers, so that no rounding decides. Where
/// nothing is available, whatever is used reaches them all.
pub(super) fn reached(
    budget: &Budget,
    available: i128,
    used: i128,
) -> impl Iterator<Item = u32> + use<> {
    let hundredfold = used.saturating_mul(100);
    let reaches = move |threshold: &u32| {
        used > 0 && hundredfold >= available.saturating_mul(i128::from(*threshold))
    };
    budget.thresholds.clone().into_iter().filter(reaches)
}

/// Walks a budget's periods from the first, and knows what each begins with.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    budget: &'a Budget,
    uses: &'a Uses,
    cap: Option<i128>,
    at: Option<DateRange>,
    periods: u32,
    carried: i128,
}

impl<'a> Chain<'a> {
    pub(super) fn new(budget: &'a Budget, uses: &'a Uses) -> Self {
        let cap = budget.rollover.cap;
        let cap = cap.and_then(|cap| Money::from_amount(cap, budget.limit.currency()).ok());
        Self {
            budget,
            uses,
            cap: cap.map(|cap| i128::from(cap.minor())),
            at: begin(budget).filter(|_| budget.rollover.carry != Carry::Nothing),
            periods: 0,
            carried: 0,
        }
    }

    /// What is carried into a period; to be asked of periods that ascend.
    pub(super) fn carried_into(&mut self, range: DateRange) -> i128 {
        while let Some(at) = self.at.filter(|at| at.start() < range.start()) {
            self.at = self.budget.period.next(at);
            self.periods = self.periods.saturating_add(1);
            let resets = self.budget.rollover.reset_every;
            let anew = resets.is_some_and(|every| self.periods.checked_rem(every) == Some(0))
                || (self.budget.rollover.reset_yearly
                    && self.at.is_some_and(|next| next.start().year() != at.start().year()));
            self.carried = if anew { 0 } else { self.left_of(at) };
        }
        self.carried
    }

    /// What goes on from a period.
    fn left_of(&self, range: DateRange) -> i128 {
        let used = self.uses.get(&range.start()).map_or(0, |it| it.used(self.budget));
        let left = i128::from(self.budget.limit.minor()) + self.carried - used;
        let left = match self.budget.rollover.carry {
            Carry::Nothing => 0,
            Carry::Surplus => left.max(0),
            Carry::Deficit => left.min(0),
            Carry::Both => left,
        };
        self.cap.map_or(left, |cap| left.min(cap))
    }
}
