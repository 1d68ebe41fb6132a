//! Taking back what one commit did, in one compensating commit.
//!
//! Each object is given the members that the commit changed as they were before, and keeps those
//! that later commits changed: the book is as if the commit had not been. That is refused where a
//! later commit changed the same members, or something depends on what would go. Two commits that
//! cancel each other, one being the undo of the other, stand in nobody's way.

mod fitting;
mod later;
pub(super) mod names;

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::run::{Command, Decision, Facts, Needs};
use crate::error::{Error, ErrorCode, Result};
use crate::id::TransactionId;
use crate::log::{
    Change, Object, Opened, RESTATE, SEAL, StoredCommit, changed_units, fields, unit, with_fields,
};
use crate::model::{Document, Role};
use crate::plan::Plan;
use fitting::Fitting;
use later::{Later, Standing, UNDONE};

/// How many commits a refusal names at most.
const MAX_NAMED: usize = 20;

/// How to take back a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewUndo {
    /// Whether what stands in the way of it stays as it is, instead of having it refused: fields
    /// that later commits changed, and objects that others depend on.
    pub keep_later: bool,
}

/// What an undo took back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CommitUndone {
    /// The commit's sequence number.
    pub seq: u64,
    /// How many objects have something of it taken back.
    pub restored: u64,
    /// How many keep something of it, because of what came later.
    pub kept: u64,
    /// The sequence number of the undo, by which it can be taken back in its turn; absent where
    /// there was nothing to do.
    pub undo_seq: Option<u64>,
}

/// What names an object: its kind and its key among the objects of that kind.
type Key = (&'static str, String);

fn key_of(object: &Object) -> Key {
    (object.kind(), object.key())
}

/// What the commit did to one object, all in all.
struct Undone {
    before: Option<Object>,
    after: Option<Object>,
    /// The units that it changed; none of what it made or took away.
    units: BTreeSet<String>,
}

/// A commit to be taken back, what it did, and what came later.
#[derive(Serialize)]
pub(super) struct UndoCommit {
    seq: u64,
    keep_later: bool,
    #[serde(skip)]
    action: String,
    #[serde(skip)]
    undone: Vec<Undone>,
    #[serde(skip)]
    later: Later,
}

/// What is to become of one object.
struct Wanted {
    now: Option<Object>,
    becomes: Option<Object>,
    /// Whether something of the commit stays.
    kept: bool,
    /// What has changed the same since.
    in_the_way: BTreeSet<u64>,
}

impl Wanted {
    fn changes(&self) -> bool {
        self.becomes != self.now
    }

    fn keep(&mut self) {
        self.becomes.clone_from(&self.now);
        self.kept = true;
    }
}

impl UndoCommit {
    pub(super) fn new(seq: u64, how: NewUndo) -> Self {
        Self {
            seq,
            keep_later: how.keep_later,
            action: String::new(),
            undone: Vec::new(),
            later: Later::default(),
        }
    }

    /// Reads what the commit did. Alerts and milestones that it announced stay announced.
    ///
    /// Errors: `not_undoable` for what is never taken back: the book's making, who its members
    /// are, and what was erased since.
    pub(super) fn read(&mut self, commit: Opened) -> Result<()> {
        self.action = commit.action().to_owned();
        let refuse = |text: &str| Err(Error::new(ErrorCode::NotUndoable, text).id(self.seq));
        if [SEAL, RESTATE].contains(&commit.action()) {
            return refuse("what is sealed does not come back");
        }
        if commit.erased > 0 {
            return refuse("texts of it were erased");
        }
        for undone in net(commit.changes)? {
            match (&undone.before, &undone.after) {
                (None, Some(Object::Document(Document::Book(_)))) => {
                    return refuse("a book's making cannot be taken back");
                }
                (Some(Object::Document(Document::Member(_))), _)
                | (_, Some(Object::Document(Document::Member(_)))) => {
                    return refuse(
                        "who may reach a book is changed by its owners, never by an undo",
                    );
                }
                // A value that was replaced or removed must not come back, nor its old key.
                (Some(Object::Document(Document::Secret(_))), _)
                | (_, Some(Object::Document(Document::Secret(_)))) => {
                    return refuse("secrets are changed by their owner, never by an undo");
                }
                (None, Some(Object::Document(Document::Alert(_) | Document::Milestone(_)))) => {}
                _ => self.undone.push(undone),
            }
        }
        self.later = Later::of(self.seq, &self.undone)?;
        Ok(())
    }

    /// The last commit that was looked at.
    pub(super) fn seen(&self) -> u64 {
        self.later.seq
    }

    /// Looks at the next commit after the one that was looked at last.
    pub(super) fn see(&mut self, commit: &StoredCommit) -> Result<()> {
        self.later.read(commit)
    }

    /// The role that may do this: the book itself is its owners' matter, but for what it learns.
    pub(super) fn role(&self) -> Role {
        let is_owners = |undone: &Undone| {
            matches!(undone.before, Some(Object::Document(Document::Book(_))))
                && undone.units.iter().any(|unit| unit != "learning/forgotten")
        };
        if self.undone.iter().any(is_owners) { Role::Owner } else { Role::Member }
    }

    /// What is to become of an object, as far as its own members tell.
    fn wanted(
        &self,
        at: usize,
        undone: &Undone,
        facts: &Facts<'_>,
        standing: &Standing<'_>,
    ) -> Result<Wanted> {
        let now = match undone.before.as_ref().or(undone.after.as_ref()) {
            Some(Object::Transaction(it)) => {
                facts.transactions.get(&it.id).cloned().map(Object::from)
            }
            Some(Object::Document(it)) => facts.plan.same(it).map(Object::Document),
            None => None,
        };
        let (Some(before), Some(_), Some(current)) = (&undone.before, &undone.after, &now) else {
            let in_the_way = standing.touched(at);
            let kept = !in_the_way.is_empty();
            let becomes = if kept { now.clone() } else { undone.before.clone() };
            return Ok(Wanted { now, becomes, kept, in_the_way });
        };
        let in_the_way = standing.touching(at, |unit| undone.units.contains(unit));
        let former = fields(before)?;
        let mut rest = fields(current)?;
        let kind = before.kind();
        let is_back = |name: &str| {
            let unit = unit(kind, name);
            undone.units.contains(unit) && standing.touching(at, |it| it == unit).is_empty()
        };
        rest.retain(|name, _| !is_back(name));
        rest.extend(former.into_iter().filter(|(name, _)| is_back(name)));
        let becomes = Some(with_fields(current, rest)?);
        Ok(Wanted { kept: !in_the_way.is_empty(), now, becomes, in_the_way })
    }

    /// What is to become of all objects, so that the book holds together; or the refusal.
    fn outcome(&self, facts: &Facts<'_>) -> Result<Vec<Wanted>> {
        let standing = self.later.standing();
        if let Some(seq) = standing.undone_by.filter(|_| !self.keep_later) {
            return Err(in_the_way(&BTreeSet::from([seq])));
        }
        let objects = self.undone.iter().enumerate();
        let wanted = objects.map(|(at, undone)| self.wanted(at, undone, facts, &standing));
        let mut wanted: Vec<Wanted> = wanted.collect::<Result<_>>()?;
        if standing.undone_by.is_some() {
            wanted.iter_mut().for_each(Wanted::keep);
        }
        loop {
            let changed = wanted.iter().flat_map(|it| &it.in_the_way);
            let changed: BTreeSet<u64> = changed.copied().collect();
            let blocked = Fitting::new(self, facts, &standing, &wanted).blocked();
            let blocked = if changed.is_empty() { blocked? } else { blocked.unwrap_or_default() };
            let all = blocked.values().flatten().copied().chain(changed).collect();
            if !self.keep_later && !BTreeSet::is_empty(&all) {
                return Err(in_the_way(&all));
            }
            if blocked.is_empty() {
                return Ok(wanted);
            }
            for at in blocked.into_keys() {
                wanted.get_mut(at).into_iter().for_each(Wanted::keep);
            }
        }
    }
}

impl Command for UndoCommit {
    type Answer = CommitUndone;
    const VERB: &'static str = "history.undo";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        let subjects = self.undone.iter().filter_map(|it| it.before.as_ref().or(it.after.as_ref()));
        let id = |object: &Object| match object {
            Object::Transaction(it) => Some(it.id),
            Object::Document(_) => None,
        };
        let mut maybe: Vec<TransactionId> = subjects.filter_map(id).collect();
        let images = self.undone.iter().filter_map(|it| it.before.as_ref());
        maybe.extend(images.filter_map(|object| match object {
            Object::Transaction(it) => it.transfer_id,
            Object::Document(_) => None,
        }));
        Ok(Needs { maybe, partners: true, ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<CommitUndone>> {
        if facts.seq != self.later.seq.saturating_add(1) {
            return Err(Error::new(ErrorCode::Conflict, "the book has moved on"));
        }
        let mut wanted = self.outcome(facts)?;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let kept = count(wanted.iter().filter(|it| it.kept).count());
        wanted.retain(Wanted::changes);
        let restored = count(wanted.len());
        let answer = |undo_seq| CommitUndone { seq: self.seq, restored, kept, undo_seq };
        if wanted.is_empty() {
            return Ok(Decision::unchanged(answer(None)));
        }
        // What was made last goes first.
        let changes = wanted.into_iter().rev();
        let changes = changes.map(|it| Change { before: it.now, after: it.becomes }).collect();
        let aggregate = ("book", facts.plan.book.id.to_string());
        let payload = [
            ("seq", self.seq.to_string()),
            ("action", self.action.clone()),
            ("restored", restored.to_string()),
            ("kept", kept.to_string()),
        ];
        let event = facts.event(UNDONE, aggregate, &payload);
        Ok(Decision { changes, events: vec![event], answer: answer(Some(facts.seq)) })
    }
}

/// What a commit did to each object, all in all, in the order in which it came to them.
fn net(changes: Vec<Change>) -> Result<Vec<Undone>> {
    let mut places: HashMap<Key, usize> = HashMap::new();
    let mut net: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        let subject = change.subject().ok_or_else(|| Error::corrupt("an empty change"))?;
        match places.get(&key_of(subject)).and_then(|at| net.get_mut(*at)) {
            Some(first) => first.after = change.after,
            None => {
                places.insert(key_of(subject), net.len());
                net.push(change);
            }
        }
    }
    net.retain(|change| change.before != change.after);
    let undone = |change: Change| {
        let is_update = change.before.is_some() && change.after.is_some();
        let units = if is_update { changed_units(&change)? } else { BTreeSet::new() };
        Ok(Undone { before: change.before, after: change.after, units })
    };
    net.into_iter().map(undone).collect()
}

/// The refusal that names the commits, the newest first.
fn in_the_way(commits: &BTreeSet<u64>) -> Error {
    let named: Vec<String> = commits.iter().rev().take(MAX_NAMED).map(u64::to_string).collect();
    let more = match commits.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = format!("later commits stand in the way: {}{more}", named.join(", "));
    Error::new(ErrorCode::UndoBlocked, text).id(named.join(","))
}
