//! What the PostgreSQL store does in a second, beside the bare driver doing the same to the same
//! tables: `postgres_figures URL ADMIN_URL`. The bare driver comes by the second URL: a superuser
//! passes through row-level security. It takes an empty database and leaves books behind.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a program that measures, and stops at the first failure"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::log::Change;
use fiscaflow_core::store::{PageRequest, Store, TransactionQuery};
use fiscaflow_store::open;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::Mutex;
use uuid::Uuid;

/// How long each job is repeated.
const SPAN: Duration = Duration::from_secs(4);
/// Transactions of the large commit.
const LARGE: i64 = 100_000;
const COLUMNS: &str = "(book_id, id, account_id, booking_day, amount_minor, revision, deleted, \
     currency, status, description, search)";

/// Repeats a job in so many tasks and tells how often it was done in a second.
async fn rate<F>(tasks: usize, job: impl Fn(usize) -> F + Clone + Send + 'static) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let begun = Instant::now();
    let start = |task| {
        let job = job.clone();
        tokio::spawn(async move {
            let mut done = 0_u32;
            while begun.elapsed() < SPAN {
                job(task).await;
                done += 1;
            }
            done
        })
    };
    let mut done = 0;
    for task in (0..tasks).map(start).collect::<Vec<_>>() {
        done += task.await.unwrap();
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}

fn tell(job: &str, tasks: usize, store: f64, bare: f64) {
    println!("{job:<28} {tasks:>5} {store:>9.0} {bare:>9.0} {:>6.2}", store / bare);
}

/// Small commits, each of one transaction, by writers of a book each; and rows inserted by
/// themselves.
async fn commits(store: &Arc<dyn Store>, bare: &PgPool, writers: usize) {
    let seed = u32::try_from(writers * 100).unwrap();
    let scribes = (0..writers).map(|n| Mutex::new(Scribe::new(seed + u32::try_from(n).unwrap())));
    let scribes: Arc<Vec<_>> = Arc::new(scribes.collect());
    let store = Arc::clone(store);
    let ours = rate(writers, move |task| {
        let (store, scribes) = (Arc::clone(&store), Arc::clone(&scribes));
        async move {
            let mut scribe = scribes[task].lock().await;
            let change = Change::create(scribe.transaction("2024-01-01", 1));
            scribe.change(&*store, vec![change]).await;
        }
    });
    let ours = ours.await;
    let pool = bare.clone();
    let insert = format!(
        "INSERT INTO bare {COLUMNS} VALUES ($1, gen_random_uuid(), $1, 19723, 1, 1, false, \
         'EUR', 'posted', 'x', 'x')"
    );
    let theirs = rate(writers, move |_| {
        let (pool, insert) = (pool.clone(), sqlx::query(AssertSqlSafe(insert.clone())));
        async move {
            insert.bind(Uuid::nil()).execute(&pool).await.unwrap();
        }
    });
    tell("commits of one transaction", writers, ours, theirs.await);
}

/// One large commit; and the same rows by `unnest`.
async fn large(store: &Arc<dyn Store>, bare: &PgPool, scribe: &mut Scribe) {
    let new = (0..LARGE).map(|minor| Change::create(scribe.transaction("2024-01-01", minor)));
    let commit = scribe.seal(new.collect());
    let begun = Instant::now();
    scribe.write(&**store, commit).await;
    let ours = begun.elapsed();
    let insert = format!(
        "INSERT INTO bare {COLUMNS} SELECT $1, t.*, $1, 19723, 1, 1, false, 'EUR', 'posted', 'x', \
         'x' FROM unnest($2) AS t"
    );
    let begun = Instant::now();
    let mut transaction = bare.begin().await.unwrap();
    for _ in 0..10 {
        let ids: Vec<Uuid> = (0..LARGE / 10).map(|_| scribe.uuid()).collect();
        let insert = sqlx::query(AssertSqlSafe(insert.clone())).bind(scribe.book_id.uuid());
        insert.bind(ids).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let rows = f64::from(u32::try_from(LARGE).unwrap());
    let theirs = rows / begun.elapsed().as_secs_f64();
    tell("rows of one large commit", 1, rows / ours.as_secs_f64(), theirs);
}

/// One transaction by its id, and pages of 20.
async fn reads(store: &Arc<dyn Store>, bare: &PgPool, scribe: &Scribe, readers: usize) {
    let book = scribe.book_id;
    let id = store.columns(book, None, 1).await.unwrap()[0].id;
    let ours = {
        let store = Arc::clone(store);
        rate(readers, move |_| {
            let store = Arc::clone(&store);
            async move { assert_eq!(store.transactions(book, &[id]).await.unwrap().len(), 1) }
        })
    };
    let ours = ours.await;
    let pool = bare.clone();
    let theirs = rate(readers, move |_| {
        let pool = pool.clone();
        async move {
            let one = "SELECT * FROM fiscaflow.transactions WHERE book_id = $1 AND id = $2";
            let one = sqlx::query(one).bind(book.uuid()).bind(id.uuid());
            one.fetch_one(&pool).await.unwrap();
        }
    });
    tell("transaction by id", readers, ours, theirs.await);
    let query = TransactionQuery { account_id: Some(scribe.account_id), ..Default::default() };
    let request = Arc::new(PageRequest { query, after: None, limit: 20 });
    let account = scribe.account_id.uuid();
    let ours = {
        let store = Arc::clone(store);
        rate(readers, move |_| {
            let (store, request) = (Arc::clone(&store), Arc::clone(&request));
            async move { assert_eq!(store.page(book, &request).await.unwrap().len(), 20) }
        })
    };
    let ours = ours.await;
    let pool = bare.clone();
    let theirs = rate(readers, move |_| {
        let pool = pool.clone();
        async move {
            let page = "SELECT * FROM fiscaflow.transactions WHERE book_id = $1 AND account_id = \
                 $2 ORDER BY booking_day DESC, id DESC LIMIT 20";
            let page = sqlx::query(page).bind(book.uuid()).bind(account);
            assert_eq!(page.fetch_all(&pool).await.unwrap().len(), 20);
        }
    });
    tell("page of 20 by account", readers, ours, theirs.await);
}

#[tokio::main]
async fn main() {
    let urls: Vec<String> = std::env::args().skip(1).collect();
    let store = open(&urls[0]).await.unwrap();
    let bare = PgPoolOptions::new().max_connections(10).connect(&urls[1]).await.unwrap();
    let table = "CREATE TABLE bare (LIKE fiscaflow.transactions INCLUDING ALL)";
    sqlx::query(table).execute(&bare).await.unwrap();
    println!("{:<28} {:>5} {:>9} {:>9} {:>6}", "a second", "tasks", "store", "bare", "ratio");
    for writers in [1, 8] {
        commits(&store, &bare, writers).await;
    }
    let mut scribe = Scribe::new(1);
    large(&store, &bare, &mut scribe).await;
    sqlx::query("ANALYZE").execute(&bare).await.unwrap();
    for readers in [1, 8] {
        reads(&store, &bare, &scribe, readers).await;
    }
}
