//! What recurs: streams of payments to or from one party, found in the view.
//!
//! Rent and salary, subscriptions and bills have a cadence: they fall on a grid of days (`grid`),
//! with an amount that stays, changes now and then, or wavers. A stream is told only where that is
//! improbable by chance, and where it is most of what the party was paid of that kind: who buys
//! coffee every day has no coffee subscription for Mondays.

mod find;
mod grid;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

pub(crate) use find::party;
pub use find::streams;

use crate::calendar::{CalendarUnit, Recurrence, RecurrenceDay, WeekendPolicy};
use crate::id::{AccountId, CategoryId, ScheduleId, TransactionId};
use crate::model::{NewSchedule, Schedule};
use crate::money::Money;

/// How often something recurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Cadence {
    /// Every seven days.
    Weekly,
    /// Every fourteen days.
    Fortnightly,
    /// Every 28 days.
    FourWeekly,
    /// Every month.
    Monthly,
    /// Every two months.
    TwoMonthly,
    /// Every three months.
    Quarterly,
    /// Every six months.
    HalfYearly,
    /// Every year.
    Yearly,
}

impl Cadence {
    /// Every cadence, the shortest first.
    pub const ALL: [Self; 8] = [
        Self::Weekly,
        Self::Fortnightly,
        Self::FourWeekly,
        Self::Monthly,
        Self::TwoMonthly,
        Self::Quarterly,
        Self::HalfYearly,
        Self::Yearly,
    ];
}

/// What kind of stream it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum StreamKind {
    /// Money comes in.
    Income,
    /// Money goes out, mostly the same amount.
    Subscription,
    /// Money goes out, in amounts that differ.
    Bill,
}

/// How far a stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum StreamState {
    /// It goes on: its next payment is not due yet, or only just.
    Active,
    /// The payment that was due has not come.
    Missed,
    /// Two payments or more have not come.
    Ended,
}

/// A change of a stream's usual amount.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AmountChange {
    /// The day of the first payment of the new amount.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// The amount before.
    pub from: Money,
    /// The amount since.
    pub to: Money,
}
crate::model::debug_only!(AmountChange: date);

/// Payments of one party that recur in one account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Stream {
    /// The other party, as the newest payment names it.
    pub payee: String,
    /// The account.
    pub account_id: AccountId,
    /// The category of the newest payment.
    pub category_id: Option<CategoryId>,
    /// How often it recurs.
    pub cadence: Cadence,
    /// What kind of stream it is.
    pub kind: StreamKind,
    /// How far it has come.
    pub state: StreamState,
    /// The amount to be expected next, signed: the newest where the amount stays, else the median
    /// of the newest six.
    pub amount: Money,
    /// The payments from which that is told, by date: the newest, or the newest six.
    pub amount_ids: Vec<TransactionId>,
    /// The smallest amount by size, signed.
    pub smallest: Money,
    /// The largest amount by size, signed.
    pub largest: Money,
    /// Where its amount stayed and then was another for good.
    pub changes: Vec<AmountChange>,
    /// Its first payment.
    #[serde(deserialize_with = "crate::period::date")]
    pub first: NaiveDate,
    /// Its newest payment.
    #[serde(deserialize_with = "crate::period::date")]
    pub last: NaiveDate,
    /// The day on which its next payment is expected; absent where it has ended.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub next: Option<NaiveDate>,
    /// The days between first and last on which a payment was due that did not come.
    pub missed: Vec<NaiveDate>,
    /// The days on which it falls due from its newest payment on.
    pub recurrence: Recurrence,
    /// The schedule that stands for it.
    pub schedule_id: Option<ScheduleId>,
    /// How many days payments lie from the days on which they are due, at most.
    pub tolerance_days: u32,
    /// The payments, by date.
    pub transaction_ids: Vec<TransactionId>,
}
crate::model::debug_only!(Stream: account_id, category_id, cadence, kind, state, first, last, next);

impl Stream {
    /// The schedule that expects what the stream brought so far.
    pub(crate) fn schedule(&self, active: bool) -> NewSchedule {
        let tolerance_percent = match self.kind {
            StreamKind::Subscription => 10,
            StreamKind::Income | StreamKind::Bill => 50,
        };
        NewSchedule {
            id: None,
            name: self.payee.clone(),
            account_id: self.account_id,
            payee: Some(self.payee.clone()),
            category_id: self.category_id,
            amount: self.amount.amount(),
            tolerance_percent: Some(tolerance_percent),
            recurrence: self.recurrence.clone(),
            tolerance_days: u32::try_from(self.cadence.tolerance()).ok(),
            active: Some(active),
        }
    }
}

impl Cadence {
    /// The days from one on at which it falls, where the days of a month are those of `anchor`.
    fn recurrence(self, start: NaiveDate, anchor: NaiveDate) -> Recurrence {
        let (unit, every) = match self {
            Self::Weekly => (CalendarUnit::Weeks, 1),
            Self::Fortnightly => (CalendarUnit::Weeks, 2),
            Self::FourWeekly => (CalendarUnit::Weeks, 4),
            Self::Monthly => (CalendarUnit::Months, 1),
            Self::TwoMonthly => (CalendarUnit::Months, 2),
            Self::Quarterly => (CalendarUnit::Months, 3),
            Self::HalfYearly => (CalendarUnit::Months, 6),
            Self::Yearly => (CalendarUnit::Years, 1),
        };
        let on = match unit {
            CalendarUnit::Months | CalendarUnit::Years => {
                vec![RecurrenceDay::MonthDay { day: anchor.day() }]
            }
            CalendarUnit::Days | CalendarUnit::Weeks => Vec::new(),
        };
        Recurrence {
            start,
            unit,
            every,
            on,
            weekend: WeekendPolicy::Stay,
            count: None,
            until: None,
            skip: Vec::new(),
        }
    }
}

/// Whether a schedule stands for a stream: the same account, party and direction, and an amount
/// that is not far off, so that two contracts with one party are two streams.
pub(crate) fn covers(schedule: &Schedule, stream: &Stream) -> bool {
    let (expected, found) = (schedule.amount.minor(), stream.amount.minor());
    schedule.account_id == stream.account_id
        && schedule.payee.as_deref().map(party) == Some(party(&stream.payee))
        && (expected < 0) == (found < 0)
        && find::is_near(expected, found)
}
