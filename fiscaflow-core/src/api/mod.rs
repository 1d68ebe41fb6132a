//! The engine's verbs as bindings and servers see them: one table, one call.
//!
//! A verb has a name (`accounts.create`), may take the id of an object, a request and answers
//! with a shape; all of them serialise alike in every language. [`VERBS`] lists them with their
//! place in a REST interface, and [`call`] runs any of them on JSON. Bindings wrap this and add no
//! behaviour; what a language lacks is added here first.

mod read;
pub(crate) mod schema;
mod status;
mod verbs;

pub use read::read;
#[cfg(feature = "schema")]
pub use schema::schemas;
pub use status::status;
pub use verbs::{Method, NOUNS, Noun, Shape, VERBS, Verb, verb};

use std::pin::Pin;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{BookHandle, Context, Engine, Observer};
use crate::error::{Error, ErrorCode, Result};
use crate::id::BookId;

/// One call of a verb.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The verb's name.
    pub verb: String,
    /// The book; absent only for `books.create`.
    pub book_id: Option<BookId>,
    /// Who acts, and why.
    pub context: Context,
    /// The id of the object, where the verb takes one.
    pub id: Option<String>,
    /// The request, where the verb takes one; absent = a request with nothing in it.
    #[serde(default)]
    pub request: Option<Value>,
}

crate::model::debug_only!(Call: verb, book_id, context, id);

impl Call {
    fn book(&self, engine: &Engine, observer: Option<Observer>) -> Result<BookHandle> {
        let book_id = self.book_id.ok_or_else(|| Error::invalid("book_id", "which book?"))?;
        let book = engine.book(book_id, self.context.clone());
        Ok(match observer {
            Some(observer) => book.watched(observer),
            None => book,
        })
    }

    fn id<T: std::str::FromStr<Err: Into<Error>>>(&self) -> Result<T> {
        let id = self.id.as_deref().ok_or_else(|| Error::invalid("id", "`id` is missing"))?;
        id.parse().map_err(|error: T::Err| error.into().field("id"))
    }

    fn request<T: DeserializeOwned>(&mut self) -> Result<T> {
        let request = self.request.take().unwrap_or_else(|| Value::Object(Default::default()));
        read(request)
    }
}

/// A call as bindings hand it over: what has a structure is JSON text, which crosses a boundary of
/// languages faster than objects do and is read by the same rules in each of them.
///
/// ```
/// use fiscaflow_core::api::{Call, CallText};
///
/// let text = CallText {
///     verb: "books.create".into(),
///     context: r#"{"actor": "anna"}"#.into(),
///     request: Some(r#"{"name": "Home", "currency": "EUR"}"#.into()),
///     ..CallText::default()
/// };
/// assert_eq!(Call::try_from(text)?.context.actor.as_str(), "anna");
/// # Ok::<(), fiscaflow_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct CallText {
    /// The verb's name.
    pub verb: String,
    /// The book; absent only for `books.create`.
    pub book_id: Option<String>,
    /// Who acts, and why: a [`Context`] as JSON.
    pub context: String,
    /// The id of the object, where the verb takes one.
    pub id: Option<String>,
    /// The request as JSON, where the verb takes one.
    pub request: Option<String>,
}
crate::model::debug_only!(CallText: verb, book_id, id);

impl TryFrom<CallText> for Call {
    type Error = Error;

    fn try_from(text: CallText) -> Result<Self> {
        let book_id = text.book_id.map(|id| id.parse()).transpose();
        Ok(Self {
            verb: text.verb,
            book_id: book_id.map_err(|error: Error| error.field("book_id"))?,
            context: read(parse("context", &text.context)?)?,
            id: text.id,
            request: text.request.map(|request| parse("request", &request)).transpose()?,
        })
    }
}

fn parse(part: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|_| Error::invalid(part, format!("the {part} is not JSON")))
}

/// Runs a verb. Request and answer have the shapes that [`VERBS`] names; a verb without an answer
/// gives `null`.
///
/// ```no_run
/// # async fn example(engine: fiscaflow_core::Engine) -> fiscaflow_core::Result<()> {
/// use fiscaflow_core::api::{Call, call};
/// use fiscaflow_core::engine::Context;
/// use serde_json::json;
///
/// let book = call(&engine, Call {
///     verb: "books.create".into(),
///     book_id: None,
///     context: Context::new("anna".parse()?),
///     id: None,
///     request: Some(json!({"name": "Home", "currency": "EUR"})),
/// }).await?;
/// assert_eq!(book["zone"], "UTC");
/// # Ok(()) }
/// ```
pub fn call(engine: &Engine, call: Call) -> Answer<'_> {
    call_watched(engine, call, None)
}

/// Runs a verb like [`call`], and tells an observer how far it is where the verb is
/// [observed](Verb::observed).
pub fn call_watched(engine: &Engine, call: Call, observer: Option<Observer>) -> Answer<'_> {
    Box::pin(verbs::dispatch(engine, call, observer))
}

/// The answer to a call, once it is there. Its type is named, so that all verbs are compiled here
/// and not again in each crate that calls them.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value>> + Send + 'a>>;

fn write<T: Serialize>(answer: &T) -> Result<Value> {
    serde_json::to_value(answer)
        .map_err(|_| Error::new(ErrorCode::Internal, "an answer cannot be written as JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_part_of_the_call_at_fault() {
        let call = |book_id: &str, context: &str, request: &str| CallText {
            verb: "accounts.create".into(),
            book_id: Some(book_id.into()),
            context: context.into(),
            id: None,
            request: Some(request.into()),
        };
        let home = "018f0000-0000-7000-8000-000000000001";
        let anna = r#"{"actor": "anna"}"#;
        assert!(Call::try_from(call(home, anna, "{}")).is_ok());
        let field =
            |call: CallText| Call::try_from(call).unwrap_err().at_field().map(str::to_owned);
        assert_eq!(field(call("home", anna, "{}")).as_deref(), Some("book_id"));
        assert_eq!(field(call(home, r#"{"actor": ""}"#, "{}")).as_deref(), Some("actor"));
        assert_eq!(field(call(home, "{", "{}")).as_deref(), Some("context"));
        assert_eq!(field(call(home, anna, "{")).as_deref(), Some("request"));
    }
}
