//! What accounts hold at the end of a day, for the rules that look at it.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use crate::id::AccountId;
use crate::model::Transaction;
use crate::money::Money;
use crate::plan::Plan;
use crate::view::View;

/// What moved in each account on each day. Nothing is known where no rule asks for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Balances {
    known: bool,
    opening: HashMap<AccountId, Money>,
    /// In minor units.
    days: HashMap<AccountId, BTreeMap<NaiveDate, i128>>,
}

impl Balances {
    pub(crate) fn new(plan: &Plan, view: &View) -> Self {
        let opening = plan.accounts.values().map(|it| (it.id, it.opening_balance));
        let mut balances = Self { known: true, opening: opening.collect(), days: HashMap::new() };
        for line in view.lines() {
            balances.add_minor(line.account_id, line.date, line.amount_minor);
        }
        balances
    }

    fn add_minor(&mut self, account: AccountId, date: NaiveDate, minor: i64) {
        let day = self.days.entry(account).or_default().entry(date).or_default();
        *day = day.saturating_add(i128::from(minor));
    }

    /// Adds a transaction that is recorded only now.
    pub(crate) fn add(&mut self, transaction: &Transaction) {
        if self.known && transaction.counts() {
            let minor = transaction.amount.minor();
            self.add_minor(transaction.account_id, transaction.booking_date, minor);
        }
    }

    /// What the account holds at the end of a transaction's booking day, the transaction included
    /// though it may not be recorded yet.
    pub(crate) fn of(&self, transaction: &Transaction) -> Option<Money> {
        if !self.known {
            return None;
        }
        let currency = transaction.amount.currency();
        let account = transaction.account_id;
        let opening = self.opening.get(&account).map_or(0, |opening| opening.minor());
        let days = self.days.get(&account);
        let moved: i128 = days
            .into_iter()
            .flat_map(|it| it.range(..=transaction.booking_date))
            .map(|it| it.1)
            .sum();
        // What no commit has changed yet is not recorded.
        let own = if transaction.revision == 0 && transaction.counts() {
            transaction.amount.minor()
        } else {
            0
        };
        let sum = moved.saturating_add(i128::from(opening)).saturating_add(i128::from(own));
        i64::try_from(sum).ok().map(|minor| Money::from_minor(minor, currency))
    }
}
