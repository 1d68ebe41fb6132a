//! What the engine keeps of books in memory: plan, rules, view and learned model at a head.
//!
//! All of it is derived: it may be dropped at any time and comes back identical from the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::Engine;
use crate::categorise::{Choice, Learner};
use crate::error::{Error, ErrorCode, Lane, Result};
use crate::id::BookId;
use crate::log::{Change, Commit, Object, StoredCommit, documents_of};
use crate::model::{Document, DocumentKind, SourceKind, Transaction};
use crate::plan::{Plan, book_not_found};
use crate::planted;
use crate::proof::{Frontier, leaf_hash, right_edge};
use crate::rules::{Balances, RuleSet};
use crate::store::{Head, PageRequest, Position, Snapshot, TransactionQuery};
use crate::view::{View, ViewBuilder};

/// How many books are kept at most; the one used longest ago gives way.
const MAX_BOOKS: usize = 256;
/// How many commits a state without a view catches up with before everything is read afresh,
const MAX_CATCH_UP: usize = 64;
/// and how many changes one with a view does, beside a quarter of the view's transactions: reading
/// a change takes some times as long as reading a row.
const LEAST_CATCH_UP: usize = 10_000;
const CATCH_UP: usize = 4;
/// How many transactions a view has to have, and how many of them have to be new for each that it
/// has, before it is kept in the store.
const LEAST_KEPT: usize = 10_000;
const NEW_TO_KEEP: usize = 8;
/// How many bytes of a view are kept at most.
const MAX_KEPT_BYTES: usize = 256 * 1024 * 1024;
/// How many commits are read at a time.
const COMMITS: u32 = 100;
/// How many rows of a view are read at a time.
const COLUMN_ROWS: u32 = 10_000;
/// How many whole transactions are read at a time: one may have a megabyte.
pub(super) const WHOLE_ROWS: u32 = 500;

/// A book at one point of its history.
#[derive(Clone)]
pub(super) struct BookState {
    pub(super) head: Head,
    pub(super) plan: Arc<Plan>,
    rules: Arc<OnceLock<RuleSet>>,
    pub(super) view: Option<Arc<View>>,
    pub(super) learner: Option<Arc<Learner>>,
    /// The right edge of the book's tree, once it was needed.
    tree: Option<Arc<Frontier>>,
}

crate::model::debug_only!(BookState: head);

impl BookState {
    fn new(head: Head, plan: Plan) -> Self {
        Self {
            head,
            plan: Arc::new(plan),
            rules: Arc::default(),
            view: None,
            learner: None,
            tree: None,
        }
    }

    /// Whether the tree can grow by a commit without reading of it.
    pub(super) fn has_tree(&self) -> bool {
        self.tree.is_some()
    }

    /// The rules, ready to run; they are prepared when first asked for.
    pub(super) fn rules(&self) -> &RuleSet {
        self.rules.get_or_init(|| RuleSet::new(self.plan.rules.values(), &self.plan))
    }

    /// The balances that the book's rules look at; none where no rule does.
    pub(super) fn balances(&self) -> Balances {
        self.balances_for(self.rules())
    }

    /// The balances that rules look at, or the book's own do; none where neither does, or the view
    /// is not there.
    pub(super) fn balances_for(&self, rules: &RuleSet) -> Balances {
        match &self.view {
            Some(view) if rules.ask_balance() || self.rules().ask_balance() => {
                Balances::new(&self.plan, view)
            }
            _ => Balances::default(),
        }
    }

    /// Moves on by one commit.
    fn advance(&mut self, commit: &StoredCommit, changes: &[Change]) {
        let head = commit.head();
        self.head = head;
        if let Some(tree) = &mut self.tree {
            Arc::make_mut(tree).append(leaf_hash(&commit.header));
        }
        for (document, stays) in documents_of(changes) {
            let renames = match document {
                Document::Book(book) => {
                    book.learning.forgotten != self.plan.book.learning.forgotten
                }
                document => document.kind() == DocumentKind::Payee,
            };
            if renames {
                self.learner = None;
            }
            Arc::make_mut(&mut self.plan).apply(document, stays);
            let named = matches!(document.kind(), DocumentKind::Account | DocumentKind::Category);
            if document.kind() == DocumentKind::Rule
                || (named && self.rules.get().is_some_and(RuleSet::ask_names))
            {
                self.rules = Arc::default();
            }
        }
        if let Some(view) = &mut self.view {
            let view = Arc::make_mut(view);
            view.apply(changes);
            view.set_head(head.hash);
        }
        if let Some(learner) = self.learner.as_mut().filter(|_| Learner::concerns(changes)) {
            Arc::make_mut(learner).apply(changes);
        }
    }

    /// Moves on by one commit as it is stored; its changes. `None` where that cannot be, because
    /// texts that this state may hold are erased with the commit, or it is sealed: everything is to
    /// be read afresh.
    fn catch_up(&mut self, commit: &StoredCommit) -> Result<Option<Vec<Change>>> {
        if commit.parent != self.head.hash {
            return Err(
                Error::new(ErrorCode::HistoryBroken, "the history was rewritten").id(commit.seq)
            );
        }
        if commit.is_sealed() {
            return Ok(None);
        }
        let opened = commit.open()?;
        if opened.is_erasure() && !planted::is("erasure_not_followed") {
            return Ok(None);
        }
        self.advance(commit, &opened.changes);
        Ok(Some(opened.changes))
    }
}

/// The books in memory.
#[derive(Debug, Default)]
pub(super) struct Cache {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    states: HashMap<BookId, (u64, BookState)>,
    uses: u64,
}

impl Cache {
    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state that is kept of a book, wherever the book may be by now.
    pub(super) fn get(&self, book_id: BookId) -> Option<BookState> {
        let mut books = self.lock();
        books.uses = books.uses.saturating_add(1);
        let uses = books.uses;
        let (used, state) = books.states.get_mut(&book_id)?;
        *used = uses;
        Some(state.clone())
    }

    /// Keeps a state unless a newer one is kept already; of the same one, all that was made.
    fn put(&self, book_id: BookId, mut state: BookState) {
        let mut books = self.lock();
        books.uses = books.uses.saturating_add(1);
        let uses = books.uses;
        if let Some((_, kept)) = books.states.get(&book_id) {
            if kept.head.seq > state.head.seq {
                return;
            }
            if kept.head == state.head {
                state.view = kept.view.clone().or(state.view);
                state.learner = state.learner.or_else(|| kept.learner.clone());
                state.tree = state.tree.or_else(|| kept.tree.clone());
            }
        }
        books.states.insert(book_id, (uses, state));
        if books.states.len() > MAX_BOOKS {
            let oldest = books.states.iter().min_by_key(|(_, (used, _))| *used).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                books.states.remove(&oldest);
            }
        }
    }

    /// Moves a kept state on by a commit that was just made; without copying where nobody else
    /// holds the state.
    pub(super) fn advance(&self, parent: Head, commit: &Commit) {
        let mut books = self.lock();
        if let Some((_, state)) = books.states.get_mut(&commit.book_id)
            && state.head == parent
        {
            state.advance(&commit.stored, &commit.changes);
        }
    }

    /// Whether the caller is to keep the view of a book: where it is to be kept, and for whoever
    /// asks first.
    fn claim_keeping(&self, book_id: BookId) -> bool {
        let mut books = self.lock();
        let state = books.states.get_mut(&book_id).map(|(_, state)| state);
        let view = state.and_then(|state| state.view.as_mut()).filter(|view| is_to_be_kept(view));
        view.is_some_and(|view| {
            Arc::make_mut(view).set_kept();
            true
        })
    }

    /// Drops a state.
    pub(super) fn forget(&self, book_id: BookId) {
        self.lock().states.remove(&book_id);
    }
}

impl Engine {
    /// The right edge of a book's tree at the head of a state.
    pub(super) async fn tree(&self, book_id: BookId, state: &BookState) -> Result<Arc<Frontier>> {
        if let Some(tree) = &state.tree {
            return Ok(Arc::clone(tree));
        }
        let tree = right_edge(&*self.inner.store, book_id, state.head.seq).await?;
        let tree = Arc::new(tree);
        self.inner.cache.put(book_id, BookState { tree: Some(Arc::clone(&tree)), ..state.clone() });
        Ok(tree)
    }

    /// The book as it is now.
    pub(super) async fn state(&self, book_id: BookId) -> Result<BookState> {
        let store = &self.inner.store;
        let head = store.head(book_id).await?.ok_or_else(book_not_found)?;
        if let Some(state) = self.inner.cache.get(book_id) {
            if state.head == head || planted::is("cache_without_head") {
                return Ok(state);
            }
            match self.caught_up(book_id, state, head).await {
                Ok(Some(state)) => {
                    self.inner.cache.put(book_id, state.clone());
                    return Ok(state);
                }
                Err(error) if error.lane() != Lane::Corrupt => return Err(error),
                // What does not fit the state in memory may be whole in the store: it is read
                // afresh below, as an engine that starts now would.
                Ok(None) | Err(_) => self.inner.cache.forget(book_id),
            }
        }
        let (head, documents) = store.documents(book_id).await?.ok_or_else(book_not_found)?;
        let state = BookState::new(head, Plan::from_documents(documents)?);
        self.inner.cache.put(book_id, state.clone());
        Ok(state)
    }

    /// A state moved on to the head by the commits since; `None` where it is too far off.
    async fn caught_up(
        &self,
        book_id: BookId,
        mut state: BookState,
        head: Head,
    ) -> Result<Option<BookState>> {
        let mut left = state.view.as_deref().map_or(MAX_CATCH_UP, most_changes);
        let behind = usize::try_from(head.seq.saturating_sub(state.head.seq));
        if !behind.is_ok_and(|behind| (1..=left).contains(&behind)) {
            return Ok(None);
        }
        while state.head.seq < head.seq {
            let commits = self.inner.store.commits(book_id, state.head.seq, COMMITS).await?;
            if commits.is_empty() {
                return Ok(None);
            }
            for commit in commits {
                let Some(changes) = state.catch_up(&commit)? else { return Ok(None) };
                let cost = if state.view.is_some() { changes.len().max(1) } else { 1 };
                let Some(rest) = left.checked_sub(cost) else { return Ok(None) };
                left = rest;
            }
        }
        Ok(Some(state))
    }

    /// The book as it is now, with its view.
    pub(super) async fn state_with_view(&self, book_id: BookId) -> Result<(BookState, Arc<View>)> {
        let mut is_first = true;
        loop {
            match self.state_and_view(book_id).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(error) if error.lane() == Lane::Corrupt && is_first => is_first = false,
                Err(error) => return Err(error),
            }
            self.inner.cache.forget(book_id);
        }
    }

    /// A state with its view. Where that has to be made, it is the state of now, perhaps a later
    /// one; where it is there, nothing is read, and less time passes until a decision is committed.
    pub(super) async fn viewed(
        &self,
        book_id: BookId,
        state: BookState,
    ) -> Result<(BookState, Arc<View>)> {
        let Some(view) = state.view.clone() else { return self.state_with_view(book_id).await };
        self.keep_view(book_id, state.head, &view).await;
        Ok((state, view))
    }

    /// `None` where texts were erased meanwhile.
    async fn state_and_view(&self, book_id: BookId) -> Result<Option<(BookState, Arc<View>)>> {
        let mut state = self.state(book_id).await?;
        let view = match state.view.take() {
            Some(view) => view,
            None => {
                let view = match self.kept_view(book_id, state.head).await? {
                    Some(view) => view,
                    None => self.view_of_rows(book_id, state.head).await?,
                };
                state.view = Some(Arc::new(view));
                // Rows may be newer than the plan: commits made meanwhile are applied to both.
                // Applying what a row shows already changes nothing, so view and plan meet at the
                // same head.
                loop {
                    let commits =
                        self.inner.store.commits(book_id, state.head.seq, COMMITS).await?;
                    if commits.is_empty() {
                        break;
                    }
                    for commit in commits {
                        if state.catch_up(&commit)?.is_none() {
                            return Ok(None);
                        }
                    }
                }
                let view = state.view.take().ok_or_else(|| Error::corrupt("the view was lost"))?;
                state.view = Some(Arc::clone(&view));
                self.inner.cache.put(book_id, state.clone());
                view
            }
        };
        self.keep_view(book_id, state.head, &view).await;
        state.view = Some(Arc::clone(&view));
        Ok(Some((state, view)))
    }

    /// The view as the store's rows make it, or as they made it a little later.
    async fn view_of_rows(&self, book_id: BookId, head: Head) -> Result<View> {
        let mut builder = ViewBuilder::default();
        let mut after = None;
        loop {
            let rows = self.inner.store.columns(book_id, after, COLUMN_ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            rows.iter().for_each(|row| builder.add(row));
        }
        let mut view = builder.build();
        view.set_head(head.hash);
        Ok(view)
    }

    /// The view that is kept in the store, moved on to a head; `None` where there is none, it is
    /// of another history, or it is so far behind that reading the rows is faster.
    async fn kept_view(&self, book_id: BookId, head: Head) -> Result<Option<View>> {
        let Some(kept) = self.inner.store.snapshot(book_id).await? else { return Ok(None) };
        let Some(mut view) = View::from_bytes(kept.head.hash, &kept.bytes) else { return Ok(None) };
        let (mut at, mut left) = (kept.head, most_changes(&view));
        while at.seq < head.seq {
            let most = u32::try_from(head.seq - at.seq).unwrap_or(u32::MAX).min(COMMITS);
            let commits = self.inner.store.commits(book_id, at.seq, most).await?;
            if commits.first().is_none_or(|first| first.parent != at.hash) {
                return Ok(None);
            }
            for commit in commits {
                if commit.is_sealed() {
                    return Ok(None);
                }
                let opened = commit.open()?;
                if commit.parent != at.hash || opened.is_erasure() {
                    return Ok(None);
                }
                let changes = opened.changes;
                let Some(rest) = left.checked_sub(changes.len().max(1)) else { return Ok(None) };
                left = rest;
                at = commit.head();
                view.apply(&changes);
                view.set_head(at.hash);
            }
        }
        Ok((at == head).then_some(view))
    }

    /// Keeps a large view in the store where much of it is new, so that the book opens fast the
    /// next time. It is tried once: that a store cannot keep it takes nothing from the figures.
    async fn keep_view(&self, book_id: BookId, head: Head, view: &View) {
        if !is_to_be_kept(view) || !self.inner.cache.claim_keeping(book_id) {
            return;
        }
        let bytes = view.to_bytes();
        if bytes.len() <= MAX_KEPT_BYTES {
            drop(self.inner.store.keep_snapshot(book_id, Snapshot { head, bytes }).await);
        }
    }

    /// The same book, or as it is a little later, with what was learned from it.
    pub(super) async fn with_learner(
        &self,
        book_id: BookId,
        mut state: BookState,
    ) -> Result<(BookState, Arc<Learner>)> {
        loop {
            if let Some(found) = self.learned(book_id, state).await? {
                return Ok(found);
            }
            self.inner.cache.forget(book_id);
            state = self.state(book_id).await?;
        }
    }

    /// `None` where texts were erased meanwhile.
    async fn learned(
        &self,
        book_id: BookId,
        mut state: BookState,
    ) -> Result<Option<(BookState, Arc<Learner>)>> {
        if let Some(learner) = &state.learner {
            let learner = Arc::clone(learner);
            return Ok(Some((state, learner)));
        }
        let mut choices = HashMap::new();
        let mut put = |it: &Transaction| match Choice::of(it) {
            Some(choice) => drop(choices.insert(it.id, choice)),
            None => drop(choices.remove(&it.id)),
        };
        self.chosen(book_id, &mut put).await?;
        // As with the view: rows may be newer than the plan, and both meet at the same head.
        loop {
            let commits = self.inner.store.commits(book_id, state.head.seq, COMMITS).await?;
            if commits.is_empty() {
                break;
            }
            for commit in commits {
                let Some(changes) = state.catch_up(&commit)? else { return Ok(None) };
                for change in changes {
                    match (change.before, change.after) {
                        (_, Some(Object::Transaction(it))) => put(&it),
                        (Some(Object::Transaction(it)), None) => {
                            put(&Transaction { deleted: true, ..*it });
                        }
                        _ => {}
                    }
                }
            }
        }
        let learner = Arc::new(Learner::new(&state.plan, choices.values()));
        state.learner = Some(Arc::clone(&learner));
        self.inner.cache.put(book_id, state.clone());
        Ok(Some((state, learner)))
    }

    /// Calls with every transaction whose category a person chose.
    pub(super) async fn chosen(
        &self,
        book_id: BookId,
        mut call: impl FnMut(&Transaction),
    ) -> Result<()> {
        let category_source = Some(SourceKind::User);
        let query = TransactionQuery { category_source, ..TransactionQuery::default() };
        let mut request = PageRequest { query, after: None, limit: WHOLE_ROWS };
        loop {
            let page = self.inner.store.page(book_id, &request).await?;
            let Some(last) = page.last() else { return Ok(()) };
            request.after = Some(Position { booking_date: last.booking_date, id: last.id });
            page.iter().for_each(&mut call);
        }
    }
}

/// Whether a view is large, and much of it new.
fn is_to_be_kept(view: &View) -> bool {
    view.len() >= LEAST_KEPT && view.unkept() > view.len().div_euclid(NEW_TO_KEEP)
}

/// How many changes are applied to a view at most before it is made anew.
pub(crate) fn most_changes(view: &View) -> usize {
    view.len().div_euclid(CATCH_UP).saturating_add(LEAST_CATCH_UP)
}
