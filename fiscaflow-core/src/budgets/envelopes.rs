//! Envelopes: what came in, what it was assigned to, what is left of it, month by month.
//!
//! Money is only what lies in the accounts on budget: those in the book's currency that are neither
//! loan nor investment. At the end of every month what is available in all envelopes, what is to be
//! budgeted and what is held back add up to it, to the cent: each line of those accounts goes to
//! exactly one place, its envelope where it is categorised spending, else what is to be budgeted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::analytics::{Named, Witness};
use crate::error::Result;
use crate::id::{CategoryId, TransactionId};
use crate::model::{Account, AccountKind, CategoryKind};
use crate::money::Money;
use crate::period::Month;
use crate::plan::Plan;
use crate::view::{Group, View};

/// Which month's envelopes to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EnvelopeQuery {
    /// The month; the present one, in the book's zone, where absent.
    pub month: Option<Month>,
    /// Whether to name the transactions that make the activity.
    pub witness: bool,
}

/// How an envelope stands at a month's end.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EnvelopeState {
    /// The category.
    pub category_id: CategoryId,
    /// Its name.
    pub name: String,
    /// What lay in it when the month began; below zero where it carries a deficit.
    pub carried_in: Money,
    /// What it was assigned in the month.
    pub assigned: Money,
    /// What came to it or, below zero, went out of it in the month.
    pub activity: Money,
    /// What lies in it: the three together. Below zero where it is overspent.
    pub available: Money,
    /// Whether a deficit of this month stays in the envelope.
    pub carries_deficit: bool,
    /// What the activity was made from, where asked for.
    pub witness: Option<Witness>,
}
crate::model::debug_only!(EnvelopeState: category_id, carries_deficit);

/// How all envelopes stand at a month's end, in the book's currency.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EnvelopeMonth {
    /// The month.
    pub month: Month,
    /// What was left to be budgeted the month before, that which was held back included; in the
    /// first month what lay in the accounts before.
    pub carried_in: Money,
    /// What was overspent the month before in envelopes that do not carry it; zero or below.
    pub overspent_before: Money,
    /// Income.
    pub income: Money,
    /// What has no category yet: it changes what is to be budgeted until it has.
    pub uncategorised: Money,
    /// Transfers: what came from accounts that are not on budget less what went there, and what is
    /// under way between two months.
    pub transferred: Money,
    /// What all envelopes were assigned.
    pub assigned: Money,
    /// What is held back for the month after.
    pub held: Money,
    /// What is left to be budgeted: what was carried, overspent, earned, uncategorised and
    /// transferred, less what was assigned and held. Below zero where more was assigned than is
    /// there.
    pub to_be_budgeted: Money,
    /// What lies in all envelopes.
    pub available: Money,
    /// What lies in the accounts on budget: to be budgeted, held and available together.
    pub money: Money,
    /// The envelopes, one for each category of spending, by id.
    pub envelopes: Vec<EnvelopeState>,
}
crate::model::debug_only!(EnvelopeMonth: month);

/// Whether money in an account can be put into envelopes.
pub fn on_budget(plan: &Plan, account: &Account) -> bool {
    let kept = matches!(account.kind, AccountKind::Loan | AccountKind::Investment);
    account.currency == plan.book.currency && !kept
}

/// Where a line goes.
#[derive(Debug, Clone, Copy)]
enum Place {
    Income(CategoryId),
    Activity(CategoryId),
    Uncategorised,
    Transferred,
}

/// Where the lines of a group go; `None` where their account is not on budget.
fn place(plan: &Plan, group: &Group) -> Option<Place> {
    let account = plan.accounts.get(&group.account_id)?;
    let category = group.category_id.and_then(|id| plan.categories.get(&id));
    on_budget(plan, account).then_some(match category {
        _ if group.transfer => Place::Transferred,
        None => Place::Uncategorised,
        Some(category) if category.kind == CategoryKind::Income => Place::Income(category.id),
        Some(category) => Place::Activity(category.id),
    })
}

/// What moved in a month, in minor units.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    pub(super) income: BTreeMap<CategoryId, i128>,
    pub(super) activity: BTreeMap<CategoryId, i128>,
    uncategorised: i128,
    transferred: i128,
}

impl Flow {
    fn earned(&self) -> i128 {
        self.income.values().sum()
    }

    fn add(&mut self, place: Place, minor: i128) {
        *match place {
            Place::Income(id) => self.income.entry(id).or_default(),
            Place::Activity(id) => self.activity.entry(id).or_default(),
            Place::Uncategorised => &mut self.uncategorised,
            Place::Transferred => &mut self.transferred,
        } += minor;
    }
}

/// What moved in each month up to the end of a day: of whole months by their sums, so that no line
/// is read but those of the month in which the day lies.
pub(super) fn flows(plan: &Plan, view: &View, last: NaiveDate) -> BTreeMap<Month, Flow> {
    let places: Vec<Option<Place>> = view.groups().map(|group| place(plan, group)).collect();
    let place = |group: usize| places.get(group).copied().flatten();
    let present = Month::of(last);
    let whole = if present.last_day() == last { present } else { present.previous() };
    let mut flows: BTreeMap<Month, Flow> = BTreeMap::new();
    for sum in view.months(None, Some(whole)) {
        if let Some(place) = place(sum.number) {
            flows.entry(sum.month).or_default().add(place, sum.minor);
        }
    }
    if whole < present {
        view.scan(Some(present.first_day()), Some(last), |group, _, minor| {
            if let Some(place) = place(group) {
                flows.entry(present).or_default().add(place, i128::from(minor));
            }
        });
    }
    flows
}

/// The transactions of each envelope's activity in a month.
fn named(plan: &Plan, view: &View, month: Month) -> BTreeMap<CategoryId, Vec<TransactionId>> {
    let places: Vec<Option<Place>> = view.groups().map(|group| place(plan, group)).collect();
    let mut named: BTreeMap<CategoryId, Vec<TransactionId>> = BTreeMap::new();
    view.scan_lines(Some(month.first_day()), Some(month.last_day()), |line| {
        if let Some(Some(Place::Activity(id))) = places.get(line.group) {
            named.entry(*id).or_default().push(line.transaction_id);
        }
    });
    named
}

/// Where all envelopes stand at the end of a month, in minor units.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    pub(super) carried: BTreeMap<CategoryId, i128>,
    pub(super) assigned: BTreeMap<CategoryId, i128>,
    pub(super) available: BTreeMap<CategoryId, i128>,
    pub(super) to_be_budgeted: i128,
    carried_in: i128,
    overspent_before: i128,
    held: i128,
}

/// Where all envelopes stand at the end of a month: from the first month in which anything moved
/// or was assigned, each month with what the one before left.
pub(super) fn standing(plan: &Plan, flows: &BTreeMap<Month, Flow>, last: Month) -> Standing {
    let accounts = plan.accounts.values().filter(|account| on_budget(plan, account));
    let opening: i128 = accounts.map(|it| i128::from(it.opening_balance.minor())).sum();
    let firsts = [flows.keys().next(), plan.assignments.keys().next(), Some(&last)];
    let mut month = firsts.into_iter().flatten().min().copied().unwrap_or(last);
    let mut before = Standing { to_be_budgeted: opening, ..Standing::default() };
    loop {
        let now = next_month(plan, flows.get(&month), month, &before);
        if month >= last {
            return now;
        }
        (before, month) = (now, month.next());
    }
}

fn next_month(plan: &Plan, flow: Option<&Flow>, month: Month, before: &Standing) -> Standing {
    let mut now =
        Standing { carried_in: before.to_be_budgeted + before.held, ..Standing::default() };
    for (id, left) in &before.available {
        if *left >= 0 || carries_deficit(plan, *id, month.previous()) {
            now.carried.insert(*id, *left);
        } else {
            now.overspent_before += left;
        }
    }
    if let Some(assignment) = plan.assignments.get(&month) {
        now.held = i128::from(assignment.held.minor());
        let amounts = assignment.amounts.iter();
        now.assigned = amounts.map(|it| (it.category_id, i128::from(it.amount.minor()))).collect();
    }
    let empty = Flow::default();
    let flow = flow.unwrap_or(&empty);
    for part in [&now.carried, &now.assigned, &flow.activity] {
        for (id, minor) in part {
            *now.available.entry(*id).or_default() += minor;
        }
    }
    let came = flow.earned() + flow.uncategorised + flow.transferred;
    let assigned: i128 = now.assigned.values().sum();
    now.to_be_budgeted = now.carried_in + now.overspent_before + came - assigned - now.held;
    now
}

/// What is available in an envelope by the ends of days: of months, and of a last day that may lie
/// within its month. What a month assigns is there from its first day on.
pub(crate) fn available(
    plan: &Plan,
    view: &View,
    id: CategoryId,
    days: &BTreeSet<NaiveDate>,
) -> BTreeMap<NaiveDate, i128> {
    let Some(last) = days.last() else { return BTreeMap::new() };
    let flows = flows(plan, view, *last);
    let at = |day: &NaiveDate| {
        let standing = standing(plan, &flows, Month::of(*day));
        (*day, standing.available.get(&id).copied().unwrap_or(0))
    };
    days.iter().map(at).collect()
}

/// Whether an envelope keeps the deficit of a month.
fn carries_deficit(plan: &Plan, id: CategoryId, month: Month) -> bool {
    let from = plan.envelopes.get(&id).and_then(|envelope| envelope.carries_deficit_from);
    from.is_some_and(|from| from <= month)
}

/// How all envelopes stand at the end of a month.
///
/// # Errors
///
/// `amount_overflow` where a sum does not fit, `limit_exceeded` where witnesses would name more
/// than 100,000 transactions.
pub fn envelopes(plan: &Plan, view: &View, month: Month, witness: bool) -> Result<EnvelopeMonth> {
    let mut flows = flows(plan, view, month.last_day());
    let standing = standing(plan, &flows, month);
    let flow = flows.remove(&month).unwrap_or_default();
    let money = |minor: i128| Money::from_wide(minor, plan.book.currency);
    let of = |map: &BTreeMap<CategoryId, i128>, id| money(map.get(id).copied().unwrap_or(0));
    let mut ids = if witness { named(plan, view, month) } else { BTreeMap::new() };
    let (mut envelopes, mut named) = (Vec::new(), Named::default());
    let spending = plan.categories.values().filter(|it| it.kind == CategoryKind::Expense);
    for category in spending {
        let id = &category.id;
        let state = EnvelopeState {
            category_id: *id,
            name: category.name.clone(),
            carried_in: of(&standing.carried, id)?,
            assigned: of(&standing.assigned, id)?,
            activity: of(&flow.activity, id)?,
            available: of(&standing.available, id)?,
            carries_deficit: carries_deficit(plan, *id, month),
            witness: witness.then(|| {
                let ids = ids.remove(id).unwrap_or_default();
                Witness::of(view, plan.book.currency, ids)
            }),
        };
        named.add(state.witness.as_ref())?;
        envelopes.push(state);
    }
    let available: i128 = standing.available.values().sum();
    Ok(EnvelopeMonth {
        month,
        carried_in: money(standing.carried_in)?,
        overspent_before: money(standing.overspent_before)?,
        income: money(flow.earned())?,
        uncategorised: money(flow.uncategorised)?,
        transferred: money(flow.transferred)?,
        assigned: money(standing.assigned.values().sum())?,
        held: money(standing.held)?,
        to_be_budgeted: money(standing.to_be_budgeted)?,
        available: money(available)?,
        money: money(standing.to_be_budgeted + standing.held + available)?,
        envelopes,
    })
}
