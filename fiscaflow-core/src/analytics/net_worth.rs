//! Net worth: what lies in all accounts together.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::balances::{MAX_ROWS, check_rows, days};
use super::counted::Buckets;
use super::running::{by_day, running};
use crate::error::Result;
use crate::id::AccountId;
use crate::money::{Currency, Money};
use crate::period::Month;
use crate::plan::Plan;
use crate::view::View;

/// For which days net worth is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum NetWorthStep {
    /// For every day.
    Day,
    /// For the last day of every month, and for the last day of all.
    #[default]
    Month,
}

/// Which net worth to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NetWorthQuery {
    /// The first day; absent = only at the end of `to`.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// The last day; absent = after everything that is recorded, as one row without days.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
    /// For which days between them; `month` where absent.
    pub step: Option<NetWorthStep>,
}

/// What lay in the accounts of one currency at the end of a day.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NetWorth {
    /// The day; absent = after everything that is recorded.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub date: Option<NaiveDate>,
    /// The sum of the balances above zero.
    pub assets: Money,
    /// The sum of the balances below zero: zero or less.
    pub debts: Money,
    /// Both together.
    pub net: Money,
}
crate::model::debug_only!(NetWorth: date);

/// Net worth by day and currency, in that order: opening balances plus everything booked up to the
/// end of the day, transfers and pending transactions included. Nothing is converted: each
/// currency of an account has rows of its own.
///
/// # Errors
/// `invalid_input` where `from` is after `to` or stands without it, `limit_exceeded` for more than
/// 100,000 rows, and `amount_overflow` for a sum that does not fit.
///
/// ```
/// use fiscaflow_core::analytics::{NetWorthQuery, NetWorthStep, net_worth};
/// # use fiscaflow_core::{Plan, Result, view::View};
///
/// # fn example(plan: &Plan, view: &View) -> Result<()> {
/// let query = NetWorthQuery {
///     from: "2026-01-01".parse().ok(),
///     to: "2026-03-15".parse().ok(),
///     step: Some(NetWorthStep::Month),
/// };
/// // The last days of January and February, and 15 March.
/// for row in net_worth(plan, view, &query)? {
///     println!("{:?}: {} = {} {}", row.date, row.net, row.assets, row.debts);
/// }
/// # Ok(()) }
/// ```
pub fn net_worth(plan: &Plan, view: &View, query: &NetWorthQuery) -> Result<Vec<NetWorth>> {
    let by_days = query.step.unwrap_or_default() == NetWorthStep::Day;
    let days = match (query.from, query.to) {
        (Some(from), Some(to)) if !by_days && from <= to => month_ends(from, to),
        (from, to) => days(from, to)?,
    };
    let mut accounts: Vec<_> = plan.accounts.values().collect();
    accounts.sort_by_key(|account| account.currency);
    let currencies = accounts.chunk_by(|left, right| left.currency == right.currency).count();
    check_rows(days.len().saturating_mul(currencies))?;
    let buckets = Buckets::new(view, |group| Some(group.account_id));
    // Where each account's totals stand; one without transactions has none.
    let place = |id| buckets.keys.binary_search(&id).ok();
    let accounts: Vec<(Currency, i128, Option<usize>)> = accounts
        .into_iter()
        .map(|it| (it.currency, i128::from(it.opening_balance.minor()), place(it.id)))
        .collect();
    let mut rows = Vec::with_capacity(days.len().saturating_mul(currencies));
    // So many days at a time as many accounts leave room for.
    let part = MAX_ROWS.div_ceil(buckets.width());
    for days in days.chunks(part) {
        let totals = totals(view, &buckets, days, by_days);
        for (row, date) in days.iter().enumerate() {
            let moved = |place: usize| totals.get(row * buckets.width() + place).copied();
            for same in accounts.chunk_by(|left, right| left.0 == right.0) {
                let Some((currency, ..)) = same.first() else { continue };
                let (mut assets, mut debts) = (0_i128, 0_i128);
                for (_, opening, place) in same {
                    let balance = *opening + place.and_then(moved).unwrap_or_default();
                    let side = if balance > 0 { &mut assets } else { &mut debts };
                    *side += balance;
                }
                rows.push(NetWorth {
                    date: *date,
                    assets: Money::from_wide(assets, *currency)?,
                    debts: Money::from_wide(debts, *currency)?,
                    net: Money::from_wide(assets + debts, *currency)?,
                });
            }
        }
    }
    Ok(rows)
}

/// What moved in each account up to the ends of days, the accounts side by side.
fn totals(
    view: &View,
    buckets: &Buckets<AccountId>,
    days: &[Option<NaiveDate>],
    by_days: bool,
) -> Vec<i128> {
    match (days.first(), days.last()) {
        (Some(Some(first)), Some(Some(last))) if by_days => by_day(view, buckets, *first, *last),
        _ => {
            let mut running = running(view, buckets);
            days.iter().flat_map(|day| running.at(*day)).collect()
        }
    }
}

/// The last days of the months that end between two days, and the later of them.
fn month_ends(from: NaiveDate, to: NaiveDate) -> Vec<Option<NaiveDate>> {
    let months = std::iter::successors(Some(Month::of(from)), |month| Some(month.next()));
    let ends = months.map(Month::last_day).take_while(|end| *end < to);
    ends.chain([to]).map(Some).collect()
}
