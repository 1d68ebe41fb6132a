//! Cash flow: what came in, what went out, and what was left of it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::counted::{Buckets, check_months, currency, side};
use super::witness::Witness;
use crate::error::Result;
use crate::id::AccountId;
use crate::model::CategoryKind;
use crate::money::{Amount, Currency, Money};
use crate::period::Month;
use crate::plan::Plan;
use crate::view::View;

/// Which cash flow to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CashFlowQuery {
    /// The first month; from the beginning where absent.
    pub from: Option<Month>,
    /// The last month; to the end where absent.
    pub to: Option<Month>,
    /// One account; all where absent.
    pub account_id: Option<AccountId>,
    /// Whether to name the transactions that make each row.
    pub witness: bool,
}

/// What came in and went out in a month, in one currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CashFlow {
    /// The month.
    pub month: Month,
    /// What was earned, what was paid back taken off.
    pub income: Money,
    /// What was spent, refunds taken off; below zero when more came back than went out.
    pub spending: Money,
    /// Income less spending.
    pub net: Money,
    /// The net in percent of the income, one decimal place, rounded half to even; absent where the
    /// income is not above zero.
    pub savings_rate_percent: Option<Amount>,
    /// How many transactions, or parts of split ones, were counted.
    pub transactions: u64,
    /// What it was made from, where asked for.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(CashFlow: month, transactions);

/// Income and spending by month, each currency apart, in that order. Months in which nothing came
/// or went are left out.
///
/// Transfers are neither. A line counts on its category's side, whatever its sign: a refund lowers
/// spending, a salary that is paid back lowers income. Where there is no category, all lines of a
/// transaction by which money goes out are spending, and those of others income.
///
/// # Errors
/// `invalid_input` where `from` is after `to`, `not_found` for an account that is not there, and
/// `amount_overflow` for a sum that does not fit.
///
/// ```
/// use fiscaflow_core::analytics::{CashFlow, CashFlowQuery, cash_flow};
/// # use fiscaflow_core::{Plan, Result, view::View};
///
/// # fn example(plan: &Plan, view: &View) -> Result<()> {
/// let this_year = CashFlowQuery { from: Some("2026-01".parse()?), ..CashFlowQuery::default() };
/// for CashFlow { month, net, savings_rate_percent, .. } in cash_flow(plan, view, &this_year)? {
///     let rate = savings_rate_percent.map_or("-".to_owned(), |rate| format!("{rate} %"));
///     println!("{month}: {net} left, {rate}");
/// }
/// # Ok(()) }
/// ```
pub fn cash_flow(plan: &Plan, view: &View, query: &CashFlowQuery) -> Result<Vec<CashFlow>> {
    check_months(query.from, query.to)?;
    if let Some(id) = query.account_id {
        plan.account(id)?;
    }
    let buckets = Buckets::new(view, |group| {
        let selected = query.account_id.is_none_or(|id| id == group.account_id);
        let side = side(plan, group).filter(|_| selected)?;
        Some((currency(plan, group)?, side == CategoryKind::Expense))
    });
    let months = (query.from, query.to);
    let mut named = query.witness.then(|| buckets.monthly_witnesses(view, months)).transpose()?;
    let mut flows: BTreeMap<(Month, Currency), Flow> = BTreeMap::new();
    buckets.monthly(view, months, |month, (currency, out), sum| {
        let flow = flows.entry((month, currency)).or_default();
        let side = if out { &mut flow.out } else { &mut flow.into };
        *side += sum.minor;
        flow.lines = flow.lines.saturating_add(sum.lines);
    });
    let row = |((month, currency), flow): (_, Flow)| {
        let ids = named.as_mut().map(|named| {
            let side = |out| named.remove(&(month, (currency, out))).unwrap_or_default();
            [false, true].map(side).concat()
        });
        let income = Money::from_wide(flow.into, currency)?;
        let net = Money::from_wide(flow.into + flow.out, currency)?;
        Ok(CashFlow {
            month,
            income,
            spending: Money::from_wide(-flow.out, currency)?,
            net,
            savings_rate_percent: savings_rate(income, net),
            transactions: flow.lines,
            witness: ids.map(|ids| Witness::of(view, currency, ids)),
        })
    };
    flows.into_iter().map(row).collect()
}

/// Signed minor units on either side.
#[derive(Default)]
struct Flow {
    into: i128,
    out: i128,
    lines: u64,
}

fn savings_rate(income: Money, net: Money) -> Option<Amount> {
    if income.minor() <= 0 {
        return None;
    }
    let percent = Decimal::from(net.minor()).checked_mul(Decimal::ONE_HUNDRED)?;
    let mut rate = percent.checked_div(Decimal::from(income.minor()))?.round_dp(1);
    rate.rescale(1);
    Some(Amount::new(rate))
}
