//! What a person or the bank said of a transaction: rules that run later do not undo it.

use fiscaflow_core::TransactionId;
use fiscaflow_core::model::{Source, SourceKind, Transaction};
use serde_json::{Value, json};

use super::{Home, shape};

impl Home {
    async fn now(&self, id: TransactionId) -> Transaction {
        self.book.transactions().get(id).await.unwrap()
    }

    /// The transaction after all rules have run again.
    async fn applied(&self, id: TransactionId) -> Transaction {
        self.book.rules().apply().await.unwrap();
        self.now(id).await
    }

    async fn change(&self, id: TransactionId, patch: Value) -> Transaction {
        self.book.transactions().update(id, shape(patch)).await.unwrap()
    }
}

fn about(description: &str) -> Value {
    json!({"kind": "text", "field": "description", "op": "is", "values": [description]})
}

fn by(source: &Option<Source>) -> Option<SourceKind> {
    source.as_ref().map(|source| source.kind)
}

#[tokio::test]
async fn a_merge_keeps_a_person_s_words() {
    // Holds: a person's notes and tags, or that there are none, win over a rule's, whichever of the
    // two stays, and are still there when the rules have run again; of two persons' notes the first
    // are kept.
    let home = Home::new().await;
    let actions = json!([{"kind": "set_notes", "notes": "by rule"},
        {"kind": "set_tags", "tags": ["auto"]}]);
    home.rule(json!({"condition": about("ruled"), "actions": actions})).await;
    let record = async |further| home.record("2026-03-01", "-1", further).await;
    let merge = async |kept: &Transaction, absorbed: &Transaction| {
        let merge = shape(json!({"absorbed_id": absorbed.id}));
        home.book.transactions().merge(kept.id, merge).await.unwrap();
        home.applied(kept.id).await
    };
    let mine = json!({"description": "other", "notes": "mine", "tags": ["own"]});
    for turned in [false, true] {
        let ruled = record(json!({"description": "ruled"})).await;
        assert_eq!(
            (ruled.notes.as_deref(), by(&ruled.tags_source)),
            (Some("by rule"), Some(SourceKind::Rule))
        );
        let other = record(mine.clone()).await;
        let (kept, absorbed) = if turned { (other, ruled) } else { (ruled, other) };
        let merged = merge(&kept, &absorbed).await;
        assert_eq!((merged.notes.as_deref(), &merged.notes_source), (Some("mine"), &None));
        assert_eq!(merged.tags, ["auto", "own"]);
        assert_eq!(by(&merged.tags_source), Some(SourceKind::User));
    }
    let ruled = record(json!({"description": "ruled"})).await;
    let emptied = record(json!({"description": "other"})).await;
    let emptied = home.change(emptied.id, json!({"clear": ["notes"]})).await;
    assert_eq!(merge(&ruled, &emptied).await.notes, None);
    let first = record(json!({"description": "other", "notes": "first"})).await;
    let second = record(mine).await;
    assert_eq!(merge(&first, &second).await.notes.as_deref(), Some("first"));
}

#[tokio::test]
async fn notes_set_to_an_empty_text_stay_empty() {
    // Holds: notes that a person emptied, or recorded as empty, are not written by a rule.
    let home = Home::new().await;
    let recorded = home.record("2026-03-01", "-1", json!({"notes": "mine"})).await;
    let actions = json!([{"kind": "set_notes", "notes": "by rule"},
        {"kind": "append_notes", "notes": "more"}]);
    home.rule(json!({"actions": actions})).await;
    home.change(recorded.id, json!({"notes": ""})).await;
    let without = home.record("2026-03-01", "-1", json!({"notes": ""})).await;
    let open = home.record("2026-03-01", "-1", json!({})).await;
    for id in [recorded.id, without.id] {
        assert_eq!(home.applied(id).await.notes.unwrap_or_default(), "");
    }
    assert_eq!(home.now(open.id).await.notes.as_deref(), Some("by rule\nmore"));
    home.change(open.id, json!({"notes": ""})).await;
    assert_eq!(home.applied(open.id).await.notes.unwrap_or_default(), "");
}
