//! Undo: a whole import taken back in one compensating commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use serde::Serialize;

use super::corrections::TAKEN_BACK;
use super::report::UndoReport;
use super::{Command, Decision, Facts, Needs, count};
use crate::engine::undo::names::names;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{AccountId, ImportId, TransactionId};
use crate::log::{Change, Object};
use crate::model::{Document, Origin, Transaction};
use crate::plan::Plan;
use crate::store::{OriginQuery, OriginRow};

/// An import to be taken back, and what its commit did.
#[derive(Serialize)]
pub(super) struct UndoImport {
    pub(super) import_id: ImportId,
    /// The newest commit of the book when the log was read; 0 where it was not.
    #[serde(skip)]
    pub(super) head: u64,
    /// What goes when no row is left for which it stands: what this import made, or another one.
    #[serde(skip)]
    pub(super) brought: HashSet<TransactionId>,
    /// What stays even then: a person recorded it.
    #[serde(skip)]
    pub(super) recorded: HashSet<TransactionId>,
    /// Before and after.
    #[serde(skip)]
    changed: HashMap<TransactionId, (Transaction, Transaction)>,
    /// The rows that it brought.
    #[serde(skip)]
    rows: Vec<Origin>,
    #[serde(skip)]
    made: Vec<AccountId>,
}

impl UndoImport {
    pub(super) fn new(import_id: ImportId) -> Self {
        Self {
            import_id,
            head: 0,
            brought: HashSet::new(),
            recorded: HashSet::new(),
            changed: HashMap::new(),
            rows: Vec::new(),
            made: Vec::new(),
        }
    }

    /// Reads what the import's commit did.
    pub(super) fn read(&mut self, changes: Vec<Change>) {
        for change in changes {
            match (change.before, change.after) {
                (before, Some(Object::Transaction(after))) => {
                    let own = |origin: &&Origin| origin.import_id == self.import_id;
                    self.rows.extend(after.origins.iter().filter(own).cloned());
                    match before {
                        Some(Object::Transaction(before)) => {
                            self.changed.insert(after.id, (*before, *after));
                        }
                        _ => drop(self.brought.insert(after.id)),
                    }
                }
                (None, Some(Object::Document(Document::Account(account)))) => {
                    self.made.push(account.id);
                }
                _ => {}
            }
        }
    }

    /// Where its rows lie, and so whatever they were merged into since.
    pub(super) fn queries(&self) -> Vec<OriginQuery> {
        let mut spans: BTreeMap<AccountId, (NaiveDate, NaiveDate)> = BTreeMap::new();
        for row in &self.rows {
            let day = row.booking_date;
            let (from, to) = spans.entry(row.account_id).or_insert((day, day));
            (*from, *to) = (day.min(*from), day.max(*to));
        }
        let query = |(account_id, (from, to))| {
            let bank_ids = Vec::new();
            OriginQuery { account_id, from, to, bank_ids }
        };
        spans.into_iter().map(query).collect()
    }

    /// The transactions that stand for one of its rows, or for one that looks like it.
    pub(super) fn standing(&self, origins: &[Vec<OriginRow>]) -> Vec<TransactionId> {
        let rows: HashSet<&str> = self.rows.iter().map(|row| &*row.fingerprint).collect();
        let found = origins.iter().flatten().filter(|row| rows.contains(&*row.fingerprint));
        found.map(|row| row.transaction_id).collect()
    }
}

impl Command for UndoImport {
    type Answer = UndoReport;
    const VERB: &'static str = "imports.undo";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs {
            maybe: self.brought.iter().chain(self.changed.keys()).copied().collect(),
            partners: true,
            accounts: self.made.clone(),
            origins: self.queries(),
            ..Needs::default()
        })
    }

    fn more(&self, _plan: &Plan, origins: &[Vec<OriginRow>]) -> Vec<TransactionId> {
        self.standing(origins)
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<UndoReport>> {
        if facts.seq != self.head.saturating_add(1) {
            return Err(Error::new(ErrorCode::Conflict, "the book has moved on"));
        }
        let import = facts.plan.imports.get(&self.import_id);
        let import = import.ok_or_else(|| Error::not_found("import", self.import_id))?;
        let touched = facts.transactions.values().filter_map(|now| self.left_of(now, facts.plan));
        let mut after: BTreeMap<TransactionId, Option<Transaction>> = touched.collect();
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
        let named = named(facts.plan)?;
        let in_use = |id: &AccountId| in_use.contains(id) || named.contains(&id.to_string());
        let empty = self.made.iter().filter(|id| !in_use(id));
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
    /// What stays of a transaction that stands for a row of the import.
    fn left_of(
        &self,
        now: &Transaction,
        plan: &Plan,
    ) -> Option<(TransactionId, Option<Transaction>)> {
        let own = now.origins.iter().any(|origin| origin.import_id == self.import_id);
        // What the bank took back by its id alone has no row of this import.
        if !own && !self.changed.contains_key(&now.id) {
            return None;
        }
        let mut rest = now.clone();
        rest.origins.retain(|origin| origin.import_id != self.import_id);
        if let Some((before, imported)) = self.changed.get(&now.id) {
            rest = restored(now, before, imported, rest, plan);
        }
        let stays = !rest.origins.is_empty() || !self.brought.contains(&now.id);
        Some((now.id, stays.then_some(rest)))
    }

    /// The other sides of transfers that go, or get another amount, stand alone again.
    fn part_transfers(
        &self,
        facts: &Facts<'_>,
        after: &mut BTreeMap<TransactionId, Option<Transaction>>,
    ) {
        let mut parted = Vec::new();
        for (id, rest) in after.iter_mut() {
            let Some(now) = facts.transactions.get(id) else { continue };
            let uneven = rest.as_ref().is_none_or(|rest| rest.amount != now.amount);
            if let Some(partner) = now.transfer_id.filter(|_| uneven) {
                parted.push(partner);
                if let Some(rest) = rest {
                    rest.transfer_id = None;
                }
            }
        }
        for partner in parted.iter().filter_map(|id| facts.transactions.get(id)) {
            let rest = after.entry(partner.id).or_insert_with(|| Some(partner.clone()));
            if let Some(rest) = rest {
                rest.transfer_id = None;
            }
        }
    }
}

/// All that rules, budgets, schedules, goals and layouts name, such as accounts.
fn named(plan: &Plan) -> Result<BTreeSet<String>> {
    let objects = plan.rules.values().cloned().map(Object::from);
    let objects = objects
        .chain(plan.budgets.values().cloned().map(Object::from))
        .chain(plan.schedules.values().cloned().map(Object::from))
        .chain(plan.goals.values().cloned().map(Object::from))
        .chain(plan.layouts.values().cloned().map(Object::from));
    let mut named = BTreeSet::new();
    for object in objects {
        named.extend(names(&object)?);
    }
    Ok(named)
}

/// A transaction as it was before the import, but for what was changed since.
fn restored(
    now: &Transaction,
    before: &Transaction,
    imported: &Transaction,
    mut rest: Transaction,
    plan: &Plan,
) -> Transaction {
    if now.status == imported.status && now.status_source == imported.status_source {
        rest.status = before.status;
        rest.status_source.clone_from(&before.status_source);
        match before.metadata.get(TAKEN_BACK) {
            Some(id) => drop(rest.metadata.insert(TAKEN_BACK.to_owned(), id.clone())),
            None => drop(rest.metadata.remove(TAKEN_BACK)),
        }
    }
    if now.booking_date == imported.booking_date {
        rest.booking_date = before.booking_date;
    }
    if now.value_date == imported.value_date {
        rest.value_date = before.value_date;
    }
    let sorted = |it: &Transaction| (it.category_id, it.category_source.clone(), it.splits.clone());
    let mut categories = before.splits.iter().filter_map(|part| part.category_id);
    let as_imported =
        sorted(now) == sorted(imported) && categories.all(|id| plan.categories.contains_key(&id));
    if now.amount == imported.amount && (as_imported || now.splits.is_empty()) {
        rest.amount = before.amount;
        if as_imported {
            (rest.category_id, rest.category_source, rest.splits) = sorted(before);
        }
    }
    rest
}
