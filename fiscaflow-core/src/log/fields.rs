//! Objects as flat members, so that two images can be compared, and one of them given what another
//! has, field by field.
//!
//! Members that hold others (a transaction's metadata, what a book learns, the amounts of an
//! assignment) are taken apart: two commits that touch different ones of them have nothing to do
//! with each other. Fields that only make sense together are one *unit*: a value and its source, a
//! category and parts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::image::TRANSACTION;
use super::{Change, Object};
use crate::error::{Error, Result};
use crate::model::Document;

/// What stands between a member and the one inside it; no member of ours holds it.
const INSIDE: char = '/';
/// An object's members: their names and values.
pub(crate) type Fields = BTreeMap<String, Value>;

/// An object's members as JSON.
pub(super) fn members(object: &Object) -> Result<Map<String, Value>> {
    match object {
        Object::Document(document) => document.to_map(),
        Object::Transaction(transaction) => match serde_json::to_value(transaction) {
            Ok(Value::Object(map)) => Ok(map),
            _ => Err(Error::corrupt("a transaction is not an object")),
        },
    }
}

/// An object's flat members, without the commit that changed it last.
pub(crate) fn fields(object: &Object) -> Result<Fields> {
    let mut fields = Fields::new();
    for (name, value) in members(object)? {
        match (inside(&name, &value), value) {
            (_, _) if name == "revision" => {}
            (Some(members), _) => {
                let inner = |(inner, value)| (format!("{name}{INSIDE}{inner}"), value);
                fields.extend(members.into_iter().map(inner));
            }
            (None, value) => drop(fields.insert(name, value)),
        }
    }
    Ok(fields)
}

/// The members that a member is taken apart into.
fn inside(name: &str, value: &Value) -> Option<Vec<(String, Value)>> {
    let owned = |(name, value): (&String, &Value)| (name.clone(), value.clone());
    match (name, value) {
        ("metadata" | "learning", Value::Object(members)) => {
            Some(members.iter().map(owned).collect())
        }
        ("amounts", Value::Array(list)) => {
            let name = |it: &Value| it.get("category_id")?.as_str().map(str::to_owned);
            list.iter().map(|it| Some((name(it)?, it.clone()))).collect()
        }
        _ => None,
    }
}

/// An object with other members; it stays what it is and keeps its revision.
pub(crate) fn with_fields(object: &Object, fields: Fields) -> Result<Object> {
    let mut map = Map::new();
    // What is taken apart may have lost its last member.
    for (name, value) in members(object)? {
        match inside(&name, &value) {
            Some(_) if value.is_array() => drop(map.insert(name, Value::Array(Vec::new()))),
            Some(_) => drop(map.insert(name, Value::Object(Map::new()))),
            None if name == "revision" => drop(map.insert(name, value)),
            None => {}
        }
    }
    for (name, value) in fields {
        let Some((outer, inner)) = name.split_once(INSIDE) else {
            map.insert(name, value);
            continue;
        };
        match map.get_mut(outer) {
            Some(Value::Object(members)) => drop(members.insert(inner.to_owned(), value)),
            Some(Value::Array(list)) => list.push(value),
            _ => return Err(Error::corrupt("a member has no place")),
        }
    }
    match object {
        Object::Document(document) => {
            Document::from_map(document.kind(), map).map(Object::Document)
        }
        Object::Transaction(_) => serde_json::from_value(Value::Object(map))
            .map(|it| Object::Transaction(Box::new(it)))
            .map_err(|_| Error::corrupt("a transaction cannot be read")),
    }
}

impl Object {
    /// The names of the members that another object of the kind does not have, or has other.
    pub(crate) fn differs_in(&self, other: &Self) -> Result<Vec<String>> {
        let (ours, theirs) = (members(self)?, members(other)?);
        let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let differs = |name: &&String| ours.get(*name) != theirs.get(*name);
        Ok(names.into_iter().filter(differs).cloned().collect())
    }
}

/// The unit that a field belongs to.
pub(crate) fn unit<'a>(kind: &str, field: &'a str) -> &'a str {
    match field {
        _ if kind != TRANSACTION => field,
        "splits" => "category",
        field => field.strip_suffix("_source").or(field.strip_suffix("_id")).unwrap_or(field),
    }
}

/// The units in which the images of a change differ; of what is made or taken away, all.
pub(crate) fn changed_units(change: &Change) -> Result<BTreeSet<String>> {
    let of = |object: &Option<Object>| object.as_ref().map(fields).transpose();
    let kind = change.subject().map(Object::kind).unwrap_or_default();
    let before = of(&change.before)?.unwrap_or_default();
    let after = of(&change.after)?.unwrap_or_default();
    let names = before.keys().chain(after.keys());
    let changed = names.filter(|name| before.get(*name) != after.get(*name));
    Ok(changed.map(|name| unit(kind, name).to_owned()).collect())
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::conformance::stores::{Scribe, samples};

    #[test]
    fn what_is_taken_apart_is_put_together_again() {
        // Holds: for every kind of object, flat members make the object that they were made of.
        let scribe = Scribe::new(1);
        let documents = samples::documents(&scribe).into_iter().map(Object::Document);
        for object in documents.chain([samples::full_transaction(&scribe).into()]) {
            let flat = fields(&object).unwrap();
            assert!(with_fields(&object, flat).unwrap() == object, "{}", object.kind());
        }
    }
}
