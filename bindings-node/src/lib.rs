//! The native part of the npm package `@fiscaflow/engine`.
//!
//! It opens an engine, runs the verbs of [`fiscaflow_core::api`] on JSON text, copies books and
//! delivers events, nothing else: nouns, methods and error classes are JavaScript on top of it, in
//! `index.js`, `delivery.js` and `generated/`.

mod delivery;
mod engine;
mod errors;
mod types;
