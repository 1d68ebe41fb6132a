//! How everything moves that nobody expects: by the weekday on average, and how far off that sums
//! of several days were.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};

use super::Scope;
use super::known::Known;
use crate::calendar::after;
use crate::id::TransactionId;
use crate::money::div_half_even;
use crate::view::Line;

/// Over how many days of the past averages are told, at most: whole weeks.
const MAX_HISTORY: u32 = 364;
/// Over how many days sums are compared with their average, at most: three years, so that what
/// comes once a year comes in them as often as it should.
const MAX_COMPARED: u32 = 1_092;
/// Fewer days tell no interval.
const MIN_HISTORY: u32 = 84;
/// How many sums of one length there have to be side by side.
const BLOCKS: u32 = 12;
/// How many sums side by side all sums of one length are worth that there are in as many days: with
/// four, intervals hold what they should for days drawn at random, normally distributed ones and
/// such of which few are very large.
const OVERLAPPING: u32 = 4;
/// Fractions of minor units are counted so finely.
const FINE: i128 = 1 << 16;

/// The rest.
pub(super) struct Rest {
    /// Over how many days averages are told.
    pub(super) days: u32,
    /// What moved in them and nobody expected, where it is asked for.
    pub(super) ids: Vec<TransactionId>,
    /// Over how many days sums are compared.
    compared: u32,
    /// What each weekday brings on average, finely.
    weekdays: [i128; 7],
    /// For sums of 1, 2, 3.. days, how far off the average they were, ascending.
    blocks: Vec<Vec<i128>>,
}

impl Rest {
    pub(super) fn new(scope: &Scope<'_>, known: &Known) -> Self {
        let by_day = daily(scope, known);
        let first = first_day(scope);
        let had = first.map_or(0, |first| (scope.as_of - first).num_days().saturating_add(1));
        let had = u32::try_from(had).unwrap_or(0) / 7 * 7;
        let (days, compared) = (had.min(MAX_HISTORY), had.min(MAX_COMPARED));
        let weekdays = averages(&by_day, &last_days(scope.as_of, days));
        let ids = if scope.witness { unexpected(scope, known, days) } else { Vec::new() };
        let mut rest = Self { days, ids, compared, weekdays, blocks: Vec::new() };
        if days >= MIN_HISTORY {
            let dates = last_days(scope.as_of, compared);
            let usual = averages(&by_day, &dates);
            let off = dates.iter().map(|day| fine(&by_day, *day) - of_weekday(&usual, *day));
            rest.blocks = blocks(&off.collect::<Vec<_>>(), (compared / BLOCKS).max(1));
        }
        rest
    }

    /// What a day brings on average, finely.
    pub(super) fn of_day(&self, day: NaiveDate) -> i128 {
        of_weekday(&self.weekdays, day)
    }

    /// Between what and what the sum of so many days lies, off its average, at a level in percent.
    ///
    /// The borders are quantiles of the sums that there were, taken as far out as their number
    /// asks for: of n values the k-th has k in n + 1 below it (Weibull's plotting position), and
    /// sums that overlap tell as much as [`OVERLAPPING`] times as many side by side. What is
    /// further ahead than the longest of them grows with the square root of the time, for what
    /// comes later does not depend on what came before. Two things about averages widen all of it:
    /// the one of the last year that is expected may itself be off, and the sums lie nearer to
    /// their own average than others would. For independent days the variances are to each other
    /// as (1 + h / year) to (1 - length / past).
    pub(super) fn interval(&self, days: u32, level: u32) -> Option<(i128, i128)> {
        let longest = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let length = days.min(longest);
        let sums = self.blocks.get(usize::try_from(length.checked_sub(1)?).ok()?)?;
        let count = i128::from(self.compared * OVERLAPPING / length.max(1)).max(2);
        let (part, whole) = (i128::from(100_u32.saturating_sub(level)), 200);
        let (part, whole) = ((part * (count + 1) - whole).max(0), whole * (count - 1));
        let (low, high) = (quantile(sums, part, whole), quantile(sums, whole - part, whole));
        let [days, length, past, year] = [days, length, self.compared, self.days].map(i128::from);
        // The square of the factor, in units of 2^-32.
        let squared = ((days * (year + days) * past) << 32) / (length * year * (past - length));
        let factor = i128::try_from(squared.unsigned_abs().isqrt()).unwrap_or(i128::MAX);
        let scaled = |off: i128| rounded(off.saturating_mul(factor) >> 16);
        Some((scaled(low), scaled(high)))
    }
}

/// Fine units in whole minor units.
pub(super) fn rounded(fine: i128) -> i128 {
    div_half_even(fine, FINE)
}

/// The first day on which anything moved in the accounts.
fn first_day(scope: &Scope<'_>) -> Option<NaiveDate> {
    let in_accounts: Vec<bool> =
        scope.view.groups().map(|group| scope.accounts.contains(&group.account_id)).collect();
    let counts = |group: usize| in_accounts.get(group) == Some(&true);
    let month = scope.view.months(None, None).find(|it| counts(it.number))?.month;
    let mut first = None;
    let last = month.last_day().min(scope.as_of);
    scope.view.scan_days(Some(month.first_day()), Some(last), |day, group, _| {
        if counts(group) {
            first = Some(first.map_or(day, |first: i32| first.min(day)));
        }
    });
    NaiveDate::from_num_days_from_ce_opt(first?)
}

/// What moved on each day beyond what was expected.
fn daily(scope: &Scope<'_>, known: &Known) -> BTreeMap<NaiveDate, i128> {
    let from = Days::new(MAX_COMPARED.into());
    let from = scope.as_of.checked_sub_days(from).unwrap_or(scope.as_of);
    let mut by_day: BTreeMap<NaiveDate, i128> =
        known.off.range(from..=scope.as_of).map(|(day, minor)| (*day, *minor)).collect();
    let in_accounts: Vec<bool> =
        scope.view.groups().map(|group| scope.accounts.contains(&group.account_id)).collect();
    scope.view.scan_accounts(from, scope.as_of, |day, group, minor| {
        let day = NaiveDate::from_num_days_from_ce_opt(day);
        if let Some(day) = day.filter(|_| in_accounts.get(group) == Some(&true)) {
            *by_day.entry(day).or_default() += minor;
        }
    });
    for line in scope.view.lines_with(&known.explained) {
        let counts = scope.accounts.contains(&line.account_id);
        if counts && (from..=scope.as_of).contains(&line.date) {
            *by_day.entry(line.date).or_default() -= i128::from(line.amount_minor);
        }
    }
    by_day
}

/// The lines since a day that belong to nothing that recurs.
fn unexplained<'a>(
    scope: &'a Scope<'_>,
    known: &'a Known,
    from: NaiveDate,
) -> impl Iterator<Item = Line<'a>> {
    scope.view.lines_in(from, after(scope.as_of)).filter(|line| {
        let counts = scope.accounts.contains(&line.account_id);
        counts && !known.explained.contains(&line.transaction_id)
    })
}

/// The transactions of the last days that belong to nothing that recurs.
fn unexpected(scope: &Scope<'_>, known: &Known, days: u32) -> Vec<TransactionId> {
    let from = last_days(scope.as_of, days).first().copied().unwrap_or(after(scope.as_of));
    unexplained(scope, known, from).map(|line| line.transaction_id).collect()
}

/// So many days up to one.
fn last_days(last: NaiveDate, days: u32) -> Vec<NaiveDate> {
    let before = last.checked_sub_days(Days::new(days.into())).unwrap_or(last);
    before.iter_days().skip(1).take_while(|day| *day <= last).collect()
}

/// What a day brought, finely.
fn fine(by_day: &BTreeMap<NaiveDate, i128>, day: NaiveDate) -> i128 {
    by_day.get(&day).copied().unwrap_or(0) * FINE
}

/// What each weekday brought on average in whole weeks, finely.
fn averages(by_day: &BTreeMap<NaiveDate, i128>, dates: &[NaiveDate]) -> [i128; 7] {
    let mut weekdays = [0_i128; 7];
    for day in dates {
        if let Some(sum) = weekdays.get_mut(weekday(*day)) {
            *sum += fine(by_day, *day);
        }
    }
    let weeks = i128::try_from(dates.len() / 7).unwrap_or(1).max(1);
    weekdays.map(|sum| div_half_even(sum, weeks))
}

fn of_weekday(weekdays: &[i128; 7], day: NaiveDate) -> i128 {
    weekdays.get(weekday(day)).copied().unwrap_or(0)
}

/// The sums of each so many days that follow each other, ascending, for each length.
fn blocks(off: &[i128], longest: u32) -> Vec<Vec<i128>> {
    let mut totals = vec![0];
    let mut total = 0;
    for minor in off {
        total += minor;
        totals.push(total);
    }
    let sums = |length: usize| {
        let ends = totals.iter().skip(length);
        let mut sums: Vec<i128> = ends.zip(&totals).map(|(end, start)| end - start).collect();
        sums.sort_unstable();
        sums
    };
    (1..=usize::try_from(longest).unwrap_or(1)).map(sums).collect()
}

/// The value below which that part of the sums lies: between the two nearest, by their distance.
fn quantile(sums: &[i128], part: i128, of: i128) -> i128 {
    let last = i128::try_from(sums.len().saturating_sub(1)).unwrap_or(0);
    let place = last * part;
    let (whole, rest) = (place.div_euclid(of), place.rem_euclid(of));
    let at = |place: i128| {
        usize::try_from(place).ok().and_then(|place| sums.get(place)).copied().unwrap_or(0)
    };
    let (one, next) = (at(whole), at((whole + 1).min(last)));
    one + (next - one) * rest / of
}

fn weekday(day: NaiveDate) -> usize {
    usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0)
}
