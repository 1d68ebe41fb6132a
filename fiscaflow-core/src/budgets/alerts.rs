//! Thresholds that are crossed: which periods a change touches, and what to announce of them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::chain::{self, Chain};
use super::scope;
use super::uses::{Counter, Use, Uses};
use crate::calendar::DateRange;
use crate::env::IdSource;
use crate::id::{BudgetId, EventId, TransactionId};
use crate::log::{Change, NewEvent, Object, documents_of};
use crate::model::{Alert, Budget, Carry, Document, Transaction};
use crate::money::Money;
use crate::period::Month;
use crate::plan::Plan;
use crate::planted;
use crate::store::ColumnRow;
use crate::view::View;

/// What changes may have moved: the budgets' figures of some periods.
#[derive(Debug, Default)]
struct Touched {
    /// Whether transactions changed: the periods in which they count, before or after.
    transactions: bool,
    /// The budgets that are new or other than before: these, every period.
    budgets: BTreeSet<BudgetId>,
    /// Whether a category moved in the tree: every budget, every period.
    tree: bool,
}

impl Touched {
    fn by(changes: &[Change]) -> Self {
        let mut touched = Self::default();
        for change in changes {
            match (&change.before, &change.after) {
                (_, Some(Object::Document(Document::Budget(budget)))) => {
                    touched.budgets.insert(budget.id);
                }
                (
                    Some(Object::Document(Document::Category(before))),
                    Some(Object::Document(Document::Category(after))),
                ) => touched.tree |= before.parent_id != after.parent_id,
                _ => {}
            }
        }
        touched.transactions = transactions(changes).next().is_some();
        touched
    }
}

/// Whether these changes may cross a threshold of the plan's budgets or of their own.
pub(crate) fn may_cross(plan: &Plan, changes: &[Change]) -> bool {
    let touched = Touched::by(changes);
    !touched.budgets.is_empty()
        || (!plan.budgets.is_empty() && (touched.tree || touched.transactions))
}

/// The alerts and events for thresholds that these changes cross, be it by a transaction, by a
/// budget or by a category that moves. A threshold is announced when spending reaches it in a
/// period for the first time; falling below and crossing again is silent.
///
/// Read are the periods in which a changed transaction counts, and where a budget carries, those
/// since its start: what one period leaves moves all that follow.
pub(crate) fn announce(
    plan: &Plan,
    view: &View,
    changes: &[Change],
    ids: &dyn IdSource,
    now: chrono::DateTime<chrono::Utc>,
) -> (Vec<Change>, Vec<NewEvent>) {
    let touched = Touched::by(changes);
    // What the changes make counts already: an account that comes with its first transactions.
    let mut plan = Cow::Borrowed(plan);
    for (document, stays) in documents_of(changes) {
        plan.to_mut().apply(document, stays);
    }
    let plan = &*plan;
    let former = former(changes);
    let mut after = View::new();
    after.apply(changes);
    let (mut alerts, mut events) = (Vec::new(), Vec::new());
    for budget in plan.budgets.values() {
        let whole = touched.tree || touched.budgets.contains(&budget.id);
        let Some(moved) = moved(plan, budget, whole, [&former, &after]) else { continue };
        let from = match chain::begin(budget) {
            Some(first) if budget.rollover.carry != Carry::Nothing => {
                first.start().min(moved.start())
            }
            _ => moved.start(),
        };
        let mut uses = Uses::new();
        let span = DateRange::new(from, moved.end());
        for (view, sign) in [(view, 1), (&former, -1), (&after, 1)] {
            Counter { plan, budget }.add(&mut uses, view, span, sign);
        }
        let mut chain = Chain::new(budget, &uses);
        for (start, used) in uses.range(moved.start()..) {
            let range = budget.period.range_of(*start);
            if !chain::begun(budget, range) {
                continue;
            }
            let available = i128::from(budget.limit.minor()) + chain.carried_into(range);
            for alert in crossed(plan, budget, range, available, used) {
                let id = EventId::new(ids.uuid(now));
                events.push(event(budget, range, available, &alert, id));
                alerts.push(Change::create(alert));
            }
        }
    }
    (alerts, events)
}

/// The days in whose periods a budget's figures may have moved; `None` where none has.
fn moved(plan: &Plan, budget: &Budget, whole: bool, changed: [&View; 2]) -> Option<DateRange> {
    if whole {
        return Some(DateRange::new(NaiveDate::MIN, NaiveDate::MAX));
    }
    let lines = changed.into_iter().flat_map(View::lines);
    let days = lines.filter(|line| scope::counts(plan, budget, line)).map(|line| line.date);
    let (first, last) = days.fold(None, |span: Option<(NaiveDate, NaiveDate)>, day| {
        Some(span.map_or((day, day), |(first, last)| (first.min(day), last.max(day))))
    })?;
    let start = budget.period.range_of(first).start();
    let carries = budget.rollover.carry != Carry::Nothing;
    let end = if carries { NaiveDate::MAX } else { budget.period.range_of(last).end() };
    Some(DateRange::new(start, end))
}

/// The transactions that changes replace or take away, as they were before.
fn former(changes: &[Change]) -> View {
    let (mut former, mut seen) = (View::new(), BTreeSet::<TransactionId>::new());
    for change in changes {
        // Of several changes to one, the first knows what there was.
        let Some(Object::Transaction(subject)) = change.subject() else { continue };
        if seen.insert(subject.id)
            && let Some(Object::Transaction(before)) = &change.before
        {
            former.put(&ColumnRow::from(&**before));
        }
    }
    former
}

/// What is to be announced of a period.
fn crossed<'a>(
    plan: &'a Plan,
    budget: &'a Budget,
    range: DateRange,
    available: i128,
    used: &Use,
) -> impl Iterator<Item = Alert> + use<'a> {
    let (from, to) = (range.start(), range.last_day());
    chain::reached(budget, available, used.used(budget))
        .filter(move |threshold| {
            !plan.alerts.contains_key(&(budget.id, from, to, *threshold))
                || planted::is("threshold_twice")
        })
        .map(move |threshold| Alert { budget_id: budget.id, from, to, threshold })
}

fn event(
    budget: &Budget,
    range: DateRange,
    available: i128,
    alert: &Alert,
    id: EventId,
) -> NewEvent {
    let name = "planning.budget.threshold_crossed";
    let event = NewEvent::new(id, name, "budget", budget.id.to_string())
        .with("from", alert.from.to_string())
        .with("to", alert.to.to_string())
        .with("threshold", alert.threshold.to_string())
        .with("limit", budget.limit.amount().to_string())
        .with("currency", budget.limit.currency().to_string());
    let event = match Money::from_wide(available, budget.limit.currency()) {
        Ok(available) => event.with("available", available.amount().to_string()),
        Err(_) => event,
    };
    let month = Month::of(alert.from);
    if DateRange::of(month) == range { event.with("month", month.to_string()) } else { event }
}

/// The transactions in changes, before and after.
fn transactions(changes: &[Change]) -> impl Iterator<Item = &Transaction> {
    let images = changes.iter().flat_map(|change| [&change.before, &change.after]);
    images.flatten().filter_map(|object| match object {
        Object::Transaction(transaction) => Some(&**transaction),
        Object::Document(_) => None,
    })
}
