//! A changed SQLite file.

use std::sync::Arc;

use fiscaflow_core::store::{Store, verify_book};
use fiscaflow_store::{Durability, SqliteStore};
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection};

use super::book::Home;
use super::changes::{Column, Holds, Row, Table, Tampered, Value, from_hex, hex, shown};
use super::outside;

pub struct File(SqliteConnection);

impl Tampered for File {
    async fn table(&mut self, name: &'static str) -> Table {
        let sql = AssertSqlSafe(format!(
            "SELECT name, type, pk, \"notnull\" FROM pragma_table_info('{name}')"
        ));
        let columns = sqlx::query(sql).fetch_all(&mut self.0).await.unwrap();
        let column = |row: &sqlx::sqlite::SqliteRow| Column {
            name: row.get(0),
            holds: match row.get::<&str, _>(1) {
                "INTEGER" => Holds::Number,
                "TEXT" => Holds::Text,
                _ => Holds::Bytes,
            },
            is_key: row.get::<i64, _>(2) > 0,
            nullable: row.get::<i64, _>(3) == 0,
        };
        Table { name, columns: columns.iter().map(column).collect() }
    }

    async fn rows(&mut self, table: &Table) -> Vec<Row> {
        let names =
            table.columns.iter().map(|it| format!("hex(CAST({0} AS BLOB)), {0} IS NULL", it.name));
        let names = names.collect::<Vec<_>>().join(", ");
        let sql = AssertSqlSafe(format!("SELECT {names} FROM {}", table.name));
        let rows = sqlx::query(sql).fetch_all(&mut self.0).await.unwrap();
        let cell = |row: &sqlx::sqlite::SqliteRow, place: usize| {
            let is_null: bool = row.get(2 * place + 1);
            (!is_null).then(|| from_hex(row.get(2 * place)))
        };
        rows.iter().map(|row| (0..table.columns.len()).map(|at| cell(row, at)).collect()).collect()
    }

    fn literal(&self, _table: &Table, column: &Column, value: &Value) -> String {
        match (value, column.holds) {
            (None, _) => "NULL".to_owned(),
            (Some(bytes), Holds::Number | Holds::Flag) => shown(bytes),
            (Some(bytes), Holds::Text) => format!("CAST(X'{}' AS TEXT)", hex(bytes)),
            (Some(bytes), Holds::Bytes) => format!("X'{}'", hex(bytes)),
        }
    }

    fn name(&self, table: &Table) -> String {
        table.name.to_owned()
    }

    async fn execute(&mut self, sql: &str) -> bool {
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut self.0).await;
        done.is_ok_and(|done| done.rows_affected() == 1)
    }
}

/// A file that somebody else has opened, too, and cares for no constraint.
pub async fn file(path: &std::path::Path) -> File {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(false);
    let mut file = SqliteConnection::connect_with(&options).await.unwrap();
    let off = "PRAGMA ignore_check_constraints = ON";
    sqlx::query(off).execute(&mut file).await.unwrap();
    File(file)
}

pub async fn home(path: &std::path::Path) -> Home {
    let store = SqliteStore::open(path, Durability::MayLoseLastCommits).await.unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let home = Home::new(store, 1).await;
    home.fill().await;
    home
}

#[tokio::test]
async fn whatever_is_changed_in_a_file_is_found() {
    // Holds: every value of every row, a row that is gone, added or exchanged with another.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let home = home(&path).await;
    println!("{:?}", outside::change_all(&home, file(&path).await).await);
}

#[tokio::test]
async fn an_answer_that_has_to_be_gone_is_found() {
    // Holds: after the book's texts were erased an answer from before that is there again is found,
    // and so is one of which the salt is left, by which its words could be guessed.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let home = home(&path).await;
    let mut file = file(&path).await;
    let table = file.table("answers").await;
    let before = file.rows(&table).await;
    home.call("books.erase_texts", serde_json::Value::Null).await;
    let gone = file.rows(&table).await;
    assert!(before.len() > 1 && before.len() == gone.len());
    let at = |name: &str| table.columns.iter().position(|it| it.name == name).unwrap();
    let [key, salt, answer] = ["key", "request_salt", "answer"].map(at);
    for (old, now) in before.iter().zip(&gone) {
        for (salt_of, answer_of) in [(old, now), (old, old), (now, old)] {
            for (salt_of, answer_of, is_found) in [(salt_of, answer_of, true), (now, now, false)] {
                let value = |row: &Row, place: usize| {
                    file.literal(&table, &table.columns[place], &row[place])
                };
                let set = format!(
                    "UPDATE answers SET request_salt = {}, answer = {} WHERE key = {}",
                    value(salt_of, salt),
                    value(answer_of, answer),
                    value(now, key)
                );
                assert!(file.execute(&set).await);
                let found = verify_book(&*home.store, home.id).await.unwrap().findings;
                let kinds: Vec<&str> = found.iter().map(|it| &*it.kind).collect();
                assert_eq!(kinds, if is_found { vec!["answer"] } else { vec![] });
            }
        }
    }
}

#[tokio::test]
async fn an_event_asked_for_that_nobody_would_tell_is_found() {
    // Holds: where an event that was set aside is asked for again, a sink that has been told of
    // everything else has to say that it waits.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("books.db");
    let home = home(&path).await;
    outside::deliver(&home).await;
    let mut file = file(&path).await;
    let found = async || verify_book(&*home.store, home.id).await.unwrap().findings;
    assert_eq!(found().await, []);
    let again = "UPDATE set_aside SET again = 1 WHERE seq = (SELECT min(seq) FROM set_aside)";
    assert!(file.execute(again).await);
    let lost = found().await;
    assert_eq!((&*lost[0].kind, &*lost[0].fields.join(" "), lost.len()), ("delivery", "waits", 1));
    assert!(file.execute("UPDATE deliveries SET waits = 1").await);
    assert_eq!(found().await, []);
}
