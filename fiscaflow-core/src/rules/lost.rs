//! Why what a rule proposes is not what stands there: told from what applying the rules now would
//! leave, so that nothing is said of rules that never ran.

use super::evaluate::is_given_by_hand;
use super::explain::amounts;
use super::state::{State, has_lines};
use crate::id::RuleId;
use crate::limits::{MAX_NOTES_BYTES, MAX_TAGS};
use crate::model::metadata::{REVIEW, TRANSFER_ACCOUNT_ID};
use crate::model::{Action, Source, SourceKind, Status, Transaction};

/// It is so already, by another.
pub(super) const THERE: &str = "it is there already";
/// Applying the rules would make it so.
const NOT_APPLIED: &str = "the rules have not been applied since";
const YIELDS: &str = "a rule yields to the user";
const LATER: &str = "a later rule wins";
const LATER_ACTION: &str = "a later action of the rule wins";
const STAYS: &str = "what stands there stays until a person changes it";
const NOTHING: &str = "the rule cannot change it here";

/// What an action of a rule that applied proposes.
pub(super) struct Proposal<'a> {
    pub(super) rule: RuleId,
    pub(super) action: &'a Action,
    /// The proposed value; of notes the text of the action, filled in, or what they would be.
    pub(super) value: &'a str,
    /// Whether it is the last that its rule does to the notes, and its rule the last to write them.
    pub(super) is_last: bool,
}

fn by_user(source: Option<&Source>) -> bool {
    source.is_some_and(|it| it.kind == SourceKind::User)
}

impl Proposal<'_> {
    /// Why it is not there, should it not be.
    pub(super) fn lost(&self, of: &Transaction, state: &State<'_>) -> String {
        let side = of.transfer_id.is_some();
        let why = match self.action {
            Action::SetCategory { category_id } => {
                let last = state.category() == Some(*category_id);
                match self.settled(last, of.category_source.as_ref(), state) {
                    why if why == NOT_APPLIED || of.splits.is_empty() => why,
                    _ => "the transaction is split: its parts have the categories",
                }
            }
            Action::Split { .. } if self.value.is_empty() || side || !of.counts() => {
                "the transaction cannot be split so"
            }
            Action::Split { .. } => {
                let last = amounts(&state.splits.value) == self.value;
                match self.settled(last, of.category_source.as_ref(), state) {
                    why if why == NOT_APPLIED || of.category_id.is_none() => why,
                    _ => "the transaction is in one category as a whole",
                }
            }
            Action::SetPayee { payee } => {
                let last = state.payee.value == Some(payee.as_str());
                self.settled(last, of.payee_source.as_ref(), state)
            }
            Action::AddTag { .. } | Action::RemoveTag { .. } | Action::SetTags { .. } => {
                return self.lost_tag(of, state);
            }
            Action::SetNotes { .. } | Action::AppendNotes { .. } | Action::PrependNotes { .. } => {
                return self.lost_note(of, state);
            }
            Action::SetStatus { status } => self.lost_status(*status, of, state),
            Action::LinkSchedule { schedule_id } => {
                let last = state.schedule.value == Some(*schedule_id);
                self.settled(last, of.schedule_source.as_ref(), state)
            }
            Action::LinkGoal { goal_id } => {
                let last = state.goal.value == Some(*goal_id);
                self.settled(last, of.goal_source.as_ref(), state)
            }
            Action::MarkTransfer { .. } if of.metadata.contains_key(TRANSFER_ACCOUNT_ID) => STAYS,
            Action::MarkTransfer { .. } if side => "the transaction is a side of a transfer",
            Action::MarkTransfer { account_id } if *account_id == of.account_id => NOTHING,
            Action::MarkTransfer { account_id } => {
                self.settled(state.transfer.value == Some(*account_id), None, state)
            }
            Action::Flag { .. } if of.metadata.contains_key(REVIEW) => STAYS,
            Action::Flag { reason } => match state.review.by {
                Some(by) if by == self.rule && state.review.value == Some(reason.as_str()) => {
                    NOT_APPLIED
                }
                Some(_) => "the first reason is taken",
                None => NOTHING,
            },
        };
        why.to_owned()
    }

    /// Of a field that is the last proposal's, unless a person set it. `last` says whether the
    /// rules would leave this value.
    fn settled(&self, last: bool, source: Option<&Source>, state: &State<'_>) -> &'static str {
        match state.by(self.action) {
            Some(by) if by == self.rule && last => NOT_APPLIED,
            Some(by) if by == self.rule => LATER_ACTION,
            Some(_) => LATER,
            None if by_user(source) => YIELDS,
            None => NOTHING,
        }
    }

    fn lost_status(&self, status: Status, of: &Transaction, state: &State<'_>) -> &'static str {
        let source = of.status_source.as_ref();
        let by_rule = source.is_some_and(|it| it.kind == SourceKind::Rule);
        if by_user(source) {
            return YIELDS;
        }
        if is_given_by_hand(of.status) && !by_rule {
            return "a status that a person gave stays";
        }
        if status == Status::Void && of.transfer_id.is_some() {
            return "a side of a transfer is never void";
        }
        match self.settled(state.status() == status, source, state) {
            NOT_APPLIED if of.status == status => THERE,
            why => why,
        }
    }

    fn lost_tag(&self, of: &Transaction, state: &State<'_>) -> String {
        let has = |tags: &[String]| tags.iter().any(|tag| tag == self.value);
        let why = if by_user(of.tags_source.as_ref()) {
            YIELDS
        } else if has(&of.tags) {
            THERE
        } else if has(state.tags()) {
            NOT_APPLIED
        } else if state.tags().len() >= MAX_TAGS {
            return format!("a transaction has at most {MAX_TAGS} tags");
        } else {
            self.settled(false, None, state)
        };
        why.to_owned()
    }

    fn lost_note(&self, of: &Transaction, state: &State<'_>) -> String {
        let source = of.notes_source.as_ref();
        let sets = matches!(self.action, Action::SetNotes { .. });
        let why = if self.value.trim().is_empty() {
            "its text is empty here"
        } else if self.is_last {
            NOT_APPLIED
        } else if of.notes.as_ref().is_some_and(|notes| has_lines(notes, self.value)) {
            "it stands in the notes"
        } else if has_lines(&state.notes.value, self.value) {
            NOT_APPLIED
        } else if state.notes.value.len().saturating_add(self.value.len()) >= MAX_NOTES_BYTES {
            return format!("notes have at most {MAX_NOTES_BYTES} bytes");
        } else if by_user(source) || sets && state.notes.fixed {
            YIELDS
        } else {
            self.settled(false, source, state)
        };
        why.to_owned()
    }
}
