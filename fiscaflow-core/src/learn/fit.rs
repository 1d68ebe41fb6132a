//! Weights of words and letter groups, for payees that were never seen.
//!
//! A softmax regression over hashed features, weighted by rareness, made by stochastic gradient
//! descent with AdaGrad steps (Duchi, Hazan, Singer 2011) over the payees in the order of their
//! digests. One payee in five is first kept apart, to find how far the scores have to be drawn
//! together for their probabilities to be true.

use super::counts::Counts;
use super::features::{Text, digest};
use super::number;

/// How often all payees are gone through.
const ROUNDS: usize = 5;
/// The first step.
const STEP: f32 = 0.5;
/// How much a word counts beside a group of letters.
const BIAS: f32 = 0.3;
/// The most payees that weights are made from: those that were seen most often.
const MAX_PAYEES: usize = 12_288;
/// The most numbers in the table of weights while they are made.
const MAX_WEIGHTS: usize = 1 << 22;
/// How far scores are drawn together or apart, in hundredths.
const TEMPERATURES: [u8; 9] = [30, 40, 50, 60, 70, 80, 100, 120, 140];
/// Weights below this part of the largest are left out.
const LEAST: f32 = 1.0 / 40.0;

/// The weights.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    made_from: (u64, u64),
    /// How far a digest is moved to give a row.
    shift: u32,
    /// How rare each row's features are.
    rareness: Vec<f32>,
    /// Where each row's weights begin; one more than there are rows.
    starts: Vec<u32>,
    /// Labels' places.
    places: Vec<u16>,
    /// Their weights, in parts of `unit`.
    parts: Vec<i8>,
    unit: f32,
    bias: Vec<f32>,
}

/// A payee to make weights from.
struct Case {
    features: Vec<(usize, f32)>,
    target: usize,
    weight: f32,
}

impl Fit {
    pub(super) fn new<L: Ord + Clone>(counts: &Counts<L>) -> Self {
        let labels = counts.label_count();
        let mut payees = counts.payees();
        if payees.len() > MAX_PAYEES {
            payees.sort_by_key(|(hash, payee)| (std::cmp::Reverse(payee.choices().ilog2()), *hash));
            payees.truncate(MAX_PAYEES);
            payees.sort_unstable_by_key(|(hash, _)| *hash);
        }
        let bits = rows_bits(payees.len(), labels);
        let mut fit = Self {
            made_from: counts.mark(),
            shift: 64_u32.saturating_sub(bits),
            rareness: vec![0.0; 1 << bits],
            starts: Vec::new(),
            places: Vec::new(),
            parts: Vec::new(),
            unit: 1.0,
            bias: vec![0.0; labels],
        };
        let mut cases = Vec::with_capacity(payees.len());
        for (_, payee) in &payees {
            let text = Text::new(payee.text());
            let mut features = Vec::new();
            text.each(|_, hash, weight| features.push((fit.row(hash), weight)));
            let place = counts.mostly(payee).and_then(|slot| counts.place(slot));
            let often = number::float(payee.choices().max(1).ilog2());
            let target = place.unwrap_or_default();
            // A payee that was seen 16 times counts twice.
            let weight = number::exp(0.25 * std::f32::consts::LN_2 * often);
            cases.push(Case { features, target, weight });
        }
        fit.find_rareness(&mut cases);
        let temperature = temperature(&cases, labels, 1 << bits);
        let table = descend(&cases, |_| true, labels, 1 << bits);
        fit.keep(&table, labels, temperature);
        fit
    }

    /// From which counts the weights were made.
    pub(super) fn made_from(&self) -> (u64, u64) {
        self.made_from
    }

    /// How much memory the weights hold.
    pub(super) fn bytes(&self) -> usize {
        let tables = self.rareness.len().saturating_add(self.starts.len()).saturating_mul(4);
        let weights = self.parts.len().saturating_mul(3);
        tables.saturating_add(weights)
    }

    /// The score of every label, in the labels' order: logarithms of something like odds.
    pub(super) fn scores(&self, text: &Text<'_>, scores: &mut Vec<f32>) {
        scores.clear();
        scores.resize(self.bias.len(), 0.0);
        let length = self.length(text);
        text.each(|_, hash, weight| {
            let row = self.row(hash);
            let rareness = self.rareness.get(row).copied().unwrap_or_default();
            let share = weight * rareness * self.unit / length;
            for (place, part) in self.weights_of(row) {
                if let Some(score) = scores.get_mut(usize::from(*place)) {
                    *score += share * f32::from(*part);
                }
            }
        });
        for (score, bias) in scores.iter_mut().zip(&self.bias) {
            *score += bias;
        }
    }

    /// How much one feature of a text speaks for a label.
    pub(super) fn speaks(
        &self,
        hash: u64,
        weight: f32,
        text: &Text<'_>,
        place: usize,
    ) -> Option<f32> {
        let row = self.row(hash);
        let (_, part) = self.weights_of(row).find(|(label, _)| usize::from(**label) == place)?;
        let rareness = self.rareness.get(row)?;
        Some(weight * rareness * self.unit * f32::from(*part) / self.length(text))
    }

    fn row(&self, hash: u64) -> usize {
        usize::try_from(hash.checked_shr(self.shift).unwrap_or_default()).unwrap_or_default()
    }

    /// The length of a text's features as a vector, so that long texts do not shout.
    fn length(&self, text: &Text<'_>) -> f32 {
        let mut sum = 0.0;
        text.each(|_, hash, weight| {
            let rareness = self.rareness.get(self.row(hash)).copied().unwrap_or_default();
            sum += weight * weight * rareness * rareness;
        });
        sum.max(1e-6).sqrt()
    }

    fn weights_of(&self, row: usize) -> impl Iterator<Item = (&u16, &i8)> {
        let place = |row: usize| self.starts.get(row).and_then(|at| usize::try_from(*at).ok());
        let (from, to) = place(row).zip(place(row.saturating_add(1))).unwrap_or_default();
        let places = self.places.get(from..to).unwrap_or_default();
        places.iter().zip(self.parts.get(from..to).unwrap_or_default())
    }

    /// Weighs features by how few payees have them, and brings each payee to the same length.
    fn find_rareness(&mut self, cases: &mut [Case]) {
        let mut counts = vec![0_u32; self.rareness.len()];
        for case in cases.iter_mut() {
            case.features.sort_by_key(|(row, _)| *row);
            case.features.dedup_by(|next, kept| next.0 == kept.0);
            for (row, _) in &case.features {
                if let Some(count) = counts.get_mut(*row) {
                    *count = count.saturating_add(1);
                }
            }
        }
        let all = cases.len() as f32 + 1.0;
        for (rareness, count) in self.rareness.iter_mut().zip(&counts) {
            // What was never seen has no weight, and by its length quietens what has.
            *rareness = number::ln(all / (number::float(*count) + 1.0)).max(0.1);
        }
        for case in cases.iter_mut() {
            let mut sum = 0.0;
            for (row, weight) in &mut case.features {
                *weight *= self.rareness.get(*row).copied().unwrap_or_default();
                sum += *weight * *weight;
            }
            let length = sum.max(1e-6).sqrt();
            case.features.iter_mut().for_each(|(_, weight)| *weight /= length);
        }
    }

    /// Keeps the weights that matter, in a byte each.
    fn keep(&mut self, table: &Table, labels: usize, temperature: f32) {
        let most = table.weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
        let unit = (most / 127.0).max(1e-9);
        self.unit = unit * temperature;
        self.starts.push(0);
        for row in table.weights.chunks(labels.max(1)).take(self.rareness.len()) {
            for (place, weight) in row.iter().enumerate() {
                if weight.abs() >= most * LEAST {
                    let parts = (weight / unit).round().clamp(-127.0, 127.0) as i8;
                    self.places.push(u16::try_from(place).unwrap_or(u16::MAX));
                    self.parts.push(parts);
                }
            }
            self.starts.push(u32::try_from(self.parts.len()).unwrap_or(u32::MAX));
        }
        self.places.shrink_to_fit();
        self.parts.shrink_to_fit();
        for (kept, bias) in self.bias.iter_mut().zip(&table.bias) {
            *kept = bias * BIAS * temperature;
        }
    }
}

/// How many rows the table of weights has, as a power of two.
fn rows_bits(payees: usize, labels: usize) -> u32 {
    let wanted = payees.saturating_mul(16).max(1 << 8).next_power_of_two();
    let most = (MAX_WEIGHTS / labels.max(1)).max(1 << 8);
    let rows = if wanted > most { most.next_power_of_two() / 2 } else { wanted };
    rows.max(2).ilog2().min(17)
}

/// Weights while they are made.
struct Table {
    weights: Vec<f32>,
    /// The sum of squared steps of each row.
    squares: Vec<f32>,
    bias: Vec<f32>,
    bias_square: f32,
    labels: usize,
}

impl Table {
    fn scores(&self, case: &Case, scores: &mut Vec<f32>) {
        scores.clear();
        scores.extend(self.bias.iter().map(|bias| bias * BIAS));
        for (row, value) in &case.features {
            let from = row.saturating_mul(self.labels);
            let row = self.weights.get(from..from.saturating_add(self.labels));
            for (score, weight) in scores.iter_mut().zip(row.unwrap_or_default()) {
                *score += value * weight;
            }
        }
    }

    /// One step down the gradient.
    fn step(&mut self, case: &Case, gradient: &[f32]) {
        let square: f32 = gradient.iter().map(|part| part * part).sum();
        for (row, value) in &case.features {
            let Some(squares) = self.squares.get_mut(*row) else { continue };
            *squares += square * value * value;
            let step = STEP * value / (squares.sqrt() + 1e-3);
            let from = row.saturating_mul(self.labels);
            let row = self.weights.get_mut(from..from.saturating_add(self.labels));
            for (weight, part) in row.unwrap_or_default().iter_mut().zip(gradient) {
                *weight -= step * part;
            }
        }
        self.bias_square += square * BIAS * BIAS;
        let step = STEP * BIAS / (self.bias_square.sqrt() + 1e-3);
        for (bias, part) in self.bias.iter_mut().zip(gradient) {
            *bias -= step * part;
        }
    }
}

fn descend(
    cases: &[Case],
    takes_part: impl Fn(usize) -> bool,
    labels: usize,
    rows: usize,
) -> Table {
    let mut table = Table {
        weights: vec![0.0; rows.saturating_mul(labels)],
        squares: vec![0.0; rows],
        bias: vec![0.0; labels],
        bias_square: 0.0,
        labels,
    };
    let mut order: Vec<usize> = (0..cases.len()).filter(|place| takes_part(*place)).collect();
    let mut scores = Vec::with_capacity(labels);
    for round in 0..ROUNDS {
        // Another order each time, and the same in every run.
        let round = u64::try_from(round).unwrap_or_default();
        order.sort_by_cached_key(|place| {
            digest(round.saturating_add(100), &u64::try_from(*place).unwrap_or(0).to_le_bytes())
        });
        for case in order.iter().filter_map(|place| cases.get(*place)) {
            table.scores(case, &mut scores);
            number::softmax(&mut scores);
            if let Some(score) = scores.get_mut(case.target) {
                *score -= 1.0;
            }
            scores.iter_mut().for_each(|part| *part *= case.weight);
            table.step(case, &scores);
        }
    }
    table
}

/// How far scores are to be drawn together, for what is kept apart to be as probable as it is
/// said to be.
fn temperature(cases: &[Case], labels: usize, rows: usize) -> f32 {
    if cases.len() < 40 {
        return 0.7;
    }
    let apart = |place: usize| place.is_multiple_of(5);
    let table = descend(cases, |place| !apart(place), labels, rows);
    let mut losses = [0.0_f32; TEMPERATURES.len()];
    let (mut scores, mut drawn) = (Vec::new(), Vec::new());
    for (place, case) in cases.iter().enumerate() {
        if !apart(place) {
            continue;
        }
        table.scores(case, &mut scores);
        for (loss, temperature) in losses.iter_mut().zip(TEMPERATURES) {
            drawn.clear();
            drawn.extend(scores.iter().map(|score| score * f32::from(temperature) / 100.0));
            number::softmax(&mut drawn);
            *loss -= number::ln(drawn.get(case.target).copied().unwrap_or(1.0));
        }
    }
    let mut best = (f32::MAX, 100);
    for (loss, temperature) in losses.into_iter().zip(TEMPERATURES) {
        if loss < best.0 {
            best = (loss, temperature);
        }
    }
    f32::from(best.1) / 100.0
}
