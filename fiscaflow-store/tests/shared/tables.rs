//! The tables of which a book has a part.

/// Their names, alike in both databases.
pub const TABLES: [&str; 9] = [
    "answers",
    "books",
    "commits",
    "deliveries",
    "documents",
    "origins",
    "set_aside",
    "snapshots",
    "transactions",
];
