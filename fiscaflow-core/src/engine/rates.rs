//! Rates: what currencies were worth.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::run::{Command, Decision, Facts};
use super::{base64_bytes, noun};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::{MAX_FILE_BYTES, MAX_LISTED_SHEETS, MAX_QUOTES, MAX_RATE_SHEETS};
use crate::log::{Change, Hash};
use crate::model::{QuotedRate, RateSheet, Role, check_list};
use crate::money::{Amount, Money};
use crate::plan::Plan;
use crate::rates::{Conversion, ConversionQuery, convert, ecb, is_rate, max_age};

/// What the European Central Bank quotes all others against.
const EURO: &str = "EUR";

/// Which rates to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RateQuery {
    /// The first day.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// The last day.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
    /// The base; all where absent.
    pub base: Option<String>,
}

/// A file of reference rates.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewRates {
    /// The file's bytes; in JSON as Base64 (RFC 4648, section 4).
    #[serde(with = "base64_bytes")]
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "base64"))]
    pub content: Vec<u8>,
    /// The first day to keep; every day of the file where absent.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// The currencies to keep; every one that the book knows where absent.
    pub currencies: Option<Vec<String>>,
}
crate::model::debug_only!(NewRates: from, currencies);

/// What a file of rates brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RateReport {
    /// How many days are new or have other rates than before.
    pub changed: u64,
    /// How many days the book had already.
    pub unchanged: u64,
    /// The codes that the book does not know, whose rates were left out.
    pub unknown: Vec<String>,
}

noun! {
    /// What currencies were worth.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::model::{QuotedRate, RateSheet};
    /// use fiscaflow_core::rates::ConversionQuery;
    ///
    /// let date = fiscaflow_core::parse_date("2024-01-31")?;
    /// let dollar = QuotedRate { quote: "USD".into(), rate: "1.0837".parse()? };
    /// book.rates().put(RateSheet { date, base: "EUR".into(), rates: vec![dollar] }).await?;
    /// let query = ConversionQuery {
    ///     value: "100.00".parse()?,
    ///     from: "USD".into(),
    ///     to: "EUR".into(),
    ///     date,
    ///     max_age_days: None,
    /// };
    /// assert_eq!(book.rates().convert(query).await?.amount.to_string(), "92.28 EUR");
    /// # Ok(()) }
    /// ```
    Rates
}

impl Rates<'_> {
    /// Keeps the rates of a day and base in place of those that are there. A sheet without rates
    /// takes the day away.
    pub async fn put(&self, sheet: RateSheet) -> Result<RateSheet> {
        self.book.run(&sheet).await
    }

    /// The rates, by day and base: `limit_exceeded` where they are more than 4,000 sheets.
    pub async fn list(&self, query: RateQuery) -> Result<Vec<RateSheet>> {
        let state = self.book.authorised(Role::Viewer).await?;
        let asked = |sheet: &&RateSheet| {
            query.from.is_none_or(|day| sheet.date >= day)
                && query.to.is_none_or(|day| sheet.date <= day)
                && query.base.as_ref().is_none_or(|base| *base == sheet.base)
        };
        let sheets: Vec<&RateSheet> = state.plan.rates.values().filter(asked).collect();
        check_list("from", &sheets, MAX_LISTED_SHEETS)?;
        Ok(sheets.into_iter().cloned().collect())
    }

    /// Keeps the rates of a file of the European Central Bank: its daily file, its history, or an
    /// excerpt of its data portal, each as CSV. Rates of other days and currencies stay; the same
    /// file twice changes nothing. `malformed_file` names the line, and then nothing is kept.
    pub async fn load(&self, new: NewRates) -> Result<RateReport> {
        self.book.authorised(Role::Member).await?;
        if new.content.len() > MAX_FILE_BYTES {
            let text = format!("a file may have at most {MAX_FILE_BYTES} bytes");
            return Err(Error::new(ErrorCode::LimitExceeded, text).field("content"));
        }
        let digest = Hash::of(&[&new.content]);
        let NewRates { content, from, currencies } = new;
        let days = ecb::read(&content)?;
        self.book.run(&LoadRates { digest, from, currencies, days }).await
    }

    /// An amount in another currency, with the rates that were used: see
    /// [`convert`](crate::rates::convert).
    pub async fn convert(&self, query: ConversionQuery) -> Result<Conversion> {
        let state = self.book.authorised(Role::Viewer).await?;
        let currency =
            |code: &str, field: &str| state.plan.currency(code).map_err(|error| error.field(field));
        let amount = Money::from_amount(query.value, currency(&query.from, "from")?)
            .map_err(|error| error.or_field("value"))?;
        let to = currency(&query.to, "to")?;
        convert(&state.plan, amount, to, query.date, max_age(query.max_age_days)?)
    }
}

impl Command for RateSheet {
    type Answer = RateSheet;
    const VERB: &'static str = "rates.put";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<RateSheet>> {
        let mut sheet = self.clone();
        sheet.rates.sort_by(|a, b| a.quote.cmp(&b.quote));
        check_sheet(&sheet, facts.plan)?;
        let before = facts.plan.rates.get(&(sheet.date, sheet.base.clone()));
        let change = match before {
            None if sheet.rates.is_empty() => return Ok(Decision::unchanged(sheet)),
            Some(before) if *before == sheet => return Ok(Decision::unchanged(sheet)),
            Some(before) if sheet.rates.is_empty() => Change::remove(before.clone()),
            Some(before) => Change::update(before.clone(), sheet.clone()),
            None => Change::create(sheet.clone()),
        };
        if before.is_none() {
            check_room(facts.plan, 1)?;
        }
        let aggregate = ("rate_sheet", format!("{}/{}", sheet.date, sheet.base));
        let event = facts.event("ledger.rates.changed", aggregate, &[("days", "1".to_owned())]);
        Ok(Decision::one(change, event, sheet))
    }
}

#[derive(Serialize)]
struct LoadRates {
    digest: Hash,
    from: Option<NaiveDate>,
    currencies: Option<Vec<String>>,
    #[serde(skip)]
    days: ecb::Days,
}

impl Command for LoadRates {
    type Answer = RateReport;
    const VERB: &'static str = "rates.load";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<RateReport>> {
        if let Some(codes) = &self.currencies {
            check_list("currencies", codes, MAX_QUOTES)?;
            for code in codes {
                facts.plan.currency(code).map_err(|error| error.field("currencies"))?;
            }
        }
        let (mut changes, mut created, mut unchanged) = (Vec::new(), 0, 0);
        let mut unknown = BTreeSet::new();
        for (date, rates) in self.days.range(self.from.unwrap_or(NaiveDate::MIN)..) {
            let before = facts.plan.rates.get(&(*date, EURO.to_owned()));
            let kept = before.map(|sheet| sheet.rates.clone()).unwrap_or_default();
            let mut merged: BTreeMap<String, Amount> =
                kept.into_iter().map(|rate| (rate.quote, rate.rate)).collect();
            for (code, rate) in rates {
                let asked = self.currencies.as_ref().is_none_or(|codes| codes.contains(code));
                if !asked || code == EURO {
                    continue;
                }
                if facts.plan.currency(code).is_ok() {
                    merged.insert(code.clone(), *rate);
                } else {
                    unknown.insert(code.clone());
                }
            }
            let rates = merged.into_iter().map(|(quote, rate)| QuotedRate { quote, rate });
            let sheet = RateSheet { date: *date, base: EURO.to_owned(), rates: rates.collect() };
            check_list("content", &sheet.rates, MAX_QUOTES)?;
            match before {
                Some(before) if *before != sheet => {
                    changes.push(Change::update(before.clone(), sheet));
                }
                None if !sheet.rates.is_empty() => {
                    created += 1;
                    changes.push(Change::create(sheet));
                }
                _ => unchanged += 1,
            }
        }
        check_room(facts.plan, created)?;
        let changed = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        let unknown = unknown.into_iter().filter(|code| is_code(code)).collect();
        let answer = RateReport { changed, unchanged, unknown };
        if changes.is_empty() {
            return Ok(Decision::unchanged(answer));
        }
        let aggregate = ("book", facts.plan.book.id.to_string());
        let days = [("days", changed.to_string())];
        let event = facts.event("ledger.rates.changed", aggregate, &days);
        Ok(Decision { changes, events: vec![event], answer })
    }
}

/// Whether a text looks like a code; what does not may be any text of a file.
fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn check_room(plan: &Plan, created: usize) -> Result<()> {
    if plan.rates.len().saturating_add(created) <= MAX_RATE_SHEETS {
        return Ok(());
    }
    let text = format!("a book keeps rates of at most {MAX_RATE_SHEETS} days and bases");
    Err(Error::new(ErrorCode::LimitExceeded, text).field("rates"))
}

/// Refuses a sheet whose rates are not sorted, not one for each currency, or no rates; and
/// currencies that the book does not know.
pub(super) fn check_sheet(sheet: &RateSheet, plan: &Plan) -> Result<()> {
    crate::period::check_day("date", Some(sheet.date))?;
    plan.currency(&sheet.base).map_err(|error| error.field("base"))?;
    check_list("rates", &sheet.rates, MAX_QUOTES)?;
    for rate in &sheet.rates {
        plan.currency(&rate.quote).map_err(|error| error.field("rates"))?;
        if !is_rate(rate.rate) {
            let text = "a rate is above zero and has at most 15 digits, 12 behind the point";
            return Err(Error::invalid("rates", text));
        }
        if rate.quote == sheet.base {
            return Err(Error::invalid("rates", "a currency has no rate in itself"));
        }
    }
    if sheet.rates.is_sorted_by(|a, b| a.quote < b.quote) {
        return Ok(());
    }
    Err(Error::invalid("rates", "a currency has one rate a day"))
}
