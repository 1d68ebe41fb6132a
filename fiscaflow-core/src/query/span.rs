//! Which days a report is of, and which it is compared with.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};

use super::{Report, ReportComparison, ReportSpan};
use crate::calendar::{CalendarUnit, DateRange, Period, after};
use crate::error::{Error, Result};
use crate::limits::MAX_SPAN_UNITS;
use crate::model::Weekday;

/// First and last day, both included; absent = without a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) from: Option<NaiveDate>,
    pub(super) to: Option<NaiveDate>,
}

/// How far what a report is compared with lies before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    Months(u32),
    Days(u32),
}

impl Span {
    /// The days that a report means.
    pub(super) fn of(report: &Report, today: NaiveDate) -> Result<Self> {
        let range = match report.span {
            None => return Ok(Self::default()),
            Some(ReportSpan::Days { from, to }) => {
                if from.zip(to).is_some_and(|(from, to)| from > to) {
                    return Err(Error::invalid("span", "`from` is after `to`"));
                }
                return Ok(Self { from, to });
            }
            Some(ReportSpan::This { unit }) => unit_of(unit, today),
            Some(ReportSpan::Last { count, unit }) => {
                if !(1..=MAX_SPAN_UNITS).contains(&count) {
                    let text = format!("a span of the past has 1 to {MAX_SPAN_UNITS} units");
                    return Err(Error::invalid("span", text));
                }
                let end = unit_of(unit, today).start();
                DateRange::new(before(end, shift(count, unit)), end)
            }
        };
        Ok(Self { from: Some(range.start()), to: Some(range.last_day()) })
    }

    /// What the report is compared with, and how far before it lies.
    pub(super) fn compared(self, report: &Report) -> Result<Option<(Self, Shift)>> {
        let Some(compare) = report.compare else { return Ok(None) };
        let (Some(from), Some(to)) = (self.from, self.to) else {
            let text = "what is compared needs a span with a first and a last day";
            return Err(Error::invalid("compare", text));
        };
        let end = after(to);
        let shift = match compare {
            ReportComparison::YearBefore => Shift::Months(12),
            ReportComparison::SpanBefore if from.day() == 1 && end.day() == 1 => {
                let months =
                    (end.year() - from.year()) * 12 + as_i32(end.month()) - as_i32(from.month());
                Shift::Months(months.unsigned_abs())
            }
            ReportComparison::SpanBefore => Shift::Days(DateRange::new(from, end).days()),
        };
        // A last day that ends its month has its like in the last of another, not in its number.
        let last = if end.day() == 1 { before(end, shift).pred_opt() } else { None };
        let last = last.map(|last| last.max(crate::calendar::FIRST_DAY));
        let span = Self { from: Some(before(from, shift)), to: last.or(Some(before(to, shift))) };
        Ok(Some((span, shift)))
    }
}

impl Shift {
    /// The day of a report's span beside which a day before it stands.
    pub(super) fn forward(self, day: NaiveDate, span: Span) -> NaiveDate {
        let moved = match self {
            Self::Months(months) => day.checked_add_months(Months::new(months)),
            Self::Days(days) => day.checked_add_signed(TimeDelta::days(days.into())),
        };
        let moved = moved.unwrap_or(day);
        // 28 February has no like of its own in what begins with the 29th.
        let moved = span.from.map_or(moved, |from| moved.max(from));
        span.to.map_or(moved, |to| moved.min(to))
    }
}

fn as_i32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn shift(count: u32, unit: CalendarUnit) -> Shift {
    match unit {
        CalendarUnit::Days => Shift::Days(count),
        CalendarUnit::Weeks => Shift::Days(count.saturating_mul(7)),
        CalendarUnit::Months => Shift::Months(count),
        CalendarUnit::Years => Shift::Months(count.saturating_mul(12)),
    }
}

/// The day that lies so far before another; the first of all where there is none.
fn before(day: NaiveDate, shift: Shift) -> NaiveDate {
    let moved = match shift {
        Shift::Months(months) => day.checked_sub_months(Months::new(months)),
        Shift::Days(days) => day.checked_sub_signed(TimeDelta::days(days.into())),
    };
    moved.unwrap_or(NaiveDate::MIN).max(crate::calendar::FIRST_DAY)
}

/// The day, week, month or year in which a day lies.
pub(super) fn unit_of(unit: CalendarUnit, day: NaiveDate) -> DateRange {
    let period = match unit {
        CalendarUnit::Days => return DateRange::new(day, after(day)),
        CalendarUnit::Weeks => Period::Weeks { first_day: Weekday::Monday },
        CalendarUnit::Months => Period::Months { start_day: 1 },
        CalendarUnit::Years => Period::Years { start_month: 1, start_day: 1 },
    };
    period.range_of(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn told(span: Span) -> String {
        let day = |day: Option<NaiveDate>| day.map_or(String::new(), |day| day.to_string());
        format!("{}..{}", day(span.from), day(span.to))
    }

    /// The span as a sentence has it; its days, the span before, the year before; seen on
    /// 2026-02-28, a Saturday that ends a short month.
    const SPANS: &str = "
        in this day | 02-28..02-28 | 02-27..02-27 | 2025-02-28..2025-02-28
        in this week | 02-23..03-01 | 02-16..02-22 | 2025-02-23..2025-03-01
        in this month | 02-01..02-28 | 01-01..01-31 | 2025-02-01..2025-02-28
        in this year | 01-01..12-31 | 2025-01-01..2025-12-31 | 2025-01-01..2025-12-31
        in last 7 days | 02-21..02-27 | 02-14..02-20 | 2025-02-21..2025-02-27
        in last 2 weeks | 02-09..02-22 | 01-26..02-08 | 2025-02-09..2025-02-22
        in last 3 months | 2025-11-01..01-31 | 2025-08-01..2025-10-31 | 2024-11-01..2025-01-31
        in last year | 2025-01-01..2025-12-31 | 2024-01-01..2024-12-31 | 2024-01-01..2024-12-31
        from 2025-02-01 to 2025-02-28 | 2025-02-01..2025-02-28 | 2025-01-01..2025-01-31 \
            | 2024-02-01..2024-02-29
        from 2024-02-01 to 2024-02-28 | 2024-02-01..2024-02-28 | 2024-01-04..2024-01-31 \
            | 2023-02-01..2023-02-28
        from 2024-02-29 to 2024-02-29 | 2024-02-29..2024-02-29 | 2024-02-28..2024-02-28 \
            | 2023-02-28..2023-02-28";

    #[test]
    fn spans_and_what_they_are_compared_with() {
        // Holds: a table that can be checked by hand.
        for row in SPANS.lines().filter(|row| !row.trim().is_empty()) {
            let (sentence, expected) = row.split_once('|').unwrap();
            let text = format!("net {sentence}");
            let mut report = crate::query::parse(&text, None).unwrap();
            let found = Span::of(&report, day("2026-02-28")).unwrap();
            let mut all = vec![told(found)];
            for compare in [ReportComparison::SpanBefore, ReportComparison::YearBefore] {
                report.compare = Some(compare);
                all.push(told(found.compared(&report).unwrap().unwrap().0));
            }
            // The year of today is left out in the table.
            let short: Vec<String> = all.iter().map(|it| it.replace("2026-", "")).collect();
            assert_eq!(short, expected.split('|').map(str::trim).collect::<Vec<_>>(), "{row}");
        }
    }

    #[test]
    fn what_lies_before_falls_on_a_day_of_the_report() {
        // Holds: whatever the span, each day of what it is compared with comes to lie inside it.
        for start in 0..800_u32 {
            let from = day("2023-01-01") + TimeDelta::days(start.into());
            for length in [0, 1, 27, 28, 30, 58, 89, 364, 365] {
                let to = from + TimeDelta::days(length);
                let span = Span { from: Some(from), to: Some(to) };
                for compare in [ReportComparison::SpanBefore, ReportComparison::YearBefore] {
                    let report = Report { compare: Some(compare), ..Report::default() };
                    let (before, shift) = span.compared(&report).unwrap().unwrap();
                    let (first, last) = (before.from.unwrap(), before.to.unwrap());
                    assert!(first <= last && last < to, "{span:?} {compare:?}");
                    for it in first.iter_days().take_while(|it| *it <= last) {
                        let moved = shift.forward(it, span);
                        assert!((from..=to).contains(&moved), "{span:?} {compare:?} {it}");
                    }
                }
            }
        }
    }
}
