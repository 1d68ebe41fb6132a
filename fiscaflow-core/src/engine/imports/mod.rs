//! Imports: from a bank's file to transactions, never twice.
//!
//! `parsed` tells what a file says, whatever the book holds. `targets` finds the account of a
//! statement, `taking` matches and records its rows, `corrections` applies what the bank takes
//! back, `undo` takes a whole import back, `report` is what they answer.

mod corrections;
mod parsed;
mod report;
mod taking;
mod targets;
mod undo;

use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::progress::{ImportPhase, Reporter};
use super::run::{Command, Decision, Facts, Needs};
use super::{base64_bytes, noun};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{AccountId, ImportId, LayoutId, TransactionId};
use crate::import::matching::{PENDING_DAYS, undecided};
use crate::import::{
    Correction, CsvProfile, DateOrder, Format, ParseOptions, Parsed, Problem, Row, Statement,
};
use crate::limits::{MAX_ATTEMPTS, MAX_NAME_BYTES};
use crate::log::{Hash, Object};
use crate::model::{Import, Role, check_optional};
use crate::money::Money;
use crate::plan::Plan;
use crate::store::{OriginQuery, OriginRow};
use taking::Taking;
use targets::{Target, Targets};
use undo::UndoImport;

pub use self::parsed::{ParsedFile, ParsedRow, ParsedSplit, ParsedStatement};
pub use self::report::{ImportPreview, ImportReport, RowMatch, StatementReport, UndoReport};
pub use crate::import::matching::{Evidence, MatchReason};

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
    /// The order of day, month and year in the file's dates, where it leaves that open.
    pub date_order: Option<DateOrder>,
    /// The book's layout that tells them; where this and `csv` are absent, the layout of
    /// `account_id`.
    pub layout_id: Option<LayoutId>,
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

noun! {
    /// Statements from banks.
    Imports
}

impl Imports<'_> {
    /// Reads a file and records what is new in it, in one commit. Problems of single records are
    /// in the answer; an error means that the file as a whole could not be read.
    pub async fn create(&self, new: NewImport) -> Result<ImportReport> {
        let run = self.prepare(new).await?;
        self.book.run(&run).await
    }

    /// What a file says, read like [`Imports::create`] reads it, by the book's layouts and whatever
    /// the book holds; nothing is written. An error means that the file as a whole could not be
    /// read.
    pub async fn parse(&self, new: NewImport) -> Result<ParsedFile> {
        self.prepare(new).await.map(|run| ParsedFile::from(run.parsed))
    }

    /// What [`Imports::create`] would do with a file now; nothing is written. Both decide by the
    /// same code.
    pub async fn preview(&self, new: NewImport) -> Result<ImportPreview> {
        let run = self.prepare(new).await?;
        let decision = self.book.foresee(&run).await?;
        let mut report = decision.answer;
        report.import_id = None;
        let (mut created, mut updated) = (Vec::new(), Vec::new());
        for change in decision.changes {
            if let Some(Object::Transaction(transaction)) = change.after {
                let list = if change.before.is_some() { &mut updated } else { &mut created };
                list.push(*transaction);
            }
        }
        Ok(ImportPreview { report, created, updated })
    }

    /// Takes back a whole import in one commit: what it alone brought is gone, what it changed is
    /// as before, edits made since stay on what stays. The file can be imported again. Rows that a
    /// later file repeated belong to the import that brought them first, and go with it. An import
    /// that came with a restored export is refused: its commit is in the book it was made in.
    /// `not_undoable` where the import's commit is sealed.
    pub async fn undo(&self, id: ImportId) -> Result<UndoReport> {
        let mut undo = UndoImport::new(id);
        for _ in 0..MAX_ATTEMPTS {
            // First the book, then the answer: where a request with the same key has just taken the
            // import away, its answer is there.
            let state = self.book.authorised(Role::Member).await?;
            if let Some(answer) = self.book.repeated(&undo).await? {
                return Ok(answer);
            }
            let import = state.plan.imports.get(&id);
            let seq = import.ok_or_else(|| Error::not_found("import", id))?.seq;
            let head = state.head.seq;
            drop(state);
            self.look_back(&mut undo, seq, head).await?;
            match self.book.run(&undo).await {
                // The book has moved on meanwhile: what was read may be gone.
                Err(error) if error.code() == ErrorCode::Conflict => {}
                result => return result,
            }
        }
        Err(Error::new(ErrorCode::Conflict, "the book is being changed too fast; try again"))
    }

    /// Reads what the import's commit did, and who made what stands for its rows, in a book of so
    /// many commits. What was read of a shorter one holds, unless something of it was erased or
    /// sealed since.
    async fn look_back(&self, undo: &mut UndoImport, seq: u64, head: u64) -> Result<()> {
        if undo.head == 0 || self.may_be_gone(undo.head, head).await? {
            *undo = UndoImport::new(undo.import_id);
            let before = seq.checked_sub(1).ok_or_else(|| {
                let text = "the import came with a restored export and cannot be undone";
                Error::invalid("id", text).id(undo.import_id)
            })?;
            let store = &self.book.engine.inner.store;
            let commits = store.commits(self.book.book_id, before, 1).await?;
            let commit =
                commits.first().ok_or_else(|| Error::corrupt("an import has no commit"))?;
            if commit.is_sealed() {
                let text = "the commit of the import is sealed: what it did is gone";
                return Err(Error::new(ErrorCode::NotUndoable, text).id(undo.import_id));
            }
            undo.read(commit.open()?.changes);
        }
        undo.head = head;
        self.learn_makers(undo).await
    }

    /// Whether a commit after the one, up to the other, tells that something was erased or sealed.
    async fn may_be_gone(&self, after: u64, until: u64) -> Result<bool> {
        let mut may_be_gone = false;
        let history = self.book.history();
        let looked = history.commits(after, |commit| {
            may_be_gone = may_be_gone || (commit.seq <= until && commit.takes_away()?);
            Ok(!may_be_gone && commit.seq < until)
        });
        looked.await?;
        Ok(may_be_gone)
    }

    /// Learns which of the transactions that stand for rows of this import alone were made by
    /// another one, which is undone. The others a person recorded: they stay.
    async fn learn_makers(&self, undo: &mut UndoImport) -> Result<()> {
        let mut origins = Vec::new();
        for query in undo.queries() {
            origins.push(self.book.engine.inner.store.origins(self.book.book_id, &query).await?);
        }
        let mut standing = undo.standing(&origins);
        standing.retain(|id| !undo.brought.contains(id) && !undo.recorded.contains(id));
        let mut loaded = HashMap::new();
        self.book.load_ids(standing, &mut loaded).await?;
        loaded.retain(|_, it| it.origins.iter().all(|origin| origin.import_id == undo.import_id));
        if loaded.is_empty() {
            return Ok(());
        }
        let history = self.book.history();
        let made = history.commits(0, |commit| {
            // What was made in one that is sealed stays as if a person had recorded it.
            if commit.is_sealed() {
                return Ok(true);
            }
            for change in commit.open()?.changes {
                // What an undo brings back was made before.
                if let (None, Some(Object::Transaction(made))) = (change.before, change.after)
                    && loaded.remove(&made.id).is_some()
                {
                    let by_person = made.origins.is_empty();
                    let makers = if by_person { &mut undo.recorded } else { &mut undo.brought };
                    makers.insert(made.id);
                }
            }
            Ok(!loaded.is_empty())
        });
        made.await?;
        undo.recorded.extend(loaded.into_keys());
        Ok(())
    }

    /// All imports that brought something, by id.
    pub async fn list(&self) -> Result<Vec<Import>> {
        let state = self.book.authorised(Role::Viewer).await?;
        Ok(state.plan.imports.values().cloned().collect())
    }

    async fn prepare(&self, new: NewImport) -> Result<RunImport> {
        // Whoever may not import learns nothing about the file either.
        let state = self.book.authorised(Role::Member).await?;
        check_optional("file_name", new.file_name.as_deref(), MAX_NAME_BYTES)?;
        let layouts = &state.plan.layouts;
        let layout = match new.layout_id {
            Some(id) => Some(layouts.get(&id).ok_or_else(|| Error::not_found("layout", id))?),
            None => layouts
                .values()
                .find(|it| it.account_id.is_some() && it.account_id == new.account_id),
        };
        let csv = new.csv.clone().or_else(|| layout.map(|layout| layout.csv.clone()));
        let options = ParseOptions { format: new.format, csv, date_order: new.date_order };
        let parsed = crate::import::parse(&new.content, &options)?;
        let digest = Hash::of(&[&new.content]);
        let rows = parsed.statements.iter().map(|it| count(it.rows.len()));
        let reporter = Reporter::new(self.book.observer.clone(), rows.fold(0, u64::saturating_add));
        reporter.end(ImportPhase::Read);
        Ok(RunImport { new: NewImport { content: Vec::new(), ..new }, digest, parsed, reporter })
    }
}

#[derive(Serialize)]
struct RunImport {
    new: NewImport,
    digest: Hash,
    #[serde(skip)]
    parsed: Parsed,
    #[serde(skip)]
    reporter: Reporter,
}

impl Command for RunImport {
    type Answer = ImportReport;
    const VERB: &'static str = "imports.create";
    const RULES: bool = true;

    fn learned(plan: &Plan) -> bool {
        plan.book.learning.enabled
    }

    fn needs(&self, plan: &Plan) -> Result<Needs> {
        if let Some(id) = self.new.account_id {
            plan.account(id).map_err(|error| error.field("account_id"))?;
        }
        Ok(Needs { origins: self.origin_queries(plan), ..Needs::default() })
    }

    fn more(&self, plan: &Plan, origins: &[Vec<OriginRow>]) -> Vec<TransactionId> {
        let by_account = self.by_account(plan);
        let mut wanted = Vec::new();
        for ((account_id, asked), known) in by_account.iter().zip(origins) {
            let Ok(account) = plan.account(*account_id) else { continue };
            let mut by_id = HashMap::new();
            for row in asked.rows() {
                let amount = Money::from_amount(row.amount, account.currency).ok();
                if let (Some(id), Some(amount)) = (row.bank_id, amount) {
                    by_id.insert(id, Some((row.booking_date, amount.minor())));
                }
                if let Some(Correction::Replaces(id) | Correction::Deletes(id)) = row.corrects {
                    by_id.insert(id, None);
                }
            }
            by_id.extend(asked.removed().map(|id| (id, None)));
            wanted.extend(undecided(&by_id, known));
        }
        wanted
    }

    fn reporter(&self) -> Option<&Reporter> {
        Some(&self.reporter)
    }

    fn decide(&self, facts: &Facts<'_>) -> Result<Decision<ImportReport>> {
        self.reporter.tell(ImportPhase::Match, 0);
        let targets = Targets::new(&self.new, self.parsed.format, facts.plan);
        let mut taking = Taking::new(self, facts);
        let mut groups: BTreeMap<AccountId, Vec<(usize, Row<'_>)>> = BTreeMap::new();
        for (place, statement) in self.parsed.statements.iter().enumerate() {
            taking.reports.push(StatementReport::new(statement));
            let found = targets.find(statement).and_then(|target| taking.account(target));
            match found {
                Ok(account_id) => {
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
        let by_account = self.by_account(facts.plan);
        let known: HashMap<AccountId, &Vec<OriginRow>> =
            by_account.keys().copied().zip(&facts.origins).collect();
        let nothing = Vec::new();
        for (account_id, rows) in groups {
            let known = known.get(&account_id).copied().unwrap_or(&nothing);
            taking.take(account_id, rows, known)?;
        }
        for (asked, known) in by_account.values().zip(&facts.origins) {
            taking.withdraw_all(asked, known);
        }
        taking.finish()
    }
}

/// What a file says of one account.
#[derive(Default)]
struct Asked<'a> {
    /// Its statements, by their places in the file.
    statements: Vec<(usize, &'a Statement)>,
}

impl<'a> Asked<'a> {
    fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        self.statements.iter().flat_map(|(_, statement)| statement.rows.iter())
    }

    /// The bank ids of what the bank has taken back.
    fn removed(&self) -> impl Iterator<Item = &'a str> {
        self.statements.iter().flat_map(|(_, it)| it.removed.iter().map(String::as_str))
    }
}

impl RunImport {
    /// The statements with something in them that go to accounts that are there. What was taken
    /// back without an account being named may be any account's: ids of a bank are unique.
    fn by_account(&self, plan: &Plan) -> BTreeMap<AccountId, Asked<'_>> {
        let targets = Targets::new(&self.new, self.parsed.format, plan);
        let mut found: BTreeMap<AccountId, Asked<'_>> = BTreeMap::new();
        let all = self.parsed.statements.iter().enumerate();
        for (place, statement) in
            all.filter(|(_, it)| !it.rows.is_empty() || !it.removed.is_empty())
        {
            match targets.find(statement) {
                Ok(Target::There(id)) => {
                    found.entry(id).or_default().statements.push((place, statement));
                }
                _ if statement.account.is_none() && statement.rows.is_empty() => {
                    for id in plan.accounts.keys() {
                        found.entry(*id).or_default().statements.push((place, statement));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// What to look up, a query for each of [`RunImport::by_account`].
    fn origin_queries(&self, plan: &Plan) -> Vec<OriginQuery> {
        let margin = Days::new(PENDING_DAYS.unsigned_abs());
        let query = |(account_id, asked): (AccountId, Asked<'_>)| {
            let dates = || asked.rows().map(|row| row.booking_date);
            // Without a row no span of days is asked for.
            let first = dates().min().unwrap_or(NaiveDate::MAX);
            let last = dates().max().unwrap_or(NaiveDate::MIN);
            let corrected = asked.rows().filter_map(|row| match row.corrects {
                Some(Correction::Replaces(id) | Correction::Deletes(id)) => Some(id),
                None => None,
            });
            OriginQuery {
                account_id,
                from: first.checked_sub_days(margin).unwrap_or(first),
                to: last.checked_add_days(margin).unwrap_or(last),
                bank_ids: asked
                    .rows()
                    .filter_map(|row| row.bank_id)
                    .chain(corrected)
                    .chain(asked.removed())
                    .map(str::to_owned)
                    .collect(),
            }
        };
        self.by_account(plan).into_iter().map(query).collect()
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
