//! Whether a book holds together with what an undo would make of it, and who stands in the way
//! where it does not.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::later::{Standing, currencies};
use super::names::{is_exclusive, is_named, names, needed};
use super::{Key, UndoCommit, Wanted};
use crate::engine::accounts::check_account;
use crate::engine::books::check_book;
use crate::engine::budgets::check_budget;
use crate::engine::categories::check_category;
use crate::engine::envelopes::{check_assignment, check_envelope};
use crate::engine::exports::check_room;
use crate::engine::goals::check_goal;
use crate::engine::insights::check_dismissal;
use crate::engine::layouts::check_layout;
use crate::engine::rates::check_sheet;
use crate::engine::run::Facts;
use crate::engine::schedules::check_schedule;
use crate::engine::transactions::check;
use crate::engine::transfers::are_sides;
use crate::error::{Error, ErrorCode, Lane, Result};
use crate::id::TransactionId;
use crate::log::{Object, TRANSACTION};
use crate::model::{Category, Document, Status, Transaction, check_name};
use crate::plan::Plan;
use crate::rules::check_rule;

/// The units of a transaction on which the others' meaning hangs.
const BEARING: [&str; 6] = ["account", "amount", "category", "deleted", "status", "transfer"];

/// The book as it would be.
pub(super) struct Fitting<'a> {
    undo: &'a UndoCommit,
    facts: &'a Facts<'a>,
    standing: &'a Standing<'a>,
    wanted: &'a [Wanted],
    plan: Cow<'a, Plan>,
    named_by: HashMap<&'a str, Vec<(&'a Key, u64)>>,
    /// The names of what comes.
    comes: HashSet<String>,
}

impl<'a> Fitting<'a> {
    pub(super) fn new(
        undo: &'a UndoCommit,
        facts: &'a Facts<'a>,
        standing: &'a Standing<'a>,
        wanted: &'a [Wanted],
    ) -> Self {
        let mut plan = Cow::Borrowed(facts.plan);
        for it in wanted.iter().filter(|it| it.changes()) {
            match (&it.now, &it.becomes) {
                (_, Some(Object::Document(document))) => plan.to_mut().apply(document, true),
                (Some(Object::Document(document)), None) => plan.to_mut().apply(document, false),
                _ => {}
            }
        }
        let comes = wanted.iter().filter(|it| it.now.is_none());
        let comes = comes.filter_map(|it| it.becomes.as_ref());
        let comes = comes.filter(|it| is_named(it)).map(Object::key).collect();
        let named_by = undo.later.named_by();
        Self { undo, facts, standing, wanted, plan, named_by, comes }
    }

    /// The objects that cannot become what is wanted, each with the commits in its way.
    pub(super) fn blocked(&self) -> Result<BTreeMap<usize, BTreeSet<u64>>> {
        let mut blocked = BTreeMap::new();
        for (at, it) in self.wanted.iter().enumerate().filter(|(_, it)| it.changes()) {
            let mut blockers = BTreeSet::new();
            match (&it.becomes, &it.now) {
                (Some(becomes), _) => {
                    self.look_at_names(at, it.now.as_ref(), becomes, &mut blockers)?;
                    if blockers.is_empty() {
                        self.look_at(at, it.now.as_ref(), becomes, &mut blockers)?;
                    }
                }
                (None, Some(now)) if is_named(now) => {
                    self.look_for(&now.key(), at, &mut blockers)?
                }
                _ => {}
            }
            if !blockers.is_empty() {
                blocked.insert(at, blockers);
            }
        }
        if blocked.is_empty() {
            check_room(&self.plan)?;
        }
        Ok(blocked)
    }

    /// Who names something now, and would still do so.
    fn look_for(&self, name: &str, at: usize, blockers: &mut BTreeSet<u64>) -> Result<()> {
        for (key, seq) in self.named_by.get(name).into_iter().flatten() {
            let place = self.undo.later.place(key);
            let becomes = place.and_then(|place| self.wanted.get(place)).map(|it| &it.becomes);
            let still = match becomes {
                None => true,
                Some(None) => false,
                Some(Some(object)) => names(object)?.contains(name),
            };
            if still && place != Some(at) {
                blockers.insert(*seq);
            }
        }
        Ok(())
    }

    /// Whether what an object would name is there, and what it alone may have is free.
    fn look_at_names(
        &self,
        at: usize,
        now: Option<&Object>,
        becomes: &Object,
        blockers: &mut BTreeSet<u64>,
    ) -> Result<()> {
        let had = now.map(names).transpose()?.unwrap_or_default();
        for name in names(becomes)?.iter().filter(|name| is_exclusive(name)) {
            if !had.contains(name) {
                self.look_for(name, at, blockers)?;
            }
        }
        let missing = needed(becomes)?.into_iter().filter(|name| !had.contains(name));
        let missing = missing.filter(|name| !self.comes.contains(name));
        blockers.extend(missing.filter_map(|name| self.undo.later.gone(&name)));
        let known = currencies(Some(becomes));
        for currency in currencies(now).iter().filter(|it| !known.contains(it)) {
            self.look_for(currency, at, blockers)?;
        }
        Ok(())
    }

    /// Whether the engine would have kept an object like this.
    fn look_at(
        &self,
        at: usize,
        now: Option<&Object>,
        becomes: &Object,
        blockers: &mut BTreeSet<u64>,
    ) -> Result<()> {
        let checked = match (becomes, now) {
            (Object::Document(document), _) => check_document(document, &self.plan),
            (Object::Transaction(it), Some(Object::Transaction(now))) => {
                self.check_transaction(at, it, Some(now))
            }
            (Object::Transaction(it), _) => self.check_transaction(at, it, None),
        };
        let Err(error) = checked else { return Ok(()) };
        if error.lane() == Lane::Corrupt {
            return Err(error);
        }
        let is_transaction = matches!(becomes, Object::Transaction(_));
        let bears = |unit: &str| !is_transaction || BEARING.contains(&unit);
        blockers.extend(self.standing.touching(at, bears));
        match becomes {
            Object::Transaction(it) => {
                for id in it.transfer_id.into_iter().chain(now.and_then(partner_of)) {
                    let place = self.undo.later.place(&key_of_transaction(id));
                    let touching = place.map(|at| self.standing.touching(at, bears));
                    blockers.extend(touching.unwrap_or_default());
                }
            }
            Object::Document(Document::Category(it)) => blockers.extend(self.moved_above(it)),
            Object::Document(_) => {}
        }
        // Nobody came later: then it is no matter of what came later.
        if blockers.is_empty() { Err(error.or_id(becomes.key())) } else { Ok(()) }
    }

    /// The commits that moved the categories above one.
    fn moved_above(&self, category: &Category) -> BTreeSet<u64> {
        let (mut moved, mut next) = (BTreeSet::new(), category.parent_id);
        for _ in 0..self.plan.categories.len() {
            let Some(above) = next.and_then(|id| self.plan.categories.get(&id)) else { break };
            moved.extend(self.undo.later.moved(&above.id.to_string()));
            next = above.parent_id.filter(|id| *id != category.id);
        }
        moved
    }

    fn check_transaction(
        &self,
        at: usize,
        it: &Transaction,
        now: Option<&Transaction>,
    ) -> Result<()> {
        let account = self.plan.account(it.account_id)?;
        if account.currency != it.amount.currency() {
            let text = "that account is kept in another currency";
            return Err(Error::new(ErrorCode::CurrencyMismatch, text));
        }
        check(it, &self.plan)?;
        let made_or_opened = self.undo.undone.get(at);
        let by_itself = made_or_opened.is_some_and(|it| it.units.contains("status"));
        if let Some(now) = now
            && now.status == Status::Reconciled
            && !by_itself
            && (now.amount, now.account_id, now.booking_date, now.deleted)
                != (it.amount, it.account_id, it.booking_date, it.deleted)
        {
            let text = "amount, date and account of a reconciled transaction are locked";
            return Err(Error::new(ErrorCode::Reconciled, text));
        }
        self.check_sides(it, now)
    }

    /// Whether the sides of a transfer are two whole ones that name each other.
    fn check_sides(&self, it: &Transaction, now: Option<&Transaction>) -> Result<()> {
        let refuse = || {
            let text = "the other side of the transfer would be left alone";
            Err(Error::new(ErrorCode::InvalidTransfer, text))
        };
        if let Some(id) = now.and_then(|now| now.transfer_id)
            && it.transfer_id != Some(id)
            && self.becomes(id).is_some_and(|other| other.transfer_id == Some(it.id))
        {
            return refuse();
        }
        let Some(id) = it.transfer_id else { return Ok(()) };
        match self.becomes(id) {
            Some(other) if are_sides(it, other) => Ok(()),
            _ => refuse(),
        }
    }

    /// A transaction as it would be.
    fn becomes(&self, id: TransactionId) -> Option<&Transaction> {
        let place = self.undo.later.place(&key_of_transaction(id));
        match place.and_then(|at| self.wanted.get(at)) {
            None => self.facts.transactions.get(&id),
            Some(Wanted { becomes: Some(Object::Transaction(it)), .. }) => Some(it),
            Some(_) => None,
        }
    }
}

fn key_of_transaction(id: TransactionId) -> Key {
    (TRANSACTION, id.to_string())
}

fn partner_of(object: &Object) -> Option<TransactionId> {
    match object {
        Object::Transaction(it) => it.transfer_id,
        Object::Document(_) => None,
    }
}

fn check_document(document: &Document, plan: &Plan) -> Result<()> {
    match document {
        Document::Book(it) => check_book(it),
        Document::Account(it) => check_account(it, plan),
        Document::Category(it) => check_category(it, plan),
        Document::Payee(it) => check_name("name", &it.name),
        Document::Rule(it) => check_rule(it, plan),
        Document::Budget(it) => check_budget(it, plan),
        Document::Envelope(it) => check_envelope(it, plan),
        Document::Assignment(it) => check_assignment(it, plan),
        Document::Layout(it) => check_layout(it),
        Document::Schedule(it) => check_schedule(it, plan),
        Document::Goal(it) => check_goal(it, plan),
        Document::RateSheet(it) => check_sheet(it, plan),
        Document::Dismissal(it) => check_dismissal(it),
        Document::Member(_)
        | Document::Import(_)
        | Document::TransferRefusal(_)
        | Document::Alert(_)
        | Document::Milestone(_)
        | Document::Secret(_) => Ok(()),
    }
}
