//! What happened to a book, and the proof of it.

use serde::{Deserialize, Serialize};

use super::noun;
use super::undo::{CommitUndone, NewUndo, UndoCommit};
use crate::error::{Error, ErrorCode, Result};
use crate::limits::{MAX_ATTEMPTS, MAX_HISTORY_PAGE};
use crate::log::{Entry, ObjectChange, StoredCommit, Verification};
use crate::model::Role;
use crate::store::{COMMITS, verify_book, verify_past};

/// Which part of the history to list, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct HistoryQuery {
    /// What follows this sequence number; from the beginning where absent.
    pub after: Option<u64>,
    /// How many commits at most, 1 to 500; 100 where absent.
    pub limit: Option<u32>,
}

impl HistoryQuery {
    pub(super) fn checked(&self) -> Result<(u64, usize)> {
        Ok((self.after.unwrap_or(0), checked_limit(self.limit)?))
    }
}

fn checked_limit(limit: Option<u32>) -> Result<usize> {
    let limit = limit.unwrap_or(100);
    if !(1..=MAX_HISTORY_PAGE).contains(&limit) {
        let text = format!("`limit` is from 1 to {MAX_HISTORY_PAGE}");
        return Err(Error::invalid("limit", text));
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Which part of an object's history to list, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ObjectQuery {
    /// The kind of the object, such as `transaction`, where an id names several: an envelope has
    /// that of its category. Any where absent.
    pub kind: Option<String>,
    /// What follows this sequence number; from the beginning where absent.
    pub after: Option<u64>,
    /// How many commits at most, 1 to 500; 100 where absent.
    pub limit: Option<u32>,
}

noun! {
    /// What happened, and the proof of it.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::engine::HistoryQuery;
    ///
    /// for entry in book.history().list(HistoryQuery::default()).await? {
    ///     println!("{} {} {}", entry.at, entry.actor, entry.action);
    /// }
    /// let verification = book.history().verify().await?;
    /// println!("{} commits, head {:?}", verification.commits, verification.head);
    /// verification.ok()?;
    /// # Ok(()) }
    /// ```
    History
}

impl History<'_> {
    /// The commits, oldest first. Of one that is sealed it is not known why it was made, nor which
    /// events followed.
    pub async fn list(&self, query: HistoryQuery) -> Result<Vec<Entry>> {
        self.book.authorised(Role::Viewer).await?;
        let (after, limit) = query.checked()?;
        let mut entries = Vec::new();
        self.commits(after, |commit| {
            entries.push(commit.entry()?);
            Ok(entries.len() < limit)
        })
        .await?;
        Ok(entries)
    }

    /// What happened to one object, oldest first, commit by commit: its fields before and after,
    /// who, when and why. `id` is the id of a transaction or of any document: a member's actor id,
    /// an envelope's category, an assignment's month. What happened to it in commits that are
    /// sealed is not known any more: `books.restate`, which changes nothing, is what tells of it.
    ///
    /// Errors: `not_found` where nothing ever happened to it.
    pub async fn object(&self, id: String, query: ObjectQuery) -> Result<Vec<ObjectChange>> {
        self.book.authorised(Role::Viewer).await?;
        let limit = checked_limit(query.limit)?;
        let (mut found, mut commits) = (Vec::new(), 0_usize);
        self.commits(query.after.unwrap_or(0), |commit| {
            let mut changes = commit.changes_of(&id)?;
            changes.retain(|it| query.kind.as_ref().is_none_or(|kind| it.kind == *kind));
            commits = commits.saturating_add(usize::from(!changes.is_empty()));
            found.extend(changes);
            Ok(commits < limit)
        })
        .await?;
        if found.is_empty() && query.after.is_none() {
            return Err(Error::not_found("object", id.chars().take(64).collect::<String>()));
        }
        Ok(found)
    }

    /// Takes back what a commit did, in a commit of its own: the book is as if it had not been.
    /// `id` is its sequence number. An undo can be taken back like any other commit, which brings
    /// back what it took.
    ///
    /// What the commit announced stays announced: alerts of budgets and milestones of goals.
    ///
    /// Errors: `undo_blocked` where later commits changed the same fields, or something depends on
    /// what would go; its `id` names them. `not_undoable` for what is never taken back: the making
    /// of the book, changes of its members, and what was erased or sealed since. `forbidden` where
    /// the book itself was changed and the actor is no owner.
    pub async fn undo(&self, id: String, how: NewUndo) -> Result<CommitUndone> {
        self.book.authorised(Role::Member).await?;
        let not_found = || Error::not_found("commit", id.chars().take(64).collect::<String>());
        let seq: u64 = id.parse().map_err(|_| not_found())?;
        let mut undo = UndoCommit::new(seq, how);
        if let Some(answer) = self.book.repeated(&undo).await? {
            return Ok(answer);
        }
        let before = seq.checked_sub(1).ok_or_else(not_found)?;
        // A commit never changes, but for what is erased or sealed of it: it may be read before the
        // decision.
        let store = &self.book.engine.inner.store;
        let commits = store.commits(self.book.book_id, before, 1).await?;
        let commit = commits.first().filter(|it| it.seq == seq).ok_or_else(not_found)?;
        let gone =
            || Error::new(ErrorCode::NotUndoable, "what it did was erased or sealed").id(seq);
        if commit.is_sealed() {
            return Err(gone());
        }
        undo.read(commit.open()?)?;
        for _ in 0..MAX_ATTEMPTS {
            let head = self.book.authorised(undo.role()).await?.head;
            let mut may_be_gone = false;
            self.commits(undo.seen(), |commit| {
                let goes_on = commit.seq < head.seq;
                if commit.is_sealed() {
                    // Then so is what is before it.
                    return Err(gone());
                }
                if commit.seq <= head.seq {
                    may_be_gone = may_be_gone || commit.takes_away()?;
                    undo.see(&commit)?;
                }
                Ok(goes_on)
            })
            .await?;
            if may_be_gone && store.commits(self.book.book_id, before, 1).await? != commits {
                return Err(gone());
            }
            match self.book.run(&undo).await {
                // The book has moved on meanwhile: what was done is to be looked at, too.
                Err(error) if error.code() == ErrorCode::Conflict => {}
                result => return result,
            }
        }
        Err(Error::new(ErrorCode::Conflict, "the book is being changed too fast; try again"))
    }

    /// Checks every byte of the book's history against its hashes and every link against its
    /// parent; what is wrong is in the answer, not an error. As of an earlier point it is the
    /// history up to there and no more.
    pub async fn verify(&self) -> Result<Verification> {
        self.book.authorised(Role::Viewer).await?;
        let store = &*self.book.engine.inner.store;
        match &self.book.present {
            Some(present) => {
                let present = &*present.inner.store;
                verify_past((store, present), self.book.book_id).await
            }
            None => verify_book(store, self.book.book_id).await,
        }
    }

    /// Looks at the commits after a sequence number, oldest first, as long as it is told to go on.
    /// No more than a few are in memory at a time.
    pub(super) async fn commits(
        &self,
        mut after: u64,
        mut visit: impl FnMut(StoredCommit) -> Result<bool>,
    ) -> Result<()> {
        let store = &self.book.engine.inner.store;
        loop {
            let commits = store.commits(self.book.book_id, after, COMMITS).await?;
            let Some(last) = commits.last() else { return Ok(()) };
            after = last.seq;
            for commit in commits {
                if !visit(commit)? {
                    return Ok(());
                }
            }
        }
    }
}
