//! A commit as people read it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Hash, StoredCommit};
use crate::error::Result;
use crate::model::ActorId;

/// One line of a book's history.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Its place, from 1.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// The hash of the entry before it.
    pub parent: Hash,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Who made it.
    pub actor: ActorId,
    /// The verb, such as `accounts.create`.
    pub action: String,
    /// The reason that was given, unless it is gone.
    pub reason: Option<String>,
    /// The id that ties together what belongs to one request.
    pub correlation_id: Option<String>,
    /// The id of what caused the request.
    pub causation_id: Option<String>,
    /// How many objects it changed.
    pub changes: u64,
    /// The names of the events that followed.
    pub events: Vec<String>,
    /// Whether the commit is sealed: reason and events are not known any more.
    pub sealed: bool,
}
crate::model::debug_only!(Entry: seq, hash, at, action, changes);

impl StoredCommit {
    /// The line that this commit makes in the history. Every byte is checked on the way.
    pub fn entry(&self) -> Result<Entry> {
        let (header, reason, events) = if self.is_sealed() {
            (self.open_header()?, None, Vec::new())
        } else {
            let opened = self.open()?;
            (opened.header, opened.reason, opened.events)
        };
        Ok(Entry {
            seq: self.seq,
            hash: self.hash,
            parent: self.parent,
            at: header.at,
            actor: header.actor,
            action: header.action,
            reason,
            correlation_id: header.correlation_id,
            causation_id: header.causation_id,
            changes: header.changes,
            events: events.into_iter().map(|event| event.name).collect(),
            sealed: self.is_sealed(),
        })
    }
}
