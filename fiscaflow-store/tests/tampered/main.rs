//! Whatever somebody changes in a database beside the history is found, and named: every column of
//! every row, rows that are gone, added or exchanged. And nothing else is ever found.

#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod beside;
mod book;
mod changes;
mod impossible;
mod long;
#[cfg(feature = "postgres")]
mod on_postgres;
mod on_sqlite;
mod outside;
#[cfg(feature = "postgres")]
#[path = "../shared/mod.rs"]
mod shared;

/// Every bit of every byte, on request.
fn deep() -> bool {
    std::env::var_os("FISCAFLOW_DEEP").is_some()
}
