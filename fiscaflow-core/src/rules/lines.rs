//! A condition over the lines of a view, for reports: what it says of a payee or of a group of
//! lines is found once, not for each line.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};

use super::check::check_alone;
use super::compile::{Bounds, Node, compares_alone, prepare_alone, unit_of};
use super::evaluate::is_last_of_month;
use super::patterns::Budget;
use super::sentence::{FEATURES, FIELDS, word};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::PATTERN_UNITS;
use crate::model::{Condition, Direction, Feature, Status, TextField};
use crate::plan::Plan;
use crate::view::{Group, Scanned, View};

/// A condition, prepared for the lines of one view.
pub(crate) struct LineFilter {
    test: Test,
    /// What one minor unit of each group's currency is in the units of bounds.
    units: Vec<i128>,
}

/// A part of it.
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Vec<Test>),
    /// By the group's number.
    Group(Vec<bool>),
    /// By the group's number, where the line is of any money.
    In(Vec<bool>),
    /// By the payee's number; the last for none.
    Payee(Vec<bool>),
    /// What it says of each tag that there is, and of a transaction without any.
    Tags(HashMap<String, bool>, bool),
    Amount(Bounds, bool),
    Date(i32, i32),
    Weekday(u8),
    DayOfMonth(u32),
}

/// What a filter is prepared with.
struct Known<'a> {
    plan: &'a Plan,
    view: &'a View,
    budget: Budget,
}

impl LineFilter {
    /// Prepares a condition; `invalid_input` names what figures do not know.
    pub(crate) fn new(condition: &Condition, plan: &Plan, view: &View) -> Result<Self> {
        let in_filter = |error: Error| error.field("filter");
        check_alone(condition, plan).map_err(in_filter)?;
        let mut known = Known { plan, view, budget: Budget::new(PATTERN_UNITS) };
        let test = known.test(prepare_alone(condition, plan)).map_err(in_filter)?;
        if known.budget.is_used_up() {
            let text = "the regular expressions of the condition take too much work";
            return Err(Error::new(ErrorCode::LimitExceeded, text).field("filter"));
        }
        let unit = |group: &Group| plan.accounts.get(&group.account_id).map(|it| it.currency);
        let units = view.groups().map(|group| unit(group).map_or(0, unit_of)).collect();
        Ok(Self { test, units })
    }

    /// Whether it holds of a line.
    pub(crate) fn holds(&self, line: &Scanned<'_>) -> bool {
        self.test.holds(line, &self.units)
    }
}

impl Known<'_> {
    fn test(&mut self, node: Node) -> Result<Test> {
        Ok(match node {
            Node::All(of) => Test::All(self.tests(of)?),
            Node::Any(of) => Test::Any(self.tests(of)?),
            Node::Not(of) => Test::Not(self.tests(of)?),
            Node::Text { field: TextField::Tags, .. }
            | Node::Regex { field: TextField::Tags, .. }
            | Node::Empty(TextField::Tags) => self.tags(&node),
            Node::Text { field, .. } | Node::Regex { field, .. } | Node::Empty(field) => {
                if field != TextField::Payee {
                    return Err(unknown(word(FIELDS, &field)));
                }
                self.payees(&node)
            }
            Node::Amount { bounds, absolute } => Test::Amount(bounds, absolute),
            Node::Date(from, to) => Test::Date(from, to),
            Node::Weekday(days) => Test::Weekday(days),
            Node::DayOfMonth(days) => Test::DayOfMonth(days),
            Node::Currency(of) => {
                let plan = self.plan;
                let currency = |group: &Group| plan.accounts.get(&group.account_id);
                self.groups(|group| currency(group).is_some_and(|it| of.contains(&it.currency)))
            }
            Node::Direction(Direction::In) => Test::In(self.holding(|group| !group.outgoing)),
            Node::Direction(Direction::Out) => self.groups(|group| group.outgoing),
            Node::Account(ids) => self.groups(|group| ids.contains(&group.account_id)),
            Node::Category(ids, none) => self.groups(|group| {
                group.category_id.map_or(none, |id| ids.binary_search(&id).is_ok())
            }),
            Node::Status(bits) if bits == 1 << (Status::Pending as u8) => {
                self.groups(|group| group.pending)
            }
            Node::Status(_) => return Err(unknown("a status other than pending")),
            Node::Has(Feature::Category) => self.groups(|group| group.category_id.is_some()),
            Node::Has(Feature::Payee) => {
                self.payees(&Node::Not(vec![Node::Empty(TextField::Payee)]))
            }
            Node::Has(Feature::Tags) => self.groups(|group| group.tagged),
            Node::Has(Feature::Splits) => self.groups(|group| group.split),
            Node::Has(Feature::Transfer) => self.groups(|group| group.transfer),
            Node::Has(what @ (Feature::Notes | Feature::Attachments)) => {
                return Err(unknown(word(FEATURES, &what)));
            }
            Node::Balance(_) => return Err(unknown("balance")),
        })
    }

    fn tests(&mut self, of: Vec<Node>) -> Result<Vec<Test>> {
        of.into_iter().map(|part| self.test(part)).collect()
    }

    fn groups(&self, holds: impl Fn(&Group) -> bool) -> Test {
        Test::Group(self.holding(holds))
    }

    fn holding(&self, holds: impl Fn(&Group) -> bool) -> Vec<bool> {
        self.view.groups().map(holds).collect()
    }

    /// What a condition on tags says of each.
    fn tags(&mut self, node: &Node) -> Test {
        let budget = &mut self.budget;
        let empty = matches!(node, Node::Empty(_));
        let mut found = HashMap::new();
        for tag in self.view.tags() {
            if !found.contains_key(tag) {
                found.insert(tag.to_owned(), !empty && compares_alone(node, tag, budget));
            }
        }
        let none = compares_alone(node, "", budget);
        Test::Tags(found, none)
    }

    /// What a condition on the payee says of each.
    fn payees(&mut self, node: &Node) -> Test {
        let (view, budget) = (self.view, &mut self.budget);
        let mut holds = |name: &str| match node {
            Node::Not(_) => !name.is_empty(),
            node => compares_alone(node, name, budget),
        };
        let mut found: Vec<bool> = (0..view.payees())
            .map(|number| holds(view.payee(number).unwrap_or_default()))
            .collect();
        found.push(holds(""));
        Test::Payee(found)
    }
}

fn unknown(what: &str) -> Error {
    Error::invalid("filter", format!("figures do not know of {what}: a report cannot look at it"))
}

impl Test {
    fn holds(&self, line: &Scanned<'_>, units: &[i128]) -> bool {
        match self {
            Self::All(of) => of.iter().all(|part| part.holds(line, units)),
            Self::Any(of) => of.iter().any(|part| part.holds(line, units)),
            Self::Not(of) => !of.iter().any(|part| part.holds(line, units)),
            Self::Group(holds) => holds.get(line.group) == Some(&true),
            Self::In(holds) => line.minor != 0 && holds.get(line.group) == Some(&true),
            Self::Payee(holds) => {
                let payee = line.payee.unwrap_or(holds.len().saturating_sub(1));
                holds.get(payee) == Some(&true)
            }
            Self::Tags(_, none) if line.tags.is_empty() => *none,
            Self::Tags(holds, _) => line.tags.iter().any(|tag| holds.get(tag) == Some(&true)),
            Self::Amount(bounds, absolute) => {
                let unit = units.get(line.group).copied().unwrap_or_default();
                let amount = i128::from(line.minor).saturating_mul(unit);
                bounds.hold(if *absolute { amount.saturating_abs() } else { amount })
            }
            Self::Date(from, to) => (*from..=*to).contains(&line.day),
            Self::Weekday(days) => date(line).is_some_and(|day| {
                u32::from(*days) >> day.weekday().num_days_from_monday() & 1 == 1
            }),
            Self::DayOfMonth(days) => date(line).is_some_and(|day| {
                days >> day.day() & 1 == 1 || (days & 1 == 1 && is_last_of_month(day))
            }),
        }
    }
}

fn date(line: &Scanned<'_>) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(line.day)
}
