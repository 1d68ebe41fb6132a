//! Civil dates and periods: half-open, in the book's zone.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::Serialize;

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
        let wrong = || Error::new(ErrorCode::InvalidDate, "a month is written `YYYY-MM`");
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(wrong());
        }
        parse_date(&format!("{text}-01")).map(Self::of).map_err(|_| wrong().field("month"))
    }
}

crate::error::read_from_text!(Month);

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

/// Reads a civil date in the form `YYYY-MM-DD` (ISO 8601, years 0001 to 9999).
///
/// ```
/// assert!(fiscaflow_core::parse_date("2024-02-29").is_ok());
/// assert!(fiscaflow_core::parse_date("2023-02-29").is_err());
/// ```
pub fn parse_date(text: &str) -> Result<NaiveDate> {
    let wrong = || Error::new(ErrorCode::InvalidDate, "a date is written `YYYY-MM-DD`");
    if text.len() != 10 {
        return Err(wrong());
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong())
}
