//! The learned categoriser: what a book's own choices say about a transaction that has none.
//!
//! `counts` remembers, exactly, which payee was put where and for amounts of which size: learning
//! adds one, forgetting takes one away, and the order leaves no trace. `fit` turns the remembered
//! payees into weights of words and letter groups, for payees that were never seen; it is a pure
//! function of the counts, made when it is first needed and again when the payees have changed.
//! So a model that is built anew from a book is the one that was kept up to date, bit by bit.
//!
//! Probabilities are floats, and are the same on every platform: they come from additions,
//! multiplications, divisions and square roots in one order, which IEEE 754 fixes, and from
//! `number`, which has the exponential and the logarithm in terms of these.

#![allow(clippy::float_arithmetic, reason = "probabilities and weights, never money")]

mod counts;
mod evaluate;
mod features;
mod fit;
mod number;
mod trades;

use std::sync::{Arc, OnceLock};

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use counts::{Counts, Level, Money, Payee};
pub use evaluate::{CategoryScore, Coverage, Evaluation, Judged, evaluate};
use features::{Feature, Text};
use fit::Fit;
pub(crate) use number::{percent, thousandths};

/// The version of the model: another one may answer differently.
pub const MODEL_VERSION: &str = "1";
/// What is looked at of a payee that was seen, in this order.
const LEVELS: [Level; 3] = [Level::All, Level::Size, Level::Exact];
/// How far the words of a payee that was seen are believed: they were made from it.
const SEEN: f32 = 0.7;
/// How far what was right in the past is right in the future: people change their habits, which
/// no count of the past shows.
const STAYS: f32 = 0.979;
/// From so many choices on a payee speaks for itself, without its words.
const SPEAKS: u32 = 16;

/// What is looked at.
#[derive(Clone, Copy, Default)]
pub struct Sample<'a> {
    /// The bank's text.
    pub text: &'a str,
    /// The signed amount in minor units.
    pub amount_minor: Option<i64>,
    /// The booking date.
    pub date: Option<NaiveDate>,
    /// Anything that tells accounts apart.
    pub account: Option<u64>,
}

impl std::fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sample").field("date", &self.date).finish_non_exhaustive()
    }
}

/// A label and how probable it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guess<L> {
    /// The label.
    pub label: L,
    /// Its probability, from 0 to 1.
    pub probability: f32,
}

/// A feature that spoke for a guess.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Spoke {
    /// What it looks at: `payee`, `amount`, `word` (or two that stand together), `account`,
    /// `weekday`; or what is known of the payee: `brand`, `mcc`.
    pub feature: String,
    /// Its value, such as the word.
    pub value: String,
    /// How much it speaks for the guess, in thousandths of a natural logarithm of odds; what
    /// speaks against it is negative.
    pub weight: i32,
}
crate::model::debug_only!(Spoke: feature, weight);

/// A model over labels of any kind.
///
/// ```
/// use fiscaflow_core::learn::{Model, Sample};
///
/// let mut model = Model::new();
/// let shop = Sample { text: "REWE SAGT DANKE 4711", ..Sample::default() };
/// assert!(model.best(&shop).is_none());
/// for _ in 0..3 {
///     model.learn(&shop, "food");
/// }
/// let other = Sample { text: "REWE SAGT DANKE 0815", ..Sample::default() };
/// let guess = model.best(&other).ok_or("it was seen")?;
/// assert!(guess.label == "food" && guess.probability > 0.7);
/// for _ in 0..3 {
///     model.forget(&shop, "food");
/// }
/// assert!(model.best(&other).is_none());
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone)]
pub struct Model<L> {
    counts: Counts<L>,
    fit: OnceLock<Arc<Fit>>,
}

impl<L: Ord + Clone> Default for Model<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Ord + Clone> Model<L> {
    /// A model that knows nothing.
    pub fn new() -> Self {
        Self { counts: Counts::new(), fit: OnceLock::new() }
    }

    /// Learns that a sample has a label; it counts at once.
    pub fn learn(&mut self, sample: &Sample<'_>, label: L) {
        let key = Key::of(sample);
        self.counts.add(&key, label);
        self.settle();
    }

    /// Forgets what [`Model::learn`] learned, wholly; what was never learned is no error.
    pub fn forget(&mut self, sample: &Sample<'_>, label: L) {
        let key = Key::of(sample);
        self.counts.take(&key, &label);
        self.settle();
    }

    /// How many choices it has learned.
    pub fn len(&self) -> u64 {
        self.counts.total()
    }

    /// Whether it has learned nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much memory it holds, in bytes, once its weights are made.
    pub fn bytes(&self) -> usize {
        self.counts.bytes().saturating_add(self.fit().bytes())
    }

    /// The most probable label; none where nothing was learned. Its probability allows for labels
    /// that were never met.
    pub fn best(&self, sample: &Sample<'_>) -> Option<Guess<L>> {
        let mut scores = Vec::new();
        self.scores(&Key::of(sample), &mut scores);
        let (place, probability) = number::highest(&scores)?;
        let label = self.counts.labels().nth(place)?.clone();
        Some(Guess { label, probability })
    }

    /// The most probable labels, best first, at most `most`.
    pub fn guesses(&self, sample: &Sample<'_>, most: usize) -> Vec<Guess<L>> {
        let mut scores = Vec::new();
        self.scores(&Key::of(sample), &mut scores);
        let mut guesses: Vec<Guess<L>> = self
            .counts
            .labels()
            .zip(scores)
            .map(|(label, probability)| Guess { label: label.clone(), probability })
            .collect();
        guesses.sort_by(|left, right| right.probability.total_cmp(&left.probability));
        guesses.truncate(most);
        guesses
    }

    /// What spoke for a label, loudest first, at most `most`.
    pub fn spoke(&self, sample: &Sample<'_>, label: &L, most: usize) -> Vec<Spoke> {
        let key = Key::of(sample);
        let Some(place) = self.counts.labels().position(|known| known == label) else {
            return Vec::new();
        };
        let mut spoke = Vec::new();
        let mut prior = Vec::new();
        self.counts.prior(&mut prior);
        let before = prior.get(place).copied().unwrap_or(1.0);
        let mut say = |feature: &str, value: String, odds: f32| {
            let weight = (odds * 1000.0).clamp(-1e6, 1e6) as i32;
            if weight != 0 {
                spoke.push(Spoke { feature: feature.to_owned(), value, weight });
            }
        };
        let seen = self.counts.payee(key.text.hash);
        if let Some(payee) = seen {
            let mut base = prior.clone();
            let mut before = before;
            for level in LEVELS {
                payee.weigh(&self.counts, level, key.amount, &mut base);
                let after = base.get(place).copied().unwrap_or(before);
                let odds = number::ln(after / before);
                before = after;
                match (level, key.amount) {
                    (Level::All, _) => say("payee", payee.text().to_owned(), odds),
                    (Level::Size, Some(it)) => say("amount", features::size_text(it.size), odds),
                    (Level::Exact, Some(_)) => say("amount", "the same".to_owned(), odds),
                    _ => {}
                }
            }
        }
        if seen.is_none_or(|payee| payee.choices() < SPEAKS) {
            let fit = self.fit();
            // What its letters say is said for the word as a whole: that is what people read.
            let mut words: Vec<(String, f32)> = Vec::new();
            fit.each_speaks(&key.text, place, |feature, odds| {
                match feature {
                    Feature::Word(word) => words.push((word.to_owned(), odds)),
                    Feature::Letters => {
                        words.iter_mut().rev().take(1).for_each(|(_, sum)| *sum += odds);
                    }
                    Feature::Pair(first, second) => {
                        // The word that comes second is the last one met.
                        let at = words.len().saturating_sub(1);
                        words.insert(at, (format!("{first} {second}"), odds));
                    }
                }
            });
            for (word, odds) in words {
                say("word", word, odds);
            }
            for (kind, value, odds) in self.counts.context(&key, place) {
                say(kind, value, odds);
            }
        }
        spoke.sort_by(|left, right| {
            let loud = right.weight.abs().cmp(&left.weight.abs());
            loud.then_with(|| (&left.feature, &left.value).cmp(&(&right.feature, &right.value)))
        });
        spoke.truncate(most);
        spoke
    }

    /// Makes the weights now rather than with the first guess that needs them.
    pub fn prepare(&self) {
        self.fit();
    }

    fn fit(&self) -> &Fit {
        self.fit.get_or_init(|| Arc::new(Fit::new(&self.counts)))
    }

    /// Lets go of weights that were made from other payees.
    fn settle(&mut self) {
        if self.fit.get().is_some_and(|fit| fit.made_from() != self.counts.mark()) {
            self.fit = OnceLock::new();
        }
    }

    /// The probabilities of all labels, in the labels' order. What is missing to 1 is the
    /// probability of a label that was never met.
    fn scores(&self, key: &Key<'_>, scores: &mut Vec<f32>) {
        let payee = self.counts.payee(key.text.hash);
        if payee.is_some_and(|payee| payee.choices() >= SPEAKS) {
            self.counts.prior(scores);
        } else {
            self.fit().scores(&key.text, scores);
            self.counts.add_context(key, scores);
            if payee.is_some() {
                scores.iter_mut().for_each(|score| *score *= SEEN);
            }
            number::softmax(scores);
        }
        let known = self.counts.known_share();
        scores.iter_mut().for_each(|score| *score *= known);
        if let Some(payee) = payee {
            for level in LEVELS {
                payee.weigh(&self.counts, level, key.amount, scores);
            }
        }
        scores.iter_mut().for_each(|score| *score *= STAYS);
    }
}

/// A sample as the counts know it.
struct Key<'a> {
    text: Text<'a>,
    amount: Option<Money>,
    weekday: Option<u8>,
    account: Option<u64>,
}

impl<'a> Key<'a> {
    fn of(sample: &Sample<'a>) -> Self {
        let weekday = sample.date.map(|date| date.weekday().num_days_from_monday());
        Self {
            text: Text::new(sample.text),
            amount: sample.amount_minor.map(features::amount),
            weekday: weekday.and_then(|day| u8::try_from(day).ok()),
            account: sample.account,
        }
    }
}

impl Payee {
    /// Moves probabilities towards what the payee was seen with.
    ///
    /// Something is taken off every count, since choices come in bursts and the first of a kind
    /// says more than each that follows (absolute discounting; Ney, Essen, Kneser 1994): the more,
    /// the less the book's payees keep to one place.
    fn weigh<L: Ord + Clone>(
        &self,
        counts: &Counts<L>,
        level: Level,
        amount: Option<Money>,
        scores: &mut [f32],
    ) {
        let (mut seen, mut places) = (0_u32, 0_u32);
        for (_, count) in self.seen(level, amount) {
            seen = seen.saturating_add(count);
            places = places.saturating_add(1);
        }
        if seen == 0 {
            return;
        }
        let discount = (counts.stray_share() * 2.0).min(0.6);
        // How much what was found before counts, in choices.
        let before = match level {
            Level::All => 0.2 + discount,
            Level::Size => 20.0,
            Level::Exact => 2.0,
        };
        let all = number::float(seen) + before;
        let kept = (before + discount * number::float(places)) / all;
        scores.iter_mut().for_each(|score| *score *= kept);
        for (slot, count) in self.seen(level, amount) {
            if let Some(score) = counts.place(slot).and_then(|place| scores.get_mut(place)) {
                *score += (number::float(count) - discount) / all;
            }
        }
    }
}
