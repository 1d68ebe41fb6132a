//! Witnesses: an answer names at most 100,000 transactions, whatever it is of.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "shared/seeded.rs"]
mod seeded;

use chrono::{Days, NaiveDate};
use fiscaflow_core::analytics::{
    BalancesQuery, CashFlowQuery, DashboardQuery, NetWorthQuery, SpendingQuery, TopPayeesQuery,
    UnusualQuery, Witness, balances, cash_flow, dashboard, net_worth, spending, top_payees,
    unusual,
};
use fiscaflow_core::budgets::{Told, envelopes, history, states};
use fiscaflow_core::forecast::{ForecastQuery, forecast};
use fiscaflow_core::goals::progress_of_all;
use fiscaflow_core::insights::{InsightQuery, insights};
use fiscaflow_core::model::{
    Budget, Category, CategoryKind, Direction, Goal, GoalFunding, GoalState,
};
use fiscaflow_core::query::{ReportQuery, run};
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::{View, ViewBuilder};
use fiscaflow_core::{
    BudgetId, CategoryId, Currency, ErrorCode, GoalId, Money, Plan, Result, TransactionId,
};
use seeded::{account_id, day, plan};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

const MOST: u64 = 100_000;

fn euro(minor: i64) -> Money {
    Money::from_minor(minor, Currency::iso("EUR").unwrap())
}

fn food() -> CategoryId {
    CategoryId::new(Uuid::from_u128(1))
}

fn goal_id(number: u128) -> GoalId {
    GoalId::new(Uuid::from_u128(number))
}

fn goal(number: u128, funding: GoalFunding) -> Goal {
    Goal {
        id: goal_id(number),
        name: number.to_string(),
        target: euro(100_000_000),
        start: day("2026-03-10"),
        due: None,
        funding,
        state: GoalState::Active,
        milestones: vec![100],
    }
}

/// A book that spends on food in two days of March, so many times in all.
fn book(count: u64, payee: Option<&str>) -> (Plan, View) {
    let mut plan = plan();
    let name = "Food".to_owned();
    let category = Category { id: food(), name, kind: CategoryKind::Expense, parent_id: None };
    plan.categories.insert(food(), category);
    plan.accounts.get_mut(&account_id()).unwrap().opening_balance = euro(900_000_000);
    let mut rows = ViewBuilder::default();
    for number in 0..count {
        // One of them is unlike the others.
        let minor = if number == 0 { -90_000 } else { -100 };
        rows.add(&row(number, day("2026-03-10") + Days::new(number % 2), minor, payee));
    }
    (plan, rows.build())
}

fn row(number: u64, booking_date: NaiveDate, minor: i64, payee: Option<&str>) -> ColumnRow {
    ColumnRow {
        id: TransactionId::new(Uuid::from_u128(u128::from(number) + 100)),
        account_id: account_id(),
        booking_date,
        amount_minor: minor,
        category_id: Some(food()),
        payee: payee.map(str::to_owned),
        transfer: false,
        pending: false,
        counts: true,
        splits: Vec::new(),
        tags: Vec::new(),
        links: Links::default(),
    }
}

/// As many transactions that are linked to a goal.
fn linked(count: u64) -> View {
    let mut rows = ViewBuilder::default();
    let links = Links { goal_id: Some(goal_id(9)), schedule_id: None };
    for number in 0..count {
        rows.add(&ColumnRow { links, ..row(number, day("2026-03-10"), -100, None) });
    }
    rows.build()
}

fn budget() -> Budget {
    Budget {
        id: BudgetId::new(Uuid::from_u128(1)),
        name: "Food".to_owned(),
        category_ids: vec![food()],
        except_category_ids: Vec::new(),
        tags: Vec::new(),
        account_ids: Vec::new(),
        limit: euro(100_000_000),
        thresholds: vec![100],
        period: Default::default(),
        rollover: Default::default(),
        start: None,
        pending_counts: true,
    }
}

/// How many transactions the witnesses of an answer name.
fn named(answer: &Value) -> u64 {
    let of = |(name, it): (&String, &Value)| match it {
        Value::Object(witness) if name.ends_with("witness") => {
            u64::try_from(witness["ids"].as_array().unwrap().len()).unwrap()
        }
        it => named(it),
    };
    match answer {
        Value::Object(members) => members.iter().map(of).sum(),
        Value::Array(places) => places.iter().map(named).sum(),
        _ => 0,
    }
}

fn told(answer: Result<impl Serialize>) -> Result<u64> {
    answer.map(|it| named(&serde_json::to_value(it).unwrap()))
}

/// How many transactions rows name.
macro_rules! rows {
    ($rows:expr) => {
        $rows.map(|rows| rows.iter().map(|it| count(&it.witness)).sum::<usize>())
    };
}

fn count(witness: &Option<Witness>) -> usize {
    witness.as_ref().unwrap().ids.len()
}

/// What each figure of a book names, by its verb.
fn figures(plan: &Plan, view: &View) -> Vec<(&'static str, Result<usize>)> {
    let (witness, today) = (true, day("2026-03-31"));
    let told_at = Told { as_of: today, witness };
    let (budget, march) = (budget(), "2026-03".parse().unwrap());
    let spent = SpendingQuery { witness, ..Default::default() };
    let flows = CashFlowQuery { witness, ..Default::default() };
    let lay = BalancesQuery { witness, ..Default::default() };
    let worth = NetWorthQuery { witness, ..Default::default() };
    let report = ReportQuery { witness, ..Default::default() };
    let ahead = ForecastQuery { witness, as_of: Some(day("2026-03-09")), ..Default::default() };
    let mut figures = vec![
        ("spending", rows!(spending(plan, view, &spent))),
        ("cash_flow", rows!(cash_flow(plan, view, &flows))),
        ("balances", rows!(balances(plan, view, &lay))),
        ("net_worth", rows!(net_worth(plan, view, &worth))),
        ("report", rows!(run(plan, view, &report, today).map(|it| it.rows))),
        ("budgets.state", rows!(states(plan, view, &[&budget], today, told_at))),
        ("budgets.history", rows!(history(plan, view, &budget, (None, today), told_at))),
        ("envelopes", rows!(envelopes(plan, view, march, witness).map(|it| it.envelopes))),
        ("forecast", rows!(forecast(plan, view, &ahead, today).map(|it| it.days))),
    ];
    let account_ids = vec![account_id()];
    let fundings = [
        ("balances of a goal", GoalFunding::Balances { account_ids: account_ids.clone() }),
        ("contributions", GoalFunding::Contributions { account_ids }),
        ("envelope of a goal", GoalFunding::Envelope { category_id: food() }),
    ];
    for (name, funding) in fundings {
        let goal = goal(9, funding);
        figures.push((name, rows!(progress_of_all(plan, view, &[&goal], today, witness))));
    }
    figures
}

#[test]
fn an_answer_names_so_many_transactions_and_no_more() {
    // Holds: every figure names all of 100,000 transactions, and refuses 100,001.
    let (plan, mut view) = book(MOST, None);
    for (name, told) in figures(&plan, &view) {
        assert_eq!(told.unwrap(), usize::try_from(MOST).unwrap(), "{name}");
    }
    view.put(&row(MOST, day("2026-03-11"), -100, None));
    for (name, told) in figures(&plan, &view) {
        let error = told.expect_err(name);
        let at = if name == "report" { "by" } else { "witness" };
        assert_eq!((error.code(), error.at_field()), (ErrorCode::LimitExceeded, Some(at)));
    }
}

#[test]
fn a_payee_names_so_many_transactions_and_no_more() {
    // Holds: so does a payee, and what an unusual payment was compared with.
    for (count, most) in [(MOST, Ok(MOST)), (MOST + 1, Err(ErrorCode::LimitExceeded))] {
        let (plan, view) = book(count, Some("Shop"));
        let payees = TopPayeesQuery { witness: true, ..Default::default() };
        let odd = UnusualQuery { witness: true, ..Default::default() };
        let linked = linked(count);
        let out = goal(9, GoalFunding::Transactions { direction: Direction::Out });
        let today = day("2026-03-31");
        let goals = progress_of_all(&plan, &linked, &[&out], today, true);
        assert_eq!(told(goals).map_err(|it| it.code()), most);
        for it in [told(top_payees(&plan, &view, &payees)), told(unusual(&plan, &view, &odd))] {
            assert_eq!(it.map_err(|it| it.code()), most);
        }
    }
}

#[test]
fn rows_are_counted_together() {
    // Holds: what two budgets or two goals name counts together, and a first page counts all of its
    // parts: balance, net worth and the month's cash flow name every transaction once each.
    let (mut plan, mut view) = book(MOST / 2, None);
    let today = day("2026-03-31");
    let (budget, told_at) = (budget(), Told { as_of: today, witness: true });
    let funding = GoalFunding::Contributions { account_ids: vec![account_id()] };
    let goals = [goal(9, funding.clone()), goal(10, funding)];
    let two = |view: &View| {
        let goals: Vec<&Goal> = goals.iter().collect();
        let goals = progress_of_all(&plan, view, &goals, today, true);
        [told(states(&plan, view, &[&budget, &budget], today, told_at)), told(goals)]
    };
    for it in two(&view) {
        assert_eq!(it.unwrap(), MOST);
    }
    view.put(&row(MOST, day("2026-03-11"), -100, None));
    for it in two(&view) {
        assert_eq!(it.unwrap_err().code(), ErrorCode::LimitExceeded);
    }
    let page = |count: u64| {
        let (_, view) = book(count, None);
        let query = DashboardQuery { as_of: Some(today), witness: true };
        told(dashboard(&plan, &view, &query, today))
    };
    assert_eq!(page(MOST / 3).unwrap(), MOST / 3 * 3);
    assert_eq!(page(MOST / 3 + 1).unwrap_err().code(), ErrorCode::LimitExceeded);
    plan.budgets.insert(budget.id, budget.clone());
    let (_, view) = book(MOST / 4, None);
    let query = DashboardQuery { as_of: Some(today), witness: true };
    assert_eq!(told(dashboard(&plan, &view, &query, today)).unwrap(), MOST);
}

#[test]
fn what_was_found_names_no_more_either() {
    // Holds: what a finding comes from counts alike, and what no finding comes from does not.
    let today = day("2026-03-31");
    for (count, most) in [(MOST, true), (MOST + 1, false)] {
        let (mut plan, view) = book(count, None);
        let limit = euro(count as i64 * 100);
        plan.budgets.insert(budget().id, Budget { limit, ..budget() });
        let query = InsightQuery { as_of: Some(today), dismissed: false, witness: true };
        let it = told(insights(&plan, &view, &query, today)).map_err(|it| it.code());
        assert_eq!(it, if most { Ok(MOST) } else { Err(ErrorCode::LimitExceeded) });
    }
}

#[test]
fn a_forecast_names_what_can_be_summed() {
    // Holds: the balance is opening and witness; a day's expectation is its payments and its
    // witness; a payment of a stream is the middle one of those it names, one of a schedule names
    // none; the rest names what nobody expected.
    let (mut plan, mut view) = (plan(), View::new());
    plan.accounts.get_mut(&account_id()).unwrap().opening_balance = euro(500_000);
    let pay = |view: &mut View, number: u64, date: NaiveDate, minor: i64, payee: &str| {
        let row = row(number, date, minor, Some(payee));
        view.put(&row);
    };
    for month in 1..=8 {
        let date = format!("2026-{month:02}-05").parse().unwrap();
        pay(&mut view, month, date, -5_000 - i64::try_from(month * month).unwrap(), "Grid Co");
    }
    pay(&mut view, 50, day("2026-08-20"), -1_234, "Shop");
    pay(&mut view, 51, day("2026-09-03"), -777, "Cinema");
    pay(&mut view, 52, day("2026-09-03"), -223, "Museum");
    let schedule = json!({"id": Uuid::from_u128(7), "name": "Rent", "account_id": account_id(),
        "payee": "Landlord", "category_id": null, "amount": {"value": "-800.00", "currency": "EUR"},
        "tolerance_percent": 0, "recurrence": {"start": "2026-09-03", "unit": "months"},
        "tolerance_days": 3, "active": true});
    let schedule: fiscaflow_core::model::Schedule = serde_json::from_value(schedule).unwrap();
    plan.schedules.insert(schedule.id, schedule);
    let query = ForecastQuery { days: Some(10), witness: true, ..ForecastQuery::default() };
    let it = forecast(&plan, &view, &query, day("2026-08-31")).unwrap();
    let ids = |numbers: &[u64]| {
        let id = |number: &u64| TransactionId::new(Uuid::from_u128(u128::from(*number) + 100));
        numbers.iter().map(id).collect::<Vec<_>>()
    };
    let balance = it.witness.as_ref().unwrap();
    assert_eq!(
        (&balance.ids, &balance.opening),
        (&ids(&[1, 2, 3, 4, 5, 6, 7, 8, 50]), &vec![account_id()])
    );
    assert_eq!(it.rest_witness.as_ref().unwrap().ids, ids(&[50]));
    let third = &it.days[2];
    assert_eq!((third.date, third.expected), (day("2026-09-03"), euro(-81_000)));
    assert_eq!(third.witness.as_ref().unwrap().ids, ids(&[51, 52]));
    assert!(it.days[3].witness.as_ref().unwrap().ids.is_empty());
    let of = |at: usize| (it.payments[at].amount, it.payments[at].witness.as_ref().unwrap());
    assert_eq!((of(0).0, of(0).1.ids.as_slice()), (euro(-80_000), [].as_slice()));
    // Of the newest six, 5,009 to 5,064, the middle one nearer to nothing: that of May.
    assert_eq!((of(1).0, &of(1).1.ids), (euro(-5_025), &ids(&[3, 4, 5, 6, 7, 8])));
    let query = ForecastQuery { witness: false, ..query };
    let it = forecast(&plan, &view, &query, day("2026-08-31")).unwrap();
    assert_eq!(named(&serde_json::to_value(&it).unwrap()), 0);
    assert!(it.witness.is_none() && it.days[2].witness.is_none());
}
