//! How a transaction stands in a row of a database: what SQLite and PostgreSQL have in common.
//!
//! What is filtered or sorted by has a column of its own; lists and maps are JSON, NULL where they
//! are empty. Dates are days since 1970-01-01: they sort as dates do for every year.

use std::borrow::Cow;

use chrono::{NaiveDate, TimeDelta};
use fiscaflow_core::model::{
    Attachment, Document, Origin, Source, SourceKind, Split, Status, Transaction,
};
#[cfg(feature = "postgres")]
use fiscaflow_core::store::{ColumnRow, Links};
use fiscaflow_core::store::{Kept, KeptRow, search_text};
use fiscaflow_core::{
    AccountId, CategoryId, Currency, GoalId, ImportId, Money, Result, ScheduleId, TransactionId,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::damaged;

/// A row whose cells are read one after the other.
pub(crate) trait Cells<'r> {
    fn id(&mut self) -> Result<Uuid>;
    fn optional_id(&mut self) -> Result<Option<Uuid>>;
    fn number(&mut self) -> Result<i64>;
    fn optional_number(&mut self) -> Result<Option<i64>>;
    fn flag(&mut self) -> Result<bool>;
    fn text(&mut self) -> Result<&'r str>;
    fn optional_text(&mut self) -> Result<Option<&'r str>>;
}

/// A part of a transaction in the column `splits`. It has its transaction's currency.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitJson {
    minor: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<CategoryId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
}

/// The column `sources`.
#[derive(PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SourcesJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payee: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<Cow<'a, Source>>,
}

/// An origin in the column `origins`: account, import, day, minor units, whether it was pending (0
/// or 1), bank id, fingerprint. It has its transaction's currency. The same stands in rows of their
/// own, which are found by account and day, or bank id.
#[derive(Serialize, Deserialize)]
struct OriginJson<T>(
    #[serde(with = "uuid::serde::simple")] Uuid,
    #[serde(with = "uuid::serde::simple")] Uuid,
    i64,
    i64,
    u8,
    Option<T>,
    T,
);

/// What of a transaction stands as JSON.
pub(crate) struct Encoded<'a> {
    pub(crate) transaction: &'a Transaction,
    pub(crate) splits: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) sources: Option<String>,
    pub(crate) attachments: Option<String>,
    pub(crate) metadata: Option<String>,
    pub(crate) origins: Option<String>,
}

impl<'a> Encoded<'a> {
    pub(crate) fn new(transaction: &'a Transaction) -> Result<Self> {
        let split = |split: &Split| SplitJson {
            minor: split.amount.minor(),
            category: split.category_id,
            notes: split.notes.clone(),
        };
        let splits: Vec<SplitJson> = transaction.splits.iter().map(split).collect();
        let sources = SourcesJson {
            category: transaction.category_source.as_ref().map(Cow::Borrowed),
            payee: transaction.payee_source.as_ref().map(Cow::Borrowed),
            tags: transaction.tags_source.as_ref().map(Cow::Borrowed),
            notes: transaction.notes_source.as_ref().map(Cow::Borrowed),
            status: transaction.status_source.as_ref().map(Cow::Borrowed),
            schedule: transaction.schedule_source.as_ref().map(Cow::Borrowed),
            goal: transaction.goal_source.as_ref().map(Cow::Borrowed),
        };
        let bare = sources == SourcesJson::default();
        let origin = |origin: &'a Origin| {
            OriginJson(
                origin.account_id.uuid(),
                origin.import_id.uuid(),
                day(origin.booking_date),
                origin.amount.minor(),
                origin.pending.into(),
                origin.bank_id.as_deref(),
                origin.fingerprint.as_str(),
            )
        };
        let origins: Vec<_> = transaction.origins.iter().map(origin).collect();
        Ok(Self {
            transaction,
            splits: json(&splits, splits.is_empty())?,
            tags: json(&transaction.tags, transaction.tags.is_empty())?,
            sources: json(&sources, bare)?,
            attachments: json(&transaction.attachments, transaction.attachments.is_empty())?,
            metadata: json(&transaction.metadata, transaction.metadata.is_empty())?,
            origins: json(&origins, origins.is_empty())?,
        })
    }
}

/// The columns of a row that do not stand as they are written for the transaction that was read
/// from it. What is not named here can be written in one way only.
pub(crate) fn odd_columns<'r>(
    transaction: &Transaction,
    mut column: impl FnMut(&str) -> Result<Option<&'r str>>,
) -> Result<Vec<&'static str>> {
    let encoded = Encoded::new(transaction)?;
    let (currency, search) = (transaction.amount.currency().stored(), search_text(transaction));
    let expected = [
        ("currency", Some(currency.as_str())),
        ("search", Some(search.as_str())),
        ("splits", encoded.splits.as_deref()),
        ("tags", encoded.tags.as_deref()),
        ("sources", encoded.sources.as_deref()),
        ("attachments", encoded.attachments.as_deref()),
        ("metadata", encoded.metadata.as_deref()),
        ("origins", encoded.origins.as_deref()),
    ];
    let mut is_odd = |name, expected| !column(name).is_ok_and(|found| found == expected);
    let odd = expected.into_iter().filter(|(name, expected)| is_odd(name, *expected));
    Ok(odd.map(|(name, _)| name).collect())
}

/// A document's row, whatever it holds.
pub(crate) fn kept_document(kind: &str, key: &str, content: &str) -> KeptRow {
    let document = kind.parse().and_then(|kind| Document::decode(kind, content.as_bytes())).ok();
    let mut odd = Vec::new();
    if let Some(document) = &document {
        if document.key() != key {
            odd.push("key");
        }
        if !is_written(content, document) {
            odd.push("content");
        }
    }
    let content = document.map(|document| Kept::Document(Box::new(document)));
    KeptRow { kind: kind.to_owned(), id: key.to_owned(), content, odd }
}

/// Whether a text is how a document is written: now, or by an earlier version, which did not know
/// every member yet.
fn is_written(content: &str, document: &Document) -> bool {
    let Ok(now) = document.encode() else { return false };
    if now == content.as_bytes() {
        return true;
    }
    type Members = serde_json::Map<String, serde_json::Value>;
    let (Ok(then), Ok(now)) =
        (serde_json::from_str::<Members>(content), serde_json::from_slice::<Members>(&now))
    else {
        return false;
    };
    let compact = serde_json::to_string(&then).is_ok_and(|text| text == content);
    compact && then.iter().all(|(name, value)| now.get(name) == Some(value))
}

/// The columns of a whole transaction in the order of [`read`], but for the last: the origins.
pub(crate) const TRANSACTION: &str = "id, account_id, booking_day, amount_minor, currency, \
     status, deleted, category_id, transfer_id, payee, splits, tags, description, notes, \
     value_day, sources, reference, external_id, attachments, metadata, revision, schedule_id, \
     goal_id";

/// Reads a whole transaction: the cells in the order of these lines.
pub(crate) fn read<'r>(c: &mut impl Cells<'r>) -> Result<Transaction> {
    let id = TransactionId::new(c.id()?);
    let account_id = AccountId::new(c.id()?);
    let booking_date = date(c.number()?)?;
    let minor = c.number()?;
    let currency = currency(c.text()?)?;
    let status = status(c.text()?)?;
    let deleted = c.flag()?;
    let category_id = c.optional_id()?.map(CategoryId::new);
    let transfer_id = c.optional_id()?.map(TransactionId::new);
    let payee = c.optional_text()?.map(str::to_owned);
    let splits = splits(c.optional_text()?, currency)?;
    let tags = from_json::<Vec<String>>(c.optional_text()?)?;
    let description = c.text()?.to_owned();
    let notes = c.optional_text()?.map(str::to_owned);
    let value_date = c.optional_number()?.map(date).transpose()?;
    let sources: SourcesJson<'_> = from_json(c.optional_text()?)?;
    let reference = c.optional_text()?.map(str::to_owned);
    let external_id = c.optional_text()?.map(str::to_owned);
    let attachments = from_json::<Vec<Attachment>>(c.optional_text()?)?;
    let metadata = from_json(c.optional_text()?)?;
    let revision =
        u64::try_from(c.number()?).map_err(|_| damaged("a stored transaction has no revision"))?;
    let schedule_id = c.optional_id()?.map(ScheduleId::new);
    let goal_id = c.optional_id()?.map(GoalId::new);
    let origins = origins(c.optional_text()?, currency)?;
    Ok(Transaction {
        id,
        account_id,
        booking_date,
        value_date,
        amount: Money::from_minor(minor, currency),
        status,
        description,
        payee,
        payee_source: sources.payee.map(Cow::into_owned),
        category_id,
        category_source: sources.category.map(Cow::into_owned),
        tags,
        tags_source: sources.tags.map(Cow::into_owned),
        notes_source: sources.notes.map(Cow::into_owned),
        status_source: sources.status.map(Cow::into_owned),
        notes,
        splits,
        schedule_id,
        schedule_source: sources.schedule.map(Cow::into_owned),
        goal_id,
        goal_source: sources.goal.map(Cow::into_owned),
        transfer_id,
        reference,
        external_id,
        attachments,
        metadata,
        origins,
        deleted,
        revision,
    })
}

/// Reads what figures are computed from: the cells in the order of these lines. SQLite joins many
/// rows to one value instead.
#[cfg(feature = "postgres")]
pub(crate) fn read_column_row<'r>(c: &mut impl Cells<'r>) -> Result<ColumnRow> {
    let id = TransactionId::new(c.id()?);
    let account_id = AccountId::new(c.id()?);
    let booking_date = date(c.number()?)?;
    let amount_minor = c.number()?;
    let category_id = c.optional_id()?.map(CategoryId::new);
    let payee = c.optional_text()?.map(str::to_owned);
    let transfer = c.flag()?;
    let status = status(c.text()?)?;
    let deleted = c.flag()?;
    let splits: Vec<SplitJson> = from_json(c.optional_text()?)?;
    let tags = from_json(c.optional_text()?)?;
    let schedule_id = c.optional_id()?.map(ScheduleId::new);
    let goal_id = c.optional_id()?.map(GoalId::new);
    Ok(ColumnRow {
        id,
        account_id,
        booking_date,
        amount_minor,
        category_id,
        payee,
        transfer,
        pending: status == Status::Pending,
        counts: !deleted && status != Status::Void,
        splits: splits.into_iter().map(|split| (split.category, split.minor)).collect(),
        tags,
        links: Links { schedule_id, goal_id },
    })
}

fn splits(text: Option<&str>, currency: Currency) -> Result<Vec<Split>> {
    let splits: Vec<SplitJson> = from_json(text)?;
    let split = |split: SplitJson| Split {
        amount: Money::from_minor(split.minor, currency),
        category_id: split.category,
        notes: split.notes,
    };
    Ok(splits.into_iter().map(split).collect())
}

fn origins(text: Option<&str>, currency: Currency) -> Result<Vec<Origin>> {
    let origins: Vec<OriginJson<String>> = from_json(text)?;
    let origin = |OriginJson(account, import, day, minor, pending, bank_id, fingerprint)| {
        Ok(Origin {
            account_id: AccountId::new(account),
            import_id: ImportId::new(import),
            booking_date: date(day)?,
            amount: Money::from_minor(minor, currency),
            pending: pending != 0,
            bank_id,
            fingerprint,
        })
    };
    origins.into_iter().map(origin).collect()
}

/// A date as it is stored.
pub(crate) fn day(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

pub(crate) fn date(day: i64) -> Result<NaiveDate> {
    TimeDelta::try_days(day)
        .and_then(|days| NaiveDate::default().checked_add_signed(days))
        .ok_or_else(|| damaged("a stored date cannot be read"))
}

fn currency(text: &str) -> Result<Currency> {
    Currency::from_stored(text).map_err(|_| damaged("a stored currency cannot be read"))
}

/// A status as it is stored.
pub(crate) const fn status_name(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Posted => "posted",
        Status::Reconciled => "reconciled",
        Status::Void => "void",
        Status::Disputed => "disputed",
    }
}

/// The kind of a source as it is stored.
pub(crate) const fn source_name(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Provider => "provider",
        SourceKind::Learned => "learned",
        SourceKind::Rule => "rule",
        SourceKind::User => "user",
    }
}

pub(crate) fn status(text: &str) -> Result<Status> {
    Ok(match text {
        "pending" => Status::Pending,
        "posted" => Status::Posted,
        "reconciled" => Status::Reconciled,
        "void" => Status::Void,
        "disputed" => Status::Disputed,
        _ => return Err(damaged("a stored status is unknown")),
    })
}

fn json<T: Serialize>(value: &T, empty: bool) -> Result<Option<String>> {
    if empty {
        return Ok(None);
    }
    serde_json::to_string(value).map(Some).map_err(|_| damaged("a value cannot be written as JSON"))
}

pub(crate) fn from_json<T: DeserializeOwned + Default>(text: Option<&str>) -> Result<T> {
    let Some(text) = text else { return Ok(T::default()) };
    serde_json::from_str(text).map_err(|_| damaged("a stored value is not the JSON it should be"))
}
