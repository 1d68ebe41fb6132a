//! The engine as an object of JavaScript.

use fiscaflow_core::api;
use fiscaflow_core::engine::{Engine, Observer};
use fiscaflow_core::{Error, store};
use fiscaflow_store::Keys;
use napi::bindgen_prelude::PromiseRaw;
use napi::threadsafe_function::ThreadsafeFunction;
use napi::{Env, Status};
use napi_derive::napi;
use tokio::sync::mpsc::unbounded_channel;

use crate::delivery::NativeRelay;
use crate::errors::{failed, guarded, text};
use crate::types::NativeCall;

/// What hears of a call's progress, as JSON. It never throws.
type Hear = ThreadsafeFunction<String, (), String, Status, false>;

/// An engine over the store that a URL names.
#[napi]
#[derive(Debug)]
pub struct NativeEngine {
    engine: Engine,
}

#[napi]
impl NativeEngine {
    /// Opens a store: `memory:` or `sqlite:PATH`.
    #[napi(factory, catch_unwind)]
    pub async fn open(
        url: String,
        secret_keys: Option<String>,
        signing_key: Option<String>,
    ) -> napi::Result<Self> {
        guarded(async move {
            let keys = Keys { secret_keys, signing_key };
            let engine = fiscaflow_store::open_engine(&url, keys).await?;
            Ok(Self { engine })
        })
        .await
    }

    /// Runs a verb and gives its answer as JSON, once `hear` has heard all of its progress.
    #[napi(catch_unwind)]
    pub async fn call(&self, call: NativeCall, hear: Option<Hear>) -> napi::Result<String> {
        let engine = self.engine.clone();
        let (tell, mut told) = unbounded_channel();
        let observer = hear.is_some().then(|| Observer::new(move |it| _ = tell.send(it)));
        let work = guarded(async move {
            let answer = api::call_watched(&engine, call.read()?, observer).await?;
            Ok(answer.to_string())
        });
        // The event loop may be busy: the work does not wait for it, only the answer does.
        let hearing = async {
            while let Some((progress, hear)) = told.recv().await.zip(hear.as_ref()) {
                let text = serde_json::to_string(&progress).unwrap_or_default();
                if hear.call_async(text).await.is_err() {
                    break;
                }
            }
        };
        tokio::join!(work, hearing).0
    }

    /// Backs up every book into a file that is not there yet, and gives what it holds as JSON.
    #[napi(catch_unwind)]
    pub async fn backup(&self, path: String) -> napi::Result<String> {
        let engine = self.engine.clone();
        guarded(async move { text(&fiscaflow_store::backup(engine.store(), path).await?) }).await
    }

    /// Restores a backup where a URL says, and gives what it holds as JSON.
    #[napi(catch_unwind)]
    pub async fn restore(backup: String, url: String) -> napi::Result<String> {
        guarded(async move { text(&fiscaflow_store::restore(backup, &url).await?) }).await
    }

    /// Copies to another engine what it lacks of a book, and gives what came of it as JSON.
    #[napi(catch_unwind)]
    pub fn copy_book<'env>(
        &self,
        env: &'env Env,
        book_id: String,
        to: &NativeEngine,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        // Nothing of what JavaScript may collect is kept while the work goes on.
        let (from, to) = (self.engine.clone(), to.engine.clone());
        env.spawn_future(guarded(async move {
            let book_id = book_id.parse().map_err(|error: Error| error.field("book_id"))?;
            text(&store::copy_book(&**from.store(), &**to.store(), book_id).await?)
        }))
    }

    /// A relay to the sink of that name, with settings as JSON.
    #[napi(catch_unwind)]
    pub fn relay(&self, sink: String, settings: String) -> napi::Result<NativeRelay> {
        NativeRelay::new(&self.engine, sink, &settings).map_err(|error| failed(&error))
    }

    /// Closes the store; later calls answer `closed`.
    #[napi(catch_unwind)]
    pub async fn close(&self) -> napi::Result<()> {
        let engine = self.engine.clone();
        guarded(async move {
            engine.close().await;
            Ok(())
        })
        .await
    }
}
