//! What goes wrong in a store answers in the right lane: closed, damaged, unreachable or refused.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests report by panicking")]

use std::path::Path;

use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::log::Change;
use fiscaflow_core::model::{Origin, Payee, Split, Transaction};
use fiscaflow_core::store::{OriginQuery, PageRequest, Store, TransactionQuery};
use fiscaflow_core::{Error, ErrorCode, ImportId, Lane, Money, PayeeId, Result};
use fiscaflow_store::{Durability, SqliteStore, open};
use sqlx::{Connection, SqliteConnection};

/// A text that must never appear in an error.
const SECRET: &str = "Therapist";

/// A file with one book: a payee, and a transaction with something in every column.
async fn written(path: &Path) -> (SqliteStore, Scribe, Transaction) {
    let store = SqliteStore::open(path, Durability::MayLoseLastCommits).await.unwrap();
    let mut scribe = Scribe::new(1);
    let bare = scribe.transaction("2024-01-01", -77_777);
    let part = Split { amount: bare.amount, category_id: None, notes: Some(SECRET.to_owned()) };
    let transaction = Transaction {
        description: SECRET.to_owned(),
        payee: Some(SECRET.to_owned()),
        tags: vec![SECRET.to_owned()],
        splits: vec![
            part,
            Split { amount: Money::zero(bare.amount.currency()), category_id: None, notes: None },
        ],
        value_date: Some(bare.booking_date),
        origins: vec![Origin {
            import_id: ImportId::new(scribe.uuid()),
            account_id: scribe.account_id,
            booking_date: bare.booking_date,
            amount: bare.amount,
            pending: false,
            bank_id: Some("bank-1".to_owned()),
            fingerprint: "f".to_owned(),
        }],
        ..bare
    };
    let payee =
        Payee { id: PayeeId::new(scribe.uuid()), name: SECRET.to_owned(), aliases: Vec::new() };
    let changes = vec![
        Change::create(scribe.book()),
        Change::create(payee),
        Change::create(transaction.clone()),
    ];
    let commit = scribe.seal_with_key(changes, "key");
    scribe.write(&store, commit).await;
    (store, scribe, transaction)
}

/// Every read of the book, by name, with its error if there is one.
async fn errors(store: &SqliteStore, scribe: &Scribe, one: &Transaction) -> Vec<(String, Error)> {
    fn error<T>(read: &str, result: Result<T>) -> Option<(String, Error)> {
        result.err().map(|error| (read.to_owned(), error))
    }
    let book_id = scribe.book_id;
    let page = PageRequest { query: TransactionQuery::default(), after: None, limit: 9 };
    let origins = OriginQuery {
        account_id: scribe.account_id,
        from: one.booking_date,
        to: one.booking_date,
        bank_ids: Vec::new(),
    };
    let errors = [
        error("head", store.head(book_id).await),
        error("documents", store.documents(book_id).await),
        error("transactions", store.transactions(book_id, &[one.id]).await),
        error("page", store.page(book_id, &page).await),
        error("columns", store.columns(book_id, None, 9).await),
        error("origins", store.origins(book_id, &origins).await),
        error("commits", store.commits(book_id, 0, 9).await),
        error("answered", store.answered(book_id, "key").await),
    ];
    errors.into_iter().flatten().collect()
}

fn speaks_of_nothing_private(error: &Error) {
    let text = format!("{error} {error:?}");
    for private in [SECRET, "77777", "777.77", "SELECT", "INSERT", "UPDATE", "transactions"] {
        assert!(!text.contains(private), "`{private}` in: {text}");
    }
}

#[tokio::test]
async fn a_damaged_row_is_corrupt_data() {
    // Holds: a value that nobody of us wrote is `corrupt_data` for exactly the reads that meet it,
    // and nothing private is in the text.
    let rows = ["transactions", "page"];
    let all_rows = ["transactions", "page", "columns"];
    let damages: [(&'static str, &[&str]); 21] = [
        ("UPDATE transactions SET currency = 'EURO'", &rows),
        ("UPDATE transactions SET currency = 'BTC:x'", &rows),
        ("UPDATE transactions SET status = 'paid'", &all_rows),
        ("UPDATE transactions SET account_id = x'00'", &all_rows),
        ("UPDATE transactions SET category_id = x'0011'", &all_rows),
        ("UPDATE transactions SET transfer_id = x'ff'", &rows),
        ("UPDATE transactions SET booking_day = 9223372036854775807", &all_rows),
        ("UPDATE transactions SET value_day = -9223372036854775807", &rows),
        ("UPDATE transactions SET splits = '['", &all_rows),
        ("UPDATE transactions SET splits = '{\"minor\": 1}'", &all_rows),
        ("UPDATE transactions SET tags = '[1]'", &all_rows),
        ("UPDATE transactions SET metadata = 'null and void'", &rows),
        ("UPDATE transactions SET sources = '{\"category\": 1}'", &rows),
        ("UPDATE transactions SET description = CAST(x'ff' AS TEXT)", &rows),
        ("UPDATE transactions SET payee = CAST(x'c328' AS TEXT)", &all_rows),
        ("UPDATE transactions SET revision = -1", &rows),
        ("UPDATE transactions SET origins = '[[\"00\"]]'", &rows),
        ("UPDATE transactions SET origins = replace(origins, ',0,', ',0.5,')", &rows),
        ("UPDATE documents SET kind = 'secret'", &["documents"]),
        ("UPDATE documents SET content = '{}' WHERE kind = 'payee'", &["documents"]),
        ("UPDATE documents SET content = 'Therapist' WHERE kind = 'payee'", &["documents"]),
    ];
    for (damage, expected) in damages {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("books.db");
        let (store, scribe, one) = written(&path).await;
        assert_eq!(errors(&store, &scribe, &one).await, []);
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut file = SqliteConnection::connect_with(&options).await.unwrap();
        assert!(sqlx::query(damage).execute(&mut file).await.unwrap().rows_affected() > 0);
        let errors = errors(&store, &scribe, &one).await;
        let reads: Vec<&str> = errors.iter().map(|(read, _)| read.as_str()).collect();
        assert_eq!(reads, expected, "{damage}");
        for (read, error) in errors {
            assert_eq!(error.code(), ErrorCode::CorruptData, "{read}: {error:?}");
            assert_eq!(error.lane(), Lane::Corrupt);
            speaks_of_nothing_private(&error);
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_commit_that_meets_a_contradiction_leaves_nothing() {
    // Holds: where the file contradicts its own head, a commit is `corrupt_data` and nothing of it
    // stays; the store goes on reading.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let (store, mut scribe, one) = written(&path).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut file = SqliteConnection::connect_with(&options).await.unwrap();
    // A commit nobody made stands where the next one belongs.
    sqlx::query(
        "INSERT INTO commits (book_id, seq, parent, hash, header, body, texts) \
         SELECT book_id, 2, parent, hash, header, body, texts FROM commits",
    )
    .execute(&mut file)
    .await
    .unwrap();
    let changes = vec![Change::create(scribe.transaction("2024-01-02", 1))];
    for _ in 0..3 {
        let error = store.commit(scribe.seal(changes.clone())).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::CorruptData, "{error:?}");
        speaks_of_nothing_private(&error);
        assert_eq!(store.head(scribe.book_id).await.unwrap(), scribe.head);
        assert_eq!(store.columns(scribe.book_id, None, 9).await.unwrap().len(), 1);
    }
    sqlx::query("DELETE FROM commits WHERE seq = 2").execute(&mut file).await.unwrap();
    scribe.change(&store, changes).await;
    assert_eq!(store.columns(scribe.book_id, None, 9).await.unwrap().len(), 2);
    assert_eq!(errors(&store, &scribe, &one).await, []);
    store.close().await;
}

#[tokio::test]
async fn a_damaged_file_is_corrupt_data() {
    // Holds: pages that were overwritten answer `corrupt_data`, never a panic or a wrong row.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let (store, mut scribe, one) = written(&path).await;
    for number in 0..40 {
        let text = format!("{number} {}", "x".repeat(3_000));
        let bare = scribe.transaction("2024-01-01", number);
        let big = Transaction { description: text, ..bare };
        scribe.create(&store, vec![big]).await;
    }
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    // The head of the file stays, so that it still opens.
    let kept = bytes.len() / 2;
    for byte in bytes.iter_mut().skip(kept) {
        *byte = 0xa5;
    }
    std::fs::write(&path, bytes).unwrap();
    let store = SqliteStore::open(&path, Durability::Full).await.unwrap();
    let errors = errors(&store, &scribe, &one).await;
    assert!(!errors.is_empty());
    for (read, error) in errors {
        assert_eq!(error.code(), ErrorCode::CorruptData, "{read}: {error:?}");
        speaks_of_nothing_private(&error);
    }
    store.close().await;
}

#[tokio::test]
async fn what_names_no_store_is_invalid_input() {
    // Holds: a url, setting, directory or file that cannot be a store is the caller's mistake, and
    // `url` is the field.
    let dir = tempfile::tempdir().unwrap();
    let shown = dir.path().display().to_string();
    std::fs::write(dir.path().join("notes.txt"), "Dear diary, today I ate a sandwich. ".repeat(99))
        .unwrap();
    let urls = [
        String::new(),
        "books.db".to_owned(),
        "mysql://localhost/books".to_owned(),
        "sqlite:".to_owned(),
        "sqlite://".to_owned(),
        format!("sqlite:{shown}"),
        format!("sqlite:{shown}/absent/books.db"),
        format!("sqlite:{shown}/notes.txt"),
        format!("sqlite:{shown}/notes.txt/books.db"),
        format!("sqlite:{shown}/books.db?durability=none"),
        format!("sqlite:{shown}/books.db?mode=ro"),
        "sqlite::memory:?cache=shared".to_owned(),
    ];
    for url in urls {
        let Err(error) = open(&url).await else { panic!("`{url}` was opened") };
        assert_eq!(error.code(), ErrorCode::InvalidInput, "{url}: {error:?}");
        assert_eq!(error.at_field(), Some("url"), "{url}");
        assert!(!error.to_string().contains(&shown), "{error}");
        assert!(!error.message().contains("db:"), "{error}: a path is no scheme");
    }
    assert!(!dir.path().join("books.db").exists(), "a refused url leaves no file");
}

#[tokio::test]
async fn a_file_of_another_kind_stays_as_it_is() {
    // Holds: whatever its size, a file that is no database is refused and not written over.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    for length in [1, 15, 16, 100, 511, 512, 513, 1024, 4095, 4096, 4097, 20_000] {
        let content = "Dear diary, ".repeat(2_000).into_bytes()[..length].to_vec();
        std::fs::write(&path, &content).unwrap();
        let Err(error) = open(&format!("sqlite:{}", path.display())).await else {
            panic!("{length} bytes were opened")
        };
        assert_eq!(error.code(), ErrorCode::InvalidInput, "{length}: {error:?}");
        assert!(std::fs::read(&path).unwrap() == content, "{length} bytes were written over");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "{length}");
    }
}

#[tokio::test]
async fn every_form_of_a_url_opens() {
    // Holds: the documented forms open, name the same file, and keep what was written.
    let dir = tempfile::tempdir().unwrap();
    let shown = dir.path().join("50% of ünï cödé.db").display().to_string();
    let mut scribe = Scribe::new(1);
    let urls = [
        format!("sqlite:{shown}"),
        format!("sqlite://{shown}"),
        format!("sqlite:{shown}?durability=full"),
        format!("sqlite:{shown}?durability=may_lose_last_commits"),
    ];
    for url in urls {
        let store = open(&url).await.unwrap();
        assert_eq!(store.head(scribe.book_id).await.unwrap(), scribe.head, "{url}");
        scribe.change(&*store, Vec::new()).await;
        store.close().await;
    }
    for url in ["memory:", "memory://", "sqlite::memory:", "sqlite://:memory:"] {
        let store = open(url).await.unwrap();
        assert_eq!(store.head(scribe.book_id).await.unwrap(), None, "{url}");
        store.close().await;
    }
    let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "closing takes the write-ahead log away: {files:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_is_made_for_its_owner_alone() {
    // Holds: whatever the process's mask is, nobody else reads the file or those beside it; the
    // permissions of a file that is there are its owner's business.
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let url = format!("sqlite:{}", path.display());
    let modes = || {
        let files = std::fs::read_dir(dir.path()).unwrap().map(|it| it.unwrap().metadata());
        files.map(|it| it.unwrap().permissions().mode() & 0o777).collect::<Vec<_>>()
    };
    let store = open(&url).await.unwrap();
    Scribe::new(1).change(&*store, Vec::new()).await;
    assert_eq!(modes(), [0o600; 3], "the database, its log and the log's index");
    store.close().await;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    open(&url).await.unwrap().close().await;
    assert_eq!(modes(), [0o640]);
}

#[test]
fn a_call_without_a_runtime_is_an_error_and_no_panic() {
    // Holds: whoever forgets the runtime that SQLite needs is told so.
    let futures = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = futures.block_on(SqliteStore::open_in_memory()).unwrap();
    let scribe = Scribe::new(1);
    let head = poll_once(store.head(scribe.book_id)).expect("an answer at once");
    assert_eq!(head.unwrap_err().code(), ErrorCode::Internal);
    let commit = poll_once(store.commit(scribe.seal(Vec::new()))).expect("an answer at once");
    assert_eq!(commit.unwrap_err().code(), ErrorCode::Internal);
    let opened = poll_once(open("sqlite::memory:")).expect("an answer at once");
    assert_eq!(opened.unwrap_err().code(), ErrorCode::Internal);
    assert!(poll_once(open("memory:")).expect("an answer at once").is_ok());
    futures.block_on(store.close());
}

/// What a future answers when it is asked once.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}
