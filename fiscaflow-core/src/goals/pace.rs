//! The plan of a goal, and its pace: which days they look at, and their arithmetic.
//!
//! Pace is the mean of the months and not their median, because what is saved adds up: whoever
//! saves once a quarter has a median of zero and arrives all the same.

use chrono::{Months, NaiveDate};

use crate::calendar::{DateRange, after};
use crate::model::{Goal, GoalFunding};
use crate::money::div_half_even;
use crate::period::Month;

/// Over how many full months pace is told, at most.
const PACE_MONTHS: u32 = 6;
/// How many months ahead a projection reaches.
const MAX_MONTHS_AHEAD: u32 = 1_200;

/// A quotient rounded up; the divisor is above zero.
pub(super) fn div_up(number: i128, divisor: i128) -> i128 {
    -(-number).div_euclid(divisor)
}

/// The full months that pace is told from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The day before the first of them.
    pub(super) before: NaiveDate,
    /// The last day of the last.
    pub(super) last: NaiveDate,
    pub(super) months: u32,
}

/// A goal's course seen from a day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    start: NaiveDate,
    due: Option<NaiveDate>,
    as_of: NaiveDate,
    /// The day by which what was there before is told: the one before the start, or `as_of` where
    /// that is earlier.
    pub(super) before: NaiveDate,
    pub(super) window: Option<Window>,
}

impl Line {
    pub(super) fn new(goal: &Goal, as_of: NaiveDate) -> Self {
        // An envelope knows months and no days.
        let start = match goal.funding {
            GoalFunding::Envelope { .. } => Month::of(goal.start).first_day(),
            _ => goal.start,
        };
        let before = start.pred_opt().unwrap_or(start).min(as_of);
        Self { start, due: goal.due, as_of, before, window: window(start, as_of) }
    }

    /// The days by which it has to be known what is saved.
    pub(super) fn days(&self) -> impl Iterator<Item = NaiveDate> {
        let window = self.window.into_iter().flat_map(|window| [window.before, window.last]);
        [self.before, self.as_of].into_iter().chain(window)
    }

    /// What should be saved by the plan: the way from what was there before to the target in equal
    /// parts, one for each calendar month from that of the start to that of the due day; the part
    /// of a month grows by its days that belong to the plan. Rounded half to even.
    pub(super) fn planned(&self, before: i128, target: i128) -> Option<i128> {
        let due = self.due?;
        if self.as_of < self.start || target <= before {
            return Some(before.min(target));
        }
        if self.as_of >= due {
            return Some(target);
        }
        let (first, now) = (Month::of(self.start), Month::of(self.as_of));
        let parts = i128::from(first.until(Month::of(due)).saturating_add(1));
        let month = DateRange::of(now);
        let days = DateRange::new(month.start().max(self.start), month.end().min(after(due)));
        let (all, come) = (i128::from(days.days()), i128::from(days.days_until(self.as_of)));
        let passed = i128::from(first.until(now));
        let whole = (target - before).saturating_mul(passed * all + come);
        Some(before + div_half_even(whole, (parts * all).max(1)))
    }

    /// How many calendar months are left, the present one included; one at least.
    pub(super) fn months_left(&self) -> Option<u32> {
        let from = Month::of(self.as_of.max(self.start));
        let months = from.until(Month::of(self.due?)).saturating_add(1);
        Some(u32::try_from(months.max(1)).unwrap_or(u32::MAX))
    }
}

/// The last full months by the end of a day, those before the start left out.
fn window(start: NaiveDate, as_of: NaiveDate) -> Option<Window> {
    let now = Month::of(as_of);
    let last = if now.last_day() == as_of { now } else { now.previous() };
    let first = Month::of(start);
    let first = if first.first_day() == start { first } else { first.next() };
    let first = first.max(last.back(PACE_MONTHS - 1));
    let months = u32::try_from(first.until(last).saturating_add(1)).ok().filter(|it| *it > 0)?;
    let before = first.first_day().pred_opt()?;
    (last.last_day() <= as_of).then_some(Window { before, last: last.last_day(), months })
}

/// The day on which the rest is there if each month brings as much as these months did on average;
/// in the last month each day brings the same.
pub(super) fn projected(
    as_of: NaiveDate,
    remaining: i128,
    moved: i128,
    months: u32,
) -> Option<NaiveDate> {
    if moved <= 0 || remaining <= 0 {
        return None;
    }
    let parts = remaining.saturating_mul(i128::from(months));
    let whole = u32::try_from(parts.div_euclid(moved)).ok()?;
    if whole > MAX_MONTHS_AHEAD {
        return None;
    }
    let reached = as_of.checked_add_months(Months::new(whole))?;
    let next = as_of.checked_add_months(Months::new(whole.saturating_add(1)))?;
    let length = i128::from((next - reached).num_days());
    let days = div_up(parts.rem_euclid(moved).saturating_mul(length), moved);
    let day = reached.checked_add_days(chrono::Days::new(u64::try_from(days).ok()?))?;
    crate::period::check_day("as_of", Some(day)).ok().map(|()| day)
}
