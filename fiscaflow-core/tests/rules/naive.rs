//! Rules as their documentation reads, without any preparation: one rule after another, each
//! condition as a tree, each action on a plain transaction.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use chrono::Datelike;
use fiscaflow_core::limits::{MAX_NOTES_BYTES, MAX_TAGS};
use fiscaflow_core::model::{
    Action, Condition, Direction, Feature, Rule, Source, SourceKind, Split, SplitPart, Status,
    TextField, TextOp, Transaction, metadata,
};
use fiscaflow_core::{Amount, Money, Plan, RuleId};
use regex::Regex;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

fn kind(source: &Option<Source>) -> Option<SourceKind> {
    source.as_ref().map(|source| source.kind)
}

/// The transaction as rules see it: what one of them gave, and a category that was learned, are
/// not there.
pub fn seen(it: &Transaction) -> Transaction {
    let mut seen = it.clone();
    if matches!(kind(&it.category_source), Some(SourceKind::Rule | SourceKind::Learned)) {
        seen.category_id = None;
        seen.splits.clear();
    }
    if kind(&it.notes_source) == Some(SourceKind::Rule) {
        seen.notes = None;
    }
    seen
}

/// The texts of a field, of which one has to compare.
fn texts(field: TextField, it: &Transaction, plan: &Plan) -> Vec<String> {
    let one = |text: Option<&String>| vec![text.cloned().unwrap_or_default()];
    match field {
        TextField::Description => one(Some(&it.description)),
        TextField::Payee => one(it.payee.as_ref()),
        TextField::Notes => one(it.notes.as_ref()),
        TextField::Tags if it.tags.is_empty() => one(None),
        TextField::Tags => it.tags.clone(),
        TextField::Account => one(Some(&plan.accounts[&it.account_id].name)),
        TextField::Category => one(it.category_id.map(|id| &plan.categories[&id].name)),
        TextField::Reference => one(it.reference.as_ref()),
        TextField::CounterpartyAccount => one(it.metadata.get(metadata::COUNTERPARTY_ACCOUNT)),
        TextField::Mcc => one(it.metadata.get(metadata::MCC)),
    }
}

/// Runs with an expression that is compiled once for all cases of a test.
fn with_regex<T>(pattern: &str, as_written: bool, run: impl FnOnce(&Regex) -> T) -> T {
    thread_local! {
        static KNOWN: RefCell<HashMap<(String, bool), Regex>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        let regex = known.entry((pattern.to_owned(), as_written)).or_insert_with(|| {
            regex::RegexBuilder::new(pattern).case_insensitive(!as_written).build().unwrap()
        });
        run(regex)
    })
}

fn even(text: &str) -> String {
    text.to_lowercase().replace('é', "e").replace('ü', "u").replace('ß', "ss")
}

fn compares(op: TextOp, text: &str, value: &str, as_written: bool) -> bool {
    if op == TextOp::Regex {
        return with_regex(value, as_written, |regex| regex.is_match(text));
    }
    let (text, value) =
        if as_written { (text.to_owned(), value.to_owned()) } else { (even(text), even(value)) };
    match op {
        TextOp::Is => text == value,
        TextOp::Contains => text.contains(&value),
        TextOp::Starts => text.starts_with(&value),
        TextOp::Ends => text.ends_with(&value),
        TextOp::Regex | TextOp::Empty => unreachable!("handled before"),
    }
}

fn near(amount: Amount, value: Amount, within: Option<Amount>, percent: Option<Amount>) -> bool {
    let off = (amount.decimal() - value.decimal()).abs();
    let share = |percent: Decimal| value.decimal().abs() * percent / Decimal::ONE_HUNDRED;
    let default = if within.is_none() { Some("7.5".parse().unwrap()) } else { None };
    let percent = percent.map(Amount::decimal).or(default);
    within.is_none_or(|within| off <= within.decimal())
        && percent.is_none_or(|percent| off <= share(percent))
}

fn has(what: Feature, it: &Transaction) -> bool {
    let some = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    match what {
        Feature::Category => it.category_id.is_some() || !it.splits.is_empty(),
        Feature::Payee => some(&it.payee),
        Feature::Tags => !it.tags.is_empty(),
        Feature::Notes => some(&it.notes),
        Feature::Attachments => !it.attachments.is_empty(),
        Feature::Splits => !it.splits.is_empty(),
        Feature::Transfer => it.transfer_id.is_some(),
    }
}

/// Whether a condition holds of a transaction as it is seen.
pub fn holds(condition: &Condition, it: &Transaction, plan: &Plan, balance: Option<Money>) -> bool {
    let part = |part: &Condition| holds(part, it, plan, balance);
    let size = |absolute: bool| {
        let amount = it.amount.amount().decimal();
        Amount::new(if absolute { amount.abs() } else { amount })
    };
    let date = it.booking_date;
    match condition {
        Condition::All { of } => of.iter().all(part),
        Condition::Any { of } => of.iter().any(part),
        Condition::Not { of } => !of.iter().any(part),
        Condition::Text { field, op: TextOp::Empty, .. } => {
            texts(*field, it, plan).iter().all(String::is_empty)
        }
        Condition::Text { field, op, values, case_sensitive } => {
            let texts = texts(*field, it, plan);
            let mut pairs = texts.iter().flat_map(|text| values.iter().map(move |it| (text, it)));
            pairs.any(|(text, value)| compares(*op, text, value, *case_sensitive))
        }
        Condition::Amount { min, max, above, below, absolute } => {
            let amount = size(*absolute);
            min.is_none_or(|min| amount >= min)
                && max.is_none_or(|max| amount <= max)
                && above.is_none_or(|above| amount > above)
                && below.is_none_or(|below| amount < below)
        }
        Condition::AmountNear { value, within, percent, absolute } => {
            near(size(*absolute), *value, *within, *percent)
        }
        Condition::Currency { codes } => {
            codes.iter().any(|code| code == it.amount.currency().code())
        }
        Condition::Direction { is: Direction::In } => it.amount.minor() > 0,
        Condition::Direction { is: Direction::Out } => it.amount.minor() < 0,
        Condition::Date { from, to } => {
            from.is_none_or(|from| date >= from) && to.is_none_or(|to| date <= to)
        }
        Condition::DateNear { date: near, days } => {
            (date - *near).num_days().unsigned_abs() <= u64::from(*days)
        }
        Condition::Weekday { is } => is.iter().any(|day| {
            let name = format!("{:?}", date.weekday());
            format!("{day:?}").starts_with(&name)
        }),
        Condition::DayOfMonth { days, last } => {
            let tomorrow = date.succ_opt().unwrap();
            days.contains(&date.day()) || (*last && tomorrow.month() != date.month())
        }
        Condition::Account { ids } => ids.contains(&it.account_id),
        Condition::Category { ids } => it.category_id.is_some_and(|id| {
            let above = plan.categories[&id].parent_id;
            ids.contains(&id) || above.is_some_and(|above| ids.contains(&above))
        }),
        Condition::Status { is } => is.contains(&it.status),
        Condition::Has { what } => has(*what, it),
        Condition::Balance { min, max } => balance.is_some_and(|balance| {
            let balance = balance.amount();
            min.is_none_or(|min| balance >= min) && max.is_none_or(|max| balance <= max)
        }),
    }
}

/// The regular expressions of a condition on the transaction's own texts, but for those under a
/// `not`.
fn expressions<'c>(condition: &'c Condition, found: &mut Vec<(TextField, &'c str, bool)>) {
    match condition {
        Condition::All { of } | Condition::Any { of } => {
            of.iter().for_each(|part| expressions(part, found));
        }
        Condition::Text { field, op: TextOp::Regex, values, case_sensitive }
            if !matches!(field, TextField::Account | TextField::Category) =>
        {
            found.extend(values.iter().map(|value| (*field, value.as_str(), *case_sensitive)));
        }
        _ => {}
    }
}

/// A text for notes with what the rule's first matching expression found.
fn filled(template: &str, rule: &Rule, it: &Transaction, plan: &Plan) -> String {
    let mut all = Vec::new();
    expressions(&rule.condition, &mut all);
    if all.is_empty() {
        return template.to_owned();
    }
    let fill = |pattern: &str, as_written: bool, text: &str| {
        with_regex(pattern, as_written, |regex| {
            let mut filled = String::new();
            regex.captures(text)?.expand(template, &mut filled);
            Some(filled)
        })
    };
    let mut found = all.iter().flat_map(|(field, pattern, as_written)| {
        let texts = texts(*field, it, plan);
        texts.into_iter().map(move |text| fill(pattern, *as_written, &text))
    });
    found.find_map(|filled| filled).or_else(|| fill("", true, "")).unwrap()
}

/// The parts of an amount, in fractions of a minor unit that all shares are whole numbers of.
fn parts(amount: Money, parts: &[SplitPart]) -> Option<Vec<Split>> {
    const FINE: i128 = 1_000_000;
    let (whole, sign) = (i128::from(amount.minor()).abs(), amount.minor().signum());
    let takers = parts.iter().filter(|it| it.amount.is_none() && it.percent.is_none()).count();
    let mut shares = Vec::new();
    for part in parts {
        let fixed = part.amount.map(|it| Money::from_amount(it, amount.currency()));
        let percent = part.percent.map(|it| it.decimal() * Decimal::from(10_000));
        shares.push(match (fixed, percent) {
            (Some(fixed), _) => i128::from(fixed.ok()?.minor()) * FINE,
            (None, Some(percent)) => whole * percent.to_i128()?,
            (None, None) => 0,
        });
    }
    shares.push(whole * FINE - shares.iter().sum::<i128>());
    if whole == 0 || shares[parts.len()] < 0 {
        return None;
    }
    let mut units: Vec<i128> = shares.iter().map(|share| share / FINE).collect();
    while units.iter().sum::<i128>() < whole {
        let lost = |place: &usize| shares[*place] - units[*place] * FINE;
        let most = (0..units.len()).rev().max_by_key(lost)?;
        units[most] += 1;
    }
    let mut rest = units.pop()?;
    if takers == 0 && rest > 0 {
        return None;
    }
    let mut takers = i128::try_from(takers).ok()?;
    let split = |(part, unit): (&SplitPart, i128)| {
        let mut unit = unit;
        if part.amount.is_none() && part.percent.is_none() {
            unit = (rest + takers - 1) / takers;
            (rest, takers) = (rest - unit, takers - 1);
        }
        Split {
            amount: Money::from_minor(i64::try_from(unit).unwrap() * sign, amount.currency()),
            category_id: part.category_id,
            notes: part.notes.clone(),
        }
    };
    Some(parts.iter().zip(units).map(split).collect())
}

/// What rules made of a transaction.
#[derive(Default)]
pub struct Ran {
    /// The rules that applied.
    pub steps: Vec<RuleId>,
    /// Those that would have, had no rule before them been the last to run.
    pub stopped: Vec<RuleId>,
    /// The transaction as they leave it, where that is another.
    pub after: Option<Transaction>,
}

/// Runs rules over a transaction as the documentation says.
pub fn run(rules: &[Rule], plan: &Plan, before: &Transaction, balance: Option<Money>) -> Ran {
    let mut order: Vec<&Rule> = rules.iter().filter(|rule| rule.enabled).collect();
    order.sort_by_key(|rule| (rule.stage, -i64::from(rule.priority), rule.id));
    let mut ran = Ran::default();
    let mut twin = Twin { before, now: seen(before), by: BTreeMap::new() };
    let mut over = false;
    for rule in order {
        if !holds(&rule.condition, &twin.now, plan, balance) {
            continue;
        }
        if over {
            ran.stopped.push(rule.id);
            continue;
        }
        ran.steps.push(rule.id);
        rule.actions.iter().for_each(|action| twin.act(action, rule, plan));
        over = rule.stop;
    }
    ran.after = Some(twin.after()).filter(|after| after != before);
    ran
}

/// A transaction on which rules act, and which of them gave each field last.
struct Twin<'a> {
    before: &'a Transaction,
    now: Transaction,
    by: BTreeMap<&'static str, RuleId>,
}

impl Twin<'_> {
    fn act(&mut self, action: &Action, rule: &Rule, plan: &Plan) {
        let before = self.before;
        let user = |source: &Option<Source>| kind(source) == Some(SourceKind::User);
        let own_parts = !seen(before).splits.is_empty();
        let sortable = !user(&before.category_source) && !own_parts;
        let field = match action {
            Action::SetCategory { category_id } if sortable => {
                self.now.category_id = Some(*category_id);
                self.now.splits.clear();
                "category"
            }
            Action::Split { parts: wanted }
                if sortable && before.transfer_id.is_none() && before.counts() =>
            {
                let Some(parts) = parts(before.amount, wanted) else { return };
                (self.now.splits, self.now.category_id) = (parts, None);
                "category"
            }
            Action::SetPayee { payee } if !user(&before.payee_source) => {
                self.now.payee = Some(payee.clone());
                "payee"
            }
            Action::AddTag { .. } | Action::RemoveTag { .. } | Action::SetTags { .. }
                if !user(&before.tags_source) =>
            {
                let tags = self.now.tags.clone();
                self.change_tags(action);
                if self.now.tags == tags {
                    return;
                }
                "tags"
            }
            Action::SetNotes { notes }
            | Action::AppendNotes { notes }
            | Action::PrependNotes { notes } => {
                let text = filled(notes, rule, &self.now, plan);
                let Some(notes) = self.noted(action, text) else { return };
                self.now.notes = Some(notes);
                "notes"
            }
            Action::SetStatus { status } if self.takes(*status) => {
                self.now.status = *status;
                "status"
            }
            Action::LinkSchedule { schedule_id } if !user(&before.schedule_source) => {
                self.now.schedule_id = Some(*schedule_id);
                "schedule"
            }
            Action::LinkGoal { goal_id } if !user(&before.goal_source) => {
                self.now.goal_id = Some(*goal_id);
                "goal"
            }
            Action::MarkTransfer { account_id }
                if *account_id != before.account_id && before.transfer_id.is_none() =>
            {
                self.write(metadata::TRANSFER_ACCOUNT_ID, account_id.to_string());
                return;
            }
            Action::Flag { reason } if !self.now.metadata.contains_key(metadata::REVIEW) => {
                self.write(metadata::REVIEW, reason.clone());
                return;
            }
            _ => return,
        };
        self.by.insert(field, rule.id);
    }

    fn takes(&self, status: Status) -> bool {
        let before = self.before;
        let by_hand = [Status::Reconciled, Status::Void, Status::Disputed];
        let source = kind(&before.status_source);
        let kept = by_hand.contains(&before.status) && source != Some(SourceKind::Rule);
        let void_side = status == Status::Void && before.transfer_id.is_some();
        !kept && source != Some(SourceKind::User) && !void_side
    }

    /// Writes a member of the metadata, unless it came with one.
    fn write(&mut self, name: &str, text: String) {
        if !self.before.metadata.contains_key(name) {
            self.now.metadata.insert(name.to_owned(), text);
        }
    }

    fn change_tags(&mut self, action: &Action) {
        let tags = &mut self.now.tags;
        match action {
            Action::AddTag { tag } if tags.len() < MAX_TAGS => tags.push(tag.clone()),
            Action::RemoveTag { tag } => tags.retain(|known| known != tag),
            Action::SetTags { tags: wanted } => tags.clone_from(wanted),
            _ => {}
        }
        tags.sort();
        tags.dedup();
    }

    /// Whether a person wrote the notes or emptied them.
    fn has_own_notes(&self) -> bool {
        seen(self.before).notes.is_some()
            || kind(&self.before.notes_source) == Some(SourceKind::User)
    }

    /// The notes after an action on them; `None` where they stay.
    fn noted(&self, action: &Action, text: String) -> Option<String> {
        let now = self.now.notes.clone().unwrap_or_default();
        let own = self.has_own_notes();
        let notes = match action {
            _ if text.trim().is_empty() => return None,
            Action::SetNotes { .. } if own => return None,
            Action::SetNotes { .. } => text,
            _ if are_in(&text, &now) || (now.is_empty() && own) => return None,
            _ if now.is_empty() => text,
            Action::PrependNotes { .. } => format!("{text}\n{now}"),
            _ => format!("{now}\n{text}"),
        };
        (notes.len() <= MAX_NOTES_BYTES).then_some(notes)
    }

    fn after(self) -> Transaction {
        let source = |field: &str| self.by.get(field).map(|id| Source::rule(*id));
        let mut after = self.before.clone();
        if let Some(by) = source("category") {
            (after.category_id, after.splits) = (self.now.category_id, self.now.splits.clone());
            after.category_source = Some(by);
        }
        if let Some(by) = source("payee") {
            (after.payee, after.payee_source) = (self.now.payee.clone(), Some(by));
        }
        if let Some(by) = source("tags").filter(|_| self.now.tags != self.before.tags) {
            (after.tags, after.tags_source) = (self.now.tags.clone(), Some(by));
        }
        if let Some(by) = source("notes") {
            after.notes = self.now.notes.clone();
            if !self.has_own_notes() {
                after.notes_source = Some(by);
            }
        }
        if let Some(by) = source("status").filter(|_| self.now.status != self.before.status) {
            (after.status, after.status_source) = (self.now.status, Some(by));
        }
        if let Some(by) = source("schedule") {
            (after.schedule_id, after.schedule_source) = (self.now.schedule_id, Some(by));
        }
        if let Some(by) = source("goal") {
            (after.goal_id, after.goal_source) = (self.now.goal_id, Some(by));
        }
        after.metadata = self.now.metadata;
        after
    }
}

/// Whether the lines of a text stand among others, one after the other.
fn are_in(text: &str, others: &str) -> bool {
    let lines =
        |text: &str| text.split('\n').map(|line| line.replace('\r', "")).collect::<Vec<_>>();
    let (wanted, others) = (lines(text), lines(others));
    others.windows(wanted.len()).any(|some| some == wanted)
}
