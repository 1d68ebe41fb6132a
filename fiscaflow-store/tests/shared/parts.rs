//! The migration with its tables in parts by a hash of the book, as an operator would make them.

#![allow(dead_code, reason = "not every test needs it")]

const MIGRATION: &str = include_str!("../../migrations/postgres/0001_books.sql");

/// How many parts a table has.
const PARTS: u32 = 4;

/// The migration's statements, with every table that has a book in parts by it.
pub fn in_parts() -> String {
    let lines = MIGRATION.lines().map(|line| line.split("--").next().unwrap_or(""));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let statements = text.split(';').map(str::trim).filter(|one| !one.is_empty());
    statements.map(|statement| divided(statement) + ";\n").collect()
}

fn divided(statement: &str) -> String {
    let made = statement.strip_prefix("CREATE TABLE fiscaflow.");
    let Some(rest) = made.filter(|rest| rest.contains("book_id")) else {
        return statement.to_owned();
    };
    let name = rest.split(' ').next().unwrap_or_default();
    let mut made = format!("{statement} PARTITION BY HASH (book_id)");
    for part in 0..PARTS {
        made += &format!(
            "; CREATE TABLE fiscaflow.{name}_{part} PARTITION OF fiscaflow.{name} \
             FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part})"
        );
    }
    made
}
