//! What the paths do: the engine's verbs, all alike, and the server's own state of health.

pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod input;
pub(crate) mod verbs;
