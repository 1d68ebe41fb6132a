//! What counts: the one place that says in which figures lines are, and under what.
//!
//! It is asked once for each group of lines (an account, a category, a few marks), never for each
//! line: so monthly sums and scans of lines answer alike, and the lines that make a figure are
//! those of the groups that were counted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::witness::witnesses;
use crate::error::{Error, Result};
use crate::id::TransactionId;
use crate::model::CategoryKind;
use crate::money::Currency;
use crate::period::Month;
use crate::plan::Plan;
use crate::view::{Group, View};

/// Which side of the household's books lines stand on; `None` for transfers.
///
/// A category tells. Where there is none, nothing tells a refund from a salary: there the
/// transaction decides, and all parts of one by which money goes out are spending.
pub(crate) fn side(plan: &Plan, group: &Group) -> Option<CategoryKind> {
    let spending = match group.category_id {
        Some(_) => plan.is_expense(group.category_id),
        None => group.outgoing,
    };
    let side = if spending { CategoryKind::Expense } else { CategoryKind::Income };
    (!group.transfer).then_some(side)
}

/// Refuses months that stand in the wrong order.
pub(super) fn check_months(from: Option<Month>, to: Option<Month>) -> Result<()> {
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(Error::invalid("from", "`from` is after `to`"));
    }
    Ok(())
}

/// The currency of lines; `None` where their account is not there.
pub(super) fn currency(plan: &Plan, group: &Group) -> Option<Currency> {
    plan.accounts.get(&group.account_id).map(|account| account.currency)
}

/// A sum in minor units and how many lines make it. No number of 64-bit amounts exceeds it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) minor: i128,
    pub(super) lines: u64,
}

/// What lines are counted under: keys in their order, and the place of each group's key.
pub(crate) struct Buckets<K> {
    pub(crate) keys: Vec<K>,
    /// By the group's number; behind all keys for what is not counted.
    places: Vec<usize>,
}

impl<K: Copy + Ord> Buckets<K> {
    /// Buckets by what `key` says of each group; `None` = it is not counted.
    pub(crate) fn new(view: &View, key: impl Fn(&Group) -> Option<K>) -> Self {
        let found: Vec<Option<K>> = view.groups().map(key).collect();
        let keys: BTreeSet<K> = found.iter().flatten().copied().collect();
        let keys: Vec<K> = keys.into_iter().collect();
        let place = |key: Option<K>| key.and_then(|key| keys.binary_search(&key).ok());
        let places = found.into_iter().map(|key| place(key).unwrap_or(keys.len())).collect();
        Self { keys, places }
    }

    /// The place of the key of a group, by the group's number; behind all keys where the group is
    /// not counted. A scan that leaves a place for what is not counted need not ask at every line.
    pub(super) fn place(&self, number: usize) -> usize {
        self.places.get(number).copied().unwrap_or(self.keys.len())
    }

    /// How many places there are: one for each key, and one for what is not counted.
    pub(super) fn width(&self) -> usize {
        self.keys.len().saturating_add(1)
    }

    /// The transactions of each month and key, those of the sums that [`Self::monthly`] tells.
    pub(super) fn monthly_witnesses(
        &self,
        view: &View,
        (from, to): (Option<Month>, Option<Month>),
    ) -> Result<BTreeMap<(Month, K), Vec<TransactionId>>> {
        let days = (from.map(Month::first_day), to.map(Month::last_day));
        witnesses(view, days, |line| {
            let key = self.keys.get(self.place(line.group)).copied()?;
            let day = NaiveDate::from_num_days_from_ce_opt(line.day)?;
            Some((Month::of(day), key))
        })
    }

    /// Calls with each month and key that has lines, and their sum, in that order.
    pub(super) fn monthly(
        &self,
        view: &View,
        (from, to): (Option<Month>, Option<Month>),
        mut each: impl FnMut(Month, K, Sum),
    ) {
        let mut sums = vec![Sum::default(); self.keys.len()];
        let mut present = None;
        let mut close = |month: Option<Month>, sums: &mut [Sum]| {
            let Some(month) = month else { return };
            for (key, sum) in self.keys.iter().zip(sums) {
                let sum = std::mem::take(sum);
                if sum.lines > 0 {
                    each(month, *key, sum);
                }
            }
        };
        for cell in view.months(from, to) {
            if present != Some(cell.month) {
                close(present.replace(cell.month), &mut sums);
            }
            if let Some(sum) = sums.get_mut(self.place(cell.number)) {
                sum.minor += cell.minor;
                sum.lines = sum.lines.saturating_add(cell.lines);
            }
        }
        close(present, &mut sums);
    }
}
