//! The tree of a book in an SQLite file: made for books from before there was one, found out where
//! somebody changes it.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests report by panicking")]

use std::path::Path;
use std::sync::Arc;

use fiscaflow_core::conformance::{Random, fsck};
use fiscaflow_core::engine::{BookHandle, Context, Engine, ProofQuery};
use fiscaflow_core::log::Hash;
use fiscaflow_core::model::{NewAccount, NewBook};
use fiscaflow_core::proof::{Frontier, leaf_hash};
use fiscaflow_core::store::{Store, TreeNodes};
use fiscaflow_core::{BookId, ErrorCode};
use fiscaflow_store::{Durability, RandomIds, SqliteStore, SystemClock};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

const VERSION_1: &str = include_str!("../migrations/sqlite/0001_books.sql");
/// What has rows: the book holds accounts alone.
const TABLES: [&str; 3] = ["books", "answers", "documents"];

async fn raw(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn run(path: &Path, sql: String) {
    let mut file = raw(path).await;
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut file).await.unwrap();
    file.close().await.unwrap();
}

async fn opened(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path, Durability::MayLoseLastCommits).await.unwrap())
}

fn book(store: &Arc<dyn Store>, id: BookId) -> BookHandle {
    let ids = Arc::new(RandomIds::new().unwrap());
    let engine = Engine::new(Arc::clone(store), Arc::new(SystemClock), ids);
    engine.book(id, Context::new("anna".parse().unwrap()))
}

async fn add(book: &BookHandle, count: usize) {
    let key = book.history().list(Default::default()).await.unwrap().len();
    for number in 0..count {
        let name = format!("account {key}/{number}");
        book.accounts().create(NewAccount { name, ..NewAccount::default() }).await.unwrap();
    }
}

/// Makes a book of so many commits.
async fn make(store: &Arc<dyn Store>, commits: usize) -> BookId {
    let ids = Arc::new(RandomIds::new().unwrap());
    let engine = Engine::new(Arc::clone(store), Arc::new(SystemClock), ids);
    let anna = Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") };
    let id = engine.books(anna.clone()).create(new).await.unwrap().id;
    add(&engine.book(id, anna), commits - 1).await;
    id
}

/// The nodes that are kept, and those of a tree from scratch.
async fn trees(store: &dyn Store, id: BookId) -> (Vec<TreeNodes>, Vec<TreeNodes>, Hash) {
    let mut tree = Frontier::default();
    let commits = store.commits(id, 0, u32::MAX).await.unwrap();
    let made = commits
        .iter()
        .map(|commit| TreeNodes::new(commit.seq, &tree.append(leaf_hash(&commit.header))))
        .collect();
    let seqs: Vec<u64> = commits.iter().map(|commit| commit.seq).collect();
    let mut kept = store.tree_nodes(id, &seqs).await.unwrap();
    kept.sort_unstable_by_key(|nodes| nodes.seq);
    (kept, made, tree.root())
}

#[tokio::test]
async fn a_file_of_version_1_gets_its_trees() {
    // Holds: a file from before there was a tree opens as it is, keeps its history byte for byte,
    // and each book has the whole tree once it was written, or proved; a commit of a program of
    // that version between others is filled up as well.
    let dir = tempfile::tempdir().unwrap();
    let (new, old) = (dir.path().join("new.db"), dir.path().join("old.db"));
    let store = opened(&new).await;
    let (written, proved) = (make(&store, 40).await, make(&store, 23).await);
    let before = store.commits(written, 0, u32::MAX).await.unwrap();
    store.close().await;
    run(&old, VERSION_1.to_owned()).await;
    let mut copy = format!("ATTACH '{}' AS new;", new.display());
    for table in TABLES {
        let columns = if table == "books" { "book_id, head_seq, head_hash" } else { "*" };
        copy += &format!("INSERT INTO main.{table} SELECT {columns} FROM new.{table};");
        if table == "books" {
            copy += "INSERT INTO main.commits \
                     SELECT book_id, seq, parent, hash, header, body, texts FROM new.commits;";
        }
    }
    run(&old, copy).await;

    let store = opened(&old).await;
    assert_eq!(trees(&*store, written).await.0, []);
    assert_eq!(store.commits(written, 0, u32::MAX).await.unwrap(), before);
    add(&book(&store, written), 1).await;
    let (kept, made, _) = trees(&*store, written).await;
    assert_eq!((kept.len(), kept), (41, made));
    assert_eq!(trees(&*store, proved).await.0, []);
    let checkpoint = book(&store, proved).proofs().checkpoint().await.unwrap();
    let (kept, made, root) = trees(&*store, proved).await;
    assert_eq!((checkpoint.size, checkpoint.root), (23, root));
    assert_eq!(kept, made);

    store.close().await;
    run(&old, "UPDATE commits SET nodes = NULL WHERE seq IN (3, 4, 17, 18)".to_owned()).await;
    let store = opened(&old).await;
    for seq in [3, 18] {
        let proofs = book(&store, proved);
        proofs.proofs().inclusion(seq.to_string(), ProofQuery::default()).await.unwrap();
    }
    let (kept, made, _) = trees(&*store, proved).await;
    assert_eq!(kept, made);
    for id in [written, proved] {
        assert!(book(&store, id).history().verify().await.unwrap().verified);
        fsck(&*store, id).await;
    }
}

#[tokio::test]
async fn a_changed_node_is_found_and_proves_nothing() {
    // Holds: whichever bit of a kept node is changed, verification names its commit, and no proof
    // that needs the node is given.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let store = opened(&path).await;
    let id = make(&store, 32).await;
    let mut random = Random::new(11);
    let mut file = raw(&path).await;
    let mut put = async |seq: u64, bytes: &[u8]| {
        sqlx::query("UPDATE commits SET nodes = ? WHERE seq = ?")
            .bind(bytes.to_vec())
            .bind(i64::try_from(seq).unwrap())
            .execute(&mut file)
            .await
            .unwrap();
    };
    for nodes in trees(&*store, id).await.0 {
        let mut changed = nodes.bytes.clone();
        let place = random.below(changed.len());
        changed[place] ^= 1 << random.below(8);
        put(nodes.seq, &changed).await;
        let verification = book(&store, id).history().verify().await.unwrap();
        assert_eq!(verification.broken_seq, Some(nodes.seq));
        assert_eq!(verification.ok().unwrap_err().code(), ErrorCode::HistoryBroken);
        let mut refused = 0;
        for seq in 1..=32 {
            let proofs = book(&store, id);
            let proof = proofs.proofs().inclusion(seq.to_string(), ProofQuery::default()).await;
            refused += u32::from(proof.is_err());
        }
        assert!(refused > 0, "byte {place} of commit {}", nodes.seq);
        put(nodes.seq, &nodes.bytes).await;
        for short in [&nodes.bytes[..nodes.bytes.len() - 1], &[]] {
            put(nodes.seq, short).await;
            let verification = book(&store, id).history().verify().await.unwrap();
            assert_eq!(verification.broken_seq, Some(nodes.seq));
        }
        put(nodes.seq, &nodes.bytes).await;
    }
    assert!(book(&store, id).history().verify().await.unwrap().verified);
    fsck(&*store, id).await;
}
