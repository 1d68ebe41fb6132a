//! Amounts in other currencies, by the book's dated rates.
//!
//! A conversion is exact until its one rounding, and says which rates it used, so that anybody can
//! do it again. `ecb` reads the files of the European Central Bank.

pub(crate) mod ecb;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::limits::MAX_RATE_AGE_DAYS;
use crate::model::{DatedRate, RateSheet};
use crate::money::{Amount, Currency, Money, div_half_even};
use crate::plan::Plan;

/// How old a rate may be where nobody says otherwise: markets close at weekends and on holidays.
pub const DEFAULT_RATE_AGE_DAYS: u32 = 7;
/// The most digits that a rate may have.
const MAX_DIGITS: u32 = 15;
/// The most of them that may stand behind the point.
const MAX_PLACES: u32 = 12;

/// An amount to be told in another currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConversionQuery {
    /// The amount.
    pub value: Amount,
    /// Its currency's code.
    pub from: String,
    /// The code of the currency in which to tell it.
    pub to: String,
    /// The day whose rate counts.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// How many days old the rate may be, at most 366; 7 where absent.
    pub max_age_days: Option<u32>,
}
crate::model::debug_only!(ConversionQuery: from, to, date, max_age_days);

/// An amount in another currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Conversion {
    /// The amount, rounded once, half to even, to the minor unit.
    pub amount: Money,
    /// The rates it was made with: none for an amount in its own currency; one; or two, through a
    /// currency in which both were quoted on one day.
    pub rates: Vec<DatedRate>,
}
crate::model::debug_only!(Conversion: rates);

/// How amounts of one currency become amounts of another: minor units times `numerator` divided by
/// `denominator`.
struct Ratio {
    numerator: i128,
    denominator: i128,
    rates: Vec<DatedRate>,
}

/// Tells an amount in another currency by the newest rate of the book that is not younger than
/// `date` and at most `max_age_days` older.
///
/// On one day a rate between the two counts before its inverse, and that before two rates through
/// a third currency. `rate_missing` names the currencies and the day where there is none.
pub fn convert(
    plan: &Plan,
    amount: Money,
    to: Currency,
    date: NaiveDate,
    max_age_days: u32,
) -> Result<Conversion> {
    let from = amount.currency();
    if from == to {
        return Ok(Conversion { amount, rates: Vec::new() });
    }
    let ratio = ratio(plan, from, to, date, max_age_days)?;
    let amount = Money::from_wide(ratio.apply(amount.minor().into())?, to)?;
    Ok(Conversion { amount, rates: ratio.rates })
}

/// Conversions of many amounts into one currency, which looks up each rate once.
pub(crate) struct Converter<'a> {
    plan: &'a Plan,
    to: Currency,
    max_age_days: u32,
    known: HashMap<(Currency, NaiveDate), Ratio>,
}

impl<'a> Converter<'a> {
    pub(crate) fn new(plan: &'a Plan, to: Currency, max_age_days: u32) -> Self {
        Self { plan, to, max_age_days, known: HashMap::new() }
    }

    pub(crate) fn to(&self) -> Currency {
        self.to
    }

    /// Minor units of a currency in those of the other, as [`convert`] tells them.
    pub(crate) fn convert(&mut self, minor: i128, from: Currency, date: NaiveDate) -> Result<i128> {
        if from == self.to {
            return Ok(minor);
        }
        let ratio = match self.known.entry((from, date)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                place.insert(ratio(self.plan, from, self.to, date, self.max_age_days)?)
            }
        };
        ratio.apply(minor)
    }

    /// All rates that were used, ascending by day and currencies, each once.
    pub(crate) fn used(&self) -> Vec<DatedRate> {
        sorted(self.known.values())
    }

    /// Those by which amounts of currencies were converted on days.
    pub(crate) fn rates(&self, from: &BTreeSet<(Currency, NaiveDate)>) -> Vec<DatedRate> {
        sorted(from.iter().filter_map(|key| self.known.get(key)))
    }
}

fn sorted<'a>(ratios: impl Iterator<Item = &'a Ratio>) -> Vec<DatedRate> {
    let mut rates: Vec<DatedRate> = ratios.flat_map(|ratio| &ratio.rates).cloned().collect();
    rates.sort_by(|left, right| {
        (left.date, &left.base, &left.quote).cmp(&(right.date, &right.base, &right.quote))
    });
    rates.dedup();
    rates
}

impl Ratio {
    /// Rounds once, half to even.
    fn apply(&self, minor: i128) -> Result<i128> {
        let wide = minor.checked_mul(self.numerator).ok_or_else(overflow)?;
        let told = div_half_even(wide, self.denominator);
        // No more than an amount may be, so that sums of them have room.
        i64::try_from(told).map(i128::from).map_err(|_| overflow())
    }
}

fn ratio(
    plan: &Plan,
    from: Currency,
    to: Currency,
    date: NaiveDate,
    max_age_days: u32,
) -> Result<Ratio> {
    let first = date.checked_sub_days(Days::new(max_age_days.into())).unwrap_or(NaiveDate::MIN);
    let end = date.succ_opt().unwrap_or(NaiveDate::MAX);
    let sheets = plan.rates.range((first, String::new())..(end, String::new())).rev();
    let mut best: Option<(NaiveDate, u8, Quote)> = None;
    for ((day, _), sheet) in sheets {
        if best.as_ref().is_some_and(|(found, ..)| found > day) {
            break;
        }
        let Some((rank, quote)) = quote(sheet, from.code(), to.code()) else { continue };
        // Of equal ones the first by base counts, which here comes last.
        if best.as_ref().is_none_or(|(_, other, _)| rank <= *other) {
            best = Some((*day, rank, quote));
        }
    }
    let (_, _, quote) = best.ok_or_else(|| missing(from, to, date, max_age_days))?;
    quote.ratio(from, to).ok_or_else(overflow)
}

/// What one unit of a currency is worth in another: one rate divided by the other.
struct Quote {
    over: Option<DatedRate>,
    under: Option<DatedRate>,
}

/// What a sheet says of two currencies; the better, the lower the number.
fn quote(sheet: &RateSheet, from: &str, to: &str) -> Option<(u8, Quote)> {
    let rate = |quote: &str| {
        let (date, base) = (sheet.date, sheet.base.clone());
        Some(DatedRate { date, base, quote: quote.to_owned(), rate: sheet.rate(quote)? })
    };
    if sheet.base == from {
        return Some((0, Quote { over: Some(rate(to)?), under: None }));
    }
    let under = Some(rate(from)?);
    if sheet.base == to {
        return Some((1, Quote { over: None, under }));
    }
    Some((2, Quote { over: Some(rate(to)?), under }))
}

impl Quote {
    fn ratio(self, from: Currency, to: Currency) -> Option<Ratio> {
        let part = |rate: &Option<DatedRate>| {
            rate.as_ref().map_or((1, 0), |it| {
                let value = it.rate.decimal().normalize();
                (value.mantissa(), value.scale())
            })
        };
        let ((over, over_scale), (under, under_scale)) = (part(&self.over), part(&self.under));
        let up = under_scale.checked_add(to.exponent().into())?;
        let down = over_scale.checked_add(from.exponent().into())?;
        let both = up.min(down);
        let shift = |value: i128, places: u32| {
            value.checked_mul(10_i128.checked_pow(places.checked_sub(both)?)?)
        };
        let (numerator, denominator) = (shift(over, up)?, shift(under, down)?);
        let rates = self.under.into_iter().chain(self.over).collect();
        (denominator > 0).then_some(Ratio { numerator, denominator, rates })
    }
}

fn missing(from: Currency, to: Currency, date: NaiveDate, max_age_days: u32) -> Error {
    let text = format!("no rate from `{from}` to `{to}` of {date} or {max_age_days} days before");
    Error::new(ErrorCode::RateMissing, text).field("rates")
}

fn overflow() -> Error {
    Error::new(ErrorCode::AmountOverflow, "the converted amount does not fit")
}

/// How old a rate may be, or why that cannot be meant.
pub(crate) fn max_age(days: Option<u32>) -> Result<u32> {
    let days = days.unwrap_or(DEFAULT_RATE_AGE_DAYS);
    if days <= MAX_RATE_AGE_DAYS {
        return Ok(days);
    }
    let text = format!("a rate may be at most {MAX_RATE_AGE_DAYS} days old");
    Err(Error::new(ErrorCode::LimitExceeded, text).field("max_age_days"))
}

/// Whether a number can be a rate.
pub(crate) fn is_rate(rate: Amount) -> bool {
    let value = rate.decimal().normalize();
    value > Decimal::ZERO
        && value.scale() <= MAX_PLACES
        && value.mantissa().checked_ilog10().is_some_and(|digits| digits < MAX_DIGITS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::BookId;
    use crate::model::{Book, QuotedRate};

    /// Currency, digits and decimal places.
    type Rate = (&'static str, i64, u32);

    fn plan(sheets: &[(&str, &str, &[Rate])]) -> Plan {
        let mut plan = Plan::new(Book {
            id: BookId::new(uuid::Uuid::from_u128(1)),
            name: "Home".to_owned(),
            currency: Currency::iso("EUR").unwrap(),
            zone: "UTC".to_owned(),
            currencies: Vec::new(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            learning: crate::model::Learning::default(),
        });
        for (date, base, rates) in sheets {
            let rate = |(quote, value, scale): &Rate| QuotedRate {
                quote: (*quote).to_owned(),
                rate: Amount::new(Decimal::new(*value, *scale)),
            };
            let date = date.parse().unwrap();
            let rates = rates.iter().map(rate).collect();
            plan.put(RateSheet { date, base: (*base).to_owned(), rates }.into());
        }
        plan
    }

    fn euro(minor: i64) -> Money {
        Money::from_minor(minor, Currency::iso("EUR").unwrap())
    }

    fn used(plan: &Plan, from: &str, to: &str, date: &str) -> Option<String> {
        let (from, to) = (Currency::iso(from).unwrap(), Currency::iso(to).unwrap());
        let amount = Money::from_minor(1, from);
        let conversion = convert(plan, amount, to, date.parse().unwrap(), 7).ok()?;
        let rate = |it: &DatedRate| format!("{} {}/{}", it.date, it.base, it.quote);
        Some(conversion.rates.iter().map(rate).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn the_newest_and_nearest_rate_counts() {
        // Holds: first the newest day, then the pair itself, its inverse, a way through a third.
        let plan = plan(&[
            ("2024-01-01", "EUR", &[("GBP", 85, 2), ("USD", 11, 1)]),
            ("2024-01-02", "GBP", &[("USD", 12, 1)]),
            ("2024-01-02", "USD", &[("EUR", 9, 1)]),
            ("2024-01-03", "CHF", &[("EUR", 105, 2), ("USD", 11, 1)]),
            ("2024-01-03", "EUR", &[("GBP", 85, 2), ("USD", 11, 1)]),
        ]);
        let cases = [
            ("EUR", "USD", "2024-01-03", Some("2024-01-03 EUR/USD")),
            ("USD", "EUR", "2024-01-03", Some("2024-01-03 EUR/USD")),
            ("EUR", "USD", "2024-01-02", Some("2024-01-02 USD/EUR")),
            ("USD", "GBP", "2024-01-03", Some("2024-01-03 EUR/USD, 2024-01-03 EUR/GBP")),
            ("USD", "GBP", "2024-01-02", Some("2024-01-02 GBP/USD")),
            ("CHF", "USD", "2024-01-10", Some("2024-01-03 CHF/USD")),
            ("CHF", "USD", "2024-01-11", None),
            ("CHF", "USD", "2024-01-02", None),
            ("CHF", "GBP", "2024-01-03", None),
        ];
        for (from, to, date, expected) in cases {
            assert_eq!(used(&plan, from, to, date).as_deref(), expected, "{from} {to} {date}");
        }
    }

    proptest! {
        #[test]
        fn conversions_are_those_of_decimals(
            minor in -1_000_000_000_000_i64..1_000_000_000_000,
            (one, two) in (1_i64..1_000_000_000, 1_i64..1_000_000_000),
            (places, others) in (0_u32..9, 0_u32..9),
        ) {
            // Holds: forth, back and across, the result is the nearest amount to the exact one.
            let rates = [("JPY", one, places), ("KWD", two, others)];
            let plan = plan(&[("2024-01-01", "EUR", &rates)]);
            let date = "2024-01-01".parse().unwrap();
            let [eur, jpy, kwd] = ["EUR", "JPY", "KWD"].map(|code| Currency::iso(code).unwrap());
            let (one, two) = (Decimal::new(one, places), Decimal::new(two, others));
            let told = |amount: Money, to| {
                Some(convert(&plan, amount, to, date, 0).ok()?.amount.amount().decimal())
            };
            let exact = euro(minor).amount().decimal() * one;
            if let Some(forth) = told(euro(minor), jpy) {
                prop_assert_eq!(forth, exact.round_dp(0));
            }
            // What is divided is compared by multiplying: twice the error is at most one unit.
            let yen = Money::from_minor(minor, jpy);
            if let Some(back) = told(yen, eur) {
                let error = (back * one - yen.amount().decimal()).abs();
                prop_assert!(error * Decimal::TWO <= one * Decimal::new(1, 2));
            }
            let across = told(yen, kwd);
            let due = yen.amount().decimal().checked_mul(two);
            if let Some((across, due)) = across.zip(due)
                && let Some(back) = across.checked_mul(one)
            {
                prop_assert!((back - due).abs() * Decimal::TWO <= one * Decimal::new(1, 3));
            }
        }
    }
}
