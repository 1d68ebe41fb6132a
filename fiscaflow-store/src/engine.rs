//! An engine with everything that the machine brings, for hosts in whatever language.

use std::sync::Arc;

use fiscaflow_core::secrets::KeyRing;
use fiscaflow_core::{Engine, Result};

use crate::{Ed25519Signer, RandomIds, SystemClock, open};

/// A host's keys as its settings have them. None is needed; what wants one answers without it.
#[derive(Clone, Default)]
pub struct Keys {
    /// Master keys of secrets, as [`KeyRing`] reads them.
    pub secret_keys: Option<String>,
    /// The key that signs checkpoints, as [`Ed25519Signer`] reads it.
    pub signing_key: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// An engine over the store that a URL names, with the system's time, random ids and these keys.
///
/// Errors: those of [`open`], and `invalid_input` for a key that cannot be read; none shows it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fiscaflow_store::{Keys, open_engine};
///
/// let key = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned();
/// let keys = Keys { secret_keys: Some(key), ..Keys::default() };
/// let engine = open_engine("memory:", keys).await?;
/// engine.close().await;
/// # Ok::<(), fiscaflow_core::Error>(()) }).unwrap();
/// ```
pub async fn open_engine(url: &str, keys: Keys) -> Result<Engine> {
    let secrets: Option<KeyRing> = keys.secret_keys.map(|text| text.parse()).transpose()?;
    let signing = keys.signing_key.map(|text| text.parse::<Ed25519Signer>());
    let signing = signing.transpose().map_err(|error| error.field("signing_key"))?;
    let store = open(url).await?;
    let mut engine = Engine::new(store, Arc::new(SystemClock), Arc::new(RandomIds::new()?));
    if let Some(keys) = secrets {
        engine = engine.with_keys(Arc::new(keys));
    }
    match signing {
        Some(signer) => engine.with_signer(Arc::new(signer)),
        None => Ok(engine),
    }
}
