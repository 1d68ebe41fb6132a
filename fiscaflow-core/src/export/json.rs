//! JSON: the whole book, documents and transactions, in the shapes that the engine answers with.

use serde::{Deserialize, Serialize};

use super::Source;
use crate::error::{Error, ErrorCode, Result};
use crate::log::Hash;
use crate::model::{
    Account, Alert, Assignment, Book, Budget, Category, Dismissal, Document, Envelope, Goal,
    Import, Layout, Member, Milestone, Payee, RateSheet, Rule, Schedule, Transaction,
    TransferRefusal,
};
use crate::plan::Plan;

/// The version of the shape; a reader refuses another.
const VERSION: u32 = 1;

/// A whole book. What a person deleted is in it too, so that files are recognised as before.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BookExport {
    /// The version of this shape.
    fiscaflow: u32,
    /// The newest commit when it was written, by which figures that name theirs are compared with
    /// it; a restored book begins a history of its own.
    #[serde(default)]
    head: Option<Hash>,
    pub(crate) book: Book,
    pub(crate) members: Vec<Member>,
    accounts: Vec<Account>,
    categories: Vec<Category>,
    payees: Vec<Payee>,
    rules: Vec<Rule>,
    budgets: Vec<Budget>,
    #[serde(default)]
    envelopes: Vec<Envelope>,
    #[serde(default)]
    assignments: Vec<Assignment>,
    imports: Vec<Import>,
    layouts: Vec<Layout>,
    transfer_refusals: Vec<TransferRefusal>,
    #[serde(default)]
    schedules: Vec<Schedule>,
    #[serde(default)]
    goals: Vec<Goal>,
    #[serde(default)]
    rates: Vec<RateSheet>,
    alerts: Vec<Alert>,
    #[serde(default)]
    milestones: Vec<Milestone>,
    #[serde(default)]
    dismissals: Vec<Dismissal>,
    pub(crate) transactions: Vec<Transaction>,
}

pub(super) fn write(source: &Source<'_>) -> Result<String> {
    let Plan {
        book,
        members,
        accounts,
        categories,
        payees,
        rules,
        budgets,
        envelopes,
        assignments,
        imports,
        layouts,
        transfer_refusals,
        schedules,
        goals,
        rates,
        alerts,
        milestones,
        dismissals,
        // A host's tokens are of no use elsewhere, and their keys are not here.
        secrets: _,
    } = source.plan.clone();
    let export = BookExport {
        fiscaflow: VERSION,
        head: Some(source.head),
        book,
        members: members.into_values().collect(),
        accounts: accounts.into_values().collect(),
        categories: categories.into_values().collect(),
        payees: payees.into_values().collect(),
        rules: rules.into_values().collect(),
        budgets: budgets.into_values().collect(),
        envelopes: envelopes.into_values().collect(),
        assignments: assignments.into_values().collect(),
        imports: imports.into_values().collect(),
        layouts: layouts.into_values().collect(),
        transfer_refusals: transfer_refusals.into_values().collect(),
        schedules: schedules.into_values().collect(),
        goals: goals.into_values().collect(),
        rates: rates.into_values().collect(),
        alerts: alerts.into_values().collect(),
        milestones: milestones.into_values().collect(),
        dismissals: dismissals.into_values().collect(),
        transactions: source.transactions.to_vec(),
    };
    serde_json::to_string_pretty(&export)
        .map_err(|_| Error::new(ErrorCode::Internal, "a book cannot be written as JSON"))
}

/// Reads what [`write`] wrote.
pub(crate) fn read(text: &str) -> Result<BookExport> {
    let value =
        serde_json::from_str(text).map_err(|_| Error::invalid("content", "this is no JSON"))?;
    let export: BookExport = crate::api::read(value)?;
    if export.fiscaflow == VERSION {
        return Ok(export);
    }
    let text = format!("exports of version {VERSION} are read");
    Err(Error::new(ErrorCode::UnknownFormat, text).field("fiscaflow"))
}

impl BookExport {
    /// The documents but for the book and its members.
    pub(crate) fn documents(&self) -> Vec<Document> {
        fn of<T: Clone + Into<Document>>(list: &[T]) -> impl Iterator<Item = Document> + '_ {
            list.iter().cloned().map(Into::into)
        }
        of(&self.accounts)
            .chain(of(&self.categories))
            .chain(of(&self.payees))
            .chain(of(&self.rules))
            .chain(of(&self.budgets))
            .chain(of(&self.envelopes))
            .chain(of(&self.assignments))
            .chain(of(&self.imports))
            .chain(of(&self.layouts))
            .chain(of(&self.transfer_refusals))
            .chain(of(&self.schedules))
            .chain(of(&self.goals))
            .chain(of(&self.rates))
            .chain(of(&self.alerts))
            .chain(of(&self.milestones))
            .chain(of(&self.dismissals))
            .collect()
    }
}
