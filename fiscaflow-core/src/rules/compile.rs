//! Checking rules, and preparing them to run.

use std::sync::OnceLock;

use regex::{RegexSet, RegexSetBuilder};

use crate::error::{Error, ErrorCode, Result};
use crate::id::RuleId;
use crate::limits::{
    MAX_ACTIONS, MAX_CONDITION_DEPTH, MAX_CONDITION_NODES, MAX_NAME_BYTES, MAX_PATTERN_BYTES,
    MAX_PATTERN_RULES, MAX_PATTERN_SIZE, MAX_PATTERNS, MAX_VALUES,
};
use crate::model::{
    Action, Condition, Rule, TextField, TextOp, check_list, check_name, check_text,
};
use crate::period::check_day;
use crate::plan::Plan;
use crate::store::fold;

/// The rules of a book, checked and in the order in which they run.
#[derive(Default)]
pub struct RuleSet {
    pub(super) rules: Vec<Compiled>,
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
        patterns: Patterns,
    },
    /// Everything that needs no preparation.
    Leaf(Condition),
}

/// Regular expressions of which one must match. They are compiled when first asked for: most
/// requests run no rule, and a condition before them may settle the matter.
#[derive(Debug)]
pub(super) struct Patterns {
    texts: Vec<String>,
    case_sensitive: bool,
    compiled: OnceLock<Option<RegexSet>>,
}

impl Patterns {
    pub(super) fn match_in(&self, text: &str) -> bool {
        let compile = || compile_patterns(&self.texts, self.case_sensitive).ok();
        // A rule is kept only after its patterns were compiled, so they are there.
        self.compiled.get_or_init(compile).as_ref().is_some_and(|set| set.is_match(text))
    }
}

impl RuleSet {
    /// The enabled rules of a plan, by stage, then by priority (higher first), then by id.
    ///
    /// ```
    /// # use fiscaflow_core::rules::RuleSet;
    /// assert_eq!(RuleSet::new([]).len(), 0);
    /// ```
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Self {
        let mut enabled: Vec<&Rule> = rules.into_iter().filter(|rule| rule.enabled).collect();
        enabled.sort_by_key(|rule| (rule.stage, std::cmp::Reverse(rule.priority), rule.id));
        let prepare = |rule: &&Rule| Compiled {
            id: rule.id,
            condition: prepare(&rule.condition),
            actions: rule.actions.clone(),
            stop: rule.stop,
        };
        Self { rules: enabled.iter().map(prepare).collect() }
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
    check_patterns(rule, plan)
}

/// Refuses a rule's patterns, or that a book gets too many rules with patterns.
fn check_patterns(rule: &Rule, plan: &Plan) -> Result<()> {
    if !has_patterns(&rule.condition) {
        return Ok(());
    }
    let others = plan.rules.values().filter(|other| other.id != rule.id);
    check_pattern_rules(others.chain([rule]))?;
    check_own_patterns(rule)
}

/// Refuses a book whose rules, which come all at once, hold a pattern that is refused.
pub(crate) fn check_all_patterns(plan: &Plan) -> Result<()> {
    check_pattern_rules(plan.rules.values())?;
    plan.rules.values().try_for_each(check_own_patterns)
}

fn check_pattern_rules<'a>(rules: impl Iterator<Item = &'a Rule>) -> Result<()> {
    if rules.filter(|rule| has_patterns(&rule.condition)).count() <= MAX_PATTERN_RULES {
        return Ok(());
    }
    exceeded(format!("a book has at most {MAX_PATTERN_RULES} rules with regular expressions"))
}

/// Refuses patterns that are none, or that would take too much time or memory, alone or together.
fn check_own_patterns(rule: &Rule) -> Result<()> {
    let mut patterns = Vec::new();
    collect_patterns(&rule.condition, &mut patterns);
    if patterns.is_empty() {
        return Ok(());
    }
    if patterns.len() > MAX_PATTERNS {
        return exceeded(format!("a rule has at most {MAX_PATTERNS} regular expressions"));
    }
    if patterns.iter().any(|pattern| pattern.len() > MAX_PATTERN_BYTES) {
        return Err(refused(&format!("it may have at most {MAX_PATTERN_BYTES} bytes")));
    }
    // Where letter case counts in some conditions only, this takes the larger form of all.
    match compile_patterns(&patterns, false) {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) if patterns.len() > 1 => exceeded(format!(
            "the regular expressions of a rule take at most {MAX_PATTERN_SIZE} bytes together"
        )),
        Err(regex::Error::CompiledTooBig(_)) => Err(refused(
            "it grows too large; repeat counts on `\\w` and other wide classes cost most",
        )),
        Err(_) => Err(refused("it is not a regular expression of the supported syntax")),
    }
}

fn exceeded(text: String) -> Result<()> {
    Err(Error::new(ErrorCode::LimitExceeded, text).field("condition"))
}

fn refused(why: &str) -> Error {
    Error::new(ErrorCode::InvalidPattern, format!("the pattern is refused: {why}"))
        .field("condition")
}

/// The patterns of a condition and of its parts.
fn collect_patterns<'a>(condition: &'a Condition, patterns: &mut Vec<&'a str>) {
    match condition {
        Condition::All { of } | Condition::Any { of } | Condition::Not { of } => {
            of.iter().for_each(|part| collect_patterns(part, patterns));
        }
        Condition::Text { op: TextOp::Regex, values, .. } => {
            patterns.extend(values.iter().map(String::as_str));
        }
        _ => {}
    }
}

fn has_patterns(condition: &Condition) -> bool {
    match condition {
        Condition::All { of } | Condition::Any { of } | Condition::Not { of } => {
            of.iter().any(has_patterns)
        }
        condition => matches!(condition, Condition::Text { op: TextOp::Regex, .. }),
    }
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

/// A checked condition, ready to run.
fn prepare(condition: &Condition) -> Node {
    let parts = |of: &[Condition]| of.iter().map(prepare).collect::<Vec<_>>();
    match condition {
        Condition::All { of } => Node::All(parts(of)),
        Condition::Any { of } => Node::Any(parts(of)),
        Condition::Not { of } => Node::Not(parts(of)),
        Condition::Text { field, op: TextOp::Regex, values, case_sensitive } => Node::Regex {
            field: *field,
            patterns: Patterns {
                texts: values.clone(),
                case_sensitive: *case_sensitive,
                compiled: OnceLock::new(),
            },
        },
        Condition::Text { field, op, values, case_sensitive } => {
            let value = |value: &String| {
                if *case_sensitive { value.clone() } else { fold(value) }
            };
            let values = values.iter().map(value).collect();
            Node::Text { field: *field, op: *op, values, fold: !case_sensitive }
        }
        leaf => Node::Leaf(leaf.clone()),
    }
}

/// Compiles patterns of the `regex` crate as one, within the limit of all of them together.
fn compile_patterns<S: AsRef<str>>(
    patterns: &[S],
    case_sensitive: bool,
) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(patterns)
        .case_insensitive(!case_sensitive)
        .size_limit(MAX_PATTERN_SIZE)
        .dfa_size_limit(MAX_PATTERN_SIZE)
        .nest_limit(MAX_CONDITION_DEPTH.try_into().unwrap_or(u32::MAX))
        .build()
}
