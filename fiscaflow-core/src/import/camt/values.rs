//! Amounts and character references as XML writes them.

use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::error::ErrorCode;
use crate::import::bytes::find_byte;
use crate::money::Amount;

/// Reads an `xs:decimal` without a minus sign, with the decimal places it is written with: whether
/// it is money in or out stands in an element of its own, so that a sign here could mean either.
pub(super) fn amount(text: &str) -> Result<Amount, ErrorCode> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let mut mantissa = Some(0_u64);
    let (mut scale, mut digits, mut has_point) = (0_u32, 0_u32, false);
    for byte in unsigned.bytes() {
        let value = byte.wrapping_sub(b'0');
        if value <= 9 {
            mantissa = mantissa
                .and_then(|number| number.checked_mul(10))
                .and_then(|number| number.checked_add(u64::from(value)));
            scale = scale.wrapping_add(u32::from(has_point));
            digits = digits.wrapping_add(1);
        } else if byte == b'.' && !has_point {
            has_point = true;
        } else {
            return Err(signed(text).unwrap_or(ErrorCode::InvalidAmount));
        }
    }
    if digits == 0 {
        return Err(ErrorCode::InvalidAmount);
    }
    match mantissa {
        Some(mantissa) => Decimal::try_from_i128_with_scale(i128::from(mantissa), scale)
            .map(Amount::new)
            .map_err(|_| ErrorCode::AmountOverflow),
        None => long(unsigned, scale),
    }
}

/// Reads an amount whose digits do not fit into 64 bits.
#[cold]
fn long(unsigned: &str, scale: u32) -> Result<Amount, ErrorCode> {
    let digits = unsigned.bytes().filter(|byte| *byte != b'.');
    let mantissa = digits.into_iter().try_fold(0_i128, |number, byte| {
        number.checked_mul(10)?.checked_add(i128::from(byte.wrapping_sub(b'0')))
    });
    mantissa
        .and_then(|mantissa| Decimal::try_from_i128_with_scale(mantissa, scale).ok())
        .map(Amount::new)
        .ok_or(ErrorCode::AmountOverflow)
}

/// What to say of an amount with a minus sign; it does not matter where the amount is nothing.
#[cold]
fn signed(text: &str) -> Option<ErrorCode> {
    let rest = text.strip_prefix('-').filter(|rest| !rest.starts_with(['-', '+']))?;
    amount(rest).ok().map(|_| ErrorCode::AmbiguousFile)
}

/// What to tell people about an amount that was refused.
pub(super) const fn explain(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::AmountOverflow => "the amount has too many digits",
        ErrorCode::AmbiguousFile => {
            "the minus sign may mean money out, or the opposite of what `CdtDbtInd` says"
        }
        _ => "expected a decimal such as `12.34`",
    }
}

/// Whether an amount is credit; nothing where the indicator is unknown.
pub(super) fn is_credit(text: &str) -> Option<bool> {
    match text {
        "CRDT" => Some(true),
        "DBIT" => Some(false),
        _ => None,
    }
}

/// Replaces character references and the five entities of XML. An `&` that cannot begin one is
/// text; an entity of another name is an error, since nothing can say what it stands for.
#[inline]
pub(super) fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    match find_byte(raw.as_bytes(), 0, b'&') {
        None => Some(Cow::Borrowed(raw)),
        Some(_) => replace(raw).map(Cow::Owned),
    }
}

#[cold]
fn replace(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        let end = after.find(|char: char| !(char.is_ascii_alphanumeric() || "#_-.".contains(char)));
        let (name, behind) = after.split_at_checked(end.unwrap_or(after.len()))?;
        rest = match behind.strip_prefix(';').filter(|_| !name.is_empty()) {
            Some(behind) => {
                text.push(character(name)?);
                behind
            }
            None => {
                text.push('&');
                after
            }
        };
    }
    text.push_str(rest);
    Some(text)
}

/// The character that an entity or a character reference names.
fn character(name: &str) -> Option<char> {
    match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => {}
    }
    let number = name.strip_prefix('#')?;
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    let is_number = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let char = char::from_u32(u32::from_str_radix(digits, radix).ok().filter(|_| is_number)?)?;
    (char >= ' ' || matches!(char, '\t' | '\n' | '\r')).then_some(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_expanded_once_and_only_the_known_ones() {
        // Holds: the five entities and character references; a bare `&` is text, others are
        // refused.
        let table = [
            ("AT&amp;T", "AT&T"),
            ("a &lt;b&gt; &quot;c&quot; &apos;d&apos;", "a <b> \"c\" 'd'"),
            ("caf&#233; &#xE9;&#xe9; &#9;", "café éé \t"),
            ("&amp;lt; &amp;#39;", "&lt; &#39;"),
            ("A & B & &; C&D &#+65; &", "A & B & &; C&D &#+65; &"),
        ];
        for (raw, text) in table {
            assert_eq!(unescape(raw).as_deref(), Some(text));
        }
        for raw in [
            "&nbsp;",
            "&AMP;",
            "a&x;b",
            "&#0;",
            "&#xD800;",
            "&#1114112;",
            "&#;",
            "&#x;",
            "&#99999999999999;",
            "&#-1;",
            "&amp;&lol;",
        ] {
            assert_eq!(unescape(raw), None, "{raw}");
        }
    }
}
