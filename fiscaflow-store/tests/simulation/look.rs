//! What a process tells, compared with loops over the log, and with what an engine tells that has
//! read everything just now.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use fiscaflow_core::analytics::{BalancesQuery, SpendingQuery};
use fiscaflow_core::budgets::{BudgetHistoryQuery, EnvelopeQuery};
use fiscaflow_core::engine::{BookHandle, Context, Engine};
use fiscaflow_core::goals::GoalQuery;
use tokio::runtime::Runtime;

use super::facts::{Checked, Facts, holds};
use super::figures;
use super::lone::{engine_over, store_at};

/// Compares the figures of a book.
pub fn check(runtime: &Runtime, engine: &Engine, facts: &Facts, now: DateTime<Utc>) -> Checked {
    let Some(owner) = facts.owner() else { return Ok(()) };
    let book = engine.book(facts.id, Context::new(owner.clone()));
    runtime.block_on(check_figures(&book, facts))?;
    let fresh = engine_over(store_at(runtime, facts, facts.seq()), now);
    let fresh = fresh.book(facts.id, Context::new(owner));
    let (ours, theirs) = (runtime.block_on(all(&book)), runtime.block_on(all(&fresh)));
    holds(ours == theirs, "view from scratch", || format!("{ours}\ninstead of\n{theirs}"))
}

/// Some figures as text.
async fn all(book: &BookHandle) -> String {
    let mut text = String::new();
    for month in ["2023-12", "2024-01", "2024-02"] {
        let query = EnvelopeQuery { month: Some(month.parse().unwrap()), ..Default::default() };
        let state = book.envelopes().state(query).await.unwrap();
        text.push_str(&serde_json::to_string(&state).unwrap());
    }
    let as_of = Some("2024-02-01".parse().unwrap());
    let progress = book.goals().progress(GoalQuery { as_of, ..GoalQuery::default() }).await;
    text.push_str(&serde_json::to_string(&progress.unwrap()).unwrap());
    let rules = book.rules().list().await.unwrap();
    text.push_str(&serde_json::to_string(&rules).unwrap());
    text
}

async fn check_figures(book: &BookHandle, facts: &Facts) -> Checked {
    let balances = book.reports().balances(BalancesQuery::default()).await.unwrap();
    let found: BTreeMap<_, _> =
        balances.iter().map(|it| (it.account_id, it.balance.minor())).collect();
    let expected = figures::balances(facts);
    holds(found == expected, "balances", || format!("{found:?} instead of {expected:?}"))?;

    let spending = book.reports().spending(SpendingQuery::default()).await.unwrap();
    let row = |it: &fiscaflow_core::analytics::Spending| {
        let key = (it.month, it.category_id, it.spent.currency().to_string());
        (key, (it.spent.minor(), it.transactions))
    };
    let found: BTreeMap<_, _> = spending.iter().map(row).collect();
    let expected = figures::spending(facts);
    holds(found == expected, "spending", || format!("{found:?} instead of {expected:?}"))?;

    for budget in facts.budgets() {
        let to = Some("2024-03-20".parse().unwrap());
        let query = BudgetHistoryQuery { to, ..BudgetHistoryQuery::of(budget.id) };
        let history = book.budgets().history(query).await.unwrap();
        let expected = figures::budget(facts, budget);
        for it in history {
            let found = (it.carried_in.minor(), it.spent.minor() + it.reserved.minor());
            let expected = expected.get(&it.from).copied();
            holds(Some(found) == expected, "budgets", || {
                format!("{} of {}: {found:?} instead of {expected:?}", it.budget_id, it.from)
            })?;
        }
    }
    Ok(())
}
