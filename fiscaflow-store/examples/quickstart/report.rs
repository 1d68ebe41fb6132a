//! The report: as JSON for programs, as text for people.

use std::collections::BTreeMap;

use fiscaflow_core::analytics::{BalancesQuery, Spending, SpendingQuery};
use fiscaflow_core::budgets::{BudgetQuery, BudgetState};
use fiscaflow_core::engine::BookHandle;
use fiscaflow_core::log::Verification;
use fiscaflow_core::{CategoryId, Currency, Money, Month, Result};
use serde_json::{Value, json};

use super::Imported;

const BAR: usize = 32;

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

/// Everything as text.
pub async fn print(
    book: &BookHandle,
    url: &str,
    imported: &[Imported],
    verification: &Verification,
) -> Result<()> {
    println!("Imported into {url}\n");
    imported.iter().for_each(print_file);
    let spending = book.reports().spending(SpendingQuery::default()).await?;
    print_spending(&names(book).await?, &spending)?;
    if let Some(month) = spending.iter().map(|row| row.month).max() {
        let query = BudgetQuery { month: Some(month), budget_id: None };
        print_budgets(month, &book.budgets().state(query).await?);
    }
    println!("Balances");
    let accounts: BTreeMap<_, _> =
        book.accounts().list().await?.into_iter().map(|it| (it.id, it.name)).collect();
    for row in book.reports().balances(BalancesQuery::default()).await? {
        let name = accounts.get(&row.account_id).map_or("", String::as_str);
        println!("  {name:<30} {:>14}", row.balance.to_string());
    }
    match &verification.problem {
        None => println!("\nhistory verified: {} commits", verification.commits),
        Some(problem) => {
            println!("\nhistory broken after {} commits: {problem}", verification.commits)
        }
    }
    Ok(())
}

fn print_file(file: &Imported) {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    match &file.outcome {
        Ok(report) => {
            println!("  {name}: {} new, {} known already", report.imported, report.duplicates);
            for statement in &report.statements {
                let days = statement.first.zip(statement.last);
                let days =
                    days.map_or(String::new(), |(first, last)| format!(", {first} to {last}"));
                println!(
                    "    {} transactions{days}, sum {}",
                    statement.transactions, statement.sum
                );
            }
        }
        Err(_) => println!("  {name}: could not be read"),
    }
    for problem in file.problems() {
        let line = problem.line.map_or(String::new(), |line| format!("line {line}: "));
        println!("    {line}{} ({})", problem.message, problem.code);
    }
    println!();
}

/// Spending by category in each currency, largest first, with a bar for its share.
fn print_spending(names: &BTreeMap<CategoryId, String>, spending: &[Spending]) -> Result<()> {
    let mut totals: BTreeMap<Currency, BTreeMap<Option<CategoryId>, Money>> = BTreeMap::new();
    for row in spending {
        let currency = row.spent.currency();
        let total = totals.entry(currency).or_default().entry(row.category_id);
        let total = total.or_insert(Money::zero(currency));
        *total = total.checked_add(row.spent)?;
    }
    for (currency, categories) in totals {
        println!("Spending by category, {currency}");
        let mut rows: Vec<_> = categories.into_iter().collect();
        rows.sort_by_key(|(_, spent)| std::cmp::Reverse(spent.minor()));
        let largest = rows.first().map_or(0, |(_, spent)| spent.minor());
        for (category, spent) in rows {
            let name =
                category.and_then(|id| names.get(&id)).map_or("(no category)", String::as_str);
            println!(
                "  {name:<22} {:>12}  {}",
                spent.amount().to_string(),
                bar(spent.minor(), largest)
            );
        }
        println!();
    }
    Ok(())
}

fn print_budgets(month: Month, budgets: &[BudgetState]) {
    println!("Budgets, {month}");
    for budget in budgets {
        let filled = bar(budget.spent.minor(), budget.limit.minor());
        println!(
            "  {:<22} {:>12} of {} ({} %), {} left",
            budget.name,
            budget.spent.amount().to_string(),
            budget.limit,
            budget.used_percent,
            budget.remaining.amount(),
        );
        println!("  {:<22} [{filled:·<BAR$}]", "");
        let reached: Vec<String> = budget.announced.iter().map(|at| format!("{at} %")).collect();
        if !reached.is_empty() {
            println!("  {:<22} announced: {}", "", reached.join(", "));
        }
    }
    println!();
}

fn bar(part: i64, whole: i64) -> String {
    let width = i128::try_from(BAR).unwrap_or(0);
    let length = i128::from(part.max(0)) * width / i128::from(whole.max(1));
    "█".repeat(usize::try_from(length.min(width)).unwrap_or(0))
}

async fn names(book: &BookHandle) -> Result<BTreeMap<CategoryId, String>> {
    let categories = book.categories().list().await?;
    Ok(categories.into_iter().map(|category| (category.id, category.name)).collect())
}
