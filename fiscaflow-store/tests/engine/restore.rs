//! Restoring: what a JSON export may hold, and what a restored book can do.

use fiscaflow_core::ErrorCode;
use fiscaflow_core::engine::{BookHandle, ExportQuery, NewImport, NewRestore};
use fiscaflow_core::export::ExportFormat;
use fiscaflow_core::model::NewBook;
use serde_json::{Value, json};

use super::{Home, anna, shape};

/// A book with one of everything that a check looks at, as its export.
async fn export(home: &Home) -> Value {
    let food = home.category("Food", None).await;
    home.category("Cafés", Some(food.id)).await;
    let budget = json!({"name": "Food", "category_ids": [food.id], "limit": "100"});
    home.book.budgets().create(shape(budget)).await.unwrap();
    let cash = home.book.accounts().create(shape(json!({"name": "Cash"}))).await.unwrap();
    let from_id = home.record("2026-03-01", "-9", json!({})).await.id;
    let to_id = home.record("2026-03-01", "9", json!({"account_id": cash.id})).await.id;
    let pair = json!({"from_id": from_id, "to_id": to_id});
    home.book.transfers().create(shape(pair)).await.unwrap();
    let new = NewImport {
        content: b"Date,Amount,Description\n2026-03-02,-1.50,TEA\n2026-03-13,-2.50,TEA\n".to_vec(),
        account_id: Some(home.account.id),
        ..NewImport::default()
    };
    assert_eq!(home.book.imports().create(new).await.unwrap().imported, 2);
    let layout = json!({"name": "Bank", "csv": {}});
    home.book.layouts().put(shape(layout)).await.unwrap();
    home.book.insights().dismiss("low_balance.2026-03".to_owned()).await.unwrap();
    let format = ExportFormat::Json;
    let export = home.book.exports().create(ExportQuery { format }).await.unwrap();
    serde_json::from_str(&export.content).unwrap()
}

async fn empty(home: &Home) -> BookHandle {
    let new = NewBook { name: "Copy".to_owned(), ..NewBook::new("EUR") };
    let id = home.engine.books(anna()).create(new).await.unwrap().id;
    home.engine.book(id, anna())
}

#[tokio::test]
async fn what_the_engine_would_not_have_kept_is_refused() {
    // Holds: each of these would make figures wrong or the book unusable; none is restored, and
    // the same export without the change is.
    let home = Home::new().await;
    let export = export(&home).await;
    let yen = json!({"value": "100", "currency": "JPY"});
    let changes = [
        ("/accounts/0/opening_balance", yen.clone()),
        ("/accounts/0/currency", json!("XBT:8")),
        ("/accounts/0/name", json!("Cash")),
        ("/accounts/0/name", json!("a\u{0}b")),
        ("/book/zone", json!("Mars/Olympus")),
        ("/book/name", json!("x".repeat(300))),
        ("/book/currency", json!("XBT:8")),
        ("/budgets/0/limit", json!({"value": "-1", "currency": "EUR"})),
        ("/budgets/0/thresholds", json!([0])),
        ("/budgets/0/category_ids", json!([])),
        ("/categories/1/kind", json!("income")),
        ("/categories/1/name", json!("x".repeat(300))),
        ("/layouts/0/name", json!("x".repeat(300))),
        ("/layouts/0/csv", json!({"skip_rows": 1_000_000})),
        ("/dismissals/0/insight_id", json!("")),
        ("/dismissals/0/insight_id", json!("Anna paid twice")),
        ("/dismissals/0/insight_id", json!("x".repeat(300))),
        ("/members/0", json!({"actor": "ben", "role": "viewer", "name": "x".repeat(300)})),
    ];
    for (place, value) in changes {
        let mut wrong = export.clone();
        *wrong.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value;
        let content = wrong.to_string();
        let book = empty(&home).await;
        let error = book.exports().restore(NewRestore { content }).await;
        assert!(error.is_err(), "{place} was restored");
    }
    let content = export.to_string();
    empty(&home).await.exports().restore(NewRestore { content }).await.unwrap();
}

#[tokio::test]
async fn what_was_dismissed_stays_so() {
    // Holds: a finding that was dismissed is dismissed in a restored book too, by the same
    // document, and can be told again there.
    let home = Home::new().await;
    let export = export(&home).await;
    let content = export.to_string();
    let book = empty(&home).await;
    book.exports().restore(NewRestore { content }).await.unwrap();
    let format = ExportFormat::Json;
    let again = async || {
        let content = book.exports().create(ExportQuery { format }).await.unwrap().content;
        serde_json::from_str::<Value>(&content).unwrap()["dismissals"].clone()
    };
    let id = "low_balance.2026-03".to_owned();
    assert_eq!(export["dismissals"][0]["insight_id"], json!(id));
    assert_eq!(again().await, export["dismissals"]);
    book.insights().restore(id).await.unwrap();
    assert_eq!(again().await, json!([]));
}

#[tokio::test]
async fn a_transfer_has_two_sides_in_two_accounts() {
    // Holds: an export whose transfer is with itself, within one account or split is refused.
    let home = Home::new().await;
    let export = export(&home).await;
    let all = export["transactions"].as_array().unwrap();
    let at = all.iter().position(|it| !it["transfer_id"].is_null()).unwrap();
    let (own, account) = (all[at]["id"].clone(), all[at]["account_id"].clone());
    let other = all.iter().position(|it| it["transfer_id"] == own).unwrap();
    let mut with_itself = export.clone();
    with_itself["transactions"][at]["transfer_id"] = own;
    with_itself["transactions"][other]["transfer_id"] = Value::Null;
    let mut in_one_account = export.clone();
    in_one_account["transactions"][other]["account_id"] = account;
    let mut split = export.clone();
    let amount = |value: &str| json!({"value": value, "currency": "EUR"});
    let total = all[at]["amount"]["value"].as_str().unwrap().to_owned();
    split["transactions"][at]["splits"] = json!([
        {"amount": amount(&total), "category_id": null, "notes": null},
        {"amount": amount("0"), "category_id": null, "notes": null},
    ]);
    for wrong in [with_itself, in_one_account, split] {
        let content = wrong.to_string();
        let book = empty(&home).await;
        let error = book.exports().restore(NewRestore { content }).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
    }
}

#[tokio::test]
async fn a_restored_import_is_not_undone_by_half() {
    // Holds: what came with an export cannot be undone, says so and stays as it is.
    let home = Home::new().await;
    let content = export(&home).await.to_string();
    let book = empty(&home).await;
    book.exports().restore(NewRestore { content }).await.unwrap();
    let imports = book.imports().list().await.unwrap();
    let error = book.imports().undo(imports[0].id).await.unwrap_err();
    assert_eq!((error.code(), error.at_field()), (ErrorCode::InvalidInput, Some("id")));
    assert_eq!(book.imports().list().await.unwrap(), imports);
}

#[tokio::test]
async fn a_book_with_a_layout_is_not_empty() {
    // Holds: a layout that is there already is neither replaced nor mixed with those restored.
    let home = Home::new().await;
    let content = export(&home).await.to_string();
    let book = empty(&home).await;
    book.layouts().put(shape(json!({"name": "Mine", "csv": {}}))).await.unwrap();
    let error = book.exports().restore(NewRestore { content }).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::IdConflict);
}

#[tokio::test]
async fn a_layout_is_checked_when_it_is_kept() {
    // Holds: a profile that no file could be read with is refused at once, not at the next import.
    let home = Home::new().await;
    for csv in [json!({"encoding": "latin-99"}), json!({"skip_rows": 1_000_000})] {
        let layout = json!({"name": "Bank", "csv": csv});
        let error = home.book.layouts().put(shape(layout)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
    }
    assert_eq!(home.book.layouts().list().await.unwrap(), []);
}
