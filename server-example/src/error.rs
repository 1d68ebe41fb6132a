//! How a failure is answered.
//!
//! A client acts on lane and code, which mean the same in every language; the status is for what
//! stands between. Those of the engine's codes stand in the core, where hosts in other languages
//! find them too. The server adds a few codes of its own for what happens before the engine is
//! asked. `tests/server/golden/statuses.txt` shows the whole table.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fiscaflow_core::{Error, ErrorCode, Lane};
use serde_json::{Map, Value};

/// Seconds after which a client may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// The status of an engine's error. `field` tells a file that is too large from other limits.
pub fn status(code: ErrorCode, field: Option<&str>) -> StatusCode {
    let status = StatusCode::from_u16(fiscaflow_core::api::status(code, field));
    status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

macro_rules! refusals {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $code:literal in $lane:ident, $status:ident, $text:literal;
    )*) => {
        /// What the server refuses by itself, before the engine is asked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Refusal { $($(#[$doc])* $variant,)* }

        impl Refusal {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What a client should do.
            pub const fn lane(self) -> Lane {
                match self { $(Self::$variant => Lane::$lane,)* }
            }

            /// The status.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

refusals! {
    /// The token is missing, malformed, unknown or revoked: all alike.
    Unauthorized = "unauthorized" in Rejected, UNAUTHORIZED,
        "a valid bearer token is needed";
    /// The body is no JSON, or the path or a header cannot be read.
    MalformedRequest = "malformed_request" in Rejected, BAD_REQUEST,
        "the body is not JSON";
    /// The path is not one of the server's.
    NoSuchPath = "no_such_path" in Rejected, NOT_FOUND,
        "no such path";
    /// The path is there, but not with this method.
    MethodNotAllowed = "method_not_allowed" in Rejected, METHOD_NOT_ALLOWED,
        "the path does not take this method";
    /// The body did not come in time.
    BodyTimeout = "body_timeout" in Rejected, REQUEST_TIMEOUT,
        "the body did not come in time";
    /// The body is larger than the server takes.
    BodyTooLarge = "limit_exceeded" in Rejected, PAYLOAD_TOO_LARGE,
        "the body is too large";
    /// The body is of a type that the path does not take.
    UnsupportedMediaType = "unsupported_media_type" in Rejected, UNSUPPORTED_MEDIA_TYPE,
        "the body's content type must be `application/json`";
    /// More requests at once than the server takes.
    Overloaded = "overloaded" in Unavailable, SERVICE_UNAVAILABLE,
        "too many requests at once";
    /// The tokens cannot be read.
    TokensUnavailable = "tokens_unavailable" in Unavailable, SERVICE_UNAVAILABLE,
        "tokens cannot be checked now";
    /// The answer took too long; what was asked for may have happened all the same.
    AnswerTimeout = "answer_timeout" in Unavailable, SERVICE_UNAVAILABLE,
        "no answer in time; a write may happen all the same, so repeat it with its idempotency key";
}

/// An error on its way out. The envelope writes its body.
#[derive(Debug, Clone)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    lane: Lane,
    message: String,
    field: Option<String>,
    line: Option<u64>,
    id: Option<String>,
}

impl Failure {
    /// A defect of the server. What it was is for the log, not for the client.
    pub fn internal() -> Self {
        Error::new(ErrorCode::Internal, "a defect of the server").into()
    }

    /// Puts a more telling text in the place of the usual one.
    #[must_use]
    pub fn because(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The members of the envelope's `error`.
    pub fn to_json(&self) -> Value {
        let details = [
            ("lane", Some(self.lane.as_str().into())),
            ("field", self.field.clone().map(Value::from)),
            ("line", self.line.map(Value::from)),
            ("id", self.id.clone().map(Value::from)),
        ];
        let present = details.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it?)));
        let details: Map<String, Value> = present.collect();
        serde_json::json!({"code": self.code, "message": self.message, "details": details})
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self {
            status: refusal.status(),
            code: refusal.code(),
            lane: refusal.lane(),
            message: refusal.text().to_owned(),
            field: None,
            line: None,
            id: None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = status(error.code(), error.at_field());
        let (code, lane) = (error.code().as_str(), error.lane());
        if lane == Lane::Corrupt {
            let message = "the server cannot answer this; its log tells why".to_owned();
            return Self { status, code, lane, message, field: None, line: None, id: None };
        }
        Self {
            status,
            code,
            lane,
            message: error.message().to_owned(),
            field: error.at_field().map(str::to_owned),
            line: error.at_line(),
            id: error.of_id().map(str::to_owned),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.lane == Lane::Unavailable {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response.extensions_mut().insert(self);
        response
    }
}
