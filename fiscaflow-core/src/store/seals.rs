//! Going through commits, and finding the seal of a book: it tells of all commits that are sealed.

use super::{COMMITS, Store};
use crate::error::{Error, Result};
use crate::id::BookId;
use crate::log::StoredCommit;

/// Calls with the commits after one up to another.
pub(crate) async fn each_commit(
    store: &dyn Store,
    book_id: BookId,
    mut after: u64,
    last: u64,
    mut call: impl FnMut(StoredCommit) -> Result<()>,
) -> Result<()> {
    while after < last {
        let limit = u32::try_from(last.saturating_sub(after)).unwrap_or(COMMITS).min(COMMITS);
        let part = store.commits(book_id, after, limit).await?;
        let newest = part.last().map(|commit| commit.seq);
        after = newest.ok_or_else(|| Error::corrupt("the history ends before its head"))?;
        part.into_iter().try_for_each(&mut call)?;
    }
    Ok(())
}

/// The newest commit up to one that seals others; `None` where no commit is sealed.
pub(crate) async fn newest_seal(
    store: &dyn Store,
    book_id: BookId,
    last: u64,
) -> Result<Option<StoredCommit>> {
    if store.commits(book_id, 0, 1).await?.first().is_none_or(|first| !first.is_sealed()) {
        return Ok(None);
    }
    let mut end = last;
    while end > 0 {
        let after = end.saturating_sub(u64::from(COMMITS));
        let (mut seal, mut sealed) = (None, false);
        each_commit(store, book_id, after, end, |commit| {
            if commit.is_sealed() {
                (seal, sealed) = (None, true);
            } else if commit.is_sealing()? {
                seal = Some(commit);
            }
            Ok(())
        })
        .await?;
        if seal.is_some() || sealed {
            return Ok(seal);
        }
        end = after;
    }
    Ok(None)
}
