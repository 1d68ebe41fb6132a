//! Checking rules, and preparing them to run.

use regex::{Regex, RegexBuilder};

use crate::error::{Error, ErrorCode, Result};
use crate::id::RuleId;
use crate::limits::{
    MAX_ACTIONS, MAX_CONDITION_DEPTH, MAX_CONDITION_NODES, MAX_NAME_BYTES, MAX_PATTERN_BYTES,
    MAX_PATTERN_SIZE, MAX_VALUES,
};
use crate::model::{
    Action, Condition, Rule, TextField, TextOp, check_list, check_name, check_text,
};
use crate::period::check_day;
use crate::plan::Plan;
use crate::store::fold;

/// The rules of a book, checked and in the order in which they run.
#[derive(Debug, Default)]
pub struct RuleSet {
    pub(super) rules: Vec<Compiled>,
}

/// One rule, ready to run.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) id: RuleId,
    pub(super) condition: Node,
    pub(super) actions: Vec<Action>,
    pub(super) stop: bool,
}

/// A condition with its patterns prepared.
#[derive(Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Vec<Node>),
    /// Values are folded where letter case does not count.
    Text {
        field: TextField,
        op: TextOp,
        values: Vec<String>,
        fold: bool,
    },
    Regex {
        field: TextField,
        patterns: Vec<Regex>,
    },
    /// Everything that needs no preparation.
    Leaf(Condition),
}

impl RuleSet {
    /// The enabled rules of a plan, by stage, then by priority (higher first), then by id.
    ///
    /// ```
    /// # use fiscaflow_core::rules::RuleSet;
    /// assert_eq!(RuleSet::new([]).unwrap().len(), 0);
    /// ```
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Result<Self> {
        let mut enabled: Vec<&Rule> = rules.into_iter().filter(|rule| rule.enabled).collect();
        enabled.sort_by_key(|rule| (rule.stage, std::cmp::Reverse(rule.priority), rule.id));
        let compile = |rule: &&Rule| {
            Ok(Compiled {
                id: rule.id,
                condition: compile(&rule.condition)?,
                actions: rule.actions.clone(),
                stop: rule.stop,
            })
        };
        Ok(Self { rules: enabled.iter().map(compile).collect::<Result<_>>()? })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// Refuses a rule that is too large, names what is not there, or whose pattern is refused.
pub fn check_rule(rule: &Rule, plan: &Plan) -> Result<()> {
    check_name("name", &rule.name)?;
    if rule.actions.is_empty() {
        return Err(Error::invalid("actions", "a rule needs at least one action"));
    }
    check_list("actions", &rule.actions, MAX_ACTIONS)?;
    for action in &rule.actions {
        match action {
            Action::SetCategory { category_id } => {
                plan.category(*category_id).map(drop).map_err(|error| error.field("actions"))?;
            }
            Action::SetPayee { payee } => check_name("actions", payee)?,
            Action::AddTag { tag } => check_name("actions", tag)?,
        }
    }
    let mut nodes = 0;
    check_condition(&rule.condition, plan, 1, &mut nodes)?;
    compile(&rule.condition).map(drop)
}

fn check_condition(
    condition: &Condition,
    plan: &Plan,
    depth: usize,
    nodes: &mut usize,
) -> Result<()> {
    *nodes += 1;
    if depth > MAX_CONDITION_DEPTH || *nodes > MAX_CONDITION_NODES {
        let text = format!(
            "a condition has at most {MAX_CONDITION_NODES} nodes in {MAX_CONDITION_DEPTH} levels"
        );
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("condition"));
    }
    match condition {
        Condition::All { of } | Condition::Any { of } | Condition::Not { of } => {
            of.iter().try_for_each(|part| check_condition(part, plan, depth + 1, nodes))
        }
        Condition::Text { values, .. } => {
            check_list("condition", values, MAX_VALUES)?;
            if values.is_empty() {
                return Err(Error::invalid("condition", "a text condition needs a value"));
            }
            values.iter().try_for_each(|value| check_text("condition", value, MAX_NAME_BYTES * 4))
        }
        Condition::Amount { min, max, .. } => {
            if let (Some(min), Some(max)) = (min, max)
                && min > max
            {
                return Err(Error::invalid("condition", "`min` is above `max`"));
            }
            Ok(())
        }
        Condition::Date { from, to } => {
            check_day("condition", *from)?;
            check_day("condition", *to)?;
            if let (Some(from), Some(to)) = (from, to)
                && from > to
            {
                return Err(Error::invalid("condition", "`from` is after `to`"));
            }
            Ok(())
        }
        Condition::Account { ids } => {
            check_list("condition", ids, MAX_VALUES)?;
            let check = |id| plan.account(id).map(drop).map_err(|error| error.field("condition"));
            ids.iter().copied().try_for_each(check)
        }
        Condition::Direction { .. } => Ok(()),
    }
}

fn compile(condition: &Condition) -> Result<Node> {
    let parts = |of: &[Condition]| of.iter().map(compile).collect::<Result<Vec<_>>>();
    Ok(match condition {
        Condition::All { of } => Node::All(parts(of)?),
        Condition::Any { of } => Node::Any(parts(of)?),
        Condition::Not { of } => Node::Not(parts(of)?),
        Condition::Text { field, op: TextOp::Regex, values, case_sensitive } => {
            let patterns = values.iter().map(|value| pattern(value, *case_sensitive));
            Node::Regex { field: *field, patterns: patterns.collect::<Result<_>>()? }
        }
        Condition::Text { field, op, values, case_sensitive } => {
            let value = |value: &String| {
                if *case_sensitive { value.clone() } else { fold(value) }
            };
            let values = values.iter().map(value).collect();
            Node::Text { field: *field, op: *op, values, fold: !case_sensitive }
        }
        leaf => Node::Leaf(leaf.clone()),
    })
}

/// Compiles a pattern of the `regex` crate within its limits.
fn pattern(text: &str, case_sensitive: bool) -> Result<Regex> {
    let refused = |why: &str| {
        Error::new(ErrorCode::InvalidPattern, format!("the pattern is refused: {why}"))
            .field("condition")
    };
    if text.len() > MAX_PATTERN_BYTES {
        return Err(refused(&format!("it may have at most {MAX_PATTERN_BYTES} bytes")));
    }
    let built = RegexBuilder::new(text)
        .case_insensitive(!case_sensitive)
        .size_limit(MAX_PATTERN_SIZE)
        .dfa_size_limit(MAX_PATTERN_SIZE)
        .nest_limit(MAX_CONDITION_DEPTH.try_into().unwrap_or(u32::MAX))
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            refused("it grows too large; repeat counts on `\\w` and other wide classes cost most")
        }
        _ => refused("it is not a regular expression of the supported syntax"),
    })
}
