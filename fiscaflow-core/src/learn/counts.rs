//! What was learned, as counts: exact, whatever the order in which it came and went.

use std::collections::{BTreeMap, HashMap};

use super::Key;
use super::features::digest;
use super::number;

/// How much the labels as a whole count beside what was seen around a payee, in choices.
const CONTEXT_CHOICES: f32 = 4.0;
/// After how many payees half of those that come have labels that were met.
const NEW_PAYEES: f32 = 10.0;
/// What kinds of context there are, and how much of what each says is believed: what the text
/// says already is not to be counted twice.
const CONTEXT: [(&str, f32); 3] = [("amount", 0.5), ("account", 0.3), ("weekday", 0.2)];

/// The number of a label, given when it was first met.
pub(super) type Slot = u16;

/// How often a payee was put in one place with one amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    slot: Slot,
    amount: Money,
    count: u32,
}

/// An amount as far as it tells choices apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Money {
    /// Its size; none where there was no amount.
    pub(super) size: Option<u8>,
    /// A digest of the amount itself.
    pub(super) exact: u32,
}

/// Which of a payee's choices are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    All,
    Size,
    Exact,
}

impl Level {
    fn takes(self, cell: &Cell, amount: Money) -> bool {
        match self {
            Self::All => true,
            Self::Size => cell.amount.size == amount.size,
            Self::Exact => cell.amount == amount,
        }
    }
}

/// A payee, and where it was put.
#[derive(Debug, Clone)]
pub(super) struct Payee {
    text: Box<str>,
    choices: u32,
    cells: Vec<Cell>,
}

impl Payee {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How often it was put anywhere.
    pub(super) fn choices(&self) -> u32 {
        self.choices
    }

    /// How often it was seen, with this amount or one like it as the level says.
    pub(super) fn seen(&self, level: Level, amount: Money) -> u32 {
        if level == Level::All {
            return self.choices;
        }
        let taken = self.cells.iter().filter(|cell| level.takes(cell, amount));
        taken.fold(0, |sum, cell| sum.saturating_add(cell.count))
    }

    /// Calls with where it was put then, once for each place, in the order of the slots.
    pub(super) fn each(&self, level: Level, amount: Money, mut call: impl FnMut(Slot, u32)) {
        let mut last: Option<(Slot, u32)> = None;
        for cell in self.cells.iter().filter(|cell| level.takes(cell, amount)) {
            last = match last {
                Some((slot, sum)) if slot == cell.slot => {
                    Some((slot, sum.saturating_add(cell.count)))
                }
                before => {
                    before.into_iter().for_each(|(slot, sum)| call(slot, sum));
                    Some((cell.slot, cell.count))
                }
            };
        }
        last.into_iter().for_each(|(slot, sum)| call(slot, sum));
    }

    /// Counts one up or down; whether there was anything to count down.
    fn change(&mut self, slot: Slot, amount: Money, up: bool) -> bool {
        let found =
            self.cells.binary_search_by_key(&(slot, amount), |cell| (cell.slot, cell.amount));
        match (found, up) {
            (Ok(place), true) => {
                if let Some(cell) = self.cells.get_mut(place) {
                    cell.count = cell.count.saturating_add(1);
                }
            }
            (Err(place), true) => self.cells.insert(place, Cell { slot, amount, count: 1 }),
            (Ok(place), false) => {
                if let Some(cell) = self.cells.get_mut(place)
                    && cell.count > 1
                {
                    cell.count = cell.count.saturating_sub(1);
                } else {
                    self.cells.remove(place);
                }
            }
            (Err(_), false) => return false,
        }
        self.choices =
            if up { self.choices.saturating_add(1) } else { self.choices.saturating_sub(1) };
        true
    }
}

/// Everything that was learned.
#[derive(Debug, Clone)]
pub(super) struct Counts<L> {
    /// The labels by their slots, the ones of which nothing is left included.
    slots: Vec<L>,
    /// How often each slot was chosen.
    totals: Vec<u32>,
    /// The slots that were chosen, in the order of their labels.
    order: Vec<Slot>,
    /// The places of the slots in `order`.
    places: Vec<Option<usize>>,
    payees: HashMap<u64, Payee>,
    /// What was seen around payees, by kind and value: how often each slot was chosen.
    context: BTreeMap<(u8, u64), Vec<u32>>,
    total: u64,
    /// Tells the payees and where they mostly belong from others: what weights are made from.
    mark: u64,
    /// How often the set of chosen labels has changed.
    generation: u64,
}

impl<L: Ord + Clone> Counts<L> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            totals: Vec::new(),
            order: Vec::new(),
            places: Vec::new(),
            payees: HashMap::new(),
            context: BTreeMap::new(),
            total: 0,
            mark: 0,
            generation: 0,
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// What weights are made from; others have another mark.
    pub(super) fn mark(&self) -> (u64, u64) {
        (self.mark, self.generation)
    }

    /// The labels that were chosen, in their order.
    pub(super) fn labels(&self) -> impl Iterator<Item = &L> {
        self.order.iter().filter_map(|slot| self.slots.get(usize::from(*slot)))
    }

    pub(super) fn label_count(&self) -> usize {
        self.order.len()
    }

    /// The place of a slot's label among the labels.
    pub(super) fn place(&self, slot: Slot) -> Option<usize> {
        self.places.get(usize::from(slot)).copied().flatten()
    }

    /// The part of what comes next that has a label that was met: small while few payees were
    /// learned, and nothing where all of them have one label, which tells no payees apart.
    pub(super) fn known_share(&self) -> f32 {
        let (payees, labels) = (self.payees.len() as f32, self.order.len().max(1) as f32);
        payees / (payees + NEW_PAYEES) * (1.0 - 1.0 / (labels * labels))
    }

    pub(super) fn payee(&self, hash: u64) -> Option<&Payee> {
        self.payees.get(&hash)
    }

    /// The payees by their digests, in that order.
    pub(super) fn payees(&self) -> Vec<(u64, &Payee)> {
        let mut payees: Vec<(u64, &Payee)> =
            self.payees.iter().map(|(hash, payee)| (*hash, payee)).collect();
        payees.sort_unstable_by_key(|(hash, _)| *hash);
        payees
    }

    /// How probable each label is where nothing is known, in the labels' order.
    pub(super) fn prior(&self, prior: &mut Vec<f32>) {
        let all = self.total as f32 + 0.5 * self.order.len() as f32;
        let total = |slot: &Slot| self.totals.get(usize::from(*slot)).copied().unwrap_or_default();
        prior.clear();
        prior.extend(self.order.iter().map(|slot| (number::float(total(slot)) + 0.5) / all));
    }

    /// How much memory is held, in bytes: the content and what the tables keep free.
    pub(super) fn bytes(&self) -> usize {
        let payee = |payee: &Payee| {
            payee.text.len().saturating_add(payee.cells.len().saturating_mul(size_of::<Cell>()))
        };
        let payees = self.payees.values().map(payee).fold(0, usize::saturating_add);
        let entry = size_of::<(u64, Payee)>().saturating_add(1);
        let table = self.payees.capacity().saturating_mul(entry);
        let context = self.context.values().map(|counts| counts.len().saturating_mul(4));
        payees.saturating_add(table).saturating_add(context.fold(0, usize::saturating_add))
    }

    pub(super) fn add(&mut self, key: &Key<'_>, label: L) {
        let slot = self.slot(label);
        let Some(total) = self.totals.get_mut(usize::from(slot)) else { return };
        *total = total.saturating_add(1);
        if *total == 1 {
            self.reorder();
        }
        let before = self.payees.get(&key.text.hash).map_or(0, |payee| self.mark_of(key, payee));
        let entry = self.payees.entry(key.text.hash);
        let payee = entry.or_insert_with(|| Payee {
            text: key.text.key().into_boxed_str(),
            choices: 0,
            cells: Vec::new(),
        });
        payee.change(slot, key.amount, true);
        self.finish(key, slot, before, true);
    }

    pub(super) fn take(&mut self, key: &Key<'_>, label: &L) {
        let Some(slot) = self.slots.iter().position(|known| known == label) else { return };
        let Ok(slot) = Slot::try_from(slot) else { return };
        let before = self.payees.get(&key.text.hash).map_or(0, |payee| self.mark_of(key, payee));
        let Some(payee) = self.payees.get_mut(&key.text.hash) else { return };
        if !payee.change(slot, key.amount, false) {
            return;
        }
        if payee.choices == 0 {
            self.payees.remove(&key.text.hash);
        }
        if let Some(total) = self.totals.get_mut(usize::from(slot)) {
            *total = total.saturating_sub(1);
            if *total == 0 {
                self.reorder();
            }
        }
        self.finish(key, slot, before, false);
    }

    /// The slot of a label, a new one where it has none.
    fn slot(&mut self, label: L) -> Slot {
        let found = self.slots.iter().position(|known| *known == label);
        let place = found.unwrap_or_else(|| {
            self.slots.push(label);
            self.totals.push(0);
            self.slots.len().saturating_sub(1)
        });
        Slot::try_from(place).unwrap_or(Slot::MAX)
    }

    /// What follows from a choice wherever it is counted.
    fn finish(&mut self, key: &Key<'_>, slot: Slot, before: u64, up: bool) {
        self.total = if up { self.total.saturating_add(1) } else { self.total.saturating_sub(1) };
        let after = self.payees.get(&key.text.hash).map_or(0, |payee| self.mark_of(key, payee));
        self.mark ^= before ^ after;
        for (kind, value) in context(key) {
            let counts = self.context.entry((kind, value)).or_default();
            let place = usize::from(slot);
            if counts.len() <= place {
                counts.resize(place.saturating_add(1), 0);
            }
            if let Some(count) = counts.get_mut(place) {
                *count = if up { count.saturating_add(1) } else { count.saturating_sub(1) };
            }
            if counts.iter().all(|count| *count == 0) {
                self.context.remove(&(kind, value));
            }
        }
    }

    fn reorder(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        let chosen = |slot: &Slot| self.totals.get(usize::from(*slot)).is_some_and(|it| *it > 0);
        let slots = (0..self.slots.len()).filter_map(|slot| Slot::try_from(slot).ok());
        let mut order: Vec<Slot> = slots.filter(chosen).collect();
        order.sort_by_key(|slot| self.slots.get(usize::from(*slot)));
        self.places = vec![None; self.slots.len()];
        for (place, slot) in order.iter().enumerate() {
            if let Some(at) = self.places.get_mut(usize::from(*slot)) {
                *at = Some(place);
            }
        }
        self.order = order;
    }

    /// What the weights see of a payee: its text, where it mostly belongs, and roughly how often.
    fn mark_of(&self, key: &Key<'_>, payee: &Payee) -> u64 {
        let most = self.mostly(payee).map_or(u64::MAX, u64::from);
        let often = u64::from(payee.choices.max(1).ilog2());
        let mut bytes = [0; 24];
        let parts = key.text.hash.to_le_bytes().into_iter();
        let parts = parts.chain(most.to_le_bytes()).chain(often.to_le_bytes());
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        digest(9, &bytes)
    }

    /// Where a payee was put most often; of two, the one whose label comes first.
    pub(super) fn mostly(&self, payee: &Payee) -> Option<Slot> {
        let label = |slot: Slot| self.slots.get(usize::from(slot));
        let mut most: Option<(Slot, u32)> = None;
        payee.each(Level::All, Money { size: None, exact: 0 }, |slot, count| {
            let more = most.is_none_or(|(before, often)| {
                count > often || count == often && label(slot) < label(before)
            });
            if more {
                most = Some((slot, count));
            }
        });
        most.map(|(slot, _)| slot)
    }

    /// Adds what amount, account and weekday say, in logarithms.
    pub(super) fn add_context(&self, key: &Key<'_>, scores: &mut [f32]) {
        let mut prior = Vec::new();
        self.prior(&mut prior);
        for (kind, value) in context(key) {
            let Some((_, weight)) = CONTEXT.get(usize::from(kind)) else { continue };
            let Some(counts) = self.context.get(&(kind, value)) else { continue };
            for ((score, slot), prior) in scores.iter_mut().zip(&self.order).zip(&prior) {
                *score += weight * odds(counts, *slot, *prior);
            }
        }
    }

    /// What each kind of context says for a label, with its value in words.
    pub(super) fn context(&self, key: &Key<'_>, place: usize) -> Vec<(&'static str, String, f32)> {
        let mut prior = Vec::new();
        self.prior(&mut prior);
        let said = |(kind, value): (u8, u64)| {
            let (name, weight) = CONTEXT.get(usize::from(kind))?;
            let counts = self.context.get(&(kind, value))?;
            let text = match kind {
                AMOUNT => super::features::size_text(u8::try_from(value).ok()?),
                WEEKDAY => value.saturating_add(1).to_string(),
                _ => String::new(),
            };
            let odds = odds(counts, *self.order.get(place)?, *prior.get(place)?);
            Some((*name, text, weight * odds))
        };
        context(key).filter_map(said).collect()
    }
}

const AMOUNT: u8 = 0;
const ACCOUNT: u8 = 1;
const WEEKDAY: u8 = 2;

/// What stands around a payee: kinds and values.
fn context(key: &Key<'_>) -> impl Iterator<Item = (u8, u64)> {
    let size = key.amount.size.map(|size| (AMOUNT, u64::from(size)));
    let account = key.account.map(|account| (ACCOUNT, account));
    let weekday = key.weekday.map(|day| (WEEKDAY, u64::from(day)));
    [size, account, weekday].into_iter().flatten()
}

/// How much more often a label was chosen there than anywhere, as a logarithm.
fn odds(counts: &[u32], slot: Slot, prior: f32) -> f32 {
    let all = counts.iter().fold(0_u32, |sum, count| sum.saturating_add(*count));
    let here = counts.get(usize::from(slot)).copied().unwrap_or_default();
    let seen = number::float(here) + CONTEXT_CHOICES * prior;
    number::ln(seen / (number::float(all) + CONTEXT_CHOICES) / prior)
}
