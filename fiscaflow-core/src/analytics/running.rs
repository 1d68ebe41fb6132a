//! Running totals: what lies in each bucket at the ends of days.

use std::iter::Peekable;

use chrono::{Datelike, NaiveDate};

use super::counted::Buckets;
use crate::id::AccountId;
use crate::period::Month;
use crate::view::{MonthSum, View};

/// Totals that move on from day to day: along the monthly sums, and over the lines of the one month
/// in which a day lies.
pub(crate) struct Running<'a, K, I: Iterator> {
    view: &'a View,
    buckets: &'a Buckets<K>,
    months: Peekable<I>,
    /// At the end of the last month that was passed.
    totals: Vec<i128>,
}

/// Totals that begin with nothing.
pub(crate) fn running<'a, K: Copy + Ord>(
    view: &'a View,
    buckets: &'a Buckets<K>,
) -> Running<'a, K, impl Iterator<Item = MonthSum<'a>>> {
    let months = view.months(None, None).peekable();
    Running { view, buckets, months, totals: vec![0; buckets.width()] }
}

impl<'a, K: Copy + Ord, I: Iterator<Item = MonthSum<'a>>> Running<'a, K, I> {
    /// The totals at the end of a day, or after everything, one for each place of the buckets. Days
    /// must ascend.
    pub(crate) fn at(&mut self, day: Option<NaiveDate>) -> Vec<i128> {
        let passed = |month: Month| day.is_none_or(|day| month.last_day() <= day);
        while let Some(cell) = self.months.next_if(|cell| passed(cell.month)) {
            if let Some(total) = self.totals.get_mut(self.buckets.place(cell.number)) {
                *total += cell.minor;
            }
        }
        let mut totals = self.totals.clone();
        if let Some(day) = day.filter(|day| !passed(Month::of(*day))) {
            let month = Month::of(day).first_day();
            self.view.scan(Some(month), Some(day), |group, _, minor| {
                if let Some(total) = totals.get_mut(self.buckets.place(group)) {
                    *total += i128::from(minor);
                }
            });
        }
        totals
    }
}

/// The totals at the end of each day from the first to the last, those of the buckets' places side
/// by side. Buckets must not part what one account holds.
pub(super) fn by_day(
    view: &View,
    buckets: &Buckets<AccountId>,
    first: NaiveDate,
    last: NaiveDate,
) -> Vec<i128> {
    let width = buckets.width();
    let days = usize::try_from(last.signed_duration_since(first).num_days()).unwrap_or_default();
    let mut totals = vec![0_i128; width.saturating_mul(days.saturating_add(1))];
    let from = first.num_days_from_ce();
    view.scan_accounts(first, last, |day, group, minor| {
        let row = usize::try_from(day - from).unwrap_or_default() * width;
        if let Some(total) = totals.get_mut(row + buckets.place(group)) {
            *total += minor;
        }
    });
    // The day before may be before all that can be recorded: then nothing lies before it.
    let before = first.pred_opt().map(|day| running(view, buckets).at(Some(day)));
    let mut before = before.unwrap_or_else(|| vec![0; width]);
    for row in totals.chunks_exact_mut(width) {
        for (total, before) in row.iter_mut().zip(&mut before) {
            *total += *before;
            *before = *total;
        }
    }
    totals
}
