//! What a commit changed in an object, field by field.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::members;
use super::{Change, Object, StoredCommit};
use crate::error::{Error, Result};
use crate::model::{ActorId, DocumentKind};

/// One field before and after. Texts stand as they are, everything else as compact JSON; absent =
/// the field had no value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldChange {
    /// The field's name.
    pub field: String,
    /// Its value before.
    pub before: Option<String>,
    /// Its value after.
    pub after: Option<String>,
}
crate::model::debug_only!(FieldChange: field);

/// One line of an object's history.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ObjectChange {
    /// The commit.
    pub seq: u64,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Who made it.
    pub actor: ActorId,
    /// The verb, such as `transactions.update`.
    pub action: String,
    /// The reason that was given.
    pub reason: Option<String>,
    /// The id that ties together what belongs to one request.
    pub correlation_id: Option<String>,
    /// The id of what caused the request.
    pub causation_id: Option<String>,
    /// The kind of the object, such as `transaction`.
    pub kind: String,
    /// The fields that are other than before.
    pub fields: Vec<FieldChange>,
}
crate::model::debug_only!(ObjectChange: seq, at, action, kind);

/// An object that is another at one point of the history than at another point.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ObjectDifference {
    /// The kind of the object, such as `transaction`.
    pub kind: String,
    /// Its id, as `history.object` takes it.
    pub id: String,
    /// The fields that differ; all that have a value where it is not there at one of the points.
    pub fields: Vec<FieldChange>,
}
crate::model::debug_only!(ObjectDifference: kind, id);

impl ObjectDifference {
    /// How an object differs; `None` where it does not.
    pub(crate) fn of(change: &Change) -> Result<Option<Self>> {
        let Some(subject) = change.subject() else { return Ok(None) };
        let fields = changed_fields(change)?;
        let (kind, id) = (subject.kind().to_owned(), subject.key());
        Ok((!fields.is_empty()).then_some(Self { kind, id, fields }))
    }
}

impl StoredCommit {
    /// What this commit did to the objects with that id: mostly to one, if any.
    pub(crate) fn changes_of(&self, key: &str) -> Result<Vec<ObjectChange>> {
        // An object's key stands in the body as JSON writes it: a body without it need not be
        // opened.
        let written = serde_json::to_vec(key).map_err(|_| Error::corrupt("a key is no text"))?;
        if memchr::memmem::find(&self.body, &written).is_none() {
            return Ok(Vec::new());
        }
        let opened = self.open()?;
        let is_it = |change: &&Change| change.subject().is_some_and(|object| object.key() == key);
        let found = opened.changes.iter().filter(is_it);
        let line = |change: &Change| {
            Ok(ObjectChange {
                seq: self.seq,
                at: opened.header.at,
                actor: opened.header.actor.clone(),
                action: opened.header.action.clone(),
                reason: opened.reason.clone(),
                correlation_id: opened.header.correlation_id.clone(),
                causation_id: opened.header.causation_id.clone(),
                kind: change.subject().map(Object::kind).unwrap_or_default().to_owned(),
                fields: changed_fields(change)?,
            })
        };
        found.map(line).collect()
    }
}

/// The fields in which the two images of a change differ, by name.
fn changed_fields(change: &Change) -> Result<Vec<FieldChange>> {
    let of = |object: &Option<Object>| -> Result<Option<Map<String, Value>>> {
        let mut members = object.as_ref().map(members).transpose()?;
        // What is sealed is of no use to a reader.
        let secret = object.as_ref().is_some_and(|it| it.kind() == DocumentKind::Secret.as_str());
        if let Some(members) = members.as_mut().filter(|_| secret) {
            members.remove("sealed");
        }
        Ok(members)
    };
    let before: Map<String, Value> = of(&change.before)?.unwrap_or_default();
    let after: Map<String, Value> = of(&change.after)?.unwrap_or_default();
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let changed = names.into_iter().filter(|name| {
        name.as_str() != "revision" && shown(before.get(*name)) != shown(after.get(*name))
    });
    Ok(changed
        .map(|name| FieldChange {
            field: name.clone(),
            before: shown(before.get(name)),
            after: shown(after.get(name)),
        })
        .collect())
}

fn shown(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => None,
        Some(Value::Array(list)) if list.is_empty() => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    }
}
