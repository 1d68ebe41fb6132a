//! Exports, read by the programs that they are written for: hledger and beancount come to the
//! balances of the book, our own reader to the statements, and a restored book equals the first.
//!
//! `hledger` is found on the path; `FISCAFLOW_BEANCOUNT` names a Python that has beancount. Where
//! one is missing its test is skipped.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../fiscaflow-core/tests/shared/mod.rs"]
mod shared;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use fiscaflow_core::Money;
use fiscaflow_core::analytics::BalancesQuery;
use fiscaflow_core::engine::{BookHandle, Context, Engine, ExportQuery, NewImport, NewRestore};
use fiscaflow_core::export::ExportFormat;
use fiscaflow_core::model::NewBook;
use fiscaflow_core::store::TransactionQuery;
use fiscaflow_store::{MemoryStore, RandomIds, SystemClock};
use rust_decimal::Decimal;
use serde_json::{Value, json};

async fn fresh_book() -> BookHandle {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()));
    let engine = Engine::new(Arc::new(MemoryStore::new()), clock, ids);
    let anna = Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home \"quoted\"".to_owned(), ..NewBook::new("EUR") };
    let id = engine.books(anna.clone()).create(new).await.unwrap().id;
    engine.book(id, anna)
}

async fn export(book: &BookHandle, format: ExportFormat) -> String {
    book.exports().create(ExportQuery { format }).await.unwrap().content
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// Numbers that follow from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

const CURRENCIES: [(&str, u32); 3] = [("EUR", 2), ("USD", 2), ("JPY", 0)];
const TEXTS: [&str; 6] = [
    "COFFEE; shop | \"Roma\"",
    "(refund) store",
    "Miete – März",
    "=SUM(A1)",
    "line\nbreak",
    "100 % \\ sure #tag ^link",
];

fn id(kind: u64, number: u64) -> String {
    format!("018cc4e5-2200-7000-8{kind:03x}-{number:012x}")
}

fn written(minor: i64, places: u32) -> String {
    Decimal::new(minor, places).to_string()
}

/// A JSON export of a book with splits, transfers between currencies, refunds, pending, void and
/// deleted transactions in three currencies.
fn generated(count: u64) -> Value {
    let mut random = Random(20_261_120);
    let names = ["Giro", "Depot \"X\"", "Visa: gold", "giro", "Kasse (klein)", "現金"];
    let kinds = ["checking", "savings", "credit_card", "loan", "cash", "other"];
    let accounts: Vec<Value> = (0..6)
        .map(|at| {
            let (currency, places) = CURRENCIES[at % 3];
            let opening = written(at as i64 * 12_345 - 20_000, places);
            json!({
                "id": id(1, at as u64), "name": names[at], "kind": kinds[at], "currency": currency,
                "opening_balance": {"value": opening, "currency": currency},
                "number": null, "bank_id": null, "import_key": null, "closed": false,
            })
        })
        .collect();
    let categories: Vec<Value> = (0..8)
        .map(|at: u64| {
            let parent = (at >= 4).then(|| id(2, at - 4));
            let kind = if at % 4 == 3 { "income" } else { "expense" };
            json!({"id": id(2, at), "name": format!("Food & {}", at / 2), "kind": kind, "parent_id": parent})
        })
        .collect();
    let mut transactions = Vec::new();
    let mut number = 0;
    while number < count {
        let at = random.below(6) as usize;
        let one = transaction(&mut random, number, at);
        if random.below(10) == 0 {
            // The other side, some days later and perhaps in another currency.
            let to = (at + 1 + random.below(5) as usize) % 6;
            let (mut from, mut other) = (one, transaction(&mut random, number + 1, to));
            for (side, partner, out) in [(&mut from, number + 1, true), (&mut other, number, false)]
            {
                side["transfer_id"] = json!(id(3, partner));
                side["category_id"] = Value::Null;
                side["splits"] = json!([]);
                side["status"] = json!("posted");
                side["deleted"] = json!(false);
                let value = side["amount"]["value"].as_str().unwrap().trim_start_matches('-');
                side["amount"]["value"] =
                    json!(if out { format!("-{value}") } else { value.to_owned() });
            }
            transactions.extend([from, other]);
            number += 2;
        } else {
            transactions.push(one);
            number += 1;
        }
    }
    json!({
        "fiscaflow": 1,
        "book": {"id": id(0, 1), "name": "Generated", "zone": "Europe/Berlin", "currency": "EUR",
                 "currencies": [], "created_at": "2026-01-01T00:00:00Z"},
        "members": [{"actor": "bob", "role": "viewer", "name": "Bob"}],
        "accounts": accounts, "categories": categories, "payees": [], "rules": [], "budgets": [],
        "imports": [], "layouts": [], "transfer_refusals": [], "alerts": [], "transactions": transactions,
    })
}

fn transaction(random: &mut Random, number: u64, account: usize) -> Value {
    let (currency, places) = CURRENCIES[account % 3];
    let money = |minor: i64| json!({"value": written(minor, places), "currency": currency});
    let minor = random.below(400_000) as i64 - 300_000;
    let category = (random.below(4) > 0).then(|| id(2, random.below(8)));
    let splits = if random.below(5) == 0 {
        let part = random.below(50_000) as i64 - 25_000;
        json!([{"amount": money(part), "category_id": category, "notes": "=part"},
               {"amount": money(minor - part), "category_id": null, "notes": null}])
    } else {
        json!([])
    };
    let plain = splits.as_array().unwrap().is_empty();
    let status = ["posted", "pending", "reconciled", "disputed", "void", "posted", "posted"]
        [random.below(7) as usize];
    json!({
        "id": id(3, number), "account_id": id(1, account as u64),
        "booking_date": format!("20{}-{:02}-{:02}", 20 + random.below(6), 1 + random.below(12), 1 + random.below(28)),
        "value_date": null, "amount": money(minor), "status": status,
        "description": TEXTS[random.below(6) as usize],
        "payee": (random.below(2) == 0).then(|| TEXTS[random.below(6) as usize].replace('\n', " ")),
        "payee_source": null, "category_id": category.filter(|_| plain), "category_source": null,
        "tags": if random.below(4) == 0 { json!(["a b", "ü,x"]) } else { json!([]) },
        "tags_source": null, "notes": (random.below(3) == 0).then_some("two\nlines: \"x\""),
        "splits": splits, "transfer_id": null, "reference": null, "external_id": null,
        "attachments": [], "metadata": {}, "origins": [], "deleted": random.below(40) == 0,
        "revision": 0,
    })
}

async fn restored(export: &str) -> BookHandle {
    let book = fresh_book().await;
    book.exports().restore(NewRestore { content: export.to_owned() }).await.unwrap();
    book
}

/// What every account holds, by the engine: `value currency`, sorted, zeros left out.
async fn holdings(book: &BookHandle) -> Vec<String> {
    let balances = book.reports().balances(BalancesQuery::default()).await.unwrap();
    let last: BTreeMap<_, Money> =
        balances.into_iter().map(|it| (it.account_id, it.balance)).collect();
    sorted(last.into_values().map(|it| (it.amount().decimal(), it.currency().code().to_owned())))
}

fn sorted(held: impl Iterator<Item = (Decimal, String)>) -> Vec<String> {
    let held = held.filter(|(value, _)| !value.is_zero());
    let mut held: Vec<String> =
        held.map(|(value, code)| format!("{} {code}", value.normalize())).collect();
    held.sort();
    held
}

/// What the book spent and earned by category, by a plain walk over its transactions.
async fn by_category(book: &BookHandle) -> Vec<String> {
    let export: Value = serde_json::from_str(&export(book, ExportFormat::Json).await).unwrap();
    let mut sums: BTreeMap<(String, String), Decimal> = BTreeMap::new();
    let decimal = |money: &Value| money["value"].as_str().unwrap().parse::<Decimal>().unwrap();
    let mut add = |whole: &Value, category: &Value, money: &Value| {
        let value = decimal(money);
        let kind = if decimal(&whole["amount"]) < Decimal::ZERO { "Expenses" } else { "Income" };
        let name = category.as_str().map_or_else(|| kind.to_owned(), str::to_owned);
        let code = money["currency"].as_str().unwrap().to_owned();
        *sums.entry((name, code)).or_default() -= value;
    };
    for one in export["transactions"].as_array().unwrap() {
        if one["deleted"] == true || one["status"] == "void" || !one["transfer_id"].is_null() {
            continue;
        }
        let parts = one["splits"].as_array().unwrap();
        for part in parts {
            add(one, &part["category_id"], &part["amount"]);
        }
        if parts.is_empty() {
            add(one, &one["category_id"], &one["amount"]);
        }
    }
    sorted(sums.into_iter().map(|((_, code), value)| (value, code)))
}

/// What a program says each of its accounts holds.
type Held = Vec<(String, Decimal, String)>;

fn side(held: &Held, roots: [&str; 2]) -> Vec<String> {
    let ours = held.iter().filter(|(name, ..)| roots.iter().any(|root| name.starts_with(root)));
    sorted(ours.map(|(_, value, code)| (*value, code.clone())))
}

/// Both sides of the books as a program has them.
async fn compare(book: &BookHandle, held: &Held, what: &str) {
    assert_eq!(side(held, ["Assets", "Liabilities"]), holdings(book).await, "{what}: accounts");
    assert_eq!(side(held, ["Expenses", "Income"]), by_category(book).await, "{what}: categories");
}

fn hledger(journal: &str) -> Option<Held> {
    if Command::new("hledger").arg("--version").output().is_err() {
        missing("hledger is not installed");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("book.journal");
    std::fs::write(&path, journal).unwrap();
    let args = ["balance", "--flat", "--no-total", "--empty", "--layout", "bare", "-O", "csv"];
    // It reads files in the locale's charset, and a bare machine has no locale.
    let mut command = Command::new("hledger");
    let output = command.env("LC_ALL", "C.UTF-8").arg("-f").arg(&path).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}", errors.chars().take(2_000).collect::<String>());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut held = Vec::new();
    // account,commodity,balance
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.trim_matches('"').split("\",\"").collect();
        if let [name, code, value] = cells[..] {
            held.push((name.to_owned(), value.parse().unwrap(), code.to_owned()));
        }
    }
    Some(held)
}

const READER: &str = r#"
import json, sys
from beancount import loader
from beancount.core import data, realization

entries, errors, options = loader.load_file(sys.argv[1])
if errors:
    sys.exit("\n".join(str(error) for error in errors[:5]))
held = []
for account in realization.iter_children(realization.realize(entries)):
    for position in account.balance:
        held.append([account.account, str(position.units.number), position.units.currency])
print(json.dumps(held))
"#;

fn beancount(journal: &str) -> Option<Held> {
    let python = std::env::var("FISCAFLOW_BEANCOUNT").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import beancount"]).output();
    if !probe.is_ok_and(|it| it.status.success()) {
        missing("beancount is not installed");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("book.beancount");
    std::fs::write(&path, journal).unwrap();
    let output = Command::new(&python).args(["-c", READER]).arg(&path).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}", errors.chars().take(2_000).collect::<String>());
    let held: Vec<(String, String, String)> = serde_json::from_slice(&output.stdout).unwrap();
    Some(held.into_iter().map(|(name, value, code)| (name, value.parse().unwrap(), code)).collect())
}

/// Nobody reads a skip under continuous integration: there the programs are installed.
fn missing(reason: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{reason}");
    shared::skip(reason);
}

#[test]
fn hledger_comes_to_the_same_balances() {
    // Holds: 20,000 generated transactions, every account and category in each commodity.
    run(async {
        let book = restored(&generated(20_000).to_string()).await;
        let journal = export(&book, ExportFormat::Hledger).await;
        let Some(held) = hledger(&journal) else { return };
        compare(&book, &held, "hledger").await;
    });
}

#[test]
fn beancount_comes_to_the_same_balances() {
    // Holds: 20,000 generated transactions, every account and category in each commodity.
    run(async {
        let book = restored(&generated(20_000).to_string()).await;
        let journal = export(&book, ExportFormat::Beancount).await;
        let Some(held) = beancount(&journal) else { return };
        compare(&book, &held, "beancount").await;
    });
}

/// A book with every file of the collection in it that can be read.
async fn collection(folder: &Path) -> BookHandle {
    let book = fresh_book().await;
    let mut taken = 0;
    for format in ["ofx", "csv", "camt", "mt940", "qif", "plaid", "derived"] {
        let files = std::fs::read_dir(folder.join(format)).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        for path in files {
            let content = std::fs::read(&path).unwrap();
            let new =
                NewImport { content, create_accounts: true, partial: true, ..NewImport::default() };
            taken += book.imports().create(new).await.map_or(0, |report| report.imported);
        }
    }
    assert!(taken > 400, "only {taken} transactions of the collection were imported");
    book
}

#[test]
fn the_collection_of_real_files_keeps_its_balances() {
    // Holds: all real files in one book, read back by hledger, beancount, our own OFX reader and
    // as JSON: the same balance of every account.
    let Some(folder) = shared::fixtures() else { return };
    run(async {
        let book = collection(&folder).await;
        let held = holdings(&book).await;
        if let Some(theirs) = hledger(&export(&book, ExportFormat::Hledger).await) {
            compare(&book, &theirs, "hledger").await;
        }
        if let Some(theirs) = beancount(&export(&book, ExportFormat::Beancount).await) {
            compare(&book, &theirs, "beancount").await;
        }
        let again = restored(&export(&book, ExportFormat::Json).await).await;
        assert_eq!(holdings(&again).await, held);

        let ofx = export(&book, ExportFormat::Ofx).await;
        let back = fresh_book().await;
        let new = NewImport { content: ofx.into(), create_accounts: true, ..NewImport::default() };
        let report = back.imports().create(new).await.unwrap();
        assert_eq!(report.problems, []);
        assert!(report.statements.iter().all(|it| it.closing_balance.is_some()));
        assert_eq!(holdings(&back).await, held);
    });
}

#[test]
fn a_restored_book_equals_the_first() {
    // Holds: export, restore, export: the same text but for the book's own id, the members and what
    // names commits; a second restore, and one into a book that holds something, is refused. An
    // export names the newest commit.
    run(async {
        let first = restored(&generated(2_000).to_string()).await;
        let text = export(&first, ExportFormat::Json).await;
        let second = restored(&text).await;
        let plain = |text: &str| {
            let mut value: Value = serde_json::from_str(text).unwrap();
            value["book"]["id"] = Value::Null;
            value["head"] = Value::Null;
            for one in value["transactions"].as_array_mut().unwrap() {
                one["revision"] = Value::Null;
            }
            value
        };
        assert_eq!(plain(&export(&second, ExportFormat::Json).await), plain(&text));
        let verified = second.history().verify().await.unwrap();
        assert!(verified.verified);
        let again: Value =
            serde_json::from_str(&export(&second, ExportFormat::Json).await).unwrap();
        assert_eq!(again["head"], json!(verified.head));
        let error = second.exports().restore(NewRestore { content: text }).await.unwrap_err();
        assert_eq!(error.code().as_str(), "id_conflict");
    });
}

#[test]
fn what_is_no_export_is_refused_and_nothing_stays() {
    // Holds: each damage to an export is refused by name, and the book is empty afterwards.
    run(async {
        let good = generated(50);
        let damages: [(&str, Value); 9] = [
            ("/fiscaflow", json!(2)),
            ("/transactions/0/account_id", json!(id(1, 77))),
            ("/transactions/0/amount/currency", json!("CHF")),
            ("/transactions/0/category_id", json!(id(2, 77))),
            ("/transactions/1/id", good["transactions"][0]["id"].clone()),
            ("/transactions/0/transfer_id", json!(id(3, 7_777))),
            ("/categories/0/parent_id", json!(id(2, 4))),
            ("/accounts/1/id", json!(id(1, 0))),
            ("/transactions/0/extra", json!(1)),
        ];
        for (place, value) in damages {
            let mut bad = good.clone();
            match bad.pointer_mut(place) {
                Some(slot) => *slot = value,
                None => bad["transactions"][0]["extra"] = value,
            }
            let book = fresh_book().await;
            let new = NewRestore { content: bad.to_string() };
            let error = book.exports().restore(new).await.unwrap_err();
            assert_eq!(error.lane(), fiscaflow_core::Lane::Rejected, "{place}: {error:?}");
            assert_eq!(book.accounts().list().await.unwrap(), [], "{place}");
            let all = book.transactions().list(TransactionQuery::default()).await.unwrap();
            assert_eq!(all.items, [], "{place}");
        }
    });
}
