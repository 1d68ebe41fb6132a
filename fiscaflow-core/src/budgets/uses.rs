//! What was used in each period of a budget: from the view's monthly sums where periods are made
//! of whole months, else from the lines of the days asked for.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use super::{Told, scope};
use crate::calendar::{DateRange, after};
use crate::id::TransactionId;
use crate::model::Budget;
use crate::period::Month;
use crate::plan::Plan;
use crate::view::View;

/// What was used in a period, in minor units, and what made it.
#[derive(Debug, Clone, Default)]
pub(super) struct Use {
    pub(super) spent: i128,
    pub(super) pending: i128,
    /// What counts as used and came by the day that pace is told by.
    pub(super) by_now: i128,
    pub(super) lines: i128,
    pub(super) witness: Vec<TransactionId>,
}

impl Use {
    /// What counts as used.
    pub(super) fn used(&self, budget: &Budget) -> i128 {
        if budget.pending_counts { self.spent + self.pending } else { self.spent }
    }
}

/// What was used, by the first day of the period.
pub(super) type Uses = BTreeMap<NaiveDate, Use>;

/// What adds up the use of one budget.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counter<'a> {
    pub(super) plan: &'a Plan,
    pub(super) budget: &'a Budget,
}

impl Counter<'_> {
    /// What a view's lines use in the periods that make up a span of days.
    pub(super) fn uses(self, view: &View, span: DateRange, told: Told) -> Uses {
        let mut uses = Uses::new();
        self.add(&mut uses, view, span, 1);
        for (start, used) in &mut uses {
            let range = self.budget.period.range_of(*start);
            let come = DateRange::new(*start, after(told.as_of));
            if range.end() <= come.end() {
                used.by_now = used.used(self.budget);
            } else {
                self.each(view, come, |_, pending, minor| {
                    let counts = !pending || self.budget.pending_counts;
                    used.by_now -= if counts { minor } else { 0 };
                });
            }
        }
        if told.witness {
            for line in view.lines_in(span.start(), span.end()) {
                let counts = !line.pending || self.budget.pending_counts;
                if counts && scope::counts(self.plan, self.budget, &line) {
                    let start = self.budget.period.range_of(line.date).start();
                    uses.entry(start).or_default().witness.push(line.transaction_id);
                }
            }
        }
        uses
    }

    /// Adds what a view's lines use in the periods that make up a span of days, or, with -1, takes
    /// it away.
    pub(super) fn add(self, uses: &mut Uses, view: &View, span: DateRange, sign: i128) {
        let period = self.budget.period;
        let mut range = period.range_of(span.start());
        let mut put = |day: NaiveDate, pending: bool, lines: i128, minor: i128| {
            if !range.contains(day) {
                range = period.range_of(day);
            }
            let used = uses.entry(range.start()).or_default();
            *(if pending { &mut used.pending } else { &mut used.spent }) -= sign * minor;
            used.lines += sign * lines;
        };
        if !self.budget.tags.is_empty() || !period.has_whole_months() {
            self.each(view, span, |day, pending, minor| put(day, pending, 1, minor));
            return;
        }
        let groups = self.groups(view);
        let months = (Month::of(span.start()), Month::of(span.last_day()));
        for sum in view.months(Some(months.0), Some(months.1)) {
            if let Some(Some(pending)) = groups.get(sum.number) {
                put(sum.month.first_day(), *pending, i128::from(sum.lines), sum.minor);
            }
        }
    }

    /// Whether a group of lines counts, and if so, whether it is pending.
    fn groups(self, view: &View) -> Vec<Option<bool>> {
        let counts = |group| scope::counts_group(self.plan, self.budget, group);
        view.groups().map(|group| counts(group).then_some(group.pending)).collect()
    }

    /// Calls with each line of a span of days that counts: its day, whether it is pending, and its
    /// signed amount.
    fn each(self, view: &View, span: DateRange, mut see: impl FnMut(NaiveDate, bool, i128)) {
        if span.days() == 0 {
            return;
        }
        if !self.budget.tags.is_empty() {
            let lines = view.lines_in(span.start(), span.end());
            for line in lines.filter(|line| scope::counts(self.plan, self.budget, line)) {
                see(line.date, line.pending, i128::from(line.amount_minor));
            }
            return;
        }
        let groups = self.groups(view);
        let mut day = span.start();
        view.scan_days(Some(span.start()), Some(span.last_day()), |number, group, minor| {
            let Some(Some(pending)) = groups.get(group) else { return };
            if number != day.num_days_from_ce() {
                day = NaiveDate::from_num_days_from_ce_opt(number).unwrap_or(day);
            }
            see(day, *pending, i128::from(minor));
        });
    }
}
