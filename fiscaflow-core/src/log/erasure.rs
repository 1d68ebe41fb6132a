//! Erasing texts: what is destroyed, beside the commit that tells of it, and what is left.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::commit::{Header, Opened};
use super::image::{Image, each_text};
use super::texts::{self, TextsReader};
use super::{Commit, Hash, NewEvent, StoredCommit};
use crate::error::{Error, Result};
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

/// An erasure as a store carries it out: a commit that tells of it, and the texts that go.
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
}

impl Erasure {
    /// What is left of the texts of an earlier commit; `None` where that is all of them.
    ///
    /// Errors: `corrupt_data` where the bytes are no texts.
    pub fn rest_of(&self, seq: u64, texts: &[u8]) -> Result<Option<Vec<u8>>> {
        match &self.texts {
            _ if seq >= self.commit.stored.seq => Ok(None),
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
    pub(super) fn told_erased(&self) -> u64 {
        let told = self.events.iter().filter(|it| self.is_erasure() && it.name == EVENT);
        told.filter_map(|it| it.payload.get(COUNT)?.parse::<u64>().ok())
            .fold(0, u64::saturating_add)
    }
}

fn is_erasure(header: &Header) -> bool {
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
            let before = reader.of_image(change.before.as_ref())?;
            let after = reader.of_image(change.after.as_ref())?;
            let bound = change.after.as_ref().and_then(Image::commitment);
            changes.push(ChangeTexts {
                kind: change.kind,
                key: change.key,
                is_new: change.before.is_none(),
                lost: bound.is_some() && after.is_none(),
                before,
                after,
            });
        }
        reader.texts.finish()?;
        let is_erasure = is_erasure(&header);
        let erasure = body.events.into_iter().find(|it| is_erasure && it.name == EVENT);
        Ok(CommitTexts { header, reason, changes, erasure })
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

    fn of_image(&mut self, image: Option<&Image>) -> Result<Option<NumberedText>> {
        let Some(commitment) = image.and_then(Image::commitment) else { return Ok(None) };
        let Some((number, text)) = self.next(commitment)? else { return Ok(None) };
        let value = serde_json::from_slice(text)
            .map_err(|_| Error::corrupt("a text in the history cannot be read"))?;
        Ok(Some(NumberedText { number, value }))
    }
}
