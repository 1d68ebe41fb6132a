//! What automations by date ask for: amounts that have to be there in a month to come, and what of
//! them is laid by already.

use chrono::NaiveDate;

use super::automations::{Facts, Filling, share_of};
use super::envelopes::standing;
use crate::calendar::{DateRange, after};
use crate::error::Result;
use crate::id::ScheduleId;
use crate::model::{AutomationRule, Envelope};
use crate::money::{Amount, div_half_even};
use crate::period::Month;

/// An amount that has to be there in a month.
pub(super) struct Due {
    pub(super) minor: i128,
    /// How many months are left to that month; none where it is the present one.
    pub(super) left: i128,
    /// After how many months it is needed again.
    repeat: Option<i128>,
}

/// Whether an automation asks for what has to be there by a month, with others of its kind.
pub(super) fn is_by_date(rule: &AutomationRule) -> bool {
    matches!(rule, AutomationRule::ByDate { .. } | AutomationRule::Schedule { full: false, .. })
}

/// The first of an envelope's automations by date, by its turn: what all of them ask for together.
pub(super) fn first(envelope: &Envelope) -> Option<usize> {
    let automations = envelope.automations.iter().enumerate();
    let by_date = automations.filter(|(_, it)| is_by_date(&it.rule));
    by_date.min_by_key(|(_, it)| it.priority).map(|(at, _)| at)
}

impl Facts<'_> {
    /// What has to be laid by this month so that all amounts are there in time: what is needed by
    /// the earliest date, in equal parts. Of an amount that is needed later, that much is needed by
    /// then as equal parts since now, or since it was needed last, would make.
    pub(super) fn by_dates(&self, filling: &Filling<'_>) -> Result<i128> {
        let (mut wanted, mut spent_for) = (Vec::new(), 0);
        for automation in &filling.envelope.automations {
            match &automation.rule {
                AutomationRule::ByDate { amount, month, repeat_months, spend_from } => {
                    let repeat = repeat_months.map(i64::from).filter(|repeat| *repeat > 0);
                    let left = match (self.month.until(*month), repeat) {
                        (left, Some(repeat)) if left < 0 => left.rem_euclid(repeat),
                        (left, _) => left,
                    };
                    if left < 0 {
                        continue;
                    }
                    let spent = spend_from.map_or(0, |from| from.until(*month) - left);
                    spent_for = spent_for.max(spent);
                    let repeat = repeat.map(i128::from);
                    wanted.push(Due { minor: self.minor(*amount)?, left: left.into(), repeat });
                }
                AutomationRule::Schedule {
                    schedule_id,
                    full: false,
                    increase_percent,
                    increase_amount,
                } => {
                    let increase = (*increase_percent, *increase_amount);
                    wanted.extend(self.falls_due(*schedule_id, increase)?);
                }
                _ => {}
            }
        }
        let Some(first) = wanted.iter().map(|it| it.left).min() else { return Ok(0) };
        let needed = wanted.iter().map(|Due { minor, left, repeat }| match repeat {
            _ if *left == first => *minor,
            Some(repeat) => div_half_even(minor * (repeat - left + first).max(0), (*repeat).max(1)),
            None => div_half_even(minor * (first + 1), left + 1),
        });
        let needed: i128 = needed.sum();
        Ok(div_half_even(needed - self.laid_by(filling, spent_for), first + 1))
    }

    /// What is laid by in an envelope from which some was spent for so many months already: what
    /// lay in it before them, and what they assigned.
    fn laid_by(&self, filling: &Filling<'_>, spent_for: i64) -> i128 {
        let Some(ago) = u32::try_from(spent_for).ok().filter(|ago| *ago > 0) else {
            return filling.carried;
        };
        let before = standing(self.plan, &self.flows, self.month.back(ago)).carried;
        let before = before.get(&filling.id).copied().unwrap_or(0);
        let since = (1..=ago).map(|ago| self.assigned(self.month.back(ago), filling.id));
        before + since.sum::<i128>()
    }

    /// What a schedule expects in the first month from the present one on in which it falls due;
    /// nothing where it expects nothing, or money that comes in.
    pub(super) fn falls_due(
        &self,
        id: ScheduleId,
        increase: (Option<Amount>, Option<Amount>),
    ) -> Result<Option<Due>> {
        let schedule = self.plan.schedules.get(&id).filter(|it| it.active);
        let currency = self.plan.book.currency;
        let schedule = schedule.filter(|it| it.amount.currency() == currency);
        let Some(schedule) = schedule.filter(|it| it.amount.minor() < 0) else { return Ok(None) };
        let from = |day: NaiveDate| DateRange::new(day, NaiveDate::MAX);
        let days = &schedule.recurrence;
        let Some(day) = days.dates_in(from(self.month.first_day())).next() else {
            return Ok(None);
        };
        let month = Month::of(day);
        let times = days.dates_in(DateRange::of(month)).count();
        let next = days.dates_in(from(after(month.last_day()))).next();
        let each = self.increased(-i128::from(schedule.amount.minor()), increase)?;
        Ok(Some(Due {
            minor: each.saturating_mul(i128::try_from(times).unwrap_or(0)),
            left: self.month.until(month).into(),
            repeat: next.map(|next| month.until(Month::of(next)).into()),
        }))
    }

    /// An amount with what it is increased by; never below zero.
    pub(super) fn increased(
        &self,
        minor: i128,
        (percent, amount): (Option<Amount>, Option<Amount>),
    ) -> Result<i128> {
        let share = percent.map_or(0, |percent| share_of(minor, percent));
        let more = amount.map_or(Ok(0), |amount| self.minor(amount))?;
        Ok((minor + share + more).max(0))
    }
}
