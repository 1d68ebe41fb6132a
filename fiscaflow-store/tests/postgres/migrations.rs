//! The schema: fresh, of a newer version, another program's, cut off half-way, made by several.

use std::process::{Command, Stdio};

use fiscaflow_core::conformance::{Scribe, fsck};
use fiscaflow_core::engine::Context;
use fiscaflow_core::{ErrorCode, Lane};
use fiscaflow_store::open;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::household::Household;
use crate::shared::postgres::{Database, database, query, run};
use crate::versions::{self, DONE, IN_ORDER, SEED, Versions};

fn versions() -> Versions {
    Versions::of("postgres")
}

/// Everything that makes up the schema, in words.
const SCHEMA: &str = "
    SELECT format('%s.%s %s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        a.attnotnull, a.attcollation::regcollation, a.attstorage, pg_get_expr(d.adbin, d.adrelid))
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'fiscaflow'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
        WHERE c.relnamespace = 'fiscaflow'::regnamespace
    UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'fiscaflow'::regnamespace
    UNION ALL SELECT format('%s %s %s %s %s', tablename, policyname, cmd, qual, with_check)
        FROM pg_policies WHERE schemaname = 'fiscaflow'
    UNION ALL SELECT format('%s %s %s', relname, relrowsecurity, relforcerowsecurity)
        FROM pg_class WHERE relnamespace = 'fiscaflow'::regnamespace AND relkind = 'r'
    UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = 'fiscaflow'::regnamespace
    UNION ALL SELECT 'version ' || version FROM fiscaflow.schema_version
    ORDER BY 1";

async fn schema(database: &Database) -> Vec<String> {
    let mut connection = PgConnection::connect(&database.admin).await.unwrap();
    let parts = sqlx::query_scalar(SCHEMA).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    parts
}

/// A database with the newest schema, made at once.
async fn fresh() -> Database {
    let database = database();
    open(&database.url).await.unwrap().close().await;
    database
}

#[tokio::test]
async fn every_table_is_walled_and_led_by_its_book() {
    // Holds: every table with a part of a book forces row-level security, and every index of theirs
    // begins with the book, but for the one that finds books.
    let schema = schema(&fresh().await).await;
    assert!(schema.contains(&format!("version {}", versions().newest())));
    let is_table = |part: &&String| part.ends_with(" t") || part.ends_with(" f");
    let bookless = ["schema_version f f", "sinks f f"];
    for table in schema.iter().filter(is_table).filter(|part| !bookless.contains(&part.as_str())) {
        assert!(table.ends_with(" t t"), "{table}: no wall");
        let name = table.split(' ').next().unwrap();
        let policy = schema.iter().any(|part| part.starts_with(&format!("{name} one_book ALL ")));
        assert!(policy, "{table}: no policy");
    }
    let indexes: Vec<_> = schema.iter().filter(|part| part.contains(" USING btree ")).collect();
    assert!(indexes.len() >= 16, "{indexes:#?}");
    let others = [" fiscaflow.schema_version ", " fiscaflow.sinks ", " deliveries_waiting "];
    for index in indexes.iter().filter(|index| !others.iter().any(|name| index.contains(name))) {
        assert!(index.contains(" USING btree (book_id"), "{index}");
    }
    for text in schema.iter().filter(|part| part.contains(" text ")) {
        assert!(text.contains("\"C\""), "{text} is not compared by bytes");
    }
}

/// What keeps Citus from keeping the tables in shards by book: unique indexes and foreign keys that
/// do not contain it.
const NOT_BY_BOOK: &str = "
    SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_class t ON t.oid = i.indrelid
        WHERE t.relnamespace = 'fiscaflow'::regnamespace AND t.relkind = 'r' AND i.indisunique
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid
            AND a.attnum = ANY (i.indkey) AND a.attname = 'book_id')
    UNION ALL SELECT conname FROM pg_constraint WHERE contype = 'f'
        AND connamespace = 'fiscaflow'::regnamespace AND NOT EXISTS (
            SELECT FROM unnest(conkey, confkey) AS k(here, there)
            JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.here
            JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = k.there
            WHERE a.attname = 'book_id' AND b.attname = 'book_id')
    ORDER BY 1";

#[tokio::test]
async fn every_key_contains_the_book_by_which_tables_are_divided() {
    // Holds: what Citus asks of distributed tables, and PostgreSQL of partitioned ones: each unique
    // index and foreign key contains the book, but for the tables that have none. One that does not
    // is found.
    let database = fresh().await;
    let found = async || {
        let mut connection = PgConnection::connect(&database.admin).await.unwrap();
        let found = sqlx::query_scalar::<_, String>(NOT_BY_BOOK).fetch_all(&mut connection).await;
        connection.close().await.unwrap();
        found.unwrap()
    };
    assert_eq!(found().await, ["schema_version_pkey", "sinks_pkey"]);
    run(
        &database.admin,
        "CREATE UNIQUE INDEX careless ON fiscaflow.transactions (id);
         ALTER TABLE fiscaflow.deliveries ADD CONSTRAINT wrong FOREIGN KEY (sink)
             REFERENCES fiscaflow.sinks",
    );
    assert_eq!(found().await, ["careless", "schema_version_pkey", "sinks_pkey", "wrong"]);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_stays_untouched() {
    // Holds: a later version is `schema_too_new`, and the text names both.
    let database = fresh().await;
    run(&database.admin, "UPDATE fiscaflow.schema_version SET version = 7");
    let before = schema(&database).await;
    for _ in 0..2 {
        let error = open(&database.url).await.unwrap_err();
        assert_eq!((error.code(), error.lane()), (ErrorCode::SchemaTooNew, Lane::Corrupt));
        assert!(error.message().contains("version 7"), "{error}");
        assert!(error.message().contains(&format!("up to {}", versions().newest())), "{error}");
    }
    assert_eq!(schema(&database).await, before);
}

#[tokio::test]
async fn another_programs_schema_is_refused() {
    // Holds: a schema of our name without our version is the caller's mistake, and stays.
    let database = database();
    run(&database.url, "CREATE SCHEMA fiscaflow; CREATE TABLE fiscaflow.books (title text)");
    let error = open(&database.url).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInput, "{error:?}");
    run(&database.url, "INSERT INTO fiscaflow.books VALUES ('Moby-Dick')");
}

#[tokio::test]
async fn a_role_that_may_not_make_tables_opens_what_is_there() {
    // Holds: who opens an up-to-date schema needs no more rights than to read and write rows.
    let database = fresh().await;
    run(
        &database.admin,
        "CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA fiscaflow TO clerk;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA fiscaflow TO clerk",
    );
    let (_, server) = database.url.split_once('@').unwrap();
    let store = open(&format!("postgres://clerk@{server}")).await.unwrap();
    let mut scribe = Scribe::new(1);
    scribe.create(&*store, vec![scribe.transaction("2024-01-01", 1)]).await;
    fsck(&*store, scribe.book_id).await;
    store.close().await;
    run(&database.admin, "DROP OWNED BY clerk; DROP ROLE clerk");
}

/// The rows of a database, as statements that insert them.
fn rows_of(database: &Database) -> String {
    let mut rows = Vec::new();
    for table in IN_ORDER {
        let columns = format!(
            "FROM pg_attribute WHERE attrelid = 'fiscaflow.{table}'::regclass AND attnum > 0 \
             AND NOT attisdropped"
        );
        let names = format!("SELECT string_agg(attname, ', ' ORDER BY attnum) {columns}");
        let names = query(&database.admin, &names);
        let values: Vec<String> =
            names.split(", ").map(|name| format!("quote_nullable({name}::text)")).collect();
        let values = values.join(" || ', ' || ");
        let lines = format!(
            "SELECT 'INSERT INTO fiscaflow.{table} ({names}) VALUES (' || {values} || ');' \
             FROM fiscaflow.{table} ORDER BY 1"
        );
        let lines = query(&database.admin, &lines);
        rows.extend(lines.lines().map(str::to_owned));
    }
    rows.join("\n") + "\n"
}

/// A database of a version, with the rows of a book from one that was not later.
async fn made(rows: usize, found: usize) -> Database {
    let (versions, database) = (versions(), database());
    // The wall holds for the owner, so the superuser puts the rows.
    for (url, text) in [
        (&database.url, versions.between(0, rows)),
        (&database.admin, versions.rows(rows)),
        (&database.url, versions.between(rows, found)),
    ] {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
    database
}

#[tokio::test]
async fn every_earlier_version_becomes_the_newest() {
    // Holds: a database of any version, with the rows of a book of that version or of one before
    // it, opens, has the schema of a fresh one (columns, types, indexes, policies, constraints,
    // functions) and the book whole, and the book goes on.
    let written = database();
    versions::write(&written.url).await.unwrap();
    if versions::are_wanted() {
        versions().keep(&rows_of(&written));
    }
    let expected = schema(&written).await;
    let upgrades = versions().upgrades();
    assert!(!upgrades.is_empty());
    for (rows, found) in upgrades {
        let database = made(rows, found).await;
        versions::goes_on(&database.url).await;
        assert_eq!(schema(&database).await, expected, "rows of {rows}, found at {found}");
    }
}

#[tokio::test]
async fn origins_are_filled_in_as_a_commit_writes_them() {
    // Holds: what the fourth version writes into the rows of transactions, of any text, is byte for
    // byte what a commit writes.
    let database = database();
    let store = open(&database.url).await.unwrap();
    let scribe = versions::write_origins(&*store).await;
    let mut admin = PgConnection::connect(&database.admin).await.unwrap();
    for sql in ["UPDATE fiscaflow.transactions SET origins = NULL", &versions().that_fills(4)] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    }
    versions::stand_as_written(&*store, &scribe).await;
}

#[tokio::test]
async fn a_migration_that_was_cut_off_runs_again() {
    // Holds: a process that dies after any statement of the migrations, of all of them or of those
    // from some version on, leaves a database that opens, with the schema of a fresh one.
    let expected = schema(&fresh().await).await;
    let newest = versions().newest();
    for from in 0..newest {
        let statements = versions().statements(from);
        assert!(from > 0 || statements.len() > 30, "there are {} statements", statements.len());
        for done in 0..=statements.len() {
            let database = if from == 0 { database() } else { made(1, from).await };
            let mut dying = PgConnection::connect(&database.url).await.unwrap();
            sqlx::raw_sql("BEGIN").execute(&mut dying).await.unwrap();
            for statement in &statements[..done] {
                sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut dying).await.unwrap();
            }
            // The connection breaks off: nobody says goodbye.
            drop(dying);
            let store = open(&database.url).await.unwrap();
            let mut scribe = Scribe::new(1);
            scribe.create(&*store, vec![scribe.transaction("2024-01-01", 1)]).await;
            fsck(&*store, scribe.book_id).await;
            store.close().await;
            assert_eq!(schema(&database).await, expected, "{done} statements from {from}");
        }
    }
}

#[tokio::test]
async fn a_database_of_version_1_gets_its_trees() {
    // Holds: a book from before there was a tree has the whole tree once it was proved.
    let database = made(1, 1).await;
    let household = Household::open(&database.url, SEED).await.unwrap();
    let (store, id) = (&household.store, household.book_id());
    let seqs: Vec<u64> = (1..=DONE).collect();
    assert_eq!(store.tree_nodes(id, &seqs).await.unwrap(), []);
    let book = household.engine.book(id, Context::new("anna".parse().unwrap()));
    assert_eq!(book.proofs().checkpoint().await.unwrap().size, DONE);
    assert_eq!(store.tree_nodes(id, &seqs).await.unwrap().len() as u64, DONE);
    let found = book.history().verify().await.unwrap();
    assert!(found.verified, "{found:?}");
    household.engine.close().await;
}

/// What the child is told.
const CHILD: &str = "FISCAFLOW_TEST_MIGRATE";

#[tokio::test]
async fn of_several_processes_one_makes_the_schema() {
    // Holds: four processes that open a fresh database at the same time all get a store, and one
    // schema is made; one that dies while the others wait for it holds nobody up.
    if let Ok(url) = std::env::var(CHILD) {
        open(&url).await.unwrap().close().await;
        return;
    }
    let expected = schema(&fresh().await).await;
    for round in 0..4 {
        let database = database();
        let mut dying = PgConnection::connect(&database.url).await.unwrap();
        if round % 2 == 1 {
            let lock = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('fiscaflow.schema', 0)); \
                        CREATE SCHEMA fiscaflow";
            sqlx::raw_sql(lock).execute(&mut dying).await.unwrap();
        }
        let opening: Vec<_> = (0..4)
            .map(|_| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "migrations::of_several_processes_one_makes_the_schema"])
                    .env(CHILD, &database.url)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        drop(dying);
        for child in opening {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        assert_eq!(schema(&database).await, expected);
    }
}
