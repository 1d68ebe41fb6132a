//! What a book's own past says of categories: suggested, applied, forgotten, judged.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::books::check_book;
use super::noun;
use super::outside::{Hint, OutsideReport};
use super::payees::PayeeText;
use super::run::{Command, Decision, Facts, Needs};
use crate::categorise::{
    Choice, EvaluationQuery, EvaluationReport, Lexicon, Names, Suggestion, evaluation, is_open,
};
use crate::error::{Error, Result};
use crate::id::TransactionId;
use crate::limits::{MAX_BATCH, MAX_DESCRIPTION_BYTES};
use crate::log::Change;
use crate::model::{Book, Role, SourceKind, Transaction, check_list, check_text};
use crate::plan::Plan;
use crate::store::{TransactionQuery, fold};

/// Of which transactions categories are suggested.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SuggestionQuery {
    /// These, whatever they have, at most 1,000; empty = all that have no category, by pages.
    pub ids: Vec<TransactionId>,
    /// How many to look at in one page, 1 to 500; 50 where absent.
    pub limit: Option<u32>,
    /// Where the page before ended, as its answer told.
    pub cursor: Option<String>,
    /// Whether somebody outside is asked about the payees for which the book abstains. Members
    /// may say so, viewers not.
    pub outside: bool,
}

/// One page of suggestions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SuggestionPage {
    /// One for each transaction: in the order of the ids, else newest first. Of a page, those that
    /// a person or a rule left without a category on purpose are left out.
    pub items: Vec<Suggestion>,
    /// Where the next page begins; absent = this is the last one.
    pub next_cursor: Option<String>,
    /// What came of asking outside, where that was wanted.
    pub outside: Option<OutsideReport>,
}

/// Which transactions get what is suggested.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SuggestionScope {
    /// These, at most 1,000; empty = all.
    pub ids: Vec<TransactionId>,
    /// Whether somebody outside is asked where the book abstains, and believed where it says it is
    /// as sure as the book asks for.
    pub outside: bool,
}

/// What giving the suggested categories did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SuggestionsApplied {
    /// How many transactions were looked at.
    pub examined: u64,
    /// How many of them changed.
    pub changed: u64,
    /// What came of asking outside, where that was wanted.
    pub outside: Option<OutsideReport>,
}

noun! {
    /// What the book's own past says of categories.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::engine::{SuggestionQuery, SuggestionScope};
    ///
    /// let page = book.suggestions().list(SuggestionQuery::default()).await?;
    /// for suggestion in page.items.iter().filter(|it| it.abstained) {
    ///     println!("{}: for a person to decide", suggestion.transaction_id);
    /// }
    /// // What is sure enough is done in one commit; what a person or a rule decided stays.
    /// let report = book.suggestions().apply(SuggestionScope::default()).await?;
    /// println!("{} of {} changed", report.changed, report.examined);
    /// # Ok(()) }
    /// ```
    Suggestions
}

impl Suggestions<'_> {
    /// What the book's past, or else a brand or merchant code, or somebody outside, says of
    /// categories, with what speaks for it; nothing is written.
    pub async fn list(&self, query: SuggestionQuery) -> Result<SuggestionPage> {
        let role = if query.outside { Role::Member } else { Role::Viewer };
        let state = self.book.authorised(role).await?;
        check_list("ids", &query.ids, MAX_BATCH)?;
        let (state, learner) = self.book.engine.with_learner(self.book.book_id, state).await?;
        let (rows, next_cursor) = self.rows(&query).await?;
        let lexicon = Lexicon::new(&state.plan);
        let threshold = state.plan.book.learning.threshold;
        let mut items: Vec<Suggestion> =
            rows.iter().map(|it| learner.suggestion(it, &lexicon, threshold)).collect();
        let outside = match query.outside {
            true => Some(self.book.suggest_outside(&rows, &mut items).await?),
            false => None,
        };
        Ok(SuggestionPage { items, next_cursor, outside })
    }

    /// The transactions of a query, and where the next page begins.
    async fn rows(&self, query: &SuggestionQuery) -> Result<(Vec<Transaction>, Option<String>)> {
        if query.ids.is_empty() {
            let (limit, cursor) = (query.limit, query.cursor.clone());
            let filter =
                TransactionQuery { uncategorised: true, limit, cursor, ..Default::default() };
            let mut page = self.book.transactions().list(filter).await?;
            page.items.retain(is_open);
            return Ok((page.items, page.next_cursor));
        }
        if query.cursor.is_some() {
            return Err(Error::invalid("cursor", "`ids` are answered in one page"));
        }
        let mut found = HashMap::new();
        self.book.load_ids(query.ids.clone(), &mut found).await?;
        let one = |id: &TransactionId| {
            let it = found.get(id).filter(|it| !it.deleted);
            it.cloned().ok_or_else(|| Error::not_found("transaction", id))
        };
        Ok((query.ids.iter().map(one).collect::<Result<_>>()?, None))
    }

    /// Gives transactions the category that was learned, where it is sure enough, in one commit;
    /// and where the book abstains that of somebody outside, if the scope says so. What a person
    /// or a rule decided stays; what was learned earlier is brought up to date.
    pub async fn apply(&self, scope: SuggestionScope) -> Result<SuggestionsApplied> {
        let mut command = ApplySuggestions { scope, hints: BTreeMap::new(), outside: None };
        if command.scope.outside {
            if let Some(answer) = self.book.repeated(&command).await? {
                return Ok(answer);
            }
            let (hints, report) = self.book.hints_for(&command).await?;
            (command.hints, command.outside) = (hints, Some(report));
        }
        self.book.run(&command).await
    }

    /// Learns nothing of a payee any more, nor keeps anything of it; the book remembers that. What
    /// transactions have stays. A repeat changes nothing.
    pub async fn forget(&self, payee: PayeeText) -> Result<Book> {
        self.book.run(&Forget { payee }).await
    }

    /// Learns of a payee again, from what persons chose for it before, too. One that was not
    /// forgotten is no error.
    pub async fn remember(&self, payee: PayeeText) -> Result<Book> {
        self.book.run(&Remember { payee }).await
    }

    /// How good learning is on this book's own past, which is cut in two at a day; nothing is
    /// written.
    pub async fn evaluate(&self, query: EvaluationQuery) -> Result<EvaluationReport> {
        let state = self.book.authorised(Role::Viewer).await?;
        let mut choices = Vec::new();
        let keep = |it: &_| choices.extend(Choice::of(it));
        self.book.engine.chosen(self.book.book_id, keep).await?;
        Ok(evaluation(&Names::new(&state.plan), choices, query))
    }
}

#[derive(Serialize)]
struct ApplySuggestions {
    scope: SuggestionScope,
    /// What the outside said; no part of the request.
    #[serde(skip)]
    hints: BTreeMap<TransactionId, Hint>,
    #[serde(skip)]
    outside: Option<OutsideReport>,
}

impl Command for ApplySuggestions {
    type Answer = SuggestionsApplied;
    const VERB: &'static str = "suggestions.apply";

    fn learned(_plan: &Plan) -> bool {
        true
    }

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        check_list("ids", &self.scope.ids, MAX_BATCH)?;
        if !self.scope.ids.is_empty() {
            return Ok(Needs { transactions: self.scope.ids.clone(), ..Needs::default() });
        }
        let by = |kind| TransactionQuery { category_source: Some(kind), ..Default::default() };
        let bare = TransactionQuery { uncategorised: true, ..Default::default() };
        let queries = vec![bare, by(SourceKind::Learned), by(SourceKind::Provider)];
        Ok(Needs { queries, ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<SuggestionsApplied>> {
        let mut ids: Vec<_> = facts.transactions.keys().copied().collect();
        ids.sort_unstable();
        let mut changes = Vec::new();
        for before in ids.iter().filter_map(|id| facts.transactions.get(id)) {
            let mut after = before.clone();
            facts.categorise(&mut after);
            if let Some(hint) = self.hints.get(&before.id) {
                hint.categorise(&mut after, facts.plan);
            }
            if after != *before {
                changes.push(Change::update(before.clone(), after));
            }
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let answer = SuggestionsApplied {
            examined: count(ids.len()),
            changed: count(changes.len()),
            outside: self.outside,
        };
        let payload = [("changed", answer.changed.to_string())];
        let aggregate = ("book", facts.plan.book.id.to_string());
        let event = facts.event("categorisation.suggestions.applied", aggregate, &payload);
        Ok(Decision { changes, events: vec![event], answer })
    }
}

#[derive(Serialize)]
struct Forget {
    payee: PayeeText,
}

#[derive(Serialize)]
struct Remember {
    payee: PayeeText,
}

impl Command for Forget {
    type Answer = Book;
    const VERB: &'static str = "suggestions.forget";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Book>> {
        let mut book = facts.plan.book.clone();
        let name = payee_name(&self.payee, facts.plan)?;
        let forgotten = &mut book.learning.forgotten;
        if !forgotten.iter().any(|other| fold(other) == fold(&name)) {
            forgotten.push(name);
            forgotten.sort();
        }
        changed(book, facts)
    }
}

impl Command for Remember {
    type Answer = Book;
    const VERB: &'static str = "suggestions.remember";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Book>> {
        let mut book = facts.plan.book.clone();
        let name = payee_name(&self.payee, facts.plan)?;
        book.learning.forgotten.retain(|other| fold(other) != fold(&name));
        changed(book, facts)
    }
}

fn payee_name(payee: &PayeeText, plan: &Plan) -> Result<String> {
    check_text("text", &payee.text, MAX_DESCRIPTION_BYTES)?;
    let name = Names::new(plan).name(&payee.text);
    if name.is_empty() {
        return Err(Error::invalid("text", "the text names no payee"));
    }
    Ok(name)
}

fn changed(book: Book, facts: &Facts<'_>) -> Result<Decision<Book>> {
    let before = facts.plan.book.clone();
    if book == before {
        return Ok(Decision::unchanged(book));
    }
    check_book(&book)?;
    let event = facts.event("ledger.book.updated", ("book", book.id.to_string()), &[]);
    Ok(Decision::one(Change::update(before, book.clone()), event, book))
}
