//! What crosses the boundary: the call of a verb, whose structured parts are JSON text.
//!
//! Text crosses faster than objects do, and the engine then reads it by its own rules, so that an
//! error names the same field in every language.

use fiscaflow_core::api::{Call, read};
use fiscaflow_core::{Error, ErrorCode, Result};
use napi_derive::napi;
use serde_json::Value;

/// One call of a verb.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct NativeCall {
    /// The verb's name, such as `accounts.create`.
    pub verb: String,
    /// The book; absent only for `books.create`.
    pub book_id: Option<String>,
    /// Who acts, and why, as JSON.
    pub context: String,
    /// The id of the object, where the verb takes one.
    pub id: Option<String>,
    /// The request as JSON, where the verb takes one.
    pub request: Option<String>,
}

impl NativeCall {
    /// The call as the engine takes it.
    pub(crate) fn read(self) -> Result<Call> {
        Ok(Call {
            verb: self.verb,
            book_id: self.book_id.map(|id| id.parse()).transpose()?,
            context: read(json("context", &self.context)?)?,
            id: self.id,
            request: self.request.map(|text| json("request", &text)).transpose()?,
        })
    }
}

fn json(what: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|_| {
        Error::new(ErrorCode::InvalidInput, format!("the {what} is not JSON")).field(what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(context: &str, request: Option<&str>) -> NativeCall {
        NativeCall {
            verb: "accounts.create".into(),
            book_id: Some("018f0000-0000-7000-8000-000000000001".into()),
            context: context.into(),
            id: None,
            request: request.map(Into::into),
        }
    }

    #[test]
    fn a_call_is_read_part_by_part() {
        let read = call(r#"{"actor": "anna"}"#, Some(r#"{"name": "Giro"}"#)).read().unwrap();
        assert_eq!(read.context.actor.as_str(), "anna");
        assert_eq!(read.request.unwrap()["name"], "Giro");
    }

    #[test]
    fn an_error_names_the_part_at_fault() {
        let anna = r#"{"actor": "anna"}"#;
        let field = |call: NativeCall| call.read().unwrap_err().at_field().map(str::to_owned);
        assert_eq!(field(call(r#"{"actor": ""}"#, None)).as_deref(), Some("actor"));
        assert_eq!(field(call("{", None)).as_deref(), Some("context"));
        assert_eq!(field(call(anna, Some("{"))).as_deref(), Some("request"));
        let book = NativeCall { book_id: Some("home".into()), ..call(anna, None) };
        assert_eq!(field(book).as_deref(), Some("book_id"));
    }
}
