//! Which spending a budget watches.

use crate::id::{AccountId, CategoryId};
use crate::model::Budget;
use crate::plan::Plan;
use crate::view::{Group, Line};

/// Whether a line is spending that the budget watches: in its currency, no transfer, and wherever
/// it names categories, tags or accounts, in one of them.
///
/// What has no category is spending where money goes out by the transaction as a whole, as in the
/// report of spending; only a budget that names no category to watch can count it.
pub(super) fn counts(plan: &Plan, budget: &Budget, line: &Line<'_>) -> bool {
    let tagged = budget.tags.is_empty() || line.tags.iter().any(|tag| budget.tags.contains(tag));
    tagged
        && !line.transfer
        && watches(plan, budget, line.account_id, line.category_id, line.outgoing)
}

/// Whether the lines of a group are; tags are a matter of each line.
pub(super) fn counts_group(plan: &Plan, budget: &Budget, group: &Group) -> bool {
    let tagged = budget.tags.is_empty() || group.tagged;
    let (account, category) = (group.account_id, group.category_id);
    tagged && !group.transfer && watches(plan, budget, account, category, group.outgoing)
}

fn watches(
    plan: &Plan,
    budget: &Budget,
    account_id: AccountId,
    category_id: Option<CategoryId>,
    outgoing: bool,
) -> bool {
    let account = plan.accounts.get(&account_id);
    if account.is_none_or(|it| it.currency != budget.limit.currency()) {
        return false;
    }
    if !budget.account_ids.is_empty() && !budget.account_ids.contains(&account_id) {
        return false;
    }
    let Some(category) = category_id else { return budget.category_ids.is_empty() && outgoing };
    let within = |tops: &[CategoryId]| tops.iter().any(|top| plan.is_within(category, *top));
    plan.is_expense(Some(category))
        && (budget.category_ids.is_empty() || within(&budget.category_ids))
        && !within(&budget.except_category_ids)
}
