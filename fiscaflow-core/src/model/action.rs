//! What a rule does to a transaction to which it applies.

use serde::{Deserialize, Serialize};

use super::Status;
use crate::id::{AccountId, CategoryId, GoalId, ScheduleId};
use crate::money::Amount;

/// What a rule does to a transaction to which it applies.
///
/// Nothing of it overwrites what a person set. In texts for notes, `$1` or `${1}` stands for what
/// the first group of the rule's first matching regular expression matched, `$0` for all that it
/// matched, and `$$` for a dollar sign. Names of accounts and categories count for none of this,
/// nor does what stands under a `not`; without any other regular expression a text stands as it is.
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
    /// Takes a tag away.
    RemoveTag {
        /// The tag.
        tag: String,
    },
    /// Gives it these tags and no others; an empty list clears them.
    SetTags {
        /// The tags.
        tags: Vec<String>,
    },
    /// Gives it notes.
    SetNotes {
        /// The notes.
        notes: String,
    },
    /// Adds a line at the end of its notes, unless they hold that text already.
    AppendNotes {
        /// The line.
        notes: String,
    },
    /// Adds a line at the start of its notes, unless they hold that text already.
    PrependNotes {
        /// The line.
        notes: String,
    },
    /// Gives it a status. A side of a transfer is never made void.
    SetStatus {
        /// The status.
        status: Status,
    },
    /// Splits it into parts that add up to its amount exactly; what is left after fixed amounts
    /// and percentages is shared equally by the parts that have neither, and units that no part
    /// gets whole go to those that lost most. A side of a transfer stays whole, and so does a
    /// transaction that fixed amounts do not fit into.
    Split {
        /// The parts, at least two.
        parts: Vec<SplitPart>,
    },
    /// Marks it as one side of a transfer with an account of the book: the member
    /// `transfer_account_id` of its metadata names the account, and `transfers.suggest` and
    /// `transfers.link` take that for evidence. A member that is there stays, even an empty one.
    MarkTransfer {
        /// The account of the other side.
        account_id: AccountId,
    },
    /// Says that it pays a schedule: the occurrence nearest to it.
    LinkSchedule {
        /// The schedule.
        schedule_id: ScheduleId,
    },
    /// Says that it is saved for a goal, one that is saved by transactions.
    LinkGoal {
        /// The goal.
        goal_id: GoalId,
    },
    /// Marks it for a person to look at: the member `review` of its metadata says why. A member
    /// that is there stays, even an empty one, by which a person says that it is settled.
    Flag {
        /// Why.
        reason: String,
    },
}

impl Action {
    /// The text that it writes into the notes, if it does.
    pub(crate) fn notes(&self) -> Option<&str> {
        match self {
            Self::SetNotes { notes }
            | Self::AppendNotes { notes }
            | Self::PrependNotes { notes } => Some(notes),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Action")
    }
}

/// A part of a transaction that a rule splits: a fixed amount, a percentage or, with neither, a
/// share of what is left.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SplitPart {
    /// A fixed amount without a sign: the part goes the way of the whole.
    pub amount: Option<Amount>,
    /// A percentage of the whole.
    pub percent: Option<Amount>,
    /// What the part is for.
    pub category_id: Option<CategoryId>,
    /// A remark.
    pub notes: Option<String>,
}
debug_only!(SplitPart: category_id);
