//! Dates, and the order of day, month and year that a whole file keeps.
//!
//! A day above twelve proves the order. Without one, the way in which the file writes its dates
//! may: Quicken itself writes the month first and pads the day with a blank (`6/ 4'18`), and a date
//! with dots begins with the day. Then the order of the records. What is still open is said to be.

use chrono::NaiveDate;

use crate::error::ErrorCode;
use crate::import::DateOrder;

/// How many different days records must have before their order proves anything.
const MIN_DAYS: usize = 4;
/// The first two-digit year that belongs to the last century.
const PIVOT: u32 = 70;
const ORDERS: [DateOrder; 3] = [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A date as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Only one reading is possible.
    Fixed(NaiveDate),
    /// Three numbers whose order the file must tell.
    Open(Triple),
}

/// Three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Triple {
    parts: [u32; 3],
    digits: [u8; 3],
    /// What stands behind the first number.
    separator: u8,
    /// Whether the year has an apostrophe.
    is_late: bool,
    /// Whether a blank stands in place of the second number's first digit, and none in place of
    /// the first one's.
    is_padded: bool,
}

impl Triple {
    /// The date in that order, where it exists.
    fn in_order(self, order: DateOrder) -> Option<NaiveDate> {
        let [first, second, third] = self.parts;
        let [first_digits, _, third_digits] = self.digits;
        let (year, digits, month, day) = match order {
            DateOrder::Dmy => (third, third_digits, second, first),
            DateOrder::Mdy => (third, third_digits, first, second),
            DateOrder::Ymd => (first, first_digits, second, third),
        };
        let year = match digits {
            2 if year < PIVOT => year + 2000,
            2 => year + 1900,
            4 if year >= 1000 => year,
            1 if self.is_late => year + 2000,
            _ => return None,
        };
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    }
}

/// Takes a date apart; a time may stand behind it.
pub(super) fn scan(text: &str) -> Option<Written> {
    let (first, first_digits, rest) = number(text)?;
    if first_digits == 8 {
        return is_tail(rest).then(|| eight_digits(first)).flatten();
    }
    let (separator, rest) = split_separator(rest)?;
    if separator == b' ' || rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return named(first, first_digits, rest);
    }
    let is_padded = rest.starts_with(' ');
    let (second, second_digits, rest) = number(rest.trim_start())?;
    let (late, rest) = split_separator(rest)?;
    let (late, rest) = rest.strip_prefix('\'').map_or((late, rest), |rest| (b'\'', rest));
    let (third, third_digits, rest) = number(rest.trim_start())?;
    if second_digits > 2 || !is_tail(rest) {
        return None;
    }
    let triple = Triple {
        parts: [first, second, third],
        digits: [first_digits, second_digits, third_digits],
        separator,
        is_late: late == b'\'',
        is_padded: is_padded && first_digits == 1 && second_digits == 1 && separator == b'/',
    };
    match (first_digits, third_digits) {
        (4, 1 | 2) => triple.in_order(DateOrder::Ymd).map(Written::Fixed),
        (1 | 2, 4 | 2) => Some(Written::Open(triple)),
        (1 | 2, 1) if triple.is_late => Some(Written::Open(triple)),
        _ => None,
    }
    .filter(|written| match written {
        Written::Fixed(_) => true,
        Written::Open(triple) => ORDERS.iter().any(|order| triple.in_order(*order).is_some()),
    })
}

/// A number of up to eight digits, how many it has, and the rest.
fn number(text: &str) -> Option<(u32, u8, &str)> {
    let (mut value, mut length) = (0_u32, 0_u8);
    for digit in text.bytes().take_while(u8::is_ascii_digit) {
        value = value.checked_mul(10)?.checked_add(u32::from(digit.wrapping_sub(b'0')))?;
        length = length.checked_add(1).filter(|length| *length <= 8)?;
    }
    let rest = text.get(usize::from(length)..)?;
    (length > 0).then_some((value, length, rest))
}

/// What stands between two numbers, and the rest; blanks before it do not matter.
fn split_separator(text: &str) -> Option<(u8, &str)> {
    let rest = text.trim_start();
    match rest.as_bytes().first()? {
        separator @ (b'/' | b'-' | b'.' | b'\'') => Some((*separator, rest.get(1..)?)),
        _ if rest.len() < text.len() => Some((b' ', rest)),
        _ => None,
    }
}

/// Whether nothing but a time follows.
fn is_tail(text: &str) -> bool {
    let rest = text.trim_start();
    let has_gap = rest.len() < text.len() || rest.starts_with('T');
    rest.is_empty()
        || has_gap && rest.trim_start_matches('T').starts_with(|it: char| it.is_ascii_digit())
}

/// `YYYYMMDD`, or the year last where that is no date of our time.
fn eight_digits(value: u32) -> Option<Written> {
    let of_our_time = |year: u32| (1900..2100).contains(&year);
    let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
    if of_our_time(year)
        && let Some(date) = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    {
        return Some(Written::Fixed(date));
    }
    let parts = [value / 1_000_000, value / 10_000 % 100, value % 10_000];
    let triple =
        Triple { parts, digits: [2, 2, 4], separator: b' ', is_late: false, is_padded: false };
    let exists = ORDERS.iter().any(|order| triple.in_order(*order).is_some());
    (of_our_time(value % 10_000) && exists).then_some(Written::Open(triple))
}

/// `26 Jan 2026`, `26-Jan-26`: the day and what follows it.
fn named(day: u32, digits: u8, rest: &str) -> Option<Written> {
    let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = rest.split_at_checked(length)?;
    let short = name.get(..3)?;
    let month = MONTHS.iter().position(|known| known.eq_ignore_ascii_case(short))?;
    let (_, rest) = split_separator(rest)?;
    let (year, year_digits, rest) = number(rest.trim_start())?;
    let parts = [day, u32::try_from(month).ok()?.checked_add(1)?, year];
    let digits = [digits, 2, year_digits];
    let triple = Triple { parts, digits, separator: b' ', is_late: false, is_padded: false };
    let date = triple.in_order(DateOrder::Dmy).filter(|_| is_tail(rest));
    date.map(Written::Fixed)
}

/// What was seen of one order.
#[derive(Debug, Clone, Copy, Default)]
struct Fit {
    /// Dates that do not exist in this order.
    fails: usize,
    last: Option<NaiveDate>,
    rises: usize,
    falls: usize,
}

/// Evidence on the order, from every date of the file.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    fits: [Fit; 3],
    open: usize,
    dots: usize,
    dashes: usize,
    short_years: usize,
    padded: usize,
}

impl Evidence {
    /// Adds a date.
    pub(super) fn add(&mut self, written: Written) {
        for (fit, order) in self.fits.iter_mut().zip(ORDERS) {
            let date = match written {
                Written::Fixed(date) => Some(date),
                Written::Open(triple) => triple.in_order(order),
            };
            let Some(date) = date else {
                fit.fails = fit.fails.saturating_add(1);
                continue;
            };
            if let Some(last) = fit.last {
                fit.rises = fit.rises.saturating_add(usize::from(date > last));
                fit.falls = fit.falls.saturating_add(usize::from(date < last));
            }
            fit.last = Some(date);
        }
        let Written::Open(triple) = written else { return };
        let count =
            |number: &mut usize, seen: bool| *number = number.saturating_add(usize::from(seen));
        count(&mut self.open, true);
        count(&mut self.dots, triple.separator == b'.');
        count(&mut self.dashes, triple.separator == b'-');
        count(&mut self.short_years, triple.digits == [2, 2, 2]);
        count(&mut self.padded, triple.is_padded);
    }

    /// Begins with another account: its first date is not compared with the last of this one.
    pub(super) fn begin_section(&mut self) {
        for fit in &mut self.fits {
            fit.last = None;
        }
    }

    /// The orders that are possible: one where the file or the caller tells.
    pub(super) fn settle(&self, stated: Option<DateOrder>) -> Orders {
        let decided = stated
            .or_else(|| self.proven())
            .or_else(|| self.written_by_quicken())
            .or_else(|| self.dotted())
            .or_else(|| self.by_sequence());
        match decided {
            Some(order) => Orders([Some(order), None, None]),
            None => Orders(ORDERS.map(|order| Some(order).filter(|it| self.is_candidate(*it)))),
        }
    }

    fn fails(&self, order: DateOrder) -> usize {
        let place = ORDERS.iter().position(|known| *known == order);
        place.and_then(|place| self.fits.get(place)).map_or(self.open, |fit| fit.fails)
    }

    /// Short years come first only where dashes stand between, or where nothing else is possible.
    fn is_candidate(&self, order: DateOrder) -> bool {
        let others_fail = self.fails(DateOrder::Mdy) > 0 && self.fails(DateOrder::Dmy) > 0;
        order != DateOrder::Ymd
            || self.short_years == self.open
                && self.fails(DateOrder::Ymd) == 0
                && (self.dashes == self.open || others_fail)
    }

    fn candidates(&self) -> impl Iterator<Item = DateOrder> + use<'_> {
        ORDERS.into_iter().filter(|order| self.is_candidate(*order))
    }

    /// The order in which all but a few garbled dates exist, if they do in no other.
    fn proven(&self) -> Option<DateOrder> {
        self.candidates().find(|order| {
            let failed = self.fails(*order).saturating_mul(9);
            self.candidates().filter(|other| other != order).all(|other| self.fails(other) > failed)
        })
    }

    fn written_by_quicken(&self) -> Option<DateOrder> {
        let fits = self.padded > 0 && self.fails(DateOrder::Mdy) == 0;
        fits.then_some(DateOrder::Mdy)
    }

    fn dotted(&self) -> Option<DateOrder> {
        let fits = self.open > 0 && self.dots == self.open && self.fails(DateOrder::Dmy) == 0;
        fits.then_some(DateOrder::Dmy)
    }

    /// The records are in the order of time in one reading only.
    fn by_sequence(&self) -> Option<DateOrder> {
        let fit = |order: DateOrder| {
            ORDERS.into_iter().zip(&self.fits).find(|known| known.0 == order).map(|known| known.1)
        };
        let is_sorted = |fit: &Fit| {
            fit.rises.min(fit.falls) == 0 && fit.rises.max(fit.falls).saturating_add(1) >= MIN_DAYS
        };
        let is_mixed = |fit: &Fit| fit.fails > 0 || fit.rises > 0 && fit.falls > 0;
        self.candidates().find(|order| {
            fit(*order).is_some_and(|fit| fit.fails == 0 && is_sorted(fit))
                && self
                    .candidates()
                    .filter(|other| other != order)
                    .all(|other| fit(other).is_none_or(is_mixed))
        })
    }
}

/// The orders in which the dates of a file may be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Orders([Option<DateOrder>; 3]);

impl Orders {
    /// The date, or why there is none.
    pub(super) fn read(self, written: Option<Written>) -> Result<NaiveDate, (ErrorCode, String)> {
        let triple = match written {
            Some(Written::Fixed(date)) => return Ok(date),
            Some(Written::Open(triple)) => triple,
            None => {
                let text = "expected a date that exists, such as `1/31/2024`";
                return Err((ErrorCode::InvalidDate, text.to_owned()));
            }
        };
        let mut dates: Vec<NaiveDate> =
            self.0.into_iter().flatten().filter_map(|order| triple.in_order(order)).collect();
        dates.dedup();
        match dates.as_slice() {
            [date] => Ok(*date),
            [] => {
                let text = "the date does not exist in the order of the file's other dates";
                Err((ErrorCode::InvalidDate, text.to_owned()))
            }
            dates => {
                let readings: Vec<String> = dates.iter().map(NaiveDate::to_string).collect();
                let text = format!("the date may be {}; state `date_order`", readings.join(" or "));
                Err((ErrorCode::AmbiguousFile, text))
            }
        }
    }
}
