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
        let mut events = Vec::new();
        let history = self.book.history();
        let read = history.commits(after, limit, |commit| {
            events.extend(commit.events()?);
            Ok(())
        });
        read.await?;
        Ok(events)
    }
}
