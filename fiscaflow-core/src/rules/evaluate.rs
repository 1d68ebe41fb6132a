//! Running rules over a transaction.

use std::borrow::Cow;

use crate::id::{AccountId, CategoryId, RuleId};
use crate::limits::MAX_TAGS;
use crate::model::{
    Action, Condition, Direction, Source, SourceKind, TextField, TextOp, Transaction,
};
use crate::money::Amount;
use crate::store::fold;

use super::compile::{Node, RuleSet};

/// What rules look at.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    description: &'a str,
    payee: Option<&'a str>,
    /// Whether a person set the payee: then no rule changes what rules see.
    payee_stays: bool,
    notes: Option<&'a str>,
    amount: Amount,
    booking_date: chrono::NaiveDate,
    account_id: AccountId,
}

impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

impl<'a> From<&'a Transaction> for Facts<'a> {
    fn from(transaction: &'a Transaction) -> Self {
        Self {
            description: &transaction.description,
            payee: transaction.payee.as_deref(),
            payee_stays: by_user(transaction.payee_source.as_ref()),
            notes: transaction.notes.as_deref(),
            amount: transaction.amount.amount(),
            booking_date: transaction.booking_date,
            account_id: transaction.account_id,
        }
    }
}

/// One rule that applied, and what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule_id: RuleId,
    /// Its actions.
    pub actions: Vec<Action>,
}

/// What all rules together say of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The category and the rule that set it last.
    pub category: Option<(CategoryId, RuleId)>,
    /// The payee and the rule that set it last.
    pub payee: Option<(String, RuleId)>,
    /// The tags and the rules that added them.
    pub tags: Vec<(String, RuleId)>,
    /// Every rule that applied, in the order in which they ran.
    pub steps: Vec<Step>,
}

impl RuleSet {
    /// Runs the rules. A rule sees the payee as the rules before it left it, or the one that a
    /// person set, which stays.
    pub fn evaluate(&self, facts: Facts<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut texts = Texts::new(facts);
        for rule in &self.rules {
            if !holds(&rule.condition, &facts, &texts) {
                continue;
            }
            for action in &rule.actions {
                match action {
                    Action::SetCategory { category_id } => {
                        outcome.category = Some((*category_id, rule.id));
                    }
                    Action::SetPayee { payee } => {
                        if !facts.payee_stays {
                            texts.set_payee(payee);
                        }
                        outcome.payee = Some((payee.clone(), rule.id));
                    }
                    Action::AddTag { tag } => {
                        if !outcome.tags.iter().any(|(known, _)| known == tag) {
                            outcome.tags.push((tag.clone(), rule.id));
                        }
                    }
                }
            }
            outcome.steps.push(Step { rule_id: rule.id, actions: rule.actions.clone() });
            if rule.stop {
                break;
            }
        }
        outcome
    }
}

/// A text as it is, and folded.
struct Text<'a> {
    plain: Cow<'a, str>,
    folded: String,
}

impl<'a> Text<'a> {
    fn new(plain: impl Into<Cow<'a, str>>) -> Self {
        let plain = plain.into();
        let folded = fold(&plain);
        Self { plain, folded }
    }
}

/// The texts that rules compare, folded once for all rules.
struct Texts<'a> {
    description: Text<'a>,
    payee: Text<'a>,
    notes: Text<'a>,
}

impl<'a> Texts<'a> {
    fn new(facts: Facts<'a>) -> Self {
        Self {
            description: Text::new(facts.description),
            payee: Text::new(facts.payee.unwrap_or_default()),
            notes: Text::new(facts.notes.unwrap_or_default()),
        }
    }

    fn set_payee(&mut self, payee: &str) {
        self.payee = Text::new(payee.to_owned());
    }

    fn of(&self, field: TextField) -> &Text<'a> {
        match field {
            TextField::Description => &self.description,
            TextField::Payee => &self.payee,
            TextField::Notes => &self.notes,
        }
    }
}

/// Writes an outcome into a transaction, except where a person decided before. Of more tags than a
/// transaction may have, those that were added first are taken.
pub fn apply(transaction: &mut Transaction, outcome: &Outcome) {
    let free = |source: &Option<Source>| !by_user(source.as_ref());
    if let Some((category, rule)) = &outcome.category
        && free(&transaction.category_source)
        && transaction.splits.is_empty()
    {
        transaction.category_id = Some(*category);
        transaction.category_source = Some(Source::rule(*rule));
    }
    if let Some((payee, rule)) = &outcome.payee
        && free(&transaction.payee_source)
    {
        transaction.payee = Some(payee.clone());
        transaction.payee_source = Some(Source::rule(*rule));
    }
    if free(&transaction.tags_source) {
        for (tag, rule) in &outcome.tags {
            if transaction.tags.len() >= MAX_TAGS {
                break;
            }
            if let Err(place) = transaction.tags.binary_search(tag) {
                transaction.tags.insert(place, tag.clone());
                transaction.tags_source = Some(Source::rule(*rule));
            }
        }
    }
}

fn by_user(source: Option<&Source>) -> bool {
    source.is_some_and(|source| source.kind == SourceKind::User)
}

fn holds(node: &Node, facts: &Facts<'_>, texts: &Texts<'_>) -> bool {
    match node {
        Node::All(of) => of.iter().all(|part| holds(part, facts, texts)),
        Node::Any(of) => of.iter().any(|part| holds(part, facts, texts)),
        Node::Not(of) => !of.iter().any(|part| holds(part, facts, texts)),
        Node::Regex { field, patterns } => patterns.match_in(&texts.of(*field).plain),
        Node::Text { field, op, values, fold } => {
            let text = texts.of(*field);
            let text = if *fold { &*text.folded } else { &*text.plain };
            values.iter().any(|value| compares(*op, text, value))
        }
        Node::Leaf(condition) => leaf_holds(condition, facts),
    }
}

fn compares(op: TextOp, text: &str, value: &str) -> bool {
    match op {
        TextOp::Is => text == value,
        TextOp::Contains => text.contains(value),
        TextOp::Starts => text.starts_with(value),
        TextOp::Ends => text.ends_with(value),
        TextOp::Regex => false,
    }
}

fn leaf_holds(condition: &Condition, facts: &Facts<'_>) -> bool {
    match condition {
        Condition::Amount { min, max, absolute } => {
            let amount =
                if *absolute { Amount::new(facts.amount.decimal().abs()) } else { facts.amount };
            min.is_none_or(|min| amount >= min) && max.is_none_or(|max| amount <= max)
        }
        Condition::Direction { is: Direction::In } => facts.amount > Amount::ZERO,
        Condition::Direction { is: Direction::Out } => facts.amount < Amount::ZERO,
        Condition::Date { from, to } => {
            from.is_none_or(|from| facts.booking_date >= from)
                && to.is_none_or(|to| facts.booking_date <= to)
        }
        Condition::Account { ids } => ids.contains(&facts.account_id),
        Condition::All { .. } | Condition::Any { .. } | Condition::Not { .. } => false,
        Condition::Text { .. } => false,
    }
}
