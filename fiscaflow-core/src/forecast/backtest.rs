//! How good forecasts are: made for days of the past from what was known then, and compared with
//! what came.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::known::Known;
use super::rest::Rest;
use super::{DEFAULT_LEVEL, ForecastQuery, Scope, scope};
use crate::error::{Error, Result};
use crate::id::AccountId;
use crate::limits::MAX_FORECASTS;
use crate::money::{Amount, Money, div_half_even};
use crate::plan::Plan;
use crate::recurring::streams;
use crate::view::View;

/// After how many days forecasts are compared.
const HORIZONS: [u32; 5] = [7, 14, 30, 60, 90];
/// How many days lie between two forecasts: no multiple of a week or a month.
const STRIDE: u64 = 17;
/// How many forecasts are made where nobody says so, and at most.
const DEFAULT_FORECASTS: u32 = 20;

/// Which forecasts to try.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ForecastBacktestQuery {
    /// The accounts, in one currency; those on budget where empty.
    pub account_ids: Vec<AccountId>,
    /// How many forecasts to make, at most 200; 20 where absent. The newest ends with the last day
    /// that has come, and each begins 17 days before the next.
    pub forecasts: Option<u32>,
    /// The last day that has come; today, in the book's zone, where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
    /// How often the balance shall lie within the interval, in percent, from 50 to 95; 80 where
    /// absent.
    pub level: Option<u32>,
}
crate::model::debug_only!(ForecastBacktestQuery: account_ids, forecasts, as_of, level);

/// How good forecasts were so many days ahead.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BacktestHorizon {
    /// How many days ahead.
    pub days: u32,
    /// How many forecasts were compared.
    pub forecasts: u32,
    /// How many of them had an interval.
    pub with_interval: u32,
    /// How many balances lay within it.
    pub within: u32,
    /// The mean distance of the balance to be expected from the one that came.
    pub error: Money,
    /// The same of a forecast that nothing changes.
    pub naive_error: Money,
    /// The same of a forecast that the month before comes again, day by day.
    pub seasonal_error: Money,
}
crate::model::debug_only!(BacktestHorizon: days, forecasts, with_interval, within);

/// How good forecasts were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ForecastBacktest {
    /// How often balances should have lain within their interval, in percent.
    pub level: u32,
    /// How often they did, in percent with one decimal place; absent where no interval was told.
    pub coverage: Option<Amount>,
    /// By the days ahead, ascending.
    pub horizons: Vec<BacktestHorizon>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    forecasts: u32,
    with_interval: u32,
    within: u32,
    errors: [i128; 3],
}

/// Makes forecasts for days of the past and compares them with what came. A forecast knows the
/// streams that could be seen on its day, and neither schedules nor what was recorded later: when
/// those were made, the book does not say.
pub fn backtest(
    plan: &Plan,
    view: &View,
    query: &ForecastBacktestQuery,
    today: NaiveDate,
) -> Result<ForecastBacktest> {
    let level = query.level.unwrap_or(DEFAULT_LEVEL);
    if !(50..=95).contains(&level) {
        return Err(Error::invalid("level", "`level` is from 50 to 95"));
    }
    let count = query.forecasts.unwrap_or(DEFAULT_FORECASTS);
    if !(1..=MAX_FORECASTS).contains(&count) {
        let text = format!("`forecasts` is from 1 to {MAX_FORECASTS}");
        return Err(Error::invalid("forecasts", text));
    }
    let of = ForecastQuery {
        account_ids: query.account_ids.clone(),
        as_of: query.as_of,
        ..ForecastQuery::default()
    };
    let mut scope = scope(plan, view, &of, today)?;
    scope.blind = true;
    let last = scope.as_of;
    let longest = HORIZONS.into_iter().max().unwrap_or(1);
    let mut tallies = [Tally::default(); HORIZONS.len()];
    for number in 0..u64::from(count) {
        let back = u64::from(longest) + number * STRIDE;
        let Some(day) = last.checked_sub_days(Days::new(back)) else { break };
        scope.as_of = day;
        if !compare(&scope, level, &mut tallies)? {
            break;
        }
    }
    let money = |minor: i128, count: u32| {
        Money::from_wide(div_half_even(minor, i128::from(count.max(1))), scope.currency)
    };
    let horizons = HORIZONS.into_iter().zip(tallies).map(|(days, it)| {
        let [error, naive, seasonal] = it.errors;
        Ok(BacktestHorizon {
            days,
            forecasts: it.forecasts,
            with_interval: it.with_interval,
            within: it.within,
            error: money(error, it.forecasts)?,
            naive_error: money(naive, it.forecasts)?,
            seasonal_error: money(seasonal, it.forecasts)?,
        })
    });
    let told: u32 = tallies.iter().map(|it| it.with_interval).sum();
    let within: u32 = tallies.iter().map(|it| it.within).sum();
    let tenths = div_half_even(i128::from(within) * 1_000, i128::from(told.max(1)));
    let percent = Decimal::try_from_i128_with_scale(tenths, 1).map(Amount::new).ok();
    Ok(ForecastBacktest {
        level,
        coverage: percent.filter(|_| told > 0),
        horizons: horizons.collect::<Result<_>>()?,
    })
}

/// Makes one forecast and compares it with what came; false where there is no past to tell it from.
fn compare(scope: &Scope<'_>, level: u32, tallies: &mut [Tally; HORIZONS.len()]) -> Result<bool> {
    let longest = HORIZONS.into_iter().max().unwrap_or(1);
    let known = Known::new(scope, longest, &streams(scope.plan, scope.view, scope.as_of)?);
    let rest = Rest::new(scope, &known);
    if rest.days == 0 {
        return Ok(false);
    }
    let now = scope.balance(scope.as_of);
    let ahead = scope.ahead(&known, &rest, longest, level);
    for (tally, days) in tallies.iter_mut().zip(HORIZONS) {
        let told = usize::try_from(days.saturating_sub(1)).ok().and_then(|at| ahead.get(at));
        let Some(told) = told else { continue };
        let came = scope.balance(told.date);
        let seasonal = now + month_before(scope, scope.as_of, days);
        tally.forecasts += 1;
        if let Some((low, high)) = told.interval {
            tally.with_interval += 1;
            tally.within += u32::from((low..=high).contains(&came));
        }
        for (error, told) in tally.errors.iter_mut().zip([told.middle, now, seasonal]) {
            *error += (told - came).abs();
        }
    }
    Ok(true)
}

/// What moved on as many days from the day after the one a month before, again and again.
fn month_before(scope: &Scope<'_>, day: NaiveDate, days: u32) -> i128 {
    let Some(start) = day.checked_sub_months(chrono::Months::new(1)) else { return 0 };
    let length = u32::try_from((day - start).num_days()).unwrap_or(28).max(1);
    let whole = scope.balance(day) - scope.balance(start);
    let rest = start.checked_add_days(Days::new((days % length).into())).unwrap_or(day);
    whole * i128::from(days / length) + scope.balance(rest) - scope.balance(start)
}
