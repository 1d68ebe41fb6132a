//! Balances of accounts, by day.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::id::AccountId;
use crate::money::Money;
use crate::plan::Plan;
use crate::view::View;

/// The most rows that one answer may have.
const MAX_ROWS: usize = 100_000;

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
}
crate::model::debug_only!(Balance: account_id, date);

/// Balances by account and day: opening balance plus everything booked up to the end of the day.
/// Pending transactions count.
pub fn balances(plan: &Plan, view: &View, query: &BalancesQuery) -> Result<Vec<Balance>> {
    let accounts: Vec<_> = match query.account_id {
        Some(id) => vec![plan.account(id)?],
        None => plan.accounts.values().collect(),
    };
    let mut moved: BTreeMap<(AccountId, NaiveDate), i128> = BTreeMap::new();
    for line in view.lines() {
        *moved.entry((line.account_id, line.date)).or_default() += i128::from(line.amount_minor);
    }
    let days = days(query)?;
    if accounts.len().saturating_mul(days.len()) > MAX_ROWS {
        let text = format!("an answer has at most {MAX_ROWS} rows");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("from"));
    }
    let mut rows = Vec::with_capacity(accounts.len().saturating_mul(days.len()));
    for account in accounts {
        let first = (account.id, NaiveDate::MIN);
        let last = (account.id, NaiveDate::MAX);
        let mut steps = moved.range(first..=last).peekable();
        let mut total = i128::from(account.opening_balance.minor());
        for day in &days {
            while let Some(((_, date), minor)) = steps.peek() {
                if day.is_some_and(|day| *date > day) {
                    break;
                }
                total += **minor;
                steps.next();
            }
            let balance = Money::from_wide(total, account.currency)?;
            rows.push(Balance { account_id: account.id, date: *day, balance });
        }
    }
    Ok(rows)
}

/// The days to tell, ascending; `None` = after everything.
fn days(query: &BalancesQuery) -> Result<Vec<Option<NaiveDate>>> {
    match (query.from, query.to) {
        (None, to) => Ok(vec![to]),
        (Some(_), None) => Err(Error::invalid("to", "`from` needs `to`")),
        (Some(from), Some(to)) if from > to => Err(Error::invalid("from", "`from` is after `to`")),
        (Some(from), Some(to)) => {
            Ok(from.iter_days().take_while(|day| *day <= to).take(MAX_ROWS + 1).map(Some).collect())
        }
    }
}
