//! Exchange rates: what currencies were worth on a day.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::money::Amount;

/// What one unit of a currency was worth in another on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DatedRate {
    /// The day.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// The code of the currency of which it is one unit.
    pub base: String,
    /// The code of the currency in which it is worth something.
    pub quote: String,
    /// What it is worth, above zero.
    pub rate: Amount,
}

/// What the base of a sheet was worth in one other currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct QuotedRate {
    /// The currency's code.
    pub quote: String,
    /// What one unit of the base was worth in it: above zero, at most 15 digits, of which at most
    /// 12 behind the point.
    pub rate: Amount,
}

/// What one unit of a currency was worth in others on a day. A book has one for each day and base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RateSheet {
    /// The day.
    #[serde(deserialize_with = "crate::period::date")]
    pub date: NaiveDate,
    /// The code of the currency of which it is one unit.
    pub base: String,
    /// The rates, by currency.
    pub rates: Vec<QuotedRate>,
}

impl RateSheet {
    /// What one unit of the base was worth in a currency.
    ///
    /// ```
    /// use fiscaflow_core::model::{QuotedRate, RateSheet};
    ///
    /// let dollar = QuotedRate { quote: "USD".into(), rate: "1.0823".parse()? };
    /// let date = fiscaflow_core::parse_date("2024-01-31")?;
    /// let sheet = RateSheet { date, base: "EUR".into(), rates: vec![dollar] };
    /// assert_eq!(sheet.rate("USD").map(|rate| rate.to_string()).as_deref(), Some("1.0823"));
    /// assert_eq!(sheet.rate("GBP"), None);
    /// # Ok::<(), fiscaflow_core::Error>(())
    /// ```
    pub fn rate(&self, quote: &str) -> Option<Amount> {
        let at = self.rates.binary_search_by(|rate| rate.quote.as_str().cmp(quote)).ok()?;
        self.rates.get(at).map(|rate| rate.rate)
    }
}
