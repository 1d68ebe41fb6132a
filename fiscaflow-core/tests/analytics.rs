//! Figures against naive twins: each is what a loop over the rows comes to, whatever of the view
//! lies in its main part and whatever beside it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "shared/small.rs"]
mod small;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use fiscaflow_core::analytics::{
    BalancesQuery, CashFlowQuery, NetWorthQuery, NetWorthStep, Rounding, SpendingQuery,
    TopPayeesQuery, Witness, balances, cash_flow, net_worth, spending, top_payees,
};
use fiscaflow_core::model::{CategoryKind, QuotedRate, RateSheet};
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::View;
use fiscaflow_core::{
    AccountId, CategoryId, Currency, ErrorCode, Money, Month, Plan, TransactionId,
};
use proptest::prelude::*;
use small::{account, category, day, is_spending, parts, view};
use uuid::Uuid;

/// The accounts: what lies in each at first, and its currency; the last of them is unused.
const ACCOUNTS: [(i64, &str); 4] = [(0, "EUR"), (-5_000, "EUR"), (700, "JPY"), (12_345, "EUR")];

fn plan() -> Plan {
    small::plan(&ACCOUNTS)
}

/// Rows of which some name a fourth category, which is not there.
fn row() -> impl Strategy<Value = ColumnRow> {
    small::row(40, 100, 4, "[ab]{1,2}")
}

fn code(row: &ColumnRow) -> &'static str {
    ACCOUNTS[usize::try_from(row.account_id.uuid().as_u128()).unwrap()].1
}

/// An amount as the figures tell it.
fn told(minor: i64, code: &str) -> String {
    Money::from_minor(minor, Currency::iso(code).unwrap()).to_string()
}

/// What lies in each account at the end of a day, or after everything.
fn naive_balances(rows: &[ColumnRow], day: Option<NaiveDate>) -> Vec<i64> {
    let of = |(number, (opening, _)): (u128, (i64, &str))| {
        let own = rows.iter().filter(|row| row.account_id == account(number));
        let own = own.filter(|row| day.is_none_or(|day| row.booking_date <= day));
        opening + own.flat_map(parts).map(|part| part.1).sum::<i64>()
    };
    (0..).zip(ACCOUNTS).map(of).collect()
}

fn only(number: Option<u128>) -> impl Fn(&&ColumnRow) -> bool {
    move |row| number.is_none_or(|number| row.account_id == account(number))
}

proptest! {
    /// Spending is the sum of the parts in spending categories, and of all parts without a category
    /// of transactions by which money goes out; transfers, void and deleted ones are left out.
    #[test]
    fn spending_is_what_a_loop_comes_to(
        rows in prop::collection::vec(row(), 0..60),
        settled in 0_usize..60,
        months in (0_u64..100, 0_u64..100),
        of_account in prop::option::of(0_u128..4),
    ) {
        let (view, rows) = view(&rows, settled);
        let (from, to) = (Month::of(day(months.0)), Month::of(day(months.1)));
        let query = SpendingQuery {
            from: Some(from), to: Some(to), account_id: of_account.map(account), witness: false,
        };
        let found = spending(&plan(), &view, &query);
        if from > to {
            prop_assert_eq!(found.unwrap_err().code(), ErrorCode::InvalidInput);
            return Ok(());
        }
        let mut sums = BTreeMap::<_, (i64, u64)>::new();
        for row in rows.iter().filter(only(of_account)) {
            let month = Month::of(row.booking_date);
            let within = from <= month && month <= to;
            for (of, minor) in parts(row) {
                if within && is_spending(row, of) == Some(true) {
                    let sum = sums.entry((month, of, code(row))).or_default();
                    *sum = (sum.0 - minor, sum.1 + 1);
                }
            }
        }
        let expected: Vec<_> = sums.into_iter().map(|((month, of, code), (minor, lines))| {
            (month, of, told(minor, code), lines)
        }).collect();
        let found: Vec<_> = found.unwrap().into_iter().map(|it| {
            (it.month, it.category_id, it.spent.to_string(), it.transactions)
        }).collect();
        prop_assert_eq!(found, expected);
    }

    /// Income and spending of a month are the sums of its parts on either side, net is their
    /// difference, and the rate is the net in percent of the income.
    #[test]
    fn cash_flow_is_what_a_loop_comes_to(
        rows in prop::collection::vec(row(), 0..60),
        settled in 0_usize..60,
        first in 0_u64..100,
        of_account in prop::option::of(0_u128..4),
    ) {
        let (view, rows) = view(&rows, settled);
        let from = Month::of(day(first));
        let account_id = of_account.map(account);
        let query = CashFlowQuery { from: Some(from), account_id, ..CashFlowQuery::default() };
        let mut sums = BTreeMap::<_, (i64, i64, u64)>::new();
        for row in rows.iter().filter(only(of_account)) {
            let month = Month::of(row.booking_date);
            for (of, minor) in parts(row) {
                let Some(out) = is_spending(row, of).filter(|_| month >= from) else { continue };
                let sum = sums.entry((month, code(row))).or_default();
                let side = if out { &mut sum.1 } else { &mut sum.0 };
                *side += minor;
                sum.2 += 1;
            }
        }
        let expected: Vec<_> = sums.into_iter().map(|((month, code), (income, out, lines))| {
            // In tenths of a percent, half to even.
            let (whole, rest) = (((income + out) * 1000).div_euclid(income.max(1)),
                ((income + out) * 1000).rem_euclid(income.max(1)));
            let up = rest * 2 > income || (rest * 2 == income && whole % 2 != 0);
            let tenths = whole + i64::from(up);
            let rate = format!("{}{}.{}", if tenths < 0 { "-" } else { "" }, tenths.abs() / 10,
                tenths.abs() % 10);
            (month, told(income, code), told(-out, code), told(income + out, code),
                (income > 0).then_some(rate), lines)
        }).collect();
        let found: Vec<_> = cash_flow(&plan(), &view, &query).unwrap().into_iter().map(|it| {
            let rate = it.savings_rate_percent.map(|rate| rate.to_string());
            (it.month, it.income.to_string(), it.spending.to_string(), it.net.to_string(), rate,
                it.transactions)
        }).collect();
        prop_assert_eq!(found, expected);
    }

    /// A balance is the opening balance and all parts up to the end of the day; net worth is the
    /// sum of balances of one currency, and of those above and below zero.
    #[test]
    fn balances_and_net_worth_are_what_a_loop_comes_to(
        rows in prop::collection::vec(row(), 0..60),
        settled in 0_usize..60,
        from in prop::option::of(0_u64..110),
        length in prop::option::of(0_u64..80),
        by_day: bool,
    ) {
        let (view, rows) = view(&rows, settled);
        let to = length.map(|length| day(from.unwrap_or_default() + length));
        let from = from.filter(|_| to.is_some()).map(day);
        let query = BalancesQuery { from, to, ..BalancesQuery::default() };
        let days: Vec<_> = match (from, to) {
            (Some(from), Some(to)) => {
                from.iter_days().take_while(|day| *day <= to).map(Some).collect()
            }
            _ => vec![to],
        };
        let found: Vec<_> = balances(&plan(), &view, &query).unwrap().into_iter()
            .map(|it| (it.account_id, it.date, it.balance.minor())).collect();
        let expected: Vec<_> = (0..4_usize).flat_map(|number| {
            let of = |day: &Option<NaiveDate>| naive_balances(&rows, *day)[number];
            let id = account(number.try_into().unwrap());
            days.iter().map(|day| (id, *day, of(day))).collect::<Vec<_>>()
        }).collect();
        prop_assert_eq!(found, expected);

        let step = if by_day { NetWorthStep::Day } else { NetWorthStep::Month };
        let query = NetWorthQuery { from, to, step: Some(step), ..NetWorthQuery::default() };
        let found: Vec<_> = net_worth(&plan(), &view, &query).unwrap().into_iter()
            .map(|it| (it.date, [it.assets, it.debts, it.net].map(|it| it.to_string()))).collect();
        let ends = |day: &Option<NaiveDate>| {
            by_day || *day == to || day.is_some_and(|day| Month::of(day).last_day() == day)
        };
        let expected: Vec<_> = days.into_iter().filter(ends).flat_map(|day| {
            ["EUR", "JPY"].map(|code| {
                let own = naive_balances(&rows, day).into_iter().zip(ACCOUNTS);
                let own: Vec<i64> =
                    own.filter(|(_, it)| it.1 == code).map(|(minor, _)| minor).collect();
                let assets = own.iter().filter(|minor| **minor > 0).sum();
                let debts = own.iter().filter(|minor| **minor < 0).sum();
                (day, [assets, debts, assets + debts].map(|minor| told(minor, code)))
            })
        }).collect();
        prop_assert_eq!(found, expected);
    }

    /// The top payees are the first of all, sorted by their totals and their names.
    #[test]
    fn top_payees_are_what_a_loop_comes_to(
        rows in prop::collection::vec(row(), 0..60),
        alike: bool,
        settled in 0_usize..60,
        days in (prop::option::of(0_u64..100), prop::option::of(0_u64..100)),
        of_account in prop::option::of(0_u128..4),
        limit in 1_u32..8,
        income: bool,
    ) {
        let mut rows = rows;
        // Rows that have nearly all in common, so that the view has sums of them.
        for (place, row) in rows.iter_mut().enumerate().filter(|_| alike) {
            let payee = if place % 3 == 0 { "Rewe" } else { "Bakery" };
            *row = ColumnRow {
                account_id: account(0),
                category_id: Some(category(0)),
                payee: Some(payee.to_owned()),
                transfer: false,
                pending: false,
                splits: Vec::new(),
                tags: Vec::new(),
                ..row.clone()
            };
        }
        let (view, rows) = view(&rows, settled);
        let (from, to) = (days.0.map(day), days.1.map(day));
        let query = TopPayeesQuery {
            from, to,
            account_id: of_account.map(account),
            kind: Some(if income { CategoryKind::Income } else { CategoryKind::Expense }),
            limit: Some(limit),
            witness: false,
        };
        let found = top_payees(&plan(), &view, &query);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            prop_assert_eq!(found.unwrap_err().code(), ErrorCode::InvalidInput);
            return Ok(());
        }
        let mut sums = BTreeMap::<_, (i64, u64)>::new();
        for row in rows.iter().filter(only(of_account)) {
            let within = from.is_none_or(|from| from <= row.booking_date)
                && to.is_none_or(|to| row.booking_date <= to);
            let Some(payee) = row.payee.clone().filter(|_| within) else { continue };
            for (of, minor) in parts(row) {
                if is_spending(row, of) == Some(!income) {
                    let sum = sums.entry((code(row), payee.clone())).or_default();
                    *sum = (sum.0 + if income { minor } else { -minor }, sum.1 + 1);
                }
            }
        }
        let mut expected = Vec::new();
        for code in ["EUR", "JPY"] {
            let own = sums.iter().filter(|(key, _)| key.0 == code);
            let own = own.map(|((_, payee), sum)| (-sum.0, payee.clone(), sum.1));
            let mut own: Vec<_> = own.collect();
            own.sort();
            let own = own.into_iter().take(limit.try_into().unwrap());
            expected.extend(own.map(|(minor, payee, lines)| (payee, told(-minor, code), lines)));
        }
        let found: Vec<_> = found.unwrap().into_iter()
            .map(|it| (it.payee, it.total.to_string(), it.transactions)).collect();
        prop_assert_eq!(found, expected);
    }
}

/// The transactions of which a part counts, ascending.
fn ids(rows: &[ColumnRow], counts: impl Fn(&ColumnRow, Option<CategoryId>) -> bool) -> Ids {
    let counted = rows.iter().filter(|row| parts(row).iter().any(|part| counts(row, part.0)));
    counted.map(|row| row.id).collect()
}

type Ids = Vec<TransactionId>;

proptest! {
    /// Each witness names exactly the transactions that count in its row, the accounts whose
    /// opening balances do, and the commit that the view is of.
    #[test]
    fn a_witness_names_what_makes_its_figure(
        rows in prop::collection::vec(row(), 0..60),
        settled in 0_usize..60,
        to in prop::option::of(0_u64..110),
    ) {
        let (mut view, mut rows) = view(&rows, settled);
        rows.sort_by_key(|row| row.id);
        let head = fiscaflow_core::log::Hash::of(&[b"head"]);
        view.set_head(head);
        let (plan, to) = (plan(), to.map(day));
        let mut seen: Vec<(Witness, &str, Ids, Vec<AccountId>)> = Vec::new();
        let query = SpendingQuery { witness: true, ..SpendingQuery::default() };
        for it in spending(&plan, &view, &query).unwrap() {
            let code = it.spent.currency().to_string();
            let own = ids(&rows, |row, of| {
                of == it.category_id && is_spending(row, of) == Some(true)
                    && Month::of(row.booking_date) == it.month && self::code(row) == code
            });
            seen.push((it.witness.unwrap(), "spending", own, Vec::new()));
        }
        let query = CashFlowQuery { witness: true, ..CashFlowQuery::default() };
        for it in cash_flow(&plan, &view, &query).unwrap() {
            let code = it.net.currency().to_string();
            let own = ids(&rows, |row, of| {
                is_spending(row, of).is_some() && Month::of(row.booking_date) == it.month
                    && self::code(row) == code
            });
            seen.push((it.witness.unwrap(), "cash flow", own, Vec::new()));
        }
        let query = TopPayeesQuery { to, witness: true, ..TopPayeesQuery::default() };
        for it in top_payees(&plan, &view, &query).unwrap() {
            let code = it.total.currency().to_string();
            let own = ids(&rows, |row, of| {
                is_spending(row, of) == Some(true) && row.payee.as_ref() == Some(&it.payee)
                    && to.is_none_or(|to| row.booking_date <= to) && self::code(row) == code
            });
            seen.push((it.witness.unwrap(), "top payees", own, Vec::new()));
        }
        let until = |row: &ColumnRow, date: Option<NaiveDate>| {
            date.is_none_or(|date| row.booking_date <= date)
        };
        let from = to.map(|to| to - Days::new(3));
        let query = BalancesQuery { from, to, witness: true, ..BalancesQuery::default() };
        for it in balances(&plan, &view, &query).unwrap() {
            let own = ids(&rows, |row, _| row.account_id == it.account_id && until(row, it.date));
            seen.push((it.witness.unwrap(), "balances", own, vec![it.account_id]));
        }
        let query = NetWorthQuery { from, to, witness: true, ..NetWorthQuery::default() };
        for it in net_worth(&plan, &view, &query).unwrap() {
            let code = it.net.currency().to_string();
            let own = ids(&rows, |row, _| self::code(row) == code && until(row, it.date));
            let accounts = (0..).zip(ACCOUNTS).filter(|(_, account)| account.1 == code);
            let opening = accounts.map(|(number, _)| account(number)).collect();
            seen.push((it.witness.unwrap(), "net worth", own, opening));
        }
        for (witness, of, ids, opening) in seen {
            prop_assert_eq!(witness.head, head);
            prop_assert_eq!((witness.rounding, witness.rates.len()), (Rounding::Exact, 0));
            prop_assert_eq!((witness.ids, witness.opening), (ids, opening), "{}", of);
        }
    }
}

#[test]
fn net_worth_in_one_currency_tells_what_rates_alone_have_made() {
    // Holds, by hand: 100 dollars come when a euro is two dollars and are 50 euros; when it is one
    // dollar they are 100, of which 50 are due to the rate; 20 dollars spent then cost 20 euros.
    let mut plan = plan();
    let usd = Currency::iso("USD").unwrap();
    let dollars = plan.accounts.get_mut(&account(2)).unwrap();
    (dollars.currency, dollars.opening_balance) = (usd, Money::from_minor(0, usd));
    for (number, rate) in [(0, "2"), (10, "1"), (20, "1.6")] {
        let rates = vec![QuotedRate { quote: "USD".to_owned(), rate: rate.parse().unwrap() }];
        let sheet = RateSheet { date: day(number), base: "EUR".to_owned(), rates };
        plan.rates.insert((sheet.date, sheet.base.clone()), sheet);
    }
    let mut view = View::new();
    for (id, at, minor) in [(1, 0, 10_000), (2, 10, -2_000)] {
        view.put(&ColumnRow {
            id: TransactionId::new(Uuid::from_u128(id)),
            account_id: account(2),
            booking_date: day(at),
            amount_minor: minor,
            category_id: None,
            payee: None,
            transfer: false,
            pending: false,
            counts: true,
            splits: Vec::new(),
            tags: Vec::new(),
            links: Links::default(),
        });
    }
    let told = |at: u64| {
        let query = NetWorthQuery {
            to: Some(day(at)),
            currency: Some("EUR".to_owned()),
            unrealised: true,
            witness: true,
            ..NetWorthQuery::default()
        };
        let rows = net_worth(&plan, &view, &query)?;
        let [row] = rows.as_slice() else { panic!("one row of all accounts") };
        let witness = row.witness.clone().unwrap();
        assert_eq!(witness.rounding, Rounding::HalfEven);
        let rates: Vec<String> = witness.rates.iter().map(|it| it.rate.to_string()).collect();
        let unrealised = row.unrealised.unwrap();
        Ok::<_, fiscaflow_core::Error>(format!(
            "{} {} {} {unrealised} by {}",
            row.assets,
            row.debts,
            row.net,
            rates.join(" and ")
        ))
    };
    // The other accounts hold 123.45 and owe 50.00.
    assert_eq!(told(0).unwrap(), "173.45 EUR -50.00 EUR 123.45 EUR 0.00 EUR by 2");
    assert_eq!(told(10).unwrap(), "203.45 EUR -50.00 EUR 153.45 EUR 50.00 EUR by 2 and 1");
    assert_eq!(told(20).unwrap(), "173.45 EUR -50.00 EUR 123.45 EUR 20.00 EUR by 2 and 1 and 1.6");
    assert_eq!(told(28).unwrap_err().code(), ErrorCode::RateMissing);
    let asked = |query: NetWorthQuery| net_worth(&plan, &view, &query).unwrap_err();
    let unrealised = NetWorthQuery { unrealised: true, ..NetWorthQuery::default() };
    assert_eq!(asked(unrealised).at_field(), Some("unrealised"));
    let no_day = NetWorthQuery { currency: Some("EUR".to_owned()), ..NetWorthQuery::default() };
    assert_eq!(asked(no_day).at_field(), Some("to"));
}

#[test]
fn what_does_not_fit_is_an_error() {
    // Holds: a sum beyond 64 bits is `amount_overflow` in every figure; none wraps or panics.
    let mut view = View::new();
    for (id, category_id) in
        [(1, category(0)), (2, category(0)), (3, category(2)), (4, category(2))]
    {
        view.put(&ColumnRow {
            id: TransactionId::new(Uuid::from_u128(id)),
            account_id: account(0),
            booking_date: day(id.try_into().unwrap()),
            amount_minor: i64::MIN,
            category_id: Some(category_id),
            payee: Some("a".to_owned()),
            transfer: false,
            pending: false,
            counts: true,
            splits: Vec::new(),
            tags: Vec::new(),
            links: Links::default(),
        });
    }
    let plan = plan();
    let days = BalancesQuery { from: Some(day(0)), to: Some(day(9)), ..BalancesQuery::default() };
    let months =
        NetWorthQuery { from: Some(day(0)), to: Some(day(99)), ..NetWorthQuery::default() };
    let errors = [
        spending(&plan, &view, &SpendingQuery::default()).err(),
        balances(&plan, &view, &BalancesQuery::default()).err(),
        balances(&plan, &view, &days).err(),
        cash_flow(&plan, &view, &CashFlowQuery::default()).err(),
        net_worth(&plan, &view, &NetWorthQuery::default()).err(),
        net_worth(&plan, &view, &months).err(),
        top_payees(&plan, &view, &TopPayeesQuery::default()).err(),
    ];
    for (place, error) in errors.into_iter().enumerate() {
        assert_eq!(error.map(|it| it.code()), Some(ErrorCode::AmountOverflow), "{place}");
    }
}

#[test]
fn too_much_is_refused() {
    // Holds: more rows or payees than an answer may have are `limit_exceeded`, at the limit they
    // are not; half of a span is refused.
    let (plan, view) = (plan(), View::new());
    let from: NaiveDate = "1900-01-01".parse().unwrap();
    let worth = |rows: u64, step| {
        // Two currencies: two rows a day.
        let to = from + Days::new(rows / 2 - 1);
        let (from, to) = (Some(from), Some(to));
        net_worth(&plan, &view, &NetWorthQuery { from, to, step, ..NetWorthQuery::default() })
    };
    let day = Some(NetWorthStep::Day);
    assert_eq!(worth(100_000, day).unwrap().len(), 100_000);
    assert_eq!(worth(100_002, day).unwrap_err().code(), ErrorCode::LimitExceeded);
    assert!(worth(100_002, None).is_ok());
    let half = NetWorthQuery { from: Some(from), ..NetWorthQuery::default() };
    assert_eq!(net_worth(&plan, &view, &half).unwrap_err().at_field(), Some("to"));
    for (limit, refused) in [(0, true), (1, false), (1_000, false), (1_001, true)] {
        let query = TopPayeesQuery { limit: Some(limit), ..TopPayeesQuery::default() };
        let code = top_payees(&plan, &view, &query).err().map(|it| it.code());
        assert_eq!(code, refused.then_some(ErrorCode::LimitExceeded), "{limit}");
    }
}
