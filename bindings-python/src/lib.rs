//! The native part of the pip package `fiscaflow`.
//!
//! It opens an engine and runs the verbs of [`fiscaflow_core::api`] on JSON text; it copies books
//! and delivers events; and it categorises columns, which are too long for that. Nouns, methods,
//! kinds of columns and exceptions are Python on top of it, in `python/fiscaflow`.

mod columns;
mod delivery;
mod engine;
mod errors;
mod progress;
mod reports;
mod runtime;

use pyo3::prelude::*;

/// The native part of `fiscaflow`; use the package itself.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::columns::categorise;
    #[pymodule_export]
    use super::delivery::{Answer, NativeInbox, NativeRelay};
    #[pymodule_export]
    use super::engine::{Native, restore, start_restore};
    #[pymodule_export]
    use super::runtime::Pending;

    /// The version of the package.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
