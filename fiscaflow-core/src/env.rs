//! What the core does not have by itself: the time, fresh ids, and a key to sign with.
//!
//! All are arguments of the engine, so a test or a simulation decides what they answer.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::Result;

/// Tells the time. Readings are cut to microseconds before they are stored.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// Makes ids and salts.
pub trait IdSource: fmt::Debug + Send + Sync + 'static {
    /// An id that was never given before; ids made later should sort later (UUID version 7,
    /// RFC 9562 section 5.7).
    fn uuid(&self, now: DateTime<Utc>) -> Uuid;

    /// Sixteen bytes that nobody can foresee.
    fn salt(&self) -> [u8; 16];
}

/// Signs checkpoints of histories with an Ed25519 key (RFC 8032), which the host keeps.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync + 'static {
    /// The stable name under which the host's logs are known, such as `example.com/books`: without
    /// spaces and plus signs. A book's log, and the key's name in its signatures, is this name, a
    /// slash and the book's id.
    fn name(&self) -> &str;

    /// The public key.
    fn public_key(&self) -> [u8; 32];

    /// Signs a text.
    async fn sign(&self, text: &[u8]) -> Result<[u8; 64]>;
}
