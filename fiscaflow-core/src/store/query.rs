//! Which transactions a read selects.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::id::{AccountId, CategoryId, GoalId, ScheduleId, TransactionId};
use crate::model::{SourceKind, Status, Transaction};

/// Which transactions to list; every filter that is present must hold.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TransactionQuery {
    /// Those in this account.
    pub account_id: Option<AccountId>,
    /// Those in this category, or with a part in it; categories below it do not count.
    pub category_id: Option<CategoryId>,
    /// Those without a category and without parts.
    pub uncategorised: bool,
    /// Those whose category, or its absence, or whose parts were set by such a source.
    pub category_source: Option<SourceKind>,
    /// Those linked to this schedule.
    pub schedule_id: Option<ScheduleId>,
    /// Those linked to this goal.
    pub goal_id: Option<GoalId>,
    /// Those booked on this day or later.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub from: Option<NaiveDate>,
    /// Those booked on this day or earlier.
    #[serde(deserialize_with = "crate::period::maybe_date")]
    pub to: Option<NaiveDate>,
    /// Those of this status.
    pub status: Option<Status>,
    /// Those with this tag.
    pub tag: Option<String>,
    /// Those whose description, payee or notes contain this text, letter case apart.
    pub text: Option<String>,
    /// Also those that a person deleted.
    pub deleted: bool,
    /// How many to list, 1 to 500; 50 where absent.
    pub limit: Option<u32>,
    /// Where the page before ended, as its answer told.
    pub cursor: Option<String>,
}

impl std::fmt::Debug for TransactionQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransactionQuery").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl TransactionQuery {
    /// Whether a transaction passes every filter: what stores must agree with.
    pub fn selects(&self, transaction: &Transaction) -> bool {
        let has_category = |id: CategoryId| {
            let mut splits = transaction.splits.iter();
            transaction.category_id == Some(id) || splits.any(|part| part.category_id == Some(id))
        };
        let by = |kind| transaction.category_source.as_ref().is_some_and(|it| it.kind == kind);
        let bare = transaction.category_id.is_none() && transaction.splits.is_empty();
        (self.deleted || !transaction.deleted)
            && self.account_id.is_none_or(|id| transaction.account_id == id)
            && self.category_id.is_none_or(has_category)
            && (!self.uncategorised || bare)
            && self.category_source.is_none_or(by)
            && self.schedule_id.is_none_or(|id| transaction.schedule_id == Some(id))
            && self.goal_id.is_none_or(|id| transaction.goal_id == Some(id))
            && self.from.is_none_or(|day| transaction.booking_date >= day)
            && self.to.is_none_or(|day| transaction.booking_date <= day)
            && self.status.is_none_or(|status| transaction.status == status)
            && self.tag.as_ref().is_none_or(|tag| transaction.tags.contains(tag))
            && self.text.as_ref().is_none_or(|text| search_text(transaction).contains(&fold(text)))
    }
}

/// What the text filter looks at, as stores keep it: description, payee and notes in lower case,
/// a line each.
pub fn search_text(transaction: &Transaction) -> String {
    let payee = transaction.payee.as_deref().unwrap_or_default();
    let notes = transaction.notes.as_deref().unwrap_or_default();
    fold(&format!("{}\n{payee}\n{notes}", transaction.description))
}

/// The form in which texts are compared, alike on every store: without letter case, and in
/// normalisation form C (Unicode Standard Annex 15), so that an accented letter is the same whether
/// it is one character or two. What is stored stays as it was given.
///
/// ```
/// use fiscaflow_core::store::fold;
///
/// assert_eq!(fold("CAFE\u{301}"), fold("café"));
/// ```
pub fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase().nfc().collect() }
}

/// The place of a transaction in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Its booking date.
    pub booking_date: NaiveDate,
    /// Its id.
    pub id: TransactionId,
}

/// One page to read.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// The filters; `limit` and `cursor` in it have been settled and do not count here.
    pub query: TransactionQuery,
    /// The last transaction of the page before.
    pub after: Option<Position>,
    /// How many transactions to return at most.
    pub limit: u32,
}

/// Which transactions a read is of.
#[derive(Debug, Clone, Copy)]
pub enum Selection<'a> {
    /// Those with these ids.
    Ids(&'a [TransactionId]),
    /// A page.
    Page(&'a PageRequest),
}

/// Which earlier imports may meet new rows.
#[derive(Clone, PartialEq, Eq)]
pub struct OriginQuery {
    /// The account imported into.
    pub account_id: AccountId,
    /// The first day of the span, by the date in the file.
    pub from: NaiveDate,
    /// The last day of the span.
    pub to: NaiveDate,
    /// Bank ids that count on whatever day.
    pub bank_ids: Vec<String>,
}

impl std::fmt::Debug for OriginQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OriginQuery").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

/// What is known of one row that was imported earlier. A transaction has one for each of its
/// origins.
#[derive(Clone, PartialEq, Eq)]
pub struct OriginRow {
    /// The transaction that it became.
    pub transaction_id: TransactionId,
    /// The date in the file.
    pub booking_date: NaiveDate,
    /// The bank's id.
    pub bank_id: Option<String>,
    /// The digest of the bank's facts.
    pub fingerprint: String,
    /// Whether the file called it pending.
    pub pending: bool,
    /// Whether its transaction stands for a booked row, this one or another.
    pub booked: bool,
    /// The signed amount in the file, in minor units.
    pub amount_minor: i64,
}

impl OriginRow {
    /// Whether the transaction waits for its booked row.
    pub fn is_open(&self) -> bool {
        self.pending && !self.booked
    }
}

impl std::fmt::Debug for OriginRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OriginRow")
            .field("transaction_id", &self.transaction_id)
            .finish_non_exhaustive()
    }
}
