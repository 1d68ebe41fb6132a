//! Budgets: how much of each limit is used, and which thresholds were crossed.
//!
//! Everything follows from the view: nothing is kept but which thresholds were announced.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::env::IdSource;
use crate::error::Result;
use crate::id::{BudgetId, EventId, TransactionId};
use crate::log::{Change, NewEvent, Object, documents_of};
use crate::model::{Alert, Budget, Document, Transaction};
use crate::money::{Amount, Money};
use crate::period::Month;
use crate::plan::Plan;
use crate::view::{Line, View};

/// Which budgets' state to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BudgetQuery {
    /// The month; the present one, in the book's zone, where absent.
    pub month: Option<Month>,
    /// One budget; all where absent.
    pub budget_id: Option<BudgetId>,
}

/// How a budget stands in a month.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct BudgetState {
    /// The budget.
    pub budget_id: BudgetId,
    /// Its name.
    pub name: String,
    /// The month.
    pub month: Month,
    /// What may be spent.
    pub limit: Money,
    /// What was spent, refunds taken off; below zero when more came back than went out.
    pub spent: Money,
    /// What is left; below zero when the limit is exceeded.
    pub remaining: Money,
    /// What was spent in percent of the limit, one decimal place, rounded half to even.
    pub used_percent: Amount,
    /// The thresholds reached now, ascending.
    pub reached: Vec<u32>,
    /// The thresholds announced in this month, ascending.
    pub announced: Vec<u32>,
    /// How many transactions were counted.
    pub transactions: u64,
}
crate::model::debug_only!(BudgetState: budget_id, month, reached, announced);

/// Spending in minor units and how many transactions made it.
#[derive(Debug, Clone, Copy, Default)]
struct Use {
    minor: i128,
    transactions: u64,
}

/// How budgets stand in a month.
pub fn states(
    plan: &Plan,
    view: &View,
    budgets: &[&Budget],
    month: Month,
) -> Result<Vec<BudgetState>> {
    budgets.iter().map(|budget| state(plan, view, budget, month)).collect()
}

fn state(plan: &Plan, view: &View, budget: &Budget, month: Month) -> Result<BudgetState> {
    let mut used = Use::default();
    let mut last = None;
    for line in view.lines().filter(|line| month.contains(line.date)) {
        if counts(plan, budget, &line) {
            used.minor -= i128::from(line.amount_minor);
            // The parts of one transaction stand side by side.
            if last.replace(line.transaction_id) != Some(line.transaction_id) {
                used.transactions = used.transactions.saturating_add(1);
            }
        }
    }
    let spent = Money::from_wide(used.minor, budget.limit.currency())?;
    let announced = plan.alerts.range((budget.id, month, 0)..=(budget.id, month, u32::MAX));
    let percent = spent.amount().decimal().checked_mul(rust_decimal::Decimal::ONE_HUNDRED);
    let percent = percent.and_then(|spent| spent.checked_div(budget.limit.amount().decimal()));
    let mut used_percent = percent.unwrap_or_default().round_dp(1);
    used_percent.rescale(1);
    Ok(BudgetState {
        budget_id: budget.id,
        name: budget.name.clone(),
        month,
        limit: budget.limit,
        spent,
        remaining: budget.limit.checked_sub(spent)?,
        used_percent: Amount::new(used_percent),
        reached: reached(budget, used.minor).collect(),
        announced: announced.map(|(_, alert)| alert.threshold).collect(),
        transactions: used.transactions,
    })
}

/// Whether a line is spending that the budget watches: in its currency, in its categories or
/// below them, and not a transfer.
fn counts(plan: &Plan, budget: &Budget, line: &Line<'_>) -> bool {
    let account = plan.accounts.get(&line.account_id);
    let currency_fits = account.is_some_and(|it| it.currency == budget.limit.currency());
    let watched = |category| budget.category_ids.iter().any(|top| plan.is_within(category, *top));
    !line.transfer && currency_fits && line.category_id.is_some_and(watched)
}

/// The thresholds that spending of so many minor units reaches: compared as integers, so that no
/// rounding decides.
fn reached(budget: &Budget, spent_minor: i128) -> impl Iterator<Item = u32> {
    let limit = i128::from(budget.limit.minor());
    let used = spent_minor.saturating_mul(100);
    let reaches = move |threshold: &u32| used >= limit.saturating_mul(i128::from(*threshold));
    budget.thresholds.clone().into_iter().filter(reaches)
}

/// What changes may have moved: the budgets' figures of some months.
#[derive(Debug, Default)]
struct Touched {
    /// The months of the transactions that changed: every budget, these months.
    months: BTreeSet<Month>,
    /// The budgets that are new or other than before: these, every month.
    budgets: BTreeSet<BudgetId>,
    /// Whether a category moved in the tree: every budget, every month.
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
        touched.months = transactions(changes).map(|it| Month::of(it.booking_date)).collect();
        touched
    }

    fn has(&self, budget: &Budget, month: Month) -> bool {
        self.tree || self.budgets.contains(&budget.id) || self.months.contains(&month)
    }
}

/// Whether these changes may cross a threshold of the plan's budgets or of their own.
pub(crate) fn may_cross(plan: &Plan, changes: &[Change]) -> bool {
    let touched = Touched::by(changes);
    !touched.budgets.is_empty()
        || (!plan.budgets.is_empty() && (touched.tree || !touched.months.is_empty()))
}

/// The alerts and events for thresholds that these changes cross, be it by a transaction, by a
/// budget or by a category that moves. A threshold is announced when spending reaches it in a month
/// for the first time; falling below and crossing again is silent.
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
    let mut after = View::new();
    after.apply(changes);
    let replaced: BTreeSet<TransactionId> = transactions(changes).map(|it| it.id).collect();
    let kept = view.lines().filter(|line| !replaced.contains(&line.transaction_id));
    let mut spent: BTreeMap<(BudgetId, Month), i128> = BTreeMap::new();
    for line in kept.chain(after.lines()) {
        let month = Month::of(line.date);
        let budgets = plan.budgets.values().filter(|budget| touched.has(budget, month));
        for budget in budgets.filter(|budget| counts(plan, budget, &line)) {
            *spent.entry((budget.id, month)).or_default() -= i128::from(line.amount_minor);
        }
    }
    let (mut alerts, mut events) = (Vec::new(), Vec::new());
    for ((budget_id, month), minor) in spent {
        let Some(budget) = plan.budgets.get(&budget_id) else { continue };
        for threshold in reached(budget, minor) {
            if plan.alerts.contains_key(&(budget_id, month, threshold)) {
                continue;
            }
            alerts.push(Change::create(Alert { budget_id, month, threshold }));
            events.push(crossed(budget, month, threshold, EventId::new(ids.uuid(now))));
        }
    }
    (alerts, events)
}

fn crossed(budget: &Budget, month: Month, threshold: u32, id: EventId) -> NewEvent {
    NewEvent::new(id, "planning.budget.threshold_crossed", "budget", budget.id.to_string())
        .with("month", month.to_string())
        .with("threshold", threshold.to_string())
        .with("limit", budget.limit.amount().to_string())
        .with("currency", budget.limit.currency().to_string())
}

/// The transactions in changes, before and after.
fn transactions(changes: &[Change]) -> impl Iterator<Item = &Transaction> {
    let images = changes.iter().flat_map(|change| [&change.before, &change.after]);
    images.flatten().filter_map(|object| match object {
        Object::Transaction(transaction) => Some(&**transaction),
        Object::Document(_) => None,
    })
}
