//! What commits did since the one that is to be taken back, as far as it concerns it.
//!
//! They are read one after the other and let go: what stays is which of the objects they touched,
//! and who names now what the undo would take away or bring back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::names::{is_exclusive, is_named, names, needed};
use super::{Key, Undone, key_of};
use crate::error::Result;
use crate::log::{Change, NewEvent, Object, RESTATE, StoredCommit, changed_units};
use crate::model::{CustomCurrency, Document};
use crate::money::Currency;

/// The event that tells of an undo.
pub(super) const UNDONE: &str = "history.commit.undone";

/// What a commit did to one of the objects.
struct Touch {
    /// Whether it made it or took it away.
    whole: bool,
    /// The units that it changed.
    units: BTreeSet<String>,
}

/// A later commit that touched one of the objects, or took another commit back.
struct LaterCommit {
    seq: u64,
    /// The commit that it took back, whole.
    undoes: Option<u64>,
    touched: BTreeMap<usize, Touch>,
}

/// What later commits did.
#[derive(Default)]
pub(super) struct Later {
    /// The commit that is to be taken back.
    target: u64,
    /// The last commit that was read.
    pub(super) seq: u64,
    places: HashMap<Key, usize>,
    /// The names to look out for.
    watched: HashSet<String>,
    commits: Vec<LaterCommit>,
    /// The watched names that objects have come to name since and still do, and by which commit.
    named: BTreeMap<Key, BTreeMap<String, u64>>,
    /// The watched names of objects that are gone, and by which commit.
    gone: HashMap<String, u64>,
    /// The categories that got their place in the tree since, and by which commit.
    moved: HashMap<String, u64>,
}

impl Later {
    pub(super) fn of(target: u64, undone: &[Undone]) -> Result<Self> {
        let subjects = undone.iter().filter_map(|it| it.before.as_ref().or(it.after.as_ref()));
        let places = subjects.enumerate().map(|(at, object)| (key_of(object), at)).collect();
        let mut watched = HashSet::new();
        for it in undone {
            match (&it.before, &it.after) {
                (None, Some(made)) if is_named(made) => drop(watched.insert(made.key())),
                (Some(before), _) => {
                    watched.extend(needed(before)?);
                    watched.extend(names(before)?.into_iter().filter(|name| is_exclusive(name)));
                    watched.extend(currencies(it.after.as_ref()));
                }
                _ => {}
            }
        }
        Ok(Self { target, seq: target, places, watched, ..Self::default() })
    }

    /// Reads the next commit.
    pub(super) fn read(&mut self, commit: &StoredCommit) -> Result<()> {
        let opened = commit.open()?;
        if opened.action() == RESTATE {
            self.seq = commit.seq;
            return Ok(());
        }
        let mut touched = BTreeMap::new();
        for change in &opened.changes {
            let Some(subject) = change.subject() else { continue };
            let key = key_of(subject);
            if let Some(at) = self.places.get(&key) {
                let whole = change.before.is_none() || change.after.is_none();
                let units = changed_units(change)?;
                let touch = touched.entry(*at);
                let touch: &mut Touch =
                    touch.or_insert_with(|| Touch { whole: false, units: BTreeSet::new() });
                touch.whole |= whole;
                touch.units.extend(units);
            }
            self.follow(commit.seq, key, change)?;
        }
        let undoes = opened.events.iter().find_map(undone_whole);
        if undoes.is_some() || !touched.is_empty() {
            self.commits.push(LaterCommit { seq: commit.seq, undoes, touched });
        }
        self.seq = commit.seq;
        Ok(())
    }

    /// Keeps up with who names what.
    fn follow(&mut self, seq: u64, key: Key, change: &Change) -> Result<()> {
        if self.watched.is_empty() {
            return Ok(());
        }
        let of = |object: &Option<Object>| object.as_ref().map(names).transpose();
        let before = of(&change.before)?.unwrap_or_default();
        let after = of(&change.after)?.unwrap_or_default();
        let is_watched = self.watched.contains(&key.1);
        if is_watched && change.subject().is_some_and(is_named) {
            match &change.after {
                None => drop(self.gone.insert(key.1.clone(), seq)),
                Some(_) => drop(self.gone.remove(&key.1)),
            }
        }
        let parent = |object: &Option<Object>| match object {
            Some(Object::Document(Document::Category(it))) => Some(it.parent_id),
            _ => None,
        };
        if parent(&change.after).is_some() && parent(&change.before) != parent(&change.after) {
            self.moved.insert(key.1.clone(), seq);
        }
        let new = after.iter().filter(|name| self.watched.contains(*name));
        let new: Vec<String> = new.filter(|name| !before.contains(*name)).cloned().collect();
        if new.is_empty() && !self.named.contains_key(&key) {
            return Ok(());
        }
        let named = self.named.entry(key.clone()).or_default();
        named.retain(|name, _| after.contains(name));
        named.extend(new.into_iter().map(|name| (name, seq)));
        if named.is_empty() {
            self.named.remove(&key);
        }
        Ok(())
    }

    /// Which of the later commits stand: those that were taken back whole do not, and neither do
    /// the undos that did it.
    pub(super) fn standing(&self) -> Standing<'_> {
        let mut dead = HashSet::new();
        let mut standing = Standing { undone_by: None, touches: HashMap::new() };
        for commit in self.commits.iter().rev() {
            if dead.contains(&commit.seq) {
                continue;
            }
            if let Some(undone) = commit.undoes {
                dead.insert(undone);
                if undone == self.target {
                    standing.undone_by = Some(commit.seq);
                }
                if undone >= self.target {
                    continue;
                }
            }
            for (at, touch) in &commit.touched {
                standing.touches.entry(*at).or_default().push((commit.seq, touch));
            }
        }
        standing
    }

    /// Where one of the objects stands in their list.
    pub(super) fn place(&self, key: &Key) -> Option<usize> {
        self.places.get(key).copied()
    }

    /// Who has come to name something since, and by which commit.
    pub(super) fn named_by(&self) -> HashMap<&str, Vec<(&Key, u64)>> {
        let mut named_by: HashMap<&str, Vec<(&Key, u64)>> = HashMap::new();
        for (key, named) in &self.named {
            for (name, seq) in named {
                named_by.entry(name).or_default().push((key, *seq));
            }
        }
        named_by
    }

    /// The commit that took away what has that name; `None` where it is there.
    pub(super) fn gone(&self, name: &str) -> Option<u64> {
        self.gone.get(name).copied()
    }

    /// The commit that gave a category its place in the tree.
    pub(super) fn moved(&self, id: &str) -> Option<u64> {
        self.moved.get(id).copied()
    }
}

/// The commits that stand, by the objects that they touched.
pub(super) struct Standing<'a> {
    /// The commit that took the target back already.
    pub(super) undone_by: Option<u64>,
    touches: HashMap<usize, Vec<(u64, &'a Touch)>>,
}

impl Standing<'_> {
    /// The commits that touched an object, be it that they left its members as they were: a merge
    /// makes it stand for another one, too.
    pub(super) fn touched(&self, at: usize) -> BTreeSet<u64> {
        self.touches.get(&at).into_iter().flatten().map(|(seq, _)| *seq).collect()
    }

    /// The commits that touched such units of an object.
    pub(super) fn touching(&self, at: usize, units: impl Fn(&str) -> bool) -> BTreeSet<u64> {
        let touches = self.touches.get(&at).into_iter().flatten();
        let meets = |touch: &Touch| touch.whole || touch.units.iter().any(|unit| units(unit));
        touches.filter(|(_, touch)| meets(touch)).map(|(seq, _)| *seq).collect()
    }
}

/// The commit that an event says was taken back whole.
fn undone_whole(event: &NewEvent) -> Option<u64> {
    let is_whole = event.payload.get("kept").is_some_and(|kept| kept == "0");
    let seq = event.payload.get("seq").filter(|_| is_whole && event.name == UNDONE)?;
    seq.parse().ok()
}

/// The currencies of its own that a book knows, as others name them.
pub(super) fn currencies(object: Option<&Object>) -> Vec<String> {
    let Some(Object::Document(Document::Book(book))) = object else { return Vec::new() };
    let stored = |it: &CustomCurrency| Some(Currency::custom(&it.code, it.exponent).ok()?.stored());
    book.currencies.iter().filter_map(stored).collect()
}
