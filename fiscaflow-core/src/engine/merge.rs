//! Merging: two transactions that are one.

use serde::{Deserialize, Serialize};

use super::run::{Command, Decision, Facts, Needs};
use super::transactions;
use crate::error::{Error, ErrorCode, Result};
use crate::id::TransactionId;
use crate::log::Change;
use crate::model::{Source, SourceKind, Status, Transaction};
use crate::plan::Plan;

/// A transaction that is another one, once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Merge {
    /// The transaction that goes up in the other.
    pub absorbed_id: TransactionId,
}

#[derive(Serialize)]
pub(super) struct MergeTransactions {
    pub(super) id: TransactionId,
    pub(super) merge: Merge,
}

impl Command for MergeTransactions {
    type Answer = Transaction;
    const VERB: &'static str = "transactions.merge";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { transactions: vec![self.id, self.merge.absorbed_id], ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Transaction>> {
        let (kept, absorbed) =
            (facts.transaction(self.id)?, facts.transaction(self.merge.absorbed_id)?);
        let refuse = |why: &str| {
            Err(Error::new(ErrorCode::InvalidInput, why).field("absorbed_id").id(absorbed.id))
        };
        if kept.id == absorbed.id {
            return refuse("a transaction cannot be merged with itself");
        }
        if kept.account_id != absorbed.account_id || kept.amount != absorbed.amount {
            return refuse("only transactions of one account and one amount can be merged");
        }
        if absorbed.transfer_id.is_some() {
            return refuse("it is a side of a transfer; remove the transfer");
        }
        if absorbed.status == Status::Reconciled && kept.status != Status::Reconciled {
            let text = "it is reconciled: merge the other one into it";
            return Err(Error::new(ErrorCode::Reconciled, text)
                .field("absorbed_id")
                .id(absorbed.id));
        }
        let merged = merged(kept, absorbed);
        if kept.transfer_id.is_some() {
            transactions::keeps_its_side(kept, &merged)?;
        }
        transactions::check(&merged, facts.plan)?;
        let aggregate = ("transaction", kept.id.to_string());
        let payload = [("absorbed_id", absorbed.id.to_string())];
        let event = facts.event("ledger.transaction.merged", aggregate, &payload);
        let changes =
            vec![Change::update(kept.clone(), merged.clone()), Change::remove(absorbed.clone())];
        Ok(Decision { changes, events: vec![event], answer: merged })
    }
}

/// The first with what the second knows better: what a person said of it, where no person said it
/// of the first, and what the first lacks. It stands for the rows of both from now on.
fn merged(kept: &Transaction, absorbed: &Transaction) -> Transaction {
    let rank = |source: &Option<Source>| source.as_ref().map(|source| source.kind);
    let better = |theirs: &Option<Source>, ours: &Option<Source>| {
        rank(theirs) > rank(ours) && rank(ours) != Some(SourceKind::User)
    };
    let mut merged = kept.clone();
    if better(&absorbed.payee_source, &kept.payee_source) {
        merged.payee.clone_from(&absorbed.payee);
        merged.payee_source.clone_from(&absorbed.payee_source);
    }
    if better(&absorbed.category_source, &kept.category_source) {
        merged.category_id = absorbed.category_id;
        merged.splits.clone_from(&absorbed.splits);
        merged.category_source.clone_from(&absorbed.category_source);
    }
    if better(&absorbed.schedule_source, &kept.schedule_source) {
        merged.schedule_id = absorbed.schedule_id;
        merged.schedule_source.clone_from(&absorbed.schedule_source);
    }
    if better(&absorbed.goal_source, &kept.goal_source) {
        merged.goal_id = absorbed.goal_id;
        merged.goal_source.clone_from(&absorbed.goal_source);
    }
    if kept.status == Status::Pending && absorbed.status != Status::Void {
        merged.status = absorbed.status;
        merged.status_source.clone_from(&absorbed.status_source);
    }
    if kept.description.is_empty() {
        merged.description.clone_from(&absorbed.description);
    }
    merged.tags.extend(absorbed.tags.iter().cloned());
    merged.tags.sort();
    merged.tags.dedup();
    if better(&absorbed.tags_source, &kept.tags_source) {
        merged.tags_source.clone_from(&absorbed.tags_source);
    }
    // Notes without a source are a person's.
    let noted = |it: &Transaction| {
        rank(&it.notes_source).or_else(|| it.notes.as_ref().map(|_| SourceKind::User))
    };
    if noted(absorbed) > noted(kept) {
        merged.notes.clone_from(&absorbed.notes);
        merged.notes_source.clone_from(&absorbed.notes_source);
    }
    merged.value_date = kept.value_date.or(absorbed.value_date);
    merged.reference = kept.reference.clone().or_else(|| absorbed.reference.clone());
    merged.external_id = kept.external_id.clone().or_else(|| absorbed.external_id.clone());
    merged.attachments.extend(absorbed.attachments.iter().cloned());
    for (name, value) in &absorbed.metadata {
        merged.metadata.entry(name.clone()).or_insert_with(|| value.clone());
    }
    merged.origins.extend(absorbed.origins.iter().cloned());
    merged
}
