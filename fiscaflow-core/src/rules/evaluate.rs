//! Running rules over a transaction.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};

use super::compile::{Compiled, Node, RuleSet, SLOTS, compares, slot, units_of};
use super::fold::{fold, fold_into};
use super::patterns::{Budget, Patterns, expand_nothing};
use super::state::{Changed, State, has_lines};
use crate::error::{Error, ErrorCode, Result};
use crate::id::RuleId;
use crate::limits::{PATTERN_UNITS, PATTERN_UNITS_PER_ROW};
use crate::model::{Action, Direction, Feature, Status, TextField, Transaction};
use crate::money::Money;

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    transaction: &'a Transaction,
    balance: Option<Money>,
}

impl<'a> Facts<'a> {
    pub(super) fn transaction(&self) -> &'a Transaction {
        self.transaction
    }

    /// Also the balance of the account at the end of the booking day. Without one, no condition on
    /// the balance holds.
    #[must_use]
    pub fn with_balance(self, balance: Option<Money>) -> Self {
        Self { balance, ..self }
    }
}

impl<'a> From<&'a Transaction> for Facts<'a> {
    fn from(transaction: &'a Transaction) -> Self {
        Self { transaction, balance: None }
    }
}

/// One rule that applied, and what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// The rule.
    pub rule_id: RuleId,
    /// Its actions.
    pub actions: &'a [Action],
}

impl Step<'_> {
    /// The category that the rule gives last.
    pub(super) fn category(&self) -> Option<crate::id::CategoryId> {
        self.actions.iter().rev().find_map(|action| match action {
            Action::SetCategory { category_id } => Some(*category_id),
            _ => None,
        })
    }
}

/// What all rules together make of a transaction.
pub struct Outcome<'a> {
    pub(super) state: State<'a>,
    /// Every rule that applied, in the order in which they ran.
    pub steps: Vec<Step<'a>>,
    /// The rules that would have applied, had no rule before them been the last to run.
    pub stopped: Vec<RuleId>,
    /// The texts of the actions on notes, filled in, in their order.
    notes: Vec<Cow<'a, str>>,
}

impl std::fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcome").field("steps", &self.steps).finish_non_exhaustive()
    }
}

impl Outcome<'_> {
    /// Every action of every rule that applied, with its rule and, for notes, its text, filled in.
    pub(super) fn acts(&self) -> impl Iterator<Item = (RuleId, &Action, &str)> {
        let mut notes = self.notes.iter();
        let acts = self.steps.iter().flat_map(|it| it.actions.iter().map(|act| (it.rule_id, act)));
        acts.map(move |(rule, action)| {
            let text = if action.notes().is_some() { notes.next() } else { None };
            (rule, action, text.map_or("", |text| text))
        })
    }

    /// The rules of which something is left in the end.
    pub(super) fn winners(&self) -> BTreeSet<RuleId> {
        let tags = self.state.tags();
        let stays = |action: &Action, text: &str| match action {
            Action::AddTag { tag } => tags.contains(tag),
            Action::RemoveTag { tag } => !tags.contains(tag),
            Action::SetTags { tags: wanted } => {
                wanted.iter().all(|tag| tags.contains(tag))
                    && tags.iter().all(|tag| wanted.contains(tag))
            }
            Action::MarkTransfer { .. } => true,
            Action::Flag { reason } => self.state.review.value == Some(reason.as_str()),
            _ => !text.is_empty() && has_lines(&self.state.notes.value, text),
        };
        let stay = self.acts().filter(|(_, action, text)| stays(action, text));
        self.state.winners().into_iter().chain(stay.map(|(rule, ..)| rule)).collect()
    }

    /// The rules that wanted something on which another has the last word.
    pub(super) fn overruled(&self) -> BTreeSet<RuleId> {
        let by_other = |(rule, action, _): &(RuleId, &Action, &str)| {
            self.state.by(action).is_some_and(|by| by != *rule)
        };
        self.acts().filter(by_other).map(|(rule, ..)| rule).collect()
    }

    /// The transaction as the rules leave it; `None` where they change nothing.
    pub fn after(&self) -> Option<Transaction> {
        self.state.after()
    }
}

/// A run of rules over many transactions: the memory that it uses again, and the work that regular
/// expressions may still do in it.
pub struct Run {
    budget: Budget,
    folded: Folded,
    found: Vec<u32>,
    more: Vec<u32>,
    /// The work for looking past a rule that is the last to run, where that is wanted.
    beyond: Option<Budget>,
    is_past: bool,
    naive: bool,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl Run {
    /// A run over so many transactions.
    ///
    /// ```
    /// use fiscaflow_core::rules::Run;
    ///
    /// let run = Run::over(10_000);
    /// ```
    pub fn over(transactions: usize) -> Self {
        let rows = u64::try_from(transactions).unwrap_or(u64::MAX);
        let units = PATTERN_UNITS.saturating_add(rows.saturating_mul(PATTERN_UNITS_PER_ROW));
        Self {
            budget: Budget::new(units),
            folded: Folded::default(),
            found: Vec::new(),
            more: Vec::new(),
            beyond: None,
            is_past: false,
            naive: false,
        }
    }

    /// Also tells which rules would have applied, had no rule before them been the last to run.
    /// That may cost as much again, and ends where it is used up: the run itself goes on.
    #[must_use]
    pub fn past_stop(self) -> Self {
        Self { beyond: Some(self.budget.clone()), ..self }
    }

    /// Checks every rule of every transaction, one by one: what the index must agree with.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn naive(self) -> Self {
        Self { naive: true, ..self }
    }
}

impl Run {
    /// Whether all was looked at that lies past a rule that is the last to run.
    pub(super) fn saw_all(&self) -> bool {
        !self.beyond.as_ref().is_some_and(Budget::is_used_up)
    }

    /// Goes past a rule that is the last to run, on the work that is left for that, if any is.
    fn go_past(&mut self) -> bool {
        let beyond = self.beyond.as_mut().filter(|beyond| !beyond.is_used_up());
        self.is_past = beyond.is_some();
        if let Some(beyond) = beyond {
            std::mem::swap(&mut self.budget, beyond);
        }
        self.is_past
    }

    /// Comes back from there.
    fn come_back(&mut self) {
        if let Some(beyond) = self.beyond.as_mut().filter(|_| self.is_past) {
            std::mem::swap(&mut self.budget, beyond);
        }
        self.is_past = false;
    }

    /// Refuses to go on where regular expressions used up what they may do, last in this rule.
    fn check(&self, rule: &Compiled) -> Result<()> {
        if !self.budget.is_used_up() {
            return Ok(());
        }
        let text = "the regular expressions of the rules take too long; the last to run was this \
                    rule's";
        Err(Error::new(ErrorCode::RulesTooSlow, text).id(rule.id))
    }
}

/// The texts of a transaction that are compared folded.
#[derive(Default)]
struct Folded {
    texts: [String; SLOTS],
    tags: Vec<String>,
}

impl Folded {
    fn put(&mut self, field: TextField, state: &State<'_>) {
        if field == TextField::Tags {
            self.tags.clear();
            self.tags.extend(state.tags().iter().map(|tag| fold(tag)));
        } else if let Some(text) = slot(field).and_then(|slot| self.texts.get_mut(slot)) {
            text.clear();
            fold_into(state.text(field), text);
        }
    }

    fn text(&self, field: TextField) -> &str {
        slot(field).and_then(|slot| self.texts.get(slot)).map_or("", String::as_str)
    }
}

const FIELDS: [TextField; SLOTS] = [
    TextField::Description,
    TextField::Payee,
    TextField::Notes,
    TextField::Tags,
    TextField::Reference,
    TextField::CounterpartyAccount,
    TextField::Mcc,
];

impl RuleSet {
    /// Runs the rules over one transaction. A rule sees what the rules before it made of it; what
    /// a person set stays. `rules_too_slow` names the rule whose regular expressions used up the
    /// work that they may do.
    pub fn evaluate<'a>(&'a self, facts: Facts<'a>, run: &mut Run) -> Result<Outcome<'a>> {
        let mut outcome = Outcome {
            state: State::new(facts.transaction),
            steps: Vec::new(),
            stopped: Vec::new(),
            notes: Vec::new(),
        };
        if self.rules.is_empty() {
            return Ok(outcome);
        }
        let seen = Seen {
            amount: units_of(facts.transaction.amount),
            day: facts.transaction.booking_date.num_days_from_ce(),
            balance: facts.balance.map(units_of),
        };
        for (field, folds) in FIELDS.into_iter().zip(self.folds) {
            if folds {
                run.folded.put(field, &outcome.state);
            }
        }
        run.found.clear();
        if run.naive {
            run.found.extend((0_u32..).zip(&self.rules).map(|(rule, _)| rule));
        } else {
            self.find(&seen, &outcome.state, run);
        }
        let checked = self.check_found(&seen, &mut outcome, run);
        run.come_back();
        checked.map(|()| outcome)
    }

    /// Puts the rules that can apply into `run.found`, in their order.
    fn find(&self, seen: &Seen, state: &State<'_>, run: &mut Run) {
        for field in FIELDS {
            self.find_by_text(field, &run.folded, &mut run.found);
        }
        self.index.by_category(state.category(), &mut run.found);
        let account = state.of.account_id;
        self.index.by_facts(seen.amount, seen.day, account, &mut run.found);
        run.found.sort_unstable();
        run.found.dedup();
    }

    fn find_by_text(&self, field: TextField, folded: &Folded, found: &mut Vec<u32>) {
        if field == TextField::Tags {
            folded.tags.iter().for_each(|tag| self.index.by_text(field, tag, found));
        } else {
            self.index.by_text(field, folded.text(field), found);
        }
    }

    /// Checks what was found, and what is always checked, in the order of the rules.
    fn check_found<'a>(
        &'a self,
        seen: &Seen,
        outcome: &mut Outcome<'a>,
        run: &mut Run,
    ) -> Result<()> {
        let always: &[u32] = if run.naive { &[] } else { &self.index.always };
        let (mut next, mut next_always) = (0, 0);
        loop {
            let number = match (run.found.get(next), always.get(next_always)) {
                (Some(found), Some(always)) => *found.min(always),
                (Some(one), None) | (None, Some(one)) => *one,
                (None, None) => return Ok(()),
            };
            next += usize::from(run.found.get(next) == Some(&number));
            next_always += usize::from(always.get(next_always) == Some(&number));
            let Some(rule) = usize::try_from(number).ok().and_then(|at| self.rules.get(at)) else {
                continue;
            };
            let holds = holds(&rule.condition, seen, &outcome.state, run);
            if run.is_past {
                if run.budget.is_used_up() {
                    return Ok(());
                }
                outcome.stopped.extend(holds.then_some(rule.id));
                continue;
            }
            run.check(rule)?;
            if !holds {
                continue;
            }
            let changed = act(rule, outcome, run);
            run.check(rule)?;
            if rule.stop && !run.go_past() {
                return Ok(());
            }
            if changed != Changed::default() {
                self.find_again(changed, number, &mut next, &outcome.state, run);
            }
        }
    }

    /// After a rule changed what later rules look at: finds those that can apply now.
    fn find_again(
        &self,
        changed: Changed,
        after: u32,
        next: &mut usize,
        state: &State<'_>,
        run: &mut Run,
    ) {
        run.more.clear();
        let texts = [
            (TextField::Payee, changed.payee),
            (TextField::Notes, changed.notes),
            (TextField::Tags, changed.tags),
        ];
        for (field, changed) in texts {
            let folds = slot(field).and_then(|slot| self.folds.get(slot)) == Some(&true);
            if changed && folds {
                run.folded.put(field, state);
                self.find_by_text(field, &run.folded, &mut run.more);
            }
        }
        if changed.category {
            self.index.by_category(state.category(), &mut run.more);
        }
        run.more.retain(|rule| *rule > after);
        if run.naive || run.more.is_empty() {
            return;
        }
        run.found.drain(..*next);
        run.found.append(&mut run.more);
        run.found.sort_unstable();
        run.found.dedup();
        *next = 0;
    }
}

/// Does what a rule does, and tells what of it later rules can see.
fn act<'a>(rule: &'a Compiled, outcome: &mut Outcome<'a>, run: &mut Run) -> Changed {
    let mut changed = Changed::default();
    for action in &rule.actions {
        let notes = action.notes().map(|it| expand(&rule.condition, it, &outcome.state, run));
        outcome.notes.extend(notes.clone());
        outcome.state.act(action, notes, rule.id, &mut changed);
    }
    outcome.steps.push(Step { rule_id: rule.id, actions: &rule.actions });
    changed
}

/// A text for notes with what the rule's first matching regular expression found.
fn expand<'a>(
    condition: &Node,
    template: &'a str,
    state: &State<'_>,
    run: &mut Run,
) -> Cow<'a, str> {
    let mut all = Vec::new();
    collect_patterns(condition, &mut all);
    if all.is_empty() || !template.contains('$') {
        return Cow::Borrowed(template);
    }
    let expanded = all.into_iter().find_map(|(field, patterns)| {
        let texts = texts(field, state);
        texts.into_iter().find_map(|text| patterns.expand(text, template, &mut run.budget))
    });
    Cow::Owned(expanded.unwrap_or_else(|| expand_nothing(template)))
}

/// The regular expressions of a condition, but for those under a `not`.
fn collect_patterns<'n>(node: &'n Node, found: &mut Vec<(TextField, &'n Patterns)>) {
    match node {
        Node::All(of) | Node::Any(of) => of.iter().for_each(|part| collect_patterns(part, found)),
        Node::Regex { field, patterns } => found.push((*field, patterns)),
        _ => {}
    }
}

/// The texts of a field as they are: several tags, or one text. No tag is one empty text.
fn texts<'s>(field: TextField, state: &'s State<'_>) -> Vec<&'s str> {
    match field {
        TextField::Tags if !state.tags().is_empty() => {
            state.tags().iter().map(String::as_str).collect()
        }
        TextField::Tags => vec![""],
        field => vec![state.text(field)],
    }
}

/// Facts that no rule changes, as numbers.
struct Seen {
    amount: i128,
    day: i32,
    balance: Option<i128>,
}

fn holds(node: &Node, seen: &Seen, state: &State<'_>, run: &mut Run) -> bool {
    match node {
        Node::All(of) => of.iter().all(|part| holds(part, seen, state, run)),
        Node::Any(of) => of.iter().any(|part| holds(part, seen, state, run)),
        Node::Not(of) => !of.iter().any(|part| holds(part, seen, state, run)),
        Node::Text { field: TextField::Tags, op, values, as_written } => {
            let folded = &run.folded.tags;
            let tags = if *as_written { state.tags() } else { folded };
            tags.iter().any(|tag| compares(*op, tag, values))
                || (tags.is_empty() && compares(*op, "", values))
        }
        Node::Text { field, op, values, as_written: true } => {
            compares(*op, state.text(*field), values)
        }
        Node::Text { field, op, values, .. } => compares(*op, run.folded.text(*field), values),
        Node::Regex { field: TextField::Tags, patterns } => {
            let budget = &mut run.budget;
            texts(TextField::Tags, state).into_iter().any(|tag| patterns.match_in(tag, budget))
        }
        Node::Regex { field, patterns } => patterns.match_in(state.text(*field), &mut run.budget),
        Node::Empty(TextField::Tags) => state.tags().is_empty(),
        Node::Empty(field) => state.text(*field).is_empty(),
        Node::Amount { bounds, absolute: false } => bounds.hold(seen.amount),
        Node::Amount { bounds, absolute: true } => bounds.hold(seen.amount.saturating_abs()),
        Node::Currency(of) => of.contains(&state.of.amount.currency()),
        Node::Direction(Direction::In) => seen.amount > 0,
        Node::Direction(Direction::Out) => seen.amount < 0,
        Node::Date(from, to) => (*from..=*to).contains(&seen.day),
        Node::Weekday(days) => {
            let day = state.of.booking_date.weekday().num_days_from_monday();
            u32::from(*days) >> day & 1 == 1
        }
        Node::DayOfMonth(days) => {
            let date = state.of.booking_date;
            days >> date.day() & 1 == 1 || (days & 1 == 1 && is_last_of_month(date))
        }
        Node::Account(ids) => ids.binary_search(&state.of.account_id).is_ok(),
        Node::Category(ids, none) => {
            state.category().map_or(*none, |id| ids.binary_search(&id).is_ok())
        }
        Node::Status(of) => of >> (state.status() as u8) & 1 == 1,
        Node::Has(what) => has(*what, state),
        Node::Balance(bounds) => seen.balance.is_some_and(|balance| bounds.hold(balance)),
    }
}

pub(super) fn is_last_of_month(date: NaiveDate) -> bool {
    date.succ_opt().is_none_or(|next| next.day() == 1)
}

fn has(what: Feature, state: &State<'_>) -> bool {
    match what {
        Feature::Category => state.category().is_some() || state.is_split(),
        Feature::Payee => !state.text(TextField::Payee).is_empty(),
        Feature::Tags => !state.tags().is_empty(),
        Feature::Notes => !state.text(TextField::Notes).is_empty(),
        Feature::Attachments => !state.of.attachments.is_empty(),
        Feature::Splits => state.is_split(),
        Feature::Transfer => state.of.transfer_id.is_some(),
    }
}

/// Statuses that only a person gives; a rule leaves them.
pub(super) fn is_given_by_hand(status: Status) -> bool {
    matches!(status, Status::Reconciled | Status::Void | Status::Disputed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_so_much_work_and_no_more() {
        // Holds: `PATTERN_UNITS`, and `PATTERN_UNITS_PER_ROW` more for each transaction; with the
        // last unit it is used up.
        for rows in [0_u64, 1, 10_000] {
            let units = 250_000_000 + rows * 50_000;
            let mut run = Run::over(usize::try_from(rows).unwrap());
            // An empty text counts for 16 units.
            assert!(run.budget.draw("", units / 16 - 1));
            assert!(!run.budget.is_used_up());
            assert!(!run.budget.draw("", 1));
            assert!(run.budget.is_used_up());
        }
    }
}
