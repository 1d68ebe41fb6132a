//! Driving a decision: load what it needs, decide, commit, and try again when the book moved on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_lock::MutexGuardArc;
use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::progress::{ImportPhase, Reporter};
use super::state::{BookState, WHOLE_ROWS};
use super::{BookHandle, Context, Engine};
use crate::budgets;
use crate::categorise::Learner;
use crate::env::IdSource;
use crate::error::{Error, ErrorCode, Lane, Result};
use crate::goals;
use crate::id::{AccountId, BookId, EventId, TransactionId};
use crate::limits::MAX_ATTEMPTS;
use crate::log::{Change, CommitInfo, Draft, Hash, Idempotency, NewEvent};
use crate::model::{Role, Transaction};
use crate::plan::Plan;
use crate::planted;
use crate::proof::Frontier;
use crate::rules::{self, Balances, RuleSet, Run};
use crate::secrets::KeyProvider;
use crate::store::{OriginQuery, OriginRow, PageRequest, Position, Selection, TransactionQuery};
use crate::view::View;

/// What a decision needs to know beyond the plan.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// These transactions; one that is not there is `not_found`.
    pub(super) transactions: Vec<TransactionId>,
    /// These transactions, where they are there.
    pub(super) maybe: Vec<TransactionId>,
    /// Also the other sides of transfers among them.
    pub(super) partners: bool,
    /// Every transaction in these accounts, deleted ones too.
    pub(super) accounts: Vec<AccountId>,
    /// Every transaction that is not deleted.
    pub(super) all: bool,
    /// Every transaction that one of these selects.
    pub(super) queries: Vec<TransactionQuery>,
    /// Earlier imports, one answer a query.
    pub(super) origins: Vec<OriginQuery>,
}

impl Needs {
    /// Whether it is rows by their ids alone.
    fn are_few(&self) -> bool {
        self.accounts.is_empty() && self.queries.is_empty() && self.origins.is_empty() && !self.all
    }
}

/// What a decision looks at.
pub(super) struct Facts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) rules: &'a RuleSet,
    pub(super) balances: Balances,
    pub(super) view: Option<&'a View>,
    /// What was learned from the book, where it may be used.
    pub(super) learner: Option<Arc<Learner>>,
    pub(super) transactions: HashMap<TransactionId, Transaction>,
    pub(super) origins: Vec<Vec<OriginRow>>,
    pub(super) now: DateTime<Utc>,
    /// The sequence number that a commit of this decision has.
    pub(super) seq: u64,
    pub(super) ids: &'a dyn IdSource,
    pub(super) keys: Option<&'a dyn KeyProvider>,
}

impl Facts<'_> {
    /// The book's view, which is there for a command that asks for it.
    pub(super) fn view(&self) -> Result<&View> {
        self.view.ok_or_else(|| Error::new(ErrorCode::Internal, "a decision lacks its view"))
    }

    /// A transaction that the decision needs; a deleted one is not there.
    pub(super) fn transaction(&self, id: TransactionId) -> Result<&Transaction> {
        self.transactions
            .get(&id)
            .filter(|transaction| !transaction.deleted)
            .ok_or_else(|| Error::not_found("transaction", id))
    }

    /// A transaction as the book's rules leave it; `None` where they change nothing.
    pub(super) fn ruled(&self, it: &Transaction, run: &mut Run) -> Result<Option<Transaction>> {
        let facts = rules::Facts::from(it).with_balance(self.balances.of(it));
        Ok(self.rules.evaluate(facts, run)?.after())
    }

    /// Gives a transaction that was just made, and that the rules have seen, the category that was
    /// learned, where it is sure enough.
    pub(super) fn categorise(&self, it: &mut Transaction) {
        if let Some(learner) = &self.learner {
            learner.categorise(it, self.plan.book.learning.threshold);
        }
    }

    /// The transactions that were loaded, each changed alike, in the order of ids.
    pub(super) fn each_changed(&self, change: impl Fn(&mut Transaction)) -> Vec<Change> {
        let mut all: Vec<&Transaction> = self.transactions.values().collect();
        all.sort_unstable_by_key(|it| it.id);
        let changed = |before: &Transaction| {
            let mut after = before.clone();
            change(&mut after);
            Change::update(before.clone(), after)
        };
        all.into_iter().map(changed).collect()
    }

    /// A fresh UUID.
    pub(super) fn uuid(&self) -> uuid::Uuid {
        self.ids.uuid(self.now)
    }

    /// An event about an object.
    pub(super) fn event(
        &self,
        name: &str,
        aggregate: (&str, String),
        payload: &[(&str, String)],
    ) -> NewEvent {
        let payload = payload.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        NewEvent {
            id: EventId::new(self.uuid()),
            name: name.to_owned(),
            aggregate_type: aggregate.0.to_owned(),
            aggregate_id: aggregate.1,
            schema_version: 1,
            payload: payload.collect(),
        }
    }
}

/// What was decided. Without changes nothing is committed, but the answer to an idempotency key.
#[must_use]
#[derive(Debug)]
pub(super) struct Decision<T> {
    pub(super) changes: Vec<Change>,
    pub(super) events: Vec<NewEvent>,
    pub(super) answer: T,
}

impl<T> Decision<T> {
    /// Nothing to do: what is asked for is there already.
    pub(super) fn unchanged(answer: T) -> Self {
        Self { changes: Vec::new(), events: Vec::new(), answer }
    }

    /// One change and one event.
    pub(super) fn one(change: Change, event: NewEvent, answer: T) -> Self {
        Self { changes: vec![change], events: vec![event], answer }
    }
}

/// A write, decided by a pure function over facts.
pub(super) trait Command: Serialize + Sync {
    type Answer: Serialize + DeserializeOwned + Send;

    /// The verb, such as `accounts.create`.
    const VERB: &'static str;
    /// The role that may do this.
    const ROLE: Role = Role::Member;
    /// Whether it runs rules.
    const RULES: bool = false;
    /// Whether it looks at figures.
    const VIEW: bool = false;

    /// Whether transactions get a category by it that was learned.
    fn learned(_plan: &Plan) -> bool {
        false
    }

    /// What to load before deciding.
    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs::default())
    }

    /// What else to load once earlier imports are known: ids of transactions.
    fn more(&self, _plan: &Plan, _origins: &[Vec<OriginRow>]) -> Vec<TransactionId> {
        Vec::new()
    }

    /// Who is told how far this is.
    fn reporter(&self) -> Option<&Reporter> {
        None
    }

    /// The decision.
    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Self::Answer>>;
}

/// Where the writers of a book wait for each other, so that a decision inside this process never
/// has to be made twice. Writers of other processes meet at the store's check of the head.
///
/// Only books that are being written have a queue.
#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<HashMap<BookId, Weak<async_lock::Mutex<()>>>>);

impl Queues {
    /// Waits for the book's turn; it ends when the answer is dropped.
    pub(super) async fn turn(&self, book_id: BookId) -> MutexGuardArc<()> {
        let queue = self.queue(book_id);
        queue.lock_arc().await
    }

    fn queue(&self, book_id: BookId) -> Arc<async_lock::Mutex<()>> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(&book_id).and_then(Weak::upgrade) {
            return queue;
        }
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = Arc::default();
        queues.insert(book_id, Arc::downgrade(&queue));
        queue
    }
}

impl BookHandle {
    /// The book as it is now, or as of a point, for an actor whose present role allows it.
    pub(super) async fn authorised(&self, role: Role) -> Result<BookState> {
        let state = self.engine.state(self.book_id);
        let Some(present) = &self.present else {
            let state = state.await?;
            state.plan.authorise(&self.context.actor, role)?;
            return Ok(state);
        };
        present.state(self.book_id).await?.plan.authorise(&self.context.actor, role)?;
        state.await
    }

    /// Transactions of the book, for an actor whose role allows it: by one read where the plan in
    /// memory is still the book's.
    pub(super) async fn select(
        &self,
        role: Role,
        selection: Selection<'_>,
    ) -> Result<Vec<Transaction>> {
        let store = &self.engine.inner.store;
        // Of the state no more than its head is held while reading: see `Cache::advance`.
        let known = self.engine.inner.cache.get(self.book_id).filter(|it| {
            self.present.is_none() && it.plan.authorise(&self.context.actor, role).is_ok()
        });
        if let Some(known) = known.map(|it| it.head)
            && let Some((head, found)) = store.select(self.book_id, selection).await?
            && head == known
        {
            return Ok(found);
        }
        self.authorised(role).await?;
        let found = store.select(self.book_id, selection).await?;
        Ok(found.map_or_else(Vec::new, |(_, found)| found))
    }

    /// The book as it is now, with its view where a rule looks at balances.
    pub(super) async fn ruling(&self, role: Role) -> Result<BookState> {
        let state = self.authorised(role).await?;
        if !state.rules().ask_balance() {
            return Ok(state);
        }
        Ok(self.engine.state_with_view(self.book_id).await?.0)
    }

    async fn state_for<C: Command>(&self) -> Result<BookState> {
        let state =
            if C::RULES { self.ruling(C::ROLE).await } else { self.authorised(C::ROLE).await }?;
        if C::VIEW {
            return Ok(self.engine.state_with_view(self.book_id).await?.0);
        }
        if C::learned(&state.plan) {
            return Ok(self.engine.with_learner(self.book_id, state).await?.0);
        }
        Ok(state)
    }

    /// Runs a write to its end.
    pub(super) async fn run<C: Command>(&self, command: &C) -> Result<C::Answer> {
        self.context.check()?;
        self.check_present(C::ROLE).await?;
        let request_digest = self.context.request_digest(C::VERB, command)?;
        let _turn = self.engine.inner.queues.turn(self.book_id).await;
        let known = self.known(command);
        let tried = u32::from(known.is_some());
        if let Some(state) = known
            && let Some(answer) = self.at_once(command, state, request_digest).await?
        {
            return Ok(answer);
        }
        for _ in tried..MAX_ATTEMPTS {
            let state = self.state_for::<C>().await?;
            if let Some(answer) = self.earlier_answer::<C::Answer>(request_digest).await? {
                return Ok(answer);
            }
            let now = self.engine.now();
            let mut decision = match self.decide(command, &state, now).await {
                Err(error) if error.lane() == Lane::Rejected && self.has_moved(&state).await? => {
                    continue;
                }
                decided => decided?,
            };
            if decision.changes.is_empty() {
                if request_digest.is_none() {
                    if self.has_moved(&state).await? {
                        continue;
                    }
                    return Ok(decision.answer);
                }
                // A key is kept even so: a late repeat must not undo what came after it.
                decision.events.clear();
            }
            if let Some(reporter) = command.reporter() {
                reporter.tell(ImportPhase::Store, 0);
            }
            if let Some(answer) = self.commit::<C>(state, decision, request_digest, now).await? {
                if let Some(reporter) = command.reporter() {
                    reporter.end(ImportPhase::Store);
                }
                return Ok(answer);
            }
        }
        Err(Error::new(ErrorCode::Conflict, "the book is being changed too fast; try again"))
    }

    /// Whether the book has moved on since a state was read. What is decided without a commit may
    /// then rest on a plan of before and rows of after, and a commit would have been turned away.
    async fn has_moved(&self, state: &BookState) -> Result<bool> {
        let head = self.engine.inner.store.head(self.book_id).await?;
        Ok(head != Some(state.head))
    }

    /// The book as it is in memory, where a write wants no more than that and a few rows.
    fn known<C: Command>(&self, command: &C) -> Option<BookState> {
        let state = self.engine.inner.cache.get(self.book_id)?;
        let plan = &state.plan;
        let lacks = C::VIEW
            || !state.has_tree()
            || (C::RULES && state.rules().ask_balance())
            || (C::learned(plan) && state.learner.is_none());
        let allowed = plan.authorise(&self.context.actor, C::ROLE).is_ok();
        let few = || command.needs(plan).is_ok_and(|needs| needs.are_few());
        (!lacks && allowed && few()).then_some(state)
    }

    /// Runs a write on the book as it is in memory. Whether the book is still so, and its key
    /// unused, the store finds out when it commits; what comes to no commit, a refusal for one, is
    /// to be decided again on what the store says.
    async fn at_once<C: Command>(
        &self,
        command: &C,
        state: BookState,
        request_digest: Option<Hash>,
    ) -> Result<Option<C::Answer>> {
        let now = self.engine.now();
        let decided = self.decide(command, &state, now).await;
        let Some(decision) = decided.ok().filter(|it| !it.changes.is_empty()) else {
            return Ok(None);
        };
        match self.commit::<C>(state, decision, request_digest, now).await {
            Err(error) if error.lane() == Lane::Rejected => Ok(None),
            committed => committed,
        }
    }

    /// The first answer to a write, where its key was used before. For what cannot be asked again:
    /// [`BookHandle::run`] looks by itself, but only at what can still be prepared.
    pub(super) async fn repeated<C: Command>(&self, command: &C) -> Result<Option<C::Answer>> {
        self.context.check()?;
        self.check_present(C::ROLE).await?;
        let request_digest = self.context.request_digest(C::VERB, command)?;
        self.authorised(C::ROLE).await?;
        self.earlier_answer(request_digest).await
    }

    /// What a write would do now.
    pub(super) async fn foresee<C: Command>(&self, command: &C) -> Result<Decision<C::Answer>> {
        let state = self.state_for::<C>().await?;
        self.decide(command, &state, self.engine.now()).await
    }

    async fn decide<C: Command>(
        &self,
        command: &C,
        state: &BookState,
        now: DateTime<Utc>,
    ) -> Result<Decision<C::Answer>> {
        let (transactions, origins) = self.load(command, &state.plan).await?;
        let facts = Facts {
            plan: &state.plan,
            rules: state.rules(),
            balances: if C::RULES { state.balances() } else { Balances::default() },
            view: state.view.as_deref(),
            learner: state.learner.clone().filter(|_| C::learned(&state.plan)),
            transactions,
            origins,
            now,
            seq: state.head.seq.saturating_add(1),
            ids: &*self.engine.inner.ids,
            keys: self.engine.keys.as_deref(),
        };
        command.decide(&facts)
    }

    /// Commits a decision; `None` when the book has moved on meanwhile.
    async fn commit<C: Command>(
        &self,
        mut state: BookState,
        decision: Decision<C::Answer>,
        request_digest: Option<Hash>,
        now: DateTime<Utc>,
    ) -> Result<Option<C::Answer>> {
        let Decision { mut changes, mut events, answer } = decision;
        let parent = state.head;
        let crosses = budgets::may_cross(&state.plan, &changes);
        let reaches = goals::may_reach(&state.plan, &changes);
        if crosses || reaches {
            let (with_view, view) = self.engine.viewed(self.book_id, state).await?;
            if with_view.head != parent {
                return Ok(None);
            }
            let (plan, ids) = (&with_view.plan, &*self.engine.inner.ids);
            let mut announced = Vec::new();
            if crosses {
                announced.push(budgets::announce(plan, &view, &changes, ids, now));
            }
            if reaches {
                announced.push(goals::announce(plan, &view, &changes, ids, now)?);
            }
            for (documents, announcements) in announced {
                changes.extend(documents);
                events.extend(announcements);
            }
            state = with_view;
        }
        let ids = &*self.engine.inner.ids;
        let idempotency = self.context.idempotency(request_digest, &answer, ids)?;
        let info = self.context.commit_info(C::VERB, now);
        let draft = Draft {
            book_id: self.book_id,
            parent: Some(parent),
            info,
            changes,
            events,
            idempotency,
        };
        let mut commit = draft.seal(&*self.engine.inner.ids)?;
        let mut tree = self.engine.tree(self.book_id, &state).await?;
        commit.grow(Arc::make_mut(&mut tree));
        let commit = Arc::new(commit);
        // The state is let go before the cache moves on, so that nothing has to be copied.
        drop((state, tree));
        match self.engine.inner.store.commit(Arc::clone(&commit)).await {
            Ok(()) => {
                self.engine.inner.cache.advance(parent, &commit);
                Ok(Some(answer))
            }
            Err(error) if error.code() == ErrorCode::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn load<C: Command>(
        &self,
        command: &C,
        plan: &Plan,
    ) -> Result<(HashMap<TransactionId, Transaction>, Vec<Vec<OriginRow>>)> {
        let store = &self.engine.inner.store;
        let needs = command.needs(plan)?;
        let mut origins = Vec::with_capacity(needs.origins.len());
        for query in &needs.origins {
            origins.push(store.origins(self.book_id, query).await?);
        }
        let mut wanted = needs.transactions.clone();
        wanted.extend(&needs.maybe);
        wanted.extend(command.more(plan, &origins));
        let mut transactions = HashMap::new();
        self.load_ids(wanted, &mut transactions).await?;
        if needs.partners {
            let partners = transactions.values().filter_map(|it| it.transfer_id).collect();
            self.load_ids(partners, &mut transactions).await?;
        }
        for id in &needs.transactions {
            if transactions.get(id).is_none_or(|transaction| transaction.deleted) {
                return Err(Error::not_found("transaction", id));
            }
        }
        for account_id in needs.accounts {
            let query = TransactionQuery {
                account_id: Some(account_id),
                deleted: true,
                ..TransactionQuery::default()
            };
            self.load_all(query, &mut transactions).await?;
        }
        if needs.all {
            self.load_all(TransactionQuery::default(), &mut transactions).await?;
        }
        for query in needs.queries {
            self.load_all(query, &mut transactions).await?;
        }
        Ok((transactions, origins))
    }

    /// The transactions with these ids, as far as they are there.
    pub(super) async fn load_ids(
        &self,
        mut ids: Vec<TransactionId>,
        loaded: &mut HashMap<TransactionId, Transaction>,
    ) -> Result<()> {
        ids.sort_unstable();
        ids.dedup();
        for ids in ids.chunks(usize::try_from(WHOLE_ROWS).unwrap_or(usize::MAX)) {
            let found = self.engine.inner.store.transactions(self.book_id, ids).await?;
            loaded.extend(found.into_iter().map(|it| (it.id, it)));
        }
        Ok(())
    }

    /// Every transaction that a query selects.
    pub(super) async fn load_all(
        &self,
        query: TransactionQuery,
        loaded: &mut HashMap<TransactionId, Transaction>,
    ) -> Result<()> {
        let mut request = PageRequest { query, after: None, limit: WHOLE_ROWS };
        loop {
            let page = self.engine.inner.store.page(self.book_id, &request).await?;
            let Some(last) = page.last() else { return Ok(()) };
            request.after = Some(Position { booking_date: last.booking_date, id: last.id });
            loaded.extend(page.into_iter().map(|it| (it.id, it)));
        }
    }

    /// What was answered when the context's key was used before.
    pub(super) async fn earlier_answer<T: DeserializeOwned>(
        &self,
        digest: Option<Hash>,
    ) -> Result<Option<T>> {
        let (Some(key), Some(digest)) = (&self.context.idempotency_key, digest) else {
            return Ok(None);
        };
        let Some(answered) = self.engine.inner.store.answered(self.book_id, key).await? else {
            return Ok(None);
        };
        if answered.is_erased() {
            let text = "what was answered to the idempotency key was erased";
            return Err(Error::new(ErrorCode::Erased, text).field("idempotency_key"));
        }
        if !answered.is_for(digest) && !planted::is("key_answers_anything") {
            let text = "the idempotency key was used for another request";
            return Err(Error::new(ErrorCode::IdempotencyKeyReused, text).field("idempotency_key"));
        }
        serde_json::from_slice(&answered.answer)
            .map(Some)
            .map_err(|_| Error::corrupt("a kept answer cannot be read"))
    }
}

impl Context {
    /// By what a repeat of a request is told from another request with the same key; `None`
    /// where there is no key.
    pub(super) fn request_digest(
        &self,
        verb: &str,
        request: &impl Serialize,
    ) -> Result<Option<Hash>> {
        if self.idempotency_key.is_none() {
            return Ok(None);
        }
        let request = serde_json::to_vec(request).map_err(|_| unserialisable())?;
        Ok(Some(Hash::of(&[verb.as_bytes(), b"\0", &request])))
    }

    /// What a commit keeps, so that a repeat is answered alike.
    pub(super) fn idempotency(
        &self,
        request_digest: Option<Hash>,
        answer: &impl Serialize,
        ids: &dyn IdSource,
    ) -> Result<Option<Idempotency>> {
        let (Some(key), Some(request_digest)) = (&self.idempotency_key, request_digest) else {
            return Ok(None);
        };
        let answer = serde_json::to_vec(answer).map_err(|_| unserialisable())?;
        Ok(Some(Idempotency::new(key.clone(), request_digest, ids.salt(), answer)))
    }

    pub(super) fn commit_info(&self, verb: &str, at: DateTime<Utc>) -> CommitInfo {
        CommitInfo {
            actor: self.actor.clone(),
            at,
            action: verb.to_owned(),
            reason: self.reason.clone(),
            correlation_id: self.correlation_id.clone(),
            causation_id: self.causation_id.clone(),
        }
    }
}

impl Engine {
    /// The time, cut to microseconds: what stores keep.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now().trunc_subsecs(6)
    }

    /// Makes a book by its first commit.
    pub(super) async fn commit_first(&self, book_id: BookId, draft: Draft) -> Result<()> {
        let mut commit = draft.seal(&*self.inner.ids)?;
        commit.grow(&mut Frontier::default());
        self.inner.cache.forget(book_id);
        self.inner.store.commit(Arc::new(commit)).await
    }
}

fn unserialisable() -> Error {
    Error::new(ErrorCode::Internal, "a request or answer cannot be written as JSON")
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// The turn of a book, where it need not be waited for.
    fn at_once(queues: &Queues, book: u128) -> Option<MutexGuardArc<()>> {
        let turn = pin!(queues.turn(BookId::new(uuid::Uuid::from_u128(book))));
        match turn.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[test]
    fn only_writers_of_one_book_wait_for_each_other() {
        // Holds: no book waits for another, the same book does, and no queue outlives its writers.
        let queues = Queues::default();
        let turns: Vec<_> = (0..1000).filter_map(|book| at_once(&queues, book)).collect();
        assert_eq!(turns.len(), 1000);
        assert!(at_once(&queues, 7).is_none());
        drop(turns);
        assert!(at_once(&queues, 7).is_some());
        assert_eq!(queues.0.lock().unwrap().len(), 1);
    }
}
