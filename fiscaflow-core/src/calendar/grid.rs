//! The three kinds of grid that every period lies on: so many days, so many months, or two starts
//! a month. Each numbers its periods, so that neighbours and distances are additions.

use chrono::{Datelike, NaiveDate, TimeDelta};

use super::{DateRange, END, FIRST_DAY, day_in_month, month_number};

#[derive(Debug, Clone, Copy)]
pub(super) enum Grid {
    /// Each period has so many days; one of them starts on that day.
    Days { length: i64, anchor: NaiveDate },
    /// Each period has so many months; one of them starts in the month of that number, and all on
    /// that day of the month.
    Months { length: i64, first: i64, day: u32 },
    /// Each month has two starts.
    Halves { first: u32, second: u32 },
}

impl Grid {
    /// The number of the period that holds a day.
    pub(super) fn number(self, day: NaiveDate) -> i64 {
        match self {
            Self::Days { length, anchor } => (day - anchor).num_days().div_euclid(length.max(1)),
            Self::Months { length, first, day: start } => {
                let month = month_number(day);
                let begun = day >= day_in_month(month, start);
                let months = if begun { month - first } else { month - first - 1 };
                months.div_euclid(length.max(1))
            }
            Self::Halves { first, second } => {
                let month = month_number(day);
                let begun = [first, second].map(|start| day >= day_in_month(month, start));
                month * 2 + begun.into_iter().map(i64::from).sum::<i64>() - 1
            }
        }
    }

    /// The first day of the period of that number, within the calendar.
    fn start(self, number: i64) -> NaiveDate {
        let start = match self {
            Self::Days { length, anchor } => {
                let days = TimeDelta::try_days(number.saturating_mul(length.max(1)));
                let start = days.and_then(|days| anchor.checked_add_signed(days));
                start.unwrap_or(if number < 0 { FIRST_DAY } else { END })
            }
            Self::Months { length, first, day } => {
                day_in_month(first.saturating_add(number.saturating_mul(length.max(1))), day)
            }
            Self::Halves { first, second } => {
                let day = if number.rem_euclid(2) == 0 { first } else { second };
                day_in_month(number.div_euclid(2), day)
            }
        };
        start.clamp(FIRST_DAY, END)
    }

    /// The days of the period of that number; none where it lies outside the calendar.
    pub(super) fn range(self, number: i64) -> DateRange {
        DateRange::new(self.start(number), self.start(number.saturating_add(1)))
    }

    /// A grid of so many months that starts where a day lies.
    pub(super) fn months(length: i64, anchor: NaiveDate) -> Self {
        Self::Months { length, first: month_number(anchor), day: anchor.day() }
    }
}
