//! What a first page shows, in one call and of one moment of the book.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::witness::Named;
use super::{
    Balance, BalancesQuery, CashFlow, CashFlowQuery, NetWorth, NetWorthQuery, balances, cash_flow,
    net_worth,
};
use crate::budgets::{BudgetState, Told, on_budget, states};
use crate::error::Result;
use crate::forecast::{ExpectedPayment, ForecastQuery, forecast_with};
use crate::goals::{GoalProgress, progress_of_all};
use crate::insights::{Insight, InsightQuery, insights_with};
use crate::model::{Budget, Goal};
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
    /// Whether to name the transactions that make the figures, at most 100,000 in all.
    pub witness: bool,
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

impl Dashboard {
    /// Refuses a page whose parts together name too many transactions.
    fn check_named(&self) -> Result<()> {
        let balances = self.balances.iter().map(|it| &it.witness);
        let witnesses = balances
            .chain(self.net_worth.iter().map(|it| &it.witness))
            .chain(self.month.iter().map(|it| &it.witness))
            .chain(self.budgets.iter().map(|it| &it.witness))
            .chain(self.upcoming.iter().map(|it| &it.witness))
            .chain(self.goals.iter().map(|it| &it.witness))
            .chain(self.insights.iter().map(|it| &it.witness));
        let mut named = Named::default();
        witnesses.into_iter().try_for_each(|it| named.add(it.as_ref()))
    }
}

/// A first page as of a day.
///
/// # Errors
/// Those of its parts; `limit_exceeded` where they would name more than 100,000 transactions.
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
    let witness = query.witness;
    let told = Told { as_of, witness };
    let days = Some(UPCOMING_DAYS);
    let ahead = ForecastQuery { days, as_of: to, witness, ..ForecastQuery::default() };
    let streams = streams(plan, view, as_of)?;
    let mut accounts = plan.accounts.values();
    let upcoming = if accounts.any(|account| on_budget(plan, account)) {
        forecast_with(plan, view, &ahead, today, &streams)?.payments
    } else {
        Vec::new()
    };
    let goals: Vec<&Goal> = plan.goals.values().collect();
    let months = CashFlowQuery { from: month, to: month, witness, ..CashFlowQuery::default() };
    let findings = InsightQuery { as_of: to, dismissed: false, witness };
    let answer = Dashboard {
        as_of,
        balances: balances(plan, view, &BalancesQuery { to, witness, ..BalancesQuery::default() })?,
        net_worth: net_worth(
            plan,
            view,
            &NetWorthQuery { to, witness, ..NetWorthQuery::default() },
        )?,
        month: cash_flow(plan, view, &months)?,
        budgets: states(plan, view, &all, as_of, told)?,
        upcoming,
        goals: progress_of_all(plan, view, &goals, as_of, witness)?,
        insights: insights_with(plan, view, &findings, today, &streams)?,
    };
    answer.check_named()?;
    Ok(answer)
}
