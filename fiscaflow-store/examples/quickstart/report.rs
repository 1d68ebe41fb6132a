//! The report: as JSON for programs, as text for people.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use fiscaflow_core::analytics::{BalancesQuery, Spending, SpendingQuery};
use fiscaflow_core::budgets::{BudgetQuery, BudgetState};
use fiscaflow_core::engine::{BookHandle, StatementReport};
use fiscaflow_core::import::Problem;
use fiscaflow_core::log::Verification;
use fiscaflow_core::model::Account;
use fiscaflow_core::{
    AccountId, CategoryId, Currency, Error, ErrorCode, Money, Month, Result as CoreResult,
};
use serde_json::{Value, json};

use super::{Failure, Imported};

/// How long the longest bar is.
const BAR: usize = 32;

type Result<T> = std::result::Result<T, Failure>;
type Accounts = BTreeMap<AccountId, Account>;

/// Everything as one JSON object.
pub fn json(imported: &[Imported], verification: &Verification) -> Value {
    let file = |file: &Imported| {
        let report = file.outcome.as_ref().ok();
        let statements: Vec<Value> = report.map_or(Vec::new(), |report| {
            let statements = report.statements.iter().map(|statement| {
                json!({
                    "account": statement.account,
                    "currency": statement.currency,
                    "transactions": statement.transactions,
                    "sum": statement.sum,
                    "first": statement.first,
                    "last": statement.last,
                })
            });
            statements.collect()
        });
        json!({
            "path": file.path.display().to_string(),
            "format": file.format(),
            "statements": statements,
            "imported": report.map_or(0, |report| report.imported),
            "duplicates": report.map_or(0, |report| report.duplicates),
            "problems": file.problems(),
        })
    };
    json!({
        "files": imported.iter().map(file).collect::<Vec<_>>(),
        "history": {
            "commits": verification.commits,
            "verified": verification.verified,
            "head": verification.head,
        },
    })
}

/// Why nothing could be done, as one JSON object.
pub fn error(error: &Error) -> Value {
    json!({
        "error": {
            "code": error.code(),
            "message": error.message(),
            "lane": error.lane(),
            "field": error.at_field(),
        },
    })
}

/// Everything as text.
pub async fn print(
    out: &mut impl Write,
    book: &BookHandle,
    place: &str,
    imported: &[Imported],
    verification: &Verification,
) -> Result<()> {
    let accounts = book.accounts().list().await?;
    let accounts: Accounts = accounts.into_iter().map(|it| (it.id, it)).collect();
    writeln!(out, "Imported into {place}\n")?;
    for file in imported {
        print_file(out, &accounts, file)?;
    }
    let spending = book.reports().spending(SpendingQuery::default()).await?;
    print_spending(out, &names(book).await?, &spending)?;
    if let Some(month) = spending.iter().map(|row| row.month).max() {
        let query = BudgetQuery { month: Some(month), ..BudgetQuery::default() };
        print_budgets(out, month, &book.budgets().state(query).await?, &spending)?;
    }
    let balances = book.reports().balances(BalancesQuery::default()).await?;
    let balances: Vec<(&str, String)> = balances
        .iter()
        .map(|row| (name_of(&accounts, Some(row.account_id)), row.balance.to_string()))
        .collect();
    if !balances.is_empty() {
        let width = widest(balances.iter().map(|(name, _)| *name));
        let figures = widest(balances.iter().map(|(_, balance)| balance.as_str()));
        writeln!(out, "Balances")?;
        for (name, balance) in balances {
            writeln!(out, "  {name:<width$}  {balance:>figures$}")?;
        }
        writeln!(out)?;
    }
    match &verification.problem {
        None => {
            let commits = counted(verification.commits, "commit");
            writeln!(out, "history verified: {commits}")?;
        }
        Some(problem) => {
            let commits = counted(verification.commits, "commit");
            writeln!(out, "history broken after {commits}: {problem}")?;
        }
    }
    Ok(out.flush()?)
}

fn print_file(out: &mut impl Write, accounts: &Accounts, file: &Imported) -> Result<()> {
    let name = file.path.file_name().unwrap_or(file.path.as_os_str()).to_string_lossy();
    match &file.outcome {
        Ok(report) if file.was_read() => {
            let (new, known) = (report.imported, report.duplicates);
            let problems = match file.problems().len() {
                0 => String::new(),
                count => format!(", {}", counted(count as u64, "problem")),
            };
            writeln!(out, "  {name}: {new} new, {known} known already{problems}")?;
            for statement in &report.statements {
                print_statement(out, accounts, statement)?;
            }
        }
        _ => writeln!(out, "  {name}: could not be read")?,
    }
    for problem in file.problems() {
        let line = problem.line.map_or(String::new(), |line| format!("line {line}: "));
        let (message, hint) = (&problem.message, hint(problem));
        writeln!(out, "    {line}{message}{hint} ({})", problem.code)?;
    }
    Ok(writeln!(out)?)
}

fn print_statement(
    out: &mut impl Write,
    accounts: &Accounts,
    statement: &StatementReport,
) -> Result<()> {
    let account = statement.account_id.and_then(|id| accounts.get(&id));
    let name = account.map(|account| account.name.as_str()).or(statement.account.as_deref());
    let name = name.map_or(String::new(), |name| format!("{name}: "));
    if statement.transactions == 0 {
        return Ok(writeln!(out, "    {name}no transactions")?);
    }
    let taken = statement.imported.saturating_add(statement.duplicates);
    let days = statement.first.zip(statement.last);
    let days = days.map_or(String::new(), |(first, last)| format!(", {first} to {last}"));
    if taken != statement.transactions {
        // The rows that were left out are among the problems. The file's sum is of all its rows, so
        // it would not fit.
        let all = counted(statement.transactions, "transaction");
        return Ok(writeln!(out, "    {name}{taken} of {all}{days}")?);
    }
    let currency = account.map(|account| account.currency.to_string());
    let currency = currency.or(statement.currency.clone()).unwrap_or_default();
    let sum = format!("{} {currency}", statement.sum);
    let all = counted(taken, "transaction");
    Ok(writeln!(out, "    {name}{all}{days}, sum {}", sum.trim_end())?)
}

/// What one may do about a problem with this program.
fn hint(problem: &Problem) -> &'static str {
    match problem.code {
        ErrorCode::AmbiguousFile if problem.message.contains("`date_order`") => {
            ", here with `--date-order dmy`, `mdy` or `ymd`"
        }
        _ => "",
    }
}

/// Spending by category in each currency, largest first, with a bar for its share; what has no
/// category comes last, since it is not one.
fn print_spending(
    out: &mut impl Write,
    names: &BTreeMap<CategoryId, String>,
    spending: &[Spending],
) -> Result<()> {
    let mut totals: BTreeMap<Currency, BTreeMap<Option<CategoryId>, Money>> = BTreeMap::new();
    for row in spending {
        let currency = row.spent.currency();
        let total = totals.entry(currency).or_default().entry(row.category_id);
        let total = total.or_insert(Money::zero(currency));
        *total = total.checked_add(row.spent)?;
    }
    for (currency, categories) in totals {
        writeln!(out, "Spending by category, {currency}")?;
        let mut rows: Vec<_> = categories.into_iter().collect();
        rows.sort_by_key(|(category, spent)| {
            (category.is_none(), std::cmp::Reverse(spent.minor()))
        });
        let largest = rows.iter().map(|(_, spent)| spent.minor()).max().unwrap_or(0);
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(category, spent)| {
                let name = category.and_then(|id| names.get(&id));
                let name = name.map_or("(no category)", String::as_str);
                (name, spent.amount().to_string(), bar(spent.minor(), largest))
            })
            .collect();
        let width = widest(rows.iter().map(|(name, ..)| *name));
        let figures = widest(rows.iter().map(|(_, spent, _)| spent.as_str()));
        for (name, spent, bar) in rows {
            let line = format!("  {name:<width$}  {spent:>figures$}  {bar}");
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// How the budgets stand. One that counted nothing because the files are in another currency says
/// nothing about them.
fn print_budgets(
    out: &mut impl Write,
    month: Month,
    budgets: &[BudgetState],
    spending: &[Spending],
) -> Result<()> {
    let currencies: BTreeSet<Currency> = spending.iter().map(|row| row.spent.currency()).collect();
    let concerned =
        |it: &&BudgetState| it.transactions > 0 || currencies.contains(&it.limit.currency());
    let budgets: Vec<&BudgetState> = budgets.iter().filter(concerned).collect();
    if budgets.is_empty() {
        return Ok(());
    }
    writeln!(out, "Budgets, {month}")?;
    let width = widest(budgets.iter().map(|budget| budget.name.as_str()));
    for budget in budgets {
        let (name, spent) = (&budget.name, budget.spent.amount());
        let limit = budget.limit;
        let percent = budget.used_percent.map(|it| format!(" ({it} %)")).unwrap_or_default();
        let rest = budget.remaining;
        let rest = match rest.minor() {
            ..0 => format!("{} over", rest.checked_neg()?),
            _ => format!("{rest} left"),
        };
        writeln!(out, "  {name:<width$}  {spent} of {limit}{percent}, {rest}")?;
        let filled = bar(budget.spent.minor(), budget.limit.minor());
        writeln!(out, "  {:<width$}  [{filled:·<BAR$}]", "")?;
        let reached: Vec<String> = budget.announced.iter().map(|at| format!("{at} %")).collect();
        if !reached.is_empty() {
            writeln!(out, "  {:<width$}  announced: {}", "", reached.join(", "))?;
        }
    }
    Ok(writeln!(out)?)
}

fn bar(part: i64, whole: i64) -> String {
    let width = i128::try_from(BAR).unwrap_or(0);
    let length = i128::from(part.max(0)) * width / i128::from(whole.max(1));
    "█".repeat(usize::try_from(length.min(width)).unwrap_or(0))
}

/// `1 commit`, `2 commits`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The width of a column that holds these.
fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

fn name_of(accounts: &Accounts, id: Option<AccountId>) -> &str {
    id.and_then(|id| accounts.get(&id)).map_or("", |account| account.name.as_str())
}

async fn names(book: &BookHandle) -> CoreResult<BTreeMap<CategoryId, String>> {
    let categories = book.categories().list().await?;
    Ok(categories.into_iter().map(|category| (category.id, category.name)).collect())
}
