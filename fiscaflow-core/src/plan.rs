//! `Plan`: a book's documents, whole, at one point of its history.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::error::{Error, ErrorCode, Result};
use crate::id::{
    AccountId, BudgetId, CategoryId, GoalId, ImportId, LayoutId, PayeeId, RuleId, ScheduleId,
    TransactionId,
};
use crate::model::{
    Account, ActorId, Alert, Assignment, Book, Budget, Category, CategoryKind, Dismissal, Document,
    DocumentKind, Envelope, Goal, Import, Layout, Member, Milestone, Payee, RateSheet, Role, Rule,
    Schedule, Secret, SecretName, TransferRefusal,
};
use crate::money::Currency;
use crate::period::Month;
use crate::planted;
use crate::store::fold;

/// A book's documents. Decisions read it; only commits change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The book itself.
    pub book: Book,
    /// Who may reach it.
    pub members: BTreeMap<ActorId, Member>,
    /// Its accounts.
    pub accounts: BTreeMap<AccountId, Account>,
    /// Its categories.
    pub categories: BTreeMap<CategoryId, Category>,
    /// Its payees.
    pub payees: BTreeMap<PayeeId, Payee>,
    /// Its rules.
    pub rules: BTreeMap<RuleId, Rule>,
    /// Its budgets.
    pub budgets: BTreeMap<BudgetId, Budget>,
    /// How its envelopes are kept.
    pub envelopes: BTreeMap<CategoryId, Envelope>,
    /// What was assigned to envelopes, by month.
    pub assignments: BTreeMap<Month, Assignment>,
    /// Its imports.
    pub imports: BTreeMap<ImportId, Import>,
    /// The layouts of delimited files that it knows.
    pub layouts: BTreeMap<LayoutId, Layout>,
    /// The pairs of transactions that are no transfer, by the sides' ids.
    pub transfer_refusals: BTreeMap<(TransactionId, TransactionId), TransferRefusal>,
    /// What is expected again and again.
    pub schedules: BTreeMap<ScheduleId, Schedule>,
    /// What is saved for.
    pub goals: BTreeMap<GoalId, Goal>,
    /// What currencies were worth, by day and base.
    pub rates: BTreeMap<(NaiveDate, String), RateSheet>,
    /// Its announced thresholds, by budget, first and last day of the period, and percentage.
    pub alerts: BTreeMap<(BudgetId, NaiveDate, NaiveDate, u32), Alert>,
    /// Its announced milestones, by goal and percentage.
    pub milestones: BTreeMap<(GoalId, u32), Milestone>,
    /// The findings that somebody dismissed, by their names.
    pub dismissals: BTreeMap<String, Dismissal>,
    /// What the host keeps sealed.
    pub secrets: BTreeMap<SecretName, Secret>,
}

impl Plan {
    /// A plan that holds a book and nothing else.
    pub fn new(book: Book) -> Self {
        Self {
            book,
            members: BTreeMap::new(),
            accounts: BTreeMap::new(),
            categories: BTreeMap::new(),
            payees: BTreeMap::new(),
            rules: BTreeMap::new(),
            budgets: BTreeMap::new(),
            envelopes: BTreeMap::new(),
            assignments: BTreeMap::new(),
            imports: BTreeMap::new(),
            layouts: BTreeMap::new(),
            transfer_refusals: BTreeMap::new(),
            schedules: BTreeMap::new(),
            goals: BTreeMap::new(),
            rates: BTreeMap::new(),
            alerts: BTreeMap::new(),
            milestones: BTreeMap::new(),
            dismissals: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }

    /// The plan made of these documents, among which is the book.
    pub fn from_documents(documents: Vec<Document>) -> Result<Self> {
        let book = documents.iter().find_map(|document| match document {
            Document::Book(book) => Some(book.clone()),
            _ => None,
        });
        let mut plan = Self::new(book.ok_or_else(|| Error::corrupt("a book lacks its document"))?);
        for document in documents {
            plan.put(document);
        }
        Ok(plan)
    }

    /// Adds or replaces a document.
    pub(crate) fn put(&mut self, document: Document) {
        match document {
            Document::Book(book) => self.book = book,
            Document::Member(member) => drop(self.members.insert(member.actor.clone(), member)),
            Document::Account(account) => drop(self.accounts.insert(account.id, account)),
            Document::Category(category) => drop(self.categories.insert(category.id, category)),
            Document::Payee(payee) => drop(self.payees.insert(payee.id, payee)),
            Document::Rule(rule) => drop(self.rules.insert(rule.id, rule)),
            Document::Budget(budget) => drop(self.budgets.insert(budget.id, budget)),
            Document::Envelope(envelope) => {
                self.envelopes.insert(envelope.category_id, envelope);
            }
            Document::Assignment(it) => drop(self.assignments.insert(it.month, it)),
            Document::Import(import) => drop(self.imports.insert(import.id, import)),
            Document::Layout(layout) => drop(self.layouts.insert(layout.id, layout)),
            Document::TransferRefusal(refusal) => {
                self.transfer_refusals.insert((refusal.from_id, refusal.to_id), refusal);
            }
            Document::Schedule(schedule) => drop(self.schedules.insert(schedule.id, schedule)),
            Document::Goal(goal) => drop(self.goals.insert(goal.id, goal)),
            Document::RateSheet(sheet) => {
                drop(self.rates.insert((sheet.date, sheet.base.clone()), sheet));
            }
            Document::Alert(alert) => {
                let key = (alert.budget_id, alert.from, alert.to, alert.threshold);
                self.alerts.insert(key, alert);
            }
            Document::Dismissal(it) => drop(self.dismissals.insert(it.insight_id.clone(), it)),
            Document::Secret(it) => drop(self.secrets.insert(it.name(), it)),
            Document::Milestone(it) => {
                self.milestones.insert((it.goal_id, it.percent), it);
            }
        }
    }

    /// The document that bears the name of another, as it is now.
    pub(crate) fn same(&self, document: &Document) -> Option<Document> {
        match document {
            Document::Book(_) => Some(self.book.clone().into()),
            Document::Member(it) => self.members.get(&it.actor).cloned().map(Document::from),
            Document::Account(it) => self.accounts.get(&it.id).cloned().map(Document::from),
            Document::Category(it) => self.categories.get(&it.id).cloned().map(Document::from),
            Document::Payee(it) => self.payees.get(&it.id).cloned().map(Document::from),
            Document::Rule(it) => self.rules.get(&it.id).cloned().map(Document::from),
            Document::Budget(it) => self.budgets.get(&it.id).cloned().map(Document::from),
            Document::Envelope(it) => {
                self.envelopes.get(&it.category_id).cloned().map(Document::from)
            }
            Document::Assignment(it) => {
                self.assignments.get(&it.month).cloned().map(Document::from)
            }
            Document::Import(it) => self.imports.get(&it.id).cloned().map(Document::from),
            Document::Layout(it) => self.layouts.get(&it.id).cloned().map(Document::from),
            Document::TransferRefusal(it) => {
                self.transfer_refusals.get(&(it.from_id, it.to_id)).cloned().map(Document::from)
            }
            Document::Schedule(it) => self.schedules.get(&it.id).cloned().map(Document::from),
            Document::Goal(it) => self.goals.get(&it.id).cloned().map(Document::from),
            Document::RateSheet(it) => {
                self.rates.get(&(it.date, it.base.clone())).cloned().map(Document::from)
            }
            Document::Alert(it) => {
                let key = (it.budget_id, it.from, it.to, it.threshold);
                self.alerts.get(&key).cloned().map(Document::from)
            }
            Document::Dismissal(it) => {
                self.dismissals.get(&it.insight_id).cloned().map(Document::from)
            }
            Document::Secret(it) => self.secrets.get(&it.name()).cloned().map(Document::from),
            Document::Milestone(it) => {
                self.milestones.get(&(it.goal_id, it.percent)).cloned().map(Document::from)
            }
        }
    }

    /// Puts a document, or takes it away.
    pub(crate) fn apply(&mut self, document: &Document, stays: bool) {
        if stays {
            self.put(document.clone());
        } else {
            self.remove(document);
        }
    }

    /// Takes a document away.
    fn remove(&mut self, document: &Document) {
        match document {
            Document::Book(_) => {}
            Document::Member(member) => drop(self.members.remove(&member.actor)),
            Document::Account(account) => drop(self.accounts.remove(&account.id)),
            Document::Category(category) => drop(self.categories.remove(&category.id)),
            Document::Payee(payee) => drop(self.payees.remove(&payee.id)),
            Document::Rule(rule) => drop(self.rules.remove(&rule.id)),
            Document::Budget(budget) => drop(self.budgets.remove(&budget.id)),
            Document::Envelope(it) => drop(self.envelopes.remove(&it.category_id)),
            Document::Assignment(it) => drop(self.assignments.remove(&it.month)),
            Document::Import(import) => drop(self.imports.remove(&import.id)),
            Document::Layout(layout) => drop(self.layouts.remove(&layout.id)),
            Document::TransferRefusal(refusal) => {
                self.transfer_refusals.remove(&(refusal.from_id, refusal.to_id));
            }
            Document::Schedule(schedule) => drop(self.schedules.remove(&schedule.id)),
            Document::Goal(goal) => drop(self.goals.remove(&goal.id)),
            Document::RateSheet(sheet) => {
                self.rates.remove(&(sheet.date, sheet.base.clone()));
            }
            Document::Alert(alert) => {
                let key = (alert.budget_id, alert.from, alert.to, alert.threshold);
                self.alerts.remove(&key);
            }
            Document::Dismissal(it) => drop(self.dismissals.remove(&it.insight_id)),
            Document::Secret(it) => drop(self.secrets.remove(&it.name())),
            Document::Milestone(it) => {
                self.milestones.remove(&(it.goal_id, it.percent));
            }
        }
    }

    /// Refuses an actor whose role is too low; someone who is no member learns nothing.
    pub fn authorise(&self, actor: &ActorId, needed: Role) -> Result<()> {
        let member = self.members.get(actor).ok_or_else(book_not_found)?;
        if member.role >= needed || planted::is("role_not_checked") {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Forbidden, "the actor's role does not allow this"))
    }

    /// The account of that id, or `not_found`.
    pub fn account(&self, id: AccountId) -> Result<&Account> {
        self.accounts.get(&id).ok_or_else(|| Error::not_found(DocumentKind::Account.as_str(), id))
    }

    /// The category of that id, or `not_found`.
    pub fn category(&self, id: CategoryId) -> Result<&Category> {
        self.categories
            .get(&id)
            .ok_or_else(|| Error::not_found(DocumentKind::Category.as_str(), id))
    }

    /// The schedule of that id, or `not_found`.
    pub fn schedule(&self, id: ScheduleId) -> Result<&Schedule> {
        self.schedules.get(&id).ok_or_else(|| Error::not_found(DocumentKind::Schedule.as_str(), id))
    }

    /// The goal of that id, or `not_found`.
    pub fn goal(&self, id: GoalId) -> Result<&Goal> {
        self.goals.get(&id).ok_or_else(|| Error::not_found(DocumentKind::Goal.as_str(), id))
    }

    /// The currency of that code: of ISO 4217 or registered in the book.
    pub fn currency(&self, code: &str) -> Result<Currency> {
        let registered = self.book.currencies.iter().find(|custom| custom.code == code);
        match registered {
            Some(custom) => Currency::custom(&custom.code, custom.exponent),
            None => Currency::iso(code),
        }
    }

    /// The topmost category above one; itself where there is none above.
    pub(crate) fn topmost(&self, id: CategoryId) -> CategoryId {
        let mut top = id;
        for _ in 0..self.categories.len() {
            let Some(above) = self.categories.get(&top).and_then(|it| it.parent_id) else { break };
            top = above;
        }
        top
    }

    /// Whether `id` is `ancestor` or lies below it.
    pub fn is_within(&self, id: CategoryId, ancestor: CategoryId) -> bool {
        let mut next = Some(id);
        let mut steps = 0;
        while let Some(current) = next {
            if current == ancestor {
                return true;
            }
            steps += 1;
            if steps > self.categories.len() {
                return false;
            }
            next = self.categories.get(&current).and_then(|category| category.parent_id);
        }
        false
    }

    /// Whether money in the category is spending; what has no category counts as spending.
    pub fn is_expense(&self, id: Option<CategoryId>) -> bool {
        let category = id.and_then(|id| self.categories.get(&id));
        category.is_none_or(|category| category.kind == CategoryKind::Expense)
    }

    /// The name under which a payee is recorded: the book's own where the spelling is known.
    pub fn payee_name(&self, spelling: &str) -> String {
        let spelling = spelling.trim();
        let folded = fold(spelling);
        let known = self.payees.values().find(|payee| {
            let mut spellings = std::iter::once(&payee.name).chain(&payee.aliases);
            spellings.any(|known| fold(known.trim()) == folded)
        });
        known.map_or_else(|| spelling.to_owned(), |payee| payee.name.clone())
    }
}

/// The answer to whoever asks for a book that is not there or not theirs.
pub(crate) fn book_not_found() -> Error {
    Error::new(ErrorCode::BookNotFound, "no such book")
}
