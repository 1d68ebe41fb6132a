//! Members of a transaction's metadata that the engine knows.

/// The other party's account, as the bank's file has it.
pub const COUNTERPARTY_ACCOUNT: &str = "counterparty_account";
/// The merchant category code (ISO 18245): four digits.
pub const MCC: &str = "mcc";
/// The account with which it is one side of a transfer, by its id, as far as a rule knows.
pub const TRANSFER_ACCOUNT_ID: &str = "transfer_account_id";
/// Why a person should look at the transaction; empty where one has.
pub const REVIEW: &str = "review";
