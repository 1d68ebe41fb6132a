//! The currency of a row: its column, the amount's cell, the header, the profile.

use super::Reader;
use crate::error::ErrorCode;
use crate::import::Problem;
use crate::import::csv::profile::CsvProfile;
use crate::import::csv::roles::Roles;
use crate::import::csv::split::Record;
use crate::import::csv::table::Table;
use crate::import::csv::words::{self, Mark};

/// The currency of amounts that carry none: as stated, in the header, or before it.
pub(in super::super) fn file_currency(
    table: &Table<'_>,
    roles: &Roles,
    profile: &CsvProfile,
) -> Option<String> {
    let stated = profile.currency.clone();
    let in_header = || roles.header_currency.map(|currency| currency.code().to_owned());
    stated.or_else(in_header).or_else(|| table.facts.currency.clone())
}

impl Reader<'_, '_> {
    /// The number of the row's currency.
    pub(super) fn currency(
        &mut self,
        record: &Record<'_>,
        mark: Option<Mark>,
    ) -> Result<u16, Problem> {
        let cell = self.roles.currency.map_or("", |column| record.cell(column));
        if mark.is_none()
            && let Some(known) = self.currencies.get(cell)
        {
            return Ok(known);
        }
        let number = self.new_currency(record, cell, mark)?;
        if mark.is_none() {
            self.currencies.put(cell, number);
        }
        Ok(number)
    }

    fn new_currency(
        &mut self,
        record: &Record<'_>,
        cell: &str,
        mark: Option<Mark>,
    ) -> Result<u16, Problem> {
        let marked = match mark {
            Some(Mark::Known(currency)) => Some(currency),
            _ => None,
        };
        if let (Some(marked), Some(written)) = (marked, words::code(cell))
            && marked != written
        {
            let field = self.table.field(self.roles.currency.unwrap_or(0), "currency");
            let text = "the row names two currencies";
            return Err(self.problem(ErrorCode::CurrencyMismatch, record, field, text));
        }
        let known = match Mark::of(cell) {
            // A code stays as it is written; a sign becomes its code.
            Some(Mark::Known(_)) if cell.is_ascii() && cell.len() == 3 => cell,
            Some(Mark::Known(ref currency)) => {
                return Ok(self.found.currencies.number(currency.code()));
            }
            _ if self.roles.currency.is_some() && (3..=8).contains(&cell.len()) => cell,
            _ => "",
        };
        let currencies = &mut self.found.currencies;
        if !known.is_empty() {
            return Ok(currencies.number(known));
        }
        if let Some(marked) = marked {
            return Ok(currencies.number(marked.code()));
        }
        let stated = self.file_currency.as_deref();
        // `$` is handed on as it is written; other shared signs say too little.
        let sign = if mark == Some(Mark::Shared("$")) { "$" } else { "" };
        Ok(currencies.number(stated.unwrap_or(sign)))
    }
}
