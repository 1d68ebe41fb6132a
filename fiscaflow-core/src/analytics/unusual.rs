//! Payments that are unlike the others, and why.
//!
//! Sizes are compared by their logarithms, because people spend in proportions: what is ten times
//! the usual is as far off for a coffee as for a rent. Usual is the median, and how far others lie
//! from it the median of that, so that what is unusual does not make itself usual. All of it is
//! integers.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::id::{AccountId, CategoryId, TransactionId};
use crate::money::{Currency, Money};
use crate::plan::Plan;
use crate::recurring::party;
use crate::view::View;

/// The most payments in one answer.
const MAX_UNUSUAL: usize = 10_000;
/// How many payments of a payee tell what is usual.
const OF_PAYEE: usize = 8;
/// How many of a category do.
const OF_CATEGORY: usize = 20;
/// A doubling, in the unit of logarithms.
const DOUBLE: i64 = 1 << 16;
/// The least by which payments are taken to differ: five percent.
const LEAST_SPREAD: i64 = DOUBLE * 7 / 100;
/// How many standard deviations off is unusual; 1.4826 times the median deviation is one where
/// sizes are normally distributed.
const DEVIATIONS: i64 = 5;
/// How many days may lie between a payment and its duplicate.
const DUPLICATE_DAYS: i64 = 2;

/// Which payments to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UnusualQuery {
    /// The first day; from the beginning where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// The last day; to the end where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
}

/// In which way a payment is unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum UnusualReason {
    /// It is much larger than the payee's other payments.
    LargeForPayee,
    /// It is much larger than the category's other payments; the payee has too few to tell.
    LargeForCategory,
    /// The payee was paid the same amount a day or two before, which it hardly ever is.
    Duplicate,
}

/// A payment that is unlike the others.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Unusual {
    /// The transaction.
    pub transaction_id: TransactionId,
    /// The day on which it was booked.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// Its account.
    pub account_id: AccountId,
    /// Its amount, signed.
    pub amount: Money,
    /// The other party.
    pub payee: Option<String>,
    /// In which way it is unusual.
    pub reason: UnusualReason,
    /// The usual amount, signed: the median of those it was compared with.
    pub usual: Money,
    /// How many payments it was compared with.
    pub compared: u64,
    /// The payment that it repeats.
    pub repeats_id: Option<TransactionId>,
}
crate::model::debug_only!(Unusual: transaction_id, date, account_id, reason, compared);

/// A payment: a whole transaction.
#[derive(Clone, Copy)]
struct Payment<'a> {
    id: TransactionId,
    date: NaiveDate,
    account_id: AccountId,
    currency: Currency,
    category_id: Option<CategoryId>,
    payee: Option<&'a str>,
    minor: i64,
}

/// The payments of a range of days that are unlike the others of the book, by day.
///
/// A payment is compared with those of its payee in its currency and direction; where there are
/// fewer than eight, with those of its category, of which there have to be twenty. It is unusual
/// where its logarithm is more than five standard deviations, estimated from the median deviation
/// and not below five percent, above the median. Transfers are left out.
pub fn unusual(plan: &Plan, view: &View, query: &UnusualQuery) -> Result<Vec<Unusual>> {
    if query.from.zip(query.to).is_some_and(|(from, to)| from > to) {
        return Err(Error::invalid("from", "`from` is after `to`"));
    }
    let payments = payments(plan, view);
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    let mut parties: BTreeMap<(Currency, bool, String), Vec<Payment<'_>>> = BTreeMap::new();
    let mut categories: BTreeMap<(Currency, bool, CategoryId), Vec<i64>> = BTreeMap::new();
    for payment in &payments {
        let side = (payment.currency, payment.minor < 0);
        if let Some(payee) = payment.payee {
            let name = names.entry(payee).or_insert_with(|| party(payee)).clone();
            parties.entry((side.0, side.1, name)).or_default().push(*payment);
        }
        if let Some(id) = payment.category_id {
            categories.entry((side.0, side.1, id)).or_default().push(payment.minor);
        }
    }
    let categories: BTreeMap<_, Usual> = categories
        .into_iter()
        .filter(|(_, sizes)| sizes.len() >= OF_CATEGORY)
        .filter_map(|(key, sizes)| Some((key, Usual::of(sizes)?)))
        .collect();
    let mut found = Vec::new();
    for ((currency, outgoing, _), payments) in &parties {
        let sizes = payments.iter().map(|payment| payment.minor).collect();
        let usual = Usual::of(sizes);
        for payment in payments {
            let of_payee = usual.filter(|_| payments.len() >= OF_PAYEE);
            let category = payment.category_id;
            let of_category =
                category.and_then(|id| categories.get(&(*currency, *outgoing, id)).copied());
            let judged = of_payee.map(|usual| (usual, UnusualReason::LargeForPayee));
            let judged =
                judged.or(of_category.map(|usual| (usual, UnusualReason::LargeForCategory)));
            if let Some((usual, reason)) = judged.filter(|(usual, _)| usual.exceeded(payment)) {
                found.push(payment.told(usual, reason, None));
            }
        }
        found.extend(duplicates(payments, usual));
    }
    let asked = |it: &Unusual| {
        query.from.is_none_or(|day| it.date >= day) && query.to.is_none_or(|day| it.date <= day)
    };
    found.retain(asked);
    if found.len() > MAX_UNUSUAL {
        let text = format!("an answer has at most {MAX_UNUSUAL} payments");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("from"));
    }
    found.sort_by_key(|it| (it.date, it.transaction_id, it.reason));
    Ok(found)
}

/// Every payment, by day; the parts of a split one are one.
fn payments<'a>(plan: &Plan, view: &'a View) -> Vec<Payment<'a>> {
    let mut payments: Vec<Payment<'a>> = Vec::new();
    for line in view.lines().filter(|line| !line.transfer) {
        let Some(account) = plan.accounts.get(&line.account_id) else { continue };
        match payments.last_mut() {
            Some(last) if last.id == line.transaction_id => {
                last.minor = last.minor.saturating_add(line.amount_minor);
                last.category_id = None;
            }
            _ => payments.push(Payment {
                id: line.transaction_id,
                date: line.date,
                account_id: line.account_id,
                currency: account.currency,
                category_id: line.category_id,
                payee: line.payee,
                minor: line.amount_minor,
            }),
        }
    }
    payments.retain(|payment| payment.minor != 0);
    payments.sort_unstable_by_key(|payment| (payment.date, payment.id));
    payments
}

/// Payments that repeat another, of a payee that hardly ever is paid the same twice in a row.
fn duplicates(payments: &[Payment<'_>], usual: Option<Usual>) -> Vec<Unusual> {
    let mut newest: BTreeMap<i64, Payment<'_>> = BTreeMap::new();
    let mut pairs = Vec::new();
    for payment in payments {
        let before = newest.insert(payment.minor, *payment);
        let near = before.filter(|it| (payment.date - it.date).num_days() <= DUPLICATE_DAYS);
        pairs.extend(near.map(|before| (before, *payment)));
    }
    if pairs.len() > 1.max(payments.len() / 20) {
        return Vec::new();
    }
    let Some(usual) = usual else { return Vec::new() };
    let told = |(before, it): (Payment<'_>, Payment<'_>)| {
        it.told(usual, UnusualReason::Duplicate, Some(before.id))
    };
    pairs.into_iter().map(told).collect()
}

impl Payment<'_> {
    fn told(&self, usual: Usual, reason: UnusualReason, repeats: Option<TransactionId>) -> Unusual {
        Unusual {
            transaction_id: self.id,
            date: self.date,
            account_id: self.account_id,
            amount: Money::from_minor(self.minor, self.currency),
            payee: self.payee.map(str::to_owned),
            reason,
            usual: Money::from_minor(usual.minor, self.currency),
            compared: usual.count,
            repeats_id: repeats,
        }
    }
}

/// What is usual among payments of one direction.
#[derive(Clone, Copy)]
struct Usual {
    /// The median amount.
    minor: i64,
    /// Its logarithm.
    size: i64,
    /// The median of how far logarithms lie from that.
    spread: i64,
    count: u64,
}

impl Usual {
    fn of(mut minors: Vec<i64>) -> Option<Self> {
        minors.sort_unstable_by_key(|minor| minor.unsigned_abs());
        let minor = middle(&minors)?;
        let size = logarithm(minor.unsigned_abs());
        let mut off: Vec<i64> =
            minors.iter().map(|it| (logarithm(it.unsigned_abs()) - size).abs()).collect();
        off.sort_unstable();
        let spread = middle(&off)?.max(LEAST_SPREAD);
        Some(Self { minor, size, spread, count: u64::try_from(minors.len()).unwrap_or(u64::MAX) })
    }

    /// Whether a payment is unusually large.
    fn exceeded(&self, payment: &Payment<'_>) -> bool {
        let off = logarithm(payment.minor.unsigned_abs()) - self.size;
        off * 10_000 > self.spread * 14_826 * DEVIATIONS
    }
}

/// The middle of a sorted list, of an even number the lower one.
fn middle(sorted: &[i64]) -> Option<i64> {
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

/// The logarithm to base 2 in parts of [`DOUBLE`], cut off; that of nothing is nothing.
fn logarithm(value: u64) -> i64 {
    let Some(whole) = value.checked_ilog2() else { return 0 };
    // The value between one and two, with 63 binary places; each squaring tells the next place.
    let mut fraction = u128::from(value) << (63 - whole);
    let mut places = 0_i64;
    for _ in 0..16 {
        fraction = (fraction * fraction) >> 63;
        places <<= 1;
        if fraction >> 64 != 0 {
            fraction >>= 1;
            places |= 1;
        }
    }
    i64::from(whole) * DOUBLE + places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_exact_to_their_last_place() {
        // Holds: powers of two exactly, and others as tables have them, cut off.
        for (value, expected) in [
            (0, 0),
            (1, 0),
            (2, DOUBLE),
            (1 << 40, 40 * DOUBLE),
            (3, 103_872),
            (10, 217_705),
            (1_000_000, 1_306_235),
            (u64::MAX, 64 * DOUBLE - 1),
        ] {
            assert_eq!(logarithm(value), expected, "{value}");
        }
    }
}
