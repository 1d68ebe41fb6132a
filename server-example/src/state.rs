//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fiscaflow_core::outside::Suggester;
use fiscaflow_core::query::Translator;
use fiscaflow_core::secrets::KeyRing;
use fiscaflow_core::store::Store;
use fiscaflow_core::{Clock, Engine, IdSource, Signer};
use serde_json::Value;
use tokio::sync::{RwLock, Semaphore};

use crate::auth::Tokens;
use crate::config::{Limits, Timeouts};
use crate::routes::input::Inputs;

/// Outside help that tells how it fares.
pub trait Helper: Suggester + Translator {
    /// What was asked and what it cost; no payee, no question, no key.
    fn status(&self) -> Value;
}

/// What not every host gives.
#[derive(Debug, Default)]
pub struct Given {
    /// Who is asked outside.
    pub outside: Option<Arc<dyn Helper>>,
    /// The master keys of secrets.
    pub keys: Option<KeyRing>,
    /// Who signs checkpoints.
    pub signer: Option<Arc<dyn Signer>>,
}

/// The state behind the routes; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct AppState {
    inner: Arc<Inner>,
}

/// What the state holds.
#[derive(Debug)]
pub struct Inner {
    /// The engine.
    pub engine: Engine,
    /// The engine's store, to ask whether it answers.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids, for requests.
    pub ids: Arc<dyn IdSource>,
    /// Who may call.
    pub tokens: Arc<Tokens>,
    /// Who is asked outside, if anybody is.
    pub outside: Option<Arc<dyn Helper>>,
    /// How much is taken.
    pub limits: Limits,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// One permit for every request that may be under way; it is held until the engine is done,
    /// even where the client has gone. So whoever holds all of them knows that nothing is.
    pub requests: Arc<Semaphore>,
    /// A relay that is in a round has it to read.
    pub relays: RwLock<()>,
    /// Which members the verbs' requests have.
    pub(crate) inputs: Inputs,
    stopping: AtomicBool,
}

impl AppState {
    /// The state over a store. Without outside help nothing leaves the server; without keys no
    /// secret is sealed; without a signer checkpoints are not signed.
    ///
    /// Errors: `invalid_input` for a signer whose name no checkpoint can bear.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        tokens: Arc<Tokens>,
        Given { outside, keys, signer }: Given,
        limits: Limits,
        timeouts: Timeouts,
    ) -> fiscaflow_core::Result<Self> {
        let mut engine = Engine::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&ids));
        if let Some(outside) = &outside {
            let suggester: Arc<dyn Suggester> = Arc::clone(outside) as _;
            let translator: Arc<dyn Translator> = Arc::clone(outside) as _;
            engine = engine.with_suggester(suggester).with_translator(translator);
        }
        if let Some(keys) = keys {
            engine = engine.with_keys(Arc::new(keys));
        }
        if let Some(signer) = signer {
            engine = engine.with_signer(signer)?;
        }
        let requests = Arc::new(Semaphore::new(limits.requests));
        let inputs = Inputs::new();
        let stopping = AtomicBool::new(false);
        let inner = Inner {
            engine,
            store,
            clock,
            ids,
            tokens,
            outside,
            limits,
            timeouts,
            requests,
            relays: RwLock::default(),
            inputs,
            stopping,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Makes the server call itself not ready.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the server was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl std::ops::Deref for AppState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}
