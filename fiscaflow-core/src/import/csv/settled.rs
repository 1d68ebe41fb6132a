//! The profile that a file was read with, completely settled: what was stated and what was found.
//!
//! Read again with it, the file yields the same without anything being looked for. Every column is
//! named, those without a role as ignored, so that none is given another one. How many lines stand
//! before the header is left out unless it was stated: it differs from one download to the next.

use encoding_rs::{Encoding, UTF_8};

use super::profile::{ColumnRole, CsvColumn, CsvProfile, Delimiter, Quote, SignRule};
use super::roles::{AmountColumns, Roles, by_name};
use super::rows::Words;
use super::settle::Formats;
use super::table::Table;

/// What is known at the end of reading.
pub(super) struct Settled<'a> {
    pub table: &'a Table<'a>,
    pub roles: &'a Roles,
    pub formats: Formats,
    pub encoding: &'static Encoding,
    pub words: Words,
    /// Whether positive amounts are spending.
    pub inverted: bool,
    pub currency: Option<String>,
}

/// The settled profile; `None` where there is no table.
pub(super) fn profile(found: Settled<'_>, stated: &CsvProfile) -> Option<CsvProfile> {
    let Settled { table, roles, formats, encoding, .. } = found;
    if table.header.is_none() && table.sample.is_empty() {
        return None;
    }
    let single = matches!(roles.amounts, AmountColumns::Single(_));
    let sign = if found.inverted { SignRule::PositiveIsOut } else { SignRule::NegativeIsOut };
    let profile = CsvProfile {
        encoding: label(table, encoding).or_else(|| stated.encoding.clone()),
        delimiter: Delimiter::ALL.into_iter().find(|it| it.byte() == table.dialect.delimiter),
        quote: Quote::ALL.into_iter().find(|it| it.byte() == table.dialect.quote),
        skip_rows: stated.skip_rows,
        header: Some(table.header.is_some()),
        columns: columns(table, roles),
        in_words: found.words.inward,
        out_words: found.words.outward,
        date_order: formats.order,
        decimal: formats.decimal,
        sign: if single { Some(sign) } else { stated.sign },
        // A code that no profile takes is found again.
        currency: found.currency.filter(|code| CsvProfile::is_currency(code)),
    };
    profile.validate().is_ok().then_some(profile)
}

/// The charset's usual label; none where nothing but ASCII was seen, which says nothing.
fn label(table: &Table<'_>, encoding: &'static Encoding) -> Option<String> {
    let says = encoding != UTF_8 || !table.text.is_ascii();
    says.then(|| encoding.name().to_ascii_lowercase())
}

/// The columns from the left.
fn columns(table: &Table<'_>, roles: &Roles) -> Vec<CsvColumn> {
    let mut given: Vec<(usize, ColumnRole)> = roles.given().collect();
    for place in 0..roles.width {
        if !given.iter().any(|(known, _)| *known == place) {
            given.push((place, ColumnRole::Ignore));
        }
    }
    given.sort_unstable();
    given.into_iter().filter_map(|(place, role)| column(table, place, role)).collect()
}

/// A column by its header where that tells it from the others, else by its place.
fn column(table: &Table<'_>, place: usize, role: ColumnRole) -> Option<CsvColumn> {
    let header = table.header.as_ref().map_or("", |header| header.cell(place));
    let is_name = CsvProfile::is_name(header) && by_name(&table.titles, header) == Some(place);
    let index = if is_name { None } else { Some(u32::try_from(place).ok()?) };
    Some(CsvColumn { role, index, name: is_name.then(|| header.to_owned()) })
}
