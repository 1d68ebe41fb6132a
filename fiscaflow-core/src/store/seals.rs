//! Finding the seal of a book: it tells of all commits that are sealed.

use super::{COMMITS, Store};
use crate::error::Result;
use crate::id::BookId;
use crate::log::StoredCommit;

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
        let limit = u32::try_from(end.saturating_sub(after)).unwrap_or(COMMITS);
        let part = store.commits(book_id, after, limit).await?;
        for commit in part.into_iter().rev() {
            if commit.is_sealed() {
                return Ok(None);
            }
            if commit.is_sealing()? {
                return Ok(Some(commit));
            }
        }
        end = after;
    }
    Ok(None)
}
