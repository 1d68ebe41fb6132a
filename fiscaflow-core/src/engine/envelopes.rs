//! Envelopes.

use std::collections::BTreeMap;

use super::budgets::today;
use super::noun;
use super::run::{Command, Decision, Facts};
use crate::budgets::{
    AutomationQuery, AutomationReport, EnvelopeMonth, EnvelopeQuery, envelopes, propose,
};
use crate::error::{Error, ErrorCode, Result};
use crate::id::CategoryId;
use crate::limits::{MAX_AUTOMATIONS, MAX_DOCUMENTS, MAX_PERIOD_UNITS, MAX_WEIGHT};
use crate::log::Change;
use crate::model::{
    Assigned, Assignment, Automation, AutomationRule, CategoryKind, Envelope, NewAssignment,
    NewEnvelope, NewHold, Reassignment, Role, check_list,
};
use crate::money::{Amount, Money};
use crate::period::Month;
use crate::plan::Plan;

noun! {
    /// What came in, and what it is for.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::CategoryId;
    /// use fiscaflow_core::budgets::EnvelopeQuery;
    /// use fiscaflow_core::model::{NewAssigned, NewAssignment};
    ///
    /// # let food: CategoryId = "018f0000-0000-7000-8000-000000000001".parse()?;
    /// let amounts = vec![NewAssigned { category_id: food, amount: "350.00".parse()? }];
    /// let march = NewAssignment { month: "2026-03".parse()?, amounts };
    /// book.envelopes().assign(march).await?;
    /// let state = book.envelopes().state(EnvelopeQuery::default()).await?;
    /// println!("{} to be budgeted", state.to_be_budgeted);
    /// for it in state.envelopes {
    ///     println!("{}: {}", it.name, it.available);
    /// }
    /// # Ok(()) }
    /// ```
    Envelopes
}

impl Envelopes<'_> {
    /// How all envelopes stand at the end of a month.
    pub async fn state(&self, query: EnvelopeQuery) -> Result<EnvelopeMonth> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        let month = match query.month {
            Some(month) => month,
            None => Month::of(today(&state.plan, self.book.engine.now())?),
        };
        envelopes(&state.plan, &view, month, query.witness)
    }

    /// Assigns money to envelopes in a month; those that are not named keep theirs.
    pub async fn assign(&self, new: NewAssignment) -> Result<Assignment> {
        self.book.run(&new).await
    }

    /// Moves money between envelopes in a month, or between one and what is to be budgeted.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle,
    /// #   fun: fiscaflow_core::CategoryId) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::model::{NewHold, Reassignment};
    ///
    /// let (month, amount) = ("2026-03".parse()?, "20.00".parse()?);
    /// let (from_category_id, to_category_id) = (Some(fun), None);
    /// let back = Reassignment { month, from_category_id, to_category_id, amount };
    /// book.envelopes().reassign(back).await?;
    /// book.envelopes().hold(NewHold { month, amount }).await?;
    /// # Ok(()) }
    /// ```
    pub async fn reassign(&self, new: Reassignment) -> Result<Assignment> {
        self.book.run(&new).await
    }

    /// Holds money back in a month for the one after, instead of what was held back before.
    pub async fn hold(&self, new: NewHold) -> Result<Assignment> {
        self.book.run(&new).await
    }

    /// How envelopes are kept, by category; one of which nothing was said is not among them.
    pub async fn list(&self) -> Result<Vec<Envelope>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.envelopes.values().cloned().collect())
    }

    /// Says how an envelope is kept.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle,
    /// #   holidays: fiscaflow_core::CategoryId) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::budgets::AutomationQuery;
    /// use fiscaflow_core::model::{Automation, AutomationRule, NewEnvelope};
    ///
    /// let rule = AutomationRule::ByDate {
    ///     amount: "600.00".parse()?,
    ///     month: "2026-07".parse()?,
    ///     repeat_months: Some(12),
    ///     spend_from: None,
    /// };
    /// book.envelopes()
    ///     .put(NewEnvelope {
    ///         category_id: holidays,
    ///         carries_deficit_from: None,
    ///         cap: None,
    ///         returns_excess: false,
    ///         automations: vec![Automation { priority: 0, rule }],
    ///     })
    ///     .await?;
    /// let march = AutomationQuery { month: "2026-03".parse()?, overwrite: false };
    /// for it in book.envelopes().apply(march).await?.proposals {
    ///     println!("{} gets {}", it.category_id, it.amount);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn put(&self, new: NewEnvelope) -> Result<Envelope> {
        self.book.run(&new).await
    }

    /// What automations would assign in a month, and why; nothing is written.
    pub async fn preview(&self, query: AutomationQuery) -> Result<AutomationReport> {
        self.book.authorised(Role::Viewer).await?;
        let (state, view) = self.book.engine.state_with_view(self.book.book_id).await?;
        propose(&state.plan, &view, &query)
    }

    /// Assigns in a month what automations propose, in one commit.
    pub async fn apply(&self, query: AutomationQuery) -> Result<AutomationReport> {
        self.book.run(&query).await
    }
}

/// What a month's assignment is when these envelopes are assigned that much, and what leads there.
fn reassigned<T>(
    facts: &Facts<'_>,
    month: Month,
    change: impl FnOnce(&mut BTreeMap<CategoryId, i128>, &mut Money) -> Result<()>,
    answer: impl FnOnce(Assignment) -> T,
) -> Result<Decision<T>> {
    let currency = facts.plan.book.currency;
    let before = facts.plan.assignments.get(&month);
    let kept = before.into_iter().flat_map(|it| &it.amounts);
    let mut amounts: BTreeMap<CategoryId, i128> =
        kept.map(|it| (it.category_id, i128::from(it.amount.minor()))).collect();
    let mut held = before.map_or(Money::zero(currency), |it| it.held);
    change(&mut amounts, &mut held)?;
    amounts.retain(|_, minor| *minor != 0);
    let amounts = amounts.into_iter().map(|(category_id, minor)| {
        Ok(Assigned { category_id, amount: Money::from_wide(minor, currency)? })
    });
    let after = Assignment { month, amounts: amounts.collect::<Result<_>>()?, held };
    let empty = after.amounts.is_empty() && after.held.is_zero();
    let change = match before {
        Some(before) if *before == after => None,
        Some(before) if empty => Some(Change::remove(before.clone())),
        Some(before) => Some(Change::update(before.clone(), after.clone())),
        None if empty => None,
        None => Some(Change::create(after.clone())),
    };
    let Some(change) = change else { return Ok(Decision::unchanged(answer(after))) };
    if before.is_none() && facts.plan.assignments.len() >= MAX_DOCUMENTS {
        return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many assignments"));
    }
    let aggregate = ("assignment", month.to_string());
    let event = facts.event("planning.envelope.assigned", aggregate, &[]);
    Ok(Decision::one(change, event, answer(after)))
}

impl Command for NewAssignment {
    type Answer = Assignment;
    const VERB: &'static str = "envelopes.assign";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Assignment>> {
        check_list("amounts", &self.amounts, MAX_DOCUMENTS)?;
        let change = |amounts: &mut BTreeMap<CategoryId, i128>, _: &mut Money| {
            for new in &self.amounts {
                check_category("category_id", new.category_id, facts.plan)?;
                amounts.insert(new.category_id, minor("amount", new.amount, facts.plan)?);
            }
            Ok(())
        };
        reassigned(facts, self.month, change, |it| it)
    }
}

impl Command for Reassignment {
    type Answer = Assignment;
    const VERB: &'static str = "envelopes.reassign";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Assignment>> {
        if self.from_category_id == self.to_category_id {
            let text = "money moves between two envelopes, or one and what is to be budgeted";
            return Err(Error::invalid("to_category_id", text));
        }
        let moved = minor("amount", self.amount, facts.plan)?;
        if moved <= 0 {
            return Err(Error::invalid("amount", "what is moved is above zero"));
        }
        let change = |amounts: &mut BTreeMap<CategoryId, i128>, _: &mut Money| {
            let sides = [
                ("from_category_id", self.from_category_id, -moved),
                ("to_category_id", self.to_category_id, moved),
            ];
            for (field, id, moved) in sides {
                let Some(id) = id else { continue };
                check_category(field, id, facts.plan)?;
                *amounts.entry(id).or_default() += moved;
            }
            Ok(())
        };
        reassigned(facts, self.month, change, |it| it)
    }
}

impl Command for NewHold {
    type Answer = Assignment;
    const VERB: &'static str = "envelopes.hold";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Assignment>> {
        let hold = minor("amount", self.amount, facts.plan)?;
        if hold < 0 {
            return Err(Error::invalid("amount", "what is held back is not below zero"));
        }
        let hold = Money::from_wide(hold, facts.plan.book.currency)?;
        let change = |_: &mut BTreeMap<CategoryId, i128>, held: &mut Money| {
            *held = hold;
            Ok(())
        };
        reassigned(facts, self.month, change, |it| it)
    }
}

impl Command for NewEnvelope {
    type Answer = Envelope;
    const VERB: &'static str = "envelopes.put";

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Envelope>> {
        let after = Envelope::from(self.clone());
        let before = facts.plan.envelopes.get(&after.category_id);
        if before == Some(&after) {
            return Ok(Decision::unchanged(after));
        }
        check_envelope(&after, facts.plan)?;
        let change = match before {
            Some(before) => Change::update(before.clone(), after.clone()),
            None => Change::create(after.clone()),
        };
        let aggregate = ("envelope", after.category_id.to_string());
        let event = facts.event("planning.envelope.updated", aggregate, &[]);
        Ok(Decision::one(change, event, after))
    }
}

impl Command for AutomationQuery {
    type Answer = AutomationReport;
    const VERB: &'static str = "envelopes.apply";
    const VIEW: bool = true;

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<AutomationReport>> {
        let report = propose(facts.plan, facts.view()?, self)?;
        let change = |amounts: &mut BTreeMap<CategoryId, i128>, _: &mut Money| {
            for it in &report.proposals {
                amounts.insert(it.category_id, i128::from(it.amount.minor()));
            }
            Ok(())
        };
        reassigned(facts, self.month, change, |_| report.clone())
    }
}

fn minor(field: &str, amount: Amount, plan: &Plan) -> Result<i128> {
    let money = Money::from_amount(amount, plan.book.currency);
    Ok(i128::from(money.map_err(|error| error.field(field))?.minor()))
}

/// Refuses a category that has no envelope.
fn check_category(field: &str, id: CategoryId, plan: &Plan) -> Result<()> {
    let category = plan.category(id).map_err(|error| error.field(field))?;
    if category.kind == CategoryKind::Income {
        return Err(Error::invalid(field, "a category of income has no envelope").id(id));
    }
    Ok(())
}

/// Refuses an assignment that the engine would not have kept.
pub(super) fn check_assignment(assignment: &Assignment, plan: &Plan) -> Result<()> {
    check_list("amounts", &assignment.amounts, MAX_DOCUMENTS)?;
    let held = assignment.held;
    let amounts = assignment.amounts.iter().map(|it| it.amount);
    if amounts.chain([held]).any(|it| it.currency() != plan.book.currency) || held.minor() < 0 {
        return Err(Error::invalid("amounts", "money is assigned in the book's currency"));
    }
    let mut last = None;
    for assigned in &assignment.amounts {
        check_category("category_id", assigned.category_id, plan)?;
        if last.replace(assigned.category_id) >= Some(assigned.category_id) {
            return Err(Error::invalid("amounts", "categories stand by id, each once"));
        }
    }
    Ok(())
}

/// Refuses an envelope that cannot be kept.
pub(super) fn check_envelope(envelope: &Envelope, plan: &Plan) -> Result<()> {
    check_category("category_id", envelope.category_id, plan)?;
    check_list("automations", &envelope.automations, MAX_AUTOMATIONS)?;
    if let Some(cap) = envelope.cap
        && minor("cap", cap, plan)? < 0
    {
        return Err(Error::invalid("cap", "a cap is not below zero"));
    }
    envelope.automations.iter().enumerate().try_for_each(|(at, automation)| {
        let place = |error: Error| {
            let field = error.at_field().unwrap_or_default().to_owned();
            error.field(format!("automations[{at}].rule.{field}"))
        };
        check_automation(automation, plan).map_err(place)
    })
}

fn check_automation(automation: &Automation, plan: &Plan) -> Result<()> {
    let months = |field: &str, months: u32| {
        if (1..=MAX_PERIOD_UNITS).contains(&months) {
            return Ok(());
        }
        Err(Error::invalid(field, format!("1 to {MAX_PERIOD_UNITS} months")))
    };
    let amount = |amount: &Amount| match minor("amount", *amount, plan)? {
        ..=0 => Err(Error::invalid("amount", "an automation asks for something above zero")),
        _ => Ok(()),
    };
    match &automation.rule {
        AutomationRule::Fixed { amount: it } | AutomationRule::UpTo { amount: it } => amount(it),
        AutomationRule::ByDate { amount: it, repeat_months, month, spend_from } => {
            amount(it)?;
            repeat_months.map_or(Ok(()), |it| months("repeat_months", it))?;
            let early = spend_from.map_or(0, |from| from.until(*month));
            if early < 0 {
                return Err(Error::invalid("spend_from", "it is spent before it is needed"));
            }
            if repeat_months.is_some_and(|repeat| early >= i64::from(repeat)) {
                let text = "it is spent after the month in which it was needed last";
                return Err(Error::invalid("spend_from", text));
            }
            Ok(())
        }
        AutomationRule::Schedule { schedule_id, increase_percent, increase_amount, .. } => {
            let schedule = plan.schedule(*schedule_id);
            let amount = schedule.map_err(|error| error.field("schedule_id"))?.amount;
            if amount.currency() != plan.book.currency {
                let text = format!("envelopes are kept in `{}`", plan.book.currency);
                let error = Error::new(ErrorCode::CurrencyMismatch, text);
                return Err(error.field("schedule_id").id(schedule_id));
            }
            if amount.minor() >= 0 {
                let text = "an envelope pays what goes out; the schedule is of money that comes in";
                return Err(Error::invalid("schedule_id", text).id(schedule_id));
            }
            check_increase((*increase_percent, *increase_amount), plan)
        }
        AutomationRule::PercentOfAvailable { percent } => check_percent("percent", *percent, 0),
        AutomationRule::Repeat { amount: it, days } => {
            amount(it)?;
            days.check().map_err(|error| {
                let field = error.at_field().unwrap_or_default().to_owned();
                error.field(format!("days.{field}"))
            })
        }
        AutomationRule::Percent { percent, category_id, .. } => {
            check_percent("percent", *percent, 0)?;
            let Some(id) = category_id else { return Ok(()) };
            let category = plan.category(*id).map_err(|error| error.field("category_id"))?;
            if category.kind == CategoryKind::Income {
                return Ok(());
            }
            Err(Error::invalid("category_id", "a share is taken of income").id(id))
        }
        AutomationRule::Average { months: it, increase_percent, increase_amount } => {
            months("months", *it)?;
            check_increase((*increase_percent, *increase_amount), plan)
        }
        AutomationRule::Copy { months_ago } => months("months_ago", *months_ago),
        AutomationRule::Remainder { weight } => {
            if (1..=MAX_WEIGHT).contains(weight) {
                return Ok(());
            }
            Err(Error::invalid("weight", format!("a weight is 1 to {MAX_WEIGHT}")))
        }
    }
}

/// Refuses what is no percentage, from a least one on.
fn check_percent(field: &str, percent: Amount, least: i64) -> Result<()> {
    let percent = percent.decimal().normalize();
    let most = rust_decimal::Decimal::ONE_HUNDRED;
    if percent >= least.into() && percent <= most && percent.scale() <= 6 {
        return Ok(());
    }
    let text = format!("a percentage lies between {least} and 100, with 6 decimal places at most");
    Err(Error::invalid(field, text))
}

/// Refuses two increases at once, and what is none.
fn check_increase((percent, amount): (Option<Amount>, Option<Amount>), plan: &Plan) -> Result<()> {
    if percent.is_some() && amount.is_some() {
        let text = "`increase_percent` and `increase_amount` contradict";
        return Err(Error::invalid("increase_amount", text));
    }
    percent.map_or(Ok(()), |it| check_percent("increase_percent", it, -100))?;
    amount.map_or(Ok(()), |it| minor("increase_amount", it, plan).map(drop))
}
