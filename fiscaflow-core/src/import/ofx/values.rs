//! Dates and amounts as OFX writes them (specification 2.3, sections 3.2.8 and 3.2.9).

use chrono::NaiveDate;

use crate::error::ErrorCode;
use crate::import::text::decimal;
use crate::money::Amount;

/// Reads the day of `YYYYMMDD[HHMMSS[.XXX]][[offset[:zone]]]` as it is written.
///
/// Time and zone are not applied: banks write offsets that contradict their zone names, and a shift
/// to UTC would move entries to another day. A date with hyphens or slashes is read if it begins
/// with the year.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let (year, rest) = digits::<4>(text.as_bytes())?;
    let separator = rest.first().copied().filter(|byte| matches!(byte, b'-' | b'/'));
    let (month, rest) = digits::<2>(after(rest, separator)?)?;
    let (day, rest) = digits::<2>(after(rest, separator)?)?;
    if !is_time(rest) {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok().filter(|year| *year > 0)?, month, day)
}

/// Whether the text stands for no date at all.
pub(super) fn is_no_date(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

fn digits<const N: usize>(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = bytes.split_first_chunk::<N>()?;
    let mut number = 0_u32;
    for digit in digits {
        let value = digit.checked_sub(b'0').filter(|value| *value <= 9)?;
        number = number.checked_mul(10)?.checked_add(u32::from(value))?;
    }
    Some((number, rest))
}

fn after(bytes: &[u8], separator: Option<u8>) -> Option<&[u8]> {
    match separator {
        None => Some(bytes),
        Some(separator) => bytes.strip_prefix(&[separator]),
    }
}

/// Whether what follows a date may be a time of day: an odd digit or a word there means that the
/// digits before were no date.
fn is_time(rest: &[u8]) -> bool {
    let figures = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let next = rest.get(figures);
    figures % 2 == 0 && (next.is_none() || next.is_some_and(|byte| b".:[ T+-Z".contains(byte)))
}

/// How an amount uses its separators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// One separator or none, which tells nothing about the others of the file.
    Plain,
    /// Thousands are grouped with this separator.
    Grouped(u8),
    /// The one separator could group thousands, were that allowed.
    Doubtful(u8),
}

/// Reads a signed decimal, with the decimal places it is written with.
///
/// A lone point or comma is the decimal separator, whatever stands behind it: the specification
/// knows no grouping, so that `-30.000` is thirty. Where both occur, or one of them occurs several
/// times, only one reading is left, and groups must have three digits.
pub(super) fn amount(text: &str) -> Result<(Amount, Style), ErrorCode> {
    let (is_negative, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        bytes => (false, bytes),
    };
    let (decimal_separator, style) = separators(unsigned).ok_or(ErrorCode::InvalidAmount)?;
    // It is the last separator, and stands there once.
    let fraction = unsigned.iter().rev().position(|byte| Some(*byte) == decimal_separator);
    let amount = decimal(unsigned, is_negative, fraction.unwrap_or_default());
    Ok((amount.ok_or(ErrorCode::AmountOverflow)?, style))
}

/// Reads a balance. Before one, unlike before an amount, a sign of its currency is passed over.
pub(super) fn balance(text: &str) -> Result<(Amount, Style), ErrorCode> {
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let rest = unsigned.trim_start_matches(['R', 'U', 'S']);
    match rest.strip_prefix(['$', '€', '£']) {
        Some(rest) => amount(&[sign, rest.trim_start()].concat()),
        None => amount(text),
    }
}

/// The decimal separator of a number without sign, and how it uses its separators; nothing where
/// the text is no number or its groups are none.
fn separators(unsigned: &[u8]) -> Option<(Option<u8>, Style)> {
    let (mut digits, mut separators, mut last) = (0_usize, 0_usize, 0);
    for byte in unsigned {
        if byte.is_ascii_digit() {
            digits = digits.saturating_add(1);
        } else if is_separator(byte) {
            separators = separators.saturating_add(1);
            last = *byte;
        } else {
            return None;
        }
    }
    match separators {
        _ if digits == 0 => None,
        0 => Some((None, Style::Plain)),
        1 => {
            let is_doubtful = unsigned.first() != Some(&b'0') && has_groups(unsigned, last);
            let style = if is_doubtful { Style::Doubtful(last) } else { Style::Plain };
            Some((Some(last), style))
        }
        _ => {
            let is_last = |byte: &&u8| **byte == last;
            let decimal = (unsigned.iter().filter(is_last).count() == 1).then_some(last);
            let whole = match decimal {
                Some(_) => unsigned.rsplitn(2, is_separator).nth(1)?,
                None => unsigned,
            };
            let grouping = whole.iter().copied().find(is_separator)?;
            (Some(grouping) != decimal && has_groups(whole, grouping))
                .then_some((decimal, Style::Grouped(grouping)))
        }
    }
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'.' | b',')
}

/// Whether the digits stand in groups of three, of which only the first may be shorter.
fn has_groups(whole: &[u8], grouping: u8) -> bool {
    let mut groups = whole.split(|byte| *byte == grouping);
    let is_group = |group: &[u8]| !group.is_empty() && group.iter().all(u8::is_ascii_digit);
    groups.next().is_some_and(|first| first.len() <= 3 && is_group(first))
        && groups.all(|group| group.len() == 3 && is_group(group))
}

/// What to tell people about an amount that was refused.
pub(super) const fn explain(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::AmountOverflow => "the amount has too many digits",
        _ => "expected a decimal such as `-12.34`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_kept_as_written() {
        // Holds: neither time nor zone moves a date, and what is no date is not made one.
        let table = [
            ("20120203", "2012-02-03"),
            ("20120203120000", "2012-02-03"),
            ("20120203235959.999[-5:EST]", "2012-02-03"),
            ("20120203000000[-03:EST]", "2012-02-03"),
            ("20120203000000.000[+0:UTC]", "2012-02-03"),
            ("20120203[0:GMT]", "2012-02-03"),
            ("2012020312", "2012-02-03"),
            ("201202031200", "2012-02-03"),
            ("20120203120000:014", "2012-02-03"),
            ("20120203 12:00", "2012-02-03"),
            ("20120203T120000Z", "2012-02-03"),
            ("2012-02-03", "2012-02-03"),
            ("2012/02/03", "2012-02-03"),
            ("2012-02-03T23:59:59+02:00", "2012-02-03"),
            ("20120229", "2012-02-29"),
        ];
        for (text, day) in table {
            assert_eq!(date(text).map(|date| date.to_string()).as_deref(), Some(day), "{text}");
        }
        for text in [
            "",
            "2012",
            "201202",
            "2012023",
            "20120231",
            "20110229",
            "201120000000",
            "20121301",
            "20120100",
            "00000101",
            "01022012",
            "12/31/2012",
            "31.12.2012",
            "2012-02/03",
            "2012-2-3",
            "201202031",
            "20120203x",
            "2012O203",
            "+2120203",
            " 20120203",
            "２０120203",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_keep_every_digit() {
        // Holds: a lone point or comma is decimal, places are kept, and nothing is guessed.
        let table = [
            ("0", "0"),
            ("-12.34", "-12.34"),
            ("+12.34", "12.34"),
            ("12,34", "12.34"),
            ("-30.000", "-30.000"),
            ("1,000", "1.000"),
            ("-00000000001500.0000", "-1500.0000"),
            ("+00000000000115.8331", "115.8331"),
            (".5", "0.5"),
            ("-,5", "-0.5"),
            ("5.", "5"),
            ("1,234.56", "1234.56"),
            ("1.234,56", "1234.56"),
            ("-1.234.567,8", "-1234567.8"),
            ("1,234,567", "1234567"),
            ("1.234.567", "1234567"),
            ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
        ];
        for (text, value) in table {
            let read = amount(text).map(|(amount, _)| amount.to_string());
            assert_eq!(read.as_deref(), Ok(value), "{text}");
        }
        for text in [
            "",
            "-",
            "+",
            ".",
            ",",
            "$120",
            "120 EUR",
            "--5",
            "+-5",
            "5-",
            "- 5",
            "(5)",
            "1e3",
            "12..3",
            "1,2,3",
            "12.34.56",
            "1,234,56",
            "1.234,567,8",
            "1,23.4",
            "1234,567.8",
            "1,234.567.8",
            ",123.4",
            "0x10",
            "１２",
            "NaN",
            "1'000.00",
            "1 000.00",
        ] {
            assert_eq!(amount(text), Err(ErrorCode::InvalidAmount), "{text}");
        }
        for text in [
            "79228162514264337593543950336",
            "0.00000000000000000000000000001",
            &"9".repeat(60),
            &format!("0.{}", "0".repeat(60)),
        ] {
            assert_eq!(amount(text), Err(ErrorCode::AmountOverflow), "{text}");
        }
    }

    #[test]
    fn separators_tell_of_the_whole_file() {
        // Holds: which amounts prove a grouping, and which could be meant as grouped.
        let table = [
            ("1234.56", Style::Plain),
            ("-30.000", Style::Doubtful(b'.')),
            ("1,000", Style::Doubtful(b',')),
            ("0,500", Style::Plain),
            ("1500.000", Style::Plain),
            ("1.0000", Style::Plain),
            (".500", Style::Plain),
            ("1,234.56", Style::Grouped(b',')),
            ("1.234.567", Style::Grouped(b'.')),
        ];
        for (text, style) in table {
            assert_eq!(amount(text).map(|(_, style)| style), Ok(style), "{text}");
        }
    }
}
