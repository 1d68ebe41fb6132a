//! Which rules a transaction can meet, found without looking at the others.
//!
//! Each rule is filed under one condition that has to hold wherever the rule applies, the rarest
//! that it has: a text, a part of a text, an amount, a day, an account, a category. Parts of texts
//! of all rules are looked for in one pass of an automaton. What is found may apply and is then
//! checked; a rule that has no such condition is always checked.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

use super::compile::{Bounds, Compiled, Node, SLOTS, slot};
use super::fold::fold;
use super::intervals::Intervals;
use crate::id::{AccountId, CategoryId};
use crate::model::{TextField, TextOp};

/// The automaton is a table of states up to about this many, which is fastest and largest.
const MAX_TABLE_STATES: usize = 100_000;
/// What is worse than this is no help: nearly every transaction has it.
const WORST: u32 = 1_000;

/// The rules by the condition under which they are filed.
#[derive(Debug, Default)]
pub(super) struct Index {
    texts: [TextIndex; SLOTS],
    amounts: Intervals<i128>,
    absolutes: Intervals<i128>,
    days: Intervals<i32>,
    accounts: HashMap<AccountId, Vec<u32>>,
    categories: HashMap<Option<CategoryId>, Vec<u32>>,
    /// The rules that are always checked, in their order.
    pub(super) always: Vec<u32>,
}

/// The rules that are filed under one text of a transaction, by its fold.
#[derive(Debug, Default)]
struct TextIndex {
    whole: HashMap<String, Vec<u32>>,
    automaton: Option<AhoCorasick>,
    /// The rules of each literal of the automaton.
    literals: Vec<Vec<u32>>,
}

/// Something that has to be so wherever a rule applies.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// The fold of a text is this.
    Whole(usize, String),
    /// The fold of a text contains this.
    Literal(usize, String),
    Amount(Bounds),
    Absolute(Bounds),
    Days(i32, i32),
    Account(AccountId),
    Category(Option<CategoryId>),
}

impl Key {
    /// How often it may be found: the lower the better.
    fn cost(&self) -> u32 {
        match self {
            Self::Whole(..) => 1,
            Self::Literal(_, text) => match text.len() {
                0 => WORST,
                1 => 400,
                2 => 100,
                3 => 20,
                4 | 5 => 8,
                6 | 7 => 4,
                _ => 2,
            },
            Self::Amount(bounds) | Self::Absolute(bounds) => {
                if bounds.least == bounds.most {
                    3
                } else {
                    200
                }
            }
            Self::Days(from, to) => match i64::from(*to) - i64::from(*from) {
                ..=7 => 5,
                8..=366 => 100,
                _ => 300,
            },
            Self::Account(_) => 100,
            Self::Category(_) => 60,
        }
    }
}

/// The keys of which one has to be found wherever the condition holds, and their cost.
struct Keys {
    any: Vec<Key>,
    cost: u32,
}

impl Keys {
    fn of(any: Vec<Key>) -> Option<Self> {
        let cost = any.iter().map(Key::cost).fold(0, u32::saturating_add);
        (cost < WORST).then_some(Self { any, cost })
    }
}

/// The best keys of a condition; `None` where it has none that are worth it.
fn keys(node: &Node) -> Option<Keys> {
    match node {
        Node::All(of) => of.iter().filter_map(keys).min_by_key(|keys| keys.cost),
        Node::Any(of) => {
            let all = of.iter().map(keys).collect::<Option<Vec<Keys>>>()?;
            Keys::of(all.into_iter().flat_map(|keys| keys.any).collect())
        }
        Node::Text { field, op, values, .. } => {
            let slot = slot(*field)?;
            let key = |value: &String| {
                // What equals as written equals folded, too.
                let folded = fold(value);
                match op {
                    // An empty text is none of a list of texts, and no text of its own there.
                    TextOp::Is if !folded.is_empty() => Key::Whole(slot, folded),
                    _ => Key::Literal(slot, folded),
                }
            };
            Keys::of(values.iter().map(key).collect())
        }
        Node::Regex { field, patterns } => {
            let slot = slot(*field)?;
            let literals = patterns.literals()?.into_iter();
            Keys::of(literals.map(|literal| Key::Literal(slot, literal)).collect())
        }
        Node::Amount { bounds, absolute: false } => Keys::of(vec![Key::Amount(*bounds)]),
        Node::Amount { bounds, absolute: true } => Keys::of(vec![Key::Absolute(*bounds)]),
        Node::Date(from, to) => Keys::of(vec![Key::Days(*from, *to)]),
        Node::Account(ids) => Keys::of(ids.iter().copied().map(Key::Account).collect()),
        Node::Category(ids, none) => {
            let none = none.then_some(Key::Category(None));
            let some = ids.iter().map(|id| Key::Category(Some(*id)));
            Keys::of(some.chain(none).collect())
        }
        Node::Not(_)
        | Node::Empty(_)
        | Node::Currency(_)
        | Node::Direction(_)
        | Node::Weekday(_)
        | Node::DayOfMonth(_)
        | Node::Status(_)
        | Node::Has(_)
        | Node::Balance(_) => None,
    }
}

/// What is filed while an index is made.
#[derive(Default)]
struct Filing {
    literals: [HashMap<String, Vec<u32>>; SLOTS],
    amounts: Vec<(i128, i128, u32)>,
    absolutes: Vec<(i128, i128, u32)>,
    days: Vec<(i32, i32, u32)>,
}

impl Index {
    pub(super) fn new(rules: &[Compiled]) -> Self {
        let (mut index, mut filing) = (Self::default(), Filing::default());
        for (rule, compiled) in (0_u32..).zip(rules) {
            match keys(&compiled.condition) {
                Some(keys) => {
                    keys.any.into_iter().for_each(|key| index.file(key, rule, &mut filing))
                }
                None => index.always.push(rule),
            }
        }
        for (text, literals) in index.texts.iter_mut().zip(filing.literals) {
            let mut literals: Vec<(String, Vec<u32>)> = literals.into_iter().collect();
            literals.sort_unstable();
            text.automaton = automaton(&literals);
            if text.automaton.is_none() {
                // Too large for an automaton: the rules are checked one by one.
                index.always.extend(literals.iter().flat_map(|(_, rules)| rules));
            }
            text.literals = literals.into_iter().map(|(_, rules)| rules).collect();
        }
        index.always.sort_unstable();
        index.always.dedup();
        index.amounts = Intervals::new(filing.amounts);
        index.absolutes = Intervals::new(filing.absolutes);
        index.days = Intervals::new(filing.days);
        index
    }

    fn file(&mut self, key: Key, rule: u32, filing: &mut Filing) {
        match key {
            Key::Whole(slot, text) => {
                if let Some(index) = self.texts.get_mut(slot) {
                    index.whole.entry(text).or_default().push(rule);
                }
            }
            Key::Literal(slot, text) => {
                if let Some(literals) = filing.literals.get_mut(slot) {
                    literals.entry(text).or_default().push(rule);
                }
            }
            Key::Amount(bounds) => filing.amounts.push((bounds.least, bounds.most, rule)),
            Key::Absolute(bounds) => filing.absolutes.push((bounds.least, bounds.most, rule)),
            Key::Days(from, to) => filing.days.push((from, to, rule)),
            Key::Account(id) => self.accounts.entry(id).or_default().push(rule),
            Key::Category(id) => self.categories.entry(id).or_default().push(rule),
        }
    }

    /// The texts that are looked up.
    pub(super) fn fields(&self) -> [bool; SLOTS] {
        let asked = |text: &TextIndex| !text.whole.is_empty() || !text.literals.is_empty();
        std::array::from_fn(|slot| self.texts.get(slot).is_some_and(asked))
    }

    /// Adds the rules that a folded text can meet.
    pub(super) fn by_text(&self, field: TextField, folded: &str, found: &mut Vec<u32>) {
        let Some(text) = slot(field).and_then(|slot| self.texts.get(slot)) else { return };
        if let Some(rules) = text.whole.get(folded) {
            found.extend(rules);
        }
        let Some(automaton) = &text.automaton else { return };
        if folded.is_empty() {
            return;
        }
        for literal in automaton.find_overlapping_iter(folded) {
            if let Some(rules) = text.literals.get(literal.pattern().as_usize()) {
                found.extend(rules);
            }
        }
    }

    /// Adds the rules that a category, or having none, can meet.
    pub(super) fn by_category(&self, category: Option<CategoryId>, found: &mut Vec<u32>) {
        if let Some(rules) = self.categories.get(&category) {
            found.extend(rules);
        }
    }

    /// Adds the rules that what no rule changes can meet.
    pub(super) fn by_facts(
        &self,
        amount: i128,
        day: i32,
        account: AccountId,
        found: &mut Vec<u32>,
    ) {
        self.amounts.holding(amount, found);
        self.absolutes.holding(amount.saturating_abs(), found);
        self.days.holding(day, found);
        if !self.accounts.is_empty()
            && let Some(rules) = self.accounts.get(&account)
        {
            found.extend(rules);
        }
    }
}

fn automaton(literals: &[(String, Vec<u32>)]) -> Option<AhoCorasick> {
    if literals.is_empty() {
        return None;
    }
    let bytes: usize = literals.iter().map(|(text, _)| text.len()).sum();
    let kind = if bytes <= MAX_TABLE_STATES {
        AhoCorasickKind::DFA
    } else {
        AhoCorasickKind::ContiguousNFA
    };
    let mut builder = AhoCorasickBuilder::new();
    builder.match_kind(MatchKind::Standard).kind(Some(kind));
    builder.build(literals.iter().map(|(text, _)| text)).ok()
}
