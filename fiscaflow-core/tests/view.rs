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
use fiscaflow_core::store::ColumnRow;
use fiscaflow_core::view::{Line, View};
use fiscaflow_core::{AccountId, CategoryId, TransactionId};
use proptest::prelude::*;
use uuid::Uuid;

/// A line as a tuple that can be sorted and compared.
type Shown = (
    (TransactionId, NaiveDate, AccountId),
    Option<CategoryId>,
    Option<String>,
    i64,
    [bool; 3],
    Vec<String>,
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
    let head = (0_u128..30, 0_u128..3, 0_u64..90);
    (head, (-99_i64..99, category, payee, any::<[bool; 3]>()), splits, tags).prop_map(
        |((id, account, day), (amount_minor, category_id, payee, flags), splits, tags)| ColumnRow {
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
        },
    )
}

/// What a row shows: a line for each part, or one for the whole.
fn lines_of(row: &ColumnRow) -> Vec<Shown> {
    let whole = vec![(row.category_id, row.amount_minor)];
    let parts = if row.splits.is_empty() { &whole } else { &row.splits };
    let line = |(category, amount): &(Option<CategoryId>, i64)| {
        let payee = row.payee.clone();
        let head = (row.id, row.booking_date, row.account_id);
        let flags = [row.transfer, row.pending, row.amount_minor < 0];
        (head, *category, payee, *amount, flags, row.tags.clone())
    };
    if row.counts { parts.iter().map(line).collect() } else { Vec::new() }
}

fn shown<'a>(lines: impl Iterator<Item = Line<'a>>) -> Vec<Shown> {
    let mut shown: Vec<Shown> = lines
        .map(|line| {
            let payee = line.payee.map(str::to_owned);
            let head = (line.transaction_id, line.date, line.account_id);
            let flags = [line.transfer, line.pending, line.outgoing];
            (head, line.category_id, payee, line.amount_minor, flags, line.tags.to_vec())
        })
        .collect();
    shown.sort();
    shown
}

proptest! {
    /// After any puts and removals the view shows what a map of rows shows, as one built afresh
    /// does; repeating the last put changes nothing. Long runs make it drop former selves.
    #[test]
    fn shows_the_rows_that_are_there(
        steps in prop::collection::vec((row(), prop::bool::weighted(0.8)), 0..60),
        rounds in prop::sample::select(vec![1_usize, 60]),
        span in (0_u64..95, 0_u64..95),
    ) {
        let (mut view, mut twin) = (View::new(), BTreeMap::new());
        for _ in 0..rounds {
            for (row, put) in &steps {
                if *put {
                    view.put(row);
                    view.put(row);
                    twin.insert(row.id, row.clone());
                } else {
                    view.remove(row.id);
                    twin.remove(&row.id);
                }
            }
        }
        let mut expected: Vec<Shown> = twin.values().flat_map(lines_of).collect();
        expected.sort();
        prop_assert_eq!(view.len(), twin.len());
        prop_assert_eq!(&shown(view.lines()), &expected);
        let (from, to) = (day(span.0), day(span.1));
        let within = |it: &&Shown| from <= it.0.1 && it.0.1 < to;
        let spanned: Vec<Shown> = expected.iter().filter(within).cloned().collect();
        prop_assert_eq!(shown(view.lines_in(from, to)), spanned);
        let mut afresh = View::new();
        twin.values().for_each(|row| afresh.put(row));
        prop_assert_eq!(shown(afresh.lines()), expected);
    }
}
