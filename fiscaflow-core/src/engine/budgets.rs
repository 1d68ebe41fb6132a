//! Budgets.

use std::str::FromStr;

use serde::Serialize;

use super::noun;
use super::run::{Command, Decision, Facts};
use crate::budgets::{BudgetQuery, BudgetState, states};
use crate::error::{Error, ErrorCode, Result};
use crate::id::BudgetId;
use crate::limits::{MAX_DOCUMENTS, MAX_THRESHOLDS};
use crate::log::Change;
use crate::model::{Budget, BudgetPatch, CategoryKind, NewBudget, Role, check_list, check_name};
use crate::money::{Amount, Currency, Money};
use crate::period::Month;
use crate::plan::Plan;

/// The percentages that are announced where a budget names none.
const DEFAULT_THRESHOLDS: [u32; 3] = [80, 100, 120];
/// The highest percentage that can be announced.
const MAX_THRESHOLD: u32 = 10_000;

noun! {
    /// What may be spent.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::CategoryId;
    /// use fiscaflow_core::budgets::BudgetQuery;
    /// use fiscaflow_core::model::NewBudget;
    ///
    /// # let food: CategoryId = "018f0000-0000-7000-8000-000000000001".parse()?;
    /// let budget = NewBudget {
    ///     name: "Food".into(),
    ///     category_ids: vec![food],
    ///     limit: "350.00".parse()?,
    ///     ..NewBudget::default()
    /// };
    /// book.budgets().create(budget).await?;
    /// let march = BudgetQuery { month: Some("2026-03".parse()?), budget_id: None };
    /// for state in book.budgets().state(march).await? {
    ///     println!("{}: {} % used, {} left", state.name, state.used_percent, state.remaining);
    /// }
    /// # Ok(()) }
    /// ```
    Budgets
}

impl Budgets<'_> {
    /// Makes a budget. Thresholds that are reached already, in any month, are announced with it. A
    /// repeat with the same id and content returns the one that is there.
    pub async fn create(&self, new: NewBudget) -> Result<Budget> {
        self.book.run(&new).await
    }

    /// All budgets, by id.
    pub async fn list(&self) -> Result<Vec<Budget>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.budgets.values().cloned().collect())
    }

    /// Changes a budget; figures of past months change with it. Thresholds that it reaches by the
    /// change are announced, those announced before are not announced again.
    pub async fn update(&self, id: BudgetId, patch: BudgetPatch) -> Result<Budget> {
        self.book.run(&UpdateBudget { id, patch }).await
    }

    /// Removes a budget. One that is not there is no error.
    pub async fn delete(&self, id: BudgetId) -> Result<()> {
        self.book.run(&DeleteBudget { id }).await
    }

    /// How budgets stand in a month, by id.
    pub async fn state(&self, query: BudgetQuery) -> Result<Vec<BudgetState>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let plan = &state.plan;
        let budgets: Vec<&Budget> = match query.budget_id {
            Some(id) => vec![plan.budgets.get(&id).ok_or_else(|| Error::not_found("budget", id))?],
            None => plan.budgets.values().collect(),
        };
        let month = match query.month {
            Some(month) => month,
            None => this_month(plan, self.book.engine.now())?,
        };
        states(plan, &view, &budgets, month)
    }
}

/// The month of an instant in the book's zone.
fn this_month(plan: &Plan, now: chrono::DateTime<chrono::Utc>) -> Result<Month> {
    let zone = chrono_tz::Tz::from_str(&plan.book.zone)
        .map_err(|_| Error::corrupt("the book's zone is unknown"))?;
    Ok(Month::of(now.with_timezone(&zone).date_naive()))
}

impl Command for NewBudget {
    type Answer = Budget;
    const VERB: &'static str = "budgets.create";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Budget>> {
        let currency = match &self.currency {
            Some(code) => facts.plan.currency(code)?,
            None => facts.plan.book.currency,
        };
        let budget = Budget {
            id: self.id.unwrap_or_else(|| BudgetId::new(facts.uuid())),
            name: self.name.clone(),
            category_ids: self.category_ids.clone(),
            limit: limit(self.limit, currency)?,
            thresholds: sorted(self.thresholds.clone().unwrap_or(DEFAULT_THRESHOLDS.to_vec())),
        };
        if let Some(existing) = facts.plan.budgets.get(&budget.id) {
            if *existing == budget {
                return Ok(Decision::unchanged(budget));
            }
            let text = "the budget id is taken";
            return Err(Error::new(ErrorCode::IdConflict, text).field("id").id(budget.id));
        }
        if facts.plan.budgets.len() >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many budgets"));
        }
        check_budget(&budget, facts.plan)?;
        let event = facts.event("planning.budget.created", ("budget", budget.id.to_string()), &[]);
        Ok(Decision::one(Change::create(budget.clone()), event, budget))
    }
}

#[derive(Serialize)]
struct UpdateBudget {
    id: BudgetId,
    patch: BudgetPatch,
}

impl Command for UpdateBudget {
    type Answer = Budget;
    const VERB: &'static str = "budgets.update";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Budget>> {
        let before = facts.plan.budgets.get(&self.id);
        let before = before.ok_or_else(|| Error::not_found("budget", self.id))?.clone();
        let patch = self.patch.clone();
        let budget = Budget {
            id: before.id,
            name: patch.name.unwrap_or_else(|| before.name.clone()),
            category_ids: patch.category_ids.unwrap_or_else(|| before.category_ids.clone()),
            limit: match patch.limit {
                Some(amount) => limit(amount, before.limit.currency())?,
                None => before.limit,
            },
            thresholds: sorted(patch.thresholds.unwrap_or_else(|| before.thresholds.clone())),
        };
        if budget == before {
            return Ok(Decision::unchanged(budget));
        }
        check_budget(&budget, facts.plan)?;
        let event = facts.event("planning.budget.updated", ("budget", budget.id.to_string()), &[]);
        Ok(Decision::one(Change::update(before, budget.clone()), event, budget))
    }
}

#[derive(Serialize)]
struct DeleteBudget {
    id: BudgetId,
}

impl Command for DeleteBudget {
    type Answer = ();
    const VERB: &'static str = "budgets.delete";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let Some(before) = facts.plan.budgets.get(&self.id) else {
            return Ok(Decision::unchanged(()));
        };
        let mut changes = vec![Change::remove(before.clone())];
        let alerts = facts.plan.alerts.values().filter(|alert| alert.budget_id == self.id);
        changes.extend(alerts.cloned().map(Change::remove));
        let event = facts.event("planning.budget.deleted", ("budget", self.id.to_string()), &[]);
        Ok(Decision { changes, events: vec![event], answer: () })
    }
}

fn limit(amount: Amount, currency: Currency) -> Result<Money> {
    Money::from_amount(amount, currency).map_err(|error| error.field("limit"))
}

fn sorted(mut thresholds: Vec<u32>) -> Vec<u32> {
    thresholds.sort_unstable();
    thresholds.dedup();
    thresholds
}

pub(super) fn check_budget(budget: &Budget, plan: &Plan) -> Result<()> {
    check_name("name", &budget.name)?;
    if budget.limit.minor() <= 0 {
        return Err(Error::invalid("limit", "a limit is above zero"));
    }
    if budget.category_ids.is_empty() {
        return Err(Error::invalid("category_ids", "a budget watches at least one category"));
    }
    check_list("category_ids", &budget.category_ids, MAX_DOCUMENTS)?;
    for id in &budget.category_ids {
        let category = plan.category(*id).map_err(|error| error.field("category_ids"))?;
        if category.kind == CategoryKind::Income {
            let text = "a budget watches spending; one of the categories is of income";
            return Err(Error::invalid("category_ids", text).id(id));
        }
    }
    check_list("thresholds", &budget.thresholds, MAX_THRESHOLDS)?;
    if budget.thresholds.iter().any(|percent| !(1..=MAX_THRESHOLD).contains(percent)) {
        let text = format!("a threshold is a percentage from 1 to {MAX_THRESHOLD}");
        return Err(Error::invalid("thresholds", text));
    }
    Ok(())
}
