//! A book as of a past point: a store that shows what the history makes of it.
//!
//! Every verb that reads asks a store, so it means the same then as now, and none knows of points.
//! What the book held is made when it is first asked for: from the present back by what was before
//! each later commit, or forth from nothing, whichever is fewer commits. Some points are kept.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use async_lock::OnceCell;
use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::points::Point;
use super::run::Queues;
use super::state::{Cache, WHOLE_ROWS};
use super::{BookHandle, Engine, Inner};
use crate::env::Clock;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{BookId, TransactionId};
use crate::limits::MAX_PAST_TRANSACTIONS;
use crate::log::{Commit, Erasure, Object, StoredCommit};
use crate::model::{Document, Role, Transaction};
use crate::plan::book_not_found;
use crate::store::{
    Answered, COMMITS, ColumnRow, Contents, Delivery, DeliveryStep, Head, Kept, KeptPart, KeptRow,
    OriginQuery, OriginRow, PageRequest, Position, Selection, SetAside, SetAsideQuery, Snapshot,
    Store, TransactionQuery, TreeNodes, WaitingQuery, each_commit,
};

/// How many points are kept at most; together they hold at most as many transactions as one may.
const MAX_POINTS: usize = 8;
/// Up to so many objects are looked for in a commit before it is opened.
const FEW: usize = 16;

/// A book at one point of its history.
struct Past {
    head: Head,
    contents: Contents,
    /// Up to this commit no texts were erased since it was made.
    whole_until: AtomicU64,
    /// Its view, once it was made: see [`Store::snapshot`].
    view: Mutex<Option<Snapshot>>,
}

/// The points that are kept, the one used last at the end.
#[derive(Default)]
pub(super) struct Points(Mutex<Vec<(BookId, Arc<Past>)>>);

impl fmt::Debug for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Points")
    }
}

impl Points {
    fn lock(&self) -> MutexGuard<'_, Vec<(BookId, Arc<Past>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, book_id: BookId, head: Head) -> Option<Arc<Past>> {
        let mut kept = self.lock();
        let at = kept.iter().position(|(book, past)| *book == book_id && past.head == head)?;
        let found = kept.remove(at);
        let past = Arc::clone(&found.1);
        kept.push(found);
        Some(past)
    }

    /// Drops what is kept of a book.
    pub(super) fn forget(&self, book_id: BookId) {
        self.lock().retain(|(book, _)| *book != book_id);
    }

    fn put(&self, book_id: BookId, past: &Arc<Past>) {
        let mut kept = self.lock();
        kept.push((book_id, Arc::clone(past)));
        let held = |kept: &[(BookId, Arc<Past>)]| {
            let sizes = kept.iter().map(|(_, past)| past.contents.len());
            sizes.fold(0_usize, usize::saturating_add)
        };
        while kept.len() > 1 && (kept.len() > MAX_POINTS || held(&kept) > MAX_PAST_TRANSACTIONS) {
            kept.remove(0);
        }
    }
}

/// The store of a book as of a point. Nothing can be written to it.
struct PastStore {
    present: Engine,
    book_id: BookId,
    point: Point,
    past: OnceCell<Arc<Past>>,
    /// When the point's commit was made, once it is known.
    at: Arc<OnceLock<DateTime<Utc>>>,
}

impl fmt::Debug for PastStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PastStore({}, {})", self.book_id, self.point)
    }
}

/// The time of a point: what depends on today is told as it was told then.
#[derive(Debug)]
struct PastClock {
    present: Arc<dyn Clock>,
    at: Arc<OnceLock<DateTime<Utc>>>,
}

impl Clock for PastClock {
    fn now(&self) -> DateTime<Utc> {
        self.at.get().copied().unwrap_or_else(|| self.present.now())
    }
}

/// The answer to whoever would write to the past.
pub(super) fn read_only() -> Error {
    let text = "the book is asked as of a past point, where nothing can be written";
    Error::new(ErrorCode::ReadOnly, text).field("as_of")
}

impl Engine {
    /// An engine for which a book is as it was at a point.
    pub(super) fn past(&self, book_id: BookId, point: Point) -> Self {
        let at = Arc::new(OnceLock::new());
        let clock = PastClock { present: Arc::clone(&self.inner.clock), at: Arc::clone(&at) };
        let store = PastStore { present: self.clone(), book_id, point, past: OnceCell::new(), at };
        let inner = Inner {
            store: Arc::new(store),
            clock: Arc::new(clock),
            ids: Arc::clone(&self.inner.ids),
            cache: Cache::default(),
            queues: Queues::default(),
            points: Points::default(),
        };
        Self {
            inner: Arc::new(inner),
            outside: self.outside.clone(),
            translator: self.translator.clone(),
            // A secret that was replaced or removed does not come back.
            keys: None,
            signer: self.signer.clone(),
        }
    }
}

impl BookHandle {
    /// The same book as of a point: whatever is read of it is as it was then, figures, lists and
    /// history alike, and what depends on today is told as on that day. Who may read it is decided
    /// by the members that it has now. Nothing is read yet; a point that is none is `not_found`.
    ///
    /// A book as of a point is held in memory, so it may have at most
    /// [`MAX_PAST_TRANSACTIONS`]; writing answers
    /// `read_only`. Texts that were erased since are empty.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::analytics::BalancesQuery;
    ///
    /// let then = book.at("2026-03-31T22:00:00Z".parse()?);
    /// println!("{:?}", then.reports().balances(BalancesQuery::default()).await?);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn at(&self, point: Point) -> Self {
        let mut context = self.context.clone();
        context.as_of = Some(point);
        let present = self.present.as_ref().unwrap_or(&self.engine);
        Self { observer: self.observer.clone(), ..present.book(self.book_id, context) }
    }

    /// Refuses a write to the past; first of all who may not write at all.
    pub(super) async fn check_present(&self, role: Role) -> Result<()> {
        if self.present.is_none() {
            return Ok(());
        }
        self.authorised(role).await?;
        Err(read_only())
    }
}

impl PastStore {
    async fn past(&self) -> Result<&Past> {
        let past = self.past.get_or_try_init(|| self.load()).await?;
        Ok(past)
    }

    fn store(&self) -> &dyn Store {
        &*self.present.inner.store
    }

    async fn load(&self) -> Result<Arc<Past>> {
        let head = self.store().head(self.book_id).await?.ok_or_else(book_not_found)?;
        let commit = self.present.commit_at(self.book_id, self.point, head).await;
        let commit = commit.map_err(|error| error.or_field("as_of"))?;
        let at = commit.at()?;
        let points = &self.present.inner.points;
        let kept = match points.get(self.book_id, commit.head()) {
            Some(past) if self.is_whole(&past, head).await? => Some(past),
            Some(_) => {
                points.forget(self.book_id);
                None
            }
            None => None,
        };
        let past = match kept {
            Some(past) => past,
            None => {
                let is_near = head.seq.saturating_sub(commit.seq) < commit.seq;
                let contents = match is_near {
                    true => self.back(commit.seq).await,
                    false => match self.forth(commit.seq).await {
                        Err(error) if error.code() == ErrorCode::Sealed => {
                            self.back(commit.seq).await
                        }
                        forth => forth,
                    },
                };
                let past = Arc::new(Past {
                    head: commit.head(),
                    contents: contents.map_err(|error| error.or_field("as_of"))?,
                    whole_until: AtomicU64::new(head.seq),
                    view: Mutex::default(),
                });
                points.put(self.book_id, &past);
                past
            }
        };
        self.at.get_or_init(|| at);
        Ok(past)
    }

    /// Whether nothing was erased or sealed since a point was made, by whatever process.
    async fn is_whole(&self, past: &Past, head: Head) -> Result<bool> {
        let mut is_whole = true;
        let after = past.whole_until.load(Ordering::Relaxed);
        each_commit(self.store(), self.book_id, after, head.seq, |commit| {
            is_whole = is_whole && !commit.takes_away()?;
            Ok(())
        })
        .await?;
        if is_whole {
            past.whole_until.fetch_max(head.seq, Ordering::Relaxed);
        }
        Ok(is_whole)
    }

    /// What the commits up to one make of nothing.
    async fn forth(&self, last: u64) -> Result<Contents> {
        let mut contents = Contents::default();
        each_commit(self.store(), self.book_id, 0, last, |commit| {
            contents.apply(&commit.open()?.changes);
            check_size(contents.len())
        })
        .await?;
        Ok(contents)
    }

    /// What the book holds now, with what was before each commit after one.
    async fn back(&self, last: u64) -> Result<Contents> {
        let mut contents = Contents::default();
        let documents = self.store().documents(self.book_id).await?.ok_or_else(book_not_found)?.1;
        documents.into_iter().for_each(|document| contents.put(Object::Document(document)));
        let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
        let mut request = PageRequest { query, after: None, limit: WHOLE_ROWS };
        loop {
            let page = self.store().page(self.book_id, &request).await?;
            let Some(last) = page.last() else { break };
            request.after = Some(Position { booking_date: last.booking_date, id: last.id });
            page.into_iter().for_each(|it| contents.put(it.into()));
            check_size(contents.len())?;
        }
        // Rows were read while others wrote: all that was written until now is taken back, and of
        // what is written to an object the first commit knows how it was.
        let head = self.store().head(self.book_id).await?.ok_or_else(book_not_found)?;
        let mut former: HashMap<(&str, String), Object> = HashMap::new();
        let mut seen: HashSet<(&str, String)> = HashSet::new();
        each_commit(self.store(), self.book_id, last, head.seq, |commit| {
            for change in commit.open()?.changes {
                let Some(subject) = change.subject() else { continue };
                let key = (subject.kind(), subject.key());
                if seen.insert(key.clone()) {
                    match change.before {
                        Some(before) => drop(former.insert(key, before)),
                        None => change.after.iter().for_each(|after| contents.remove(after)),
                    }
                }
            }
            Ok(())
        })
        .await?;
        let mut restored = BTreeSet::new();
        for object in former.into_values() {
            if let Object::Transaction(it) = &object {
                restored.insert(it.id);
            }
            contents.put(object);
        }
        check_size(contents.len())?;
        self.find_revisions(last, restored, &mut contents).await?;
        Ok(contents)
    }

    /// Finds the commits that changed transactions last: an image does not tell. For what is sealed
    /// the last of those commits stands.
    async fn find_revisions(
        &self,
        last: u64,
        mut wanted: BTreeSet<TransactionId>,
        contents: &mut Contents,
    ) -> Result<()> {
        let mut end = last;
        while end > 0 && !wanted.is_empty() {
            let after = end.saturating_sub(u64::from(COMMITS));
            let (mut found, mut sealed) = (BTreeSet::new(), None);
            each_commit(self.store(), self.book_id, after, end, |commit| {
                if commit.is_sealed() {
                    sealed = Some(commit.seq);
                } else if may_name(&commit, &wanted) {
                    for change in commit.open()?.changes {
                        if let Some(Object::Transaction(it)) = &change.after
                            && wanted.contains(&it.id)
                        {
                            contents.set_revision(it.id, commit.seq);
                            found.insert(it.id);
                        }
                    }
                }
                Ok(())
            })
            .await?;
            wanted.retain(|id| !found.contains(id));
            if let Some(seq) = sealed {
                wanted.iter().for_each(|id| contents.set_revision(*id, seq));
                return Ok(());
            }
            end = after;
        }
        Ok(())
    }
}

/// Whether a commit may have changed one of some transactions.
fn may_name(commit: &StoredCommit, ids: &BTreeSet<TransactionId>) -> bool {
    let names = |id: &TransactionId| {
        memchr::memmem::find(&commit.body, id.to_string().as_bytes()).is_some()
    };
    ids.len() > FEW || ids.iter().any(names)
}

fn check_size(transactions: usize) -> Result<()> {
    if transactions <= MAX_PAST_TRANSACTIONS {
        return Ok(());
    }
    let text = format!(
        "a book of more than {MAX_PAST_TRANSACTIONS} transactions cannot be asked as of a point"
    );
    Err(Error::new(ErrorCode::LimitExceeded, text).field("as_of"))
}

#[async_trait]
impl Store for PastStore {
    async fn head(&self, _book_id: BookId) -> Result<Option<Head>> {
        Ok(Some(self.past().await?.head))
    }

    async fn documents(&self, _book_id: BookId) -> Result<Option<(Head, Vec<Document>)>> {
        let past = self.past().await?;
        Ok(Some((past.head, past.contents.documents().cloned().collect())))
    }

    async fn select(
        &self,
        _book_id: BookId,
        selection: Selection<'_>,
    ) -> Result<Option<(Head, Vec<Transaction>)>> {
        let past = self.past().await?;
        Ok(Some((past.head, past.contents.select(selection))))
    }

    async fn columns(
        &self,
        _book_id: BookId,
        after: Option<TransactionId>,
        limit: u32,
    ) -> Result<Vec<ColumnRow>> {
        Ok(self.past().await?.contents.columns(after, limit))
    }

    async fn origins(&self, _book_id: BookId, query: &OriginQuery) -> Result<Vec<OriginRow>> {
        Ok(self.past().await?.contents.origins(query))
    }

    async fn commits(
        &self,
        book_id: BookId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<StoredCommit>> {
        let left = self.past().await?.head.seq.saturating_sub(after_seq);
        match limit.min(u32::try_from(left).unwrap_or(u32::MAX)) {
            0 => Ok(Vec::new()),
            limit => self.store().commits(book_id, after_seq, limit).await,
        }
    }

    async fn tree_nodes(&self, book_id: BookId, seqs: &[u64]) -> Result<Vec<TreeNodes>> {
        self.store().tree_nodes(book_id, seqs).await
    }

    async fn keep_tree_nodes(&self, book_id: BookId, nodes: &[TreeNodes]) -> Result<()> {
        self.store().keep_tree_nodes(book_id, nodes).await
    }

    async fn answered(&self, _book_id: BookId, _key: &str) -> Result<Option<Answered>> {
        Ok(None)
    }

    async fn commit(&self, _commit: Arc<Commit>) -> Result<()> {
        Err(read_only())
    }

    async fn erase(&self, _erasure: Arc<Erasure>) -> Result<()> {
        Err(read_only())
    }

    async fn books(&self, after: Option<BookId>, limit: u32) -> Result<Vec<BookId>> {
        self.store().books(after, limit).await
    }

    async fn waiting(&self, query: &WaitingQuery) -> Result<Vec<BookId>> {
        self.store().waiting(query).await
    }

    async fn delivery(&self, book_id: BookId, sink: &str) -> Result<Option<Delivery>> {
        self.store().delivery(book_id, sink).await
    }

    async fn set_aside(
        &self,
        book_id: BookId,
        sink: &str,
        query: &SetAsideQuery,
    ) -> Result<Vec<SetAside>> {
        self.store().set_aside(book_id, sink, query).await
    }

    async fn deliver(&self, _book_id: BookId, _sink: &str, _step: Arc<DeliveryStep>) -> Result<()> {
        Err(read_only())
    }

    async fn snapshot(&self, _book_id: BookId) -> Result<Option<Snapshot>> {
        let past = self.past().await?;
        Ok(past.view.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn keep_snapshot(&self, _book_id: BookId, snapshot: Snapshot) -> Result<()> {
        let past = self.past().await?;
        *past.view.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        Ok(())
    }

    async fn kept(&self, book_id: BookId, part: &KeptPart) -> Result<Vec<KeptRow>> {
        let past = self.past().await?;
        let KeptPart::Answers { after, limit } = part else { return Ok(past.contents.kept(part)) };
        let (mut after, limit) = (after.clone(), *limit);
        loop {
            let part = KeptPart::Answers { after, limit };
            let mut rows = self.store().kept(book_id, &part).await?;
            let Some(last) = rows.last() else { return Ok(rows) };
            after = Some(last.id.clone());
            // Those of later commits were not given yet.
            rows.retain(|row| match &row.content {
                Some(Kept::Answer(answered)) => answered.seq <= past.head.seq,
                _ => true,
            });
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
    }

    async fn close(&self) {}
}
