//! The router: one route for every path of the engine's table, and what operations need.

use axum::Router;
use axum::routing::{MethodFilter, MethodRouter, get};
use fiscaflow_core::api::{Method, VERBS};

use crate::error::{Failure, Refusal};
use crate::routes::{health, verbs};
use crate::state::AppState;
use crate::{envelope, openapi};

/// Where the engine's verbs begin.
pub const PREFIX: &str = "/api/v1";

/// The whole server, without the socket.
pub fn router(state: AppState) -> Router {
    let mut router = Router::new()
        .route("/health", get(health::live))
        .route("/ready", get(health::ready))
        .route("/outside", get(health::outside))
        .route("/api-docs/openapi.json", get(openapi::serve));
    for path in paths() {
        let mut methods = MethodRouter::new();
        for verb in VERBS.iter().filter(|verb| verb.path == path) {
            let handler = move |state, request| verbs::run(verb, state, request);
            methods = methods.on(filter(verb.method), handler);
        }
        router = router.route(&format!("{PREFIX}{path}"), methods);
    }
    router
        .fallback(async || Failure::from(Refusal::NoSuchPath))
        .method_not_allowed_fallback(async || Failure::from(Refusal::MethodNotAllowed))
        .layer(axum::middleware::from_fn_with_state(state.clone(), envelope::envelope))
        .with_state(state)
}

/// The paths of the table, each once.
pub(crate) fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = VERBS.iter().map(|verb| verb.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}
