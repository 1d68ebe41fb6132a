//! The texts of a row: its description from several columns, and the fields beside it.

use std::borrow::Cow;

use super::Reader;
use crate::error::ErrorCode;
use crate::import::Problem;
use crate::import::csv::split::Record;
use crate::import::csv::text::is_void;
use crate::import::text::one_line;
use crate::limits::{MAX_DESCRIPTION_BYTES, MAX_NAME_BYTES};

impl Reader<'_, '_> {
    /// Puts the description of a record together.
    pub(super) fn describe(&mut self, record: &Record<'_>) -> Result<(), Problem> {
        self.description.clear();
        for column in &self.roles.descriptions {
            let cell = record.cell(*column);
            if !cell.is_empty() {
                self.check_length(record, cell)?;
                join(&mut self.description, cell);
            }
        }
        if record.cells.len() > self.width && self.overflow_column().is_some() {
            for place in self.width..record.cells.len() {
                join(&mut self.description, record.cell(place));
            }
        }
        if self.description.is_empty()
            && let Some(column) = self.roles.payee
        {
            join(&mut self.description, record.cell(column));
        }
        self.check_length(record, &self.description)
    }

    fn check_length(&self, record: &Record<'_>, cell: &str) -> Result<(), Problem> {
        if cell.len() <= MAX_DESCRIPTION_BYTES {
            return Ok(());
        }
        let text = format!("a description may have at most {MAX_DESCRIPTION_BYTES} bytes");
        Err(self.problem(ErrorCode::LimitExceeded, record, "description".into(), &text))
    }
}

/// A name or number. What is longer is none, whatever the header says.
pub(super) fn short(cell: &str) -> Cow<'_, str> {
    let fits = !is_void(cell) && cell.len() <= MAX_NAME_BYTES;
    if fits { one_line(Cow::Borrowed(cell)) } else { Cow::Borrowed("") }
}

/// Adds a part to a text, with one blank between.
pub(super) fn join(text: &mut String, part: &str) {
    let part = one_line(Cow::Borrowed(part));
    if !text.is_empty() && !part.is_empty() {
        text.push(' ');
    }
    text.push_str(&part);
}
