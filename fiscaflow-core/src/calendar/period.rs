//! Periods of any shape, as data: which civil days belong together.

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::grid::Grid;
use super::{CalendarUnit, DateRange, END, FIRST_DAY};
use crate::error::{Error, Result};
use crate::limits::MAX_PERIOD_UNITS;
use crate::model::Weekday;

/// How time is divided: the periods of one shape follow each other without gap or overlap, so that
/// every day lies in exactly one.
///
/// A period starts with its first day and ends before the first day of the next. Where a month has
/// no such day, its last day starts the period: months from day 31 start with the last day of each
/// month.
///
/// ```
/// use fiscaflow_core::calendar::Period;
/// use fiscaflow_core::parse_date;
///
/// let from_the_25th: Period = serde_json::from_str(r#"{"kind": "months", "start_day": 25}"#)?;
/// let period = from_the_25th.range_of(parse_date("2026-03-01")?);
/// assert_eq!(period.start().to_string(), "2026-02-25");
/// assert_eq!(period.last_day().to_string(), "2026-03-24");
///
/// // Paid every second Friday.
/// let json = r#"{"kind": "every", "count": 2, "unit": "weeks", "anchor": "2026-01-02"}"#;
/// let payday: Period = serde_json::from_str(json)?;
/// assert_eq!(payday.range_of(parse_date("2026-03-01")?).start().to_string(), "2026-02-27");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Period {
    /// Weeks.
    Weeks {
        /// The day on which a week starts; Monday where absent (ISO 8601).
        #[serde(default = "monday")]
        first_day: Weekday,
    },
    /// So many days, weeks, months or years, counted from a day: ten days, fortnights, the time
    /// from one payday to the next.
    Every {
        /// How many of the unit.
        count: u32,
        /// What is counted.
        unit: CalendarUnit,
        /// A day on which a period starts; the others follow from it, before and after.
        #[serde(deserialize_with = "crate::period::date")]
        anchor: NaiveDate,
    },
    /// Two periods a month.
    SemiMonths {
        /// The day of the month on which the first starts, 1 to 27; 1 where absent.
        #[serde(default = "first")]
        first_day: u32,
        /// The day of the month on which the second starts, up to 31; 16 where absent.
        #[serde(default = "sixteenth")]
        second_day: u32,
    },
    /// Months.
    Months {
        /// The day of the month on which a period starts, 1 to 31; 1 where absent.
        #[serde(default = "first")]
        start_day: u32,
    },
    /// Three months each.
    Quarters {
        /// A month, 1 to 12, with whose first day a quarter starts; 1 where absent.
        #[serde(default = "first")]
        start_month: u32,
    },
    /// Years.
    Years {
        /// The month in which a year starts, 1 to 12; 1 where absent.
        #[serde(default = "first")]
        start_month: u32,
        /// The day of that month, 1 to 31; 1 where absent.
        #[serde(default = "first")]
        start_day: u32,
    },
}

const fn monday() -> Weekday {
    Weekday::Monday
}

const fn first() -> u32 {
    1
}

const fn sixteenth() -> u32 {
    16
}

impl Default for Period {
    /// Calendar months.
    fn default() -> Self {
        Self::Months { start_day: 1 }
    }
}

impl Period {
    /// The period in which a day lies. A day outside the years 0001 to 9999 counts as the nearest
    /// one inside.
    pub fn range_of(self, day: NaiveDate) -> DateRange {
        let grid = self.grid();
        grid.range(grid.number(within(day)))
    }

    /// The period after this one; `None` at the end of the calendar.
    pub fn next(self, range: DateRange) -> Option<DateRange> {
        (range.end() < END).then(|| self.range_of(range.end()))
    }

    /// The period before this one; `None` at the start of the calendar.
    pub fn previous(self, range: DateRange) -> Option<DateRange> {
        let before = range.start().pred_opt()?;
        (before >= FIRST_DAY).then(|| self.range_of(before))
    }

    /// The periods that have a day in `days`, in their order.
    ///
    /// ```
    /// use fiscaflow_core::calendar::{DateRange, Period};
    ///
    /// let quarters = Period::Quarters { start_month: 1 };
    /// let from = fiscaflow_core::parse_date("2026-03-31")?;
    /// let to = fiscaflow_core::parse_date("2026-07-01")?;
    /// assert_eq!(quarters.ranges(DateRange::new(from, to)).count(), 2);
    /// # Ok::<(), fiscaflow_core::Error>(())
    /// ```
    pub fn ranges(self, days: DateRange) -> impl Iterator<Item = DateRange> {
        let first = (days.days() > 0 && days.end() > FIRST_DAY && days.start() < END)
            .then(|| self.range_of(days.start()));
        std::iter::successors(first, move |range| self.next(*range))
            .take_while(move |range| range.start() < days.end())
    }

    /// How many periods lie between the one of `from` and the one of `to`: 0 in the same, 1 where
    /// one follows the other, below zero where `to` is the earlier one.
    pub fn distance(self, from: NaiveDate, to: NaiveDate) -> i64 {
        let grid = self.grid();
        grid.number(within(to)) - grid.number(within(from))
    }

    /// Whether each period is made of whole calendar months.
    pub(crate) fn has_whole_months(self) -> bool {
        matches!(self.grid(), Grid::Months { day: 1, .. })
    }

    /// Refuses numbers that no calendar has.
    ///
    /// # Errors
    ///
    /// `invalid_input` or `invalid_date`.
    pub fn check(self) -> Result<()> {
        let day = |day: &u32| (1..=31).contains(day);
        let month = |month: &u32| (1..=12).contains(month);
        let fits = match &self {
            Self::Weeks { .. } => true,
            Self::Every { count, anchor, .. } => {
                crate::period::check_day("anchor", Some(*anchor))?;
                (1..=MAX_PERIOD_UNITS).contains(count)
            }
            Self::SemiMonths { first_day, second_day } => {
                (1..=27).contains(first_day) && first_day < second_day && day(second_day)
            }
            Self::Months { start_day } => day(start_day),
            Self::Quarters { start_month } => month(start_month),
            Self::Years { start_month, start_day } => month(start_month) && day(start_day),
        };
        if fits {
            return Ok(());
        }
        let text = format!(
            "a period counts 1 to {MAX_PERIOD_UNITS} units, months 1 to 12 and days 1 to 31, the \
             first of two in a month before the second and at most 27"
        );
        Err(Error::invalid("period", text))
    }

    fn grid(self) -> Grid {
        match self {
            Self::Weeks { first_day } => {
                // 0001-01-01 is a Monday.
                let days = TimeDelta::days(i64::from(first_day as u8));
                Grid::Days { length: 7, anchor: FIRST_DAY + days }
            }
            Self::Every { count, unit, anchor } => {
                let count = i64::from(count);
                match unit {
                    CalendarUnit::Days => Grid::Days { length: count, anchor },
                    CalendarUnit::Weeks => Grid::Days { length: count * 7, anchor },
                    CalendarUnit::Months => Grid::months(count, anchor),
                    CalendarUnit::Years => Grid::months(count * 12, anchor),
                }
            }
            Self::SemiMonths { first_day, second_day } => {
                Grid::Halves { first: first_day, second: second_day }
            }
            Self::Months { start_day } => Grid::Months { length: 1, first: 0, day: start_day },
            Self::Quarters { start_month } => {
                Grid::Months { length: 3, first: i64::from(start_month) - 1, day: 1 }
            }
            Self::Years { start_month, start_day } => {
                Grid::Months { length: 12, first: i64::from(start_month) - 1, day: start_day }
            }
        }
    }
}

fn within(day: NaiveDate) -> NaiveDate {
    day.clamp(FIRST_DAY, END.pred_opt().unwrap_or(END))
}
