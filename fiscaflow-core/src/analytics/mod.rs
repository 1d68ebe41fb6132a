//! Analytics: figures over the view. Amounts in different currencies are never added.
//!
//! Every figure says in terms of `counted` which lines it counts, and comes from monthly sums
//! where it can and from a scan of its days where it must.

mod balances;
mod counted;
mod running;
mod spending;

pub use balances::{Balance, BalancesQuery, balances};
pub use spending::{Spending, SpendingQuery, spending};
