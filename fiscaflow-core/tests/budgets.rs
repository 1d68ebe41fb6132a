//! Budgets as pure figures: the rollover table, and a twin that knows no periods but goes through
//! all lines again for each figure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use fiscaflow_core::budgets::{BudgetState, Told, history, states};
use fiscaflow_core::calendar::{CalendarUnit, DateRange, Period};
use fiscaflow_core::model::{
    Account, AccountKind, Book, Budget, Carry, Category, CategoryKind, Learning, Rollover,
};
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::View;
use fiscaflow_core::{
    AccountId, Amount, BookId, BudgetId, CategoryId, Currency, Money, Plan, TransactionId,
    parse_date,
};
use proptest::prelude::*;
use uuid::Uuid;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn day(text: &str) -> NaiveDate {
    parse_date(text).unwrap()
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn euro(minor: i64) -> Money {
    Money::from_minor(minor, Currency::iso("EUR").unwrap())
}

/// Categories by number: 1 food, 2 sweets below it, 3 fun, 4 salary.
const PARENTS: [Option<u128>; 5] = [None, None, Some(1), None, None];
/// Accounts by number: 1 and 2 in euro, 3 in yen.
const ACCOUNTS: [&str; 4] = ["EUR", "EUR", "EUR", "JPY"];

fn plan() -> Plan {
    let mut plan = Plan::new(Book {
        id: BookId::new(id(1)),
        name: "Home".to_owned(),
        currency: Currency::iso("EUR").unwrap(),
        zone: "Europe/Vienna".to_owned(),
        currencies: Vec::new(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        learning: Learning::default(),
    });
    for (number, parent) in (0..).zip(PARENTS).skip(1) {
        let category = Category {
            id: CategoryId::new(id(number)),
            name: number.to_string(),
            kind: if number == 4 { CategoryKind::Income } else { CategoryKind::Expense },
            parent_id: parent.map(|parent| CategoryId::new(id(parent))),
        };
        plan.categories.insert(category.id, category);
    }
    for (number, code) in (0..).zip(ACCOUNTS).skip(1) {
        let currency = Currency::iso(code).unwrap();
        let account = Account {
            id: AccountId::new(id(number)),
            name: number.to_string(),
            kind: AccountKind::Checking,
            currency,
            opening_balance: Money::zero(currency),
            number: None,
            bank_id: None,
            import_key: None,
            closed: false,
        };
        plan.accounts.insert(account.id, account);
    }
    plan
}

fn budget(period: Period, rollover: Rollover) -> Budget {
    Budget {
        id: BudgetId::new(id(1)),
        name: "Food".to_owned(),
        category_ids: vec![CategoryId::new(id(1))],
        except_category_ids: Vec::new(),
        tags: Vec::new(),
        account_ids: Vec::new(),
        limit: euro(10_000),
        thresholds: vec![80, 100],
        period,
        rollover,
        start: Some(day("2025-01-01")),
        pending_counts: true,
    }
}

fn spending(number: u128, date: NaiveDate, minor: i64) -> ColumnRow {
    ColumnRow {
        id: TransactionId::new(id(number)),
        account_id: AccountId::new(id(1)),
        booking_date: date,
        amount_minor: -minor,
        category_id: Some(CategoryId::new(id(1))),
        payee: None,
        transfer: false,
        pending: false,
        counts: true,
        splits: Vec::new(),
        tags: Vec::new(),
        links: Links::default(),
    }
}

fn told(as_of: &str) -> Told {
    Told { as_of: day(as_of), witness: true }
}

fn rollover_named(name: &str) -> Rollover {
    let carry = match name {
        "nothing" => Carry::Nothing,
        "surplus" | "surplus-capped" => Carry::Surplus,
        "deficit" => Carry::Deficit,
        _ => Carry::Both,
    };
    Rollover {
        carry,
        cap: name.ends_with("capped").then(|| amount("50.00")),
        reset_every: (name == "reset-5").then_some(5),
        reset_yearly: name == "reset-yearly",
    }
}

/// The table of rollovers holds: over 24 months of either sign, each policy carries into each month
/// what stands there, and what remains is limit and carry less what was spent.
#[test]
fn rollovers_are_those_of_the_table() {
    holds(include_str!("tables/rollover.txt"), 1);
}

/// So does the one of refunds: each lowers what was spent in the month in which it comes.
#[test]
fn refunds_are_those_of_the_table() {
    holds(include_str!("tables/refunds.txt"), 2);
}

/// Holds a table against histories: its first columns, so many after the month, are what was bought
/// and what came back, the others what each policy carries.
fn holds(table: &str, columns: usize) {
    let mut rows = table.lines().filter(|line| !line.starts_with('#'));
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let policies = cells(rows.next().unwrap())[columns + 1..].to_vec();
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert_eq!((rows.len(), policies.len()), (24, 8));
    let minor = |cell: &str| Money::from_amount(amount(cell), euro(0).currency()).unwrap().minor();
    let moved = |row: &[String]| {
        let back = if columns == 2 { minor(&row[2]) } else { 0 };
        [minor(&row[1]), -back]
    };
    let mut view = View::new();
    for (number, row) in (0..).zip(&rows) {
        for (part, (minor, on)) in (1..).zip(moved(row).into_iter().zip(["15", "20"])) {
            let date = day(&format!("{}-{on}", row[0]));
            view.put(&spending(number * 2 + part, date, minor));
        }
    }
    for (at, policy) in policies.iter().enumerate() {
        let budget = budget(Period::default(), rollover_named(policy));
        let span = (None, day("2026-12-31"));
        let chain = history(&plan(), &view, &budget, span, told("2026-12-31")).unwrap();
        assert_eq!(chain.len(), 24);
        for (state, row) in chain.iter().zip(&rows) {
            let carried = minor(&row[at + columns + 1]);
            let spent: i64 = moved(row).iter().sum();
            assert_eq!(state.carried_in, euro(carried), "{policy} {}", row[0]);
            assert_eq!(state.spent, euro(spent), "{policy} {}", row[0]);
            assert_eq!(state.remaining, euro(10_000 + carried - spent));
        }
    }
}

/// Pace counts days: on the 10th of a month of 30 a third of the limit is expected, and what the
/// days so far took is projected over all.
#[test]
fn pace_and_projection_count_days() {
    let mut view = View::new();
    view.put(&spending(1, day("2026-04-03"), 4_000));
    view.put(&spending(2, day("2026-04-20"), 1_000));
    let budget = budget(Period::default(), Rollover::default());
    let told = |as_of| {
        let told = Told { as_of: day(as_of), witness: false };
        states(&plan(), &view, &[&budget], day("2026-04-30"), told).unwrap().remove(0)
    };
    let tenth = told("2026-04-10");
    assert_eq!((tenth.days, tenth.days_passed), (30, 10));
    assert_eq!((tenth.expected, tenth.ahead), (euro(3_333), euro(667)));
    assert_eq!((tenth.projected, tenth.spent), (Some(euro(12_000)), euro(5_000)));
    assert_eq!(tenth.used_percent, Some(amount("50.0")));
    let before = told("2026-03-31");
    assert_eq!((before.days_passed, before.expected, before.projected), (0, euro(0), None));
    let later = told("2027-01-01");
    assert_eq!((later.days_passed, later.ahead), (30, euro(-5_000)));
    assert_eq!(later.projected, Some(later.spent));
}

/// What the bank has not booked is reserved: it counts as used unless the budget says otherwise,
/// and is told apart either way.
#[test]
fn pending_is_reserved() {
    let mut view = View::new();
    view.put(&spending(1, day("2026-04-03"), 4_000));
    view.put(&ColumnRow { pending: true, ..spending(2, day("2026-04-04"), 7_000) });
    let mut budget = budget(Period::default(), Rollover::default());
    for (counts, remaining, reached) in [(true, -1_000, vec![80, 100]), (false, 6_000, vec![])] {
        budget.pending_counts = counts;
        let found = states(&plan(), &view, &[&budget], day("2026-04-01"), told("2026-04-30"));
        let state = found.unwrap().remove(0);
        assert_eq!((state.spent, state.reserved), (euro(4_000), euro(7_000)));
        assert_eq!((state.remaining, state.reached), (euro(remaining), reached));
        assert_eq!(state.witness.unwrap().ids.len(), if counts { 2 } else { 1 });
    }
}

/// Where a deficit leaves nothing, there is no percentage, and the first cent reaches everything.
#[test]
fn without_anything_available_whatever_is_used_is_too_much() {
    let mut view = View::new();
    view.put(&spending(1, day("2025-01-03"), 30_000));
    let rollover = Rollover { carry: Carry::Both, ..Rollover::default() };
    let budget = budget(Period::default(), rollover);
    let february = |view: &View| {
        let told = told("2025-02-28");
        states(&plan(), view, &[&budget], day("2025-02-01"), told).unwrap().remove(0)
    };
    let state = february(&view);
    assert_eq!((state.carried_in, state.remaining), (euro(-20_000), euro(-10_000)));
    assert_eq!((state.used_percent, state.reached.len()), (None, 0));
    view.put(&spending(2, day("2025-02-03"), 1));
    assert_eq!(february(&view).reached, [80, 100]);
    assert!(
        states(&plan(), &view, &[&budget], day("2024-12-31"), told("2025-01-01"))
            .unwrap()
            .is_empty()
    );
}

/// An answer has at most a thousand periods, and exactly that many are told.
#[test]
fn a_history_has_an_end() {
    let budget = budget(
        Period::Every { count: 1, unit: CalendarUnit::Days, anchor: day("2025-01-01") },
        Rollover { carry: Carry::Both, ..Rollover::default() },
    );
    let days = |days: u64| {
        let to = day("2025-01-01") + Days::new(days - 1);
        history(&plan(), &View::new(), &budget, (None, to), told("2025-01-01"))
    };
    let most = days(1_000).unwrap();
    assert_eq!(most.len(), 1_000);
    assert_eq!(most[999].carried_in, euro(9_990_000));
    assert_eq!(days(1_001).unwrap_err().code().as_str(), "limit_exceeded");
}

fn any_budget() -> impl Strategy<Value = Budget> {
    let carry =
        prop::sample::select(vec![Carry::Nothing, Carry::Surplus, Carry::Deficit, Carry::Both]);
    let rollover = (carry, prop::option::of(0_u32..200), prop::option::of(1_u32..5), any::<bool>())
        .prop_map(|(carry, cap, reset_every, reset_yearly)| {
            let cap = cap.map(|cap| amount(&cap.to_string()));
            Rollover { carry, cap, reset_every, reset_yearly }
        });
    let period = prop_oneof![
        Just(Period::default()),
        (1_u32..=31).prop_map(|start_day| Period::Months { start_day }),
        (1_u32..20).prop_map(|count| Period::Every {
            count,
            unit: CalendarUnit::Days,
            anchor: day("2025-02-03"),
        }),
        Just(Period::SemiMonths { first_day: 15, second_day: 31 }),
        Just(Period::Quarters { start_month: 2 }),
    ];
    let some = |most: u128| prop::collection::vec(1..=most, 0..3);
    let scope = (some(3), some(4), prop::collection::vec("[ab]", 0..2), some(3));
    (period, rollover, scope, 1_i64..20_000, any::<bool>()).prop_map(
        |(period, rollover, (categories, except, tags, accounts), limit, pending_counts)| Budget {
            category_ids: categories
                .into_iter()
                .map(|number| CategoryId::new(id(number)))
                .collect(),
            except_category_ids: except.into_iter().map(|n| CategoryId::new(id(n))).collect(),
            account_ids: accounts.into_iter().map(|number| AccountId::new(id(number))).collect(),
            tags,
            limit: euro(limit),
            pending_counts,
            ..budget(period, rollover)
        },
    )
}

fn any_row() -> impl Strategy<Value = ColumnRow> {
    let category = || prop::option::of((1_u128..=4).prop_map(|number| CategoryId::new(id(number))));
    let splits = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((category(), -9_000_i64..9_000), 2..4),
    ];
    let flags = (prop::bool::weighted(0.1), prop::bool::weighted(0.2), prop::bool::weighted(0.9));
    let tags = prop::collection::vec("[abc]", 0..3);
    let head = (1_u128..=3, 0_u64..500, -20_000_i64..9_000);
    (head, category(), flags, splits, tags).prop_map(
        |((account, days, minor), category_id, (transfer, pending, counts), splits, tags)| {
            let account_id = AccountId::new(id(account));
            let date = day("2024-11-01") + Days::new(days);
            let base = spending(0, date, -minor);
            ColumnRow { account_id, category_id, transfer, pending, counts, splits, tags, ..base }
        },
    )
}

/// The twin's parts of a row that a budget counts: what each took, in minor units.
fn parts(budget: &Budget, row: &ColumnRow) -> Vec<i64> {
    let whole = vec![(row.category_id, row.amount_minor)];
    let parts = if row.splits.is_empty() { whole } else { row.splits.clone() };
    let in_euro = row.account_id != AccountId::new(id(3));
    let account = budget.account_ids.is_empty() || budget.account_ids.contains(&row.account_id);
    let tagged = budget.tags.is_empty() || budget.tags.iter().any(|tag| row.tags.contains(tag));
    if !row.counts || row.transfer || !in_euro || !account || !tagged {
        return Vec::new();
    }
    let named = |list: &[CategoryId], number: u128| {
        let chain = [Some(number), PARENTS[usize::try_from(number).unwrap()]];
        chain.into_iter().flatten().any(|it| list.contains(&CategoryId::new(id(it))))
    };
    let counts = |category: &Option<CategoryId>| match category.map(|it| it.uuid().as_u128()) {
        None => budget.category_ids.is_empty() && row.amount_minor < 0,
        Some(4) => false,
        Some(it) => {
            (budget.category_ids.is_empty() || named(&budget.category_ids, it))
                && !named(&budget.except_category_ids, it)
        }
    };
    parts.iter().filter(|(category, _)| counts(category)).map(|(_, minor)| -minor).collect()
}

/// The twin's use in a period.
fn used(budget: &Budget, rows: &[ColumnRow], range: DateRange) -> i64 {
    let rows = rows.iter().filter(|row| range.contains(row.booking_date));
    let rows = rows.filter(|row| !row.pending || budget.pending_counts);
    rows.flat_map(|row| parts(budget, row)).sum()
}

/// The twin's carry into a period: from the one before, back to the first, each time anew.
fn carried(budget: &Budget, rows: &[ColumnRow], range: DateRange) -> i64 {
    let (period, start) = (budget.period, budget.start.unwrap());
    let number = period.distance(start, range.start());
    let rollover = budget.rollover;
    let Some(before) = period.previous(range).filter(|_| number > 0) else { return 0 };
    let year = |range: DateRange| range.start().format("%Y").to_string();
    if rollover.reset_every.is_some_and(|every| number % i64::from(every) == 0)
        || (rollover.reset_yearly && year(before) != year(range))
    {
        return 0;
    }
    let left = budget.limit.minor() + carried(budget, rows, before) - used(budget, rows, before);
    let cap = rollover.cap.map(|cap| Money::from_amount(cap, euro(0).currency()).unwrap().minor());
    match rollover.carry {
        Carry::Nothing => 0,
        Carry::Surplus => left.clamp(0, cap.unwrap_or(i64::MAX)),
        Carry::Deficit => left.min(0),
        Carry::Both => left.min(cap.unwrap_or(i64::MAX)),
    }
}

fn agrees(budget: &Budget, rows: &[ColumnRow], state: &BudgetState) -> Result<(), TestCaseError> {
    let range = budget.period.range_of(state.from);
    let (carried, used) = (carried(budget, rows, range), used(budget, rows, range));
    prop_assert_eq!((state.from, state.to), (range.start(), range.last_day()));
    prop_assert_eq!(state.carried_in, euro(carried));
    prop_assert_eq!(state.remaining, euro(budget.limit.minor() + carried - used));
    let witness = state.witness.clone().unwrap().ids;
    let named: BTreeSet<TransactionId> = witness.iter().copied().collect();
    prop_assert_eq!(named.len(), witness.len());
    let of_witness = rows.iter().filter(|row| named.contains(&row.id));
    prop_assert_eq!(of_witness.flat_map(|row| parts(budget, row)).sum::<i64>(), used);
    let reserved = if budget.pending_counts { state.reserved.minor() } else { 0 };
    prop_assert_eq!(state.spent.minor() + reserved, used);
    Ok(())
}

proptest! {
    /// A history is the chain that the twin recomputes from nothing for each period, its use the
    /// sum of its witness, and each of its periods told alone is the same.
    #[test]
    fn a_history_is_recomputed_from_nothing(
        budget in any_budget(),
        rows in prop::collection::vec(any_row(), 0..40),
    ) {
        let rows: Vec<ColumnRow> = (1..)
            .zip(rows)
            .map(|(number, row)| ColumnRow { id: TransactionId::new(id(number)), ..row })
            .collect();
        let mut view = View::new();
        rows.iter().for_each(|row| view.put(row));
        let (plan, told) = (plan(), told("2025-06-15"));
        let chain = history(&plan, &view, &budget, (None, day("2026-03-31")), told).unwrap();
        prop_assert_eq!(chain[0].from, budget.period.range_of(day("2025-01-01")).start());
        for state in chain {
            agrees(&budget, &rows, &state)?;
            let alone = states(&plan, &view, &[&budget], state.to, told).unwrap();
            prop_assert_eq!(alone, vec![state]);
        }
    }
}
