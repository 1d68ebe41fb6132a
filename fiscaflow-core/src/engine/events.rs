//! Domain events, in the order in which they were written, and what became of them outside.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{HistoryQuery, noun};
use crate::error::{Error, ErrorCode, Result};
use crate::id::EventId;
use crate::limits::{MAX_ATTEMPTS, MAX_HISTORY_PAGE};
use crate::log::Event;
use crate::model::{Role, check_name};
use crate::store::{Delivery, DeliveryStep, EventPlace, SetAside, SetAsideQuery};

/// Of which sink to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeliveryQuery {
    /// The sink's name, such as `webhook`.
    pub sink: String,
    /// Set-aside events of commits after this one, at most 500; from the beginning where absent.
    pub after: Option<u64>,
    /// With `after`: also those of that commit itself that come after this number. The last event
    /// of an answer has both.
    pub after_number: Option<u32>,
}

/// How far the events of a book have come to a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EventDelivery {
    /// The sink's name.
    pub sink: String,
    /// The events of this commit, and of all before it, were delivered or set aside.
    pub seq: u64,
    /// How many commits there are after it, with events or without.
    pub behind: u64,
    /// How often the next event was refused.
    pub tries: u32,
    /// Why the next event was not delivered, in the sink's words.
    pub failure: Option<String>,
    /// The next event waits until then.
    pub retry_at: Option<DateTime<Utc>>,
    /// What the sink refused too often.
    pub set_aside: Vec<SetAsideEvent>,
}

/// An event that a sink refused too often, so that others could go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SetAsideEvent {
    /// The event's id.
    pub id: EventId,
    /// The event's name.
    pub name: String,
    /// Its commit.
    pub seq: u64,
    /// Its place among the events of the commit, from 0.
    pub number: u32,
    /// How often it was refused.
    pub tries: u32,
    /// Why, in the sink's words.
    pub reason: String,
    /// When it was refused last.
    pub at: DateTime<Utc>,
    /// Whether it is to be delivered again.
    pub again: bool,
}

/// Which set-aside event to deliver again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Redelivery {
    /// The sink's name.
    pub sink: String,
    /// The event's id.
    pub event_id: EventId,
}

impl From<SetAside> for SetAsideEvent {
    fn from(it: SetAside) -> Self {
        Self {
            id: it.event_id,
            name: it.name,
            seq: it.place.seq,
            number: it.place.number,
            tries: it.tries,
            reason: it.reason,
            at: it.at,
            again: it.again,
        }
    }
}

noun! {
    /// What others are told.
    Events
}

impl Events<'_> {
    /// The events of the commits that a query names, oldest first. A feed goes on with the highest
    /// `seq` it has seen, and must expect an event again after a failure. Those of sealed commits
    /// are gone.
    pub async fn list(&self, query: HistoryQuery) -> Result<Vec<Event>> {
        self.book.authorised(Role::Viewer).await?;
        let (after, limit) = query.checked()?;
        let (mut events, mut commits) = (Vec::new(), 0_usize);
        let history = self.book.history();
        let read = history.commits(after, |commit| {
            events.extend(commit.events()?);
            commits = commits.saturating_add(1);
            Ok(commits < limit)
        });
        read.await?;
        Ok(events)
    }

    /// How far the events have come to a sink, and what it refused. A sink that was told of
    /// nothing yet is at the beginning.
    ///
    /// Errors: `invalid_input` for a number without its commit.
    pub async fn delivery(&self, query: DeliveryQuery) -> Result<EventDelivery> {
        let state = self.book.authorised(Role::Viewer).await?;
        check_name("sink", &query.sink)?;
        if query.after.is_none() && query.after_number.is_some() {
            return Err(Error::invalid("after_number", "`after_number` needs `after`"));
        }
        let number = query.after_number.unwrap_or(u32::MAX);
        let store = &self.book.engine.inner.store;
        let kept = store.delivery(self.book.book_id, &query.sink).await?.unwrap_or_default();
        let Delivery { seq, tries, failure, retry_at, .. } = kept;
        let asked = SetAsideQuery {
            after: query.after.map(|seq| EventPlace { seq, number }),
            again: false,
            limit: MAX_HISTORY_PAGE,
        };
        let set_aside = store.set_aside(self.book.book_id, &query.sink, &asked).await?;
        Ok(EventDelivery {
            sink: query.sink,
            seq,
            behind: state.head.seq.saturating_sub(seq),
            tries,
            failure,
            retry_at,
            set_aside: set_aside.into_iter().map(SetAsideEvent::from).collect(),
        })
    }

    /// Has a set-aside event delivered again, by whichever relay comes next: out of order, since
    /// later ones went before it. One that is refused once more stays set aside.
    ///
    /// Errors: `not_found` for an event that is not set aside.
    pub async fn redeliver(&self, request: Redelivery) -> Result<SetAsideEvent> {
        self.book.authorised(Role::Owner).await?;
        check_name("sink", &request.sink)?;
        let (store, book_id) = (&self.book.engine.inner.store, self.book.book_id);
        for _ in 0..MAX_ATTEMPTS {
            // Read first: what is found afterwards is written only if nothing came in between.
            let kept = store.delivery(book_id, &request.sink).await?.unwrap_or_default();
            let found = self.find(&request).await?;
            if found.again {
                return Ok(found.into());
            }
            let marked = SetAside { again: true, ..found };
            let step = DeliveryStep {
                expected: kept.version,
                delivery: kept,
                put_aside: vec![marked.clone()],
                taken_back: Vec::new(),
            };
            match store.deliver(book_id, &request.sink, Arc::new(step)).await {
                Err(error) if error.code() == ErrorCode::Conflict => {}
                result => return result.map(|()| marked.into()),
            }
        }
        Err(Error::new(ErrorCode::Conflict, "the delivery is moving on too fast; try again"))
    }

    async fn find(&self, request: &Redelivery) -> Result<SetAside> {
        let (store, book_id) = (&self.book.engine.inner.store, self.book.book_id);
        let mut query = SetAsideQuery { after: None, again: false, limit: MAX_HISTORY_PAGE };
        loop {
            let part = store.set_aside(book_id, &request.sink, &query).await?;
            let Some(last) = part.last() else {
                return Err(Error::not_found("set-aside event", request.event_id));
            };
            query.after = Some(last.place);
            if let Some(found) = part.into_iter().find(|it| it.event_id == request.event_id) {
                return Ok(found);
            }
        }
    }
}
