//! Figures in the plainest way: loops over the transactions that a log makes. They hold what the
//! engine's views, budgets and lists say.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use fiscaflow_core::model::{Alert, Budget, Carry, CategoryKind, Transaction};
use fiscaflow_core::store::TransactionQuery;
use fiscaflow_core::{AccountId, CategoryId, Month};

use super::facts::{Checked, Facts, holds, lines};

/// Whether a category is another one or lies below it.
fn is_within(facts: &Facts, category: CategoryId, top: CategoryId) -> bool {
    let categories = facts.categories();
    let mut at = Some(category);
    while let Some(id) = at {
        if id == top {
            return true;
        }
        at = categories.get(&id).and_then(|it| it.parent_id);
    }
    false
}

/// Whether a line of a transaction is spending.
fn is_spent(facts: &Facts, it: &Transaction, category: Option<CategoryId>) -> bool {
    if it.transfer_id.is_some() {
        return false;
    }
    match category {
        None => it.amount.minor() < 0,
        Some(id) => facts.categories().get(&id).is_some_and(|it| it.kind == CategoryKind::Expense),
    }
}

/// What lies in each account.
pub fn balances(facts: &Facts) -> BTreeMap<AccountId, i64> {
    let accounts = facts.accounts();
    let mut found: BTreeMap<_, _> =
        accounts.iter().map(|(id, it)| (*id, it.opening_balance.minor())).collect();
    for it in facts.counting() {
        *found.entry(it.account_id).or_default() += it.amount.minor();
    }
    found
}

/// What was spent, and in how many lines, by month, category and currency.
pub fn spending(facts: &Facts) -> BTreeMap<(Month, Option<CategoryId>, String), (i64, u64)> {
    let mut found = BTreeMap::new();
    for it in facts.counting() {
        for (category, amount) in lines(it) {
            if is_spent(facts, it, category) {
                let currency = amount.currency().to_string();
                let key = (Month::of(it.booking_date), category, currency);
                let sum: &mut (i64, u64) = found.entry(key).or_default();
                *sum = (sum.0 - amount.minor(), sum.1 + 1);
            }
        }
    }
    found
}

/// What a budget's periods begin with and use, in minor units, by their first day.
pub fn budget(facts: &Facts, budget: &Budget) -> BTreeMap<NaiveDate, (i64, i64)> {
    let mut used: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for it in facts.counting() {
        let tagged = budget.tags.is_empty() || it.tags.iter().any(|tag| budget.tags.contains(tag));
        for (category, amount) in lines(it) {
            let within = category
                .is_some_and(|id| budget.category_ids.iter().any(|top| is_within(facts, id, *top)));
            let same = amount.currency() == budget.limit.currency();
            if tagged && within && same && is_spent(facts, it, category) {
                let start = budget.period.range_of(it.booking_date).start();
                *used.entry(start).or_default() -= amount.minor();
            }
        }
    }
    let mut found = BTreeMap::new();
    let (first, last) = (budget.start.unwrap(), NaiveDate::from_ymd_opt(2024, 4, 1).unwrap());
    let (mut range, mut carried) = (budget.period.range_of(first), 0);
    while range.start() < last {
        let used = used.get(&range.start()).copied().unwrap_or_default();
        found.insert(range.start(), (carried, used));
        let left = budget.limit.minor() + carried - used;
        carried = match budget.rollover.carry {
            Carry::Nothing => 0,
            Carry::Surplus => left.max(0),
            Carry::Deficit => left.min(0),
            Carry::Both => left,
        };
        range = budget.period.range_of(range.last_day() + Days::new(1));
    }
    found
}

/// Whatever reached a threshold was announced.
pub fn check_thresholds(facts: &Facts) -> Checked {
    for it in facts.budgets().filter(|it| !facts.loose.contains(&it.id.to_string())) {
        for (from, (carried, used)) in budget(facts, it) {
            let available = i128::from(it.limit.minor() + carried);
            for threshold in &it.thresholds {
                let reached =
                    used > 0 && i128::from(used) * 100 >= available * i128::from(*threshold);
                let to = it.period.range_of(from).last_day();
                let alert = Alert { budget_id: it.id, from, to, threshold: *threshold };
                holds(!reached || facts.has_alert(&alert), "thresholds told", || {
                    format!("{alert:?}: {used} of {available} is not announced")
                })?;
            }
        }
    }
    Ok(())
}

/// The transactions that a list shows, newest first.
pub fn list<'a>(facts: &'a Facts, query: &TransactionQuery) -> Vec<&'a Transaction> {
    let mut found: Vec<_> = facts.transactions.values().collect();
    found.retain(|it| !it.deleted);
    found.retain(|it| query.account_id.is_none_or(|id| id == it.account_id));
    found.retain(|it| query.from.is_none_or(|from| it.booking_date >= from));
    found.retain(|it| query.tag.as_ref().is_none_or(|tag| it.tags.contains(tag)));
    found.retain(|it| {
        query.category_id.is_none_or(|id| {
            it.category_id == Some(id) || it.splits.iter().any(|part| part.category_id == Some(id))
        })
    });
    found.sort_by_key(|it| std::cmp::Reverse((it.booking_date, it.id)));
    found
}
