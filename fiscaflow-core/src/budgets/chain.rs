//! What goes from one period of a budget into the next, and which thresholds are reached.

use chrono::Datelike;

use super::uses::Uses;
use crate::calendar::DateRange;
use crate::model::{Budget, Carry};
use crate::money::Money;
use crate::planted;

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
            if planted::is("rollover_twice") {
                self.carried *= 2;
            }
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
