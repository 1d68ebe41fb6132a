//! What holds the parts of FiscaFlow to one meaning: the suite that every store passes, the
//! scenarios that run in every language, and time, ids and chance that are the same in every run.
//! Built only with the feature `testing`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a conformance case reports by panicking"
)]

pub mod scenarios;
mod sources;
pub mod stores;
mod tap;

pub use sources::{FixedClock, Random, SequentialIds};
pub use stores::{Scribe, fsck, together};
pub use tap::{Tap, Tapped};
