//! What a person should look at: one list of findings, each with a name that stays, its figures and
//! the objects it is about, and no prose. Hosts write the texts.
//!
//! Nothing of it is kept but that somebody dismissed a finding: all follows from budgets, goals,
//! schedules, streams, unusual payments and the forecast as they are on the day.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::analytics::{Named, UnusualQuery, UnusualReason, Witness, unusual};
use crate::budgets::{BudgetState, Told, states};
use crate::error::Result;
use crate::forecast::{ForecastQuery, balance_witness, forecast_with};
use crate::goals::progress;
use crate::id::{AccountId, BudgetId, GoalId, ScheduleId, TransactionId};
use crate::money::Money;
use crate::plan::Plan;
use crate::recurring::{Stream, StreamKind, StreamState, covers, streams};
use crate::schedules::{OccurrenceState, all_occurrences};
use crate::view::View;

/// How many days back a finding is news.
const NEWS_DAYS: u64 = 30;
/// How many days of a forecast are looked at.
const AHEAD_DAYS: u32 = 45;

/// Which findings to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct InsightQuery {
    /// The day on which they are told; today, in the book's zone, where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
    /// Also those that were dismissed.
    pub dismissed: bool,
    /// Whether to name the transactions that make the figures.
    pub witness: bool,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum InsightCode {
    /// A budget has reached a threshold: `percent`, `amount` is what is left.
    BudgetThreshold,
    /// A payment is much larger than usual: `amount`, `usual`.
    LargePayment,
    /// A payment looks as if it was charged twice: `amount`; both transactions.
    DuplicateCharge,
    /// What recurs costs more than before: `amount` now, `usual` before.
    PriceRise,
    /// What was expected has not come: `amount`.
    MissedPayment,
    /// A subscription goes on that nobody has accepted or ignored: `amount` each time.
    UnreviewedSubscription,
    /// The balance may be below zero: `amount` is the lower end of the interval on that day,
    /// `usual` the balance to be expected.
    LowBalance,
    /// A goal has reached a milestone: `percent`.
    GoalMilestone,
    /// Less is saved for a goal than was planned: `amount` is the shortfall.
    GoalBehind,
}

/// How much a finding matters; the first one most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum InsightPriority {
    /// Money may be lost or missing.
    High,
    /// Something has changed.
    Medium,
    /// Good to know.
    Low,
}

/// A finding.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Insight {
    /// Its name: the same as long as it is the same finding, on whatever day it is told.
    pub id: String,
    /// What was found.
    pub code: InsightCode,
    /// How much it matters.
    pub priority: InsightPriority,
    /// The day that it is about.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// The amount that it is about, as the code says.
    pub amount: Option<Money>,
    /// What that is compared with.
    pub usual: Option<Money>,
    /// The percentage that was reached.
    pub percent: Option<u32>,
    /// The account.
    pub account_id: Option<AccountId>,
    /// The budget.
    pub budget_id: Option<BudgetId>,
    /// The goal.
    pub goal_id: Option<GoalId>,
    /// The schedule.
    pub schedule_id: Option<ScheduleId>,
    /// The transactions, oldest first.
    pub transaction_ids: Vec<TransactionId>,
    /// Whether somebody dismissed it.
    pub dismissed: bool,
    /// What the amount comes from, where asked for and where there are transactions: what was used
    /// of a budget, what is saved for a goal, what lies in the accounts that may be overdrawn, the
    /// payment itself, or those by which the amount of a stream is told.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(Insight: id, code, priority, date, dismissed);

impl Insight {
    fn new(code: InsightCode, priority: InsightPriority, date: NaiveDate, of: &str) -> Self {
        let name = serde_json::to_value(code).ok();
        let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
        Self {
            id: format!("{name}.{of}"),
            code,
            priority,
            date,
            amount: None,
            usual: None,
            percent: None,
            account_id: None,
            budget_id: None,
            goal_id: None,
            schedule_id: None,
            transaction_ids: Vec::new(),
            dismissed: false,
            witness: None,
        }
    }
}

/// The findings as of a day, those that matter most first, then the newest.
///
/// # Errors
/// `amount_overflow` where a figure does not fit, `limit_exceeded` where witnesses would name more
/// than 100,000 transactions.
pub fn insights(
    plan: &Plan,
    view: &View,
    query: &InsightQuery,
    today: NaiveDate,
) -> Result<Vec<Insight>> {
    let streams = streams(plan, view, query.as_of.unwrap_or(today))?;
    insights_with(plan, view, query, today, &streams)
}

/// The findings where the streams of their day are known already.
pub(crate) fn insights_with(
    plan: &Plan,
    view: &View,
    query: &InsightQuery,
    today: NaiveDate,
    streams: &[Stream],
) -> Result<Vec<Insight>> {
    let today = query.as_of.unwrap_or(today);
    let finder = Finder { plan, view, today, witness: query.witness };
    let mut found = finder.of_budgets()?;
    found.extend(finder.of_payments()?);
    found.extend(finder.of_streams(streams));
    found.extend(finder.of_schedules());
    found.extend(finder.of_goals()?);
    found.extend(finder.of_balance(streams)?);
    for it in &mut found {
        it.dismissed = plan.dismissals.contains_key(&it.id);
    }
    found.retain(|it| query.dismissed || !it.dismissed);
    let mut named = Named::default();
    found.iter().try_for_each(|it| named.add(it.witness.as_ref()))?;
    found.sort_by(|one, other| {
        let key = |it: &Insight| (it.priority, std::cmp::Reverse(it.date));
        key(one).cmp(&key(other)).then_with(|| one.id.cmp(&other.id))
    });
    Ok(found)
}

struct Finder<'a> {
    plan: &'a Plan,
    view: &'a View,
    today: NaiveDate,
    witness: bool,
}

impl Finder<'_> {
    /// The witness of transactions by which an amount is told, where it is asked for.
    fn witness(&self, amount: Money, ids: &[TransactionId]) -> Option<Witness> {
        self.witness.then(|| Witness::of(self.view, amount.currency(), ids.to_vec()))
    }

    /// The witness of a figure, where it is asked for.
    fn witness_of(
        &self,
        figure: impl FnOnce() -> Result<Option<Witness>>,
    ) -> Result<Option<Witness>> {
        if self.witness { figure() } else { Ok(None) }
    }

    fn news_from(&self) -> NaiveDate {
        self.today.checked_sub_days(Days::new(NEWS_DAYS)).unwrap_or(self.today)
    }

    fn is_news(&self, date: NaiveDate) -> bool {
        (self.news_from()..=self.today).contains(&date)
    }

    /// The highest threshold that a budget has reached in its present period.
    fn of_budgets(&self) -> Result<Vec<Insight>> {
        let stands = |budget, witness| -> Result<Option<BudgetState>> {
            let told = Told { as_of: self.today, witness };
            Ok(states(self.plan, self.view, &[budget], self.today, told)?.pop())
        };
        let mut found = Vec::new();
        for budget in self.plan.budgets.values() {
            let Some(state) = stands(budget, false)? else { continue };
            let Some(percent) = state.reached.last().copied() else { continue };
            let priority =
                if percent >= 100 { InsightPriority::High } else { InsightPriority::Medium };
            let of = format!("{}.{}.{percent}", state.budget_id, state.from);
            found.push(Insight {
                amount: Some(state.remaining),
                percent: Some(percent),
                budget_id: Some(state.budget_id),
                witness: self.witness_of(|| Ok(stands(budget, true)?.and_then(|it| it.witness)))?,
                ..Insight::new(InsightCode::BudgetThreshold, priority, self.today, &of)
            });
        }
        Ok(found)
    }

    fn of_payments(&self) -> Result<Vec<Insight>> {
        let (from, to) = (Some(self.news_from()), Some(self.today));
        let query = UnusualQuery { from, to, witness: false };
        let found = unusual(self.plan, self.view, &query)?.into_iter().map(|it| {
            let (code, priority) = match it.reason {
                UnusualReason::Duplicate => (InsightCode::DuplicateCharge, InsightPriority::High),
                _ => (InsightCode::LargePayment, InsightPriority::Medium),
            };
            Insight {
                amount: Some(it.amount),
                usual: (code == InsightCode::LargePayment).then_some(it.usual),
                account_id: Some(it.account_id),
                witness: self.witness(it.amount, &[it.transaction_id]),
                transaction_ids: it.repeats_id.into_iter().chain([it.transaction_id]).collect(),
                ..Insight::new(code, priority, it.date, &it.transaction_id.to_string())
            }
        });
        Ok(found.collect())
    }

    /// What of streams is news: a higher price, a payment that has not come and no schedule tells,
    /// a subscription that nobody has looked at.
    fn of_streams(&self, all: &[Stream]) -> Vec<Insight> {
        let mut found = Vec::new();
        for stream in all.iter().filter(|stream| stream.state != StreamState::Ended) {
            let schedule = self.plan.schedules.values().find(|it| covers(it, stream));
            if schedule.is_some_and(|schedule| !schedule.active) {
                continue;
            }
            let (Some(first), Some(newest)) =
                (stream.transaction_ids.first(), stream.transaction_ids.last())
            else {
                continue;
            };
            let insight = |code, priority, date, of: &str| Insight {
                amount: Some(stream.amount),
                account_id: Some(stream.account_id),
                schedule_id: schedule.map(|schedule| schedule.id),
                transaction_ids: vec![*newest],
                witness: self.witness(stream.amount, &stream.amount_ids),
                ..Insight::new(code, priority, date, of)
            };
            if let Some(rise) = stream.changes.last().filter(|it| {
                self.is_news(it.date) && it.to.minor() < it.from.minor() && it.to.minor() < 0
            }) {
                let of = format!("{first}.{}", rise.date);
                let medium = InsightPriority::Medium;
                let it = insight(InsightCode::PriceRise, medium, rise.date, &of);
                found.push(Insight { amount: Some(rise.to), usual: Some(rise.from), ..it });
            }
            if schedule.is_some() {
                continue;
            }
            if stream.state == StreamState::Missed {
                let of = format!("{first}.{}", stream.last);
                let (code, high) = (InsightCode::MissedPayment, InsightPriority::High);
                found.push(insight(code, high, self.today, &of));
            }
            if stream.kind == StreamKind::Subscription {
                let (code, low) = (InsightCode::UnreviewedSubscription, InsightPriority::Low);
                found.push(insight(code, low, stream.last, &first.to_string()));
            }
        }
        found
    }

    /// What schedules expected lately and has not come.
    fn of_schedules(&self) -> Vec<Insight> {
        let lately = (self.news_from(), self.today);
        let all = all_occurrences(self.plan, self.view, lately, self.today);
        let late = all.into_iter().filter(|it| it.state == OccurrenceState::Late);
        let found = late.map(|it| {
            let of = format!("{}.{}", it.schedule_id, it.date);
            let account = self.plan.schedules.get(&it.schedule_id).map(|it| it.account_id);
            Insight {
                amount: Some(it.amount),
                account_id: account,
                schedule_id: Some(it.schedule_id),
                ..Insight::new(InsightCode::MissedPayment, InsightPriority::High, it.date, &of)
            }
        });
        found.collect()
    }

    /// Milestones that goals reached lately, and what is missing to their plans.
    fn of_goals(&self) -> Result<Vec<Insight>> {
        let mut found = Vec::new();
        for it in self.plan.milestones.values().filter(|it| self.is_news(it.date)) {
            let of = format!("{}.{}", it.goal_id, it.percent);
            found.push(Insight {
                percent: Some(it.percent),
                goal_id: Some(it.goal_id),
                ..Insight::new(InsightCode::GoalMilestone, InsightPriority::Low, it.date, &of)
            });
        }
        for goal in self.plan.goals.values() {
            let it = progress(self.plan, self.view, goal, self.today, false)?;
            let Some(shortfall) = it.shortfall.filter(|it| it.minor() > 0) else { continue };
            let of = format!("{}.{}", goal.id, crate::Month::of(self.today));
            found.push(Insight {
                amount: Some(shortfall),
                goal_id: Some(goal.id),
                witness: self.witness_of(|| {
                    Ok(progress(self.plan, self.view, goal, self.today, true)?.witness)
                })?,
                ..Insight::new(InsightCode::GoalBehind, InsightPriority::Medium, self.today, &of)
            });
        }
        Ok(found)
    }

    /// The first day ahead on which the accounts on budget may be overdrawn, where they are not.
    fn of_balance(&self, streams: &[Stream]) -> Result<Option<Insight>> {
        let mut accounts = self.plan.accounts.values();
        if !accounts.any(|account| crate::budgets::on_budget(self.plan, account)) {
            return Ok(None);
        }
        let query = ForecastQuery { days: Some(AHEAD_DAYS), ..ForecastQuery::default() };
        let told = forecast_with(self.plan, self.view, &query, self.today, streams)?;
        let Some(date) = told.may_be_low_on.filter(|_| told.balance.minor() >= 0) else {
            return Ok(None);
        };
        let day = told.days.iter().find(|it| it.date == date);
        let of = crate::Month::of(date).to_string();
        Ok(Some(Insight {
            amount: day.and_then(|day| day.low),
            usual: day.map(|day| day.balance),
            witness: self.witness_of(|| balance_witness(self.plan, self.view, self.today))?,
            ..Insight::new(InsightCode::LowBalance, InsightPriority::High, date, &of)
        }))
    }
}
