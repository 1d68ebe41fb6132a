//! What a first page shows, in one call and of one moment of the book.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    Balance, BalancesQuery, CashFlow, CashFlowQuery, NetWorth, NetWorthQuery, balances, cash_flow,
    net_worth,
};
use crate::budgets::{BudgetState, Told, on_budget, states};
use crate::error::Result;
use crate::forecast::{ExpectedPayment, ForecastQuery, forecast_with};
use crate::goals::{GoalProgress, progress};
use crate::insights::{Insight, InsightQuery, insights_with};
use crate::model::Budget;
use crate::period::Month;
use crate::plan::Plan;
use crate::recurring::streams;
use crate::view::View;

/// How many days ahead payments are told.
const UPCOMING_DAYS: u32 = 30;

/// Which day a first page is of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DashboardQuery {
    /// The day; today, in the book's zone, where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
}

/// A first page. Each part is what its own verb tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Dashboard {
    /// The day.
    #[serde(deserialize_with = "crate::period::date")]
    pub as_of: NaiveDate,
    /// What lies in each account at its end.
    pub balances: Vec<Balance>,
    /// What lies in all of them, each currency apart.
    pub net_worth: Vec<NetWorth>,
    /// Income and spending of the day's month, as far as it is recorded, each currency apart.
    pub month: Vec<CashFlow>,
    /// How budgets stand in their present periods.
    pub budgets: Vec<BudgetState>,
    /// What is expected in the next 30 days in the accounts on budget.
    pub upcoming: Vec<ExpectedPayment>,
    /// How goals stand.
    pub goals: Vec<GoalProgress>,
    /// What a person should look at.
    pub insights: Vec<Insight>,
}

/// A first page as of a day.
pub fn dashboard(
    plan: &Plan,
    view: &View,
    query: &DashboardQuery,
    today: NaiveDate,
) -> Result<Dashboard> {
    let as_of = query.as_of.unwrap_or(today);
    let to = Some(as_of);
    let month = Some(Month::of(as_of));
    let all: Vec<&Budget> = plan.budgets.values().collect();
    let told = Told { as_of, witness: false };
    let ahead = ForecastQuery { days: Some(UPCOMING_DAYS), as_of: to, ..ForecastQuery::default() };
    let streams = streams(plan, view, as_of)?;
    let mut accounts = plan.accounts.values();
    let upcoming = if accounts.any(|account| on_budget(plan, account)) {
        forecast_with(plan, view, &ahead, today, &streams)?.payments
    } else {
        Vec::new()
    };
    let goals = plan.goals.values().map(|goal| progress(plan, view, goal, as_of, false));
    Ok(Dashboard {
        as_of,
        balances: balances(plan, view, &BalancesQuery { to, ..BalancesQuery::default() })?,
        net_worth: net_worth(plan, view, &NetWorthQuery { to, ..NetWorthQuery::default() })?,
        month: cash_flow(
            plan,
            view,
            &CashFlowQuery { from: month, to: month, ..CashFlowQuery::default() },
        )?,
        budgets: states(plan, view, &all, as_of, told)?,
        upcoming,
        goals: goals.collect::<Result<_>>()?,
        insights: insights_with(
            plan,
            view,
            &InsightQuery { as_of: to, dismissed: false },
            today,
            &streams,
        )?,
    })
}
