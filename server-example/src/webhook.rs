//! Events to a webhook: one POST an event, signed as Standard Webhooks says.
//!
//! The body is `{"book_id", "event"}`. The headers `webhook-id` (the event's id, the same at every
//! delivery), `webhook-timestamp` and `webhook-signature` are those of
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>,
//! for which many languages have a library. A status of 2xx takes an event, whatever the body.
//! Most of 4xx say that this event cannot be taken; it is tried again and set aside in the end.
//! Whatever else comes, or does not come, says that the address takes no event now: also a 500,
//! since a server that is broken answers so to everything.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use fiscaflow_core::Clock;
use fiscaflow_core::outbox::{EventSink, Outgoing, RelayOptions, Undelivered};
use fiscaflow_core::store::LONGEST_WAIT;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::config::Webhook;
use crate::http::{Http, Reply, Unreachable};

/// Events in one turn of the webhook.
const BATCH: u32 = 10;

/// Of 400 to 499 what says that the address takes nothing now: of all events, not of this one.
const CLOSED: [u16; 5] = [401, 403, 408, 425, 429];

/// An address to which events are posted.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use fiscaflow_server::config::parse;
/// use fiscaflow_server::webhook::WebhookSink;
/// use fiscaflow_store::SystemClock;
///
/// let args = ["--webhook-url", "https://example.org/hook"].map(str::to_owned);
/// let settings = parse(&args, &|_| None)?.1.webhook.ok_or("it is set")?;
/// let sink = WebhookSink::new(&settings, Arc::new(SystemClock))?;
/// # Ok::<(), String>(())
/// ```
pub struct WebhookSink {
    http: Http,
    secret: Option<Vec<u8>>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for WebhookSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever has the address may need nothing else.
        f.debug_struct("WebhookSink").field("signs", &self.secret.is_some()).finish_non_exhaustive()
    }
}

impl WebhookSink {
    /// The webhook that the settings name; the text of an error is for the operator.
    pub fn new(settings: &Webhook, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let secret = settings.secret.as_ref().map(|secret| STANDARD.decode(secret.reveal()));
        Ok(Self {
            http: Http::new("webhook-url", settings.url.reveal())?,
            secret: secret.transpose().map_err(|error| error.to_string())?,
            timeout: settings.timeout,
            clock,
        })
    }

    /// How a relay has to work for it: with a lease that outlasts a batch of slow answers.
    pub fn options(settings: &Webhook) -> RelayOptions {
        let longest = settings.timeout.saturating_mul(BATCH.saturating_add(1));
        RelayOptions {
            batch: BATCH as usize,
            lease: TimeDelta::from_std(longest).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT),
            since: settings.since,
            ..RelayOptions::default()
        }
    }

    async fn post(&self, it: &Outgoing) -> Result<(), Undelivered> {
        let unwritable = |_| Undelivered::refused(0, "the event cannot be written as JSON");
        let body = serde_json::to_value(it).map_err(unwritable)?.to_string();
        let id = it.event.id.to_string();
        let timestamp = self.clock.now().timestamp();
        let mut headers = HeaderMap::new();
        let mut add = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        add("webhook-id", &id);
        add("webhook-timestamp", &timestamp.to_string());
        if let Some(secret) = &self.secret {
            add("webhook-signature", &signature(secret, &id, timestamp, &body));
        }
        let posted = tokio::time::timeout(self.timeout, self.http.post(&headers, body.as_bytes()));
        match posted.await {
            Ok(Ok(reply)) => judged(&reply),
            Ok(Err(Unreachable)) => Err(Undelivered::unavailable(0, "no connection")),
            Err(_) => Err(Undelivered::unavailable(0, "no answer in time")),
        }
    }
}

/// What a status says of an event.
fn judged(reply: &Reply) -> Result<(), Undelivered> {
    let reason = format!("status {}", reply.status);
    match reply.status {
        200..=299 => Ok(()),
        it @ 400..=499 if !CLOSED.contains(&it) => Err(Undelivered::refused(0, reason)),
        _ => Err(Undelivered {
            retry_after: reply.retry_after.and_then(|it| TimeDelta::from_std(it).ok()),
            ..Undelivered::unavailable(0, reason)
        }),
    }
}

/// HMAC-SHA256 (RFC 2104) over id, time and body.
fn signature(secret: &[u8], id: &str, timestamp: i64, body: &str) -> String {
    // A key of any length is allowed, so there is no error to see.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[async_trait]
impl EventSink for WebhookSink {
    fn name(&self) -> &str {
        "webhook"
    }

    async fn tell(&self, events: &[Outgoing]) -> Result<(), Undelivered> {
        for (delivered, it) in events.iter().enumerate() {
            let failed = |it: Undelivered| Undelivered { delivered, ..it };
            self.post(it).await.map_err(failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // Holds: the example of Standard Webhooks comes out.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        assert_eq!(
            signature(&secret, id, 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }
}
