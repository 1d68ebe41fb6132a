//! No statement reaches a table without naming the book: what tenancy, and sharding by book, rest
//! on. The sources are read, so that a statement which no test runs is found too; what the server
//! was really sent is looked at by `postgres/plans.rs`.

#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test fails by panicking")]

#[path = "shared/tables.rs"]
mod tables;

use std::path::Path;

use tables::TABLES;

/// What stands before the name of a table.
const BEFORE: [&str; 4] = ["FROM ", "INTO ", "JOIN ", "UPDATE "];
/// How far behind the name of a table the book has to be named.
const NEAR: usize = 400;

/// Where a text names a table without the book, a piece of text each.
fn faults(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (place, before) in BEFORE.iter().flat_map(|before| text.match_indices(before)) {
        let rest = &text[place + before.len()..];
        let name = rest.strip_prefix("fiscaflow.").unwrap_or(rest);
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        let near = rest.char_indices().nth(NEAR).map_or(rest, |(end, _)| &rest[..end]);
        if TABLES.contains(&&name[..end]) && !near.contains("book_id") {
            found.push(near);
        }
    }
    found
}

#[test]
fn every_statement_names_its_book() {
    // Holds: in both stores, wherever a statement names a table, it names the book soon after;
    // but for backups.
    assert_eq!(faults("SELECT * FROM commits WHERE seq = 1").len(), 1);
    assert_eq!(faults("UPDATE fiscaflow.books SET head_seq = 1").len(), 1);
    assert_eq!(faults("DELETE FROM answers WHERE book_id = ?").len(), 0);
    for store in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(store);
        let mut named = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            // A backup is a copy of the whole file, with the leases of all books taken out.
            if path.ends_with("sqlite/backup.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            named += TABLES.iter().map(|table| text.matches(table).count()).sum::<usize>();
            assert_eq!(faults(&text), [""; 0], "{}", path.display());
        }
        assert!(named > 20, "{store} was not read");
    }
}
