//! Whether the view that is kept gives the figures that the rows give.
//!
//! It is read before the history, moved on with the commits that follow it, and compared with a
//! view of the rows at the end. Where it is so far behind, or texts were erased since, that nobody
//! would use it, only its place in the history is looked at.

use crate::engine::most_changes;
use crate::log::{Change, Finding, StoredCommit};
use crate::model::Transaction;
use crate::store::{ColumnRow, Snapshot};
use crate::view::{View, ViewBuilder};

/// The kept view, and one of the rows.
pub(super) struct Figures {
    kept: Snapshot,
    /// None once nobody would use it.
    view: Option<View>,
    /// How many changes it may still be moved on by.
    left: usize,
    builder: ViewBuilder,
    rows: Option<View>,
    readable: bool,
    /// Whether its commit is in the history.
    found: bool,
}

impl Figures {
    /// None where no view is kept.
    pub(super) fn new(kept: Option<Snapshot>) -> Option<Self> {
        let kept = kept.filter(|kept| !kept.bytes.is_empty())?;
        let view = View::from_bytes(kept.head.hash, &kept.bytes);
        let left = view.as_ref().map_or(0, most_changes);
        let readable = view.is_some();
        let kept = Snapshot { bytes: Vec::new(), ..kept };
        let (builder, rows, found) = (ViewBuilder::default(), None, false);
        Some(Self { kept, view, left, builder, rows, readable, found })
    }

    /// A change of a commit.
    pub(super) fn apply(&mut self, seq: u64, change: &Change) {
        if let Some(rows) = &mut self.rows {
            rows.apply(std::slice::from_ref(change));
        }
        if seq <= self.kept.head.seq {
            return;
        }
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => self.view = None,
        }
        if let Some(view) = &mut self.view {
            view.apply(std::slice::from_ref(change));
        }
    }

    /// A commit that was read.
    pub(super) fn end_commit(&mut self, commit: &StoredCommit, erases: bool) {
        if commit.seq == self.kept.head.seq {
            self.found = commit.hash == self.kept.head.hash;
        }
        if commit.seq > self.kept.head.seq && erases {
            self.view = None;
        }
    }

    pub(super) fn see(&mut self, row: &Transaction) {
        if self.view.is_some() {
            self.builder.add(&ColumnRow::from(row));
        }
    }

    /// Every row was seen.
    pub(super) fn end(&mut self) {
        self.rows = Some(std::mem::take(&mut self.builder).build());
    }

    /// What does not fit; `rows_fit` says whether the rows are as they should be.
    pub(super) fn finding(mut self, rows_fit: bool) -> Option<Finding> {
        let other = match (&mut self.view, &mut self.rows) {
            (Some(view), Some(rows)) => rows_fit && !view.is_same(rows),
            _ => false,
        };
        let problem = match (self.found, self.readable, other) {
            (false, _, _) => "is of no commit of the history",
            (true, false, _) => "cannot be read",
            (true, true, true) => "gives other figures than the rows",
            (true, true, false) => return None,
        };
        Some(Finding {
            since: Some(self.kept.head.seq).filter(|_| self.found),
            kind: "view".to_owned(),
            id: String::new(),
            fields: Vec::new(),
            problem: format!("the view that is kept {problem}"),
        })
    }
}
