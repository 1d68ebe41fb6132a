//! An import under way: rows are matched, and what is new is recorded.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::corrections::TAKEN_BACK;
use super::report::{ImportReport, RowMatch, StatementReport};
use super::targets::{Identity, Target, check_currency};
use super::{Decision, Facts, RunImport, row_problem};
use crate::engine::accounts::check_account;
use crate::engine::progress::ImportPhase;
use crate::engine::transactions;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{AccountId, CategoryId, ImportId, TransactionId};
use crate::import::matching::{Evidence, Incoming, Match, MatchReason, fingerprint, match_rows};
use crate::import::{Problem, Row};
use crate::limits::MAX_DOCUMENTS;
use crate::log::{Change, Object};
use crate::model::metadata::COUNTERPARTY_ACCOUNT;
use crate::model::{
    Account, Import, NewAccount, Origin, Source, Split, Status, Transaction, check_name,
};
use crate::money::{Currency, Money};
use crate::rules::{self, Balances, RuleSet, Run};
use crate::store::{OriginRow, fold};

pub(super) struct Taking<'a> {
    run: &'a RunImport,
    facts: &'a Facts<'a>,
    import_id: ImportId,
    made: BTreeMap<AccountId, Account>,
    identities: HashMap<Identity, AccountId>,
    names: HashSet<String>,
    account_ids: Vec<AccountId>,
    categories: HashMap<String, CategoryId>,
    payees: HashMap<String, String>,
    pub(super) reports: Vec<StatementReport>,
    pub(super) matches: Vec<RowMatch>,
    pub(super) problems: Vec<Problem>,
    pub(super) changes: Vec<Change>,
    /// The rules, prepared again once an account was made whose name they look at.
    rules: Option<RuleSet>,
    balances: Balances,
    rule_run: Run,
    /// The rules could not be run to their end: then nothing is recorded.
    stopped: Option<Error>,
    /// The places among the changes of transactions that are changed again.
    places: HashMap<TransactionId, usize>,
    /// How many rows were taken or recognised.
    taken: u64,
}

/// A row whose amount fits its account.
pub(super) struct Readable<'r> {
    /// The place of its statement.
    pub(super) place: usize,
    pub(super) row: Row<'r>,
    amount: Money,
}

impl<'a> Taking<'a> {
    pub(super) fn new(run: &'a RunImport, facts: &'a Facts<'a>) -> Self {
        let categories = facts.plan.categories.values();
        let payees = facts.plan.payees.values().flat_map(|payee| {
            let spellings = std::iter::once(&payee.name).chain(&payee.aliases);
            spellings.map(|spelling| (fold(spelling.trim()), payee.name.clone()))
        });
        let accounts = facts.plan.accounts.values();
        Self {
            run,
            facts,
            import_id: ImportId::new(facts.uuid()),
            made: BTreeMap::new(),
            identities: HashMap::new(),
            names: accounts.map(|account| account.name.clone()).collect(),
            account_ids: Vec::new(),
            categories: categories.map(|it| (fold(&it.name), it.id)).collect(),
            payees: payees.collect(),
            reports: Vec::new(),
            matches: Vec::new(),
            problems: run.parsed.problems.clone(),
            changes: Vec::new(),
            rules: None,
            balances: facts.balances.clone(),
            rule_run: Run::over(run.parsed.statements.iter().map(|it| it.rows.len()).sum()),
            stopped: None,
            places: HashMap::new(),
            taken: 0,
        }
    }

    /// The account of a target, made where it has to be.
    pub(super) fn account(&mut self, target: Target) -> Result<AccountId> {
        let identity = match target {
            Target::There(id) => return Ok(id),
            Target::ToMake(identity) => identity,
        };
        if let Some(id) = self.identities.get(&identity) {
            return Ok(*id);
        }
        let currency = identity.currency;
        let wanted = identity.number.clone().unwrap_or_else(|| format!("Imported {currency}"));
        let others = (2..).map(|number| format!("{wanted} ({currency} {number})"));
        let mut names = std::iter::once(wanted.clone()).chain(others);
        let name = names.find(|name| !self.names.contains(name)).unwrap_or(wanted);
        let new = NewAccount {
            name,
            currency: Some(currency.code().to_owned()),
            number: identity.number.clone(),
            bank_id: identity.bank_id.clone(),
            ..NewAccount::default()
        };
        let account = Account { import_key: identity.key.clone(), ..new.account(self.facts)? };
        check_account(&account, self.facts.plan)?;
        if self.facts.plan.accounts.len().saturating_add(self.made.len()) >= MAX_DOCUMENTS {
            return Err(Error::new(ErrorCode::LimitExceeded, "the book has too many accounts"));
        }
        let id = account.id;
        self.names.insert(account.name.clone());
        self.identities.insert(identity, id);
        self.made.insert(id, account);
        if self.facts.rules.ask_names() {
            let mut plan = self.facts.plan.clone();
            plan.accounts.extend(self.made.clone());
            self.rules = Some(RuleSet::new(plan.rules.values(), &plan));
        }
        Ok(id)
    }

    /// Matches the rows of one account and records the new ones; corrections come last, for what
    /// they correct may stand in the same file.
    pub(super) fn take(
        &mut self,
        account_id: AccountId,
        rows: Vec<(usize, Row<'_>)>,
        known: &[OriginRow],
    ) -> Result<()> {
        let account = match self.made.get(&account_id) {
            Some(made) => made.clone(),
            None => self.facts.plan.account(account_id)?.clone(),
        };
        let mut readable = Vec::with_capacity(rows.len());
        for (place, row) in rows {
            match self.amount(&row, &account) {
                Ok(amount) => readable.push(Readable { place, row, amount }),
                Err(error) => self.problems.push(row_problem(&error.or_field("amount"), &row)),
            }
        }
        let incoming: Vec<Incoming<'_>> = readable.iter().map(Readable::incoming).collect();
        let facts = self.facts;
        let text = |id| facts.transactions.get(&id).map(|it| it.description.as_str());
        let found = match_rows(&incoming, known, text);
        let new = found.iter().filter(|found| found.is_none()).count();
        self.changes.reserve(new);
        self.places.reserve(new);
        let mut corrections = Vec::new();
        for ((readable, incoming), found) in readable.iter().zip(incoming).zip(found) {
            let origin = self.origin(account_id, readable, incoming.fingerprint);
            match found {
                Some(found) => self.recognise(readable, origin, &found),
                None if readable.row.corrects.is_some() => corrections.push((readable, origin)),
                None => self.record(&account, readable, origin),
            }
            self.taken = self.taken.saturating_add(1);
            self.run.reporter.tell(ImportPhase::Match, self.taken);
        }
        self.correct_all(&account, corrections, known);
        if !self.account_ids.contains(&account_id) {
            self.account_ids.push(account_id);
        }
        Ok(())
    }

    /// A row that is in the book already: nothing happens, unless it brings other facts.
    fn recognise(&mut self, readable: &Readable<'_>, origin: Origin, found: &Match) {
        let same_facts = found.reason != MatchReason::BankId
            || found.evidence.contains(&Evidence::Description)
                && found.evidence.contains(&Evidence::Amount)
                && found.evidence.contains(&Evidence::Date);
        let changed = if found.books || !same_facts {
            self.amend(found.transaction_id, readable, origin)
        } else {
            Ok(())
        };
        if let Err(error) = changed {
            self.problems.push(row_problem(&error, &readable.row));
            return;
        }
        self.tally(readable.place, |report| &mut report.duplicates);
        self.matches.push(RowMatch {
            line: readable.row.line,
            transaction_id: found.transaction_id,
            reason: found.reason,
            evidence: found.evidence.clone(),
            confidence: found.confidence,
        });
    }

    pub(super) fn record(&mut self, account: &Account, readable: &Readable<'_>, origin: Origin) {
        let taken = self.transaction(account, readable, origin).and_then(|transaction| {
            transactions::check(&transaction, self.facts.plan).map(|()| transaction)
        });
        match taken {
            Ok(transaction) => {
                self.tally(readable.place, |report| &mut report.imported);
                self.places.insert(transaction.id, self.changes.len());
                self.changes.push(Change::create(transaction));
            }
            Err(error) if error.code() == ErrorCode::RulesTooSlow => {
                self.stopped.get_or_insert(error);
            }
            Err(error) => self.problems.push(row_problem(&error, &readable.row)),
        }
    }

    /// Gives a transaction the facts of a row that the bank now has in its place. What a person
    /// has changed, reconciled, voided or deleted stays as it is; the row is remembered anyway.
    pub(super) fn amend(
        &mut self,
        id: TransactionId,
        readable: &Readable<'_>,
        origin: Origin,
    ) -> Result<()> {
        let Some(now) = self.now(id) else { return Ok(()) };
        // What the bank took back while it was pending is booked after all.
        let back = now.status == Status::Void
            && !now.deleted
            && now.metadata.contains_key(TAKEN_BACK)
            && !readable.row.pending;
        let locked = is_locked(now) && !back;
        let moved = now.origins.last().is_some_and(|last| {
            last.amount == now.amount && readable.amount != now.amount && !locked
        });
        if moved && now.transfer_id.is_some() {
            let text = "the bank's amount differs from that of the transfer; remove the transfer";
            return Err(Error::new(ErrorCode::InvalidTransfer, text).id(now.id));
        }
        let rest = if moved && !now.splits.is_empty() {
            let before = now.amount;
            Some(readable.amount.checked_sub(before)?)
        } else {
            None
        };
        let (booking_date, value_date) = (readable.row.booking_date, readable.row.value_date);
        let (amount, pending) = (readable.amount, readable.row.pending);
        let mut anew = false;
        self.change(id, |after| {
            let dated =
                after.origins.last().is_some_and(|last| last.booking_date == after.booking_date);
            after.origins.push(origin);
            if locked {
                return;
            }
            if back {
                after.metadata.remove(TAKEN_BACK);
            }
            if back || after.status == Status::Pending && !pending {
                (after.status, after.status_source) = (Status::Posted, None);
            }
            if dated {
                after.booking_date = booking_date;
            }
            after.value_date = value_date.or(after.value_date);
            if moved {
                after.amount = amount;
                anew = transactions::take_rule_parts(after);
            }
            // A person's parts stay; what the bank added or took is a part without a category.
            after.splits.extend(rest.filter(|_| !anew).map(|amount| Split {
                amount,
                category_id: None,
                notes: None,
            }));
        });
        if anew {
            self.split_anew(id);
        }
        Ok(())
    }

    /// Gives a transaction, whose amount is another, the parts or category that rules give it now.
    fn split_anew(&mut self, id: TransactionId) {
        let Some(now) = self.now(id).cloned() else { return };
        match self.ruled(&now) {
            Ok(Some(ruled)) => self.change(id, |after| {
                after.category_id = ruled.category_id;
                after.category_source = ruled.category_source;
                after.splits = ruled.splits;
            }),
            Ok(None) => {}
            Err(error) => drop(self.stopped.get_or_insert(error)),
        }
    }

    /// A transaction as it stands, this import's changes included.
    pub(super) fn now(&self, id: TransactionId) -> Option<&Transaction> {
        let changed = self.places.get(&id).and_then(|place| self.changes.get(*place));
        match changed.and_then(|change| change.after.as_ref()) {
            Some(Object::Transaction(transaction)) => Some(transaction),
            _ => self.facts.transactions.get(&id),
        }
    }

    pub(super) fn change(&mut self, id: TransactionId, edit: impl FnOnce(&mut Transaction)) {
        if !self.places.contains_key(&id) {
            let Some(before) = self.facts.transactions.get(&id) else { return };
            self.places.insert(id, self.changes.len());
            self.changes.push(Change::update(before.clone(), before.clone()));
        }
        let change = self.places.get(&id).and_then(|place| self.changes.get_mut(*place));
        if let Some(Change { after: Some(Object::Transaction(after)), .. }) = change {
            edit(after);
        }
    }

    /// Counts one row of a statement.
    pub(super) fn tally(&mut self, place: usize, counter: fn(&mut StatementReport) -> &mut u64) {
        if let Some(count) = self.reports.get_mut(place).map(counter) {
            *count = count.saturating_add(1);
        }
    }

    fn origin(
        &self,
        account_id: AccountId,
        readable: &Readable<'_>,
        fingerprint: String,
    ) -> Origin {
        Origin {
            import_id: self.import_id,
            account_id,
            booking_date: readable.row.booking_date,
            amount: readable.amount,
            pending: readable.row.pending,
            bank_id: readable.row.bank_id.map(str::to_owned),
            fingerprint,
        }
    }

    fn amount(&self, row: &Row<'_>, account: &Account) -> Result<Money> {
        if let Some(code) = row.currency {
            check_currency(code, account, self.facts.plan)?;
        }
        Money::from_amount(row.amount, account.currency)
    }

    fn transaction(
        &mut self,
        account: &Account,
        readable: &Readable<'_>,
        origin: Origin,
    ) -> Result<Transaction> {
        let row = &readable.row;
        // A payee is derived: one that is no name is left to the description.
        let named = |payee: &&str| check_name("payee", payee).is_ok();
        let payee = row.payee.map(str::trim).filter(named).map(|spelling| {
            self.payees.get(&fold(spelling)).cloned().unwrap_or_else(|| spelling.to_owned())
        });
        let splits = self.splits(row, account.currency)?;
        let hint = row.category.filter(|_| splits.is_empty());
        let hint = hint.and_then(|name| self.categories.get(&fold(name.trim()))).copied();
        let hinted = hint.is_some() || splits.iter().any(|split| split.category_id.is_some());
        let mut metadata = BTreeMap::new();
        if let Some(number) = row.counterparty_account {
            metadata.insert(COUNTERPARTY_ACCOUNT.to_owned(), number.to_owned());
        }
        let transaction = Transaction {
            id: TransactionId::new(self.facts.uuid()),
            account_id: account.id,
            booking_date: row.booking_date,
            value_date: row.value_date,
            amount: readable.amount,
            status: if row.pending { Status::Pending } else { Status::Posted },
            status_source: None,
            description: row.description.to_owned(),
            payee_source: payee.is_some().then(Source::provider),
            payee,
            category_id: hint,
            category_source: hinted.then(Source::provider),
            tags: Vec::new(),
            tags_source: None,
            notes: None,
            notes_source: None,
            splits,
            schedule_id: None,
            schedule_source: None,
            goal_id: None,
            goal_source: None,
            transfer_id: None,
            reference: row.reference.map(str::to_owned),
            external_id: None,
            attachments: Vec::new(),
            metadata,
            origins: vec![origin],
            deleted: false,
            revision: 0,
        };
        let mut transaction = self.ruled(&transaction)?.unwrap_or(transaction);
        self.facts.categorise(&mut transaction);
        self.balances.add(&transaction);
        Ok(transaction)
    }

    /// A transaction as the rules leave it; `None` where they change nothing.
    fn ruled(&mut self, it: &Transaction) -> Result<Option<Transaction>> {
        let facts = rules::Facts::from(it).with_balance(self.balances.of(it));
        let rules = self.rules.as_ref().unwrap_or(self.facts.rules);
        Ok(rules.evaluate(facts, &mut self.rule_run)?.after())
    }

    /// The parts as the file divides the amount. A part whose category the book does not have
    /// keeps its name as a note.
    fn splits(&self, row: &Row<'_>, currency: Currency) -> Result<Vec<Split>> {
        if row.splits.len() < 2 {
            return Ok(Vec::new());
        }
        let split = |part: crate::import::RowSplit<'_>| {
            let name = part.category.map(str::trim);
            let category_id = name.and_then(|name| self.categories.get(&fold(name))).copied();
            let unknown = name.filter(|_| category_id.is_none());
            Ok(Split {
                amount: Money::from_amount(part.amount, currency)?,
                category_id,
                notes: part.notes.or(unknown).map(str::to_owned),
            })
        };
        row.splits.iter().map(split).collect()
    }

    pub(super) fn finish(mut self) -> Result<Decision<ImportReport>> {
        self.run.reporter.end(ImportPhase::Match);
        if let Some(error) = self.stopped.take() {
            return Err(error);
        }
        if !self.problems.is_empty() && !self.run.new.partial {
            self.changes.clear();
            for report in &mut self.reports {
                (report.imported, report.removed) = (0, 0);
            }
        }
        let total = |count: fn(&StatementReport) -> u64| {
            self.reports.iter().map(count).fold(0, u64::saturating_add)
        };
        let (imported, duplicates) =
            (total(|report| report.imported), total(|report| report.duplicates));
        let removed = total(|report| report.removed);
        let writes = !self.changes.is_empty();
        if !writes {
            // An account that is not made after all has no id.
            for report in &mut self.reports {
                report.account_id = report.account_id.filter(|id| !self.made.contains_key(id));
            }
        }
        let answer = ImportReport {
            import_id: writes.then_some(self.import_id),
            format: self.run.parsed.format,
            csv: self.run.parsed.csv.clone(),
            statements: self.reports,
            imported,
            duplicates,
            removed,
            matches: self.matches,
            problems: self.problems,
        };
        if !writes {
            return Ok(Decision::unchanged(answer));
        }
        let import = Import {
            id: self.import_id,
            file_name: self.run.new.file_name.clone(),
            format: self.run.parsed.format,
            digest: self.run.digest.to_string(),
            account_ids: self.account_ids,
            imported,
            duplicates,
            created_at: self.facts.now,
            seq: self.facts.seq,
        };
        let payload = [("imported", imported.to_string()), ("duplicates", duplicates.to_string())];
        let aggregate = ("import", import.id.to_string());
        let event = self.facts.event("imports.file.imported", aggregate, &payload);
        let made = self.made.into_values().map(Change::create);
        let mut changes = self.changes;
        changes.splice(0..0, std::iter::once(Change::create(import)).chain(made));
        Ok(Decision { changes, events: vec![event], answer })
    }
}

/// Whether a person has settled what becomes of a transaction, so that no file changes it.
pub(super) fn is_locked(transaction: &Transaction) -> bool {
    transaction.deleted
        || matches!(transaction.status, Status::Void | Status::Reconciled | Status::Disputed)
}

impl Readable<'_> {
    fn incoming(&self) -> Incoming<'_> {
        let row = &self.row;
        Incoming {
            booking_date: row.booking_date,
            amount_minor: self.amount.minor(),
            bank_id: row.bank_id,
            pending_id: row.pending_id,
            fingerprint: fingerprint(row.booking_date, self.amount, row.description),
            pending: row.pending,
            description: row.description,
        }
    }
}
