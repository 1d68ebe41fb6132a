//! The jobs of figures: one call of each on a view that is there, from monthly sums where the
//! engine has them, and the same by a scan of all lines. Both must come to one `sum`, in which
//! each row of an answer counts as often as its place in it, so that rows that change places are
//! noticed.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{Datelike, NaiveDate};
use fiscaflow_core::analytics::{
    BalancesQuery, DashboardQuery, NetWorthQuery, NetWorthStep, SpendingQuery, TopPayeesQuery,
    balances, dashboard, net_worth, spending, top_payees,
};
use fiscaflow_core::model::{Account, Book, Budget, Category, CategoryKind};
use fiscaflow_core::store::ColumnRow;
use fiscaflow_core::view::{Group, View, ViewBuilder};
use fiscaflow_core::{AccountId, BookId, CategoryId, Currency, Money, Plan, Result};
use serde_json::json;

use super::jobs::{Run, failed};
use super::{Options, files};

/// The jobs, by name.
pub const JOBS: [&str; 6] = [
    "monthly-by-category",
    "top-payees",
    "running-balance",
    "net-worth-by-day",
    "budgets",
    "dashboard",
];
const ACCOUNTS: [&str; 4] = ["Card", "Giro", "Savings", "Shared"];
const CATEGORIES: [&str; 7] =
    ["Groceries", "Health", "Insurance", "Leisure", "Shopping", "Transport", "Utilities"];
const BUDGETS: usize = 20;
const MONTHS: usize = 120;

/// A plan and the view of `n` transactions over ten years.
struct Figures {
    plan: Plan,
    view: View,
    account: AccountId,
    from: NaiveDate,
    to: NaiveDate,
}

/// Runs one job as often as asked for.
pub fn job(name: &str, options: &Options) -> Result<Vec<Run>> {
    let figures = Figures::new(options)?;
    let mut runs = Vec::new();
    // The first round only makes caches warm, as it does for the peers.
    for round in 0..=options.repeat {
        let start = Instant::now();
        let sum = figures.figure(name)?;
        let run = Run::new(options.n, start);
        let start = Instant::now();
        let scanned = figures.scanned(name)?;
        let scan_seconds = start.elapsed().as_secs_f64();
        if sum != scanned {
            return Err(failed("a scan comes to another sum"));
        }
        let sum = Money::from_minor(sum, Currency::iso("EUR")?).amount();
        let bytes = figures.view.memory_bytes() as f64 / figures.view.len().max(1) as f64;
        let more = json!({
            "sum": sum, "scan_seconds": scan_seconds, "bytes_per_transaction": bytes,
        });
        if round > 0 {
            runs.push(Run { more, ..run });
        }
    }
    Ok(runs)
}

fn id<T: std::str::FromStr>(group: usize, number: usize) -> Result<T> {
    let text = format!("018f5a2c-0000-7000-8{group:03}-{number:012}");
    text.parse().map_err(|_| failed("an id cannot be read"))
}

fn place(name: &str, all: &[&str]) -> Result<usize> {
    all.iter().position(|it| *it == name).ok_or_else(|| failed("the data has another name"))
}

/// One of twenty budgets, of two categories each.
fn budget(number: usize, currency: Currency) -> Result<Budget> {
    let own = [number % CATEGORIES.len(), (number * 3 + 1) % CATEGORIES.len()];
    let category = |place: usize| id::<CategoryId>(2, place);
    Ok(Budget {
        id: id(4, number)?,
        name: format!("budget {number}"),
        category_ids: own.into_iter().map(category).collect::<Result<_>>()?,
        except_category_ids: Vec::new(),
        tags: Vec::new(),
        account_ids: Vec::new(),
        limit: Money::from_minor(50_000, currency),
        thresholds: Vec::new(),
        period: Default::default(),
        rollover: Default::default(),
        start: None,
        pending_counts: true,
    })
}

impl Figures {
    fn new(options: &Options) -> Result<Self> {
        let currency = Currency::iso("EUR")?;
        let mut plan = Plan::new(Book {
            id: id::<BookId>(0, 0)?,
            name: "Home".to_owned(),
            currency,
            zone: "UTC".to_owned(),
            currencies: Vec::new(),
            created_at: Default::default(),
            learning: Default::default(),
        });
        for (number, name) in ACCOUNTS.iter().enumerate() {
            let account = Account {
                id: id(1, number)?,
                name: (*name).to_owned(),
                kind: Default::default(),
                currency,
                opening_balance: Money::zero(currency),
                number: None,
                bank_id: None,
                import_key: None,
                closed: false,
            };
            plan.accounts.insert(account.id, account);
        }
        for (number, name) in CATEGORIES.iter().enumerate() {
            let kind = CategoryKind::Expense;
            let id = id::<CategoryId>(2, number)?;
            let name = (*name).to_owned();
            plan.categories.insert(id, Category { id, name, kind, parent_id: None });
        }
        for number in 0..BUDGETS {
            let budget = budget(number, currency)?;
            plan.budgets.insert(budget.id, budget);
        }
        let mut builder = ViewBuilder::default();
        for (number, (it, account)) in files::entries(options.n, options.seed).enumerate() {
            let cents = i64::try_from(it.cents).unwrap_or_default();
            let (year, month, day) = (it.year, it.month, it.day);
            builder.add(&ColumnRow {
                id: id(3, number)?,
                account_id: id(1, place(account, &ACCOUNTS)?)?,
                booking_date: fiscaflow_core::parse_date(&format!("{year}-{month:02}-{day:02}"))?,
                amount_minor: if it.credit { cents } else { -cents },
                category_id: Some(id(2, place(it.category(), &CATEGORIES)?)?),
                payee: Some(it.payee()),
                transfer: false,
                pending: false,
                counts: true,
                splits: Vec::new(),
                tags: Vec::new(),
                links: Default::default(),
            });
        }
        Ok(Self {
            plan,
            view: builder.build(),
            account: id(1, place("Giro", &ACCOUNTS)?)?,
            from: fiscaflow_core::parse_date("2016-01-01")?,
            to: fiscaflow_core::parse_date("2025-12-31")?,
        })
    }

    /// The figure as the engine answers it; its sum in minor units.
    fn figure(&self, name: &str) -> Result<i64> {
        let (plan, view) = (&self.plan, &self.view);
        let (from, to) = (Some(self.from), Some(self.to));
        Ok(match name {
            "monthly-by-category" => {
                weigh(spending(plan, view, &SpendingQuery::default())?.iter().map(|it| it.spent))
            }
            "top-payees" => {
                weigh(top_payees(plan, view, &TopPayeesQuery::default())?.iter().map(|it| it.total))
            }
            "running-balance" => {
                let account_id = Some(self.account);
                let query = BalancesQuery { account_id, from, to, witness: false };
                weigh(balances(plan, view, &query)?.iter().map(|it| it.balance))
            }
            "net-worth-by-day" => {
                let step = Some(NetWorthStep::Day);
                let query = NetWorthQuery { from, to, step, ..NetWorthQuery::default() };
                weigh(net_worth(plan, view, &query)?.iter().map(|it| it.net))
            }
            "dashboard" => {
                let query = DashboardQuery { as_of: to, ..DashboardQuery::default() };
                let page = dashboard(plan, view, &query, self.to)?;
                weigh(page.balances.iter().map(|it| it.balance))
            }
            _ => {
                let mut months = vec![0; CATEGORIES.len() * MONTHS];
                let categories = self.categories();
                let mut present = (None, 0);
                for cell in view.months(None, None) {
                    if present.0 != Some(cell.month) {
                        present = (Some(cell.month), self.month(cell.month.first_day()));
                    }
                    let minor = i64::try_from(cell.minor).unwrap_or_default();
                    spend(&mut months, &categories, (present.1, cell.number), minor);
                }
                self.budgets(&months)
            }
        })
    }

    /// The same by a loop over all lines.
    fn scanned(&self, name: &str) -> Result<i64> {
        let of_group: Vec<_> = self.view.groups().copied().collect();
        let days = usize::try_from(self.to.signed_duration_since(self.from).num_days() + 1);
        let mut days = vec![0_i64; days.unwrap_or_default()];
        let first = self.from.num_days_from_ce();
        match name {
            "top-payees" => return self.payees_scanned(),
            "dashboard" => return Ok(self.balances_scanned(&of_group)),
            "running-balance" | "net-worth-by-day" => {
                let own = |id| name == "net-worth-by-day" || id == self.account;
                let own: Vec<bool> = of_group.iter().map(|it| own(it.account_id)).collect();
                self.view.scan_days(None, None, |day, group, minor| {
                    let day = usize::try_from(day - first).ok();
                    let total = day.and_then(|day| days.get_mut(day));
                    if let Some(total) = total.filter(|_| own.get(group) == Some(&true)) {
                        *total += minor;
                    }
                });
                let mut total = 0;
                days.iter_mut().for_each(|day| {
                    total += *day;
                    *day = total;
                });
                return Ok(weigh_minor(days.into_iter()));
            }
            _ => {}
        }
        // Sums by month and group; a day's lines stand side by side, so its month is known.
        let mut sums = vec![0_i64; of_group.len() * MONTHS];
        let (mut last, mut row) = (i32::MIN, 0);
        self.view.scan_days(None, None, |day, group, minor| {
            if day != last {
                last = day;
                let date = NaiveDate::from_num_days_from_ce_opt(day).unwrap_or(self.from);
                row = self.month(date) * of_group.len();
            }
            if let Some(sum) = sums.get_mut(row + group) {
                *sum += minor;
            }
        });
        let mut months = vec![0; CATEGORIES.len() * MONTHS];
        let categories = self.categories();
        for (month, sums) in sums.chunks(of_group.len().max(1)).enumerate() {
            for (group, minor) in sums.iter().enumerate() {
                spend(&mut months, &categories, (month, group), *minor);
            }
        }
        if name == "budgets" {
            return Ok(self.budgets(&months));
        }
        Ok(weigh_minor(months.into_iter().filter(|spent| *spent != 0)))
    }

    /// What a first page tells of accounts.
    fn balances_scanned(&self, of_group: &[Group]) -> i64 {
        let mut totals: BTreeMap<AccountId, i64> =
            self.plan.accounts.keys().map(|id| (*id, 0)).collect();
        self.view.scan(None, Some(self.to), |group, _, minor| {
            let account = of_group.get(group).and_then(|it| totals.get_mut(&it.account_id));
            if let Some(total) = account {
                *total += minor;
            }
        });
        weigh_minor(totals.into_values())
    }

    fn payees_scanned(&self) -> Result<i64> {
        let mut totals = Vec::<(i64, usize)>::new();
        self.view.scan(None, None, |_, payee, minor| {
            let Some(payee) = payee else { return };
            if totals.len() <= payee {
                totals.resize(payee + 1, (0, 0));
            }
            if let Some(total) = totals.get_mut(payee) {
                *total = (total.0 + minor, payee);
            }
        });
        let name = |payee| self.view.payee(payee).unwrap_or_default();
        totals.sort_unstable_by_key(|(minor, payee)| (*minor, name(*payee)));
        Ok(weigh_minor(totals.iter().take(10).map(|(minor, _)| -minor)))
    }

    fn month(&self, day: NaiveDate) -> usize {
        let months = (day.year() - self.from.year()) * 12;
        usize::try_from(months).unwrap_or_default() + usize::try_from(day.month0()).unwrap_or(0)
    }

    /// The place of each group's category, by the group's number.
    fn categories(&self) -> Vec<Option<usize>> {
        // The categories' ids count up in their order.
        let place = |id| self.plan.categories.keys().position(|it| *it == id);
        self.view.groups().map(|group| group.category_id.and_then(place)).collect()
    }

    /// What each of twenty budgets, of two categories each, comes to in each month.
    fn budgets(&self, months: &[i64]) -> i64 {
        let budget = |number: usize| {
            let own = [number % CATEGORIES.len(), (number * 3 + 1) % CATEGORIES.len()];
            months.chunks(CATEGORIES.len()).map(move |month| {
                own.iter().filter_map(|category| month.get(*category)).sum::<i64>()
            })
        };
        weigh_minor((0..BUDGETS).flat_map(budget))
    }
}

/// Adds what a group moved in a month to what was spent by month and category.
fn spend(
    months: &mut [i64],
    categories: &[Option<usize>],
    (month, group): (usize, usize),
    minor: i64,
) {
    let category = categories.get(group).copied().flatten();
    let place = category.map(|category| month * CATEGORIES.len() + category);
    if let Some(spent) = place.and_then(|place| months.get_mut(place)) {
        *spent -= minor;
    }
}

fn weigh(rows: impl Iterator<Item = Money>) -> i64 {
    weigh_minor(rows.map(Money::minor))
}

/// The sum of rows, each as often as its place, counted from 1.
fn weigh_minor(rows: impl Iterator<Item = i64>) -> i64 {
    (1..).zip(rows).map(|(place, minor)| place * minor).sum()
}
