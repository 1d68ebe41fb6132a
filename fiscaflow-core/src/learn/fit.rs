//! Weights of words and letter groups, for payees that were never seen.
//!
//! A softmax regression over hashed features, weighted by rareness, made by stochastic gradient
//! descent with AdaGrad steps (Duchi, Hazan, Singer 2011) over the payees in the order of their
//! digests. Part of the payees are first kept apart, to find how far the scores have to be drawn
//! together for their probabilities to be true.

use super::counts::{Counts, Payee};
use super::features::{Feature, Text, digest};
use super::number;

/// How often all payees are gone through.
const ROUNDS: usize = 8;
/// The first step.
const STEP: f32 = 0.5;
/// How much each label counts beside a group of letters, whatever the text.
const BIAS: f32 = 0.3;
/// The most payees that weights are made from: those that were seen most often.
const MAX_PAYEES: usize = 12_288;
/// The most numbers in the table of weights while they are made.
const MAX_WEIGHTS: usize = 1 << 22;
/// How far scores are drawn together or apart, in hundredths.
const TEMPERATURES: [u8; 12] = [30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 140, 160];
/// Into how many parts payees are divided to be kept apart, and how many payees are to be kept
/// apart at least: of few payees, each part in its turn.
const PARTS: usize = 5;
const APART: usize = 1_200;
/// How far scores are drawn together further, since weights of all payees are larger than those
/// of a part.
const ALL: f32 = 0.95;
/// Weights below this part of the largest are left out.
const LEAST: f32 = 1.0 / 25.0;

/// How many rows have their weights counted from one place.
const BLOCK: usize = 32;
/// The most weights of a block: more are left out, which only thousands of labels can bring about.
const FULL: usize = 65_000;

/// The weights.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    made_from: (u64, u64),
    /// How far a digest is moved to give a row.
    shift: u32,
    /// How rare each row's features are, in parts of `rare_unit`.
    rareness: Vec<u8>,
    rare_unit: f32,
    /// Where the weights of each block of rows begin.
    blocks: Vec<u32>,
    /// Where each row's weights end, from the beginning of its block.
    ends: Vec<u16>,
    /// How far each weight's label is from the one before in its row.
    gaps: Vec<u8>,
    /// Their weights, in parts of `unit`.
    parts: Vec<i8>,
    unit: f32,
    bias: Vec<f32>,
}

/// A payee to make weights from.
struct Case {
    features: Vec<(usize, f32)>,
    /// Where it was put, and the part of its choices.
    targets: Vec<(usize, f32)>,
    weight: f32,
}

impl Case {
    fn new<L: Ord + Clone>(fit: &Fit, counts: &Counts<L>, payee: &Payee) -> Self {
        let mut features = Vec::new();
        Text::new(payee.text()).each(|_, hash, weight| features.push((fit.row(hash), weight)));
        let all = payee.shares().fold(0_u32, |sum, (_, share)| sum.saturating_add(share));
        let target = |(slot, share): (_, u32)| {
            Some((counts.place(slot)?, number::float(share) / number::float(all)))
        };
        let mut targets: Vec<(usize, f32)> = payee.shares().filter_map(target).collect();
        targets.sort_unstable_by_key(|(place, _)| *place);
        let often = number::float(payee.choices().max(1).ilog2());
        // A payee that was seen 16 times counts twice.
        let weight = number::exp(0.25 * std::f32::consts::LN_2 * often);
        Self { features, targets, weight }
    }
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
        let mut fit = Self::empty(counts.mark(), bits, labels);
        let case = |(_, payee): &(u64, &Payee)| Case::new(&fit, counts, payee);
        let mut cases: Vec<Case> = payees.iter().map(case).collect();
        fit.find_rareness(&mut cases);
        let temperature = temperature(&cases, labels, 1 << bits);
        let table = descend(&cases, |_| true, labels, 1 << bits);
        fit.keep(&table, labels, temperature);
        fit
    }

    /// No weights yet, in a table of two to the power of `bits` rows.
    fn empty(made_from: (u64, u64), bits: u32, labels: usize) -> Self {
        Self {
            made_from,
            shift: 64_u32.saturating_sub(bits),
            rareness: vec![0; 1 << bits],
            rare_unit: 1.0,
            blocks: Vec::new(),
            ends: Vec::new(),
            gaps: Vec::new(),
            parts: Vec::new(),
            unit: 1.0,
            bias: vec![0.0; labels],
        }
    }

    /// From which counts the weights were made.
    pub(super) fn made_from(&self) -> (u64, u64) {
        self.made_from
    }

    /// How much memory the weights hold.
    pub(super) fn bytes(&self) -> usize {
        let ends = self.ends.len().saturating_mul(2);
        let blocks = self.blocks.len().saturating_add(self.bias.len()).saturating_mul(4);
        let weights = self.parts.len().saturating_mul(2);
        self.rareness.len().saturating_add(ends).saturating_add(blocks).saturating_add(weights)
    }

    /// The score of every label, in the labels' order: logarithms of something like odds.
    pub(super) fn scores(&self, text: &Text<'_>, scores: &mut Vec<f32>) {
        let mut features = Vec::with_capacity(128);
        let mut square = 0.0;
        text.each(|_, hash, weight| {
            let row = self.row(hash);
            let weight = weight * self.rareness(row);
            square += weight * weight;
            features.push((row, weight));
        });
        scores.clear();
        scores.resize(self.bias.len(), 0.0);
        let unit = self.unit / length(square);
        for (row, weight) in features {
            let share = weight * unit;
            for (place, part) in self.weights_of(row) {
                if let Some(score) = scores.get_mut(place) {
                    *score += share * f32::from(part);
                }
            }
        }
        for (score, bias) in scores.iter_mut().zip(&self.bias) {
            *score += bias;
        }
    }

    /// Calls with every feature of a text and how much it speaks for a label.
    pub(super) fn each_speaks(
        &self,
        text: &Text<'_>,
        place: usize,
        mut call: impl FnMut(Feature<'_>, f32),
    ) {
        let mut square = 0.0;
        text.each(|_, hash, weight| {
            let weight = weight * self.rareness(self.row(hash));
            square += weight * weight;
        });
        let unit = self.unit / length(square);
        text.each(|feature, hash, weight| {
            let row = self.row(hash);
            let part = self.weights_of(row).find(|(label, _)| *label == place);
            let part = part.map_or(0.0, |(_, part)| f32::from(part));
            call(feature, weight * self.rareness(row) * unit * part);
        });
    }

    fn row(&self, hash: u64) -> usize {
        usize::try_from(hash.checked_shr(self.shift).unwrap_or_default()).unwrap_or_default()
    }

    fn rareness(&self, row: usize) -> f32 {
        f32::from(self.rareness.get(row).copied().unwrap_or_default()) * self.rare_unit
    }

    /// Labels' places and the weights of a row for them.
    fn weights_of(&self, row: usize) -> impl Iterator<Item = (usize, i8)> {
        let block = self.blocks.get(row / BLOCK).and_then(|at| usize::try_from(*at).ok());
        let block = block.unwrap_or_default();
        let end = |row: usize| {
            self.ends.get(row).map_or(block, |end| block.saturating_add((*end).into()))
        };
        let from = if row.is_multiple_of(BLOCK) { block } else { end(row.saturating_sub(1)) };
        let range = from..end(row);
        let gaps = self.gaps.get(range.clone()).unwrap_or_default();
        let parts = self.parts.get(range).unwrap_or_default();
        let mut place = 0_usize;
        gaps.iter().zip(parts).map(move |(gap, part)| {
            place = place.saturating_add((*gap).into());
            (place, *part)
        })
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
        self.rare_unit = number::ln(all).max(0.1) / 255.0;
        for (rareness, count) in self.rareness.iter_mut().zip(&counts) {
            // What was never seen has no weight, and by its length quietens what has.
            let rare = number::ln(all / (number::float(*count) + 1.0)).max(0.1);
            *rareness = (rare / self.rare_unit).round().clamp(1.0, 255.0) as u8;
        }
        for case in cases.iter_mut() {
            let mut sum = 0.0;
            for (row, weight) in &mut case.features {
                *weight *= self.rareness(*row);
                sum += *weight * *weight;
            }
            let length = length(sum);
            case.features.iter_mut().for_each(|(_, weight)| *weight /= length);
        }
    }

    /// Keeps the weights that matter, in a byte each.
    fn keep(&mut self, table: &Table, labels: usize, temperature: f32) {
        let most = table.most();
        let unit = (most / 127.0).max(1e-9);
        self.unit = unit * temperature;
        let mut begins = 0_usize;
        for (number, row) in table.weights.chunks(labels.max(1)).enumerate() {
            if number.is_multiple_of(BLOCK) {
                begins = self.parts.len();
                self.blocks.push(u32::try_from(begins).unwrap_or(u32::MAX));
            }
            let mut before = 0_usize;
            for (place, weight) in row.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                if self.parts.len().saturating_sub(begins) >= FULL {
                    break;
                }
                let mut gap = place.saturating_sub(before);
                while gap > usize::from(u8::MAX) {
                    self.gaps.push(u8::MAX);
                    self.parts.push(0);
                    gap = gap.saturating_sub(u8::MAX.into());
                }
                self.gaps.push(u8::try_from(gap).unwrap_or(u8::MAX));
                self.parts.push((weight / unit).round().clamp(-127.0, 127.0) as i8);
                before = place;
            }
            let end = self.parts.len().saturating_sub(begins);
            self.ends.push(u16::try_from(end).unwrap_or(u16::MAX));
        }
        self.gaps.shrink_to_fit();
        self.parts.shrink_to_fit();
        for (kept, bias) in self.bias.iter_mut().zip(&table.bias) {
            *kept = bias * BIAS * temperature;
        }
    }
}

/// The length of a vector from the sum of its squares, so that long texts do not shout.
fn length(square: f32) -> f32 {
    square.max(1e-6).sqrt()
}

/// How many rows the table of weights has, as a power of two.
fn rows_bits(payees: usize, labels: usize) -> u32 {
    let wanted = payees.saturating_mul(8).max(1 << 12).next_power_of_two();
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
    /// The largest weight.
    fn most(&self) -> f32 {
        self.weights.iter().fold(0.0, |most, weight| most.max(weight.abs()))
    }

    /// Leaves out weights that are small.
    fn prune(&mut self) {
        let least = self.most() * LEAST;
        for weight in &mut self.weights {
            if weight.abs() < least {
                *weight = 0.0;
            }
        }
    }

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
            for (place, share) in &case.targets {
                if let Some(score) = scores.get_mut(*place) {
                    *score -= share;
                }
            }
            scores.iter_mut().for_each(|part| *part *= case.weight);
            table.step(case, &scores);
        }
    }
    table.prune();
    table
}

/// How far scores are to be drawn together, for what is kept apart to be right as often as is
/// said.
fn temperature(cases: &[Case], labels: usize, rows: usize) -> f32 {
    if cases.len() < 40 {
        return 0.7;
    }
    // By how much more than was right was said to be, at each temperature.
    let mut excess = [0.0_f32; TEMPERATURES.len()];
    let mut scores = Vec::new();
    let turns = APART.saturating_mul(PARTS).checked_div(cases.len()).unwrap_or(1).clamp(1, PARTS);
    for turn in 0..turns {
        let apart = |place: usize| place % PARTS == turn;
        let table = descend(cases, |place| !apart(place), labels, rows);
        let kept = cases.iter().enumerate().filter(|(place, _)| apart(*place));
        for (_, case) in kept {
            table.scores(case, &mut scores);
            let Some((best, most)) = number::highest(&scores) else { continue };
            let right = case.targets.iter().find(|(place, _)| *place == best);
            let right = right.map_or(0.0, |(_, share)| *share);
            for (excess, temperature) in excess.iter_mut().zip(TEMPERATURES) {
                let drawn = f32::from(temperature) / 100.0;
                let sum: f32 = scores.iter().map(|it| number::exp((it - most) * drawn)).sum();
                *excess += 1.0 / sum - right;
            }
        }
    }
    let mut best = (f32::MAX, 100);
    for (excess, temperature) in excess.into_iter().zip(TEMPERATURES) {
        if excess.abs() < best.0 {
            best = (excess.abs(), temperature);
        }
    }
    f32::from(best.1) / 100.0 * ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights of labels that are far apart are found again, each in its row.
    #[test]
    fn kept_weights_are_found() {
        let (labels, rows) = (1_000, 64);
        let mut table = Table {
            weights: vec![0.0; rows * labels],
            squares: Vec::new(),
            bias: vec![0.0; labels],
            bias_square: 0.0,
            labels,
        };
        let wanted = [(0, vec![0, 255, 256, 999]), (33, vec![510, 766]), (63, vec![999])];
        for (row, places) in &wanted {
            places.iter().for_each(|place| table.weights[row * labels + place] = 1.0);
        }
        let mut fit = Fit::empty((0, 0), 6, labels);
        fit.keep(&table, labels, 1.0);
        for row in 0..rows {
            let found = fit.weights_of(row).filter(|(_, part)| *part != 0);
            let found: Vec<usize> = found.map(|(place, _)| place).collect();
            let wanted = wanted.iter().find(|(at, _)| *at == row);
            assert_eq!(found, wanted.map_or(Vec::new(), |(_, places)| places.clone()), "{row}");
        }
    }
}
