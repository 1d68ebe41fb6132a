//! The input of a verb: JSON bodies, query parameters, and files as they are.
//!
//! What comes out is the request as JSON, which the core reads and judges like that of any other
//! language. Here it is only made sure that nothing is lost on the way: a query parameter that is
//! unknown, or given twice, is refused and not ignored.

use std::collections::{BTreeMap, HashMap};

use axum::body::Body;
use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fiscaflow_core::api::{Method, VERBS, Verb, schemas};
use fiscaflow_core::{Error, ErrorCode};
use futures::StreamExt as _;
use serde_json::{Map, Value};

use crate::error::{Failure, Refusal};
use crate::state::AppState;

/// The member of an import's request that holds the file.
pub(crate) const CONTENT: &str = "content";
/// How deep a body may nest: enough for the deepest rule, which takes two levels for each of its
/// own.
const MAX_DEPTH: usize = 100;

/// Whether the request of a verb may come as the bare bytes of a file.
pub(crate) fn takes_file(verb: &Verb) -> bool {
    verb.request.is_some_and(|request| request.name == "NewImport")
}

/// How a query parameter is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Boolean,
    Json,
}

/// The members of every verb's request.
#[derive(Debug)]
pub(crate) struct Inputs(HashMap<&'static str, BTreeMap<String, Kind>>);

impl Inputs {
    /// Reads them from the schemas of the core.
    pub(crate) fn new() -> Self {
        let schemas = serde_json::to_value(schemas()).unwrap_or_default();
        let inputs = VERBS.iter().map(|verb| {
            let schema = verb.request.and_then(|shape| schemas.get(shape.name));
            let members = schema.and_then(|schema| schema.get("properties")?.as_object());
            let kinds = members.into_iter().flatten();
            let kinds = kinds.map(|(name, schema)| (name.clone(), kind(schema, &schemas)));
            (verb.name, kinds.collect())
        });
        Self(inputs.collect())
    }
}

/// How a value of a schema is written in a query.
fn kind(schema: &Value, schemas: &Value) -> Kind {
    let reference = schema.get("$ref").and_then(Value::as_str);
    if let Some(name) = reference.and_then(|path| path.rsplit('/').next()) {
        return schemas.get(name).map_or(Kind::Json, |schema| kind(schema, schemas));
    }
    // Of an optional member, what it is when it is there.
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let present = choices.iter().find(|choice| !has_type(choice, "null"));
        return present.map_or(Kind::Json, |choice| kind(choice, schemas));
    }
    match () {
        () if has_type(schema, "string") => Kind::Text,
        () if has_type(schema, "integer") => Kind::Integer,
        () if has_type(schema, "boolean") => Kind::Boolean,
        () => Kind::Json,
    }
}

fn has_type(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::Array(names)) => names.iter().any(|it| it == name),
        Some(one) => one == name,
        None => false,
    }
}

/// The request of a verb; `None` where nothing was sent.
pub(crate) async fn read(
    verb: &'static Verb,
    state: &AppState,
    parts: &Parts,
    body: Body,
) -> Result<Option<Value>, Failure> {
    if verb.method == Method::Get {
        return Ok(Some(query(verb, state, parts)?.into()));
    }
    let kind = content_type(&parts.headers);
    if takes_file(verb) && kind.as_deref().is_some_and(is_form) {
        let text =
            "send the file itself, as curl does with `--data-binary @FILE`, or JSON; no form";
        return Err(Failure::from(Refusal::UnsupportedMediaType).because(text));
    }
    if takes_file(verb) && !kind.as_deref().is_some_and(is_json) {
        let mut members = query(verb, state, parts)?;
        let file = bytes(verb, state, parts, body).await?;
        members.insert(CONTENT.to_owned(), STANDARD.encode(file).into());
        return Ok(Some(members.into()));
    }
    if let Some(name) = pairs(parts)?.into_iter().next().map(|(name, _)| name) {
        return Err(invalid(name, "this path takes no query parameters").into());
    }
    let body = bytes(verb, state, parts, body).await?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    if !kind.as_deref().is_some_and(is_json) {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    if depth(&body) > MAX_DEPTH {
        let text = format!("the body nests deeper than {MAX_DEPTH} levels");
        return Err(Error::new(ErrorCode::LimitExceeded, text).into());
    }
    let value: Value = serde_json::from_slice(&body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        Failure::from(Refusal::MalformedRequest).because(format!("the body is not JSON at {place}"))
    })?;
    if verb.request.is_none() && value != Value::Object(Map::new()) {
        return Err(Error::new(ErrorCode::InvalidInput, "this verb takes no request").into());
    }
    Ok(Some(value))
}

/// The query's parameters as the members of a request.
fn query(verb: &Verb, state: &AppState, parts: &Parts) -> Result<Map<String, Value>, Failure> {
    let mut members = Map::new();
    for (name, text) in pairs(parts)? {
        let kinds = state.inputs.0.get(verb.name);
        let kind = kinds.and_then(|kinds| kinds.get(&name)).filter(|_| name != CONTENT);
        let Some(kind) = kind else {
            return Err(invalid(name, "no such query parameter").into());
        };
        let value = match kind {
            Kind::Integer => match text.parse::<i64>() {
                Ok(number) => number.into(),
                Err(_) => return Err(invalid(name, "a whole number is wanted").into()),
            },
            Kind::Boolean => match text.parse::<bool>() {
                Ok(truth) => truth.into(),
                Err(_) => return Err(invalid(name, "`true` or `false` is wanted").into()),
            },
            Kind::Json => serde_json::from_str(&text)
                .map_err(|_| invalid(name.clone(), "the query parameter is not JSON"))?,
            Kind::Text => text.into(),
        };
        if members.insert(name.clone(), value).is_some() {
            return Err(invalid(name, "the query parameter is given twice").into());
        }
    }
    Ok(members)
}

fn pairs(parts: &Parts) -> Result<Vec<(String, String)>, Failure> {
    match Query::<Vec<(String, String)>>::try_from_uri(&parts.uri) {
        Ok(Query(pairs)) => Ok(pairs),
        Err(_) => Err(Failure::from(Refusal::MalformedRequest).because("the query cannot be read")),
    }
}

/// An error about a query parameter, whose name may be anything.
fn invalid(name: String, text: &str) -> Error {
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Error::new(ErrorCode::InvalidInput, text).field(name)
}

/// The content type without its parameters.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = value.split(';').next().unwrap_or_default();
    Some(kind.trim().to_ascii_lowercase())
}

fn is_json(kind: &str) -> bool {
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Whether the body is a form of several parts, which wraps a file. Everything else that is not
/// JSON is a file as it is: clients call a bank's file anything, down to the form that curl says
/// when it is told nothing else, or say nothing.
fn is_form(kind: &str) -> bool {
    kind.starts_with("multipart/")
}

/// The body, as far as it is not too large and does not take too long.
async fn bytes(
    verb: &Verb,
    state: &AppState,
    parts: &Parts,
    body: Body,
) -> Result<Vec<u8>, Failure> {
    let limits = &state.limits;
    let large = takes_file(verb) || verb.name == "exports.restore";
    let limit = if large { limits.import_bytes } else { limits.body_bytes };
    let too_large = || {
        Failure::from(Refusal::BodyTooLarge).because(format!("a body has at most {limit} bytes"))
    };
    // A body that says its length is refused before it is sent.
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    if length.and_then(|it| it.parse::<u64>().ok()).is_some_and(|it| it > limit as u64) {
        return Err(too_large());
    }
    let mut chunks = body.into_data_stream();
    let collect = async {
        let mut collected = Vec::new();
        while let Some(chunk) = chunks.next().await {
            let early =
                Failure::from(Refusal::MalformedRequest).because("the body ended too early");
            let chunk = chunk.map_err(|_| early)?;
            if collected.len().saturating_add(chunk.len()) > limit {
                return Err(too_large());
            }
            collected.extend_from_slice(&chunk);
        }
        Ok(collected)
    };
    let collected = tokio::time::timeout(state.timeouts.body, collect).await;
    collected.map_err(|_elapsed| Refusal::BodyTimeout)?
}

/// How deep a JSON text nests, whether it is one or not.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_query_parameters_come_from_the_schemas() {
        let inputs = Inputs::new();
        let kind = |verb: &str, name: &str| inputs.0[verb].get(name).copied();
        assert_eq!(kind("transactions.list", "limit"), Some(Kind::Integer));
        assert_eq!(kind("transactions.list", "uncategorised"), Some(Kind::Boolean));
        assert_eq!(kind("transactions.list", "account_id"), Some(Kind::Text));
        assert_eq!(kind("transactions.list", "status"), Some(Kind::Text));
        assert_eq!(kind("history.list", "after"), Some(Kind::Integer));
        assert_eq!(kind("budgets.state", "month"), Some(Kind::Text));
        assert_eq!(kind("imports.create", "csv"), Some(Kind::Json));
        assert_eq!(kind("accounts.list", "limit"), None);
        for verb in VERBS.iter().filter(|verb| verb.request.is_some()) {
            assert!(!inputs.0[verb.name].is_empty(), "{} has no members", verb.name);
        }
    }

    #[test]
    fn depth_counts_brackets_outside_of_texts() {
        for (json, expected) in
            [("1", 0), ("[]", 1), (r#"{"a":[1,{"b":"[[["}]}"#, 3), (r#"["\"[["]"#, 1), ("]][", 1)]
        {
            assert_eq!(depth(json.as_bytes()), expected, "{json}");
        }
    }
}
