//! Scans: the lines of a span of days as their dense keys, for figures that no monthly sum has.

use std::ops::Range;

use chrono::{Datelike, NaiveDate};

use super::View;
use super::numbers::NONE;
use super::sorted::{Extras, Part};
use crate::id::TransactionId;

/// A line as a scan sees it.
#[derive(Clone, Copy)]
pub(crate) struct Scanned<'a> {
    /// The transaction.
    pub(crate) transaction_id: TransactionId,
    /// The booking day, as [`View::scan_days`] tells it.
    pub(crate) day: i32,
    /// The number of its group.
    pub(crate) group: usize,
    /// The number of its payee.
    pub(crate) payee: Option<usize>,
    /// The signed amount in minor units.
    pub(crate) minor: i64,
    /// The transaction's tags.
    pub(crate) tags: &'a [String],
}

impl View {
    /// Calls with all that is known of every line from the first day to the last, both included;
    /// absent = from the beginning, to the end. The days of the main part come in their order.
    pub(crate) fn scan_lines(
        &self,
        first: Option<NaiveDate>,
        last: Option<NaiveDate>,
        mut see: impl FnMut(&Scanned<'_>),
    ) {
        let tagged: Vec<bool> = self.groups.values().map(|group| group.tagged).collect();
        let mut see = |transaction_id, day, part: Part, extras: &Extras| {
            let group = index(part.group);
            let tags = tagged.get(group).filter(|it| **it);
            let tags = tags.and_then(|_| extras.tags.get(&transaction_id));
            see(&Scanned {
                transaction_id,
                day,
                group,
                payee: (part.payee != NONE).then(|| index(part.payee)),
                minor: part.minor,
                tags: tags.map_or(&[], |tags| tags),
            });
        };
        let span = span(first, last);
        for (day, run) in self.sorted.days(span.clone(), &self.beside.gone) {
            for (id, part) in run.ids.iter().zip(run.parts()) {
                see(*id, day, part, &self.sorted.extras);
            }
        }
        for ((day, id), parts) in self.beside.rows_in(span) {
            parts.iter().for_each(|part| see(*id, *day, *part, &self.beside.extras));
        }
    }

    /// Calls with the number of the group, the number of the payee and the signed amount in minor
    /// units of every line from the first day to the last, both included, in no particular order;
    /// absent = from the beginning, to the end.
    ///
    /// The numbers are those of [`View::groups`] and [`View::payee`]. Whether a group counts is
    /// best asked once before the scan.
    ///
    /// ```
    /// use fiscaflow_core::view::View;
    ///
    /// # let view = View::new();
    /// let counts: Vec<bool> = view.groups().map(|group| !group.transfer).collect();
    /// let mut moved = 0_i128;
    /// view.scan("2026-01-01".parse().ok(), None, |group, _payee, minor| {
    ///     if counts.get(group) == Some(&true) {
    ///         moved += i128::from(minor);
    ///     }
    /// });
    /// assert_eq!(moved, 0);
    /// ```
    pub fn scan(
        &self,
        first: Option<NaiveDate>,
        last: Option<NaiveDate>,
        mut see: impl FnMut(usize, Option<usize>, i64),
    ) {
        let mut see = |part: Part| {
            see(index(part.group), (part.payee != NONE).then(|| index(part.payee)), part.minor);
        };
        let span = span(first, last);
        for run in self.sorted.runs(span.clone(), &self.beside.gone) {
            run.parts().for_each(&mut see);
        }
        self.beside.rows_in(span).flat_map(|(_, parts)| parts).for_each(|part| see(*part));
    }

    /// Calls with the day, the number of the group and the signed amount in minor units of every
    /// line from the first day to the last, both included; absent = from the beginning, to the end.
    /// A day is told as the number of days from 1 January of the year 1, which is 1
    /// ([`chrono::Datelike::num_days_from_ce`]). Days come in no particular order.
    pub fn scan_days(
        &self,
        first: Option<NaiveDate>,
        last: Option<NaiveDate>,
        mut see: impl FnMut(i32, usize, i64),
    ) {
        let span = span(first, last);
        for (day, run) in self.sorted.days(span.clone(), &self.beside.gone) {
            for (group, minor) in run.groups.iter().zip(run.amounts) {
                see(day, index(*group), *minor);
            }
        }
        for ((day, _), parts) in self.beside.rows_in(span) {
            parts.iter().for_each(|part| see(*day, index(part.group), part.minor));
        }
    }

    /// The tags of transactions, some of them more than once.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        let main = self.sorted.extras.tags.values().chain(self.beside.extras.tags.values());
        main.flat_map(|tags| tags.iter().map(String::as_str))
    }

    /// The name of a payee, by its number.
    pub fn payee(&self, number: usize) -> Option<&str> {
        self.payees.value(u32::try_from(number).ok()?).map(|payee| &**payee)
    }

    /// How many payees have a number; some may have no line any more.
    pub fn payees(&self) -> usize {
        self.payees.len()
    }
}

/// Days from the first to the last, both included, as the columns count them.
pub(super) fn span(first: Option<NaiveDate>, last: Option<NaiveDate>) -> Range<i32> {
    let first = first.map_or(i32::MIN, |day| day.num_days_from_ce());
    let end = last.map_or(i32::MAX, |day| day.num_days_from_ce().saturating_add(1));
    first..end
}

pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
