//! A draft of rules over the book's history: what it would do, nothing being written.
//!
//! It runs what applying runs, on the same facts; that the two agree is a test's matter.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Balances, Facts, Outcome, RuleSet, Run};
use crate::error::Result;
use crate::id::{CategoryId, RuleId, TransactionId};
use crate::model::metadata::{REVIEW, TRANSFER_ACCOUNT_ID};
use crate::model::{NewRule, Rule, Source, SourceKind, Split, Transaction};

/// Rules to be tried. Without anything in it, the book's own rules are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BacktestQuery {
    /// All rules of the draft; the book's own where absent.
    pub rules: Option<Vec<NewRule>>,
    /// Rules that are added to them; one with the id of another takes its place.
    pub put: Vec<NewRule>,
    /// Rules that are taken away from them.
    pub remove: Vec<RuleId>,
    /// The first booking date looked at.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// The last booking date looked at.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
    /// How many entries each list of the report has at most; 100 where absent, at most 1,000.
    pub limit: Option<u32>,
}

/// What a draft would do. Rules of the draft without an id of their own have their place in it as
/// id, counted from 1. Counts are of all transactions, lists are cut to the limit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BacktestReport {
    /// How many transactions were looked at.
    pub examined: u64,
    /// To how many of them a rule applies.
    pub covered: u64,
    /// How many of them applying the draft would change.
    pub would_change: u64,
    /// How many transactions with a category of a person's choice the draft has a category for.
    pub judged: u64,
    /// How many of those it would give the same category.
    pub agreed: u64,
    /// Those that it would give another.
    pub disagreements: Vec<Disagreement>,
    /// Pairs of rules that give transactions different categories.
    pub conflicts: Vec<RuleConflict>,
    /// What each enabled rule of the draft does, in the order in which they run.
    pub rules: Vec<RuleUse>,
    /// How many changes there are between what the book's rules would leave and what the draft
    /// would.
    pub changed: u64,
    /// These changes, by transaction.
    pub changes: Vec<RuleChange>,
}

/// A transaction whose category a person chose, and the draft would choose another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Disagreement {
    /// The transaction.
    pub transaction_id: TransactionId,
    /// The person's choice.
    pub chosen_id: CategoryId,
    /// The draft's choice.
    pub proposed_id: CategoryId,
    /// The rule that makes it.
    pub rule_id: RuleId,
}

/// Two rules that give transactions different categories; the later wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RuleConflict {
    /// The rule that runs first.
    pub first_id: RuleId,
    /// The rule that runs later.
    pub later_id: RuleId,
    /// How many transactions they disagree on.
    pub count: u64,
    /// One of them.
    pub example_id: TransactionId,
}

/// What a rule of a draft does.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RuleUse {
    /// The rule.
    pub rule_id: RuleId,
    /// What people call it.
    pub name: String,
    /// To how many transactions it applies.
    pub applied: u64,
    /// On how many of them a field is what it says, in the end.
    pub won: u64,
    /// To how many further ones it would apply, had no rule before it been the last to run.
    pub stopped: u64,
    /// How many categories of a person's choice it would give again.
    pub agreed: u64,
    /// How many it would not.
    pub disagreed: u64,
    /// Whether it applies to nothing, and would not without the rules before it.
    pub dead: bool,
    /// Whether it would apply, but other rules have the last word everywhere.
    pub shadowed: bool,
}
crate::model::debug_only!(RuleUse: rule_id, applied, won, stopped, dead, shadowed);

/// A field that the draft leaves otherwise than the book's own rules.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RuleChange {
    /// The transaction.
    pub transaction_id: TransactionId,
    /// The field, as in an explanation.
    pub field: String,
    /// What the book's rules would leave; absent = nothing.
    pub before: Option<String>,
    /// What the draft would leave; absent = nothing.
    pub after: Option<String>,
}
crate::model::debug_only!(RuleChange: transaction_id, field);

/// A backtest under way.
pub(crate) struct Backtest<'a> {
    pub(crate) own: &'a RuleSet,
    pub(crate) draft: &'a RuleSet,
    pub(crate) balances: &'a Balances,
    pub(crate) limit: usize,
}

impl Backtest<'_> {
    /// Runs the draft, whose rules these are, over transactions.
    pub(crate) fn run(&self, rules: &[Rule], over: &[&Transaction]) -> Result<BacktestReport> {
        let mut report = BacktestReport::default();
        let mut uses: BTreeMap<RuleId, RuleUse> =
            rules.iter().map(|rule| (rule.id, unused(rule))).collect();
        let (mut conflicts, mut overruled) = (BTreeMap::new(), BTreeSet::new());
        let mut run = Run::over(over.len()).past_stop();
        let (mut judging, mut own) = (Run::over(over.len()), Run::over(over.len()));
        for it in over {
            let facts = Facts::from(*it).with_balance(self.balances.of(it));
            let outcome = self.draft.evaluate(facts, &mut run)?;
            let after = outcome.after();
            report.examined += 1;
            report.covered += u64::from(!outcome.steps.is_empty());
            report.would_change += u64::from(after.is_some());
            note_uses(&outcome, &mut uses);
            overruled.extend(outcome.overruled());
            note_conflicts(it, &outcome, &mut conflicts);
            let before = self.own.evaluate(facts, &mut own)?.after();
            self.note_changes(it, before.as_ref(), after.as_ref(), &mut report);
            self.judge(it, &mut judging, &mut uses, &mut report)?;
        }
        report.conflicts = conflicts.into_values().collect();
        report.conflicts.sort_by_key(|it: &RuleConflict| std::cmp::Reverse(it.count));
        report.conflicts.truncate(self.limit);
        for rule in &self.draft.rules {
            let Some(mut it) = uses.remove(&rule.id) else { continue };
            // Where not all was looked at, nobody knows.
            it.dead = it.applied == 0 && it.stopped == 0 && run.saw_all();
            let yields =
                if it.applied > 0 { overruled.contains(&it.rule_id) } else { it.stopped > 0 };
            it.shadowed = yields && it.won + it.agreed + it.disagreed == 0;
            report.rules.push(it);
        }
        Ok(report)
    }

    /// Asks the draft for the category of a transaction as if no person had chosen one.
    fn judge(
        &self,
        it: &Transaction,
        run: &mut Run,
        uses: &mut BTreeMap<RuleId, RuleUse>,
        report: &mut BacktestReport,
    ) -> Result<()> {
        let by_user =
            |source: &Option<Source>| source.as_ref().is_some_and(|it| it.kind == SourceKind::User);
        let Some(chosen_id) = it.category_id.filter(|_| by_user(&it.category_source)) else {
            return Ok(());
        };
        let open = Transaction { category_id: None, category_source: None, ..it.clone() };
        let facts = Facts::from(&open).with_balance(self.balances.of(it));
        let outcome = self.draft.evaluate(facts, run)?;
        let category = &outcome.state.category;
        let (Some(proposed_id), Some(rule_id)) = (category.value, category.by) else {
            return Ok(());
        };
        let agrees = proposed_id == chosen_id;
        report.judged += 1;
        report.agreed += u64::from(agrees);
        if let Some(rule) = uses.get_mut(&rule_id) {
            rule.agreed += u64::from(agrees);
            rule.disagreed += u64::from(!agrees);
        }
        if !agrees && report.disagreements.len() < self.limit {
            let transaction_id = it.id;
            let entry = Disagreement { transaction_id, chosen_id, proposed_id, rule_id };
            report.disagreements.push(entry);
        }
        Ok(())
    }

    fn note_changes(
        &self,
        now: &Transaction,
        before: Option<&Transaction>,
        after: Option<&Transaction>,
        report: &mut BacktestReport,
    ) {
        let (before, after) = (before.unwrap_or(now), after.unwrap_or(now));
        for (field, (before, after)) in
            FIELDS.iter().zip(fields(before).into_iter().zip(fields(after)))
        {
            if before == after {
                continue;
            }
            report.changed += 1;
            if report.changes.len() < self.limit {
                let (transaction_id, field) = (now.id, (*field).to_owned());
                report.changes.push(RuleChange { transaction_id, field, before, after });
            }
        }
    }
}

fn unused(rule: &Rule) -> RuleUse {
    RuleUse {
        rule_id: rule.id,
        name: rule.name.clone(),
        applied: 0,
        won: 0,
        stopped: 0,
        agreed: 0,
        disagreed: 0,
        dead: false,
        shadowed: false,
    }
}

fn note_uses(outcome: &Outcome<'_>, uses: &mut BTreeMap<RuleId, RuleUse>) {
    for step in &outcome.steps {
        if let Some(rule) = uses.get_mut(&step.rule_id) {
            rule.applied += 1;
        }
    }
    for id in &outcome.stopped {
        if let Some(rule) = uses.get_mut(id) {
            rule.stopped += 1;
        }
    }
    for id in outcome.winners() {
        if let Some(rule) = uses.get_mut(&id) {
            rule.won += 1;
        }
    }
}

/// How many of the rules that give one transaction a category are compared, the last ones, so that
/// a book of very many rules can be tried.
const MAX_COMPARED: usize = 32;

fn note_conflicts(
    it: &Transaction,
    outcome: &Outcome<'_>,
    conflicts: &mut BTreeMap<(RuleId, RuleId), RuleConflict>,
) {
    let given: Vec<(RuleId, CategoryId)> =
        outcome.steps.iter().filter_map(|step| Some((step.rule_id, step.category()?))).collect();
    let mut last = given.iter().rev().take(MAX_COMPARED);
    while let Some((later_id, category)) = last.next() {
        for (first_id, _) in last.clone().filter(|(_, other)| other != category) {
            let entry = conflicts.entry((*first_id, *later_id)).or_insert(RuleConflict {
                first_id: *first_id,
                later_id: *later_id,
                count: 0,
                example_id: it.id,
            });
            entry.count += 1;
        }
    }
}

const FIELDS: [&str; 10] = [
    "category", "splits", "payee", "tags", "notes", "status", "schedule", "goal", "review",
    "transfer",
];

/// What rules can change, in the order of [`FIELDS`].
fn fields(it: &Transaction) -> [Option<String>; 10] {
    let amount = |split: &Split| {
        let category = split.category_id.map(|id| format!(" {id}")).unwrap_or_default();
        format!("{}{category}", split.amount.amount())
    };
    let listed = |list: Vec<String>| (!list.is_empty()).then(|| list.join(", "));
    [
        it.category_id.map(|id| id.to_string()),
        listed(it.splits.iter().map(amount).collect()),
        it.payee.clone(),
        listed(it.tags.clone()),
        it.notes.clone(),
        Some(super::explain::status_name(it.status).to_owned()),
        it.schedule_id.map(|id| id.to_string()),
        it.goal_id.map(|id| id.to_string()),
        it.metadata.get(REVIEW).cloned(),
        it.metadata.get(TRANSFER_ACCOUNT_ID).cloned(),
    ]
}

/// The rules of a draft: the book's own or others, with what is put among them and without what is
/// removed.
pub(crate) fn draft<'a>(own: impl Iterator<Item = &'a Rule>, query: &BacktestQuery) -> Vec<Rule> {
    let mut number = 0_u128;
    let mut rule = |new: &NewRule| {
        number += 1;
        new.rule(|| RuleId::new(uuid::Uuid::from_u128(number)))
    };
    let mut rules: Vec<Rule> = match &query.rules {
        Some(rules) => rules.iter().map(&mut rule).collect(),
        None => own.cloned().collect(),
    };
    let put: Vec<Rule> = query.put.iter().map(rule).collect();
    let gone: BTreeSet<RuleId> =
        put.iter().map(|rule| rule.id).chain(query.remove.iter().copied()).collect();
    rules.retain(|rule| !gone.contains(&rule.id));
    rules.extend(put);
    rules
}
