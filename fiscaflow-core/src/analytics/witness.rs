//! What a figure was made from, so that anybody can make it again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::id::{AccountId, TransactionId};
use crate::limits::MAX_ROWS;
use crate::log::Hash;
use crate::model::DatedRate;
use crate::money::Currency;
use crate::rates::Converter;
use crate::view::{Scanned, View};

/// Where a figure was rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Rounding {
    /// Nowhere: it is a sum.
    #[default]
    Exact,
    /// Each amount that was converted, once, to the minor unit, halves to the even one.
    HalfEven,
}

/// What a figure was made from: the same transactions give the same figure.
///
/// `tools/check_figures.py` makes figures again from the export of a book and their witnesses.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Witness {
    /// The hash of the commit for which it holds.
    pub head: Hash,
    /// The code of the currency in which it is told.
    pub currency: String,
    /// Where it was rounded.
    pub rounding: Rounding,
    /// The transactions that were counted, ascending, each once. Of a split one those parts were
    /// that the figure is of.
    pub ids: Vec<TransactionId>,
    /// The accounts whose opening balances are part of it, ascending.
    pub opening: Vec<AccountId>,
    /// The rates that were used, ascending by day and currencies.
    pub rates: Vec<DatedRate>,
}
crate::model::debug_only!(Witness: head, currency, rounding, ids, opening, rates);

impl Witness {
    /// The witness of a plain sum of transactions, which may come in any order and more than once.
    pub(crate) fn of(view: &View, currency: Currency, mut ids: Vec<TransactionId>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self {
            head: view.head(),
            currency: currency.to_string(),
            rounding: Rounding::Exact,
            ids,
            opening: Vec::new(),
            rates: Vec::new(),
        }
    }

    /// The same where amounts of currencies were converted by the rates of days.
    pub(crate) fn converted(
        self,
        converter: &Converter<'_>,
        from: &BTreeSet<(Currency, NaiveDate)>,
    ) -> Self {
        if from.is_empty() {
            return self;
        }
        Self { rounding: Rounding::HalfEven, rates: converter.rates(from), ..self }
    }
}

/// The transactions that were counted under each key, of the days from the first to the last.
///
/// # Errors
/// `limit_exceeded` where an answer would name more than 100,000.
pub(super) fn witnesses<K: Ord>(
    view: &View,
    (from, to): (Option<NaiveDate>, Option<NaiveDate>),
    key: impl Fn(&Scanned<'_>) -> Option<K>,
) -> Result<BTreeMap<K, Vec<TransactionId>>> {
    let mut found: BTreeMap<K, Vec<TransactionId>> = BTreeMap::new();
    let mut named = Named::default();
    view.scan_lines(from, to, |line| {
        let Some(key) = key(line).filter(|_| named.0 <= MAX_ROWS) else { return };
        let ids = found.entry(key).or_default();
        if ids.last() != Some(&line.transaction_id) {
            ids.push(line.transaction_id);
            named.0 += 1;
        }
    });
    named.check()?;
    Ok(found)
}

/// How many transactions an answer names.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Named(usize);

impl Named {
    /// Counts those of one more figure; refuses an answer that names too many.
    pub(crate) fn add(&mut self, witness: Option<&Witness>) -> Result<()> {
        self.0 = self.0.saturating_add(witness.map_or(0, |witness| witness.ids.len()));
        self.check()
    }

    fn check(self) -> Result<()> {
        if self.0 <= MAX_ROWS {
            return Ok(());
        }
        let text = format!("an answer names at most {MAX_ROWS} transactions");
        Err(Error::new(ErrorCode::LimitExceeded, text).field("witness"))
    }
}
