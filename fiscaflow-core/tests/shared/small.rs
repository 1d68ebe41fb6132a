//! A small book and its view: some accounts, three categories, and rows of which a part lies in the
//! view's main part and the rest beside it.

#![allow(dead_code, reason = "not every test crate needs all of it")]

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use fiscaflow_core::model::{Account, Book, Category, CategoryKind};
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::View;
use fiscaflow_core::{AccountId, BookId, CategoryId, Currency, Money, Plan, TransactionId};
use proptest::prelude::*;
use uuid::Uuid;

const FIRST: &str = "2023-12-15";

pub fn day(number: u64) -> NaiveDate {
    FIRST.parse::<NaiveDate>().unwrap() + Days::new(number)
}

pub fn account(number: u128) -> AccountId {
    AccountId::new(Uuid::from_u128(number))
}

pub fn category(number: u128) -> CategoryId {
    CategoryId::new(Uuid::from_u128(100 + number))
}

/// A book with accounts, what lies in each at first and its currency, and categories: two of
/// spending and, as the third, one of income.
pub fn plan(accounts: &[(i64, &str)]) -> Plan {
    let mut plan = Plan::new(Book {
        id: BookId::new(Uuid::nil()),
        name: "Home".to_owned(),
        currency: Currency::iso("EUR").unwrap(),
        zone: "UTC".to_owned(),
        currencies: Vec::new(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        learning: Default::default(),
    });
    for (number, (opening, code)) in (0..).zip(accounts) {
        let currency = Currency::iso(code).unwrap();
        let account = Account {
            id: account(number),
            name: format!("account {number}"),
            kind: Default::default(),
            currency,
            opening_balance: Money::from_minor(*opening, currency),
            number: None,
            bank_id: None,
            import_key: None,
            closed: false,
        };
        plan.accounts.insert(account.id, account);
    }
    for number in 0..3 {
        let kind = if number == 2 { CategoryKind::Income } else { CategoryKind::Expense };
        let name = format!("category {number}");
        let id = category(number);
        plan.categories.insert(id, Category { id, name, kind, parent_id: None });
    }
    plan
}

/// Rows with so many ids and days, of the first three accounts and of so many categories.
pub fn row(
    ids: u128,
    days: u64,
    categories: u128,
    payee: &'static str,
) -> impl Strategy<Value = ColumnRow> {
    let of = move || prop::option::of((0..categories).prop_map(category));
    let splits = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((of(), -50_i64..50), 2..4),
    ];
    let head = (0..ids, 0_u128..3, 0..days);
    let rest = (-99_i64..99, of(), prop::option::of(payee), any::<[bool; 3]>());
    (head, rest, splits).prop_map(
        |((id, of_account, at), (amount_minor, category_id, payee, flags), splits)| ColumnRow {
            id: TransactionId::new(Uuid::from_u128(id)),
            account_id: account(of_account),
            booking_date: day(at),
            amount_minor,
            category_id,
            payee,
            transfer: flags[0] && flags[1],
            pending: flags[1],
            counts: flags[1] || flags[2],
            splits,
            tags: Vec::new(),
            links: Links::default(),
        },
    )
}

/// A view of the rows, the first so many of them in its main part, and the rows that count.
pub fn view(rows: &[ColumnRow], settled: usize) -> (View, Vec<ColumnRow>) {
    let (mut view, mut twin) = (View::new(), BTreeMap::new());
    for (place, row) in rows.iter().enumerate() {
        if place == settled {
            view.settle();
        }
        view.put(row);
        twin.insert(row.id, row.clone());
    }
    (view, twin.into_values().filter(|row| row.counts).collect())
}

/// The parts of a row, or the whole of one that is not split.
pub fn parts(row: &ColumnRow) -> Vec<(Option<CategoryId>, i64)> {
    if row.splits.is_empty() {
        vec![(row.category_id, row.amount_minor)]
    } else {
        row.splits.clone()
    }
}

/// Whether a part is spending; `None` = it is a transfer's.
pub fn is_spending(row: &ColumnRow, of: Option<CategoryId>) -> Option<bool> {
    let spending = of.map_or(row.amount_minor < 0, |id| id != category(2));
    (!row.transfer).then_some(spending)
}
