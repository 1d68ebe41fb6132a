//! The schema's versions as the tests of migrations meet them: the statements of each, and a book
//! that a program of that version wrote.
//!
//! `tests/upgrades/<database>/NNNN.sql` holds the rows of such a book: of the household of seed
//! [`SEED`] after [`DONE`] operations. Version 1 has one, and so has each version that was released
//! since: it is written by that version's own tests of migrations, run with
//! `FISCAFLOW_WRITE_UPGRADES=1`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use fiscaflow_core::conformance::Scribe;
use fiscaflow_core::model::{Origin, Transaction};
use fiscaflow_core::store::{
    Delivery, DeliveryStep, Kept, KeptPart, Selection, Store, verify_book,
};
use fiscaflow_core::{BookId, ImportId, Result};

use crate::household::{Household, check, check_effects};

/// Of whose book there are rows, and how much it had done.
pub const SEED: u64 = 90_025;
pub const DONE: u64 = 12;
/// A sink that was told of the book.
const SINK: &str = "sink";

/// The versions of one database.
pub struct Versions {
    database: &'static str,
    /// A migration for each version, from 1.
    migrations: Vec<String>,
}

impl Versions {
    /// Those of `sqlite` or `postgres`.
    pub fn of(database: &'static str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let is_migration = |path: &PathBuf| path.extension().is_some_and(|it| it == "sql");
        let mut paths: Vec<PathBuf> = entries.filter(is_migration).collect();
        paths.sort();
        let migrations = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        Self { database, migrations }
    }

    /// The newest version.
    pub fn newest(&self) -> usize {
        self.migrations.len()
    }

    /// What brings a database of a version to a later one.
    pub fn between(&self, from: usize, to: usize) -> String {
        self.migrations.get(from..to).unwrap().concat()
    }

    /// The statements that bring a database of a version to the newest.
    pub fn statements(&self, from: usize) -> Vec<String> {
        let text = self.between(from, self.newest());
        let without_comments = text.lines().map(|line| line.split("--").next().unwrap_or(""));
        let text = without_comments.collect::<Vec<_>>().join("\n");
        let statements = text.split(';').map(str::trim).filter(|one| !one.is_empty());
        statements.map(str::to_owned).collect()
    }

    /// The statement that fills a column of transactions when a database comes to a version.
    pub fn that_fills(&self, version: usize) -> String {
        let statements = self.statements(version.checked_sub(1).unwrap());
        statements.into_iter().find(|it| it.contains("transactions SET")).unwrap()
    }

    /// The file with the rows of a book of a version.
    fn path(&self, version: usize) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrades");
        folder.join(self.database).join(format!("{version:04}.sql"))
    }

    /// The rows of a book of a version.
    pub fn rows(&self, version: usize) -> String {
        let path = self.path(version);
        std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()))
    }

    /// Keeps the rows of a book of the newest version, where the environment asks for it.
    pub fn keep(&self, rows: &str) {
        let path = self.path(self.newest());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, rows).unwrap();
    }

    /// Databases to be upgraded: the version at which there were rows, and that at which the
    /// program finds them.
    pub fn upgrades(&self) -> Vec<(usize, usize)> {
        let newest = self.newest();
        let rows = (1..=newest).filter(|version| self.path(*version).exists());
        rows.flat_map(|rows| (rows..=newest).map(move |found| (rows, found))).collect()
    }
}

/// Origins with whatever a text may hold that JSON writes in another way.
pub async fn write_origins(store: &dyn Store) -> Scribe {
    let mut scribe = Scribe::new(1);
    let bare = scribe.transaction("2024-01-01", 1);
    let text: String = (1..128).filter_map(char::from_u32).chain("äß€😀\u{2028}".chars()).collect();
    let origin = |bank_id: Option<&str>| Origin {
        import_id: ImportId::new(bare.id.uuid()),
        account_id: bare.account_id,
        booking_date: bare.booking_date,
        amount: bare.amount,
        pending: bank_id.is_some(),
        bank_id: bank_id.map(str::to_owned),
        fingerprint: text.clone(),
    };
    let origins = vec![origin(Some(&text)), origin(None)];
    scribe.create(store, vec![Transaction { origins, ..bare }]).await;
    scribe
}

/// Fails unless every transaction stands in its row as a commit writes it.
pub async fn stand_as_written(store: &dyn Store, scribe: &Scribe) {
    let all = KeptPart::Transactions { after: None, limit: 10 };
    let rows = store.kept(scribe.book_id, &all).await.unwrap();
    let odd: Vec<&str> = rows.iter().flat_map(|row| row.odd.clone()).collect();
    assert_eq!(odd, [""; 0]);
    let ids = rows.iter().map(|row| row.id.parse().unwrap()).collect::<Vec<_>>();
    let (_, read) = store.select(scribe.book_id, Selection::Ids(&ids)).await.unwrap().unwrap();
    let kept = rows.into_iter().map(|row| match row.content {
        Some(Kept::Transaction(transaction)) => *transaction,
        other => panic!("{other:?}"),
    });
    assert_eq!(kept.collect::<Vec<_>>(), read);
    assert_eq!(read.first().map(|it| it.origins.len()), Some(2));
}

/// Whether the environment asks for the rows of a book of this version.
pub fn are_wanted() -> bool {
    std::env::var_os("FISCAFLOW_WRITE_UPGRADES").is_some()
}

/// Writes the book of which there are rows.
pub async fn write(url: &str) -> Result<()> {
    let household = Household::open(url, SEED).await?;
    for number in 0..DONE {
        household.attempt(number).await?;
    }
    let delivery = Delivery { version: 1, seq: 3, ..Delivery::default() };
    let (put_aside, taken_back) = (Vec::new(), Vec::new());
    let step = DeliveryStep { expected: 0, delivery, put_aside, taken_back };
    household.store.deliver(household.book_id(), SINK, step.into()).await?;
    household.engine.close().await;
    Ok(())
}

/// Fails unless the book is all there, and goes on.
pub async fn goes_on(url: &str) {
    let household = Household::open(url, SEED).await.unwrap();
    assert_eq!(check(&household, DONE).await, DONE);
    let delivery = delivery(&*household.store, household.book_id()).await;
    assert_eq!((delivery.version, delivery.seq, delivery.events), (1, 3, 0));
    // A repeat finds its answer; what is new is made.
    for number in (0..DONE).filter(|number| has_key(*number)) {
        household.perform(number).await;
    }
    check_effects(&household, DONE).await;
    for number in DONE..DONE + 4 {
        household.perform(number).await;
    }
    assert_eq!(check(&household, DONE + 4).await, DONE + 4);
    let found = verify_book(&*household.store, household.book_id()).await.unwrap();
    assert_eq!(found.findings, []);
    household.engine.close().await;
}

fn has_key(number: u64) -> bool {
    use crate::household::{Operation, operation};
    operation(SEED, number) == Operation::Record { with_key: true }
}

async fn delivery(store: &dyn Store, book: BookId) -> Delivery {
    store.delivery(book, SINK).await.unwrap().unwrap()
}

/// The tables, those first to whose rows others refer.
pub const IN_ORDER: [&str; 10] = [
    "books",
    "commits",
    "answers",
    "documents",
    "transactions",
    "origins",
    "snapshots",
    "deliveries",
    "set_aside",
    "sinks",
];
