//! Rules.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::noun;
use super::run::{Command, Decision, Facts, Needs};
use super::state::BookState;
use super::transactions::check;
use crate::error::{Error, ErrorCode, Result};
use crate::id::RuleId;
use crate::limits::{MAX_REPORT_LIST, MAX_RULES};
use crate::log::Change;
use crate::model::{NewRule, Role, Rule, RulePatch, Transaction, check_list};
use crate::plan::Plan;
use crate::rules::{
    self, Backtest, BacktestQuery, BacktestReport, RuleSet, RuleSuggestion, RuleSuggestionQuery,
    Run, check_rule,
};
use crate::store::TransactionQuery;

/// Entries of a list in a report where the query names no number.
const DEFAULT_LIST: u32 = 100;

/// A rule as one sentence.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RuleText {
    /// The sentence, such as `"Shops": if payee is "rewe" then add tag "shop"; stop`.
    pub text: String,
}

impl std::fmt::Debug for RuleText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RuleText")
    }
}

/// What applying rules or suggestions to the past did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ApplyReport {
    /// How many transactions were looked at.
    pub examined: u64,
    /// How many of them changed.
    pub changed: u64,
}

noun! {
    /// What categorises by itself.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::CategoryId;
    /// use fiscaflow_core::model::{Action, Condition, NewRule, TextField, TextOp};
    ///
    /// # let category_id: CategoryId = "018f0000-0000-7000-8000-000000000001".parse()?;
    /// let condition = Condition::Text {
    ///     field: TextField::Description,
    ///     op: TextOp::Contains,
    ///     values: vec!["rewe".into(), "edeka".into()],
    ///     case_sensitive: false,
    /// };
    /// let rule = NewRule::new("Groceries", condition, vec![Action::SetCategory { category_id }]);
    /// book.rules().create(rule).await?;
    /// // Files that are imported from now on follow the rule; what is there does when told so.
    /// let report = book.rules().apply().await?;
    /// println!("{} of {} changed", report.changed, report.examined);
    /// # Ok(()) }
    /// ```
    Rules
}

impl Rules<'_> {
    /// Makes a rule; transactions that are there already keep what they have until
    /// [`Rules::apply`]. A repeat with the same id and content returns the one that is there.
    pub async fn create(&self, new: NewRule) -> Result<Rule> {
        self.book.run(&new).await
    }

    /// All rules, in the order in which they run.
    pub async fn list(&self) -> Result<Vec<Rule>> {
        let state = self.book.authorised(Role::Viewer).await?;
        let mut rules: Vec<Rule> = state.plan.rules.values().cloned().collect();
        rules.sort_by_key(|rule| (rule.stage, std::cmp::Reverse(rule.priority), rule.id));
        Ok(rules)
    }

    /// Changes a rule.
    pub async fn update(&self, id: RuleId, patch: RulePatch) -> Result<Rule> {
        self.book.run(&UpdateRule { id, patch }).await
    }

    /// Removes a rule; what it set stays. One that is not there is no error.
    pub async fn delete(&self, id: RuleId) -> Result<()> {
        self.book.run(&DeleteRule { id }).await
    }

    /// Reads a rule from its sentence, in which accounts and categories of the book may stand by
    /// their names; nothing is written.
    pub async fn parse(&self, request: RuleText) -> Result<NewRule> {
        let state = self.book.authorised(Role::Viewer).await?;
        let rule = rules::parse(&request.text, Some(&state.plan))?;
        check_rule(&rule.rule(|| RuleId::new(uuid::Uuid::nil())), &state.plan)?;
        Ok(rule)
    }

    /// A rule as one sentence.
    pub async fn describe(&self, id: RuleId) -> Result<RuleText> {
        let state = self.book.authorised(Role::Viewer).await?;
        let rule = state.plan.rules.get(&id).ok_or_else(|| Error::not_found("rule", id))?;
        Ok(RuleText { text: rules::describe(&NewRule::from(rule), &state.plan) })
    }

    /// What a draft of rules would do to the book's history; nothing is written. It runs what
    /// [`Rules::apply`] runs.
    pub async fn backtest(&self, query: BacktestQuery) -> Result<BacktestReport> {
        let limit = query.limit.unwrap_or(DEFAULT_LIST);
        if limit > MAX_REPORT_LIST {
            return Err(Error::invalid("limit", format!("`limit` is at most {MAX_REPORT_LIST}")));
        }
        // A draft may look at balances though the book's own rules do not.
        let mut state = self.book.authorised(Role::Viewer).await?;
        let drafted = self.drafted(&state, &query)?;
        let mut draft = RuleSet::new(&drafted, &state.plan);
        if draft.ask_balance() || state.rules().ask_balance() {
            state = self.book.engine.state_with_view(self.book.book_id).await?.0;
            draft = RuleSet::new(&drafted, &state.plan);
        }
        let filter = TransactionQuery { from: query.from, to: query.to, ..Default::default() };
        let transactions = self.transactions(filter).await?;
        let run = Backtest {
            own: state.rules(),
            draft: &draft,
            balances: &state.balances_for(&draft),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        };
        let over: Vec<&Transaction> = transactions.iter().collect();
        run.run(&drafted, &over)
    }

    /// Rules that a person's own choices suggest, best supported first; nothing is written.
    pub async fn suggest(&self, query: RuleSuggestionQuery) -> Result<Vec<RuleSuggestion>> {
        let state = self.book.ruling(Role::Viewer).await?;
        let transactions = self.transactions(TransactionQuery::default()).await?;
        rules::suggest(state.rules(), &state.balances(), &transactions, query)
    }

    fn drafted(&self, state: &BookState, query: &BacktestQuery) -> Result<Vec<Rule>> {
        let drafted = rules::draft(state.plan.rules.values(), query);
        check_list("rules", &drafted, MAX_RULES)?;
        let plan = Plan {
            rules: drafted.iter().map(|rule| (rule.id, rule.clone())).collect(),
            ..(*state.plan).clone()
        };
        if plan.rules.len() < drafted.len() {
            return Err(Error::invalid("rules", "two rules of the draft have the same id"));
        }
        drafted.iter().try_for_each(|rule| check_rule(rule, &plan).map_err(|it| it.id(rule.id)))?;
        Ok(drafted)
    }

    /// Transactions by their ids.
    async fn transactions(&self, filter: TransactionQuery) -> Result<Vec<Transaction>> {
        let mut loaded = HashMap::new();
        self.book.load_all(filter, &mut loaded).await?;
        let mut transactions: Vec<Transaction> = loaded.into_values().collect();
        transactions.sort_unstable_by_key(|it| it.id);
        Ok(transactions)
    }

    /// Runs all rules over every transaction, in one commit. What a person set stays.
    pub async fn apply(&self) -> Result<ApplyReport> {
        self.book.run(&ApplyRules {}).await
    }
}

impl Command for NewRule {
    type Answer = Rule;
    const VERB: &'static str = "rules.create";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Rule>> {
        let rule = self.rule(|| RuleId::new(facts.uuid()));
        if let Some(existing) = facts.plan.rules.get(&rule.id) {
            if *existing == rule {
                return Ok(Decision::unchanged(rule));
            }
            let text = "the rule id is taken";
            return Err(Error::new(ErrorCode::IdConflict, text).field("id").id(rule.id));
        }
        if facts.plan.rules.len() >= MAX_RULES {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many rules"));
        }
        check_rule(&rule, facts.plan)?;
        let event = facts.event("categorisation.rule.created", ("rule", rule.id.to_string()), &[]);
        Ok(Decision::one(Change::create(rule.clone()), event, rule))
    }
}

#[derive(Serialize)]
struct UpdateRule {
    id: RuleId,
    patch: RulePatch,
}

impl Command for UpdateRule {
    type Answer = Rule;
    const VERB: &'static str = "rules.update";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Rule>> {
        let before = facts.plan.rules.get(&self.id);
        let before = before.ok_or_else(|| Error::not_found("rule", self.id))?.clone();
        let patch = self.patch.clone();
        let rule = Rule {
            id: before.id,
            name: patch.name.unwrap_or_else(|| before.name.clone()),
            stage: patch.stage.unwrap_or(before.stage),
            priority: patch.priority.unwrap_or(before.priority),
            enabled: patch.enabled.unwrap_or(before.enabled),
            condition: patch.condition.unwrap_or_else(|| before.condition.clone()),
            actions: patch.actions.unwrap_or_else(|| before.actions.clone()),
            stop: patch.stop.unwrap_or(before.stop),
        };
        if rule == before {
            return Ok(Decision::unchanged(rule));
        }
        check_rule(&rule, facts.plan)?;
        let event = facts.event("categorisation.rule.updated", ("rule", rule.id.to_string()), &[]);
        Ok(Decision::one(Change::update(before, rule.clone()), event, rule))
    }
}

#[derive(Serialize)]
struct DeleteRule {
    id: RuleId,
}

impl Command for DeleteRule {
    type Answer = ();
    const VERB: &'static str = "rules.delete";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let Some(before) = facts.plan.rules.get(&self.id) else {
            return Ok(Decision::unchanged(()));
        };
        let event = facts.event("categorisation.rule.deleted", ("rule", self.id.to_string()), &[]);
        Ok(Decision::one(Change::remove(before.clone()), event, ()))
    }
}

#[derive(Serialize)]
struct ApplyRules {}

impl Command for ApplyRules {
    type Answer = ApplyReport;
    const VERB: &'static str = "rules.apply";
    const RULES: bool = true;

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { all: true, ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<ApplyReport>> {
        let mut ids: Vec<_> = facts.transactions.keys().copied().collect();
        ids.sort_unstable();
        let (mut changes, mut run) = (Vec::new(), Run::over(ids.len()));
        for before in ids.iter().filter_map(|id| facts.transactions.get(id)) {
            if let Some(after) = facts.ruled(before, &mut run)? {
                check(&after, facts.plan).map_err(|error| error.id(before.id))?;
                changes.push(Change::update(before.clone(), after));
            }
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let answer = ApplyReport { examined: count(ids.len()), changed: count(changes.len()) };
        let payload = [("changed", answer.changed.to_string())];
        let aggregate = ("book", facts.plan.book.id.to_string());
        let event = facts.event("categorisation.rules.applied", aggregate, &payload);
        Ok(Decision { changes, events: vec![event], answer })
    }
}
