//! The history of one object.

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
        let changes = home.book.history().object(actor.to_owned()).await.unwrap();
        assert_eq!(changes.len(), 1, "{actor:?}");
    }
    assert!(home.book.history().object("ob".to_owned()).await.is_err());
}
