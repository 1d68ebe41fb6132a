//! What a book's log says, read commit by commit from the bytes in the store, and what must hold
//! of every commit by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fiscaflow_core::api::Call;
use fiscaflow_core::log::{
    Change, Commit, Entry, ErasedTexts, Event, Idempotency, Object, StoredCommit, Verifier,
};
use fiscaflow_core::model::{
    Account, ActorId, Alert, Budget, Category, Document, Role, Transaction,
};
use fiscaflow_core::store::Answered;
use fiscaflow_core::{AccountId, BookId, CategoryId, Money, TransactionId};

use super::figures;
use super::roles::role_for;
use super::seals::{self, RESTATE, SEAL, plain};
use super::words::Words;

/// A book that nobody makes.
pub const NOWHERE: BookId = BookId::new(uuid::Uuid::nil());

/// What broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The invariant, by name.
    pub breaks: String,
    /// How.
    pub text: String,
}

pub type Checked<T = ()> = Result<T, Failure>;

/// Fails with the name of an invariant.
pub fn broken<T>(breaks: &str, text: impl Into<String>) -> Checked<T> {
    Err(Failure { breaks: breaks.to_owned(), text: text.into() })
}

/// Fails unless something holds.
pub fn holds(is: bool, breaks: &str, text: impl FnOnce() -> String) -> Checked {
    if is { Ok(()) } else { broken(breaks, text()) }
}

/// A commit as it was read.
pub struct Read {
    pub entry: Entry,
    pub events: Vec<Event>,
    pub commit: Arc<Commit>,
    /// What went with it, where it is an erasure or a seal.
    pub erased: Option<ErasedTexts>,
    /// The roles after it.
    pub roles: BTreeMap<ActorId, Role>,
}

/// A book as its log makes it.
pub struct Facts {
    pub id: BookId,
    pub read: Vec<Read>,
    pub documents: BTreeMap<(&'static str, String), Document>,
    pub transactions: BTreeMap<TransactionId, Transaction>,
    /// Every UUID in it so far.
    pub known: BTreeSet<String>,
    /// The last commit that is sealed.
    pub sealed: u64,
    /// The commit that changed or restated each object last, by kind and key.
    pub changed: BTreeMap<(&'static str, String), u64>,
    pub words: Words,
    /// Budgets of which an erasure changed what they watch.
    pub loose: BTreeSet<String>,
    pub verifier: Verifier,
    requests: BTreeSet<String>,
    announced: BTreeSet<String>,
}

impl Facts {
    pub fn new(id: BookId) -> Self {
        Self {
            id,
            read: Vec::new(),
            documents: BTreeMap::new(),
            transactions: BTreeMap::new(),
            known: BTreeSet::new(),
            sealed: 0,
            changed: BTreeMap::new(),
            words: Words::default(),
            loose: BTreeSet::new(),
            verifier: Verifier::new(id),
            requests: BTreeSet::new(),
            announced: BTreeSet::new(),
        }
    }

    pub fn seq(&self) -> u64 {
        u64::try_from(self.read.len()).unwrap()
    }

    /// The roles when the book had so many commits.
    pub fn roles(&self, seq: u64) -> Option<&BTreeMap<ActorId, Role>> {
        let at = usize::try_from(seq).unwrap().checked_sub(1)?;
        Some(&self.read[at].roles)
    }

    /// Takes the next commit, which a call made. `answered` is what the store kept for its key,
    /// `erased` what it was to erase.
    pub fn take(
        &mut self,
        stored: &StoredCommit,
        call: &Call,
        answered: Option<(String, Answered)>,
        erased: Option<ErasedTexts>,
    ) -> Checked {
        let (entry, events) = (stored.entry().unwrap(), stored.events().unwrap());
        // What is gone shows in earlier commits, which are to be checked again.
        if !seals::takes_away(&entry.action) {
            self.verifier.check(stored);
            let verified = self.verifier.clone().finish(Some(stored.head()));
            if let Some(problem) = verified.problem {
                return broken("chain", format!("commit {}: {problem}", stored.seq));
            }
        }
        let changes = stored.changes().unwrap();
        self.check_request(&entry)?;
        self.take_away(&entry, &events, &changes, call)?;
        self.words.take(stored, call);
        let new_alerts = changes.iter().filter_map(new_alert).collect();
        for change in &changes {
            self.apply(change, &entry)?;
        }
        for change in &changes {
            if let Some(Object::Transaction(it)) = change.subject() {
                self.check_transaction(it)?;
            }
        }
        self.check_events(&entry, &events, &changes, new_alerts)?;
        figures::check_thresholds(self)?;
        for event in &events {
            self.known.insert(event.id.to_string());
        }
        let idempotency = answered.map(|(key, it)| Idempotency {
            key,
            request_salt: it.request_salt,
            request_digest: it.request_digest,
            answer: it.answer,
        });
        let (book_id, nodes) = (self.id, Vec::new());
        let stored = stored.clone();
        let commit = Arc::new(Commit { book_id, stored, idempotency, changes, nodes });
        let members = self.documents.values().filter_map(|document| match document {
            Document::Member(member) => Some((member.actor.clone(), member.role)),
            _ => None,
        });
        let roles = members.collect();
        self.read.push(Read { entry, events, commit, erased, roles });
        Ok(())
    }

    /// Checks and follows what a commit takes away.
    fn take_away(
        &mut self,
        entry: &Entry,
        events: &[Event],
        changes: &[Change],
        call: &Call,
    ) -> Checked {
        match entry.action.as_str() {
            RESTATE => seals::check_restated(self, call, changes),
            SEAL => {
                seals::check_seal(self, entry, events, call)?;
                self.sealed = seals::until_of(events);
                Ok(())
            }
            action if seals::takes_away(action) => {
                let loose: Vec<String> = seals::loosened(self).collect();
                self.loose.extend(loose);
                if action == "books.erase_texts" {
                    seals::erase_all(self);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A request is written once, by who may.
    fn check_request(&mut self, entry: &Entry) -> Checked {
        let Some(request) = &entry.correlation_id else {
            return broken("request", "a commit names no request");
        };
        // A seal restates in commits of its own before.
        let is_first = entry.action == RESTATE || self.requests.insert(request.clone());
        holds(is_first, "written once", || format!("{request} is there twice"))?;
        let Some(roles) = self.roles(self.seq()) else { return Ok(()) };
        let role = roles.get(&entry.actor);
        holds(role.is_some_and(|role| *role >= role_for(&entry.action)), "roles", || {
            format!("{} of {} as {role:?}", entry.action, entry.actor)
        })
    }

    /// What a change says was before is what was before.
    fn apply(&mut self, change: &Change, entry: &Entry) -> Checked {
        let Some(subject) = change.subject() else { return broken("images", "an empty change") };
        let name = (subject.kind(), subject.key());
        let now = match subject {
            Object::Document(_) => self.documents.get(&name).cloned().map(Object::Document),
            Object::Transaction(it) => self.transactions.get(&it.id).cloned().map(Object::from),
        };
        let (is, was) = (now.as_ref().map(plain), change.before.as_ref().map(plain));
        if entry.action == "members.erase" {
            seals::check_member(now.as_ref(), change, self)?;
        } else {
            holds(is == was, "images", || {
                format!("{} found another {name:?} than it says", entry.action)
            })?;
        }
        match (subject, &change.after) {
            (_, Some(Object::Document(after))) => {
                drop(self.documents.insert(name.clone(), after.clone()));
            }
            (_, Some(Object::Transaction(after))) => {
                drop(self.transactions.insert(after.id, (**after).clone()));
            }
            (Object::Document(_), None) => drop(self.documents.remove(&name)),
            (Object::Transaction(it), None) => drop(self.transactions.remove(&it.id)),
        }
        self.known.insert(name.1.clone());
        self.changed.insert(name, entry.seq);
        Ok(())
    }

    /// Parts add up, sides of transfers name each other, what is named is there.
    fn check_transaction(&self, it: &Transaction) -> Checked {
        let Some(now) = self.transactions.get(&it.id) else {
            let left = self.transactions.values().find(|one| one.transfer_id == Some(it.id));
            return holds(left.is_none(), "transfer pairs", || format!("{} lost its side", it.id));
        };
        let parts: i64 = now.splits.iter().map(|part| part.amount.minor()).sum();
        holds(now.splits.is_empty() || parts == now.amount.minor(), "parts", || {
            format!("the parts of {} come to {parts}", now.id)
        })?;
        for one in self.transactions.values() {
            let Some(other) = one.transfer_id else { continue };
            let back = self.transactions.get(&other).and_then(|it| it.transfer_id);
            holds(back == Some(one.id), "transfer pairs", || {
                format!("{} names {other}, which names {back:?}", one.id)
            })?;
        }
        if now.deleted {
            return Ok(());
        }
        let is_there = |kind: &'static str, id: Option<String>| {
            id.is_none_or(|id| self.documents.contains_key(&(kind, id)))
        };
        let mut categories =
            now.splits.iter().map(|part| part.category_id).chain([now.category_id]);
        let text = |id: CategoryId| id.to_string();
        let all = categories.all(|id| is_there("category", id.map(text)))
            && is_there("account", Some(now.account_id.to_string()))
            && is_there("schedule", now.schedule_id.map(|id| id.to_string()))
            && is_there("goal", now.goal_id.map(|id| id.to_string()));
        holds(all, "references", || format!("{} names what is not there", now.id))
    }

    /// What is done is told, thresholds once a period.
    fn check_events(
        &mut self,
        entry: &Entry,
        events: &[Event],
        changes: &[Change],
        mut alerts: BTreeSet<String>,
    ) -> Checked {
        let of_changes = |event: &&Event| {
            !event.name.starts_with("planning.budget.threshold")
                && !event.name.starts_with("planning.goal.milestone")
        };
        let told = events.iter().filter(of_changes).count();
        let quiet = changes.is_empty() || entry.action == RESTATE;
        holds(told > 0 || quiet, "events", || {
            format!("{} changes {} and tells nothing", entry.action, changes.len())
        })?;
        for event in events.iter().filter(|event| !of_changes(event)) {
            let of = |name: &str| event.payload.get(name).cloned().unwrap_or_default();
            let name = match event.name.as_str() {
                "planning.goal.milestone_reached" => {
                    format!("{}/{}", event.aggregate_id, of("percent"))
                }
                _ => {
                    let days = (of("from"), of("to"));
                    format!("{}/{}/{}/{}", event.aggregate_id, days.0, days.1, of("threshold"))
                }
            };
            holds(self.announced.insert(name.clone()), "thresholds once", || {
                format!("{name} is announced again by {}", entry.action)
            })?;
            holds(alerts.remove(&name), "thresholds once", || format!("{name} is not kept"))?;
        }
        holds(alerts.is_empty(), "thresholds once", || format!("{alerts:?} are not told"))
    }

    pub fn accounts(&self) -> BTreeMap<AccountId, &Account> {
        let accounts = self.documents.values().filter_map(|document| match document {
            Document::Account(account) => Some((account.id, account)),
            _ => None,
        });
        accounts.collect()
    }

    pub fn categories(&self) -> BTreeMap<CategoryId, &Category> {
        let categories = self.documents.values().filter_map(|document| match document {
            Document::Category(category) => Some((category.id, category)),
            _ => None,
        });
        categories.collect()
    }

    pub fn budgets(&self) -> impl Iterator<Item = &Budget> {
        self.documents.values().filter_map(|document| match document {
            Document::Budget(budget) => Some(budget),
            _ => None,
        })
    }

    pub fn has_alert(&self, alert: &Alert) -> bool {
        let key = Document::Alert(alert.clone()).key();
        self.documents.contains_key(&("alert", key))
    }

    /// Some owner, while there is one.
    pub fn owner(&self) -> Option<ActorId> {
        let roles = self.roles(self.seq())?;
        roles.iter().find(|(_, role)| **role == Role::Owner).map(|(actor, _)| actor.clone())
    }

    /// What counts: neither void nor deleted.
    pub fn counting(&self) -> impl Iterator<Item = &Transaction> {
        self.transactions.values().filter(|it| it.counts())
    }
}

/// The lines of a transaction: its parts, or itself.
pub fn lines(it: &Transaction) -> Vec<(Option<CategoryId>, Money)> {
    if it.splits.is_empty() {
        return vec![(it.category_id, it.amount)];
    }
    it.splits.iter().map(|part| (part.category_id, part.amount)).collect()
}

/// The name of an alert or milestone that a change makes.
fn new_alert(change: &Change) -> Option<String> {
    match &change.after {
        // What is restated was there.
        Some(_) if change.before.is_some() => None,
        Some(Object::Document(it @ (Document::Alert(_) | Document::Milestone(_)))) => {
            Some(it.key())
        }
        _ => None,
    }
}
