//! Envelopes as pure figures: the table of automations over 24 months, what automations do when
//! money is short, and that no cent is lost whatever happens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use fiscaflow_core::budgets::{
    AutomationQuery, AutomationReport, EnvelopeMonth, Proposal, envelopes as state_of, propose,
};
use fiscaflow_core::model::{
    Account, AccountKind, Assigned, Assignment, Book, Category, CategoryKind, Envelope, Learning,
    NewEnvelope, Schedule,
};
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::View;
use fiscaflow_core::{
    AccountId, BookId, CategoryId, Currency, Money, Month, Plan, ScheduleId, TransactionId,
    parse_date,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

/// The category of income.
const SALARY: u128 = 99;

fn category(number: u128) -> CategoryId {
    CategoryId::new(Uuid::from_u128(number))
}

fn euro(minor: i64) -> Money {
    Money::from_minor(minor, Currency::iso("EUR").unwrap())
}

fn minor(text: &str) -> i64 {
    Money::parse(text, euro(0).currency()).unwrap().minor()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// A plan with so many categories of spending, salary, and accounts: 1 on budget, 2 a credit card
/// on budget, 3 a loan, 4 in yen.
fn plan(categories: u128, opening: i64) -> Plan {
    let mut plan = Plan::new(Book {
        id: BookId::new(Uuid::from_u128(1)),
        name: "Home".to_owned(),
        currency: euro(0).currency(),
        zone: "UTC".to_owned(),
        currencies: Vec::new(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        learning: Learning::default(),
    });
    for number in (1..=categories).chain([SALARY]) {
        let kind = if number == SALARY { CategoryKind::Income } else { CategoryKind::Expense };
        let (id, name) = (category(number), number.to_string());
        plan.categories.insert(id, Category { id, name, kind, parent_id: None });
    }
    use AccountKind::{Checking, CreditCard, Loan, Savings};
    for (number, kind) in (1_u128..).zip([Checking, CreditCard, Loan, Savings]) {
        let currency = if number == 4 { Currency::iso("JPY").unwrap() } else { euro(0).currency() };
        let opening = if number == 1 { opening } else { -700 };
        let account = Account {
            id: AccountId::new(Uuid::from_u128(number)),
            name: number.to_string(),
            kind,
            currency,
            opening_balance: Money::from_minor(opening, currency),
            number: None,
            bank_id: None,
            import_key: None,
            closed: false,
        };
        plan.accounts.insert(account.id, account);
    }
    // What the card owes is paid: only the first account counts in the examples.
    let card = AccountId::new(Uuid::from_u128(2));
    plan.accounts.get_mut(&card).unwrap().opening_balance = euro(0);
    plan
}

fn row(number: u128, date: NaiveDate, amount_minor: i64, of: Option<u128>) -> ColumnRow {
    ColumnRow {
        id: TransactionId::new(Uuid::from_u128(number)),
        account_id: AccountId::new(Uuid::from_u128(1)),
        booking_date: date,
        amount_minor,
        category_id: of.map(category),
        payee: None,
        transfer: false,
        pending: false,
        counts: true,
        splits: Vec::new(),
        tags: Vec::new(),
        links: Links::default(),
    }
}

/// Keeps an envelope as these members say.
fn keep(plan: &mut Plan, number: u128, mut members: Value) {
    members["category_id"] = json!(category(number));
    let new: NewEnvelope = serde_json::from_value(members).unwrap();
    let envelope = Envelope::from(new);
    plan.envelopes.insert(envelope.category_id, envelope);
}

fn assign(plan: &mut Plan, month: Month, number: u128, amount: Money) {
    let empty = Assignment { month, amounts: Vec::new(), held: euro(0) };
    let assignment = plan.assignments.entry(month).or_insert(empty);
    assignment.amounts.retain(|it| it.category_id != category(number));
    assignment.amounts.push(Assigned { category_id: category(number), amount });
}

/// What an assignment is after automations were applied.
fn apply(plan: &mut Plan, report: &AutomationReport) {
    for it in &report.proposals {
        let number = it.category_id.uuid().as_u128();
        assign(plan, report.month, number, it.amount);
    }
}

fn proposed(plan: &Plan, view: &View, text: &str, overwrite: bool) -> AutomationReport {
    let query = AutomationQuery { month: month(text), overwrite };
    let report = propose(plan, view, &query).unwrap();
    for it in &report.proposals {
        let asked: i64 = it.parts.iter().map(|part| part.asked.minor()).sum();
        assert_eq!(asked - it.beyond_cap.minor() - it.beyond_funds.minor(), it.amount.minor());
    }
    let given: i64 = report.proposals.iter().map(|it| it.amount.minor() - it.before.minor()).sum();
    assert_eq!(report.before.minor() - given, report.after.minor());
    report
}

fn given(report: &AutomationReport) -> Vec<i64> {
    report.proposals.iter().map(|it| it.amount.minor()).collect()
}

/// A block of the table: its name, what stands beside it, and its rows.
type Block<'a> = (&'a str, &'a str, Vec<Vec<&'a str>>);

fn blocks(table: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some((name, beside)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            blocks.push((name, beside.trim(), Vec::new()));
        } else {
            let cells = line.split('|').map(str::trim).collect();
            blocks.last_mut().unwrap().2.push(cells);
        }
    }
    blocks
}

/// The table of envelopes holds: over 24 months with overspending and refunds, automations assign,
/// envelopes hold, and what is to be budgeted is, what stands there.
#[test]
fn envelopes_are_those_of_the_table() {
    let mut plan = plan(9, minor("1000.00"));
    holds(&mut plan, include_str!("tables/envelopes.txt"), 9);
}

/// So does the one of amounts that are spent before their date, of schedules, of averages with an
/// increase, and of shares of what is left.
#[test]
fn schedules_fill_envelopes_as_the_table_says() {
    let mut plan = plan(10, minor("1000.00"));
    for (number, minor, days) in [
        (1, -60_000, json!({"start": "2025-06-15", "unit": "years"})),
        (2, -4_500, json!({"start": "2025-02-10", "unit": "months", "every": 3})),
        (3, -8_000, json!({"start": "2025-01-31", "unit": "months"})),
        (4, -2_000, json!({"start": "2025-01-03", "unit": "weeks"})),
    ] {
        expect(&mut plan, number, minor, days);
    }
    holds(&mut plan, include_str!("tables/automations.txt"), 10);
}

/// Adds a schedule to a plan.
fn expect(plan: &mut Plan, number: u128, minor: i64, days: Value) {
    let schedule = Schedule {
        id: ScheduleId::new(Uuid::from_u128(number)),
        name: number.to_string(),
        account_id: AccountId::new(Uuid::from_u128(1)),
        payee: None,
        category_id: None,
        amount: euro(minor),
        tolerance_percent: 0,
        recurrence: serde_json::from_value(days).unwrap(),
        tolerance_days: 3,
        active: true,
    };
    plan.schedules.insert(schedule.id, schedule);
}

fn holds(plan: &mut Plan, table: &str, envelopes: usize) {
    let blocks = blocks(table);
    let (total, kept) = blocks.split_last().unwrap();
    assert_eq!((kept.len(), total.2.len()), (envelopes, 24));
    let (mut view, mut count) = (View::new(), 0);
    let mut put = |month: &str, amount: i64, of: u128| {
        count += 1;
        let day = parse_date(&format!("{month}-28")).unwrap();
        view.put(&row(count, day, amount, Some(of)));
    };
    for (number, (_, members, rows)) in (1..).zip(kept) {
        keep(plan, number, serde_json::from_str(members).unwrap());
        rows.iter().for_each(|row| put(row[0], -minor(row[1]), number));
    }
    total.2.iter().for_each(|row| put(row[0], minor(row[1]), SALARY));
    for text in ["2025-01", "2025-02"] {
        let Some(copied) = kept.iter().position(|(name, ..)| *name == "copy") else { continue };
        let by_hand = kept[copied].2.iter().find(|row| row[0] == text).unwrap()[2];
        let number = u128::try_from(copied + 1).unwrap();
        assign(plan, month(text), number, euro(minor(by_hand)));
    }
    for (at, row) in total.2.iter().enumerate() {
        let report = proposed(plan, &view, row[0], false);
        apply(plan, &report);
        let state = state_of(plan, &view, month(row[0]), false).unwrap();
        for (envelope, (name, _, rows)) in state.envelopes.iter().zip(kept) {
            let row = &rows[at];
            assert_eq!(envelope.assigned, euro(minor(row[2])), "{name} {}", row[0]);
            assert_eq!(envelope.activity, euro(-minor(row[1])), "{name} {}", row[0]);
            assert_eq!(envelope.available, euro(minor(row[3])), "{name} {}", row[0]);
        }
        let told = [state.income, state.overspent_before, state.assigned, state.to_be_budgeted];
        let expected = [row[1], row[2], row[3], row[4]].map(|cell| euro(minor(cell)));
        assert_eq!(told, expected, "{}", row[0]);
    }
}

fn fixed(priority: u32, amount: &str) -> Value {
    json!({"priority": priority, "rule": {"kind": "fixed", "amount": amount}})
}

fn filled_by(automations: &[Value]) -> Value {
    json!({"carries_deficit_from": null, "cap": null, "automations": automations})
}

/// Turn 0 takes what it asks for; later turns take what is there, lower numbers and then lower
/// categories first, and what was withheld is told.
#[test]
fn later_turns_take_what_is_there() {
    let mut plan = plan(4, 10_000);
    keep(&mut plan, 1, filled_by(&[fixed(2, "50.00")]));
    keep(&mut plan, 2, filled_by(&[fixed(0, "30.00"), fixed(1, "20.00")]));
    keep(&mut plan, 3, filled_by(&[fixed(1, "25.00")]));
    keep(&mut plan, 4, filled_by(&[fixed(2, "1.00")]));
    let report = proposed(&plan, &View::new(), "2026-03", false);
    assert_eq!(given(&report), [2_500, 5_000, 2_500, 0]);
    assert_eq!((report.after, report.proposals[0].beyond_funds), (euro(0), euro(2_500)));
    keep(&mut plan, 2, filled_by(&[fixed(0, "300.00")]));
    let report = proposed(&plan, &View::new(), "2026-03", false);
    assert_eq!(given(&report), [0, 30_000, 0, 0]);
    assert_eq!(report.after, euro(-20_000));
}

/// What is left is shared by weight to the last cent; what a full envelope leaves the others share.
#[test]
fn the_remainder_is_shared_by_weight() {
    let remainder = |weight: u32| json!({"rule": {"kind": "remainder", "weight": weight}});
    let mut plan = plan(4, 10_001);
    keep(&mut plan, 1, filled_by(&[remainder(1)]));
    keep(&mut plan, 2, filled_by(&[fixed(0, "1.00"), remainder(2)]));
    keep(&mut plan, 4, filled_by(&[fixed(1, "9.00")]));
    let view = View::new();
    let report = proposed(&plan, &view, "2026-03", false);
    assert_eq!(given(&report), [3_000, 6_101, 900]);
    keep(
        &mut plan,
        3,
        json!({"carries_deficit_from": null, "cap": "10.00",
        "automations": [remainder(3)]}),
    );
    let report = proposed(&plan, &view, "2026-03", false);
    assert_eq!(given(&report), [2_667, 5_434, 1_000, 900]);
    assert_eq!(report.after, euro(0));
}

/// Automations by date share what lies in the envelope: what is needed first in full, of what is
/// needed later the part that is due by then. One whose date is past asks for nothing.
#[test]
fn dates_share_what_lies_in_the_envelope() {
    let by = |amount: &str, month: &str, repeat: Option<u32>| {
        let rule = json!({"kind": "by_date", "amount": amount, "month": month,
            "repeat_months": repeat});
        json!({"rule": rule})
    };
    let ask = |automations: &[Value]| {
        let mut plan = plan(1, 0);
        assign(&mut plan, month("2026-02"), 1, euro(3_000));
        keep(&mut plan, 1, filled_by(automations));
        given(&proposed(&plan, &View::new(), "2026-03", false))[0]
    };
    // 90 by May, 30 there: 60 in three months.
    assert_eq!(ask(&[by("90.00", "2026-05", None)]), 2_000);
    // And 120 by February after, 12 months away: 30 of it by May.
    assert_eq!(ask(&[by("120.00", "2027-02", None), by("90.00", "2026-05", None)]), 3_000);
    // Needed again each year, last in the August before: 9 of 12 months by May, 90 of it.
    let yearly = by("120.00", "2025-08", Some(12));
    assert_eq!(ask(&[by("90.00", "2026-05", None), yearly]), (9_000 + 9_000 - 3_000) / 3);
    assert_eq!(ask(&[by("90.00", "2026-02", None)]), 0);
    assert_eq!(ask(&[by("10.00", "2026-05", None)]), 0);
}

/// Automations by date of one envelope ask once, in the turn of the first of them, whatever the
/// turns of the others are.
#[test]
fn dates_have_one_turn() {
    let by = |priority: u32, month: &str| {
        let rule = json!({"kind": "by_date", "amount": "90.00", "month": month});
        json!({"priority": priority, "rule": rule})
    };
    let mut plan = plan(1, 100_000);
    keep(&mut plan, 1, filled_by(&[by(3, "2026-05"), by(1, "2026-05"), by(2, "2026-05")]));
    let report = proposed(&plan, &View::new(), "2026-03", false);
    assert_eq!(given(&report), [9_000]);
    assert_eq!(report.proposals[0].parts.len(), 1);
    assert_eq!(report.proposals[0].parts[0].automation, 1);
}

/// What is asked for is increased or lowered by a share or an amount, and never below zero; a
/// schedule that is not active, is over, or brings money in asks for nothing.
#[test]
fn what_is_asked_for_can_be_increased() {
    let mut plan = plan(1, 100_000);
    let mut view = View::new();
    for (number, (text, amount)) in
        (1..).zip([("2025-12-05", 4_000), ("2026-01-05", 5_000), ("2026-02-05", 6_000)])
    {
        view.put(&row(number, parse_date(text).unwrap(), -amount, Some(1)));
    }
    let ask = |plan: &mut Plan, mut rule: Value, further: Value| {
        rule.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        keep(plan, 1, filled_by(&[json!({"rule": rule})]));
        given(&proposed(plan, &view, "2026-03", false))[0]
    };
    let average = || json!({"kind": "average", "months": 3});
    for (further, asked) in [
        (json!({}), 5_000),
        (json!({"increase_percent": "20"}), 6_000),
        (json!({"increase_percent": "-10"}), 4_500),
        (json!({"increase_amount": "11"}), 6_100),
        (json!({"increase_amount": "-1"}), 4_900),
        (json!({"increase_amount": "-51"}), 0),
    ] {
        assert_eq!(ask(&mut plan, average(), further), asked);
    }
    let monthly = json!({"start": "2026-01-31", "unit": "months"});
    expect(&mut plan, 1, -10_000, monthly.clone());
    expect(&mut plan, 2, 10_000, monthly);
    expect(&mut plan, 3, -10_000, json!({"start": "2026-01-31", "unit": "months", "count": 2}));
    let of = |number: u128| json!({"kind": "schedule", "schedule_id": Uuid::from_u128(number)});
    assert_eq!(ask(&mut plan, of(1), json!({"increase_percent": "-25"})), 7_500);
    assert_eq!(ask(&mut plan, of(2), json!({})), 0);
    assert_eq!(ask(&mut plan, of(3), json!({})), 0);
    assert_eq!(ask(&mut plan, of(4), json!({})), 0);
    plan.schedules.get_mut(&ScheduleId::new(Uuid::from_u128(1))).unwrap().active = false;
    assert_eq!(ask(&mut plan, of(1), json!({})), 0);
}

/// An envelope that was assigned something is left alone, unless it is to be filled anew; then what
/// it had counts as to be budgeted.
#[test]
fn what_was_assigned_by_hand_stays() {
    let mut plan = plan(2, 10_000);
    keep(&mut plan, 1, filled_by(&[fixed(1, "80.00")]));
    keep(&mut plan, 2, filled_by(&[fixed(1, "40.00")]));
    assign(&mut plan, month("2026-03"), 1, euro(7_000));
    let view = View::new();
    assert_eq!(given(&proposed(&plan, &view, "2026-03", false)), [3_000]);
    let report = proposed(&plan, &view, "2026-03", true);
    assert_eq!((given(&report), report.proposals[0].before), (vec![8_000, 2_000], euro(7_000)));
}

fn any_row() -> impl Strategy<Value = ColumnRow> {
    let of = || prop::option::of(prop::sample::select(vec![1_u128, 2, 3, SALARY]));
    let splits = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((of(), -9_000_i64..9_000), 2..4),
    ];
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.9));
    ((1_u128..=4, 0_u64..300, -20_000_i64..20_000), of(), flags, splits).prop_map(
        |((account, days, minor), of, (transfer, pending, counts), splits)| {
            let date = parse_date("2026-01-15").unwrap() + Days::new(days);
            let splits: Vec<_> =
                splits.into_iter().map(|(of, minor)| (of.map(category), minor)).collect();
            let whole = splits.iter().map(|(_, minor)| minor).sum();
            let account_id = AccountId::new(Uuid::from_u128(account));
            let amount_minor = if splits.is_empty() { minor } else { whole };
            let base = row(0, date, amount_minor, of);
            ColumnRow { account_id, transfer, pending, counts, splits, ..base }
        },
    )
}

/// What lies in the accounts on budget at the end of a month, summed up row by row.
fn money(plan: &Plan, rows: &[ColumnRow], month: Month) -> i64 {
    let on_budget = [1, 2].map(|number| AccountId::new(Uuid::from_u128(number)));
    let opening: i64 = on_budget.iter().map(|id| plan.accounts[id].opening_balance.minor()).sum();
    let rows = rows.iter().filter(|row| row.counts && on_budget.contains(&row.account_id));
    let moved = rows.filter(|row| row.booking_date <= month.last_day());
    opening + moved.map(|row| row.amount_minor).sum::<i64>()
}

fn adds_up(plan: &Plan, rows: &[ColumnRow], state: &EnvelopeMonth) -> Result<(), TestCaseError> {
    let sum = |part: fn(&fiscaflow_core::budgets::EnvelopeState) -> Money| {
        state.envelopes.iter().map(|it| part(it).minor()).sum::<i64>()
    };
    let available = sum(|it| it.available);
    let all = available + state.to_be_budgeted.minor() + state.held.minor();
    prop_assert_eq!(all, money(plan, rows, state.month));
    prop_assert_eq!((state.money.minor(), state.available.minor()), (all, available));
    prop_assert_eq!(sum(|it| it.assigned), state.assigned.minor());
    let came = state.income.minor() + state.uncategorised.minor() + state.transferred.minor();
    let had = state.carried_in.minor() + state.overspent_before.minor() + came;
    let left = state.to_be_budgeted.minor() + state.assigned.minor() + state.held.minor();
    prop_assert_eq!(had, left);
    for it in &state.envelopes {
        let parts = it.carried_in.minor() + it.assigned.minor() + it.activity.minor();
        prop_assert_eq!(parts, it.available.minor());
        let witness = it.witness.clone().unwrap().ids;
        let rows = rows.iter().filter(|row| witness.contains(&row.id));
        let lines = rows.flat_map(|row| {
            let whole = vec![(row.category_id, row.amount_minor)];
            if row.splits.is_empty() { whole } else { row.splits.clone() }
        });
        let of = lines.filter(|(of, _)| *of == Some(it.category_id)).map(|(_, minor)| minor);
        prop_assert_eq!(of.sum::<i64>(), it.activity.minor());
    }
    Ok(())
}

proptest! {
    /// No cent is lost: at every month's end, available, held and to be budgeted are what lies in
    /// the accounts on budget, whatever was recorded, assigned, held and carried; each envelope's
    /// activity is the sum of its witness; and what one month leaves the next begins with.
    #[test]
    fn no_cent_is_lost(
        rows in prop::collection::vec(any_row(), 0..40),
        opening in -5_000_i64..50_000,
        assigned in prop::collection::btree_map((0_u32..12, 1_u128..=3), -3_000_i64..9_000, 0..20),
        held in prop::collection::btree_map(0_u32..12, 0_i64..9_000, 0..4),
        carries in prop::collection::btree_map(1_u128..=3, 0_u32..12, 0..3),
    ) {
        let mut plan = plan(3, opening);
        let at = |back: u32| month("2026-12").back(back);
        for ((back, number), minor) in assigned {
            assign(&mut plan, at(back), number, euro(minor));
        }
        for (back, minor) in held {
            let empty = Assignment { month: at(back), amounts: Vec::new(), held: euro(0) };
            plan.assignments.entry(at(back)).or_insert(empty).held = euro(minor);
        }
        for (number, back) in carries {
            let members = json!({"carries_deficit_from": at(back), "cap": null});
            keep(&mut plan, number, members);
        }
        let rows: Vec<ColumnRow> = (1..)
            .zip(rows)
            .map(|(number, it)| ColumnRow { id: TransactionId::new(Uuid::from_u128(number)), ..it })
            .collect();
        let mut view = View::new();
        rows.iter().for_each(|row| view.put(row));
        let mut before: Option<BTreeMap<CategoryId, i64>> = None;
        for back in (0..13).rev() {
            let state = state_of(&plan, &view, at(back), true).unwrap();
            adds_up(&plan, &rows, &state)?;
            for it in &state.envelopes {
                let left = before.as_ref().map_or(0, |before| before[&it.category_id]);
                let carried = it.carried_in.minor();
                prop_assert!(carried == left || (left < 0 && carried == 0));
            }
            let left = state.envelopes.iter().map(|it| (it.category_id, it.available.minor()));
            before = Some(left.collect());
        }
    }
}

/// An amount by date of the twin: how much, the months in which it is needed, ascending, and since
/// which month before the first of them it is spent.
struct Needed {
    minor: i64,
    months: Vec<Month>,
    spent_from: Option<Month>,
}

/// The twin's month so many later.
fn ahead(month: Month, months: u32) -> Month {
    (0..months).fold(month, |month, _| month.next())
}

/// What the twin lays by in a month: it walks through all months before, and keeps what was spent
/// since an amount is spent early.
fn laid_by_twin(
    now: Month,
    needed: &[Needed],
    assigned: &BTreeMap<Month, i64>,
    spent: &BTreeMap<Month, i64>,
) -> i64 {
    let coming: Vec<(&Needed, Month)> = needed
        .iter()
        .filter_map(|it| Some((it, *it.months.iter().find(|month| **month >= now)?)))
        .collect();
    let Some(first) = coming.iter().map(|(_, month)| *month).min() else { return 0 };
    let early = coming.iter().filter_map(|(it, month)| {
        let from = it.spent_from?;
        let before = it.months.iter().position(|it| it == month).unwrap();
        let repeat = it.months.first()?.until(it.months[before]);
        let from = ahead(from, u32::try_from(repeat).unwrap());
        // What was assigned and spent up to the last time was for that.
        let last = before.checked_sub(1).map(|at| it.months[at].next());
        Some(last.map_or(from, |last| last.max(from)))
    });
    let early = early.filter(|from| *from < now).min();
    let (mut pot, mut month) = (0, now.back(30));
    while month < now {
        let keeps = early.is_some_and(|from| month >= from);
        pot += assigned.get(&month).unwrap_or(&0);
        pot -= if keeps { 0 } else { *spent.get(&month).unwrap_or(&0) };
        // What is overspent is made good by what is to be budgeted.
        pot = if keeps { pot } else { pot.max(0) };
        month = month.next();
    }
    let parts = |from: Month, to: Month| i128::from(from.until(to)) + 1;
    let needed: i128 = coming
        .iter()
        .map(|(it, month)| {
            let minor = i128::from(it.minor);
            let next = it.months.iter().find(|it| *it > month);
            match next {
                _ if *month == first => minor,
                // So many of the months since it was needed last have come by the first date.
                Some(next) => {
                    let all = parts(*month, *next) - 1;
                    half_even(minor * (all - parts(first, *month) + 1).max(0), all)
                }
                None => half_even(minor * parts(now, first), parts(now, *month)),
            }
        })
        .sum();
    let asked = half_even(needed - i128::from(pot), parts(now, first));
    i64::try_from(asked.max(0)).unwrap()
}

/// An amount, in how many months it is needed, after how many again, and how early it is spent: so
/// that an engine keeps it, after the last time.
fn amount_by_date() -> impl Strategy<Value = (i64, u32, Option<u32>, Option<u32>)> {
    let early = prop::option::of(0_u32..6);
    (1_i64..90_000, 0_u32..30, prop::option::of(1_u32..15), early).prop_map(
        |(minor, at, repeat, early)| {
            let most = repeat.map_or(u32::MAX, |repeat| repeat - 1);
            (minor, at, repeat, early.map(|early| early.min(most)))
        },
    )
}

fn half_even(number: i128, by: i128) -> i128 {
    let twice = (2 * number).div_euclid(by);
    let is_half = (2 * number).rem_euclid(by) == 0 && twice % 2 != 0;
    let floor = number.div_euclid(by);
    if is_half { floor + floor.rem_euclid(2) } else { (2 * number + by).div_euclid(2 * by) }
}

proptest! {
    /// What automations by date and schedules ask for together, early spending too, is what the
    /// twin finds by walking through the months.
    #[test]
    fn dates_are_recomputed_from_nothing(
        amounts in prop::collection::vec(amount_by_date(), 0..4),
        bills in prop::collection::vec((1_i64..90_000, 0_u32..30, 1_u32..15), 0..2),
        flows in prop::collection::vec((0_i64..9_000, 0_i64..12_000), 14),
    ) {
        let now = month("2026-03");
        let (mut plan, mut view) = (plan(1, 0), View::new());
        let (mut assigned, mut spent) = (BTreeMap::new(), BTreeMap::new());
        for (ago, (given, minor)) in (1..).zip(flows) {
            let month = now.back(ago);
            assign(&mut plan, month, 1, euro(given));
            view.put(&row(u128::from(ago), month.first_day(), -minor, Some(1)));
            assigned.insert(month, given);
            spent.insert(month, minor);
        }
        let (mut automations, mut needed) = (Vec::new(), Vec::new());
        for (minor, at, repeat, early) in amounts {
            let month = ahead(now.back(10), at);
            let spent_from = early.map(|early| month.back(early));
            let rule = json!({"kind": "by_date", "amount": euro(minor).amount(), "month": month,
                "repeat_months": repeat, "spend_from": spent_from});
            automations.push(json!({"rule": rule}));
            let again = |turn: u32| ahead(month, turn * repeat.unwrap_or(0));
            let months = (0..if repeat.is_some() { 60 } else { 1 }).map(again).collect();
            needed.push(Needed { minor, months, spent_from });
        }
        for (number, (minor, at, every)) in (1_u128..).zip(bills) {
            let month = ahead(now.back(10), at);
            let days = json!({"start": month.first_day(), "unit": "months", "every": every});
            expect(&mut plan, number, -minor, days);
            let rule = json!({"kind": "schedule", "schedule_id": Uuid::from_u128(number)});
            automations.push(json!({"rule": rule}));
            let months = (0..60).map(|turn| ahead(month, turn * every)).collect();
            needed.push(Needed { minor, months, spent_from: None });
        }
        if automations.is_empty() {
            return Ok(());
        }
        keep(&mut plan, 1, filled_by(&automations));
        let told = given(&proposed(&plan, &view, "2026-03", false));
        prop_assert_eq!(told, [laid_by_twin(now, &needed, &assigned, &spent)]);
    }
}

/// The shape of a proposal in JSON, member by member.
#[test]
fn a_proposal_says_why() {
    let mut plan = plan(1, 5_000);
    let members = json!({"carries_deficit_from": null, "cap": "60.00",
        "automations": [fixed(1, "40.00"), fixed(2, "40.00")]});
    keep(&mut plan, 1, members);
    let report = proposed(&plan, &View::new(), "2026-03", false);
    let proposal: &Proposal = &report.proposals[0];
    let money = |value: &str| json!({"value": value, "currency": "EUR"});
    let expected = json!({"category_id": category(1), "before": money("0.00"),
        "amount": money("50.00"), "beyond_cap": money("20.00"), "beyond_funds": money("10.00"),
        "parts": [{"automation": 0, "asked": money("40.00")},
            {"automation": 1, "asked": money("40.00")}]});
    assert_eq!(serde_json::to_value(proposal).unwrap(), expected);
}
