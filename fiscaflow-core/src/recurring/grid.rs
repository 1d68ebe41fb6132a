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
    fn place(self, day: GridDay) -> (i64, i64) {
        let (months, days) = self.step();
        match i64::from(months) {
            0 => (day.number.rem_euclid(days), 0),
            months => (day.month.rem_euclid(months), day.of_month),
        }
    }

    /// The turn nearest to a day, and how many days the day lies behind it.
    pub(super) fn nearest(self, anchor: GridDay, day: GridDay) -> (i64, i64) {
        let (months, days) = self.step();
        if months == 0 {
            let behind = day.number - anchor.number;
            // Of two that are as near, the earlier one.
            let turn = (behind + (days - 1) / 2).div_euclid(days);
            return (turn, behind - turn * days);
        }
        let months = i64::from(months);
        let about = (day.month - anchor.month).div_euclid(months);
        let off = |turn: i64| (turn, day.number - anchor.months_later(turn * months));
        let of_month = off(about);
        // The nearest one lies in the month itself, or on the side to which the day is off.
        let other = off(if of_month.1 < 0 { about - 1 } else { about + 1 });
        let nearer = |(turn, off): (i64, i64)| (off.abs(), turn);
        if nearer(other) < nearer(of_month) { other } else { of_month }
    }
}

/// A day as grids count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GridDay {
    /// Days of the common era.
    number: i64,
    /// Months since the year 0.
    month: i64,
    /// From 1.
    of_month: i64,
}

impl GridDay {
    pub(super) fn of(date: NaiveDate) -> Self {
        Self {
            number: date.num_days_from_ce().into(),
            month: i64::from(date.year()) * 12 + i64::from(date.month0()),
            of_month: date.day().into(),
        }
    }

    /// The number of the day so many months later; a month that has no such day gives its last.
    fn months_later(self, months: i64) -> i64 {
        let first = first_of_month(self.month + months);
        let length = first_of_month(self.month + months + 1) - first;
        first + self.of_month.min(length) - 1
    }
}

/// The number of a month's first day: a year is counted from March, so that a leap day ends it, and
/// five months of it have 153 days.
fn first_of_month(month: i64) -> i64 {
    let since_march = month - 2;
    let (year, month) = (since_march.div_euclid(12), since_march.rem_euclid(12));
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (153 * month + 2) / 5 - 305
}

/// The grid of a cadence that meets most of these days, which ascend; `None` where none meets so
/// many as at least are needed.
pub(super) fn best(cadence: Cadence, days: &[NaiveDate], least: usize) -> Option<Fit> {
    let known: Vec<GridDay> = days.iter().map(|day| GridDay::of(*day)).collect();
    if !lie_close(cadence, &known, least) || !lie_alike(cadence, &known, least) {
        return None;
    }
    // Days on the same place of a turn lay the same grid.
    let mut places = BTreeSet::new();
    let anchors = days.iter().zip(&known).filter(|(_, day)| places.insert(cadence.place(**day)));
    let mut least = least;
    let fits = anchors.take(MAX_ANCHORS).filter_map(|(date, anchor)| {
        let count = turns_met(cadence, *anchor, &known);
        if count < least {
            return None;
        }
        least = count;
        fit(cadence, (*date, *anchor), &known)
    });
    fits.max_by_key(|fit| (fit.met.len(), Reverse(fit.chance), Reverse(fit.anchor)))
}

/// Whether so many of the days, or more, may lie on one dense grid: then so many lie close together
/// somewhere.
///
/// At most a third as many turns are missed as are met. Of up to twice as many days all missed
/// turns may lie between the first and the last of so many; of more, there are several such spans
/// side by side, and one of them has no more than its share.
fn lie_close(cadence: Cadence, days: &[GridDay], least: usize) -> bool {
    let Some(further) = least.checked_sub(1) else { return true };
    let turns = i64::try_from(further + further * 2 / 3).unwrap_or(i64::MAX);
    let (months, step) = cadence.step();
    let longest = if months == 0 { step } else { i64::from(months) * 31 };
    let span = turns.saturating_mul(longest).saturating_add(2 * cadence.tolerance());
    let mut ends = days.iter().zip(days.iter().skip(further));
    ends.any(|(first, last)| last.number - first.number <= span)
}

/// Whether so many of the days may lie near the same place of a turn, which those on a grid do.
fn lie_alike(cadence: Cadence, days: &[GridDay], least: usize) -> bool {
    let Some(further) = least.checked_sub(1) else { return true };
    let (months, days_of_turn) = cadence.step();
    // Every month counts as 31 days; that the others are shorter moves a place by three at most.
    let (turn, slack) = if months == 0 { (days_of_turn, 0) } else { (i64::from(months) * 31, 3) };
    let width = 2 * (cadence.tolerance() + slack);
    let place = |day: &GridDay| match cadence.place(*day) {
        (day, 0) => day,
        (month, day) => month * 31 + day,
    };
    let mut places: Vec<i64> = days.iter().map(place).collect();
    places.sort_unstable();
    let next = places.iter().map(|place| place + turn);
    let around: Vec<i64> = places.iter().copied().chain(next).collect();
    let ends = around.iter().zip(around.iter().skip(further));
    days.len() >= least && ends.take(days.len()).any(|(first, last)| last - first <= width)
}

/// The most places at which a grid is tried.
const MAX_ANCHORS: usize = 64;

/// How many turns of a grid are met by days.
fn turns_met(cadence: Cadence, anchor: GridDay, days: &[GridDay]) -> usize {
    let (mut count, mut before) = (0_usize, None);
    for day in days {
        let (turn, off) = cadence.nearest(anchor, *day);
        if off.abs() <= cadence.tolerance() && before.replace(turn) != Some(turn) {
            count += 1;
        }
    }
    count
}

fn fit(cadence: Cadence, (date, anchor): (NaiveDate, GridDay), days: &[GridDay]) -> Option<Fit> {
    let mut met: Vec<(i64, i64, usize)> = Vec::new();
    for (place, day) in days.iter().enumerate() {
        let (turn, off) = cadence.nearest(anchor, *day);
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
    Some(Fit { cadence, anchor: date, met, spread, chance })
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
        let nearest =
            |cadence: Cadence, it| cadence.nearest(GridDay::of(anchor), GridDay::of(day(it)));
        assert_eq!(nearest(Cadence::Monthly, "2024-03-02"), (1, 2));
        assert_eq!(nearest(Cadence::Monthly, "2023-12-29"), (-1, -2));
        assert_eq!(nearest(Cadence::Weekly, "2024-02-13"), (2, -1));
        assert_eq!(nearest(Cadence::Yearly, "2026-02-01"), (2, 1));
    }

    #[test]
    fn the_nearest_turn_is_the_nearest_of_all() {
        // Holds: over four years with a leap day and around a century, from every anchor of a
        // month, the turn is the one of all turns near by whose day is nearest, the earlier of two.
        for (start, anchors) in [("2023-01-01", 40), ("1899-12-20", 40), ("2000-02-01", 30)] {
            for anchor in day(start).iter_days().take(anchors) {
                for (step, cadence) in Cadence::ALL.into_iter().enumerate() {
                    for it in day("1898-06-01").iter_days().skip(step).step_by(611).take(100) {
                        let about = (it - anchor).num_days() / cadence.days();
                        let all = (about - 30..=about + 30).map(|turn| {
                            let due = cadence.day(anchor, turn).unwrap();
                            (turn, (it - due).num_days())
                        });
                        let expected = all.min_by_key(|(turn, off)| (off.abs(), *turn)).unwrap();
                        let found = cadence.nearest(GridDay::of(anchor), GridDay::of(it));
                        assert_eq!(found, expected, "{cadence:?} {anchor} {it}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_grid_is_laid_where_most_days_lie() {
        // Holds: a stray day does not move the grid, and a turn is met once.
        let days =
            ["2024-01-05", "2024-01-19", "2024-02-05", "2024-03-04", "2024-03-06", "2024-04-05"];
        let fit = best(Cadence::Monthly, &days.map(day), 2).unwrap();
        let places: Vec<usize> = fit.met.iter().map(|(_, place)| *place).collect();
        assert_eq!((places, fit.turns(), fit.spread), (vec![0, 2, 3, 5], 4, 1));
        assert!(fit.is_dense());
    }
}
