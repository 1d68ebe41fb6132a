//! Transactions: recording, changing, listing, explaining.

use serde::{Deserialize, Serialize};

use super::merge::{Merge, MergeTransactions};
use super::noun;
use super::run::{Command, Decision, Facts, Needs};
use crate::error::{Error, ErrorCode, Result};
use crate::goals::linkable;
use crate::id::{CategoryId, GoalId, ScheduleId, TransactionId};
use crate::limits::{
    DEFAULT_PAGE, MAX_ATTACHMENTS, MAX_BATCH, MAX_DESCRIPTION_BYTES, MAX_METADATA, MAX_NAME_BYTES,
    MAX_NOTES_BYTES, MAX_PAGE, MAX_SPLITS, MAX_TAGS,
};
use crate::log::{Change, Hash};
use crate::model::{
    Account, ClearField, NewSplit, NewTransaction, Role, Source, SourceKind, Split, Status,
    Transaction, TransactionPatch, check_list, check_name, check_optional, check_text,
};
use crate::money::{Currency, Money};
use crate::period::check_day;
use crate::plan::Plan;
use crate::rules::{self, Explanation};
use crate::store::{PageRequest, Position, Selection, TransactionQuery};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TransactionPage {
    /// The transactions, newest first.
    pub items: Vec<Transaction>,
    /// Where the next page begins; absent = this is the last one.
    pub next_cursor: Option<String>,
}

/// A category for several transactions at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Recategorisation {
    /// The transactions, at most 1,000.
    pub ids: Vec<TransactionId>,
    /// The category; absent = none.
    pub category_id: Option<CategoryId>,
}

noun! {
    /// Movements of money.
    Transactions
}

impl Transactions<'_> {
    /// Records a transaction; rules fill in what the caller leaves open. A repeat with the same id
    /// returns the one that is there, provided account, date and amount agree.
    pub async fn create(&self, new: NewTransaction) -> Result<Transaction> {
        self.book.run(&new).await
    }

    /// One transaction; a deleted one is not there.
    pub async fn get(&self, id: TransactionId) -> Result<Transaction> {
        let found = self.book.select(Role::Viewer, Selection::Ids(&[id])).await?;
        let found = found.into_iter().find(|transaction| !transaction.deleted);
        found.ok_or_else(|| Error::not_found("transaction", id))
    }

    /// Lists transactions, newest first (booking date, then id). Pages are stable: what is
    /// recorded meanwhile never moves what was listed.
    pub async fn list(&self, query: TransactionQuery) -> Result<TransactionPage> {
        let request = match page_request(query) {
            Ok(request) => request,
            Err(error) => {
                // Who may not look is told that first.
                self.book.authorised(Role::Viewer).await?;
                return Err(error);
            }
        };
        let mut items = self.book.select(Role::Viewer, Selection::Page(&request)).await?;
        let wanted = usize::try_from(request.limit).unwrap_or(usize::MAX).saturating_sub(1);
        let more = items.len() > wanted;
        items.truncate(wanted);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| write_cursor(last, &request.query)).transpose()?;
        Ok(TransactionPage { items, next_cursor })
    }

    /// Changes a transaction. What is set here is the user's: no rule or import overwrites it.
    pub async fn update(&self, id: TransactionId, patch: TransactionPatch) -> Result<Transaction> {
        self.book.run(&UpdateTransaction { id, patch }).await
    }

    /// Puts several transactions in a category, in one commit; splits are replaced.
    pub async fn recategorise(&self, request: Recategorisation) -> Result<Vec<Transaction>> {
        self.book.run(&request).await
    }

    /// Makes two transactions one: `id` stays and stands for the rows of both, so that a file that
    /// brings either adds nothing.
    pub async fn merge(&self, id: TransactionId, merge: Merge) -> Result<Transaction> {
        self.book.run(&MergeTransactions { id, merge }).await
    }

    /// Deletes a transaction. A file that brings it again does not bring it back. One that is
    /// deleted already is no error.
    pub async fn delete(&self, id: TransactionId) -> Result<()> {
        self.book.run(&DeleteTransaction { id }).await
    }

    /// Why category, parts, payee, tags, notes and status are what they are.
    pub async fn explain(&self, id: TransactionId) -> Result<Explanation> {
        let state = self.book.ruling(Role::Viewer).await?;
        let (state, learner) = self.book.engine.with_learner(self.book.book_id, state).await?;
        let transaction = self.get(id).await?;
        let balance = state.balances().of(&transaction);
        let facts = rules::Facts::from(&transaction).with_balance(balance);
        let threshold = state.plan.book.learning.threshold;
        rules::explain(facts, state.rules(), learner.candidates(&transaction, threshold))
    }
}

/// The read of a page: of one more than asked for, which tells whether there is a next page.
fn page_request(mut query: TransactionQuery) -> Result<PageRequest> {
    let limit = query.limit.take().unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Error::invalid("limit", format!("`limit` is from 1 to {MAX_PAGE}")));
    }
    let cursor = query.cursor.take();
    let after = cursor.as_deref().map(|text| read_cursor(text, &query)).transpose()?;
    Ok(PageRequest { query, after, limit: limit.saturating_add(1) })
}

/// A cursor is `<date>_<id>_<first digits of the filters' digest>`.
fn write_cursor(last: &Transaction, filters: &TransactionQuery) -> Result<String> {
    Ok(format!("{}_{}_{}", last.booking_date, last.id, filters_digest(filters)?))
}

fn read_cursor(text: &str, filters: &TransactionQuery) -> Result<Position> {
    let wrong = || {
        Error::new(ErrorCode::InvalidCursor, "the cursor was not issued for this query")
            .field("cursor")
    };
    let mut parts = text.splitn(3, '_');
    let (Some(date), Some(id), Some(digest)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    if digest != filters_digest(filters)? {
        return Err(wrong());
    }
    let booking_date = crate::period::parse_date(date).map_err(|_| wrong())?;
    Ok(Position { booking_date, id: id.parse().map_err(|_| wrong())? })
}

fn filters_digest(filters: &TransactionQuery) -> Result<String> {
    let bytes = serde_json::to_vec(filters)
        .map_err(|_| Error::new(ErrorCode::Internal, "a query cannot be written as JSON"))?;
    Ok(Hash::of(&[&bytes]).to_string().chars().take(16).collect())
}

impl Command for NewTransaction {
    type Answer = Transaction;
    const VERB: &'static str = "transactions.create";
    const RULES: bool = true;

    fn learned(plan: &Plan) -> bool {
        plan.book.learning.enabled
    }

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { maybe: self.id.into_iter().collect(), ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Transaction>> {
        let account = facts.plan.account(self.account_id)?;
        if let Some(code) = &self.currency
            && facts.plan.currency(code)? != account.currency
        {
            let text = format!("the account is kept in `{}`", account.currency);
            return Err(Error::new(ErrorCode::CurrencyMismatch, text).field("currency"));
        }
        let mut transaction = self.transaction(facts, account)?;
        if let Some(existing) = self.id.and_then(|id| facts.transactions.get(&id)) {
            let agrees = existing.account_id == transaction.account_id
                && existing.booking_date == transaction.booking_date
                && existing.amount == transaction.amount
                && !existing.deleted;
            if agrees {
                return Ok(Decision::unchanged(existing.clone()));
            }
            let text = "the transaction id is taken";
            return Err(Error::new(ErrorCode::IdConflict, text).field("id").id(existing.id));
        }
        if let Some(after) = facts.ruled(&transaction, &mut rules::Run::over(1))? {
            transaction = after;
        }
        facts.categorise(&mut transaction);
        // What rules add counts, too: what is kept can be changed again.
        check(&transaction, facts.plan)?;
        let event = facts.event(
            "ledger.transaction.created",
            ("transaction", transaction.id.to_string()),
            &[
                ("account_id", transaction.account_id.to_string()),
                ("amount", transaction.amount.amount().to_string()),
                ("currency", transaction.amount.currency().to_string()),
            ],
        );
        Ok(Decision::one(Change::create(transaction.clone()), event, transaction))
    }
}

impl NewTransaction {
    fn transaction(&self, facts: &Facts<'_>, account: &Account) -> Result<Transaction> {
        let amount = Money::from_amount(self.amount, account.currency)
            .map_err(|error| error.field("amount"))?;
        let by_user = |set: bool| set.then(Source::user);
        let has_category = self.category_id.is_some() || !self.splits.is_empty();
        Ok(Transaction {
            id: self.id.unwrap_or_else(|| TransactionId::new(facts.uuid())),
            account_id: account.id,
            booking_date: self.booking_date,
            value_date: self.value_date,
            amount,
            status: self.status.unwrap_or_default(),
            status_source: by_user(self.status.is_some()),
            description: self.description.clone(),
            payee: self.payee.as_deref().map(|spelling| facts.plan.payee_name(spelling)),
            payee_source: by_user(self.payee.is_some()),
            category_id: self.category_id,
            category_source: by_user(has_category),
            tags: sorted(self.tags.clone()),
            tags_source: by_user(!self.tags.is_empty()),
            notes: self.notes.clone(),
            notes_source: None,
            splits: splits(&self.splits, account.currency)?,
            schedule_id: self.schedule_id.map(|id| schedule(id, facts.plan)).transpose()?,
            schedule_source: by_user(self.schedule_id.is_some()),
            goal_id: self.goal_id.map(|id| goal(id, facts.plan)).transpose()?,
            goal_source: by_user(self.goal_id.is_some()),
            transfer_id: None,
            reference: self.reference.clone(),
            external_id: self.external_id.clone(),
            attachments: self.attachments.clone(),
            metadata: self.metadata.clone(),
            origins: Vec::new(),
            deleted: false,
            revision: 0,
        })
    }
}

#[derive(Serialize)]
struct UpdateTransaction {
    id: TransactionId,
    patch: TransactionPatch,
}

impl Command for UpdateTransaction {
    type Answer = Transaction;
    const VERB: &'static str = "transactions.update";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { transactions: vec![self.id], ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Transaction>> {
        let before = facts.transaction(self.id)?.clone();
        let after = patched(&before, &self.patch, facts.plan)?;
        if after == before {
            return Ok(Decision::unchanged(after));
        }
        let moved = after.account_id != before.account_id
            || after.amount != before.amount
            || after.booking_date != before.booking_date;
        // Opening it and moving it in one request would make the lock a formality.
        if before.status == Status::Reconciled && moved {
            let text = "amount, date and account of a reconciled transaction are locked";
            return Err(Error::new(ErrorCode::Reconciled, text).id(before.id));
        }
        if before.transfer_id.is_some() {
            keeps_its_side(&before, &after)?;
        }
        check(&after, facts.plan)?;
        let aggregate = ("transaction", after.id.to_string());
        let event = facts.event("ledger.transaction.updated", aggregate, &[]);
        Ok(Decision::one(Change::update(before, after.clone()), event, after))
    }
}

/// Refuses what would leave the other side of a transfer alone.
pub(super) fn keeps_its_side(before: &Transaction, after: &Transaction) -> Result<()> {
    let refuse = |text: &str| Err(Error::new(ErrorCode::InvalidTransfer, text).id(before.id));
    if after.amount != before.amount || after.account_id != before.account_id {
        return refuse("a side of a transfer keeps its amount and account; remove the transfer");
    }
    if after.status == Status::Void && before.status != Status::Void {
        return refuse("a side of a transfer cannot be void; remove the transfer first");
    }
    if !after.splits.is_empty() {
        return refuse("a side of a transfer cannot be split; remove the transfer first");
    }
    Ok(())
}

/// Empties a field, which is a person's word too.
fn clear(after: &mut Transaction, field: ClearField) {
    match field {
        ClearField::Payee => (after.payee, after.payee_source) = (None, Some(Source::user())),
        ClearField::Category => {
            (after.category_id, after.category_source) = (None, Some(Source::user()));
            after.splits.clear();
        }
        ClearField::Notes => (after.notes, after.notes_source) = (None, Some(Source::user())),
        ClearField::ValueDate => after.value_date = None,
        ClearField::Reference => after.reference = None,
        ClearField::Schedule => {
            (after.schedule_id, after.schedule_source) = (None, Some(Source::user()));
        }
        ClearField::Goal => (after.goal_id, after.goal_source) = (None, Some(Source::user())),
    }
}

/// Takes away the parts that a rule gave, for they are parts of another amount; tells whether there
/// were any.
pub(super) fn take_rule_parts(it: &mut Transaction) -> bool {
    let by_rule = it.category_source.as_ref().is_some_and(|by| by.kind == SourceKind::Rule);
    let taken = by_rule && !it.splits.is_empty();
    if taken {
        it.splits.clear();
        it.category_source = None;
    }
    taken
}

fn patched(before: &Transaction, patch: &TransactionPatch, plan: &Plan) -> Result<Transaction> {
    let mut after = before.clone();
    for field in &patch.clear {
        clear(&mut after, *field);
    }
    if let Some(account_id) = patch.account_id {
        let account = plan.account(account_id).map_err(|error| error.field("account_id"))?;
        if account.currency != before.amount.currency() {
            let text = format!("that account is kept in `{}`", account.currency);
            return Err(Error::new(ErrorCode::CurrencyMismatch, text).field("account_id"));
        }
        after.account_id = account_id;
    }
    let currency = before.amount.currency();
    if let Some(amount) = patch.amount {
        after.amount =
            Money::from_amount(amount, currency).map_err(|error| error.field("amount"))?;
        if after.amount != before.amount {
            take_rule_parts(&mut after);
        }
    }
    after.booking_date = patch.booking_date.unwrap_or(after.booking_date);
    after.value_date = patch.value_date.or(after.value_date);
    if let Some(status) = patch.status {
        after.status = status;
        after.status_source = Some(Source::user());
    }
    if let Some(payee) = &patch.payee {
        after.payee = Some(plan.payee_name(payee));
        after.payee_source = Some(Source::user());
    }
    if let Some(category_id) = patch.category_id {
        after.category_id = Some(category_id);
        after.category_source = Some(Source::user());
        after.splits.clear();
    }
    if let Some(parts) = &patch.splits {
        after.splits = splits(parts, currency)?;
        if !after.splits.is_empty() {
            after.category_id = None;
        }
        after.category_source = Some(Source::user());
    }
    if let Some(tags) = &patch.tags {
        after.tags = sorted(tags.clone());
        after.tags_source = Some(Source::user());
    }
    if let Some(notes) = &patch.notes {
        (after.notes, after.notes_source) = (Some(notes.clone()), None);
    }
    if let Some(id) = patch.schedule_id {
        after.schedule_id = Some(schedule(id, plan)?);
        after.schedule_source = Some(Source::user());
    }
    if let Some(id) = patch.goal_id {
        after.goal_id = Some(goal(id, plan)?);
        after.goal_source = Some(Source::user());
    }
    after.reference = patch.reference.clone().or(after.reference);
    if let Some(attachments) = &patch.attachments {
        after.attachments.clone_from(attachments);
    }
    if let Some(metadata) = &patch.metadata {
        after.metadata.clone_from(metadata);
    }
    Ok(after)
}

/// The schedule, which is there.
fn schedule(id: ScheduleId, plan: &Plan) -> Result<ScheduleId> {
    plan.schedule(id).map(|_| id).map_err(|error| error.field("schedule_id"))
}

/// The goal, which is there and saved by transactions.
fn goal(id: GoalId, plan: &Plan) -> Result<GoalId> {
    linkable(id, plan).map(|()| id).map_err(|error| error.field("goal_id"))
}

impl Command for Recategorisation {
    type Answer = Vec<Transaction>;
    const VERB: &'static str = "transactions.recategorise";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        check_list("ids", &self.ids, MAX_BATCH)?;
        let mut transactions = self.ids.clone();
        transactions.sort_unstable();
        transactions.dedup();
        if transactions.len() != self.ids.len() {
            return Err(Error::invalid("ids", "an id stands in the list twice"));
        }
        Ok(Needs { transactions, ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<Vec<Transaction>>> {
        if let Some(id) = self.category_id {
            facts.plan.category(id).map_err(|error| error.field("category_id"))?;
        }
        let mut changes = Vec::new();
        let mut answer = Vec::with_capacity(self.ids.len());
        for id in &self.ids {
            let before = facts.transaction(*id)?;
            let after = Transaction {
                category_id: self.category_id,
                category_source: Some(Source::user()),
                splits: Vec::new(),
                ..before.clone()
            };
            if after != *before {
                changes.push(Change::update(before.clone(), after.clone()));
            }
            answer.push(after);
        }
        let payload = [("count", changes.len().to_string())];
        let aggregate = ("book", facts.plan.book.id.to_string());
        let event = facts.event("ledger.transactions.recategorised", aggregate, &payload);
        Ok(Decision { changes, events: vec![event], answer })
    }
}

#[derive(Serialize)]
struct DeleteTransaction {
    id: TransactionId,
}

impl Command for DeleteTransaction {
    type Answer = ();
    const VERB: &'static str = "transactions.delete";

    fn needs(&self, _plan: &Plan) -> Result<Needs> {
        Ok(Needs { maybe: vec![self.id], ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<()>> {
        let before = facts.transactions.get(&self.id);
        let before = before.ok_or_else(|| Error::not_found("transaction", self.id))?;
        if before.deleted {
            return Ok(Decision::unchanged(()));
        }
        if before.status == Status::Reconciled {
            let text = "a reconciled transaction cannot be deleted";
            return Err(Error::new(ErrorCode::Reconciled, text).id(before.id));
        }
        if before.transfer_id.is_some() {
            let text = "a side of a transfer cannot be deleted; remove the transfer first";
            return Err(Error::new(ErrorCode::InvalidTransfer, text).id(before.id));
        }
        let after = Transaction { deleted: true, ..before.clone() };
        let aggregate = ("transaction", before.id.to_string());
        let event = facts.event("ledger.transaction.deleted", aggregate, &[]);
        Ok(Decision::one(Change::update(before.clone(), after), event, ()))
    }
}

fn splits(new: &[NewSplit], currency: Currency) -> Result<Vec<Split>> {
    let split = |split: &NewSplit| {
        Ok(Split {
            amount: Money::from_amount(split.amount, currency)
                .map_err(|error| error.field("splits"))?,
            category_id: split.category_id,
            notes: split.notes.clone(),
        })
    };
    new.iter().map(split).collect()
}

fn sorted(mut tags: Vec<String>) -> Vec<String> {
    tags.sort();
    tags.dedup();
    tags
}

/// Refuses a transaction that exceeds a limit, names what is not there or does not add up.
pub(super) fn check(transaction: &Transaction, plan: &Plan) -> Result<()> {
    check_day("booking_date", Some(transaction.booking_date))?;
    check_day("value_date", transaction.value_date)?;
    check_text("description", &transaction.description, MAX_DESCRIPTION_BYTES)?;
    check_optional("payee", transaction.payee.as_deref(), MAX_NAME_BYTES)?;
    check_optional("notes", transaction.notes.as_deref(), MAX_NOTES_BYTES)?;
    check_optional("reference", transaction.reference.as_deref(), MAX_NAME_BYTES)?;
    check_optional("external_id", transaction.external_id.as_deref(), MAX_NAME_BYTES)?;
    check_list("tags", &transaction.tags, MAX_TAGS)?;
    transaction.tags.iter().try_for_each(|tag| check_name("tags", tag))?;
    check_list("attachments", &transaction.attachments, MAX_ATTACHMENTS)?;
    for attachment in &transaction.attachments {
        check_name("attachments", &attachment.name)?;
        check_text("attachments", &attachment.media_type, MAX_NAME_BYTES)?;
        check_text("attachments", &attachment.digest, MAX_NAME_BYTES)?;
    }
    if transaction.metadata.len() > MAX_METADATA {
        let text = format!("`metadata` may have at most {MAX_METADATA} members");
        return Err(Error::new(ErrorCode::LimitExceeded, text).field("metadata"));
    }
    for (name, value) in &transaction.metadata {
        check_name("metadata", name)?;
        check_text("metadata", value, MAX_DESCRIPTION_BYTES)?;
    }
    for origin in &transaction.origins {
        check_optional("bank_id", origin.bank_id.as_deref(), MAX_NAME_BYTES)?;
        check_text("fingerprint", &origin.fingerprint, MAX_NAME_BYTES)?;
    }
    if let Some(id) = transaction.schedule_id {
        plan.schedule(id)?;
    }
    if let Some(id) = transaction.goal_id {
        plan.goal(id)?;
    }
    if let Some(id) = transaction.category_id {
        plan.category(id).map_err(|error| error.field("category_id"))?;
    }
    check_splits(transaction, plan)
}

fn check_splits(transaction: &Transaction, plan: &Plan) -> Result<()> {
    let splits = &transaction.splits;
    check_list("splits", splits, MAX_SPLITS)?;
    if splits.is_empty() {
        return Ok(());
    }
    if splits.len() == 1 {
        return Err(Error::invalid("splits", "a transaction has no parts or at least two"));
    }
    if transaction.category_id.is_some() {
        return Err(Error::invalid(
            "category_id",
            "a split transaction has categories in its parts",
        ));
    }
    for split in splits {
        check_optional("splits", split.notes.as_deref(), MAX_NOTES_BYTES)?;
        if let Some(id) = split.category_id {
            plan.category(id).map_err(|error| error.field("splits"))?;
        }
    }
    let amounts = splits.iter().map(|split| split.amount);
    if Money::sum(transaction.amount.currency(), amounts)? == transaction.amount {
        return Ok(());
    }
    let text = "the parts do not add up to the amount";
    Err(Error::new(ErrorCode::SplitSum, text).field("splits"))
}
