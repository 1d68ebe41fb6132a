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
use fiscaflow_core::engine::{BookHandle, Context, Engine, ImportReport, Merge, NewImport};
use fiscaflow_core::model::{NewAccount, NewBook, NewSplit, Transaction, TransactionPatch};
use fiscaflow_core::store::TransactionQuery;
use fiscaflow_core::{AccountId, Amount};
use fiscaflow_store::{MemoryStore, RandomIds, SystemClock};
use proptest::prelude::*;
use rust_decimal::Decimal;

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
                let before = everything(&split).await;
                import(&split, content.clone()).await;
                let after = everything(&split).await;
                assert!(before.iter().all(|it| after.contains(it)), "an older row was changed");
            }
            import(&whole, rest).await;
            assert_eq!(facts(&split).await, facts(&whole).await);
            for content in statements {
                assert_eq!(import(&split, content).await.imported, 0);
            }
        });
    }

    /// What was edited, moved, split, merged or deleted is recognised, stays as it is, and leaves
    /// the other transactions byte for byte as they were.
    #[test]
    fn what_a_person_did_survives(
        entries in entries(),
        ids: bool,
        deeds in prop::collection::vec((0_u8..5, any::<prop::sample::Index>()), 1..6),
    ) {
        run(async {
            let book = fresh_book().await;
            let whole = statement(&entries, 0..=12, ids);
            import(&book, whole.clone()).await;
            let other = NewAccount { name: "Other".to_owned(), ..NewAccount::default() };
            let other = book.accounts().create(other).await.unwrap().id;
            for (deed, place) in deeds {
                let all = everything(&book).await;
                if all.is_empty() {
                    break;
                }
                do_to(&book, deed, &all[place.index(all.len())], &all, other).await;
            }
            let edited = everything(&book).await;
            // The account of the statement is known by its number, so nothing has to be made.
            let again = import(&book, whole).await;
            assert_eq!((again.imported, again.duplicates), (0, entries.len() as u64));
            assert_eq!(everything(&book).await, edited);
            assert!(book.history().verify().await.unwrap().verified);
        });
    }

    /// Rows that are announced first and booked later are one transaction each, whatever part of
    /// them the first file had; the files again add nothing.
    #[test]
    fn pending_rows_become_their_booked_rows(
        entries in entries(),
        announced in prop::collection::vec(any::<bool>(), 24),
    ) {
        run(async {
            let book = fresh_book().await;
            let pending: Vec<Entry> = entries
                .iter()
                .zip(announced)
                .filter(|(_, announced)| *announced)
                .map(|(entry, _)| entry.clone())
                .collect();
            let first = String::from_utf8(statement(&pending, 0..=12, false)).unwrap();
            let first = first.replace("STMTTRN>", "STMTTRNP>").replace("DTPOSTED", "DTTRAN");
            let booked = statement(&entries, 0..=12, false);
            import(&book, first.clone().into_bytes()).await;
            import(&book, booked.clone()).await;
            let whole = fresh_book().await;
            import(&whole, booked.clone()).await;
            // Of two spellings that are one description, the one that came first stays.
            let folded = |mut facts: Vec<(NaiveDate, i64, String, Option<String>)>| {
                facts.iter_mut().for_each(|it| it.2 = it.2.to_lowercase());
                facts.sort();
                facts
            };
            assert_eq!(folded(facts(&book).await), folded(facts(&whole).await));
            for content in [first.into_bytes(), booked] {
                assert_eq!(import(&book, content).await.imported, 0);
            }
        });
    }
}

/// One of the things that a person does to a transaction.
async fn do_to(
    book: &BookHandle,
    deed: u8,
    one: &Transaction,
    all: &[Transaction],
    other: AccountId,
) {
    let update = |patch| async move { book.transactions().update(one.id, patch).await.unwrap() };
    match deed {
        0 => {
            let patch = TransactionPatch {
                amount: Some("-77.00".parse().unwrap()),
                booking_date: Some(date(300)),
                payee: Some("Somebody".to_owned()),
                splits: Some(Vec::new()),
                ..TransactionPatch::default()
            };
            update(patch).await;
        }
        1 => book.transactions().delete(one.id).await.unwrap(),
        2 => {
            let account_id = Some(other);
            update(TransactionPatch { account_id, ..TransactionPatch::default() }).await;
        }
        3 => {
            let whole = one.amount.amount().decimal();
            let part = |amount: Decimal| NewSplit {
                amount: Amount::new(amount),
                category_id: None,
                notes: None,
            };
            let splits = Some(vec![part(Decimal::ONE), part(whole - Decimal::ONE)]);
            update(TransactionPatch { splits, ..TransactionPatch::default() }).await;
        }
        _ => {
            let twin = all.iter().find(|it| {
                it.id != one.id && it.amount == one.amount && it.account_id == one.account_id
            });
            if let Some(twin) = twin {
                let merge = Merge { absorbed_id: twin.id };
                book.transactions().merge(one.id, merge).await.unwrap();
            }
        }
    }
}
