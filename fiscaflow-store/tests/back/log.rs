//! The history as its bytes tell it, read without the engine: images as flat members.

use std::collections::{BTreeMap, BTreeSet};

use fiscaflow_core::BookId;
use fiscaflow_core::log::StoredCommit;
use fiscaflow_core::store::Store;
use serde_json::{Map, Value};

/// An object's members, those inside of others taken apart.
pub type Members = BTreeMap<String, Value>;
/// An object's kind and key.
pub type Key = (String, String);
/// A book: its objects.
pub type State = BTreeMap<Key, Members>;

/// A change of one object.
#[derive(Debug, Clone)]
pub struct Change {
    pub key: Key,
    pub before: Option<Members>,
    pub after: Option<Members>,
}

/// A commit.
#[derive(Debug, Clone)]
pub struct Commit {
    pub seq: u64,
    pub changes: Vec<Change>,
    /// The commit that it took back, and whether whole.
    pub undoes: Option<(u64, bool)>,
}

/// Every commit of a book.
pub async fn read(store: &dyn Store, book_id: BookId) -> Vec<Commit> {
    let commits = store.commits(book_id, 0, u32::MAX).await.unwrap();
    commits.iter().map(decode).collect()
}

fn decode(commit: &StoredCommit) -> Commit {
    let body: Value = serde_json::from_slice(&commit.body).unwrap();
    let mut texts = commit.texts.as_slice();
    let mut next = || -> Vec<u8> {
        let (head, rest) = texts.split_at(20);
        let length = u32::from_be_bytes(head[16..].try_into().unwrap()) as usize;
        let (text, rest) = rest.split_at(length);
        texts = rest;
        text.to_vec()
    };
    if !body["reason"].is_null() {
        next();
    }
    let mut image = |value: &Value| {
        let facts = value.get("facts")?.as_object()?.clone();
        let text = match value.get("text").filter(|text| !text.is_null()) {
            Some(_) => serde_json::from_slice(&next()).unwrap(),
            None => Map::new(),
        };
        Some(flat(facts.into_iter().chain(text)))
    };
    let changes = body["changes"].as_array().unwrap().iter();
    let changes = changes.map(|change| {
        let text = |name: &str| change[name].as_str().unwrap().to_owned();
        let key = (text("kind"), text("key"));
        Change { key, before: image(&change["before"]), after: image(&change["after"]) }
    });
    let changes = changes.collect();
    let events = body["events"].as_array().cloned().unwrap_or_default();
    let undone = events.iter().find(|event| event["name"] == "history.commit.undone");
    let undoes = undone.map(|event| {
        let payload = &event["payload"];
        (payload["seq"].as_str().unwrap().parse().unwrap(), payload["kept"] == "0")
    });
    Commit { seq: commit.seq, changes, undoes }
}

fn flat(members: impl Iterator<Item = (String, Value)>) -> Members {
    let mut flat = Members::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("metadata" | "learning", Value::Object(inner)) => {
                flat.extend(inner.into_iter().map(|(it, value)| (format!("{name}/{it}"), value)));
            }
            ("amounts", Value::Array(list)) => {
                for it in list {
                    let category = it["category_id"].as_str().unwrap().to_owned();
                    flat.insert(format!("{name}/{category}"), it);
                }
            }
            (_, Value::Null) => {}
            // What is left out and what is empty is the same.
            (_, Value::Array(list)) if list.is_empty() => {}
            (_, value) => drop(flat.insert(name, value)),
        }
    }
    flat
}

/// Applies a change whole.
pub fn apply(state: &mut State, change: &Change) {
    match &change.after {
        Some(after) => drop(state.insert(change.key.clone(), after.clone())),
        None => drop(state.remove(&change.key)),
    }
}

/// The members that a change makes other than before.
pub fn changed(change: &Change) -> BTreeSet<String> {
    let none = Members::new();
    let before = change.before.as_ref().unwrap_or(&none);
    let after = change.after.as_ref().unwrap_or(&none);
    let names = before.keys().chain(after.keys());
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// Applies a change member by member, as far as the object is there.
pub fn apply_members(state: &mut State, change: &Change) {
    let (Some(_), Some(after)) = (&change.before, &change.after) else {
        return apply(state, change);
    };
    let Some(object) = state.get_mut(&change.key) else { return };
    for name in changed(change) {
        match after.get(&name) {
            Some(value) => drop(object.insert(name, value.clone())),
            None => drop(object.remove(&name)),
        }
    }
}

/// What commits make of nothing.
pub fn fold<'a>(commits: impl IntoIterator<Item = &'a Commit>) -> State {
    let mut state = State::new();
    for commit in commits {
        commit.changes.iter().for_each(|change| apply(&mut state, change));
    }
    state
}
