//! Amounts as banks write them: signs, brackets, currencies in the cell, grouping, point or comma.
//!
//! A cell is first taken apart ([`scan`]), which needs no knowledge of the file. What its digits
//! mean depends on the decimal separator, which is settled for the whole file ([`readings`] is the
//! evidence, [`read`] the result). Nothing is rounded and nothing is guessed: digits that fit no
//! grouping are refused.

use rust_decimal::Decimal;

use super::profile::DecimalSeparator;
use super::words::{Direction, Mark, amount_tag};
use crate::money::Amount;

/// A cell taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scanned<'t> {
    /// Whether a minus, or brackets, stand around the digits.
    pub negative: bool,
    /// Whether a plus stands before the digits.
    pub plus: bool,
    /// The currency in the cell.
    pub currency: Option<Mark>,
    /// A direction in the cell, such as `CR`.
    pub direction: Option<Direction>,
    /// Digits and separators.
    pub digits: &'t str,
}

/// What the digits of one cell say about the decimal separator of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Both readings give the same number.
    Same,
    /// Only one reading gives a number.
    Only(DecimalSeparator),
    /// Both readings give a number, and they differ.
    Open,
    /// No reading gives a number.
    None,
}

/// Whether the sign and the rest around the digits were already seen.
#[derive(Default)]
struct Around {
    signs: u8,
    negative: bool,
    plus: bool,
    opened: bool,
    closed: bool,
    currency: Option<Mark>,
    direction: Option<Direction>,
}

/// Takes a cell apart; `None` where it is no amount in any form.
pub(super) fn scan(cell: &str) -> Option<Scanned<'_>> {
    let cell = super::text::clean(cell);
    let first = cell.find(|letter: char| letter.is_ascii_digit())?;
    let last = cell.rfind(|letter: char| letter.is_ascii_digit())?;
    let (mut from, mut to) = (first, last + 1);
    if let Some(before) = from.checked_sub(1)
        && matches!(cell.as_bytes().get(before), Some(b'.' | b','))
        && !cell.get(..before)?.ends_with(char::is_alphabetic)
    {
        from = before;
    }
    if matches!(cell.as_bytes().get(to), Some(b'.' | b',')) {
        to += 1;
        // `100.-` means a round sum, not a negative one: which of them is not for us to say.
        if matches!(cell.get(to..)?.chars().next(), Some('-' | '–' | '—')) {
            return None;
        }
    }
    let digits = cell.get(from..to)?;
    if !digits.chars().all(|letter| letter.is_ascii_digit() || is_separator(letter)) {
        return None;
    }
    let mut around = Around::default();
    around.take(cell.get(..from)?, true)?;
    around.take(cell.get(to..)?, false)?;
    if around.signs > 1 || around.opened != around.closed {
        return None;
    }
    Some(Scanned {
        negative: around.negative,
        plus: around.plus,
        currency: around.currency,
        direction: around.direction,
        digits,
    })
}

impl Around {
    /// Reads what stands before or behind the digits.
    fn take(&mut self, text: &str, before: bool) -> Option<()> {
        let mut rest = text.trim_matches(super::text::is_blank);
        while let Some(letter) = rest.chars().next() {
            let length = match letter {
                '-' | '−' | '–' | '‐' | '﹣' | '－' => {
                    self.signs += 1;
                    self.negative = true;
                    letter.len_utf8()
                }
                '+' => {
                    self.signs += 1;
                    self.plus = true;
                    1
                }
                '(' if before && !self.opened => {
                    self.signs += 1;
                    self.negative = true;
                    self.opened = true;
                    1
                }
                ')' if !before && !self.closed => {
                    self.closed = true;
                    1
                }
                _ => self.take_word(rest)?,
            };
            rest = rest.get(length..)?.trim_start_matches(super::text::is_blank);
        }
        Some(())
    }

    /// Reads one currency or direction; its length in bytes.
    fn take_word(&mut self, text: &str) -> Option<usize> {
        let stops = |letter: char| {
            super::text::is_blank(letter) || matches!(letter, '-' | '−' | '–' | '+' | '(' | ')')
        };
        let word = text.get(..text.find(stops).unwrap_or(text.len()))?;
        if let Some(mark) = Mark::of(word) {
            if self.currency.is_some_and(|known| known != mark) {
                return None;
            }
            self.currency = Some(mark);
        } else {
            if self.direction.is_some() {
                return None;
            }
            self.direction = Some(amount_tag(word)?);
        }
        Some(word.len())
    }
}

/// What may stand between digits.
fn is_separator(letter: char) -> bool {
    matches!(letter, '.' | ',') || is_neutral_separator(letter)
}

/// Separators that only ever group thousands: apostrophes and blanks.
fn is_neutral_separator(letter: char) -> bool {
    matches!(
        letter,
        '\'' | '’' | '‘' | '´' | ' ' | '\u{A0}' | '\u{2007}' | '\u{2009}' | '\u{202F}' | '\u{2006}'
    )
}

/// What the digits say about the file's decimal separator.
pub(super) fn readings(digits: &str) -> Reading {
    let point = read(digits, DecimalSeparator::Point);
    let comma = read(digits, DecimalSeparator::Comma);
    match (point, comma) {
        (Some(left), Some(right)) if left == right => Reading::Same,
        (Some(_), Some(_)) => Reading::Open,
        (Some(_), None) => Reading::Only(DecimalSeparator::Point),
        (None, Some(_)) => Reading::Only(DecimalSeparator::Comma),
        (None, None) => Reading::None,
    }
}

/// The number, where it is the same with either decimal separator.
pub(super) fn read_alike(digits: &str) -> Option<Amount> {
    let point = read(digits, DecimalSeparator::Point)?;
    (read(digits, DecimalSeparator::Comma) == Some(point)).then_some(point)
}

/// The number that the digits mean with that decimal separator, without its sign.
pub(super) fn read(digits: &str, decimal: DecimalSeparator) -> Option<Amount> {
    if let Some(amount) = read_plain(digits.as_bytes(), decimal) {
        return Some(amount);
    }
    let separator = decimal.letter();
    let (whole, fraction) = match digits.split_once(separator) {
        Some((whole, fraction)) => (whole, fraction),
        None => (digits, ""),
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || !is_grouped(whole) {
        return None;
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa = 0_i128;
    let digits = whole.bytes().chain(fraction.bytes()).filter(u8::is_ascii_digit);
    for byte in digits {
        mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
    }
    let scale = u32::try_from(fraction.len()).ok()?;
    Decimal::try_from_i128_with_scale(mantissa, scale).ok().map(Amount::new)
}

/// The usual case, which [`read`] reads alike: few digits, and nothing between them but the
/// decimal separator and the other one between groups of three.
pub(super) fn read_plain(digits: &[u8], decimal: DecimalSeparator) -> Option<Amount> {
    if digits.len() > 17 {
        return None;
    }
    let (separator, group) = (decimal.byte(), decimal.other().byte());
    let (mut mantissa, mut scale, mut in_fraction) = (0_i64, 0_u32, false);
    let (mut run, mut grouped) = (0_u32, false);
    for byte in digits {
        if byte.is_ascii_digit() {
            mantissa = mantissa * 10 + i64::from(byte - b'0');
            scale += u32::from(in_fraction);
            run += 1;
        } else if in_fraction || grouped && run != 3 {
            return None;
        } else if *byte == separator {
            in_fraction = true;
        } else if *byte == group && (1..=3).contains(&run) && digits.first() != Some(&b'0') {
            (run, grouped) = (0, true);
        } else {
            return None;
        }
    }
    let complete = in_fraction || !grouped || run == 3;
    let some_digit = digits.len() > usize::from(in_fraction);
    (complete && some_digit).then(|| Amount::new(Decimal::new(mantissa, scale)))
}

/// Whether the whole part is digits alone, or groups them by one separator: in threes, or as in
/// India in twos up to a last three.
fn is_grouped(whole: &str) -> bool {
    let Some(separator) = whole.chars().find(|letter| !letter.is_ascii_digit()) else {
        return true;
    };
    if !is_separator(separator) {
        return false;
    }
    let mut groups = whole.split(separator);
    let Some(first) = groups.next() else { return false };
    if !(1..=3).contains(&first.len()) || first.starts_with('0') {
        return false;
    }
    let mut threes = true;
    let mut twos = separator == ',' && first.len() <= 2;
    let mut groups = groups.peekable();
    while let Some(group) = groups.next() {
        if !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return false;
        }
        threes &= group.len() == 3;
        twos &= group.len() == if groups.peek().is_some() { 2 } else { 3 };
    }
    (threes || twos) && first.bytes().all(|byte| byte.is_ascii_digit())
}
