//! What the PostgreSQL store promises beyond the contract of every store: one topic a file.

#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod cancelled;
mod cut;
#[path = "../household/mod.rs"]
mod household;
mod migrations;
mod opening;
mod plans;
#[path = "../shared/mod.rs"]
mod shared;
#[path = "../shared/tables.rs"]
mod tables;
#[path = "../shared/versions.rs"]
mod versions;
mod wall;
