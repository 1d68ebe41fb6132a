//! Rules: deciding what the book's rules make of a transaction, and saying why.
//!
//! One evaluator serves recording, importing, applying, backtesting and explaining, so that they
//! cannot differ. `sentence` and `parse` tell a rule and read it; `check` refuses it, `compile`
//! prepares it, `index` finds those that a transaction can meet, `evaluate` runs them over it and
//! `state` keeps what they made of it. `explain` says why a transaction is as it is, and `lost` why
//! it is not as a rule says. `backtest` tries rules, `suggest` finds some.

mod backtest;
mod balances;
mod check;
mod classes;
mod compile;
mod evaluate;
mod explain;
mod fold;
mod index;
mod intervals;
mod lines;
mod lost;
mod parse;
mod patterns;
mod sentence;
mod split;
mod state;
mod suggest;
mod words;

pub(crate) use backtest::{Backtest, draft};
pub use backtest::{
    BacktestQuery, BacktestReport, Disagreement, RuleChange, RuleConflict, RuleUse,
};
pub(crate) use balances::Balances;
pub use check::check_rule;
pub(crate) use check::{check_all_patterns, check_unused};
pub use compile::RuleSet;
pub use evaluate::{Facts, Outcome, Run, Step};
pub use explain::{Candidate, Explanation, explain};
pub(crate) use lines::LineFilter;
pub use parse::parse;
pub(crate) use parse::{Day, Parser};
pub use sentence::describe;
pub(crate) use sentence::{Sentence, quoted, word};
pub(crate) use suggest::suggest;
pub use suggest::{RuleSuggestion, RuleSuggestionQuery};
pub(crate) use words::Token;
