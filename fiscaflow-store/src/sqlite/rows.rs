//! How a transaction stands in its row.
//!
//! What is filtered or sorted by has a column of its own; lists and maps are JSON, NULL where they
//! are empty. Dates are days since 1970-01-01: they sort as dates do for every year, and take three
//! bytes in an index where a text takes ten.

use std::borrow::Cow;

use chrono::{NaiveDate, TimeDelta};
use fiscaflow_core::model::{Attachment, Origin, Source, SourceKind, Split, Status, Transaction};
use fiscaflow_core::store::{OriginRow, search_text};
use fiscaflow_core::{
    AccountId, BookId, CategoryId, Currency, GoalId, ImportId, Money, Result, ScheduleId,
    TransactionId,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Row, Sqlite};
use uuid::Uuid;

use super::error::{damaged, failed};

/// The head of the statement that puts transactions: their columns in the order of
/// [`Encoded::bind`].
pub(super) const INSERT: &str = "INSERT OR REPLACE INTO transactions (\
     book_id, id, account_id, booking_day, amount_minor, currency, status, deleted, category_id, \
     transfer_id, payee, splits, tags, description, notes, search, value_day, sources, reference, \
     external_id, attachments, metadata, revision, schedule_id, goal_id) ";

/// The columns of a whole transaction, in the order of [`read`].
pub(super) const TRANSACTION: &str = "id, account_id, booking_day, amount_minor, currency, \
     status, deleted, category_id, transfer_id, payee, splits, tags, description, notes, \
     value_day, sources, reference, external_id, attachments, metadata, revision, schedule_id, \
     goal_id, (\
         SELECT json_group_array(json_array(booking_day, bank_id, fingerprint, hex(account_id), \
         hex(import_id), amount_minor, pending) ORDER BY number) FROM origins WHERE origins.book_id = \
         transactions.book_id AND transaction_id = transactions.id)";

/// The head of the statement that puts origins: their columns in the order of [`bind_origin`].
pub(super) const INSERT_ORIGIN: &str = "INSERT INTO origins (book_id, transaction_id, number, \
     account_id, booking_day, bank_id, fingerprint, import_id, amount_minor, pending) ";

/// A part of a transaction in the column `splits`. It has its transaction's currency.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SplitJson {
    pub(super) minor: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) category: Option<CategoryId>,
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

/// The values of rows to be put, one row after the other.
#[derive(Default)]
pub(super) struct Values {
    arguments: SqliteArguments,
    is_faulty: bool,
}

impl Values {
    fn push<'v, T>(&mut self, value: T) -> &mut Self
    where
        T: sqlx::Encode<'v, Sqlite> + sqlx::Type<Sqlite>,
    {
        self.is_faulty |= Arguments::add(&mut self.arguments, value).is_err();
        self
    }

    /// The statement for the rows, each with as many values as its head names columns.
    pub(super) fn statement(self, head: &str) -> Result<(String, SqliteArguments)> {
        if self.is_faulty {
            return Err(damaged("a value cannot be bound"));
        }
        let columns = head.split(',').count();
        let row = format!("({})", vec!["?"; columns].join(","));
        let rows = vec![row.as_str(); self.arguments.len().div_euclid(columns)].join(",");
        Ok((format!("{head} VALUES {rows}"), self.arguments))
    }
}

/// What of a transaction stands as JSON.
pub(super) struct Encoded<'a> {
    transaction: &'a Transaction,
    splits: Option<String>,
    tags: Option<String>,
    sources: Option<String>,
    attachments: Option<String>,
    metadata: Option<String>,
}

impl<'a> Encoded<'a> {
    pub(super) fn new(transaction: &'a Transaction) -> Result<Self> {
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
        Ok(Self {
            transaction,
            splits: json(&splits, splits.is_empty())?,
            tags: json(&transaction.tags, transaction.tags.is_empty())?,
            sources: json(&sources, bare)?,
            attachments: json(&transaction.attachments, transaction.attachments.is_empty())?,
            metadata: json(&transaction.metadata, transaction.metadata.is_empty())?,
        })
    }

    /// Binds the row's values in the order of [`INSERT`].
    pub(super) fn bind(self, row: &mut Values, book_id: BookId) {
        let transaction = self.transaction;
        row.push(blob(book_id.uuid()))
            .push(blob(transaction.id.uuid()))
            .push(blob(transaction.account_id.uuid()))
            .push(day(transaction.booking_date))
            .push(transaction.amount.minor())
            .push(transaction.amount.currency().stored())
            .push(status_name(transaction.status))
            .push(transaction.deleted)
            .push(transaction.category_id.map(|id| blob(id.uuid())))
            .push(transaction.transfer_id.map(|id| blob(id.uuid())))
            .push(transaction.payee.as_deref())
            .push(self.splits)
            .push(self.tags)
            .push(transaction.description.as_str())
            .push(transaction.notes.as_deref())
            .push(search_text(transaction))
            .push(transaction.value_date.map(day))
            .push(self.sources)
            .push(transaction.reference.as_deref())
            .push(transaction.external_id.as_deref())
            .push(self.attachments)
            .push(self.metadata)
            .push(i64::try_from(transaction.revision).unwrap_or(i64::MAX))
            .push(transaction.schedule_id.map(|id| blob(id.uuid())))
            .push(transaction.goal_id.map(|id| blob(id.uuid())));
    }
}

/// Binds an origin's values in the order of [`INSERT_ORIGIN`].
pub(super) fn bind_origin(
    row: &mut Values,
    book_id: BookId,
    transaction_id: TransactionId,
    (number, origin): (usize, &Origin),
) {
    row.push(blob(book_id.uuid()))
        .push(blob(transaction_id.uuid()))
        .push(i64::try_from(number).unwrap_or(i64::MAX))
        .push(blob(origin.account_id.uuid()))
        .push(day(origin.booking_date))
        .push(origin.bank_id.as_deref())
        .push(origin.fingerprint.as_str())
        .push(blob(origin.import_id.uuid()))
        .push(origin.amount.minor())
        .push(origin.pending);
}

/// Reads a row of the columns [`TRANSACTION`].
pub(super) fn read(row: &SqliteRow) -> Result<Transaction> {
    let mut columns = Columns { row, next: 0 };
    let c = &mut columns;
    let id = TransactionId::new(c.id()?);
    let account_id = AccountId::new(c.id()?);
    let booking_date = date(c.get()?)?;
    let minor = c.get()?;
    let currency = currency(c.get()?)?;
    let status = status(c.get()?)?;
    let deleted = c.get()?;
    let category_id = c.optional_id()?.map(CategoryId::new);
    let transfer_id = c.optional_id()?.map(TransactionId::new);
    let payee = c.get()?;
    let splits = splits(c.get()?, currency)?;
    let tags = from_json::<Vec<String>>(c.get()?)?;
    let description = c.get()?;
    let notes = c.get()?;
    let value_date = c.get::<Option<i64>>()?.map(date).transpose()?;
    let sources: SourcesJson<'_> = from_json(c.get()?)?;
    let reference = c.get()?;
    let external_id = c.get()?;
    let attachments = from_json::<Vec<Attachment>>(c.get()?)?;
    let metadata = from_json(c.get()?)?;
    let revision = u64::try_from(c.get::<i64>()?)
        .map_err(|_| damaged("a stored transaction has no revision"))?;
    let schedule_id = c.optional_id()?.map(ScheduleId::new);
    let goal_id = c.optional_id()?.map(GoalId::new);
    let origins = origins(c.get()?, currency)?;
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

/// The column of [`read_origins`]: many origins as one JSON text, because a row of its own for each
/// of them would cost more than to find it.
pub(super) const ORIGINS: &str = "json_group_array(json_array(hex(transaction_id), number, \
     booking_day, bank_id, fingerprint, pending, CASE WHEN pending THEN EXISTS (SELECT 1 \
         FROM origins AS booked WHERE booked.book_id = origins.book_id \
         AND booked.transaction_id = origins.transaction_id AND NOT booked.pending) ELSE 1 END, \
     amount_minor))";

/// An origin as [`ORIGINS`] lists it: transaction, number, day, bank id, fingerprint, whether it
/// was pending and whether its transaction is booked, minor units.
type OriginRowJson = (Uuid, i64, i64, Option<String>, String, u8, u8, i64);

/// An origin and its number in its transaction.
pub(super) type NumberedOrigin = (i64, OriginRow);

/// Reads a row of the column [`ORIGINS`].
pub(super) fn read_origins(row: &SqliteRow) -> Result<Vec<NumberedOrigin>> {
    let origins: Vec<OriginRowJson> = from_json(Columns { row, next: 0 }.get()?)?;
    let origin = |origin: OriginRowJson| {
        let (transaction, number, day, bank_id, fingerprint, pending, booked, amount_minor) =
            origin;
        let origin = OriginRow {
            transaction_id: TransactionId::new(transaction),
            booking_date: date(day)?,
            bank_id,
            fingerprint,
            pending: pending != 0,
            booked: booked != 0,
            amount_minor,
        };
        Ok((number, origin))
    };
    origins.into_iter().map(origin).collect()
}

/// A row whose columns are read one after the other.
struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    fn get<T>(&mut self) -> Result<T>
    where
        T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
    {
        let value = self.row.try_get(self.next).map_err(failed)?;
        self.next = self.next.saturating_add(1);
        Ok(value)
    }

    fn id(&mut self) -> Result<Uuid> {
        self.optional_id()?.ok_or_else(|| damaged("a stored row lacks an id"))
    }

    fn optional_id(&mut self) -> Result<Option<Uuid>> {
        let bytes: Option<&[u8]> = self.get()?;
        let id = bytes.map(Uuid::from_slice).transpose();
        id.map_err(|_| damaged("a stored id cannot be read"))
    }
}

/// An origin as [`TRANSACTION`] lists it: day, bank id, fingerprint, account, import, minor units
/// and whether it was pending.
type OriginJson = (i64, Option<String>, String, Uuid, Uuid, i64, u8);

fn origins(text: &str, currency: Currency) -> Result<Vec<Origin>> {
    let origins: Vec<OriginJson> = from_json(Some(text))?;
    let origin = |(day, bank_id, fingerprint, account, import, minor, pending): OriginJson| {
        Ok(Origin {
            import_id: ImportId::new(import),
            account_id: AccountId::new(account),
            booking_date: date(day)?,
            amount: Money::from_minor(minor, currency),
            pending: pending != 0,
            bank_id,
            fingerprint,
        })
    };
    origins.into_iter().map(origin).collect()
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

/// A date as it is stored.
pub(super) fn day(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

pub(super) fn date(day: i64) -> Result<NaiveDate> {
    TimeDelta::try_days(day)
        .and_then(|days| NaiveDate::default().checked_add_signed(days))
        .ok_or_else(|| damaged("a stored date cannot be read"))
}

fn currency(text: &str) -> Result<Currency> {
    Currency::from_stored(text).map_err(|_| damaged("a stored currency cannot be read"))
}

/// An id as it is stored.
pub(super) fn blob(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// A status as it is stored.
pub(super) const fn status_name(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Posted => "posted",
        Status::Reconciled => "reconciled",
        Status::Void => "void",
        Status::Disputed => "disputed",
    }
}

/// The kind of a source as it is stored.
pub(super) const fn source_name(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Provider => "provider",
        SourceKind::Learned => "learned",
        SourceKind::Rule => "rule",
        SourceKind::User => "user",
    }
}

pub(super) fn status(text: &str) -> Result<Status> {
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

pub(super) fn from_json<T: DeserializeOwned + Default>(text: Option<&str>) -> Result<T> {
    let Some(text) = text else { return Ok(T::default()) };
    serde_json::from_str(text).map_err(|_| damaged("a stored value is not the JSON it should be"))
}
