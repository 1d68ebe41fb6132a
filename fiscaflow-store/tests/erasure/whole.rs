//! All texts of a book.

use std::sync::Arc;

use fiscaflow_core::conformance::fsck;
use fiscaflow_core::store::{Store, verify_book};
use fiscaflow_store::open;
use serde_json::{Value, json};

use super::{Home, bird};

/// A fresh store of each kind.
async fn stores(dir: &tempfile::TempDir) -> Vec<Arc<dyn Store>> {
    let file = format!("sqlite:{}", dir.path().join("home.db").display());
    #[cfg_attr(not(feature = "postgres"), allow(unused_mut, reason = "there are no more"))]
    let mut stores = vec![open("memory:").await.unwrap(), open(&file).await.unwrap()];
    #[cfg(feature = "postgres")]
    stores.push(open(&super::shared::postgres::database().url).await.unwrap());
    stores
}

#[tokio::test]
async fn a_book_without_texts_goes_on() {
    // Holds: on every store, all texts are gone with figures and links left as they were; every
    // read, export and restore works, an import brings its rows again, and the history verifies.
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let home = Home::over(store).await;
        home.sing(1).await;
        let balances = home.owner("reports.balances", None, json!({})).await;
        let all = json!({"limit": 500});
        let before = home.owner("transactions.list", None, all.clone()).await;
        let report = home.owner("books.erase_texts", None, Value::Null).await;
        assert!(report["texts"].as_u64() > Some(15), "{report}");
        let told = home.told().await;
        assert!(!told.contains(&bird(1)) && !told.contains("shop1.") && !told.contains("Giro"));
        assert_eq!(home.owner("reports.balances", None, json!({})).await, balances);
        let after = home.owner("transactions.list", None, all).await;
        for (was, is) in items(&before).zip(items(&after)) {
            for fact in
                ["id", "amount", "booking_date", "category_id", "category_source", "revision"]
            {
                assert_eq!(was[fact], is[fact]);
            }
            assert_eq!((&is["description"], &is["payee"]), (&json!(""), &Value::Null));
        }
        let budget = &home.owner("budgets.state", None, json!({"month": "2026-03"})).await[0];
        assert_eq!(budget["spent"]["value"], "0.00", "no transaction has its tags any more");
        home.owner("rules.apply", None, Value::Null).await;
        fsck(&*home.store, home.id).await;
        verify_book(&*home.store, home.id).await.unwrap().ok().unwrap();

        let export = home.owner("exports.create", None, json!({"format": "json"})).await;
        let other = Home::empty(open("memory:").await.unwrap()).await;
        other.owner("exports.restore", None, json!({"content": export["content"]})).await;
        assert_eq!(other.owner("reports.balances", None, json!({})).await, balances);
        fsck(&*other.store, other.id).await;
    }
}

fn items(page: &Value) -> impl Iterator<Item = &Value> {
    page["items"].as_array().unwrap().iter()
}

#[tokio::test]
async fn another_engine_forgets_too() {
    // Holds: an engine that had the book in memory, with figures, what was learned and a point,
    // tells nothing of it once another erased the texts, be it of the book or of a member, and
    // writes on.
    for verb in ["books.erase_texts", "members.erase"] {
        let home = Home::over(open("memory:").await.unwrap()).await;
        home.sing(1).await;
        let other = home.through_another();
        assert!(other.told().await.contains(&bird(1)));
        other.owner("suggestions.list", None, json!({})).await;
        let then = other.owner("history.list", None, json!({"limit": 500})).await;
        let then = then.as_array().unwrap().len().to_string();
        for home in [&home, &other] {
            assert!(home.listed_at(&then).await.contains(&bird(1)));
        }
        let member = super::member(1);
        match verb {
            "members.erase" => {
                let how = json!({"entered_texts": true});
                home.owner(verb, Some(&member), how).await;
            }
            _ => drop(home.owner(verb, None, Value::Null).await),
        }
        other.owner("suggestions.list", None, json!({})).await;
        assert!(!other.told().await.contains(&bird(1)), "{verb}");
        for home in [&home, &other] {
            assert!(!home.listed_at(&then).await.contains(&bird(1)), "{verb} as of {then}");
        }
        let new = json!({"account_id": home.account, "booking_date": "2026-03-05",
            "amount": "-3.00", "description": "later"});
        other.owner("transactions.create", None, new).await;
        assert!(home.told().await.contains("later"));
        fsck(&*home.store, home.id).await;
    }
}
