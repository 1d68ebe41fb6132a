//! What the tests of this crate and of the server share. Each test takes it in by its path.

pub mod parts;
pub mod postgres;
