//! Amounts, and the decimal separator that a whole file keeps.

use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::error::ErrorCode;
use crate::money::Amount;

/// Evidence on the decimal separator, from every amount of the file.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    point: usize,
    comma: usize,
}

impl Evidence {
    /// Adds an amount.
    pub(super) fn add(&mut self, text: &str) {
        let plain = plain_blanks(text);
        let Some((_, digits)) = strip(&plain) else { return };
        match separators(digits) {
            Separators::Decimal(b'.') => self.point = self.point.saturating_add(1),
            Separators::Decimal(_) => self.comma = self.comma.saturating_add(1),
            Separators::None | Separators::Open | Separators::Odd => {}
        }
    }

    /// The decimal separator that all but a few garbled amounts have.
    pub(super) fn settle(&self) -> Option<u8> {
        if self.point > self.comma.saturating_mul(9) {
            Some(b'.')
        } else if self.comma > self.point.saturating_mul(9) {
            Some(b',')
        } else {
            None
        }
    }
}

/// Reads a signed amount; `decimal` is the file's decimal separator, where it tells.
pub(super) fn read(text: &str, decimal: Option<u8>) -> Result<Amount, (ErrorCode, &'static str)> {
    if let Some(amount) = read_plain(text, decimal) {
        return Ok(amount);
    }
    let plain = plain_blanks(text);
    let (is_negative, digits) = strip(&plain).ok_or(NOT_AN_AMOUNT)?;
    let decimal = match (separators(digits), decimal) {
        (Separators::None, _) => None,
        (Separators::Open, Some(decimal)) => Some(decimal),
        (Separators::Decimal(own), None) => Some(own),
        (Separators::Decimal(own), Some(decimal)) if own == decimal => Some(own),
        (Separators::Open, None) => {
            let text = "the separator may be a decimal or a thousands separator";
            return Err((ErrorCode::AmbiguousFile, text));
        }
        (Separators::Decimal(_), Some(_)) => {
            let text = "the decimal separator is not that of the file's other amounts";
            return Err((ErrorCode::InvalidAmount, text));
        }
        (Separators::Odd, _) => return Err(NOT_AN_AMOUNT),
    };
    let (mut mantissa, mut scale, mut in_fraction) = (0_i128, 0_u32, false);
    for byte in digits.bytes() {
        if byte.is_ascii_digit() {
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|mantissa| mantissa.checked_add(i128::from(byte.wrapping_sub(b'0'))))
                .ok_or(TOO_LONG)?;
            scale = scale.saturating_add(u32::from(in_fraction));
        } else if Some(byte) == decimal {
            in_fraction = true;
        }
    }
    let mantissa = if is_negative { -mantissa } else { mantissa };
    Decimal::try_from_i128_with_scale(mantissa, scale).map(Amount::new).map_err(|_| TOO_LONG)
}

/// The usual amount: a sign, few digits and the file's decimal separator.
fn read_plain(text: &str, decimal: Option<u8>) -> Option<Amount> {
    const MOST: usize = 17;
    let (is_negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > MOST || !digits.first()?.is_ascii_digit() {
        return None;
    }
    let (mut mantissa, mut scale, mut in_fraction) = (0_i64, 0_u32, false);
    for byte in digits {
        if byte.is_ascii_digit() {
            mantissa = mantissa.checked_mul(10)?.checked_add(i64::from(byte.wrapping_sub(b'0')))?;
            scale = scale.saturating_add(u32::from(in_fraction));
        } else if Some(*byte) == decimal && !in_fraction {
            in_fraction = true;
        } else {
            return None;
        }
    }
    Some(Amount::new(Decimal::new(if is_negative { -mantissa } else { mantissa }, scale)))
}

const NOT_AN_AMOUNT: (ErrorCode, &str) =
    (ErrorCode::InvalidAmount, "expected an amount such as `-12.34`");
const TOO_LONG: (ErrorCode, &str) = (ErrorCode::AmountOverflow, "the amount has too many digits");

/// The text with plain blanks in place of those that French programs group thousands with.
fn plain_blanks(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(['\u{A0}', '\u{202F}'], " "))
}

/// The sign and what is left without it and without a currency sign beside it.
fn strip(text: &str) -> Option<(bool, &str)> {
    let text = without_currency(text);
    let (is_negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let rest = without_currency(rest);
    rest.bytes().any(|byte| byte.is_ascii_digit()).then_some((is_negative, rest))
}

fn without_currency(text: &str) -> &str {
    let is_plain = text.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_plain { text } else { text.trim_start_matches(['$', '£', '€', ' ']) }
}

/// What the separators of an amount tell.
enum Separators {
    /// There is none but apostrophes and blanks, which group thousands.
    None,
    /// Which one is the decimal separator.
    Decimal(u8),
    /// The only one may be decimal or group thousands.
    Open,
    /// They fit no way of writing an amount.
    Odd,
}

fn separators(digits: &str) -> Separators {
    let bytes = digits.as_bytes();
    let (mut count, mut first, mut last, mut last_at) = (0_usize, 0, 0, 0);
    for (at, byte) in bytes.iter().enumerate().filter(|(_, byte)| !byte.is_ascii_digit()) {
        first = if count == 0 { *byte } else { first };
        (last, last_at) = (*byte, at);
        count = count.saturating_add(1);
    }
    if count == 0 {
        return Separators::None;
    }
    let (whole, fraction) = bytes.split_at_checked(last_at).unwrap_or((bytes, &[]));
    let places = fraction.len().saturating_sub(1);
    let is_decimal = |byte: u8| matches!(byte, b'.' | b',');
    match count {
        1 if is_decimal(last) => {
            let may_group = (1..=3).contains(&whole.len()) && whole.first() != Some(&b'0');
            if places == 3 && may_group { Separators::Open } else { Separators::Decimal(last) }
        }
        _ if last == first => match last {
            b'.' if is_grouped(bytes, b'.') => Separators::Decimal(b','),
            b',' if is_grouped(bytes, b',') => Separators::Decimal(b'.'),
            b'\'' | b' ' if is_grouped(bytes, last) => Separators::None,
            _ => Separators::Odd,
        },
        _ if is_decimal(last) && is_grouped(whole, first) => Separators::Decimal(last),
        _ => Separators::Odd,
    }
}

/// Whether digits are grouped by one separator: in threes, or as in India in twos before a last
/// three.
fn is_grouped(bytes: &[u8], separator: u8) -> bool {
    if !matches!(separator, b'.' | b',' | b'\'' | b' ') {
        return false;
    }
    let is_digits = |group: &[u8]| group.iter().all(u8::is_ascii_digit);
    let mut groups = bytes.split(|byte| *byte == separator).peekable();
    let Some(first) = groups.next() else { return false };
    if !(1..=3).contains(&first.len()) || first.first() == Some(&b'0') || !is_digits(first) {
        return false;
    }
    let (mut threes, mut twos) = (true, separator == b',' && first.len() <= 2);
    while let Some(group) = groups.next() {
        if !is_digits(group) {
            return false;
        }
        threes &= group.len() == 3;
        twos &= group.len() == if groups.peek().is_some() { 2 } else { 3 };
    }
    threes || twos
}
