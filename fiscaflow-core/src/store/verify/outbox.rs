//! Whether what is kept of the delivery of events fits the history: no place is beyond its end,
//! what was set aside is in it, and who waits is found.
//!
//! How often something was tried, by whom, when and why it failed is told by no commit.

use super::super::{Delivery, EventPlace, KeptSink, SetAside, SetAsideQuery};
use super::{Check, Kept, KeptPart, KeptRow, Lane, ROWS};
use crate::error::Result;
use crate::log::{Event, Finding};

impl Check<'_> {
    pub(super) async fn read_outbox(&mut self) -> Result<()> {
        let Some(rows) = self.rows(KeptPart::Sinks, "delivery").await? else { return Ok(()) };
        for row in rows {
            self.read_sink(&row).await?;
        }
        Ok(())
    }

    async fn read_sink(&mut self, row: &KeptRow) -> Result<()> {
        let sink = &row.id;
        let Some(Kept::Sink(kept)) = &row.content else {
            self.findings.push(finding("delivery", sink, "", "cannot be read"));
            return Ok(());
        };
        for name in &row.odd {
            let problem = "and what belongs to it do not fit each other";
            self.findings.push(finding("delivery", sink, name, problem));
        }
        let place = kept.delivery.clone().unwrap_or_default();
        if place.seq > kept.head_seq {
            self.findings.push(finding("delivery", sink, "seq", "is beyond the newest commit"));
        } else if place.events > 0 {
            let next = self.events(place.seq.saturating_add(1)).await?;
            let is_within =
                |next: Vec<Event>| u32::try_from(next.len()).unwrap_or(u32::MAX) > place.events;
            // Of what is sealed nobody knows how many there were.
            if !next.is_none_or(is_within) {
                let problem = "is beyond the events of the next commit";
                self.findings.push(finding("delivery", sink, "events", problem));
            }
        }
        if is_lost(kept, place.seq) {
            let problem = "does not say that events wait: nobody would find the book";
            self.findings.push(finding("delivery", sink, "waits", problem));
        }
        self.read_set_aside(sink, kept.delivery.as_ref()).await
    }

    async fn read_set_aside(&mut self, sink: &str, before: Option<&Delivery>) -> Result<()> {
        let mut query = SetAsideQuery { limit: ROWS, ..SetAsideQuery::default() };
        let (mut undone, mut read) = (None, (0, Vec::new()));
        loop {
            let page = match self.store.set_aside(self.book_id, sink, &query).await {
                Err(error) if error.lane() == Lane::Corrupt => {
                    self.findings.push(finding("set_aside", sink, "", "cannot be read"));
                    return Ok(());
                }
                page => page?,
            };
            let Some(last) = page.last() else { break };
            query.after = Some(last.place);
            for event in &page {
                // Of one commit after the other: events of the last are held.
                if read.0 != event.place.seq {
                    let events = self.events(event.place.seq).await?.unwrap_or_default();
                    read = (event.place.seq, events);
                }
                self.check_set_aside(sink, event, &read.1);
                if !before.is_some_and(|place| is_done(place, event.place)) {
                    undone = Some(event.place.seq);
                }
            }
        }
        if undone.is_some() {
            // A relay may have gone on since the place was read.
            let now = match self.store.delivery(self.book_id, sink).await {
                Err(error) if error.lane() == Lane::Corrupt => before.cloned(),
                now => now?,
            };
            if now.as_ref() == before {
                let problem = "is an event that the sink was not told yet";
                self.findings
                    .push(Finding { since: undone, ..finding("set_aside", sink, "seq", problem) });
            }
        }
        Ok(())
    }

    fn check_set_aside(&mut self, sink: &str, kept: &SetAside, events: &[Event]) {
        let number = usize::try_from(kept.place.number).unwrap_or(usize::MAX);
        let wrong = match events.get(number) {
            None => Some(("seq", "is no event of the history")),
            Some(event) if event.id != kept.event_id => {
                Some(("event_id", "is another event than the history has there"))
            }
            Some(event) if event.name != kept.name => {
                Some(("name", "bears another name than in the history"))
            }
            Some(_) => None,
        };
        if let Some((field, problem)) = wrong {
            let found = finding("set_aside", sink, field, problem);
            self.findings.push(Finding { since: Some(kept.place.seq), ..found });
        }
    }

    /// The events of a commit; none where there is no such commit, `None` where it is sealed.
    async fn events(&self, seq: u64) -> Result<Option<Vec<Event>>> {
        let Some(before) = seq.checked_sub(1) else { return Ok(Some(Vec::new())) };
        let commits = self.store.commits(self.book_id, before, 1).await?;
        match commits.first().filter(|commit| commit.seq == seq) {
            Some(commit) if commit.is_sealed() => Ok(None),
            Some(commit) => commit.events().map(Some),
            None => Ok(Some(Vec::new())),
        }
    }
}

/// Whether events wait and nobody is told so.
fn is_lost(kept: &KeptSink, seq: u64) -> bool {
    (kept.head_seq > seq || kept.again) && !kept.findable
}

/// Whether a delivery has come past an event.
fn is_done(delivery: &Delivery, place: EventPlace) -> bool {
    let next = delivery.seq.saturating_add(1);
    place.seq < next || (place.seq == next && place.number < delivery.events)
}

fn finding(kind: &str, sink: &str, field: &str, problem: &str) -> Finding {
    let what = if kind == "delivery" { "the delivery to" } else { "what was set aside for" };
    let fields = Some(field.to_owned()).filter(|field| !field.is_empty());
    Finding {
        since: None,
        kind: kind.to_owned(),
        id: sink.to_owned(),
        problem: match fields {
            Some(_) => format!("{what} `{sink}`: `{field}` {problem}"),
            None => format!("{what} `{sink}` {problem}"),
        },
        fields: fields.into_iter().collect(),
    }
}
