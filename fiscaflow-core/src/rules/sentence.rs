//! A rule as one sentence, which `parse` reads back.
//!
//! ```text
//! "Markets" (priority 10): if description contains "rewe" or "edeka" and not amount is above 0
//! then set category to "Food"; add tag "shop"; stop
//! ```
//!
//! Accounts, categories, schedules and goals stand by their names where the plan is at hand and has
//! the name once, else by their ids. The words of the language stand in the tables below, for both
//! directions.

use std::fmt::{self, Display, Formatter, Write};

use crate::model::{
    Action, Condition, Direction, Feature, NewRule, Rule, SplitPart, Stage, Status, TextField,
    TextOp, Weekday,
};
use crate::money::Amount;
use crate::plan::Plan;

pub(super) const FIELDS: &[(TextField, &str)] = &[
    (TextField::Description, "description"),
    (TextField::Payee, "payee"),
    (TextField::Notes, "notes"),
    (TextField::Tags, "tags"),
    (TextField::Account, "account name"),
    (TextField::Category, "category name"),
    (TextField::Reference, "reference"),
    (TextField::CounterpartyAccount, "counterparty account"),
    (TextField::Mcc, "mcc"),
];
pub(super) const OPS: &[(TextOp, &str)] = &[
    (TextOp::Empty, "is empty"),
    (TextOp::Is, "is"),
    (TextOp::Contains, "contains"),
    (TextOp::Starts, "starts with"),
    (TextOp::Ends, "ends with"),
    (TextOp::Regex, "matches"),
];
pub(super) const WEEKDAYS: &[(Weekday, &str)] = &[
    (Weekday::Monday, "monday"),
    (Weekday::Tuesday, "tuesday"),
    (Weekday::Wednesday, "wednesday"),
    (Weekday::Thursday, "thursday"),
    (Weekday::Friday, "friday"),
    (Weekday::Saturday, "saturday"),
    (Weekday::Sunday, "sunday"),
];
pub(super) const STATUSES: &[(Status, &str)] = &[
    (Status::Pending, "pending"),
    (Status::Posted, "posted"),
    (Status::Reconciled, "reconciled"),
    (Status::Void, "void"),
    (Status::Disputed, "disputed"),
];
pub(super) const DIRECTIONS: &[(Direction, &str)] =
    &[(Direction::In, "comes in"), (Direction::Out, "goes out")];
pub(super) const FEATURES: &[(Feature, &str)] = &[
    (Feature::Category, "a category"),
    (Feature::Payee, "a payee"),
    (Feature::Tags, "tags"),
    (Feature::Notes, "notes"),
    (Feature::Attachments, "attachments"),
    (Feature::Splits, "parts"),
    (Feature::Transfer, "another side"),
];
pub(super) const STAGES: &[(Stage, &str)] =
    &[(Stage::Pre, "pre"), (Stage::Default, "default"), (Stage::Post, "post")];

/// The word of a table for a value.
pub(crate) fn word<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> &'static str {
    table.iter().find(|(known, _)| known == value).map_or("", |(_, word)| word)
}

impl Display for NewRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Sentence { plan: None }.rule(f, self)
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        NewRule::from(self).fmt(f)
    }
}

/// A rule as one sentence, with the names of accounts and categories that the plan has once.
///
/// ```
/// # fn example(plan: &fiscaflow_core::Plan) -> fiscaflow_core::Result<()> {
/// use fiscaflow_core::rules::{describe, parse};
///
/// let rule = parse(r#""Work": if money comes in then add tag "earned"; stop"#, Some(plan))?;
/// assert_eq!(describe(&rule, plan), rule.to_string(), "it names no account or category");
/// # Ok(()) }
/// ```
pub fn describe(rule: &NewRule, plan: &Plan) -> String {
    struct Told<'a>(&'a NewRule, &'a Plan);
    impl Display for Told<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            Sentence { plan: Some(self.1) }.rule(f, self.0)
        }
    }
    Told(rule, plan).to_string()
}

/// Tells rules and conditions.
pub(crate) struct Sentence<'a> {
    pub(crate) plan: Option<&'a Plan>,
}

impl Sentence<'_> {
    fn rule(&self, f: &mut Formatter<'_>, rule: &NewRule) -> fmt::Result {
        quoted(f, &rule.name)?;
        let id = rule.id.map(|id| format!("id {id}"));
        let stage = rule.stage.map(|stage| format!("stage {}", word(STAGES, &stage)));
        let priority = rule.priority.map(|priority| format!("priority {priority}"));
        let enabled = rule.enabled.map(|on| if on { "on" } else { "off" }.to_owned());
        let about: Vec<String> = [id, stage, priority, enabled].into_iter().flatten().collect();
        if !about.is_empty() {
            write!(f, " ({})", about.join(", "))?;
        }
        f.write_str(": if ")?;
        self.condition(f, &rule.condition, false)?;
        f.write_str(" then ")?;
        for (place, action) in rule.actions.iter().enumerate() {
            if place > 0 {
                f.write_str("; ")?;
            }
            self.action(f, action)?;
        }
        match (rule.actions.is_empty(), rule.stop) {
            (true, true) => f.write_str("stop"),
            (true, false) => f.write_str("do nothing"),
            (false, true) => f.write_str("; stop"),
            (false, false) => Ok(()),
        }
    }

    /// A condition; `inner` where it stands beside others and needs parentheses.
    pub(crate) fn condition(
        &self,
        f: &mut Formatter<'_>,
        condition: &Condition,
        inner: bool,
    ) -> fmt::Result {
        match condition {
            Condition::All { of } if of.len() > 1 => self.joined(f, of, " and ", inner),
            Condition::Any { of } if of.len() > 1 => self.joined(f, of, " or ", inner),
            Condition::All { of } => self.listed(f, "all", of),
            Condition::Any { of } => self.listed(f, "any", of),
            Condition::Not { of } => match of.as_slice() {
                [one] => {
                    f.write_str("not ")?;
                    self.condition(f, one, true)
                }
                of => self.listed(f, "none", of),
            },
            leaf => self.leaf(f, leaf),
        }
    }

    fn joined(
        &self,
        f: &mut Formatter<'_>,
        of: &[Condition],
        by: &str,
        inner: bool,
    ) -> fmt::Result {
        if inner {
            f.write_char('(')?;
        }
        for (place, part) in of.iter().enumerate() {
            if place > 0 {
                f.write_str(by)?;
            }
            self.condition(f, part, true)?;
        }
        if inner { f.write_char(')') } else { Ok(()) }
    }

    fn listed(&self, f: &mut Formatter<'_>, of_what: &str, of: &[Condition]) -> fmt::Result {
        write!(f, "{of_what} of (")?;
        for (place, part) in of.iter().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            self.condition(f, part, false)?;
        }
        f.write_char(')')
    }

    fn leaf(&self, f: &mut Formatter<'_>, leaf: &Condition) -> fmt::Result {
        match leaf {
            Condition::Text { field, op, values, case_sensitive } => {
                write!(f, "{} {}", word(FIELDS, field), word(OPS, op))?;
                if *op != TextOp::Empty {
                    f.write_char(' ')?;
                    or(f, values, |f, value| quoted(f, value))?;
                }
                if *case_sensitive { f.write_str(" as written") } else { Ok(()) }
            }
            Condition::Amount { min, max, above, below, absolute } => {
                f.write_str(if *absolute { "absolute amount is" } else { "amount is" })?;
                bounds(f, &[("from", min), ("to", max), ("above", above), ("below", below)])
            }
            Condition::AmountNear { value, within, percent, absolute } => {
                f.write_str(if *absolute { "absolute amount is" } else { "amount is" })?;
                write!(f, " about {value}")?;
                bounds_or_none(f, &[("within", within), ("within", percent)], percent.is_some())
            }
            Condition::Balance { min, max } => {
                f.write_str("balance is")?;
                bounds(f, &[("from", min), ("to", max)])
            }
            Condition::Currency { codes } => {
                f.write_str("currency is ")?;
                or(f, codes, |f, code| quoted(f, code))
            }
            Condition::Direction { is } => write!(f, "money {}", word(DIRECTIONS, is)),
            Condition::Date { from, to } => {
                f.write_str("date is")?;
                bounds(f, &[("from", from), ("to", to)])
            }
            Condition::DateNear { date, days } => {
                write!(f, "date is about {date} within {days} days")
            }
            Condition::Weekday { is } => {
                f.write_str("weekday is ")?;
                or(f, is, |f, day| f.write_str(word(WEEKDAYS, day)))
            }
            Condition::DayOfMonth { days, last } => {
                f.write_str("day of month is ")?;
                let days = days.iter().map(u32::to_string);
                let days: Vec<String> = days.chain(last.then(|| "last".to_owned())).collect();
                or(f, &days, |f, day| f.write_str(day))
            }
            Condition::Account { ids } => {
                f.write_str("account is ")?;
                or(f, ids, |f, id| self.account(f, *id))
            }
            Condition::Category { ids } => {
                f.write_str("category is ")?;
                or(f, ids, |f, id| self.category(f, *id))
            }
            Condition::Status { is } => {
                f.write_str("status is ")?;
                or(f, is, |f, status| f.write_str(word(STATUSES, status)))
            }
            Condition::Has { what } => write!(f, "it has {}", word(FEATURES, what)),
            Condition::All { .. } | Condition::Any { .. } | Condition::Not { .. } => Ok(()),
        }
    }

    fn action(&self, f: &mut Formatter<'_>, action: &Action) -> fmt::Result {
        match action {
            Action::SetCategory { category_id } => {
                f.write_str("set category to ")?;
                self.category(f, *category_id)
            }
            Action::SetPayee { payee } => around(f, "set payee to ", payee, ""),
            Action::AddTag { tag } => around(f, "add tag ", tag, ""),
            Action::RemoveTag { tag } => around(f, "remove tag ", tag, ""),
            Action::SetTags { tags } if tags.is_empty() => f.write_str("clear tags"),
            Action::SetTags { tags } => {
                f.write_str("set tags to ")?;
                separated(f, tags, ", ", |f, tag| quoted(f, tag))
            }
            Action::SetNotes { notes } => around(f, "set notes to ", notes, ""),
            Action::AppendNotes { notes } => around(f, "append ", notes, " to notes"),
            Action::PrependNotes { notes } => around(f, "prepend ", notes, " to notes"),
            Action::SetStatus { status } => {
                write!(f, "set status to {}", word(STATUSES, status))
            }
            Action::Split { parts } if parts.is_empty() => f.write_str("split into nothing"),
            Action::Split { parts } => {
                f.write_str("split into ")?;
                separated(f, parts, ", ", |f, part| self.part(f, part))
            }
            Action::MarkTransfer { account_id } => {
                f.write_str("mark as transfer with ")?;
                self.account(f, *account_id)
            }
            Action::LinkSchedule { schedule_id } => {
                f.write_str("link to schedule ")?;
                let schedules = self.plan.into_iter().flat_map(|plan| plan.schedules.values());
                let named = schedules.map(|it| (it.id == *schedule_id, it.name.as_str()));
                reference(f, named, schedule_id)
            }
            Action::LinkGoal { goal_id } => {
                f.write_str("link to goal ")?;
                let goals = self.plan.into_iter().flat_map(|plan| plan.goals.values());
                let named = goals.map(|it| (it.id == *goal_id, it.name.as_str()));
                reference(f, named, goal_id)
            }
            Action::Flag { reason } => around(f, "flag for review because ", reason, ""),
        }
    }

    fn part(&self, f: &mut Formatter<'_>, part: &SplitPart) -> fmt::Result {
        match (part.amount, part.percent) {
            (None, None) => f.write_str("rest")?,
            (Some(amount), None) => write!(f, "{amount}")?,
            (None, Some(percent)) => write!(f, "{percent} %")?,
            (Some(amount), Some(percent)) => write!(f, "{amount} {percent} %")?,
        }
        if let Some(id) = part.category_id {
            f.write_str(" for ")?;
            self.category(f, id)?;
        }
        match &part.notes {
            Some(notes) => around(f, " noting ", notes, ""),
            None => Ok(()),
        }
    }

    fn account(&self, f: &mut Formatter<'_>, id: crate::id::AccountId) -> fmt::Result {
        let accounts = self.plan.into_iter().flat_map(|plan| plan.accounts.values());
        let named = accounts.map(|account| (account.id == id, account.name.as_str()));
        reference(f, named, &id)
    }

    fn category(&self, f: &mut Formatter<'_>, id: crate::id::CategoryId) -> fmt::Result {
        let categories = self.plan.into_iter().flat_map(|plan| plan.categories.values());
        let named = categories.map(|category| (category.id == id, category.name.as_str()));
        reference(f, named, &id)
    }
}

/// The name of what is meant where nothing else has it, else its id.
fn reference<'n>(
    f: &mut Formatter<'_>,
    named: impl Iterator<Item = (bool, &'n str)> + Clone,
    id: &dyn Display,
) -> fmt::Result {
    let name = named.clone().find(|(meant, _)| *meant).map(|(_, name)| name);
    match name.filter(|name| named.filter(|(_, known)| known == name).count() == 1) {
        Some(name) => quoted(f, name),
        None => write!(f, "{id}"),
    }
}

fn around(f: &mut Formatter<'_>, before: &str, text: &str, after: &str) -> fmt::Result {
    f.write_str(before)?;
    quoted(f, text)?;
    f.write_str(after)
}

fn separated<T>(
    f: &mut Formatter<'_>,
    values: &[T],
    by: &str,
    one: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            f.write_str(by)?;
        }
        one(f, value)?;
    }
    Ok(())
}

fn or<T>(
    f: &mut Formatter<'_>,
    values: &[T],
    one: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if values.is_empty() {
        return f.write_str("nothing");
    }
    separated(f, values, " or ", one)
}

/// Bounds that are there, or `any`.
fn bounds<T: Display>(f: &mut Formatter<'_>, all: &[(&str, &Option<T>)]) -> fmt::Result {
    let mut any = true;
    for (name, bound) in all {
        if let Some(bound) = bound {
            any = false;
            write!(f, " {name} {bound}")?;
        }
    }
    if any { f.write_str(" any") } else { Ok(()) }
}

fn bounds_or_none(
    f: &mut Formatter<'_>,
    all: &[(&str, &Option<Amount>)],
    percent: bool,
) -> fmt::Result {
    for (name, bound) in all {
        if let Some(bound) = bound {
            write!(f, " {name} {bound}")?;
        }
    }
    if percent { f.write_str(" %") } else { Ok(()) }
}

/// A text in quotes; what would end it or cannot be seen is escaped.
pub(crate) fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' | '\\' => write!(f, "\\{char}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            char if char.is_control() => write!(f, "\\u{{{:x}}}", u32::from(char))?,
            char => f.write_char(char)?,
        }
    }
    f.write_char('"')
}
