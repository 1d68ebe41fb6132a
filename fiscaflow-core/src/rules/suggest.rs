//! Rules that a person's own choices suggest.
//!
//! What a person sorted by hand is grouped by payee, else by the words of the description. What
//! nearly always went into one category becomes a suggestion, with what speaks for it and against.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};

use super::fold::fold;
use super::{Balances, Facts, RuleSet, Run};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{CategoryId, TransactionId};
use crate::model::{Action, Condition, NewRule, SourceKind, TextField, TextOp, Transaction};

/// How many choices have to agree where the query says nothing.
const SUPPORT: u32 = 3;
/// How many of a hundred choices have to agree where the query says nothing.
const CONFIDENCE: u8 = 90;
/// How many suggestions are made at most.
const MAX_SUGGESTIONS: usize = 100;
/// How many transactions are named as examples.
const EXAMPLES: usize = 5;
/// How short a word of a description may be: shorter ones say little.
const MIN_WORD: usize = 4;

/// Which suggestions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RuleSuggestionQuery {
    /// How many choices have to agree at least; 3 where absent.
    pub support: Option<u32>,
    /// How many of a hundred choices have to agree at least; 90 where absent.
    pub confidence: Option<u8>,
}

/// A rule that a person's choices suggest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RuleSuggestion {
    /// The rule, ready to be made.
    pub rule: NewRule,
    /// How many choices of a person it would have made.
    pub support: u64,
    /// How many it would have made otherwise.
    pub against: u64,
    /// How many transactions without a category it would give one.
    pub would_categorise: u64,
    /// How many of a hundred choices it agrees with.
    pub confidence: u8,
    /// Some of the choices that it would have made.
    pub example_ids: Vec<TransactionId>,
    /// Some of those that it would have made otherwise.
    pub counter_example_ids: Vec<TransactionId>,
}

/// What a rule could look at: a payee, or a word of a description.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Trait {
    Payee(String),
    Word(String),
}

/// Suggestions from what a person chose, best supported first. What the book's rules sort the same
/// way already is left out.
pub(crate) fn suggest(
    rules: &RuleSet,
    balances: &Balances,
    transactions: &[Transaction],
    query: RuleSuggestionQuery,
) -> Result<Vec<RuleSuggestion>> {
    let mut run = Run::over(transactions.len());
    let mut choices: Vec<(&Transaction, CategoryId)> = Vec::new();
    let mut open = Vec::new();
    for it in transactions.iter().filter(|it| it.counts() && it.transfer_id.is_none()) {
        match chosen(it) {
            Some(category) if !sorted_so(rules, balances, it, category, &mut run)? => {
                choices.push((it, category));
            }
            None if it.category_id.is_none() && it.splits.is_empty() => open.push(it),
            _ => {}
        }
    }
    let mut groups: BTreeMap<Trait, Vec<usize>> = BTreeMap::new();
    for (place, (it, _)) in choices.iter().enumerate() {
        for key in traits(it) {
            groups.entry(key).or_default().push(place);
        }
    }
    let all: Vec<(&Transaction, CategoryId)> =
        transactions.iter().filter_map(|it| Some((it, chosen(it)?))).collect();
    let counts = Counts::new(groups.keys(), &all, &open)?;
    let mut taken = BTreeSet::new();
    let mut found: Vec<RuleSuggestion> = Vec::new();
    let mut order: Vec<(&Trait, &Vec<usize>)> = groups.iter().collect();
    order.sort_by_key(|(key, group)| (std::cmp::Reverse(group.len()), *key));
    for (key, group) in order {
        let left: Vec<usize> = group.iter().copied().filter(|it| !taken.contains(it)).collect();
        let Some(suggestion) = counts.suggestion(key, &choices, &left, query) else { continue };
        taken.extend(left);
        found.push(suggestion);
        if found.len() >= MAX_SUGGESTIONS {
            break;
        }
    }
    Ok(found)
}

/// The category that a person chose.
fn chosen(it: &Transaction) -> Option<CategoryId> {
    let by_user = it.category_source.as_ref().is_some_and(|it| it.kind == SourceKind::User);
    it.category_id.filter(|_| by_user)
}

/// Whether the rules give a transaction this category, had no person chosen it.
fn sorted_so(
    rules: &RuleSet,
    balances: &Balances,
    it: &Transaction,
    category: CategoryId,
    run: &mut Run,
) -> Result<bool> {
    let open = Transaction { category_id: None, category_source: None, ..it.clone() };
    let facts = Facts::from(&open).with_balance(balances.of(it));
    let outcome = rules.evaluate(facts, run)?;
    Ok(outcome.state.category.value == Some(category))
}

/// What a rule on this transaction could look at: its payee, or else words of its description.
fn traits(it: &Transaction) -> BTreeSet<Trait> {
    let payee = it.payee.as_deref().map(fold).filter(|payee| !payee.trim().is_empty());
    if let Some(payee) = payee {
        return BTreeSet::from([Trait::Payee(payee)]);
    }
    let folded = fold(&it.description);
    let words = folded.split(|char: char| !char.is_alphabetic());
    let telling = words.filter(|word| word.chars().count() >= MIN_WORD);
    telling.map(|word| Trait::Word(word.to_owned())).collect()
}

/// What each trait has among all choices and among what has no category.
struct Counts<'a> {
    all: BTreeMap<Trait, Vec<(TransactionId, CategoryId)>>,
    open: BTreeMap<Trait, u64>,
    spelled: BTreeMap<Trait, &'a str>,
}

impl<'a> Counts<'a> {
    fn new<'k>(
        keys: impl Iterator<Item = &'k Trait>,
        all: &[(&'a Transaction, CategoryId)],
        open: &[&Transaction],
    ) -> Result<Self> {
        let found = Found::new(keys)?;
        let mut counts =
            Self { all: BTreeMap::new(), open: BTreeMap::new(), spelled: BTreeMap::new() };
        for (it, category) in all {
            for key in found.in_it(it) {
                counts.all.entry(key).or_default().push((it.id, *category));
            }
            if let Some(payee) = it.payee.as_deref() {
                counts.spelled.entry(Trait::Payee(fold(payee))).or_insert(payee);
            }
        }
        for key in open.iter().flat_map(|it| found.in_it(it)) {
            *counts.open.entry(key).or_default() += 1;
        }
        Ok(counts)
    }

    fn suggestion(
        &self,
        key: &Trait,
        choices: &[(&Transaction, CategoryId)],
        left: &[usize],
        query: RuleSuggestionQuery,
    ) -> Option<RuleSuggestion> {
        let wanted = usize::try_from(query.support.unwrap_or(SUPPORT)).ok()?.max(1);
        let mut by_category: BTreeMap<CategoryId, usize> = BTreeMap::new();
        for (_, category) in left.iter().filter_map(|place| choices.get(*place)) {
            *by_category.entry(*category).or_default() += 1;
        }
        let (category_id, most) =
            by_category.into_iter().max_by_key(|(id, count)| (*count, std::cmp::Reverse(*id)))?;
        if most < wanted {
            return None;
        }
        let all = self.all.get(key)?;
        let (with, against): (Vec<_>, Vec<_>) = all.iter().partition(|(_, id)| *id == category_id);
        let confidence = u8::try_from(with.len().checked_mul(100)? / all.len().max(1)).ok()?;
        if confidence < query.confidence.unwrap_or(CONFIDENCE) {
            return None;
        }
        let ids = |list: &[&(TransactionId, CategoryId)]| {
            list.iter().take(EXAMPLES).map(|(id, _)| *id).collect()
        };
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Some(RuleSuggestion {
            rule: self.rule(key, category_id),
            support: count(with.len()),
            against: count(against.len()),
            would_categorise: self.open.get(key).copied().unwrap_or_default(),
            confidence,
            example_ids: ids(&with),
            counter_example_ids: ids(&against),
        })
    }

    fn rule(&self, key: &Trait, category_id: CategoryId) -> NewRule {
        let (field, op, value) = match key {
            Trait::Payee(payee) => {
                (TextField::Payee, TextOp::Is, self.spelled.get(key).copied().unwrap_or(payee))
            }
            Trait::Word(word) => (TextField::Description, TextOp::Contains, word.as_str()),
        };
        let values = vec![value.to_owned()];
        let condition = Condition::Text { field, op, values, case_sensitive: false };
        NewRule::new(value, condition, vec![Action::SetCategory { category_id }])
    }
}

/// Words that rules may look for. A rule finds them within longer words, too.
struct Found<'k> {
    words: Vec<&'k str>,
    automaton: AhoCorasick,
}

impl<'k> Found<'k> {
    fn new(keys: impl Iterator<Item = &'k Trait>) -> Result<Self> {
        let word = |key: &'k Trait| match key {
            Trait::Word(word) => Some(word.as_str()),
            Trait::Payee(_) => None,
        };
        let words: Vec<&str> = keys.filter_map(word).collect();
        let many = |_| Error::new(ErrorCode::LimitExceeded, "too many words to look for");
        let automaton = AhoCorasick::new(&words).map_err(many)?;
        Ok(Self { words, automaton })
    }

    /// What a rule would find this transaction by: its payee and what its description contains.
    fn in_it(&self, it: &Transaction) -> BTreeSet<Trait> {
        let text = fold(&it.description);
        let matches = self.automaton.find_overlapping_iter(&text);
        let words = matches.filter_map(|word| self.words.get(word.pattern().as_usize()));
        let mut all: BTreeSet<Trait> = words.map(|word| Trait::Word((*word).to_owned())).collect();
        all.extend(it.payee.as_deref().map(|payee| Trait::Payee(fold(payee))));
        all
    }
}
