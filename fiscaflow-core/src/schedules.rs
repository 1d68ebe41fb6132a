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
use crate::model::Schedule;
use crate::money::Money;
use crate::plan::Plan;
use crate::recurring::party;
use crate::view::View;

/// The most occurrences in one answer.
const MAX_OCCURRENCES: usize = 10_000;

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
/// too: a standing order into one's savings is a schedule.
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
    let mut all = Vec::new();
    // Who is expected near the borders competes for the transactions there.
    for schedule in plan.schedules.values().filter(|schedule| schedule.active) {
        let beyond = u64::from(schedule.tolerance_days).saturating_mul(2);
        let first = query.from.checked_sub_days(Days::new(beyond)).unwrap_or(query.from);
        let end = query.to.checked_add_days(Days::new(beyond.saturating_add(1)));
        let end = end.unwrap_or(query.to);
        for date in schedule.recurrence.dates_in(DateRange::new(first, end)) {
            all.push((schedule, date));
            if all.len() > MAX_OCCURRENCES {
                let text = format!("an answer has at most {MAX_OCCURRENCES} occurrences");
                return Err(Error::new(ErrorCode::LimitExceeded, text).field("from"));
            }
        }
    }
    let paid = pairs(view, &all);
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
        let money = |minor| Money::from_minor(minor, schedule.amount.currency());
        told.push(Occurrence {
            schedule_id: schedule.id,
            date: *date,
            amount: schedule.amount,
            state,
            transaction_id: payment.map(|it| it.id),
            paid: payment.map(|it| money(it.minor)),
            paid_on: payment.map(|it| it.date),
        });
    }
    told.sort_by_key(|it| (it.date, it.schedule_id));
    Ok(told)
}

/// A transaction as a whole.
#[derive(Debug, Clone, Copy)]
struct Payment {
    id: TransactionId,
    date: NaiveDate,
    minor: i64,
}

/// What pays each occurrence, by its place.
fn pairs(view: &View, all: &[(&Schedule, NaiveDate)]) -> BTreeMap<usize, Payment> {
    let mut possible = Vec::new();
    let mut parties: BTreeMap<&str, String> = BTreeMap::new();
    for (place, (schedule, date)) in all.iter().enumerate() {
        let wanted = schedule.payee.as_deref().map(party);
        for payment in near(view, schedule, *date) {
            let (payment, payee) = payment;
            let is_of = |payee| parties.entry(payee).or_insert_with(|| party(payee)).clone();
            if wanted.is_some() && wanted != payee.map(is_of) {
                continue;
            }
            let expected = i128::from(schedule.amount.minor());
            let off = (i128::from(payment.minor) - expected).abs();
            let allowed = expected.abs() * i128::from(schedule.tolerance_percent);
            let same_way = (payment.minor < 0) == (expected < 0);
            if same_way && off * 100 <= allowed {
                let days = (payment.date - *date).num_days().abs();
                possible.push(((days, off, schedule.id, *date, payment.id), place, payment));
            }
        }
    }
    possible.sort_unstable_by_key(|(order, ..)| *order);
    let (mut used, mut paid) = (BTreeSet::new(), BTreeMap::new());
    for (_, place, payment) in possible {
        if !paid.contains_key(&place) && used.insert(payment.id) {
            paid.insert(place, payment);
        }
    }
    paid
}

/// The transactions of a schedule's account that were booked about a day.
fn near<'a>(
    view: &'a View,
    schedule: &Schedule,
    date: NaiveDate,
) -> Vec<(Payment, Option<&'a str>)> {
    let days = u64::from(schedule.tolerance_days);
    let first = date.checked_sub_days(Days::new(days)).unwrap_or(date);
    let end = date.checked_add_days(Days::new(days.saturating_add(1))).unwrap_or(date);
    let mut found: Vec<(Payment, Option<&str>)> = Vec::new();
    for line in view.lines_in(first, end).filter(|line| line.account_id == schedule.account_id) {
        let (id, date, minor) = (line.transaction_id, line.date, line.amount_minor);
        match found.last_mut() {
            Some((last, _)) if last.id == id => last.minor = last.minor.saturating_add(minor),
            _ => found.push((Payment { id, date, minor }, line.payee)),
        }
    }
    found
}
