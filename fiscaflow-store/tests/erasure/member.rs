//! Members who are erased one after the other.

use std::path::Path;
use std::sync::{Arc, Mutex};

use fiscaflow_core::ErrorCode;
use fiscaflow_core::conformance::fsck;
use fiscaflow_core::engine::Context;
use fiscaflow_core::store::{Store, copy_book, verify_book};
use fiscaflow_store::{Durability, MemoryStore, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tracing_subscriber::filter::LevelFilter;

use super::{Home, bird, member, stored};

/// What is written to a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Every byte of every file in a folder.
pub fn bytes_in(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|file| std::fs::read(file).unwrap()).collect()
}

pub fn holds(bytes: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(word)
}

pub async fn in_file(dir: &TempDir) -> (Home, SqliteStore) {
    let store = SqliteStore::open(dir.path().join("home.db"), Durability::Full).await.unwrap();
    (Home::over(Arc::new(store.clone())).await, store)
}

#[tokio::test]
async fn of_a_hundred_members_nothing_is_left() {
    // Holds: after they were erased no byte of the database, its log, a backup, a copy, an export
    // or what was logged holds a text that one of them entered, while the history verifies; of
    // those who are not erased nothing is lost. Before, all of these hold them.
    let members = if std::env::var_os("FISCAFLOW_DEEP").is_some() { 100 } else { 6 };
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE);
    subscriber.with_writer(move || writer.clone()).init();
    let dir = tempfile::tempdir().unwrap();
    let (home, store) = in_file(&dir).await;
    for number in 0..=members {
        home.sing(number).await;
    }
    let stays = bird(members);
    let (told, bytes) = (home.told().await, bytes_in(dir.path()));
    for number in 0..=members {
        assert!(told.contains(&bird(number)) && holds(&bytes, &bird(number)));
    }
    for number in 0..members {
        let how = json!({"entered_texts": true});
        let report = home.owner("members.erase", Some(&member(number)), how).await;
        assert!(report["texts"].as_u64() > Some(9) && report["changed"].as_u64() > Some(3));
    }
    let backup = dir.path().join("backup.db");
    store.backup_to(&backup).await.unwrap();
    let copy: Arc<dyn Store> = Arc::new(MemoryStore::new());
    copy_book(&*home.store, &*copy, home.id).await.unwrap();
    let (told, bytes) = (home.told().await, bytes_in(dir.path()));
    let told = told + &stored(&*copy, home.id).await;
    let logged = log.0.lock().unwrap().clone();
    for number in 0..members {
        assert!(!told.contains(&bird(number)), "{}", around(&told, &bird(number)));
        assert!(!holds(&bytes, &bird(number)) && !holds(&logged, &bird(number)));
    }
    assert!(told.contains(&stays) && holds(&bytes, &stays));
    fsck(&*home.store, home.id).await;
    fsck(&*copy, home.id).await;
    verify_book(&*home.store, home.id).await.unwrap().ok().unwrap();
}

/// What stands around a word, for the message of a failure.
fn around(text: &str, word: &str) -> String {
    let Some(place) = text.find(word) else { return String::new() };
    let part = text.as_bytes().get(place.saturating_sub(300)..text.len().min(place + 200));
    String::from_utf8_lossy(part.unwrap_or_default()).into_owned()
}

#[tokio::test]
async fn without_the_last_step_the_file_would_tell() {
    // Holds: what is looked for in the bytes of the file can be found there.
    let dir = tempfile::tempdir().unwrap();
    let (home, _) = in_file(&dir).await;
    home.sing(1).await;
    home.owner("payees.list", None, Value::Null).await;
    assert!(holds(&bytes_in(dir.path()), &bird(1)));
}

#[tokio::test]
async fn a_name_goes_and_what_was_entered_stays() {
    // Holds: without the option name, reasons and answers go, what the member entered stays, and
    // membership does.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    let id = home.sing(1).await;
    let report = home.owner("members.erase", Some(&member(1)), json!({})).await;
    assert_eq!(report["changed"], 1);
    let members = home.owner("members.list", None, Value::Null).await;
    assert_eq!(members[0], json!({"actor": member(1), "role": "member", "name": null}));
    let told = home.told().await;
    assert!(!told.contains("née Bird") && !told.contains(&format!("for {}", bird(1))));
    let found = home.owner("transactions.get", Some(&id), Value::Null).await;
    assert!(found["notes"].as_str().unwrap().contains(&bird(1)));
    fsck(&*home.store, home.id).await;
}

#[tokio::test]
async fn what_files_and_others_brought_stays() {
    // Holds: of a transaction that a file brought and two members annotated, the erased one's
    // texts go and the others stay; the file is recognised as before, and later erasures of the
    // other find theirs.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    home.sing(1).await;
    home.sing(2).await;
    let found = home.owner("transactions.list", None, json!({"text": "shop1."})).await;
    let id = super::text(&found["items"][0]);
    let tags = |tags: &[&str]| json!({"tags": tags});
    home.member(1, "transactions.update", Some(&id), tags(&["canary001bird-own"])).await;
    home.member(2, "transactions.update", Some(&id), tags(&["canary001bird-own", "of-ben"])).await;
    home.member(2, "transactions.update", Some(&id), json!({"notes": "by ben"})).await;
    let how = json!({"entered_texts": true});
    home.owner("members.erase", Some(&member(1)), how.clone()).await;
    let after = home.owner("transactions.get", Some(&id), Value::Null).await;
    assert_eq!(after["description"], "shop1.");
    assert_eq!((&after["tags"], &after["notes"]), (&json!(["of-ben"]), &json!("by ben")));
    assert_eq!(after["origins"][0]["fingerprint"], found["items"][0]["origins"][0]["fingerprint"]);
    assert!(home.told().await.contains(&bird(2)));
    home.owner("members.erase", Some(&member(2)), how).await;
    let after = home.owner("transactions.get", Some(&id), Value::Null).await;
    assert_eq!((&after["tags"], &after["notes"]), (&json!([]), &Value::Null));
    let told = home.told().await;
    assert!(!told.contains(&bird(1)) && !told.contains(&bird(2)) && told.contains("shop2."));
    fsck(&*home.store, home.id).await;
}

#[tokio::test]
async fn a_merge_or_an_undo_hides_nothing() {
    // Holds: what a member entered goes also where somebody else moved it into another transaction
    // or brought it back.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    let theirs = home.sing(1).await;
    let new = json!({"account_id": home.account, "booking_date": "2026-03-01", "amount": "-3.00"});
    let kept = super::text(&home.owner("transactions.create", None, new).await);
    let merge = json!({"absorbed_id": theirs});
    home.owner("transactions.merge", Some(&kept), merge).await;
    let moved = home.owner("transactions.get", Some(&kept), Value::Null).await;
    assert!(moved.to_string().contains(&bird(1)));
    home.owner("members.erase", Some(&member(1)), json!({"entered_texts": true})).await;
    let told = home.told().await;
    assert!(!told.contains(&bird(1)), "{}", around(&told, &bird(1)));
    fsck(&*home.store, home.id).await;
}

#[tokio::test]
async fn owners_alone_erase_and_a_repeat_is_answered_alike() {
    // Holds: others are refused, who was never there is not found, a key is answered once; a key
    // whose answer was erased says so and does nothing.
    let home = Home::over(Arc::new(MemoryStore::new())).await;
    home.sing(1).await;
    let refused = |actor: &str, verb, id| {
        let context = Context::new(actor.parse().unwrap());
        home.call(context, verb, id, json!({}))
    };
    let (one, two) = (member(1), member(2));
    for (actor, code) in [(&one, ErrorCode::Forbidden), (&two, ErrorCode::BookNotFound)] {
        let error = refused(actor, "members.erase", Some("own")).await.unwrap_err();
        assert_eq!(error.code(), code);
        let error = refused(actor, "books.erase_texts", None).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
    let error = refused("own", "members.erase", Some(&two)).await.unwrap_err();
    assert_eq!((error.code(), error.at_field()), (ErrorCode::NotFound, None));
    let keyed = || Context {
        idempotency_key: Some("once".to_owned()),
        ..Context::new("own".parse().unwrap())
    };
    let erase = || home.call(keyed(), "members.erase", Some(&one), json!({}));
    let (first, head) = (erase().await.unwrap(), home.store.head(home.id).await.unwrap());
    assert_eq!(erase().await.unwrap(), first);
    assert_eq!(home.store.head(home.id).await.unwrap(), head);
    let again = home.owner("members.erase", Some(&one), json!({})).await;
    assert_eq!(again["texts"], 0, "all is gone already");
    let error = erase().await.unwrap_err();
    assert_eq!((error.code(), error.at_field()), (ErrorCode::Erased, Some("idempotency_key")));
    verify_book(&*home.store, home.id).await.unwrap().ok().unwrap();
}
