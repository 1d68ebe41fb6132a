//! Taking back what one commit gave to many transactions: the fields that are still as it left
//! them become what they were before, in one compensating commit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::run::{Command, Decision, Facts, Needs};
use super::transactions::{check, keeps_its_side};
use crate::error::{Error, Result};
use crate::id::TransactionId;
use crate::log::{Change, Object};
use crate::model::metadata::{REVIEW, TRANSFER_ACCOUNT_ID};
use crate::model::{Document, Transaction};
use crate::plan::Plan;

/// What an undo took back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CommitUndone {
    /// The commit's sequence number.
    pub seq: u64,
    /// How many transactions have something of it taken back.
    pub restored: u64,
    /// How many stay as they are: what the commit gave them has changed since, or they are gone.
    pub kept: u64,
}

/// A commit to be taken back, and what it did.
#[derive(Serialize)]
pub(super) struct UndoCommit {
    seq: u64,
    /// Before and after.
    #[serde(skip)]
    changed: BTreeMap<TransactionId, (Transaction, Transaction)>,
}

impl UndoCommit {
    pub(super) fn new(seq: u64) -> Self {
        Self { seq, changed: BTreeMap::new() }
    }

    /// Reads what the commit did. Alerts and milestones that it announced stay announced.
    pub(super) fn read(&mut self, changes: Vec<Change>) -> Result<()> {
        for change in changes {
            match (change.before, change.after) {
                (Some(Object::Transaction(before)), Some(Object::Transaction(after))) => {
                    self.changed.insert(after.id, (*before, *after));
                }
                (None, Some(Object::Document(Document::Alert(_) | Document::Milestone(_)))) => {}
                _ => {
                    let text = "only what a commit changed in transactions can be taken back here";
                    return Err(Error::invalid("id", text));
                }
            }
        }
        Ok(())
    }
}

impl Command for UndoCommit {
    type Answer = CommitUndone;
    const VERB: &'static str = "history.undo";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { maybe: self.changed.keys().copied().collect(), ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<CommitUndone>> {
        let mut changes = Vec::new();
        for (id, (before, given)) in &self.changed {
            let Some(now) = facts.transactions.get(id).filter(|now| !now.deleted) else { continue };
            let after = restored(now, before, given);
            let holds = keeps_its_side(now, &after).is_ok() || now.transfer_id.is_none();
            // A category may be gone that stood there before.
            if after != *now && holds && check(&after, facts.plan).is_ok() {
                changes.push(Change::update(now.clone(), after));
            }
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let kept = self.changed.len().saturating_sub(changes.len());
        let restored = count(changes.len());
        let answer = CommitUndone { seq: self.seq, restored, kept: count(kept) };
        if changes.is_empty() {
            return Ok(Decision::unchanged(answer));
        }
        let aggregate = ("book", facts.plan.book.id.to_string());
        let payload = [("seq", self.seq.to_string()), ("restored", restored.to_string())];
        let event = facts.event("history.commit.undone", aggregate, &payload);
        Ok(Decision { changes, events: vec![event], answer })
    }
}

/// A transaction with what a commit gave it taken back, as far as it is still there.
fn restored(now: &Transaction, before: &Transaction, given: &Transaction) -> Transaction {
    let mut rest = now.clone();
    let sorted = |it: &Transaction| (it.category_id, it.splits.clone(), it.category_source.clone());
    if sorted(now) == sorted(given) && now.amount == before.amount {
        (rest.category_id, rest.splits, rest.category_source) = sorted(before);
    }
    if (&now.payee, &now.payee_source) == (&given.payee, &given.payee_source) {
        (rest.payee, rest.payee_source) = (before.payee.clone(), before.payee_source.clone());
    }
    if (&now.tags, &now.tags_source) == (&given.tags, &given.tags_source) {
        (rest.tags, rest.tags_source) = (before.tags.clone(), before.tags_source.clone());
    }
    if (&now.notes, &now.notes_source) == (&given.notes, &given.notes_source) {
        (rest.notes, rest.notes_source) = (before.notes.clone(), before.notes_source.clone());
    }
    if (now.status, &now.status_source) == (given.status, &given.status_source) {
        (rest.status, rest.status_source) = (before.status, before.status_source.clone());
    }
    if (now.schedule_id, &now.schedule_source) == (given.schedule_id, &given.schedule_source) {
        rest.schedule_id = before.schedule_id;
        rest.schedule_source = before.schedule_source.clone();
    }
    if (now.goal_id, &now.goal_source) == (given.goal_id, &given.goal_source) {
        (rest.goal_id, rest.goal_source) = (before.goal_id, before.goal_source.clone());
    }
    for name in [REVIEW, TRANSFER_ACCOUNT_ID] {
        if now.metadata.get(name) != given.metadata.get(name) {
            continue;
        }
        match before.metadata.get(name) {
            Some(text) => drop(rest.metadata.insert(name.to_owned(), text.clone())),
            None => drop(rest.metadata.remove(name)),
        }
    }
    rest
}
