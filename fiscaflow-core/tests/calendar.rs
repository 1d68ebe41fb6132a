//! The calendar: tables to be checked by hand, twins that go day by day, and other calendars.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Offset, TimeZone, Utc};
use fiscaflow_core::calendar::{CalendarUnit, DateRange, Period, Recurrence, day_of};
use fiscaflow_core::model::Weekday;
use fiscaflow_core::parse_date;
use proptest::prelude::*;

/// The rows of a table: cells between bars.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split('|').map(str::trim).collect()).collect()
}

fn day(text: &str) -> NaiveDate {
    parse_date(text).unwrap()
}

/// The table of periods holds: the period of a day has that first and that last day.
#[test]
fn periods_are_those_of_the_table() {
    for row in rows(include_str!("tables/periods.txt")) {
        let period: Period = serde_json::from_str(row[0]).unwrap();
        let range = period.range_of(day(row[1]));
        assert_eq!(format!("{} {}", range.start(), range.last_day()), row[2], "{row:?}");
    }
}

/// The table of instants holds: what day it is depends on the zone alone.
#[test]
fn instants_lie_on_the_days_of_the_table() {
    for row in rows(include_str!("tables/days.txt")) {
        let instant: DateTime<Utc> = row[0].parse().unwrap();
        assert_eq!(day_of(instant, row[1]).unwrap(), day(row[2]), "{row:?}");
    }
    assert!(day_of(DateTime::UNIX_EPOCH, "Europe/Atlantis").is_err());
}

/// In every zone, a second before, at and after each of 60 month ends lies in the month of the
/// zone's own clock, reckoned here from its offset.
#[test]
fn month_ends_lie_in_the_right_period_in_every_zone() {
    let months = Period::default();
    let first = day("2021-01-01");
    for zone in chrono_tz::TZ_VARIANTS {
        for ahead in 0..60 {
            let border = first.checked_add_months(Months::new(ahead)).unwrap();
            let border = border.and_hms_opt(0, 0, 0).unwrap();
            // The offset at UTC's midnight is near enough: what counts is checked at each instant.
            let near = zone.offset_from_utc_datetime(&border).fix().local_minus_utc();
            for beside in -1..=1 {
                let seconds = border.and_utc().timestamp() - i64::from(near) + beside;
                let instant = DateTime::from_timestamp(seconds, 0).unwrap();
                let offset = zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
                let days = (seconds + i64::from(offset.local_minus_utc())).div_euclid(86_400);
                let expected = NaiveDate::from_epoch_days(i32::try_from(days).unwrap()).unwrap();
                let found = day_of(instant, zone.name()).unwrap();
                assert_eq!(found, expected, "{zone} {instant}");
                let range = months.range_of(found);
                assert!(range.start() <= expected && expected < range.end());
                assert_eq!((range.start().month(), range.start().day()), (expected.month(), 1));
            }
        }
    }
}

fn weekday() -> impl Strategy<Value = Weekday> {
    prop::sample::select(Weekday::ALL)
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    let near = (0_u64..4000).prop_map(|days| day("2020-01-01") + Days::new(days));
    let far = (1_i32..=3_652_059).prop_map(|number| {
        NaiveDate::from_num_days_from_ce_opt(number).expect("a day of the calendar")
    });
    prop_oneof![4 => near, 1 => far]
}

fn unit() -> impl Strategy<Value = CalendarUnit> {
    use CalendarUnit::{Days, Months, Weeks, Years};
    prop::sample::select(vec![Days, Weeks, Months, Years])
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        weekday().prop_map(|first_day| Period::Weeks { first_day }),
        (1_u32..40, unit(), any_day()).prop_map(|(count, unit, anchor)| {
            let count = if unit == CalendarUnit::Years { count % 5 + 1 } else { count };
            Period::Every { count, unit, anchor }
        }),
        (1_u32..=27, 1_u32..=31)
            .prop_map(|(first_day, more)| (first_day, (first_day + more).min(31)))
            .prop_map(|(first_day, second_day)| Period::SemiMonths { first_day, second_day }),
        (1_u32..=31).prop_map(|start_day| Period::Months { start_day }),
        (1_u32..=12).prop_map(|start_month| Period::Quarters { start_month }),
        (1_u32..=12, 1_u32..=31)
            .prop_map(|(start_month, start_day)| Period::Years { start_month, start_day }),
    ]
}

fn is_last_of_month(day: NaiveDate) -> bool {
    day.succ_opt().unwrap().month() != day.month()
}

/// Whether a day is the one of the month on which something starts: that number, or the last where
/// the month has no such day.
fn is_day(day: NaiveDate, number: u32) -> bool {
    day.day() == number || (day.day() < number && is_last_of_month(day))
}

/// The twin: whether a period starts with a day, told from that day alone.
fn starts(period: Period, day: NaiveDate) -> bool {
    let months = |anchor: NaiveDate| {
        let number = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month());
        number(day) - number(anchor)
    };
    match period {
        Period::Weeks { first_day } => day.weekday().num_days_from_monday() == first_day as u32,
        Period::Every { count, unit, anchor } => {
            let (days, count) = ((day - anchor).num_days(), i64::from(count));
            match unit {
                CalendarUnit::Days => days % count == 0,
                CalendarUnit::Weeks => days % (7 * count) == 0,
                CalendarUnit::Months => months(anchor) % count == 0 && is_day(day, anchor.day()),
                CalendarUnit::Years => {
                    months(anchor) % (12 * count) == 0 && is_day(day, anchor.day())
                }
            }
        }
        Period::SemiMonths { first_day, second_day } => {
            is_day(day, first_day) || is_day(day, second_day)
        }
        Period::Months { start_day } => is_day(day, start_day),
        Period::Quarters { start_month } => {
            day.day() == 1 && (day.month() + 12 - start_month).is_multiple_of(3)
        }
        Period::Years { start_month, start_day } => {
            day.month() == start_month && is_day(day, start_day)
        }
    }
}

proptest! {
    /// Periods tile the calendar: a day lies in its period, every day of which has the same; the
    /// neighbours share its borders; and it starts where the twin, going back day by day, finds a
    /// start, with none between.
    #[test]
    fn periods_tile_the_calendar(period in period(), day in any_day()) {
        let range = period.range_of(day);
        prop_assert!(range.contains(day));
        prop_assert_eq!(period.range_of(range.start()), range);
        prop_assert_eq!(period.range_of(range.last_day()), range);
        prop_assert_eq!(period.distance(range.start(), day), 0);
        match period.next(range) {
            Some(next) => {
                prop_assert_eq!(next.start(), range.end());
                prop_assert_eq!(period.previous(next), Some(range));
                prop_assert_eq!(period.distance(day, next.start()), 1);
            }
            None => prop_assert_eq!(Some(range.last_day()), NaiveDate::from_ymd_opt(9999, 12, 31)),
        }
        match period.previous(range) {
            Some(before) => prop_assert_eq!(before.end(), range.start()),
            None => prop_assert_eq!(range.start(), NaiveDate::from_ymd_opt(1, 1, 1).unwrap()),
        }
        let first = NaiveDate::from_ymd_opt(1, 1, 1);
        let border =
            |at: NaiveDate| starts(period, at) || at.year() > 9999 || Some(at) == first;
        prop_assert!(border(range.start()) && border(range.end()));
        let mut inner = range.start().succ_opt().unwrap();
        while inner < range.end() {
            prop_assert!(!starts(period, inner), "{} starts a period", inner);
            inner = inner.succ_opt().unwrap();
        }
    }

    /// The periods of some days are those that have one of them: they follow each other from the
    /// one of the first day to the one of the last.
    #[test]
    fn ranges_cover_their_days(period in period(), from in any_day(), days in 0_u64..800) {
        let span = DateRange::new(from, from + Days::new(days));
        let ranges: Vec<DateRange> = period.ranges(span).collect();
        prop_assert_eq!(ranges.is_empty(), days == 0);
        prop_assert!(ranges.windows(2).all(|pair| pair[0].end() == pair[1].start()));
        if let (Some(first), Some(last)) = (ranges.first(), ranges.last()) {
            prop_assert_eq!(*first, period.range_of(span.start()));
            prop_assert_eq!(*last, period.range_of(span.last_day()));
            let steps = period.distance(span.start(), span.last_day());
            prop_assert_eq!(usize::try_from(steps).unwrap() + 1, ranges.len());
        }
    }

    /// A period reads back from what it was written as.
    #[test]
    fn a_period_survives_json(period in period()) {
        let text = serde_json::to_string(&period).unwrap();
        prop_assert_eq!(serde_json::from_str::<Period>(&text).unwrap(), period);
    }
}

/// The days of recurrences are those that dateutil finds; the script beside the table made it.
#[test]
fn recurrences_fall_where_dateutil_says() {
    let table = rows(include_str!("tables/recurrences.txt"));
    assert_eq!(table.len(), 240);
    for row in table {
        let recurrence: Recurrence = serde_json::from_str(row[0]).unwrap();
        recurrence.check().unwrap();
        let expected: Vec<NaiveDate> = row[1].split_whitespace().map(day).collect();
        let found: Vec<NaiveDate> = recurrence.dates().take(14).collect();
        assert_eq!(found, expected, "{}", row[0]);
        if let (Some(first), Some(last)) = (expected.first(), expected.last()) {
            let span = DateRange::new(*first, *last);
            let within: Vec<NaiveDate> = recurrence.dates_in(span).collect();
            assert_eq!(within, expected[..expected.len() - 1]);
            let second = recurrence.next_after(*first);
            assert_eq!(expected.get(1).copied().or(second), second);
        }
    }
}

/// What belongs to no calendar is refused by the field at fault, and asking it all the same ends.
#[test]
fn what_no_calendar_has_is_refused() {
    let check = |json: &str| {
        let recurrence: Recurrence = serde_json::from_str(json).unwrap();
        let _ = recurrence.dates().take(3).count();
        recurrence.check().unwrap_err().at_field().unwrap().to_owned()
    };
    assert_eq!(check(r#"{"start": "2026-01-01", "unit": "days", "every": 0}"#), "every");
    assert_eq!(check(r#"{"start": "2026-01-01", "unit": "days", "every": 1001}"#), "every");
    assert_eq!(check(r#"{"start": "2026-01-01", "unit": "days", "count": 0}"#), "count");
    let on = |unit: &str, on: &str| {
        check(&format!(r#"{{"start": "2026-01-01", "unit": "{unit}", "on": [{on}]}}"#))
    };
    assert_eq!(on("days", r#"{"kind": "weekday", "weekday": "monday"}"#), "on");
    assert_eq!(on("weeks", r#"{"kind": "month_day", "day": 1}"#), "on");
    assert_eq!(on("months", r#"{"kind": "month_day", "day": 32}"#), "on");
    assert_eq!(on("months", r#"{"kind": "nth_weekday", "nth": 0, "weekday": "monday"}"#), "on");
    assert_eq!(on("years", r#"{"kind": "nth_weekday", "nth": 6, "weekday": "monday"}"#), "on");
    let last = r#"{"start": "9999-12-30", "unit": "days"}"#;
    let last: Recurrence = serde_json::from_str(last).unwrap();
    assert_eq!(last.dates().count(), 2);
}
