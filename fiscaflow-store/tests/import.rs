//! Importing is something a user may do carelessly: any split, overlap and order of statements
//! gives what one statement of the whole gives, and nothing that was edited or deleted comes back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use fiscaflow_core::engine::{BookHandle, Context, Engine, ImportReport, NewImport};
use fiscaflow_core::model::{NewBook, Transaction, TransactionPatch};
use fiscaflow_core::store::TransactionQuery;
use fiscaflow_store::{MemoryStore, RandomIds, SystemClock};
use proptest::prelude::*;

/// One entry of the bank's books. Texts and amounts are few, so that twins are common.
#[derive(Debug, Clone)]
struct Entry {
    day: u64,
    cents: i64,
    text: usize,
}

const TEXTS: [&str; 4] = ["COFFEE", "Coffee", "TRAIN  TICKET", "RENT"];

fn date(day: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 28).unwrap() + Days::new(day)
}

/// Entries by day, as a bank keeps them.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (0_u64..12, 1_i64..4, 0..TEXTS.len());
    let entry = entry.prop_map(|(day, cents, text)| Entry { day, cents: -100 * cents, text });
    prop::collection::vec(entry, 1..24).prop_map(|mut entries| {
        entries.sort_by_key(|entry| entry.day);
        entries
    })
}

/// A statement of the entries of some days; an entry's bank id is its place in the bank's books.
fn statement(entries: &[Entry], days: std::ops::RangeInclusive<u64>, ids: bool) -> Vec<u8> {
    let mut text = "OFXHEADER:100\n\n<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>DE1\
        </BANKACCTFROM><BANKTRANLIST>"
        .to_owned();
    for (place, entry) in entries.iter().enumerate() {
        if days.contains(&entry.day) {
            let id = if ids { format!("<FITID>{place}") } else { String::new() };
            let day = date(entry.day).format("%Y%m%d");
            let (whole, cents) = (entry.cents / 100, entry.cents % 100);
            let name = TEXTS[entry.text];
            write!(
                text,
                "<STMTTRN><DTPOSTED>{day}<TRNAMT>{whole}.{cents:02}{id}<NAME>{name}</STMTTRN>"
            )
            .unwrap();
        }
    }
    text.push_str("</BANKTRANLIST></STMTRS></OFX>");
    text.into_bytes()
}

async fn fresh_book() -> BookHandle {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()));
    let engine = Engine::new(Arc::new(MemoryStore::new()), clock, ids);
    let anna = Context::new("anna".parse().unwrap());
    let new = NewBook { name: "Home".to_owned(), ..NewBook::new("EUR") };
    let id = engine.books(anna.clone()).create(new).await.unwrap().id;
    engine.book(id, anna)
}

async fn import(book: &BookHandle, content: Vec<u8>) -> ImportReport {
    let new = NewImport { content, create_accounts: true, ..NewImport::default() };
    let report = book.imports().create(new).await.unwrap();
    assert_eq!(report.problems, []);
    report
}

async fn everything(book: &BookHandle) -> Vec<Transaction> {
    let query = TransactionQuery { limit: Some(500), ..TransactionQuery::default() };
    book.transactions().list(query).await.unwrap().items
}

/// The bank's facts of what is in the book, in an order that depends on nothing else.
async fn facts(book: &BookHandle) -> Vec<(NaiveDate, i64, String, Option<String>)> {
    let mut facts: Vec<_> = everything(book)
        .await
        .into_iter()
        .map(|it| {
            let bank_id = it.origins.first().and_then(|origin| origin.bank_id.clone());
            (it.booking_date, it.amount.minor(), it.description, bank_id)
        })
        .collect();
    facts.sort();
    facts
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// More cases in the deep tier.
fn cases() -> u32 {
    if std::env::var_os("FISCAFLOW_DEEP").is_some() { 50_000 } else { 500 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    /// Statements of whole days, overlapping and in any order, give what one statement of all
    /// days gives, with bank ids and without; and each of them again adds nothing.
    #[test]
    fn windows_equal_the_whole(
        entries in entries(),
        ids: bool,
        windows in prop::collection::vec((0_u64..12, 0_u64..6), 0..5),
        whole_at in 0_usize..6,
    ) {
        run(async {
            let mut statements: Vec<Vec<u8>> = windows
                .iter()
                .map(|(first, length)| statement(&entries, *first..=first + length, ids))
                .collect();
            // Somewhere among them the rest comes, so that all days are covered.
            let rest = statement(&entries, 0..=12, ids);
            statements.insert(whole_at.min(statements.len()), rest.clone());
            let (split, whole) = (fresh_book().await, fresh_book().await);
            for content in &statements {
                import(&split, content.clone()).await;
            }
            import(&whole, rest).await;
            assert_eq!(facts(&split).await, facts(&whole).await);
            for content in statements {
                assert_eq!(import(&split, content).await.imported, 0);
            }
        });
    }

    /// What was edited, moved in time or deleted is recognised, stays as it is, and leaves the
    /// other transactions byte for byte as they were.
    #[test]
    fn edits_and_deletions_survive(entries in entries(), ids: bool, edited: prop::sample::Index) {
        run(async {
            let book = fresh_book().await;
            let whole = statement(&entries, 0..=12, ids);
            import(&book, whole.clone()).await;
            let before = everything(&book).await;
            let place = edited.index(before.len());
            let (first, second) = (before[place].id, before[(place + 1) % before.len()].id);
            let patch = TransactionPatch {
                amount: Some("-77.00".parse().unwrap()),
                booking_date: Some(date(300)),
                payee: Some("Somebody".to_owned()),
                ..TransactionPatch::default()
            };
            book.transactions().update(first, patch).await.unwrap();
            if second != first {
                book.transactions().delete(second).await.unwrap();
            }
            let edited = everything(&book).await;
            let again = import(&book, whole).await;
            assert_eq!((again.imported, again.duplicates), (0, entries.len() as u64));
            assert_eq!(everything(&book).await, edited);
        });
    }
}
