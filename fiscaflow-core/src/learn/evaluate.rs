//! How good a model is: on what it has not learned, and how sure it may be of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a model said of one case, and what is true.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged<L> {
    /// What is true.
    pub truth: L,
    /// What the model said; none where it knows nothing.
    pub guess: Option<L>,
    /// How probable the model held it, from 0 to 1.
    pub probability: f32,
}

/// How a model does on one label.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryScore<L> {
    /// The label.
    pub label: L,
    /// How many cases have it.
    pub cases: u64,
    /// The part of the cases said to have it that have it.
    pub precision: f64,
    /// The part of the cases that have it of which it was said.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f1: f64,
}

/// What is left when the model speaks only from some probability on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The probability.
    pub threshold: f64,
    /// The part of the cases of which the model speaks.
    pub coverage: f64,
    /// The part of these of which it is right.
    pub accuracy: f64,
}

/// How a model does.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation<L> {
    /// How many cases there were.
    pub cases: u64,
    /// The part of them of which the first guess was right.
    pub accuracy: f64,
    /// The mean of the labels' F1, over the labels that are true or guessed of any case.
    pub macro_f1: f64,
    /// How far probabilities are from the part that is right, over 15 equal bins, weighted by
    /// cases (Naeini, Cooper, Hauskrecht 2015).
    pub expected_calibration_error: f64,
    /// What is left above thresholds, in steps of 0.01.
    pub coverage: Vec<Coverage>,
    /// Each label, in its order.
    pub labels: Vec<CategoryScore<L>>,
}

const BINS: usize = 15;

/// Judges a model by what it said.
///
/// ```
/// use fiscaflow_core::learn::{Judged, evaluate};
///
/// let right = Judged { truth: "food", guess: Some("food"), probability: 0.9 };
/// let wrong = Judged { truth: "rent", guess: Some("food"), probability: 0.4 };
/// let found = evaluate(&[right, wrong]);
/// assert!((found.accuracy - 0.5).abs() < 1e-9);
/// let sure = found.coverage.iter().find(|row| row.threshold > 0.49).ok_or("a row")?;
/// assert!((sure.accuracy - 1.0).abs() < 1e-9);
/// # Ok::<(), &str>(())
/// ```
pub fn evaluate<L: Ord + Clone>(judged: &[Judged<L>]) -> Evaluation<L> {
    let right = |it: &Judged<L>| it.guess.as_ref() == Some(&it.truth);
    let ratio = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
    let count = |of: &dyn Fn(&Judged<L>) -> bool| {
        judged.iter().filter(|it| of(it)).count().try_into().unwrap_or(u64::MAX)
    };
    let cases: u64 = count(&|_| true);
    let mut labels: BTreeMap<&L, (u64, u64, u64)> = BTreeMap::new();
    let mut bins = [(0_u64, 0.0_f64, 0_u64); BINS];
    for it in judged {
        let truth = labels.entry(&it.truth).or_default();
        truth.0 = truth.0.saturating_add(1);
        if let Some(guess) = &it.guess {
            let guessed = labels.entry(guess).or_default();
            guessed.1 = guessed.1.saturating_add(1);
            guessed.2 = guessed.2.saturating_add(u64::from(right(it)));
        }
        let place = (f64::from(it.probability) * BINS as f64) as usize;
        if let Some(bin) = bins.get_mut(place.min(BINS.saturating_sub(1))) {
            bin.0 = bin.0.saturating_add(1);
            bin.1 += f64::from(it.probability);
            bin.2 = bin.2.saturating_add(u64::from(right(it)));
        }
    }
    let score = |(label, (cases, guessed, right)): (&L, (u64, u64, u64))| CategoryScore {
        label: label.clone(),
        cases,
        precision: ratio(right, guessed),
        recall: ratio(right, cases),
        f1: ratio(right.saturating_mul(2), cases.saturating_add(guessed)),
    };
    let labels: Vec<CategoryScore<L>> = labels.into_iter().map(score).collect();
    let apart = bins.iter().map(|(_, sure, right)| (sure - *right as f64).abs()).sum::<f64>();
    let coverage = (0..=100_u32).map(|step| {
        let threshold = f64::from(step) / 100.0;
        let above = |it: &Judged<L>| f64::from(it.probability) >= threshold && it.guess.is_some();
        let covered = count(&above);
        let accuracy = ratio(count(&|it| above(it) && right(it)), covered);
        Coverage { threshold, coverage: ratio(covered, cases), accuracy }
    });
    Evaluation {
        cases,
        accuracy: ratio(count(&right), cases),
        macro_f1: labels.iter().fold(0.0, |sum, label| sum + label.f1) / labels.len().max(1) as f64,
        expected_calibration_error: if cases == 0 { 0.0 } else { apart / cases as f64 },
        coverage: coverage.collect(),
        labels,
    }
}
