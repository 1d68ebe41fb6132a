//! What a commit changed in an object, field by field.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// The kind of the object, such as `transaction`.
    pub kind: String,
    /// The fields that are other than before.
    pub fields: Vec<FieldChange>,
}
crate::model::debug_only!(ObjectChange: seq, at, action, kind);

impl StoredCommit {
    /// What this commit did to the object with that id, if anything.
    pub(crate) fn change_of(&self, key: &str) -> Result<Option<ObjectChange>> {
        // An object's key stands in the body as JSON writes it: a body without it need not be
        // opened.
        let written = serde_json::to_vec(key).map_err(|_| Error::corrupt("a key is no text"))?;
        if memchr::memmem::find(&self.body, &written).is_none() {
            return Ok(None);
        }
        let opened = self.open()?;
        let found = opened
            .changes
            .iter()
            .find(|change| change.subject().is_some_and(|object| object.key() == key));
        let Some(change) = found else { return Ok(None) };
        Ok(Some(ObjectChange {
            seq: self.seq,
            at: opened.header.at,
            actor: opened.header.actor.clone(),
            action: opened.header.action.clone(),
            reason: opened.reason.clone(),
            kind: change.subject().map(Object::kind).unwrap_or_default().to_owned(),
            fields: changed_fields(change)?,
        }))
    }
}

/// The fields in which the two images of a change differ, by name.
fn changed_fields(change: &Change) -> Result<Vec<FieldChange>> {
    let before = members(change.before.as_ref())?;
    let after = members(change.after.as_ref())?;
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

fn members(object: Option<&Object>) -> Result<Map<String, Value>> {
    match object {
        None => Ok(Map::new()),
        Some(Object::Document(document)) => {
            let mut map = document.to_map()?;
            if document.kind() == DocumentKind::Secret {
                map.remove("sealed");
            }
            Ok(map)
        }
        Some(Object::Transaction(transaction)) => match serde_json::to_value(transaction) {
            Ok(Value::Object(map)) => Ok(map),
            _ => Err(Error::corrupt("a transaction is not an object")),
        },
    }
}

fn shown(value: Option<&Value>) -> Option<String> {
    match value {
        None | Some(Value::Null) => None,
        Some(Value::Array(list)) if list.is_empty() => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    }
}
