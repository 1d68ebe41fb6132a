//! Net worth: what lies in all accounts together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::balances::{Held, check_rows, days};
use super::counted::Buckets;
use super::running::{by_day, running};
use super::witness::{Named, Witness};
use crate::error::{Error, ErrorCode, Result};
use crate::id::AccountId;
use crate::limits::MAX_ROWS;
use crate::model::Account;
use crate::money::{Currency, Money};
use crate::period::Month;
use crate::plan::Plan;
use crate::rates::{Converter, max_age};
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
    /// The code of the currency in which to tell all accounts together, at the rates of each day;
    /// each currency apart where absent. It needs `to`.
    pub currency: Option<String>,
    /// How many days old a rate may be, at most 366; 7 where absent.
    pub max_age_days: Option<u32>,
    /// Whether to tell the unrealised difference, which needs the rates of every day on which
    /// something moved in an account of another currency.
    pub unrealised: bool,
    /// Whether to name the transactions that make each row.
    pub witness: bool,
}

/// What lay in the accounts of one currency, or of all, at the end of a day.
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
    /// How much of the net is due to rates alone: the net less what came into the accounts and
    /// went out of them, each by the rate of its own day. An opening balance counts by that of the
    /// day on which something first moved in its account. Absent unless asked for.
    pub unrealised: Option<Money>,
    /// What it was made from, where asked for.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(NetWorth: date);

/// Net worth by day and currency, in that order: opening balances plus everything booked up to the
/// end of the day, transfers and pending transactions included. Without a currency nothing is
/// converted: each currency of an account has rows of its own. With one, each account's balance is
/// converted by the newest rate that is not younger than the day, and rounded once.
///
/// # Errors
/// `invalid_input` where `from` is after `to` or stands without it, or a currency without `to`;
/// `limit_exceeded` for more than 100,000 rows or transactions to name; `unknown_currency`;
/// `rate_missing`, which names currencies and day; `amount_overflow` for a sum that does not fit.
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
///     ..NetWorthQuery::default()
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
    let mut valuation = Valuation::new(plan, view, query)?;
    let mut accounts: Vec<&Account> = plan.accounts.values().collect();
    if valuation.is_none() {
        accounts.sort_by_key(|account| account.currency);
    }
    let together =
        |left: &&Account, right: &&Account| valuation.is_some() || left.currency == right.currency;
    let groups: Vec<&[&Account]> = accounts.chunk_by(together).collect();
    check_rows(days.len().saturating_mul(groups.len()))?;
    let buckets = Buckets::new(view, |group| Some(group.account_id));
    let held = query.witness.then(|| Held::new(view, &buckets, query.to)).transpose()?;
    let mut rows = Vec::with_capacity(days.len() * groups.len());
    let mut named = Named::default();
    // So many days at a time as many accounts leave room for.
    let part = MAX_ROWS.div_ceil(buckets.width());
    for days in days.chunks(part) {
        let totals = totals(view, &buckets, days, by_days);
        for (row, date) in days.iter().enumerate() {
            let balance = |account: &Account| {
                let place = buckets.keys.binary_search(&account.id).ok();
                let moved = place.and_then(|it| totals.get(row * buckets.width() + it)).copied();
                i128::from(account.opening_balance.minor()) + moved.unwrap_or_default()
            };
            for group in &groups {
                let mut told = tell(group, *date, balance, valuation.as_mut())?;
                if let Some(held) = &held {
                    let witness = witness(held, view, group, &told, valuation.as_ref());
                    told.witness = Some(witness);
                    named.add(told.witness.as_ref())?;
                }
                rows.push(told);
            }
        }
    }
    Ok(rows)
}

/// The row of accounts of one currency, or of all that are converted.
fn tell(
    accounts: &[&Account],
    date: Option<NaiveDate>,
    balance: impl Fn(&Account) -> i128,
    mut valuation: Option<&mut Valuation<'_>>,
) -> Result<NetWorth> {
    let first = accounts.first().map(|account| account.currency);
    let to = valuation.as_ref().map(|valuation| valuation.converter.to());
    let currency = to.or(first).ok_or_else(|| Error::new(ErrorCode::Internal, "no account"))?;
    let (mut assets, mut debts, mut unrealised) = (0_i128, 0_i128, 0_i128);
    for account in accounts {
        let mut value = balance(account);
        if let (Some(valuation), Some(date)) = (&mut valuation, date) {
            value = valuation.converter.convert(value, account.currency, date)?;
            if account.currency != currency {
                // What never moved has gained nothing yet.
                unrealised += value - valuation.cost(account.id, date).unwrap_or(value);
            }
        }
        let side = if value > 0 { &mut assets } else { &mut debts };
        *side += value;
    }
    let money = |minor| Money::from_wide(minor, currency);
    let costs = valuation.is_some_and(|valuation| valuation.costs.is_some());
    Ok(NetWorth {
        date,
        assets: money(assets)?,
        debts: money(debts)?,
        net: money(assets + debts)?,
        unrealised: costs.then(|| money(unrealised)).transpose()?,
        witness: None,
    })
}

fn witness(
    held: &Held,
    view: &View,
    accounts: &[&Account],
    told: &NetWorth,
    valuation: Option<&Valuation<'_>>,
) -> Witness {
    let ids: Vec<AccountId> = accounts.iter().map(|account| account.id).collect();
    let witness = held.witness(view, &ids, told.net.currency(), told.date);
    match (valuation, told.date) {
        (Some(valuation), Some(date)) => {
            witness.converted(&valuation.converter, &valuation.converted(accounts, date))
        }
        _ => witness,
    }
}

/// All accounts in one currency.
struct Valuation<'a> {
    converter: Converter<'a>,
    costs: Option<BTreeMap<AccountId, Costs>>,
}

/// What came into an account and went out of it, by the rates of the days: sums up to the end of
/// each day on which something moved.
type Costs = Vec<(NaiveDate, i128)>;

impl<'a> Valuation<'a> {
    fn new(plan: &'a Plan, view: &View, query: &NetWorthQuery) -> Result<Option<Self>> {
        let Some(code) = &query.currency else {
            return match query.unrealised {
                true => Err(Error::invalid("unrealised", "`unrealised` needs `currency`")),
                false => Ok(None),
            };
        };
        let to = plan.currency(code).map_err(|error| error.field("currency"))?;
        let Some(last) = query.to else {
            return Err(Error::invalid("to", "what is converted needs a day"));
        };
        let mut converter = Converter::new(plan, to, max_age(query.max_age_days)?);
        let costs =
            query.unrealised.then(|| costs(plan, view, last, &mut converter)).transpose()?;
        Ok(Some(Self { converter, costs }))
    }

    /// What an account's balance at the end of a day had cost; `None` before anything moved.
    fn cost(&self, account: AccountId, date: NaiveDate) -> Option<i128> {
        let costs = self.costs.as_ref().and_then(|costs| costs.get(&account));
        let costs = costs.map_or(&[][..], Vec::as_slice);
        let end = costs.partition_point(|(day, _)| *day <= date);
        costs.get(end.checked_sub(1)?).map(|(_, cost)| *cost)
    }

    /// From which currencies amounts were converted for a row, and on which days.
    fn converted(&self, accounts: &[&Account], date: NaiveDate) -> BTreeSet<(Currency, NaiveDate)> {
        let foreign = accounts.iter().filter(|account| account.currency != self.converter.to());
        let mut found = BTreeSet::new();
        for account in foreign {
            found.insert((account.currency, date));
            let costs = self.costs.as_ref().and_then(|costs| costs.get(&account.id));
            let days = costs.into_iter().flatten().map(|(day, _)| *day);
            found.extend(days.take_while(|day| *day <= date).map(|day| (account.currency, day)));
        }
        found
    }
}

fn costs(
    plan: &Plan,
    view: &View,
    last: NaiveDate,
    converter: &mut Converter<'_>,
) -> Result<BTreeMap<AccountId, Costs>> {
    let foreign = |account: &&Account| account.currency != converter.to();
    let accounts: Vec<&Account> = plan.accounts.values().filter(foreign).collect();
    let buckets = Buckets::new(view, |group| {
        let among = accounts.iter().any(|account| account.id == group.account_id);
        among.then_some(group.account_id)
    });
    let mut moved: BTreeMap<(AccountId, NaiveDate), i128> = BTreeMap::new();
    let mut failed = None;
    view.scan_lines(None, Some(last), |line| {
        let Some(id) = buckets.keys.get(buckets.place(line.group)).copied() else { return };
        let Some(day) = NaiveDate::from_num_days_from_ce_opt(line.day) else { return };
        let Some(account) = plan.accounts.get(&id).filter(|_| failed.is_none()) else { return };
        match converter.convert(line.minor.into(), account.currency, day) {
            Ok(minor) => *moved.entry((id, day)).or_default() += minor,
            Err(error) => failed = Some(error),
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let mut costs: BTreeMap<AccountId, Costs> = BTreeMap::new();
    for ((id, day), minor) in moved {
        let Some(account) = plan.accounts.get(&id) else { continue };
        let costs = costs.entry(id).or_default();
        let before = match costs.last() {
            Some((_, before)) => *before,
            None => {
                let opening = account.opening_balance.minor().into();
                converter.convert(opening, account.currency, day)?
            }
        };
        costs.push((day, before + minor));
    }
    Ok(costs)
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
