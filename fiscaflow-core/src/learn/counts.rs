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

/// The most that one [`Cell`] counts.
const MOST: u64 = (1 << 24) - 1;

/// How often a payee was put in one place with one amount, in one number that sorts by size,
/// amount and slot: 8 bits of size, 16 of the amount's digest, 16 of the slot, 24 of the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell(u64);

impl Cell {
    /// What a cell is found by: all but its count.
    fn key(amount: Money, slot: Slot) -> u64 {
        u64::from(amount.size) << 32 | u64::from(amount.exact) << 16 | u64::from(slot)
    }

    fn own_key(self) -> u64 {
        self.0 >> 24
    }

    fn slot(self) -> Slot {
        Slot::try_from(self.own_key() & u64::from(Slot::MAX)).unwrap_or(Slot::MAX)
    }

    fn count(self) -> u32 {
        u32::try_from(self.0 & MOST).unwrap_or(u32::MAX)
    }
}

/// An amount as far as it tells choices apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Money {
    /// Its sign and size, never 0: that stands for choices with and without an amount.
    pub(super) size: u8,
    /// A digest of the amount itself, never 0: that stands for all amounts of the size.
    pub(super) exact: u16,
}

impl Money {
    const ANY: Self = Self { size: 0, exact: 0 };

    fn like(self) -> Self {
        Self { exact: 0, ..self }
    }
}

/// Which of a payee's choices are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    All,
    Size,
    Exact,
}

/// A payee, and where it was put.
#[derive(Debug, Clone)]
pub(super) struct Payee {
    text: Box<str>,
    choices: u32,
    /// How often it was put in each place: in all, then for each size of amounts in all and by
    /// the amounts themselves.
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

    /// Where it was put, with this amount or one like it as the level says, and how often.
    pub(super) fn seen(
        &self,
        level: Level,
        amount: Option<Money>,
    ) -> impl Iterator<Item = (Slot, u32)> {
        let amount = match level {
            Level::All => Some(Money::ANY),
            Level::Size => amount.map(Money::like),
            Level::Exact => amount,
        };
        let least = amount.map_or(u64::MAX, |amount| Cell::key(amount, 0));
        let most = least | u64::from(Slot::MAX);
        let from = match level {
            Level::All => 0,
            _ => self.cells.partition_point(|cell| cell.own_key() < least),
        };
        let cells = self.cells.get(from..).unwrap_or_default().iter();
        let alike = cells.take_while(move |cell| cell.own_key() <= most);
        alike.map(|cell| (cell.slot(), cell.count()))
    }

    /// What weights are made from: where it was put, in eighths of all choices as far as these
    /// tell, so that one more choice among many changes nothing.
    pub(super) fn shares(&self) -> impl Iterator<Item = (Slot, u32)> {
        let all = self.choices.max(1);
        let eighths = move |count: u32| {
            let twice = u64::from(count).saturating_mul(16).saturating_add(all.into());
            let twice = twice.checked_div(all.into()).unwrap_or_default();
            u32::try_from(twice / 2).unwrap_or_default()
        };
        // Of many that share evenly, each has one.
        let least = self.seen(Level::All, None).all(|(_, count)| eighths(count) == 0);
        let share = move |(slot, count)| (slot, eighths(count).max(least.into()));
        self.seen(Level::All, None).map(share).filter(|(_, share)| *share > 0)
    }

    /// Counts one up or down; whether there was anything to count down.
    fn change(&mut self, slot: Slot, amount: Option<Money>, up: bool) -> bool {
        if !up && !self.has(slot, amount) {
            return false;
        }
        self.change_cell(Cell::key(Money::ANY, slot), up);
        if let Some(amount) = amount {
            self.change_cell(Cell::key(amount.like(), slot), up);
            self.change_cell(Cell::key(amount, slot), up);
        }
        self.choices = step(self.choices, up);
        true
    }

    /// Whether a slot was chosen with this amount, or without one.
    fn has(&self, slot: Slot, amount: Option<Money>) -> bool {
        let chosen = |level| {
            let mut seen = self.seen(level, amount);
            seen.find(|(found, _)| *found == slot).map_or(0, |(_, count)| count)
        };
        if amount.is_some() {
            return chosen(Level::Exact) > 0;
        }
        let with_amount = self.cells.iter().filter(|cell| {
            let key = cell.own_key();
            key >> 32 > 0 && key >> 16 & u64::from(u16::MAX) == 0 && cell.slot() == slot
        });
        let with_amount = with_amount.fold(0_u32, |sum, cell| sum.saturating_add(cell.count()));
        with_amount < chosen(Level::All)
    }

    fn change_cell(&mut self, key: u64, up: bool) {
        match self.cells.binary_search_by_key(&key, |cell| cell.own_key()) {
            Ok(place) => {
                let Some(cell) = self.cells.get_mut(place) else { return };
                let count = cell.0 & MOST;
                let next = if up { count.saturating_add(1) } else { count.saturating_sub(1) };
                *cell = Cell(key << 24 | next.min(MOST));
                if next == 0 {
                    self.cells.remove(place);
                }
            }
            Err(place) if up => {
                // With little room kept free: there are many payees, and most have few cells.
                if self.cells.len() == self.cells.capacity() {
                    self.cells.reserve_exact((self.cells.len() / 4).max(2));
                }
                self.cells.insert(place, Cell(key << 24 | 1));
            }
            Err(_) => {}
        }
    }
}

/// One more, or one less.
fn step(count: u32, up: bool) -> u32 {
    if up { count.saturating_add(1) } else { count.saturating_sub(1) }
}

/// What one payee adds to the sums over all.
#[derive(Clone, Copy, Default)]
struct Part {
    /// What the weights see of it: its text, its shares, and roughly how often it was met.
    mark: u64,
    repeats: u32,
    strays: u32,
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
    /// How many choices were made for a payee that had some, and how many choices are elsewhere
    /// than where their payee mostly is.
    repeats: u64,
    strays: u64,
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
            repeats: 0,
            strays: 0,
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

    /// The part of repeated choices that go elsewhere than their payee mostly goes: small in a
    /// book that nothing is known of.
    pub(super) fn stray_share(&self) -> f32 {
        (self.strays as f32 + 1.0) / (self.repeats as f32 + 20.0)
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
            let cells = payee.cells.capacity().saturating_mul(size_of::<Cell>());
            payee.text.len().saturating_add(cells)
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
        let before = self.part_of(key.text.hash);
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
        let before = self.part_of(key.text.hash);
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
    fn finish(&mut self, key: &Key<'_>, slot: Slot, before: Part, up: bool) {
        self.total = if up { self.total.saturating_add(1) } else { self.total.saturating_sub(1) };
        let after = self.part_of(key.text.hash);
        self.mark ^= before.mark ^ after.mark;
        let moved = |sum: u64, before: u32, after: u32| {
            sum.saturating_add(after.into()).saturating_sub(before.into())
        };
        self.repeats = moved(self.repeats, before.repeats, after.repeats);
        self.strays = moved(self.strays, before.strays, after.strays);
        for (kind, value) in context(key) {
            let counts = self.context.entry((kind, value)).or_default();
            let place = usize::from(slot);
            if counts.len() <= place {
                counts.resize(place.saturating_add(1), 0);
            }
            if let Some(count) = counts.get_mut(place) {
                *count = if up { count.saturating_add(1) } else { count.saturating_sub(1) };
            }
            if !up && counts.iter().all(|count| *count == 0) {
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

    /// What a payee adds to the book's sums.
    fn part_of(&self, hash: u64) -> Part {
        let Some(payee) = self.payees.get(&hash) else { return Part::default() };
        let often = u64::from(payee.choices.max(1).ilog2());
        let mark = hash ^ digest(9, &often.to_le_bytes());
        let mark = payee.shares().fold(mark, |mark, (slot, share)| {
            let mixed = mark ^ u64::from(slot) << 8 ^ u64::from(share);
            digest(9, &mixed.to_le_bytes())
        });
        let most = payee.seen(Level::All, None).map(|(_, count)| count).max().unwrap_or_default();
        let strays = payee.choices.saturating_sub(most);
        Part { mark, repeats: payee.choices.saturating_sub(1), strays }
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
    let size = key.amount.map(|amount| (AMOUNT, u64::from(amount.size)));
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
