//! What `Debug` shows of requests and commits: nothing that a person wrote.

use fiscaflow_core::api::{Call, CallText};
use fiscaflow_core::engine::Context;
use fiscaflow_core::log::{Change, CommitInfo, Draft};
use fiscaflow_core::store::ColumnRow;
use fiscaflow_core::view::View;
use serde_json::json;

use super::{Home, anna, shape};

#[tokio::test]
async fn no_reason_reaches_a_log() {
    // Holds: the reason of a request, and the request itself, are in no `Debug` text; who acts is.
    let home = Home::new().await;
    let reason = || Some("Secret present for Ben".to_owned());
    let context = Context { reason: reason(), ..anna() };
    let info = CommitInfo {
        actor: context.actor.clone(),
        at: chrono::DateTime::UNIX_EPOCH,
        action: "books.create".to_owned(),
        reason: reason(),
        correlation_id: None,
        causation_id: None,
    };
    let draft = Draft {
        book_id: home.id,
        parent: None,
        info: info.clone(),
        changes: vec![Change::create(home.account.clone())],
        events: Vec::new(),
        idempotency: None,
    };
    let call = Call {
        verb: "accounts.create".to_owned(),
        book_id: Some(home.id),
        context: context.clone(),
        id: None,
        request: Some(json!({"name": "Secret"})),
    };
    let text = CallText { context: "Secret".to_owned(), ..CallText::default() };
    let handle = home.engine.book(home.id, context.clone());
    let shown = [
        format!("{context:?}"),
        format!("{info:?}"),
        format!("{draft:?}"),
        format!("{call:?}"),
        format!("{handle:?}"),
        format!("{:?}", handle.transactions()),
        format!("{text:?}"),
    ];
    for text in &shown {
        assert!(!text.contains("Secret"), "{text}");
    }
    assert!(shown.iter().take(5).all(|text| text.contains("anna")));
}

#[tokio::test]
async fn what_is_kept_in_memory_reaches_no_log() {
    // Holds: an engine whose book has payees, rules and figures in memory shows none of their texts
    // and amounts, and neither does what figures are computed from.
    let home = Home::new().await;
    let food = home.category("Secret food", None).await.id;
    let rule = json!({"name": "Secret rule", "actions": [{"kind": "set_payee", "payee": "Secret"}],
        "condition": {"kind": "text", "field": "payee", "op": "regex", "values": ["Secret.*"]}});
    home.book.rules().create(shape(rule)).await.unwrap();
    let further = json!({"payee": "Secret café", "description": "Secret", "category_id": food});
    let one = home.record("2026-03-01", "-7654.32", further).await;
    home.book.reports().spending(shape(json!({}))).await.unwrap();
    let row = ColumnRow::from(&one);
    let mut view = View::new();
    view.put(&row);
    let lines: Vec<_> = view.lines().collect();
    let shown = [
        format!("{:?}", home.engine),
        format!("{:?}", home.book),
        format!("{row:?}"),
        format!("{view:?}"),
        format!("{lines:?}"),
        format!("{:?}", Change::create(one)),
    ];
    for text in &shown {
        assert!(
            !text.contains("Secret") && !text.contains("7654") && !text.contains("765432"),
            "{text}"
        );
    }
    assert!(shown.iter().take(2).all(|text| text.contains("Engine")));
}
