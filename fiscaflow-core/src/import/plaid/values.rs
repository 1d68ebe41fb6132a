//! Amounts as JSON writes them.

use rust_decimal::Decimal;

use crate::error::ErrorCode;
use crate::money::Amount;

/// The largest power of ten that is written out.
const MAX_EXPONENT: i32 = 60;

/// Reads a number of JSON by its digits, with the decimal places it is written with, and turns its
/// sign: Plaid's positive numbers are money out.
pub(super) fn turned_amount(text: &str) -> Result<Amount, ErrorCode> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, self::exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (mut mantissa, mut places, mut count, mut has_point) = (0_i128, 0_i32, 0_u32, false);
    for byte in digits.bytes() {
        let value = byte.wrapping_sub(b'0');
        if value <= 9 {
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|number| number.checked_add(i128::from(value)))
                .ok_or(ErrorCode::AmountOverflow)?;
            places = places.saturating_add(i32::from(has_point));
            count = count.saturating_add(1);
        } else if byte == b'.' && !has_point && count > 0 {
            has_point = true;
        } else {
            return Err(ErrorCode::InvalidAmount);
        }
    }
    if count == 0 || has_point && places == 0 {
        return Err(ErrorCode::InvalidAmount);
    }
    let scale = places.saturating_sub(exponent);
    let (mantissa, scale) = match u32::try_from(scale) {
        Ok(scale) => (mantissa, scale),
        Err(_) => (raised(mantissa, scale.unsigned_abs()).ok_or(ErrorCode::AmountOverflow)?, 0),
    };
    let mantissa = if is_negative { mantissa } else { mantissa.saturating_neg() };
    Decimal::try_from_i128_with_scale(mantissa, scale)
        .map(Amount::new)
        .map_err(|_| ErrorCode::AmountOverflow)
}

fn exponent(text: &str) -> Result<i32, ErrorCode> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ErrorCode::InvalidAmount);
    }
    let value: i32 = digits.parse().map_err(|_| ErrorCode::AmountOverflow)?;
    if value > MAX_EXPONENT {
        return Err(ErrorCode::AmountOverflow);
    }
    Ok(if text.starts_with('-') { value.saturating_neg() } else { value })
}

/// The number times so many tens.
fn raised(mantissa: i128, exponent: u32) -> Option<i128> {
    mantissa.checked_mul(10_i128.checked_pow(exponent)?)
}

/// What to tell people about an amount that was refused.
pub(super) const fn explain(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::AmountOverflow => "the amount has too many digits",
        _ => "expected a number such as `12.34`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit_and_turn_their_sign() {
        // Holds: places are kept as written, powers of ten are written out, nothing is rounded.
        let table = [
            ("0", "0"),
            ("-0", "0"),
            ("0.00", "0.00"),
            ("5.4", "-5.4"),
            ("-5.40", "5.40"),
            ("12", "-12"),
            ("0.30000000000000004", "-0.30000000000000004"),
            ("89.4", "-89.4"),
            ("1e3", "-1000"),
            ("1.5E+2", "-150"),
            ("-25e-2", "0.25"),
            ("1.50e1", "-15.0"),
            ("79228162514264337593543950335", "-79228162514264337593543950335"),
            ("1e-28", "-0.0000000000000000000000000001"),
        ];
        for (text, value) in table {
            let read = turned_amount(text).map(|amount| amount.to_string());
            assert_eq!(read.as_deref(), Ok(value), "{text}");
        }
        for text in [
            "", "-", "+5", "--5", ".5", "5.", "5.e1", "1e", "1e+", "1e1.5", "1,5", "1 000", "0x10",
            "Infinity", "NaN", "１", "1e--1",
        ] {
            assert_eq!(turned_amount(text), Err(ErrorCode::InvalidAmount), "{text}");
        }
        for text in [
            "79228162514264337593543950336",
            "1e29",
            "1e60",
            "1e61",
            "1e99999999999",
            "1e-29",
            "1e-99999999999",
            "0.00000000000000000000000000001",
            &"9".repeat(60),
        ] {
            assert_eq!(turned_amount(text), Err(ErrorCode::AmountOverflow), "{text}");
        }
    }
}
