//! Whole histories: from one store to another, and against a checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::{COMMITS, Head, PageRequest, Position, Store, TransactionQuery, newest_seal};
use crate::error::{Error, ErrorCode, Result};
use crate::id::BookId;
use crate::limits::MAX_ATTEMPTS;
use crate::log::{Change, Commit, ErasedTexts, Erasure, Hash, Idempotency, Verifier};
use crate::proof::{Frontier, Held, hashes, right_edge};

/// How many transactions are read at a time.
const ROWS: u32 = 500;

/// What came of copying a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Commits that were added.
    pub commits: u64,
    /// The newest commit that the copy has now.
    pub head: Head,
}

/// Copies what the other store does not have yet of a book: every commit with its bytes, texts and
/// the answer to its idempotency key, checked on the way. Both histories are then the same, and so
/// is whatever a store makes of them. What was copied before is not read again, so a copy that was
/// cut off goes on, and one that is repeated brings what is new; in either direction. How far
/// events have come to their sinks stays where it is.
///
/// What was erased or sealed goes in the copy, too. Of sealed commits there are no changes to copy:
/// until the commit that tells of the seal is there, such a copy lacks what they did.
///
/// Errors: `book_not_found` where there is nothing to copy; `id_conflict` where the other store
/// has another history of that book, with `id` as the first commit that differs; what a broken
/// history answers; and those of both stores. A copy that has more commits is left as it is.
///
/// ```
/// use fiscaflow_core::store::{Store, copy_book};
/// # use fiscaflow_core::{BookId, Result};
///
/// async fn to_server(phone: &dyn Store, server: &dyn Store, book: BookId) -> Result<()> {
///     let copied = copy_book(phone, server, book).await?;
///     println!("{} new, {} in all", copied.commits, copied.head.seq);
///     Ok(())
/// }
/// ```
pub async fn copy_book(from: &dyn Store, to: &dyn Store, book_id: BookId) -> Result<Copied> {
    let none = || Error::new(ErrorCode::BookNotFound, "there is no such book to copy");
    let mut newest = from.head(book_id).await?.ok_or_else(none)?;
    let mut commits: u64 = 0;
    for _ in 0..MAX_ATTEMPTS {
        let mut head = to.head(book_id).await?;
        check_common(from, to, book_id, newest, head).await?;
        match copy_after(from, to, book_id, newest, &mut head, &mut commits).await {
            // Somebody writes there: what they wrote is the same, or the histories part.
            Err(error) if error.code() == ErrorCode::Conflict => {}
            // Commits were sealed while they were copied: the one that tells is copied, too.
            Err(error) if error.code() == ErrorCode::Sealed => {
                let moved = from.head(book_id).await?.ok_or_else(none)?;
                if moved == newest {
                    return Err(error);
                }
                newest = moved;
            }
            result => {
                result?;
                let head = head.ok_or_else(none)?;
                return Ok(Copied { commits, head });
            }
        }
    }
    Err(Error::new(ErrorCode::Conflict, "the copy is being changed too fast; try again"))
}

/// Copies the commits after a head of the copy, which moves on.
async fn copy_after(
    from: &dyn Store,
    to: &dyn Store,
    book_id: BookId,
    newest: Head,
    head: &mut Option<Head>,
    commits: &mut u64,
) -> Result<()> {
    let mut tree = Frontier::default();
    let mut sealed_until = None;
    loop {
        let (seq, hash) = head.map_or((0, Hash::ZERO), |head| (head.seq, head.hash));
        if seq >= newest.seq {
            return Ok(());
        }
        if tree.size() != seq {
            tree = right_edge(to, book_id, seq).await?;
        }
        let mut verifier = Verifier::after(book_id, seq, hash);
        let part = from.commits(book_id, seq, COMMITS).await?;
        if part.is_empty() {
            return Err(Error::corrupt("the history ends before its head"));
        }
        for stored in part {
            verifier.check(&stored);
            let moved = stored.head();
            verifier.clone().finish(Some(moved)).ok()?;
            let idempotency = match stored.idempotency_key()? {
                Some(key) => from.answered(book_id, &key).await?.map(|answered| Idempotency {
                    key,
                    request_salt: answered.request_salt,
                    request_digest: answered.request_digest,
                    answer: answered.answer,
                }),
                None => None,
            };
            let changes = match (stored.is_sealed(), sealed_until) {
                (false, _) => stored.open()?.changes,
                (true, Some(until)) if stored.seq <= until => Vec::new(),
                (true, _) => {
                    let seal = newest_seal(from, book_id, newest.seq).await?;
                    let seal = seal.ok_or_else(|| stored.sealed())?.open()?.seal()?;
                    let until = seal.map(|seal| seal.until).filter(|until| stored.seq <= *until);
                    sealed_until = Some(until.ok_or_else(|| stored.sealed())?);
                    // What follows the seal makes the book of nothing.
                    all_removed(to, book_id).await?
                }
            };
            let mut commit = Commit { book_id, stored, idempotency, changes, nodes: Vec::new() };
            commit.grow(&mut tree);
            match erased_with(from, &commit, newest).await? {
                Some(texts) => to.erase(Arc::new(Erasure { commit, texts })).await?,
                None => to.commit(Arc::new(commit)).await?,
            }
            *head = Some(moved);
            *commits = commits.saturating_add(1);
        }
    }
}

/// What is to be erased in the copy with a commit that tells of an erasure. Which texts of a member
/// went shows in the history as it is now, so the last of such commits takes with it what all of
/// them took: the others are commits like any.
async fn erased_with(
    from: &dyn Store,
    commit: &Commit,
    newest: Head,
) -> Result<Option<ErasedTexts>> {
    if commit.stored.is_sealed() {
        return Ok(None);
    }
    if commit.stored.is_sealing()? {
        let until = commit.stored.open()?.seal()?.map_or(0, |seal| seal.until);
        // What its own sinks were not told of is gone in the original.
        return Ok(Some(ErasedTexts::Sealed { until, lose_events: true }));
    }
    if !commit.stored.is_erasure()? || commit.stored.is_erasure_of_all()? {
        return Ok(commit.stored.is_erasure()?.then_some(ErasedTexts::All));
    }
    let (mut chosen, mut after) = (BTreeMap::new(), 0);
    while after < newest.seq {
        let part = from.commits(commit.book_id, after, COMMITS).await?;
        let Some(last) = part.last() else { break };
        after = last.seq;
        for stored in part {
            if stored.seq < commit.stored.seq {
                chosen.insert(stored.seq, stored.erased_texts()?);
            } else if stored.seq > commit.stored.seq && stored.is_erasure()? {
                return Ok(None);
            }
        }
    }
    chosen.retain(|_, numbers| !numbers.is_empty());
    Ok(Some(ErasedTexts::These(chosen)))
}

/// The removal of all that a store has of a book.
async fn all_removed(store: &dyn Store, book_id: BookId) -> Result<Vec<Change>> {
    let documents = store.documents(book_id).await?.map(|(_, documents)| documents);
    let mut changes: Vec<Change> = documents.into_iter().flatten().map(Change::remove).collect();
    let query = TransactionQuery { deleted: true, ..TransactionQuery::default() };
    let mut request = PageRequest { query, after: None, limit: ROWS };
    loop {
        let page = store.page(book_id, &request).await?;
        let Some(last) = page.last() else { return Ok(changes) };
        request.after = Some(Position { booking_date: last.booking_date, id: last.id });
        changes.extend(page.into_iter().map(Change::remove));
    }
}

/// Makes sure that one history begins with the other.
async fn check_common(
    from: &dyn Store,
    to: &dyn Store,
    book_id: BookId,
    newest: Head,
    head: Option<Head>,
) -> Result<()> {
    let last = head.map_or(0, |head| head.seq).min(newest.seq);
    if last == 0 || is_common(from, to, book_id, last).await? {
        return Ok(());
    }
    // Hashes are chained: after the first commit that differs all differ.
    let (mut same, mut other) = (0, last);
    while other.saturating_sub(same) > 1 {
        let middle = same.midpoint(other);
        if is_common(from, to, book_id, middle).await? {
            same = middle;
        } else {
            other = middle;
        }
    }
    let text = format!("the book has another history there, from commit {other} on");
    Err(Error::new(ErrorCode::IdConflict, text).id(other))
}

async fn is_common(from: &dyn Store, to: &dyn Store, book_id: BookId, seq: u64) -> Result<bool> {
    let before = seq.saturating_sub(1);
    let (one, other) =
        (from.commits(book_id, before, 1).await?, to.commits(book_id, before, 1).await?);
    match (one.first(), other.first()) {
        (Some(one), Some(other)) => Ok(one.hash == other.hash),
        _ => Err(Error::corrupt("the history ends before its head")),
    }
}

/// Compares a history with a checkpoint of it that somebody holds, whoever signed it: the book and
/// its newest commit, where the history begins with the checkpoint's. For operators, such as after
/// a restore; members have [`Proofs::check`](crate::engine::Proofs::check).
///
/// Errors: `invalid_input` for what is no checkpoint of a book, `book_not_found`,
/// `history_rolled_back` and `history_forked`.
pub async fn check_checkpoint(store: &dyn Store, note: &str) -> Result<(BookId, Head)> {
    let held = Held::parse(note)?;
    let book_id = held.book_id()?;
    let none = || Error::new(ErrorCode::BookNotFound, "there is no such book").id(book_id);
    let head = store.head(book_id).await?.ok_or_else(none)?;
    held.check_size(head.seq)?;
    let whole = 0..held.size;
    let roots = hashes(store, book_id, head.seq, std::slice::from_ref(&whole)).await?;
    let root = roots.first().ok_or_else(|| Error::corrupt("the history has no tree"))?;
    held.check_root(head.seq, *root)?;
    Ok((book_id, head))
}
