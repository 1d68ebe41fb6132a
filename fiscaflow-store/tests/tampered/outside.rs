//! What lies outside the history: how far events were delivered, and the view that is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use fiscaflow_core::outbox::{EventSink, Outgoing, Relay, RelayOptions, Undelivered};
use fiscaflow_core::store::{ColumnRow, SetAsideQuery, Snapshot, verify_book};
use fiscaflow_core::view::{View, ViewBuilder};
use fiscaflow_store::{RandomIds, SystemClock};
use serde_json::json;

use super::book::Home;
use super::changes::{Tampered, Vandal};

/// Of what no commit tells: who delivers, how often that was tried, why it failed, and that an
/// event was set aside at all. A mark too many has a relay look once more, and a view may be
/// forgotten.
const UNTOLD: &[&str] = &[
    "books.moved",
    "deliveries.version",
    "deliveries.tries",
    "deliveries.misses",
    "deliveries.failure",
    "deliveries.retry_at",
    "deliveries.waits",
    "set_aside.book_id",
    "set_aside.tries",
    "set_aside.reason",
    "set_aside.at",
    "snapshots.book_id",
];

/// A sink that does not take every third event, or so.
#[derive(Debug)]
struct Picky;

#[async_trait]
impl EventSink for Picky {
    fn name(&self) -> &str {
        "hooks"
    }

    async fn tell(&self, events: &[Outgoing]) -> Result<(), Undelivered> {
        let bad = events.iter().position(|it| it.event.name.contains("account"));
        bad.map_or(Ok(()), |bad| Err(Undelivered::refused(bad, "cannot read it")))
    }
}

/// Delivers what is there; some of it is set aside.
pub async fn deliver(home: &Home) {
    let ids = RandomIds::new().unwrap();
    let options = RelayOptions { tries: 1, ..RelayOptions::default() };
    let (store, clock) = (Arc::clone(&home.store), Arc::new(SystemClock));
    let relay = Relay::new(store, clock, &ids, Arc::new(Picky), options).unwrap();
    for _ in 0..3 {
        relay.round().await.unwrap();
    }
    let all = SetAsideQuery { limit: 9, ..SetAsideQuery::default() };
    let aside = home.store.set_aside(home.id, "hooks", &all).await.unwrap();
    assert!(aside.len() >= 2, "{aside:?}");
}

/// A view of the rows, each as it is made to be.
async fn view(home: &Home, mut made: impl FnMut(&mut ColumnRow)) -> Snapshot {
    let mut builder = ViewBuilder::default();
    for mut row in home.store.columns(home.id, None, u32::MAX).await.unwrap() {
        made(&mut row);
        builder.add(&row);
    }
    let (mut view, head) = (builder.build(), home.store.head(home.id).await.unwrap().unwrap());
    view.set_head(head.hash);
    let bytes = view.to_bytes();
    assert!(View::from_bytes(head.hash, &bytes).is_some());
    Snapshot { head, bytes }
}

/// Keeps the right view.
pub async fn keep_view(home: &Home) {
    let right = view(home, |_| {}).await;
    home.store.keep_snapshot(home.id, right).await.unwrap();
}

/// Changes everything that is kept of a book: each column of each table, but for those of which
/// nothing tells. Answers how often, by table.
pub async fn change_all<T: Tampered>(home: &Home, database: T) -> BTreeMap<&'static str, u64> {
    let (store, book_id) = (&*home.store, home.id);
    let mut vandal = Vandal {
        database,
        store,
        book_id,
        untold: UNTOLD,
        done: BTreeMap::new(),
        changed: BTreeSet::new(),
    };
    let inside = ["books", "commits", "answers", "documents", "transactions", "origins"];
    let outside = ["deliveries", "set_aside", "snapshots"];
    assert_eq!(verify_book(store, book_id).await.unwrap().findings, []);
    for table in inside {
        vandal.change_values(table).await;
        vandal.move_rows(table).await;
    }
    deliver(home).await;
    keep_view(home).await;
    assert_eq!(verify_book(store, book_id).await.unwrap().findings, []);
    for table in outside {
        vandal.change_values(table).await;
    }
    for name in inside.into_iter().chain(outside) {
        for column in vandal.database.table(name).await.columns {
            let path = format!("{name}.{}", column.name);
            assert_ne!(UNTOLD.contains(&&*path), vandal.changed.contains(&path), "{path}");
        }
    }
    hide_what_waits(home, &mut vandal).await;
    assert!(verify_book(store, book_id).await.unwrap().verified);
    vandal.done
}

/// Events wait, and the mark that says so is taken away.
async fn hide_what_waits<T: Tampered>(home: &Home, vandal: &mut Vandal<'_, T>) {
    home.spend("-1.00", "zuletzt").await;
    assert!(verify_book(&*home.store, home.id).await.unwrap().verified);
    for moved in ["0", "1"] {
        assert!(vandal.set("books", "moved", moved).await);
        let found = verify_book(&*home.store, home.id).await.unwrap();
        let fields = found.findings.iter().map(|it| (&*it.kind, it.fields.join(" ")));
        let lost = [("delivery", "waits".to_owned())];
        let expected = if moved == "0" { &lost[..] } else { &[] };
        assert_eq!(fields.collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn a_view_that_tells_other_figures_is_found() {
    // Holds: a view is moved on to the newest commit and compared, whole: one whose bytes fit but
    // which was made of other rows is found, whichever field is another; a right one is not,
    // however old it is.
    let store = fiscaflow_store::open("sqlite::memory:").await.unwrap();
    let home = Home::new(store, 1).await;
    home.fill().await;
    let former = home.spend("-3.00", "davor").await;
    home.spend("-3.00", "am selben Tag").await;
    keep_view(&home).await;
    // From here on it stands behind the other one.
    let change = json!({"notes": "geändert"});
    home.attempt("transactions.update", former.as_str(), change).await.unwrap();
    for _ in 0..2 {
        let found = verify_book(&*home.store, home.id).await.unwrap();
        assert_eq!(found.findings, []);
        home.spend("-3.00", "danach").await;
    }
    type Change = fn(&mut ColumnRow);
    let changes: [Change; 7] = [
        |row| row.amount_minor += 1,
        |row| row.booking_date = row.booking_date.succ_opt().unwrap(),
        |row| row.payee = Some("Anderer".to_owned()),
        |row| row.transfer = !row.transfer,
        |row| row.counts = false,
        |row| row.tags.push("z".to_owned()),
        |row| row.category_id = None,
    ];
    for change in changes {
        let mut left = 1;
        let forged = view(&home, |row| {
            let wanted = row.counts && row.splits.is_empty() && row.category_id.is_some();
            if wanted && left > 0 {
                left -= 1;
                change(row);
            }
        });
        home.store.keep_snapshot(home.id, forged.await).await.unwrap();
        let found = verify_book(&*home.store, home.id).await.unwrap();
        let kinds: Vec<&str> = found.findings.iter().map(|it| &*it.kind).collect();
        assert_eq!(kinds, ["view"]);
    }
    keep_view(&home).await;
    assert!(verify_book(&*home.store, home.id).await.unwrap().verified);
}
