//! Undo: a whole import taken back in one compensating commit.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::report::UndoReport;
use super::{Command, Decision, Facts, Needs, count};
use crate::error::{Error, Result};
use crate::id::{AccountId, ImportId, TransactionId};
use crate::log::{Change, Object};
use crate::model::{Document, Transaction};
use crate::plan::Plan;

/// An import to be taken back, and what its commit did.
#[derive(Serialize)]
pub(super) struct UndoImport {
    import_id: ImportId,
    #[serde(skip)]
    created: Vec<TransactionId>,
    /// Before and after.
    #[serde(skip)]
    changed: Vec<(Transaction, Transaction)>,
    #[serde(skip)]
    made: Vec<AccountId>,
}

impl UndoImport {
    pub(super) fn new(import_id: ImportId, changes: Vec<Change>) -> Self {
        let mut undo =
            Self { import_id, created: Vec::new(), changed: Vec::new(), made: Vec::new() };
        for change in changes {
            match (change.before, change.after) {
                (None, Some(Object::Transaction(after))) => undo.created.push(after.id),
                (Some(Object::Transaction(before)), Some(Object::Transaction(after))) => {
                    undo.changed.push((*before, *after));
                }
                (None, Some(Object::Document(Document::Account(account)))) => {
                    undo.made.push(account.id);
                }
                _ => {}
            }
        }
        undo
    }
}

impl Command for UndoImport {
    type Answer = UndoReport;
    const VERB: &'static str = "imports.undo";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        let changed = self.changed.iter().map(|(before, _)| before.id);
        Ok(Needs {
            maybe: self.created.iter().copied().chain(changed).collect(),
            partners: true,
            accounts: self.made.clone(),
            ..Needs::default()
        })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<UndoReport>> {
        let import = facts.plan.imports.get(&self.import_id);
        let import = import.ok_or_else(|| Error::not_found("import", self.import_id))?;
        let mut after: BTreeMap<TransactionId, Option<Transaction>> = BTreeMap::new();
        for id in &self.created {
            let Some(now) = facts.transactions.get(id) else { continue };
            let rest = self.without_origins(now);
            after.insert(*id, (!rest.origins.is_empty()).then_some(rest));
        }
        for (before, imported) in &self.changed {
            let Some(now) = facts.transactions.get(&before.id) else { continue };
            after.insert(now.id, Some(self.restored(now, before, imported)));
        }
        self.part_transfers(facts, &mut after);

        let mut changes = vec![Change::remove(import.clone())];
        let (mut removed, mut restored) = (0, 0);
        for (id, after) in &after {
            let Some(now) = facts.transactions.get(id) else { continue };
            match after {
                None => {
                    removed += 1;
                    changes.push(Change::remove(now.clone()));
                }
                Some(after) if after != now => {
                    restored += 1;
                    changes.push(Change::update(now.clone(), after.clone()));
                }
                Some(_) => {}
            }
        }
        let gone = |id: &TransactionId| after.get(id).is_some_and(Option::is_none);
        let in_use: BTreeSet<AccountId> = facts
            .transactions
            .values()
            .filter(|transaction| !gone(&transaction.id))
            .map(|transaction| transaction.account_id)
            .collect();
        let empty = self.made.iter().filter(|id| !in_use.contains(id));
        let accounts = empty.filter_map(|id| facts.plan.accounts.get(id));
        changes.extend(accounts.cloned().map(Change::remove));

        let aggregate = ("import", self.import_id.to_string());
        let payload = [("removed", count(removed).to_string())];
        let event = facts.event("imports.file.undone", aggregate, &payload);
        let answer = UndoReport {
            import_id: self.import_id,
            removed: count(removed),
            restored: count(restored),
        };
        Ok(Decision { changes, events: vec![event], answer })
    }
}

impl UndoImport {
    fn without_origins(&self, now: &Transaction) -> Transaction {
        let mut rest = now.clone();
        rest.origins.retain(|origin| origin.import_id != self.import_id);
        rest
    }

    /// A transaction as it was before the import, but for what was changed since.
    fn restored(
        &self,
        now: &Transaction,
        before: &Transaction,
        imported: &Transaction,
    ) -> Transaction {
        let mut rest = self.without_origins(now);
        if now.status == imported.status {
            rest.status = before.status;
        }
        if now.booking_date == imported.booking_date {
            rest.booking_date = before.booking_date;
        }
        if now.value_date == imported.value_date {
            rest.value_date = before.value_date;
        }
        if now.amount == imported.amount && now.splits == imported.splits {
            rest.amount = before.amount;
            rest.splits.clone_from(&before.splits);
        }
        rest
    }

    /// The other sides of transfers that go stand alone again.
    fn part_transfers(
        &self,
        facts: &Facts<'_>,
        after: &mut BTreeMap<TransactionId, Option<Transaction>>,
    ) {
        let gone: Vec<TransactionId> =
            after.iter().filter(|(_, after)| after.is_none()).map(|(id, _)| *id).collect();
        for id in gone {
            let partner = facts.transactions.get(&id).and_then(|it| it.transfer_id);
            let Some(partner) = partner.and_then(|id| facts.transactions.get(&id)) else {
                continue;
            };
            let rest = after.entry(partner.id).or_insert_with(|| Some(partner.clone()));
            if let Some(rest) = rest {
                rest.transfer_id = None;
            }
        }
    }
}
