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

/// How often a running balance follows from the movements, the rows taken in one order.
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
    fn add(&mut self, step: Option<Decimal>, moved: Option<Decimal>) {
        let Some(moved) = moved.filter(|moved| !moved.is_zero()) else { return };
        self.compared += 1;
        self.with += usize::from(step.is_some_and(|step| equal(step, moved)));
        self.against += usize::from(step.is_some_and(|step| equal(step, -moved)));
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

/// Whether two numbers are equal; most often they have the same scale.
fn equal(left: Decimal, right: Decimal) -> bool {
    if left.scale() == right.scale() { left.mantissa() == right.mantissa() } else { left == right }
}

/// A running balance looked at in both orders of the rows at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Chain {
    pub oldest_first: Steps,
    pub newest_first: Steps,
}

impl Chain {
    /// Adds the rows of one account, in the file's order.
    pub fn add(&mut self, moves: impl Iterator<Item = Move>) {
        // Between two balances lie the movements behind the first up to the second where the oldest
        // row is first, and those from the first up to before the second where the newest is.
        let mut before: Option<Decimal> = None;
        let (mut behind, mut from) = (Some(Decimal::ZERO), Some(Decimal::ZERO));
        for (amount, balance) in moves {
            let sum = |sum: Option<Decimal>| match sum {
                Some(sum) if sum.is_zero() => Some(amount),
                sum => sum?.checked_add(amount),
            };
            behind = sum(behind);
            let Some(balance) = balance else {
                from = sum(from);
                continue;
            };
            if let Some(before) = before {
                let step = balance.decimal().checked_sub(before);
                self.oldest_first.add(step, behind);
                self.newest_first.add(step.map(|step| -step), from);
            }
            before = Some(balance.decimal());
            (behind, from) = (Some(Decimal::ZERO), Some(amount));
        }
    }

    /// Both orders over some rows.
    pub fn of(moves: impl Iterator<Item = Move>) -> Self {
        let mut chain = Self::default();
        chain.add(moves);
        chain
    }

    /// Whether the balance, in either order of rows, moves with the amounts (`true`) or against
    /// them (`false`); `None` where it proves neither or both.
    pub fn sign(self) -> Option<bool> {
        let with = self.oldest_first.follow() || self.newest_first.follow();
        let against = self.oldest_first.oppose() || self.newest_first.oppose();
        (with != against).then_some(with)
    }
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
    // Card issuers: Viseca, American Express, Discover, Apple Card, Nubank (card), PC Financial.
    &["card id", "valuta date", "merchant name", "amount"],
    &["date", "description", "card member", "account", "amount"],
    &["date", "description", "amount", "extended details", "appears on your statement as"],
    &["trans date", "post date", "description", "amount", "category"],
    &["transaction date", "clearing date", "description", "merchant", "category", "type", "amount"],
    &["date", "category", "title", "amount"],
    &["merchant name", "card used for transaction", "date", "time", "amount"],
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
