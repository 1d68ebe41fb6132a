//! Balances of accounts, by day.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::counted::Buckets;
use super::running;
use super::witness::{Named, Witness, witnesses};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{AccountId, TransactionId};
use crate::limits::MAX_ROWS;
use crate::money::{Currency, Money};
use crate::plan::Plan;
use crate::view::View;

/// Which balances to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BalancesQuery {
    /// One account; all where absent.
    pub account_id: Option<AccountId>,
    /// The first day; absent = only the balance at the end of `to`.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// The last day; absent = after everything that is recorded, as one row without days.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
    /// Whether to name the transactions that make each row.
    pub witness: bool,
}

/// What lay in an account at the end of a day.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Balance {
    /// The account.
    pub account_id: AccountId,
    /// The day; absent = after everything that is recorded.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub date: Option<NaiveDate>,
    /// The balance.
    pub balance: Money,
    /// What it was made from, where asked for.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(Balance: account_id, date);

/// Balances by account and day: opening balance plus everything booked up to the end of the day.
/// Pending transactions count.
pub fn balances(plan: &Plan, view: &View, query: &BalancesQuery) -> Result<Vec<Balance>> {
    let accounts: Vec<_> = match query.account_id {
        Some(id) => vec![plan.account(id)?],
        None => plan.accounts.values().collect(),
    };
    let days = days(query.from, query.to)?;
    check_rows(accounts.len().saturating_mul(days.len()))?;
    let buckets = Buckets::new(view, |group| {
        query.account_id.is_none_or(|id| id == group.account_id).then_some(group.account_id)
    });
    let moved = match (days.first(), days.last()) {
        (Some(Some(first)), Some(Some(last))) if first < last => {
            running::by_day(view, &buckets, *first, *last)
        }
        _ => running::running(view, &buckets).at(query.to),
    };
    let width = buckets.width();
    let mut rows = Vec::with_capacity(accounts.len().saturating_mul(days.len()));
    for account in accounts {
        let place = buckets.keys.binary_search(&account.id).ok();
        let opening = i128::from(account.opening_balance.minor());
        for (row, day) in days.iter().enumerate() {
            let moved = place.and_then(|place| moved.get(row * width + place)).copied();
            let balance = Money::from_wide(opening + moved.unwrap_or_default(), account.currency)?;
            rows.push(Balance { account_id: account.id, date: *day, balance, witness: None });
        }
    }
    if query.witness {
        let held = Held::new(view, &buckets, query.to)?;
        let mut named = Named::default();
        for row in &mut rows {
            let witness = held.witness(view, &[row.account_id], row.balance.currency(), row.date);
            row.witness = Some(witness);
            named.add(row.witness.as_ref())?;
        }
    }
    Ok(rows)
}

/// The transactions of accounts, by day.
pub(super) struct Held(BTreeMap<AccountId, Vec<(i32, TransactionId)>>);

impl Held {
    pub(super) fn new(
        view: &View,
        buckets: &Buckets<AccountId>,
        to: Option<NaiveDate>,
    ) -> Result<Self> {
        let mut held: BTreeMap<AccountId, Vec<(i32, TransactionId)>> = BTreeMap::new();
        let named = witnesses(view, (None, to), |line| {
            let account = buckets.keys.get(buckets.place(line.group)).copied()?;
            Some((account, line.day))
        })?;
        for ((account, day), ids) in named {
            held.entry(account).or_default().extend(ids.into_iter().map(|id| (day, id)));
        }
        Ok(Self(held))
    }

    /// The witness of what lay in accounts at the end of a day, or after everything.
    pub(super) fn witness(
        &self,
        view: &View,
        accounts: &[AccountId],
        currency: Currency,
        date: Option<NaiveDate>,
    ) -> Witness {
        let last = date.map_or(i32::MAX, |date| date.num_days_from_ce());
        let held = accounts
            .iter()
            .filter_map(|id| self.0.get(id))
            .flat_map(|held| held.iter().take_while(|(day, _)| *day <= last).map(|(_, id)| *id));
        let mut opening = accounts.to_vec();
        opening.sort_unstable();
        Witness { opening, ..Witness::of(view, currency, held.collect()) }
    }
}

/// Refuses an answer of too many rows.
pub(super) fn check_rows(rows: usize) -> Result<()> {
    if rows <= MAX_ROWS {
        return Ok(());
    }
    let text = format!("an answer has at most {MAX_ROWS} rows");
    Err(Error::new(ErrorCode::LimitExceeded, text).field("from"))
}

/// The days to tell, ascending; `None` = after everything.
pub(super) fn days(
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Vec<Option<NaiveDate>>> {
    match (from, to) {
        (None, to) => Ok(vec![to]),
        (Some(_), None) => Err(Error::invalid("to", "`from` needs `to`")),
        (Some(from), Some(to)) if from > to => Err(Error::invalid("from", "`from` is after `to`")),
        (Some(from), Some(to)) => {
            Ok(from.iter_days().take_while(|day| *day <= to).take(MAX_ROWS + 1).map(Some).collect())
        }
    }
}
