//! Who entered what of a book, so far as its old commits tell that are to be sealed: a seal keeps
//! what of it still stands elsewhere, or nobody could be told it, nor have it erased.

use std::collections::BTreeMap;

use super::entered::Entered;
use super::{ENTERED, Name};
use crate::log::{Authorship, CommitTexts};
use crate::model::ActorId;

/// What each member entered, and what of it is kept.
#[derive(Default)]
pub(in crate::engine) struct Authors(BTreeMap<ActorId, (Entered, Entered)>);

impl Authors {
    /// Takes note of what an earlier seal kept.
    pub(in crate::engine) fn learn_sealed(&mut self, seal: &CommitTexts) {
        for record in &seal.sealed {
            self.0.entry(record.by.clone()).or_default().0.learn_sealed(record);
        }
    }

    /// Reads a commit that is to be sealed; after the one before it.
    pub(in crate::engine) fn read(&mut self, texts: &CommitTexts) {
        self.forget(texts);
        let (actor, action) = texts.header();
        let (entered, _) = self.0.entry(actor.clone()).or_default();
        texts.changes.iter().for_each(|change| entered.learn(action, change));
        self.carry(texts);
    }

    /// Reads a commit that stays: what stands in it is kept.
    pub(in crate::engine) fn follow(&mut self, texts: &CommitTexts) {
        self.forget(texts);
        self.carry(texts);
        for change in &texts.changes {
            let name: Name = (change.kind.clone(), change.key.clone());
            for image in [&change.before, &change.after].into_iter().flatten() {
                for (entered, kept) in self.0.values_mut() {
                    entered.keep(kept, &name, image);
                }
            }
        }
    }

    /// What a seal keeps.
    pub(in crate::engine) fn records(&self) -> Vec<Authorship> {
        self.0.iter().flat_map(|(by, (_, kept))| kept.records(by)).collect()
    }

    fn carry(&mut self, texts: &CommitTexts) {
        let (_, action) = texts.header();
        for (entered, _) in self.0.values_mut() {
            entered.carry(action, &texts.changes);
        }
    }

    /// What was erased is nobody's any more.
    fn forget(&mut self, texts: &CommitTexts) {
        let Some(event) = &texts.erasure else { return };
        if event.aggregate_type == "book" {
            self.0.clear();
        } else if event.payload.get(ENTERED).is_some_and(|it| it == "true") {
            self.0.retain(|actor, _| actor.as_str() != event.aggregate_id);
        }
    }
}
