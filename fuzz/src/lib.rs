//! What every fuzz target checks: the same as the test that replays the corpus, from one file.

#[path = "../../fiscaflow-core/tests/shared/any_input.rs"]
pub mod any_input;
