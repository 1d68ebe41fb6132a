//! Forecasts over generated households whose future is known.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]
#![allow(clippy::disallowed_methods, reason = "the deep tier is asked for by the environment")]

#[path = "shared/seeded.rs"]
mod seeded;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use fiscaflow_core::forecast::{
    ForecastBacktestQuery, ForecastQuery, Verdict, afford, backtest, forecast,
};
use fiscaflow_core::model::{Account, Schedule};
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::view::View;
use fiscaflow_core::{AccountId, Currency, Money, Plan, ScheduleId, TransactionId};
use seeded::{Chance, account_id, day, plan};
use uuid::Uuid;

/// Where a bank books what is due on a weekend or a holiday.
fn booked(mut day: NaiveDate) -> NaiveDate {
    let is_closed = |day: NaiveDate| {
        matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
            || [(1, 1), (5, 1), (12, 25), (12, 26)].contains(&(day.month(), day.day()))
    };
    while is_closed(day) {
        day = day + Days::new(1);
    }
    day
}

struct Household {
    chance: Chance,
    rows: Vec<ColumnRow>,
    end: NaiveDate,
}

impl Household {
    fn pay(&mut self, payee: &str, date: NaiveDate, minor: i64) {
        if date > self.end {
            return;
        }
        self.rows.push(ColumnRow {
            id: TransactionId::new(Uuid::from_u128(self.rows.len() as u128 + 100)),
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

    /// A payment each so many months, booked on working days, its price raised twice in four years
    /// or wavering by a quarter.
    fn monthly(&mut self, payee: &str, every: u32, minor: i64, wavers: bool) {
        let start = day("2022-01-01") + Days::new(self.chance.below(28));
        let rises = 200 + self.chance.below(500);
        for turn in 0_u32..60 {
            let due = start + Months::new(turn * every);
            let raised = i64::try_from((due - start).num_days() as u64 / rises).unwrap();
            let mut amount = minor + minor * 5 * raised / 100;
            if wavers {
                amount = amount * self.chance.between(75, 125) / 100;
            }
            if self.chance.below(100) < 2 {
                continue;
            }
            let late = u64::from(self.chance.below(100) < 5);
            self.pay(payee, booked(due + Days::new(late)), amount);
        }
    }

    /// What is bought between: shopping, most of it on Saturdays, coffee on working days,
    /// shops and single purchases at random, more of it in December, and two weeks of holidays.
    fn between(&mut self) {
        let mut date = day("2022-01-01");
        let groceries = self.chance.between(25, 70);
        while date <= self.end {
            let festive = if date.month() == 12 { 150 } else { 100 };
            let away = date.month() == 8 && date.day() <= 14;
            if date.weekday() == Weekday::Sat || self.chance.below(100) < 25 {
                let minor = groceries * self.chance.between(40, 180) * festive / 100;
                self.pay("GREEN MARKET", date, -minor);
            }
            if date.weekday().number_from_monday() <= 5 && self.chance.below(100) < 70 && !away {
                self.pay("COFFEE CORNER", date, -350);
            }
            let often = if away { 60 } else { 22 };
            if self.chance.below(100) < often {
                let shop = self.chance.below(40);
                let minor = self.chance.between(300, 4_000) * self.chance.between(1, 4) * festive;
                self.pay(&format!("SHOP {shop}"), date, -minor / 100);
            }
            if self.chance.below(100) < 2 {
                let minor = self.chance.between(5_000, 40_000);
                let name = format!("ONCE {:x}", self.chance.below(1 << 40));
                self.pay(&name, date, -minor);
            }
            date = date + Days::new(1);
        }
    }
}

/// Four years of a household.
fn household(seed: u64) -> Vec<ColumnRow> {
    let mut it = Household { chance: Chance(seed), rows: Vec::new(), end: day("2025-12-31") };
    let salary = it.chance.between(220_000, 420_000);
    it.monthly("EMPLOYER INC", 1, salary, false);
    let rent = it.chance.between(60_000, 130_000);
    it.monthly("LANDLORD", 1, -rent, false);
    it.monthly("CITY ENERGY", 1, -9_000, true);
    it.monthly("TELECOM PLUS", 1, -3_990, false);
    it.monthly("STREAMFLIX", 1, -1_299, false);
    it.monthly("CAR INSURANCE", 3, -18_000, false);
    it.monthly("WATER BOARD", 2, -6_500, true);
    it.between();
    it.rows
}

#[test]
fn intervals_hold_what_comes_and_errors_are_smaller() {
    // Holds: over seeded households, of intervals of 80 percent 75 to 85 in 100 hold what came, and
    // the balance to be expected is nearer to it, however far ahead, than that of today and than
    // the month before again. The table in docs/forecast.md is of the deep tier.
    let deep = std::env::var_os("FISCAFLOW_DEEP").is_some();
    let (seeds, forecasts) = if deep { (10, 30) } else { (6, 20) };
    let mut sums = vec![[0_i64; 6]; 5];
    for seed in 1..=seeds {
        let mut view = View::new();
        household(seed).iter().for_each(|row| view.put(row));
        let query = ForecastBacktestQuery { forecasts: Some(forecasts), ..Default::default() };
        let found = backtest(&plan(), &view, &query, day("2025-12-31")).unwrap();
        for (sum, it) in sums.iter_mut().zip(&found.horizons) {
            sum[0] = it.days.into();
            sum[1] += i64::from(it.within);
            sum[2] += i64::from(it.with_interval);
            sum[3] += it.error.minor();
            sum[4] += it.naive_error.minor();
            sum[5] += it.seasonal_error.minor();
        }
    }
    for [days, within, of, error, naive, seasonal] in &sums {
        println!("{days} {within}/{of} {error} {naive} {seasonal}");
        assert!(error < naive && error < seasonal, "{days} days ahead");
    }
    let within: i64 = sums.iter().map(|it| it[1]).sum();
    let of: i64 = sums.iter().map(|it| it[2]).sum();
    assert!(of > 500 && within * 100 >= of * 75 && within * 100 <= of * 85, "{within} of {of}");
}

/// How far ahead intervals over days at random are looked at.
const AHEAD: [usize; 5] = [7, 14, 30, 60, 90];

/// What a day brings at random: normally distributed, as the sum of twelve even draws, or, on a
/// quarter of the days, log-normally, as the product of twelve factors, and nothing on the others.
fn drawn(chance: &mut Chance, skewed: bool) -> i64 {
    if !skewed {
        return (0..12).map(|_| chance.between(-1_000, 1_000)).sum();
    }
    if chance.below(4) > 0 {
        return 0;
    }
    let up = |minor: i64, up: bool| if up { minor * 4 / 3 } else { minor * 3 / 4 };
    (0..12).fold(-chance.between(90_000, 110_000), |minor, _| up(minor, chance.below(2) == 0))
}

/// How many of so many intervals of 80 percent held what came, by days ahead, after a past of so
/// many years of 52 weeks.
fn held(skewed: bool, years: u64, times: u64) -> [u64; 5] {
    let (as_of, mut within) = (day("2025-12-31"), [0; 5]);
    for time in 0..times {
        let mut chance = Chance(time << 8 | years << 1 | u64::from(skewed));
        let mut view = View::new();
        for ago in 0..years * 364 {
            let (date, minor) = (as_of - Days::new(ago), drawn(&mut chance, skewed));
            view.put(&plain(100 + u128::from(ago), account_id(), date, minor));
        }
        let told = forecast(&plan(), &view, &ForecastQuery::default(), as_of).unwrap();
        let mut balance = told.balance.minor();
        let balances: Vec<i64> = (told.days.iter())
            .map(|_| {
                balance += drawn(&mut chance, skewed);
                balance
            })
            .collect();
        for (count, days) in within.iter_mut().zip(AHEAD) {
            let it = &told.days[days - 1];
            let interval = it.low.unwrap().minor()..=it.high.unwrap().minor();
            *count += u64::from(interval.contains(&balances[days - 1]));
        }
    }
    within
}

#[test]
fn intervals_hold_days_that_are_drawn_at_random() {
    // Holds: over days at random, normally distributed ones and such of which few are very large,
    // intervals of 80 percent hold about as much as they say, however long the past is and however
    // far they look ahead. The deep tier has bounds for each past and distance; as few as in the
    // ordinary one have bounds for all together.
    let deep = std::env::var_os("FISCAFLOW_DEEP").is_some();
    let times = if deep { 600 } else { 12 };
    let mut all = (0, 0);
    for skewed in [false, true] {
        for years in 1..=3 {
            let within = held(skewed, years, times);
            println!("skewed {skewed}, {years} years: {within:?} of {times}");
            for held in within {
                all = (all.0 + held, all.1 + times);
                assert!(!deep || (72..=91).contains(&(held * 100 / times)), "{held} of {times}");
            }
        }
    }
    assert!((72..=90).contains(&(all.0 * 100 / all.1)), "{} of {}", all.0, all.1);
}

/// A book that spends ten euro each day from an opening balance, for so many days.
fn steady(opening: i64, days: u64) -> (Plan, View) {
    let (mut plan, mut view) = (plan(), View::new());
    let account = plan.accounts.get_mut(&account_id()).unwrap();
    account.opening_balance = Money::from_minor(opening, account.currency);
    for number in 0..days {
        let date = day("2024-06-30") - Days::new(number);
        view.put(&plain(100 + u128::from(number), account_id(), date, -1_000));
    }
    (plan, view)
}

fn plain(number: u128, account_id: AccountId, date: NaiveDate, minor: i64) -> ColumnRow {
    ColumnRow {
        id: TransactionId::new(Uuid::from_u128(number)),
        account_id,
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

fn schedule(number: u128, account_id: AccountId, minor: i64, recurrence: &str) -> Schedule {
    Schedule {
        id: ScheduleId::new(Uuid::from_u128(number)),
        name: "Rent".to_owned(),
        account_id,
        payee: None,
        category_id: None,
        amount: Money::from_minor(minor, Currency::iso("EUR").unwrap()),
        tolerance_percent: 0,
        recurrence: serde_json::from_str(recurrence).unwrap(),
        tolerance_days: 3,
        active: true,
    }
}

/// The balances to be expected on some days.
fn balances(plan: &Plan, view: &View, days: &[&str]) -> Vec<i64> {
    let told = forecast(plan, view, &ForecastQuery::default(), day("2024-06-30")).unwrap();
    let on = |text: &&str| told.days.iter().find(|it| it.date == day(text)).unwrap();
    days.iter().map(|text| on(text).balance.minor()).collect()
}

#[test]
fn what_is_expected_is_added_to_what_is_usual() {
    // Holds: usual spending goes on; a schedule comes on its day, what is due and has not come on
    // the first one, what is recorded ahead on its own, and the payment of a schedule that is
    // recorded ahead counts once; what goes from one account to another changes nothing.
    let (mut plan, mut view) = steady(500_000, 100);
    let days = ["2024-07-01", "2024-07-02", "2024-07-15"];
    assert_eq!(balances(&plan, &view, &days), [399_000, 398_000, 385_000]);
    let rent = schedule(1, account_id(), -80_000, r#"{"start": "2024-07-02", "unit": "months"}"#);
    let due = schedule(2, account_id(), -7_000, r#"{"start": "2024-06-29", "unit": "years"}"#);
    plan.schedules.insert(rent.id, rent);
    plan.schedules.insert(due.id, due);
    assert_eq!(balances(&plan, &view, &days), [392_000, 311_000, 298_000]);
    view.put(&plain(1, account_id(), day("2024-07-03"), -80_000));
    view.put(&plain(2, account_id(), day("2024-07-10"), 5_000));
    assert_eq!(balances(&plan, &view, &days), [392_000, 391_000, 303_000]);
    // Savings: what was put there every month is not spent.
    let savings = AccountId::new(Uuid::from_u128(2));
    let account = Account { id: savings, ..plan.accounts[&account_id()].clone() };
    plan.accounts.insert(savings, account);
    let before = balances(&plan, &view, &days);
    let order = schedule(3, account_id(), -20_000, r#"{"start": "2024-06-20", "unit": "months"}"#);
    plan.schedules.insert(order.id, order);
    for (number, (account, minor)) in
        [(account_id(), -20_000), (savings, 20_000)].iter().enumerate()
    {
        let number = 10 + u128::try_from(number).unwrap();
        let side = plain(number, *account, day("2024-06-20"), *minor);
        view.put(&ColumnRow { transfer: true, ..side });
    }
    assert_eq!(balances(&plan, &view, &days), before);
    assert_eq!(balances(&plan, &view, &["2024-07-25"])[0], before[2] - 10_000);
}

#[test]
fn an_interval_needs_twelve_weeks_and_the_limit_is_exact() {
    // Holds: 83 days of past tell no interval and 84 do; where every day was the same it has no
    // width; a balance at the limit is not low, one cent below it is.
    let told = |days: u64, limit: &str| {
        let (plan, view) = steady(500_000, days);
        let limit = limit.parse().ok();
        let query = ForecastQuery { limit, ..ForecastQuery::default() };
        forecast(&plan, &view, &query, day("2024-06-30")).unwrap()
    };
    assert_eq!(told(83, "0").days[0].low, None);
    let it = told(84, "4110.00");
    assert_eq!(it.days[0].low, Some(it.days[0].balance));
    assert_eq!(it.days[89].high, Some(it.days[89].balance));
    // 5,000.00 less 84 days, and 5 more.
    let expected = (Some(day("2024-07-06")), Some(day("2024-07-06")));
    assert_eq!((it.may_be_low_on, it.low_on), expected);
    let it = told(84, "4110.01");
    assert_eq!(it.low_on, Some(day("2024-07-05")));
}

#[test]
fn what_can_be_afforded_is_what_is_left_at_the_lowest_point() {
    // Holds: the lowest point from the day on decides, to the cent; without an interval nothing is
    // sure.
    let (mut plan, view) = steady(500_000, 100);
    let salary = schedule(1, account_id(), 200_000, r#"{"start": "2024-07-20", "unit": "months"}"#);
    plan.schedules.insert(salary.id, salary);
    let ask = |plan: &Plan, view: &View, amount: &str, further: &str| {
        let query = format!(r#"{{"amount": "{amount}", "date": "2024-07-10"{further}}}"#);
        afford(plan, view, &serde_json::from_str(&query).unwrap(), day("2024-06-30")).unwrap()
    };
    // On 19 July 5,000.00 less 119 days are left, before the salary comes.
    let it = ask(&plan, &view, "3810.00", "");
    assert_eq!((it.verdict, it.lowest_with.date), (Verdict::Yes, day("2024-07-19")));
    assert_eq!((it.lowest_without.balance.minor(), it.lowest_with.balance.minor()), (381_000, 0));
    assert_eq!(it.until, day("2024-08-10"));
    assert_eq!(ask(&plan, &view, "3810.01", "").verdict, Verdict::No);
    assert_eq!(ask(&plan, &view, "3810.00", r#", "limit": "0.01""#).verdict, Verdict::No);
    // What is over before the lowest point does not ask for it.
    assert_eq!(ask(&plan, &view, "3900.00", r#", "until": "2024-07-10""#).verdict, Verdict::Yes);
    let (plan, view) = steady(500_000, 20);
    assert_eq!(ask(&plan, &view, "1.00", "").verdict, Verdict::Uncertain);
}

#[test]
fn what_a_stream_brings_and_is_recorded_ahead_counts_once() {
    // Holds: a payment that a stream expects and that is recorded near its day, at another amount
    // too, comes as it is recorded; one record stands for one payment, and one of another party or
    // direction, or far from the day, for none.
    let (plan, mut view) = steady(500_000, 364);
    let of = |number: u128, payee: &str, date: NaiveDate, minor: i64| ColumnRow {
        payee: Some(payee.to_owned()),
        ..plain(number, account_id(), date, minor)
    };
    for month in 0..12 {
        let date = day("2023-07-02") + Months::new(month);
        view.put(&of(u128::from(month) + 1, "LANDLORD", date, -80_000));
    }
    let days = ["2024-07-01", "2024-07-02", "2024-07-08", "2024-08-02"];
    let [first, second, eighth, august] = balances(&plan, &view, &days)[..] else { panic!() };
    assert_eq!((second - first, august - eighth), (-81_000, -105_000));
    view.put(&of(20, "LANDLORD", day("2024-07-02"), 80_000));
    view.put(&of(21, "GREEN MARKET", day("2024-07-02"), -80_000));
    assert_eq!(balances(&plan, &view, &days), [first, second, eighth, august]);
    view.put(&of(22, "Landlord", day("2024-07-08"), -80_000));
    assert_eq!(balances(&plan, &view, &days)[1..3], [second, eighth - 80_000]);
    view.put(&of(22, "Landlord", day("2024-07-01"), -82_000));
    let once = [first - 82_000, second - 2_000, eighth - 2_000, august - 2_000];
    assert_eq!(balances(&plan, &view, &days), once);
    let told = forecast(&plan, &view, &ForecastQuery::default(), day("2024-06-30")).unwrap();
    assert_eq!(told.payments[0].date, day("2024-08-02"));
    // The day before the rent is told no more, and the rent is not told for it.
    view.put(&of(22, "Landlord", day("2024-07-03"), -80_000));
    let query = ForecastQuery { days: Some(2), ..ForecastQuery::default() };
    let told = forecast(&plan, &view, &query, day("2024-06-30")).unwrap();
    assert_eq!(told.days[1].balance.minor(), second + 80_000);
}

#[test]
fn what_has_come_as_often_as_it_should_is_over() {
    // Holds: a schedule whose number of payments has come is not missed since.
    let (mut plan, mut view) = steady(740_000, 364);
    let recurrence = r#"{"start": "2024-01-05", "unit": "months", "count": 3}"#;
    let rates = schedule(1, account_id(), -80_000, recurrence);
    plan.schedules.insert(rates.id, rates);
    for month in 0..3 {
        let date = day("2024-01-05") + Months::new(month);
        view.put(&plain(u128::from(month) + 1, account_id(), date, -80_000));
    }
    assert_eq!(balances(&plan, &view, &["2024-07-01", "2024-07-15"]), [135_000, 121_000]);
}

#[test]
fn many_schedules_are_no_limit() {
    // Holds: more payments of schedules than one answer tells are all expected.
    let (mut plan, view) = steady(500_000, 100);
    for number in 1..=30 {
        let recurrence = r#"{"start": "2020-01-01", "unit": "days"}"#;
        let daily = schedule(number, account_id(), -100, recurrence);
        plan.schedules.insert(daily.id, daily);
    }
    let told = forecast(&plan, &view, &ForecastQuery::default(), day("2024-06-30")).unwrap();
    assert_eq!(told.days[1].expected.minor(), -3_000);
}

#[test]
fn a_forecast_ends_with_the_calendar() {
    // Holds: no day and no payment is told that cannot be written.
    let (mut plan, view) = steady(500_000, 100);
    let yearly = r#"{"start": "9000-12-31", "unit": "years"}"#;
    let due = schedule(1, account_id(), -100, yearly);
    plan.schedules.insert(due.id, due);
    for (as_of, days, payments) in [("9999-12-30", 1, 1), ("9999-12-31", 0, 0)] {
        let told = forecast(&plan, &view, &ForecastQuery::default(), day(as_of)).unwrap();
        assert_eq!((told.days.len(), told.payments.len()), (days, payments), "{as_of}");
    }
}
