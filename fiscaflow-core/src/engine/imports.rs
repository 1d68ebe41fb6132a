//! Imports: from a bank's file to transactions, never twice.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::noun;
use super::run::{Command, Decision, Facts, Needs};
use super::transactions;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{AccountId, ImportId, TransactionId};
use crate::import::matching::{Incoming, PENDING_DAYS, fingerprint, match_rows};
use crate::import::{CsvProfile, Format, ParseOptions, Parsed, Problem, Row, Statement, parse};
use crate::limits::MAX_NAME_BYTES;
use crate::log::{Change, Hash};
use crate::model::{
    Account, Import, NewAccount, Origin, Role, Source, Status, Transaction, check_name,
    check_optional,
};
use crate::money::{Amount, Currency, Money};
use crate::plan::Plan;
use crate::rules;
use crate::store::{OriginQuery, fold};

pub use crate::import::matching::MatchReason;

/// A bank's file to be imported.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NewImport {
    /// The file's bytes; in JSON as Base64 (RFC 4648, section 4).
    #[serde(with = "base64_bytes")]
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "base64"))]
    pub content: Vec<u8>,
    /// The file's name, for people.
    pub file_name: Option<String>,
    /// The format, where it should not be detected.
    pub format: Option<Format>,
    /// Dialect and column roles of a delimited file, where they should not be detected.
    pub csv: Option<CsvProfile>,
    /// The account of all the file's statements. Where absent, a statement finds its account by
    /// the account number in it.
    pub account_id: Option<AccountId>,
    /// Makes an account for a statement that finds none.
    #[serde(default)]
    pub create_accounts: bool,
    /// Imports what can be read although there are problems; otherwise a problem anywhere means
    /// that nothing is imported.
    #[serde(default)]
    pub partial: bool,
}
crate::model::debug_only!(NewImport: format, account_id, create_accounts, partial);

/// What one statement of a file brought.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct StatementReport {
    /// The account of the book.
    pub account_id: Option<AccountId>,
    /// The account number as written in the file.
    pub account: Option<String>,
    /// The currency as written in the file.
    pub currency: Option<String>,
    /// How many transactions were read.
    pub transactions: u64,
    /// Their sum as written in the file.
    pub sum: Amount,
    /// The first booking date.
    pub first: Option<NaiveDate>,
    /// The last booking date.
    pub last: Option<NaiveDate>,
    /// How many were new.
    pub imported: u64,
    /// How many were there already.
    pub duplicates: u64,
}
crate::model::debug_only!(StatementReport: account_id, transactions, imported, duplicates);

/// A row that was recognised, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RowMatch {
    /// The row's line in the file.
    pub line: u64,
    /// The transaction that it is.
    pub transaction_id: TransactionId,
    /// Why.
    pub reason: MatchReason,
}

/// What an import did.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ImportReport {
    /// The import; absent where nothing was written.
    pub import_id: Option<ImportId>,
    /// The format that was read.
    pub format: Format,
    /// The file's statements.
    pub statements: Vec<StatementReport>,
    /// How many transactions were new.
    pub imported: u64,
    /// How many were there already.
    pub duplicates: u64,
    /// The rows that were there already.
    pub matches: Vec<RowMatch>,
    /// What could not be read or taken; records named here were left out.
    pub problems: Vec<Problem>,
}
crate::model::debug_only!(ImportReport: import_id, format, imported, duplicates);

noun! {
    /// Statements from banks.
    Imports
}

impl Imports<'_> {
    /// Reads a file and records what is new in it, in one commit. Problems of single records are
    /// in the answer; an error means that the file as a whole could not be read.
    pub async fn create(&self, new: NewImport) -> Result<ImportReport> {
        // Whoever may not import learns nothing about the file either.
        self.book.authorised(Role::Member).await?;
        check_optional("file_name", new.file_name.as_deref(), MAX_NAME_BYTES)?;
        let options = ParseOptions { format: new.format, csv: new.csv.clone() };
        let parsed = parse(&new.content, &options)?;
        let digest = Hash::of(&[&new.content]);
        let new = NewImport { content: Vec::new(), ..new };
        self.book.run(&RunImport { new, digest, parsed }).await
    }

    /// All imports that brought something, by id.
    pub async fn list(&self) -> Result<Vec<Import>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.imports.values().cloned().collect())
    }
}

#[derive(Serialize)]
struct RunImport {
    new: NewImport,
    digest: Hash,
    #[serde(skip)]
    parsed: Parsed,
}

/// Where a statement goes.
enum Target {
    /// An account of the book.
    There(AccountId),
    /// An account that has to be made: number and currency.
    ToMake(Option<String>, Currency),
}

impl Command for RunImport {
    type Answer = ImportReport;
    const VERB: &'static str = "imports.create";

    fn needs(&self, plan: &Plan) -> Result<Needs> {
        if let Some(id) = self.new.account_id {
            plan.account(id).map_err(|error| error.field("account_id"))?;
        }
        Ok(Needs { origins: self.origin_queries(plan), ..Needs::default() })
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<ImportReport>> {
        let mut taking = Taking::new(self, facts);
        let mut groups: BTreeMap<AccountId, Vec<(usize, Row<'_>)>> = BTreeMap::new();
        for (place, statement) in self.parsed.statements.iter().enumerate() {
            taking.reports.push(report(statement));
            match target(&self.new, statement, facts.plan) {
                Ok(target) => {
                    let account_id = taking.account(target)?;
                    if let Some(report) = taking.reports.get_mut(place) {
                        report.account_id = Some(account_id);
                    }
                    let rows = statement.rows.iter().map(|row| (place, row));
                    groups.entry(account_id).or_default().extend(rows);
                }
                // A statement without rows needs no account.
                Err(_) if statement.rows.is_empty() => {}
                Err(error) => taking.problems.push(problem(&error, statement)),
            }
        }
        for (account_id, rows) in groups {
            taking.take(account_id, rows)?;
        }
        taking.finish()
    }
}

impl RunImport {
    /// What to look up for each account that statements find.
    fn origin_queries(&self, plan: &Plan) -> Vec<OriginQuery> {
        let mut queries: BTreeMap<AccountId, OriginQuery> = BTreeMap::new();
        for statement in &self.parsed.statements {
            let Ok(Target::There(account_id)) = target(&self.new, statement, plan) else {
                continue;
            };
            let dates = || statement.rows.iter().map(|row| row.booking_date);
            let (Some(first), Some(last)) = (dates().min(), dates().max()) else { continue };
            let margin = Days::new(PENDING_DAYS.unsigned_abs());
            let first = first.checked_sub_days(margin).unwrap_or(first);
            let query = queries.entry(account_id).or_insert_with(|| OriginQuery {
                account_id,
                from: first,
                to: last,
                bank_ids: Vec::new(),
            });
            query.from = query.from.min(first);
            query.to = query.to.max(last);
            query
                .bank_ids
                .extend(statement.rows.iter().filter_map(|row| row.bank_id.map(str::to_owned)));
        }
        queries.into_values().collect()
    }
}

/// The account of a statement: the one the caller names, or the one with the statement's number.
fn target(new: &NewImport, statement: &Statement, plan: &Plan) -> Result<Target> {
    if let Some(id) = new.account_id {
        let account = plan.account(id)?;
        return fits(account, statement, plan).map(|()| Target::There(id));
    }
    let currency = currency(statement, plan)?;
    let number = statement.account.as_deref().map(plain_number).filter(|number| !number.is_empty());
    let wanted = number.clone().unwrap_or_else(|| unnamed(currency));
    let found = plan.accounts.values().find(|account| match (&number, &account.number) {
        (Some(number), Some(known)) => {
            plain_number(known) == *number && account.currency == currency
        }
        (None, None) => account.name == wanted && account.currency == currency,
        _ => false,
    });
    match found {
        Some(account) => fits(account, statement, plan).map(|()| Target::There(account.id)),
        None if new.create_accounts => Ok(Target::ToMake(number, currency)),
        None => {
            let text = "no account of the book has the statement's number";
            Err(Error::new(ErrorCode::AccountUnknown, text).field("account_id"))
        }
    }
}

/// The name of the account for statements that name none.
fn unnamed(currency: Currency) -> String {
    format!("Imported {currency}")
}

fn fits(account: &Account, statement: &Statement, plan: &Plan) -> Result<()> {
    if statement.currency.is_none() || currency(statement, plan)? == account.currency {
        return Ok(());
    }
    let text = format!("the account is kept in `{}`", account.currency);
    Err(Error::new(ErrorCode::CurrencyMismatch, text).field("currency"))
}

/// The statement's currency; the book's where it names none.
fn currency(statement: &Statement, plan: &Plan) -> Result<Currency> {
    statement.currency.as_deref().map_or(Ok(plan.book.currency), |code| code_or_sign(code, plan))
}

/// A currency by its code in whatever case, or by the sign that stands for it most often.
fn code_or_sign(code: &str, plan: &Plan) -> Result<Currency> {
    match code.trim() {
        "€" => plan.currency("EUR"),
        "£" => plan.currency("GBP"),
        "$" => plan.currency("USD"),
        code => plan.currency(&code.to_uppercase()),
    }
}

fn plain_number(number: &str) -> String {
    number.split_whitespace().collect::<String>().to_uppercase()
}

fn report(statement: &Statement) -> StatementReport {
    let dates = || statement.rows.iter().map(|row| row.booking_date);
    let sum = statement.rows.iter().try_fold(Amount::ZERO, |sum, row| sum.checked_add(row.amount));
    StatementReport {
        account_id: None,
        account: statement.account.clone(),
        currency: statement.currency.clone(),
        transactions: count(statement.rows.len()),
        sum: sum.unwrap_or_default(),
        first: dates().min(),
        last: dates().max(),
        imported: 0,
        duplicates: 0,
    }
}

fn problem(error: &Error, statement: &Statement) -> Problem {
    Problem {
        code: error.code(),
        message: error.message().to_owned(),
        line: error.at_line().or_else(|| statement.rows.get(0).map(|row| row.line)),
        field: error.at_field().map(str::to_owned),
    }
}

fn row_problem(error: &Error, row: &Row<'_>) -> Problem {
    Problem {
        code: error.code(),
        message: error.message().to_owned(),
        line: Some(row.line),
        field: error.at_field().map(str::to_owned),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// An import under way.
struct Taking<'a> {
    run: &'a RunImport,
    facts: &'a Facts<'a>,
    import_id: ImportId,
    made: BTreeMap<AccountId, Account>,
    account_ids: Vec<AccountId>,
    categories: HashMap<String, crate::id::CategoryId>,
    payees: HashMap<String, String>,
    reports: Vec<StatementReport>,
    matches: Vec<RowMatch>,
    problems: Vec<Problem>,
    changes: Vec<Change>,
}

impl<'a> Taking<'a> {
    fn new(run: &'a RunImport, facts: &'a Facts<'a>) -> Self {
        let categories = facts.plan.categories.values();
        let payees = facts.plan.payees.values().flat_map(|payee| {
            let spellings = std::iter::once(&payee.name).chain(&payee.aliases);
            spellings.map(|spelling| (fold(spelling.trim()), payee.name.clone()))
        });
        Self {
            run,
            facts,
            import_id: ImportId::new(facts.uuid()),
            made: BTreeMap::new(),
            account_ids: Vec::new(),
            categories: categories.map(|it| (fold(&it.name), it.id)).collect(),
            payees: payees.collect(),
            reports: Vec::new(),
            matches: Vec::new(),
            problems: run.parsed.problems.clone(),
            changes: Vec::new(),
        }
    }

    /// The account of a target, made where it has to be.
    fn account(&mut self, target: Target) -> Result<AccountId> {
        let (number, currency) = match target {
            Target::There(id) => return Ok(id),
            Target::ToMake(number, currency) => (number, currency),
        };
        let twin = self.made.values().find(|it| it.number == number && it.currency == currency);
        if let Some(account) = twin {
            return Ok(account.id);
        }
        let wanted = number.clone().unwrap_or_else(|| unnamed(currency));
        let taken = |name: &str| {
            let mut known = self.facts.plan.accounts.values().chain(self.made.values());
            known.any(|account| account.name == name)
        };
        let names = std::iter::once(wanted.clone())
            .chain((2..).map(|number| format!("{wanted} ({currency} {number})")));
        let name = names.into_iter().find(|name| !taken(name)).unwrap_or(wanted);
        let new = NewAccount {
            name,
            currency: Some(currency.code().to_owned()),
            number,
            ..NewAccount::default()
        };
        let account = new.account(self.facts)?;
        let id = account.id;
        self.made.insert(id, account);
        Ok(id)
    }

    /// Matches the rows of one account and records the new ones.
    fn take(&mut self, account_id: AccountId, rows: Vec<(usize, Row<'_>)>) -> Result<()> {
        let account = self.made.get(&account_id);
        let account = account.map_or_else(
            || self.facts.plan.account(account_id).cloned(),
            |made| Ok(made.clone()),
        )?;
        let mut readable = Vec::with_capacity(rows.len());
        for (place, row) in rows {
            match self.amount(&row, &account) {
                Ok(amount) => readable.push((place, row, amount)),
                Err(error) => self.problems.push(row_problem(&error.or_field("amount"), &row)),
            }
        }
        let incoming: Vec<Incoming> = readable
            .iter()
            .map(|(_, row, amount)| Incoming {
                booking_date: row.booking_date,
                amount_minor: amount.minor(),
                bank_id: row.bank_id.map(str::to_owned),
                fingerprint: fingerprint(row.booking_date, *amount, row.description),
                pending: row.pending,
            })
            .collect();
        let nothing = Vec::new();
        let queries = self.run.origin_queries(self.facts.plan);
        let asked = queries.iter().position(|query| query.account_id == account_id);
        let known = asked.and_then(|place| self.facts.origins.get(place)).unwrap_or(&nothing);
        let found = match_rows(&incoming, known);
        for (((place, row, amount), incoming), found) in
            readable.into_iter().zip(incoming).zip(found)
        {
            match found {
                Some((transaction_id, reason)) => {
                    self.tally(place, |report| &mut report.duplicates);
                    self.matches.push(RowMatch { line: row.line, transaction_id, reason });
                    if reason == MatchReason::PendingPosted {
                        self.book_pending(transaction_id, account_id, &row, incoming);
                    }
                }
                None => {
                    let transaction = self.transaction(&account, &row, amount, incoming);
                    match transactions::check(&transaction, self.facts.plan) {
                        Ok(()) => {
                            self.tally(place, |report| &mut report.imported);
                            self.changes.push(Change::create(transaction));
                        }
                        Err(error) => self.problems.push(row_problem(&error, &row)),
                    }
                }
            }
        }
        if !self.account_ids.contains(&account_id) {
            self.account_ids.push(account_id);
        }
        Ok(())
    }

    /// Counts one row of a statement.
    fn tally(&mut self, place: usize, counter: fn(&mut StatementReport) -> &mut u64) {
        if let Some(count) = self.reports.get_mut(place).map(counter) {
            *count = count.saturating_add(1);
        }
    }

    fn origin(&self, account_id: AccountId, incoming: Incoming) -> Origin {
        Origin {
            import_id: self.import_id,
            account_id,
            booking_date: incoming.booking_date,
            bank_id: incoming.bank_id,
            fingerprint: incoming.fingerprint,
        }
    }

    /// What was pending takes the booked row's date and status, and stands for both rows now.
    fn book_pending(
        &mut self,
        id: TransactionId,
        account_id: AccountId,
        row: &Row<'_>,
        incoming: Incoming,
    ) {
        let Some(before) = self.facts.transactions.get(&id) else { return };
        let mut after = before.clone();
        after.status = Status::Posted;
        after.booking_date = row.booking_date;
        after.value_date = row.value_date.or(before.value_date);
        after.origins.push(self.origin(account_id, incoming));
        self.changes.push(Change::update(before.clone(), after));
    }

    fn amount(&self, row: &Row<'_>, account: &Account) -> Result<Money> {
        if let Some(code) = row.currency
            && code_or_sign(code, self.facts.plan)? != account.currency
        {
            let text = format!("the account is kept in `{}`", account.currency);
            return Err(Error::new(ErrorCode::CurrencyMismatch, text).field("currency"));
        }
        Money::from_amount(row.amount, account.currency)
    }

    fn transaction(
        &self,
        account: &Account,
        row: &Row<'_>,
        amount: Money,
        incoming: Incoming,
    ) -> Transaction {
        // A payee is derived: one that is no name is left to the description.
        let named = |payee: &&str| check_name("payee", payee).is_ok();
        let payee = row.payee.map(str::trim).filter(named);
        let payee = payee.map(|spelling| {
            self.payees.get(&fold(spelling)).cloned().unwrap_or_else(|| spelling.to_owned())
        });
        let hint = row.category.and_then(|name| self.categories.get(&fold(name.trim())));
        let mut transaction = Transaction {
            id: TransactionId::new(self.facts.uuid()),
            account_id: account.id,
            booking_date: row.booking_date,
            value_date: row.value_date,
            amount,
            status: if row.pending { Status::Pending } else { Status::Posted },
            description: row.description.to_owned(),
            payee_source: payee.is_some().then(Source::provider),
            payee,
            category_id: hint.copied(),
            category_source: hint.is_some().then(Source::provider),
            tags: Vec::new(),
            tags_source: None,
            notes: None,
            splits: Vec::new(),
            transfer_id: None,
            reference: row.reference.map(str::to_owned),
            external_id: None,
            attachments: Vec::new(),
            metadata: BTreeMap::new(),
            origins: vec![self.origin(account.id, incoming)],
            deleted: false,
            revision: 0,
        };
        let outcome = self.facts.rules.evaluate(rules::Facts::from(&transaction));
        rules::apply(&mut transaction, &outcome);
        transaction
    }

    fn finish(mut self) -> Result<Decision<ImportReport>> {
        if !self.problems.is_empty() && !self.run.new.partial {
            self.changes.clear();
            for report in &mut self.reports {
                report.imported = 0;
            }
        }
        let total = |count: fn(&StatementReport) -> u64| {
            self.reports.iter().map(count).fold(0, u64::saturating_add)
        };
        let (imported, duplicates) =
            (total(|report| report.imported), total(|report| report.duplicates));
        let writes = !self.changes.is_empty();
        let answer = ImportReport {
            import_id: writes.then_some(self.import_id),
            format: self.run.parsed.format,
            statements: self.reports,
            imported,
            duplicates,
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
        };
        let payload = [("imported", imported.to_string()), ("duplicates", duplicates.to_string())];
        let aggregate = ("import", import.id.to_string());
        let event = self.facts.event("imports.file.imported", aggregate, &payload);
        let mut changes = vec![Change::create(import)];
        changes.extend(self.made.into_values().map(Change::create));
        changes.append(&mut self.changes);
        Ok(Decision { changes, events: vec![event], answer })
    }
}

mod base64_bytes {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(|_| de::Error::custom("`content` is not Base64"))
    }
}
