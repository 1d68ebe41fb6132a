//! Rules over transactions in memory, on one core: what a transaction costs with few and with many.

use std::collections::BTreeMap;
use std::time::Instant;

use fiscaflow_core::model::{Book, Category, CategoryKind, Rule, Status, Transaction};
use fiscaflow_core::rules::{Facts, RuleSet, Run as RuleRun};
use fiscaflow_core::{
    AccountId, Amount, BookId, CategoryId, Currency, Money, Plan, Result, RuleId, TransactionId,
};
use serde_json::{Map, Value, json};

use super::jobs::Run;
use super::{Options, data, files};

/// How many rules there are in the figures that tell how the cost grows.
pub const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

/// The figure of `--rules`, and beside it those of each size.
pub fn job(options: &Options) -> Result<Vec<Run>> {
    let plan = plan()?;
    let transactions = transactions(options)?;
    let mut sizes = Map::new();
    for size in SIZES {
        let (rules, prepared) = prepared(size, &plan)?;
        let seconds = (0..options.repeat).map(|_| evaluate(&rules, &transactions));
        let seconds = seconds.collect::<Result<Vec<f64>>>()?.into_iter().fold(f64::MAX, f64::min);
        let per_second = transactions.len() as f64 / seconds;
        sizes.insert(size.to_string(), json!({"per_second": per_second, "prepared": prepared}));
    }
    let (rules, _) = prepared(options.rules, &plan)?;
    let more = json!({"rules": options.rules, "sizes": sizes});
    runs(&rules, &transactions, &more, options)
}

/// The figure of `--rules` alone, and what is categorised, to stand beside other programs.
pub fn one(options: &Options) -> Result<Vec<Run>> {
    let plan = plan()?;
    let transactions = transactions(options)?;
    let (rules, prepared) = prepared(options.rules, &plan)?;
    let sum = sum(&rules, &transactions)?;
    let more = json!({"rules": options.rules, "prepared": prepared, "sum": sum});
    runs(&rules, &transactions, &more, options)
}

fn runs(
    rules: &RuleSet,
    transactions: &[Transaction],
    more: &Value,
    options: &Options,
) -> Result<Vec<Run>> {
    let run = |_| {
        let seconds = evaluate(rules, transactions)?;
        Ok(Run { items: transactions.len(), seconds, more: more.clone() })
    };
    (0..options.repeat).map(run).collect()
}

/// The amounts that get a category, added up.
fn sum(rules: &RuleSet, transactions: &[Transaction]) -> Result<Amount> {
    let mut run = RuleRun::over(transactions.len());
    let mut sum = Amount::ZERO;
    for transaction in transactions {
        let after = rules.evaluate(Facts::from(transaction), &mut run)?.after();
        if after.is_some_and(|after| after.category_id.is_some()) {
            sum = sum.checked_add(transaction.amount.amount())?;
        }
    }
    Ok(sum)
}

fn evaluate(rules: &RuleSet, transactions: &[Transaction]) -> Result<f64> {
    let mut run = RuleRun::over(transactions.len());
    let start = Instant::now();
    let mut steps = 0;
    for transaction in transactions {
        steps += rules.evaluate(Facts::from(transaction), &mut run)?.steps.len();
    }
    std::hint::black_box(steps);
    Ok(start.elapsed().as_secs_f64())
}

/// So many rules, ready to run, and the seconds that took.
fn prepared(count: usize, plan: &Plan) -> Result<(RuleSet, f64)> {
    let category = "018f5a2c-0000-7000-8000-000000000003".parse::<CategoryId>()?;
    let rule = |(place, new): (usize, fiscaflow_core::model::NewRule)| -> Result<Rule> {
        Ok(Rule {
            id: format!("018f5a2c-0000-7000-8000-{place:012}").parse::<RuleId>()?,
            name: new.name,
            stage: new.stage.unwrap_or_default(),
            priority: 0,
            enabled: true,
            condition: new.condition,
            actions: new.actions,
            stop: new.stop,
        })
    };
    let rules = data::rules(count, category).into_iter().enumerate().map(rule);
    let rules = rules.collect::<Result<Vec<Rule>>>()?;
    let start = Instant::now();
    let set = RuleSet::new(&rules, plan);
    Ok((set, start.elapsed().as_secs_f64()))
}

fn plan() -> Result<Plan> {
    let mut plan = Plan::new(Book {
        id: "018f5a2c-0000-7000-8000-000000000001".parse::<BookId>()?,
        name: "Home".to_owned(),
        currency: Currency::iso("EUR")?,
        zone: "UTC".to_owned(),
        currencies: Vec::new(),
        created_at: Default::default(),
        learning: Default::default(),
    });
    let id = "018f5a2c-0000-7000-8000-000000000003".parse::<CategoryId>()?;
    let category =
        Category { id, name: "Shops".to_owned(), kind: CategoryKind::Expense, parent_id: None };
    plan.categories.insert(id, category);
    Ok(plan)
}

fn transactions(options: &Options) -> Result<Vec<Transaction>> {
    let currency = Currency::iso("EUR")?;
    let account_id: AccountId = "018f5a2c-0000-7000-8000-000000000002".parse()?;
    let mut transactions = Vec::with_capacity(options.n);
    for (number, (it, _)) in files::entries(options.n, options.seed).enumerate() {
        let (year, month, day) = (it.year, it.month, it.day);
        let cents = i64::try_from(it.cents).unwrap_or(1);
        let payee = it.payee();
        transactions.push(Transaction {
            id: format!("018f5a2c-0000-7000-8001-{number:012}").parse::<TransactionId>()?,
            account_id,
            booking_date: fiscaflow_core::parse_date(&format!("{year}-{month:02}-{day:02}"))?,
            value_date: None,
            amount: Money::from_minor(if it.credit { cents } else { -cents }, currency),
            status: Status::Posted,
            status_source: None,
            description: format!("{payee} {}", it.description()),
            payee: Some(payee),
            payee_source: None,
            category_id: None,
            category_source: None,
            tags: Vec::new(),
            tags_source: None,
            notes: None,
            notes_source: None,
            splits: Vec::new(),
            schedule_id: None,
            schedule_source: None,
            goal_id: None,
            goal_source: None,
            transfer_id: None,
            reference: None,
            external_id: None,
            attachments: Vec::new(),
            metadata: BTreeMap::new(),
            origins: Vec::new(),
            deleted: false,
            revision: 1,
        });
    }
    Ok(transactions)
}
