//! Schedules: what is expected, found in the history or stated.

use serde::{Deserialize, Serialize};

use super::noun;
use super::run::{Command, Decision, Facts, Needs};
use crate::calendar::day_of;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{ScheduleId, TransactionId};
use crate::limits::{MAX_DOCUMENTS, MAX_NAME_BYTES, MAX_TOLERANCE_DAYS};
use crate::log::Change;
use crate::model::{
    Action, NewSchedule, Role, Schedule, SchedulePatch, check_name, check_optional,
};
use crate::money::{Amount, Money};
use crate::plan::Plan;
use crate::recurring::{Stream, covers, streams};
use crate::rules::check_unused;
use crate::schedules::{Occurrence, OccurrenceQuery, occurrences};
use crate::store::TransactionQuery;

/// How far amounts may differ where nobody says so, in percent.
const DEFAULT_PERCENT: u32 = 10;
/// How many days a payment may be early or late where nobody says so.
const DEFAULT_DAYS: u32 = 5;

/// Which streams to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StreamQuery {
    /// Also those that a schedule stands for, and those that have ended.
    pub all: bool,
}

noun! {
    /// What is expected again and again.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::engine::StreamQuery;
    /// use fiscaflow_core::schedules::OccurrenceQuery;
    ///
    /// for stream in book.schedules().detect(StreamQuery::default()).await? {
    ///     println!("{} {:?} {}", stream.payee, stream.cadence, stream.amount);
    ///     if let Some(id) = stream.transaction_ids.last() {
    ///         book.schedules().accept(*id).await?;
    ///     }
    /// }
    /// let from = fiscaflow_core::parse_date("2026-12-01")?;
    /// let to = fiscaflow_core::parse_date("2026-12-31")?;
    /// let december = OccurrenceQuery { from, to, schedule_id: None };
    /// for due in book.schedules().occurrences(december).await? {
    ///     println!("{} {} {:?}", due.date, due.amount, due.state);
    /// }
    /// # Ok(()) }
    /// ```
    Schedules
}

impl Schedules<'_> {
    /// Makes a schedule. A repeat with the same id and content returns the one that is there.
    pub async fn create(&self, new: NewSchedule) -> Result<Schedule> {
        self.book.run(&new).await
    }

    /// All schedules, by id, those that are not active too.
    pub async fn list(&self) -> Result<Vec<Schedule>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.schedules.values().cloned().collect())
    }

    /// Changes a schedule; what is expected in the past changes with it.
    pub async fn update(&self, id: ScheduleId, patch: SchedulePatch) -> Result<Schedule> {
        self.book.run(&UpdateSchedule { id, patch }).await
    }

    /// Removes a schedule, and the links of transactions to it. One that is not there is no error.
    /// One that a rule names is `in_use`. Its stream may be suggested again.
    pub async fn delete(&self, id: ScheduleId) -> Result<()> {
        self.book.run(&DeleteSchedule { id }).await
    }

    /// The streams of payments that recur in the book as of today, by account and party: those that
    /// go on and that no schedule stands for, or all.
    pub async fn detect(&self, query: StreamQuery) -> Result<Vec<Stream>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let today = day_of(self.book.engine.now(), &state.plan.book.zone)?;
        let mut found = streams(&state.plan, &view, today)?;
        for stream in &mut found {
            let mut schedules = state.plan.schedules.values();
            stream.schedule_id = schedules.find(|it| covers(it, stream)).map(|it| it.id);
        }
        found.retain(|stream| query.all || (stream.schedule_id.is_none() && stream.next.is_some()));
        Ok(found)
    }

    /// Makes a schedule of the stream to which a transaction belongs, as it is today. `not_found`
    /// where it belongs to none.
    pub async fn accept(&self, id: TransactionId) -> Result<Schedule> {
        self.settle::<true>(id).await
    }

    /// Says of the stream to which a transaction belongs that it is none to expect: a schedule that
    /// is not active keeps it from being suggested again.
    pub async fn ignore(&self, id: TransactionId) -> Result<Schedule> {
        self.settle::<false>(id).await
    }

    async fn settle<const ACTIVE: bool>(&self, id: TransactionId) -> Result<Schedule>
    where
        Settle<ACTIVE>: Command<Answer = Schedule>,
    {
        let mut settle = Settle { transaction_id: id, stream: None };
        // A repeat is answered as before, also where the stream is gone.
        if let Some(answer) = self.book.repeated(&settle).await? {
            return Ok(answer);
        }
        let found = self.detect(StreamQuery { all: true }).await?;
        settle.stream = found.into_iter().find(|it| it.transaction_ids.contains(&id));
        self.book.run(&settle).await
    }

    /// The payments that are expected in a range of days, and the transactions that pay them: see
    /// [`occurrences`](crate::schedules::occurrences).
    pub async fn occurrences(&self, query: OccurrenceQuery) -> Result<Vec<Occurrence>> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let today = day_of(self.book.engine.now(), &state.plan.book.zone)?;
        occurrences(&state.plan, &view, &query, today)
    }
}

/// A stream that is accepted or ignored. The stream follows from the book's past and is no part of
/// the request.
#[derive(Serialize)]
struct Settle<const ACTIVE: bool> {
    transaction_id: TransactionId,
    #[serde(skip)]
    stream: Option<Stream>,
}

impl<const ACTIVE: bool> Settle<ACTIVE> {
    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Schedule>> {
        let stream = self.stream.as_ref();
        let stream = stream.ok_or_else(|| Error::not_found("stream", self.transaction_id))?;
        let mut schedules = facts.plan.schedules.values();
        match schedules.find(|schedule| covers(schedule, stream)).map(|schedule| schedule.id) {
            Some(id) => {
                let patch = SchedulePatch { active: Some(ACTIVE), ..SchedulePatch::default() };
                UpdateSchedule { id, patch }.decide(facts)
            }
            None => stream.schedule(ACTIVE).decide(facts),
        }
    }
}

impl Command for Settle<true> {
    type Answer = Schedule;
    const VERB: &'static str = "schedules.accept";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Schedule>> {
        Self::decide(self, facts)
    }
}

impl Command for Settle<false> {
    type Answer = Schedule;
    const VERB: &'static str = "schedules.ignore";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Schedule>> {
        Self::decide(self, facts)
    }
}

impl Command for NewSchedule {
    type Answer = Schedule;
    const VERB: &'static str = "schedules.create";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Schedule>> {
        let account = facts.plan.account(self.account_id);
        let account = account.map_err(|error| error.field("account_id"))?;
        let schedule = Schedule {
            id: self.id.unwrap_or_else(|| ScheduleId::new(facts.uuid())),
            name: self.name.clone(),
            account_id: self.account_id,
            payee: self.payee.as_deref().map(|payee| facts.plan.payee_name(payee)),
            category_id: self.category_id,
            amount: Money::from_amount(self.amount, account.currency)
                .map_err(|error| error.field("amount"))?,
            tolerance_percent: self.tolerance_percent.unwrap_or(DEFAULT_PERCENT),
            recurrence: self.recurrence.clone(),
            tolerance_days: self.tolerance_days.unwrap_or(DEFAULT_DAYS),
            active: self.active.unwrap_or(true),
        };
        if let Some(existing) = facts.plan.schedules.get(&schedule.id) {
            if *existing == schedule {
                return Ok(Decision::unchanged(schedule));
            }
            let text = "the schedule id is taken";
            return Err(Error::new(ErrorCode::IdConflict, text).field("id").id(schedule.id));
        }
        if facts.plan.schedules.len() >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many schedules"));
        }
        check_schedule(&schedule, facts.plan)?;
        let aggregate = ("schedule", schedule.id.to_string());
        let event = facts.event("planning.schedule.created", aggregate, &[]);
        Ok(Decision::one(Change::create(schedule.clone()), event, schedule))
    }
}

#[derive(Serialize)]
struct UpdateSchedule {
    id: ScheduleId,
    patch: SchedulePatch,
}

impl Command for UpdateSchedule {
    type Answer = Schedule;
    const VERB: &'static str = "schedules.update";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Schedule>> {
        let before = facts.plan.schedules.get(&self.id);
        let before = before.ok_or_else(|| Error::not_found("schedule", self.id))?.clone();
        let patch = self.patch.clone();
        let amount = |amount: Amount| {
            Money::from_amount(amount, before.amount.currency()).map_err(|it| it.field("amount"))
        };
        let schedule = Schedule {
            id: before.id,
            name: patch.name.unwrap_or_else(|| before.name.clone()),
            account_id: before.account_id,
            payee: patch
                .payee
                .map(|payee| facts.plan.payee_name(&payee))
                .or_else(|| before.payee.clone()),
            category_id: patch.category_id.or(before.category_id),
            amount: patch.amount.map_or(Ok(before.amount), amount)?,
            tolerance_percent: patch.tolerance_percent.unwrap_or(before.tolerance_percent),
            recurrence: patch.recurrence.unwrap_or_else(|| before.recurrence.clone()),
            tolerance_days: patch.tolerance_days.unwrap_or(before.tolerance_days),
            active: patch.active.unwrap_or(before.active),
        };
        if schedule == before {
            return Ok(Decision::unchanged(schedule));
        }
        check_schedule(&schedule, facts.plan)?;
        let aggregate = ("schedule", schedule.id.to_string());
        let event = facts.event("planning.schedule.updated", aggregate, &[]);
        Ok(Decision::one(Change::update(before, schedule.clone()), event, schedule))
    }
}

#[derive(Serialize)]
struct DeleteSchedule {
    id: ScheduleId,
}

impl Command for DeleteSchedule {
    type Answer = ();
    const VERB: &'static str = "schedules.delete";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        let schedule_id = Some(self.id);
        let linked = TransactionQuery { schedule_id, deleted: true, ..TransactionQuery::default() };
        Ok(Needs { queries: vec![linked], ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let Some(schedule) = facts.plan.schedules.get(&self.id) else {
            return Ok(Decision::unchanged(()));
        };
        let aggregate = ("schedule", self.id.to_string());
        let event = facts.event("planning.schedule.deleted", aggregate, &[]);
        let links = |action: &Action| {
            let Action::LinkSchedule { schedule_id } = action else { return false };
            *schedule_id == self.id
        };
        check_unused(facts.plan, links)?;
        let mut envelopes = facts.plan.envelopes.values();
        if let Some(envelope) = envelopes.find(|it| it.names_schedule(self.id)) {
            let error = Error::new(ErrorCode::InUse, "an envelope is filled for it");
            return Err(error.id(envelope.category_id));
        }
        let mut changes = vec![Change::remove(schedule.clone())];
        changes
            .extend(facts.each_changed(|it| (it.schedule_id, it.schedule_source) = (None, None)));
        Ok(Decision { changes, events: vec![event], answer: () })
    }
}

/// Refuses a schedule that expects nothing, or what could not be told from anything else.
pub(super) fn check_schedule(schedule: &Schedule, plan: &Plan) -> Result<()> {
    check_name("name", &schedule.name)?;
    check_optional("payee", schedule.payee.as_deref(), MAX_NAME_BYTES)?;
    if let Some(id) = schedule.category_id {
        plan.category(id).map_err(|error| error.field("category_id"))?;
    }
    if schedule.amount.is_zero() {
        return Err(Error::invalid("amount", "a schedule expects an amount"));
    }
    if schedule.tolerance_percent > 100 {
        return Err(Error::invalid("tolerance_percent", "a tolerance is at most 100 percent"));
    }
    if schedule.tolerance_days > MAX_TOLERANCE_DAYS {
        let text = format!("a tolerance is at most {MAX_TOLERANCE_DAYS} days");
        return Err(Error::invalid("tolerance_days", text));
    }
    schedule.recurrence.check().map_err(|error| error.or_field("recurrence"))
}
