//! What taking a commit back has to come to, and when it has to be refused: told from the decoded
//! history alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::log::{Change, Commit, Key, Members, State, apply_members, changed};

/// What is announced stays announced: no undo touches it.
pub fn is_announced(kind: &str) -> bool {
    ["alert", "milestone"].contains(&kind)
}

/// A state without what is announced.
pub fn without_announced(mut state: State) -> State {
    state.retain(|key, _| !is_announced(&key.0));
    state
}

/// The commits whose undo stands, whole.
pub fn taken_back(commits: &[Commit]) -> BTreeSet<u64> {
    let mut dead = BTreeSet::new();
    for commit in commits.iter().rev() {
        if let (false, Some((undone, true))) = (dead.contains(&commit.seq), commit.undoes) {
            dead.insert(undone);
        }
    }
    dead
}

/// The commits that count: neither taken back nor such that take back whole.
pub fn standing(commits: &[Commit]) -> Vec<&Commit> {
    let dead = taken_back(commits);
    let counts =
        |it: &&Commit| !dead.contains(&it.seq) && !it.undoes.is_some_and(|(_, whole)| whole);
    commits.iter().filter(counts).collect()
}

/// The book as if a commit had not been. Where that is an undo, what it took back counts again.
pub fn without(commits: &[Commit], seq: u64) -> State {
    let rest: Vec<Commit> = commits.iter().filter(|it| it.seq != seq).cloned().collect();
    let mut state = State::new();
    for commit in standing(&rest) {
        commit.changes.iter().for_each(|change| apply_members(&mut state, change));
    }
    without_announced(state)
}

/// What a commit did to each object, all in all.
pub fn own(commit: &Commit) -> BTreeMap<Key, Change> {
    let mut own: BTreeMap<Key, Change> = BTreeMap::new();
    for change in &commit.changes {
        match own.get_mut(&change.key) {
            Some(first) => first.after.clone_from(&change.after),
            None => drop(own.insert(change.key.clone(), change.clone())),
        }
    }
    own.retain(|key, change| {
        !(is_announced(&key.0) && change.before.is_none()) && change.before != change.after
    });
    own
}

fn units(kind: &str, names: &BTreeSet<String>) -> BTreeSet<String> {
    let unit = |name: &String| match name.as_str() {
        _ if kind != "transaction" => name.clone(),
        "splits" | "split_notes" => "category".to_owned(),
        "fingerprints" | "bank_ids" => "origins".to_owned(),
        "currency" => "minor".to_owned(),
        name => name.strip_suffix("_source").unwrap_or(name).to_owned(),
    };
    names.iter().map(unit).collect()
}

/// Why a commit cannot be taken back; `None` where it can.
pub fn conflict(commits: &[Commit], seq: u64, now: &State) -> Option<String> {
    if taken_back(commits).contains(&seq) {
        return Some("it is taken back already".to_owned());
    }
    let commit = &commits[usize::try_from(seq).unwrap() - 1];
    let own = own(commit);
    for later in standing(commits).into_iter().chain(half_standing(commits, seq)) {
        if later.seq <= seq {
            continue;
        }
        for change in &later.changes {
            let Some(mine) = own.get(&change.key) else { continue };
            let whole = |it: &Change| it.before.is_none() || it.after.is_none();
            let kind = &change.key.0;
            let theirs = units(kind, &changed(change));
            let mine_units = units(kind, &changed(mine));
            if whole(mine) || whole(change) || !theirs.is_disjoint(&mine_units) {
                return Some(format!("{} changed the same {:?}", later.seq, change.key));
            }
        }
    }
    inconsistent(&without(commits, seq), now, &own, commits, seq)
}

/// Undos after a commit of what was before it: they count although they cancel something.
fn half_standing(commits: &[Commit], seq: u64) -> Vec<&Commit> {
    let dead = taken_back(commits);
    let is_it = |it: &&Commit| {
        let whole = it.undoes.filter(|(_, whole)| *whole);
        !dead.contains(&it.seq) && whole.is_some_and(|(undone, _)| undone < seq)
    };
    commits.iter().filter(is_it).collect()
}

/// Texts anywhere in members.
pub fn leaves(members: &Members) -> BTreeSet<String> {
    fn collect(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => drop(found.insert(text.clone())),
            Value::Array(list) => list.iter().for_each(|it| collect(it, found)),
            Value::Object(inner) => inner.values().for_each(|it| collect(it, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    members.values().for_each(|value| collect(value, &mut found));
    found
}

fn text<'a>(members: &'a Members, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

/// Which kinds others name by key.
fn is_named(kind: &str) -> bool {
    ["account", "category", "rule", "budget", "import", "layout", "schedule", "goal", "transaction"]
        .contains(&kind)
}

/// Whether an object has come to name another one after a commit. One that named it before, while
/// it was gone, such as a transaction the rule that once chose for it, is what it was then.
fn is_named_since(commits: &[Commit], seq: u64, of: &Key, name: &str) -> bool {
    let names = |it: &Option<Members>| it.as_ref().is_some_and(|it| leaves(it).contains(name));
    let later = commits.iter().filter(|it| it.seq > seq).flat_map(|it| &it.changes);
    let mut turns = later.filter(|it| it.key == *of && names(&it.before) != names(&it.after));
    turns.next_back().is_some_and(|it| names(&it.after))
}

fn inconsistent(
    state: &State,
    now: &State,
    own: &BTreeMap<Key, Change>,
    commits: &[Commit],
    seq: u64,
) -> Option<String> {
    for (key, change) in own {
        let goes = change.before.is_none() && is_named(&key.0) && !state.contains_key(key);
        let names = |it: (&Key, &Members)| it.0 != key && leaves(it.1).contains(&key.1);
        let since = |of: &Key| is_named_since(commits, seq, of, &key.1);
        if goes && state.iter().any(|it| names(it) && since(it.0)) {
            return Some(format!("something names {key:?}"));
        }
        if let Some(why) = comes_back_wrong(state, now, key, commits, seq) {
            return Some(why);
        }
    }
    names_twice(state)
        .or_else(|| cycle(state))
        .or_else(|| missing_currency(state, now))
        .or_else(|| state.iter().find_map(|(key, it)| broken(state, key, it)))
}

/// What an object would name although it is gone, a lock that would be broken, a row twice.
fn comes_back_wrong(
    state: &State,
    now: &State,
    key: &Key,
    commits: &[Commit],
    seq: u64,
) -> Option<String> {
    let own = own(&commits[usize::try_from(seq).unwrap() - 1]);
    let change = &own[key];
    let had = now.get(key);
    if key.0 == "transaction"
        && let Some(had) = had.filter(|it| text(it, "status") == Some("reconciled"))
    {
        let locked = ["account", "date", "minor", "deleted"];
        let is = state.get(key);
        let differs = locked.iter().any(|name| is.and_then(|is| is.get(*name)) != had.get(*name));
        let opened = changed(change).contains("status");
        if is.is_some() && differs && !opened {
            return Some(format!("{key:?} is locked"));
        }
    }
    let is = state.get(key)?;
    let had_names = had.map(leaves).unwrap_or_default();
    let soft = soft_names(is);
    for name in leaves(is).difference(&had_names).filter(|name| !soft.contains(*name)) {
        let gone = |it: &Change| it.key.1 == *name && is_named(&it.key.0) && it.after.is_none();
        let mut later = commits.iter().filter(|it| it.seq > seq).flat_map(|it| &it.changes);
        if later.any(gone) && !state.keys().any(|other| other.1 == *name) {
            return Some(format!("{key:?} would name {name}, which is gone"));
        }
    }
    let rows = rows(is);
    let had_rows = had.map(self::rows).unwrap_or_default();
    for row in rows.difference(&had_rows) {
        let brought = |it: &Change| {
            let after = it.after.as_ref().map(self::rows).unwrap_or_default();
            let before = it.before.as_ref().map(self::rows).unwrap_or_default();
            it.key != *key && after.contains(row) && !before.contains(row)
        };
        let holder = |other: &Key| {
            let mut later = commits.iter().filter(|it| it.seq > seq).flat_map(|it| &it.changes);
            state.get(other).is_some_and(|it| self::rows(it).contains(row))
                && later.any(|it| it.key == *other && brought(it))
        };
        if state.keys().any(|other| other != key && holder(other)) {
            return Some(format!("{key:?} would have a row that came again"));
        }
    }
    None
}

/// Names that may stand for what is gone: who set a field, which import brought a row.
fn soft_names(members: &Members) -> BTreeSet<String> {
    let soft = members.iter().filter(|(name, _)| name.ends_with("_source") || *name == "origins");
    leaves(&soft.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn rows(members: &Members) -> BTreeSet<(String, String)> {
    let list = |name: &str| members.get(name).and_then(Value::as_array).cloned();
    let origins = list("origins").unwrap_or_default().into_iter();
    let prints = list("fingerprints").unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    origins.zip(prints).map(|(origin, print)| (text(&origin["account"]), text(&print))).collect()
}

fn names_twice(state: &State) -> Option<String> {
    let mut seen = BTreeSet::new();
    for (key, it) in state {
        let name = match key.0.as_str() {
            "account" => (key.0.clone(), String::new(), text(it, "name")?.to_owned()),
            "category" => {
                let parent = text(it, "parent_id").unwrap_or_default().to_owned();
                (key.0.clone(), parent, text(it, "name")?.to_owned())
            }
            _ => continue,
        };
        if !seen.insert(name) {
            return Some(format!("the name of {key:?} is taken"));
        }
    }
    None
}

fn cycle(state: &State) -> Option<String> {
    let parent = |id: &str| {
        let category = state.get(&("category".to_owned(), id.to_owned()))?;
        text(category, "parent_id").map(str::to_owned)
    };
    let categories = state.keys().filter(|key| key.0 == "category");
    let turns = |key: &&Key| {
        let mut next = Some(key.1.clone());
        (0..=state.len()).any(|_| {
            next = next.as_deref().and_then(parent);
            next.is_none()
        })
    };
    categories.into_iter().find(|key| !turns(key)).map(|key| format!("{key:?} is below itself"))
}

fn missing_currency(state: &State, now: &State) -> Option<String> {
    let known = |state: &State| {
        state.iter().any(|(key, it)| {
            key.0 == "book"
                && it.get("currencies").is_some_and(|it| it.to_string().contains("MILES"))
        })
    };
    let used = state.iter().any(|(_, it)| leaves(it).contains("MILES:0"));
    (known(now) && !known(state) && used).then(|| "a currency is in use".to_owned())
}

/// A transaction that does not hold together.
fn broken(state: &State, key: &Key, it: &Members) -> Option<String> {
    if key.0 != "transaction" {
        return None;
    }
    let there = |kind: &str, id: &str| state.contains_key(&(kind.to_owned(), id.to_owned()));
    for kind in ["account", "category", "schedule", "goal"] {
        if text(it, kind).is_some_and(|id| !there(kind, id)) {
            return Some(format!("{key:?} has no {kind}"));
        }
    }
    let minor = |it: &Members| it["minor"].as_i64().unwrap();
    let splits = it.get("splits").and_then(Value::as_array).cloned().unwrap_or_default();
    for split in &splits {
        if split["category"].as_str().is_some_and(|id| !there("category", id)) {
            return Some(format!("a part of {key:?} has no category"));
        }
    }
    let sum: i64 = splits.iter().map(|split| split["minor"].as_i64().unwrap()).sum();
    if !splits.is_empty() && (sum != minor(it) || it.contains_key("category")) {
        return Some(format!("the parts of {key:?} do not add up"));
    }
    let other = text(it, "transfer")?;
    let bad = || Some(format!("the transfer of {key:?} is uneven"));
    let Some(other) = state.get(&(key.0.clone(), other.to_owned())) else { return bad() };
    let whole = |it: &Members| {
        text(it, "status") != Some("void")
            && !it.contains_key("splits")
            && it.get("deleted") != Some(&Value::Bool(true))
    };
    let even = text(it, "currency") != text(other, "currency") || minor(it) + minor(other) == 0;
    let opposite = (minor(it) < 0) != (minor(other) < 0);
    let named = text(other, "transfer") == Some(&*key.1);
    let apart = text(it, "account") != text(other, "account");
    (!(whole(it) && whole(other) && even && opposite && named && apart)).then(|| bad().unwrap())
}

/// Whether a commit that a refusal names has to do with the one that is to be taken back.
pub fn concerns(commits: &[Commit], named: u64, seq: u64) -> bool {
    let commit = |seq: u64| &commits[usize::try_from(seq).unwrap() - 1];
    let mine = own(commit(seq));
    let images = |change: &Change| [change.before.clone(), change.after.clone()];
    let telling = |members: &Members| {
        let mut found = leaves(members);
        found.retain(|text| text.len() >= 32 || text == "MILES:0");
        found.extend(text(members, "name").map(str::to_owned));
        if members.get("currencies").is_some() {
            found.insert("MILES:0".to_owned());
        }
        found
    };
    let all = |changes: Vec<Change>| {
        let mut found: BTreeSet<String> = changes.iter().map(|it| it.key.1.clone()).collect();
        found.extend(changes.iter().flat_map(images).flatten().flat_map(|it| telling(&it)));
        found
    };
    let theirs = all(commit(named).changes.clone());
    let mine = all(mine.into_values().collect());
    let undid = commit(named).undoes.is_some_and(|(undone, _)| undone == seq);
    named > seq && (undid || !theirs.is_disjoint(&mine) || moves(commit(named)))
}

/// Whether a commit put a category elsewhere: then it may have closed a circle.
fn moves(commit: &Commit) -> bool {
    let moves = |it: &Change| it.key.0 == "category" && changed(it).contains("parent_id");
    commit.changes.iter().any(moves)
}
