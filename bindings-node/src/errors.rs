//! How an error reaches JavaScript.
//!
//! The rejection of an asynchronous function carries a message and no members of ours, so the
//! message is JSON: `lane`, `code`, `message` and, where known, `field`, `line` and `id`. The
//! JavaScript part reads it and throws a `FiscaFlowError`.

use std::future::Future;

use fiscaflow_core::{Error, ErrorCode, Result};
use serde::Serialize;
use serde_json::Value;

/// Runs something on a task of its own, so that a panic becomes the error `internal` and the
/// promise is settled in any case.
pub(crate) async fn guarded<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> napi::Result<T> {
    let done = tokio::spawn(work).await;
    let done = done.unwrap_or_else(|_| Err(Error::new(ErrorCode::Internal, "the engine failed")));
    done.map_err(|error| failed(&error))
}

/// An answer as JSON.
pub(crate) fn text(answer: &impl Serialize) -> Result<String> {
    let failed = |_| Error::new(ErrorCode::Internal, "an answer cannot be written as JSON");
    Ok(serde_json::to_value(answer).map_err(failed)?.to_string())
}

/// The error as JavaScript gets it.
pub(crate) fn failed(error: &Error) -> napi::Error {
    let members = [
        ("lane", Some(error.lane().as_str().into())),
        ("code", Some(error.code().as_str().into())),
        ("message", Some(error.message().into())),
        ("field", error.at_field().map(Value::from)),
        ("line", error.at_line().map(Value::from)),
        ("id", error.of_id().map(Value::from)),
    ];
    let known = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    napi::Error::from_reason(Value::Object(known.collect()).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run<T: Send + 'static>(
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> napi::Result<T> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(guarded(work))
    }

    #[test]
    fn a_panic_becomes_the_error_internal() {
        let error = run::<()>(async { panic!("a defect") }).unwrap_err();
        let value: Value = serde_json::from_str(&error.reason).unwrap();
        assert_eq!((&value["code"], &value["lane"]), (&json!("internal"), &json!("corrupt")));
        assert!(!error.reason.contains("a defect"));
    }

    #[test]
    fn an_error_keeps_everything_it_knows() {
        let error = Error::new(ErrorCode::MalformedFile, "no amount").field("TRNAMT").line(7);
        let error = run::<()>(async { Err(error.id("x")) }).unwrap_err();
        let value: Value = serde_json::from_str(&error.reason).unwrap();
        let expected = json!({"lane": "rejected", "code": "malformed_file", "message": "no amount",
            "field": "TRNAMT", "line": 7, "id": "x"});
        assert_eq!(value, expected);
    }
}
