//! A book of many transactions opens from the view that was kept of it, and shows what its rows
//! show, whatever became of the one or the other meanwhile.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "tests report by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use fiscaflow_core::api::read;
use fiscaflow_core::conformance::{Scribe, Tap, Tapped};
use fiscaflow_core::engine::{BookHandle, Context, Engine};
use fiscaflow_core::log::Hash;
use fiscaflow_core::model::{Account, AccountKind, Member, Role};
use fiscaflow_core::store::{Head, Snapshot, Store};
use fiscaflow_core::view::View;
use fiscaflow_core::{Money, Result};
use fiscaflow_store::{RandomIds, SystemClock, open};
use serde_json::{Value, json};

/// Counts how often rows are read for a view.
#[derive(Debug)]
struct Counting {
    store: Arc<dyn Store>,
    reads: AtomicUsize,
}

#[async_trait]
impl Tap for Counting {
    async fn before(&self, call: &'static str) -> Result<Arc<dyn Store>> {
        if call == "columns" {
            self.reads.fetch_add(1, Ordering::SeqCst);
        }
        Ok(Arc::clone(&self.store))
    }
}

struct Home {
    store: Arc<dyn Store>,
    counting: Arc<Counting>,
    scribe: Scribe,
}

impl Home {
    /// A book of `count` transactions.
    async fn new(count: i64) -> Self {
        let store = open("sqlite::memory:").await.unwrap();
        let counting = Arc::new(Counting { store, reads: AtomicUsize::default() });
        let store: Arc<dyn Store> = Arc::new(Tapped(Arc::clone(&counting)));
        let mut scribe = Scribe::new(1);
        let member = Member { actor: "anna".parse().unwrap(), role: Role::Owner, name: None };
        let account = Account {
            id: scribe.account_id,
            name: "Giro".to_owned(),
            kind: AccountKind::Checking,
            currency: scribe.book().currency,
            opening_balance: Money::from_minor(700, scribe.book().currency),
            number: None,
            bank_id: None,
            import_key: None,
            closed: false,
        };
        let documents = [scribe.book().into(), member.into(), account.into()];
        scribe.create_documents(&*store, &documents).await;
        let mut home = Self { store, counting, scribe };
        home.record(0..count).await;
        home
    }

    /// The book as an engine that starts now sees it.
    fn opened(&self) -> BookHandle {
        let store = Arc::clone(&self.store);
        let engine = Engine::new(store, Arc::new(SystemClock), Arc::new(RandomIds::new().unwrap()));
        engine.book(self.scribe.book_id, Context::new("anna".parse().unwrap()))
    }

    async fn kept(&self) -> Option<Snapshot> {
        self.store.snapshot(self.scribe.book_id).await.unwrap()
    }

    async fn keep(&self, snapshot: Snapshot) {
        self.store.keep_snapshot(self.scribe.book_id, snapshot).await.unwrap();
    }

    async fn record(&mut self, numbers: std::ops::Range<i64>) {
        let transactions = numbers.map(|number| {
            let date = format!("2024-{:02}-{:02}", number % 12 + 1, number % 28 + 1);
            let mut bare = self.scribe.transaction(&date, -100 * number - 25);
            bare.payee = Some(format!("Shop {}", number % 100));
            if number % 7 == 0 {
                bare.tags.push("home".to_owned());
            }
            bare
        });
        let transactions = transactions.collect();
        self.scribe.create(&*self.store, transactions).await;
    }

    /// What an engine that starts now tells, and whether it read rows.
    async fn figures(&self) -> (Value, bool) {
        let before = self.counting.reads.load(Ordering::SeqCst);
        let book = self.opened();
        let balances = book.reports().balances(read(json!({})).unwrap()).await.unwrap();
        let payees = book.reports().top_payees(read(json!({})).unwrap()).await.unwrap();
        let report = json!({"report": {"measure": "net", "by": ["tag", "month"]}});
        let tagged = book.reports().run(read(report).unwrap()).await.unwrap();
        let told = json!([balances, payees, tagged.rows]);
        (told, self.counting.reads.load(Ordering::SeqCst) > before)
    }

    /// The same of rows.
    async fn figures_of_rows(&self) -> Value {
        let kept = self.kept().await.unwrap();
        self.keep(Snapshot { bytes: Vec::new(), ..kept }).await;
        let (figures, by_rows) = self.figures().await;
        assert!(by_rows);
        figures
    }
}

#[tokio::test]
async fn a_large_book_opens_from_what_was_kept() {
    // Holds: the second engine reads no rows; neither does one that starts after more commits,
    // which it catches up with; all tell what the rows tell.
    let mut home = Home::new(10_500).await;
    let (first, by_rows) = home.figures().await;
    assert!(by_rows);
    assert_eq!(home.figures().await, (first.clone(), false));
    home.record(10_500..10_503).await;
    let (second, by_rows) = home.figures().await;
    assert!(!by_rows);
    assert_ne!(second, first);
    assert_eq!(home.figures_of_rows().await, second);
}

#[tokio::test]
async fn a_kept_view_that_does_not_fit_is_not_believed() {
    // Holds: bytes that were altered, those of a commit that the history does not have, and those
    // that are further behind than reading the rows is dear, are passed over for the rows, and a
    // view of now is kept in their place where none of a later commit is.
    let mut home = Home::new(10_500).await;
    let (figures, _) = home.figures().await;
    let kept = home.kept().await.unwrap();
    let mut altered = kept.clone();
    if let Some(byte) = altered.bytes.last_mut() {
        *byte ^= 1;
    }
    let head = Head { hash: Hash::of(&[b"another"]), ..kept.head };
    let mut foreign = View::from_bytes(kept.head.hash, &kept.bytes).unwrap();
    foreign.set_head(head.hash);
    let foreign = Snapshot { head, bytes: foreign.to_bytes() };
    for snapshot in [altered, foreign] {
        home.keep(snapshot).await;
        assert_eq!(home.figures().await, (figures.clone(), true));
        assert_eq!(home.kept().await, Some(kept.clone()));
        assert_eq!(home.figures().await, (figures.clone(), false));
    }
    home.record(10_500..24_000).await;
    let (more, by_rows) = home.figures().await;
    assert!(by_rows, "13,500 changes are more than 10,000 and a quarter of 10,500");
    assert_eq!(home.figures().await, (more, false));
}

#[tokio::test]
async fn an_engine_that_goes_on_keeps_its_view_again() {
    // Holds: where an eighth of the transactions is new, the next figure keeps the view anew; where
    // less is, it stays as it is. A small book is not kept at all.
    let mut home = Home::new(10_500).await;
    let book = home.opened();
    let balances = async || drop(book.reports().balances(read(json!({})).unwrap()).await.unwrap());
    balances().await;
    let first = home.kept().await.map(|it| it.head.seq);
    home.record(10_500..11_500).await;
    balances().await;
    assert_eq!(home.kept().await.map(|it| it.head.seq), first);
    home.record(11_500..12_500).await;
    balances().await;
    assert_eq!(home.kept().await.map(|it| it.head.seq), first.map(|seq| seq + 2));

    let small = Home::new(100).await;
    small.figures().await;
    assert_eq!(small.kept().await, None);
}
