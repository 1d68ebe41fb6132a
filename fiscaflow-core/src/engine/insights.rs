//! Findings: what a person should look at, and what of it somebody dismissed.

use serde::Serialize;

use super::budgets::today;
use super::noun;
use super::run::{Command, Decision, Facts};
use crate::error::{Error, ErrorCode, Result};
use crate::insights::{Insight, InsightQuery, insights};
use crate::limits::{MAX_DOCUMENTS, MAX_NAME_BYTES};
use crate::log::Change;
use crate::model::{Dismissal, Role, check_text};

noun! {
    /// What a person should look at.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::insights::InsightQuery;
    ///
    /// for it in book.insights().list(InsightQuery::default()).await? {
    ///     println!("{:?} {:?} {:?}", it.priority, it.code, it.amount);
    ///     book.insights().dismiss(it.id).await?;
    /// }
    /// # Ok(()) }
    /// ```
    Insights
}

impl Insights<'_> {
    /// The findings as of a day, those that matter most first: see [`insights`].
    pub async fn list(&self, query: InsightQuery) -> Result<Vec<Insight>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let day = today(&state.plan, self.book.engine.now())?;
        insights(&state.plan, &view, &query, day)
    }

    /// Dismisses a finding by its name, whether it is told now or not. One that is dismissed
    /// already is no error.
    pub async fn dismiss(&self, id: String) -> Result<Dismissal> {
        self.book.run(&Dismiss { id }).await
    }

    /// Lets a finding be told again. One that is not dismissed is no error.
    pub async fn restore(&self, id: String) -> Result<()> {
        self.book.run(&Restore { id }).await
    }
}

#[derive(Serialize)]
struct Dismiss {
    id: String,
}

impl Command for Dismiss {
    type Answer = Dismissal;
    const VERB: &'static str = "insights.dismiss";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Dismissal>> {
        if let Some(existing) = facts.plan.dismissals.get(&self.id) {
            return Ok(Decision::unchanged(existing.clone()));
        }
        if facts.plan.dismissals.len() >= MAX_DOCUMENTS {
            let text = "the book has too many dismissed findings";
            return Err(Error::new(ErrorCode::LimitExceeded, text));
        }
        let date = today(facts.plan, facts.now)?;
        let dismissal = Dismissal { insight_id: self.id.clone(), date };
        check_dismissal(&dismissal)?;
        let event = facts.event("planning.insight.dismissed", ("insight", self.id.clone()), &[]);
        Ok(Decision::one(Change::create(dismissal.clone()), event, dismissal))
    }
}

#[derive(Serialize)]
struct Restore {
    id: String,
}

impl Command for Restore {
    type Answer = ();
    const VERB: &'static str = "insights.restore";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let Some(before) = facts.plan.dismissals.get(&self.id) else {
            return Ok(Decision::unchanged(()));
        };
        let event = facts.event("planning.insight.restored", ("insight", self.id.clone()), &[]);
        Ok(Decision::one(Change::remove(before.clone()), event, ()))
    }
}

/// Refuses a name that no finding has: such have letters, digits, points, hyphens and underscores,
/// and nothing personal.
pub(super) fn check_dismissal(dismissal: &Dismissal) -> Result<()> {
    check_text("id", &dismissal.insight_id, MAX_NAME_BYTES)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !dismissal.insight_id.is_empty() && dismissal.insight_id.bytes().all(is_plain) {
        return Ok(());
    }
    Err(Error::invalid("id", "this is no name of a finding"))
}
