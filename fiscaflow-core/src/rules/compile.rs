//! Preparing rules to run: texts folded, bounds as integers, names resolved to ids.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::Decimal;

use super::fold::fold;
use super::index::Index;
use super::patterns::{Budget, Patterns};
use crate::id::{AccountId, CategoryId, RuleId};
use crate::model::{Action, Condition, Direction, Feature, Rule, TextField, TextOp};
use crate::money::{Amount, Currency, Money};
use crate::plan::Plan;

/// Percent by which an amount may be off where a rule says "about" and no more.
const ABOUT_PERCENT: Decimal = Decimal::from_parts(75, 0, 0, false, 1);

/// The enabled rules of a book, in the order in which they run, and what finds those that a
/// transaction can meet.
#[derive(Default)]
pub struct RuleSet {
    pub(super) rules: Vec<Compiled>,
    pub(super) index: Index,
    /// The texts that rules compare folded, by [`slot`].
    pub(super) folds: [bool; SLOTS],
    balance: bool,
    names: bool,
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSet").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// One rule, ready to run.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) id: RuleId,
    pub(super) condition: Node,
    pub(super) actions: Vec<Action>,
    pub(super) stop: bool,
}

/// A condition, prepared.
#[derive(Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Vec<Node>),
    /// Values are folded unless the text is compared as written.
    Text {
        field: TextField,
        op: TextOp,
        values: Vec<String>,
        as_written: bool,
    },
    Regex {
        field: TextField,
        patterns: Patterns,
    },
    Empty(TextField),
    Amount {
        bounds: Bounds,
        absolute: bool,
    },
    Currency(Vec<Currency>),
    Direction(Direction),
    /// Days of the common era.
    Date(i32, i32),
    /// A bit for each day, Monday first.
    Weekday(u8),
    /// A bit for each day of the month, counted from 1; bit 0 for the last.
    DayOfMonth(u32),
    /// Sorted.
    Account(Vec<AccountId>),
    /// Sorted; and whether having none counts, too.
    Category(Vec<CategoryId>, bool),
    /// A bit for each status.
    Status(u8),
    Has(Feature),
    Balance(Bounds),
}

/// Bounds of an amount in units of 10^-8, both included: no currency has more decimal places, so
/// they are exact for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) least: i128,
    pub(super) most: i128,
}

impl Bounds {
    pub(super) fn hold(self, value: i128) -> bool {
        (self.least..=self.most).contains(&value)
    }

    fn and(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.min(other.most) }
    }

    fn of(min: Option<Amount>, max: Option<Amount>) -> Self {
        Self {
            least: min.map_or(i128::MIN, |min| units(min, true)),
            most: max.map_or(i128::MAX, |max| units(max, false)),
        }
    }

    fn between(above: Option<Amount>, below: Option<Amount>) -> Self {
        Self {
            least: above.map_or(i128::MIN, |above| units(above, false).saturating_add(1)),
            most: below.map_or(i128::MAX, |below| units(below, true).saturating_sub(1)),
        }
    }

    fn near(value: Amount, within: Option<Amount>, percent: Option<Amount>) -> Self {
        let around = |off: Decimal| {
            let bound = |bound: Option<Decimal>, far: Decimal| Amount::new(bound.unwrap_or(far));
            let least = bound(value.decimal().checked_sub(off), Decimal::MIN);
            Self::of(Some(least), Some(bound(value.decimal().checked_add(off), Decimal::MAX)))
        };
        let share = |percent: Decimal| {
            let hundredths = value.decimal().abs().checked_mul(percent);
            around(hundredths.map_or(Decimal::MAX, |it| it / Decimal::ONE_HUNDRED))
        };
        match (within, percent) {
            (None, None) => share(ABOUT_PERCENT),
            (Some(within), None) => around(within.decimal()),
            (None, Some(percent)) => share(percent.decimal()),
            (Some(within), Some(percent)) => around(within.decimal()).and(share(percent.decimal())),
        }
    }
}

/// An amount in units of 10^-8, up or down to the next whole one.
fn units(amount: Amount, up: bool) -> i128 {
    let (mantissa, scale) = (amount.decimal().mantissa(), amount.decimal().scale());
    let places = u32::from(Currency::MAX_EXPONENT);
    match scale.checked_sub(places) {
        None | Some(0) => mantissa.saturating_mul(10_i128.pow(places.saturating_sub(scale))),
        Some(more) => {
            let unit = 10_i128.pow(more);
            let down = mantissa.div_euclid(unit);
            if up && mantissa.rem_euclid(unit) != 0 { down.saturating_add(1) } else { down }
        }
    }
}

/// An amount of money in units of 10^-8.
pub(super) fn units_of(money: Money) -> i128 {
    i128::from(money.minor()).saturating_mul(unit_of(money.currency()))
}

/// A currency's minor unit in units of 10^-8.
pub(super) fn unit_of(currency: Currency) -> i128 {
    let places = Currency::MAX_EXPONENT.saturating_sub(currency.exponent());
    10_i128.pow(u32::from(places))
}

/// How many texts are compared while rules run.
pub(super) const SLOTS: usize = 7;

/// The place of a text that is compared while rules run; names of accounts and categories are
/// compared once, when rules are prepared.
pub(super) const fn slot(field: TextField) -> Option<usize> {
    match field {
        TextField::Description => Some(0),
        TextField::Payee => Some(1),
        TextField::Notes => Some(2),
        TextField::Tags => Some(3),
        TextField::Reference => Some(4),
        TextField::CounterpartyAccount => Some(5),
        TextField::Mcc => Some(6),
        TextField::Account | TextField::Category => None,
    }
}

impl RuleSet {
    /// The enabled ones of these rules, by stage, then by priority (higher first), then by id. The
    /// plan knows the names of accounts and categories, and which categories lie below others.
    ///
    /// ```
    /// # fn example(plan: &fiscaflow_core::Plan) {
    /// use fiscaflow_core::rules::RuleSet;
    ///
    /// assert!(RuleSet::new(plan.rules.values(), plan).len() <= plan.rules.len());
    /// # }
    /// ```
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a Rule>, plan: &Plan) -> Self {
        let mut enabled: Vec<&Rule> = rules.into_iter().filter(|rule| rule.enabled).collect();
        enabled.sort_by_key(|rule| (rule.stage, std::cmp::Reverse(rule.priority), rule.id));
        let some = |is: &dyn Fn(&Condition) -> bool| {
            enabled.iter().any(|rule| rule.condition.has(&|leaf: &Condition| is(leaf)))
        };
        let balance = some(&|leaf| matches!(leaf, Condition::Balance { .. }));
        let tree = some(&|leaf| matches!(leaf, Condition::Category { .. }));
        let names = tree
            || some(
                &|leaf| matches!(leaf, Condition::Text { field, .. } if slot(*field).is_none()),
            );
        let known = Known { plan, below: if tree { below(plan) } else { BTreeMap::new() } };
        let compiled = |rule: &&Rule| Compiled {
            id: rule.id,
            condition: prepare(&rule.condition, &known),
            actions: rule.actions.clone(),
            stop: rule.stop,
        };
        let compiled: Vec<Compiled> = enabled.iter().map(compiled).collect();
        let index = Index::new(&compiled);
        let mut folds = index.fields();
        compiled.iter().for_each(|rule| note_folds(&rule.condition, &mut folds));
        Self { rules: compiled, index, folds, balance, names }
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a rule looks at the balance of an account, which then has to be given.
    pub(crate) fn ask_balance(&self) -> bool {
        self.balance
    }

    /// Whether a rule looks at names of accounts or categories, or at the tree of categories:
    /// then it has to be prepared again when those change.
    pub(crate) fn ask_names(&self) -> bool {
        self.names
    }
}

/// Notes which texts a condition compares folded.
fn note_folds(node: &Node, folds: &mut [bool; SLOTS]) {
    match node {
        Node::All(of) | Node::Any(of) | Node::Not(of) => {
            of.iter().for_each(|part| note_folds(part, folds));
        }
        Node::Text { field, as_written: false, .. } => {
            if let Some(folded) = slot(*field).and_then(|slot| folds.get_mut(slot)) {
                *folded = true;
            }
        }
        _ => {}
    }
}

/// What rules are prepared with.
struct Known<'a> {
    plan: &'a Plan,
    /// Each category with those below it and itself.
    below: BTreeMap<CategoryId, Vec<CategoryId>>,
}

fn below(plan: &Plan) -> BTreeMap<CategoryId, Vec<CategoryId>> {
    let mut below: BTreeMap<CategoryId, Vec<CategoryId>> = BTreeMap::new();
    for id in plan.categories.keys() {
        let (mut next, mut levels) = (Some(*id), 0);
        while let Some(above) = next.filter(|_| levels <= plan.categories.len()) {
            below.entry(above).or_default().push(*id);
            next = plan.categories.get(&above).and_then(|category| category.parent_id);
            levels += 1;
        }
    }
    below
}

/// A checked condition by itself, ready to run.
pub(super) fn prepare_alone(condition: &Condition, plan: &Plan) -> Node {
    prepare(condition, &Known { plan, below: below(plan) })
}

/// A checked condition, ready to run.
fn prepare(condition: &Condition, known: &Known<'_>) -> Node {
    let plan = known.plan;
    let parts = |of: &[Condition]| of.iter().map(|part| prepare(part, known)).collect::<Vec<_>>();
    match condition {
        Condition::All { of } => Node::All(parts(of)),
        Condition::Any { of } => Node::Any(parts(of)),
        Condition::Not { of } => Node::Not(parts(of)),
        Condition::Text { field, op, values, case_sensitive } => {
            let text = prepare_text(*field, *op, values, *case_sensitive);
            by_name(*field, &text, plan).unwrap_or(text)
        }
        Condition::Amount { min, max, above, below, absolute } => Node::Amount {
            bounds: Bounds::of(*min, *max).and(Bounds::between(*above, *below)),
            absolute: *absolute,
        },
        Condition::AmountNear { value, within, percent, absolute } => {
            Node::Amount { bounds: Bounds::near(*value, *within, *percent), absolute: *absolute }
        }
        Condition::Currency { codes } => {
            Node::Currency(codes.iter().filter_map(|code| plan.currency(code).ok()).collect())
        }
        Condition::Direction { is } => Node::Direction(*is),
        Condition::Date { from, to } => Node::Date(
            from.map_or(i32::MIN, |day| day.num_days_from_ce()),
            to.map_or(i32::MAX, |day| day.num_days_from_ce()),
        ),
        Condition::DateNear { date, days } => {
            let days = Days::new(u64::from(*days));
            let from = date.checked_sub_days(days).unwrap_or(NaiveDate::MIN);
            let to = date.checked_add_days(days).unwrap_or(NaiveDate::MAX);
            Node::Date(from.num_days_from_ce(), to.num_days_from_ce())
        }
        Condition::Weekday { is } => {
            Node::Weekday(is.iter().fold(0, |bits, day| bits | 1 << (*day as u8)))
        }
        Condition::DayOfMonth { days, last } => {
            let bit = |day: &u32| 1_u32.checked_shl(*day).unwrap_or_default();
            Node::DayOfMonth(days.iter().fold(u32::from(*last), |bits, day| bits | bit(day)))
        }
        Condition::Account { ids } => {
            let mut ids = ids.clone();
            ids.sort_unstable();
            Node::Account(ids)
        }
        Condition::Category { ids } => {
            let below = ids.iter().filter_map(|id| known.below.get(id)).flatten().copied();
            let mut below: Vec<CategoryId> = below.collect();
            below.sort_unstable();
            below.dedup();
            Node::Category(below, false)
        }
        Condition::Status { is } => {
            Node::Status(is.iter().fold(0, |bits, status| bits | 1 << (*status as u8)))
        }
        Condition::Has { what } => Node::Has(*what),
        Condition::Balance { min, max } => Node::Balance(Bounds::of(*min, *max)),
    }
}

fn prepare_text(field: TextField, op: TextOp, values: &[String], as_written: bool) -> Node {
    match op {
        TextOp::Empty => Node::Empty(field),
        TextOp::Regex => Node::Regex { field, patterns: Patterns::new(values, as_written) },
        op => {
            let value = |value: &String| if as_written { value.clone() } else { fold(value) };
            Node::Text { field, op, values: values.iter().map(value).collect(), as_written }
        }
    }
}

/// A condition on a name as the ids of what has such a name; `None` for any other text.
fn by_name(field: TextField, text: &Node, plan: &Plan) -> Option<Node> {
    let named = |name: &str| compares_alone(text, name, &mut Budget::new(u64::MAX));
    match field {
        TextField::Account => {
            let accounts = plan.accounts.values().filter(|account| named(&account.name));
            Some(Node::Account(accounts.map(|account| account.id).collect()))
        }
        TextField::Category => {
            let categories = plan.categories.values().filter(|category| named(&category.name));
            Some(Node::Category(categories.map(|category| category.id).collect(), named("")))
        }
        _ => None,
    }
}

/// Whether a prepared condition on one text holds of this text.
pub(super) fn compares_alone(node: &Node, text: &str, budget: &mut Budget) -> bool {
    match node {
        Node::Empty(_) => text.is_empty(),
        Node::Regex { patterns, .. } => patterns.match_in(text, budget),
        Node::Text { op, values, as_written: true, .. } => compares(*op, text, values),
        Node::Text { op, values, .. } => compares(*op, &fold(text), values),
        _ => false,
    }
}

pub(super) fn compares(op: TextOp, text: &str, values: &[String]) -> bool {
    values.iter().any(|value| match op {
        TextOp::Is => text == value,
        TextOp::Contains => text.contains(value.as_str()),
        TextOp::Starts => text.starts_with(value.as_str()),
        TextOp::Ends => text.ends_with(value.as_str()),
        TextOp::Regex | TextOp::Empty => false,
    })
}
