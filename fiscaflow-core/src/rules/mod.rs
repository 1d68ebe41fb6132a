//! Rules: deciding what the book's rules make of a transaction, and saying why.
//!
//! One evaluator serves recording, importing, applying to the past and explaining, so that they
//! cannot differ. `compile` checks rules and prepares their patterns; `evaluate` runs them.

mod compile;
mod evaluate;
mod explain;

pub(crate) use compile::check_all_patterns;
pub use compile::{RuleSet, check_rule};
pub use evaluate::{Facts, Outcome, Step, apply};
pub use explain::{Candidate, Explanation, explain};
