//! Scans: the lines of a span of days as their dense keys, for figures that no monthly sum has.

use std::ops::Range;

use chrono::{Datelike, NaiveDate};

use super::View;

/// Days from the first to the last, both included, as the columns count them; absent = from the
/// beginning, to the end.
pub(crate) fn span(first: Option<NaiveDate>, last: Option<NaiveDate>) -> Range<i32> {
    let first = first.map_or(i32::MIN, |day| day.num_days_from_ce());
    let end = last.map_or(i32::MAX, |day| day.num_days_from_ce().saturating_add(1));
    first..end
}

impl View {
    /// Calls with the group's number, the payee's and the amount of every line in a span of days.
    pub(crate) fn scan(&self, span: Range<i32>, mut see: impl FnMut(u32, u32, i64)) {
        for run in self.sorted.runs(span.clone(), &self.beside.gone) {
            for ((group, payee), minor) in run.groups.iter().zip(run.payees).zip(run.amounts) {
                see(*group, *payee, *minor);
            }
        }
        for part in self.beside.rows_in(span).flat_map(|(_, parts)| parts) {
            see(part.group, part.payee, part.minor);
        }
    }

    /// Calls with the day, the group's number and the amount of every line in a span of days, in
    /// no particular order.
    pub(crate) fn scan_days(&self, span: Range<i32>, mut see: impl FnMut(i32, u32, i64)) {
        for (day, run) in self.sorted.days(span.clone(), &self.beside.gone) {
            for (group, minor) in run.groups.iter().zip(run.amounts) {
                see(day, *group, *minor);
            }
        }
        for ((day, _), parts) in self.beside.rows_in(span) {
            parts.iter().for_each(|part| see(*day, part.group, part.minor));
        }
    }
}
