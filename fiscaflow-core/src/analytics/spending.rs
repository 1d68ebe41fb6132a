//! Spending by category and month.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::{AccountId, CategoryId};
use crate::money::{Currency, Money};
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
}
crate::model::debug_only!(Spending: month, category_id, transactions);

/// Spending by month and category, each currency apart, in that order.
///
/// Transfers are left out. Money in an income category is no spending. Where there is no
/// category, nothing tells a refund from a salary: there the transaction decides, and all parts
/// of one by which money goes out count, those above zero taken off.
pub fn spending(plan: &Plan, view: &View, query: &SpendingQuery) -> Result<Vec<Spending>> {
    if let (Some(from), Some(to)) = (query.from, query.to)
        && from > to
    {
        return Err(Error::invalid("from", "`from` is after `to`"));
    }
    if let Some(id) = query.account_id {
        plan.account(id)?;
    }
    let mut groups: BTreeMap<(Month, Option<CategoryId>, Currency), (i128, u64)> = BTreeMap::new();
    for line in view.lines() {
        let month = Month::of(line.date);
        let selected = query.from.is_none_or(|from| month >= from)
            && query.to.is_none_or(|to| month <= to)
            && query.account_id.is_none_or(|id| id == line.account_id);
        let uncategorised_in = line.category_id.is_none() && !line.outgoing;
        if !selected || line.transfer || uncategorised_in || !plan.is_expense(line.category_id) {
            continue;
        }
        let Some(account) = plan.accounts.get(&line.account_id) else { continue };
        let group = groups.entry((month, line.category_id, account.currency)).or_default();
        group.0 -= i128::from(line.amount_minor);
        group.1 = group.1.saturating_add(1);
    }
    let row = |((month, category_id, currency), (minor, transactions))| {
        Ok(Spending { month, category_id, spent: Money::from_wide(minor, currency)?, transactions })
    };
    groups.into_iter().map(row).collect()
}
