//! Accounts: where money lies.

use serde::{Deserialize, Serialize};

use crate::id::AccountId;
use crate::money::{Amount, Currency, Money};

/// What kind of account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum AccountKind {
    /// A current account.
    #[default]
    Checking,
    /// A savings account.
    Savings,
    /// A credit card; its balance is usually negative.
    CreditCard,
    /// Notes and coins.
    Cash,
    /// A loan or mortgage; its balance is usually negative.
    Loan,
    /// The cash side of a securities account.
    Investment,
    /// Anything else.
    Other,
}

/// An account of a book. Its currency never changes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Account {
    /// The account's id.
    pub id: AccountId,
    /// What people call it; unique in the book.
    pub name: String,
    /// What kind of account it is.
    pub kind: AccountKind,
    /// The currency of all its transactions.
    pub currency: Currency,
    /// What lay in it before its first transaction.
    pub opening_balance: Money,
    /// The bank's number of the account (IBAN or other), by which statements find it.
    pub number: Option<String>,
    /// The bank's own identification (routing number, BIC): the same account number may be in use
    /// at two banks.
    pub bank_id: Option<String>,
    /// By what statements without an account number find it again; an import that made it set it.
    pub import_key: Option<String>,
    /// Whether it is closed: kept for the past. A statement of it is imported all the same, for
    /// what was booked before.
    pub closed: bool,
}
debug_only!(Account: id, kind, currency, closed);

/// An account to be made.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewAccount {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<AccountId>,
    /// What people call it; unique in the book.
    pub name: String,
    /// What kind of account it is; `checking` where absent.
    pub kind: Option<AccountKind>,
    /// The currency code; the book's currency where absent.
    pub currency: Option<String>,
    /// What lay in it before its first transaction; nothing where absent.
    pub opening_balance: Option<Amount>,
    /// The bank's number of the account, by which statements find it.
    pub number: Option<String>,
    /// The bank's own identification (routing number, BIC).
    pub bank_id: Option<String>,
}
debug_only!(NewAccount: id, kind, currency);

/// Changes to an account; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct AccountPatch {
    /// The new name.
    pub name: Option<String>,
    /// The new kind.
    pub kind: Option<AccountKind>,
    /// The new opening balance.
    pub opening_balance: Option<Amount>,
    /// The new bank number.
    pub number: Option<String>,
    /// The new identification of the bank.
    pub bank_id: Option<String>,
    /// Closes or reopens the account.
    pub closed: Option<bool>,
}
debug_only!(AccountPatch: kind, closed);
