//! Commits: sealing a draft into bytes, and opening stored bytes again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Hash;
use super::image::{self, Image, NewImage, TRANSACTION};
use super::seal::{Authorship, BodyAuthorship};
use super::texts::{TextsReader, TextsWriter};
use crate::env::IdSource;
use crate::error::{Error, Result};
use crate::id::{BookId, EventId};
use crate::model::{ActorId, Document, Transaction};
use crate::proof::{Frontier, leaf_hash};
use crate::store::{Head, TreeNodes};

/// The version of the header's and body's layout.
const VERSION: u32 = 1;

/// Something that a commit changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "transactions are many, documents few")]
pub enum Object {
    /// A document.
    Document(Document),
    /// A transaction.
    Transaction(Box<Transaction>),
}

impl Object {
    /// The stored name of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Document(document) => document.kind().as_str(),
            Self::Transaction(_) => TRANSACTION,
        }
    }

    /// What names it among the objects of its kind.
    pub fn key(&self) -> String {
        match self {
            Self::Document(document) => document.key(),
            Self::Transaction(transaction) => transaction.id.to_string(),
        }
    }
}

impl<T: Into<Document>> From<T> for Object {
    fn from(document: T) -> Self {
        Self::Document(document.into())
    }
}

impl From<Transaction> for Object {
    fn from(transaction: Transaction) -> Self {
        Self::Transaction(Box::new(transaction))
    }
}

/// One object before and after a commit: absent before = made, absent after = taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How it was.
    pub before: Option<Object>,
    /// How it is.
    pub after: Option<Object>,
}

impl Change {
    /// The object is new.
    pub fn create(after: impl Into<Object>) -> Self {
        Self { before: None, after: Some(after.into()) }
    }

    /// The object is another than before.
    pub fn update(before: impl Into<Object>, after: impl Into<Object>) -> Self {
        Self { before: Some(before.into()), after: Some(after.into()) }
    }

    /// The object is gone.
    pub fn remove(before: impl Into<Object>) -> Self {
        Self { before: Some(before.into()), after: None }
    }

    /// The object that was changed, in its newest image.
    pub fn subject(&self) -> Option<&Object> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// The documents among changes, each with whether it stays.
pub(crate) fn documents_of(changes: &[Change]) -> impl Iterator<Item = (&Document, bool)> {
    changes.iter().filter_map(|change| match change.subject() {
        Some(Object::Document(document)) => Some((document, change.after.is_some())),
        _ => None,
    })
}

/// A domain event that follows from a commit: what outboxes and feeds deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Event {
    /// The event's id, the same at every delivery.
    pub id: EventId,
    /// `<domain>.<entity>.<action>`, such as `planning.budget.threshold_crossed`.
    pub name: String,
    /// The kind of the object that it is about.
    pub aggregate_type: String,
    /// The id of the object that it is about.
    pub aggregate_id: String,
    /// The version of the payload's shape.
    pub schema_version: u32,
    /// What is to be known: texts only, amounts as decimals. It holds no personal text.
    pub payload: std::collections::BTreeMap<String, String>,
    /// The commit that it was written with.
    pub seq: u64,
    /// When that was.
    pub at: DateTime<Utc>,
    /// The request's correlation id.
    pub correlation_id: Option<String>,
    /// The id of what caused the request.
    pub causation_id: Option<String>,
}

/// An event as a decision states it and a body stores it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    pub(crate) id: EventId,
    pub(crate) name: String,
    pub(crate) aggregate_type: String,
    pub(crate) aggregate_id: String,
    pub(crate) schema_version: u32,
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub(crate) payload: std::collections::BTreeMap<String, String>,
}

impl NewEvent {
    /// An event about the object of that type and id, with nothing else to be known yet.
    pub fn new(
        id: EventId,
        name: impl Into<String>,
        aggregate_type: impl Into<String>,
        aggregate_id: impl Into<String>,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            aggregate_type: aggregate_type.into(),
            aggregate_id: aggregate_id.into(),
            schema_version: 1,
            payload: std::collections::BTreeMap::new(),
        }
    }

    /// Adds what is to be known: a text, or an amount as a decimal, and nothing personal.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.payload.insert(name.into(), value.into());
        self
    }
}

/// An idempotency key, what it was used for and what was answered.
///
/// The header, which can never be erased, holds digests of the request and of the answer under a
/// salt. The salt is stored beside the answer and goes with it: then the digests confirm no guess
/// at either.
#[derive(Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// The salt.
    pub request_salt: [u8; 16],
    /// SHA-256 of the salt and the SHA-256 of the request.
    pub request_digest: Hash,
    /// The answer's JSON bytes.
    pub answer: Vec<u8>,
}

impl Idempotency {
    /// A key that was used for the request with that SHA-256; the salt is a fresh one.
    pub fn new(key: String, request: Hash, request_salt: [u8; 16], answer: Vec<u8>) -> Self {
        let request_digest = Self::salted(&request_salt, request);
        Self { key, request_salt, request_digest, answer }
    }

    /// What stands in the header for the answer: it goes with the salt, too.
    fn answer_digest(&self) -> Hash {
        Self::salted_answer(&self.request_salt, &self.answer)
    }

    pub(crate) fn salted_answer(request_salt: &[u8; 16], answer: &[u8]) -> Hash {
        Hash::of(&[request_salt, answer])
    }

    /// What stands in the header for a request with that SHA-256.
    pub(crate) fn salted(request_salt: &[u8; 16], request: Hash) -> Hash {
        Hash::of(&[request_salt, request.as_bytes()])
    }
}

impl std::fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idempotency").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Who, when and why.
#[derive(Clone)]
pub struct CommitInfo {
    /// Who acted.
    pub actor: ActorId,
    /// When.
    pub at: DateTime<Utc>,
    /// The verb, such as `accounts.create`.
    pub action: String,
    /// The caller's reason, in words.
    pub reason: Option<String>,
    /// The id that ties together what belongs to one request.
    pub correlation_id: Option<String>,
    /// The id of what caused the request.
    pub causation_id: Option<String>,
}

crate::model::debug_only!(CommitInfo: actor, at, action, correlation_id, causation_id);

/// A commit that is decided but not sealed.
#[derive(Debug)]
pub struct Draft {
    /// The book.
    pub book_id: BookId,
    /// The head on which it was decided; `None` makes the book.
    pub parent: Option<Head>,
    /// Who, when and why.
    pub info: CommitInfo,
    /// What changes.
    pub changes: Vec<Change>,
    /// What follows.
    pub events: Vec<NewEvent>,
    /// The idempotency key, where the caller gave one.
    pub idempotency: Option<Idempotency>,
}

/// A sealed commit, ready to be stored.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The book.
    pub book_id: BookId,
    /// The bytes and their place.
    pub stored: StoredCommit,
    /// The idempotency key, where the caller gave one.
    pub idempotency: Option<Idempotency>,
    /// The changes, as the store applies them: put what is after, remove what is not.
    pub changes: Vec<Change>,
    /// The nodes of the book's tree that the commit completes, as [`TreeNodes`] has them; empty
    /// where they are to be made later.
    pub nodes: Vec<u8>,
}

impl Commit {
    /// Adds the commit to its book's tree, and with it the nodes that it completes.
    pub fn grow(&mut self, tree: &mut Frontier) {
        let completed = tree.append(leaf_hash(&self.stored.header));
        self.nodes = TreeNodes::new(self.stored.seq, &completed).bytes;
    }
}

/// A commit as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredCommit {
    /// Its place in the book's history, from 1.
    pub seq: u64,
    /// The hash of the commit before it; zeros for the first.
    pub parent: Hash,
    /// SHA-256 of the header.
    pub hash: Hash,
    /// Who, when, why, and the digest of the body.
    pub header: Vec<u8>,
    /// The changes and events.
    pub body: Vec<u8>,
    /// The personal texts and their salts.
    pub texts: Vec<u8>,
}

impl std::fmt::Debug for StoredCommit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredCommit({}, {})", self.seq, self.hash)
    }
}

impl StoredCommit {
    /// The head that a book has when this is its newest commit.
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }

    /// Bytes of header, body and texts together.
    pub fn size(&self) -> usize {
        let parts = [&self.header, &self.body, &self.texts];
        parts.iter().fold(0, |sum, part| sum.saturating_add(part.len()))
    }
}

/// The header's layout: JSON with the members in this order, absent ones left out.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) book: BookId,
    pub(super) seq: u64,
    pub(super) parent: Hash,
    pub(super) at: DateTime<Utc>,
    pub(super) actor: ActorId,
    pub(super) action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) causation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_digest: Option<Hash>,
    /// Absent in commits of before it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer_digest: Option<Hash>,
    pub(super) changes: u64,
    pub(super) body: Hash,
}

/// The body's layout: JSON with the members in this order, absent ones left out. It is written by
/// [`BodyWriter`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub(super) reason: Option<Hash>,
    pub(super) changes: Vec<BodyChange>,
    #[serde(default)]
    pub(super) events: Vec<NewEvent>,
    #[serde(default)]
    pub(super) entered: Vec<BodyAuthorship>,
}

/// The events of a [`Body`]: what its changes hold is read over.
#[derive(Deserialize)]
struct BodyEvents {
    #[serde(default)]
    events: Vec<NewEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BodyChange {
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) before: Option<Image>,
    pub(super) after: Option<Image>,
}

/// A [`BodyChange`] on its way into the body.
#[derive(Serialize)]
struct NewBodyChange<'a> {
    kind: &'static str,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<NewImage<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<NewImage<'a>>,
}

/// Writes a [`Body`] change by change: with a large import in it, all of its images at once would
/// take far more memory than their bytes.
struct BodyWriter {
    bytes: Vec<u8>,
    is_first: bool,
}

impl BodyWriter {
    fn new(reason: Option<Hash>) -> Self {
        let bytes = match reason {
            Some(reason) => format!("{{\"reason\":\"{reason}\",\"changes\":["),
            None => "{\"changes\":[".to_owned(),
        };
        Self { bytes: bytes.into_bytes(), is_first: true }
    }

    fn add(&mut self, change: &NewBodyChange<'_>) -> Result<()> {
        if !std::mem::take(&mut self.is_first) {
            self.bytes.push(b',');
        }
        write_json(&mut self.bytes, change)
    }

    fn finish(mut self, events: &[NewEvent], entered: &[BodyAuthorship]) -> Result<Vec<u8>> {
        self.bytes.push(b']');
        if !events.is_empty() {
            self.bytes.extend_from_slice(b",\"events\":");
            write_json(&mut self.bytes, events)?;
        }
        if !entered.is_empty() {
            self.bytes.extend_from_slice(b",\"entered\":");
            write_json(&mut self.bytes, entered)?;
        }
        self.bytes.push(b'}');
        Ok(self.bytes)
    }
}

impl Draft {
    /// Makes the bytes and their hash. Transactions in `changes` get their revision here.
    pub fn seal(self, ids: &dyn IdSource) -> Result<Commit> {
        self.seal_with(&[], ids)
    }

    /// The same with what members entered in commits that are sealed.
    pub(crate) fn seal_with(
        mut self,
        entered: &[Authorship],
        ids: &dyn IdSource,
    ) -> Result<Commit> {
        let seq = self.parent.map_or(0, |head| head.seq).saturating_add(1);
        for change in &mut self.changes {
            if let Some(Object::Transaction(transaction)) = &mut change.after {
                transaction.revision = seq;
            }
        }
        let mut texts = TextsWriter::default();
        let reason = match &self.info.reason {
            Some(reason) => Some(texts.add(ids.salt(), reason.as_bytes())?),
            None => None,
        };
        let mut body = BodyWriter::new(reason);
        for change in &self.changes {
            let subject = change.subject().ok_or_else(|| Error::corrupt("an empty change"))?;
            let (kind, key) = (subject.kind(), subject.key());
            let mut encode = |object| image::encode(object, &mut texts, || ids.salt());
            let before = change.before.as_ref().map(&mut encode).transpose()?;
            let after = change.after.as_ref().map(&mut encode).transpose()?;
            body.add(&NewBodyChange { kind, key, before, after })?;
        }
        let entered = entered.iter().map(|it| it.encode(&mut texts, ids.salt()));
        let body = body.finish(&self.events, &entered.collect::<Result<Vec<_>>>()?)?;
        let parent = self.parent.map_or(Hash::ZERO, |head| head.hash);
        let header = json(&Header {
            version: VERSION,
            book: self.book_id,
            seq,
            parent,
            at: self.info.at,
            actor: self.info.actor,
            action: self.info.action,
            correlation_id: self.info.correlation_id,
            causation_id: self.info.causation_id,
            idempotency_key: self.idempotency.as_ref().map(|used| used.key.clone()),
            request_digest: self.idempotency.as_ref().map(|used| used.request_digest),
            answer_digest: self.idempotency.as_ref().map(Idempotency::answer_digest),
            changes: u64::try_from(self.changes.len()).unwrap_or(u64::MAX),
            body: Hash::of(&[&body]),
        })?;
        let hash = Hash::of(&[&header]);
        let stored = StoredCommit { seq, parent, hash, header, body, texts: texts.finish() };
        Ok(Commit {
            book_id: self.book_id,
            stored,
            idempotency: self.idempotency,
            changes: self.changes,
            nodes: Vec::new(),
        })
    }
}

/// A stored commit, opened: its bytes fit each other.
pub(crate) struct Opened {
    pub(super) header: Header,
    pub(crate) reason: Option<String>,
    pub(crate) changes: Vec<Change>,
    pub(crate) events: Vec<NewEvent>,
    /// How many of its texts were erased: an image may lack what they held.
    pub(crate) erased: u64,
}

impl Opened {
    /// The verb.
    pub(crate) fn action(&self) -> &str {
        &self.header.action
    }

    /// The idempotency key and what stands in the header for its request and, in newer ones, for
    /// the answer.
    pub(crate) fn answered(&self) -> Option<(&str, Hash, Option<Hash>)> {
        let Header { idempotency_key, request_digest, answer_digest, .. } = &self.header;
        Some((idempotency_key.as_deref()?, (*request_digest)?, *answer_digest))
    }
}

impl StoredCommit {
    /// When the commit was made.
    pub(crate) fn at(&self) -> Result<DateTime<Utc>> {
        Ok(self.open_header()?.at)
    }

    /// Reads the header alone and checks it against the hash.
    pub(super) fn open_header(&self) -> Result<Header> {
        if Hash::of(&[&self.header]) != self.hash {
            return Err(Error::corrupt("the header does not fit the hash"));
        }
        let header: Header = serde_json::from_slice(&self.header)
            .map_err(|_| Error::corrupt("the header cannot be read"))?;
        if header.version != VERSION {
            return Err(Error::corrupt(format!("unknown commit version {}", header.version)));
        }
        if header.seq != self.seq || header.parent != self.parent {
            return Err(Error::corrupt("the header names another place in the history"));
        }
        if json(&header)? != self.header {
            return Err(Error::corrupt("the header is not in its canonical form"));
        }
        Ok(header)
    }

    /// The idempotency key that the commit was made with.
    pub(crate) fn idempotency_key(&self) -> Result<Option<String>> {
        Ok(self.open_header()?.idempotency_key)
    }

    /// Reads the header and checks the body's bytes against it.
    fn checked_header(&self) -> Result<Header> {
        let header = self.open_header()?;
        if self.is_sealed() {
            return Err(self.sealed());
        }
        match Hash::of(&[&self.body]) == header.body {
            true => Ok(header),
            false => Err(Error::corrupt("the body does not fit its digest")),
        }
    }

    /// What the commit changed, read back from its bytes; every one of them is checked on the way.
    ///
    /// Errors: `sealed` where they are gone.
    pub fn changes(&self) -> Result<Vec<Change>> {
        Ok(self.open()?.changes)
    }

    /// The events that were written with this commit, in their order; none where it is sealed. They
    /// hold no personal text, so the texts are not looked at.
    pub fn events(&self) -> Result<Vec<Event>> {
        if self.is_sealed() {
            return Ok(Vec::new());
        }
        let header = self.checked_header()?;
        let body: BodyEvents = serde_json::from_slice(&self.body)
            .map_err(|_| Error::corrupt("the body cannot be read"))?;
        let complete = |event: NewEvent| Event {
            id: event.id,
            name: event.name,
            aggregate_type: event.aggregate_type,
            aggregate_id: event.aggregate_id,
            schema_version: event.schema_version,
            payload: event.payload,
            seq: header.seq,
            at: header.at,
            correlation_id: header.correlation_id.clone(),
            causation_id: header.causation_id.clone(),
        };
        Ok(body.events.into_iter().map(complete).collect())
    }

    /// Reads header and body and checks their bytes against the hash.
    pub(super) fn open_body(&self) -> Result<(Header, Body)> {
        let header = self.checked_header()?;
        let body = serde_json::from_slice(&self.body)
            .map_err(|_| Error::corrupt("the body cannot be read"))?;
        Ok((header, body))
    }

    /// Reads everything and checks every byte against the hash, directly or by commitment.
    ///
    /// Errors: `sealed` where body and texts are gone.
    pub(crate) fn open(&self) -> Result<Opened> {
        let mut changes = Vec::new();
        let opened = self.open_each(&mut |change| {
            changes.push(change);
            Ok(())
        })?;
        Ok(Opened { changes, ..opened })
    }

    /// What is left of a commit that is sealed; every byte of it is checked.
    pub(super) fn open_sealed(&self) -> Result<Opened> {
        let (header, reason) = (self.open_header()?, None);
        Ok(Opened { header, reason, changes: Vec::new(), events: Vec::new(), erased: 0 })
    }

    /// What [`Self::open`] reads, change by change: none of them is in the answer, for a large
    /// commit would be in memory several times over. What was handed out counts only once all of
    /// it fits.
    pub(crate) fn open_each(&self, visit: &mut dyn FnMut(Change) -> Result<()>) -> Result<Opened> {
        let (header, body) = self.open_body()?;
        let mut texts = TextsReader::new(&self.texts);
        let reason = match body.reason {
            Some(commitment) => texts.next(commitment)?.map(String::from_utf8_lossy),
            None => None,
        };
        let reason = reason.map(std::borrow::Cow::into_owned);
        for change in body.changes {
            let mut decode = |image: &Option<Image>| match image {
                Some(image) => {
                    image::decode(&change.kind, &change.key, self.seq, image, &mut texts).map(Some)
                }
                None => Ok(None),
            };
            visit(Change { before: decode(&change.before)?, after: decode(&change.after)? })?;
        }
        for record in &body.entered {
            texts.next(record.text)?;
        }
        let erased = texts.finish()?;
        Ok(Opened { header, reason, changes: Vec::new(), events: body.events, erased })
    }
}

crate::model::debug_only!(Opened: header, changes, events);

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_json(&mut bytes, value)?;
    Ok(bytes)
}

fn write_json<T: Serialize + ?Sized>(bytes: &mut Vec<u8>, value: &T) -> Result<()> {
    serde_json::to_writer(bytes, value).map_err(|error| Error::corrupt(error.to_string()))
}
