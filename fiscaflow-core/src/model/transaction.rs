//! Transactions: one movement of money in one account.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, CategoryId, GoalId, ImportId, ScheduleId, TransactionId};
use crate::money::{Amount, Money};

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Status {
    /// Announced by the bank, not booked yet.
    Pending,
    /// Booked.
    #[default]
    Posted,
    /// Checked against a statement; amount, date and account are locked.
    Reconciled,
    /// Taken back: it counts in no figure.
    Void,
    /// Booked, but contested.
    Disputed,
}

/// Who set a field; a later one in this list never gives way to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SourceKind {
    /// The bank or data provider.
    Provider,
    /// The book's learned model.
    Learned,
    /// A rule of the book.
    Rule,
    /// A person.
    User,
}

/// Where the value of a derived field comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Source {
    /// Who set it.
    pub kind: SourceKind,
    /// The rule's id, the model's version or the provider's name.
    pub reference: Option<String>,
    /// How sure the source was, in percent.
    pub confidence: u8,
}

impl Source {
    /// Set by a person.
    pub fn user() -> Self {
        Self { kind: SourceKind::User, reference: None, confidence: 100 }
    }

    /// Set by the bank.
    pub fn provider() -> Self {
        Self { kind: SourceKind::Provider, reference: None, confidence: 100 }
    }

    /// Learned from what persons chose; how probable it is, in percent.
    pub fn learned(confidence: u8) -> Self {
        let reference = Some(crate::learn::MODEL_VERSION.to_owned());
        Self { kind: SourceKind::Learned, reference, confidence }
    }

    /// Set by a rule.
    pub fn rule(id: crate::id::RuleId) -> Self {
        Self { kind: SourceKind::Rule, reference: Some(id.to_string()), confidence: 100 }
    }
}

/// A part of a transaction with a category of its own. The parts add up to the whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Split {
    /// The part's amount.
    pub amount: Money,
    /// What it was for.
    pub category_id: Option<CategoryId>,
    /// A person's remark.
    pub notes: Option<String>,
}
debug_only!(Split: category_id);

/// A file that belongs to a transaction; the host keeps the file itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Attachment {
    /// The file's name.
    pub name: String,
    /// Its media type, such as `image/jpeg`.
    pub media_type: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
}
debug_only!(Attachment: media_type);

/// A row of a file that a transaction stands for. It never changes, whatever happens to the
/// transaction, so that the row is recognised when a file brings it again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Origin {
    /// The import that brought it.
    pub import_id: ImportId,
    /// The account it was imported into.
    pub account_id: AccountId,
    /// The booking date in the file.
    #[serde(deserialize_with = "crate::period::date")]
    pub booking_date: NaiveDate,
    /// The amount in the file.
    pub amount: Money,
    /// Whether the file calls it pending.
    pub pending: bool,
    /// The bank's id of it.
    pub bank_id: Option<String>,
    /// A digest of the bank's own facts, in hexadecimal: 32 digits.
    pub fingerprint: String,
}
debug_only!(Origin: import_id, account_id);

/// One movement of money in one account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Transaction {
    /// The transaction's id.
    pub id: TransactionId,
    /// The account it is in.
    pub account_id: AccountId,
    /// The day on which the bank booked it, in the book's zone.
    #[serde(deserialize_with = "crate::period::date")]
    pub booking_date: NaiveDate,
    /// The day from which it bears interest, where known.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub value_date: Option<NaiveDate>,
    /// The signed amount: negative = money out.
    pub amount: Money,
    /// How far it has come.
    pub status: Status,
    /// Who set the status, where a rule or a person did.
    #[serde(default)]
    pub status_source: Option<Source>,
    /// The raw description as the bank gave it; it never changes.
    pub description: String,
    /// The other party.
    pub payee: Option<String>,
    /// Who set the payee.
    pub payee_source: Option<Source>,
    /// What it was for; absent where splits say so.
    pub category_id: Option<CategoryId>,
    /// Who set the category.
    pub category_source: Option<Source>,
    /// Tags, sorted, each once.
    pub tags: Vec<String>,
    /// Who set the tags last.
    pub tags_source: Option<Source>,
    /// A remark.
    pub notes: Option<String>,
    /// The rule that wrote the notes; absent where a person did, who stands here only where there
    /// are none any more.
    #[serde(default)]
    pub notes_source: Option<Source>,
    /// Parts with categories of their own; empty or at least two.
    pub splits: Vec<Split>,
    /// The schedule that it pays, where a rule or a person said so.
    #[serde(default)]
    pub schedule_id: Option<ScheduleId>,
    /// Who linked it to the schedule, or to none.
    #[serde(default)]
    pub schedule_source: Option<Source>,
    /// The goal that it is saved for, where a rule or a person said so.
    #[serde(default)]
    pub goal_id: Option<GoalId>,
    /// Who linked it to the goal, or to none.
    #[serde(default)]
    pub goal_source: Option<Source>,
    /// The other side, where this is one side of a transfer between two accounts of the book.
    pub transfer_id: Option<TransactionId>,
    /// A cheque number or reference.
    pub reference: Option<String>,
    /// The id of it in another system.
    pub external_id: Option<String>,
    /// Files that belong to it.
    pub attachments: Vec<Attachment>,
    /// Whatever else the host keeps with it.
    pub metadata: BTreeMap<String, String>,
    /// The rows of files that it stands for, in the order in which they came: none where a person
    /// recorded it, several where a pending row was booked.
    pub origins: Vec<Origin>,
    /// Whether a person deleted it: it is listed no more and counts in no figure, but a file that
    /// brings it again is still recognised.
    pub deleted: bool,
    /// The sequence number of the commit that changed it last.
    pub revision: u64,
}
debug_only!(Transaction: id, account_id, booking_date, status, deleted, revision);

impl Transaction {
    /// Whether it counts in figures: neither void nor deleted.
    pub fn counts(&self) -> bool {
        !self.deleted && self.status != Status::Void
    }
}

/// A part of a transaction to be made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewSplit {
    /// The part's amount.
    pub amount: Amount,
    /// What it was for.
    pub category_id: Option<CategoryId>,
    /// A person's remark.
    pub notes: Option<String>,
}
debug_only!(NewSplit: category_id);

/// A transaction to be made by hand.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewTransaction {
    /// An id of the caller's choice; fresh where absent.
    pub id: Option<TransactionId>,
    /// The account it is in.
    pub account_id: AccountId,
    /// The booking date.
    #[serde(deserialize_with = "crate::period::date")]
    pub booking_date: NaiveDate,
    /// The value date.
    #[serde(default, deserialize_with = "crate::period::maybe_date")]
    pub value_date: Option<NaiveDate>,
    /// The signed amount in the account's currency: negative = money out.
    pub amount: Amount,
    /// The currency, to be checked against the account's; absent = the account's.
    pub currency: Option<String>,
    /// How far it has come; `posted` where absent.
    pub status: Option<Status>,
    /// The description.
    #[serde(default)]
    pub description: String,
    /// The other party.
    pub payee: Option<String>,
    /// What it was for. Rules decide where it is absent.
    pub category_id: Option<CategoryId>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// A remark.
    pub notes: Option<String>,
    /// Parts with categories of their own; empty or at least two, adding up to the amount.
    #[serde(default)]
    pub splits: Vec<NewSplit>,
    /// The schedule that it pays.
    pub schedule_id: Option<ScheduleId>,
    /// The goal that it is saved for: one that is saved by transactions.
    pub goal_id: Option<GoalId>,
    /// A cheque number or reference.
    pub reference: Option<String>,
    /// The id of it in another system.
    pub external_id: Option<String>,
    /// Files that belong to it.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// Whatever else the host keeps with it.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}
debug_only!(NewTransaction: id, account_id, booking_date, status);

impl NewTransaction {
    /// A transaction with the least that is needed; set further fields by struct update.
    ///
    /// ```
    /// # use fiscaflow_core::{AccountId, model::NewTransaction};
    /// # let account: AccountId = "018f0000-0000-7000-8000-000000000001".parse()?;
    /// let coffee = NewTransaction {
    ///     payee: Some("Corner café".into()),
    ///     ..NewTransaction::new(account, "2026-03-01".parse().unwrap(), "-2.80".parse()?)
    /// };
    /// # Ok::<(), fiscaflow_core::Error>(())
    /// ```
    pub fn new(account_id: AccountId, booking_date: NaiveDate, amount: Amount) -> Self {
        Self {
            id: None,
            account_id,
            booking_date,
            value_date: None,
            amount,
            currency: None,
            status: None,
            description: String::new(),
            payee: None,
            category_id: None,
            tags: Vec::new(),
            notes: None,
            splits: Vec::new(),
            schedule_id: None,
            goal_id: None,
            reference: None,
            external_id: None,
            attachments: Vec::new(),
            metadata: BTreeMap::new(),
        }
    }
}

/// A field that a patch empties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ClearField {
    /// The payee.
    Payee,
    /// The category.
    Category,
    /// The notes.
    Notes,
    /// The value date.
    ValueDate,
    /// The reference.
    Reference,
    /// The schedule that it pays.
    Schedule,
    /// The goal that it is saved for.
    Goal,
}

/// A person's changes to a transaction; what is absent stays.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TransactionPatch {
    /// Moves it to another account of the same currency.
    pub account_id: Option<AccountId>,
    /// The new booking date.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub booking_date: Option<NaiveDate>,
    /// The new value date.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub value_date: Option<NaiveDate>,
    /// The new amount, in the account's currency.
    pub amount: Option<Amount>,
    /// The new status.
    pub status: Option<Status>,
    /// The new payee.
    pub payee: Option<String>,
    /// The new category; it replaces splits.
    pub category_id: Option<CategoryId>,
    /// The new tags, all of them.
    pub tags: Option<Vec<String>>,
    /// The new notes.
    pub notes: Option<String>,
    /// The new parts, all of them; an empty list removes the splits.
    pub splits: Option<Vec<NewSplit>>,
    /// The schedule that it pays.
    pub schedule_id: Option<ScheduleId>,
    /// The goal that it is saved for: one that is saved by transactions.
    pub goal_id: Option<GoalId>,
    /// The new reference.
    pub reference: Option<String>,
    /// The new attachments, all of them.
    pub attachments: Option<Vec<Attachment>>,
    /// The new metadata, all of it.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Fields to empty.
    pub clear: Vec<ClearField>,
}
debug_only!(TransactionPatch: account_id, booking_date, status, clear);
