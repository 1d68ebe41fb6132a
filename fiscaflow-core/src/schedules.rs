//! Which transactions pay what was expected, and what is still to come.
//!
//! Nothing of it is kept: when a schedule falls due follows from its recurrence, and what pays it
//! from the view.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::calendar::DateRange;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ScheduleId, TransactionId};
use crate::limits::MAX_OCCURRENCES;
use crate::model::Schedule;
use crate::money::{Currency, Money};
use crate::plan::Plan;
use crate::recurring::party;
use crate::view::{Line, View};

/// Which expected payments to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OccurrenceQuery {
    /// The first day on which one is due.
    #[serde(deserialize_with = "crate::period::date")]
    pub from: NaiveDate,
    /// The last day.
    #[serde(deserialize_with = "crate::period::date")]
    pub to: NaiveDate,
    /// One schedule; all that are active where absent.
    pub schedule_id: Option<ScheduleId>,
}

/// Whether an expected payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum OccurrenceState {
    /// A transaction pays it.
    Paid,
    /// It has not come yet, and may still come in time.
    Due,
    /// It has not come in time.
    Late,
}

/// An expected payment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Occurrence {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// The day on which it is due.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// The signed amount that is expected.
    pub amount: Money,
    /// Whether it has come.
    pub state: OccurrenceState,
    /// The transaction that pays it.
    pub transaction_id: Option<TransactionId>,
    /// What was paid, signed.
    pub paid: Option<Money>,
    /// The day on which it was booked.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub paid_on: Option<NaiveDate>,
}
crate::model::debug_only!(Occurrence: schedule_id, date, state, transaction_id, paid_on);

/// The payments that are expected in a range of days, by day and schedule, each with the
/// transaction that pays it.
///
/// A transaction pays one occurrence at most: the nearest by days, then by amount, of a schedule
/// with its account, party, direction and, within the tolerances, day and amount. Transfers pay
/// too: a standing order into one's savings is a schedule. A transaction that is linked to a
/// schedule pays the nearest of its occurrences, however far off it is, and none of another.
pub fn occurrences(
    plan: &Plan,
    view: &View,
    query: &OccurrenceQuery,
    today: NaiveDate,
) -> Result<Vec<Occurrence>> {
    if query.from > query.to {
        return Err(Error::invalid("from", "`from` is after `to`"));
    }
    if let Some(id) = query.schedule_id
        && !plan.schedules.contains_key(&id)
    {
        return Err(Error::not_found("schedule", id));
    }
    let all: Vec<_> = dates(plan, query).take(MAX_OCCURRENCES + 1).collect();
    if all.len() > MAX_OCCURRENCES {
        let text = format!("an answer has at most {MAX_OCCURRENCES} occurrences");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("from"));
    }
    Ok(states(plan, view, query, today, &all))
}

/// The same, however many, of all schedules: for what looks at so many days as it says itself.
pub(crate) fn all_occurrences(
    plan: &Plan,
    view: &View,
    (from, to): (NaiveDate, NaiveDate),
    today: NaiveDate,
) -> Vec<Occurrence> {
    let query = OccurrenceQuery { from, to, schedule_id: None };
    let all: Vec<_> = dates(plan, &query).collect();
    states(plan, view, &query, today, &all)
}

/// When schedules fall due in a range of days, and near its borders: who is expected there
/// competes for the transactions.
fn dates<'a>(
    plan: &'a Plan,
    query: &OccurrenceQuery,
) -> impl Iterator<Item = (&'a Schedule, NaiveDate)> + use<'a> {
    let (from, to) = (query.from, query.to);
    let active = plan.schedules.values().filter(|schedule| schedule.active);
    active.flat_map(move |schedule| {
        let beyond = u64::from(schedule.tolerance_days).saturating_mul(2);
        let first = from.checked_sub_days(Days::new(beyond)).unwrap_or(from);
        let end = to.checked_add_days(Days::new(beyond.saturating_add(1))).unwrap_or(to);
        let dates = schedule.recurrence.dates_in(DateRange::new(first, end));
        dates.map(move |date| (schedule, date))
    })
}

/// What of it is asked for, each with the transaction that pays it.
fn states(
    plan: &Plan,
    view: &View,
    query: &OccurrenceQuery,
    today: NaiveDate,
    all: &[(&Schedule, NaiveDate)],
) -> Vec<Occurrence> {
    let paid = pairs(plan, view, all);
    let asked = |schedule: &Schedule, date: NaiveDate| {
        (query.from..=query.to).contains(&date)
            && query.schedule_id.is_none_or(|id| id == schedule.id)
    };
    let mut told: Vec<Occurrence> = Vec::new();
    for (place, (schedule, date)) in all.iter().enumerate() {
        if !asked(schedule, *date) {
            continue;
        }
        let payment = paid.get(&place);
        let in_time = (today - *date).num_days() <= schedule.tolerance_days.into();
        let state = match (payment, in_time) {
            (Some(_), _) => OccurrenceState::Paid,
            (None, true) => OccurrenceState::Due,
            (None, false) => OccurrenceState::Late,
        };
        told.push(Occurrence {
            schedule_id: schedule.id,
            date: *date,
            amount: schedule.amount,
            state,
            transaction_id: payment.map(|it| it.id),
            paid: payment.map(|it| Money::from_minor(it.minor, it.currency)),
            paid_on: payment.map(|it| it.date),
        });
    }
    told.sort_by_key(|it| (it.date, it.schedule_id));
    told
}

/// A transaction as a whole.
#[derive(Debug, Clone, Copy)]
struct Payment {
    id: TransactionId,
    date: NaiveDate,
    minor: i64,
    currency: Currency,
}

impl Payment {
    /// How far it is off what is expected: days, then amount.
    fn off(&self, schedule: &Schedule, date: NaiveDate) -> (i64, i128) {
        let expected = i128::from(schedule.amount.minor());
        ((self.date - date).num_days().abs(), (i128::from(self.minor) - expected).abs())
    }
}

/// What pays each occurrence, by its place.
fn pairs(plan: &Plan, view: &View, all: &[(&Schedule, NaiveDate)]) -> BTreeMap<usize, Payment> {
    let linked = linked(plan, view);
    let (mut possible, mut paid) = (Vec::new(), BTreeMap::new());
    let mut parties: BTreeMap<&str, String> = BTreeMap::new();
    for (place, (schedule, date)) in all.iter().enumerate() {
        if let Some(payment) = linked.get(&(schedule.id, *date)) {
            paid.insert(place, *payment);
            continue;
        }
        let wanted = schedule.payee.as_deref().map(party);
        for (payment, payee) in near(view, schedule, *date) {
            let is_of = |payee| parties.entry(payee).or_insert_with(|| party(payee)).clone();
            if wanted.is_some() && wanted != payee.map(is_of) {
                continue;
            }
            let expected = i128::from(schedule.amount.minor());
            let (days, off) = payment.off(schedule, *date);
            let allowed = expected.abs() * i128::from(schedule.tolerance_percent);
            let same_way = (payment.minor < 0) == (expected < 0);
            if same_way && off * 100 <= allowed {
                possible.push(((days, off, schedule.id, *date, payment.id), place, payment));
            }
        }
    }
    possible.sort_unstable_by_key(|(order, ..)| *order);
    let mut used = BTreeSet::new();
    for (_, place, payment) in possible {
        if !paid.contains_key(&place) && used.insert(payment.id) {
            paid.insert(place, payment);
        }
    }
    paid
}

/// What transactions that are linked to schedules pay: each the nearest occurrence that no nearer
/// one pays, the last before it or the first after it. Account, party, direction and tolerances
/// do not matter, for somebody said what it is.
fn linked(plan: &Plan, view: &View) -> BTreeMap<(ScheduleId, NaiveDate), Payment> {
    let mut payments: BTreeMap<(ScheduleId, TransactionId), Payment> = BTreeMap::new();
    for line in view.linked_lines() {
        let (Some(schedule_id), Some(account)) =
            (line.links.schedule_id, plan.accounts.get(&line.account_id))
        else {
            continue;
        };
        let (id, date, currency) = (line.transaction_id, line.date, account.currency);
        let fresh = Payment { id, date, minor: 0, currency };
        let payment = payments.entry((schedule_id, id)).or_insert(fresh);
        payment.minor = payment.minor.saturating_add(line.amount_minor);
    }
    let mut possible = Vec::new();
    for schedule in plan.schedules.values().filter(|schedule| schedule.active) {
        let ids = (schedule.id, FIRST_ID)..=(schedule.id, LAST_ID);
        let mut of: Vec<&Payment> = payments.range(ids).map(|(_, payment)| payment).collect();
        of.sort_unstable_by_key(|payment| (payment.date, payment.id));
        let mut dates = schedule.recurrence.dates().peekable();
        let mut last = None;
        for payment in of {
            while let Some(date) = dates.next_if(|date| *date <= payment.date) {
                last = Some(date);
            }
            for date in last.into_iter().chain(dates.peek().copied()) {
                let (days, off) = payment.off(schedule, date);
                possible.push(((days, off, date, payment.id), schedule.id, *payment));
            }
        }
    }
    possible.sort_unstable_by_key(|(order, schedule_id, _)| (*order, *schedule_id));
    let (mut used, mut paid) = (BTreeSet::new(), BTreeMap::new());
    for ((_, _, date, id), schedule_id, payment) in possible {
        if !paid.contains_key(&(schedule_id, date)) && used.insert(id) {
            paid.insert((schedule_id, date), payment);
        }
    }
    paid
}

const FIRST_ID: TransactionId = TransactionId::new(uuid::Uuid::nil());
const LAST_ID: TransactionId = TransactionId::new(uuid::Uuid::max());

/// The transactions of a schedule's account that were booked about a day and are linked to none.
fn near<'a>(
    view: &'a View,
    schedule: &Schedule,
    date: NaiveDate,
) -> Vec<(Payment, Option<&'a str>)> {
    let days = u64::from(schedule.tolerance_days);
    let first = date.checked_sub_days(Days::new(days)).unwrap_or(date);
    let end = date.checked_add_days(Days::new(days.saturating_add(1))).unwrap_or(date);
    let mut found: Vec<(Payment, Option<&str>)> = Vec::new();
    let free = |line: &Line<'_>| {
        line.account_id == schedule.account_id && line.links.schedule_id.is_none()
    };
    for line in view.lines_in(first, end).filter(free) {
        let (id, date, minor) = (line.transaction_id, line.date, line.amount_minor);
        match found.last_mut() {
            Some((last, _)) if last.id == id => last.minor = last.minor.saturating_add(minor),
            _ => {
                let currency = schedule.amount.currency();
                found.push((Payment { id, date, minor, currency }, line.payee));
            }
        }
    }
    found
}
