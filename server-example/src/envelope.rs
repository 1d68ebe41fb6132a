//! The outermost layer: request ids, envelopes, and one log line a request.
//!
//! Handlers answer with an [`Answer`] or a [`Failure`] and know nothing of envelopes, so that
//! every answer has one, whoever gave it: a route, the router's own refusals, or a panic.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use futures::FutureExt as _;
use serde_json::{Map, Value, json};

use crate::error::Failure;
use crate::state::AppState;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken from a client.
const MAX_REQUEST_ID: usize = 128;

/// An answer on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Answer(pub(crate) Value);

/// What was asked for, for the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked(pub(crate) &'static str);

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = StatusCode::OK.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Runs a request and wraps what comes of it.
pub(crate) async fn envelope(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id = request_id(&state, request.headers());
    request.extensions_mut().insert(request_id.clone());
    let line = LogLine::new(&request_id, request.method().as_str());
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = response.unwrap_or_else(|_| Failure::internal().into_response());

    let failure = response.extensions_mut().remove::<Failure>();
    let answer = response.extensions_mut().remove::<Answer>();
    let outcome = match (&failure, answer) {
        (Some(failure), _) => Some(Err(failure)),
        (None, answer) => answer.map(|Answer(data)| Ok(data)),
    };
    if let Some(outcome) = outcome {
        *response.body_mut() = Body::from(enveloped(&state, &request_id, outcome).to_string());
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&request_id.0) {
        headers.insert(REQUEST_ID.clone(), value);
    }
    let code = failure.as_ref().map_or("", Failure::code);
    line.write(&response, code);
    response
}

/// What came of a request, in its envelope.
pub(crate) fn enveloped(
    state: &AppState,
    request_id: &RequestId,
    outcome: Result<Value, &Failure>,
) -> Value {
    let timestamp = state.clock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut meta = Map::new();
    meta.insert("request_id".to_owned(), request_id.0.as_str().into());
    meta.insert("timestamp".to_owned(), timestamp.into());
    match outcome {
        Err(failure) => json!({"error": failure.to_json(), "meta": meta}),
        Ok(data) => {
            if let Some(cursor) = data.get("next_cursor") {
                meta.insert("next_cursor".to_owned(), cursor.clone());
            }
            json!({"data": data, "meta": meta})
        }
    }
}

/// The id of a request, for its log lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestId(pub(crate) String);

/// The client's request id where it is one, a fresh one otherwise.
fn request_id(state: &AppState, headers: &HeaderMap) -> RequestId {
    let given = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = |id: &&str| (1..=MAX_REQUEST_ID).contains(&id.len()) && id.chars().all(harmless);
    let fresh = || state.ids.uuid(state.clock.now()).to_string();
    RequestId(given.filter(fits).map_or_else(fresh, str::to_owned))
}

/// One line for every request; for one whose client goes away before it is answered, too. It
/// holds no path, query, token, actor or body.
struct LogLine {
    request_id: RequestId,
    method: String,
    started: Instant,
    written: bool,
}

impl LogLine {
    fn new(request_id: &RequestId, method: &str) -> Self {
        let (request_id, method) = (request_id.clone(), method.to_owned());
        Self { request_id, method, started: Instant::now(), written: false }
    }

    fn write(mut self, response: &Response, code: &str) {
        self.written = true;
        let asked = response.extensions().get::<Asked>().map_or("", |asked| asked.0);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request_id = self.request_id.0,
                    method = self.method,
                    verb = asked,
                    status = response.status().as_u16(),
                    code,
                    duration_us = self.started.elapsed().as_micros() as u64,
                    "answered"
                )
            };
        }
        // Probes of health come every few seconds, and strangers try paths that are not there.
        if asked.is_empty() && !response.status().is_server_error() {
            line!(debug);
        } else {
            line!(info);
        }
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        if !self.written {
            tracing::info!(
                request_id = self.request_id.0,
                method = self.method,
                duration_us = self.started.elapsed().as_micros() as u64,
                "the client left before the answer"
            );
        }
    }
}
