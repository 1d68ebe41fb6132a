//! Transfers that are none.

use serde::{Deserialize, Serialize};

use crate::id::TransactionId;

/// That a person said of two transactions that they are no transfer: they are not suggested again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TransferRefusal {
    /// The side where money went out.
    pub from_id: TransactionId,
    /// The side where money came in.
    pub to_id: TransactionId,
}
