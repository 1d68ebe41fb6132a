//! Sealing: the bodies and texts of old commits are dropped, a later commit tells up to which.
//!
//! Header, hash and place in the tree stay, so every link and proof holds. Before that, *restating*
//! commits repeat the present image of whatever was changed last by what is to be sealed: what
//! follows a seal makes the whole book of nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::commit::{Header, Opened};
use super::erasure::is_erasure;
use super::texts::TextsWriter;
use super::{Hash, NewEvent, StoredCommit};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{BookId, EventId};
use crate::model::ActorId;

/// The verb, and the action of the commit that seals.
pub(crate) const SEAL: &str = "books.seal";
/// The action of the commits that restate: they change nothing.
pub(crate) const RESTATE: &str = "books.restate";
/// The event of a seal, and the members of its payload.
const SEALED: &str = "history.commits.sealed";
const UNTIL: &str = "until";
const ERASED: &str = "erased_texts";
const TOLD: &str = "told_texts";

/// What a commit that seals tells of all commits that are sealed from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seal {
    /// The last of them.
    pub(crate) until: u64,
    /// How many of their texts were erased before.
    pub(crate) erased: u64,
    /// How many texts those of them that are erasures told of.
    pub(crate) told: u64,
}

impl Seal {
    pub(crate) fn event(&self, id: EventId, book_id: BookId) -> NewEvent {
        NewEvent::new(id, SEALED, "book", book_id.to_string())
            .with(UNTIL, self.until.to_string())
            .with(ERASED, self.erased.to_string())
            .with(TOLD, self.told.to_string())
    }
}

/// What a member entered into an object in commits that are sealed, and what of it still stands in
/// commits that are not: a seal keeps it, so that it can be told and erased. It is a text of the
/// sealing commit like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorship {
    pub(crate) by: ActorId,
    /// The kind and key of the object.
    pub(crate) name: (String, String),
    /// By field.
    pub(crate) texts: BTreeMap<String, BTreeSet<String>>,
}

/// The same as a body has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BodyAuthorship {
    pub(super) by: ActorId,
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) text: Hash,
}

impl Authorship {
    pub(super) fn encode(&self, texts: &mut TextsWriter, salt: [u8; 16]) -> Result<BodyAuthorship> {
        let text = texts.add_json(salt, &self.texts)?;
        let (kind, key) = self.name.clone();
        Ok(BodyAuthorship { by: self.by.clone(), kind, key, text })
    }
}

impl Opened {
    /// What the commit tells where it is one that seals.
    pub(crate) fn seal(&self) -> Result<Option<Seal>> {
        if !is_sealing(&self.header) {
            return Ok(None);
        }
        let event = self.events.iter().find(|it| it.name == SEALED);
        let count = |name| event?.payload.get(name)?.parse().ok();
        let seal =
            || Some(Seal { until: count(UNTIL)?, erased: count(ERASED)?, told: count(TOLD)? });
        let seal = seal().filter(|seal| seal.until < self.header.seq);
        seal.map(Some).ok_or_else(|| Error::corrupt("a seal does not tell what it sealed"))
    }

    /// See [`StoredCommit::takes_away`].
    pub(crate) fn takes_away(&self) -> bool {
        takes_away(&self.header)
    }
}

impl StoredCommit {
    /// Whether its body and its texts are gone: no body is empty.
    pub fn is_sealed(&self) -> bool {
        self.body.is_empty()
    }

    /// The answer to whoever asks for what is gone.
    pub(crate) fn sealed(&self) -> Error {
        let text = format!("commit {} is sealed: what it changed is gone", self.seq);
        Error::new(ErrorCode::Sealed, text).id(self.seq)
    }

    /// Whether the commit tells that texts or bodies of earlier ones are gone: whoever has read
    /// them is to look again.
    pub(crate) fn takes_away(&self) -> Result<bool> {
        Ok(takes_away(&self.open_header()?))
    }

    /// Whether the commit seals others.
    pub(crate) fn is_sealing(&self) -> Result<bool> {
        Ok(is_sealing(&self.open_header()?))
    }
}

fn is_sealing(header: &Header) -> bool {
    header.action == SEAL
}

fn takes_away(header: &Header) -> bool {
    is_erasure(header) || is_sealing(header)
}
