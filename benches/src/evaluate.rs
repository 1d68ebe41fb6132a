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
    let count = |has: &dyn Fn(&Row) -> bool| train.iter().chain(&test).filter(|it| has(it)).count();
    let more = json!({
        "train_rows": train.len(),
        "test_rows": test.len(),
        "amounts_read": count(&|row| row.amount_minor.is_some()),
        "dates_read": count(&|row| row.date.is_some()),
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

/// The rows of a file that have a label; an amount or a date that cannot be read is none.
fn rows(path: &str, files: &Files) -> Result<Vec<Row>> {
    let bytes = std::fs::read(path).map_err(|why| failed(&format!("{path}: {}", why.kind())))?;
    let file = String::from_utf8_lossy(&bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file.as_bytes());
    let unreadable = |why: csv::Error| failed(&format!("{path}: {why}"));
    let header = reader.headers().map_err(unreadable)?.clone();
    let place = |name: &str| header.iter().position(|column| column.trim() == name.trim());
    let needed =
        |name: &str| place(name).ok_or_else(|| failed(&format!("{path}: no column `{name}`")));
    let (text, label) = (needed(&files.text)?, needed(&files.label)?);
    let amount = files.amount.as_deref().map(needed).transpose()?;
    let date = files.date.as_deref().map(needed).transpose()?;
    let euro = Currency::iso("EUR")?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let field = |place: usize| record.get(place).unwrap_or_default().trim();
        if field(label).is_empty() {
            continue;
        }
        rows.push(Row {
            text: field(text).to_owned(),
            label: field(label).to_owned(),
            amount_minor: amount.and_then(|place| minor(field(place), euro)),
            date: date.and_then(|place| read_date(field(place))),
        });
    }
    Ok(rows)
}

/// An amount as files of data have it, such as `$1,234.50` or `33.300000000000004`, in cents. A
/// comma that divides no thousands, and a power of ten, are not guessed at.
fn minor(text: &str, currency: Currency) -> Option<i64> {
    let thousands = |part: &str| part.chars().take_while(char::is_ascii_digit).count() == 3;
    let is_power = |pair: &[u8]| matches!(pair, [b'0'..=b'9' | b'.', b'e' | b'E']);
    if !text.split(',').skip(1).all(thousands) || text.as_bytes().windows(2).any(is_power) {
        return None;
    }
    let plain: String =
        text.chars().filter(|sign| sign.is_ascii_digit() || "+-.".contains(*sign)).collect();
    let amount: Amount = plain.parse().ok()?;
    let cents = Amount::new(amount.decimal().round_dp(u32::from(currency.exponent())));
    Money::from_amount(cents, currency).ok().map(Money::minor)
}

/// A date, with or without a time behind it.
fn read_date(text: &str) -> Option<chrono::NaiveDate> {
    parse_date(text.get(..10).unwrap_or(text)).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn evaluated(train: &[u8], test: &[u8]) -> Result<Value> {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("train"), train).unwrap();
        std::fs::write(path("test"), test).unwrap();
        let (train, test) = (path("train"), path("test"));
        let named = ["--text", "text", "--label", "label", "--amount", "amount", "--date", "day"];
        let files = ["--train", &train, "--test", &test].into_iter().chain(named);
        run(&files.map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn files_as_they_come_are_read() {
        // Holds: marks, blanks, quotes, other bytes than UTF-8, short rows and rows without a label
        // do not matter; amounts and dates are read in the forms that programs write.
        let mut train = b"\xef\xbb\xbftext, label ,amount,day\r\n".to_vec();
        for _ in 0..8 {
            train.extend(b"REWE MARKT,food ,\"$1,234.50\",2026-03-01 00:00:00\r\n");
            train.extend(b"CAF\xc9 \"X\", fun,-33.300000000000004,2026-03-01\r\n");
            train.extend(b"REWE MARKT,,1,2026-03-01\r\n\r\nREWE MARKT\r\n");
        }
        let test = b"label,text,amount,day\nfood,rewe markt,x,\nfun,caf\xc9 x,,\n,rewe,1,\n";
        let found = evaluated(&train, test).unwrap();
        assert_eq!(
            [&found["train_rows"], &found["test_rows"], &found["accuracy"]],
            [&json!(16), &json!(2), &json!(1.0)]
        );
        assert_eq!([&found["amounts_read"], &found["dates_read"]], [&json!(16), &json!(16)]);
    }

    #[test]
    fn amounts_are_read_or_left_out() {
        // Holds: what an amount could mean in two ways is none.
        let euro = Currency::iso("EUR").unwrap();
        for (text, cents) in [
            ("$1,234.50", Some(123_450)),
            ("-1,234,567 EUR", Some(-123_456_700)),
            ("33.300000000000004", Some(3_330)),
            ("12,34", None),
            ("1.5e3", None),
            ("", None),
        ] {
            assert_eq!(minor(text, euro), cents, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        // Holds: an error names the file, and the column that it lacks.
        let error = evaluated(b"text,label,amount,day\n", b"text,label,amount\n").unwrap_err();
        assert!(error.message().contains("test: no column `day`"), "{error}");
        let arguments = ["--train", "gone", "--test", "gone", "--text", "t", "--label", "l"];
        let error = run(&arguments.map(str::to_owned)).unwrap_err();
        assert!(error.message().contains("gone"), "{error}");
        let empty = b"text,label,amount,day\n";
        assert_eq!(evaluated(empty, empty).unwrap()["macro_f1"].to_string(), "0.0");
    }
}
