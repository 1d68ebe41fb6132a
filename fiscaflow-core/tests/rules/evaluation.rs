//! Rules that run one after another: by the index and one by one, and what becomes of a person's
//! choices.

use fiscaflow_core::model::metadata::{REVIEW, TRANSFER_ACCOUNT_ID};
use fiscaflow_core::model::{
    Action, Condition, Rule, Source, SourceKind, TextField, TextOp, Transaction,
};
use fiscaflow_core::rules::{Candidate, Facts, RuleSet, Run, explain};
use fiscaflow_core::{Money, RuleId};
use proptest::prelude::*;
use uuid::Uuid;

use super::{any, naive};

fn by_user(source: &Option<Source>) -> bool {
    source.as_ref().is_some_and(|it| it.kind == SourceKind::User)
}

fn ruled(rules: &RuleSet, transaction: &Transaction) -> Transaction {
    let outcome = rules.evaluate(Facts::from(transaction), &mut Run::over(1)).unwrap();
    outcome.after().unwrap_or_else(|| transaction.clone())
}

/// Rules, a transaction and what became of it, for whoever looks into a failure.
fn told(rules: &[Rule], of: &Transaction, after: &[Option<Transaction>]) -> String {
    let mut lines: Vec<String> = rules.iter().map(Rule::to_string).collect();
    lines.push(serde_json::to_string(of).unwrap());
    lines.extend(after.iter().map(|it| serde_json::to_string(it).unwrap()));
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("FISCAFLOW_DEEP").is_some() { 400_000 } else { 1_000 }
    ))]

    /// The index finds exactly what checking every rule finds, also after rules changed what later
    /// rules look at, and both make of a transaction what a naive reading of the rules makes of it:
    /// 25 pairs of rule set and transaction a case, 10 million in the deep tier.
    #[test]
    fn the_index_equals_looking_at_every_rule(
        list in any::rules(),
        transactions in prop::collection::vec(any::transaction(), 25),
        balance in prop::option::of(-30_i64..30),
    ) {
        let plan = any::plan();
        let rules = RuleSet::new(&list, &plan);
        let balance = balance.map(|minor| Money::from_minor(minor, any::euro()));
        let (mut run, mut naive) = (Run::over(25).past_stop(), Run::over(25).past_stop().naive());
        for transaction in &transactions {
            let facts = Facts::from(transaction).with_balance(balance);
            let found = rules.evaluate(facts, &mut run).unwrap();
            let all = rules.evaluate(facts, &mut naive).unwrap();
            prop_assert_eq!(&found.steps, &all.steps);
            prop_assert_eq!(&found.stopped, &all.stopped);
            let after = found.after();
            prop_assert!(after == all.after());
            let twin = naive::run(&list, &plan, transaction, balance);
            let steps: Vec<RuleId> = found.steps.iter().map(|step| step.rule_id).collect();
            prop_assert_eq!(steps, twin.steps);
            prop_assert_eq!(&found.stopped, &twin.stopped);
            prop_assert!(after == twin.after, "{}", told(&list, transaction, &[after, twin.after]));
        }
    }

    /// What a person set stays, and each value that has a source has exactly one winner.
    #[test]
    fn users_win_and_winners_are_named(rules in any::rules(), before in any::transaction()) {
        let rules = RuleSet::new(&rules, &any::plan());
        let after = ruled(&rules, &before);
        if by_user(&before.category_source) {
            prop_assert_eq!(&after.category_id, &before.category_id);
            prop_assert_eq!(&after.splits, &before.splits);
        }
        if by_user(&before.payee_source) {
            prop_assert_eq!(&after.payee, &before.payee);
        }
        if by_user(&before.tags_source) {
            prop_assert_eq!(&after.tags, &before.tags);
        }
        if by_user(&before.schedule_source) {
            prop_assert_eq!(after.schedule_id, before.schedule_id);
        }
        if by_user(&before.goal_source) {
            prop_assert_eq!(after.goal_id, before.goal_id);
        }
        if by_user(&before.status_source) {
            prop_assert_eq!(after.status, before.status);
        }
        let by_rule = before.notes_source.as_ref().is_some_and(|it| it.kind == SourceKind::Rule);
        if let Some(notes) = before.notes.as_ref().filter(|_| !by_rule) {
            prop_assert!(after.notes.as_ref().is_some_and(|after| after.contains(notes)));
        }
        for (name, text) in &before.metadata {
            prop_assert_eq!(after.metadata.get(name), Some(text));
        }
        let sum: i64 = after.splits.iter().map(|split| split.amount.minor()).sum();
        prop_assert!(after.splits.is_empty() || sum == after.amount.minor());
        prop_assert!(after.splits.is_empty() || after.category_id.is_none());

        let explanation = explain(Facts::from(&after), &rules, Vec::new()).unwrap();
        let winners = |field: &str| {
            explanation.candidates.iter().filter(|it| it.field == field && it.won).count()
        };
        let split = !after.splits.is_empty();
        let sorted = after.category_source.is_some();
        let one = |is: bool| usize::from(is);
        prop_assert_eq!(winners("splits"), one(split));
        let sorted = sorted || after.category_id.is_some();
        prop_assert_eq!(winners("category"), one(!split && sorted));
        let paid = after.payee.is_some() || after.payee_source.is_some();
        prop_assert_eq!(winners("payee"), one(paid));
        let noted = after.notes.is_some() || after.notes_source.is_some();
        prop_assert_eq!(winners("notes"), one(noted));
        prop_assert_eq!(winners("status"), 1);
        prop_assert_eq!(winners("schedule"), one(after.schedule_source.is_some()));
        prop_assert_eq!(winners("goal"), one(after.goal_source.is_some()));
        prop_assert_eq!(winners("tags"), after.tags.len());
        prop_assert_eq!(winners("review"), one(after.metadata.contains_key(REVIEW)));
        prop_assert_eq!(winners("transfer"), one(after.metadata.contains_key(TRANSFER_ACCOUNT_ID)));
        prop_assert!(explanation.candidates.iter().all(|it| !it.why.is_empty()));
    }

    /// That rules have not been applied is said exactly of what applying them changes, and that a
    /// later rule wins only where a later one has a say.
    #[test]
    fn losers_are_told_what_holds(rules in any::rules(), before in any::transaction()) {
        let rules = RuleSet::new(&rules, &any::plan());
        let after = ruled(&rules, &before);
        let told = explain(Facts::from(&before), &rules, Vec::new()).unwrap().candidates;
        let waits = |field: &str| {
            let waits = |it: &Candidate| it.field == field && it.why.ends_with("applied since");
            told.iter().any(waits)
        };
        // Parts are told by their amounts, and an empty payee is none.
        let sorted = |it: &Transaction| {
            let amounts: Vec<Money> = it.splits.iter().map(|part| part.amount).collect();
            (it.category_id, amounts, it.category_source.clone())
        };
        prop_assert_eq!(waits("category") || waits("splits"), sorted(&before) != sorted(&after));
        let payee =
            |it: &Transaction| (it.payee.clone().unwrap_or_default(), it.payee_source.clone());
        prop_assert_eq!(waits("payee"), payee(&before) != payee(&after));
        prop_assert_eq!(waits("status"), before.status != after.status);
        let schedule = |it: &Transaction| (it.schedule_id, it.schedule_source.clone());
        prop_assert_eq!(waits("schedule"), schedule(&before) != schedule(&after));
        let goal = |it: &Transaction| (it.goal_id, it.goal_source.clone());
        prop_assert_eq!(waits("goal"), goal(&before) != goal(&after));
        let notes = |it: &Transaction| (it.notes.clone(), it.notes_source.clone());
        prop_assert_eq!(waits("notes"), notes(&before) != notes(&after));
        let added = after.tags.iter().any(|tag| !before.tags.contains(tag));
        prop_assert_eq!(waits("tags"), added);
        for (field, name) in [("review", REVIEW), ("transfer", TRANSFER_ACCOUNT_ID)] {
            prop_assert_eq!(waits(field), before.metadata.get(name) != after.metadata.get(name));
        }
        let one_field = |field: &str| if field == "splits" { "category" } else { field }.to_owned();
        for (place, it) in told.iter().enumerate().filter(|(_, it)| it.why == "a later rule wins") {
            let later = told[place..].iter().any(|later| {
                later.source.kind == SourceKind::Rule
                    && later.source != it.source
                    && one_field(&later.field) == one_field(&it.field)
            });
            // Tags are also taken away, which proposes nothing.
            prop_assert!(later || it.field == "tags", "{}", it.field);
        }
    }
}

fn rule(number: u128, condition: Condition, action: Action) -> Rule {
    Rule {
        id: RuleId::new(Uuid::from_u128(number)),
        name: format!("rule {number}"),
        stage: Default::default(),
        priority: 0,
        enabled: true,
        condition,
        actions: vec![action],
        stop: false,
    }
}

fn text(field: TextField, op: TextOp, value: &str) -> Condition {
    Condition::Text { field, op, values: vec![value.to_owned()], case_sensitive: false }
}

pub fn plain(description: &str) -> Transaction {
    Transaction {
        id: fiscaflow_core::TransactionId::new(Uuid::from_u128(1)),
        account_id: any::account_id(0),
        booking_date: any::day(1),
        value_date: None,
        amount: Money::from_minor(-1_000, any::euro()),
        status: Default::default(),
        status_source: None,
        description: description.to_owned(),
        payee: None,
        payee_source: None,
        category_id: None,
        category_source: None,
        tags: Vec::new(),
        tags_source: None,
        notes: None,
        notes_source: None,
        splits: Vec::new(),
        schedule_id: None,
        schedule_source: None,
        goal_id: None,
        goal_source: None,
        transfer_id: None,
        reference: None,
        external_id: None,
        attachments: Vec::new(),
        metadata: Default::default(),
        origins: Vec::new(),
        deleted: false,
        revision: 1,
    }
}

#[test]
fn later_rules_see_what_earlier_ones_made() {
    // Holds: a payee that a rule sets makes a rule on it apply, and one on the former payee not.
    let payee = |name: &str| Action::SetPayee { payee: name.to_owned() };
    let tag = |tag: &str| Action::AddTag { tag: tag.to_owned() };
    let rules = [
        rule(1, text(TextField::Description, TextOp::Contains, "card"), payee("Rewe")),
        rule(2, text(TextField::Payee, TextOp::Is, "rewe"), tag("new")),
        rule(3, text(TextField::Payee, TextOp::Is, "card"), tag("old")),
        rule(4, text(TextField::Tags, TextOp::Is, "new"), tag("seen")),
    ];
    let before = Transaction { payee: Some("card".to_owned()), ..plain("CARD 12") };
    let after = ruled(&RuleSet::new(&rules, &any::plan()), &before);
    assert_eq!(after.payee.as_deref(), Some("Rewe"));
    assert_eq!(after.tags, ["new", "seen"]);
}

#[test]
fn notes_hold_what_the_expression_found_and_grow_once() {
    // Holds: groups are filled in, a repeat adds nothing, and a person's notes stay beside them.
    let card = text(TextField::Description, TextOp::Regex, r"card (\d+)");
    let note = Action::AppendNotes { notes: "card $1, $$".to_owned() };
    let rules = RuleSet::new(&[rule(1, card, note)], &any::plan());
    let mine = Some("mine".to_owned());
    let before =
        Transaction { notes: mine, notes_source: Some(Source::user()), ..plain("Card 77") };
    let after = ruled(&rules, &before);
    assert_eq!(after.notes.as_deref(), Some("mine\ncard 77, $"));
    assert_eq!(after.notes_source, Some(Source::user()));
    assert!(ruled(&rules, &after) == after);
    let fresh = ruled(&rules, &plain("card 5"));
    assert_eq!(fresh.notes.as_deref(), Some("card 5, $"));
    assert_eq!(fresh.notes_source, Some(Source::rule(RuleId::new(Uuid::from_u128(1)))));
}

#[test]
fn a_line_is_added_unless_it_is_there_as_a_line() {
    // Holds: a text that is only part of a line, or of which not all lines are there, is added; one
    // whose lines are there is not, whatever ends them.
    let lines = |notes: &str, text: &str| {
        let always = Condition::All { of: Vec::new() };
        let append = Action::AppendNotes { notes: text.to_owned() };
        let rules = RuleSet::new(&[rule(1, always, append)], &any::plan());
        let before = Transaction { notes: Some(notes.to_owned()), ..plain("x") };
        ruled(&rules, &before).notes.unwrap()
    };
    for there in ["card", "mine\ncard", "card\nmine", "a\ncard\nb", "mine\r\ncard\r\nb"] {
        assert_eq!(lines(there, "card"), there);
    }
    for other in ["discard", "card 12", "my\ncards", "card;"] {
        assert_eq!(lines(other, "card"), format!("{other}\ncard"));
    }
    assert_eq!(lines("a\nb\nc\nd", "b\nc"), "a\nb\nc\nd");
    assert_eq!(lines("b\nx\nc", "b\nc"), "b\nx\nc\nb\nc");
}

#[test]
fn notes_that_a_person_emptied_stay_empty() {
    // Holds: no action on notes writes where a person left none, be it by an empty text.
    let always = || Condition::All { of: Vec::new() };
    let text = || "by rule".to_owned();
    let actions = [
        Action::SetNotes { notes: text() },
        Action::AppendNotes { notes: text() },
        Action::PrependNotes { notes: text() },
    ];
    for action in actions {
        let rules = RuleSet::new(&[rule(1, always(), action)], &any::plan());
        let emptied = Transaction { notes: Some(String::new()), ..plain("x") };
        let cleared = Transaction { notes_source: Some(Source::user()), ..plain("x") };
        assert!(ruled(&rules, &emptied) == emptied && ruled(&rules, &cleared) == cleared);
        assert_eq!(ruled(&rules, &plain("x")).notes.as_deref(), Some("by rule"));
    }
}
