//! The one handler behind every verb: from a request to a call of the engine, and back.

use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use fiscaflow_core::api::{Call, Method, VERBS, Verb, call, call_watched};
use fiscaflow_core::engine::{Context, Observer};
use fiscaflow_core::log::Hash;
use fiscaflow_core::{BookId, Error, ErrorCode, Lane};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{events, input};
use crate::auth::{Books, Identity, identify};
use crate::envelope::{Answer, Asked, RequestId};
use crate::error::{Failure, Refusal};
use crate::state::AppState;

/// Runs a verb.
pub(crate) async fn run(
    verb: &'static Verb,
    State(state): State<AppState>,
    request: Request,
) -> Response {
    let mut response = answer(verb, state, request).await.unwrap_or_else(Failure::into_response);
    response.extensions_mut().insert(Asked(verb.name));
    response
}

async fn answer(
    verb: &'static Verb,
    state: AppState,
    request: Request,
) -> Result<Response, Failure> {
    let path = request.uri().path().to_owned();
    if verb.observed && events::wanted(request.headers()) {
        let request_id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
        let (observer, told) = events::observer();
        let under_way = begin(verb, &state, request, Some(observer)).await?;
        return Ok(events::answer(state, request_id, told, under_way));
    }
    let data = begin(verb, &state, request, None).await?.answer().await?;
    Ok(success(verb, &path, data))
}

/// A call of the engine that was begun, and until when its answer is waited for.
pub(crate) struct UnderWay {
    task: JoinHandle<fiscaflow_core::Result<Value>>,
    is_read: bool,
    pub(crate) deadline: Instant,
}

/// A read that nobody waits for any more is none.
impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.is_read {
            self.task.abort();
        }
    }
}

impl UnderWay {
    pub(crate) async fn answer(mut self) -> Result<Value, Failure> {
        match tokio::time::timeout_at(self.deadline, &mut self.task).await {
            Ok(Ok(answered)) => Ok(answered?),
            Ok(Err(_panic)) => Err(Failure::internal()),
            Err(_elapsed) => Err(Refusal::AnswerTimeout.into()),
        }
    }
}

/// Reads a request and begins what it asks for.
async fn begin(
    verb: &'static Verb,
    state: &AppState,
    request: Request,
    observer: Option<Observer>,
) -> Result<UnderWay, Failure> {
    // Nobody sends a body before it is known who calls.
    let identity = identify(&state.tokens, request.headers())?;
    let permit = state.requests.clone().try_acquire_owned().map_err(|_| Refusal::Overloaded)?;
    let (mut parts, body) = request.into_parts();
    let ids = Ids::read(&mut parts).await?;
    let context = context(&parts.headers, &identity)?;
    let request = input::read(verb, state, &parts, body).await?;
    let book_id = match ids.book_id {
        Some(book_id) if !identity.reaches(book_id) => Some(unknown_book(state)),
        book_id => book_id,
    };
    let call = Call { verb: verb.name.to_owned(), book_id, context, id: ids.id, request };
    let request_id = parts.extensions.get::<RequestId>().cloned();
    let deadline = Instant::now() + state.timeouts.answer;
    let state = state.clone();
    // A task of its own: when the client goes away or loses patience, a write that was begun is
    // ended all the same.
    let task = tokio::spawn(async move {
        let _permit = permit;
        let answered = ask(&state, &identity, call, observer).await;
        if let Err(error) = &answered {
            report(verb, request_id, error);
        }
        answered
    });
    Ok(UnderWay { task, is_read: verb.method == Method::Get, deadline })
}

/// An id that no book has. A book that a token does not reach is looked up under it: whatever a
/// caller tries there, the answer is that of an unknown book, because it is one.
fn unknown_book(state: &AppState) -> BookId {
    BookId::new(state.ids.uuid(state.clock.now()))
}

async fn ask(
    state: &AppState,
    identity: &Identity,
    mut asked: Call,
    observer: Option<Observer>,
) -> fiscaflow_core::Result<Value> {
    let grows = asked.book_id.is_none() && identity.books != Books::All;
    if !grows {
        return call_watched(&state.engine, asked, observer).await;
    }
    // A book is being made by a token with a list of books. Making one that is there already
    // returns it: no way to reach a book that is not on the list.
    let wanted = asked.request.as_ref().and_then(|request| request.get("id"));
    let wanted = wanted.and_then(Value::as_str).and_then(|id| id.parse::<BookId>().ok());
    if let Some(book_id) = wanted.filter(|id| !identity.reaches(*id))
        && state.engine.book(book_id, asked.context.clone()).get().await.is_ok()
    {
        let text = "the book id is taken";
        return Err(Error::new(ErrorCode::IdConflict, text).id(book_id));
    }
    own_id(identity, &mut asked);
    let book = call(&state.engine, asked).await?;
    let made = book.get("id").and_then(Value::as_str).and_then(|id| id.parse::<BookId>().ok());
    let made = made.ok_or_else(|| Error::new(ErrorCode::Internal, "a book without an id"))?;
    let (tokens, token) = (state.tokens.clone(), identity.id.clone());
    let granted = tokio::task::spawn_blocking(move || tokens.grant(&token, made)).await;
    match granted {
        Ok(Ok(())) => Ok(book),
        _ => {
            let text = "the book was made, but not added to the token's books";
            Err(Error::new(ErrorCode::StoreUnavailable, text).id(made))
        }
    }
}

/// Gives a book that a token with a list makes under an idempotency key an id of that token and
/// key. The engine would take the actor's, under which another token of the same actor may have
/// made a book already. The id does not depend on the list, so that a repeat finds the book even
/// when it could not be added to the list at first.
fn own_id(identity: &Identity, asked: &mut Call) {
    let Some(key) = &asked.context.idempotency_key else { return };
    let Some(Value::Object(request)) = &mut asked.request else { return };
    if request.get("id").is_some_and(|id| !id.is_null()) {
        return;
    }
    let hash = Hash::of(&[b"token\0", identity.id.as_bytes(), b"\0", key.as_bytes()]);
    if let Some(bytes) = hash.as_bytes().first_chunk::<16>() {
        let id = uuid::Builder::from_custom_bytes(*bytes).into_uuid();
        request.insert("id".to_owned(), id.to_string().into());
    }
}

/// Tells the operator what a client cannot mend.
fn report(verb: &Verb, request_id: Option<RequestId>, error: &Error) {
    let request_id = request_id.map(|id| id.0).unwrap_or_default();
    match error.lane() {
        Lane::Rejected => {}
        Lane::Unavailable => tracing::warn!(request_id, verb = verb.name, ?error, "unavailable"),
        Lane::Corrupt => tracing::error!(request_id, verb = verb.name, ?error, "corrupt"),
    }
}

/// The ids in a path.
struct Ids {
    book_id: Option<BookId>,
    id: Option<String>,
}

impl Ids {
    async fn read(parts: &mut Parts) -> Result<Self, Failure> {
        let unreadable =
            || Failure::from(Refusal::MalformedRequest).because("the path is no UTF-8");
        let params = RawPathParams::from_request_parts(parts, &()).await;
        let params = params.map_err(|_| unreadable())?;
        let mut ids = Self { book_id: None, id: None };
        for (name, value) in &params {
            match name {
                "book_id" => ids.book_id = Some(value.parse()?),
                _ => ids.id = Some(value.to_owned()),
            }
        }
        Ok(ids)
    }
}

/// The context of a call, from the token and the headers.
fn context(headers: &HeaderMap, identity: &Identity) -> Result<Context, Failure> {
    Ok(Context {
        actor: identity.actor.clone(),
        reason: text(headers, "x-reason", "reason")?,
        correlation_id: text(headers, "x-correlation-id", "correlation_id")?,
        causation_id: text(headers, "x-causation-id", "causation_id")?,
        idempotency_key: text(headers, "idempotency-key", "idempotency_key")?.map(unquoted),
        as_of: text(headers, "x-as-of", "as_of")?.map(|point| point.parse()).transpose()?,
    })
}

/// A header's text, which may be any UTF-8.
fn text(headers: &HeaderMap, header: &str, field: &str) -> Result<Option<String>, Failure> {
    let wrong = |text: &str| Error::new(ErrorCode::InvalidInput, text).field(field);
    let mut given = headers.get_all(header).iter();
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(wrong("the header is given twice").into());
    }
    let text = String::from_utf8(value.as_bytes().to_vec());
    Ok(Some(text.map_err(|_| wrong("the header is no UTF-8"))?))
}

/// An idempotency key may come as the quoted string of RFC 9651, section 3.3.3, which the draft
/// asks for, or bare, as most clients send it.
fn unquoted(key: String) -> String {
    let inner = key.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => key,
    }
}

fn success(verb: &Verb, path: &str, data: Value) -> Response {
    let id = data.get("id").and_then(Value::as_str).filter(|_| makes(verb) && has_own_path(verb));
    let location = id.and_then(|id| HeaderValue::from_str(&format!("{path}/{id}")).ok());
    // An import that brought nothing new made nothing.
    let made = makes(verb) && data.get("import_id") != Some(&Value::Null);
    let mut response = Answer(data).into_response();
    if made {
        *response.status_mut() = StatusCode::CREATED;
    }
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Whether a verb makes an object.
pub(crate) fn makes(verb: &Verb) -> bool {
    verb.method == Method::Post && verb.name.ends_with(".create")
}

/// Whether what a verb makes can be read alone, at the verb's own path and the id.
pub(crate) fn has_own_path(verb: &Verb) -> bool {
    let below = |path: &str| {
        path.strip_prefix(verb.path).is_some_and(|rest| rest == "/{id}" || rest == "/{book_id}")
    };
    VERBS.iter().any(|other| other.method == Method::Get && below(other.path))
}
