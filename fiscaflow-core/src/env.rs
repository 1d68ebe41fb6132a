//! What the core does not have by itself: the time and fresh ids.
//!
//! Both are arguments of the engine, so a test or a simulation decides what they answer.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

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
