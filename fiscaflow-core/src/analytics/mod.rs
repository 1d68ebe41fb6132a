//! Analytics: figures over the view. Amounts in different currencies are never added.
//!
//! Every figure says in terms of `counted` which lines it counts, and comes from monthly sums
//! where it can and from a scan of its days where it must.

mod balances;
mod cash_flow;
mod counted;
mod dashboard;
mod net_worth;
mod running;
mod spending;
mod top_payees;
mod unusual;
mod witness;

pub use balances::{Balance, BalancesQuery, balances};
pub use cash_flow::{CashFlow, CashFlowQuery, cash_flow};
pub(crate) use counted::{Buckets, side};
pub use dashboard::{Dashboard, DashboardQuery, dashboard};
pub use net_worth::{NetWorth, NetWorthQuery, NetWorthStep, net_worth};
pub(crate) use running::running;
pub use spending::{Spending, SpendingQuery, spending};
pub use top_payees::{PayeeTotal, TopPayeesQuery, top_payees};
pub use unusual::{Unusual, UnusualQuery, UnusualReason, unusual};
pub(crate) use witness::Named;
pub use witness::{Rounding, Witness};
