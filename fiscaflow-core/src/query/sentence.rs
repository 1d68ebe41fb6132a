//! A report as one sentence, and back.
//!
//! ```text
//! spending by group, month in last 3 months compared with year before sorted by total first 10
//! told in "EUR" where not payee is "Rent"
//! ```
//!
//! What follows `where` is a condition in the language of rules, and the last part. The words stand
//! in the tables below, for both directions.

use std::fmt::{self, Display, Formatter};

use super::{Report, ReportComparison, ReportDimension, ReportMeasure, ReportSort, ReportSpan};
use crate::calendar::CalendarUnit;
use crate::error::Result;
use crate::limits::MAX_RULE_TEXT_BYTES;
use crate::model::check_text;
use crate::plan::Plan;
use crate::rules::{Day, Parser, Sentence, Token, quoted, word};

const MEASURES: &[(ReportMeasure, &str)] = &[
    (ReportMeasure::Spending, "spending"),
    (ReportMeasure::Income, "income"),
    (ReportMeasure::Net, "net"),
    (ReportMeasure::Movement, "movement"),
];
pub(super) const DIMENSIONS: &[(ReportDimension, &str)] = &[
    (ReportDimension::Category, "category"),
    (ReportDimension::Group, "group"),
    (ReportDimension::Account, "account"),
    (ReportDimension::Payee, "payee"),
    (ReportDimension::Tag, "tag"),
    (ReportDimension::Day, "day"),
    (ReportDimension::Week, "week"),
    (ReportDimension::Month, "month"),
    (ReportDimension::Quarter, "quarter"),
    (ReportDimension::Year, "year"),
    (ReportDimension::Weekday, "weekday"),
];
const COMPARISONS: &[(ReportComparison, &str)] =
    &[(ReportComparison::SpanBefore, "span before"), (ReportComparison::YearBefore, "year before")];
const SORTS: &[(ReportSort, &str)] = &[
    (ReportSort::Key, "key"),
    (ReportSort::Total, "total"),
    (ReportSort::Transactions, "transactions"),
    (ReportSort::Change, "change"),
];
const UNIT: &[(CalendarUnit, &str)] = &[
    (CalendarUnit::Days, "day"),
    (CalendarUnit::Weeks, "week"),
    (CalendarUnit::Months, "month"),
    (CalendarUnit::Years, "year"),
];
const UNITS: &[(CalendarUnit, &str)] = &[
    (CalendarUnit::Days, "days"),
    (CalendarUnit::Weeks, "weeks"),
    (CalendarUnit::Months, "months"),
    (CalendarUnit::Years, "years"),
];
const DATE: &str = "a date such as `2026-03-31`";

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        tell(f, self, None)
    }
}

/// A report as one sentence, with the names of accounts and categories that the plan has once.
///
/// ```
/// # fn example(plan: &fiscaflow_core::Plan) -> fiscaflow_core::Result<()> {
/// use fiscaflow_core::query::{describe, parse};
///
/// let report = parse("net by month in this year", Some(plan))?;
/// assert_eq!(describe(&report, plan), "net by month in this year");
/// # Ok(()) }
/// ```
pub fn describe(report: &Report, plan: &Plan) -> String {
    struct Told<'a>(&'a Report, &'a Plan);
    impl Display for Told<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            tell(f, self.0, Some(self.1))
        }
    }
    Told(report, plan).to_string()
}

fn tell(f: &mut Formatter<'_>, report: &Report, plan: Option<&Plan>) -> fmt::Result {
    f.write_str(word(MEASURES, &report.measure))?;
    for (place, dimension) in report.by.iter().enumerate() {
        f.write_str(if place == 0 { " by " } else { ", " })?;
        f.write_str(word(DIMENSIONS, dimension))?;
    }
    match report.span {
        None => {}
        Some(ReportSpan::This { unit }) => write!(f, " in this {}", word(UNIT, &unit))?,
        Some(ReportSpan::Last { count, unit }) => {
            write!(f, " in last {count} {}", word(UNITS, &unit))?;
        }
        Some(ReportSpan::Days { from: None, to: None }) => f.write_str(" in any days")?,
        Some(ReportSpan::Days { from, to }) => {
            if let Some(from) = from {
                write!(f, " from {from}")?;
            }
            if let Some(to) = to {
                write!(f, " to {to}")?;
            }
        }
    }
    if let Some(compare) = &report.compare {
        write!(f, " compared with {}", word(COMPARISONS, compare))?;
    }
    if report.sort != ReportSort::Key || report.reversed {
        write!(f, " sorted by {}", word(SORTS, &report.sort))?;
    }
    if report.reversed {
        f.write_str(" reversed")?;
    }
    if let Some(limit) = report.limit {
        write!(f, " first {limit}")?;
    }
    if let Some(currency) = &report.currency {
        f.write_str(" told in ")?;
        quoted(f, currency)?;
    }
    if let Some(filter) = &report.filter {
        f.write_str(" where ")?;
        Sentence { plan }.condition(f, filter, false)?;
    }
    Ok(())
}

/// Reads a report from its sentence. With a plan, accounts and categories may stand by their names,
/// in quotes, where the book has the name once; without one they stand by their ids.
///
/// ```
/// use fiscaflow_core::query::parse;
///
/// let text = r#"income by payee from 2026-01-01 to 2026-03-31 where it has tags"#;
/// assert_eq!(parse(text, None)?.to_string(), text);
/// let error = parse("spending by colour", None).unwrap_err();
/// assert!(error.to_string().ends_with("at character 13"));
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
///
/// # Errors
///
/// `invalid_input` with the place, counted in characters from 1, and what is expected there.
pub fn parse(text: &str, plan: Option<&Plan>) -> Result<Report> {
    check_text("text", text, MAX_RULE_TEXT_BYTES)?;
    let mut parser = Parser::new(text, plan)?;
    let words = &mut parser.words;
    let measure = words.of(MEASURES, "`spending`, `income`, `net` or `movement`")?;
    let mut report = Report { measure, ..Report::default() };
    if words.take_words("by") {
        loop {
            report.by.push(words.of(DIMENSIONS, "what rows are made by, such as `category`")?);
            if !words.take(&Token::Comma) {
                break;
            }
        }
    }
    report.span = span(&mut parser)?;
    let words = &mut parser.words;
    if words.take_words("compared with") {
        report.compare = Some(words.of(COMPARISONS, "`span before` or `year before`")?);
    }
    if words.take_words("sorted by") {
        report.sort = words.of(SORTS, "`key`, `total`, `transactions` or `change`")?;
        report.reversed = words.take_words("reversed");
    }
    if words.take_words("first") {
        report.limit = Some(words.value("a number of rows")?);
    }
    if words.take_words("told in") {
        report.currency = Some(words.text()?);
    }
    if words.take_words("where") {
        report.filter = Some(parser.condition(1)?);
    }
    parser.words.end()?;
    Ok(report)
}

fn span(parser: &mut Parser<'_>) -> Result<Option<ReportSpan>> {
    let words = &mut parser.words;
    if words.take_words("in any days") {
        return Ok(Some(ReportSpan::Days { from: None, to: None }));
    }
    if words.take_words("in this") {
        let unit = words.of(UNIT, "`day`, `week`, `month` or `year`")?;
        return Ok(Some(ReportSpan::This { unit }));
    }
    if words.take_words("in last") {
        if let Some(unit) = words.take_of(UNIT) {
            return Ok(Some(ReportSpan::Last { count: 1, unit }));
        }
        let count = words.value("a number of days, weeks, months or years")?;
        let unit = words.of(UNITS, "`days`, `weeks`, `months` or `years`")?;
        return Ok(Some(ReportSpan::Last { count, unit }));
    }
    let mut bounds = [None; 2];
    for (name, bound) in ["from", "to"].into_iter().zip(&mut bounds) {
        if words.take_words(name) {
            let Day(day) = words.value(DATE)?;
            *bound = Some(day);
        }
    }
    let [from, to] = bounds;
    Ok((from.is_some() || to.is_some()).then_some(ReportSpan::Days { from, to }))
}
