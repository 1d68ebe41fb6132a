//! Rules: when they run, and their inputs. What they look at stands in `condition`, what they do in
//! `action`.

use serde::{Deserialize, Serialize};

use super::{Action, Condition};
use crate::id::RuleId;

/// When a rule runs: all rules of an earlier stage run before those of a later one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Stage {
    /// Before the others, to clean up payees.
    Pre,
    /// The usual stage.
    #[default]
    Default,
    /// After the others, to refine their results.
    Post,
}

/// A rule of a book. Rules run by stage, then by priority (higher first), then by id.
///
/// A later rule wins over an earlier one, and what a user set wins over all rules.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rule {
    /// The rule's id.
    pub id: RuleId,
    /// What people call it.
    pub name: String,
    /// When it runs.
    pub stage: Stage,
    /// Its place in the stage: higher runs earlier.
    pub priority: i32,
    /// Whether it runs at all.
    pub enabled: bool,
    /// When it applies.
    pub condition: Condition,
    /// What it does.
    pub actions: Vec<Action>,
    /// Whether no further rule runs on a transaction to which this one applied.
    pub stop: bool,
}
debug_only!(Rule: id, stage, priority, enabled, stop);

/// A rule to be made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewRule {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<RuleId>,
    /// What people call it.
    pub name: String,
    /// When it runs; `default` where absent.
    pub stage: Option<Stage>,
    /// Its place in the stage: higher runs earlier; 0 where absent.
    pub priority: Option<i32>,
    /// Whether it runs at all; it does where absent.
    pub enabled: Option<bool>,
    /// When it applies.
    pub condition: Condition,
    /// What it does; at least one action.
    pub actions: Vec<Action>,
    /// Whether no further rule runs on a transaction to which this one applied.
    #[serde(default)]
    pub stop: bool,
}
debug_only!(NewRule: id, stage, priority, enabled, stop);

impl NewRule {
    /// A rule of the usual stage and priority, after which others still run.
    ///
    /// ```
    /// use fiscaflow_core::model::{Action, Condition, Direction, NewRule};
    ///
    /// let tag = Action::AddTag { tag: "earned".to_owned() };
    /// let rule = NewRule::new("Earnings", Condition::Direction { is: Direction::In }, vec![tag]);
    /// let first = NewRule { priority: Some(100), ..rule };
    /// assert_eq!((first.name.as_str(), first.stop), ("Earnings", false));
    /// ```
    pub fn new(name: impl Into<String>, condition: Condition, actions: Vec<Action>) -> Self {
        Self {
            id: None,
            name: name.into(),
            stage: None,
            priority: None,
            enabled: None,
            condition,
            actions,
            stop: false,
        }
    }
}

impl From<&Rule> for NewRule {
    /// The input that makes such a rule: what is as usual is left out.
    fn from(rule: &Rule) -> Self {
        let usual = |stage: &Stage| *stage == Stage::Default;
        Self {
            id: Some(rule.id),
            name: rule.name.clone(),
            stage: Some(rule.stage).filter(|stage| !usual(stage)),
            priority: Some(rule.priority).filter(|priority| *priority != 0),
            enabled: Some(rule.enabled).filter(|enabled| !enabled),
            condition: rule.condition.clone(),
            actions: rule.actions.clone(),
            stop: rule.stop,
        }
    }
}

impl NewRule {
    /// The rule that it makes, under its own id or else this one.
    pub(crate) fn rule(&self, fresh: impl FnOnce() -> RuleId) -> Rule {
        Rule {
            id: self.id.unwrap_or_else(fresh),
            name: self.name.clone(),
            stage: self.stage.unwrap_or_default(),
            priority: self.priority.unwrap_or_default(),
            enabled: self.enabled.unwrap_or(true),
            condition: self.condition.clone(),
            actions: self.actions.clone(),
            stop: self.stop,
        }
    }
}

/// Changes to a rule; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RulePatch {
    /// The new name.
    pub name: Option<String>,
    /// The new stage.
    pub stage: Option<Stage>,
    /// The new priority.
    pub priority: Option<i32>,
    /// Switches the rule on or off.
    pub enabled: Option<bool>,
    /// The new condition.
    pub condition: Option<Condition>,
    /// The new actions.
    pub actions: Option<Vec<Action>>,
    /// Whether it is the last to run where it applied.
    pub stop: Option<bool>,
}
debug_only!(RulePatch: stage, priority, enabled, stop);
