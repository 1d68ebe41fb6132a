//! The engine as an object of JavaScript.

use std::sync::Arc;

use fiscaflow_core::api;
use fiscaflow_core::engine::Engine;
use fiscaflow_store::{RandomIds, SystemClock};
use napi_derive::napi;

use crate::errors::guarded;
use crate::types::NativeCall;

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
    pub async fn open(url: String) -> napi::Result<Self> {
        guarded(async move {
            let store = fiscaflow_store::open(&url).await?;
            let engine = Engine::new(store, Arc::new(SystemClock), Arc::new(RandomIds::new()?));
            Ok(Self { engine })
        })
        .await
    }

    /// Runs a verb and gives its answer as JSON.
    #[napi(catch_unwind)]
    pub async fn call(&self, call: NativeCall) -> napi::Result<String> {
        let engine = self.engine.clone();
        guarded(async move {
            let answer = api::call(&engine, call.read()?).await?;
            Ok(answer.to_string())
        })
        .await
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
