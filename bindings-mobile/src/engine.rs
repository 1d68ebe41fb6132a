//! Opening a store, naming a book and who acts, and running a verb.
//!
//! A verb goes through the core's own call by name, as JSON: what is malformed in a request then
//! answers with the same code and field as in every other language, where a typed lift could only
//! throw. Verbs run on threads of this library. A call that waits for one costs its thread
//! nothing, so that an app may call from its main thread.

use std::io;
use std::sync::{Arc, LazyLock};

use fiscaflow_core::api::{self, Call};
use fiscaflow_store::Keys;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::errors::{FiscaFlowError, Result};
use crate::progress::{ProgressListener, Told};
use crate::verbs::{BookHandle, Books};

/// How many threads run verbs: one is often enough, the second keeps a long import from holding up
/// a short question.
const THREADS: usize = 2;

static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("fiscaflow")
        .enable_all()
        .build()
});

/// Who acts, why, and how a repeat is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, uniffi::Record)]
pub struct CallContext {
    /// Who acts, in the host's words: the host has made sure of it.
    pub actor: String,
    /// The reason, in words, for the history.
    #[uniffi(default = None)]
    pub reason: Option<String>,
    /// The id that ties together what belongs to one request.
    #[uniffi(default = None)]
    pub correlation_id: Option<String>,
    /// The id of what caused the request.
    #[uniffi(default = None)]
    pub causation_id: Option<String>,
    /// A write with a key that was used before returns the first answer and does nothing.
    #[uniffi(default = None)]
    pub idempotency_key: Option<String>,
    /// The point of the book's history as of which it is read: a commit's number or hash, or an
    /// instant (RFC 3339); the present where absent.
    #[uniffi(default = None)]
    pub as_of: Option<String>,
}

/// The engine over one store. Open a store once and share the engine.
#[derive(Debug, uniffi::Object)]
pub struct Engine {
    core: Inside<fiscaflow_core::Engine>,
}

#[uniffi::export]
impl Engine {
    /// Opens a store by its URL: `sqlite:` and the path of a file, which is made where there is
    /// none, or `memory:`.
    ///
    /// `secret_keys` are the master keys of secrets, `VERSION:BASE64` each, apart by commas;
    /// `signing_key` signs checkpoints: a private key as note tools write it.
    #[uniffi::constructor(default(secret_keys = None, signing_key = None))]
    pub async fn open(
        url: String,
        secret_keys: Option<String>,
        signing_key: Option<String>,
    ) -> Result<Arc<Self>> {
        let keys = Keys { secret_keys, signing_key };
        let core = run(async move { Ok(fiscaflow_store::open_engine(&url, keys).await?) }).await?;
        Ok(Arc::new(Self { core: Inside::new(core) }))
    }

    /// Making books.
    pub fn books(&self, context: CallContext) -> Arc<Books> {
        let caller = Caller { core: self.core.clone(), book_id: None, context };
        Arc::new(Books { caller })
    }

    /// One book. Nothing is read yet; a book that is not there, or not the actor's, answers
    /// `book_not_found` to whatever is asked.
    pub fn book(&self, id: String, context: CallContext) -> Arc<BookHandle> {
        let caller = Caller { core: self.core.clone(), book_id: Some(id), context };
        Arc::new(BookHandle { caller })
    }

    /// Closes the store and waits until what is written lies there safely; later calls answer
    /// `closed`.
    pub async fn shutdown(&self) -> Result<()> {
        let core = self.core.clone();
        run(async move {
            core.get()?.close().await;
            Ok(())
        })
        .await
    }
}

impl Engine {
    /// The core's engine.
    pub(crate) fn core(&self) -> Result<&fiscaflow_core::Engine> {
        self.core.get()
    }
}

/// What makes one call: the engine, the book and who acts.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    core: Inside<fiscaflow_core::Engine>,
    book_id: Option<String>,
    context: CallContext,
}

impl Caller {
    /// Runs a verb with its request, or `()` where it takes none.
    pub(crate) async fn call<A: DeserializeOwned + Send + 'static>(
        &self,
        verb: &'static str,
        id: Option<String>,
        request: impl Serialize + Send + 'static,
    ) -> Result<A> {
        self.call_watched(verb, id, request, None).await
    }

    /// Runs a verb and has a listener hear of its progress.
    pub(crate) async fn call_watched<A: DeserializeOwned + Send + 'static>(
        &self,
        verb: &'static str,
        id: Option<String>,
        request: impl Serialize + Send + 'static,
        listener: Option<Arc<dyn ProgressListener>>,
    ) -> Result<A> {
        let Self { core, book_id, context } = self.clone();
        let (observer, told) = Told::to(listener);
        let task = start(async move {
            let call: Call = api::read(json!({
                "verb": verb,
                "book_id": book_id,
                "context": value(&context)?,
                "id": id,
                "request": value(&request)?,
            }))?;
            let answer = api::call_watched(core.get()?, call, observer).await?;
            serde_json::from_value(answer)
                .map_err(|_| FiscaFlowError::internal("the answer has another shape"))
        })?;
        told.all().await;
        task.end().await
    }
}

pub(crate) fn value(shape: &impl Serialize) -> Result<Value> {
    serde_json::to_value(shape).map_err(|_| FiscaFlowError::internal("no JSON can say this"))
}

/// What reaches a store: it leaves inside the runtime, which a store may need to close.
#[derive(Debug, Clone)]
pub(crate) struct Inside<T>(Option<T>);

impl<T> Inside<T> {
    /// Keeps something.
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// It, which is there until this is dropped.
    pub(crate) fn get(&self) -> Result<&T> {
        self.0.as_ref().ok_or_else(|| FiscaFlowError::internal("the engine is gone"))
    }
}

impl<T> Drop for Inside<T> {
    fn drop(&mut self) {
        let _entered = RUNTIME.as_ref().ok().map(Runtime::enter);
        self.0.take();
    }
}

/// Runs work on the library's threads to its end.
pub(crate) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    start(work)?.end().await
}

/// Starts work on the library's threads. When the caller stops waiting, the work stops at its next
/// pause; a write that has reached the store is carried out all the same.
fn start<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<Task<T>> {
    let runtime = RUNTIME.as_ref().map_err(|_| {
        let text = "no thread could be started";
        fiscaflow_core::Error::new(fiscaflow_core::ErrorCode::StoreUnavailable, text)
    })?;
    Ok(Task(runtime.spawn(work)))
}

struct Task<T>(JoinHandle<Result<T>>);

impl<T> Task<T> {
    async fn end(mut self) -> Result<T> {
        // A task that nobody stops ends early only by a panic.
        let done = (&mut self.0).await;
        done.unwrap_or_else(|_| Err(FiscaFlowError::internal("the engine panicked")))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::types::{ErrorCode, NewBook};

    fn anna() -> CallContext {
        CallContext {
            actor: "anna".into(),
            reason: None,
            correlation_id: None,
            causation_id: None,
            idempotency_key: None,
            as_of: None,
        }
    }

    fn home() -> NewBook {
        let (name, currency) = ("Home".into(), "EUR".into());
        NewBook { id: None, name, currency, zone: None, currencies: Vec::new() }
    }

    #[test]
    fn a_panic_is_an_error() {
        let error = block_on(run::<()>(async { panic!("a defect, on purpose") })).unwrap_err();
        assert!(matches!(error, FiscaFlowError::Corrupt { code: ErrorCode::Internal, .. }));
        block_on(run(async { Ok(()) })).unwrap();
    }

    #[test]
    fn work_ends_when_nobody_waits_for_it() {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let work = run(async move {
            let _held = sender;
            std::future::pending::<Result<()>>().await
        });
        let mut work = Box::pin(work);
        let waker = std::task::Waker::noop();
        assert!(work.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
        drop(work);
        block_on(receiver).unwrap_err();
    }

    #[test]
    fn an_engine_may_be_dropped_on_any_thread() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("books.sqlite").display());
        for _ in 0..2 {
            let engine = block_on(Engine::open(url.clone(), None, None)).unwrap();
            let id = block_on(engine.books(anna()).create(home())).unwrap().id;
            let book = engine.book(id.0, anna());
            drop(engine);
            block_on(book.get()).unwrap();
            std::thread::spawn(move || drop(book)).join().unwrap();
        }
    }
}
