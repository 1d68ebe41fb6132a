//! Columns of a table, categorised.

use fiscaflow_core::categorise::{TableRow, complete};
use fiscaflow_core::{Error, parse_date};
use pyo3::prelude::*;

use crate::errors::raise;

/// Labels and their probabilities.
type Columns = (Vec<Option<String>>, Vec<Option<f32>>);

/// What the labelled rows say of each row without a label, and how probable that is.
#[pyfunction]
#[pyo3(signature = (
    texts: "list[str | None]",
    labels: "list[str | None]",
    amounts: "list[int | None]",
    dates: "list[str | None]",
) -> "tuple[list[str | None], list[float | None]]")]
pub(crate) fn categorise(
    py: Python<'_>,
    texts: Vec<Option<String>>,
    labels: Vec<Option<String>>,
    amounts: Vec<Option<i64>>,
    dates: Vec<Option<String>>,
) -> PyResult<Columns> {
    let found = py.detach(|| {
        let mut rows = Vec::with_capacity(texts.len());
        for (((text, label), amount), date) in texts.iter().zip(&labels).zip(&amounts).zip(&dates) {
            rows.push(TableRow {
                text: text.as_deref().unwrap_or_default(),
                label: label.as_deref(),
                amount_minor: *amount,
                date: date.as_deref().map(parse_date).transpose()?,
            });
        }
        let guesses = complete(&rows);
        let label = |label: &str| label.to_owned();
        Ok((
            guesses.iter().map(|guess| guess.map(|guess| label(guess.label))).collect(),
            guesses.iter().map(|guess| guess.map(|guess| guess.probability)).collect(),
        ))
    });
    found.map_err(|error: Error| raise(&error.field("dates")))
}
