#![doc = include_str!("../README.md")]
//!
//! Start at [`Engine`]; [`model`] has the shapes, [`store::Store`] is what a store must do.

#![forbid(unsafe_code)]

pub mod analytics;
pub mod api;
pub mod budgets;
pub mod calendar;
pub mod categorise;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod engine;
mod env;
mod error;
pub mod export;
pub mod forecast;
pub mod goals;
mod id;
pub mod import;
pub mod insights;
pub mod learn;
pub mod limits;
pub mod log;
pub mod model;
mod money;
pub mod normalise;
pub mod outbox;
pub mod outside;
mod period;
mod plan;
#[cfg(not(feature = "planted"))]
mod planted;
#[cfg(feature = "planted")]
pub mod planted;
pub mod proof;
pub mod query;
pub mod rates;
pub mod recurring;
pub mod rules;
pub mod schedules;
pub mod secrets;
pub mod store;
pub mod transfers;
pub mod view;

pub use engine::Engine;
pub use env::{Clock, IdSource, Signer};
pub use error::{Error, ErrorCode, Lane, Result};
pub use id::{
    AccountId, BookId, BudgetId, CategoryId, EventId, GoalId, ImportId, PayeeId, RuleId,
    ScheduleId, TransactionId,
};
pub use money::{Amount, Currency, Money};
pub use period::{Month, parse_date};
pub use plan::Plan;
