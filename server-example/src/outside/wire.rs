//! The vendors' wire formats: OpenAI's Chat Completions with a JSON schema (`response_format`), and
//! Anthropic's Messages with one tool that has to be used.
//!
//! Both are asked the same and answer the same object, by a schema. That schema is a help, not a
//! promise: what comes back is read as if anybody had written it. Sources:
//! platform.openai.com/docs/api-reference/chat and docs.anthropic.com/en/api/messages.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Value, json};

use super::counters::Usage;
use super::tasks::Task;
use crate::config::{Secret, Vendor};

/// Tokens that an answer may take; what a call can cost ends there.
const MAX_OUTPUT_TOKENS: u32 = 8_192;
const ANTHROPIC_VERSION: &str = "2023-06-01";
/// The path below the vendor's base URL.
pub(super) const fn path(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::OpenAi => "/chat/completions",
        Vendor::Anthropic => "/messages",
    }
}

/// Who calls. The key is marked as sensitive, so that no `Debug` shows it.
pub(super) fn headers(vendor: Vendor, key: &Secret) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let mut secret = |name: HeaderName, value: String| {
        let value = HeaderValue::try_from(value);
        let mut value =
            value.map_err(|_| "the key is not one that a header can carry".to_owned())?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok::<(), String>(())
    };
    let key = key.reveal();
    match vendor {
        _ if key.is_empty() => {}
        Vendor::OpenAi => secret(header::AUTHORIZATION, format!("Bearer {key}"))?,
        Vendor::Anthropic => secret(HeaderName::from_static("x-api-key"), key.to_owned())?,
    }
    if vendor == Vendor::Anthropic {
        let version = HeaderValue::from_static(ANTHROPIC_VERSION);
        headers.insert(HeaderName::from_static("anthropic-version"), version);
    }
    Ok(headers)
}

/// The body of a call.
pub(super) fn request(vendor: Vendor, model: &str, task: &Task) -> Value {
    let Task { name, about, instructions, message, schema } = task;
    match vendor {
        Vendor::OpenAi => json!({
            "model": model,
            "messages": [
                {"role": "system", "content": instructions},
                {"role": "user", "content": message},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": name, "strict": true, "schema": schema},
            },
            "max_completion_tokens": MAX_OUTPUT_TOKENS,
            // Nothing is to be kept for the vendor's own evaluations.
            "store": false,
        }),
        Vendor::Anthropic => json!({
            "model": model,
            "max_tokens": MAX_OUTPUT_TOKENS,
            "system": instructions,
            "messages": [{"role": "user", "content": message}],
            "tools": [{"name": name, "description": about, "input_schema": schema}],
            "tool_choice": {"type": "tool", "name": name, "disable_parallel_tool_use": true},
        }),
    }
}

/// The object that a body with status 200 says, if it says one, and what it cost.
pub(super) fn read(vendor: Vendor, body: &[u8], name: &str) -> (Option<Value>, Usage) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let count = |path: &str| body.pointer(path).and_then(Value::as_u64).unwrap_or_default();
    match vendor {
        Vendor::OpenAi => {
            let ended = says(&body, "/choices/0/finish_reason", "stop");
            let text = body.pointer("/choices/0/message/content").and_then(Value::as_str);
            let said = text.filter(|_| ended).and_then(|text| serde_json::from_str(text).ok());
            let input = count("/usage/prompt_tokens");
            (said, Usage { input, output: count("/usage/completion_tokens") })
        }
        Vendor::Anthropic => {
            let ended = says(&body, "/stop_reason", "tool_use");
            let blocks = body.pointer("/content").and_then(Value::as_array).into_iter().flatten();
            let used = |it: &&Value| says(it, "/type", "tool_use") && says(it, "/name", name);
            let said = blocks.filter(used).find_map(|it| it.pointer("/input")).filter(|_| ended);
            let cached = ["/usage/cache_creation_input_tokens", "/usage/cache_read_input_tokens"];
            let cached = cached.map(count).into_iter();
            let input = cached.fold(count("/usage/input_tokens"), u64::saturating_add);
            let usage = Usage { input, output: count("/usage/output_tokens") };
            (said.cloned(), usage)
        }
    }
}

fn says(body: &Value, path: &str, text: &str) -> bool {
    body.pointer(path).and_then(Value::as_str) == Some(text)
}

/// Whether too many calls means that the account has no money left: waiting does not help then.
pub(super) fn is_spent(body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    ["/error/code", "/error/type"].iter().any(|path| says(&body, path, "insufficient_quota"))
}
