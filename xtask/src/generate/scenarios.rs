//! The golden lists beside the scenarios: the verbs and the error codes that every language has.

use std::fmt::Write as _;
use std::path::Path;

use fiscaflow_core::ErrorCode;
use fiscaflow_core::api::{Shape, VERBS};
use serde_json::{Value, json};

use super::{Files, Generator};
use crate::shell::Outcome;

const CODES: &str = "scenarios/error-codes.json";
const VERB_LIST: &str = "scenarios/verbs.json";

/// Writes both from the core's tables.
pub const GENERATOR: Generator =
    Generator { name: "golden lists", owns: &[CODES, VERB_LIST], make };

fn make(_: &Path) -> Outcome<Files> {
    let codes = ErrorCode::ALL.iter();
    let codes = codes.map(|code| json!({"code": code.as_str(), "lane": code.lane().as_str()}));
    let verbs = VERBS.iter().map(|verb| {
        json!({
            "name": verb.name,
            "takes_id": verb.takes_id,
            "request": verb.request.map(shape),
            "answer": verb.answer.map(shape),
            "observed": verb.observed,
        })
    });
    Ok(Files::from([
        (CODES.to_owned(), lines(codes)?.into_bytes()),
        (VERB_LIST.to_owned(), lines(verbs)?.into_bytes()),
    ]))
}

/// A shape's name; in brackets where it is a list.
fn shape(shape: Shape) -> String {
    if shape.list { format!("[{}]", shape.name) } else { shape.name.to_owned() }
}

/// A list with one line for each place, so that a change shows as a line.
fn lines(values: impl Iterator<Item = Value>) -> Outcome<String> {
    let mut text = String::from("[");
    for (place, value) in values.enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(text, "{comma}\n  {value}").map_err(|e| e.to_string())?;
    }
    Ok(text + "\n]\n")
}
