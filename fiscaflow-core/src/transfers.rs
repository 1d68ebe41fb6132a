//! Which transactions are the two sides of one transfer between the book's own accounts.
//!
//! Money that leaves one account and enters another a few days around it, in the same amount or
//! in what a dated rate makes of it. The sides are joined one to one so that the sum of all
//! evidence is highest; pairs that a person refused are left alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::id::TransactionId;
use crate::import::assignment::{MAX_ASSIGNED, assign};
use crate::import::matching::common_words;
use crate::model::metadata::TRANSFER_ACCOUNT_ID;
use crate::model::{Account, DatedRate, Transaction};
use crate::money::{Currency, Money};
use crate::plan::Plan;
use crate::rates::{DEFAULT_RATE_AGE_DAYS, convert};
use crate::store::fold;

/// How many days may lie between the two sides.
pub const MAX_TRANSFER_DAYS: i64 = 5;
/// How far an amount may be from what the rate makes of the other, in percent: banks keep a margin.
const RATE_MARGIN_PERCENT: i64 = 4;

/// What speaks for two transactions being one transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum TransferEvidence {
    /// The amounts are opposite.
    Amount,
    /// The amounts are opposite at the day's rate.
    Rate,
    /// The booking dates are the same.
    Date,
    /// The booking dates are a few days apart.
    NearDate,
    /// A side names the other side's account by its number, or a rule marked it as the other side.
    Account,
    /// A side names the other side's account, or says that it is a transfer.
    Words,
}

/// Two transactions that are probably the sides of one transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TransferSuggestion {
    /// The side where money went out.
    pub from_id: TransactionId,
    /// The side where money came in.
    pub to_id: TransactionId,
    /// What speaks for it.
    pub evidence: Vec<TransferEvidence>,
    /// How sure it is, in percent.
    pub confidence: u8,
}

/// Where to look for transfers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TransferQuery {
    /// The first day on which a side may be booked.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// The last day.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
    /// Rates for transfers between currencies, each for a week from its day on, beside those that
    /// the book keeps; without any such transfers are not looked for.
    pub rates: Vec<DatedRate>,
    /// Pairs of at least this confidence, in percent.
    pub confidence: Option<u8>,
}

/// A transaction that may be a side of a transfer.
struct Side<'a> {
    of: &'a Transaction,
    account: &'a Account,
}

/// The probable transfers among transactions, surest first. Those that are sides already, split,
/// void or deleted are passed over.
pub(crate) fn suggest(
    plan: &Plan,
    transactions: &[Transaction],
    query: &TransferQuery,
) -> Vec<TransferSuggestion> {
    let free = |it: &&Transaction| {
        it.counts()
            && it.transfer_id.is_none()
            && it.splits.is_empty()
            && query.from.is_none_or(|day| it.booking_date >= day)
            && query.to.is_none_or(|day| it.booking_date <= day)
    };
    let sides = transactions
        .iter()
        .filter(free)
        .filter_map(|of| plan.accounts.get(&of.account_id).map(|account| Side { of, account }));
    let (mut outs, mut ins): (Vec<Side<'_>>, Vec<Side<'_>>) =
        sides.filter(|side| !side.of.amount.is_zero()).partition(|side| side.of.amount.minor() < 0);
    for list in [&mut outs, &mut ins] {
        list.sort_by_key(|side| (side.of.booking_date, side.of.id));
    }
    let mut found = same_currency(plan, &outs, &ins);
    if !query.rates.is_empty() || !plan.rates.is_empty() {
        let used: BTreeSet<TransactionId> =
            found.iter().flat_map(|pair| [pair.from_id, pair.to_id]).collect();
        found.extend(between_currencies(plan, query, &outs, &ins, used));
    }
    found.retain(|pair| pair.confidence >= query.confidence.unwrap_or(0));
    found.sort_by_key(|pair| (std::cmp::Reverse(pair.confidence), pair.from_id));
    found
}

fn same_currency(plan: &Plan, outs: &[Side<'_>], ins: &[Side<'_>]) -> Vec<TransferSuggestion> {
    let key = |side: &Side<'_>| (side.account.currency, side.of.amount.minor().unsigned_abs());
    type Both<'s, 'a> = (Vec<&'s Side<'a>>, Vec<&'s Side<'a>>);
    let mut groups: BTreeMap<(Currency, u64), Both<'_, '_>> = BTreeMap::new();
    for side in outs {
        groups.entry(key(side)).or_default().0.push(side);
    }
    for side in ins {
        if let Some((_, list)) = groups.get_mut(&key(side)) {
            list.push(side);
        }
    }
    let mut found = Vec::new();
    for (outs, ins) in groups.into_values() {
        // Many equal amounts are joined part by part, in the order of their days.
        for (outs, ins) in outs.chunks(MAX_ASSIGNED).zip(ins.chunks(MAX_ASSIGNED)) {
            let pair = |out: usize, enter: usize| {
                let (from, to) = (outs.get(out)?, ins.get(enter)?);
                judge(plan, from, to, TransferEvidence::Amount)
            };
            // Each pair is judged once: the assignment asks for it many times.
            let pairs = (0..outs.len()).flat_map(|out| (0..ins.len()).map(move |at| (out, at)));
            let judged: Vec<_> = pairs.map(|(out, enter)| pair(out, enter)).collect();
            let at = |out: usize, enter: usize| judged.get(out * ins.len() + enter)?.as_ref();
            let score = |out: usize, enter: usize| at(out, enter).map_or(0, |it| it.score());
            for (out, enter) in assign(outs.len(), ins.len(), score).into_iter().enumerate() {
                found.extend(enter.and_then(|enter| at(out, enter)).cloned());
            }
        }
    }
    found
}

/// Pairs in two currencies, surest first, each transaction once.
fn between_currencies(
    plan: &Plan,
    query: &TransferQuery,
    outs: &[Side<'_>],
    ins: &[Side<'_>],
    mut used: BTreeSet<TransactionId>,
) -> Vec<TransferSuggestion> {
    let mut pairs = Vec::new();
    for from in outs.iter().filter(|side| !used.contains(&side.of.id)) {
        let day = from.of.booking_date;
        let first =
            ins.partition_point(|to| (day - to.of.booking_date).num_days() > MAX_TRANSFER_DAYS);
        for to in ins.iter().skip(first) {
            if (to.of.booking_date - day).num_days() > MAX_TRANSFER_DAYS {
                break;
            }
            if !used.contains(&to.of.id)
                && from.account.currency != to.account.currency
                && at_rate(plan, from.of.amount, to.of.amount, day, query)
            {
                pairs.extend(judge(plan, from, to, TransferEvidence::Rate));
            }
        }
    }
    pairs.sort_by_key(|pair| (std::cmp::Reverse(pair.score()), pair.from_id, pair.to_id));
    pairs.retain(|pair| {
        let fresh = !used.contains(&pair.from_id) && !used.contains(&pair.to_id);
        if fresh {
            used.extend([pair.from_id, pair.to_id]);
        }
        fresh
    });
    pairs
}

/// Whether the newest rate of the week before, of those stated or else of the book's, makes one
/// amount of the other, but for a margin.
fn at_rate(plan: &Plan, out: Money, enter: Money, day: NaiveDate, query: &TransferQuery) -> bool {
    let due = stated(out, enter.currency(), day, query).or_else(|| {
        let due = convert(plan, out, enter.currency(), day, DEFAULT_RATE_AGE_DAYS).ok()?;
        Some(due.amount.amount().decimal())
    });
    let margin = Decimal::new(RATE_MARGIN_PERCENT, 2);
    due.is_some_and(|due| (due.abs() - enter.amount().decimal()).abs() <= due.abs() * margin)
}

/// What the newest of the query's rates makes of an amount.
fn stated(out: Money, to: Currency, day: NaiveDate, query: &TransferQuery) -> Option<Decimal> {
    let codes = (out.currency(), to);
    let age = |rate: &DatedRate| (day - rate.date).num_days();
    let rates = query.rates.iter().filter(|rate| {
        (0..=DEFAULT_RATE_AGE_DAYS.into()).contains(&age(rate))
            && rate.rate.decimal() > Decimal::ZERO
    });
    let (_, rate) = rates
        .filter_map(|rate| {
            let names = |base: Currency, quote: Currency| {
                rate.base == base.code() && rate.quote == quote.code()
            };
            if names(codes.0, codes.1) {
                Some((age(rate), rate.rate.decimal()))
            } else if names(codes.1, codes.0) {
                Some((age(rate), Decimal::ONE.checked_div(rate.rate.decimal())?))
            } else {
                None
            }
        })
        .min_by_key(|(age, _)| *age)?;
    out.amount().decimal().checked_mul(rate)
}

/// What speaks for a pair; nothing where it cannot be one.
fn judge(
    plan: &Plan,
    from: &Side<'_>,
    to: &Side<'_>,
    amounts: TransferEvidence,
) -> Option<TransferSuggestion> {
    let days = (to.of.booking_date - from.of.booking_date).num_days().abs();
    let pair = (from.of.id, to.of.id);
    if from.of.account_id == to.of.account_id
        || days > MAX_TRANSFER_DAYS
        || plan.transfer_refusals.contains_key(&pair)
    {
        return None;
    }
    let mut evidence = vec![amounts];
    evidence.push(if days == 0 { TransferEvidence::Date } else { TransferEvidence::NearDate });
    let names = |it, account| names_account(it, account) || is_marked(it, account);
    let named = names(from.of, to.account) || names(to.of, from.account);
    let told = tells(from.of, to.account) || tells(to.of, from.account);
    evidence.extend(named.then_some(TransferEvidence::Account));
    evidence.extend(told.then_some(TransferEvidence::Words));
    let exact = amounts == TransferEvidence::Amount;
    let confidence = match (named, told, exact, days) {
        (true, _, true, _) => 99,
        (true, _, false, _) => 95,
        (_, true, true, _) => 90,
        (_, true, false, _) => 80,
        (_, _, true, 0) => 70,
        (_, _, true, _) => 55,
        _ => 40,
    };
    let (from_id, to_id) = pair;
    Some(TransferSuggestion { from_id, to_id, evidence, confidence })
}

impl TransferSuggestion {
    /// Surer pairs first, then nearer days.
    fn score(&self) -> i64 {
        let near = self.evidence.contains(&TransferEvidence::Date);
        i64::from(self.confidence).saturating_mul(10).saturating_add(i64::from(near))
    }
}

/// Whether a rule marked a transaction as a side of a transfer with the account.
fn is_marked(transaction: &Transaction, account: &Account) -> bool {
    let marked = transaction.metadata.get(TRANSFER_ACCOUNT_ID);
    marked.is_some_and(|marked| *marked == account.id.to_string())
}

/// Whether a transaction has an account's number, in its texts or as the other party's.
fn names_account(transaction: &Transaction, account: &Account) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_uppercase).collect()
    };
    let number = account.number.as_deref().map(plain).unwrap_or_default();
    // A short number stands in many a text by chance.
    if number.len() < 6 {
        return false;
    }
    let other = transaction.metadata.get("counterparty_account").map(|text| plain(text));
    other.is_some_and(|other| other == number) || plain(&transaction.description).contains(&number)
}

/// Whether a transaction names an account, or says in one of many languages that it is a transfer.
fn tells(transaction: &Transaction, account: &Account) -> bool {
    const WORDS: [&str; 16] = [
        "transfer",
        "xfer",
        "umbuchung",
        "übertrag",
        "eigenübertrag",
        "virement interne",
        "traspaso",
        "transferencia",
        "giroconto",
        "trasferimento",
        "overboeking",
        "overschrijving",
        "przelew własny",
        "převod",
        "överföring",
        "credit card payment",
    ];
    let text = fold(&transaction.description);
    WORDS.iter().any(|word| text.contains(word))
        || common_words(&account.name, &transaction.description) == Some(100)
}
