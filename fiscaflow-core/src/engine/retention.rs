//! Retention: of old commits what they changed is dropped, while hashes and proofs stand.
//!
//! It is done in two steps, each of which may be repeated. First, whatever was changed last by what
//! is to be sealed is *restated*: ordinary commits repeat its present image, so that the history
//! after the seal makes the whole book of nothing. Then one write of the store drops bodies and
//! texts, together with the commit that tells of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::Months;
use serde::{Deserialize, Serialize};

use super::erasure::Authors;
use super::state::BookState;
use super::{BookHandle, Point};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{EventId, TransactionId};
use crate::limits::MAX_ATTEMPTS;
use crate::log::{
    Authorship, Change, Commit, Draft, ErasedTexts, Erasure, Hash, Object, RESTATE, SEAL, Seal,
};
use crate::model::Role;
use crate::store::{COMMITS, Head, newest_seal};

/// How long commits are kept whole where nobody says otherwise: seven years.
const KEPT: Months = Months::new(7 * 12);
/// How many objects one commit restates.
const ROWS: usize = 1_000;

/// What is to be sealed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Sealing {
    /// Whether it is done although sinks were not told of all events up to there: these are lost.
    pub lose_events: bool,
    /// The newest commit that is sealed: a commit's sequence number or hash, or an instant. What is
    /// older than seven years where absent.
    pub until: Option<Point>,
}

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SealReport {
    /// How many commits were sealed by this; none where they were sealed before.
    pub commits: u64,
    /// How many documents and transactions were restated for it.
    pub restated: u64,
    /// The newest commit that is sealed; 0 where none is.
    pub until_seq: u64,
}

/// What is known of the commits that are to be sealed.
struct Scan {
    /// The head before anything was read.
    began: Head,
    /// The last commit that was sealed before.
    sealed: u64,
    /// The last commit that is to be sealed.
    until: u64,
    /// The newest commit that was read.
    seq: u64,
    /// What the newest seal tells.
    earlier: Seal,
    erased: u64,
    told: u64,
    authors: Authors,
    /// The documents that no commit which was read after them has changed: kinds and keys.
    documents: BTreeSet<(String, String)>,
    restated: u64,
}

impl BookHandle {
    /// Seals old commits: what they changed, their texts and reasons, their events, and the answers
    /// to their idempotency keys are dropped for good. Who, when and by which verb stays, and so
    /// does every hash and proof. The book as it is stays as it is. For owners; there is no way
    /// back.
    ///
    /// What cannot be asked any more is the book as of a point before the last of them, nor can
    /// they be taken back.
    ///
    /// Where nothing is to be sealed nothing is written, nor is the idempotency key used.
    ///
    /// Errors: `forbidden`; `not_found` for a point that is none; `undelivered` where sinks wait
    /// for events; those of the store, which may have sealed already and left something in its
    /// files. Repeat it then with the same idempotency key, or call
    /// [`Store::scrub`](crate::store::Store::scrub).
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::engine::Sealing;
    ///
    /// let report = book.seal(Sealing::default()).await?;
    /// println!("{} commits of more than seven years ago", report.commits);
    /// # Ok(()) }
    /// ```
    pub async fn seal(&self, how: Sealing) -> Result<SealReport> {
        self.context.check()?;
        self.check_present(Role::Owner).await?;
        let mut restated = 0;
        for _ in 0..MAX_ATTEMPTS {
            let state = self.authorised(Role::Owner).await?;
            let request_digest = self.context.request_digest(SEAL, &how)?;
            if let Some(answer) = self.sealed_before(request_digest).await? {
                return Ok(answer);
            }
            let mut scan = self.begin(&how, state.head, restated).await?;
            if scan.until <= scan.sealed {
                // The same request may have sealed them since its key was looked for.
                if let Some(answer) = self.sealed_before(request_digest).await? {
                    return Ok(answer);
                }
                return Ok(SealReport { commits: 0, restated, until_seq: scan.sealed });
            }
            let done = match self.restate(&mut scan).await {
                Ok(true) => self.drop_bodies(&how, &mut scan).await,
                Ok(false) => Ok(None),
                Err(error) => Err(error),
            };
            restated = scan.restated;
            match done {
                Ok(Some(report)) => return Ok(report),
                // Somebody erased or sealed meanwhile: what was read may be gone.
                Ok(None) => {}
                Err(error) if error.code() == ErrorCode::Sealed => {}
                Err(error) => return Err(error),
            }
        }
        Err(moves_too_fast())
    }

    /// What was answered when the key was used before; what may have been left in files goes.
    async fn sealed_before(&self, request_digest: Option<Hash>) -> Result<Option<SealReport>> {
        let answer = self.earlier_answer(request_digest).await?;
        if answer.is_some() {
            self.engine.inner.store.scrub().await?;
        }
        Ok(answer)
    }

    async fn begin(&self, how: &Sealing, began: Head, restated: u64) -> Result<Scan> {
        let until = match how.until {
            Some(point) => self.seq_of("until", point, began).await?,
            None => {
                let past = self.engine.now().checked_sub_months(KEPT);
                let past = past.unwrap_or(chrono::DateTime::<chrono::Utc>::MIN_UTC);
                match self.seq_of("until", Point::Time(past), began).await {
                    Err(error) if error.code() == ErrorCode::NotFound => 0,
                    found => found?,
                }
            }
        };
        let sealed = self.engine.sealed_until(self.book_id, began).await?;
        let mut authors = Authors::default();
        if until > sealed
            && let Some(seal) =
                newest_seal(&*self.engine.inner.store, self.book_id, began.seq).await?
        {
            authors.learn_sealed(&seal.read_texts()?);
        }
        Ok(Scan {
            began,
            sealed,
            until,
            seq: sealed,
            earlier: Seal::default(),
            erased: 0,
            told: 0,
            authors,
            documents: BTreeSet::new(),
            restated,
        })
    }

    /// Reads what is to be sealed, and restates what it was the last to change; false where
    /// somebody erased or sealed since that began.
    async fn restate(&self, scan: &mut Scan) -> Result<bool> {
        while scan.seq < scan.until {
            let left = u32::try_from(scan.until.saturating_sub(scan.seq)).unwrap_or(COMMITS);
            let store = &self.engine.inner.store;
            let commits = store.commits(self.book_id, scan.seq, left.min(COMMITS)).await?;
            if commits.is_empty() {
                return Err(Error::corrupt("the history ends before its head"));
            }
            let mut ids = BTreeSet::new();
            for commit in commits {
                scan.authors.read(&commit.read_texts()?);
                let opened = commit.open()?;
                scan.earlier = opened.seal()?.unwrap_or(scan.earlier);
                scan.erased = scan.erased.saturating_add(opened.erased);
                scan.told = scan.told.saturating_add(opened.told_erased());
                scan.seq = commit.seq;
                for object in opened.changes.into_iter().filter_map(|change| change.after) {
                    match &object {
                        Object::Transaction(it) => {
                            ids.insert(it.id);
                        }
                        Object::Document(_) => {
                            scan.documents.insert((object.kind().to_owned(), object.key()));
                        }
                    }
                }
            }
            let ids: Vec<TransactionId> = ids.into_iter().collect();
            for ids in ids.chunks(ROWS) {
                self.restate_transactions(scan, ids).await?;
            }
        }
        // Most of the history is read before others have to wait; it tells which documents were
        // changed since.
        let head = self.authorised(Role::Owner).await?.head;
        if !self.follow(scan, head).await? {
            return Ok(false);
        }
        while !scan.documents.is_empty() {
            if !self.restate_documents(scan).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Restates those of some transactions that no later commit has changed.
    async fn restate_transactions(&self, scan: &mut Scan, ids: &[TransactionId]) -> Result<()> {
        for _ in 0..MAX_ATTEMPTS {
            let _turn = self.engine.inner.queues.turn(self.book_id).await;
            let state = self.authorised(Role::Owner).await?;
            let mut found = self.engine.inner.store.transactions(self.book_id, ids).await?;
            found.retain(|it| it.revision <= scan.until);
            found.sort_unstable_by_key(|it| it.id);
            let objects = found.into_iter().map(Object::from).collect();
            if self.commit_restated(state, objects, &mut scan.restated).await? {
                return Ok(());
            }
        }
        Err(moves_too_fast())
    }

    /// Restates some of the documents; false where somebody erased or sealed since the scan began.
    async fn restate_documents(&self, scan: &mut Scan) -> Result<bool> {
        for _ in 0..MAX_ATTEMPTS {
            let _turn = self.engine.inner.queues.turn(self.book_id).await;
            let state = self.authorised(Role::Owner).await?;
            // Somebody else may have changed or restated them.
            if !self.follow(scan, state.head).await? {
                return Ok(false);
            }
            let found = self.engine.inner.store.documents(self.book_id).await?;
            let Some((_, documents)) = found.filter(|(head, _)| *head == state.head) else {
                continue;
            };
            let name = |object: &Object| (object.kind().to_owned(), object.key());
            let objects = documents.into_iter().map(Object::Document);
            let mut objects: Vec<Object> =
                objects.filter(|object| scan.documents.contains(&name(object))).collect();
            let is_all = objects.len() <= ROWS;
            objects.truncate(ROWS);
            let names: Vec<_> = objects.iter().map(name).collect();
            if self.commit_restated(state, objects, &mut scan.restated).await? {
                for name in &names {
                    scan.documents.remove(name);
                }
                if is_all {
                    // The others are gone from the book.
                    scan.documents.clear();
                }
                return Ok(true);
            }
        }
        Err(moves_too_fast())
    }

    /// Commits objects as they are; false where the book has moved on meanwhile.
    async fn commit_restated(
        &self,
        state: BookState,
        objects: Vec<Object>,
        restated: &mut u64,
    ) -> Result<bool> {
        if objects.is_empty() {
            return Ok(true);
        }
        let count = u64::try_from(objects.len()).unwrap_or(u64::MAX);
        let same = |it: Object| Change { before: Some(it.clone()), after: Some(it) };
        let draft = Draft {
            book_id: self.book_id,
            parent: Some(state.head),
            info: self.context.commit_info(RESTATE, self.engine.now()),
            changes: objects.into_iter().map(same).collect(),
            events: Vec::new(),
            idempotency: None,
        };
        let (parent, commit) = (state.head, Arc::new(self.grown(draft, &[], &state).await?));
        drop(state);
        match self.engine.inner.store.commit(Arc::clone(&commit)).await {
            Ok(()) => {
                self.engine.inner.cache.advance(parent, &commit);
                *restated = restated.saturating_add(count);
                Ok(true)
            }
            Err(error) if error.code() == ErrorCode::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Drops what was read; `None` where somebody erased or sealed since that began, or the same
    /// request.
    async fn drop_bodies(&self, how: &Sealing, scan: &mut Scan) -> Result<Option<SealReport>> {
        let _turn = self.engine.inner.queues.turn(self.book_id).await;
        let (store, ids) = (&self.engine.inner.store, &*self.engine.inner.ids);
        for _ in 0..MAX_ATTEMPTS {
            let state = self.authorised(Role::Owner).await?;
            let request_digest = self.context.request_digest(SEAL, how)?;
            let repeated = self.earlier_answer::<SealReport>(request_digest).await?.is_some();
            if repeated || !self.follow(scan, state.head).await? {
                return Ok(None);
            }
            let commits = scan.until.saturating_sub(scan.sealed);
            let (restated, until) = (scan.restated, scan.until);
            let answer = SealReport { commits, restated, until_seq: until };
            let now = self.engine.now();
            let draft = Draft {
                book_id: self.book_id,
                parent: Some(state.head),
                info: self.context.commit_info(SEAL, now),
                changes: Vec::new(),
                events: vec![scan.told().event(EventId::new(ids.uuid(now)), self.book_id)],
                idempotency: self.context.idempotency(request_digest, &answer, ids)?,
            };
            let commit = self.grown(draft, &scan.authors.records(), &state).await?;
            let texts = ErasedTexts::Sealed { until, lose_events: how.lose_events };
            match store.erase(Arc::new(Erasure { commit, texts })).await {
                Ok(()) => {
                    self.engine.forget(self.book_id);
                    store.scrub().await?;
                    return Ok(Some(answer));
                }
                Err(error) if error.code() == ErrorCode::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(moves_too_fast())
    }

    /// Goes on through the history up to a head; false where it tells that something is gone since
    /// the scan began.
    async fn follow(&self, scan: &mut Scan, head: Head) -> Result<bool> {
        while scan.seq < head.seq {
            let store = &self.engine.inner.store;
            let commits = store.commits(self.book_id, scan.seq, COMMITS).await?;
            if commits.is_empty() {
                return Err(Error::corrupt("the history ends before its head"));
            }
            for commit in commits.into_iter().filter(|commit| commit.seq <= head.seq) {
                scan.seq = commit.seq;
                if commit.seq > scan.began.seq && commit.takes_away()? {
                    return Ok(false);
                }
                let texts = commit.read_texts()?;
                scan.authors.follow(&texts);
                for change in texts.changes {
                    scan.documents.remove(&(change.kind, change.key));
                }
                if commit.is_sealing()? {
                    scan.earlier = commit.open()?.seal()?.unwrap_or(scan.earlier);
                }
            }
        }
        Ok(true)
    }

    /// A draft, sealed and in its place in the book's tree.
    async fn grown(
        &self,
        draft: Draft,
        entered: &[Authorship],
        state: &BookState,
    ) -> Result<Commit> {
        let mut commit = draft.seal_with(entered, &*self.engine.inner.ids)?;
        let mut tree = self.engine.tree(self.book_id, state).await?;
        commit.grow(Arc::make_mut(&mut tree));
        Ok(commit)
    }
}

impl Scan {
    /// What the seal tells.
    fn told(&self) -> Seal {
        Seal {
            until: self.until,
            erased: self.earlier.erased.saturating_add(self.erased),
            told: self.earlier.told.saturating_add(self.told),
        }
    }
}

fn moves_too_fast() -> Error {
    Error::new(ErrorCode::Conflict, "the book is being changed too fast; try again")
}
