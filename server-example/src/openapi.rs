//! The OpenAPI 3.1 document, made from the engine's table of verbs and the schemas of its shapes.
//!
//! Nothing is written down twice: a verb that the core gains has its path, its parameters and its
//! answer here, and the statuses come from the table in `error.rs`. The document is committed as
//! `openapi.json`, so that a change of the interface shows in a review.

#![allow(
    clippy::indexing_slicing,
    reason = "a JSON value without the member gives null, and takes one where it is an object"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use axum::http::header;
use axum::response::IntoResponse;
use fiscaflow_core::api::{Method, Shape, VERBS, Verb, schemas};
use fiscaflow_core::{ErrorCode, Lane};
use serde_json::{Map, Value, json};

use crate::app::{PREFIX, paths};
use crate::error::{Refusal, status};
use crate::routes::input::{CONTENT, takes_file};
use crate::routes::verbs::{has_own_path, makes};

/// The headers that become the context of a call: name, what it is, and whether reads ignore it.
const HEADERS: [(&str, &str, bool); 6] = [
    (
        "Idempotency-Key",
        "A write with a key that was used before returns the first answer and does nothing.",
        true,
    ),
    ("X-Reason", "Why, in words, for the history; UTF-8.", true),
    ("X-Correlation-Id", "Ties together what belongs to one request.", true),
    ("X-Causation-Id", "What caused the request.", true),
    (
        "X-As-Of",
        "Reads the book as of a point: a commit's number or hash, or an instant (RFC 3339).",
        false,
    ),
    ("X-Request-Id", "Comes back in the answer; a fresh one where absent.", false),
];

const DESCRIPTION: &str = "\
The FiscaFlow engine behind REST. Every path below `/api/v1` needs a bearer token, which names an \
actor and the books that it reaches; a book out of reach answers like one that is not there. \
Amounts are decimal strings, dates are ISO 8601. Answers come as `{\"data\", \"meta\"}`, errors as \
`{\"error\": {\"code\", \"message\", \"details\"}, \"meta\"}`: act on `code` and `details.lane` \
(`rejected`: change the request; `unavailable`: try again; `corrupt`: stop). Lists that have a \
`next_cursor` go on with it as `cursor`.";

/// The document as committed: indented, with a line's end.
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// Answers with the document. It needs no token: it says nothing that is not in the repository.
pub(crate) async fn serve() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(text).as_str();
    ([(header::CONTENT_TYPE, "application/json")], text)
}

/// The document.
pub fn document() -> Value {
    let schemas = serde_json::to_value(schemas()).unwrap_or_default();
    let mut routes = Map::new();
    for path in paths() {
        let verbs = VERBS.iter().filter(|verb| verb.path == path);
        let operations = verbs.map(|verb| (method(verb.method), operation(verb, &schemas)));
        routes.insert(format!("{PREFIX}{path}"), Value::from_iter(operations));
    }
    routes.insert("/health".to_owned(), health("Whether the process lives.", false));
    routes.insert("/ready".to_owned(), health("Whether the store answers.", true));
    routes.insert("/outside".to_owned(), outside());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "FiscaFlow",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": tags(),
        "paths": routes,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "parameters": header_parameters(),
            "responses": error_responses(),
            "schemas": with_envelopes(schemas),
        },
    })
}

fn operation(verb: &Verb, schemas: &Value) -> Value {
    let mut parameters = path_parameters(verb);
    let reads = verb.method == Method::Get;
    let headers = HEADERS.iter().filter(|(_, _, writes)| !(reads && *writes));
    parameters.extend(headers.map(|(name, ..)| reference("parameters", name)));
    let is_import = takes_file(verb);
    if reads || is_import {
        parameters.extend(query_parameters(verb, schemas));
    }
    let mut responses = json!({success_status(verb): success(verb, schemas)});
    if is_import {
        responses["200"] = success(verb, schemas);
        responses["200"]["description"] = "The answer; nothing in the file was new.".into();
    }
    if verb.observed {
        responses["200"]["content"]["text/event-stream"] = json!({"schema": events(verb, schemas)});
    }
    for status in errors_by_status().keys() {
        responses[status] = reference("responses", &response_name(status));
    }
    let mut operation = json!({
        "operationId": verb.name,
        "summary": verb.summary,
        "tags": [noun(verb)],
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(shape) = verb.request.filter(|_| !reads) {
        let required = is_import || !schemas[shape.name]["required"].is_null();
        operation["requestBody"] = request_body(shape, required, is_import);
    }
    operation
}

fn method(method: Method) -> String {
    let name = match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    };
    name.to_owned()
}

fn noun(verb: &Verb) -> &'static str {
    verb.name.split('.').next().unwrap_or_default()
}

fn tags() -> Vec<Value> {
    let mut nouns: Vec<_> = VERBS.iter().map(noun).collect();
    nouns.dedup();
    nouns.into_iter().map(|noun| json!({"name": noun})).collect()
}

fn path_parameters(verb: &Verb) -> Vec<Value> {
    let ids = [
        ("book_id", json!({"type": "string", "format": "uuid"})),
        ("id", json!({"type": "string"})),
    ];
    let used = ids.into_iter().filter(|(name, _)| verb.path.contains(&format!("{{{name}}}")));
    used.map(|(name, schema)| parameter("path", name, None, schema, true)).collect()
}

/// The members of a request as query parameters.
fn query_parameters(verb: &Verb, schemas: &Value) -> Vec<Value> {
    let shape = verb.request.map_or(&Value::Null, |shape| &schemas[shape.name]);
    let needed = shape["required"].as_array();
    let members = shape["properties"].as_object();
    let members = members.into_iter().flatten().filter(|(name, _)| *name != CONTENT);
    let parameters = members.map(|(name, schema)| {
        let mut schema = schema.clone();
        let about = schema.as_object_mut().and_then(|it| it.remove("description"));
        let about = about.as_ref().and_then(Value::as_str);
        if !takes_file(verb) {
            let required = needed.is_some_and(|names| names.iter().any(|it| it == name));
            return parameter("query", name, about, schema, required);
        }
        let about = format!("{} For a body that is a bare file.", about.unwrap_or_default());
        let is_object = !is_plain(&schema, schemas);
        let mut parameter = parameter("query", name, Some(about.trim()), schema, false);
        if is_object {
            let schema = parameter["schema"].take();
            parameter.as_object_mut().map(|it| it.remove("schema"));
            parameter["content"] = json!({"application/json": {"schema": schema}});
        }
        parameter
    });
    parameters.collect()
}

/// Whether a schema is of a value that a query holds as it is.
fn is_plain(schema: &Value, schemas: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return is_plain(&schemas[name], schemas);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().all(|choice| is_plain(choice, schemas));
    }
    schema["properties"].is_null()
}

fn parameter(place: &str, name: &str, about: Option<&str>, schema: Value, required: bool) -> Value {
    let mut parameter = json!({"in": place, "name": name, "schema": schema, "required": required});
    if let Some(about) = about {
        parameter["description"] = about.into();
    }
    parameter
}

fn header_parameters() -> Value {
    let text = || json!({"type": "string"});
    let named = HEADERS.iter().map(|(name, about, _)| {
        ((*name).to_owned(), parameter("header", name, Some(about), text(), false))
    });
    Value::from_iter(named)
}

fn request_body(shape: Shape, required: bool, is_import: bool) -> Value {
    let mut content = json!({"application/json": {"schema": schema_of(shape)}});
    if is_import {
        for kind in ["application/octet-stream", "application/x-ofx", "text/csv"] {
            content[kind] = json!({});
        }
    }
    json!({"required": required, "content": content})
}

fn schema_of(shape: Shape) -> Value {
    let one = reference("schemas", shape.name);
    if shape.list { json!({"type": "array", "items": one}) } else { one }
}

fn success_status(verb: &Verb) -> &'static str {
    if makes(verb) { "201" } else { "200" }
}

fn success(verb: &Verb, schemas: &Value) -> Value {
    let data = verb.answer.map_or(json!({"type": "null"}), schema_of);
    let is_page = verb.answer.is_some_and(|shape| {
        !shape.list && !schemas[shape.name]["properties"]["next_cursor"].is_null()
    });
    let meta = reference("schemas", if is_page { "PageMeta" } else { "Meta" });
    let mut response = json!({
        "description": "The answer.",
        "headers": {"X-Request-Id": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": envelope(data, meta)}},
    });
    if makes(verb) && has_own_path(verb) {
        response["headers"]["Location"] = json!({"schema": {"type": "string"}});
    }
    response
}

/// What an answer by server-sent events holds, one object for each event.
fn events(verb: &Verb, schemas: &Value) -> Value {
    let result = success(verb, schemas)["content"]["application/json"]["schema"].take();
    let kinds = [
        ("progress", reference("schemas", "ImportProgress")),
        ("result", result),
        ("error", reference("schemas", "ErrorEnvelope")),
    ];
    let kinds = kinds.map(|(name, data)| {
        json!({
            "type": "object",
            "required": ["event", "data"],
            "properties": {"event": {"const": name}, "data": data},
        })
    });
    json!({
        "type": "array",
        "description": "For `Accept: text/event-stream`. Any number of `progress`, then one `result` \
            or `error` with the envelope of the plain answer; `data` is JSON on one line. What is \
            refused before the work begins is answered plainly, with its status.",
        "items": {"oneOf": kinds},
    })
}

fn envelope(data: Value, meta: Value) -> Value {
    json!({
        "type": "object",
        "required": ["data", "meta"],
        "properties": {"data": data, "meta": meta},
    })
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

fn health(summary: &str, may_fail: bool) -> Value {
    let data = json!({
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string"}},
    });
    let schema = envelope(data, reference("schemas", "Meta"));
    let content = json!({"application/json": {"schema": schema}});
    let mut responses = json!({"200": {"description": "Yes.", "content": content}});
    if may_fail {
        responses["503"] = reference("responses", &response_name("503"));
    }
    json!({"get": {"summary": summary, "security": [], "responses": responses}})
}

fn outside() -> Value {
    let count = json!({"type": "integer", "format": "int64", "minimum": 0});
    let text = json!({"type": "string"});
    let data = json!({
        "type": "object",
        "required": ["provider"],
        "properties": {
            "provider": {"type": ["string", "null"], "description": "Whose API; null: nobody is asked."},
            "model": text,
            "breaker": {"type": "string", "enum": ["closed", "open", "half_open"]},
            "calls": count,
            "repeats": count,
            "questions": count,
            "answers": count,
            "failures": {"type": "object", "additionalProperties": count},
            "input_tokens": count,
            "output_tokens": count,
            "cost": {
                "type": ["object", "null"],
                "description": "What the tokens cost by the configured prices, exactly.",
                "required": ["value", "currency"],
                "properties": {"value": {"type": "string", "format": "decimal"}, "currency": text},
            },
        },
    });
    let content =
        json!({"application/json": {"schema": envelope(data, reference("schemas", "Meta"))}});
    let mut responses =
        json!({"200": {"description": "Since the server started.", "content": content}});
    for status in ["401", "503"] {
        responses[status] = reference("responses", &response_name(status));
    }
    let summary = "What outside help was asked, how it fared and what it cost.";
    json!({"get": {"summary": summary, "responses": responses}})
}

/// Which codes come with which status; what only concerns paths that are not there is left out.
fn errors_by_status() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut found: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    let mut add = |status: axum::http::StatusCode, code| {
        found.entry(status.as_str().to_owned()).or_default().insert(code);
    };
    for code in ErrorCode::ALL.iter().filter(|code| **code != ErrorCode::UnknownVerb) {
        add(status(*code, None), code.as_str());
    }
    add(status(ErrorCode::LimitExceeded, Some(CONTENT)), ErrorCode::LimitExceeded.as_str());
    for refusal in Refusal::ALL {
        if ![Refusal::NoSuchPath, Refusal::MethodNotAllowed].contains(refusal) {
            add(refusal.status(), refusal.code());
        }
    }
    found
}

fn response_name(status: &str) -> String {
    format!("Error{status}")
}

fn error_responses() -> Value {
    let responses = errors_by_status().into_iter().map(|(status, codes)| {
        let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
        let mut response = json!({
            "description": codes.join(", "),
            "content": {"application/json": {"schema": reference("schemas", "ErrorEnvelope")}},
        });
        match status.as_str() {
            "401" => {
                response["headers"] = json!({"WWW-Authenticate": {"schema": {"type": "string"}}})
            }
            "503" => response["headers"] = json!({"Retry-After": {"schema": {"type": "integer"}}}),
            _ => {}
        }
        (response_name(&status), response)
    });
    Value::from_iter(responses)
}

/// The schemas of the core without those that are parameters here, and with the envelopes.
fn with_envelopes(mut schemas: Value) -> Value {
    let in_queries = VERBS.iter().filter(|verb| verb.method == Method::Get);
    let in_queries = in_queries.filter_map(|verb| verb.request).map(|shape| shape.name);
    for name in in_queries.chain(["Context"]) {
        schemas.as_object_mut().map(|schemas| schemas.remove(name));
    }
    let mut codes: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    codes.extend(Refusal::ALL.iter().map(|refusal| refusal.code()));
    let lanes = [Lane::Rejected, Lane::Unavailable, Lane::Corrupt].map(Lane::as_str);
    let meta = json!({
        "type": "object",
        "required": ["request_id", "timestamp"],
        "properties": {
            "request_id": {"type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
        },
    });
    let mut page_meta = meta.clone();
    page_meta["properties"]["next_cursor"] = json!({
        "type": ["string", "null"],
        "description": "Where the next page begins; null = this is the last one.",
    });
    schemas["Meta"] = meta;
    schemas["PageMeta"] = page_meta;
    schemas["ErrorEnvelope"] = json!({
        "type": "object",
        "required": ["error", "meta"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "details"],
                "properties": {
                    "code": {"type": "string", "enum": codes},
                    "message": {"type": "string", "description": "For people."},
                    "details": {
                        "type": "object",
                        "required": ["lane"],
                        "properties": {
                            "lane": {"type": "string", "enum": lanes},
                            "field": {"type": "string", "description": "The field at fault."},
                            "line": {"type": "integer", "description": "The line of the file."},
                            "id": {"type": "string", "description": "The object concerned."},
                        },
                    },
                },
            },
            "meta": reference("schemas", "Meta"),
        },
    });
    schemas
}
