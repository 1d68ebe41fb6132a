//! Erasing texts: what is destroyed, beside the commit that tells of it, and what is left.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::commit::{Header, Opened};
use super::image::{Image, each_text};
use super::texts::{self, TextsReader};
use super::{Commit, Hash, NewEvent, StoredCommit};
use crate::error::{Error, ErrorCode, Result};
use crate::model::ActorId;

/// The verb that erases the texts of a book.
pub(crate) const OF_BOOK: &str = "books.erase_texts";
/// The verb that erases a member.
pub(crate) const OF_MEMBER: &str = "members.erase";
/// The event of both, which names the book or the member, and the member of its payload that counts
/// the texts.
pub(crate) const EVENT: &str = "history.texts.erased";
pub(crate) const COUNT: &str = "texts";
/// The member that says whether what a member entered went, too.
pub(crate) const ENTERED: &str = "entered_texts";

/// An erasure as a store carries it out: a commit that tells of it, and the texts that go; or a
/// seal, with which bodies go, too.
#[derive(Debug, Clone)]
pub struct Erasure {
    /// The commit: who, when, why and how many texts, none of which stands in it.
    pub commit: Commit,
    /// What is destroyed.
    pub texts: ErasedTexts,
}

/// Which texts of earlier commits are destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasedTexts {
    /// All, and those of documents and transactions as they are now.
    All,
    /// These, by the commits' sequence numbers and their own numbers in them, from 0. What stands
    /// in documents and transactions now is the commit's to change.
    These(BTreeMap<u64, Vec<u32>>),
    /// All of the commits up to one, and their bodies. What stands in documents and transactions
    /// stays.
    Sealed {
        /// That commit.
        until: u64,
        /// Whether it is done although sinks were not told of all events up to it.
        lose_events: bool,
    },
}

impl Erasure {
    /// The last commit whose body goes; 0 where none does.
    pub fn sealed_until(&self) -> u64 {
        match self.texts {
            ErasedTexts::Sealed { until, .. } => {
                until.min(self.commit.stored.seq.saturating_sub(1))
            }
            _ => 0,
        }
    }

    /// The last commit the answers to whose idempotency keys go: any may hold a text of the book.
    /// Answers of commits that stay hold none of those that are sealed.
    pub fn last_answer(&self) -> u64 {
        match self.texts {
            ErasedTexts::Sealed { .. } => self.sealed_until(),
            _ => self.commit.stored.seq.saturating_sub(1),
        }
    }

    /// Refuses a seal for which sinks wait. All of the sinks that were told something are done with
    /// the commits up to `done`, and none of them has set an event of these aside; `None` where
    /// there is no such sink.
    ///
    /// Errors: `undelivered`.
    pub fn check_delivered(&self, done: Option<u64>) -> Result<()> {
        match (&self.texts, done) {
            (ErasedTexts::Sealed { lose_events: false, .. }, Some(done))
                if done < self.sealed_until() =>
            {
                let text = "a sink waits for events of commits that would be sealed";
                Err(Error::new(ErrorCode::Undelivered, text).id(done))
            }
            _ => Ok(()),
        }
    }

    /// What is left of the texts of an earlier commit; `None` where that is all of them.
    ///
    /// Errors: `corrupt_data` where the bytes are no texts.
    pub fn rest_of(&self, seq: u64, texts: &[u8]) -> Result<Option<Vec<u8>>> {
        match &self.texts {
            _ if seq >= self.commit.stored.seq => Ok(None),
            ErasedTexts::Sealed { until, .. } => {
                Ok((seq <= *until && !texts.is_empty()).then(Vec::new))
            }
            ErasedTexts::All => texts::without(texts, |_| true),
            ErasedTexts::These(chosen) => match chosen.get(&seq) {
                None => Ok(None),
                Some(numbers) => texts::without(texts, |number| numbers.contains(&number)),
            },
        }
    }
}

/// A commit, read for its texts.
pub(crate) struct CommitTexts {
    header: Header,
    /// The number of the reason's text, where one was given and not erased.
    pub(crate) reason: Option<u32>,
    pub(crate) changes: Vec<ChangeTexts>,
    /// The event of an erasure.
    pub(crate) erasure: Option<NewEvent>,
    /// What members entered in commits that this one seals.
    pub(crate) sealed: Vec<SealedTexts>,
}

/// What a member entered into an object in commits that are sealed: by field.
pub(crate) struct SealedTexts {
    pub(crate) by: ActorId,
    pub(crate) kind: String,
    pub(crate) key: String,
    /// None where that was erased.
    pub(crate) text: Option<NumberedText>,
}

/// The texts of an image that are there, and their number among those of the commit.
pub(crate) struct NumberedText {
    pub(crate) number: u32,
    pub(crate) value: Map<String, Value>,
}

impl NumberedText {
    /// Whether one of them is chosen by field and text.
    pub(crate) fn holds(&self, is_chosen: impl Fn(&str, &str) -> bool) -> bool {
        self.value.iter().any(|(field, value)| {
            let mut found = false;
            each_text(field, value, &mut |text| found = found || is_chosen(field, text));
            found
        })
    }
}

/// The texts of one change. An image whose text was erased has none.
pub(crate) struct ChangeTexts {
    pub(crate) kind: String,
    pub(crate) key: String,
    /// Whether the object was made.
    pub(crate) is_new: bool,
    /// Whether the image after had a text that was erased.
    pub(crate) lost: bool,
    pub(crate) before: Option<NumberedText>,
    pub(crate) after: Option<NumberedText>,
}

impl CommitTexts {
    /// Who made the commit, and by which verb.
    pub(crate) fn header(&self) -> (&ActorId, &str) {
        (&self.header.actor, &self.header.action)
    }
}

impl Opened {
    /// Whether the commit tells of an erasure: what was known of the book before is to be read
    /// afresh.
    pub(crate) fn is_erasure(&self) -> bool {
        is_erasure(&self.header)
    }

    /// How many texts were erased with the commit.
    pub(crate) fn told_erased(&self) -> u64 {
        let told = self.events.iter().filter(|it| self.is_erasure() && it.name == EVENT);
        told.filter_map(|it| it.payload.get(COUNT)?.parse::<u64>().ok())
            .fold(0, u64::saturating_add)
    }
}

pub(super) fn is_erasure(header: &Header) -> bool {
    [OF_BOOK, OF_MEMBER].contains(&header.action.as_str())
}

impl StoredCommit {
    /// See [`Opened::is_erasure`].
    pub(crate) fn is_erasure(&self) -> Result<bool> {
        Ok(is_erasure(&self.open_header()?))
    }

    /// Whether that is an erasure of all texts.
    pub(crate) fn is_erasure_of_all(&self) -> Result<bool> {
        Ok(self.open_header()?.action == OF_BOOK)
    }

    /// The numbers of its texts that were erased.
    pub(crate) fn erased_texts(&self) -> Result<Vec<u32>> {
        texts::erased(&self.texts)
    }

    /// Reads the texts in their order; every byte is checked on the way.
    pub(crate) fn read_texts(&self) -> Result<CommitTexts> {
        let (header, body) = self.open_body()?;
        let mut reader = Numbered { texts: TextsReader::new(&self.texts), number: 0 };
        let reason = match body.reason {
            Some(commitment) => reader.next(commitment)?.map(|(number, _)| number),
            None => None,
        };
        let mut changes = Vec::with_capacity(body.changes.len());
        for change in body.changes {
            let bound = change.before.as_ref().and_then(Image::commitment);
            let before = reader.json(bound)?;
            let bound = change.after.as_ref().and_then(Image::commitment);
            let after = reader.json(bound)?;
            changes.push(ChangeTexts {
                kind: change.kind,
                key: change.key,
                is_new: change.before.is_none(),
                lost: bound.is_some() && after.is_none(),
                before,
                after,
            });
        }
        let mut sealed = Vec::with_capacity(body.entered.len());
        for record in body.entered {
            let text = reader.json(Some(record.text))?;
            sealed.push(SealedTexts { by: record.by, kind: record.kind, key: record.key, text });
        }
        reader.texts.finish()?;
        let is_erasure = is_erasure(&header);
        let erasure = body.events.into_iter().find(|it| is_erasure && it.name == EVENT);
        Ok(CommitTexts { header, reason, changes, erasure, sealed })
    }
}

struct Numbered<'a> {
    texts: TextsReader<'a>,
    number: u32,
}

impl<'a> Numbered<'a> {
    fn next(&mut self, commitment: Hash) -> Result<Option<(u32, &'a [u8])>> {
        let number = self.number;
        self.number = number.saturating_add(1);
        Ok(self.texts.next(commitment)?.map(|text| (number, text)))
    }

    fn json(&mut self, commitment: Option<Hash>) -> Result<Option<NumberedText>> {
        let Some(commitment) = commitment else { return Ok(None) };
        let Some((number, text)) = self.next(commitment)? else { return Ok(None) };
        let value = serde_json::from_slice(text)
            .map_err(|_| Error::corrupt("a text in the history cannot be read"))?;
        Ok(Some(NumberedText { number, value }))
    }
}
