//! Which spending a budget watches.

use crate::id::CategoryId;
use crate::model::Budget;
use crate::plan::Plan;
use crate::view::Line;

/// Whether a line is spending that the budget watches: in its currency, no transfer, and wherever
/// it names categories, tags or accounts, in one of them.
///
/// What has no category is spending where money goes out by the transaction as a whole, as in the
/// report of spending; only a budget that names no category to watch can count it.
pub(super) fn counts(plan: &Plan, budget: &Budget, line: &Line<'_>) -> bool {
    let account = plan.accounts.get(&line.account_id);
    if line.transfer || account.is_none_or(|it| it.currency != budget.limit.currency()) {
        return false;
    }
    if !budget.account_ids.is_empty() && !budget.account_ids.contains(&line.account_id) {
        return false;
    }
    if !budget.tags.is_empty() && !line.tags.iter().any(|tag| budget.tags.contains(tag)) {
        return false;
    }
    let Some(category) = line.category_id else {
        return budget.category_ids.is_empty() && line.outgoing;
    };
    let within = |tops: &[CategoryId]| tops.iter().any(|top| plan.is_within(category, *top));
    plan.is_expense(Some(category))
        && (budget.category_ids.is_empty() || within(&budget.category_ids))
        && !within(&budget.except_category_ids)
}
