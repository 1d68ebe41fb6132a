//! What happened to a book, and the proof of it.

use serde::{Deserialize, Serialize};

use super::noun;
use super::undo::{CommitUndone, UndoCommit};
use crate::error::{Error, Result};
use crate::limits::MAX_HISTORY_PAGE;
use crate::log::{Entry, ObjectChange, StoredCommit, Verification};
use crate::model::Role;
use crate::store::verify_book;

/// How many commits are read at a time: few, since one import may be one large commit.
const COMMITS: u32 = 16;

/// The verbs whose commits can be taken back: they give fields to transactions and do nothing else.
const UNDONE: [&str; 4] =
    ["rules.apply", "suggestions.apply", "transactions.recategorise", "history.undo"];

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
    pub(super) fn checked(&self) -> Result<(u64, u32)> {
        let limit = self.limit.unwrap_or(100);
        if !(1..=MAX_HISTORY_PAGE).contains(&limit) {
            let text = format!("`limit` is from 1 to {MAX_HISTORY_PAGE}");
            return Err(Error::invalid("limit", text));
        }
        Ok((self.after.unwrap_or(0), limit))
    }
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
    /// The commits, oldest first.
    pub async fn list(&self, query: HistoryQuery) -> Result<Vec<Entry>> {
        self.book.authorised(Role::Viewer).await?;
        let (after, limit) = query.checked()?;
        let mut entries = Vec::new();
        let read = self.commits(after, limit, |commit| {
            entries.push(commit.entry()?);
            Ok(())
        });
        read.await?;
        Ok(entries)
    }

    /// What happened to one object, oldest first; `id` is the id of a transaction or of any
    /// document, or a member's actor id.
    pub async fn object(&self, id: String) -> Result<Vec<ObjectChange>> {
        self.book.authorised(Role::Viewer).await?;
        let mut found = Vec::new();
        self.commits(0, u32::MAX, |commit| {
            found.extend(commit.change_of(&id)?);
            Ok(())
        })
        .await?;
        if found.is_empty() {
            return Err(Error::not_found("object", id.chars().take(64).collect::<String>()));
        }
        Ok(found)
    }

    /// Takes back what rules, suggestions or a [recategorisation] gave to transactions, in one
    /// commit; `id` is the sequence number of their commit. A field that was changed since stays as
    /// it is, and so does what was deleted. An undo can be taken back like any of these.
    ///
    /// [recategorisation]: super::Transactions::recategorise
    pub async fn undo(&self, id: String) -> Result<CommitUndone> {
        self.book.authorised(Role::Member).await?;
        let not_found = || Error::not_found("commit", id.chars().take(64).collect::<String>());
        let seq: u64 = id.parse().map_err(|_| not_found())?;
        let mut undo = UndoCommit::new(seq);
        if let Some(answer) = self.book.repeated(&undo).await? {
            return Ok(answer);
        }
        let before = seq.checked_sub(1).ok_or_else(not_found)?;
        // A commit never changes: it may be read before the decision.
        let commits = self.book.engine.inner.store.commits(self.book.book_id, before, 1).await?;
        let commit = commits.first().filter(|it| it.seq == seq).ok_or_else(not_found)?;
        if !UNDONE.contains(&commit.entry()?.action.as_str()) {
            let text = format!("what can be taken back here are commits of {}", UNDONE.join(", "));
            return Err(Error::invalid("id", text));
        }
        undo.read(commit.open()?.changes)?;
        self.book.run(&undo).await
    }

    /// Checks every byte of the book's history against its hashes and every link against its
    /// parent; what is wrong is in the answer, not an error.
    pub async fn verify(&self) -> Result<Verification> {
        self.book.authorised(Role::Viewer).await?;
        verify_book(&*self.book.engine.inner.store, self.book.book_id).await
    }

    /// Looks at the commits after a sequence number, oldest first, at most `limit` of them. No more
    /// than a few are in memory at a time, however many are asked for.
    pub(super) async fn commits(
        &self,
        mut after: u64,
        mut limit: u32,
        mut visit: impl FnMut(StoredCommit) -> Result<()>,
    ) -> Result<()> {
        let store = &self.book.engine.inner.store;
        while limit > 0 {
            let asked = limit.min(COMMITS);
            let commits = store.commits(self.book.book_id, after, asked).await?;
            let Some(last) = commits.last() else { break };
            after = last.seq;
            limit -= asked;
            commits.into_iter().try_for_each(&mut visit)?;
        }
        Ok(())
    }
}
