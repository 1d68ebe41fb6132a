//! The relay: reads events on from the place that is kept, tells the sink, keeps the new place.
//!
//! The place is kept after the sink has taken the events and only by whoever still has the lease,
//! so nothing is left out: a relay that dies in between, or that was too slow, has told events
//! that the next one tells again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

use super::{Cause, EventSink, Outgoing, Undelivered, kept_reason};
use crate::env::{Clock, IdSource};
use crate::error::{Error, ErrorCode, Lane, Result};
use crate::id::BookId;
use crate::limits::MAX_BATCH;
use crate::model::check_name;
use crate::store::{
    COMMIT_BYTES, COMMITS, Delivery, DeliveryStep, EventPlace, LONGEST_WAIT, Lease, SetAside,
    SetAsideQuery, Store, WaitingQuery,
};

/// Books that are looked for at once.
const BOOKS: u32 = 100;
/// Batches of one book before others have their turn.
const BATCHES: u32 = 50;
/// Books in a row of which the sink takes nothing before a round ends.
const MISSES: u32 = 3;

/// How a relay works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayOptions {
    /// Events that the sink is told at once, 1 to 1,000.
    pub batch: usize,
    /// How long a book's events are one relay's, unless it goes on: more than the sink ever takes,
    /// at most an hour.
    pub lease: TimeDelta,
    /// How often an event is refused before it is set aside, at least 1; and how often in a row the
    /// sink is unavailable for one before another is offered, to learn whose fault it is.
    pub tries: u32,
    /// How long an event waits that was refused; twice as long after each further time, at most
    /// an hour. So does a book for which the sink is unavailable, at most five minutes.
    pub pause: TimeDelta,
    /// Events from before this instant are passed over, for a sink that is not to hear of them.
    pub since: Option<DateTime<Utc>>,
}

impl Default for RelayOptions {
    /// Batches of 20, leases of a minute, 5 tries after pauses of 10 seconds and more, everything
    /// from the beginning.
    fn default() -> Self {
        Self {
            batch: 20,
            lease: TimeDelta::seconds(60),
            tries: 5,
            pause: TimeDelta::seconds(10),
            since: None,
        }
    }
}

/// What a round came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Round {
    /// Events that the sink took.
    pub delivered: u64,
    /// Books whose next event was refused and waits.
    pub put_off: u64,
    /// Events that were set aside, or aside again.
    pub set_aside: u64,
    /// Why the sink could take nothing of a book now, the last one of several. After three such
    /// books in a row the round ended.
    pub unavailable: Option<String>,
    /// Books whose history is damaged; they wait for an hour.
    pub broken: Vec<(BookId, Error)>,
    /// Whether a book had more events than its turn took: the next round need not wait.
    pub more: bool,
}

/// Delivers events of all books to one sink, a round at a time.
///
/// It has neither timer nor task: the host calls [`Relay::round`] again and again, at once where
/// there was more, after a pause where there was not, and after longer ones where the sink is
/// unavailable and took nothing. As many relays as one likes may run over one store.
///
/// ```
/// use std::sync::Arc;
/// # use fiscaflow_core::outbox::{EventSink, Outgoing, Relay, RelayOptions, Undelivered};
/// # use fiscaflow_core::store::Store;
/// # use fiscaflow_core::{Clock, IdSource, Result};
///
/// async fn deliver(
///     store: Arc<dyn Store>,
///     clock: Arc<dyn Clock>,
///     ids: &dyn IdSource,
///     sink: Arc<dyn EventSink>,
/// ) -> Result<()> {
///     let relay = Relay::new(store, clock, ids, sink, RelayOptions::default())?;
///     while relay.round().await?.more {}
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Relay {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn EventSink>,
    owner: String,
    options: RelayOptions,
    memory: Mutex<Memory>,
}

/// What a relay remembers from round to round. A fresh one may do without.
#[derive(Debug, Default)]
struct Memory {
    /// Where a round ended early; the next one begins behind it, so that no book is always last.
    ended_at: Option<BookId>,
}

/// Whether a round is wanted still.
type IsWanted<'a> = dyn Fn() -> bool + Send + Sync + 'a;

/// A book whose lease this relay has, with what is kept of it.
struct Held {
    book_id: BookId,
    kept: Delivery,
}

/// Commits and events that are done with: see [`Delivery`].
type Place = (u64, u32);

/// Events to tell at once.
struct Batch {
    events: Vec<Outgoing>,
    /// The place of each event in its commit, and what is done with once it is delivered.
    places: Vec<(EventPlace, Place)>,
    /// What is done with once all of them are.
    end: Place,
    /// Whether the history ends there.
    is_last: bool,
}

/// An event of a batch that was not delivered.
struct Failed<'a> {
    it: &'a Outgoing,
    place: EventPlace,
    /// What is done with once it is.
    after: Place,
}

/// What follows from a step.
#[derive(PartialEq, Eq)]
enum Next {
    /// The lease is still ours.
    GoOn,
    /// It was given back, or another relay has taken it.
    Stop,
}

impl Relay {
    /// A relay over a store. Time and the id that it has leases by come from the caller.
    ///
    /// Errors: `invalid_input` and `limit_exceeded` for options out of their range and a sink
    /// whose name is empty or too long.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        ids: &dyn IdSource,
        sink: Arc<dyn EventSink>,
        options: RelayOptions,
    ) -> Result<Self> {
        check_name("sink", sink.name())?;
        if !(1..=MAX_BATCH).contains(&options.batch) {
            return Err(Error::invalid("batch", format!("`batch` is from 1 to {MAX_BATCH}")));
        }
        if options.tries == 0 || options.lease <= TimeDelta::zero() {
            return Err(Error::invalid("tries", "`tries` and `lease` are more than nothing"));
        }
        if options.lease > LONGEST_WAIT {
            return Err(Error::invalid("lease", "`lease` is at most an hour"));
        }
        let owner = ids.uuid(clock.now()).to_string();
        Ok(Self { store, clock, sink, owner, options, memory: Mutex::default() })
    }

    /// Gives each waiting book a turn, in the order of ids, until the sink takes nothing of three
    /// books in a row. The next round then begins behind the last of them.
    ///
    /// Errors are those of the store; what is damaged in one book is in the answer, and the others
    /// go on. A round that is dropped leaves nothing but a lease that runs out.
    pub async fn round(&self) -> Result<Round> {
        self.round_while(|| true).await
    }

    /// A round that ends early where nobody wants it any more, as when its process is to stop: what
    /// the sink is being told is told to its end, and the lease is given back.
    ///
    /// Errors: those of [`Relay::round`].
    pub async fn round_while(&self, is_wanted: impl Fn() -> bool + Send + Sync) -> Result<Round> {
        let is_wanted: &IsWanted<'_> = &is_wanted;
        let mut round = Round::default();
        let start = self.memory().ended_at.take();
        let mut is_behind = start.is_some();
        let mut misses = 0_u32;
        let sink = self.sink.name().to_owned();
        let mut query = WaitingQuery { sink, now: self.now(), after: start, limit: BOOKS };
        loop {
            let mut books = self.store.waiting(&query).await?;
            if !is_behind && start.is_some() {
                books.retain(|id| Some(*id) <= start);
            }
            let last = books.last().copied();
            if last.is_none() && !std::mem::take(&mut is_behind) {
                return Ok(round);
            }
            for book_id in books {
                if !is_wanted() {
                    return Ok(round);
                }
                let (heard, told) = (heard(&round), round.unavailable.take());
                match self.turn(book_id, &mut round, is_wanted).await {
                    Err(error) if error.lane() == Lane::Corrupt => {
                        round.broken.push((book_id, error));
                    }
                    result => result?,
                }
                if heard != self::heard(&round) {
                    misses = 0;
                }
                match round.unavailable {
                    Some(_) => misses = misses.saturating_add(1),
                    None => round.unavailable = told,
                }
                if misses >= MISSES {
                    self.memory().ended_at = Some(book_id);
                    return Ok(round);
                }
            }
            query = WaitingQuery { now: self.now(), after: last, ..query };
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // What it holds is whole after each statement.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// One book's turn, where nobody else has it.
    async fn turn(
        &self,
        book_id: BookId,
        round: &mut Round,
        is_wanted: &IsWanted<'_>,
    ) -> Result<()> {
        let kept = self.store.delivery(book_id, self.sink.name()).await?.unwrap_or_default();
        if !kept.is_free(self.now()) {
            return Ok(());
        }
        let mut held = Held { book_id, kept };
        let claim = Delivery { lease: self.lease(), ..held.kept.clone() };
        if self.keep(&mut held, claim, Vec::new(), Vec::new()).await? == Next::Stop {
            return Ok(());
        }
        let worked = match self.again(&mut held, round).await {
            Ok(Next::GoOn) => self.go_on(&mut held, round, is_wanted).await,
            stopped => stopped,
        };
        if let Err(error) = &worked
            && error.lane() == Lane::Corrupt
        {
            // What is damaged stays so for a while, and must not be read over and over again.
            let off = self.put_off(&held.kept, LONGEST_WAIT, error.message());
            self.keep(&mut held, off, Vec::new(), Vec::new()).await?;
        }
        worked.map(|_| ())
    }

    /// Delivers what was set aside and is to be delivered again.
    async fn again(&self, held: &mut Held, round: &mut Round) -> Result<Next> {
        let mut query = SetAsideQuery { after: None, again: true, limit: COMMITS };
        loop {
            let found = self.store.set_aside(held.book_id, self.sink.name(), &query).await?;
            let Some(last) = found.last() else { return Ok(Next::GoOn) };
            query.after = Some(last.place);
            for aside in found {
                let (seq, number) = (aside.place.seq, aside.place.number);
                let before = seq.saturating_sub(1);
                let place = Place::from((before, number));
                let batch = self.read(held.book_id, place, 1, false).await?;
                let told = match batch.events.first() {
                    Some(it) if it.event.id == aside.event_id => {
                        self.sink.tell(&batch.events).await
                    }
                    _ if self.is_sealed(held.book_id, seq).await? => {
                        let next = Delivery { lease: self.lease(), ..held.kept.clone() };
                        let taken = vec![aside.place];
                        if self.keep(held, next, Vec::new(), taken).await? == Next::Stop {
                            return Ok(Next::Stop);
                        }
                        continue;
                    }
                    _ => return Err(Error::corrupt("a set-aside event is not in its place")),
                };
                let mut next = Delivery { lease: self.lease(), ..held.kept.clone() };
                let (put, taken) = match told {
                    Ok(()) => {
                        round.delivered = round.delivered.saturating_add(1);
                        (Vec::new(), vec![aside.place])
                    }
                    Err(Undelivered { cause: Cause::Refused, reason, .. }) => {
                        round.set_aside = round.set_aside.saturating_add(1);
                        (vec![self.refused(&aside, &reason)], Vec::new())
                    }
                    Err(away) => {
                        let misses = held.kept.misses.saturating_add(1);
                        if misses < self.options.tries {
                            return self.wait(held, misses, round, away).await;
                        }
                        // Nothing is lost: it lies aside as before. What follows is not to wait.
                        next.misses = 0;
                        round.set_aside = round.set_aside.saturating_add(1);
                        (vec![self.refused(&aside, &away.reason)], Vec::new())
                    }
                };
                if self.keep(held, next, put, taken).await? == Next::Stop {
                    return Ok(Next::Stop);
                }
            }
        }
    }

    /// Whether the events of a commit are gone.
    async fn is_sealed(&self, book_id: BookId, seq: u64) -> Result<bool> {
        let commits = self.store.commits(book_id, seq.saturating_sub(1), 1).await?;
        Ok(commits.first().is_some_and(|commit| commit.seq == seq && commit.is_sealed()))
    }

    /// A set-aside event that was refused once more.
    fn refused(&self, aside: &SetAside, reason: &str) -> SetAside {
        SetAside {
            tries: aside.tries.saturating_add(1),
            reason: kept_reason(reason),
            at: self.now(),
            again: false,
            ..aside.clone()
        }
    }

    /// Delivers what follows the place that is kept.
    async fn go_on(
        &self,
        held: &mut Held,
        round: &mut Round,
        is_wanted: &IsWanted<'_>,
    ) -> Result<Next> {
        for _ in (0..BATCHES).take_while(|_| is_wanted()) {
            let place = (held.kept.seq, held.kept.events);
            let batch = self.read(held.book_id, place, self.options.batch, true).await?;
            let told = match batch.events.is_empty() {
                true => Ok(()),
                false => self.sink.tell(&batch.events).await,
            };
            let next = match told {
                Ok(()) => {
                    let delivered = u64::try_from(batch.events.len()).unwrap_or(u64::MAX);
                    round.delivered = round.delivered.saturating_add(delivered);
                    let lease = self.lease().filter(|_| !batch.is_last);
                    let next = Delivery { lease, ..done(&held.kept, batch.end) };
                    self.keep(held, next, Vec::new(), Vec::new()).await?
                }
                Err(undelivered) => self.failed(held, &batch, undelivered, round).await?,
            };
            if next == Next::Stop || batch.is_last && held.kept.lease.is_none() {
                return Ok(Next::Stop);
            }
        }
        round.more = true;
        let next = Delivery { lease: None, ..held.kept.clone() };
        self.keep(held, next, Vec::new(), Vec::new()).await
    }

    /// Keeps what was delivered of a batch, and what becomes of the event that was not.
    async fn failed(
        &self,
        held: &mut Held,
        batch: &Batch,
        undelivered: Undelivered,
        round: &mut Round,
    ) -> Result<Next> {
        // A sink that says it took all of them and failed has failed at the last one.
        let delivered = undelivered.delivered.min(batch.events.len().saturating_sub(1));
        let count = u64::try_from(delivered).unwrap_or(u64::MAX);
        round.delivered = round.delivered.saturating_add(count);
        let before = delivered.checked_sub(1).and_then(|last| batch.places.get(last));
        if let Some((_, place)) = before {
            held.kept = Delivery { version: held.kept.version, ..done(&held.kept, *place) };
        }
        let at = batch.events.get(delivered).zip(batch.places.get(delivered));
        let Some((it, (place, after))) = at else {
            return Err(Error::new(ErrorCode::Internal, "a batch without events has failed"));
        };
        let failed = Failed { it, place: *place, after: *after };
        if undelivered.cause == Cause::Unavailable {
            return self.missed(held, &failed, undelivered, round).await;
        }
        held.kept.misses = 0;
        let reason = undelivered.reason;
        let tries = held.kept.tries.saturating_add(1);
        if tries < self.options.tries {
            round.put_off = round.put_off.saturating_add(1);
            let off = self.put_off(&held.kept, self.pause(tries), &reason);
            self.keep(held, Delivery { tries, ..off }, Vec::new(), Vec::new()).await?;
            return Ok(Next::Stop);
        }
        let aside = self.aside(&failed, tries, &reason);
        self.pass_over(held, aside, failed.after, round).await
    }

    /// The sink was unavailable for an event. That is nobody's fault, until it has been so `tries`
    /// times in a row: from then on one of the events behind it is offered each time. A sink that
    /// takes or refuses that one is there, so that it is the event which keeps it from answering.
    async fn missed(
        &self,
        held: &mut Held,
        failed: &Failed<'_>,
        away: Undelivered,
        round: &mut Round,
    ) -> Result<Next> {
        let misses = held.kept.misses.saturating_add(1);
        let Some(over) = misses.checked_sub(self.options.tries) else {
            return self.wait(held, misses, round, away).await;
        };
        let behind = self.behind(held.book_id, failed.after).await?;
        // Each in turn: the next one may have the same fault.
        let number = usize_of(over).checked_rem(behind.events.len()).unwrap_or_default();
        let Some(offered) = behind.events.get(number) else {
            return self.wait(held, misses, round, away).await;
        };
        let tries = Delivery { lease: self.lease(), misses, ..held.kept.clone() };
        if self.keep(held, tries, Vec::new(), Vec::new()).await? == Next::Stop {
            return Ok(Next::Stop);
        }
        let told = self.sink.tell(std::slice::from_ref(offered)).await;
        if told.as_ref().is_err_and(|it| it.cause == Cause::Unavailable) {
            return self.wait(held, misses, round, away).await;
        }
        let mut end = failed.after;
        if told.is_ok() && number == 0 {
            round.delivered = round.delivered.saturating_add(1);
            end = behind.places.first().map_or(end, |(_, after)| *after);
        }
        // Once more, since the sink may have come back just now.
        let aside = SetAside { again: true, ..self.aside(failed, misses, &away.reason) };
        self.pass_over(held, aside, end, round).await
    }

    /// The next events behind a place.
    async fn behind(&self, book_id: BookId, mut place: Place) -> Result<Batch> {
        loop {
            let batch = self.read(book_id, place, self.options.batch, true).await?;
            if batch.is_last || !batch.events.is_empty() {
                return Ok(batch);
            }
            place = batch.end;
        }
    }

    fn aside(&self, failed: &Failed<'_>, tries: u32, reason: &str) -> SetAside {
        SetAside {
            place: failed.place,
            event_id: failed.it.event.id,
            name: failed.it.event.name.clone(),
            tries,
            reason: kept_reason(reason),
            at: self.now(),
            again: false,
        }
    }

    /// Sets an event aside and goes on behind a place.
    async fn pass_over(
        &self,
        held: &mut Held,
        aside: SetAside,
        end: Place,
        round: &mut Round,
    ) -> Result<Next> {
        round.set_aside = round.set_aside.saturating_add(1);
        let next = Delivery { lease: self.lease(), ..done(&held.kept, end) };
        self.keep(held, next, vec![aside], Vec::new()).await
    }

    /// Puts the book off, since the sink takes nothing now. No try is counted: whoever is away
    /// refuses nothing.
    async fn wait(
        &self,
        held: &mut Held,
        misses: u32,
        round: &mut Round,
        away: Undelivered,
    ) -> Result<Next> {
        let pause = self.pause(misses).min(MAX_AWAY).max(away.retry_after.unwrap_or_default());
        let off = self.put_off(&held.kept, pause.min(LONGEST_WAIT), &away.reason);
        round.unavailable.clone_from(&off.failure);
        self.keep(held, Delivery { misses, ..off }, Vec::new(), Vec::new()).await?;
        Ok(Next::Stop)
    }

    fn lease(&self) -> Option<Lease> {
        let until = self.now().checked_add_signed(self.options.lease);
        Some(Lease { owner: self.owner.clone(), until: until.unwrap_or(DateTime::<Utc>::MAX_UTC) })
    }

    fn put_off(&self, kept: &Delivery, pause: TimeDelta, reason: &str) -> Delivery {
        let retry_at = self.now().checked_add_signed(pause);
        let failure = Some(kept_reason(reason));
        Delivery { lease: None, failure, retry_at, ..kept.clone() }
    }

    /// How long an event waits that was not taken so often.
    fn pause(&self, tries: u32) -> TimeDelta {
        let factor = 2_i32.checked_pow(tries.saturating_sub(1));
        let pause = factor.and_then(|factor| self.options.pause.checked_mul(factor));
        pause.map_or(LONGEST_WAIT, |pause| pause.min(LONGEST_WAIT))
    }

    /// Writes a step; where another relay has taken over, nothing more may be written.
    async fn keep(
        &self,
        held: &mut Held,
        next: Delivery,
        put_aside: Vec<SetAside>,
        taken_back: Vec<EventPlace>,
    ) -> Result<Next> {
        let expected = held.kept.version;
        let delivery = Delivery { version: expected.saturating_add(1), ..next };
        let step = DeliveryStep { expected, delivery: delivery.clone(), put_aside, taken_back };
        match self.store.deliver(held.book_id, self.sink.name(), Arc::new(step)).await {
            Ok(()) => {
                held.kept = delivery;
                Ok(Next::GoOn)
            }
            Err(error) if error.code() == ErrorCode::Conflict => Ok(Next::Stop),
            Err(error) => Err(error),
        }
    }

    /// At most so many events after a place; `dated` passes over those from before the beginning.
    async fn read(
        &self,
        book_id: BookId,
        place: Place,
        limit: usize,
        dated: bool,
    ) -> Result<Batch> {
        let commits = self.store.commits(book_id, place.0, COMMITS).await?;
        let bytes = commits.iter().fold(0_usize, |sum, it| sum.saturating_add(it.size()));
        let is_last = commits.len() < usize_of(COMMITS) && bytes < COMMIT_BYTES;
        let mut batch = Batch { events: Vec::new(), places: Vec::new(), end: place, is_last };
        let mut skipped = place.1;
        for commit in commits {
            let events = commit.events()?;
            let count = u32::try_from(events.len()).unwrap_or(u32::MAX);
            for (number, event) in (0..).zip(events).skip(usize_of(skipped)) {
                if dated && self.options.since.is_some_and(|since| event.at < since) {
                    break;
                }
                if batch.events.len() >= limit {
                    return Ok(Batch { is_last: false, ..batch });
                }
                let after = match u32::saturating_add(number, 1) {
                    done if done < count => (commit.seq.saturating_sub(1), done),
                    _ => (commit.seq, 0),
                };
                batch.events.push(Outgoing { book_id, event });
                batch.places.push((EventPlace { seq: commit.seq, number }, after));
                batch.end = after;
            }
            skipped = 0;
            batch.end = (commit.seq, 0);
        }
        Ok(batch)
    }
}

/// The longest pause for a sink that is unavailable and does not say for how long.
const MAX_AWAY: TimeDelta = TimeDelta::minutes(5);

/// How many events the sink has judged, which it does only while it is there.
fn heard(round: &Round) -> u64 {
    round.delivered.saturating_add(round.put_off).saturating_add(round.set_aside)
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What is kept once everything up to a place is done with.
fn done(kept: &Delivery, place: Place) -> Delivery {
    let (seq, events) = place;
    let (failure, retry_at) = (None, None);
    Delivery { seq, events, tries: 0, misses: 0, failure, retry_at, ..kept.clone() }
}
