//! What objects name: other objects by their ids, and what only one object may have.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::Result;
use crate::id::AccountId;
use crate::log::Object;
use crate::model::metadata::TRANSFER_ACCOUNT_ID;
use crate::model::{Document, DocumentKind, Source, Transaction};

/// What stands before a name that only one object may have: no id begins like that.
const ONLY_ONE: char = '=';

/// Whether only one object may have that name.
pub(super) fn is_exclusive(name: &str) -> bool {
    name.starts_with(ONLY_ONE)
}

/// Everything that an object names: ids of others, and what it alone may have.
pub(in crate::engine) fn names(object: &Object) -> Result<BTreeSet<String>> {
    match object {
        Object::Transaction(it) => Ok(of_transaction(it)),
        Object::Document(Document::Alert(_) | Document::Milestone(_)) => Ok(BTreeSet::new()),
        Object::Document(document) => {
            let mut names = BTreeSet::new();
            document.to_map()?.values().for_each(|value| leaves(value, &mut names));
            names.extend(claim(document));
            Ok(names)
        }
    }
}

/// The names of objects without which this one cannot be.
pub(super) fn needed(object: &Object) -> Result<BTreeSet<String>> {
    match object {
        Object::Transaction(it) => Ok(parts_of(it).collect()),
        Object::Document(_) => names(object),
    }
}

/// Whether others name an object of that kind by its key.
pub(super) fn is_named(object: &Object) -> bool {
    let Object::Document(document) = object else { return true };
    matches!(
        document.kind(),
        DocumentKind::Account
            | DocumentKind::Category
            | DocumentKind::Payee
            | DocumentKind::Rule
            | DocumentKind::Budget
            | DocumentKind::Import
            | DocumentKind::Layout
            | DocumentKind::Schedule
            | DocumentKind::Goal
    )
}

fn parts_of(it: &Transaction) -> impl Iterator<Item = String> {
    let split = it.splits.iter().filter_map(|part| part.category_id);
    let categories = it.category_id.into_iter().chain(split).map(|id| id.to_string());
    [it.account_id.to_string()]
        .into_iter()
        .chain(categories)
        .chain(it.schedule_id.map(|id| id.to_string()))
        .chain(it.goal_id.map(|id| id.to_string()))
        .chain(it.transfer_id.map(|id| id.to_string()))
}

fn of_transaction(it: &Transaction) -> BTreeSet<String> {
    let sources = [
        &it.category_source,
        &it.payee_source,
        &it.tags_source,
        &it.notes_source,
        &it.status_source,
        &it.schedule_source,
        &it.goal_source,
    ];
    let reference = |source: &Source| source.reference.clone();
    let mut names: BTreeSet<String> = parts_of(it).collect();
    names.extend(sources.into_iter().flatten().filter_map(reference));
    names.extend(it.metadata.get(TRANSFER_ACCOUNT_ID).cloned());
    for origin in &it.origins {
        names.insert(origin.import_id.to_string());
        names.insert(row(origin.account_id, &origin.fingerprint));
    }
    names
}

/// A row of a bank, which stands for one transaction.
fn row(account_id: AccountId, fingerprint: &str) -> String {
    format!("{ONLY_ONE}row/{account_id}/{fingerprint}")
}

/// The name that no other document of its kind may have.
fn claim(document: &Document) -> Option<String> {
    match document {
        Document::Account(it) => Some(format!("{ONLY_ONE}account/{}", it.name)),
        Document::Category(it) => {
            let parent = it.parent_id.map(|id| id.to_string()).unwrap_or_default();
            Some(format!("{ONLY_ONE}category/{parent}/{}", it.name))
        }
        _ => None,
    }
}

/// Texts inside a value: ids are such.
fn leaves(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(list) => list.iter().for_each(|it| leaves(it, found)),
        Value::Object(members) => members.values().for_each(|it| leaves(it, found)),
        _ => {}
    }
}
