//! Civil dates and periods: half-open, in the book's zone.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, ErrorCode, Result};

/// A calendar month, written `YYYY-MM`.
///
/// ```
/// use fiscaflow_core::Month;
///
/// let month: Month = "2024-02".parse()?;
/// assert_eq!(month.last_day().to_string(), "2024-02-29");
/// assert_eq!(month.next().to_string(), "2024-03");
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Month {
    /// The first day; the rest follows from it.
    first: NaiveDate,
}

crate::api::schema::string_schema!(Month, "month", "A calendar month, written `YYYY-MM`.");

impl Month {
    /// The month in which a day lies.
    pub fn of(day: NaiveDate) -> Self {
        Self { first: day.with_day(1).unwrap_or(day) }
    }

    /// Its first day.
    pub const fn first_day(self) -> NaiveDate {
        self.first
    }

    /// Its last day.
    pub fn last_day(self) -> NaiveDate {
        self.next().first.pred_opt().unwrap_or(self.first)
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        let next = self.first.checked_add_months(chrono::Months::new(1));
        Self { first: next.unwrap_or(self.first) }
    }

    /// The month before it.
    #[must_use]
    pub fn previous(self) -> Self {
        self.back(1)
    }

    /// The month so many months before it; the first of the calendar where there is none.
    ///
    /// ```
    /// let may: fiscaflow_core::Month = "2026-05".parse()?;
    /// assert_eq!(may.back(17).to_string(), "2024-12");
    /// # Ok::<(), fiscaflow_core::Error>(())
    /// ```
    #[must_use]
    pub fn back(self, months: u32) -> Self {
        let before = self.first.checked_sub_months(chrono::Months::new(months));
        Self { first: before.unwrap_or(NaiveDate::MIN).max(crate::calendar::FIRST_DAY) }
    }

    /// How many months there are to another; below zero where it is earlier.
    pub fn until(self, other: Self) -> i64 {
        let number = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
        number(other.first) - number(self.first)
    }

    /// Whether a day lies in it.
    pub fn contains(self, day: NaiveDate) -> bool {
        Self::of(day) == self
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl FromStr for Month {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let first = day(&format!("{text}-01")).map(Self::of);
        first.ok_or_else(|| {
            Error::new(ErrorCode::InvalidDate, "a month is written `YYYY-MM`").field("month")
        })
    }
}

crate::error::read_from_text!(Month);

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

/// Reads a civil date in the form `YYYY-MM-DD` (ISO 8601, years 0001 to 9999): ten characters,
/// digits and two hyphens.
///
/// ```
/// assert!(fiscaflow_core::parse_date("2024-02-29").is_ok());
/// assert!(fiscaflow_core::parse_date("2023-02-29").is_err());
/// assert!(fiscaflow_core::parse_date("+2024-2-29").is_err());
/// ```
pub fn parse_date(text: &str) -> Result<NaiveDate> {
    day(text).ok_or_else(not_a_date)
}

fn not_a_date() -> Error {
    Error::new(ErrorCode::InvalidDate, "a date is written `YYYY-MM-DD` and exists")
}

fn day(text: &str) -> Option<NaiveDate> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)
        .filter(|day| is_writable(*day))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// Whether a day can be written in the one form that is read back.
fn is_writable(day: NaiveDate) -> bool {
    (1..=9999).contains(&day.year())
}

/// Refuses a day whose year does not have four digits: it could be kept, but not read back.
pub(crate) fn check_day(field: &str, day: Option<NaiveDate>) -> Result<()> {
    if day.is_none_or(is_writable) { Ok(()) } else { Err(not_a_date().field(field)) }
}

/// Reads a date of a wire shape. The calendar library alone would also take signs, blanks, single
/// digits and years of any length.
pub(crate) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    WireDate::deserialize(deserializer).map(|date| date.0)
}

/// [`date`], where it may be absent.
pub(crate) fn maybe_date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NaiveDate>, D::Error> {
    let date = Option::<WireDate>::deserialize(deserializer)?;
    Ok(date.map(|date| date.0))
}

struct WireDate(NaiveDate);

impl FromStr for WireDate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_date(text).map(Self)
    }
}

crate::error::read_from_text!(WireDate);
