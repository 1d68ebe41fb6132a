//! Refusing rules that are too large, name what is not there, or could take too much time.

use rust_decimal::Decimal;

use super::patterns::{check_patterns, has_patterns};
use crate::error::{Error, ErrorCode, Result};
use crate::goals::linkable;
use crate::limits::{
    MAX_ACTIONS, MAX_CONDITION_DEPTH, MAX_CONDITION_NODES, MAX_NAME_BYTES, MAX_NOTES_BYTES,
    MAX_PATTERN_RULES, MAX_SPLITS, MAX_TAGS, MAX_VALUES,
};
use crate::model::{
    Action, Condition, Rule, SplitPart, TextOp, check_list, check_name, check_optional, check_text,
};
use crate::money::Amount;
use crate::period::check_day;
use crate::plan::Plan;

/// Refuses a rule that is too large, names what is not there, or whose pattern is refused.
pub fn check_rule(rule: &Rule, plan: &Plan) -> Result<()> {
    check_name("name", &rule.name)?;
    if rule.actions.is_empty() {
        return Err(Error::invalid("actions", "a rule needs at least one action"));
    }
    check_list("actions", &rule.actions, MAX_ACTIONS)?;
    rule.actions.iter().try_for_each(|action| check_action(action, plan))?;
    let mut nodes = 0;
    check_condition(&rule.condition, plan, 1, &mut nodes)?;
    if !has_patterns(&rule.condition) {
        return Ok(());
    }
    let others = plan.rules.values().filter(|other| other.id != rule.id);
    check_pattern_rules(others.chain([rule]))?;
    check_patterns(&rule.condition, &rule.actions)
}

/// Refuses a book whose rules, which come all at once, hold a pattern that is refused.
pub(crate) fn check_all_patterns(plan: &Plan) -> Result<()> {
    check_pattern_rules(plan.rules.values())?;
    plan.rules.values().try_for_each(|rule| check_patterns(&rule.condition, &rule.actions))
}

fn check_pattern_rules<'a>(rules: impl Iterator<Item = &'a Rule>) -> Result<()> {
    if rules.filter(|rule| has_patterns(&rule.condition)).count() <= MAX_PATTERN_RULES {
        return Ok(());
    }
    exceeded(format!("a book has at most {MAX_PATTERN_RULES} rules with regular expressions"))
}

/// Refuses to go on where a rule does what is asked about, such as to name what goes.
pub(crate) fn check_unused(plan: &Plan, names: impl Fn(&Action) -> bool) -> Result<()> {
    match plan.rules.values().find(|rule| rule.actions.iter().any(&names)) {
        Some(rule) => {
            Err(Error::new(ErrorCode::InUse, "a rule links transactions to it").id(rule.id))
        }
        None => Ok(()),
    }
}

fn check_action(action: &Action, plan: &Plan) -> Result<()> {
    match action {
        Action::SetCategory { category_id } => {
            plan.category(*category_id).map(drop).map_err(|error| error.field("actions"))
        }
        Action::SetPayee { payee: name }
        | Action::AddTag { tag: name }
        | Action::RemoveTag { tag: name }
        | Action::Flag { reason: name } => check_name("actions", name),
        Action::SetTags { tags } => {
            check_list("actions", tags, MAX_TAGS)?;
            tags.iter().try_for_each(|tag| check_name("actions", tag))
        }
        Action::SetNotes { notes }
        | Action::AppendNotes { notes }
        | Action::PrependNotes { notes } => {
            if notes.trim().is_empty() {
                return Err(Error::invalid("actions", "notes to be set must not be empty"));
            }
            check_text("actions", notes, MAX_NOTES_BYTES)
        }
        Action::MarkTransfer { account_id } => {
            plan.account(*account_id).map(drop).map_err(|error| error.field("actions"))
        }
        Action::LinkSchedule { schedule_id } => {
            plan.schedule(*schedule_id).map(drop).map_err(|error| error.field("actions"))
        }
        Action::LinkGoal { goal_id } => {
            linkable(*goal_id, plan).map_err(|error| error.field("actions"))
        }
        Action::SetStatus { .. } => Ok(()),
        Action::Split { parts } => check_parts(parts, plan),
    }
}

fn check_parts(parts: &[SplitPart], plan: &Plan) -> Result<()> {
    let refuse = |why: &str| Err(Error::invalid("actions", why));
    check_list("actions", parts, MAX_SPLITS)?;
    if parts.len() < 2 {
        return refuse("a transaction is split into at least two parts");
    }
    let (mut percents, mut fixed, mut rest) = (Decimal::ZERO, false, false);
    for part in parts {
        check_optional("actions", part.notes.as_deref(), MAX_NOTES_BYTES)?;
        if let Some(id) = part.category_id {
            plan.category(id).map_err(|error| error.field("actions"))?;
        }
        match (part.amount, part.percent) {
            (Some(_), Some(_)) => return refuse("a part has an amount or a percentage, not both"),
            (Some(amount), None) if amount <= Amount::ZERO => {
                return refuse("the amount of a part is above zero");
            }
            (None, Some(percent)) if !is_percent(percent) => {
                return refuse("a percentage is above 0 and at most 100, with at most 4 decimals");
            }
            (Some(_), None) => fixed = true,
            (None, Some(percent)) => percents = percents.saturating_add(percent.decimal()),
            (None, None) => rest = true,
        }
    }
    if percents > Decimal::ONE_HUNDRED {
        return refuse("the percentages of the parts exceed 100");
    }
    if !rest && (fixed || percents != Decimal::ONE_HUNDRED) {
        return refuse("the parts need one without amount and percentage, for what is left");
    }
    Ok(())
}

fn is_percent(percent: Amount) -> bool {
    let value = percent.decimal();
    value > Decimal::ZERO && value <= Decimal::ONE_HUNDRED && value.normalize().scale() <= 4
}

pub(super) fn exceeded<T>(text: String) -> Result<T> {
    Err(Error::new(ErrorCode::LimitExceeded, text).field("condition"))
}

/// Refuses a condition that is too large, names what is not there, or whose pattern is refused.
pub(super) fn check_alone(condition: &Condition, plan: &Plan) -> Result<()> {
    check_condition(condition, plan, 1, &mut 0)?;
    check_patterns(condition, &[])
}

fn check_condition(
    condition: &Condition,
    plan: &Plan,
    depth: usize,
    nodes: &mut usize,
) -> Result<()> {
    *nodes += 1;
    if depth > MAX_CONDITION_DEPTH || *nodes > MAX_CONDITION_NODES {
        return exceeded(format!(
            "a condition has at most {MAX_CONDITION_NODES} nodes in {MAX_CONDITION_DEPTH} levels"
        ));
    }
    check_leaf(condition, plan)?;
    let mut parts = condition.parts().iter();
    parts.try_for_each(|part| check_condition(part, plan, depth + 1, nodes))
}

fn refuse(why: &str) -> Result<()> {
    Err(Error::invalid("condition", why))
}

/// Refuses a list that is empty or too long.
fn check_entries(length: usize) -> Result<()> {
    match length {
        0 => refuse("a condition with a list needs at least one entry in it"),
        1..=MAX_VALUES => Ok(()),
        _ => exceeded(format!("`condition` may have at most {MAX_VALUES} entries")),
    }
}

fn check_leaf(leaf: &Condition, plan: &Plan) -> Result<()> {
    match leaf {
        Condition::Text { op, values, .. } => check_values(*op, values),
        Condition::Amount { min, max, above, below, .. } => {
            let (least, most) = (min.max(above), [*max, *below].into_iter().flatten().min());
            match (least, most) {
                (Some(least), Some(most)) if *least > most => {
                    refuse("the lower bound is above the upper one")
                }
                _ => Ok(()),
            }
        }
        Condition::AmountNear { within, percent, .. } => match (within, percent) {
            (Some(_), Some(_)) => refuse("`within` and `percent` exclude each other"),
            (Some(within), None) if *within < Amount::ZERO => refuse("`within` is below zero"),
            (None, Some(percent)) if !is_percent(*percent) => {
                refuse("`percent` is above 0 and at most 100, with at most 4 decimals")
            }
            _ => Ok(()),
        },
        Condition::Balance { min: Some(min), max: Some(max) } if min > max => {
            refuse("`min` is above `max`")
        }
        Condition::Currency { codes } => {
            check_entries(codes.len())?;
            let check = |code: &String| plan.currency(code).map(drop);
            codes.iter().try_for_each(check).map_err(|error| error.field("condition"))
        }
        Condition::Date { from, to } => {
            check_day("condition", *from)?;
            check_day("condition", *to)?;
            match (from, to) {
                (Some(from), Some(to)) if from > to => refuse("`from` is after `to`"),
                _ => Ok(()),
            }
        }
        Condition::DateNear { date, .. } => check_day("condition", Some(*date)),
        Condition::Weekday { is } => check_entries(is.len()),
        Condition::Status { is } => check_entries(is.len()),
        Condition::DayOfMonth { days, .. } if days.iter().any(|day| !(1..=31).contains(day)) => {
            refuse("a day of the month is from 1 to 31")
        }
        Condition::DayOfMonth { days, last } => check_entries(days.len() + usize::from(*last)),
        Condition::Account { ids } => {
            check_list("condition", ids, MAX_VALUES)?;
            let check = |id| plan.account(id).map(drop).map_err(|error| error.field("condition"));
            ids.iter().copied().try_for_each(check)
        }
        Condition::Category { ids } => {
            check_entries(ids.len())?;
            let check = |id| plan.category(id).map(drop).map_err(|error| error.field("condition"));
            ids.iter().copied().try_for_each(check)
        }
        _ => Ok(()),
    }
}

fn check_values(op: TextOp, values: &[String]) -> Result<()> {
    match op {
        TextOp::Empty if values.is_empty() => return Ok(()),
        TextOp::Empty => return refuse("`empty` takes no values"),
        _ if values.is_empty() => return refuse("a text condition needs a value"),
        _ => {}
    }
    check_list("condition", values, MAX_VALUES)?;
    values.iter().try_for_each(|value| check_text("condition", value, MAX_NAME_BYTES * 4))
}
