//! Spending by category and month.

use serde::{Deserialize, Serialize};

use super::counted::{Buckets, check_months, currency, side};
use super::witness::Witness;
use crate::error::Result;
use crate::id::{AccountId, CategoryId};
use crate::model::CategoryKind;
use crate::money::Money;
use crate::period::Month;
use crate::plan::Plan;
use crate::view::View;

/// Which spending to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SpendingQuery {
    /// The first month; from the beginning where absent.
    pub from: Option<Month>,
    /// The last month; to the end where absent.
    pub to: Option<Month>,
    /// One account; all where absent.
    pub account_id: Option<AccountId>,
    /// Whether to name the transactions that make each row.
    pub witness: bool,
}

/// What was spent in a category in a month, in one currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Spending {
    /// The month.
    pub month: Month,
    /// The category; absent = none yet.
    pub category_id: Option<CategoryId>,
    /// What was spent, refunds taken off; below zero when more came back than went out.
    pub spent: Money,
    /// How many transactions, or parts of split ones, were counted.
    pub transactions: u64,
    /// What it was made from, where asked for.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(Spending: month, category_id, transactions);

/// Spending by month and category, each currency apart, in that order.
///
/// Transfers are left out. Money in an income category is no spending. Where there is no
/// category, nothing tells a refund from a salary: there the transaction decides, and all parts
/// of one by which money goes out count, those above zero taken off.
pub fn spending(plan: &Plan, view: &View, query: &SpendingQuery) -> Result<Vec<Spending>> {
    check_months(query.from, query.to)?;
    if let Some(id) = query.account_id {
        plan.account(id)?;
    }
    let buckets = Buckets::new(view, |group| {
        let selected = query.account_id.is_none_or(|id| id == group.account_id);
        let counts = selected && side(plan, group) == Some(CategoryKind::Expense);
        Some((group.category_id, currency(plan, group).filter(|_| counts)?))
    });
    let months = (query.from, query.to);
    let mut named = query.witness.then(|| buckets.monthly_witnesses(view, months)).transpose()?;
    let mut rows = Vec::new();
    buckets.monthly(view, months, |month, key, sum| {
        let (category_id, currency) = key;
        let ids = named.as_mut().map(|named| named.remove(&(month, key)).unwrap_or_default());
        let spent = Money::from_wide(-sum.minor, currency);
        rows.push(spent.map(|spent| Spending {
            month,
            category_id,
            spent,
            transactions: sum.lines,
            witness: ids.map(|ids| Witness::of(view, currency, ids)),
        }));
    });
    rows.into_iter().collect()
}
