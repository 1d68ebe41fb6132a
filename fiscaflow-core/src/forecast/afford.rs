//! Can I afford it: what is left at the lowest point, with and without an amount on a day.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::known::Known;
use super::rest::Rest;
use super::{Ahead, DEFAULT_LEVEL, ForecastQuery, limit, scope};
use crate::error::{Error, Result};
use crate::id::AccountId;
use crate::limits::MAX_FORECAST_DAYS;
use crate::money::{Amount, Money};
use crate::plan::Plan;
use crate::recurring::streams;
use crate::view::View;

/// How many days after the day are looked at where nobody says so: the next month's bills.
const DAYS_AFTER: u32 = 31;

/// What is to be afforded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AffordQuery {
    /// What it costs, above zero, in the currency of the accounts.
    pub amount: Amount,
    /// The day on which it is paid, after the last day that has come; the next one where absent.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub date: Option<NaiveDate>,
    /// The accounts, in one currency; those on budget where empty.
    #[serde(default)]
    pub account_ids: Vec<AccountId>,
    /// Up to which day the balance has to last; 31 days after the day where absent, and 366 days
    /// ahead at most.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub until: Option<NaiveDate>,
    /// The last day that has come; today, in the book's zone, where absent.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
    /// The balance that has to be left; zero where absent.
    pub limit: Option<Amount>,
    /// How sure the answer has to be, in percent, from 50 to 95: that of the interval; 80 where
    /// absent.
    pub level: Option<u32>,
}
crate::model::debug_only!(AffordQuery: date, account_ids, until, as_of, level);

/// Whether it can be afforded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Verdict {
    /// Even the lower end of the interval stays at the limit or above it.
    Yes,
    /// Some ends of the interval do and others do not, or too little has come to tell.
    Uncertain,
    /// On some day even its upper end is below the limit.
    No,
}

/// The lowest point of a balance.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Lowest {
    /// The day on which the balance to be expected is lowest; the first of several.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// That balance.
    pub balance: Money,
    /// The lowest lower end of the interval, on whatever day; absent where it cannot be told.
    pub low: Option<Money>,
    /// The lowest upper end of the interval.
    pub high: Option<Money>,
}
crate::model::debug_only!(Lowest: date);

/// Whether an amount can be afforded, and what is left.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Affordable {
    /// The answer.
    pub verdict: Verdict,
    /// The day on which it is paid.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// The last day that was looked at.
    #[serde(deserialize_with = "crate::period::date")]
    pub until: NaiveDate,
    /// The lowest point from the day on if it is not paid.
    pub lowest_without: Lowest,
    /// The lowest point from the day on if it is.
    pub lowest_with: Lowest,
}
crate::model::debug_only!(Affordable: verdict, date, until);

/// Whether an amount can be afforded on a day: what is left at the lowest point from then on.
///
/// # Errors
///
/// Those of [`forecast`](super::forecast); `invalid_input` where the day has come already, lies too
/// far ahead, or the amount is not above zero.
pub fn afford(
    plan: &Plan,
    view: &View,
    query: &AffordQuery,
    today: NaiveDate,
) -> Result<Affordable> {
    let of = ForecastQuery {
        account_ids: query.account_ids.clone(),
        as_of: query.as_of,
        ..ForecastQuery::default()
    };
    let scope = scope(plan, view, &of, today)?;
    let amount = Money::from_amount(query.amount, scope.currency);
    let amount = amount.map_err(|error| error.field("amount"))?.minor();
    if amount <= 0 {
        return Err(Error::invalid("amount", "what is to be afforded is above zero"));
    }
    let level = query.level.unwrap_or(DEFAULT_LEVEL);
    if !(50..=95).contains(&level) {
        return Err(Error::invalid("level", "`level` is from 50 to 95"));
    }
    let limit = limit(query.limit, scope.currency)?;
    let ahead = |day: NaiveDate| u32::try_from((day - scope.as_of).num_days()).unwrap_or(0);
    let on = query.date.map_or(1, ahead);
    if !(1..=MAX_FORECAST_DAYS).contains(&on) {
        let text = format!("the day lies 1 to {MAX_FORECAST_DAYS} days ahead");
        return Err(Error::invalid("date", text));
    }
    let until = query.until.map_or((on + DAYS_AFTER).min(MAX_FORECAST_DAYS), ahead);
    if !(on..=MAX_FORECAST_DAYS).contains(&until) {
        let text =
            format!("`until` is not before the day and at most {MAX_FORECAST_DAYS} days ahead");
        return Err(Error::invalid("until", text));
    }
    let known = Known::new(&scope, until, &streams(plan, view, scope.as_of)?);
    let rest = Rest::new(&scope, &known);
    let days = scope.ahead(&known, &rest, until, level);
    let from = usize::try_from(on - 1).unwrap_or(0);
    let days = days.get(from..).unwrap_or_default();
    let lowest = |less: i128| -> Result<Lowest> {
        let money = |minor: i128| Money::from_wide(minor - less, scope.currency);
        let least = days.iter().min_by_key(|it| (it.middle, it.date));
        let least = least.ok_or_else(|| Error::invalid("date", "the calendar ends there"))?;
        let end = |end: fn((i128, i128)) -> i128| {
            days.iter().filter_map(|it| it.interval.map(end)).min().map(money).transpose()
        };
        let (low, high) = (end(|it| it.0)?, end(|it| it.1)?);
        Ok(Lowest { date: least.date, balance: money(least.middle)?, low, high })
    };
    let (first, last) = (days.first(), days.last());
    let ended = || Error::invalid("date", "the calendar ends there");
    Ok(Affordable {
        verdict: verdict(days, limit + i128::from(amount)),
        date: first.ok_or_else(ended)?.date,
        until: last.ok_or_else(ended)?.date,
        lowest_without: lowest(0)?,
        lowest_with: lowest(amount.into())?,
    })
}

/// Whether so much is there on every day.
fn verdict(days: &[Ahead], needed: i128) -> Verdict {
    let ends = days.iter().filter_map(|it| it.interval);
    if ends.clone().any(|(_, high)| high < needed) {
        return Verdict::No;
    }
    let sure = ends.clone().count() == days.len() && ends.clone().all(|(low, _)| low >= needed);
    if sure { Verdict::Yes } else { Verdict::Uncertain }
}
