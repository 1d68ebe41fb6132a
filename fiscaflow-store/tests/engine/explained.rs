//! Why a transaction is as it is: what is said of rules that ran, and of those that did not.

use fiscaflow_core::model::{Rule, SourceKind};
use fiscaflow_core::{RuleId, TransactionId};
use serde_json::{Value, json};

use super::{Home, shape};

const NOT_APPLIED: &str = "the rules have not been applied since";

impl Home {
    /// A rule that always applies.
    async fn always(&self, priority: i32, actions: Value) -> RuleId {
        let condition = json!({"kind": "all", "of": []});
        let new = json!({"name": "rule", "condition": condition, "priority": priority,
            "actions": actions});
        self.book.rules().create(shape(new)).await.unwrap().id
    }

    async fn changed(&self, id: RuleId, actions: Value) -> Rule {
        self.book.rules().update(id, shape(json!({"actions": actions}))).await.unwrap()
    }

    async fn apply(&self) {
        self.book.rules().apply().await.unwrap();
    }

    /// What is said of a field: the value, by which rule (`None`: by a person), whether it won and
    /// why.
    async fn told(&self, id: TransactionId, field: &str) -> Vec<Told> {
        let all = self.book.transactions().explain(id).await.unwrap().candidates;
        let of = all.into_iter().filter(|it| it.field == field);
        of.map(|it| {
            let rule = it.source.reference.map(|id| id.parse().unwrap());
            assert_eq!(rule.is_none(), it.source.kind == SourceKind::User);
            (it.value, rule, it.won, it.why)
        })
        .collect()
    }
}

type Told = (String, Option<RuleId>, bool, String);

fn is(value: impl ToString, rule: Option<RuleId>, won: bool, why: &str) -> Told {
    (value.to_string(), rule, won, why.to_owned())
}

#[tokio::test]
async fn a_tag_is_the_persons_who_set_the_tags() {
    // Holds: a rule that would add a tag which a person set is not its winner, nor does it win one
    // that the person left out.
    let home = Home::new().await;
    let it = home.record("2026-03-01", "-1", json!({"tags": ["shop"]})).await.id;
    let tag = |tag: &str| json!({"kind": "add_tag", "tag": tag});
    let rule = home.always(0, json!([tag("shop"), tag("other")])).await;
    home.apply().await;
    let yields = "a rule yields to the user";
    let wanted = [
        is("shop", Some(rule), false, yields),
        is("other", Some(rule), false, yields),
        is("shop", None, true, "set by the user"),
    ];
    assert_eq!(home.told(it, "tags").await, wanted);
}

#[tokio::test]
async fn a_rule_that_was_not_applied_is_said_not_to_be() {
    // Holds: of a new rule, of a later new one and of a changed one it is said that the rules have
    // not been applied since, and a later rule is named only where there is one.
    let home = Home::new().await;
    let (food, fun) = (home.category("Food", None).await.id, home.category("Fun", None).await.id);
    let it = home.record("2026-03-01", "-1", json!({})).await.id;
    let given = |id, payee: &str| {
        json!([{"kind": "set_category", "category_id": id}, {"kind": "set_payee", "payee": payee},
            {"kind": "add_tag", "tag": payee}])
    };
    let first = home.always(3, given(food, "P")).await;
    for (field, value) in [("category", &*food.to_string()), ("payee", "P"), ("tags", "P")] {
        let waits = [is(value, Some(first), false, NOT_APPLIED)];
        assert_eq!(home.told(it, field).await, waits);
    }
    home.apply().await;
    let later = home.always(2, json!([{"kind": "set_category", "category_id": fun}])).await;
    let set = |won: bool, why: &str| is(food, Some(first), won, why);
    let waits = is(fun, Some(later), false, NOT_APPLIED);
    assert_eq!(home.told(it, "category").await, [set(true, "set by the rule"), waits]);
    home.apply().await;
    let wins = is(fun, Some(later), true, "set by the rule");
    assert_eq!(home.told(it, "category").await, [set(false, "a later rule wins"), wins]);
    home.changed(first, given(food, "Q")).await;
    let payee =
        [is("Q", Some(first), false, NOT_APPLIED), is("P", Some(first), true, "set by the rule")];
    assert_eq!(home.told(it, "payee").await, payee);
    let tags = [
        is("Q", Some(first), false, NOT_APPLIED),
        is("P", Some(first), true, "the rule set the tags last"),
    ];
    assert_eq!(home.told(it, "tags").await, tags);
}

#[tokio::test]
async fn what_is_there_already_is_said_to_be() {
    // Holds: of two rules with one tag the second is told that it is there, of a status that it is
    // so already, and of a line that a rule added to a person's notes that it stands in them.
    let home = Home::new().await;
    let it = home.record("2026-03-01", "-1", json!({"notes": "mine"})).await.id;
    let note = json!({"kind": "append_notes", "notes": "by rule"});
    let other = json!({"kind": "set_notes", "notes": "other"});
    let (tag, status) =
        (json!({"kind": "add_tag", "tag": "t"}), json!({"kind": "set_status", "status": "posted"}));
    let first = home.always(2, json!([tag, note, status])).await;
    let waits = is("mine\nby rule", Some(first), false, NOT_APPLIED);
    let mine = is("mine", None, true, "set by the user");
    assert_eq!(home.told(it, "notes").await, [waits, mine]);
    let later = home.always(1, json!([tag, other])).await;
    home.apply().await;
    let tags = [
        is("t", Some(first), true, "set by the rule"),
        is("t", Some(later), false, "it is there already"),
    ];
    assert_eq!(home.told(it, "tags").await, tags);
    let status = [
        is("posted", Some(first), false, "it is there already"),
        is("posted", None, true, "it came so from the user"),
    ];
    assert_eq!(home.told(it, "status").await, status);
    let notes = [
        is("by rule", Some(first), false, "it stands in the notes"),
        is("other", Some(later), false, "a rule yields to the user"),
        is("mine\nby rule", None, true, "set by the user"),
    ];
    assert_eq!(home.told(it, "notes").await, notes);
}

#[tokio::test]
async fn a_review_and_a_mark_have_winners() {
    // Holds: what stands there has one winner, though its rule is gone or changed or a person wrote
    // it, and nobody is said to have written what is not recorded.
    let home = Home::new().await;
    let savings = home.book.accounts().create(shape(json!({"name": "Savings"}))).await.unwrap().id;
    let flag = |reason: &str| json!([{"kind": "flag", "reason": reason}]);
    let marks = json!([{"kind": "mark_transfer", "account_id": savings}]);
    let rule = home.always(0, flag("look")).await;
    let marking = home.always(0, marks).await;
    let it = home.record("2026-03-01", "-1", json!({})).await.id;
    let said = "it is as the rule says; who wrote it is not recorded";
    assert_eq!(home.told(it, "review").await, [is("look", Some(rule), true, said)]);
    assert_eq!(home.told(it, "transfer").await, [is(savings, Some(marking), true, said)]);
    home.book.rules().delete(marking).await.unwrap();
    home.changed(rule, flag("other")).await;
    let gone = "written by the user, or by a rule that no longer says so; which is not recorded";
    let stays = is("other", Some(rule), false, "what stands there stays until a person changes it");
    assert_eq!(home.told(it, "transfer").await, [is(savings, None, true, gone)]);
    assert_eq!(home.told(it, "review").await, [stays.clone(), is("look", None, true, gone)]);
    for (words, why) in [("my own words", gone), ("", "emptied by the user")] {
        let patch = shape(json!({"metadata": {"review": words}}));
        home.book.transactions().update(it, patch).await.unwrap();
        assert_eq!(home.told(it, "review").await, [stays.clone(), is(words, None, true, why)]);
    }
}
