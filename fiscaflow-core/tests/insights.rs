//! Findings: each is told for what it is, keeps its name, and stays away once it was dismissed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "shared/seeded.rs"]
mod seeded;

use std::collections::BTreeSet;

use chrono::{Days, Months, NaiveDate};
use fiscaflow_core::insights::{Insight, InsightCode, InsightPriority, InsightQuery, insights};
use fiscaflow_core::model::{Dismissal, Goal, GoalFunding, GoalState, Milestone, Schedule};
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::View;
use fiscaflow_core::{Currency, GoalId, Money, Plan, ScheduleId, TransactionId};
use seeded::{account_id, day, plan};
use uuid::Uuid;

fn euro(minor: i64) -> Money {
    Money::from_minor(minor, Currency::iso("EUR").unwrap())
}

fn pay(view: &mut View, number: u128, payee: &str, date: NaiveDate, minor: i64) {
    view.put(&ColumnRow {
        id: TransactionId::new(Uuid::from_u128(number)),
        account_id: account_id(),
        booking_date: date,
        amount_minor: minor,
        category_id: None,
        payee: Some(payee.to_owned()),
        transfer: false,
        pending: false,
        counts: true,
        splits: Vec::new(),
        tags: Vec::new(),
        links: Links::default(),
    });
}

/// A book in which, by the end of June 2024, a subscription costs more than before, a shop charged
/// twice, a rent has not come, a goal is behind its plan, and the account runs dry.
fn book() -> (Plan, View) {
    let (mut plan, mut view) = (plan(), View::new());
    plan.accounts.get_mut(&account_id()).unwrap().opening_balance = euro(60_000);
    for month in 0..10 {
        let date = day("2023-09-15") + Months::new(month);
        let minor = if month < 9 { -999 } else { -1_199 };
        pay(&mut view, 100 + u128::from(month), "STREAMFLIX.COM", date, minor);
    }
    for number in 0..20 {
        let date = day("2023-11-03") + Days::new(11 * number);
        let minor = -700 - i64::try_from(number).unwrap() * 40;
        pay(&mut view, 200 + u128::from(number), "GREEN MARKET", date, minor);
    }
    pay(&mut view, 300, "GREEN MARKET", day("2024-06-20"), -1_111);
    pay(&mut view, 301, "GREEN MARKET", day("2024-06-21"), -1_111);
    let recurrence = r#"{"start": "2024-01-10", "unit": "months"}"#;
    let rent = Schedule {
        id: ScheduleId::new(Uuid::from_u128(1)),
        name: "Rent".to_owned(),
        account_id: account_id(),
        payee: Some("Landlord".to_owned()),
        category_id: None,
        amount: euro(-80_000),
        tolerance_percent: 10,
        recurrence: serde_json::from_str(recurrence).unwrap(),
        tolerance_days: 5,
        active: true,
    };
    plan.schedules.insert(rent.id, rent);
    let goal = Goal {
        id: GoalId::new(Uuid::from_u128(1)),
        name: "Bicycle".to_owned(),
        target: euro(120_000),
        start: day("2024-01-01"),
        due: Some(day("2024-12-31")),
        funding: GoalFunding::Contributions { account_ids: vec![account_id()] },
        state: GoalState::Active,
        milestones: vec![25, 100],
    };
    let reached = Milestone { goal_id: goal.id, percent: 25, date: day("2024-06-05") };
    plan.milestones.insert((goal.id, 25), reached);
    plan.goals.insert(goal.id, goal);
    (plan, view)
}

fn told(plan: &Plan, view: &View, as_of: &str, dismissed: bool) -> Vec<Insight> {
    let query = InsightQuery { as_of: Some(day(as_of)), dismissed, witness: true };
    insights(plan, view, &query, day("2030-01-01")).unwrap()
}

/// Each planted finding is told once, with its figures, and what matters most comes first.
#[test]
fn what_was_planted_is_told() {
    let (plan, view) = book();
    let found = told(&plan, &view, "2024-06-30", false);
    let of = |code: InsightCode| {
        let mut found = found.iter().filter(|it| it.code == code);
        let one = found.next().unwrap_or_else(|| panic!("no {code:?}"));
        assert!(found.next().is_none(), "{code:?} twice");
        one
    };
    let rise = of(InsightCode::PriceRise);
    assert_eq!((rise.amount, rise.usual), (Some(euro(-1_199)), Some(euro(-999))));
    assert_eq!(rise.date, day("2024-06-15"));
    let twice = of(InsightCode::DuplicateCharge);
    let ids: Vec<u128> = twice.transaction_ids.iter().map(|id| id.uuid().as_u128()).collect();
    assert_eq!((ids, twice.amount), (vec![300, 301], Some(euro(-1_111))));
    let missed = of(InsightCode::MissedPayment);
    assert_eq!((missed.date, missed.amount), (day("2024-06-10"), Some(euro(-80_000))));
    assert_eq!(of(InsightCode::GoalMilestone).percent, Some(25));
    assert!(of(InsightCode::GoalBehind).amount.unwrap().minor() > 60_000);
    assert_eq!(of(InsightCode::UnreviewedSubscription).amount, Some(euro(-1_199)));
    for (code, ids) in [
        (InsightCode::PriceRise, vec![109]),
        (InsightCode::UnreviewedSubscription, vec![109]),
        (InsightCode::DuplicateCharge, vec![301]),
    ] {
        let named = &of(code).witness.as_ref().unwrap().ids;
        let named: Vec<u128> = named.iter().map(|id| id.uuid().as_u128()).collect();
        assert_eq!(named, ids, "{code:?}");
    }
    assert_eq!(of(InsightCode::GoalBehind).witness.as_ref().unwrap().ids.len(), 22);
    assert_eq!(of(InsightCode::LowBalance).witness.as_ref().unwrap().ids.len(), 32);
    assert_eq!(of(InsightCode::LowBalance).witness.as_ref().unwrap().opening, [account_id()]);
    assert_eq!(of(InsightCode::MissedPayment).witness, None);
    let low = of(InsightCode::LowBalance);
    assert!(low.amount.unwrap().minor() < 0 && low.date == day("2024-07-10"), "{low:?}");
    let priorities: Vec<InsightPriority> = found.iter().map(|it| it.priority).collect();
    assert!(priorities.is_sorted());
    let ids: BTreeSet<&String> = found.iter().map(|it| &it.id).collect();
    assert_eq!(ids.len(), found.len());
    let plain = |id: &str| id.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it));
    assert!(found.iter().all(|it| plain(&it.id)));
}

/// The same finding has the same name on another day, stays away once dismissed, and what is no
/// news any more goes by itself.
#[test]
fn a_finding_keeps_its_name_and_stays_dismissed() {
    let (mut plan, view) = book();
    let names = |found: &[Insight]| found.iter().map(|it| it.id.clone()).collect::<BTreeSet<_>>();
    let all = told(&plan, &view, "2024-06-29", false);
    assert_eq!(names(&all), names(&told(&plan, &view, "2024-06-30", false)));
    for (number, it) in all.iter().enumerate() {
        let dismissal = Dismissal { insight_id: it.id.clone(), date: day("2024-06-29") };
        plan.dismissals.insert(it.id.clone(), dismissal);
        let left = told(&plan, &view, "2024-06-30", false);
        assert_eq!(left.len(), all.len() - number - 1);
        assert!(!names(&left).contains(&it.id));
    }
    let again = told(&plan, &view, "2024-06-30", true);
    assert!(again.len() == all.len() && again.iter().all(|it| it.dismissed));
    let later = told(&plan, &view, "2024-08-15", true);
    let codes: BTreeSet<InsightCode> = later.iter().map(|it| it.code).collect();
    assert!(!codes.contains(&InsightCode::DuplicateCharge), "{later:?}");
    assert!(!codes.contains(&InsightCode::GoalMilestone), "{later:?}");
}

/// More payments of schedules than one answer tells do not keep anything from being found.
#[test]
fn many_schedules_are_no_limit() {
    let (mut plan, view) = book();
    let rent = plan.schedules.values().next().unwrap().clone();
    let recurrence = r#"{"start": "2023-01-01", "unit": "days"}"#;
    for number in 2..=40 {
        let id = ScheduleId::new(Uuid::from_u128(number));
        let recurrence = serde_json::from_str(recurrence).unwrap();
        plan.schedules.insert(id, Schedule { id, recurrence, ..rent.clone() });
    }
    let found = told(&plan, &view, "2024-06-30", false);
    assert!(found.iter().any(|it| it.code == InsightCode::LowBalance));
}
