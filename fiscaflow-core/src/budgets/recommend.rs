//! Recommendations: what a category usually takes, told from its own past.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::uses::{Counter, Uses};
use crate::calendar::{DateRange, FIRST_DAY, Period};
use crate::error::{Error, Result};
use crate::id::{BudgetId, CategoryId};
use crate::limits::MAX_PAST_PERIODS;
use crate::model::{Budget, Category, CategoryKind, Rollover};
use crate::money::{Money, div_half_even};
use crate::plan::Plan;
use crate::view::View;

/// The fewest periods from which anything is told.
const LEAST_PERIODS: usize = 3;
/// The periods that are looked at where none are asked for.
const USUAL_PERIODS: u32 = 6;

/// From what limits are to be recommended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RecommendationQuery {
    /// One category; every category of spending where absent.
    pub category_id: Option<CategoryId>,
    /// How time is divided; calendar months where absent.
    pub period: Option<Period>,
    /// How many full periods before the one of `as_of` are looked at, 3 to 60; 6 where absent.
    pub periods: Option<u32>,
    /// The day before whose period the past ends; today, in the book's zone, where absent.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub as_of: Option<NaiveDate>,
}

/// What a category took in a period.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PastPeriod {
    /// The first day of the period.
    #[serde(deserialize_with = "crate::period::date")]
    pub from: NaiveDate,
    /// The last day of the period.
    #[serde(deserialize_with = "crate::period::date")]
    pub to: NaiveDate,
    /// What was spent, refunds taken off.
    pub spent: Money,
}
crate::model::debug_only!(PastPeriod: from, to);

/// What a category usually takes, in the book's currency, and from what that is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Recommendation {
    /// The category; those below it count too.
    pub category_id: CategoryId,
    /// Its name.
    pub name: String,
    /// The median of the periods: half of them took no more. Of an even number the mean of the two
    /// in the middle, rounded half to even.
    pub median: Money,
    /// What four in five periods did not exceed: the 80th percentile by nearest rank, so an amount
    /// that one of them took.
    pub most: Money,
    /// The periods it is told from, oldest first.
    pub periods: Vec<PastPeriod>,
}
crate::model::debug_only!(Recommendation: category_id);

/// What categories usually take in a period, by category: told from the last full periods, those
/// before the category was first used left out. A category with fewer than three of them, or whose
/// median is not above zero, is left out.
pub fn recommend(
    plan: &Plan,
    view: &View,
    query: &RecommendationQuery,
    as_of: NaiveDate,
) -> Result<Vec<Recommendation>> {
    let period = query.period.unwrap_or_default();
    period.check()?;
    let most = query.periods.unwrap_or(USUAL_PERIODS);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if !(LEAST_PERIODS..=MAX_PAST_PERIODS).contains(&most) {
        let text = format!("from {LEAST_PERIODS} to {MAX_PAST_PERIODS} periods are looked at");
        return Err(Error::invalid("periods", text));
    }
    let before = std::iter::successors(period.previous(period.range_of(as_of)), |range| {
        period.previous(*range)
    });
    let mut ranges: Vec<DateRange> = before.take(most).collect();
    ranges.reverse();
    let categories: Vec<&Category> = match query.category_id {
        Some(id) => vec![plan.category(id)?],
        None => plan.categories.values().collect(),
    };
    let mut found = Vec::new();
    for category in categories.into_iter().filter(|it| it.kind == CategoryKind::Expense) {
        found.extend(recommended(plan, view, category, period, &ranges)?);
    }
    Ok(found)
}

fn recommended(
    plan: &Plan,
    view: &View,
    category: &Category,
    period: Period,
    ranges: &[DateRange],
) -> Result<Option<Recommendation>> {
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return Ok(None) };
    let budget = everything(plan, category.id, period);
    let mut uses = Uses::new();
    let all = DateRange::new(FIRST_DAY, last.end());
    Counter { plan, budget: &budget }.add(&mut uses, view, all, 1);
    let known = uses.range(..first.start()).next().is_some();
    let unused = |range: &&DateRange| !known && !uses.contains_key(&range.start());
    let ranges: Vec<&DateRange> = ranges.iter().skip_while(unused).collect();
    let spent = |range: &DateRange| uses.get(&range.start()).map_or(0, |it| it.used(&budget));
    let mut sorted: Vec<i128> = ranges.iter().map(|range| spent(range)).collect();
    sorted.sort_unstable();
    let at = |place: usize| sorted.get(place).copied().unwrap_or(0);
    let count = sorted.len();
    let median = div_half_even(at(count.saturating_sub(1) / 2) + at(count / 2), 2);
    if count < LEAST_PERIODS || median <= 0 {
        return Ok(None);
    }
    let money = |minor| Money::from_wide(minor, plan.book.currency);
    let periods = ranges.iter().map(|range| {
        let (from, to) = (range.start(), range.last_day());
        Ok(PastPeriod { from, to, spent: money(spent(range))? })
    });
    Ok(Some(Recommendation {
        category_id: category.id,
        name: category.name.clone(),
        median: money(median)?,
        most: money(at((count * 4).div_ceil(5).saturating_sub(1)))?,
        periods: periods.collect::<Result<_>>()?,
    }))
}

/// A budget of all that a category takes.
fn everything(plan: &Plan, category_id: CategoryId, period: Period) -> Budget {
    Budget {
        id: BudgetId::new(category_id.uuid()),
        name: String::new(),
        category_ids: vec![category_id],
        except_category_ids: Vec::new(),
        tags: Vec::new(),
        account_ids: Vec::new(),
        limit: Money::zero(plan.book.currency),
        thresholds: Vec::new(),
        period,
        rollover: Rollover::default(),
        start: None,
        pending_counts: true,
    }
}
