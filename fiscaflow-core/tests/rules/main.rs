//! Rules: conditions mean what a naive reading of them says, the index finds what looking at every
//! rule finds, what a person set stays, and every value has one winner.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking"
)]

mod any;
mod conditions;
mod evaluation;
#[path = "../shared/hostile.rs"]
mod expressions;
mod hostile;
mod naive;
mod sentences;
