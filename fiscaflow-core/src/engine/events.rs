//! Domain events, in the order in which they were written.

use super::{HistoryQuery, noun};
use crate::error::Result;
use crate::log::Event;
use crate::model::Role;

noun! {
    /// What others are told.
    Events
}

impl Events<'_> {
    /// The events of the commits that a query names, oldest first. A feed goes on with the highest
    /// `seq` it has seen, and must expect an event again after a failure.
    pub async fn list(&self, query: HistoryQuery) -> Result<Vec<Event>> {
        self.book.authorised(Role::Viewer).await?;
        let (after, limit) = query.checked()?;
        let commits = self.book.engine.inner.store.commits(self.book.book_id, after, limit).await?;
        let mut events = Vec::new();
        for commit in commits {
            events.extend(commit.events()?);
        }
        Ok(events)
    }
}
