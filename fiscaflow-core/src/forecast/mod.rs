//! What lies in accounts in the days to come: what is expected, and what the rest usually does.
//!
//! `known` tells the payments that schedules and streams will bring, `rest` how everything else
//! moves: by the weekday on average, and within an interval whose borders are those of sums of so
//! many days that there were. Nothing is assumed of their distribution, and all of it is integers,
//! so every platform tells the same to the cent.

mod afford;
mod backtest;
mod known;
mod rest;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use afford::{AffordQuery, Affordable, Lowest, Verdict, afford};
pub use backtest::{BacktestHorizon, ForecastBacktest, ForecastBacktestQuery, backtest};

use self::known::Known;
use self::rest::Rest;
use crate::analytics::{Buckets, Named, Witness, running};
use crate::budgets::on_budget;
use crate::calendar::after;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{AccountId, ScheduleId, TransactionId};
use crate::limits::{MAX_DOCUMENTS, MAX_FORECAST_DAYS};
use crate::model::{Account, check_list};
use crate::money::{Amount, Currency, Money};
use crate::period::check_day;
use crate::plan::Plan;
use crate::recurring::{Stream, streams};
use crate::view::View;

/// How many days are told where nobody says so.
const DEFAULT_DAYS: u32 = 90;
/// How often the balance lies within the interval where nobody says so, in percent.
const DEFAULT_LEVEL: u32 = 80;

/// Which forecast to tell.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ForecastQuery {
    /// The accounts, in one currency; those on budget where empty: in the book's currency, no
    /// loans and no investments.
    pub account_ids: Vec<AccountId>,
    /// How many days to tell, at most 366; 90 where absent.
    pub days: Option<u32>,
    /// The last day that has come; today, in the book's zone, where absent. What is recorded for
    /// later days is expected.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
    /// How often the balance shall lie within the interval, in percent, from 50 to 95; 80 where
    /// absent.
    pub level: Option<u32>,
    /// The balance below which it is told as low; zero where absent.
    pub limit: Option<Amount>,
    /// Whether streams that nobody has accepted are part of the rest; they are expected where
    /// absent, but for those that are ignored.
    pub only_schedules: bool,
    /// Whether to name the transactions that make the figures.
    pub witness: bool,
}
crate::model::debug_only!(ForecastQuery: account_ids, days, as_of, level, only_schedules, witness);

/// A payment that is expected.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ExpectedPayment {
    /// The day; the first one told where it is due already.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// The account.
    pub account_id: AccountId,
    /// The signed amount.
    pub amount: Money,
    /// The other party, as far as it is known.
    pub payee: Option<String>,
    /// The schedule; absent for a stream that nobody has accepted.
    pub schedule_id: Option<ScheduleId>,
    /// Where asked for, the payments of a stream by which its amount is told, of which it is the
    /// middle one; none of a schedule, which states it.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(ExpectedPayment: date, account_id, schedule_id);

/// What lies in the accounts at the end of a day to come.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ForecastDay {
    /// The day.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// What is expected on it, payments and what is recorded for it already.
    pub expected: Money,
    /// The balance to be expected.
    pub balance: Money,
    /// The lower end of the interval; absent where too little has come to tell it.
    pub low: Option<Money>,
    /// The upper end.
    pub high: Option<Money>,
    /// Where asked for, what is recorded for the day already. With the payments that are expected
    /// on it this adds up to `expected`.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(ForecastDay: date);

/// A forecast.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Forecast {
    /// The last day that has come.
    #[serde(deserialize_with = "crate::period::date")]
    pub as_of: NaiveDate,
    /// The accounts.
    pub account_ids: Vec<AccountId>,
    /// What lies in them at its end.
    pub balance: Money,
    /// How often the balance shall lie within the interval, in percent.
    pub level: u32,
    /// How many days of the past the rest is told from.
    pub history_days: u32,
    /// The days, ascending.
    pub days: Vec<ForecastDay>,
    /// The payments that are expected in them, by day.
    pub payments: Vec<ExpectedPayment>,
    /// The first day on which the balance may be below the limit: the interval's lower end is.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub may_be_low_on: Option<NaiveDate>,
    /// The first day on which the balance to be expected is below the limit.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub low_on: Option<NaiveDate>,
    /// What lies in the accounts now was made from these, where asked for.
    pub witness: Option<Witness>,
    /// Where asked for, what moved in the last `history_days` and nobody expected: the rest is told
    /// from these, and from what expected payments were off.
    pub rest_witness: Option<Witness>,
}
crate::model::debug_only!(Forecast: as_of, level, history_days, may_be_low_on, low_on);

/// Which accounts are looked at, from which day, and what may be known.
struct Scope<'a> {
    plan: &'a Plan,
    view: &'a View,
    accounts: BTreeSet<AccountId>,
    currency: Currency,
    as_of: NaiveDate,
    only_schedules: bool,
    witness: bool,
    /// Whether what is recorded after the day, and schedules, are unknown.
    blind: bool,
}

/// A day of a forecast, in minor units.
#[derive(Debug, Clone, Copy)]
struct Ahead {
    date: NaiveDate,
    expected: i128,
    middle: i128,
    interval: Option<(i128, i128)>,
}

impl Scope<'_> {
    /// What lay in the accounts at the end of a day.
    fn balance(&self, day: NaiveDate) -> i128 {
        let opening = self.accounts.iter().filter_map(|id| self.plan.accounts.get(id));
        let opening: i128 = opening.map(|it| i128::from(it.opening_balance.minor())).sum();
        let counts = |id| self.accounts.contains(&id).then_some(());
        let buckets = Buckets::new(self.view, |group| counts(group.account_id));
        let totals = running(self.view, &buckets).at(Some(day));
        opening + totals.iter().take(buckets.keys.len()).sum::<i128>()
    }

    /// The witness of transactions, where it is asked for.
    fn witness(&self, ids: Vec<TransactionId>) -> Option<Witness> {
        self.witness.then(|| Witness::of(self.view, self.currency, ids))
    }

    /// What the balance at the end of the day was made from, where asked for.
    fn balance_witness(&self) -> Option<Witness> {
        if !self.witness {
            return None;
        }
        let lines = self.view.lines_in(NaiveDate::MIN, after(self.as_of));
        let lines = lines.filter(|line| self.accounts.contains(&line.account_id));
        let witness = self.witness(lines.map(|line| line.transaction_id).collect())?;
        Some(Witness { opening: self.accounts.iter().copied().collect(), ..witness })
    }

    /// So many days from the next one on, up to the last one that can be written.
    fn dates(&self, days: u32) -> impl Iterator<Item = NaiveDate> + use<> {
        let days = usize::try_from(days).unwrap_or(usize::MAX);
        let dates = self.as_of.iter_days().skip(1).take(days);
        dates.take_while(|day| check_day("days", Some(*day)).is_ok())
    }

    /// The days ahead.
    fn ahead(&self, known: &Known, rest: &Rest, days: u32, level: u32) -> Vec<Ahead> {
        let mut middle = self.balance(self.as_of);
        let mut told = Vec::new();
        let mut drift = 0;
        let base = middle;
        let mut total = 0;
        for (day, date) in (1..).zip(self.dates(days)) {
            let expected = known.on(date);
            total += expected;
            drift += rest.of_day(date);
            middle = base + total + rest::rounded(drift);
            let interval =
                rest.interval(day, level).map(|(low, high)| (middle + low, middle + high));
            told.push(Ahead { date, expected, middle, interval });
        }
        told
    }
}

/// What lies in accounts in the days to come.
///
/// # Errors
///
/// `currency_mismatch` where the accounts are in several currencies, `invalid_input` where there is
/// no account, `amount_overflow` where a balance does not fit, `limit_exceeded` where witnesses
/// would name more than 100,000 transactions.
pub fn forecast(
    plan: &Plan,
    view: &View,
    query: &ForecastQuery,
    today: NaiveDate,
) -> Result<Forecast> {
    let streams = streams(plan, view, query.as_of.unwrap_or(today))?;
    forecast_with(plan, view, query, today, &streams)
}

/// A forecast where the streams of its day are known already.
pub(crate) fn forecast_with(
    plan: &Plan,
    view: &View,
    query: &ForecastQuery,
    today: NaiveDate,
    streams: &[Stream],
) -> Result<Forecast> {
    let days = query.days.unwrap_or(DEFAULT_DAYS);
    if !(1..=MAX_FORECAST_DAYS).contains(&days) {
        return Err(Error::invalid("days", format!("`days` is from 1 to {MAX_FORECAST_DAYS}")));
    }
    let level = query.level.unwrap_or(DEFAULT_LEVEL);
    if !(50..=95).contains(&level) {
        return Err(Error::invalid("level", "`level` is from 50 to 95"));
    }
    let scope = scope(plan, view, query, today)?;
    let limit = limit(query.limit, scope.currency)?;
    let mut known = Known::new(&scope, days, streams);
    let rest = Rest::new(&scope, &known);
    let ahead = scope.ahead(&known, &rest, days, level);
    let money = |minor: i128| Money::from_wide(minor, scope.currency);
    let (witness, rest_witness) = (scope.balance_witness(), scope.witness(rest.ids));
    let mut named = Named::default();
    [&witness, &rest_witness].into_iter().try_for_each(|it| named.add(it.as_ref()))?;
    known.payments.iter().try_for_each(|it| named.add(it.witness.as_ref()))?;
    let told = ahead.iter().map(|it| {
        let (low, high) = it.interval.unzip();
        let witness = scope.witness(known.recorded.remove(&it.date).unwrap_or_default());
        named.add(witness.as_ref())?;
        Ok(ForecastDay {
            date: it.date,
            expected: money(it.expected)?,
            balance: money(it.middle)?,
            low: low.map(money).transpose()?,
            high: high.map(money).transpose()?,
            witness,
        })
    });
    let first = |is: &dyn Fn(&Ahead) -> bool| ahead.iter().find(|it| is(it)).map(|it| it.date);
    Ok(Forecast {
        as_of: scope.as_of,
        account_ids: scope.accounts.iter().copied().collect(),
        balance: money(scope.balance(scope.as_of))?,
        level,
        history_days: rest.days,
        days: told.collect::<Result<_>>()?,
        payments: known.payments,
        may_be_low_on: first(&|it| it.interval.map_or(it.middle, |(low, _)| low) < limit),
        low_on: first(&|it| it.middle < limit),
        witness,
        rest_witness,
    })
}

/// What lies in the accounts on budget at the end of a day was made from these.
pub(crate) fn balance_witness(
    plan: &Plan,
    view: &View,
    as_of: NaiveDate,
) -> Result<Option<Witness>> {
    let query = ForecastQuery { witness: true, ..ForecastQuery::default() };
    Ok(scope(plan, view, &query, as_of)?.balance_witness())
}

fn limit(limit: Option<Amount>, currency: Currency) -> Result<i128> {
    let limit = limit.map(|limit| Money::from_amount(limit, currency)).transpose();
    Ok(limit.map_err(|error| error.field("limit"))?.map_or(0, |it| it.minor().into()))
}

fn scope<'a>(
    plan: &'a Plan,
    view: &'a View,
    query: &ForecastQuery,
    today: NaiveDate,
) -> Result<Scope<'a>> {
    check_list("account_ids", &query.account_ids, MAX_DOCUMENTS)?;
    let accounts: Vec<&Account> = if query.account_ids.is_empty() {
        plan.accounts.values().filter(|account| on_budget(plan, account)).collect()
    } else {
        let found = query.account_ids.iter().map(|id| plan.account(*id));
        found.collect::<Result<_>>().map_err(|error| error.field("account_ids"))?
    };
    let Some(currency) = accounts.first().map(|account| account.currency) else {
        return Err(Error::invalid("account_ids", "the book has no account on budget"));
    };
    if accounts.iter().any(|account| account.currency != currency) {
        let text = "a forecast is of accounts in one currency";
        return Err(Error::new(ErrorCode::CurrencyMismatch, text).field("account_ids"));
    }
    Ok(Scope {
        plan,
        view,
        accounts: accounts.iter().map(|account| account.id).collect(),
        currency,
        as_of: query.as_of.unwrap_or(today),
        only_schedules: query.only_schedules,
        witness: query.witness,
        blind: false,
    })
}
