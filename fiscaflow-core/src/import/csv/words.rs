//! Words and signs with a fixed meaning in cells: directions, currencies, states, totals.
//!
//! The lists themselves are in `vocabulary.txt`.

use super::text::words;
use super::vocabulary::{self, List};
use crate::money::Currency;

/// Whether money comes in or goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Money comes in.
    In,
    /// Money goes out.
    Out,
}

impl Direction {
    /// What the cell of a direction column means.
    pub fn of(cell: &str) -> Option<Self> {
        match cell {
            "-" | "−" | "–" | "(-)" => return Some(Self::Out),
            "+" | "(+)" => return Some(Self::In),
            // The usual words need no folding.
            "D" | "DR" | "Debit" | "DEBIT" | "debit" => return Some(Self::Out),
            "C" | "CR" | "Credit" | "CREDIT" | "credit" => return Some(Self::In),
            _ => {}
        }
        let word = spelled(cell, 40)?;
        if List::DirectionOut.has(&word) {
            Some(Self::Out)
        } else if List::DirectionIn.has(&word) {
            Some(Self::In)
        } else {
            None
        }
    }
}

/// A direction next to the digits of an amount, such as `12.50 CR`.
pub(super) fn amount_tag(word: &str) -> Option<Direction> {
    match word.trim_end_matches('.') {
        "CR" | "Cr" | "cr" | "C" | "H" => Some(Direction::In),
        "DR" | "Dr" | "dr" | "D" | "S" | "DB" => Some(Direction::Out),
        _ => None,
    }
}

/// A currency as it stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A code, or a sign that only one currency has.
    Known(Currency),
    /// A sign that several currencies share, such as `$` or `kr`.
    Shared(&'static str),
}

/// Signs and abbreviations, and the currency they stand for.
const SIGNS: &[(&str, &str)] = &[
    ("€", "EUR"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("eur.", "EUR"),
    ("£", "GBP"),
    ("zł", "PLN"),
    ("zl", "PLN"),
    ("kč", "CZK"),
    ("kc", "CZK"),
    ("ft", "HUF"),
    ("ft.", "HUF"),
    ("fr.", "CHF"),
    ("sfr", "CHF"),
    ("sfr.", "CHF"),
    ("r$", "BRL"),
    ("us$", "USD"),
    ("$us", "USD"),
    ("c$", "CAD"),
    ("ca$", "CAD"),
    ("cdn$", "CAD"),
    ("a$", "AUD"),
    ("au$", "AUD"),
    ("nz$", "NZD"),
    ("hk$", "HKD"),
    ("s$", "SGD"),
    ("sg$", "SGD"),
    ("nt$", "TWD"),
    ("mx$", "MXN"),
    ("₹", "INR"),
    ("₽", "RUB"),
    ("руб", "RUB"),
    ("руб.", "RUB"),
    ("₺", "TRY"),
    ("tl", "TRY"),
    ("₪", "ILS"),
    ("₩", "KRW"),
    ("₫", "VND"),
    ("₴", "UAH"),
    ("грн", "UAH"),
    ("грн.", "UAH"),
    ("฿", "THB"),
    ("₦", "NGN"),
    ("₱", "PHP"),
    ("₸", "KZT"),
    ("₾", "GEL"),
    ("₡", "CRC"),
    ("lei", "RON"),
    ("лв", "BGN"),
    ("лв.", "BGN"),
    ("rm", "MYR"),
    ("rp", "IDR"),
    ("円", "JPY"),
    ("元", "CNY"),
];
/// Signs that several currencies share.
const SHARED: &[&str] = &["$", "kr", "kr.", "¥", "rs", "rs.", "r", "din", "din."];

impl Mark {
    /// The currency that a word stands for.
    pub fn of(word: &str) -> Option<Self> {
        if word.len() > 12 {
            return None;
        }
        if let Some(currency) = code(word) {
            return Some(Self::Known(currency));
        }
        let lower = word.to_lowercase();
        if let Some((_, code)) = SIGNS.iter().find(|(sign, _)| *sign == lower) {
            return Currency::iso(code).ok().map(Self::Known);
        }
        SHARED.iter().find(|sign| **sign == lower).map(|sign| Self::Shared(sign))
    }
}

/// The ISO 4217 currency of a code in capitals or small letters.
pub(super) fn code(word: &str) -> Option<Currency> {
    if word.len() != 3 || !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let same_case = word.bytes().all(|byte| byte.is_ascii_uppercase())
        || word.bytes().all(|byte| byte.is_ascii_lowercase());
    if same_case { Currency::iso(&word.to_ascii_uppercase()).ok() } else { None }
}

/// What a status says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The row is announced and not booked yet.
    Pending,
    /// The row never became a transaction.
    Failed,
    /// The row is booked, or the word is unknown.
    Booked,
}

impl State {
    /// What the cell of a status column says.
    pub fn of(cell: &str) -> Self {
        let Some(word) = spelled(cell, 60) else { return Self::Booked };
        if List::Pending.has(&word) {
            Self::Pending
        } else if List::Failed.has(&word) {
            Self::Failed
        } else {
            Self::Booked
        }
    }
}

/// Whether a status column's cell is one that [`State`] or a bank's booking system knows.
pub(super) fn is_status(cell: &str) -> bool {
    State::of(cell) != State::Booked
        || spelled(cell, 60).is_some_and(|word| List::Booked.has(&word))
}

/// Whether a line's text says that it adds up other lines or reports a balance.
pub(super) fn is_total(cell: &str) -> bool {
    if cell.is_empty() || cell.len() > 200 {
        return false;
    }
    let text = words(cell);
    List::Total.begins(&text) || List::BalanceLine.has(&text)
}

/// A cell as words, where it may stand in a list of directions or states: it is not long, and no
/// entry holds a digit.
fn spelled(cell: &str, most: usize) -> Option<String> {
    let fits = (1..=most).contains(&cell.len());
    (fits && !cell.bytes().any(|byte| byte.is_ascii_digit())).then(|| words(cell))
}

/// Whether a description is that of a balance line and nothing else.
pub(super) fn is_balance_line(cell: &str) -> bool {
    !cell.is_empty()
        && cell.len() <= 40
        && vocabulary::may_be_balance_line(cell)
        && List::BalanceLine.has(&words(cell))
}
