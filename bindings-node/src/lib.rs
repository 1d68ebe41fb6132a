//! The native part of the npm package `@fiscaflow/engine`.
//!
//! It opens an engine and runs the verbs of [`fiscaflow_core::api`] on JSON text, nothing else:
//! nouns, methods and error classes are JavaScript on top of it, in `index.js` and `generated/`.

mod engine;
mod errors;
mod types;
