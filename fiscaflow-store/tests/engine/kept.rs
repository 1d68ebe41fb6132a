//! What a person or the bank said of a transaction: rules that run later do not undo it.

use fiscaflow_core::engine::{ImportReport, NewImport};
use fiscaflow_core::model::{Source, SourceKind, Status, Transaction};
use fiscaflow_core::{ErrorCode, TransactionId};
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

    /// Imports a statement with one entry, which may correct an earlier one.
    async fn bank(&self, day: u32, id: &str, amount: &str, correction: &str) -> ImportReport {
        let content = format!(
            "<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>77</BANKACCTFROM><BANKTRANLIST>\n\
             <STMTTRN><DTPOSTED>202603{day:02}<TRNAMT>{amount}<FITID>{id}{correction}<NAME>SHOP\
             </STMTTRN>\n</BANKTRANLIST></STMTRS></OFX>"
        );
        let account_id = Some(self.account.id);
        let new = NewImport { content: content.into(), account_id, ..NewImport::default() };
        let report = self.book.imports().create(new).await.unwrap();
        assert_eq!(report.problems, []);
        report
    }

    async fn only(&self) -> Transaction {
        let items = self.book.transactions().list(Default::default()).await.unwrap().items;
        assert_eq!(items.len(), 1);
        items.into_iter().next().unwrap()
    }
}

fn about(description: &str) -> Value {
    json!({"kind": "text", "field": "description", "op": "is", "values": [description]})
}

fn by(source: &Option<Source>) -> Option<SourceKind> {
    source.as_ref().map(|source| source.kind)
}

fn parts(it: &Transaction) -> Vec<i64> {
    it.splits.iter().map(|part| part.amount.minor()).collect()
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

/// A book whose rule splits what is bought in a shop.
async fn splitting() -> Home {
    let home = Home::new().await;
    let food = home.category("Food", None).await;
    let parts = json!([{"percent": "30", "category_id": food.id}, {}]);
    let actions = json!([{"kind": "split", "parts": parts}]);
    home.rule(json!({"condition": about("shop"), "actions": actions})).await;
    home
}

#[tokio::test]
async fn a_person_changes_the_amount_of_what_a_rule_split() {
    // Holds: the rule's parts go and come anew with the next application; parts of a person have to
    // add up; other changes and the same amount leave the parts.
    let home = splitting().await;
    let it = home.record("2026-03-01", "-10", json!({"description": "shop"})).await;
    assert_eq!(parts(&it), [-300, -700]);
    let same = home.change(it.id, json!({"amount": "-10.00", "notes": "x"})).await;
    assert_eq!(
        (parts(&same), by(&same.category_source)),
        (vec![-300, -700], Some(SourceKind::Rule))
    );
    let changed = home.change(it.id, json!({"amount": "-20"})).await;
    assert_eq!((parts(&changed), &changed.category_source), (vec![], &None));
    assert_eq!(parts(&home.applied(it.id).await), [-600, -1_400]);

    let own = json!({"amount": "-5", "splits": [{"amount": "-1"}, {"amount": "-4"}]});
    assert_eq!(parts(&home.change(it.id, own).await), [-100, -400]);
    let patch = shape(json!({"amount": "-6"}));
    let error = home.book.transactions().update(it.id, patch).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SplitSum);
}

#[tokio::test]
async fn the_bank_changes_the_amount_of_what_a_rule_split() {
    // Holds: a rule splits the bank's new amount anew, and undoing that import brings back the
    // amount with its parts; a person's parts stay, with one for what the bank added.
    let home = splitting().await;
    home.bank(1, "a1", "-10.00", "").await;
    let before = home.only().await;
    assert_eq!(parts(&before), [-300, -700]);
    let report = home.bank(2, "a1", "-20.00", "").await;
    let it = home.only().await;
    assert_eq!((parts(&it), by(&it.category_source)), (vec![-600, -1_400], Some(SourceKind::Rule)));
    home.book.imports().undo(report.import_id.unwrap()).await.unwrap();
    let after = Transaction { revision: before.revision, ..home.only().await };
    assert_eq!(after, before);

    let own = json!({"splits": [{"amount": "-1"}, {"amount": "-9"}]});
    home.change(it.id, own).await;
    home.bank(2, "a1", "-20.00", "").await;
    assert_eq!(parts(&home.only().await), [-100, -900, -1_000]);
}

#[tokio::test]
async fn what_no_rule_splits_any_more_is_whole() {
    // Holds: where the rule is gone, the bank's new amount has no parts; undoing the import brings
    // the parts back, or where a person gave it a category since, the amount alone.
    for categorised in [false, true] {
        let home = splitting().await;
        home.bank(1, "a1", "-10.00", "").await;
        let before = home.only().await;
        let rule = home.book.rules().list().await.unwrap()[0].id;
        home.book.rules().delete(rule).await.unwrap();
        let report = home.bank(2, "a1", "-20.00", "").await;
        let it = home.only().await;
        assert_eq!((parts(&it), &it.category_source), (vec![], &None));
        let fun = home.category("Fun", None).await.id;
        if categorised {
            home.change(it.id, json!({"category_id": fun})).await;
        }
        home.book.imports().undo(report.import_id.unwrap()).await.unwrap();
        let after = home.only().await;
        assert_eq!(after.amount, before.amount);
        if categorised {
            assert_eq!((after.category_id, parts(&after)), (Some(fun), vec![]));
        } else {
            assert_eq!(Transaction { revision: before.revision, ..after }, before);
        }
    }
}

#[tokio::test]
async fn what_the_bank_took_back_stays_void() {
    // Holds: a status that a rule gave makes way for the bank's void, which no rule undoes; undoing
    // that import brings back the rule's. So too where the deletion comes before its row.
    let home = Home::new().await;
    home.rule(json!({"actions": [{"kind": "set_status", "status": "pending"}]})).await;
    home.bank(1, "a1", "-10.00", "").await;
    let before = home.only().await;
    assert_eq!(
        (before.status, by(&before.status_source)),
        (Status::Pending, Some(SourceKind::Rule))
    );
    let deletes = "<CORRECTFITID>a1<CORRECTACTION>DELETE";
    let report = home.bank(2, "a2", "-10.00", deletes).await;
    let it = home.applied(before.id).await;
    assert_eq!((it.status, &it.status_source), (Status::Void, &None));
    home.book.imports().undo(report.import_id.unwrap()).await.unwrap();
    assert_eq!(Transaction { revision: before.revision, ..home.only().await }, before);

    let home = Home::new().await;
    home.rule(json!({"actions": [{"kind": "set_status", "status": "pending"}]})).await;
    home.bank(2, "a2", "-10.00", deletes).await;
    let it = home.only().await;
    assert_eq!(home.applied(it.id).await.status, Status::Void);
}

#[tokio::test]
async fn what_the_bank_takes_back_by_its_id_stays_void() {
    // Holds: a rule's status makes way for the bank's, be it a booking or a removal, and no rule
    // brings back what was removed.
    let home = Home::new().await;
    home.rule(json!({"actions": [{"kind": "set_status", "status": "pending"}]})).await;
    home.bank(1, "a1", "-10.00", "").await;
    home.bank(2, "a1", "-12.00", "").await;
    let it = home.only().await;
    assert_eq!((it.status, &it.status_source), (Status::Posted, &None));
    assert_eq!(home.applied(it.id).await.status, Status::Pending);
    let removed = json!({"added": [], "modified": [], "removed": [{"transaction_id": "a1"}],
        "next_cursor": "c", "has_more": false});
    let content = removed.to_string().into_bytes();
    let report = home.book.imports().create(NewImport { content, ..Default::default() }).await;
    assert_eq!(report.unwrap().removed, 1);
    let it = home.applied(it.id).await;
    assert_eq!((it.status, &it.status_source), (Status::Void, &None));
}

#[tokio::test]
async fn an_account_that_a_rule_names_outlives_its_import() {
    // Holds: undoing an import leaves the account that it made where a rule names it, so that the
    // rule can still be changed and names nothing that is gone; otherwise the account goes.
    for named in ["condition", "actions", ""] {
        let home = Home::new().await;
        let content = b"<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>88</BANKACCTFROM>\
            <BANKTRANLIST><STMTTRN><DTPOSTED>20260301<TRNAMT>-3<FITID>f1<NAME>x</STMTTRN>\
            </BANKTRANLIST></STMTRS></OFX>";
        let new =
            NewImport { content: content.to_vec(), create_accounts: true, ..Default::default() };
        let report = home.book.imports().create(new).await.unwrap();
        let made = report.statements[0].account_id.unwrap();
        let mut rule = json!({"actions": [{"kind": "add_tag", "tag": "t"}]});
        match named {
            "condition" => rule["condition"] = json!({"kind": "account", "ids": [made]}),
            "actions" => rule["actions"] = json!([{"kind": "mark_transfer", "account_id": made}]),
            _ => {}
        }
        let rule = home.rule(rule).await;
        home.book.imports().undo(report.import_id.unwrap()).await.unwrap();
        let accounts = home.book.accounts().list().await.unwrap();
        assert_eq!(accounts.iter().any(|it| it.id == made), !named.is_empty(), "{named}");
        home.book.rules().update(rule.id, shape(json!({"name": "other"}))).await.unwrap();
    }
}
