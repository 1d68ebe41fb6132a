//! Goals as pure figures: the table of a plan over a year, and a twin that goes through all rows
//! again for each figure and counts days one by one.

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

use chrono::{Datelike, Days, Months, NaiveDate};
use fiscaflow_core::goals::{GoalProgress, progress};
use fiscaflow_core::model::{
    Account, Assigned, Assignment, Category, CategoryKind, Direction, Goal, GoalFunding, GoalState,
};
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::View;
use fiscaflow_core::{AccountId, CategoryId, Currency, GoalId, Money, Month, Plan, TransactionId};
use proptest::prelude::*;
use seeded::day;
use uuid::Uuid;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn euro(minor: i64) -> Money {
    Money::from_minor(minor, Currency::iso("EUR").unwrap())
}

/// What lay in the accounts 1 and 2 before anything; account 3 is kept in yen.
const OPENING: [i64; 4] = [0, 5_000, -700, 9_999];

fn plan() -> Plan {
    let mut plan = seeded::plan();
    let giro = plan.accounts.values().next().unwrap().clone();
    for (number, opening) in (0..).zip(OPENING).skip(1) {
        let currency = Currency::iso(if number == 3 { "JPY" } else { "EUR" }).unwrap();
        let account = Account {
            id: AccountId::new(id(number)),
            currency,
            opening_balance: Money::from_minor(opening, currency),
            ..giro.clone()
        };
        plan.accounts.insert(account.id, account);
    }
    for number in 1..=2 {
        let category = Category {
            id: CategoryId::new(id(number)),
            name: number.to_string(),
            kind: CategoryKind::Expense,
            parent_id: None,
        };
        plan.categories.insert(category.id, category);
    }
    plan
}

fn goal(funding: GoalFunding) -> Goal {
    Goal {
        id: GoalId::new(id(1)),
        name: "Bicycle".to_owned(),
        target: euro(120_000),
        start: day("2025-01-20"),
        due: Some(day("2025-12-10")),
        funding,
        state: GoalState::Active,
        milestones: vec![25, 50, 75, 100],
    }
}

fn row(number: u128, date: NaiveDate, minor: i64) -> ColumnRow {
    ColumnRow {
        id: TransactionId::new(id(number)),
        account_id: AccountId::new(id(1)),
        booking_date: date,
        amount_minor: minor,
        category_id: None,
        payee: None,
        transfer: false,
        pending: false,
        counts: true,
        splits: Vec::new(),
        tags: Vec::new(),
        links: Links::default(),
    }
}

/// The table `goals.txt` holds to the cent, a line for a day.
#[test]
fn a_plan_is_followed_over_a_year() {
    let mut view = View::new();
    let saved = [
        ("2025-01-31", 5_000),
        ("2025-02-28", 10_000),
        ("2025-03-31", 10_000),
        ("2025-04-10", -3_000),
        ("2025-05-31", 40_000),
        ("2025-06-30", 10_000),
        ("2025-08-31", 10_000),
        ("2025-09-30", 13_000),
        ("2025-10-15", 5_000),
        ("2025-11-20", 20_000),
    ];
    for (number, (date, minor)) in (1..).zip(saved) {
        view.put(&row(number, day(date), minor));
    }
    let goal = goal(GoalFunding::Balances { account_ids: vec![AccountId::new(id(1))] });
    let table = include_str!("tables/goals.txt");
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    let mut count = 0;
    for line in lines {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let it = progress(&plan(), &view, &goal, day(cells[0]), false).unwrap();
        let money = |money: Option<Money>| money.map(|it| it.amount().to_string());
        let told = [
            serde_json::to_value(it.state).unwrap().as_str().map(str::to_owned),
            money(Some(it.saved)),
            money(Some(it.remaining)),
            money(it.planned),
            money(it.shortfall),
            it.months_left.map(|left| left.to_string()),
            money(it.needed_per_month),
            money(it.pace),
            Some(it.pace_months.to_string()),
            it.projected.map(|day| day.to_string()),
        ];
        let told: Vec<String> =
            told.into_iter().map(|cell| cell.unwrap_or_else(|| "-".to_owned())).collect();
        assert_eq!(told, cells[1..], "{line}");
        count += 1;
    }
    assert_eq!(count, 16);
}

/// A goal that a person paused, gave up or called achieved keeps its figures and expects nothing;
/// an amount that is there makes a goal achieved while a person has not given it up.
#[test]
fn what_a_person_decided_stands() {
    let account_ids = vec![AccountId::new(id(1))];
    let (mut view, plan) = (View::new(), plan());
    let mut goal = goal(GoalFunding::Contributions { account_ids });
    let at = |view: &View, goal: &Goal| progress(&plan, view, goal, day("2025-06-30"), false);
    for (decided, poor, rich) in [
        (GoalState::Active, GoalState::Active, GoalState::Achieved),
        (GoalState::Paused, GoalState::Paused, GoalState::Achieved),
        (GoalState::Achieved, GoalState::Achieved, GoalState::Achieved),
        (GoalState::Abandoned, GoalState::Abandoned, GoalState::Abandoned),
    ] {
        goal.state = decided;
        view.put(&row(1, day("2025-03-01"), 119_999));
        let it = at(&view, &goal).unwrap();
        assert_eq!((it.state, it.remaining, it.reached), (poor, euro(1), vec![25, 50, 75]));
        assert_eq!(it.planned.is_some(), poor == GoalState::Active);
        assert_eq!(it.needed_per_month.is_some(), poor == GoalState::Active);
        assert_eq!(it.projected.is_some(), poor == GoalState::Active);
        view.put(&row(1, day("2025-03-01"), 120_000));
        let it = at(&view, &goal).unwrap();
        assert_eq!((it.state, it.remaining, it.projected), (rich, euro(0), None));
        assert_eq!(it.reached, [25, 50, 75, 100]);
    }
}

fn any_row() -> impl Strategy<Value = ColumnRow> {
    let category = || prop::option::of((1_u128..=2).prop_map(|number| CategoryId::new(id(number))));
    let splits = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((category(), -9_000_i64..9_000), 2..4),
    ];
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.2), prop::bool::weighted(0.9));
    let goal = prop::option::of((1_u128..=2).prop_map(|number| GoalId::new(id(number))));
    let head = (1_u128..=3, 0_u64..500, -9_000_i64..20_000);
    (head, category(), flags, splits, goal).prop_map(
        |((account, days, minor), category_id, (transfer, pending, counts), splits, goal_id)| {
            let whole = splits.iter().map(|(_, minor)| minor).sum();
            let amount_minor = if splits.is_empty() { minor } else { whole };
            let account_id = AccountId::new(id(account));
            let base = row(0, day("2024-11-01") + Days::new(days), amount_minor);
            let links = Links { goal_id, schedule_id: None };
            ColumnRow { account_id, category_id, transfer, pending, counts, splits, links, ..base }
        },
    )
}

fn any_goal() -> impl Strategy<Value = Goal> {
    let accounts = prop::collection::vec((1_u128..=3).prop_map(|it| AccountId::new(id(it))), 1..4);
    let funding = (accounts, 0..3).prop_map(|(account_ids, kind)| match kind {
        0 => GoalFunding::Balances { account_ids },
        1 => GoalFunding::Contributions { account_ids },
        _ => GoalFunding::Envelope { category_id: CategoryId::new(id(1)) },
    });
    let days = (0_u64..500, prop::option::of(0_u64..500));
    let funding = prop_oneof![
        3 => funding,
        1 => prop::sample::select(vec![Direction::In, Direction::Out])
            .prop_map(|direction| GoalFunding::Transactions { direction }),
    ];
    (funding, days, 1_i64..200_000).prop_map(|(funding, (start, due), target)| {
        let start = day("2024-11-01") + Days::new(start);
        let due = due.map(|due| start + Days::new(due));
        Goal { start, due, target: euro(target), ..goal(funding) }
    })
}

/// The twin's transactions that change what is saved: what each adds on its day.
fn moves(goal: &Goal, rows: &[ColumnRow]) -> Vec<(NaiveDate, i64)> {
    let of_row =
        |row: &ColumnRow| {
            let in_euro = row.account_id != AccountId::new(id(3));
            match &goal.funding {
                _ if !row.counts || !in_euro => 0,
                GoalFunding::Balances { account_ids }
                | GoalFunding::Contributions { account_ids } => {
                    if account_ids.contains(&row.account_id) { row.amount_minor } else { 0 }
                }
                GoalFunding::Transactions { direction } => {
                    let sign = if *direction == Direction::Out { -1 } else { 1 };
                    if row.links.goal_id == Some(goal.id) { sign * row.amount_minor } else { 0 }
                }
                GoalFunding::Envelope { .. } if row.transfer => 0,
                GoalFunding::Envelope { category_id } => {
                    let whole = vec![(row.category_id, row.amount_minor)];
                    let parts = if row.splits.is_empty() { &whole } else { &row.splits };
                    let of = parts.iter().filter(|(category, _)| *category == Some(*category_id));
                    of.map(|(_, minor)| minor).sum()
                }
            }
        };
    rows.iter().map(|row| (row.booking_date, of_row(row))).collect()
}

/// The twin's first day of a goal: an envelope knows months only.
fn start(goal: &Goal) -> NaiveDate {
    match goal.funding {
        GoalFunding::Envelope { .. } => goal.start.with_day(1).unwrap(),
        _ => goal.start,
    }
}

/// The twin's saving: for an envelope month by month, with what each assigned.
fn saved(goal: &Goal, rows: &[ColumnRow], assigned: &BTreeMap<Month, i64>, by: NaiveDate) -> i64 {
    let moves = moves(goal, rows);
    let until = moves.iter().filter(|(date, _)| *date <= by);
    match &goal.funding {
        GoalFunding::Balances { account_ids } => {
            let opening =
                [1_u128, 2].into_iter().filter(|it| account_ids.contains(&AccountId::new(id(*it))));
            let opening: i64 = opening.map(|it| OPENING[usize::try_from(it).unwrap()]).sum();
            opening + until.map(|(_, minor)| minor).sum::<i64>()
        }
        GoalFunding::Transactions { .. } => until.map(|(_, minor)| minor).sum(),
        GoalFunding::Contributions { .. } => {
            until.filter(|(date, _)| *date >= goal.start).map(|(_, minor)| minor).sum()
        }
        GoalFunding::Envelope { .. } => {
            let (mut month, mut left) = ("2024-10".parse::<Month>().unwrap(), 0);
            loop {
                let moved = until.clone().filter(|(date, _)| month.contains(*date));
                left += moved.map(|(_, minor)| minor).sum::<i64>();
                left += assigned.get(&month).copied().unwrap_or(0);
                if month.contains(by) {
                    return left;
                }
                // A deficit is made good by what is to be budgeted.
                left = left.max(0);
                month = month.next();
            }
        }
    }
}

/// So much finer than minor units the twin counts its plan.
const FINE: i128 = 1_000_000_000_000;

/// The twin's plan: the way to the target, its parts gone through day by day.
fn planned(goal: &Goal, before: i64, as_of: NaiveDate) -> Option<i128> {
    let (due, start) = (goal.due?, start(goal));
    let (before, target) = (i128::from(before) * FINE, i128::from(goal.target.minor()) * FINE);
    if as_of < start || target <= before {
        return Some(before.min(target));
    }
    if as_of >= due {
        return Some(target);
    }
    let days: Vec<NaiveDate> = start.iter_days().take_while(|day| *day <= due).collect();
    let mut months: BTreeMap<(i32, u32), i128> = BTreeMap::new();
    for day in &days {
        *months.entry((day.year(), day.month())).or_default() += 1;
    }
    let parts = i128::try_from(months.len()).unwrap();
    let share = |day: &NaiveDate| (target - before) / (parts * months[&(day.year(), day.month())]);
    Some(before + days.iter().filter(|day| **day <= as_of).map(share).sum::<i128>())
}

/// The twin's projection: a month's share for each whole month, then a day's for each day.
fn projected(it: &GoalProgress, moved: i64, as_of: NaiveDate) -> Option<NaiveDate> {
    if moved <= 0 || it.remaining.minor() == 0 || it.state != GoalState::Active {
        return None;
    }
    let (moved, months) = (i128::from(moved), i128::from(it.pace_months));
    let rest = i128::from(it.remaining.minor()) * months;
    let mut whole = 0;
    while moved * i128::from(whole + 1) <= rest {
        whole += 1;
        if whole > 1_200 {
            return None;
        }
    }
    let (day, next) = (as_of + Months::new(whole), as_of + Months::new(whole + 1));
    let rest = rest - moved * i128::from(whole);
    let length = i128::from((next - day).num_days());
    (0..)
        .map(|days| day + Days::new(days))
        .find(|date| moved * i128::from((*date - day).num_days()) >= rest * length)
}

fn agrees(
    goal: &Goal,
    rows: &[ColumnRow],
    assigned: &BTreeMap<Month, i64>,
    as_of: NaiveDate,
    it: &GoalProgress,
) -> Result<(), TestCaseError> {
    let saved = |day: NaiveDate| saved(goal, rows, assigned, day);
    let start = start(goal);
    let before = saved((start - Days::new(1)).min(as_of));
    prop_assert_eq!((it.saved, it.before), (euro(saved(as_of)), euro(before)));
    prop_assert_eq!(it.remaining, euro((goal.target.minor() - saved(as_of)).max(0)));
    let contributions = it.contributions.as_ref().unwrap();
    let total: i64 = contributions.iter().map(|it| it.amount.minor()).sum();
    prop_assert_eq!(it.before.minor() + it.assigned.minor() + total, it.saved.minor());
    let counted: i64 = moves(goal, rows)
        .iter()
        .filter(|(date, _)| (start..=as_of).contains(date))
        .map(|(_, minor)| minor)
        .sum();
    prop_assert_eq!(total, counted);
    // What is saved is made of the witness: with the opening balances, and for an envelope without
    // what months assigned and what of a deficit was made good.
    let witness = it.witness.as_ref().unwrap();
    let of = moves(goal, rows);
    let named = rows.iter().zip(&of).filter(|(row, _)| witness.ids.contains(&row.id));
    let named: i64 = named.map(|(_, (_, minor))| minor).sum();
    let opening = witness.opening.iter().map(|id| usize::try_from(id.uuid().as_u128()).unwrap());
    let opening: i64 = opening.map(|number| OPENING[number]).sum();
    if matches!(goal.funding, GoalFunding::Envelope { .. }) {
        let until = of.iter().filter(|(date, _)| *date <= as_of).map(|(_, minor)| minor);
        prop_assert_eq!(named, until.sum::<i64>());
    } else {
        prop_assert_eq!(opening + named, it.saved.minor());
    }
    if !matches!(goal.funding, GoalFunding::Envelope { .. }) {
        prop_assert_eq!(it.assigned, euro(0));
    }
    let planned = planned(goal, before, as_of).filter(|_| it.state == GoalState::Active);
    prop_assert_eq!(it.planned.is_some(), planned.is_some());
    if let (Some(told), Some(planned)) = (it.planned, planned) {
        let off = (i128::from(told.minor()) * FINE - planned).abs();
        prop_assert!(off <= FINE / 2 + 1_000, "{told} {planned}");
        prop_assert_eq!(it.shortfall, Some(euro((told.minor() - saved(as_of)).max(0))));
    }
    if let (Some(needed), Some(left)) = (it.needed_per_month, it.months_left) {
        let (needed, left) = (needed.minor(), i64::from(left));
        let rest = it.remaining.minor();
        prop_assert!(needed * left >= rest && (needed - 1) * left < rest.max(1));
    }
    let full = Month::of(as_of + Days::new(1)).previous();
    let months = (0..6).map(|back| full.back(back)).filter(|month| month.first_day() >= start);
    let months: Vec<Month> = months.collect();
    prop_assert_eq!(usize::try_from(it.pace_months).unwrap(), months.len());
    let of_month = |month: &Month| saved(month.last_day()) - saved(month.previous().last_day());
    let moved: i64 = months.iter().map(of_month).sum();
    prop_assert_eq!(it.pace.is_some(), !months.is_empty());
    if let Some(pace) = it.pace {
        let off = pace.minor() * i64::from(it.pace_months) - moved;
        prop_assert!(2 * off.abs() <= i64::from(it.pace_months));
    }
    prop_assert_eq!(it.projected, projected(it, moved, as_of));
    Ok(())
}

proptest! {
    /// Every figure of every kind of goal, over random books and by any day, is the one that the
    /// twin finds by going through everything again, and contributions add up to what is saved.
    #[test]
    fn figures_are_recomputed_from_nothing(
        goal in any_goal(),
        rows in prop::collection::vec(any_row(), 0..40),
        assigned in prop::collection::vec(0_i64..9_000, 0..18),
        as_of in 0_u64..700,
    ) {
        let as_of = day("2024-10-15") + Days::new(as_of);
        let rows: Vec<ColumnRow> = (1..)
            .zip(rows)
            .map(|(number, row)| ColumnRow { id: TransactionId::new(id(number)), ..row })
            .collect();
        let (mut plan, mut view) = (plan(), View::new());
        rows.iter().for_each(|row| view.put(row));
        let mut month: Month = "2024-11".parse().unwrap();
        let mut by_month = BTreeMap::new();
        for minor in assigned {
            let amounts =
                vec![Assigned { category_id: CategoryId::new(id(1)), amount: euro(minor) }];
            plan.assignments.insert(month, Assignment { month, amounts, held: euro(0) });
            by_month.insert(month, minor);
            month = month.next();
        }
        let it = progress(&plan, &view, &goal, as_of, true).unwrap();
        agrees(&goal, &rows, &by_month, as_of, &it)?;
    }
}
