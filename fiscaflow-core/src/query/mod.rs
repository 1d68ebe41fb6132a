//! The query language of reports: what to measure of which lines, by what, for when, and beside
//! what. A [`Report`] is data and a sentence, and either gives the other.
//!
//! `span` says which days are meant, `run` computes, `sentence` tells and reads, `translate` has
//! questions in words put into it. Which lines are
//! meant is said in the language of rules ([`Condition`]), as far as figures know the field.

mod run;
mod sentence;
mod span;
mod translate;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::analytics::Witness;
use crate::calendar::CalendarUnit;
use crate::id::{AccountId, CategoryId};
use crate::log::Hash;
use crate::model::{Condition, DatedRate, Weekday};
use crate::money::{Amount, Money};

pub use run::run;
pub use sentence::{describe, parse};
pub(crate) use translate::translate;
pub use translate::{Asked, LANGUAGE, ReportQuestion, Translator};

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ReportMeasure {
    /// What was spent, refunds taken off; transfers do not count.
    #[default]
    Spending,
    /// What was earned, what was paid back taken off; transfers do not count.
    Income,
    /// Income less spending.
    Net,
    /// Everything that moved, transfers included, with its sign.
    Movement,
}

/// What rows are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ReportDimension {
    /// The category itself.
    Category,
    /// The topmost category above it.
    Group,
    /// The account.
    Account,
    /// The payee.
    Payee,
    /// The tag: a transaction with several counts under each, one without any under none.
    Tag,
    /// The booking day.
    Day,
    /// The week, from Monday (ISO 8601).
    Week,
    /// The month.
    Month,
    /// The quarter.
    Quarter,
    /// The year.
    Year,
    /// The day of the week.
    Weekday,
}

impl ReportDimension {
    /// Whether it divides time, so that rows follow each other.
    const fn is_time(self) -> bool {
        matches!(self, Self::Day | Self::Week | Self::Month | Self::Quarter | Self::Year)
    }
}

/// Which days are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ReportSpan {
    /// From one day to another, both included.
    Days {
        /// The first; from the beginning where absent.
        #[serde(default, deserialize_with = "crate::period::maybe_date")]
        from: Option<NaiveDate>,
        /// The last; to the end where absent.
        #[serde(default, deserialize_with = "crate::period::maybe_date")]
        to: Option<NaiveDate>,
    },
    /// The day, week (from Monday), month or year in which today lies, whole.
    This {
        /// Which.
        unit: CalendarUnit,
    },
    /// So many whole days, weeks, months or years before that one.
    Last {
        /// How many, 1 to 1,000.
        count: u32,
        /// Of which.
        unit: CalendarUnit,
    },
}

/// What a report is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ReportComparison {
    /// The span just before: as many months before where the span is of whole months, else as many
    /// days.
    SpanBefore,
    /// The same days a year before.
    YearBefore,
}

/// In which order rows come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ReportSort {
    /// By what the rows are made by: time forward, names in alphabetical order.
    #[default]
    Key,
    /// The largest total first.
    Total,
    /// The most transactions first.
    Transactions,
    /// The largest change first, whatever its sign; only of a comparison.
    Change,
}

/// A question to a book, as data.
///
/// ```
/// use fiscaflow_core::query::{Report, ReportDimension, ReportSort, parse};
///
/// let report = parse(
///     r#"spending by category in last 3 months sorted by total first 10 where payee is "Rewe""#,
///     None,
/// )?;
/// assert_eq!(report.by, [ReportDimension::Category]);
/// assert_eq!((report.sort, report.limit), (ReportSort::Total, Some(10)));
/// assert_eq!(parse(&report.to_string(), None)?, report);
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Report {
    /// What is added up.
    pub measure: ReportMeasure,
    /// What rows are made by, at most three, of which one divides time; one row where empty.
    pub by: Vec<ReportDimension>,
    /// Which days; all where absent.
    pub span: Option<ReportSpan>,
    /// What it is compared with; the span then has a first and a last day.
    pub compare: Option<ReportComparison>,
    /// In which order rows come.
    pub sort: ReportSort,
    /// Whether they come the other way round.
    pub reversed: bool,
    /// How many rows of each currency, 1 to 100,000; all where absent.
    pub limit: Option<u32>,
    /// The code of the currency in which to tell everything; each its own where absent.
    pub currency: Option<String>,
    /// Which lines count; all where absent. It looks at payee, tags, account, category, amount,
    /// currency, direction, date and what a transaction has, where these are known to figures;
    /// the amount is that of the line.
    pub filter: Option<Condition>,
}
crate::model::debug_only!(Report: measure, by, span, compare, sort, reversed, limit);

/// A report to be run.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportQuery {
    /// The report.
    pub report: Report,
    /// The day that counts as today; today in the book's zone where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
    /// How many days old a rate may be, at most 366; 7 where absent.
    pub max_age_days: Option<u32>,
    /// Whether to name the transactions that make each row.
    pub witness: bool,
}
crate::model::debug_only!(ReportQuery: report, as_of, max_age_days, witness);

/// What a report comes to, and all that is needed to do it again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportAnswer {
    /// What ran.
    pub report: Report,
    /// The same as a sentence.
    pub text: String,
    /// The hash of the commit for which it holds.
    pub head: Hash,
    /// The first day; absent = from the beginning.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// The last day; absent = to the end.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
    /// The first day of what it is compared with.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub before_from: Option<NaiveDate>,
    /// The last day of what it is compared with.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub before_to: Option<NaiveDate>,
    /// What all that was counted comes to, by currency, rows left out by `limit` included.
    pub totals: Vec<ReportTotal>,
    /// The rows, each currency apart.
    pub rows: Vec<ReportRow>,
    /// The rates that were used, ascending by day and currencies: each line is converted by that of
    /// its day and rounded once, half to even, to the minor unit.
    pub rates: Vec<DatedRate>,
}
crate::model::debug_only!(ReportAnswer: report, head, from, to, before_from, before_to);

/// The sum over all rows of one currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportTotal {
    /// The sum.
    pub total: Money,
    /// How many transactions, or parts of split ones, were counted.
    pub transactions: u64,
    /// The sum of what it is compared with.
    pub before: Option<Money>,
    /// The sum less that.
    pub change: Option<Money>,
    /// The change in percent of the size of what was before, one decimal place, rounded half to
    /// even; absent where that was nothing.
    pub change_percent: Option<Amount>,
}
crate::model::debug_only!(ReportTotal: transactions);

/// One row. Of the members that say what it is of, those are there by which rows are made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportRow {
    /// The category; absent = none.
    pub category_id: Option<CategoryId>,
    /// The topmost category above it; absent = none.
    pub group_id: Option<CategoryId>,
    /// The account.
    pub account_id: Option<AccountId>,
    /// The payee; absent = none.
    pub payee: Option<String>,
    /// The tag; absent = none.
    pub tag: Option<String>,
    /// The first day of the day, week, month, quarter or year.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub date: Option<NaiveDate>,
    /// The day of the week.
    pub weekday: Option<Weekday>,
    /// The sum.
    pub total: Money,
    /// How many transactions, or parts of split ones, were counted.
    pub transactions: u64,
    /// The sum divided by that, rounded half to even; absent where there are none.
    pub average: Option<Money>,
    /// The sum of what it is compared with.
    pub before: Option<Money>,
    /// The sum less that.
    pub change: Option<Money>,
    /// The change in percent of the size of what was before, one decimal place, rounded half to
    /// even; absent where that was nothing.
    pub change_percent: Option<Amount>,
    /// What the sum was made from, where asked for; nothing of what it is compared with.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(ReportRow: category_id, account_id, date, weekday, transactions);

/// A report as a sentence.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReportText {
    /// The sentence, such as `spending by category in this month`.
    pub text: String,
}
crate::model::debug_only!(ReportText:);
