//! Analytics: figures over the view. Amounts in different currencies are never added.

mod balances;
mod spending;

pub use balances::{Balance, BalancesQuery, balances};
pub use spending::{Spending, SpendingQuery, spending};
