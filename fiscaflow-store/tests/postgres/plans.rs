//! How PostgreSQL goes about every statement that the store makes in a large book: along indexes,
//! never through a whole table, and never without naming the book. The server explains each
//! statement that it has run (`auto_explain`), so nothing is looked at that is not really done.

use std::collections::BTreeSet;
use std::sync::Arc;

use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::log::{Change, Draft};
use fiscaflow_core::model::{Origin, Payee, SourceKind, Status};
use fiscaflow_core::store::{
    KeptPart, OriginQuery, PageRequest, Position, SetAsideQuery, Snapshot, Store, TransactionQuery,
    TreeNodes, WaitingQuery,
};
use fiscaflow_core::{
    AccountId, BookId, CategoryId, GoalId, ImportId, PayeeId, ScheduleId, TransactionId,
};
use fiscaflow_store::open;
use serde_json::Value;
use uuid::Uuid;

use crate::shared::postgres::{ROLE, TestPg, run};
use crate::tables::TABLES;

/// More rows than any statement returns or changes.
const ENOUGH: u64 = 15_000;

/// How many transactions the large book has: many more on request.
fn transactions() -> u32 {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { 1_000_000 } else { 30_000 }
}

/// Fills the book of `$book` and two hundred small ones beside it.
fn filling(book: Uuid, count: u32) -> String {
    let one = format!(
        "SELECT '{book}'::uuid AS book, i, md5('t' || i)::uuid AS id, i % 3000 AS day,
             md5('c' || i % 40)::uuid AS category FROM generate_series(1, {count}) AS i"
    );
    let others = "SELECT md5('b' || i % 200)::uuid, i, md5('o' || i)::uuid, i % 3000,
         md5('c' || i % 40)::uuid FROM generate_series(1, 20000) AS i";
    format!(
        "CREATE TEMP TABLE filling AS {one} UNION ALL {others};
         INSERT INTO fiscaflow.books SELECT md5('b' || i)::uuid, 1, sha256('x')
             FROM generate_series(0, 199) AS i;
         INSERT INTO fiscaflow.transactions SELECT book, id, md5('a' || i % 5)::uuid, day, -100, 1,
             NULL, CASE WHEN i % 50 > 0 AND i % 90 > 0 THEN category END, NULL,
             CASE WHEN i % 500 = 0 THEN md5('s')::uuid END,
             CASE WHEN i % 500 = 1 THEN md5('g')::uuid END, i % 100 = 3, 'EUR', 'posted',
             CASE WHEN i % 200 = 0 THEN 'user' ELSE 'rule' END, 'Shop ' || i % 700,
             CASE WHEN i % 90 = 0 THEN '[{{\"minor\":-100,\"category\":\"' || category || '\"}}]' END,
             CASE WHEN i % 60 = 0 THEN '[\"holiday\"]' END,
             'payment ' || i, NULL, 'payment ' || i FROM filling;
         INSERT INTO fiscaflow.origins SELECT book, id, 0, md5('a' || i % 5)::uuid, md5('i')::uuid,
             day, -100, i % 1000 = 0, 'id ' || i, 'print ' || i FROM filling;
         INSERT INTO fiscaflow.commits SELECT book, 1000000 + row_number() OVER (PARTITION BY book),
             sha256('p'), sha256('h'), 'head', 'body', 'text' FROM filling WHERE i % 10 = 0;
         INSERT INTO fiscaflow.answers SELECT book_id, 'key ' || seq, seq,
             decode(md5('s'), 'hex'), sha256('d'), 'answer' FROM fiscaflow.commits;
         ANALYZE;
         ALTER ROLE {ROLE} SET auto_explain.log_min_duration = 0"
    )
}

/// PostgreSQL's md5 as an id, for those that the filling makes: read back from it.
async fn id(url: &str, word: &str) -> Uuid {
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(url).await.unwrap();
    let id = sqlx::query_scalar("SELECT md5($1)::uuid").bind(word.to_owned());
    id.fetch_one(&mut connection).await.unwrap()
}

/// Every list that the store can be asked for, by one filter and by several.
fn lists(account: Uuid, category: Uuid, schedule: Uuid, goal: Uuid) -> Vec<TransactionQuery> {
    let all = TransactionQuery::default;
    let (account_id, category_id) =
        (Some(AccountId::new(account)), Some(CategoryId::new(category)));
    let (from, to) = ("1974-01-01".parse().ok(), "1974-02-01".parse().ok());
    vec![
        all(),
        TransactionQuery { deleted: true, ..all() },
        TransactionQuery { account_id, ..all() },
        TransactionQuery { category_id, ..all() },
        TransactionQuery { account_id, category_id, from, to, ..all() },
        TransactionQuery { uncategorised: true, ..all() },
        TransactionQuery { uncategorised: true, account_id, ..all() },
        TransactionQuery { category_source: Some(SourceKind::User), ..all() },
        TransactionQuery { category_source: Some(SourceKind::Rule), ..all() },
        TransactionQuery { schedule_id: Some(ScheduleId::new(schedule)), ..all() },
        TransactionQuery { goal_id: Some(GoalId::new(goal)), ..all() },
        TransactionQuery { from, to, ..all() },
        TransactionQuery { status: Some(Status::Posted), ..all() },
        TransactionQuery { tag: Some("holiday".to_owned()), ..all() },
        TransactionQuery { text: Some("payment 4711".to_owned()), ..all() },
    ]
}

/// Reads everything that can be read, in every way.
async fn read_all(store: &dyn Store, scribe: &Scribe, url: &str) {
    let book = scribe.book_id;
    let (account, category) = (id(url, "a0").await, id(url, "c10").await);
    let (schedule, goal) = (id(url, "s").await, id(url, "g").await);
    let mut ids = Vec::new();
    for number in 1..=40 {
        ids.push(TransactionId::new(id(url, &format!("t{}", number * 7)).await));
    }
    let day = "1975-05-05".parse().unwrap();
    let bank_ids: Vec<String> = (1..=2_000).map(|number| format!("id {}", number * 3)).collect();
    // The first few plans of a prepared statement are made for its values, later ones for any.
    for _ in 0..7 {
        store.head(book).await.unwrap();
        store.documents(book).await.unwrap();
        store.commits(book, 100, 100).await.unwrap();
        store.answered(book, "key 77").await.unwrap();
        store.snapshot(book).await.unwrap();
        // Stray origins are looked for among all of a book, and sinks are no book's.
        for part in [
            KeptPart::Documents,
            KeptPart::Transactions { after: Some(ids[3]), limit: 1_000 },
            KeptPart::These(ids.clone()),
            KeptPart::Answers { after: Some("key 77".to_owned()), limit: 1_000 },
        ] {
            store.kept(book, &part).await.unwrap();
        }
        let (sink, now) = ("sink".to_owned(), chrono::DateTime::UNIX_EPOCH);
        let waiting = WaitingQuery { sink, now, after: Some(book), limit: 10 };
        store.waiting(&waiting).await.unwrap();
        store.delivery(book, "sink").await.unwrap();
        store.set_aside(book, "sink", &SetAsideQuery::default()).await.unwrap();
        assert_eq!(store.transactions(book, &ids[..1]).await.unwrap().len(), 1);
        assert_eq!(store.transactions(book, &ids).await.unwrap().len(), 40);
        for after in [None, Some(ids[3])] {
            assert_eq!(store.columns(book, after, 10_000).await.unwrap().len(), 10_000);
        }
        for query in lists(account, category, schedule, goal) {
            for after in [None, Some(Position { booking_date: day, id: ids[0] })] {
                let request = PageRequest { query: query.clone(), after, limit: 50 };
                let found = store.page(book, &request).await.unwrap();
                assert!(!found.is_empty() || query.from.is_some() || query.text.is_some());
            }
        }
        for bank_ids in [&[][..], &bank_ids[..1], &bank_ids] {
            let account_id = AccountId::new(account);
            let bank_ids = bank_ids.to_vec();
            let query = OriginQuery { account_id, from: day, to: day, bank_ids };
            assert!(!store.origins(book, &query).await.unwrap().is_empty());
        }
    }
}

/// Writes what can be written: a view, documents and transactions with origins, made, put anew and
/// removed, few and as many as a file has.
async fn write_all(store: &dyn Store, scribe: &mut Scribe) {
    scribe.head = store.head(scribe.book_id).await.unwrap();
    let payee = |name: &str| Payee {
        id: PayeeId::new(Uuid::from_u128(1)),
        name: name.to_owned(),
        aliases: Vec::new(),
    };
    let head = scribe.head.unwrap();
    store.keep_snapshot(scribe.book_id, Snapshot { head, bytes: vec![0] }).await.unwrap();
    let nodes = |seq| TreeNodes { seq, bytes: vec![0; 32] };
    store.keep_tree_nodes(scribe.book_id, &[nodes(1), nodes(2)]).await.unwrap();
    for seqs in [vec![1], (1..1_000).collect()] {
        assert_eq!(store.tree_nodes(scribe.book_id, &seqs).await.unwrap(), [nodes(1)]);
    }
    for (count, rounds) in [(1, 7), (3, 1), (4_500, 2)] {
        let made: Vec<_> = (0..count)
            .map(|minor| {
                let mut one = scribe.transaction("2024-01-01", minor);
                one.origins = vec![Origin {
                    import_id: ImportId::new(scribe.uuid()),
                    account_id: scribe.account_id,
                    booking_date: one.booking_date,
                    amount: one.amount,
                    pending: false,
                    bank_id: None,
                    fingerprint: "print".to_owned(),
                }];
                one
            })
            .collect();
        for _ in 0..rounds {
            scribe.change(store, vec![Change::create(payee("one"))]).await;
            let create = made.iter().cloned().map(Change::create);
            scribe.change(store, create.collect()).await;
            let update = made.iter().map(|one| Change::update(one.clone(), one.clone()));
            scribe.change(store, update.collect()).await;
            let remove = made.iter().cloned().map(Change::remove);
            let remove = remove.chain([Change::remove(payee("one"))]);
            let draft = Draft { parent: scribe.head, ..scribe.draft(remove.collect()) };
            let commit = scribe.seal_draft(draft);
            scribe.write(store, commit).await;
        }
    }
}

/// The statements and plans in a server's log.
fn explained(log: &str) -> Vec<Value> {
    let mut plans = Vec::new();
    for part in log.split("plan:\n").skip(1) {
        let mut values = serde_json::Deserializer::from_str(part).into_iter::<Value>();
        plans.push(values.next().expect("a plan").expect("a plan as JSON"));
    }
    plans
}

/// How many rows a part of a plan looks at.
fn rows(plan: &Value) -> u64 {
    // Later servers write averages with places.
    let count = |name: &str| {
        let number = plan[name].to_string();
        let whole = number.split('.').next().and_then(|whole| whole.parse::<u64>().ok());
        whole.unwrap_or(0)
    };
    let rows = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"];
    rows.map(count).iter().sum::<u64>() * count("Actual Loops")
}

/// Where a plan goes through a whole table, or looks at more rows than it could need.
fn scans(plan: &Value, found: &mut Vec<String>) {
    let table = plan["Relation Name"].as_str().unwrap_or_default();
    let looked_at = rows(plan);
    if TABLES.contains(&table) && (plan["Node Type"] == "Seq Scan" || looked_at > ENOUGH) {
        found.push(format!("{table} by {}", plan["Node Type"].as_str().unwrap()));
    }
    for part in plan["Plans"].as_array().into_iter().flatten() {
        scans(part, found);
    }
}

/// Whether each table that a statement names is joined by the book, or followed by a condition on
/// it or by the book as the value to be stored.
fn names_its_book(statement: &str) -> bool {
    statement.split("fiscaflow.").skip(1).all(|part| {
        let table = part.split(|c: char| !c.is_alphanumeric() && c != '_').next();
        let is_large = TABLES.contains(&table.unwrap_or_default());
        !is_large || part.contains("book_id") || part.ends_with(" LEFT JOIN ")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_goes_along_an_index_of_its_book() {
    // Holds: in a large book among others, no statement of the store reads a whole table, and each
    // names its book wherever it names a table. One that does neither is found.
    let server = TestPg::start(&[
        "fsync=off",
        "full_page_writes=off",
        "max_wal_size=4GB",
        "shared_buffers=512MB",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_format=json",
        "auto_explain.log_analyze=on",
        "auto_explain.log_timing=off",
    ]);
    let database = server.database();
    let store = open(&database.url).await.unwrap();
    let mut scribe = Scribe::new(1);
    scribe.change(&*store, vec![Change::create(scribe.book())]).await;
    store.close().await;
    run(&database.admin, filling(scribe.book_id.uuid(), transactions()));

    let store: Arc<dyn Store> = open(&database.url).await.unwrap();
    read_all(&*store, &scribe, &database.admin).await;
    write_all(&*store, &mut scribe).await;
    store.close().await;
    let careless = "SELECT count(*) FROM fiscaflow.transactions WHERE amount_minor = 3";
    run(&database.url, careless);

    let (mut statements, mut faults) = (BTreeSet::new(), BTreeSet::new());
    for plan in explained(&server.log()) {
        let statement = plan["Query Text"].as_str().unwrap().to_owned();
        let mut found = Vec::new();
        scans(&plan["Plan"], &mut found);
        if !names_its_book(&statement) {
            found.push("no book".to_owned());
        }
        // A text may be anywhere: what is not found is looked for in the whole book.
        if statement.contains("strpos") {
            found.retain(|fault| fault.contains("Seq Scan"));
        }
        if !found.is_empty() {
            faults.insert(format!("{found:?} in {statement}"));
        }
        statements.insert(statement);
    }
    let expected = format!("{:?} in {careless}", ["transactions by Seq Scan", "no book"]);
    assert!(faults.remove(&expected), "nothing is found in {careless}: {faults:#?}");
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(statements.len() > 40, "only {} statements were seen", statements.len());
}

/// Many books of which none waits, but for three: one that has moved, one whose place is behind,
/// one with an event that is to be told again; and as many that wait for another sink.
const QUIET: &str = "
    INSERT INTO fiscaflow.books SELECT md5('b' || i)::uuid, 2, sha256('x'), i = 7
        FROM generate_series(1, 20000) AS i;
    INSERT INTO fiscaflow.deliveries (book_id, sink, version, seq, events, tries, misses, waits)
        SELECT md5('b' || i)::uuid, sink, 1, CASE WHEN i = 8 THEN 1 ELSE 2 END, 0, 0, 0,
            sink = 'other' OR i IN (8, 9)
        FROM generate_series(1, 20000) AS i, unnest('{hooks,other}'::text[]) AS sink WHERE i <> 7;
    INSERT INTO fiscaflow.set_aside SELECT md5('b9')::uuid, 'hooks', 1, 0, md5('e')::uuid,
        'name', 5, 'no', 0, true;
    INSERT INTO fiscaflow.sinks VALUES ('hooks', true), ('other', true);
    ANALYZE;";

/// How many rows a plan looks at, all its parts together.
fn looked_at(plan: &Value) -> u64 {
    let parts = plan["Plans"].as_array().into_iter().flatten();
    rows(plan) + parts.map(looked_at).sum::<u64>()
}

#[tokio::test]
async fn finding_who_waits_looks_at_who_waits() {
    // Holds: among 20,000 books, all of which wait for another sink, the three that wait are found
    // by looking at a few dozen rows; a sink that is not known looks at them all.
    let server = TestPg::start(&[
        "fsync=off",
        "shared_preload_libraries=auto_explain",
        "auto_explain.log_format=json",
        "auto_explain.log_analyze=on",
    ]);
    let database = server.database();
    open(&database.url).await.unwrap().close().await;
    run(&database.admin, QUIET);
    run(&database.admin, format!("ALTER ROLE {ROLE} SET auto_explain.log_min_duration = 0"));
    let store = open(&database.url).await.unwrap();
    let mut expected = Vec::new();
    for name in ["b7", "b8", "b9"] {
        expected.push(BookId::new(id(&database.admin, name).await));
    }
    expected.sort();
    for _ in 0..7 {
        for (sink, count) in [("hooks", 3), ("unknown", 20_000)] {
            let (sink, now) = (sink.to_owned(), chrono::DateTime::UNIX_EPOCH);
            let query = WaitingQuery { sink, now, after: None, limit: 30_000 };
            let found = store.waiting(&query).await.unwrap();
            assert_eq!(found.len(), count);
            assert!(count > 3 || found == expected);
        }
    }
    store.close().await;
    let mut seen = [0_u32; 2];
    for plan in explained(&server.log()) {
        let statement = plan["Query Text"].as_str().unwrap();
        if statement.contains("waits") {
            let rows = looked_at(&plan["Plan"]);
            assert!(rows < 100, "{rows} rows: {plan:#}");
            seen[0] += 1;
        } else if statement.contains("coalesce(deliveries.seq") {
            assert!(looked_at(&plan["Plan"]) > 20_000, "{plan:#}");
            seen[1] += 1;
        }
    }
    assert_eq!(seen, [7, 7]);
}
