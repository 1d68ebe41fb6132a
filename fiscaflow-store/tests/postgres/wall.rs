//! Row-level security as second wall: what a statement sees whose own filters are taken out.
//!
//! They are taken out without touching the statements: the database is told that any two ids are
//! equal, by an operator that is found before PostgreSQL's own.

use std::sync::Arc;

use fiscaflow_core::conformance::{Scribe, fsck};
use fiscaflow_core::log::Change;
use fiscaflow_core::model::{Document, Transaction};
use fiscaflow_core::store::{Head, OriginQuery, PageRequest, Snapshot, Store, TransactionQuery};
use fiscaflow_core::{CategoryId, ImportId};
use fiscaflow_store::open;

use crate::shared::postgres::{Database, database, run};

const WITHOUT_FILTERS: &str = "
    CREATE SCHEMA open;
    CREATE FUNCTION open.always(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN true;
    CREATE OPERATOR open.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = open.always);
    GRANT USAGE ON SCHEMA open TO PUBLIC;
    DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = open, pg_catalog, public',
        current_database()); END $$;";

/// A book with something in every table, and what is imported.
async fn written(store: &dyn Store, seed: u32) -> Scribe {
    let mut scribe = Scribe::new(seed);
    scribe.change(store, vec![Change::create(scribe.book())]).await;
    let transactions = (1..=5).map(|minor| {
        let bare = scribe.transaction("2024-01-01", minor);
        let origin = fiscaflow_core::model::Origin {
            import_id: ImportId::new(scribe.uuid()),
            account_id: scribe.account_id,
            booking_date: bare.booking_date,
            amount: bare.amount,
            pending: false,
            bank_id: Some(format!("{seed} {minor}")),
            fingerprint: "f".to_owned(),
        };
        Transaction { origins: vec![origin], category_id: category(&scribe), ..bare }
    });
    let transactions = transactions.collect();
    scribe.create(store, transactions).await;
    let used = scribe.seal_with_key(Vec::new(), "key");
    scribe.write(store, used).await;
    let head = scribe.head.unwrap();
    store.keep_snapshot(scribe.book_id, Snapshot { head, bytes: vec![0] }).await.unwrap();
    scribe
}

fn category(scribe: &Scribe) -> Option<CategoryId> {
    Some(CategoryId::new(scribe.account_id.uuid()))
}

/// All that the store tells of a book, in words.
async fn told(store: &dyn Store, scribe: &Scribe, stranger: &Scribe) -> Vec<String> {
    let book = scribe.book_id;
    let head: Option<Head> = store.head(book).await.unwrap();
    let documents: Option<(Head, Vec<Document>)> = store.documents(book).await.unwrap();
    let words = |transactions: Vec<Transaction>| {
        let mut ids: Vec<_> = transactions.iter().map(|one| one.id.to_string()).collect();
        ids.sort();
        ids.dedup();
        format!("{ids:?}")
    };
    let theirs = store.columns(stranger.book_id, None, 9).await.unwrap();
    let theirs: Vec<_> = theirs.iter().map(|row| row.id).collect();
    let query = OriginQuery {
        account_id: scribe.account_id,
        from: "2024-01-02".parse().unwrap(),
        to: "2024-01-01".parse().unwrap(),
        bank_ids: (1..=2).flat_map(|seed| (1..=5).map(move |n| format!("{seed} {n}"))).collect(),
    };
    let mut told = vec![
        format!("{head:?}"),
        format!("{documents:?}"),
        words(store.transactions(book, &theirs).await.unwrap()),
        format!("{:?}", store.columns(book, None, 99).await.unwrap()),
        format!("{:?}", store.origins(book, &query).await.unwrap()),
        format!("{:?}", store.commits(book, 0, 99).await.unwrap().len()),
        format!("{:?}", store.snapshot(book).await.unwrap()),
        format!("{:?}", store.answered(book, "key").await.unwrap().map(|it| it.request_salt)),
    ];
    for category_id in [None, category(scribe)] {
        let query = TransactionQuery { category_id, ..TransactionQuery::default() };
        let request = PageRequest { query, after: None, limit: 99 };
        told.push(words(store.page(book, &request).await.unwrap()));
    }
    told
}

/// A database with two books whose statements no longer tell them apart.
async fn without_filters() -> (Database, Scribe, Scribe) {
    let database = database();
    let store = open(&database.url).await.unwrap();
    let (one, other) = (written(&*store, 1).await, written(&*store, 2).await);
    store.close().await;
    run(&database.admin, WITHOUT_FILTERS);
    (database, one, other)
}

#[tokio::test]
async fn without_its_filters_a_read_sees_its_book_alone() {
    // Holds: with every comparison of ids made true, each read shows the ordinary role what is in
    // its book; the superuser, for whom there is no wall, sees other books too.
    let (database, one, other) = without_filters().await;
    let store = open(&database.url).await.unwrap();
    let open_to_all = open(&database.admin).await.unwrap();
    let (of_one, of_other) = (told(&*store, &one, &other).await, told(&*store, &other, &one).await);
    for (place, (one, other)) in of_one.iter().zip(&of_other).enumerate() {
        // Both books have as many commits.
        assert!(one != other || place == 5, "both books answer {one}");
    }
    let everything = told(&*open_to_all, &one, &other).await;
    let walled = of_one.iter().zip(&everything).filter(|(one, all)| one != all).count();
    assert!(walled >= 7, "without the wall, only {walled} answers differ: {everything:#?}");
}

#[tokio::test]
async fn without_its_filters_a_write_leaves_other_books_alone() {
    // Holds: a commit that takes a transaction away, whose conditions fit every row of all books,
    // leaves the other book as it was.
    let (database, mut one, other) = without_filters().await;
    let store: Arc<dyn Store> = open(&database.url).await.unwrap();
    let before = told(&*store, &other, &other).await;
    let columns = store.columns(one.book_id, None, 1).await.unwrap();
    let found = store.transactions(one.book_id, &[columns[0].id]).await.unwrap();
    one.change(&*store, vec![Change::remove(found[0].clone())]).await;
    assert_eq!(store.columns(one.book_id, None, 9).await.unwrap(), [], "the filter is out");
    assert_eq!(told(&*store, &other, &other).await, before);
    store.close().await;
    run(&database.admin, "DROP SCHEMA open CASCADE");
    let store = open(&database.url).await.unwrap();
    fsck(&*store, other.book_id).await;
}

#[tokio::test]
async fn who_names_no_book_sees_none() {
    // Holds: the role that owns the tables sees and writes nothing unless it names a book, also
    // after a transaction that named one.
    let database = database();
    let store = open(&database.url).await.unwrap();
    let one = written(&*store, 1).await;
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool = pool.connect(&database.url).await.unwrap();
    let names_a_book = "SELECT set_config('fiscaflow.book', $1::text, true)";
    sqlx::query(names_a_book).bind(one.book_id.uuid()).execute(&pool).await.unwrap();
    let tables = "books commits answers documents transactions origins snapshots deliveries \
         set_aside";
    for table in tables.split(' ') {
        let count = format!("SELECT count(*) FROM fiscaflow.{table}");
        let count = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(count));
        assert_eq!(count.fetch_one(&pool).await.unwrap(), 0, "{table}");
        let delete = format!("DELETE FROM fiscaflow.{table}");
        let deleted = sqlx::query(sqlx::AssertSqlSafe(delete)).execute(&pool).await.unwrap();
        assert_eq!(deleted.rows_affected(), 0, "{table}");
    }
    let into = "INSERT INTO fiscaflow.documents VALUES ($1, 'payee', 'x', '{}')";
    let error = sqlx::query(into).bind(one.book_id.uuid()).execute(&pool).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501");
    fsck(&*store, one.book_id).await;
}
