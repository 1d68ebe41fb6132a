//! Dates, amounts and balances as these messages write them.

use chrono::{Datelike, NaiveDate};

use crate::error::ErrorCode;
use crate::import::text::decimal;
use crate::money::Amount;

/// The first two-digit year that belongs to the last century (SWIFT Standards MT, general
/// information: years 80 to 99 are 19xx).
const PIVOT: i32 = 80;
/// How many days an entry date may be away from its value date to be of the same year for sure.
const SURELY_NEAR: i64 = 90;
/// Half a year: nothing that is nearest is further away.
const MOST_FAR: i64 = 183;

/// What is wrong with a value, and the text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Reads dates; entries of one day stand together, so the last ones are kept.
#[derive(Debug, Default)]
pub(super) struct Dates {
    value: Option<([u8; 6], NaiveDate)>,
    entry: Option<([u8; 6], [u8; 4], NaiveDate)>,
}

impl Dates {
    /// The day of `YYMMDD`.
    pub(super) fn value(&mut self, digits: [u8; 6]) -> Option<NaiveDate> {
        if let Some((_, date)) = self.value.filter(|(known, _)| *known == digits) {
            return Some(date);
        }
        let [y1, y2, m1, m2, d1, d2] = digits;
        let year = i32::try_from(pair(y1, y2)).ok()?;
        let century = if year >= PIVOT { 1900 } else { 2000 };
        let date = NaiveDate::from_ymd_opt(century + year, pair(m1, m2), pair(d1, d2))?;
        self.value = Some((digits, date));
        Some(date)
    }

    /// The day of `MMDD` that is nearest to the value date, which may lie in the next or the last
    /// year.
    pub(super) fn entry(
        &mut self,
        value: (NaiveDate, [u8; 6]),
        digits: [u8; 4],
    ) -> Result<NaiveDate, Fault> {
        if value.1.ends_with(&digits) {
            return Ok(value.0);
        }
        if let Some((_, _, date)) = self.entry.filter(|it| it.0 == value.1 && it.1 == digits) {
            return Ok(date);
        }
        let date = nearest(value.0, digits)?;
        self.entry = Some((value.1, digits, date));
        Ok(date)
    }
}

fn nearest(value: NaiveDate, digits: [u8; 4]) -> Result<NaiveDate, Fault> {
    let [m1, m2, d1, d2] = digits;
    let in_year = |years: i32| {
        let year = value.year().checked_add(years)?;
        let date = NaiveDate::from_ymd_opt(year, pair(m1, m2), pair(d1, d2))?;
        Some(((date - value).num_days().abs(), date)).filter(|(days, _)| *days <= MOST_FAR)
    };
    let same = in_year(0);
    if let Some((_, date)) = same.filter(|(days, _)| *days <= SURELY_NEAR) {
        return Ok(date);
    }
    let mut years: Vec<(i64, NaiveDate)> =
        [in_year(-1), same, in_year(1)].into_iter().flatten().collect();
    years.sort_unstable();
    match years.as_slice() {
        [] => Err(Fault::new(ErrorCode::InvalidDate, "the entry date does not exist")),
        [(days, date), (others, other), ..] if days == others => {
            let text = format!("the entry date may be {date} or {other}");
            Err(Fault::new(ErrorCode::AmbiguousFile, text))
        }
        [(_, date), ..] => Ok(*date),
    }
}

fn pair(tens: u8, ones: u8) -> u32 {
    u32::from(tens.wrapping_sub(b'0')) * 10 + u32::from(ones.wrapping_sub(b'0'))
}

/// The first bytes, if all of them are digits, and the rest.
pub(super) fn digits<const N: usize>(text: &str) -> Option<([u8; N], &str)> {
    let digits = text.as_bytes().first_chunk::<N>()?;
    digits.iter().all(u8::is_ascii_digit).then_some(())?;
    Some((*digits, text.get(N..)?))
}

/// The digits and separators at the start of a text, and the rest.
pub(super) fn split_number(text: &str) -> (&str, &str) {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b',' | b'.');
    let length = text.bytes().take_while(is_part).count();
    text.split_at_checked(length).unwrap_or((text, ""))
}

/// Reads an amount without sign; `is_negative` says which way the money went.
///
/// The comma is the decimal separator. Old files of Rabobank write a point instead, so a point is
/// read as well, unless what stands around it may as well be thousands: `1.000`.
pub(super) fn amount(text: &str, is_negative: bool) -> Result<Amount, Fault> {
    let bytes = text.as_bytes();
    let separator = bytes.iter().position(|byte| !byte.is_ascii_digit());
    let separators = bytes.iter().filter(|byte| !byte.is_ascii_digit()).count();
    if separators > 1 || bytes.len() == separators {
        let text = "expected an amount with a decimal comma, such as `12,34`";
        return Err(Fault::new(ErrorCode::InvalidAmount, text));
    }
    let places = separator.map_or(0, |at| bytes.len().saturating_sub(at).saturating_sub(1));
    if bytes.contains(&b'.') && may_be_thousands(bytes) {
        let text = "the point may be a decimal or a thousands separator";
        return Err(Fault::new(ErrorCode::AmbiguousFile, text));
    }
    decimal(bytes, is_negative, places).ok_or_else(too_long)
}

fn too_long() -> Fault {
    Fault::new(ErrorCode::AmountOverflow, "the amount has too many digits")
}

/// Whether the digits around the only separator would fit a group of thousands.
fn may_be_thousands(bytes: &[u8]) -> bool {
    let whole = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (1..=3).contains(&whole)
        && bytes.first() != Some(&b'0')
        && bytes.len() == whole.saturating_add(4)
}

/// A balance: mark, date, currency, amount. The date is not needed, so it need not exist, but it
/// must stand there; a few exporters leave the currency out.
pub(super) fn balance(text: &str) -> Result<(Option<&str>, Amount), Fault> {
    let malformed = || {
        let text = "expected a balance such as `C240131EUR12,34`";
        Fault::new(ErrorCode::MalformedFile, text)
    };
    let text = first_line(text);
    let (is_negative, rest) = match text.as_bytes().first() {
        Some(b'C') => (false, text.get(1..)),
        Some(b'D') => (true, text.get(1..)),
        _ => return Err(malformed()),
    };
    let (_, rest) = digits::<6>(rest.unwrap_or_default().trim_start()).ok_or_else(malformed)?;
    let (currency, rest) = currency(rest.trim_start());
    let (number, behind) = split_number(rest.trim_start());
    if number.is_empty() || !behind.is_empty() {
        return Err(malformed());
    }
    Ok((currency, amount(number, is_negative)?))
}

/// The currency code at the start of a text, and the rest.
pub(super) fn currency(text: &str) -> (Option<&str>, &str) {
    match text.split_at_checked(3) {
        Some((code, rest)) if code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            (Some(code), rest)
        }
        _ => (None, text),
    }
}

/// The first line of a field, without what is blank around it.
pub(super) fn first_line(text: &str) -> &str {
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    line.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control())
}
