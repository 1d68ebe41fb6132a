//! Finding streams among the payments of one party.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::grid::{ALIKE, Fit, GridDay, VARYING, best};
use super::{AmountChange, Cadence, Stream, StreamKind, StreamState};
use crate::error::Result;
use crate::id::{AccountId, CategoryId, TransactionId};
use crate::money::{Currency, Money};
use crate::normalise::normalise;
use crate::plan::Plan;
use crate::store::fold;
use crate::view::View;

/// How far a new price may be from the old one, in percent of the larger of both.
const MAX_STEP_PERCENT: i128 = 40;
/// The most streams of one amount that one party is believed to have, such as two equal contracts.
const MAX_TWINS: usize = 2;
/// How many payments tell what the next one of a stream is whose amounts differ.
const NEWEST: usize = 6;
/// How many payments a stream whose amounts differ has at least.
const MIN_VARYING: usize = 4;

/// A payment: a whole transaction.
#[derive(Debug, Clone, Copy)]
struct Payment<'a> {
    id: TransactionId,
    date: NaiveDate,
    minor: i64,
    category_id: Option<CategoryId>,
    payee: &'a str,
}

/// Payments that belong together, by date, with the cadence on which they lie.
struct Found<'a> {
    cadence: Cadence,
    anchor: NaiveDate,
    spread: i64,
    payments: Vec<Payment<'a>>,
}

/// The streams of a book as of a day, by account, party and first payment. Transfers, and what has
/// no payee, are left out; payees count as the same where their names are the same without what
/// banks add to them.
///
/// ```
/// # fn example(plan: &fiscaflow_core::Plan, view: &fiscaflow_core::view::View)
/// # -> fiscaflow_core::Result<()> {
/// let today = fiscaflow_core::parse_date("2026-11-29")?;
/// for stream in fiscaflow_core::recurring::streams(plan, view, today)? {
///     println!("{} {:?} {} next {:?}", stream.payee, stream.cadence, stream.amount, stream.next);
/// }
/// # Ok(()) }
/// ```
pub fn streams(plan: &Plan, view: &View, today: NaiveDate) -> Result<Vec<Stream>> {
    let mut all = Vec::new();
    for ((account_id, ..), payments) in parties(view, today) {
        let Some(account) = plan.accounts.get(&account_id) else { continue };
        for found in of_party(payments) {
            all.push(found.told(account_id, account.currency, today)?);
        }
    }
    Ok(all)
}

/// Payments of one party in one direction in an account, by date.
type Party<'a> = ((AccountId, String, bool), Vec<Payment<'a>>);

/// The payments up to a day by account, party and direction.
fn parties(view: &View, today: NaiveDate) -> Vec<Party<'_>> {
    let groups: Vec<_> = view.groups().copied().collect();
    let mut parties: Vec<Party<'_>> = Vec::new();
    let mut places: BTreeMap<(AccountId, String, bool), usize> = BTreeMap::new();
    // Names are made once for each payee, not for each of a million lines.
    let mut names: HashMap<usize, String> = HashMap::new();
    let mut place_of: HashMap<(usize, AccountId, bool), usize> = HashMap::new();
    view.scan_lines(None, Some(today), |line| {
        let Some(group) = groups.get(line.group).filter(|group| !group.transfer) else { return };
        let Some((number, payee)) = line.payee.and_then(|it| Some((it, view.payee(it)?))) else {
            return;
        };
        let key = (number, group.account_id, group.outgoing);
        let place = *place_of.entry(key).or_insert_with(|| {
            let name = names.entry(number).or_insert_with(|| party(payee)).clone();
            let name = (group.account_id, name, group.outgoing);
            *places.entry(name.clone()).or_insert_with(|| {
                parties.push((name, Vec::new()));
                parties.len() - 1
            })
        });
        let Some(date) = NaiveDate::from_num_days_from_ce_opt(line.day) else { return };
        let Some((_, payments)) = parties.get_mut(place) else { return };
        // The parts of a split transaction follow each other, and are one payment.
        match payments.last_mut() {
            Some(last) if last.id == line.transaction_id => {
                last.minor = last.minor.saturating_add(line.minor);
            }
            _ => payments.push(Payment {
                id: line.transaction_id,
                date,
                minor: line.minor,
                category_id: group.category_id,
                payee,
            }),
        }
    });
    for (_, payments) in &mut parties {
        payments.sort_unstable_by_key(|payment| (payment.date, payment.id));
    }
    parties.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    parties
}

/// By what payments of one party are known, whatever else banks print beside its name.
pub(crate) fn party(payee: &str) -> String {
    let name = fold(&normalise(payee).name);
    if name.is_empty() { fold(payee) } else { name }
}

/// The streams among the payments of one party in one direction: what nearly all of them make
/// together; else those of one amount, which may go on with another, and what is left.
fn of_party(payments: Vec<Payment<'_>>) -> Vec<Found<'_>> {
    let mut left = payments;
    if let Some(whole) = varying(&mut left) {
        return vec![whole];
    }
    let mut joined: Vec<Found<'_>> = Vec::new();
    for stream in of_amounts(&mut left) {
        match joined.iter_mut().find(|earlier| earlier.goes_on_in(&stream)) {
            Some(earlier) => earlier.payments.extend(stream.payments),
            None => joined.push(stream),
        }
    }
    for stream in &mut joined {
        stream.take_neighbours(&mut left);
    }
    joined.extend(varying(&mut left));
    joined.sort_by_key(|stream| (stream.first(), stream.last()));
    joined
}

/// Takes the streams of one amount each, by their first payments.
fn of_amounts<'a>(payments: &mut Vec<Payment<'a>>) -> Vec<Found<'a>> {
    let whole = payments.len();
    payments.sort_unstable_by_key(|payment| (payment.minor, payment.date, payment.id));
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    for same in payments.chunk_by(|one, other| one.minor == other.minor) {
        let (streams, left) = of_amount(same, whole);
        found.extend(streams);
        rest.extend(left);
    }
    *payments = rest;
    payments.sort_unstable_by_key(|payment| (payment.date, payment.id));
    found.sort_by_key(|stream: &Found<'_>| (stream.first(), stream.last()));
    found
}

/// The streams of payments of one amount, and the rest: all of it together is mostly streams, or
/// none is there. Two payments of a party of many are no stream; a twin is about as long.
fn of_amount<'a>(all: &[Payment<'a>], of_party: usize) -> (Vec<Found<'a>>, Vec<Payment<'a>>) {
    let shortest = if of_party > 2 { 3 } else { 2 };
    // Two streams cover most of them only where the longer one has two fifths.
    let parts = if all.len() < 2 * shortest { 4 } else { 2 };
    let mut least = shortest.max(all.len().saturating_mul(parts).div_ceil(5));
    let (mut found, mut left) = (Vec::<Found<'_>>::new(), Cow::Borrowed(all));
    while found.len() < MAX_TWINS {
        let Some(fit) = densest(&left, ALIKE, MAX_TWINS, least) else { break };
        found.push(take(&fit, left.to_mut()));
        least = shortest.max(fit.met.len().div_ceil(2));
    }
    let covered: usize = found.iter().map(|stream| stream.payments.len()).sum();
    if covered.saturating_mul(5) >= all.len().saturating_mul(4) {
        (found, left.into_owned())
    } else {
        (Vec::new(), all.to_vec())
    }
}

/// Takes the stream that payments of several amounts make together.
fn varying<'a>(payments: &mut Vec<Payment<'a>>) -> Option<Found<'a>> {
    let least = MIN_VARYING.max(payments.len().saturating_mul(4).div_ceil(5));
    let fit = densest(payments, VARYING, 1, least)?;
    let mut left = payments.clone();
    let found = take(&fit, &mut left);
    // Bills waver; what differs threefold from most is no bill.
    let mut sizes: Vec<u64> =
        found.payments.iter().map(|payment| payment.minor.unsigned_abs()).collect();
    sizes.sort_unstable();
    let middle = sizes.get(sizes.len() / 2).copied()?;
    let near = |size: &&u64| **size <= middle.saturating_mul(3) && size.saturating_mul(3) >= middle;
    let near = sizes.iter().filter(near).count();
    if near.saturating_mul(5) < sizes.len().saturating_mul(4) {
        return None;
    }
    *payments = left;
    Some(found)
}

/// The most improbable of the grids that meet most of the days, and so many at least.
fn densest(payments: &[Payment<'_>], chance: u64, twins: usize, least: usize) -> Option<Fit> {
    if payments.len() < least {
        return None;
    }
    let days: Vec<NaiveDate> = payments.iter().map(|payment| payment.date).collect();
    let span = days.first().zip(days.last()).map(|(first, last)| (*last - *first).num_days())?;
    let possible = Cadence::ALL.into_iter().filter(|cadence| {
        // Streams are four fifths of the payments at least, so these are not much more than turns.
        let turns = usize::try_from(span / cadence.days()).unwrap_or(0).saturating_add(1);
        let most = turns.saturating_mul(twins).saturating_mul(5) / 4;
        turns >= 2 && days.len() <= most.saturating_add(1)
    });
    let fits = possible.filter_map(|cadence| best(cadence, &days, least));
    fits.filter(|fit| fit.is_dense() && fit.chance <= chance)
        .min_by_key(|fit| (std::cmp::Reverse(fit.met.len()), fit.chance, fit.cadence))
}

/// Takes what lies on a grid out of the payments.
fn take<'a>(fit: &Fit, from: &mut Vec<Payment<'a>>) -> Found<'a> {
    let places: Vec<usize> = fit.met.iter().map(|(_, place)| *place).collect();
    let (mut payments, mut left) = (Vec::new(), Vec::new());
    for (place, payment) in from.drain(..).enumerate() {
        if places.binary_search(&place).is_ok() {
            payments.push(payment);
        } else {
            left.push(payment);
        }
    }
    *from = left;
    Found { cadence: fit.cadence, anchor: fit.anchor, spread: fit.spread, payments }
}

impl<'a> Found<'a> {
    fn first(&self) -> Option<NaiveDate> {
        self.payments.first().map(|payment| payment.date)
    }

    fn last(&self) -> Option<NaiveDate> {
        self.payments.last().map(|payment| payment.date)
    }

    fn turn(&self, date: NaiveDate) -> Option<i64> {
        let (turn, off) = self.cadence.nearest(GridDay::of(self.anchor), GridDay::of(date));
        (off.abs() <= self.cadence.tolerance()).then_some(turn)
    }

    /// Whether a later stream is this one after a change of price: it lies on the same grid and
    /// begins where this ends.
    fn goes_on_in(&self, later: &Self) -> bool {
        let turn = |date: Option<NaiveDate>| date.and_then(|date| self.turn(date));
        let near = turn(self.last()).zip(turn(later.first()));
        self.cadence == later.cadence
            && near.is_some_and(|(last, next)| (1..=2).contains(&(next - last)))
            && self.payments.last().zip(later.payments.first()).is_some_and(is_step)
    }

    /// Takes single payments of other amounts that lie where the stream's next or previous one is
    /// due, or one between is missing.
    fn take_neighbours(&mut self, left: &mut Vec<Payment<'a>>) {
        loop {
            let turns: Vec<i64> =
                self.payments.iter().filter_map(|payment| self.turn(payment.date)).collect();
            let (Some(first), Some(last)) = (turns.first(), turns.last()) else { return };
            let at = left.iter().position(|payment| {
                self.turn(payment.date).is_some_and(|turn| {
                    turn >= first - 1
                        && turn <= last + 1
                        && !turns.contains(&turn)
                        && self.payments.iter().any(|known| is_step((known, payment)))
                })
            });
            let Some(at) = at else { return };
            self.payments.push(left.remove(at));
            self.payments.sort_by_key(|payment| (payment.date, payment.id));
        }
    }

    fn told(self, account_id: AccountId, currency: Currency, today: NaiveDate) -> Result<Stream> {
        let turns: Vec<i64> =
            self.payments.iter().filter_map(|payment| self.turn(payment.date)).collect();
        let (first_turn, last_turn) =
            turns.first().zip(turns.last()).map_or((0, 0), |(first, last)| (*first, *last));
        let due = |turn: i64| self.cadence.day(self.anchor, turn);
        let missed =
            (first_turn..last_turn).filter(|turn| !turns.contains(turn)).filter_map(due).collect();
        let is_late = |turn: i64| {
            due(turn).is_some_and(|day| (today - day).num_days() > self.cadence.tolerance())
        };
        let state = match (is_late(last_turn + 1), is_late(last_turn + 2)) {
            (false, _) => StreamState::Active,
            (true, false) => StreamState::Missed,
            (true, true) => StreamState::Ended,
        };
        let next = match state {
            StreamState::Active => due(last_turn + 1),
            StreamState::Missed => due(last_turn + 2),
            StreamState::Ended => None,
        };
        let minors: Vec<i64> = self.payments.iter().map(|payment| payment.minor).collect();
        let money = |minor: i64| Money::from_minor(minor, currency);
        let size = |minor: &i64| minor.unsigned_abs();
        let stays = minors.windows(2).filter(|pair| pair.first() == pair.last()).count();
        let is_fixed = stays.saturating_mul(3) >= minors.len().saturating_sub(1).saturating_mul(2);
        let newest = self.payments.last();
        let usual = newest.map_or(0, |payment| payment.minor);
        let telling = self.payments.len().saturating_sub(if is_fixed { 1 } else { NEWEST });
        let telling = self.payments.get(telling..).unwrap_or_default();
        let kind = match (usual < 0, is_fixed) {
            (false, _) => StreamKind::Income,
            (true, true) => StreamKind::Subscription,
            (true, false) => StreamKind::Bill,
        };
        Ok(Stream {
            payee: newest.map(|payment| payment.payee.to_owned()).unwrap_or_default(),
            account_id,
            category_id: newest.and_then(|payment| payment.category_id),
            cadence: self.cadence,
            kind,
            state,
            amount: money(median(telling)),
            amount_ids: telling.iter().map(|payment| payment.id).collect(),
            smallest: money(minors.iter().copied().min_by_key(size).unwrap_or(0)),
            largest: money(minors.iter().copied().max_by_key(size).unwrap_or(0)),
            changes: if is_fixed { changes(&self.payments, currency) } else { Vec::new() },
            first: self.first().unwrap_or(today),
            last: self.last().unwrap_or(today),
            next,
            missed,
            recurrence: self.cadence.recurrence(due(last_turn).unwrap_or(today), self.anchor),
            schedule_id: None,
            tolerance_days: u32::try_from(self.spread).unwrap_or(0),
            transaction_ids: self.payments.iter().map(|payment| payment.id).collect(),
        })
    }
}

/// Whether one amount may be another after a change of price.
fn is_step((one, other): (&Payment<'_>, &Payment<'_>)) -> bool {
    is_near(one.minor, other.minor)
}

/// Whether one amount may be another after a change of price.
pub(super) fn is_near(one: i64, other: i64) -> bool {
    let (one, other) = (i128::from(one), i128::from(other));
    let larger = one.abs().max(other.abs());
    (one - other).abs() * 100 <= larger * MAX_STEP_PERCENT
}

/// The middle amount; of an even number the one nearer to nothing.
fn median(payments: &[Payment<'_>]) -> i64 {
    let mut minors: Vec<i64> = payments.iter().map(|payment| payment.minor).collect();
    minors.sort_unstable_by_key(|minor| minor.unsigned_abs());
    minors.get(minors.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// The days on which the amount became another and stayed it, once at least or to the end.
fn changes(payments: &[Payment<'_>], currency: Currency) -> Vec<AmountChange> {
    let mut changes = Vec::new();
    let mut usual = payments.first().map_or(0, |payment| payment.minor);
    for (place, payment) in payments.iter().enumerate() {
        let next = payments.get(place.saturating_add(1));
        if payment.minor != usual && next.is_none_or(|next| next.minor == payment.minor) {
            let (from, to) = (usual, payment.minor);
            let money = |minor| Money::from_minor(minor, currency);
            changes.push(AmountChange { date: payment.date, from: money(from), to: money(to) });
            usual = payment.minor;
        }
    }
    changes
}
