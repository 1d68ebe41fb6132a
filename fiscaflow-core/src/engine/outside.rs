//! Asking outside for what the engine leaves open: in batches, remembering what was answered.
//!
//! What may be asked and what of an answer counts is decided in `crate::outside`; here it is
//! carried out. Nothing is written, and no failure outside becomes one of the caller's request.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::run::Command;
use super::{BookHandle, Engine};
use crate::categorise::{CategoryGuess, Suggestion, is_open};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{BookId, CategoryId, TransactionId};
use crate::limits::{MAX_ASKED, MAX_ASKED_AT_ONCE};
use crate::log::Hash;
use crate::model::{Role, Source, SourceKind, Transaction};
use crate::outside::{Answer, Choices, Question, Suggester, question};
use crate::plan::Plan;
use crate::rules::{self, Run};

/// How many answers are remembered; each takes some hundred bytes. The oldest gives way.
const MAX_REMEMBERED: usize = 10_000;

/// What came of asking outside.
///
/// Payees are counted, not transactions, except where they are withheld. Whatever failed, the
/// request around it succeeds, and asking again asks for what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OutsideReport {
    /// Payees that were asked about now.
    pub asked: u64,
    /// Payees among them for which a category of the book came back.
    pub answered: u64,
    /// Payees among them for which nothing came back because asking failed.
    pub failed: u64,
    /// Payees whose answer was remembered, and who were not asked about again.
    pub remembered: u64,
    /// Payees who were not asked about because a request asks about so many at most, or because an
    /// earlier batch failed.
    pub left: u64,
    /// Transactions of which nothing is told, because the other party may be a person.
    pub withheld: u64,
    /// Why asking failed, where it did.
    pub failure: Option<ErrorCode>,
}

/// A category that the outside suggests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) category_id: CategoryId,
    /// The outside as a source: the provider's name and how sure it says it is.
    pub(super) source: Source,
}

/// Who is asked, and what was answered before.
pub(super) struct Outside {
    suggester: Arc<dyn Suggester>,
    known: Mutex<Known>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("suggester", &self.suggester).finish_non_exhaustive()
    }
}

/// Answers by the digests of their questions, the oldest first.
#[derive(Default)]
struct Known {
    answers: HashMap<Hash, Option<(CategoryId, u8)>>,
    order: VecDeque<Hash>,
}

impl Known {
    fn put(&mut self, key: Hash, answer: Option<(CategoryId, u8)>) {
        if self.answers.insert(key, answer).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

impl Outside {
    /// Forgets what was answered.
    pub(super) fn forget(&self) {
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One batch: what was answered for each question, as far as it counts.
    async fn ask(
        &self,
        questions: &[Question],
        choices: &Choices,
    ) -> Result<Vec<Option<(CategoryId, u8)>>> {
        let answers = self.suggester.suggest(questions, &choices.names).await?;
        if answers.len() != questions.len() {
            let text = "outside help answered other questions than were asked";
            return Err(Error::new(ErrorCode::SuggesterUnavailable, text));
        }
        let chosen = |answer: Option<Answer>| choices.chosen(&answer?);
        Ok(answers.into_iter().map(chosen).collect())
    }

    /// What the outside suggests for transactions of a book.
    async fn hints(
        &self,
        book_id: BookId,
        plan: &Plan,
        over: &[&Transaction],
        report: &mut OutsideReport,
    ) -> Result<BTreeMap<TransactionId, Hint>> {
        let choices = Choices::of(plan)?;
        let mut rows: BTreeMap<Question, Vec<TransactionId>> = BTreeMap::new();
        for it in over {
            match question(it) {
                Some(question) => rows.entry(question).or_default().push(it.id),
                None => add(&mut report.withheld, 1),
            }
        }
        let key = |it: &Question| {
            let sign = [u8::from(it.outgoing)];
            Hash::of(&[
                book_id.uuid().as_bytes(),
                choices.digest.as_bytes(),
                &sign,
                it.payee.as_bytes(),
            ])
        };
        let mut found: BTreeMap<&Question, (CategoryId, u8)> = BTreeMap::new();
        let mut open: Vec<&Question> = Vec::new();
        for question in rows.keys() {
            match self.known().answers.get(&key(question)) {
                Some(answer) => {
                    add(&mut report.remembered, 1);
                    found.extend(answer.map(|answer| (question, answer)));
                }
                None => open.push(question),
            }
        }
        // What helps with most transactions comes first; a tie goes by the name.
        open.sort_by_key(|it| std::cmp::Reverse(rows.get(*it).map_or(0, Vec::len)));
        if choices.names.is_empty() {
            add(&mut report.left, open.len());
            open.clear();
        }
        add(&mut report.left, open.len().saturating_sub(MAX_ASKED));
        open.truncate(MAX_ASKED);
        for batch in open.chunks(MAX_ASKED_AT_ONCE) {
            if report.failure.is_some() {
                add(&mut report.left, batch.len());
                continue;
            }
            add(&mut report.asked, batch.len());
            let questions: Vec<Question> = batch.iter().map(|it| (*it).clone()).collect();
            match self.ask(&questions, &choices).await {
                Ok(answers) => {
                    for (question, answer) in batch.iter().zip(answers) {
                        self.known().put(key(question), answer);
                        add(&mut report.answered, usize::from(answer.is_some()));
                        found.extend(answer.map(|answer| (*question, answer)));
                    }
                }
                Err(error) => {
                    add(&mut report.failed, batch.len());
                    report.failure = Some(error.code());
                }
            }
        }
        let mut hints = BTreeMap::new();
        for (question, answer) in found {
            let ids = rows.get(question).into_iter().flatten();
            hints.extend(ids.map(|id| (*id, self.hint(answer))));
        }
        Ok(hints)
    }

    fn hint(&self, (category_id, confidence): (CategoryId, u8)) -> Hint {
        let reference = Some(self.suggester.name().to_owned());
        Hint { category_id, source: Source { kind: SourceKind::Provider, reference, confidence } }
    }
}

fn add(count: &mut u64, more: usize) {
    *count = count.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
}

impl Engine {
    /// The same engine with somebody outside who may be asked, where a request says so, for what
    /// rules and the learned model leave open. What [`crate::outside::question`] tells of payees
    /// then leaves the house, and so do the names of the book's categories.
    #[must_use]
    pub fn with_suggester(self, suggester: Arc<dyn Suggester>) -> Self {
        let outside = Outside { suggester, known: Mutex::default() };
        Self { outside: Some(Arc::new(outside)), ..self }
    }
}

impl Hint {
    /// Gives a transaction the category, where it has none yet and nobody else has decided, and
    /// the outside says it is as sure as the book asks for.
    pub(super) fn categorise(&self, it: &mut Transaction, plan: &Plan) {
        let sure = self.source.confidence >= plan.book.learning.threshold;
        // The book may have moved on while the outside was asked.
        let there = plan.categories.contains_key(&self.category_id);
        if sure && there && it.category_id.is_none() && is_open(it) {
            it.category_id = Some(self.category_id);
            it.category_source = Some(self.source.clone());
        }
    }
}

impl BookHandle {
    /// Adds to suggestions for transactions, which come in the same order, what the outside says
    /// where the book abstains.
    pub(super) async fn suggest_outside(
        &self,
        over: &[Transaction],
        items: &mut [Suggestion],
    ) -> Result<OutsideReport> {
        let abstained = over.iter().zip(items.iter()).filter(|(_, item)| item.abstained);
        let over: Vec<&Transaction> = abstained.map(|(it, _)| it).collect();
        let (hints, report) = self.ask_outside(&over).await?;
        for item in items {
            let Some(Hint { category_id, source }) = hints.get(&item.transaction_id).cloned()
            else {
                continue;
            };
            if item.guesses.iter().all(|guess| guess.category_id != category_id) {
                item.guesses.push(CategoryGuess { category_id, source, evidence: Vec::new() });
            }
        }
        Ok(report)
    }

    /// What the outside suggests for the transactions that a write is about, where the book
    /// abstains.
    pub(super) async fn hints_for<C: Command>(
        &self,
        command: &C,
    ) -> Result<(BTreeMap<TransactionId, Hint>, OutsideReport)> {
        let state = self.authorised(C::ROLE).await?;
        let (state, learner) = self.engine.with_learner(self.book_id, state).await?;
        let (rows, _) = self.load(command, &state.plan).await?;
        let abstains = |it: &Transaction| {
            let mut it = it.clone();
            learner.categorise(&mut it, state.plan.book.learning.threshold);
            it.category_id.is_none()
        };
        let mut over: Vec<&Transaction> = rows.values().filter(|it| abstains(it)).collect();
        over.sort_unstable_by_key(|it| it.id);
        self.ask_outside(&over).await
    }

    /// What the outside suggests for those of these transactions that have no category, and get
    /// none from a rule. An error is one of the book's own; those outside are in the report.
    async fn ask_outside(
        &self,
        over: &[&Transaction],
    ) -> Result<(BTreeMap<TransactionId, Hint>, OutsideReport)> {
        let state = self.ruling(Role::Member).await?;
        let (balances, mut run) = (state.balances(), Run::over(over.len()));
        let mut open = Vec::new();
        for it in over.iter().filter(|it| it.category_id.is_none() && is_open(it)) {
            let facts = rules::Facts::from(*it).with_balance(balances.of(it));
            let ruled = state.rules().evaluate(facts, &mut run)?.after();
            if ruled.as_ref().is_none_or(|it| it.category_id.is_none() && is_open(it)) {
                open.push(*it);
            }
        }
        let mut report = OutsideReport::default();
        let asked = match &self.engine.outside {
            Some(outside) => outside.hints(self.book_id, &state.plan, &open, &mut report).await,
            None => Err(Error::new(ErrorCode::SuggesterRefused, "nobody outside may be asked")),
        };
        let hints = asked.unwrap_or_else(|error| {
            report.failure = Some(error.code());
            BTreeMap::new()
        });
        Ok((hints, report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds: what is remembered stays bounded, the newest stays, and a repeat takes no place.
    #[test]
    fn what_is_remembered_is_bounded() {
        let key = |number: usize| Hash::of(&[&number.to_be_bytes()]);
        let mut known = Known::default();
        for number in 0..MAX_REMEMBERED + 100 {
            known.put(key(number), None);
            known.put(key(number), None);
        }
        assert_eq!((known.answers.len(), known.order.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
        assert!(!known.answers.contains_key(&key(99)) && known.answers.contains_key(&key(100)));
    }
}
