//! Secrets that a host keeps in a book, such as the tokens of banks: sealed before they reach a
//! store, and opened for whoever has the host's keys.
//!
//! Each value has a key of its own, which a master key wraps; master keys have versions and come
//! from the host. What is sealed is bound to its place: at any other it does not open. `sealed` has
//! the layout.

mod keys;
mod sealed;

pub use keys::{KeyProvider, KeyRing, MasterKey};
pub use sealed::{SecretPlace, key_version, open, rewrap, seal};
