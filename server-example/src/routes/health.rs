//! Whether the server lives, whether it can serve, and how outside help fares. The first two need
//! no token and tell no more; what outside help was asked and cost is for those who have one.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use fiscaflow_core::{BookId, Error, ErrorCode};
use serde_json::json;

use crate::auth::identify;
use crate::envelope::Answer;
use crate::error::Failure;
use crate::state::AppState;

/// How long the store may take to answer before the server calls itself not ready.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

/// Liveness: the process answers. It does not ask the store, because starting the process again
/// does not mend a store.
pub(crate) async fn live() -> Answer {
    Answer(json!({"status": "alive"}))
}

/// Readiness: the store answers in time, and the server is not about to stop.
pub(crate) async fn ready(State(state): State<AppState>) -> Result<Answer, Failure> {
    if state.is_stopping() {
        return Err(Error::new(ErrorCode::Closed, "the server is stopping").into());
    }
    // A book that is not there, but has to be looked for.
    let book_id = BookId::new(state.ids.uuid(state.clock.now()));
    match tokio::time::timeout(READY_TIMEOUT, state.store.head(book_id)).await {
        Ok(Ok(_)) => Ok(Answer(json!({"status": "ready"}))),
        Ok(Err(error)) => {
            tracing::warn!(?error, "the store does not answer");
            Err(unavailable())
        }
        Err(_) => {
            tracing::warn!("the store does not answer in time");
            Err(unavailable())
        }
    }
}

/// What outside help was asked, how it fared and what it cost since the server started.
pub(crate) async fn outside(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Answer, Failure> {
    identify(&state.tokens, &headers)?;
    let status = state.outside.as_ref().map(|it| it.status());
    Ok(Answer(status.unwrap_or_else(|| json!({"provider": null}))))
}

fn unavailable() -> Failure {
    Error::new(ErrorCode::StoreUnavailable, "the store does not answer").into()
}
