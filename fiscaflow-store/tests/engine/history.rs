//! The history of one object.

use fiscaflow_core::engine::ObjectQuery;
use serde_json::json;

use super::{Home, shape};

#[tokio::test]
async fn a_member_of_any_id_has_a_history() {
    // Holds: ids that JSON has to escape are found like others, and no other member's id is.
    let home = Home::new().await;
    let actors = ["b\"ob", "o'neil", "dom\\bob", "bob", "käthe", "\u{2028}", "a/b"];
    for actor in actors {
        let put = json!({"actor": actor, "role": "viewer", "name": null});
        home.book.members().put(shape(put)).await.unwrap();
    }
    for actor in actors {
        let changes =
            home.book.history().object(actor.to_owned(), ObjectQuery::default()).await.unwrap();
        assert_eq!(changes.len(), 1, "{actor:?}");
    }
    assert!(home.book.history().object("ob".to_owned(), ObjectQuery::default()).await.is_err());
}

#[tokio::test]
async fn a_page_of_the_history_is_as_long_as_asked_for() {
    // Holds: the history and the events list exactly the commits between, however many are read at
    // a time.
    let home = Home::new().await;
    for day in 1..=28 {
        for amount in ["-1", "-2"] {
            home.record(&format!("2026-03-{day:02}"), amount, json!({})).await;
        }
    }
    let last = home.book.history().verify().await.unwrap().commits;
    for (after, limit) in [(0, 1), (0, 16), (3, 17), (2, 40), (last - 1, 500), (last, 500)] {
        let expected: Vec<u64> = (after + 1..=last).take(usize::try_from(limit).unwrap()).collect();
        let query = || shape(json!({"after": after, "limit": limit}));
        let listed = home.book.history().list(query()).await.unwrap();
        assert_eq!(listed.iter().map(|it| it.seq).collect::<Vec<_>>(), expected);
        let mut told: Vec<u64> =
            home.book.events().list(query()).await.unwrap().iter().map(|it| it.seq).collect();
        told.dedup();
        assert_eq!(told, expected);
    }
}
