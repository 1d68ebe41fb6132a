//! A run as data: who does what, and what fails meanwhile. A run follows from it alone, so it is
//! what a failure is shrunk to and what a replay file holds.

use fiscaflow_core::api::Call;
use serde::{Deserialize, Serialize};

/// Everything that happens in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Where it was drawn from.
    pub seed: u64,
    /// The bug that is planted, for runs that are to fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted: Option<String>,
    /// The invariant that such a run breaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaks: Option<String>,
    /// What is done, in this order. Each begins something; what was begun goes on meanwhile.
    pub steps: Vec<Step>,
}

/// One thing that begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name, which stays when other steps are left out.
    pub number: u32,
    /// The process that does it.
    pub process: usize,
    /// What it is.
    pub act: Act,
    /// How often something is polled before the next step begins.
    pub polls: u32,
    /// Decides what is polled.
    pub chance: u64,
    /// What fails for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// After so many polls of its own nobody waits for it any more, and it is dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<u32>,
}

/// What begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(clippy::large_enum_variant, reason = "scripts are short")]
pub enum Act {
    /// A call of the engine.
    Call(Call),
    /// The call of another step once more, with its idempotency key.
    Repeat(u32),
    /// Such a call of `transactions.list`, page by page to the end.
    Walk(Call),
    /// A round of the process's relay.
    Round,
    /// The process dies with all that it was doing, and starts again.
    Restart,
    /// So many seconds go by.
    Pass(i64),
    /// The figures that the process tells are compared.
    Look,
}

/// Something that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which of the step's calls of the store or a sink, from 0.
    pub at: u32,
    /// How.
    pub does: Does,
}

/// How a call of the store or a sink fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Nothing is done: the answer is `unavailable`.
    Refuse,
    /// It is done, and the answer is `unavailable`.
    Lose,
    /// It takes so many polls more. A sink answers so many minutes later.
    Slow(u32),
    /// Whoever waits hears `unavailable` now, and it is done so many polls later. A sink takes so
    /// many events and refuses the next.
    Late(u32),
}
