//! Any rules over any transactions: trying them, applying them, recording and importing under them
//! are one thing.

use std::collections::BTreeMap;

use fiscaflow_core::engine::{BookHandle, ExportQuery, NewImport, NewRestore};
use fiscaflow_core::export::ExportFormat;
use fiscaflow_core::model::{NewBook, NewRule, NewTransaction, Rule, Transaction, metadata};
use fiscaflow_core::rules::{BacktestReport, RuleChange, check_rule};
use fiscaflow_core::store::TransactionQuery;
use fiscaflow_core::{Money, TransactionId};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Home, anna, any, shape};

/// Rules that a book takes.
pub fn rules() -> impl Strategy<Value = Vec<Rule>> {
    any::rules().prop_map(|rules| {
        let plan = any::plan();
        let named = rules.into_iter().map(|rule| Rule { name: "rule".to_owned(), ..rule });
        named.filter(|rule| check_rule(rule, &plan).is_ok()).collect()
    })
}

/// Transactions that a book can hold.
pub fn transactions() -> impl Strategy<Value = Vec<Transaction>> {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let held = move |mut it: Transaction, number| {
        it.id = TransactionId::new(Uuid::from_u128(number));
        it.amount = Money::from_minor(it.amount.minor(), any::euro());
        for split in &mut it.splits {
            split.amount = Money::from_minor(split.amount.minor(), any::euro());
        }
        it.transfer_id = None;
        (it.payee, it.notes) = (filled(it.payee), filled(it.notes));
        it.attachments.clear();
        it.metadata.retain(|_, text| !text.is_empty());
        it
    };
    prop::collection::vec(any::transaction(), 1..20)
        .prop_map(move |all| all.into_iter().zip(1..).map(|(it, at)| held(it, at)).collect())
}

fn has_balance(rule: &Rule) -> bool {
    serde_json::to_string(&rule.condition).unwrap().contains("\"kind\":\"balance\"")
}

/// A book with the accounts, categories, schedules and goals that the rules know, these rules and
/// transactions.
pub async fn book(home: &Home, rules: &[Rule], transactions: &[Transaction]) -> BookHandle {
    let format = ExportFormat::Json;
    let export = home.book.exports().create(ExportQuery { format }).await.unwrap();
    let mut export: Value = serde_json::from_str(&export.content).unwrap();
    let plan = any::plan();
    export["accounts"] = plan.accounts.values().map(|it| json!(it)).collect();
    export["categories"] = plan.categories.values().map(|it| json!(it)).collect();
    export["schedules"] = plan.schedules.values().map(|it| json!(it)).collect();
    export["goals"] = plan.goals.values().map(|it| json!(it)).collect();
    export["rules"] = json!(rules);
    export["transactions"] = json!(transactions);
    let new = NewBook { name: "Copy".to_owned(), ..NewBook::new("EUR") };
    let id = home.engine.books(anna()).create(new).await.unwrap().id;
    let book = home.engine.book(id, anna());
    let content = export.to_string();
    book.exports().restore(NewRestore { content }).await.unwrap();
    book.update(shape(json!({"learn": false}))).await.unwrap();
    book
}

pub async fn all(book: &BookHandle) -> Vec<Transaction> {
    let query = TransactionQuery { limit: Some(500), ..TransactionQuery::default() };
    book.transactions().list(query).await.unwrap().items
}

/// What rules can change, as a backtest tells it.
fn fields(it: &Transaction) -> [(&'static str, Option<String>); 10] {
    let part = |part: &fiscaflow_core::model::Split| {
        let category = part.category_id.map(|id| format!(" {id}")).unwrap_or_default();
        format!("{}{category}", part.amount.amount())
    };
    let parts: Vec<String> = it.splits.iter().map(part).collect();
    let listed = |list: &[String]| Some(list.join(", ")).filter(|text| !text.is_empty());
    let status = serde_json::to_value(it.status).unwrap();
    [
        ("category", it.category_id.map(|id| id.to_string())),
        ("splits", listed(&parts)),
        ("payee", it.payee.clone()),
        ("tags", listed(&it.tags)),
        ("notes", it.notes.clone()),
        ("status", status.as_str().map(str::to_owned)),
        ("schedule", it.schedule_id.map(|id| id.to_string())),
        ("goal", it.goal_id.map(|id| id.to_string())),
        ("review", it.metadata.get(metadata::REVIEW).cloned()),
        ("transfer", it.metadata.get(metadata::TRANSFER_ACCOUNT_ID).cloned()),
    ]
}

fn changes(before: &[Transaction], after: &[Transaction]) -> Vec<RuleChange> {
    let after: BTreeMap<TransactionId, &Transaction> = after.iter().map(|it| (it.id, it)).collect();
    let mut changes = Vec::new();
    for before in before {
        for ((field, was), (_, is)) in fields(before).into_iter().zip(fields(after[&before.id])) {
            if was != is {
                let (transaction_id, field) = (before.id, field.to_owned());
                changes.push(RuleChange { transaction_id, field, before: was, after: is });
            }
        }
    }
    changes
}

/// Transactions without what is made up anew each time, in one order.
fn facts(all: &[Transaction]) -> Vec<String> {
    let mut facts: Vec<String> = all
        .iter()
        .map(|it| {
            let mut it = serde_json::to_value(it).unwrap();
            for made_up in ["id", "origins", "revision"] {
                it.as_object_mut().unwrap().remove(made_up);
            }
            it.to_string()
        })
        .collect();
    facts.sort();
    facts
}

/// What a person would have recorded.
pub fn new(it: &Transaction) -> NewTransaction {
    shape(json!({
        "account_id": it.account_id, "booking_date": it.booking_date, "amount": it.amount.amount(),
        "status": it.status_source.as_ref().map(|_| it.status), "description": it.description,
        "payee": it.payee, "category_id": it.category_id, "tags": it.tags, "notes": it.notes,
        "reference": it.reference, "metadata": it.metadata,
    }))
}

/// The same as a bank's file.
pub fn file(transactions: &[Transaction]) -> NewImport {
    let row = |it: &Transaction| {
        format!("{};{};{}\n", it.booking_date, it.amount.amount(), it.description)
    };
    let rows: String = transactions.iter().map(row).collect();
    NewImport {
        content: format!("Date;Amount;Description\n{rows}").into_bytes(),
        account_id: Some(any::account_id(0)),
        ..NewImport::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("FISCAFLOW_DEEP").is_some() { 20_000 } else { 60 }
    ))]

    /// What a backtest of a draft says of each field of each transaction is what the same rules
    /// leave there, once they are the book's own and applied; and tried as the book's own they say
    /// the same of themselves.
    #[test]
    fn trying_is_applying(rules in rules(), transactions in transactions()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let home = Home::new().await;
            let plain = book(&home, &[], &transactions).await;
            let ruled = book(&home, &rules, &transactions).await;
            let draft: Vec<NewRule> = rules.iter().map(NewRule::from).collect();
            let query = json!({"rules": draft, "limit": 1000});
            let tried = plain.rules().backtest(shape(query)).await.unwrap();
            let own = ruled.rules().backtest(shape(json!({"limit": 1000}))).await.unwrap();
            prop_assert_eq!(own.changed, 0);
            let before = all(&ruled).await;
            let done = ruled.rules().apply().await.unwrap();
            prop_assert_eq!((done.examined, done.changed), (tried.examined, tried.would_change));
            let mut done = changes(&before, &all(&ruled).await);
            done.sort_by_key(|it| it.transaction_id);
            prop_assert!(done == tried.changes);
            prop_assert_eq!(tried.changed, done.len() as u64);
            let same = BacktestReport { changed: 0, changes: vec![], ..tried };
            prop_assert!(own == same);
            Ok(())
        })?;
    }

    /// What is recorded or imported under rules is what applying them makes of it afterwards, and
    /// the preview of an import shows it. Balances are left to the test below: they grow with each
    /// row.
    #[test]
    fn recording_and_importing_are_applying(
        rules in rules(),
        transactions in transactions(),
    ) {
        let rules: Vec<Rule> = rules.into_iter().filter(|rule| !has_balance(rule)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let home = Home::new().await;
            let (plain, ruled) = (book(&home, &[], &[]).await, book(&home, &rules, &[]).await);
            for it in &transactions {
                plain.transactions().create(new(it)).await.unwrap();
                ruled.transactions().create(new(it)).await.unwrap();
            }
            let new = file(&transactions);
            let preview = ruled.imports().preview(new.clone()).await.unwrap().created;
            let recorded = all(&ruled).await;
            plain.imports().create(new.clone()).await.unwrap();
            ruled.imports().create(new).await.unwrap();
            let imported: Vec<Transaction> =
                all(&ruled).await.into_iter().filter(|it| !recorded.contains(it)).collect();
            prop_assert_eq!(facts(&preview), facts(&imported));
            for rule in &rules {
                plain.rules().create(NewRule::from(rule)).await.unwrap();
            }
            plain.rules().apply().await.unwrap();
            prop_assert_eq!(facts(&all(&plain).await), facts(&all(&ruled).await));
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn imports_run_rules_with_balances() {
    // Holds: a rule on the balance sees what the book holds and the rows of the file up to each
    // one; the preview shows what the import does; trying and applying then see the whole day.
    let home = Home::new().await;
    home.record("2026-03-01", "-40", json!({})).await;
    let condition = json!({"kind": "balance", "max": "-50"});
    let low = json!({"name": "low", "condition": condition,
        "actions": [{"kind": "add_tag", "tag": "low"}]});
    home.book.rules().create(shape(low)).await.unwrap();
    let rows = b"Date;Amount;Description\n2026-03-02;-5;a\n2026-03-03;-10;b\n2026-03-03;20;c\n\
        2026-03-04;-30;d\n";
    let new = NewImport {
        content: rows.to_vec(),
        account_id: Some(home.account.id),
        ..NewImport::default()
    };
    let preview = home.book.imports().preview(new.clone()).await.unwrap().created;
    home.book.imports().create(new).await.unwrap();
    let low = |all: &[Transaction]| {
        let low = all.iter().filter(|it| it.tags == ["low"]);
        let mut low: Vec<String> = low.map(|it| it.description.clone()).collect();
        low.sort();
        low
    };
    // -40 -5 = -45; -45 -10 = -55; -55 +20 = -35; -35 -30 = -65.
    assert_eq!(low(&preview), ["b", "d"]);
    assert_eq!(low(&all(&home.book).await), ["b", "d"]);
    let tried = home.book.rules().backtest(shape(json!({}))).await.unwrap();
    // The third of March ended at -35, so the rule says no more of its first row; its tag stays.
    assert_eq!((tried.covered, tried.would_change), (1, 0));
    assert_eq!(home.book.rules().apply().await.unwrap().changed, 0);
}
