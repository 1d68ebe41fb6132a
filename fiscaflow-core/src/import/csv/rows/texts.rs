//! The texts of a row: its description from several columns, and the fields beside it.

use std::borrow::Cow;

use super::Reader;
use crate::error::ErrorCode;
use crate::import::Problem;
use crate::import::csv::split::Record;
use crate::import::csv::text::is_void;
use crate::limits::{MAX_DESCRIPTION_BYTES, MAX_NAME_BYTES};

impl Reader<'_, '_> {
    pub(super) fn description(&self, record: &Record<'_>) -> Result<String, Problem> {
        let mut text = String::new();
        for column in &self.roles.descriptions {
            let cell = record.cell(*column);
            if !cell.is_empty() {
                self.check_length(record, cell)?;
                join(&mut text, cell);
            }
        }
        if record.cells.len() > self.width && self.overflow_column().is_some() {
            for place in self.width..record.cells.len() {
                join(&mut text, record.cell(place));
            }
        }
        if text.is_empty()
            && let Some(column) = self.roles.payee
        {
            join(&mut text, record.cell(column));
        }
        self.check_length(record, &text)?;
        Ok(text)
    }

    pub(super) fn text(&self, record: &Record<'_>, column: Option<usize>) -> Option<String> {
        let cell = record.cell(column?);
        // What is longer is no name or number, whatever the header says.
        let fits = !is_void(cell) && cell.len() <= MAX_NAME_BYTES;
        fits.then(|| one_line(cell).into_owned())
    }

    fn check_length(&self, record: &Record<'_>, cell: &str) -> Result<(), Problem> {
        if cell.len() <= MAX_DESCRIPTION_BYTES {
            return Ok(());
        }
        let text = format!("a description may have at most {MAX_DESCRIPTION_BYTES} bytes");
        Err(self.problem(ErrorCode::LimitExceeded, record, "description".into(), &text))
    }
}

/// Adds a part to a text, with one blank between.
pub(super) fn join(text: &mut String, part: &str) {
    if !text.is_empty() && !part.is_empty() {
        text.push(' ');
    }
    text.push_str(&one_line(part));
}

/// A text in one line and without the byte that no store keeps.
fn one_line(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Cow::Borrowed(text);
    }
    let parts = text.split(['\n', '\r', '\0']).map(str::trim).filter(|part| !part.is_empty());
    Cow::Owned(parts.collect::<Vec<_>>().join(" "))
}
