//! The progress of a verb as server-sent events (WHATWG HTML, section 9.2), for whoever asks by
//! `Accept: text/event-stream`: `progress` as often as the engine tells it, and then one `result`
//! or `error` with the envelope that the plain answer has.

use std::convert::Infallible;

use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use fiscaflow_core::engine::{ImportProgress, Observer};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::verbs::UnderWay;
use crate::envelope::{RequestId, enveloped};
use crate::state::AppState;

/// Whether a client asks for events.
pub(crate) fn wanted(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut ranges = lists.flat_map(|list| list.split(','));
    ranges.any(|range| {
        let kind = range.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("text/event-stream")
    })
}

/// An observer, and where what it hears comes out; that end is closed when the work has ended. A
/// client that has gone hears nothing more.
pub(crate) fn observer() -> (Observer, UnboundedReceiver<ImportProgress>) {
    let (tell, told) = unbounded_channel();
    (Observer::new(move |progress| _ = tell.send(progress)), told)
}

/// The answer of what is under way, as events.
pub(crate) fn answer(
    state: AppState,
    request_id: RequestId,
    mut told: UnboundedReceiver<ImportProgress>,
    under_way: UnderWay,
) -> Response {
    let progress = stream::poll_fn(move |context| told.poll_recv(context));
    let progress = progress.take_until(tokio::time::sleep_until(under_way.deadline));
    let progress = progress.map(|it| event("progress", serde_json::to_value(it).ok()));
    let end = stream::once(async move {
        match under_way.answer().await {
            Ok(data) => event("result", Some(enveloped(&state, &request_id, Ok(data)))),
            Err(failure) => event("error", Some(enveloped(&state, &request_id, Err(&failure)))),
        }
    });
    Sse::new(progress.chain(end)).into_response()
}

fn event(name: &str, data: Option<Value>) -> Result<Event, Infallible> {
    Ok(Event::default().event(name).data(data.unwrap_or_default().to_string()))
}
