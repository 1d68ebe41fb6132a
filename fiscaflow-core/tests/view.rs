//! The view against a naive twin: whatever is put and taken away, it shows the rows that are there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use fiscaflow_core::log::Hash;
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::{Line, MonthSum, View, ViewBuilder};
use fiscaflow_core::{AccountId, CategoryId, GoalId, Month, ScheduleId, TransactionId};
use proptest::prelude::*;
use uuid::Uuid;

/// A line as a tuple that can be sorted and compared.
type Shown = (
    (TransactionId, NaiveDate, AccountId),
    Option<CategoryId>,
    Option<String>,
    i64,
    [bool; 3],
    Marks,
);

fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 2, 1).unwrap() + Days::new(number)
}

fn row() -> impl Strategy<Value = ColumnRow> {
    let category =
        prop::option::of((0_u128..4).prop_map(|id| CategoryId::new(Uuid::from_u128(id))));
    let splits = prop::collection::vec((category.clone(), -50_i64..50), 0..4);
    let payee = prop::option::of("[ab]{1,2}");
    let tags = prop_oneof![
        4 => Just(Vec::new()),
        1 => prop::collection::btree_set("[xyz]", 1..3).prop_map(|tags| tags.into_iter().collect()),
    ];
    let links = (prop::option::weighted(0.2, 0_u128..3), prop::option::weighted(0.2, 0_u128..3))
        .prop_map(|(schedule, goal)| Links {
            schedule_id: schedule.map(|id| ScheduleId::new(Uuid::from_u128(id))),
            goal_id: goal.map(|id| GoalId::new(Uuid::from_u128(id))),
        });
    let head = (0_u128..30, 0_u128..3, 0_u64..90);
    (head, (-99_i64..99, category, payee, any::<[bool; 3]>()), splits, tags, links).prop_map(
        |((id, account, day), (amount_minor, category_id, payee, flags), splits, tags, links)| {
            ColumnRow {
                id: TransactionId::new(Uuid::from_u128(id)),
                account_id: AccountId::new(Uuid::from_u128(account)),
                booking_date: self::day(day),
                amount_minor,
                category_id,
                payee,
                transfer: flags[0],
                pending: flags[1],
                counts: flags[2],
                splits,
                tags,
                links,
            }
        },
    )
}

/// A row's tags, and the schedule and the goal it is linked to.
type Marks = (Vec<String>, Option<ScheduleId>, Option<GoalId>);

fn marks(tags: &[String], links: Links) -> Marks {
    (tags.to_vec(), links.schedule_id, links.goal_id)
}

/// What a row shows: a line for each part, or one for the whole.
fn lines_of(row: &ColumnRow) -> Vec<Shown> {
    let whole = vec![(row.category_id, row.amount_minor)];
    let parts = if row.splits.is_empty() { &whole } else { &row.splits };
    let line = |(category, amount): &(Option<CategoryId>, i64)| {
        let payee = row.payee.clone();
        let head = (row.id, row.booking_date, row.account_id);
        let flags = [row.transfer, row.pending, row.amount_minor < 0];
        (head, *category, payee, *amount, flags, marks(&row.tags, row.links))
    };
    if row.counts { parts.iter().map(line).collect() } else { Vec::new() }
}

fn shown<'a>(lines: impl Iterator<Item = Line<'a>>) -> Vec<Shown> {
    let mut shown: Vec<Shown> = lines
        .map(|line| {
            let payee = line.payee.map(str::to_owned);
            let head = (line.transaction_id, line.date, line.account_id);
            let flags = [line.transfer, line.pending, line.outgoing];
            (head, line.category_id, payee, line.amount_minor, flags, marks(line.tags, line.links))
        })
        .collect();
    shown.sort();
    shown
}

/// What a month's lines of one group come to.
type Summed = (Month, AccountId, Option<CategoryId>, [bool; 6], u64, i128);

fn summed(view: &View, from: Option<Month>, to: Option<Month>) -> Vec<Summed> {
    let sum = |it: MonthSum<'_>| {
        let group = it.group;
        let of_transaction = [group.transfer, group.pending, group.outgoing];
        let [transfer, pending, outgoing] = of_transaction;
        let flags = [transfer, pending, outgoing, group.split, group.tagged, group.linked];
        (it.month, group.account_id, group.category_id, flags, it.lines, it.minor)
    };
    let months: Vec<Summed> = view.months(from, to).map(sum).collect();
    assert!(months.is_sorted_by_key(|it| it.0), "months come in their order");
    let mut months = months;
    months.sort();
    months
}

/// The same, row by row.
fn naively_summed<'a>(
    rows: impl Iterator<Item = &'a ColumnRow>,
    from: Option<Month>,
    to: Option<Month>,
) -> Vec<Summed> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let month = Month::of(row.booking_date);
        if from.is_some_and(|from| month < from) || to.is_some_and(|to| month > to) {
            continue;
        }
        for (_, category, _, amount, [transfer, pending, outgoing], _) in lines_of(row) {
            let [split, tagged] = [!row.splits.is_empty(), !row.tags.is_empty()];
            let flags = [transfer, pending, outgoing, split, tagged, !row.links.is_empty()];
            let key = (month, row.account_id, category, flags);
            let sum: &mut (u64, i128) = sums.entry(key).or_default();
            *sum = (sum.0 + 1, sum.1 + i128::from(amount));
        }
    }
    sums.into_iter().map(|(key, sum)| (key.0, key.1, key.2, key.3, sum.0, sum.1)).collect()
}

/// How many transactions count, lines, sums by month, and what moved in some days.
type Reads = (usize, [Vec<Shown>; 3], [Vec<Summed>; 3], Vec<Moved>);

/// Every read of a view, to be compared with another's.
fn reads(view: &View, (from, to): (u64, u64)) -> Reads {
    let in_span = shown(view.lines_in(day(from), day(to)));
    let lines = [shown(view.lines()), in_span, shown(view.linked_lines())];
    let (first, last) = (Some(Month::of(day(from))), Some(Month::of(day(to))));
    let months = [summed(view, None, None), summed(view, first, last), summed(view, first, None)];
    let accounts: Vec<AccountId> = view.groups().map(|group| group.account_id).collect();
    let mut moved: BTreeMap<_, i128> = BTreeMap::new();
    view.scan_accounts(day(from), day(to), |day, group, minor| {
        let day = NaiveDate::from_num_days_from_ce_opt(day).unwrap();
        *moved.entry((day, accounts[group])).or_default() += minor;
    });
    (view.len(), lines, months, told(moved))
}

/// What moved on a day in an account.
type Moved = (NaiveDate, AccountId, i128);

fn told(moved: BTreeMap<(NaiveDate, AccountId), i128>) -> Vec<Moved> {
    let told = moved.into_iter().map(|((day, account), minor)| (day, account, minor));
    told.filter(|(.., minor)| *minor != 0).collect()
}

/// The same of the rows that there are.
fn naive_reads(rows: &BTreeMap<TransactionId, ColumnRow>, (from, to): (u64, u64)) -> Reads {
    let mut all: Vec<Shown> = rows.values().flat_map(lines_of).collect();
    all.sort();
    let within = |it: &&Shown| day(from) <= it.0.1 && it.0.1 < day(to);
    let spanned = all.iter().filter(within).cloned().collect();
    let (first, last) = (Some(Month::of(day(from))), Some(Month::of(day(to))));
    let months = [(None, None), (first, last), (first, None)]
        .map(|(from, to)| naively_summed(rows.values(), from, to));
    let linked = rows.values().filter(|row| !row.links.is_empty());
    let mut linked: Vec<Shown> = linked.flat_map(lines_of).collect();
    linked.sort();
    let mut moved: BTreeMap<_, i128> = BTreeMap::new();
    for ((_, date, account), _, _, minor, ..) in &all {
        if (day(from)..=day(to)).contains(date) {
            *moved.entry((*date, *account)).or_default() += i128::from(*minor);
        }
    }
    let counted = rows.values().filter(|row| row.counts).count();
    (counted, [all, spanned, linked], months, told(moved))
}

#[derive(Debug, Clone)]
enum Step {
    Put(ColumnRow),
    Remove(TransactionId),
    /// Makes what lies beside the main part a part of it.
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => row().prop_map(Step::Put),
        4 => row().prop_map(|row| Step::Remove(row.id)),
        1 => Just(Step::Settle),
    ]
}

proptest! {
    /// After any history of puts, removals and new main parts every read of a view is that of a
    /// map of rows, and so is every read of one built afresh, row by row or at once. Repeating the
    /// last put changes nothing, what was cloned before stays as it was, and bytes that were
    /// written of it show the same, also once more is put.
    #[test]
    fn shows_the_rows_that_are_there(
        first in prop::collection::vec(row(), 0..40),
        steps in prop::collection::vec(step(), 0..80),
        copied_after in 0_usize..80,
        span in (0_u64..95, 0_u64..95),
    ) {
        let mut twin: BTreeMap<_, _> = first.iter().map(|row| (row.id, row.clone())).collect();
        // In any order: later ones take the place of their former selves.
        let mut builder = ViewBuilder::default();
        first.iter().for_each(|row| builder.add(row));
        let mut view = builder.build();
        let mut copy = (view.clone(), twin.clone());
        for (place, step) in steps.iter().enumerate() {
            if place == copied_after {
                copy = (view.clone(), twin.clone());
            }
            match step {
                Step::Put(row) => {
                    view.put(row);
                    view.put(row);
                    twin.insert(row.id, row.clone());
                }
                Step::Remove(id) => {
                    view.remove(*id);
                    twin.remove(id);
                }
                Step::Settle => view.settle(),
            }
        }
        let expected = naive_reads(&twin, span);
        prop_assert_eq!(reads(&view, span), expected.clone());
        prop_assert_eq!(reads(&copy.0, span), naive_reads(&copy.1, span));
        let (mut afresh, mut builder) = (View::new(), ViewBuilder::default());
        twin.values().for_each(|row| afresh.put(row));
        twin.values().for_each(|row| builder.add(row));
        prop_assert_eq!(reads(&afresh, span), expected.clone());
        prop_assert_eq!(reads(&builder.build(), span), expected.clone());
        let mut again = View::from_bytes(view.head(), &view.to_bytes()).unwrap();
        prop_assert_eq!(reads(&again, span), expected);
        for row in &first {
            again.put(row);
            twin.insert(row.id, row.clone());
        }
        prop_assert_eq!(reads(&again, span), naive_reads(&twin, span));
    }

    /// Bytes of a view with one bit changed, cut off, with more behind them, or of another commit
    /// are no view.
    #[test]
    fn altered_bytes_are_no_view(
        rows in prop::collection::vec(row(), 0..10),
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut view = View::new();
        rows.iter().for_each(|row| view.put(row));
        let bytes = view.to_bytes();
        let place = place.index(bytes.len());
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << bit;
        prop_assert!(View::from_bytes(view.head(), &flipped).is_none());
        prop_assert!(View::from_bytes(view.head(), &bytes[..place]).is_none());
        prop_assert!(View::from_bytes(view.head(), &[&bytes[..], &[0]].concat()).is_none());
        prop_assert!(View::from_bytes(Hash::of(&[&[bit]]), &bytes).is_none());
    }
}

/// A row of no split and no tag.
fn plain(id: u128, number: u64) -> ColumnRow {
    ColumnRow {
        id: TransactionId::new(Uuid::from_u128(id)),
        account_id: AccountId::new(Uuid::from_u128(u128::from(number % 3))),
        booking_date: day(number * 7 % 3_650),
        amount_minor: i64::try_from(number).unwrap() - 900,
        category_id: Some(CategoryId::new(Uuid::from_u128(u128::from(number % 20)))),
        payee: Some(format!("payee {}", number % 50)),
        transfer: false,
        pending: false,
        counts: true,
        splits: Vec::new(),
        tags: Vec::new(),
        links: Links::default(),
    }
}

#[test]
fn many_rows_settle_by_themselves() {
    // Holds: a view to which thousands of rows come one by one, in no order of ids or days, and
    // from which some go again, shows them all: it makes new main parts meanwhile.
    let (mut view, mut twin) = (View::new(), BTreeMap::new());
    for number in 0..6_000_u64 {
        let row = plain(u128::from(number * 7_919 % 6_007), number);
        view.put(&row);
        twin.insert(row.id, row);
        if number % 3 == 0 {
            let gone = TransactionId::new(Uuid::from_u128(u128::from(number * 31 % 6_007)));
            view.remove(gone);
            twin.remove(&gone);
        }
    }
    assert_eq!(reads(&view, (100, 2_000)), naive_reads(&twin, (100, 2_000)));
}

#[test]
fn a_transaction_takes_little_memory() {
    // Holds: columns, index and monthly sums take at most 40 bytes a transaction, unused capacity
    // included, whether the view was built at once or came by many settlings.
    let rows: Vec<ColumnRow> = (0..50_000).map(|number| plain(number.into(), number)).collect();
    let mut builder = ViewBuilder::default();
    rows.iter().for_each(|row| builder.add(row));
    let mut grown = View::new();
    rows.iter().for_each(|row| grown.put(row));
    grown.settle();
    for view in [builder.build(), grown] {
        assert_eq!(view.len(), rows.len());
        let sums = view.months(None, None).count() * 32;
        assert!(view.memory_bytes() - sums <= 40 * rows.len(), "{}", view.memory_bytes());
    }
}

#[test]
fn extreme_amounts_add_up() {
    // Holds: sums of the largest and smallest amounts are exact; coming and going leaves nothing.
    let mut view = View::new();
    for id in 0..4 {
        view.put(&ColumnRow { amount_minor: i64::MIN, ..plain(id, 3) });
    }
    let sum = |view: &View| view.months(None, None).map(|it| it.minor).collect::<Vec<_>>();
    assert_eq!(sum(&view), [4 * i128::from(i64::MIN)]);
    view.settle();
    for id in 0..4 {
        view.put(&ColumnRow { amount_minor: i64::MAX, ..plain(id, 3) });
    }
    assert_eq!(sum(&view), [4 * i128::from(i64::MAX)]);
    (0..4).for_each(|id| view.remove(TransactionId::new(Uuid::from_u128(id))));
    assert_eq!(sum(&view), []);
    assert!(view.is_empty());
}
