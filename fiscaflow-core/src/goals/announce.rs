//! Milestones that are reached: each is announced once, by a document that is made in the commit
//! that reaches it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::reached;
use super::saved::Saved;
use crate::calendar::day_of;
use crate::env::IdSource;
use crate::error::{Error, Result};
use crate::id::EventId;
use crate::log::{Change, NewEvent, Object, documents_of};
use crate::model::{Document, Goal, GoalState, Milestone};
use crate::money::Money;
use crate::plan::Plan;
use crate::view::View;

/// Whether these changes may bring a goal of the plan, or one of their own, to a milestone.
pub(crate) fn may_reach(plan: &Plan, changes: &[Change]) -> bool {
    let images = || changes.iter().flat_map(|change| [&change.before, &change.after]).flatten();
    let is_goal = |object: &Object| matches!(object, Object::Document(Document::Goal(_)));
    if plan.goals.is_empty() {
        return images().any(is_goal);
    }
    images().any(|object| match object {
        Object::Transaction(_) => true,
        Object::Document(document) => matches!(
            document,
            Document::Goal(_)
                | Document::Account(_)
                | Document::Category(_)
                | Document::Assignment(_)
                | Document::Envelope(_)
        ),
    })
}

/// The documents and events for milestones that active goals have reached by today, with these
/// changes: each for the first time. Falling below and reaching it again is silent.
///
/// Looked at is every goal with a milestone that is still to come, for what was recorded ahead
/// counts from its own day on, whatever the present change is about.
pub(crate) fn announce(
    plan: &Plan,
    view: &View,
    changes: &[Change],
    ids: &dyn IdSource,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(Vec<Change>, Vec<NewEvent>)> {
    let mut plan = Cow::Borrowed(plan);
    for (document, stays) in documents_of(changes) {
        plan.to_mut().apply(document, stays);
    }
    let plan = &*plan;
    let mut view = view.clone();
    view.apply(changes);
    let today = day_of(now, &plan.book.zone).map_err(|_| Error::corrupt("an unknown zone"))?;
    let (mut documents, mut events) = (Vec::new(), Vec::new());
    for goal in plan.goals.values().filter(|goal| goal.state == GoalState::Active) {
        let is_new = |percent: &u32| !plan.milestones.contains_key(&(goal.id, *percent));
        if !goal.milestones.iter().any(is_new) || today < goal.start {
            continue;
        }
        let saved = Saved { plan, view: &view, goal }.by_days(&BTreeSet::from([today]));
        let saved = saved.get(&today).copied().unwrap_or(0);
        for percent in reached(goal, saved).filter(is_new) {
            events.push(event(goal, percent, saved, EventId::new(ids.uuid(now))));
            documents.push(Change::create(Milestone { goal_id: goal.id, percent, date: today }));
        }
    }
    Ok((documents, events))
}

fn event(goal: &Goal, percent: u32, saved: i128, id: EventId) -> NewEvent {
    let (name, currency) = ("planning.goal.milestone_reached", goal.target.currency());
    let event = NewEvent::new(id, name, "goal", goal.id.to_string())
        .with("percent", percent.to_string())
        .with("achieved", (percent == 100).to_string())
        .with("target", goal.target.amount().to_string())
        .with("currency", currency.to_string());
    match Money::from_wide(saved, currency) {
        Ok(saved) => event.with("saved", saved.amount().to_string()),
        Err(_) => event,
    }
}
