//! Rules in a book: what they leave is within every limit, and they leave it alike each time.

use fiscaflow_core::engine::{ExportQuery, NewImport};
use fiscaflow_core::export::ExportFormat;
use fiscaflow_core::limits::MAX_TAGS;
use fiscaflow_core::model::Rule;
use fiscaflow_core::rules::BacktestQuery;
use fiscaflow_core::{CategoryId, ErrorCode};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{Home, expressions, shape};

impl Home {
    pub(super) async fn rule(&self, further: Value) -> Rule {
        let mut new = json!({"name": "rule", "condition": {"kind": "all", "of": []}});
        for (name, value) in further.as_object().unwrap() {
            new[name] = value.clone();
        }
        self.book.rules().create(shape(new)).await.unwrap()
    }
}

fn add_tags(rule: usize) -> Value {
    (0..30).map(|tag| json!({"kind": "add_tag", "tag": format!("{rule}-{tag:02}")})).collect()
}

#[tokio::test]
async fn rules_add_as_many_tags_as_there_is_room_for() {
    // Holds: the tags of the rules that run first are taken up to the limit, recording and applying
    // agree, and the transaction can still be changed.
    let home = Home::new().await;
    let before = home.record("2026-03-01", "-1", json!({})).await;
    home.rule(json!({"priority": 1, "actions": add_tags(0)})).await;
    home.rule(json!({"priority": 0, "actions": add_tags(1)})).await;
    let recorded = home.record("2026-03-01", "-1", json!({})).await;
    let wanted: Vec<String> = (0..30)
        .map(|tag| format!("0-{tag:02}"))
        .chain((0..20).map(|tag| format!("1-{tag:02}")))
        .collect();
    assert_eq!((recorded.tags.len(), &recorded.tags), (MAX_TAGS, &wanted));
    home.book.rules().apply().await.unwrap();
    let transactions = home.book.transactions();
    assert_eq!(transactions.get(before.id).await.unwrap().tags, wanted);
    assert_eq!(home.book.rules().apply().await.unwrap().changed, 0);
    let changed = transactions.update(recorded.id, shape(json!({"notes": "x"}))).await.unwrap();
    assert_eq!(changed.tags, wanted);
    let explanation = transactions.explain(recorded.id).await.unwrap();
    let lost = explanation.candidates.iter().filter(|candidate| !candidate.won);
    assert!(lost.clone().all(|candidate| candidate.why.contains("at most 50 tags")));
    assert_eq!(lost.count(), 10);
}

fn text(field: &str, op: &str, value: &str) -> Value {
    json!({"kind": "text", "field": field, "op": op, "values": [value]})
}

/// Rules of every kind, of which some depend on others.
fn draft(food: CategoryId, fun: CategoryId) -> Vec<Value> {
    let conditions = [
        text("description", "contains", "rewe"),
        text("payee", "is", "market"),
        text("description", "regex", "card (\\d+)"),
        json!({"kind": "amount", "below": "-20"}),
        json!({"kind": "not", "of": [{"kind": "has", "what": "category"}]}),
        json!({"kind": "category", "ids": [food]}),
        json!({"kind": "balance", "max": "-60"}),
        json!({"kind": "weekday", "is": ["monday"]}),
    ];
    let actions = [
        json!({"kind": "set_payee", "payee": "Market"}),
        json!({"kind": "set_category", "category_id": food}),
        json!({"kind": "append_notes", "notes": "card $1"}),
        json!({"kind": "split", "parts": [{"percent": "30", "category_id": fun}, {}]}),
        json!({"kind": "set_category", "category_id": fun}),
        json!({"kind": "add_tag", "tag": "eaten"}),
        json!({"kind": "flag", "reason": "low"}),
        json!({"kind": "set_status", "status": "disputed"}),
    ];
    conditions
        .iter()
        .zip(&actions)
        .zip(0..)
        .map(|((condition, action), place)| {
            let id = format!("018f0000-0000-7000-8000-{place:012}");
            json!({"id": id, "name": id, "condition": condition, "actions": [action]})
        })
        .collect()
}

#[tokio::test]
async fn trying_and_doing_cannot_differ() {
    // Holds: what a backtest of a draft says of each field is what the same rules, once made and
    // applied, leave there; and the book's own rules, tried, change what applying them changes.
    let home = Home::new().await;
    let food = home.category("Food", None).await;
    let fun = home.category("Fun", None).await;
    let draft = draft(food.id, fun.id);
    let rows = [
        ("2026-03-02", "-5", json!({"description": "REWE card 12"})),
        ("2026-03-03", "-50", json!({"description": "rent"})),
        ("2026-03-04", "-7", json!({"description": "rewe", "category_id": fun.id})),
        ("2026-03-09", "-9", json!({"payee": "market", "notes": "mine"})),
        ("2026-03-10", "100", json!({"description": "wages", "status": "posted"})),
    ];
    let mut before = Vec::new();
    for (day, amount, further) in &rows {
        before.push(home.record(day, amount, further.clone()).await);
    }
    let tried = home.book.rules().backtest(shape(json!({"rules": draft}))).await.unwrap();
    for rule in &draft {
        home.book.rules().create(shape(rule.clone())).await.unwrap();
    }
    let own = home.book.rules().backtest(shape(json!({}))).await.unwrap();
    assert_eq!((own.would_change, own.changed), (tried.would_change, 0));
    let done = home.book.rules().apply().await.unwrap();
    assert_eq!((done.examined, done.changed), (tried.examined, tried.would_change));
    let mut changed = 0;
    for before in &before {
        let after = home.book.transactions().get(before.id).await.unwrap();
        let was = serde_json::to_value(before).unwrap();
        let is = serde_json::to_value(&after).unwrap();
        for field in ["category_id", "splits", "payee", "tags", "notes", "status", "metadata"] {
            let name = match field {
                "category_id" => "category",
                "metadata" => "review",
                field => field,
            };
            let told = |it: &&fiscaflow_core::rules::RuleChange| {
                it.transaction_id == before.id && it.field == name
            };
            let told = tried.changes.iter().find(told);
            assert_eq!(told.is_some(), was[field] != is[field], "{name} of {}", before.id);
            changed += u64::from(told.is_some());
            if let (Some(told), true) = (told, is[field].is_string()) {
                assert_eq!(told.after.as_deref(), is[field].as_str());
            }
        }
        assert_eq!(after.description, before.description);
    }
    assert_eq!(changed, tried.changed);
    assert!(changed > 5, "{changed}");
    let again = home.book.rules().backtest(shape(json!({}))).await.unwrap();
    assert_eq!(again.would_change, 0);
}

#[tokio::test]
async fn names_are_looked_up_again_when_they_change() {
    // Holds: a rule on the name of an account follows a renaming, and an import that makes the
    // account meets the rule.
    let home = Home::new().await;
    let tag = json!([{"kind": "add_tag", "tag": "named"}]);
    home.rule(json!({"condition": text("account", "is", "DE77"), "actions": tag})).await;
    let before = home.record("2026-03-01", "-1", json!({})).await;
    assert!(before.tags.is_empty());
    let file = b"<OFX><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>DE77</BANKACCTFROM><BANKTRANLIST>\
        <STMTTRN><DTPOSTED>20260302<TRNAMT>-3.20<FITID>f1<NAME>x</STMTTRN>\
        </BANKTRANLIST></STMTRS></OFX>";
    let new = fiscaflow_core::engine::NewImport {
        content: file.to_vec(),
        create_accounts: true,
        ..Default::default()
    };
    home.book.imports().create(new).await.unwrap();
    let listed = home.book.transactions().list(Default::default()).await.unwrap().items;
    assert_eq!(listed[0].tags, ["named"]);
    let account = listed[0].account_id;
    let accounts = home.book.accounts();
    accounts.update(account, shape(json!({"name": "Old"}))).await.unwrap();
    accounts.update(home.account.id, shape(json!({"name": "de77"}))).await.unwrap();
    let after = home.record("2026-03-01", "-1", json!({})).await;
    assert_eq!(after.tags, ["named"]);
}

/// Hostile expressions, how many rules with one are wanted, how many transactions, and their text.
/// In the ordinary tier the work is counted and not done: digits leave the expression at once.
fn hostile() -> (Box<dyn Iterator<Item = String>>, usize, usize, String) {
    if std::env::var_os("FISCAFLOW_DEEP").is_none() {
        let slow = (0..).map(|number| format!("[a-y]{{400}}z{number}"));
        return (Box::new(slow), 60, 90, "0".repeat(500));
    }
    let mut runner = TestRunner::deterministic();
    let pattern = expressions::pattern();
    let drawn = std::iter::repeat_with(move || pattern.new_tree(&mut runner).unwrap().current());
    (Box::new(drawn), 500, 10_000, "aé aaaa ".repeat(62))
}

#[tokio::test]
async fn rules_that_are_too_slow_leave_nothing_half_applied() {
    // Holds: applying, trying and importing end with an error that names one of the rules, and
    // neither the book nor its history has changed.
    let home = Home::new().await;
    let (patterns, wanted, rows, text) = hostile();
    let file = |year: u32| {
        let day = |row: usize| format!("{year}-{:02}-{:02}", 1 + row / 28 % 12, 1 + row % 28);
        let row = |row: usize| format!("{};-1.{:02};{text} {row}\n", day(row), row % 100);
        let rows: String = (0..rows).map(row).collect();
        let content = format!("Date;Amount;Description\n{rows}").into_bytes();
        NewImport { content, account_id: Some(home.account.id), ..NewImport::default() }
    };
    let imports = home.book.imports();
    assert_eq!(imports.create(file(2025)).await.unwrap().imported, rows as u64);
    let tag = json!([{"kind": "add_tag", "tag": "first"}]);
    let first = json!({"condition": {"kind": "all", "of": []}, "actions": tag, "priority": 9});
    home.rule(first).await;
    let mut ids = Vec::new();
    for pattern in patterns {
        let condition = json!({"kind": "text", "field": "description", "op": "regex",
            "values": [pattern]});
        let rule = json!({"name": "slow", "condition": condition,
            "actions": [{"kind": "add_tag", "tag": "slow"}]});
        match home.book.rules().create(shape(rule)).await {
            Ok(rule) => ids.push(rule.id.to_string()),
            Err(error) => assert_eq!(error.code(), ErrorCode::InvalidPattern),
        }
        if ids.len() == wanted {
            break;
        }
    }
    let whole = || async {
        let export = home.book.exports().create(ExportQuery { format: ExportFormat::Json }).await;
        (export.unwrap().content, home.book.history().verify().await.unwrap())
    };
    let before = whole().await;
    let begin = std::time::Instant::now();
    let applied = home.book.rules().apply().await.map(drop);
    println!("{wanted} rules, {rows} transactions: ended after {:?}", begin.elapsed());
    let tried = home.book.rules().backtest(BacktestQuery::default()).await.map(drop);
    let imported = imports.create(file(2026)).await.map(drop);
    for outcome in [applied, tried, imported] {
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), ErrorCode::RulesTooSlow);
        assert!(error.of_id().is_some_and(|id| ids.iter().any(|known| known == id)));
    }
    assert!(whole().await == before);
}

#[tokio::test]
async fn a_suggestion_tells_what_its_rule_does() {
    // Holds: what speaks for a suggested rule and against it, and what it would sort, is what its
    // own condition matches, also within longer words.
    let home = Home::new().await;
    let ids = [home.category("Food", None).await.id, home.category("Fun", None).await.id];
    let chosen = [("rewe", 0), ("rewe", 0), ("rewe", 0), ("brewery", 1), ("brewery", 1)];
    let open = ["brewery tap", "the rewe", "anything"];
    for (text, category) in chosen {
        let further = json!({"description": text, "category_id": ids[category]});
        home.record("2026-03-01", "-1", further).await;
    }
    for text in open {
        home.record("2026-03-01", "-1", json!({"description": text})).await;
    }
    let suggest = async |confidence: u8| {
        let query = shape(json!({"support": 2, "confidence": confidence}));
        let found = home.book.rules().suggest(query).await.unwrap();
        let told = found.iter().map(|it| {
            (it.rule.name.clone(), [it.support, it.against, it.would_categorise], it.confidence)
        });
        told.collect::<Vec<_>>()
    };
    let [rewe, brewery] = [("rewe", [3, 2, 2], 60), ("brewery", [2, 0, 1], 100)]
        .map(|(name, counts, confidence)| (name.to_owned(), counts, confidence));
    assert_eq!(suggest(90).await, std::slice::from_ref(&brewery));
    assert_eq!(suggest(60).await, [rewe, brewery]);
}

#[tokio::test]
async fn what_lies_behind_the_last_rule_to_run_is_tried_as_far_as_it_goes() {
    // Holds: rules that never run, for one before them is the last, cost trying nothing that it
    // needs: it ends as applying does, counts what it saw, and calls none of them dead.
    let home = Home::new().await;
    let zeros = "0".repeat(500);
    for row in 0..150 {
        let day = format!("2026-{:02}-{:02}", 1 + row / 28, 1 + row % 28);
        home.record(&day, "-1", json!({"description": zeros})).await;
    }
    let tag = json!([{"kind": "add_tag", "tag": "first"}]);
    home.rule(json!({"name": "last", "actions": tag, "priority": 9, "stop": true})).await;
    home.rule(json!({"name": "cheap", "actions": tag, "priority": 8})).await;
    for number in 0..60 {
        let condition = text("description", "regex", &format!("[a-y]{{400}}z{number}"));
        home.rule(json!({"name": "slow", "condition": condition, "actions": tag})).await;
    }
    let tried = home.book.rules().backtest(BacktestQuery::default()).await.unwrap();
    let applied = home.book.rules().apply().await.unwrap();
    assert_eq!((tried.would_change, tried.covered), (150, 150));
    assert_eq!((applied.examined, applied.changed), (150, 150));
    let cheap = tried.rules.iter().find(|it| it.name == "cheap").unwrap();
    assert!((1..150).contains(&cheap.stopped), "{}", cheap.stopped);
    assert!(cheap.shadowed && tried.rules.iter().all(|it| !it.dead));
}
