//! What is saved for a goal by the end of a day, and the transactions that changed it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::analytics::{Buckets, Witness, running};
use crate::budgets::{available, on_budget};
use crate::calendar::after;
use crate::id::{AccountId, TransactionId};
use crate::model::{Direction, Goal, GoalFunding};
use crate::plan::Plan;
use crate::view::{Line, View};

/// What transactions added, by date and id.
pub(super) type Flows = BTreeMap<(NaiveDate, TransactionId), i128>;

/// Where what is saved for a goal is found.
#[derive(Clone, Copy)]
pub(super) struct Saved<'a> {
    pub(super) plan: &'a Plan,
    pub(super) view: &'a View,
    pub(super) goal: &'a Goal,
}

impl Saved<'_> {
    /// What is saved by the ends of days, in minor units.
    pub(super) fn by_days(&self, days: &BTreeSet<NaiveDate>) -> BTreeMap<NaiveDate, i128> {
        match &self.goal.funding {
            GoalFunding::Balances { account_ids } => {
                let accounts = self.accounts(account_ids);
                let opening = accounts
                    .iter()
                    .filter_map(|id| self.plan.accounts.get(id))
                    .map(|account| i128::from(account.opening_balance.minor()));
                let opening: i128 = opening.sum();
                let moved = self.moved(&accounts, days);
                moved.into_iter().map(|(day, minor)| (day, opening + minor)).collect()
            }
            GoalFunding::Contributions { account_ids } => {
                let before = self.goal.start.pred_opt().unwrap_or(self.goal.start);
                let mut days = days.clone();
                days.insert(before);
                let moved = self.moved(&self.accounts(account_ids), &days);
                let base = moved.get(&before).copied().unwrap_or(0);
                let since = |day: NaiveDate, minor| if day < before { 0 } else { minor - base };
                moved.into_iter().map(|(day, minor)| (day, since(day, minor))).collect()
            }
            GoalFunding::Envelope { category_id } => {
                available(self.plan, self.view, *category_id, days)
            }
            GoalFunding::Transactions { direction } => {
                let linked = self.linked(*direction);
                let until = |day: NaiveDate| linked.iter().take_while(move |(at, _)| at.0 <= day);
                let sum = |day: &NaiveDate| (*day, until(*day).map(|(_, minor)| minor).sum());
                days.iter().map(sum).collect()
            }
        }
    }

    /// What each transaction after a day, up to the end of another, added.
    pub(super) fn contributions(&self, after_day: NaiveDate, last: NaiveDate) -> Flows {
        let (from, end) = (after(after_day), after(last));
        match &self.goal.funding {
            GoalFunding::Balances { account_ids } | GoalFunding::Contributions { account_ids } => {
                let accounts = self.accounts(account_ids);
                let counts = |line: &Line<'_>| accounts.contains(&line.account_id);
                flows(self.view.lines_in(from, end).filter(counts))
            }
            GoalFunding::Envelope { category_id } => {
                let counts = |line: &Line<'_>| {
                    let account = self.plan.accounts.get(&line.account_id);
                    line.category_id == Some(*category_id)
                        && !line.transfer
                        && account.is_some_and(|account| on_budget(self.plan, account))
                };
                flows(self.view.lines_in(from, end).filter(counts))
            }
            GoalFunding::Transactions { direction } => {
                let mut linked = self.linked(*direction);
                linked.retain(|(date, _), _| (from..end).contains(date));
                linked
            }
        }
    }

    /// What is saved was made from these, of which `since` are the ones after a day.
    pub(super) fn witness(&self, day: NaiveDate, since: &Flows) -> Witness {
        let (earlier, opening) = match &self.goal.funding {
            GoalFunding::Contributions { .. } => (Flows::new(), Vec::new()),
            GoalFunding::Balances { account_ids } => {
                let opening = self.accounts(account_ids).into_iter().collect();
                (self.contributions(NaiveDate::MIN, day), opening)
            }
            _ => (self.contributions(NaiveDate::MIN, day), Vec::new()),
        };
        let ids = earlier.keys().chain(since.keys()).map(|(_, id)| *id).collect();
        Witness { opening, ..Witness::of(self.view, self.goal.target.currency(), ids) }
    }

    /// What the transactions that are linked to the goal added, in its currency.
    fn linked(&self, direction: Direction) -> Flows {
        let currency = self.goal.target.currency();
        let counts = |line: &Line<'_>| {
            let account = self.plan.accounts.get(&line.account_id);
            line.links.goal_id == Some(self.goal.id)
                && account.is_some_and(|account| account.currency == currency)
        };
        let mut flows = flows(self.view.linked_lines().filter(counts));
        if direction == Direction::Out {
            flows.values_mut().for_each(|minor| *minor = -*minor);
        }
        flows
    }

    /// Those of these accounts that are there and in the goal's currency.
    fn accounts(&self, ids: &[AccountId]) -> BTreeSet<AccountId> {
        let currency = self.goal.target.currency();
        let is_counted = |id: &&AccountId| {
            self.plan.accounts.get(id).is_some_and(|account| account.currency == currency)
        };
        ids.iter().filter(is_counted).copied().collect()
    }

    /// What moved in accounts by the ends of days.
    fn moved(
        &self,
        accounts: &BTreeSet<AccountId>,
        days: &BTreeSet<NaiveDate>,
    ) -> BTreeMap<NaiveDate, i128> {
        let buckets =
            Buckets::new(self.view, |group| accounts.contains(&group.account_id).then_some(()));
        let mut totals = running(self.view, &buckets);
        let mut sum = |day: &NaiveDate| {
            let places = totals.at(Some(*day));
            places.iter().take(buckets.keys.len()).sum::<i128>()
        };
        days.iter().map(|day| (*day, sum(day))).collect()
    }
}

fn flows<'a>(lines: impl Iterator<Item = Line<'a>>) -> Flows {
    let mut flows = Flows::new();
    for line in lines {
        let sum = flows.entry((line.date, line.transaction_id)).or_default();
        *sum += i128::from(line.amount_minor);
    }
    flows
}
