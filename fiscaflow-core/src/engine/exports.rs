//! Exports: a book as other programs read it, and a whole book restored from one.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::accounts::check_account;
use super::books::check_book;
use super::budgets::check_budget;
use super::envelopes::{check_assignment, check_envelope};
use super::goals::check_goal;
use super::insights::check_dismissal;
use super::layouts::check_layout;
use super::members::check_member;
use super::noun;
use super::rates::check_sheet;
use super::run::{Command, Decision, Facts};
use super::schedules::check_schedule;
use super::transactions;
use crate::error::{Error, ErrorCode, Result};
use crate::export::json::BookExport;
use crate::export::{ExportFormat, Source, json};
use crate::id::TransactionId;
use crate::limits::{MAX_ATTEMPTS, MAX_DOCUMENTS, MAX_RATE_SHEETS, MAX_RESTORE_BYTES, MAX_RULES};
use crate::log::{Change, Hash};
use crate::model::{Book, Document, Import, Role, Transaction, check_name};
use crate::money::Currency;
use crate::plan::Plan;
use crate::rules::check_all_patterns;
use crate::store::TransactionQuery;

/// Which export is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ExportQuery {
    /// What it is written for.
    pub format: ExportFormat,
}

/// An export.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Export {
    /// What it is written for.
    pub format: ExportFormat,
    /// The media type of the content.
    pub media_type: String,
    /// A name for the file.
    pub file_name: String,
    /// The file, as UTF-8 text.
    pub content: String,
}
crate::model::debug_only!(Export: format, media_type);

/// A whole book to be put into an empty one.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewRestore {
    /// A JSON export.
    pub content: String,
}
crate::model::debug_only!(NewRestore:);

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RestoreReport {
    /// How many accounts, categories, rules and other documents.
    pub documents: u64,
    /// How many transactions.
    pub transactions: u64,
}

noun! {
    /// The book for other programs.
    Exports
}

impl Exports<'_> {
    /// Writes the book as it is now in another program's format.
    ///
    /// ```no_run
    /// # async fn example(book: fiscaflow_core::engine::BookHandle) -> fiscaflow_core::Result<()> {
    /// use fiscaflow_core::engine::ExportQuery;
    /// use fiscaflow_core::export::ExportFormat;
    ///
    /// let journal = book.exports().create(ExportQuery { format: ExportFormat::Hledger }).await?;
    /// println!("{}", journal.content);
    /// # Ok(()) }
    /// ```
    pub async fn create(&self, query: ExportQuery) -> Result<Export> {
        for _ in 0..MAX_ATTEMPTS {
            let state = self.book.authorised(Role::Viewer).await?;
            let everything = TransactionQuery { deleted: true, ..TransactionQuery::default() };
            let mut loaded = HashMap::new();
            self.book.load_all(everything, &mut loaded).await?;
            if self.book.engine.inner.store.head(self.book.book_id).await? != Some(state.head) {
                continue;
            }
            let mut transactions: Vec<Transaction> = loaded.into_values().collect();
            transactions.sort_unstable_by_key(|it| (it.booking_date, it.id));
            let now = self.book.engine.now();
            let head = state.head.hash;
            let source = Source { plan: &state.plan, transactions: &transactions, head, now };
            let content = source.write(query.format)?;
            let file_name =
                format!("{}-{}.{}", self.book.book_id, state.head.seq, query.format.extension());
            let media_type = query.format.media_type().to_owned();
            return Ok(Export { format: query.format, media_type, file_name, content });
        }
        Err(Error::new(ErrorCode::Conflict, "the book is being changed too fast; try again"))
    }

    /// Puts a JSON export into this book, which must hold nothing yet, in one commit. Ids stay;
    /// this book keeps its own id and owner. Imports come along so that their files are
    /// recognised, but cannot be undone here: their commits stay where they were made.
    pub async fn restore(&self, new: NewRestore) -> Result<RestoreReport> {
        self.book.authorised(Role::Owner).await?;
        if new.content.len() > MAX_RESTORE_BYTES {
            let text = format!("an export may have at most {MAX_RESTORE_BYTES} bytes");
            return Err(Error::new(ErrorCode::LimitExceeded, text).field("content"));
        }
        let export = json::read(&new.content).map_err(|error| error.or_field("content"))?;
        let digest = Hash::of(&[new.content.as_bytes()]);
        self.book.run(&Restore { digest, export }).await
    }
}

#[derive(Serialize)]
struct Restore {
    digest: Hash,
    #[serde(skip)]
    export: BookExport,
}

impl Command for Restore {
    type Answer = RestoreReport;
    const VERB: &'static str = "exports.restore";
    const ROLE: Role = Role::Owner;

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<RestoreReport>> {
        let now = facts.plan;
        let is_empty = now.accounts.is_empty()
            && now.categories.is_empty()
            && now.payees.is_empty()
            && now.rules.is_empty()
            && now.budgets.is_empty()
            && now.envelopes.is_empty()
            && now.assignments.is_empty()
            && now.imports.is_empty()
            && now.layouts.is_empty()
            && now.schedules.is_empty()
            && now.goals.is_empty()
            && now.dismissals.is_empty()
            && now.rates.is_empty();
        if !is_empty {
            let text = "an export is restored into a book that holds nothing yet";
            return Err(Error::new(ErrorCode::IdConflict, text));
        }
        let book = Book { id: now.book.id, ..self.export.book.clone() };
        let mut plan = Plan::new(book.clone());
        plan.put(named(book.clone().into())?);
        let mut changes = vec![Change::update(now.book.clone(), book)];
        for member in &self.export.members {
            // Who owns this book is not decided by a file.
            if !now.members.contains_key(&member.actor) {
                check_member(member)?;
                changes.push(Change::create(member.clone()));
            }
        }
        let mut documents = 0_u64;
        for document in self.export.documents() {
            documents = documents.saturating_add(1);
            plan.put(named(document.clone())?);
            changes.push(match document {
                Document::Import(import) => Change::create(Import { seq: 0, ..import }),
                document => Change { before: None, after: Some(document.into()) },
            });
        }
        check_plan(&plan, documents)?;
        check_transactions(&self.export.transactions, &plan)?;
        changes.extend(self.export.transactions.iter().cloned().map(Change::create));
        let transactions = u64::try_from(self.export.transactions.len()).unwrap_or(u64::MAX);
        let payload = [("transactions", transactions.to_string())];
        let aggregate = ("book", now.book.id.to_string());
        let event = facts.event("ledger.book.restored", aggregate, &payload);
        let answer = RestoreReport { documents, transactions };
        Ok(Decision { changes, events: vec![event], answer })
    }
}

/// A document as it is checked: what was erased of it stands for a name or tag that was there.
fn named(document: Document) -> Result<Document> {
    let kind = document.kind();
    if !kind.personal().contains(&"name") {
        return Ok(document);
    }
    let mut map = document.to_map()?;
    for (member, erased, stands) in
        [("name", json!(""), json!("erased")), ("tags", json!([""]), json!(["erased"]))]
    {
        if map.get(member) == Some(&erased) {
            map.insert(member.to_owned(), stands);
        }
    }
    Document::from_map(kind, map)
}

/// Refuses documents that the engine would not have kept: such as point nowhere, appear twice, are
/// too many or do not compile. What else a document names may be gone: an account that an undo took
/// away stays in rules and layouts.
fn check_plan(plan: &Plan, documents: u64) -> Result<()> {
    check_counts(plan, documents)?;
    check_book(&plan.book)?;
    Currency::iso(plan.book.currency.code())?;
    for account in plan.accounts.values() {
        check_account(account, plan).map_err(|error| error.id(account.id))?;
        check_registered(account.currency, plan)?;
        if account.opening_balance.currency() != account.currency {
            return Err(wrong("an opening balance is not in its account's currency"));
        }
    }
    for category in plan.categories.values() {
        let mut next = category.parent_id;
        for _ in 0..=plan.categories.len() {
            let Some(id) = next else { break };
            next = plan.category(id)?.parent_id;
        }
        if next.is_some() {
            return Err(wrong("its categories are no tree"));
        }
    }
    for category in plan.categories.values() {
        let parent = category.parent_id.and_then(|id| plan.categories.get(&id));
        if parent.is_some_and(|parent| parent.kind != category.kind) {
            return Err(wrong("a category is not of its parent's kind").id(category.id));
        }
    }
    check_planning(plan)?;
    let categories = plan.categories.values().map(|category| &category.name);
    let payees = plan.payees.values().map(|payee| &payee.name);
    let mut names = categories.chain(payees).chain(plan.rules.values().map(|rule| &rule.name));
    names.try_for_each(|name| check_name("name", name))?;
    plan.layouts.values().try_for_each(check_layout)?;
    check_all_patterns(plan)
}

/// Refuses two documents of one name, and more than a book may have.
fn check_counts(plan: &Plan, documents: u64) -> Result<()> {
    let kept = [
        plan.accounts.len(),
        plan.categories.len(),
        plan.payees.len(),
        plan.rules.len(),
        plan.budgets.len(),
        plan.envelopes.len(),
        plan.assignments.len(),
        plan.imports.len(),
        plan.layouts.len(),
        plan.transfer_refusals.len(),
        plan.schedules.len(),
        plan.goals.len(),
        plan.rates.len(),
        plan.alerts.len(),
        plan.milestones.len(),
        plan.dismissals.len(),
    ];
    if u64::try_from(kept.iter().sum::<usize>()).ok() != Some(documents) {
        return Err(wrong("a document stands in it twice"));
    }
    check_room(plan).map_err(|error| error.or_field("content"))
}

/// Refuses more documents than a book may have.
pub(super) fn check_room(plan: &Plan) -> Result<()> {
    let bounded = [plan.accounts.len(), plan.categories.len(), plan.payees.len()];
    let further =
        [plan.budgets.len(), plan.layouts.len(), plan.assignments.len(), plan.schedules.len()];
    let further = further.into_iter().chain([plan.goals.len(), plan.dismissals.len()]);
    let bounded = bounded.into_iter().chain(further);
    if bounded.max() > Some(MAX_DOCUMENTS)
        || plan.rules.len() > MAX_RULES
        || plan.rates.len() > MAX_RATE_SHEETS
    {
        return Err(Error::new(ErrorCode::LimitExceeded, "too many documents"));
    }
    Ok(())
}

/// The same as [`check_plan`] of budgets, envelopes, schedules, goals and rates.
fn check_planning(plan: &Plan) -> Result<()> {
    for budget in plan.budgets.values() {
        check_budget(budget, plan).map_err(|error| error.id(budget.id))?;
        check_registered(budget.limit.currency(), plan)?;
    }
    for envelope in plan.envelopes.values() {
        check_envelope(envelope, plan).map_err(|error| error.id(envelope.category_id))?;
    }
    for assignment in plan.assignments.values() {
        check_assignment(assignment, plan).map_err(|error| error.id(assignment.month))?;
    }
    for schedule in plan.schedules.values() {
        check_schedule(schedule, plan).map_err(|error| error.id(schedule.id))?;
    }
    for goal in plan.goals.values() {
        check_goal(goal, plan).map_err(|error| error.id(goal.id))?;
        check_registered(goal.target.currency(), plan)?;
    }
    plan.dismissals.values().try_for_each(check_dismissal)?;
    plan.rates.values().try_for_each(|sheet| check_sheet(sheet, plan))
}

/// Refuses a currency that the book would not know by its code.
fn check_registered(currency: Currency, plan: &Plan) -> Result<()> {
    if plan.currency(currency.code())? == currency {
        return Ok(());
    }
    Err(wrong("a currency has other decimal places than the book says"))
}

/// Refuses transactions that the engine would not have recorded.
fn check_transactions(all: &[Transaction], plan: &Plan) -> Result<()> {
    let mut by_id: BTreeMap<TransactionId, &Transaction> = BTreeMap::new();
    for transaction in all {
        let of = |error: Error| error.id(transaction.id);
        let account = plan.account(transaction.account_id).map_err(of)?;
        if account.currency != transaction.amount.currency() {
            return Err(of(wrong("a transaction is not in its account's currency")));
        }
        transactions::check(transaction, plan).map_err(of)?;
        if by_id.insert(transaction.id, transaction).is_some() {
            return Err(of(wrong("a transaction stands in it twice")));
        }
    }
    for transaction in all {
        let Some(other) = transaction.transfer_id else { continue };
        let other = by_id.get(&other).filter(|other| {
            other.transfer_id == Some(transaction.id) && other.account_id != transaction.account_id
        });
        if other.is_none() || !transaction.splits.is_empty() {
            let text = "a transfer has not two whole sides in two accounts";
            return Err(wrong(text).id(transaction.id));
        }
    }
    Ok(())
}

fn wrong(text: &str) -> Error {
    Error::invalid("content", format!("this is no export of a book: {text}"))
}
