//! Images: how an object stands in a commit's body, its personal text apart.
//!
//! An image is `{"facts": {...}, "text": "<commitment>"}`. The texts of a transaction are its
//! description, payee, tags, notes, references, attachments and metadata; those of a document are
//! named by its kind. So are digests of personal texts (the fingerprints of a transaction's
//! origins): beside the facts of a body, a digest would confirm a guess at a text that was
//! erased. Amounts stand in minor units with the stored form of their currency.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Hash;
use super::commit::Object;
use super::texts::{TextsReader, TextsWriter};
use crate::error::{Error, Result};
use crate::id::{AccountId, CategoryId, GoalId, ImportId, ScheduleId, TransactionId};
use crate::model::{
    Attachment, Document, DocumentKind, Origin, Source, Split, Status, Transaction,
};
use crate::money::{Currency, Money};

/// The stored name of the kind of a transaction; documents have [`DocumentKind::as_str`].
pub(crate) const TRANSACTION: &str = "transaction";

/// An object's facts and the commitment to its texts, as they are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Image {
    facts: Box<serde_json::value::RawValue>,
    text: Option<Hash>,
}

impl Image {
    /// What the texts of the object are bound to.
    pub(super) fn commitment(&self) -> Option<Hash> {
        self.text
    }
}

/// The same as it is written: facts go into the body without a copy of their own.
#[derive(Serialize)]
pub(super) struct NewImage<'a> {
    facts: NewFacts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Hash>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum NewFacts<'a> {
    Document(Map<String, Value>),
    Transaction(Box<TransactionFacts<'a>>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitFacts {
    minor: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<CategoryId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginFacts {
    import: ImportId,
    account: AccountId,
    date: NaiveDate,
    minor: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pending: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TransactionFacts<'a> {
    account: AccountId,
    date: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_date: Option<NaiveDate>,
    minor: i64,
    currency: Currency,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<CategoryId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_source: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payee_source: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags_source: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes_source: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_source: Option<Cow<'a, Source>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    splits: Vec<SplitFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<ScheduleId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_source: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<GoalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal_source: Option<Cow<'a, Source>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransactionId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    origins: Vec<OriginFacts>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TransactionTexts<'a> {
    description: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payee: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: Cow<'a, [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    split_notes: Vec<Option<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bank_ids: Vec<Option<Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fingerprints: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "<[Attachment]>::is_empty")]
    attachments: Cow<'a, [Attachment]>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: Cow<'a, BTreeMap<String, String>>,
}

/// Makes an object's image; its texts go to `texts` under the salt.
pub(super) fn encode<'a>(
    object: &'a Object,
    texts: &mut TextsWriter,
    salt: impl FnOnce() -> [u8; 16],
) -> Result<NewImage<'a>> {
    match object {
        Object::Document(document) => {
            let mut facts = document.to_map()?;
            let mut personal = Map::new();
            for name in document.kind().personal() {
                personal.extend(facts.remove_entry(*name));
            }
            personal.sort_keys();
            let facts = NewFacts::Document(facts);
            if personal.is_empty() {
                return Ok(NewImage { facts, text: None });
            }
            let commitment = texts.add_json(salt(), &personal)?;
            Ok(NewImage { facts, text: Some(commitment) })
        }
        Object::Transaction(transaction) => {
            let commitment = texts.add_json(salt(), &texts_of(transaction))?;
            let facts = NewFacts::Transaction(Box::new(facts_of(transaction)));
            Ok(NewImage { facts, text: Some(commitment) })
        }
    }
}

/// Reads an image back; texts that were erased come out empty.
pub(super) fn decode(
    kind: &str,
    key: &str,
    revision: u64,
    image: &Image,
    texts: &mut TextsReader<'_>,
) -> Result<Object> {
    let text = match image.text {
        Some(commitment) => texts.next(commitment)?,
        None => None,
    };
    if kind == TRANSACTION {
        let facts = serde_json::from_str(image.facts.get()).map_err(|_| unreadable())?;
        let texts = match text {
            Some(text) => serde_json::from_slice(text).map_err(|_| unreadable())?,
            None => TransactionTexts::default(),
        };
        let transaction = assemble(key.parse()?, revision, facts, texts)?;
        return Ok(Object::Transaction(Box::new(transaction)));
    }
    let kind: DocumentKind = kind.parse()?;
    let mut map: Map<String, Value> =
        serde_json::from_str(image.facts.get()).map_err(|_| unreadable())?;
    match text {
        Some(text) => {
            let personal: Map<String, Value> =
                serde_json::from_slice(text).map_err(|_| unreadable())?;
            map.extend(personal);
        }
        None => empty(kind, kind.personal(), &mut map),
    }
    Document::from_map(kind, map).map(Object::Document)
}

/// Puts in the place of personal members what stands there after they were erased.
pub(super) fn empty(kind: DocumentKind, names: &[&str], map: &mut Map<String, Value>) {
    for name in names {
        let empty = match (kind, *name) {
            (DocumentKind::Book, "learning") | (_, "csv") => serde_json::json!({}),
            (DocumentKind::Rule, "condition") => serde_json::json!({"kind": "any", "of": []}),
            (DocumentKind::Budget, "tags") => erased_tags(map),
            (_, "aliases" | "actions") => Value::Array(Vec::new()),
            (_, "number" | "bank_id" | "file_name" | "payee") | (DocumentKind::Member, _) => {
                Value::Null
            }
            _ => Value::String(String::new()),
        };
        map.insert((*name).to_owned(), empty);
    }
}

/// A budget that watched tags alone would watch all spending without them: it gets a tag that no
/// transaction has.
fn erased_tags(budget: &Map<String, Value>) -> Value {
    let mut lists = ["category_ids", "except_category_ids", "account_ids"].iter();
    let watches = |name: &&str| {
        budget.get(*name).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    if lists.any(watches) { serde_json::json!([]) } else { serde_json::json!([""]) }
}

impl Object {
    /// What tells one state of an object from every other: the first half of the SHA-256 of all
    /// that its image holds, texts and revision included.
    pub(crate) fn digest(&self) -> Result<[u8; 16]> {
        let hash = match self {
            Self::Document(document) => Hash::of(&[&document.encode()?]),
            Self::Transaction(it) => return digest_of(it),
        };
        Ok(hash.half())
    }

    /// The object as it is read from the history once its texts were erased: facts stay, personal
    /// texts and digests of them are empty.
    pub fn without_texts(&self) -> Result<Self> {
        match self {
            Self::Document(document) => {
                let (kind, mut map) = (document.kind(), document.to_map()?);
                empty(kind, kind.personal(), &mut map);
                Document::from_map(kind, map).map(Self::Document)
            }
            Self::Transaction(it) => {
                let texts = TransactionTexts::default();
                let bare = assemble(it.id, it.revision, facts_of(it), texts)?;
                Ok(Self::Transaction(Box::new(bare)))
            }
        }
    }

    /// The object without what is chosen by field and text. A document loses fields as a whole; a
    /// transaction keeps the other tags, attachments and members of its metadata.
    pub(crate) fn without(&self, is_chosen: impl Fn(&str, &str) -> bool) -> Result<Self> {
        match self {
            Self::Document(document) => {
                let (kind, mut map) = (document.kind(), document.to_map()?);
                let holds = |name: &&str| {
                    let mut found = false;
                    let value = map.get(*name).unwrap_or(&Value::Null);
                    each_text(name, value, &mut |text| found |= is_chosen(name, text));
                    found
                };
                let chosen: Vec<&str> = kind.personal().iter().copied().filter(holds).collect();
                empty(kind, &chosen, &mut map);
                Document::from_map(kind, map).map(Self::Document)
            }
            Self::Transaction(it) => {
                let mut it = it.clone();
                let leave = |field: &str, text: &mut Option<String>| {
                    if text.as_deref().is_some_and(|text| is_chosen(field, text)) {
                        *text = None;
                    }
                };
                if is_chosen("description", &it.description) {
                    it.description.clear();
                }
                leave("payee", &mut it.payee);
                leave("notes", &mut it.notes);
                leave("reference", &mut it.reference);
                leave("external_id", &mut it.external_id);
                it.splits.iter_mut().for_each(|part| leave("split_notes", &mut part.notes));
                it.tags.retain(|tag| !is_chosen("tags", tag));
                it.attachments.retain(|file| {
                    let texts = [&file.name, &file.digest];
                    !texts.into_iter().any(|text| is_chosen("attachments", text))
                });
                it.metadata.retain(|name, text| {
                    !is_chosen("metadata", name) && !is_chosen("metadata", text)
                });
                Ok(Self::Transaction(it))
            }
        }
    }
}

/// Calls with every text in a personal member. The names of what is in metadata are texts, too; the
/// media type of an attachment is none.
pub(crate) fn each_text(field: &str, value: &Value, call: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) if !text.is_empty() => call(text),
        Value::Array(list) => list.iter().for_each(|value| each_text(field, value, call)),
        Value::Object(members) => {
            for (name, value) in members {
                if field == "metadata" {
                    call(name);
                }
                if name != "media_type" {
                    each_text(field, value, call);
                }
            }
        }
        _ => {}
    }
}

/// [`Object::digest`] of a transaction.
pub(crate) fn digest_of(transaction: &Transaction) -> Result<[u8; 16]> {
    let mut bytes = transaction.revision.to_be_bytes().to_vec();
    let unwritable = |error: serde_json::Error| Error::corrupt(error.to_string());
    serde_json::to_writer(&mut bytes, &facts_of(transaction)).map_err(unwritable)?;
    serde_json::to_writer(&mut bytes, &texts_of(transaction)).map_err(unwritable)?;
    Ok(Hash::of(&[&bytes]).half())
}

fn facts_of(transaction: &Transaction) -> TransactionFacts<'_> {
    let split =
        |split: &Split| SplitFacts { minor: split.amount.minor(), category: split.category_id };
    let origin = |origin: &Origin| OriginFacts {
        import: origin.import_id,
        account: origin.account_id,
        date: origin.booking_date,
        minor: origin.amount.minor(),
        pending: origin.pending,
    };
    TransactionFacts {
        account: transaction.account_id,
        date: transaction.booking_date,
        value_date: transaction.value_date,
        minor: transaction.amount.minor(),
        currency: transaction.amount.currency(),
        status: transaction.status,
        category: transaction.category_id,
        category_source: transaction.category_source.as_ref().map(Cow::Borrowed),
        payee_source: transaction.payee_source.as_ref().map(Cow::Borrowed),
        tags_source: transaction.tags_source.as_ref().map(Cow::Borrowed),
        notes_source: transaction.notes_source.as_ref().map(Cow::Borrowed),
        status_source: transaction.status_source.as_ref().map(Cow::Borrowed),
        splits: transaction.splits.iter().map(split).collect(),
        schedule: transaction.schedule_id,
        schedule_source: transaction.schedule_source.as_ref().map(Cow::Borrowed),
        goal: transaction.goal_id,
        goal_source: transaction.goal_source.as_ref().map(Cow::Borrowed),
        transfer: transaction.transfer_id,
        origins: transaction.origins.iter().map(origin).collect(),
        deleted: transaction.deleted,
    }
}

fn texts_of(transaction: &Transaction) -> TransactionTexts<'_> {
    TransactionTexts {
        description: Cow::Borrowed(&transaction.description),
        payee: transaction.payee.as_deref().map(Cow::Borrowed),
        tags: Cow::Borrowed(&transaction.tags),
        notes: transaction.notes.as_deref().map(Cow::Borrowed),
        split_notes: transaction
            .splits
            .iter()
            .map(|split| split.notes.as_deref().map(Cow::Borrowed))
            .collect(),
        reference: transaction.reference.as_deref().map(Cow::Borrowed),
        external_id: transaction.external_id.as_deref().map(Cow::Borrowed),
        bank_ids: transaction
            .origins
            .iter()
            .map(|origin| origin.bank_id.as_deref().map(Cow::Borrowed))
            .collect(),
        fingerprints: transaction
            .origins
            .iter()
            .map(|origin| Cow::Borrowed(&*origin.fingerprint))
            .collect(),
        attachments: Cow::Borrowed(&transaction.attachments),
        metadata: Cow::Borrowed(&transaction.metadata),
    }
}

fn assemble(
    id: TransactionId,
    revision: u64,
    facts: TransactionFacts<'_>,
    texts: TransactionTexts<'_>,
) -> Result<Transaction> {
    let currency = facts.currency;
    let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
    let mut split_notes = texts.split_notes.into_iter();
    let splits = facts.splits.into_iter().map(|split| Split {
        amount: Money::from_minor(split.minor, currency),
        category_id: split.category,
        notes: split_notes.next().flatten().map(Cow::into_owned),
    });
    let mut bank_ids = texts.bank_ids.into_iter();
    let mut fingerprints = texts.fingerprints.into_iter();
    let origins = facts.origins.into_iter().map(|origin| Origin {
        import_id: origin.import,
        account_id: origin.account,
        booking_date: origin.date,
        amount: Money::from_minor(origin.minor, currency),
        pending: origin.pending,
        bank_id: bank_ids.next().flatten().map(Cow::into_owned),
        fingerprint: fingerprints.next().map(Cow::into_owned).unwrap_or_default(),
    });
    Ok(Transaction {
        id,
        account_id: facts.account,
        booking_date: facts.date,
        value_date: facts.value_date,
        amount: Money::from_minor(facts.minor, currency),
        status: facts.status,
        status_source: facts.status_source.map(Cow::into_owned),
        description: texts.description.into_owned(),
        payee: owned(texts.payee),
        payee_source: facts.payee_source.map(Cow::into_owned),
        category_id: facts.category,
        category_source: facts.category_source.map(Cow::into_owned),
        tags: texts.tags.into_owned(),
        tags_source: facts.tags_source.map(Cow::into_owned),
        notes: owned(texts.notes),
        notes_source: facts.notes_source.map(Cow::into_owned),
        splits: splits.collect(),
        schedule_id: facts.schedule,
        schedule_source: facts.schedule_source.map(Cow::into_owned),
        goal_id: facts.goal,
        goal_source: facts.goal_source.map(Cow::into_owned),
        transfer_id: facts.transfer,
        reference: owned(texts.reference),
        external_id: owned(texts.external_id),
        attachments: texts.attachments.into_owned(),
        metadata: texts.metadata.into_owned(),
        origins: origins.collect(),
        deleted: facts.deleted,
        revision,
    })
}

fn unreadable() -> Error {
    Error::corrupt("an image in the history cannot be read")
}
