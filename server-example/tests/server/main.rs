//! The server as its clients see it: over real sockets, on every store.
//!
//! One test program, because linking it takes longer than running it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod access;
mod answers;
#[cfg(feature = "rabbitmq")]
mod broker;
mod events;
mod faults;
mod limits;
mod openapi;
#[cfg(feature = "outside")]
mod outside;
mod process;
#[cfg(feature = "outside")]
mod questions;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;
mod scenarios;
#[path = "../../../fiscaflow-core/tests/shared/mod.rs"]
mod shared;
mod support;
#[cfg(feature = "postgres")]
#[path = "../../../fiscaflow-store/tests/shared/mod.rs"]
mod throwaway;
#[cfg(feature = "webhooks")]
mod webhook;
