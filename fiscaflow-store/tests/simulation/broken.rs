//! Bugs that are planted to see whether a run finds them: a store that breaks its contract, or one
//! that is handed commits as a wrong decision would make them. Seven more lie in the core, behind
//! its feature `planted`. Without a bug it keeps what is to be erased and no more.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fiscaflow_core::conformance::SequentialIds;
use fiscaflow_core::log::{
    Change, Commit, CommitInfo, Draft, ErasedTexts, Erasure, Hash, NewEvent, Object, StoredCommit,
};
use fiscaflow_core::model::{Document, Transaction};
use fiscaflow_core::store::{
    Answered, ColumnRow, Delivery, DeliveryStep, Head, KeptPart, KeptRow, OriginQuery, OriginRow,
    Selection, SetAside, SetAsideQuery, Snapshot, Store, TreeNodes, WaitingQuery,
};
use fiscaflow_core::{BookId, ErrorCode, Result, TransactionId};

use super::draw::book;
use super::seals::RESTATE;

/// Every planted bug: its name, and what is wrong.
pub const PLANTED: [(&str, &str); 28] = [
    ("commit_before_check", "the store writes whatever head a commit was decided on"),
    ("book_filter_missing", "transactions of another book are found by their ids"),
    ("hash_skipped", "the bytes of a commit are kept otherwise than they were hashed"),
    ("place_without_number", "the place of a delivery is kept without the number in its commit"),
    ("place_before_told", "the place of a delivery moves on before the sink is told"),
    ("answer_not_kept", "the answer to a key is not written with the commit"),
    ("answer_of_another", "the answer that is kept is that of the request before"),
    ("page_skips_equal_days", "the next page begins with the next day"),
    ("origins_forgotten", "the last row of earlier files is not found"),
    ("lease_not_honoured", "who has the lease of a delivery is not looked at"),
    ("blind_retry", "after a conflict the same decision is written on the new head"),
    ("wrong_undo_image", "an undo gives back the category of now"),
    ("one_sided_transfer", "the other side of a transfer is not changed"),
    ("remainder_lost", "the last part of a split transaction is a cent short"),
    ("undo_tells_nothing", "an undo has no event"),
    ("acknowledged_not_written", "every fifth commit is acknowledged and not written"),
    ("half_a_commit", "the last change of a commit is not applied"),
    ("erasure_leaves_one", "the last text that is to be erased stays"),
    ("seal_goes_further", "one commit more is sealed than is told"),
    ("seal_loses_events", "a seal does not wait for the sink"),
    ("restated_in_part", "the last object that is to be restated is left out"),
    ("role_not_checked", "core: a member may do whatever the role"),
    ("rollover_twice", "core: what a budget carries counts twice"),
    ("view_keeps_removed", "core: a removed transaction stays in the view"),
    ("key_answers_anything", "core: a used key answers another request"),
    ("cache_without_head", "core: what is in memory is used whatever the store's head is"),
    ("threshold_twice", "core: a threshold is announced at every commit"),
    ("erasure_not_followed", "core: what is in memory stays where texts were erased"),
];

/// A store with a bug.
#[derive(Debug)]
pub struct Broken {
    pub bug: &'static str,
    pub inner: Arc<dyn Store>,
    pub answer: Mutex<Option<Vec<u8>>>,
    pub commits: Mutex<u32>,
    /// What was to be erased, by the commit that tells of it.
    pub erasures: Mutex<BTreeMap<Hash, ErasedTexts>>,
}

impl Broken {
    pub fn new(bug: &'static str, inner: Arc<dyn Store>) -> Self {
        let (answer, commits, erasures) = Default::default();
        Self { bug, inner, answer, commits, erasures }
    }

    fn is(&self, bug: &str) -> bool {
        self.bug == bug
    }

    /// A commit as a wrong decision would have made it.
    fn decided(&self, commit: &Commit) -> Option<Commit> {
        let entry = commit.stored.entry().unwrap();
        let action = entry.action.as_str();
        let undo = matches!(action, "history.undo" | "imports.undo");
        let linked = matches!(action, "transfers.create" | "transfers.link");
        let mut changes = commit.changes.clone();
        let mut events = events_of(&commit.stored);
        match self.bug {
            "wrong_undo_image" if undo => changes.iter_mut().for_each(keep_category),
            "one_sided_transfer" if linked => drop(changes.pop()),
            "restated_in_part" if action == RESTATE && changes.len() > 1 => drop(changes.pop()),
            "remainder_lost" => changes.iter_mut().for_each(lose_remainder),
            "undo_tells_nothing" if undo => events.clear(),
            _ => return None,
        }
        let changed = changes != commit.changes || undo;
        let seq = commit.stored.seq - 1;
        let parent = (seq > 0).then_some(Head { seq, hash: commit.stored.parent });
        changed.then(|| sealed(commit, parent, changes, events))
    }
}

fn events_of(stored: &StoredCommit) -> Vec<NewEvent> {
    let events = stored.events().unwrap().into_iter();
    let new = events.map(|it| {
        let new = NewEvent::new(it.id, it.name, it.aggregate_type, it.aggregate_id);
        it.payload.into_iter().fold(new, |new, (name, value)| new.with(name, value))
    });
    new.collect()
}

fn sealed(
    commit: &Commit,
    parent: Option<Head>,
    changes: Vec<Change>,
    events: Vec<NewEvent>,
) -> Commit {
    let entry = commit.stored.entry().unwrap();
    let info = CommitInfo {
        actor: entry.actor,
        at: entry.at,
        action: entry.action,
        reason: entry.reason,
        correlation_id: entry.correlation_id,
        causation_id: entry.causation_id,
    };
    let (book_id, idempotency) = (commit.book_id, commit.idempotency.clone());
    let draft = Draft { book_id, parent, info, changes, events, idempotency };
    draft.seal(&SequentialIds::new(0x0eee_eeee)).unwrap()
}

/// The images of a transaction in a change, before and after.
fn images(change: &mut Change) -> Option<(&Transaction, &mut Transaction)> {
    match (&change.before, &mut change.after) {
        (Some(Object::Transaction(before)), Some(Object::Transaction(after))) => {
            Some((before, after))
        }
        _ => None,
    }
}

fn keep_category(change: &mut Change) {
    if let Some((before, after)) = images(change) {
        after.category_id = before.category_id;
    }
}

fn lose_remainder(change: &mut Change) {
    if let Some(Object::Transaction(after)) = &mut change.after
        && let Some(last) = after.splits.last_mut()
    {
        let cent = fiscaflow_core::Money::from_minor(1, last.amount.currency());
        last.amount = last.amount.checked_sub(cent).unwrap();
    }
}

#[async_trait]
impl Store for Broken {
    async fn head(&self, book_id: BookId) -> Result<Option<Head>> {
        self.inner.head(book_id).await
    }

    async fn documents(&self, book_id: BookId) -> Result<Option<(Head, Vec<Document>)>> {
        self.inner.documents(book_id).await
    }

    async fn select(
        &self,
        book_id: BookId,
        selection: Selection<'_>,
    ) -> Result<Option<(Head, Vec<Transaction>)>> {
        let selected = self.inner.select(book_id, selection).await?;
        let Some((head, mut found)) = selected else { return Ok(None) };
        match selection {
            Selection::Ids(ids) if self.is("book_filter_missing") => {
                for other in [0, 1].map(|at| book(at).parse().unwrap()) {
                    let mut theirs = self.inner.transactions(other, ids).await?;
                    theirs.retain(|it| found.iter().all(|one| one.id != it.id));
                    found.extend(theirs);
                }
            }
            Selection::Page(request) if self.is("page_skips_equal_days") => {
                if let Some(after) = request.after {
                    found.retain(|it| it.booking_date != after.booking_date);
                }
            }
            _ => {}
        }
        Ok(Some((head, found)))
    }

    async fn columns(
        &self,
        book_id: BookId,
        after: Option<TransactionId>,
        limit: u32,
    ) -> Result<Vec<ColumnRow>> {
        self.inner.columns(book_id, after, limit).await
    }

    async fn origins(&self, book_id: BookId, query: &OriginQuery) -> Result<Vec<OriginRow>> {
        let mut found = self.inner.origins(book_id, query).await?;
        if self.is("origins_forgotten") {
            found.pop();
        }
        Ok(found)
    }

    async fn commits(
        &self,
        book_id: BookId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<StoredCommit>> {
        self.inner.commits(book_id, after_seq, limit).await
    }

    async fn answered(&self, book_id: BookId, key: &str) -> Result<Option<Answered>> {
        self.inner.answered(book_id, key).await
    }

    async fn commit(&self, commit: Arc<Commit>) -> Result<()> {
        let mut written = self.decided(&commit).unwrap_or_else(|| (*commit).clone());
        if self.is("acknowledged_not_written") {
            let mut commits = self.commits.lock().unwrap();
            *commits += 1;
            if commits.is_multiple_of(5) && commit.stored.seq > 1 {
                return Ok(());
            }
        }
        match (self.bug, &mut written.idempotency) {
            ("hash_skipped", _) => written.stored.body.push(b' '),
            ("half_a_commit", _) if written.changes.len() > 1 => drop(written.changes.pop()),
            ("answer_not_kept", used) => *used = None,
            ("answer_of_another", Some(used)) => {
                let last = self.answer.lock().unwrap().replace(used.answer.clone());
                used.answer = last.unwrap_or_else(|| used.answer.clone());
            }
            _ => {}
        }
        let result = self.inner.commit(Arc::new(written.clone())).await;
        let conflict = result.as_ref().is_err_and(|error| error.code() == ErrorCode::Conflict);
        let head = self.inner.head(commit.book_id).await?;
        let Some(head) = head.filter(|_| conflict) else { return result };
        match self.bug {
            "commit_before_check" => {
                (written.stored.seq, written.stored.parent) = (head.seq + 1, head.hash);
                self.inner.commit(Arc::new(written)).await
            }
            "blind_retry" => {
                let (changes, events) = (written.changes.clone(), events_of(&written.stored));
                let again = sealed(&written, Some(head), changes, events);
                self.inner.commit(Arc::new(again)).await
            }
            _ => result,
        }
    }

    async fn erase(&self, erasure: Arc<Erasure>) -> Result<()> {
        let (hash, mut erasure) = (erasure.commit.stored.hash, (*erasure).clone());
        self.erasures.lock().unwrap().insert(hash, erasure.texts.clone());
        let last = erasure.commit.stored.seq - 1;
        match (self.bug, &mut erasure.texts) {
            ("erasure_leaves_one", texts @ ErasedTexts::All) => {
                *texts = ErasedTexts::These(BTreeMap::new());
            }
            ("erasure_leaves_one", ErasedTexts::These(chosen)) => {
                if let Some(mut entry) = chosen.last_entry() {
                    entry.get_mut().pop();
                }
            }
            ("seal_goes_further", ErasedTexts::Sealed { until, .. }) => {
                *until = last.min(*until + 1);
            }
            ("seal_loses_events", ErasedTexts::Sealed { lose_events, .. }) => *lose_events = true,
            _ => {}
        }
        self.inner.erase(Arc::new(erasure)).await
    }

    async fn scrub(&self) -> Result<()> {
        self.inner.scrub().await
    }

    async fn snapshot(&self, book_id: BookId) -> Result<Option<Snapshot>> {
        self.inner.snapshot(book_id).await
    }

    async fn keep_snapshot(&self, book_id: BookId, snapshot: Snapshot) -> Result<()> {
        self.inner.keep_snapshot(book_id, snapshot).await
    }

    async fn tree_nodes(&self, book_id: BookId, seqs: &[u64]) -> Result<Vec<TreeNodes>> {
        self.inner.tree_nodes(book_id, seqs).await
    }

    async fn keep_tree_nodes(&self, book_id: BookId, nodes: &[TreeNodes]) -> Result<()> {
        self.inner.keep_tree_nodes(book_id, nodes).await
    }

    async fn books(&self, after: Option<BookId>, limit: u32) -> Result<Vec<BookId>> {
        self.inner.books(after, limit).await
    }

    async fn waiting(&self, query: &WaitingQuery) -> Result<Vec<BookId>> {
        let mut query = query.clone();
        if self.is("lease_not_honoured") {
            query.now += chrono::TimeDelta::days(1);
        }
        self.inner.waiting(&query).await
    }

    async fn delivery(&self, book_id: BookId, sink: &str) -> Result<Option<Delivery>> {
        let found = self.inner.delivery(book_id, sink).await?;
        let lease = !self.is("lease_not_honoured");
        Ok(found.map(|it| Delivery { lease: it.lease.clone().filter(|_| lease), ..it }))
    }

    async fn set_aside(
        &self,
        book_id: BookId,
        sink: &str,
        query: &SetAsideQuery,
    ) -> Result<Vec<SetAside>> {
        self.inner.set_aside(book_id, sink, query).await
    }

    async fn deliver(&self, book_id: BookId, sink: &str, step: Arc<DeliveryStep>) -> Result<()> {
        let mut step = (*step).clone();
        let place = &mut step.delivery;
        if self.is("place_without_number") && place.events > 0 {
            (place.seq, place.events) = (place.seq + 1, 0);
        }
        if self.is("place_before_told") && place.lease.is_some() {
            let head = self.inner.head(book_id).await?;
            place.seq = head.map_or(place.seq, |head| head.seq);
            place.events = 0;
        }
        self.inner.deliver(book_id, sink, Arc::new(step)).await
    }

    async fn kept(&self, book_id: BookId, part: &KeptPart) -> Result<Vec<KeptRow>> {
        self.inner.kept(book_id, part).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
