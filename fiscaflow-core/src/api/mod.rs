//! The engine's verbs as every language and the server see them.

pub(crate) mod schema;
