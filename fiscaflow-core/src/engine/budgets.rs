//! Budgets.

use serde::Serialize;

use super::noun;
use super::run::{Command, Decision, Facts};
use crate::budgets::{
    BudgetHistoryQuery, BudgetQuery, BudgetState, Recommendation, RecommendationQuery, Told,
    history, recommend, states,
};
use crate::calendar::day_of;
use crate::error::{Error, ErrorCode, Result};
use crate::id::BudgetId;
use crate::limits::{
    MAX_BUDGET_TAGS, MAX_DOCUMENTS, MAX_PERIOD_UNITS, MAX_THRESHOLD, MAX_THRESHOLDS,
};
use crate::log::Change;
use crate::model::{
    Budget, BudgetPatch, Carry, CategoryKind, NewBudget, Role, check_list, check_name,
};
use crate::money::{Amount, Currency, Money};
use crate::period::check_day;
use crate::plan::Plan;

/// The percentages that are announced where a budget names none.
const DEFAULT_THRESHOLDS: [u32; 3] = [80, 100, 120];

noun! {
    /// What may be spent.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::CategoryId;
    /// use fiscaflow_core::budgets::BudgetQuery;
    /// use fiscaflow_core::model::{Carry, NewBudget, Rollover};
    ///
    /// # let food: CategoryId = "018f0000-0000-7000-8000-000000000001".parse()?;
    /// let budget = NewBudget {
    ///     name: "Food".into(),
    ///     category_ids: vec![food],
    ///     limit: "350.00".parse()?,
    ///     rollover: Some(Rollover { carry: Carry::Both, ..Rollover::default() }),
    ///     ..NewBudget::default()
    /// };
    /// book.budgets().create(budget).await?;
    /// let march = BudgetQuery { month: Some("2026-03".parse()?), ..BudgetQuery::default() };
    /// for state in book.budgets().state(march).await? {
    ///     println!("{}: {} used, {} left", state.name, state.spent, state.remaining);
    /// }
    /// # Ok(()) }
    /// ```
    Budgets
}

impl Budgets<'_> {
    /// Makes a budget. Thresholds that are reached already, in any period, are announced with it. A
    /// repeat with the same id and content returns the one that is there.
    pub async fn create(&self, new: NewBudget) -> Result<Budget> {
        self.book.run(&new).await
    }

    /// All budgets, by id.
    pub async fn list(&self) -> Result<Vec<Budget>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.budgets.values().cloned().collect())
    }

    /// Changes a budget; figures of past periods change with it. Thresholds that it reaches by the
    /// change are announced, those announced before are not announced again.
    pub async fn update(&self, id: BudgetId, patch: BudgetPatch) -> Result<Budget> {
        self.book.run(&UpdateBudget { id, patch }).await
    }

    /// Removes a budget. One that is not there is no error.
    pub async fn delete(&self, id: BudgetId) -> Result<()> {
        self.book.run(&DeleteBudget { id }).await
    }

    /// How budgets stand in the period that holds a day, by id. One that has not begun by then is
    /// left out.
    pub async fn state(&self, query: BudgetQuery) -> Result<Vec<BudgetState>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let plan = &state.plan;
        let budgets: Vec<&Budget> = match query.budget_id {
            Some(id) => vec![budget(plan, id)?],
            None => plan.budgets.values().collect(),
        };
        let as_of = self.as_of(plan, query.as_of)?;
        let told = Told { as_of, witness: query.witness };
        let day = match (query.month, query.date) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("date", "`month` and `date` contradict"));
            }
            (Some(month), None) => month.first_day(),
            (None, date) => date.unwrap_or(as_of),
        };
        states(plan, &view, &budgets, day, told)
    }

    /// How a budget stands in each of its periods: what one leaves, the next begins with.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle,
    /// #   food: fiscaflow_core::BudgetId) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::budgets::BudgetHistoryQuery;
    ///
    /// let query = BudgetHistoryQuery::of(food);
    /// for state in book.budgets().history(query).await? {
    ///     println!("{} to {}: {} left", state.from, state.to, state.remaining);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn history(&self, query: BudgetHistoryQuery) -> Result<Vec<BudgetState>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let plan = &state.plan;
        let budget = budget(plan, query.budget_id)?;
        let as_of = self.as_of(plan, query.as_of)?;
        let told = Told { as_of, witness: query.witness };
        history(plan, &view, budget, (query.from, query.to.unwrap_or(as_of)), told)
    }

    /// What categories usually take, by category, and the periods that this is told from.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::budgets::RecommendationQuery;
    ///
    /// for it in book.budgets().recommend(RecommendationQuery::default()).await? {
    ///     println!("{}: {}, seldom more than {}", it.name, it.median, it.most);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn recommend(&self, query: RecommendationQuery) -> Result<Vec<Recommendation>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let as_of = self.as_of(&state.plan, query.as_of)?;
        recommend(&state.plan, &view, &query, as_of)
    }

    fn as_of(&self, plan: &Plan, asked: Option<chrono::NaiveDate>) -> Result<chrono::NaiveDate> {
        asked.map_or_else(|| today(plan, self.book.engine.now()), Ok)
    }
}

fn budget(plan: &Plan, id: BudgetId) -> Result<&Budget> {
    plan.budgets.get(&id).ok_or_else(|| Error::not_found("budget", id))
}

/// The day of an instant in the book's zone.
pub(super) fn today(plan: &Plan, now: chrono::DateTime<chrono::Utc>) -> Result<chrono::NaiveDate> {
    day_of(now, &plan.book.zone).map_err(|_| Error::corrupt("the book's zone is unknown"))
}

impl Command for NewBudget {
    type Answer = Budget;
    const VERB: &'static str = "budgets.create";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Budget>> {
        let currency = match &self.currency {
            Some(code) => facts.plan.currency(code)?,
            None => facts.plan.book.currency,
        };
        let id = self.id.unwrap_or_else(|| BudgetId::new(facts.uuid()));
        let existing = facts.plan.budgets.get(&id);
        let mut budget = Budget {
            id,
            name: self.name.clone(),
            category_ids: self.category_ids.clone(),
            except_category_ids: self.except_category_ids.clone(),
            tags: self.tags.clone(),
            account_ids: self.account_ids.clone(),
            limit: limit(self.limit, currency)?,
            thresholds: sorted(self.thresholds.clone().unwrap_or(DEFAULT_THRESHOLDS.to_vec())),
            period: self.period.unwrap_or_default(),
            rollover: self.rollover.unwrap_or_default(),
            // A repeat on another day is a repeat all the same.
            start: self.start.or_else(|| existing.and_then(|existing| existing.start)),
            pending_counts: self.pending_counts.unwrap_or(true),
        };
        begin(&mut budget, facts)?;
        if let Some(existing) = existing {
            if *existing == budget {
                return Ok(Decision::unchanged(budget));
            }
            let text = "the budget id is taken";
            return Err(Error::new(ErrorCode::IdConflict, text).field("id").id(budget.id));
        }
        if facts.plan.budgets.len() >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many budgets"));
        }
        check_new(&budget, facts.plan)?;
        let event = facts.event("planning.budget.created", ("budget", budget.id.to_string()), &[]);
        Ok(Decision::one(Change::create(budget.clone()), event, budget))
    }
}

/// A budget that carries has a first period: the present one, where it names none.
fn begin(budget: &mut Budget, facts: &Facts<'_>) -> Result<()> {
    if budget.start.is_none() && budget.rollover.carry != Carry::Nothing {
        budget.start = Some(today(facts.plan, facts.now)?);
    }
    Ok(())
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
        let before = budget(facts.plan, self.id)?.clone();
        let (patch, old) = (self.patch.clone(), before.clone());
        let mut budget = Budget {
            id: old.id,
            name: patch.name.unwrap_or(old.name),
            category_ids: patch.category_ids.unwrap_or(old.category_ids),
            except_category_ids: patch.except_category_ids.unwrap_or(old.except_category_ids),
            tags: patch.tags.unwrap_or(old.tags),
            account_ids: patch.account_ids.unwrap_or(old.account_ids),
            limit: match patch.limit {
                Some(amount) => limit(amount, old.limit.currency())?,
                None => old.limit,
            },
            thresholds: sorted(patch.thresholds.unwrap_or(old.thresholds)),
            period: patch.period.unwrap_or(old.period),
            rollover: patch.rollover.unwrap_or(old.rollover),
            start: patch.start.or(old.start),
            pending_counts: patch.pending_counts.unwrap_or(old.pending_counts),
        };
        begin(&mut budget, facts)?;
        if budget == before {
            return Ok(Decision::unchanged(budget));
        }
        check_new(&budget, facts.plan)?;
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

/// Refuses a budget that cannot be kept, and one that names an account that is not there. An
/// account of a budget that is kept may go later, by an undo.
fn check_new(budget: &Budget, plan: &Plan) -> Result<()> {
    for id in &budget.account_ids {
        plan.account(*id).map_err(|error| error.field("account_ids"))?;
    }
    check_budget(budget, plan)
}

pub(super) fn check_budget(budget: &Budget, plan: &Plan) -> Result<()> {
    check_name("name", &budget.name)?;
    if budget.limit.minor() <= 0 {
        return Err(Error::invalid("limit", "a limit is above zero"));
    }
    check_scope(budget, plan)?;
    check_list("thresholds", &budget.thresholds, MAX_THRESHOLDS)?;
    if budget.thresholds.iter().any(|percent| !(1..=MAX_THRESHOLD).contains(percent)) {
        let text = format!("a threshold is a percentage from 1 to {MAX_THRESHOLD}");
        return Err(Error::invalid("thresholds", text));
    }
    budget.period.check()?;
    check_day("start", budget.start)?;
    check_rollover(budget)
}

/// What a budget watches is said, is there, and is spending.
fn check_scope(budget: &Budget, plan: &Plan) -> Result<()> {
    let lists = [budget.category_ids.len(), budget.except_category_ids.len()];
    let lists = lists.into_iter().chain([budget.tags.len(), budget.account_ids.len()]);
    if lists.sum::<usize>() == 0 {
        let text = "a budget names categories, categories left out, tags or accounts";
        return Err(Error::invalid("category_ids", text));
    }
    check_list("category_ids", &budget.category_ids, MAX_DOCUMENTS)?;
    check_list("except_category_ids", &budget.except_category_ids, MAX_DOCUMENTS)?;
    check_list("account_ids", &budget.account_ids, MAX_DOCUMENTS)?;
    check_list("tags", &budget.tags, MAX_BUDGET_TAGS)?;
    budget.tags.iter().try_for_each(|tag| check_name("tags", tag))?;
    for id in &budget.category_ids {
        let category = plan.category(*id).map_err(|error| error.field("category_ids"))?;
        if category.kind == CategoryKind::Income {
            let text = "a budget watches spending; one of the categories is of income";
            return Err(Error::invalid("category_ids", text).id(id));
        }
    }
    for id in &budget.except_category_ids {
        plan.category(*id).map_err(|error| error.field("except_category_ids"))?;
    }
    Ok(())
}

fn check_rollover(budget: &Budget) -> Result<()> {
    let rollover = budget.rollover;
    let bounded = rollover.cap.is_some() || rollover.reset_every.is_some() || rollover.reset_yearly;
    if rollover.carry == Carry::Nothing && bounded {
        let text = "where nothing is carried, there is nothing to cap or to reset";
        return Err(Error::invalid("rollover", text));
    }
    if rollover.carry != Carry::Nothing && budget.start.is_none() {
        return Err(Error::invalid("start", "a budget that carries has a first period"));
    }
    if let Some(cap) = rollover.cap {
        let cap = Money::from_amount(cap, budget.limit.currency());
        if cap.map_err(|error| error.field("rollover.cap"))?.minor() < 0 {
            return Err(Error::invalid("rollover.cap", "a cap is not below zero"));
        }
    }
    if rollover.reset_every.is_some_and(|every| !(1..=MAX_PERIOD_UNITS).contains(&every)) {
        let text = format!("a reset comes every 1 to {MAX_PERIOD_UNITS} periods");
        return Err(Error::invalid("rollover.reset_every", text));
    }
    Ok(())
}
