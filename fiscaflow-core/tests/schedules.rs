//! What pays a schedule where somebody linked it: the nearest occurrence, however far off it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "shared/seeded.rs"]
mod seeded;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use fiscaflow_core::model::Schedule;
use fiscaflow_core::schedules::{Occurrence, OccurrenceQuery, occurrences};
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::View;
use fiscaflow_core::{Currency, Money, Plan, ScheduleId, TransactionId};
use proptest::prelude::*;
use seeded::day;
use uuid::Uuid;

fn schedule(number: u128, recurrence: &str) -> Schedule {
    Schedule {
        id: ScheduleId::new(Uuid::from_u128(number)),
        name: "Rent".to_owned(),
        account_id: seeded::account_id(),
        payee: Some("Landlord".to_owned()),
        category_id: None,
        amount: Money::from_minor(-80_000, Currency::iso("EUR").unwrap()),
        tolerance_percent: 10,
        recurrence: serde_json::from_str(recurrence).unwrap(),
        tolerance_days: 5,
        active: true,
    }
}

fn plan(schedules: &[Schedule]) -> Plan {
    let mut plan = seeded::plan();
    plan.schedules = schedules.iter().map(|it| (it.id, it.clone())).collect();
    plan
}

fn row(number: u128, date: NaiveDate, minor: i64, of: Option<u128>) -> ColumnRow {
    ColumnRow {
        id: TransactionId::new(Uuid::from_u128(number)),
        account_id: seeded::account_id(),
        booking_date: date,
        amount_minor: minor,
        category_id: None,
        payee: Some("LANDLORD".to_owned()),
        transfer: false,
        pending: false,
        counts: true,
        splits: Vec::new(),
        tags: Vec::new(),
        links: Links {
            schedule_id: of.map(|number| ScheduleId::new(Uuid::from_u128(number))),
            goal_id: None,
        },
    }
}

fn told(plan: &Plan, rows: &[ColumnRow], from: &str, to: &str) -> Vec<Occurrence> {
    let mut view = View::new();
    rows.iter().for_each(|row| view.put(row));
    let query = OccurrenceQuery { from: day(from), to: day(to), schedule_id: None };
    occurrences(plan, &view, &query, day("2030-01-01")).unwrap()
}

/// What pays each occurrence, as text.
fn paid(told: &[Occurrence]) -> Vec<String> {
    let number = |it: &Occurrence| it.transaction_id.map_or(0, |id| id.uuid().as_u128());
    told.iter().map(|it| format!("{} {}", it.date, number(it))).collect()
}

/// What is linked pays though it is late, too small and of another party; what is linked elsewhere
/// does not, and what is linked to nothing pays what is left.
#[test]
fn what_is_linked_pays_whatever_its_amount_and_day() {
    let first = r#"{"start": "2026-01-01", "unit": "months"}"#;
    let plan =
        plan(&[schedule(1, first), schedule(2, r#"{"start": "2026-01-20", "unit": "years"}"#)]);
    let mut rows = [
        row(1, day("2026-01-29"), -10_000, Some(1)),
        row(2, day("2026-02-01"), -80_000, Some(1)),
        row(3, day("2026-03-02"), -80_000, Some(2)),
        row(4, day("2026-04-03"), -80_000, None),
    ];
    rows[0].payee = Some("Somebody".to_owned());
    let all = told(&plan, &rows, "2026-01-01", "2026-05-31");
    let expected = [
        "2026-01-01 1",
        "2026-01-20 3",
        "2026-02-01 2",
        "2026-03-01 0",
        "2026-04-01 4",
        "2026-05-01 0",
    ];
    assert_eq!(paid(&all), expected);
    assert_eq!(all[0].paid.unwrap().minor(), -10_000);
    // A part of the days tells the same of them.
    assert_eq!(paid(&told(&plan, &rows, "2026-02-01", "2026-02-28")), ["2026-02-01 2"]);
    assert_eq!(paid(&told(&plan, &rows, "2026-01-01", "2026-01-01")), ["2026-01-01 1"]);
}

proptest! {
    /// What is linked is paired as a twin does that takes the nearest free pair again and again; no
    /// transaction pays twice, and any part of the days tells the same as the whole.
    #[test]
    fn links_are_paired_nearest_first(
        payments in prop::collection::vec((0_u64..200, -90_000_i64..-70_000), 0..12),
        span in (0_u64..200, 0_u64..60),
    ) {
        let recurrence = r#"{"start": "2026-01-31", "unit": "weeks", "every": 3}"#;
        let plan = plan(&[schedule(1, recurrence)]);
        let start = day("2026-01-01");
        let rows: Vec<ColumnRow> = (1..)
            .zip(&payments)
            .map(|(number, (days, minor))| row(number, start + Days::new(*days), *minor, Some(1)))
            .collect();
        let due = |turn: u64| day("2026-01-31") + Days::new(21 * turn);
        let dates: Vec<NaiveDate> = (0..20).map(due).collect();
        let mut pairs = Vec::new();
        for row in &rows {
            let before = dates.iter().filter(|date| **date <= row.booking_date).max();
            let next = dates.iter().filter(|date| **date > row.booking_date).min();
            for date in before.into_iter().chain(next) {
                let days = (*date - row.booking_date).num_days().abs();
                pairs.push((days, (row.amount_minor + 80_000).abs(), *date, row.id));
            }
        }
        let mut twin = BTreeMap::new();
        while let Some(best) = pairs.iter().min().copied() {
            twin.insert(best.2, best.3);
            pairs.retain(|pair| pair.2 != best.2 && pair.3 != best.3);
        }
        let whole = told(&plan, &rows, "2026-01-01", "2026-12-31");
        let found: BTreeMap<NaiveDate, TransactionId> =
            whole.iter().filter_map(|it| Some((it.date, it.transaction_id?))).collect();
        prop_assert_eq!(found, twin);
        let (from, to) = (start + Days::new(span.0), start + Days::new(span.0 + span.1));
        let part = told(&plan, &rows, &from.to_string(), &to.to_string());
        let same = whole.into_iter().filter(|it| (from..=to).contains(&it.date));
        prop_assert_eq!(part, same.collect::<Vec<_>>());
    }
}
