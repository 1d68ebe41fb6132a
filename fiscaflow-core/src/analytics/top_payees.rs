//! Top payees: with whom most was spent, or from whom most came.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::counted::{Buckets, Sum, currency, side};
use super::witness::{Witness, witnesses};
use crate::error::{Error, ErrorCode, Result};
use crate::id::AccountId;
use crate::limits::MAX_TOP_PAYEES;
use crate::model::CategoryKind;
use crate::money::{Currency, Money};
use crate::plan::Plan;
use crate::view::View;

const USUAL_PAYEES: u32 = 10;

/// Which payees to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TopPayeesQuery {
    /// The first day; from the beginning where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// The last day; to the end where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
    /// One account; all where absent.
    pub account_id: Option<AccountId>,
    /// Spending or income; spending where absent.
    pub kind: Option<CategoryKind>,
    /// How many payees of each currency, 1 to 1,000; 10 where absent.
    pub limit: Option<u32>,
    /// Whether to name the transactions that make each row.
    pub witness: bool,
}

/// What was spent with a payee, or came from one, in one currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PayeeTotal {
    /// The payee.
    pub payee: String,
    /// What was spent, refunds taken off; or what was earned, what was paid back taken off.
    pub total: Money,
    /// How many transactions, or parts of split ones, were counted.
    pub transactions: u64,
    /// What it was made from, where asked for.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(PayeeTotal: transactions);

/// The payees with the largest totals: by currency, then from the largest total down, payees of
/// the same total by name. What has no payee is left out.
///
/// What counts as spending and as income is the same as in [`cash_flow`](super::cash_flow()).
///
/// # Errors
/// `invalid_input` where `from` is after `to`, `limit_exceeded` for a limit of 0 or above 1,000,
/// `not_found` for an account that is not there, and `amount_overflow` for a sum that does not fit.
///
/// ```
/// use fiscaflow_core::analytics::{TopPayeesQuery, top_payees};
/// # use fiscaflow_core::{Plan, Result, view::View};
///
/// # fn example(plan: &Plan, view: &View) -> Result<()> {
/// let query = TopPayeesQuery { from: "2026-01-01".parse().ok(), ..TopPayeesQuery::default() };
/// for row in top_payees(plan, view, &query)? {
///     println!("{}: {} in {} payments", row.payee, row.total, row.transactions);
/// }
/// # Ok(()) }
/// ```
pub fn top_payees(plan: &Plan, view: &View, query: &TopPayeesQuery) -> Result<Vec<PayeeTotal>> {
    if query.from.zip(query.to).is_some_and(|(from, to)| from > to) {
        return Err(Error::invalid("from", "`from` is after `to`"));
    }
    let limit = query.limit.unwrap_or(USUAL_PAYEES);
    if !(1..=MAX_TOP_PAYEES).contains(&limit) {
        let text = format!("`limit` is 1 to {MAX_TOP_PAYEES}");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("limit"));
    }
    if let Some(id) = query.account_id {
        plan.account(id)?;
    }
    let kind = query.kind.unwrap_or_default();
    let buckets = Buckets::new(view, |group| {
        let selected = query.account_id.is_none_or(|id| id == group.account_id);
        let counts = selected && side(plan, group) == Some(kind);
        currency(plan, group).filter(|_| counts)
    });
    let mut rows = Vec::new();
    let sums = sums(view, &buckets, query);
    for (sums, currency) in sums.chunks(view.payees().max(1)).zip(&buckets.keys) {
        rank(view, sums, kind, *currency, limit, &mut rows)?;
    }
    if query.witness {
        name(view, &buckets, query, &mut rows)?;
    }
    Ok(rows)
}

/// What each payee comes to, by the payee's number, one currency after the other.
fn sums(view: &View, buckets: &Buckets<Currency>, query: &TopPayeesQuery) -> Vec<Sum> {
    let payees = view.payees();
    // What is not counted comes behind all currencies.
    let mut sums = vec![Sum::default(); payees.saturating_mul(buckets.width())];
    view.scan_payees(query.from, query.to, |piece| {
        let place = buckets.place(piece.group) * payees + piece.payee;
        if let Some(sum) = sums.get_mut(place) {
            sum.minor += piece.minor;
            sum.lines = sum.lines.wrapping_add_signed(piece.lines);
        }
    });
    sums
}

/// Names the transactions of each row.
fn name(
    view: &View,
    buckets: &Buckets<Currency>,
    query: &TopPayeesQuery,
    rows: &mut [PayeeTotal],
) -> Result<()> {
    let told: BTreeMap<(Currency, &str), usize> = (rows.iter().enumerate())
        .map(|(row, told)| ((told.total.currency(), told.payee.as_str()), row))
        .collect();
    let mut named = witnesses(view, (query.from, query.to), |line| {
        let currency = buckets.keys.get(buckets.place(line.group)).copied()?;
        told.get(&(currency, view.payee(line.payee?)?)).copied()
    })?;
    for (place, row) in rows.iter_mut().enumerate() {
        let ids = named.remove(&place).unwrap_or_default();
        row.witness = Some(Witness::of(view, row.total.currency(), ids));
    }
    Ok(())
}

/// Adds the payees with the largest totals.
fn rank(
    view: &View,
    sums: &[Sum],
    kind: CategoryKind,
    currency: Currency,
    limit: u32,
    rows: &mut Vec<PayeeTotal>,
) -> Result<()> {
    let sign = if kind == CategoryKind::Expense { -1 } else { 1 };
    let paid = sums.iter().enumerate().filter(|(_, sum)| sum.lines > 0);
    let mut paid: Vec<(i128, usize)> = paid.map(|(payee, sum)| (sum.minor * sign, payee)).collect();
    let order = |left: &(i128, usize), right: &(i128, usize)| {
        right.0.cmp(&left.0).then_with(|| view.payee(left.1).cmp(&view.payee(right.1)))
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if paid.len() > limit {
        paid.select_nth_unstable_by(limit, order);
        paid.truncate(limit);
    }
    paid.sort_unstable_by(order);
    for (minor, number) in paid {
        let Some((payee, sum)) = view.payee(number).zip(sums.get(number)) else { continue };
        let total = Money::from_wide(minor, currency)?;
        let payee = payee.to_owned();
        rows.push(PayeeTotal { payee, total, transactions: sum.lines, witness: None });
    }
    Ok(())
}
