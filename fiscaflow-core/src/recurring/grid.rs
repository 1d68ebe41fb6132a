//! How well days fit a cadence: a grid of days is laid where it meets most of them.
//!
//! All of it is integers. That days fall on a grid by chance is estimated from how near to it they
//! lie, so that three payments on the same day of the month count for as much as more of them that
//! waver.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{Datelike, Months, NaiveDate};

use super::Cadence;

/// What chances are counted in: a million millions are certainty.
const CERTAIN: u64 = 1_000_000_000_000;
/// How improbable it has to be that payments of one amount fall on a grid by chance: one percent.
pub(super) const ALIKE: u64 = CERTAIN / 100;
/// The same of payments whose amounts differ: one in ten thousand.
pub(super) const VARYING: u64 = CERTAIN / 10_000;

/// A grid and what lies on it.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub(super) cadence: Cadence,
    /// The day from which the grid is counted: turn 0.
    pub(super) anchor: NaiveDate,
    /// Turn and place among the days, one for each turn that is met, ascending.
    pub(super) met: Vec<(i64, usize)>,
    /// How far the days lie from the grid, at most.
    pub(super) spread: i64,
    /// The probability of this by chance, see [`CERTAIN`].
    pub(super) chance: u64,
}

impl Fit {
    /// How many turns there are from the first to the last that is met.
    pub(super) fn turns(&self) -> usize {
        let ends = self.met.first().zip(self.met.last());
        let turns = ends.map_or(0, |((first, _), (last, _))| last.saturating_sub(*first) + 1);
        usize::try_from(turns).unwrap_or(usize::MAX)
    }

    /// Whether at least three quarters of the turns are met.
    pub(super) fn is_dense(&self) -> bool {
        self.met.len().saturating_mul(4) >= self.turns().saturating_mul(3)
    }
}

impl Cadence {
    /// Months between two turns, or else days.
    const fn step(self) -> (u32, i64) {
        match self {
            Self::Weekly => (0, 7),
            Self::Fortnightly => (0, 14),
            Self::FourWeekly => (0, 28),
            Self::Monthly => (1, 30),
            Self::TwoMonthly => (2, 61),
            Self::Quarterly => (3, 91),
            Self::HalfYearly => (6, 182),
            Self::Yearly => (12, 365),
        }
    }

    /// About how many days lie between two turns.
    pub(super) const fn days(self) -> i64 {
        self.step().1
    }

    /// How many days a payment may lie from its turn: weekends, holidays and banks move it.
    pub(super) const fn tolerance(self) -> i64 {
        match self {
            Self::Weekly => 2,
            Self::Fortnightly | Self::FourWeekly => 3,
            Self::Monthly => 5,
            Self::TwoMonthly => 6,
            Self::Quarterly => 7,
            Self::HalfYearly => 10,
            Self::Yearly => 12,
        }
    }

    /// The day of a turn; a month that has no such day gives its last.
    pub(super) fn day(self, anchor: NaiveDate, turn: i64) -> Option<NaiveDate> {
        let (months, days) = self.step();
        if months == 0 {
            return anchor
                .checked_add_signed(chrono::TimeDelta::try_days(days.checked_mul(turn)?)?);
        }
        let months = u32::try_from(turn.unsigned_abs()).ok()?.checked_mul(months)?;
        match turn {
            0.. => anchor.checked_add_months(Months::new(months)),
            _ => anchor.checked_sub_months(Months::new(months)),
        }
    }

    /// Where a day lies in a turn.
    fn place(self, day: NaiveDate) -> (i64, u32) {
        let (months, days) = self.step();
        match i64::from(months) {
            0 => (i64::from(day.num_days_from_ce()).rem_euclid(days), 0),
            months => ((i64::from(day.year()) * 12 + i64::from(day.month0())) % months, day.day()),
        }
    }

    /// The turn nearest to a day, and how many days the day lies behind it.
    pub(super) fn nearest(self, anchor: NaiveDate, day: NaiveDate) -> Option<(i64, i64)> {
        let (months, days) = self.step();
        let about = if months == 0 {
            (day - anchor).num_days().checked_div_euclid(days)?
        } else {
            let count = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
            (count(day) - count(anchor)).checked_div_euclid(months.into())?
        };
        let off = |turn: i64| Some((turn, (day - self.day(anchor, turn)?).num_days()));
        (about - 1..=about + 1).filter_map(off).min_by_key(|(turn, off)| (off.abs(), *turn))
    }
}

/// The grid of a cadence that meets most of these days, which ascend.
pub(super) fn best(cadence: Cadence, days: &[NaiveDate]) -> Option<Fit> {
    // Days on the same place of a turn lay the same grid.
    let mut places = BTreeSet::new();
    let anchors = days.iter().filter(|day| places.insert(cadence.place(**day)));
    let fits = anchors.take(MAX_ANCHORS).filter_map(|anchor| fit(cadence, *anchor, days));
    fits.max_by_key(|fit| (fit.met.len(), Reverse(fit.chance), Reverse(fit.anchor)))
}

/// The most places at which a grid is tried.
const MAX_ANCHORS: usize = 64;

fn fit(cadence: Cadence, anchor: NaiveDate, days: &[NaiveDate]) -> Option<Fit> {
    let mut met: Vec<(i64, i64, usize)> = Vec::new();
    for (place, day) in days.iter().enumerate() {
        let (turn, off) = cadence.nearest(anchor, *day)?;
        if off.abs() > cadence.tolerance() {
            continue;
        }
        match met.last_mut() {
            Some(last) if last.0 == turn => {
                if off.abs() < last.1.abs() {
                    *last = (turn, off, place);
                }
            }
            _ => met.push((turn, off, place)),
        }
    }
    let spread = met.iter().map(|(_, off, _)| off.abs()).max().unwrap_or(0);
    // The first day is where the grid was laid; each other could have been anywhere between.
    let near = u64::try_from(spread.saturating_mul(2).saturating_add(1)).unwrap_or(u64::MAX);
    let between = u64::try_from(cadence.days()).unwrap_or(u64::MAX);
    let chance = met.iter().skip(1).try_fold(CERTAIN, |chance, _| {
        chance.checked_mul(near.min(between))?.checked_div(between)
    })?;
    let met = met.into_iter().map(|(turn, _, place)| (turn, place)).collect();
    Some(Fit { cadence, anchor, met, spread, chance })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn turns_are_counted_from_the_anchor() {
        // Holds: month ends are clamped and not carried on, and a day is told from its turn.
        let anchor = day("2024-01-31");
        let turns: Vec<_> = (0..4).filter_map(|turn| Cadence::Monthly.day(anchor, turn)).collect();
        assert_eq!(turns, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"].map(day));
        assert_eq!(Cadence::Monthly.nearest(anchor, day("2024-03-02")), Some((1, 2)));
        assert_eq!(Cadence::Monthly.nearest(anchor, day("2023-12-29")), Some((-1, -2)));
        assert_eq!(Cadence::Weekly.nearest(anchor, day("2024-02-13")), Some((2, -1)));
        assert_eq!(Cadence::Yearly.nearest(anchor, day("2026-02-01")), Some((2, 1)));
    }

    #[test]
    fn a_grid_is_laid_where_most_days_lie() {
        // Holds: a stray day does not move the grid, and a turn is met once.
        let days =
            ["2024-01-05", "2024-01-19", "2024-02-05", "2024-03-04", "2024-03-06", "2024-04-05"];
        let fit = best(Cadence::Monthly, &days.map(day)).unwrap();
        let places: Vec<usize> = fit.met.iter().map(|(_, place)| *place).collect();
        assert_eq!((places, fit.turns(), fit.spread), (vec![0, 2, 3, 5], 4, 1));
        assert!(fit.is_dense());
    }
}
