//! Payments that are unlike the others, and why.
//!
//! Sizes are compared by their logarithms, because people spend in proportions: what is ten times
//! the usual is as far off for a coffee as for a rent. Usual is the median, and how far others lie
//! from it the median of that, so that what is unusual does not make itself usual. All of it is
//! integers.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::witness::{Named, Witness};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{AccountId, CategoryId, TransactionId};
use crate::limits::MAX_UNUSUAL;
use crate::money::{Currency, Money};
use crate::plan::Plan;
use crate::recurring::party;
use crate::view::View;

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
    /// Whether to name the payments that tell what is usual.
    pub witness: bool,
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
    /// Where asked for, the payments that it was compared with, itself among them: `usual` is the
    /// middle one of their amounts by size, of an even number the smaller one.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(Unusual: transaction_id, date, account_id, reason, compared);

/// A payment: a whole transaction.
#[derive(Clone, Copy)]
struct Payment {
    id: TransactionId,
    date: NaiveDate,
    account_id: AccountId,
    currency: Currency,
    category_id: Option<CategoryId>,
    /// The payee's number in the view.
    payee: Option<usize>,
    minor: i64,
}

/// Currency, whether money goes out, and category.
type OfCategory = (Currency, bool, CategoryId);

/// The payments of a range of days that are unlike the others of the book, by day.
///
/// A payment is compared with those of its payee in its currency and direction; where there are
/// fewer than eight, with those of its category, of which there have to be twenty. It is unusual
/// where its logarithm is more than five standard deviations, estimated from the median deviation
/// and not below five percent, above the median. Transfers are left out.
///
/// # Errors
/// `invalid_input` where `from` is after `to`, `limit_exceeded` for more than 10,000 payments or
/// where witnesses would name more than 100,000 transactions.
pub fn unusual(plan: &Plan, view: &View, query: &UnusualQuery) -> Result<Vec<Unusual>> {
    if query.from.zip(query.to).is_some_and(|(from, to)| from > to) {
        return Err(Error::invalid("from", "`from` is after `to`"));
    }
    let asked = |date: NaiveDate| {
        query.from.is_none_or(|day| date >= day) && query.to.is_none_or(|day| date <= day)
    };
    let payments = payments(plan, view);
    let categories = categories(&payments, asked);
    let mut answer =
        Answer { view, witness: query.witness, found: Vec::new(), named: Named::default() };
    for payments in parties(view, &payments, asked) {
        let Some(usual) = Usual::of(&payments) else { continue };
        for payment in payments.iter().filter(|payment| asked(payment.date)) {
            let of_category = payment.of_category().and_then(|key| categories.get(&key));
            if payments.len() >= OF_PAYEE {
                answer.judge(payment, usual, UnusualReason::LargeForPayee, &payments)?;
            } else if let Some((usual, of)) = of_category {
                answer.judge(
                    payment,
                    *usual,
                    UnusualReason::LargeForCategory,
                    of.iter().copied(),
                )?;
            }
        }
        for (before, repeated) in duplicates(&payments) {
            if asked(repeated.date) {
                let it = repeated.told(view, usual, UnusualReason::Duplicate, Some(before.id));
                answer.tell(it, &payments)?;
            }
        }
    }
    let mut found = answer.found;
    if found.len() > MAX_UNUSUAL {
        let text = format!("an answer has at most {MAX_UNUSUAL} payments");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("from"));
    }
    found.sort_by_key(|it| (it.date, it.transaction_id, it.reason));
    Ok(found)
}

/// What is found among the days that were asked for.
struct Answer<'a> {
    view: &'a View,
    witness: bool,
    found: Vec<Unusual>,
    named: Named,
}

impl Answer<'_> {
    /// Tells a payment where it is larger than what is usual among some.
    fn judge<'p>(
        &mut self,
        payment: &Payment,
        usual: Usual,
        reason: UnusualReason,
        among: impl IntoIterator<Item = &'p Payment>,
    ) -> Result<()> {
        if usual.exceeded(payment) {
            return self.tell(payment.told(self.view, usual, reason, None), among);
        }
        Ok(())
    }

    /// Tells a payment that is unlike some.
    fn tell<'p>(
        &mut self,
        mut it: Unusual,
        among: impl IntoIterator<Item = &'p Payment>,
    ) -> Result<()> {
        if self.witness {
            let ids = among.into_iter().map(|payment| payment.id).collect();
            it.witness = Some(Witness::of(self.view, it.amount.currency(), ids));
            self.named.add(it.witness.as_ref())?;
        }
        self.found.push(it);
        Ok(())
    }
}

/// Every payment, by day; the parts of a split one are one.
fn payments(plan: &Plan, view: &View) -> Vec<Payment> {
    let mut payments: Vec<Payment> = Vec::new();
    let groups: Vec<_> = view.groups().copied().collect();
    view.scan_lines(None, None, |line| {
        let Some(group) = groups.get(line.group).filter(|group| !group.transfer) else { return };
        let Some(account) = plan.accounts.get(&group.account_id) else { return };
        let Some(date) = NaiveDate::from_num_days_from_ce_opt(line.day) else { return };
        match payments.last_mut() {
            Some(last) if last.id == line.transaction_id => {
                last.minor = last.minor.saturating_add(line.minor);
                last.category_id = None;
            }
            _ => payments.push(Payment {
                id: line.transaction_id,
                date,
                account_id: group.account_id,
                currency: account.currency,
                category_id: group.category_id,
                payee: line.payee,
                minor: line.minor,
            }),
        }
    });
    payments.retain(|payment| payment.minor != 0);
    payments.sort_unstable_by_key(|payment| (payment.date, payment.id));
    payments
}

/// The payments of each payee in a currency and direction, by day; of those that have one on a day
/// that is asked for.
fn parties(
    view: &View,
    payments: &[Payment],
    asked: impl Fn(NaiveDate) -> bool,
) -> Vec<Vec<Payment>> {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut name_of: HashMap<usize, usize> = HashMap::new();
    let mut key = |payment: &Payment| {
        let payee = payment.payee?;
        let name = *name_of.entry(payee).or_insert_with(|| {
            let next = names.len();
            *names.entry(party(view.payee(payee).unwrap_or_default())).or_insert(next)
        });
        Some((payment.currency, payment.minor < 0, name))
    };
    let wanted = payments.iter().filter(|payment| asked(payment.date)).filter_map(&mut key);
    let mut parties: HashMap<_, Vec<Payment>> = wanted.map(|key| (key, Vec::new())).collect();
    for payment in payments {
        if let Some(party) = key(payment).and_then(|key| parties.get_mut(&key)) {
            party.push(*payment);
        }
    }
    parties.into_values().collect()
}

/// What is usual in each category, currency and direction that has a payment on a day that is
/// asked for, and enough of them altogether; with the payments that tell it.
fn categories(
    payments: &[Payment],
    asked: impl Fn(NaiveDate) -> bool,
) -> HashMap<OfCategory, (Usual, Vec<&Payment>)> {
    let wanted = payments.iter().filter(|payment| asked(payment.date));
    let mut all: HashMap<OfCategory, Vec<&Payment>> =
        wanted.filter_map(Payment::of_category).map(|key| (key, Vec::new())).collect();
    for payment in payments {
        if let Some(of) = payment.of_category().and_then(|key| all.get_mut(&key)) {
            of.push(payment);
        }
    }
    let enough = all.into_iter().filter(|(_, of)| of.len() >= OF_CATEGORY);
    enough.filter_map(|(key, of)| Some((key, (Usual::of(of.iter().copied())?, of)))).collect()
}

/// Payments that repeat another, of a payee that hardly ever is paid the same twice in a row.
fn duplicates(payments: &[Payment]) -> Vec<(&Payment, &Payment)> {
    let mut newest: HashMap<i64, &Payment> = HashMap::new();
    let mut pairs = Vec::new();
    for payment in payments {
        let before = newest.insert(payment.minor, payment);
        let near = before.filter(|it| (payment.date - it.date).num_days() <= DUPLICATE_DAYS);
        pairs.extend(near.map(|before| (before, payment)));
    }
    if pairs.len() > 1.max(payments.len() / 20) {
        pairs.clear();
    }
    pairs
}

impl Payment {
    /// With which payments of its category it is compared.
    fn of_category(&self) -> Option<OfCategory> {
        Some((self.currency, self.minor < 0, self.category_id?))
    }

    fn told(
        &self,
        view: &View,
        usual: Usual,
        reason: UnusualReason,
        repeats: Option<TransactionId>,
    ) -> Unusual {
        Unusual {
            transaction_id: self.id,
            date: self.date,
            account_id: self.account_id,
            amount: Money::from_minor(self.minor, self.currency),
            payee: self.payee.and_then(|payee| view.payee(payee)).map(str::to_owned),
            reason,
            usual: Money::from_minor(usual.minor, self.currency),
            compared: usual.count,
            repeats_id: repeats,
            witness: None,
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
    fn of<'p>(payments: impl IntoIterator<Item = &'p Payment>) -> Option<Self> {
        let mut minors: Vec<i64> = payments.into_iter().map(|payment| payment.minor).collect();
        minors.sort_unstable_by_key(|minor| minor.unsigned_abs());
        let minor = middle(&minors)?;
        let size = logarithm(minor.unsigned_abs());
        let spread = middle_distance(&minors, size)?.max(LEAST_SPREAD);
        Some(Self { minor, size, spread, count: u64::try_from(minors.len()).unwrap_or(u64::MAX) })
    }

    /// Whether a payment is unusually large.
    fn exceeded(&self, payment: &Payment) -> bool {
        let off = logarithm(payment.minor.unsigned_abs()) - self.size;
        off * 10_000 > self.spread * 14_826 * DEVIATIONS
    }
}

/// The middle of how far the logarithms of a list sorted by size lie from that of its middle, which
/// is `size`. Both sides get further off outwards, so they are gone through side by side.
fn middle_distance(sorted: &[i64], size: i64) -> Option<i64> {
    let distance = |minor: &i64| (logarithm(minor.unsigned_abs()) - size).abs();
    let place = sorted.len().saturating_sub(1) / 2;
    let (below, above) = sorted.split_at_checked(place)?;
    let mut below = below.iter().rev().map(distance).peekable();
    let mut above = above.iter().map(distance).peekable();
    let mut nearest = std::iter::from_fn(|| match (below.peek(), above.peek()) {
        (Some(one), Some(other)) if one < other => below.next(),
        (_, Some(_)) => above.next(),
        (_, None) => below.next(),
    });
    nearest.nth(place)
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
