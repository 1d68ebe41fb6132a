//! What is expected: payments of schedules and streams, and what is recorded for later days.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::{ExpectedPayment, Scope};
use crate::calendar::{DateRange, Recurrence, after};
use crate::id::{ScheduleId, TransactionId};
use crate::money::Money;
use crate::recurring::{Stream, covers, party};
use crate::schedules::{Occurrence, OccurrenceState, all_occurrences};

/// How far back unpaid occurrences and payments of schedules are looked for.
const LOOK_BACK_DAYS: u64 = 400;
/// How many payments tell what the next one was expected to be.
const PAYMENTS: usize = 3;
/// A payment so many days before its day is that day's and tells nothing of it yet.
const EARLY_DAYS: u64 = 5;
/// How many days the sides of a transfer may lie apart.
const TRANSFER_DAYS: u64 = 5;

/// The occurrences of each schedule, by day.
type Occurrences = BTreeMap<ScheduleId, Vec<Occurrence>>;

/// What is expected, and which payments of the past are explained by it.
pub(super) struct Known {
    /// The last day that is told.
    end: NaiveDate,
    pub(super) payments: Vec<ExpectedPayment>,
    /// What comes on each day, in minor units.
    by_day: BTreeMap<NaiveDate, i128>,
    /// What is recorded for each day already.
    pub(super) recorded: BTreeMap<NaiveDate, Vec<TransactionId>>,
    /// Payments of the past that belong together.
    groups: Vec<Group>,
    /// The payments of the past that belong to what recurs.
    pub(super) explained: BTreeSet<TransactionId>,
    /// What they, on each day, were off what was to be expected.
    pub(super) off: BTreeMap<NaiveDate, i128>,
}

/// Payments of the past that belong together, and when each was to be expected.
struct Group {
    ids: Vec<TransactionId>,
    recurrence: Recurrence,
    ends: Option<NaiveDate>,
}

impl Known {
    /// What is known on the day of a forecast, with the streams of that day.
    pub(super) fn new(scope: &Scope<'_>, days: u32, streams: &[Stream]) -> Self {
        let mut known = Self {
            end: scope.dates(days).last().unwrap_or(scope.as_of),
            payments: Vec::new(),
            by_day: BTreeMap::new(),
            recorded: BTreeMap::new(),
            groups: Vec::new(),
            explained: BTreeSet::new(),
            off: BTreeMap::new(),
        };
        let found = streams.iter().filter(|it| scope.accounts.contains(&it.account_id));
        let found: Vec<&Stream> = found.collect();
        let occurrences = known.occurrences(scope);
        known.add_streams(scope, &found, &occurrences);
        if !scope.blind {
            known.add_schedules(scope, &found, occurrences);
            known.add_recorded(scope);
        }
        known.explain(scope);
        known.payments.sort_by_key(|it| (it.date, it.account_id, it.schedule_id));
        known
    }

    /// What comes on a day.
    pub(super) fn on(&self, day: NaiveDate) -> i128 {
        self.by_day.get(&day).copied().unwrap_or(0)
    }

    /// What schedules expect and what paid it, told once for all of them.
    fn occurrences(&self, scope: &Scope<'_>) -> Occurrences {
        let mut by_schedule = Occurrences::new();
        if scope.blind {
            return by_schedule;
        }
        let from = scope.as_of.checked_sub_days(Days::new(LOOK_BACK_DAYS)).unwrap_or(scope.as_of);
        for it in all_occurrences(scope.plan, scope.view, (from, self.end), scope.as_of) {
            by_schedule.entry(it.schedule_id).or_default().push(it);
        }
        by_schedule
    }

    /// Expects what goes on and has no schedule; what has ended explains its past and is expected
    /// no more. What a person ignores is part of the rest, and so is, where only schedules are to
    /// be expected, what goes on.
    fn add_streams(&mut self, scope: &Scope<'_>, found: &[&Stream], paid: &Occurrences) {
        let mut expected = Vec::new();
        for stream in found.iter().copied() {
            let mut schedules = scope.plan.schedules.values().filter(|_| !scope.blind);
            if schedules.any(|schedule| covers(schedule, stream)) {
                continue;
            }
            if stream.next.is_some() && scope.only_schedules {
                continue;
            }
            // One that has ended was expected until its newest payment.
            let ends = stream.next.is_none().then(|| after(stream.last));
            let (ids, recurrence) = (stream.transaction_ids.clone(), stream.recurrence.clone());
            self.groups.push(Group { ids, recurrence, ends });
            let Some(next) = stream.next else { continue };
            let dates = stream.recurrence.dates_in(DateRange::new(next, after(self.end)));
            expected.extend(dates.map(|date| (stream, date)));
        }
        let recorded = recorded(scope, &expected, paid);
        for (place, (stream, date)) in expected.into_iter().enumerate() {
            if recorded.contains(&place) {
                continue;
            }
            self.expect(
                scope,
                ExpectedPayment {
                    date,
                    account_id: stream.account_id,
                    amount: stream.amount,
                    payee: Some(stream.payee.clone()),
                    schedule_id: None,
                    witness: scope.witness(stream.amount_ids.clone()),
                },
            );
        }
    }

    /// Expects what is due and not paid, and explains what paid it or its stream.
    fn add_schedules(&mut self, scope: &Scope<'_>, found: &[&Stream], mut of: Occurrences) {
        for schedule in scope.plan.schedules.values().filter(|it| it.active) {
            if !scope.accounts.contains(&schedule.account_id) {
                continue;
            }
            let all = of.remove(&schedule.id).unwrap_or_default();
            let mut past: Vec<TransactionId> =
                all.iter().filter_map(|it| it.transaction_id).collect();
            let stream = found.iter().find(|stream| covers(schedule, stream));
            past.extend(stream.iter().flat_map(|stream| &stream.transaction_ids));
            past.sort_unstable();
            past.dedup();
            // What goes from one of the accounts to another changes nothing.
            if is_internal(scope, &all) {
                continue;
            }
            let recurrence = schedule.recurrence.clone();
            // One that comes so often and no more was expected until it last came.
            let came = || recurrence.dates().take_while(|day| *day <= scope.as_of).last();
            let ends = recurrence.count.and_then(|_| came()).map(after);
            self.groups.push(Group { ids: past, recurrence, ends });
            let due = all.into_iter().filter(|it| it.state == OccurrenceState::Due);
            for it in due {
                self.expect(
                    scope,
                    ExpectedPayment {
                        date: it.date,
                        account_id: schedule.account_id,
                        amount: it.amount,
                        payee: schedule.payee.clone(),
                        schedule_id: Some(schedule.id),
                        witness: scope.witness(Vec::new()),
                    },
                );
            }
        }
    }

    fn expect(&mut self, scope: &Scope<'_>, mut payment: ExpectedPayment) {
        payment.date = payment.date.max(after(scope.as_of));
        if payment.date > self.end {
            return;
        }
        *self.by_day.entry(payment.date).or_default() += i128::from(payment.amount.minor());
        self.payments.push(payment);
    }

    /// What is recorded for later days comes as it is recorded.
    fn add_recorded(&mut self, scope: &Scope<'_>) {
        for line in scope.view.lines_in(after(scope.as_of), after(self.end)) {
            if scope.accounts.contains(&line.account_id) {
                *self.by_day.entry(line.date).or_default() += i128::from(line.amount_minor);
                self.recorded.entry(line.date).or_default().push(line.transaction_id);
            }
        }
    }

    /// What payments that belong together were off what was to be expected: each is the median of
    /// those before it, on its day. So what is early, late, missing or of another amount is off.
    fn explain(&mut self, scope: &Scope<'_>) {
        let groups = self.groups.iter().enumerate();
        let of: BTreeMap<TransactionId, usize> =
            groups.flat_map(|(at, group)| group.ids.iter().map(move |id| (*id, at))).collect();
        let mut payments =
            vec![BTreeMap::<(NaiveDate, TransactionId), i128>::new(); self.groups.len()];
        for line in scope.view.lines_with(of.keys()).filter(|line| line.date <= scope.as_of) {
            let group = of.get(&line.transaction_id).and_then(|at| payments.get_mut(*at));
            if let Some(group) = group {
                let key = (line.date, line.transaction_id);
                *group.entry(key).or_default() += i128::from(line.amount_minor);
                *self.off.entry(line.date).or_default() += i128::from(line.amount_minor);
            }
        }
        self.explained = of.into_keys().collect();
        for (group, payments) in self.groups.iter().zip(payments) {
            let Some(((first, _), _)) = payments.first_key_value() else { continue };
            let mut come = payments.iter().peekable();
            let mut before: Vec<i128> = Vec::new();
            let days = group.recurrence.since(*first);
            let last = group.ends.unwrap_or(after(scope.as_of));
            let slack = Days::new(EARLY_DAYS);
            for day in days.dates().take_while(|day| *day < last) {
                let known = day.checked_sub_days(slack).unwrap_or(day);
                while let Some((_, minor)) = come.next_if(|((date, _), _)| *date < known) {
                    before.push(*minor);
                }
                let mut newest: Vec<i128> = before.iter().rev().take(PAYMENTS).copied().collect();
                newest.sort_unstable();
                let usual = newest.get(newest.len() / 2).copied();
                let usual = usual.or(payments.values().next().copied()).unwrap_or(0);
                if day >= *first {
                    *self.off.entry(day).or_default() -= usual;
                }
            }
        }
    }
}

/// The places of the payments of streams that are recorded for later days: each transaction is one
/// of them at most, the nearest by days, then by amount, as if the stream were a schedule. What
/// pays a schedule is none.
fn recorded(
    scope: &Scope<'_>,
    expected: &[(&Stream, NaiveDate)],
    paid: &Occurrences,
) -> BTreeSet<usize> {
    let mut later = BTreeMap::new();
    if !scope.blind {
        let paid = paid.values().flatten().filter_map(|it| it.transaction_id);
        let paid: BTreeSet<TransactionId> = paid.collect();
        for line in scope.view.lines_in(after(scope.as_of), NaiveDate::MAX) {
            let id = line.transaction_id;
            let free = !line.transfer && line.links.schedule_id.is_none() && !paid.contains(&id);
            let Some(payee) = line.payee.filter(|_| free) else { continue };
            let fresh = (line.date, line.account_id, party(payee), line.outgoing, 0);
            later.entry(id).or_insert(fresh).4 += i128::from(line.amount_minor);
        }
    }
    let mut possible = Vec::new();
    for (place, (stream, due)) in expected.iter().enumerate().filter(|_| !later.is_empty()) {
        let (name, usual) = (party(&stream.payee), i128::from(stream.amount.minor()));
        let tolerance = stream.schedule(true).tolerance_days.unwrap_or(0);
        for (id, (date, account_id, payee, outgoing, minor)) in &later {
            let days = (*date - *due).num_days().abs();
            let is_of = *account_id == stream.account_id && *payee == name;
            if is_of && *outgoing == (usual < 0) && days <= tolerance.into() {
                possible.push(((days, (minor - usual).abs()), place, id));
            }
        }
    }
    possible.sort_unstable();
    let (mut used, mut places) = (BTreeSet::new(), BTreeSet::new());
    for (_, place, id) in possible {
        if !places.contains(&place) && used.insert(id) {
            places.insert(place);
        }
    }
    places
}

/// Whether a schedule moves money between the accounts: its newest payment is a transfer whose
/// other side lies in one of them.
fn is_internal(scope: &Scope<'_>, all: &[Occurrence]) -> bool {
    let paid = |it: &Occurrence| Some((it.paid_on?, it.transaction_id?, it.paid?));
    let Some((date, id, amount)) = all.iter().rev().find_map(paid) else { return false };
    let from = date.checked_sub_days(Days::new(TRANSFER_DAYS)).unwrap_or(date);
    let to = date.checked_add_days(Days::new(TRANSFER_DAYS + 1)).unwrap_or(date);
    let lines = || scope.view.lines_in(from, to).filter(|line| line.transfer);
    let other =
        |minor: i64| Money::from_minor(minor, amount.currency()).checked_neg() == Ok(amount);
    lines().any(|line| line.transaction_id == id)
        && lines().any(|line| scope.accounts.contains(&line.account_id) && other(line.amount_minor))
}
