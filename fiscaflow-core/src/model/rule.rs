//! Rules: conditions over a transaction, and what follows when they hold.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, CategoryId, RuleId};
use crate::money::Amount;

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
    /// When it applies.
    pub condition: Condition,
    /// What it does; at least one action.
    pub actions: Vec<Action>,
    /// Whether no further rule runs on a transaction to which this one applied.
    #[serde(default)]
    pub stop: bool,
}
debug_only!(NewRule: id, stage, priority, stop);

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
            condition,
            actions,
            stop: false,
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

/// A text of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum TextField {
    /// The raw description as the bank gave it.
    Description,
    /// The payee as set so far: by a person, or else by the rules that ran before.
    Payee,
    /// The notes.
    Notes,
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum TextOp {
    /// The whole text is the value.
    Is,
    /// The value stands somewhere in the text.
    Contains,
    /// The text starts with the value.
    Starts,
    /// The text ends with the value.
    Ends,
    /// The value is a regular expression that matches somewhere in the text.
    Regex,
}

/// Which way money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Direction {
    /// Into the account: the amount is above zero.
    In,
    /// Out of the account: the amount is below zero.
    Out,
}

/// When a rule applies: a tree whose leaves look at one field each.
///
/// On the wire a node names its kind:
///
/// ```
/// use fiscaflow_core::model::Condition;
///
/// let json = r#"{"kind": "all", "of": [
///     {"kind": "text", "field": "description", "op": "contains", "values": ["rewe", "edeka"]},
///     {"kind": "amount", "min": "-50.00", "max": "0"}
/// ]}"#;
/// let condition: Condition = serde_json::from_str(json)?;
/// assert!(matches!(condition, Condition::All { of } if of.len() == 2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(no_recursion))]
pub enum Condition {
    /// Every one of these holds; true of an empty list.
    All {
        /// The parts.
        of: Vec<Condition>,
    },
    /// At least one of these holds; false of an empty list.
    Any {
        /// The parts.
        of: Vec<Condition>,
    },
    /// None of these holds.
    Not {
        /// The parts.
        of: Vec<Condition>,
    },
    /// A text compares with at least one of the values. An absent text compares as empty.
    Text {
        /// The text looked at.
        field: TextField,
        /// How it is compared.
        op: TextOp,
        /// What it is compared with.
        values: Vec<String>,
        /// Whether letter case counts; it does not where absent.
        #[serde(default)]
        case_sensitive: bool,
    },
    /// The amount lies within bounds, both included.
    Amount {
        /// The lower bound; none where absent.
        min: Option<Amount>,
        /// The upper bound; none where absent.
        max: Option<Amount>,
        /// Whether the sign is left out of account.
        #[serde(default)]
        absolute: bool,
    },
    /// Money goes this way.
    Direction {
        /// In or out.
        is: Direction,
    },
    /// The booking date lies within bounds, both included.
    Date {
        /// The first day; none where absent.
        #[serde(default, deserialize_with = "crate::period::maybe_date")]
        from: Option<NaiveDate>,
        /// The last day; none where absent.
        #[serde(default, deserialize_with = "crate::period::maybe_date")]
        to: Option<NaiveDate>,
    },
    /// The transaction is in one of these accounts.
    Account {
        /// The accounts.
        ids: Vec<AccountId>,
    },
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Condition")
    }
}

/// What a rule does to a transaction to which it applies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Action {
    /// Puts it in a category.
    SetCategory {
        /// The category.
        category_id: CategoryId,
    },
    /// Gives it a payee.
    SetPayee {
        /// The payee's name.
        payee: String,
    },
    /// Adds a tag.
    AddTag {
        /// The tag.
        tag: String,
    },
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Action")
    }
}
