//! The calendar, once for budgets, goals, schedules and forecasts: which civil days make a period,
//! and on which days something recurs.
//!
//! Everything here is exact over civil days of the proleptic Gregorian calendar (ISO 8601), years
//! 0001 to 9999, and total: what would lie outside is cut off or absent, nothing panics. A zone
//! matters in one place alone, where an instant becomes a day ([`day_of`]).

mod grid;
mod period;
mod recurrence;

use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use period::Period;
pub use recurrence::{Recurrence, RecurrenceDay, WeekendPolicy};

use crate::error::{Error, Result};

/// A unit of which periods and recurrences count several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum CalendarUnit {
    /// A day.
    Days,
    /// Seven days.
    Weeks,
    /// A month; a day that it does not have is its last.
    Months,
    /// Twelve months.
    Years,
}

/// Civil days in a row: from a first day up to, but not including, another.
///
/// Half-open, so that ranges that follow each other share a border and no day. In JSON a range is
/// told by its first and its last day instead, for the day after 9999-12-31 cannot be written.
///
/// ```
/// use fiscaflow_core::Month;
/// use fiscaflow_core::calendar::DateRange;
///
/// let february = DateRange::of("2024-02".parse::<Month>()?);
/// assert_eq!(february.days(), 29);
/// assert_eq!(february.end(), february.last_day().succ_opt().unwrap());
/// assert!(!february.contains(february.end()));
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DateRange {
    start: NaiveDate,
    end: NaiveDate,
}

impl DateRange {
    /// The days from `start` up to but not including `end`; none where that is not after it.
    pub fn new(start: NaiveDate, end: NaiveDate) -> Self {
        Self { start, end: end.max(start) }
    }

    /// The days of a month.
    pub fn of(month: crate::Month) -> Self {
        Self::new(month.first_day(), after(month.last_day()))
    }

    /// The first day.
    pub const fn start(self) -> NaiveDate {
        self.start
    }

    /// The day after the last.
    pub const fn end(self) -> NaiveDate {
        self.end
    }

    /// The last day; the first where there is none.
    pub fn last_day(self) -> NaiveDate {
        self.end.pred_opt().unwrap_or(self.end).max(self.start)
    }

    /// How many days there are.
    pub fn days(self) -> u32 {
        u32::try_from((self.end - self.start).num_days()).unwrap_or(0)
    }

    /// How many of its days have come by the end of a day, that day included.
    pub fn days_until(self, day: NaiveDate) -> u32 {
        Self::new(self.start, after(day).min(self.end)).days()
    }

    /// Whether a day is one of them.
    pub fn contains(self, day: NaiveDate) -> bool {
        self.start <= day && day < self.end
    }
}

/// The day after a day.
pub(crate) fn after(day: NaiveDate) -> NaiveDate {
    day.succ_opt().unwrap_or(day)
}

/// The civil day of an instant in a zone of the IANA time zone database, by its name.
///
/// ```
/// use fiscaflow_core::calendar::day_of;
///
/// let instant = "2026-01-31T23:30:00Z".parse().unwrap();
/// assert_eq!(day_of(instant, "UTC")?.to_string(), "2026-01-31");
/// assert_eq!(day_of(instant, "Europe/Vienna")?.to_string(), "2026-02-01");
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
///
/// # Errors
///
/// `invalid_input` where there is no such zone.
pub fn day_of(instant: DateTime<Utc>, zone: &str) -> Result<NaiveDate> {
    let zone = chrono_tz::Tz::from_str(zone)
        .map_err(|_| Error::invalid("zone", "the zone is not in the time zone database"))?;
    Ok(instant.with_timezone(&zone).date_naive())
}

/// The first day that can be written.
pub(crate) const FIRST_DAY: NaiveDate = day_or_min(NaiveDate::from_ymd_opt(1, 1, 1));
/// The day after the last one that can be written.
const END: NaiveDate = day_or_min(NaiveDate::from_ymd_opt(10_000, 1, 1));

const fn day_or_min(day: Option<NaiveDate>) -> NaiveDate {
    match day {
        Some(day) => day,
        None => NaiveDate::MIN,
    }
}

/// A month's number: twelve times its year, and the months of that year before it.
fn month_number(day: NaiveDate) -> i64 {
    i64::from(day.year()) * 12 + i64::from(day.month0())
}

/// A day of the month of that number; one that the month does not have is its last, and outside
/// the calendar its border.
fn day_in_month(month: i64, day: u32) -> NaiveDate {
    let (year, month0) = (month.div_euclid(12), month.rem_euclid(12));
    if year < 1 {
        return FIRST_DAY;
    }
    let year = i32::try_from(year).unwrap_or(i32::MAX);
    let month = u32::try_from(month0).unwrap_or(0).saturating_add(1);
    let day = day.clamp(1, 31);
    let found = (28..=day.max(28))
        .rev()
        .find_map(|last| NaiveDate::from_ymd_opt(year, month, day.min(last)));
    found.filter(|day| *day < END).unwrap_or(END)
}
