//! Which way money moves: proof by the running balance, by the layout of a known exporter, by
//! words.

use rust_decimal::Decimal;

use super::lexicon::Title;
use super::text::words;
use super::vocabulary::List;
use crate::money::Amount;

/// How many steps of a running balance must follow before it proves anything.
const MIN_STEPS: usize = 2;
/// How many rows must speak for a side before words prove anything.
const MIN_WORDS: usize = 3;

/// One row's movement and the balance after it, where it is written.
pub(super) type Move = (Decimal, Option<Amount>);

/// How often a running balance follows from the movements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Steps {
    /// How often a balance and the one before it could be compared.
    pub compared: usize,
    /// How often the movement explains the step.
    pub with: usize,
    /// How often the opposite movement does.
    pub against: usize,
}

impl Steps {
    /// Counts the steps in the given order, oldest first.
    pub fn count<'m>(moves: impl Iterator<Item = &'m Move>) -> Self {
        let mut steps = Self::default();
        let mut before: Option<Decimal> = None;
        let mut moved = Some(Decimal::ZERO);
        for (amount, balance) in moves {
            moved = moved.and_then(|moved| moved.checked_add(*amount));
            let Some(balance) = balance else { continue };
            let after = balance.decimal();
            if let (Some(before), Some(moved)) = (before, moved)
                && !moved.is_zero()
            {
                steps.compared += 1;
                steps.with += usize::from(before.checked_add(moved) == Some(after));
                steps.against += usize::from(before.checked_sub(moved) == Some(after));
            }
            before = Some(after);
            moved = Some(Decimal::ZERO);
        }
        steps
    }

    /// Whether so many matches prove the rule: nine steps of ten.
    fn proves(self, matches: usize) -> bool {
        self.compared >= MIN_STEPS && matches * 10 >= self.compared * 9
    }

    /// Whether the movements explain the balance.
    pub fn follow(self) -> bool {
        self.proves(self.with)
    }

    /// Whether the opposite movements explain the balance.
    pub fn oppose(self) -> bool {
        self.proves(self.against)
    }
}

/// Whether a running balance, in either order of rows, moves with the amounts (`true`) or against
/// them (`false`); `None` where it proves neither or both.
pub(super) fn chain_sign(moves: &[Move]) -> Option<bool> {
    let oldest_first = Steps::count(moves.iter());
    let newest_first = Steps::count(moves.iter().rev());
    let with = oldest_first.follow() || newest_first.follow();
    let against = oldest_first.oppose() || newest_first.oppose();
    (with != against).then_some(with)
}

/// Which of two sides is money out by the words of their rows: `true` for the left one.
pub(super) fn outward_side(
    left: impl Iterator<Item = String>,
    right: impl Iterator<Item = String>,
) -> Option<bool> {
    let (left_out, left_in) = count_words(left);
    let (right_out, right_in) = count_words(right);
    let for_left = left_out + right_in;
    let for_right = right_out + left_in;
    match (for_left, for_right) {
        (found, 0) if found >= MIN_WORDS => Some(true),
        (0, found) if found >= MIN_WORDS => Some(false),
        _ => None,
    }
}

fn count_words(texts: impl Iterator<Item = String>) -> (usize, usize) {
    let (mut outward, mut inward) = (0, 0);
    for text in texts {
        match spoken(&text) {
            Some(true) => outward += 1,
            Some(false) => inward += 1,
            None => {}
        }
    }
    (outward, inward)
}

/// Whether a row's text says that money goes out (`true`) or comes in (`false`).
fn spoken(text: &str) -> Option<bool> {
    let text = words(text);
    match (List::SpokenOut.has_word_of(&text), List::SpokenIn.has_word_of(&text)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// What the row of a card says by its text: spending (`true`), a payment to the card (`false`).
pub(super) fn card_row<'c>(cells: impl Iterator<Item = &'c str>) -> Option<bool> {
    let mut spending = false;
    for cell in cells {
        let text = words(cell);
        if List::CardPayment.is_within(&text) {
            return Some(false);
        }
        spending |= List::CardSpending.has(&text);
    }
    spending.then_some(true)
}

/// Layouts of exporters that write spending as positive amounts: all these headers are there.
const POSITIVE_IS_OUT: &[&[&str]] = &[
    // Card issuers: Viseca, American Express, Discover, Apple Card, Nubank (card).
    &["card id", "valuta date", "merchant name", "amount"],
    &["date", "description", "card member", "account", "amount"],
    &["date", "description", "amount", "extended details", "appears on your statement as"],
    &["trans date", "post date", "description", "amount", "category"],
    &["transaction date", "clearing date", "description", "merchant", "category", "type", "amount"],
    &["date", "category", "title", "amount"],
    // Plaid, in its answers and in what is made of them.
    &["account id", "iso currency code", "transaction id", "amount"],
    // Lists of orders: what is totalled was spent.
    &["order id", "total"],
    &["order number", "total"],
    &["order date", "total"],
];

/// Whether the header is that of an exporter that writes spending as positive amounts.
pub(super) fn layout_is_inverted(titles: &[Title]) -> bool {
    POSITIVE_IS_OUT
        .iter()
        .any(|layout| layout.iter().all(|wanted| titles.iter().any(|title| title.words == *wanted)))
}
