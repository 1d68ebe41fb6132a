//! The task that delivers events while the server runs.

use std::sync::Arc;
use std::time::Duration;

use fiscaflow_core::ErrorCode;
use fiscaflow_core::outbox::{EventSink, Relay, RelayOptions, Round};

use crate::state::AppState;

/// How long to wait where there was nothing to do.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to wait at most for a sink or store that does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Delivers to a sink from now on, in a task. An error is that of [`Relay::new`], as text.
pub fn start(
    sink: Arc<dyn EventSink>,
    options: RelayOptions,
    state: &AppState,
) -> Result<(), String> {
    let (store, clock) = (Arc::clone(&state.store), Arc::clone(&state.clock));
    let relay = Relay::new(store, clock, &*state.ids, sink, options);
    tokio::spawn(run(relay.map_err(|error| error.to_string())?, state.clone()));
    Ok(())
}

/// Delivers until the server stops. Where sink or store fail it waits twice as long each time.
pub async fn run(relay: Relay, state: AppState) {
    let mut pause = PAUSE;
    while !state.is_stopping() {
        let longer = pause.saturating_mul(2).min(LONGEST_PAUSE);
        let working = state.relays.read().await;
        let round = relay.round_while(|| !state.is_stopping()).await;
        drop(working);
        pause = match round {
            Ok(round) => {
                tell(&round);
                match round {
                    Round { unavailable: Some(_), delivered: 0, .. } => longer,
                    Round { more: true, .. } => continue,
                    _ => PAUSE,
                }
            }
            Err(error) if error.code() == ErrorCode::Closed => return,
            Err(error) => {
                tracing::warn!(code = error.code().as_str(), "events cannot be read");
                longer
            }
        };
        for _ in 0..pause.as_secs() {
            if !state.is_stopping() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn tell(round: &Round) {
    let Round { delivered, put_off, set_aside, unavailable, broken, .. } = round;
    if let Some(reason) = unavailable {
        tracing::warn!(delivered, reason, "events wait: nobody takes them now");
    }
    if *put_off > 0 || *set_aside > 0 {
        tracing::warn!(delivered, put_off, set_aside, "events were refused");
    } else if *delivered > 0 {
        tracing::debug!(delivered, "events were delivered");
    }
    for (book, error) in broken {
        tracing::error!(%book, code = error.code().as_str(), "events cannot be read");
    }
}
