//! Running a report over a view: one pass over the lines of its days.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::span::{Shift, Span, unit_of};
use super::{
    Report, ReportAnswer, ReportDimension, ReportMeasure, ReportQuery, ReportRow, ReportSort,
    ReportTotal, describe,
};
use crate::analytics::{Witness, side};
use crate::calendar::{CalendarUnit, Period};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{CategoryId, TransactionId};
use crate::limits::{MAX_DIMENSIONS, MAX_ROWS};
use crate::model::{CategoryKind, Weekday};
use crate::money::{Amount, Currency, Money, div_half_even};
use crate::plan::Plan;
use crate::rates::{Converter, max_age};
use crate::rules::LineFilter;
use crate::view::{Group, Scanned, View};

const NONE: u32 = u32::MAX;

/// The numbers of what a row is of, in the order of the dimensions.
type Key = [u32; MAX_DIMENSIONS];

/// What the lines of one row come to.
#[derive(Default)]
struct Sums {
    now: Sum,
    before: Sum,
    ids: Vec<TransactionId>,
    /// From which currencies lines were converted, and on which days.
    converted: BTreeSet<(Currency, NaiveDate)>,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    minor: i128,
    lines: u64,
}

impl Sum {
    fn add(&mut self, minor: i128) {
        self.minor += minor;
        self.lines = self.lines.saturating_add(1);
    }
}

/// Runs a report. `today` says which days it means.
pub fn run(
    plan: &Plan,
    view: &View,
    query: &ReportQuery,
    today: NaiveDate,
) -> Result<ReportAnswer> {
    let report = &query.report;
    check(report)?;
    let span = Span::of(report, today)?;
    let compared = span.compared(report)?;
    let mut counter = Counter::new(plan, view, query)?;
    counter.scan(span, None)?;
    if let Some((before, shift)) = compared {
        counter.scan(before, Some((shift, span)))?;
    }
    let before = compared.map(|(before, _)| before).unwrap_or_default();
    let rates = counter.converter.as_ref().map_or_else(Vec::new, Converter::used);
    let (totals, rows) = counter.answer(compared.is_some())?;
    Ok(ReportAnswer {
        report: report.clone(),
        text: describe(report, plan),
        head: view.head(),
        from: span.from,
        to: span.to,
        before_from: before.from,
        before_to: before.to,
        totals,
        rows,
        rates,
    })
}

fn check(report: &Report) -> Result<()> {
    let by = &report.by;
    if by.len() > MAX_DIMENSIONS {
        let text = format!("rows are made by at most {MAX_DIMENSIONS} dimensions");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("by"));
    }
    if by.iter().any(|one| by.iter().filter(|other| *other == one).count() > 1) {
        return Err(Error::invalid("by", "rows are made by each dimension once"));
    }
    if by.iter().filter(|dimension| dimension.is_time()).count() > 1 {
        return Err(Error::invalid("by", "one dimension divides time, not several"));
    }
    if report.sort == ReportSort::Change && report.compare.is_none() {
        return Err(Error::invalid("sort", "there is no change without `compare`"));
    }
    let most = u32::try_from(MAX_ROWS).unwrap_or(u32::MAX);
    if report.limit.is_some_and(|limit| !(1..=most).contains(&limit)) {
        let text = format!("`limit` is 1 to {MAX_ROWS}");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("limit"));
    }
    Ok(())
}

/// Counts lines under their keys.
struct Counter<'a> {
    plan: &'a Plan,
    view: &'a View,
    query: &'a ReportQuery,
    filter: Option<LineFilter>,
    /// By the group's number: what is counted of it, if anything.
    groups: Vec<Option<Counted>>,
    categories: Vec<CategoryId>,
    accounts: Vec<crate::id::AccountId>,
    tags: BTreeMap<String, u32>,
    converter: Option<Converter<'a>>,
    sums: HashMap<(Currency, Key), Sums>,
    /// What all lines come to, each once: one with several tags is in several rows.
    totals: BTreeMap<Currency, Sums>,
}

/// What lines of a group count as.
#[derive(Clone, Copy)]
struct Counted {
    currency: Currency,
    sign: i128,
    category: u32,
    top: u32,
    account: u32,
}

impl<'a> Counter<'a> {
    fn new(plan: &'a Plan, view: &'a View, query: &'a ReportQuery) -> Result<Self> {
        let report = &query.report;
        let filter = report.filter.as_ref();
        let filter = filter.map(|it| LineFilter::new(it, plan, view)).transpose()?;
        let to = report.currency.as_deref().map(|code| plan.currency(code)).transpose();
        let to = to.map_err(|error| error.field("currency"))?;
        let age = max_age(query.max_age_days)?;
        let categories: Vec<CategoryId> = plan.categories.keys().copied().collect();
        let accounts: Vec<_> = plan.accounts.keys().copied().collect();
        let number = |found: Result<usize, usize>| {
            found.ok().and_then(|place| u32::try_from(place).ok()).unwrap_or(NONE)
        };
        let category =
            |id: Option<CategoryId>| id.map_or(NONE, |id| number(categories.binary_search(&id)));
        let counted = |group: &Group| {
            Some(Counted {
                currency: plan.accounts.get(&group.account_id)?.currency,
                sign: sign(report.measure, side(plan, group))?,
                category: category(group.category_id),
                top: category(group.category_id.map(|id| plan.topmost(id))),
                account: number(accounts.binary_search(&group.account_id)),
            })
        };
        let groups = view.groups().map(counted).collect();
        Ok(Self {
            plan,
            view,
            query,
            filter,
            groups,
            categories,
            accounts,
            tags: BTreeMap::new(),
            converter: to.map(|to| Converter::new(plan, to, age)),
            sums: HashMap::new(),
            totals: BTreeMap::new(),
        })
    }

    /// Counts the lines of a span; where it lies before, as what the report is compared with.
    fn scan(&mut self, span: Span, before: Option<(Shift, Span)>) -> Result<()> {
        let mut failed = None;
        let view = self.view;
        view.scan_lines(span.from, span.to, |line| {
            if failed.is_none() {
                failed = self.count(line, before).err();
            }
        });
        failed.map_or(Ok(()), Err)
    }

    fn count(&mut self, line: &Scanned<'_>, before: Option<(Shift, Span)>) -> Result<()> {
        let Some(Some(counted)) = self.groups.get(line.group).copied() else { return Ok(()) };
        if self.filter.as_ref().is_some_and(|filter| !filter.holds(line)) {
            return Ok(());
        }
        let Some(day) = NaiveDate::from_num_days_from_ce_opt(line.day) else { return Ok(()) };
        let mut minor = i128::from(line.minor) * counted.sign;
        let (mut currency, mut converted) = (counted.currency, None);
        if let Some(converter) = &mut self.converter {
            minor = converter.convert(minor, currency, day)?;
            converted = (currency != converter.to()).then_some((currency, day));
            currency = converter.to();
        }
        let shown = before.map_or(day, |(shift, span)| shift.forward(day, span));
        let total = self.totals.entry(currency).or_default();
        let part = if before.is_some() { &mut total.before } else { &mut total.now };
        part.add(minor);
        let mut key = [NONE; MAX_DIMENSIONS];
        let mut tag_at = None;
        for (place, (part, by)) in key.iter_mut().zip(&self.query.report.by).enumerate() {
            match by {
                ReportDimension::Tag => tag_at = Some(place),
                by => *part = number_of(*by, &counted, line, shown, day),
            }
        }
        let Some(place) = tag_at else {
            self.enter((currency, key), minor, line, converted, before);
            return Ok(());
        };
        let tags: Vec<u32> = match line.tags {
            [] => vec![NONE],
            tags => tags.iter().map(|tag| self.tag(tag)).collect(),
        };
        for tag in tags {
            if let Some(part) = key.get_mut(place) {
                *part = tag;
            }
            self.enter((currency, key), minor, line, converted, before);
        }
        Ok(())
    }

    fn tag(&mut self, tag: &str) -> u32 {
        if let Some(number) = self.tags.get(tag) {
            return *number;
        }
        let number = u32::try_from(self.tags.len()).unwrap_or(NONE);
        self.tags.insert(tag.to_owned(), number);
        number
    }

    fn enter(
        &mut self,
        key: (Currency, Key),
        minor: i128,
        line: &Scanned<'_>,
        converted: Option<(Currency, NaiveDate)>,
        before: Option<(Shift, Span)>,
    ) {
        let sums = self.sums.entry(key).or_default();
        if before.is_some() {
            sums.before.add(minor);
        } else {
            sums.now.add(minor);
            if self.query.witness {
                sums.converted.extend(converted);
                if sums.ids.last() != Some(&line.transaction_id) {
                    sums.ids.push(line.transaction_id);
                }
            }
        }
    }

    /// Totals and rows, in their order.
    fn answer(self, compared: bool) -> Result<(Vec<ReportTotal>, Vec<ReportRow>)> {
        let total = |(currency, sums): (&Currency, &Sums)| {
            let told = Told::new(sums, *currency, compared)?;
            Ok(ReportTotal {
                total: told.total,
                transactions: sums.now.lines,
                before: told.before,
                change: told.change,
                change_percent: told.change_percent,
            })
        };
        let totals = self.totals.iter().map(total).collect::<Result<Vec<_>>>()?;
        let names = Names::new(&self);
        let mut found: Vec<((Currency, Key), Sums)> = Vec::with_capacity(self.sums.len());
        found.extend(self.sums);
        let report = &self.query.report;
        found.sort_by_cached_key(|((currency, key), _)| (*currency, names.order(report, key)));
        if report.sort != ReportSort::Key {
            // The order of keys stays among equals.
            found
                .sort_by_key(|((currency, _), sums)| (*currency, Reverse(size(report.sort, sums))));
        }
        let (mut rows, mut named) = (Vec::new(), 0_usize);
        for one in found.chunk_by_mut(|left, right| left.0.0 == right.0.0) {
            if report.reversed {
                one.reverse();
            }
            let most = report.limit.and_then(|limit| usize::try_from(limit).ok());
            for ((currency, key), sums) in one.iter_mut().take(most.unwrap_or(usize::MAX)) {
                let told = Told::new(sums, *currency, compared)?;
                let mut row = names.row(report, key, told, sums.now.lines);
                row.witness = self.query.witness.then(|| {
                    let ids = std::mem::take(&mut sums.ids);
                    let witness = Witness::of(self.view, *currency, ids);
                    match &self.converter {
                        Some(converter) => witness.converted(converter, &sums.converted),
                        None => witness,
                    }
                });
                rows.push(row);
                named = named.saturating_add(names_in(rows.last()));
                if rows.len().max(named) > MAX_ROWS {
                    let text = format!("an answer has at most {MAX_ROWS} rows and transactions");
                    return Err(Error::new(ErrorCode::LimitExceeded, text).field("by"));
                }
            }
        }
        Ok((totals, rows))
    }
}

/// How many transactions a row names.
fn names_in(row: Option<&ReportRow>) -> usize {
    row.and_then(|row| row.witness.as_ref()).map_or(0, |witness| witness.ids.len())
}

/// What sorts a row.
fn size(sort: ReportSort, sums: &Sums) -> i128 {
    match sort {
        ReportSort::Key => 0,
        ReportSort::Total => sums.now.minor,
        ReportSort::Transactions => sums.now.lines.into(),
        ReportSort::Change => (sums.now.minor - sums.before.minor).abs(),
    }
}

/// With which sign lines of a side count; `None` where they do not.
fn sign(measure: ReportMeasure, side: Option<CategoryKind>) -> Option<i128> {
    match (measure, side) {
        (ReportMeasure::Spending, Some(CategoryKind::Expense)) => Some(-1),
        (ReportMeasure::Income, Some(CategoryKind::Income))
        | (ReportMeasure::Net, Some(_))
        | (ReportMeasure::Movement, _) => Some(1),
        _ => None,
    }
}

/// The number of what a line is of. `shown` is the day it counts under, `day` its own.
fn number_of(
    by: ReportDimension,
    counted: &Counted,
    line: &Scanned<'_>,
    shown: NaiveDate,
    day: NaiveDate,
) -> u32 {
    let start = match by {
        ReportDimension::Category => return counted.category,
        ReportDimension::Group => return counted.top,
        ReportDimension::Account => return counted.account,
        ReportDimension::Payee => {
            return line.payee.and_then(|payee| u32::try_from(payee).ok()).unwrap_or(NONE);
        }
        ReportDimension::Weekday => return day.weekday().num_days_from_monday(),
        ReportDimension::Tag => return NONE,
        ReportDimension::Day => shown,
        ReportDimension::Week => unit_of(CalendarUnit::Weeks, shown).start(),
        ReportDimension::Month => unit_of(CalendarUnit::Months, shown).start(),
        ReportDimension::Quarter => Period::Quarters { start_month: 1 }.range_of(shown).start(),
        ReportDimension::Year => unit_of(CalendarUnit::Years, shown).start(),
    };
    u32::try_from(start.num_days_from_ce()).unwrap_or(NONE)
}

/// The figures of a row or of all.
struct Told {
    total: Money,
    average: Option<Money>,
    before: Option<Money>,
    change: Option<Money>,
    change_percent: Option<Amount>,
}

impl Told {
    fn new(sums: &Sums, currency: Currency, compared: bool) -> Result<Self> {
        let money = |minor| Money::from_wide(minor, currency);
        let change = sums.now.minor - sums.before.minor;
        let average = (sums.now.lines > 0)
            .then(|| money(div_half_even(sums.now.minor, sums.now.lines.into())));
        Ok(Self {
            total: money(sums.now.minor)?,
            average: average.transpose()?,
            before: compared.then(|| money(sums.before.minor)).transpose()?,
            change: compared.then(|| money(change)).transpose()?,
            change_percent: compared.then(|| percent(change, sums.before.minor)).flatten(),
        })
    }
}

/// A part in percent of the size of a whole, one decimal place, rounded half to even.
fn percent(part: i128, whole: i128) -> Option<Amount> {
    let whole = i128::try_from(whole.unsigned_abs()).ok().filter(|whole| *whole > 0)?;
    let tenths = div_half_even(part.checked_mul(1000)?, whole);
    Some(Amount::new(Decimal::try_from_i128_with_scale(tenths, 1).ok()?))
}

/// What numbers stand for.
struct Names<'a> {
    plan: &'a Plan,
    view: &'a View,
    categories: Vec<CategoryId>,
    accounts: Vec<crate::id::AccountId>,
    tags: Vec<String>,
}

impl<'a> Names<'a> {
    fn new(counter: &Counter<'a>) -> Self {
        let mut tags = vec![String::new(); counter.tags.len()];
        for (tag, number) in &counter.tags {
            if let Some(place) = tags.get_mut(index(*number)) {
                place.clone_from(tag);
            }
        }
        let (categories, accounts) = (counter.categories.clone(), counter.accounts.clone());
        Self { plan: counter.plan, view: counter.view, categories, accounts, tags }
    }

    fn category(&self, number: u32) -> Option<CategoryId> {
        self.categories.get(index(number)).copied()
    }

    /// By what rows are sorted: nothing first, then the name, then the number.
    fn order(&self, report: &Report, key: &Key) -> Vec<(Option<&str>, u32)> {
        let one = |(by, number): (&ReportDimension, &u32)| {
            let name = match by {
                ReportDimension::Category | ReportDimension::Group => {
                    let category = self.plan.categories.get(&self.category(*number)?)?;
                    category.name.as_str()
                }
                ReportDimension::Account => {
                    let id = self.accounts.get(index(*number))?;
                    self.plan.accounts.get(id)?.name.as_str()
                }
                ReportDimension::Payee => self.view.payee(index(*number))?,
                ReportDimension::Tag => self.tags.get(index(*number))?,
                _ => "",
            };
            Some((name, *number))
        };
        let parts = report.by.iter().zip(key);
        parts.map(|part| one(part).map_or((None, 0), |(name, it)| (Some(name), it))).collect()
    }

    fn row(&self, report: &Report, key: &Key, told: Told, transactions: u64) -> ReportRow {
        let mut row = ReportRow {
            category_id: None,
            group_id: None,
            account_id: None,
            payee: None,
            tag: None,
            date: None,
            weekday: None,
            total: told.total,
            transactions,
            average: told.average,
            before: told.before,
            change: told.change,
            change_percent: told.change_percent,
            witness: None,
        };
        for (by, number) in report.by.iter().zip(key) {
            match by {
                ReportDimension::Category => row.category_id = self.category(*number),
                ReportDimension::Group => row.group_id = self.category(*number),
                ReportDimension::Account => {
                    row.account_id = self.accounts.get(index(*number)).copied();
                }
                ReportDimension::Payee => {
                    row.payee = self.view.payee(index(*number)).map(str::to_owned);
                }
                ReportDimension::Tag => row.tag = self.tags.get(index(*number)).cloned(),
                ReportDimension::Weekday => {
                    row.weekday = Weekday::ALL.get(index(*number)).copied();
                }
                _ => {
                    let day = i32::try_from(*number).ok();
                    row.date = day.and_then(NaiveDate::from_num_days_from_ce_opt);
                }
            }
        }
        row
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
