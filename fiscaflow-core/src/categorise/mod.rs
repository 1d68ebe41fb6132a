//! What a book's own past says about a transaction's category.
//!
//! A `Learner` is the learned model of one book: made from what persons chose, kept current by
//! commits, dropped at any time and made again identical. `names` has the book's own words for
//! payees, `lexicon` what brands and merchant codes say where nothing was learned, `evaluation`
//! how good all of it is on the book's own past; `table` does the same for rows outside any book.
//! Everything here is a pure function.

#![allow(clippy::float_arithmetic, reason = "probabilities, never money")]

mod evaluation;
mod lexicon;
mod names;
mod table;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, CategoryId, TransactionId};
use crate::learn::{Model, Sample, Spoke, percent};
use crate::log::{Change, Object};
use crate::model::metadata::TRANSFER_ACCOUNT_ID;
use crate::model::{Source, SourceKind, Transaction};
use crate::plan::Plan;
use crate::rules::Candidate;
pub(crate) use evaluation::evaluation;
pub use evaluation::{CategoryQuality, CoveragePoint, EvaluationQuery, EvaluationReport};
pub(crate) use lexicon::Lexicon;
pub(crate) use names::Names;
pub use table::{TableRow, complete};

/// How many categories are suggested for a transaction.
const MAX_GUESSES: usize = 3;
/// How many features are told that spoke for a category.
const MAX_SPOKE: usize = 5;
/// How sure a hint of a brand or merchant code is taken to be, in percent. It is not measured.
const HINT_CONFIDENCE: u8 = 50;

/// A category that a transaction may have, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CategoryGuess {
    /// The category.
    pub category_id: CategoryId,
    /// Who says so and how probable it is: the learned model, or as a provider `lexicon`, which
    /// knows brands and merchant codes, or the name of who was asked outside.
    pub source: Source,
    /// What spoke for it, loudest first; of the lexicon `brand` or `mcc`, without a weight.
    pub evidence: Vec<Spoke>,
}

/// What is suggested for one transaction.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Suggestion {
    /// The transaction.
    pub transaction_id: TransactionId,
    /// Who was paid: the book's own name for the payee, or what is left when noise is cut.
    pub payee: String,
    /// The categories, what was learned first, most probable first.
    pub guesses: Vec<CategoryGuess>,
    /// Whether nothing that was learned is as sure as the book asks for.
    pub abstained: bool,
}
crate::model::debug_only!(Suggestion: transaction_id, guesses, abstained);

/// What the model looks at of a transaction.
#[derive(Clone, PartialEq)]
pub(crate) struct Facts<T> {
    text: T,
    amount_minor: i64,
    date: NaiveDate,
    account_id: AccountId,
}

/// A category that a person chose, and what for.
#[derive(Clone, PartialEq)]
pub(crate) struct Choice {
    facts: Facts<String>,
    category_id: CategoryId,
}

impl<'a> From<&'a Transaction> for Facts<&'a str> {
    fn from(it: &'a Transaction) -> Self {
        Self {
            text: text(it),
            amount_minor: it.amount.minor(),
            date: it.booking_date,
            account_id: it.account_id,
        }
    }
}

impl<T: AsRef<str>> Facts<T> {
    fn sample<'a>(&'a self, names: &'a Names) -> Sample<'a> {
        let text = self.text.as_ref();
        let (_, account) = self.account_id.uuid().as_u64_pair();
        Sample {
            text: names.known(text).map_or(text, |(_, name)| name),
            amount_minor: Some(self.amount_minor),
            date: Some(self.date),
            account: Some(account),
        }
    }
}

/// Who was paid, in the words that will come again: the payee; but where a person put another one
/// in its place, what the bank said.
fn text(it: &Transaction) -> &str {
    let renamed = !it.origins.is_empty()
        && it.payee_source.as_ref().is_some_and(|source| source.kind == SourceKind::User);
    match it.payee.as_deref() {
        Some(payee) if !payee.is_empty() && (!renamed || it.description.is_empty()) => payee,
        _ => &it.description,
    }
}

impl Choice {
    /// What a person chose for a transaction as a whole. What is split, is one side of a transfer
    /// or does not count says nothing.
    pub(crate) fn of(it: &Transaction) -> Option<Self> {
        Self::category(it).map(|category_id| {
            let facts = Facts::from(it);
            let text = facts.text.to_owned();
            let facts = Facts {
                text,
                amount_minor: facts.amount_minor,
                date: facts.date,
                account_id: facts.account_id,
            };
            Self { facts, category_id }
        })
    }

    fn category(it: &Transaction) -> Option<CategoryId> {
        let by_user = it.category_source.as_ref()?.kind == SourceKind::User;
        let whole = it.splits.is_empty() && it.transfer_id.is_none();
        it.category_id.filter(|_| by_user && whole && it.counts())
    }

    fn in_image(image: Option<&Object>) -> Option<Self> {
        match image {
            Some(Object::Transaction(it)) => Self::of(it),
            _ => None,
        }
    }
}

/// The learned model of a book.
#[derive(Clone)]
pub(crate) struct Learner {
    names: Names,
    model: Model<CategoryId>,
}
crate::model::debug_only!(Learner:);

impl Learner {
    /// A model of the book's choices, in whatever order they come.
    pub(crate) fn new<'a>(plan: &Plan, choices: impl IntoIterator<Item = &'a Choice>) -> Self {
        let mut learner = Self { names: Names::new(plan), model: Model::new() };
        choices.into_iter().for_each(|choice| learner.learn(choice));
        learner
    }

    fn learn(&mut self, choice: &Choice) {
        if !self.names.forgets(&choice.facts.text) {
            self.model.learn(&choice.facts.sample(&self.names), choice.category_id);
        }
    }

    fn forget(&mut self, choice: &Choice) {
        if !self.names.forgets(&choice.facts.text) {
            self.model.forget(&choice.facts.sample(&self.names), choice.category_id);
        }
    }

    /// Whether changes have a choice in them that was not there before, or is there no more.
    pub(crate) fn concerns(changes: &[Change]) -> bool {
        let choice = |image: &Option<Object>| match image {
            Some(Object::Transaction(it)) => Choice::category(it).is_some(),
            _ => false,
        };
        changes.iter().any(|change| choice(&change.before) || choice(&change.after))
    }

    /// Moves on by the changes of one commit.
    pub(crate) fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            let before = Choice::in_image(change.before.as_ref());
            let after = Choice::in_image(change.after.as_ref());
            if before == after {
                continue;
            }
            before.iter().for_each(|choice| self.forget(choice));
            after.iter().for_each(|choice| self.learn(choice));
        }
    }

    /// Gives a transaction the category that the book's past says, where that is at least so
    /// probable, in percent, and neither a person nor a rule has decided.
    pub(crate) fn categorise(&self, it: &mut Transaction, threshold: u8) {
        if self.model.is_empty() || !is_open(it) {
            return;
        }
        let Some((category_id, confidence)) = self.best(it) else { return };
        if confidence >= threshold && it.category_id != Some(category_id) {
            it.category_id = Some(category_id);
            it.category_source = Some(Source::learned(confidence));
        }
    }

    /// What may be suggested for a transaction.
    pub(crate) fn suggestion(
        &self,
        it: &Transaction,
        lexicon: &Lexicon,
        threshold: u8,
    ) -> Suggestion {
        let facts = Facts::from(it);
        let sample = facts.sample(&self.names);
        let learned = self.model.guesses(&sample, MAX_GUESSES);
        let mut guesses: Vec<CategoryGuess> = learned
            .into_iter()
            .map(|guess| CategoryGuess {
                category_id: guess.label,
                source: Source::learned(percent(guess.probability)),
                evidence: self.model.spoke(&sample, &guess.label, MAX_SPOKE),
            })
            .filter(|guess| guess.source.confidence > 0)
            .collect();
        let abstained = guesses.first().is_none_or(|it| it.source.confidence < threshold);
        let hint = lexicon::hint(it, sample.text);
        let category = hint.as_ref().and_then(|hint| lexicon.category(&hint.sells));
        if let (Some(hint), Some(category_id)) = (hint, category)
            && guesses.iter().all(|guess| guess.category_id != category_id)
        {
            let feature = hint.feature.to_owned();
            let reference = Some("lexicon".to_owned());
            guesses.push(CategoryGuess {
                category_id,
                source: Source {
                    kind: SourceKind::Provider,
                    reference,
                    confidence: HINT_CONFIDENCE,
                },
                evidence: vec![Spoke { feature, value: hint.value, weight: 0 }],
            });
        }
        let payee = self.names.name(facts.text);
        Suggestion { transaction_id: it.id, payee, guesses, abstained }
    }

    /// What explains a transaction's category: the one that was learned and that it has, and the
    /// one that the book's past says now, where that is another.
    pub(crate) fn candidates(&self, it: &Transaction, threshold: u8) -> Vec<Candidate> {
        let facts = Facts::from(it);
        let sample = facts.sample(&self.names);
        let candidate = |category_id: CategoryId, source: Source, why: &str| Candidate {
            field: "category".to_owned(),
            value: category_id.to_string(),
            source,
            won: false,
            why: why.to_owned(),
            evidence: self.model.spoke(&sample, &category_id, MAX_SPOKE),
        };
        let by = it.category_source.as_ref().filter(|by| by.kind == SourceKind::Learned);
        let has = it.category_id.zip(by);
        let mut candidates: Vec<Candidate> =
            has.iter().map(|(id, by)| candidate(*id, (*by).clone(), "")).collect();
        let whole = it.counts() && it.splits.is_empty() && it.transfer_id.is_none();
        let now = self.best(it).filter(|(id, _)| whole && has.is_none_or(|(has, _)| has != *id));
        candidates.extend(now.map(|(id, confidence)| {
            let why = if confidence < threshold {
                "not sure enough for this book"
            } else {
                "learned since; it waits to be applied"
            };
            candidate(id, Source::learned(confidence), why)
        }));
        candidates
    }

    /// The most probable category and its probability in percent.
    fn best(&self, it: &Transaction) -> Option<(CategoryId, u8)> {
        let guess = self.model.best(&Facts::from(it).sample(&self.names))?;
        Some((guess.label, percent(guess.probability)))
    }
}

/// Whether a category may be given: neither a person nor a rule has decided, and it is money that
/// was spent or earned as a whole.
pub(crate) fn is_open(it: &Transaction) -> bool {
    let decided = it.category_source.as_ref().is_some_and(|it| it.kind >= SourceKind::Rule);
    !decided
        && it.counts()
        && it.splits.is_empty()
        && it.transfer_id.is_none()
        && !it.metadata.contains_key(TRANSFER_ACCOUNT_ID)
}
