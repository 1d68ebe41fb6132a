//! Secrets of the host: what is kept of them, who opens them, and how they move to another key.

use std::sync::Arc;

use fiscaflow_core::ErrorCode;
use fiscaflow_core::engine::{BookHandle, Context, Engine, ExportQuery, HistoryQuery, ObjectQuery};
use fiscaflow_core::export::ExportFormat;
use fiscaflow_core::limits::MAX_SECRET_BYTES;
use fiscaflow_core::model::{NewSecret, SecretName};
use fiscaflow_core::secrets::{KeyRing, MasterKey};
use fiscaflow_core::store::Store;
use fiscaflow_store::open;
use serde_json::json;

use super::{Home, anna, engine, shape};

const CANARY: &str = "canary-5b1f";

fn ring(versions: &[u8]) -> Arc<KeyRing> {
    Arc::new(KeyRing::new(versions.iter().map(|it| MasterKey::new(u32::from(*it), [*it; 32]))))
}

fn new(id: &str, value: &str) -> NewSecret {
    let (kind, field) = ("bank_connection".to_owned(), "access_token".to_owned());
    NewSecret { kind, id: id.to_owned(), field, value: value.to_owned() }
}

fn name(id: &str) -> SecretName {
    shape(json!({"kind": "bank_connection", "id": id, "field": "access_token"}))
}

fn keyed(home: &Home, versions: &[u8]) -> BookHandle {
    home.engine.clone().with_keys(ring(versions)).book(home.id, anna())
}

/// Holds: a value comes back to an owner who has its key, and its text stands nowhere else: not in
/// the list, the history, the export, an answer that is kept, a debug view or what is stored.
#[tokio::test]
async fn a_value_is_opened_and_stands_nowhere_else() {
    let home = Home::new().await;
    let keys = ring(&[1]);
    let context = Context { idempotency_key: Some("once".to_owned()), ..anna() };
    let once = home.engine.clone().with_keys(keys).book(home.id, context);
    let value = format!("{CANARY} é");
    let told = once.secrets().put(new("42", &value)).await.unwrap();
    assert_eq!(once.secrets().put(new("42", &value)).await.unwrap(), told);
    let book = keyed(&home, &[1]);
    assert_eq!(book.secrets().reveal(name("42")).await.unwrap().value, value);

    let listed = book.secrets().list().await.unwrap();
    assert_eq!(listed, [told]);
    let lines = book.history().object(name("42").key(), ObjectQuery::default()).await.unwrap();
    let export = book.exports().create(ExportQuery { format: ExportFormat::Json }).await.unwrap();
    let entries = book.history().list(HistoryQuery::default()).await.unwrap();
    let opened = book.secrets().reveal(name("42")).await.unwrap();
    let shown = format!(
        "{} {} {} {} {:?} {opened:?}",
        serde_json::to_string(&listed).unwrap(),
        serde_json::to_string(&lines).unwrap(),
        export.content,
        serde_json::to_string(&entries).unwrap(),
        new("42", &value),
    );
    assert!(!shown.contains(CANARY), "{shown}");
    // Whether a commit is sealed is another matter.
    let shown = shown.replace("\"sealed\":false", "");
    assert!(!shown.contains("sealed\""), "{shown}");
    assert!(lines.iter().any(|line| line.action == "secrets.put"));

    book.secrets().delete(name("42")).await.unwrap();
    book.secrets().delete(name("42")).await.unwrap();
    let gone = book.secrets().reveal(name("42")).await.unwrap_err();
    assert_eq!(gone.code(), ErrorCode::NotFound);
}

/// Holds: the text of a value is in no byte of a database file.
#[tokio::test]
async fn a_value_is_in_no_byte_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("book.db");
    let store: Arc<dyn Store> = open(&format!("sqlite:{}", path.display())).await.unwrap();
    let home = Home::over(store).await;
    let book = keyed(&home, &[1]);
    book.secrets().put(new("42", CANARY)).await.unwrap();
    book.secrets().put(new("42", &format!("{CANARY}2"))).await.unwrap();
    home.engine.close().await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = bytes.windows(CANARY.len()).any(|it| it == CANARY.as_bytes());
        assert!(!found && !bytes.is_empty());
    }
}

/// Holds: who is no owner neither keeps nor opens one, and learns nothing of what is there.
#[tokio::test]
async fn secrets_are_the_owners() {
    let home = Home::new().await;
    keyed(&home, &[1]).secrets().put(new("42", CANARY)).await.unwrap();
    for role in ["member", "viewer"] {
        home.book.members().put(shape(json!({"actor": role, "role": role}))).await.unwrap();
        let keyed = home.engine.clone().with_keys(ring(&[1]));
        let book = keyed.book(home.id, Context::new(role.parse().unwrap()));
        let secrets = book.secrets();
        let codes = [
            secrets.put(new("43", "x")).await.err(),
            secrets.list().await.err(),
            secrets.reveal(name("42")).await.err(),
            secrets.reveal(name("43")).await.err(),
            secrets.delete(name("42")).await.err(),
            secrets.rotate().await.err(),
        ];
        for error in codes {
            assert_eq!(error.map(|it| it.code()), Some(ErrorCode::Forbidden));
        }
    }
}

/// Holds: without the host's keys nothing is sealed or opened, but what is there can be listed and
/// removed; what is too long, or has no name, is refused.
#[tokio::test]
async fn what_cannot_be_sealed_is_refused() {
    let home = Home::new().await;
    let book = keyed(&home, &[1]);
    book.secrets().put(new("42", &"x".repeat(MAX_SECRET_BYTES))).await.unwrap();
    let refused = [
        (home.book.secrets().put(new("43", "x")).await.err(), ErrorCode::SecretKeyMissing),
        (home.book.secrets().reveal(name("42")).await.err(), ErrorCode::SecretKeyMissing),
        (home.book.secrets().rotate().await.err(), ErrorCode::SecretKeyMissing),
        (keyed(&home, &[2]).secrets().rotate().await.err(), ErrorCode::SecretKeyMissing),
        (book.secrets().put(new("", "x")).await.err(), ErrorCode::InvalidInput),
        (
            book.secrets().put(new("43", &"x".repeat(MAX_SECRET_BYTES + 1))).await.err(),
            ErrorCode::LimitExceeded,
        ),
    ];
    for (error, code) in refused {
        assert_eq!(error.map(|it| it.code()), Some(code));
    }
    assert_eq!(home.book.secrets().list().await.unwrap().len(), 1);
    home.book.secrets().delete(name("42")).await.unwrap();
    assert_eq!(home.book.secrets().list().await.unwrap(), []);
}

/// Holds: a sealed value that stands at another's place, or in another book, does not open.
#[tokio::test]
async fn a_value_at_another_place_does_not_open() {
    let home = Home::new().await;
    let book = keyed(&home, &[1]);
    book.secrets().put(new("42", "one")).await.unwrap();
    book.secrets().put(new("43", "two")).await.unwrap();
    let other = Home::of(home.engine.clone()).await;
    keyed(&other, &[2]).secrets().put(new("42", "three")).await.unwrap();
    // The key of the other book's value is another, and under it nothing of this book opens.
    let error = keyed(&other, &[1]).secrets().reveal(name("42")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SecretKeyMissing);
    let wrong = Arc::new(KeyRing::new([MasterKey::new(1, [9; 32])]));
    let book = home.engine.clone().with_keys(wrong).book(home.id, anna());
    let error = book.secrets().reveal(name("42")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SecretUnreadable);
}

/// Holds: what was erased with a book's texts is told as erased, does not stand in the way of
/// moving the others, and may be kept anew.
#[tokio::test]
async fn an_erased_secret_is_told_as_erased() {
    let home = Home::new().await;
    let book = keyed(&home, &[1]);
    book.secrets().put(new("42", CANARY)).await.unwrap();
    book.erase_texts().await.unwrap();
    let error = book.secrets().reveal(name("42")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Erased);
    book.secrets().put(new("43", "later")).await.unwrap();
    let book = keyed(&home, &[1, 2]);
    assert_eq!(book.secrets().rotate().await.unwrap().rotated, 1);
    assert_eq!(book.secrets().reveal(name("43")).await.unwrap().value, "later");
    book.secrets().put(new("42", "anew")).await.unwrap();
    assert_eq!(book.secrets().reveal(name("42")).await.unwrap().value, "anew");
}

const WRITERS: usize = 8;
const WRITES: usize = 15;

/// Whether a secret was kept; it is not where another has moved to a key that the writer lacks.
async fn put(book: &BookHandle, id: &str, value: &str) -> bool {
    loop {
        match book.secrets().put(new(id, value)).await {
            Ok(_) => return true,
            Err(error) if error.code() == ErrorCode::SecretKeyMissing => return false,
            Err(error) => assert_eq!(error.code(), ErrorCode::Conflict),
        }
    }
}

/// What one writer keeps: its own secrets, and one that all write. Its last acknowledged values.
async fn write(book: BookHandle, writer: usize) -> Vec<Option<String>> {
    let mut kept = vec![None; 3];
    for round in 0..WRITES {
        let (place, value) = (round % kept.len(), format!("{writer}/{round}"));
        if put(&book, &format!("{writer}.{place}"), &value).await {
            kept[place] = Some(value.clone());
        }
        put(&book, "shared", &value).await;
    }
    kept
}

async fn rotation_while_others_write(one: Engine, other: Engine) {
    let home = Home::of(one.clone()).await;
    let at = |engine: &Engine, versions: &[u8]| {
        engine.clone().with_keys(ring(versions)).book(home.id, anna())
    };
    for number in 0..20 {
        at(&one, &[1]).secrets().put(new(&format!("old {number}"), "old")).await.unwrap();
    }
    // Half of the writers do not have the new key yet: theirs is refused once it is in use.
    let writers = (0..WRITERS).map(|writer| {
        let engine = if writer % 4 < 2 { &one } else { &other };
        let versions: &[u8] = if writer % 2 == 0 { &[1, 2] } else { &[1] };
        tokio::spawn(write(at(engine, versions), writer))
    });
    let writers: Vec<_> = writers.collect();
    let rotated = at(&other, &[1, 2]).secrets().rotate().await.unwrap();
    assert_eq!(rotated.key_version, 2);
    let mut kept = Vec::new();
    for writer in writers {
        kept.push(writer.await.unwrap());
    }
    // The old key is gone, and everything is still there.
    let book = at(&one, &[2]);
    for secret in book.secrets().list().await.unwrap() {
        assert_eq!(secret.key_version, 2, "{secret:?}");
        let found = book.secrets().reveal(name(&secret.id)).await.unwrap().value;
        if let Some((writer, place)) = secret.id.split_once('.') {
            let [writer, place] = [writer, place].map(|it| it.parse::<usize>().unwrap());
            assert_eq!(Some(found), kept[writer][place]);
        }
    }
    assert_eq!(book.secrets().rotate().await.unwrap().rotated, 0);
    let stale = at(&one, &[1]).secrets().put(new("late", "x")).await.unwrap_err();
    assert_eq!(stale.code(), ErrorCode::SecretKeyMissing);
}

/// Holds: with eight writers at two engines, moving to another key leaves nothing that does not
/// open, and nothing under the old key, on both stores.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotation_leaves_nothing_behind() {
    let home = Home::new().await;
    rotation_while_others_write(home.engine.clone(), home.engine.clone()).await;
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("book.db").display());
    let [one, other] = [open(&url).await.unwrap(), open(&url).await.unwrap()];
    rotation_while_others_write(engine(one), engine(other)).await;
}
