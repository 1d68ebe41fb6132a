//! The bytes of the history: they never change, because what was hashed once stays as it is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use fiscaflow_core::conformance::{FixedClock, SequentialIds};
use fiscaflow_core::engine::{Context, Engine, NewImport};
use fiscaflow_core::model::{NewBook, NewCategory, NewTransaction, TransactionPatch};
use fiscaflow_core::store::{Store, TransactionQuery};
use fiscaflow_core::{Month, parse_date};
use fiscaflow_store::MemoryStore;

/// A book with a reason, ids of a request, an idempotency key, an import, a split and an edit makes
/// the bytes and hashes of the golden file. With `FISCAFLOW_BLESS` set the file is written: only
/// together with a new version in the header.
#[tokio::test]
async fn bytes_and_hashes_are_golden() {
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::new(
        Arc::clone(&store) as Arc<dyn Store>,
        Arc::new(FixedClock::default()),
        Arc::new(SequentialIds::new(1)),
    );
    let anna = Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") };
    let id = engine.books(anna.clone()).create(new).await.unwrap().id;
    let asked = Context {
        reason: Some("first statement".to_owned()),
        correlation_id: Some("c-1".to_owned()),
        causation_id: Some("mail-7".to_owned()),
        idempotency_key: Some("key-1".to_owned()),
        ..anna.clone()
    };
    let content = b"<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>DE1</BANKACCTFROM><BANKTRANLIST>\
        <STMTTRN><DTPOSTED>20260302<TRNAMT>-3.20<FITID>f1<NAME>Caf\xc3\xa9 \"Z\xc3\xbcrich\"</STMTTRN>\
        </BANKTRANLIST></STMTRS></OFX>";
    let file =
        NewImport { content: content.to_vec(), create_accounts: true, ..NewImport::default() };
    engine.book(id, asked).imports().create(file).await.unwrap();
    let book = engine.book(id, anna);
    let new = NewCategory { name: "Food".to_owned(), ..NewCategory::default() };
    let food = book.categories().create(new).await.unwrap().id;
    let listed = book.transactions().list(TransactionQuery::default()).await.unwrap().items;
    let imported = listed.first().unwrap();
    let patch = TransactionPatch {
        category_id: Some(food),
        notes: Some("with Ben".to_owned()),
        tags: Some(vec!["out".to_owned()]),
        ..TransactionPatch::default()
    };
    book.transactions().update(imported.id, patch).await.unwrap();
    let day = Month::of(parse_date("2026-03-01").unwrap()).last_day();
    let new = NewTransaction::new(imported.account_id, day, "12.00".parse().unwrap());
    let new = serde_json::to_value(&new).map(|mut new| {
        new["splits"] = serde_json::json!([{"amount": "5", "category_id": food}, {"amount": "7"}]);
        new
    });
    book.transactions().create(serde_json::from_value(new.unwrap()).unwrap()).await.unwrap();

    let mut golden = String::new();
    for commit in store.commits(id, 0, 100).await.unwrap() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        writeln!(golden, "commit {} {}", commit.seq, commit.hash).unwrap();
        writeln!(golden, "{}\n{}", text(&commit.header), text(&commit.body)).unwrap();
        let texts: String = commit.texts.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(golden, "{texts}\n").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/history.txt");
    if std::env::var_os("FISCAFLOW_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &golden).unwrap();
    }
    assert_eq!(golden, std::fs::read_to_string(&path).unwrap());
}
