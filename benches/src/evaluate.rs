//! `evaluate`: how the learned categoriser does on a labelled file that it has not seen.

use std::time::Instant;

use fiscaflow_core::learn::{Evaluation, Judged, Model, Sample, evaluate};
use fiscaflow_core::{Amount, Currency, Money, Result, parse_date};
use serde_json::{Value, json};

use super::jobs::failed;

const USAGE: &str = "usage: fiscaflow-benches evaluate --train A.csv --test B.csv --text COL \
    --label COL [--amount COL] [--date COL]";

/// Which files, and which of their columns.
#[derive(Debug, Default)]
struct Files {
    train: String,
    test: String,
    text: String,
    label: String,
    amount: Option<String>,
    date: Option<String>,
}

/// A labelled row.
struct Row {
    text: String,
    label: String,
    amount_minor: Option<i64>,
    date: Option<chrono::NaiveDate>,
}

impl Row {
    fn sample(&self) -> Sample<'_> {
        let (amount_minor, date) = (self.amount_minor, self.date);
        Sample { text: &self.text, amount_minor, date, account: None }
    }
}

/// Learns one file and is judged by the other; the answer is one object.
pub fn run(arguments: &[String]) -> Result<Value> {
    let files = files(arguments).ok_or_else(|| failed(USAGE))?;
    let (train, test) = (rows(&files.train, &files)?, rows(&files.test, &files)?);
    let start = Instant::now();
    let mut model = Model::new();
    for row in &train {
        model.learn(&row.sample(), row.label.as_str());
    }
    let learned = start.elapsed().as_secs_f64();
    model.prepare();
    let prepared = start.elapsed().as_secs_f64();
    let judged: Vec<Judged<&str>> = test
        .iter()
        .map(|row| {
            let guess = model.best(&row.sample());
            let probability = guess.as_ref().map_or(0.0, |guess| guess.probability);
            Judged { truth: &*row.label, guess: guess.map(|guess| guess.label), probability }
        })
        .collect();
    let seconds = start.elapsed().as_secs_f64();
    let mut answer = figures(&evaluate(&judged));
    let more = json!({
        "train_rows": train.len(),
        "test_rows": test.len(),
        "seconds": seconds,
        "learned_per_second": train.len() as f64 / learned,
        "weights_seconds": prepared - learned,
        "predicted_per_second": test.len() as f64 / (seconds - prepared),
        "model_bytes": model.bytes(),
    });
    if let (Value::Object(answer), Value::Object(more)) = (&mut answer, more) {
        answer.extend(more);
    }
    Ok(answer)
}

/// An evaluation as it is printed.
pub fn figures<L>(found: &Evaluation<L>) -> Value {
    let coverage: Vec<[f64; 3]> =
        found.coverage.iter().map(|row| [row.threshold, row.coverage, row.accuracy]).collect();
    json!({
        "accuracy": found.accuracy,
        "macro_f1": found.macro_f1,
        "expected_calibration_error": found.expected_calibration_error,
        "coverage": coverage,
    })
}

fn files(arguments: &[String]) -> Option<Files> {
    let mut files = Files::default();
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--train" => files.train.clone_from(value),
            "--test" => files.test.clone_from(value),
            "--text" => files.text.clone_from(value),
            "--label" => files.label.clone_from(value),
            "--amount" => files.amount = Some(value.clone()),
            "--date" => files.date = Some(value.clone()),
            _ => return None,
        }
    }
    let needed = [&files.train, &files.test, &files.text, &files.label];
    needed.iter().all(|value| !value.is_empty()).then_some(files)
}

/// The rows of a file; an amount or a date that cannot be read is none.
fn rows(path: &str, files: &Files) -> Result<Vec<Row>> {
    let unreadable = |_| failed("a file cannot be read as CSV");
    let mut reader = csv::Reader::from_path(path).map_err(unreadable)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let place = |name: &str| header.iter().position(|column| column == name);
    let needed = |name: &str| place(name).ok_or_else(|| failed("a file lacks a named column"));
    let (text, label) = (needed(&files.text)?, needed(&files.label)?);
    let amount = files.amount.as_deref().map(needed).transpose()?;
    let date = files.date.as_deref().map(needed).transpose()?;
    let euro = Currency::iso("EUR")?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let field = |place: usize| record.get(place).unwrap_or_default();
        let minor = |text: &str| {
            let amount: Amount = text.parse().ok()?;
            Money::from_amount(amount, euro).ok().map(|money| money.minor())
        };
        rows.push(Row {
            text: field(text).to_owned(),
            label: field(label).to_owned(),
            amount_minor: amount.and_then(|place| minor(field(place))),
            date: date.and_then(|place| parse_date(field(place)).ok()),
        });
    }
    Ok(rows)
}
