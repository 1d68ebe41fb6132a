//! Goals.

use serde::Serialize;

use super::budgets::today;
use super::noun;
use super::run::{Command, Decision, Facts, Needs};
use crate::error::{Error, ErrorCode, Result};
use crate::goals::{GoalProgress, GoalQuery, progress_of_all};
use crate::id::GoalId;
use crate::limits::{MAX_DOCUMENTS, MAX_THRESHOLDS};
use crate::log::Change;
use crate::model::{
    Action, CategoryKind, Goal, GoalFunding, GoalPatch, GoalState, NewGoal, Role, check_list,
    check_name,
};
use crate::money::{Amount, Currency, Money};
use crate::period::check_day;
use crate::plan::Plan;
use crate::rules::check_unused;
use crate::store::TransactionQuery;

/// The percentages that are announced where a goal names none.
const DEFAULT_MILESTONES: [u32; 3] = [25, 50, 75];
/// The percentage at which a goal is achieved.
const ACHIEVED: u32 = 100;

noun! {
    /// What is saved for.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle,
    /// #   savings: fiscaflow_core::AccountId) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::goals::GoalQuery;
    /// use fiscaflow_core::model::{GoalFunding, NewGoal};
    ///
    /// let goal = NewGoal {
    ///     id: None,
    ///     name: "Bicycle".into(),
    ///     target: "1200.00".parse()?,
    ///     currency: None,
    ///     start: None,
    ///     due: Some(fiscaflow_core::parse_date("2026-12-31")?),
    ///     funding: GoalFunding::Contributions { account_ids: vec![savings] },
    ///     milestones: None,
    /// };
    /// book.goals().create(goal).await?;
    /// for it in book.goals().progress(GoalQuery::default()).await? {
    ///     println!("{}: {} of {}, there by {:?}", it.name, it.saved, it.target, it.projected);
    /// }
    /// # Ok(()) }
    /// ```
    Goals
}

impl Goals<'_> {
    /// Makes a goal. Milestones that are reached already are announced with it. A repeat with the
    /// same id and content returns the one that is there.
    pub async fn create(&self, new: NewGoal) -> Result<Goal> {
        self.book.run(&new).await
    }

    /// All goals, by id, those that are given up too.
    pub async fn list(&self) -> Result<Vec<Goal>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.goals.values().cloned().collect())
    }

    /// Changes a goal; figures of the past change with it. Milestones that it reaches by the change
    /// are announced, those announced before are not announced again.
    pub async fn update(&self, id: GoalId, patch: GoalPatch) -> Result<Goal> {
        self.book.run(&UpdateGoal { id, patch }).await
    }

    /// Removes a goal, and the links of transactions to it. One that is not there is no error; one
    /// that a rule names is `in_use`.
    pub async fn delete(&self, id: GoalId) -> Result<()> {
        self.book.run(&DeleteGoal { id }).await
    }

    /// How goals stand at the end of a day, by id.
    pub async fn progress(&self, query: GoalQuery) -> Result<Vec<GoalProgress>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let plan = &state.plan;
        let goals: Vec<&Goal> = match query.goal_id {
            Some(id) => vec![plan.goal(id)?],
            None => plan.goals.values().collect(),
        };
        let as_of = query.as_of.map_or_else(|| today(plan, self.book.engine.now()), Ok)?;
        progress_of_all(plan, &view, &goals, as_of, query.witness)
    }
}

impl Command for NewGoal {
    type Answer = Goal;
    const VERB: &'static str = "goals.create";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Goal>> {
        let currency = match &self.currency {
            Some(code) => facts.plan.currency(code)?,
            None => facts.plan.book.currency,
        };
        let id = self.id.unwrap_or_else(|| GoalId::new(facts.uuid()));
        let existing = facts.plan.goals.get(&id);
        // A repeat on another day is a repeat all the same.
        let start = self.start.or_else(|| existing.map(|existing| existing.start));
        let goal = Goal {
            id,
            name: self.name.clone(),
            target: target(self.target, currency)?,
            start: start.map_or_else(|| today(facts.plan, facts.now), Ok)?,
            due: self.due,
            funding: self.funding.clone(),
            state: existing.map_or(GoalState::Active, |existing| existing.state),
            milestones: milestones(self.milestones.clone().unwrap_or(DEFAULT_MILESTONES.to_vec())),
        };
        if let Some(existing) = existing {
            if *existing == goal {
                return Ok(Decision::unchanged(goal));
            }
            let text = "the goal id is taken";
            return Err(Error::new(ErrorCode::IdConflict, text).field("id").id(goal.id));
        }
        if facts.plan.goals.len() >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many goals"));
        }
        check_new(&goal, facts.plan)?;
        let event = facts.event("planning.goal.created", ("goal", goal.id.to_string()), &[]);
        Ok(Decision::one(Change::create(goal.clone()), event, goal))
    }
}

#[derive(Serialize)]
struct UpdateGoal {
    id: GoalId,
    patch: GoalPatch,
}

impl Command for UpdateGoal {
    type Answer = Goal;
    const VERB: &'static str = "goals.update";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Goal>> {
        let before = facts.plan.goal(self.id)?.clone();
        let (patch, old) = (self.patch.clone(), before.clone());
        if patch.some_day && patch.due.is_some() {
            return Err(Error::invalid("some_day", "`due` and `some_day` contradict"));
        }
        let goal = Goal {
            id: old.id,
            name: patch.name.unwrap_or(old.name),
            target: match patch.target {
                Some(amount) => target(amount, old.target.currency())?,
                None => old.target,
            },
            start: patch.start.unwrap_or(old.start),
            due: patch.due.or(old.due).filter(|_| !patch.some_day),
            funding: patch.funding.unwrap_or(old.funding),
            state: patch.state.unwrap_or(old.state),
            milestones: patch.milestones.map_or(old.milestones, milestones),
        };
        if goal == before {
            return Ok(Decision::unchanged(goal));
        }
        check_new(&goal, facts.plan)?;
        if !matches!(goal.funding, GoalFunding::Transactions { .. }) {
            check_unused(facts.plan, |action| links(action, goal.id))?;
        }
        let event = facts.event("planning.goal.updated", ("goal", goal.id.to_string()), &[]);
        Ok(Decision::one(Change::update(before, goal.clone()), event, goal))
    }
}

#[derive(Serialize)]
struct DeleteGoal {
    id: GoalId,
}

impl Command for DeleteGoal {
    type Answer = ();
    const VERB: &'static str = "goals.delete";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        let goal_id = Some(self.id);
        let linked = TransactionQuery { goal_id, deleted: true, ..TransactionQuery::default() };
        Ok(Needs { queries: vec![linked], ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let Some(before) = facts.plan.goals.get(&self.id) else {
            return Ok(Decision::unchanged(()));
        };
        check_unused(facts.plan, |action| links(action, self.id))?;
        let mut changes = vec![Change::remove(before.clone())];
        changes.extend(facts.each_changed(|it| (it.goal_id, it.goal_source) = (None, None)));
        let reached = facts.plan.milestones.values().filter(|it| it.goal_id == self.id);
        changes.extend(reached.cloned().map(Change::remove));
        let event = facts.event("planning.goal.deleted", ("goal", self.id.to_string()), &[]);
        Ok(Decision { changes, events: vec![event], answer: () })
    }
}

/// Whether an action of a rule links transactions to a goal.
fn links(action: &Action, id: GoalId) -> bool {
    matches!(action, Action::LinkGoal { goal_id } if *goal_id == id)
}

fn target(amount: Amount, currency: Currency) -> Result<Money> {
    Money::from_amount(amount, currency).map_err(|error| error.field("target"))
}

/// Percentages in their order, each once, and the one at which a goal is achieved.
fn milestones(mut percents: Vec<u32>) -> Vec<u32> {
    percents.push(ACHIEVED);
    percents.sort_unstable();
    percents.dedup();
    percents
}

/// Refuses a goal that cannot be kept, and accounts that are not there or in another currency. An
/// account of a goal that is kept may go later, by an undo.
fn check_new(goal: &Goal, plan: &Plan) -> Result<()> {
    if let GoalFunding::Balances { account_ids } | GoalFunding::Contributions { account_ids } =
        &goal.funding
    {
        for id in account_ids {
            let account = plan.account(*id).map_err(|error| error.field("funding"))?;
            if account.currency != goal.target.currency() {
                let text = format!("one of the accounts is kept in `{}`", account.currency);
                let error = Error::new(ErrorCode::CurrencyMismatch, text);
                return Err(error.field("funding").id(id));
            }
        }
    }
    check_goal(goal, plan)
}

/// Refuses a goal that cannot be kept.
pub(super) fn check_goal(goal: &Goal, plan: &Plan) -> Result<()> {
    check_name("name", &goal.name)?;
    if goal.target.minor() <= 0 {
        return Err(Error::invalid("target", "a target is above zero"));
    }
    check_day("start", Some(goal.start))?;
    check_day("due", goal.due)?;
    if goal.due.is_some_and(|due| due < goal.start) {
        return Err(Error::invalid("due", "a goal is not due before its start"));
    }
    // The last one is 100, which nobody has to name.
    check_list("milestones", &goal.milestones, MAX_THRESHOLDS.saturating_add(1))?;
    let ascend = goal.milestones.is_sorted_by(|one, next| one < next);
    let all = goal.milestones.first() >= Some(&1) && goal.milestones.last() == Some(&ACHIEVED);
    if !ascend || !all {
        let text = "a milestone is a percentage from 1 to 100";
        return Err(Error::invalid("milestones", text));
    }
    match &goal.funding {
        GoalFunding::Balances { account_ids } | GoalFunding::Contributions { account_ids } => {
            if account_ids.is_empty() {
                return Err(Error::invalid("funding", "a goal names at least one account"));
            }
            check_list("funding", account_ids, MAX_DOCUMENTS)
        }
        GoalFunding::Envelope { category_id } => {
            let category = plan.category(*category_id).map_err(|error| error.field("funding"))?;
            if category.kind == CategoryKind::Income {
                let text = "an envelope is of spending; the category is of income";
                return Err(Error::invalid("funding", text).id(category_id));
            }
            if goal.target.currency() != plan.book.currency {
                let text = format!("envelopes are kept in `{}`", plan.book.currency);
                return Err(Error::new(ErrorCode::CurrencyMismatch, text).field("funding"));
            }
            Ok(())
        }
        GoalFunding::Transactions { .. } => Ok(()),
    }
}
