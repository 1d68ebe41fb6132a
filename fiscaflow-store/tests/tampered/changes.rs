//! What somebody may do to a table of a database: change a value, take a row, add one, exchange
//! what two rows hold. Each is done, verified and taken back.

use std::collections::{BTreeMap, BTreeSet};

use fiscaflow_core::BookId;
use fiscaflow_core::conformance::Random;
use fiscaflow_core::log::Verification;
use fiscaflow_core::store::{Store, verify_book};

use super::deep;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Holds {
    Number,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has numbers"))]
    Flag,
    Text,
    Bytes,
}

/// A column, and how it is read and written.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub holds: Holds,
    pub is_key: bool,
    pub nullable: bool,
}

/// A table. Values are bytes: numbers and flags as their text.
pub struct Table {
    pub name: &'static str,
    pub columns: Vec<Column>,
}

pub type Value = Option<Vec<u8>>;
pub type Row = Vec<Value>;

/// A database that somebody else has opened, whom no constraint holds that can be turned off.
pub trait Tampered {
    async fn table(&mut self, name: &'static str) -> Table;
    async fn rows(&mut self, table: &Table) -> Vec<Row>;
    /// A value as a literal of the column.
    fn literal(&self, table: &Table, column: &Column, value: &Value) -> String;
    fn name(&self, table: &Table) -> String;
    /// Whether the database did it.
    async fn execute(&mut self, sql: &str) -> bool;
}

/// What is done to a database, and what of it was found.
pub struct Vandal<'a, T> {
    pub database: T,
    pub store: &'a dyn Store,
    pub book_id: BookId,
    /// Of which columns nothing in the history tells: by `table.column`.
    pub untold: &'a [&'a str],
    /// How often something was done, by table.
    pub done: BTreeMap<&'static str, u64>,
    /// What was changed at least once, by `table.column`.
    pub changed: BTreeSet<String>,
}

pub fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn from_hex(text: &str) -> Vec<u8> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
}

impl<T: Tampered> Vandal<'_, T> {
    fn cell(&self, table: &Table, row: &Row, column: &str) -> Vec<u8> {
        let at = table.columns.iter().position(|it| it.name == column).unwrap();
        row[at].clone().unwrap()
    }

    /// The condition that finds a row.
    fn of(&self, table: &Table, row: &Row) -> String {
        let keys = table.columns.iter().zip(row).filter(|(column, _)| column.is_key);
        let part = |(column, value): (&Column, &Value)| {
            format!("{} = {}", column.name, self.database.literal(table, column, value))
        };
        keys.map(part).collect::<Vec<_>>().join(" AND ")
    }

    async fn update(&mut self, table: &Table, at: &Row, to: &Row) -> bool {
        let set = |(place, column): (usize, &Column)| {
            let literal = self.database.literal(table, column, &to[place]);
            (at[place] != to[place]).then(|| format!("{} = {literal}", column.name))
        };
        let set: Vec<String> = table.columns.iter().enumerate().filter_map(set).collect();
        let (name, of) = (self.database.name(table), self.of(table, at));
        let sql = format!("UPDATE {name} SET {} WHERE {of}", set.join(", "));
        self.database.execute(&sql).await
    }

    async fn insert(&mut self, table: &Table, row: &Row) -> bool {
        let (names, values): (Vec<String>, Vec<String>) = table
            .columns
            .iter()
            .zip(row)
            .map(|(it, value)| (it.name.clone(), self.database.literal(table, it, value)))
            .unzip();
        let (name, names, values) =
            (self.database.name(table), names.join(", "), values.join(", "));
        self.database.execute(&format!("INSERT INTO {name} ({names}) VALUES ({values})")).await
    }

    async fn delete(&mut self, table: &Table, row: &Row) -> bool {
        let (name, of) = (self.database.name(table), self.of(table, row));
        self.database.execute(&format!("DELETE FROM {name} WHERE {of}")).await
    }

    /// Verifies: it does not fit, and what was changed is named.
    async fn caught(&mut self, table: &Table, row: &Row, what: &str) {
        *self.done.entry(table.name).or_default() += 1;
        let found = verify_book(self.store, self.book_id).await.unwrap();
        let what = || format!("{what} of {}: {found:#?}", self.shown(table, row));
        assert!(!found.verified, "{}", what());
        assert!(found.clone().ok().is_err());
        assert!(self.names(table, row, &found), "{}", what());
        assert!(found.finding_count >= found.findings.len() as u64);
    }

    fn shown(&self, table: &Table, row: &Row) -> String {
        let cells = table.columns.iter().zip(row).map(|(column, value)| {
            format!("{} = {}", column.name, value.as_ref().map_or("NULL".into(), |it| shown(it)))
        });
        format!("{}: {}", table.name, cells.collect::<Vec<_>>().join(", "))
    }

    fn names(&self, table: &Table, row: &Row, found: &Verification) -> bool {
        let number = |column: &str| shown(&self.cell(table, row, column)).parse::<u64>().unwrap();
        let uuid = |column: &str| {
            let bytes = self.cell(table, row, column);
            uuid::Uuid::from_slice(&bytes).map_or_else(|_| hex(&bytes), |id| id.to_string())
        };
        let text = |column: &str| shown(&self.cell(table, row, column));
        let has = |kinds: &[&str], id: String| {
            found.findings.iter().any(|it| kinds.contains(&it.kind.as_str()) && it.id == id)
        };
        let kinds = ["delivery", "set_aside"];
        match table.name {
            "books" => found.broken_seq.is_some(),
            "commits" => found.broken_seq == Some(number("seq")),
            "answers" => has(&["answer"], text("key")),
            "documents" => has(&[&text("kind")], text("key")),
            "transactions" => has(&["transaction"], uuid("id")),
            "origins" => has(&["transaction", "origin"], uuid("transaction_id")),
            "snapshots" => has(&["view"], String::new()),
            "deliveries" => has(&kinds, text("sink")),
            // Of another sink it is where nobody looks for it by this name.
            "set_aside" => found.findings.iter().any(|it| kinds.contains(&&*it.kind)),
            other => panic!("{other}"),
        }
    }

    /// Puts a value into a column of every row.
    pub async fn set(&mut self, name: &'static str, column: &str, value: &str) -> bool {
        let table = self.database.table(name).await;
        let column = table.columns.iter().find(|it| it.name == column).unwrap();
        let value = match column.holds {
            Holds::Flag => {
                if value == "0" {
                    "false"
                } else {
                    "true"
                }
            }
            _ => value,
        };
        let literal = self.database.literal(&table, column, &Some(value.into()));
        let name = self.database.name(&table);
        self.database.execute(&format!("UPDATE {name} SET {} = {literal}", column.name)).await
    }

    /// Changes every value of every row, one at a time.
    pub async fn change_values(&mut self, name: &'static str) {
        let table = self.database.table(name).await;
        for row in self.database.rows(&table).await {
            for (place, column) in table.columns.iter().enumerate() {
                let path = format!("{name}.{}", column.name);
                if self.untold.contains(&path.as_str()) {
                    continue;
                }
                for value in others(column, &row[place]) {
                    let mut changed = row.clone();
                    changed[place] = value;
                    if self.update(&table, &row, &changed).await {
                        self.changed.insert(path.clone());
                        self.caught(&table, &row, &format!("another `{path}`")).await;
                        assert!(self.update(&table, &changed, &row).await);
                    }
                }
            }
        }
    }

    /// Takes every row, doubles it under another key, and exchanges what it holds with the next.
    pub async fn move_rows(&mut self, name: &'static str) {
        let table = self.database.table(name).await;
        let mut rows = self.database.rows(&table).await;
        let key = table.columns.iter().rposition(|column| column.is_key).unwrap();
        // Of two commits the first one is named.
        rows.sort_by_key(|row| (row[key].as_ref().map(Vec::len), row[key].clone()));
        for (place, row) in rows.iter().enumerate() {
            if self.delete(&table, row).await {
                self.caught(&table, row, "a missing row").await;
                assert!(self.insert(&table, row).await);
            }
            let mut double = row.clone();
            double[key] = others(&table.columns[key], &row[key]).pop().unwrap();
            let is_new = name != "books" && !rows.iter().any(|it| it[key] == double[key]);
            if is_new && self.insert(&table, &double).await {
                let mut at = if name == "origins" { row.clone() } else { double.clone() };
                if name == "commits" {
                    at[key] = Some((rows.len() + 1).to_string().into_bytes());
                }
                self.caught(&table, &at, "an added row").await;
                assert!(self.delete(&table, &double).await);
            }
            let Some(next) = rows.get(place + 1) else { continue };
            let (one, other) = exchanged(&table, row, next);
            if one != *row && self.update(&table, row, &one).await {
                assert!(self.update(&table, next, &other).await);
                self.caught(&table, row, "an exchanged row").await;
                assert!(self.update(&table, &one, row).await);
                assert!(self.update(&table, &other, next).await);
            }
        }
    }
}

/// Two rows, each with what the other holds beside its key.
fn exchanged(table: &Table, row: &Row, next: &Row) -> (Row, Row) {
    let (mut one, mut other) = (row.clone(), next.clone());
    for (place, column) in table.columns.iter().enumerate() {
        if !column.is_key {
            std::mem::swap(&mut one[place], &mut other[place]);
        }
    }
    (one, other)
}

/// Other values for a column: each with one bit that differs, none, and some where there was none.
fn others(column: &Column, value: &Value) -> Vec<Value> {
    let Some(bytes) = value else {
        return match column.holds {
            Holds::Number => vec![Some(b"1".to_vec())],
            Holds::Flag => vec![Some(b"true".to_vec())],
            Holds::Bytes => vec![Some(vec![7; 16])],
            Holds::Text => ["x", "[]", "{}", ""].map(|text| Some(text.into())).to_vec(),
        };
    };
    let seed = |sum: u64, byte: &u8| sum.wrapping_mul(31).wrapping_add(u64::from(*byte));
    let mut random = Random::new(bytes.iter().fold(7, seed));
    let mut found = match column.holds {
        Holds::Flag => {
            vec![Some(if bytes == b"true" { b"false".to_vec() } else { b"true".to_vec() })]
        }
        Holds::Number => {
            let number: i64 = shown(bytes).parse().unwrap();
            let bits: Vec<u32> = if deep() { (0..64).collect() } else { vec![0, 6, 40, 63] };
            bits.iter().map(|bit| Some((number ^ (1 << bit)).to_string().into_bytes())).collect()
        }
        Holds::Text | Holds::Bytes => {
            let all = bytes.len() * 8;
            let bits: Vec<usize> = match deep() {
                true => (0..all).collect(),
                false if all == 0 => Vec::new(),
                // The second makes a text something else than a text.
                false => vec![random.below(all), 7],
            };
            let mut flipped: Vec<Value> = bits
                .iter()
                .map(|bit| {
                    let mut bytes = bytes.clone();
                    bytes[bit / 8] ^= 1 << (bit % 8);
                    Some(bytes)
                })
                .collect();
            flipped.push(Some([bytes.as_slice(), b" "].concat()));
            flipped
        }
    };
    // Nodes that are not kept are made anew.
    if column.nullable && column.name != "nodes" {
        found.push(None);
    }
    found.retain(|other| other != value);
    found
}
