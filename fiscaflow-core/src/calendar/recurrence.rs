//! Recurrence: on which civil days something falls again and again.
//!
//! The meaning of RFC 5545 (`FREQ`, `INTERVAL`, `BYDAY`, `BYMONTHDAY`, `COUNT`, `UNTIL`, `EXDATE`)
//! over days without times, with two differences that money needs: a day that a month does not
//! have is its last, where the RFC leaves the month out, and a weekend may move a day.

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday as Day};
use serde::{Deserialize, Serialize};

use super::{CalendarUnit, DateRange, END, FIRST_DAY, after, day_in_month, month_number};
use crate::error::{Error, Result};
use crate::limits::{MAX_PERIOD_UNITS, MAX_RECURRENCE_DAYS, MAX_SKIPPED_DAYS};
use crate::model::{Weekday, check_list};

/// On which days something recurs.
///
/// ```
/// use fiscaflow_core::calendar::Recurrence;
///
/// // Rent: the last day of each month, on the Friday before where that is a weekend.
/// let rent: Recurrence = serde_json::from_str(
///     r#"{"start": "2026-01-31", "unit": "months", "weekend": "before", "count": 3}"#,
/// )?;
/// let days: Vec<String> = rent.dates().map(|day| day.to_string()).collect();
/// assert_eq!(days, ["2026-01-30", "2026-02-27", "2026-03-31"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Recurrence {
    /// The first day on which it may fall, and the one from which units are counted.
    #[serde(deserialize_with = "crate::period::date")]
    pub start: NaiveDate,
    /// What is counted. Weeks start with Monday.
    pub unit: CalendarUnit,
    /// It falls in every so many of the unit; in each where absent.
    #[serde(default = "one")]
    pub every: u32,
    /// On which days of the week or month; on the day of `start` where there is none. In a year
    /// they are days of the month of `start`.
    #[serde(default)]
    pub on: Vec<RecurrenceDay>,
    /// Where a day goes that falls on a weekend; it stays where absent.
    #[serde(default)]
    pub weekend: WeekendPolicy,
    /// How often it falls at most, skipped days included.
    #[serde(default)]
    pub count: Option<u32>,
    /// The last day on which it may fall, before a weekend moves it.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub until: Option<NaiveDate>,
    /// Days on which it does not fall although it would, before a weekend moves them.
    #[serde(default)]
    pub skip: Vec<NaiveDate>,
}

const fn one() -> u32 {
    1
}

/// A day of a week or of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum RecurrenceDay {
    /// A day of the week.
    Weekday {
        /// Which one.
        weekday: Weekday,
    },
    /// A day of the month.
    MonthDay {
        /// Its number, 1 to 31; where the month is shorter, its last day.
        day: u32,
    },
    /// The n-th of a weekday in the month.
    NthWeekday {
        /// 1 to 5 from the start of the month, -1 to -5 from its end. A month without a fifth has
        /// no such day.
        nth: i32,
        /// Which weekday.
        weekday: Weekday,
    },
}

/// Where a day goes that falls on a Saturday or Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum WeekendPolicy {
    /// It stays.
    #[default]
    Stay,
    /// To the Friday before.
    Before,
    /// To the Monday after.
    After,
    /// From Saturday to Friday, from Sunday to Monday.
    Nearest,
}

impl WeekendPolicy {
    /// Where a day goes; at the border of the calendar it stays.
    fn moved(self, day: NaiveDate) -> NaiveDate {
        let days = match (self, day.weekday()) {
            (Self::Before | Self::Nearest, Day::Sat) => -1,
            (Self::Before, Day::Sun) => -2,
            (Self::After, Day::Sat) => 2,
            (Self::After | Self::Nearest, Day::Sun) => 1,
            _ => 0,
        };
        let moved = day.checked_add_signed(TimeDelta::days(days));
        moved.filter(|day| (FIRST_DAY..END).contains(day)).unwrap_or(day)
    }
}

impl Recurrence {
    /// The days on which it falls, ascending, each once, to the end of the calendar at most.
    pub fn dates(&self) -> impl Iterator<Item = NaiveDate> + '_ {
        let most = self.count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
        let nominal = (0_i64..)
            .map_while(|turn| self.turn(turn))
            .flatten()
            .filter(|day| *day >= self.start && *day < END)
            .take_while(|day| self.until.is_none_or(|until| *day <= until))
            .take(most);
        let moved =
            nominal.filter(|day| !self.skip.contains(day)).map(|day| self.weekend.moved(day));
        let mut last = None;
        moved.filter(move |day| last.replace(*day) != Some(*day))
    }

    /// The days of a range on which it falls.
    pub fn dates_in(&self, range: DateRange) -> impl Iterator<Item = NaiveDate> + '_ {
        let days = self.dates().skip_while(move |day| *day < range.start());
        days.take_while(move |day| *day < range.end())
    }

    /// The first day after a day on which it falls.
    pub fn next_after(&self, day: NaiveDate) -> Option<NaiveDate> {
        self.dates().find(|next| *next > day)
    }

    /// The same also before its start: on the days from one on, as if it had always been so.
    pub(crate) fn since(&self, day: NaiveDate) -> Self {
        let mut since = Self { count: None, ..self.clone() };
        let months = match self.unit {
            CalendarUnit::Months => 1,
            CalendarUnit::Years => 12,
            CalendarUnit::Days | CalendarUnit::Weeks => 0,
        };
        if months > 0 && self.on.is_empty() {
            since.on = vec![RecurrenceDay::MonthDay { day: self.start.day() }];
        }
        while since.start > day {
            let back = months * self.every.max(1);
            let length = if self.unit == CalendarUnit::Weeks { 7 } else { 1 };
            let earlier = match months {
                0 => {
                    let days = u64::from(self.every.max(1)) * length;
                    since.start.checked_sub_days(chrono::Days::new(days))
                }
                _ => since.start.checked_sub_months(chrono::Months::new(back)),
            };
            let Some(earlier) = earlier.filter(|day| *day >= FIRST_DAY) else { break };
            since.start = earlier;
        }
        since
    }

    /// The days of the n-th unit in which it falls, ascending; `None` past the end of the calendar.
    fn turn(&self, turn: i64) -> Option<Vec<NaiveDate>> {
        let units = turn.saturating_mul(i64::from(self.every.max(1)));
        let (first, length) = match self.unit {
            CalendarUnit::Days => (self.start, Some(1)),
            CalendarUnit::Weeks => {
                let days = TimeDelta::days(i64::from(self.start.weekday().num_days_from_monday()));
                (self.start.checked_sub_signed(days)?, Some(7))
            }
            CalendarUnit::Months | CalendarUnit::Years => (self.start, None),
        };
        let mut days = match length {
            Some(length) => {
                let offset = TimeDelta::try_days(units.saturating_mul(length))?;
                self.days_of_week(first.checked_add_signed(offset)?)
            }
            None => {
                let months = if self.unit == CalendarUnit::Years { 12 } else { 1 };
                self.days_of_month(month_number(first).saturating_add(units.saturating_mul(months)))
            }
        }?;
        days.sort_unstable();
        days.dedup();
        Some(days)
    }

    /// The days of the week that starts with `first`, or that day alone where days are counted.
    fn days_of_week(&self, first: NaiveDate) -> Option<Vec<NaiveDate>> {
        if first >= END {
            return None;
        }
        if self.unit == CalendarUnit::Days {
            return Some(vec![first]);
        }
        let weekdays = self.on.iter().filter_map(|on| match on {
            RecurrenceDay::Weekday { weekday } => Some(i64::from(*weekday as u8)),
            _ => None,
        });
        let mut weekdays: Vec<i64> = weekdays.collect();
        if weekdays.is_empty() {
            weekdays.push(i64::from(self.start.weekday().num_days_from_monday()));
        }
        let days =
            weekdays.iter().filter_map(|day| first.checked_add_signed(TimeDelta::days(*day)));
        Some(days.collect())
    }

    /// The days of the month of that number.
    fn days_of_month(&self, month: i64) -> Option<Vec<NaiveDate>> {
        if month >= month_number(END) {
            return None;
        }
        if self.on.is_empty() {
            return Some(vec![day_in_month(month, self.start.day())]);
        }
        let days = self.on.iter().filter_map(|on| match *on {
            RecurrenceDay::MonthDay { day } => Some(day_in_month(month, day)),
            RecurrenceDay::NthWeekday { nth, weekday } => nth_weekday(month, nth, weekday),
            RecurrenceDay::Weekday { .. } => None,
        });
        Some(days.collect())
    }

    /// Refuses what no calendar has or does not belong together.
    ///
    /// # Errors
    ///
    /// `invalid_input`, `invalid_date` or `limit_exceeded`, with the field at fault.
    pub fn check(&self) -> Result<()> {
        let start = [self.start];
        for day in start.iter().chain(&self.until).chain(&self.skip) {
            crate::period::check_day("recurrence", Some(*day))?;
        }
        check_list("on", &self.on, MAX_RECURRENCE_DAYS)?;
        check_list("skip", &self.skip, MAX_SKIPPED_DAYS)?;
        if !(1..=MAX_PERIOD_UNITS).contains(&self.every) {
            let text = format!("a recurrence comes every 1 to {MAX_PERIOD_UNITS} units");
            return Err(Error::invalid("every", text));
        }
        if self.count == Some(0) {
            return Err(Error::invalid("count", "a recurrence falls at least once"));
        }
        let fits = |on: &RecurrenceDay| match (self.unit, on) {
            (CalendarUnit::Weeks, RecurrenceDay::Weekday { .. }) => true,
            (CalendarUnit::Months | CalendarUnit::Years, RecurrenceDay::MonthDay { day }) => {
                (1..=31).contains(day)
            }
            (CalendarUnit::Months | CalendarUnit::Years, RecurrenceDay::NthWeekday { nth, .. }) => {
                (1..=5).contains(&nth.abs())
            }
            _ => false,
        };
        if self.on.iter().all(fits) {
            return Ok(());
        }
        let text = "weeks take weekdays; months and years take days of a month, 1 to 31, and n-th \
                    weekdays, 1 to 5 from either end";
        Err(Error::invalid("on", text))
    }
}

/// The n-th of a weekday in a month, from its end where `nth` is below zero.
fn nth_weekday(month: i64, nth: i32, weekday: Weekday) -> Option<NaiveDate> {
    let (first, last) = (day_in_month(month, 1), day_in_month(month, 31));
    let of = |day: NaiveDate| i64::from(day.weekday().num_days_from_monday());
    let wanted = i64::from(weekday as u8);
    let days = match nth {
        1.. => (wanted - of(first)).rem_euclid(7) + 7 * (i64::from(nth) - 1),
        0 => return None,
        _ => {
            let back = (of(last) - wanted).rem_euclid(7) + 7 * (-i64::from(nth) - 1);
            (last - first).num_days() - back
        }
    };
    let day = first.checked_add_signed(TimeDelta::try_days(days)?)?;
    DateRange::new(first, after(last)).contains(day).then_some(day)
}
