//! fiscaflow-core
pub mod error;
pub mod money;
pub mod import;
pub use error::{Error, ErrorCode, Lane, Result};
pub use money::{Amount, Currency, Money};
