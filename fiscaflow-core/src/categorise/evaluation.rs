//! How good learning from a book is, on the book's own past: trained on what was chosen before a
//! day, judged by what was chosen from that day on.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Choice, Names};
use crate::id::CategoryId;
use crate::learn::{Judged, Model, evaluate, thousandths};

/// Where the past is cut in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EvaluationQuery {
    /// The first day that is judged; what was booked before it is learned from. Absent = such that
    /// about a fifth of the choices is judged.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
}

/// What is left when the model speaks only from some probability on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CoveragePoint {
    /// The probability, in percent.
    pub threshold: u8,
    /// The part of the cases of which the model speaks, in thousandths.
    pub coverage: u32,
    /// The part of these of which it is right, in thousandths.
    pub accuracy: u32,
}

/// How the model does on one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CategoryQuality {
    /// The category.
    pub category_id: CategoryId,
    /// How many cases a person put there.
    pub cases: u64,
    /// The part of the cases that the model put there which a person did, too, in thousandths.
    pub precision: u32,
    /// The part of the cases that a person put there which the model did, too, in thousandths.
    pub recall: u32,
    /// The harmonic mean of both, in thousandths.
    pub f1: u32,
}

/// How good learning from the book is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EvaluationReport {
    /// The first day that was judged; absent = there is no choice.
    pub from: Option<NaiveDate>,
    /// How many choices were learned from.
    pub learned: u64,
    /// How many were judged.
    pub cases: u64,
    /// The part of them of which the most probable category was right, in thousandths.
    pub accuracy: u32,
    /// The mean of the categories' F1, in thousandths.
    pub macro_f1: u32,
    /// How far probabilities are from the part that is right, over 15 equal bins, weighted by
    /// cases, in thousandths (Naeini, Cooper, Hauskrecht 2015).
    pub expected_calibration_error: u32,
    /// What is left above thresholds, in steps of five percent.
    pub coverage: Vec<CoveragePoint>,
    /// Each category that a person or the model chose, by its id.
    pub categories: Vec<CategoryQuality>,
}

/// Trains a model on the earlier choices and judges it by the later ones.
pub(crate) fn evaluation(
    names: &Names,
    mut choices: Vec<Choice>,
    query: EvaluationQuery,
) -> EvaluationReport {
    choices.retain(|choice| !names.forgets(&choice.facts.text));
    choices.sort_by_key(|choice| choice.facts.date);
    let fifth = choices.len().saturating_sub(choices.len() / 5).min(choices.len().max(1) - 1);
    let from = query.from.or_else(|| choices.get(fifth).map(|choice| choice.facts.date));
    let cut = choices.partition_point(|choice| from.is_some_and(|day| choice.facts.date < day));
    let (past, later) = choices.split_at_checked(cut).unwrap_or_default();
    let mut model = Model::new();
    past.iter().for_each(|it| model.learn(&it.facts.sample(names), it.category_id));
    let judged: Vec<Judged<CategoryId>> = later
        .iter()
        .map(|it| {
            let guess = model.best(&it.facts.sample(names));
            Judged {
                truth: it.category_id,
                guess: guess.map(|guess| guess.label),
                probability: guess.map_or(0.0, |guess| guess.probability),
            }
        })
        .collect();
    let found = evaluate(&judged);
    let point = |it: &crate::learn::Coverage| CoveragePoint {
        threshold: (it.threshold * 100.0).round() as u8,
        coverage: thousandths(it.coverage),
        accuracy: thousandths(it.accuracy),
    };
    let quality = |it: &crate::learn::CategoryScore<CategoryId>| CategoryQuality {
        category_id: it.label,
        cases: it.cases,
        precision: thousandths(it.precision),
        recall: thousandths(it.recall),
        f1: thousandths(it.f1),
    };
    EvaluationReport {
        from: from.filter(|_| !choices.is_empty()),
        learned: model.len(),
        cases: found.cases,
        accuracy: thousandths(found.accuracy),
        macro_f1: thousandths(found.macro_f1),
        expected_calibration_error: thousandths(found.expected_calibration_error),
        coverage: found.coverage.iter().step_by(5).map(point).collect(),
        categories: found.labels.iter().map(quality).collect(),
    }
}
