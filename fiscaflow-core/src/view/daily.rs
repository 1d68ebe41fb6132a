//! Daily sums: what moved in each account on each day, for balances by day. They are made of the
//! main part when first asked for and live as long as it does.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use super::View;
use super::scan::{index, span};
use crate::id::AccountId;

/// What moved in an account on a day; what no 64 bits hold comes in several.
pub(super) struct DaySum {
    day: i32,
    /// The first group of the account.
    group: u32,
    minor: i64,
}

impl View {
    /// Calls with a day, the number of a group of an account and what moved in that account on that
    /// day, in minor units, for the days from the first to the last, both included; what moved on a
    /// day may come in several sums, and days come in no particular order.
    ///
    /// A day is told as by [`View::scan_days`], of which this is the sum by account. Only the first
    /// call after much has changed looks at every line.
    ///
    /// ```
    /// use fiscaflow_core::view::View;
    ///
    /// # let view = View::new();
    /// let accounts: Vec<_> = view.groups().map(|group| group.account_id).collect();
    /// let day = "2026-01-01".parse().unwrap();
    /// view.scan_accounts(day, day, |_day, group, minor| {
    ///     println!("{minor} in {:?}", accounts.get(group));
    /// });
    /// ```
    pub fn scan_accounts(
        &self,
        first: NaiveDate,
        last: NaiveDate,
        mut see: impl FnMut(i32, usize, i128),
    ) {
        let span = span(Some(first), Some(last));
        let sums = self.sorted.daily.get_or_init(|| self.daily());
        let start = sums.partition_point(|sum| sum.day < span.start);
        let end = sums.partition_point(|sum| sum.day < span.end).max(start);
        for sum in sums.get(start..end).unwrap_or_default() {
            see(sum.day, index(sum.group), sum.minor.into());
        }
        for (day, group, minor) in self.sorted.lines_among(span.clone(), &self.beside.gone) {
            see(day, index(group), -i128::from(minor));
        }
        for ((day, _), parts) in self.beside.rows_in(span) {
            parts.iter().for_each(|part| see(*day, index(part.group), part.minor.into()));
        }
    }

    /// The daily sums of the main part, in the order of days.
    fn daily(&self) -> Vec<DaySum> {
        let mut firsts: HashMap<AccountId, u32> = HashMap::new();
        let groups = self.groups.values().zip(0_u32..);
        let first_of: Vec<u32> = groups
            .map(|(group, number)| *firsts.entry(group.account_id).or_insert(number))
            .collect();
        let none = BTreeSet::new();
        let mut sums = Vec::new();
        let mut of_day: Vec<Option<i64>> = vec![None; first_of.len()];
        let mut seen = Vec::new();
        for (day, run) in self.sorted.days(i32::MIN..i32::MAX, &none) {
            for (group, minor) in run.groups.iter().zip(run.amounts) {
                let Some(first) = first_of.get(index(*group)) else { continue };
                let Some(sum) = of_day.get_mut(index(*first)) else { continue };
                let before = sum.unwrap_or_else(|| {
                    seen.push(*first);
                    0
                });
                *sum = Some(before.checked_add(*minor).unwrap_or_else(|| {
                    sums.push(DaySum { day, group: *first, minor: before });
                    *minor
                }));
            }
            for group in seen.drain(..) {
                if let Some(minor) = of_day.get_mut(index(group)).and_then(Option::take) {
                    sums.push(DaySum { day, group, minor });
                }
            }
        }
        sums.shrink_to_fit();
        sums
    }
}
