//! Regular expressions in rules: what they may cost is bounded for a pattern, a rule and a book.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use fiscaflow_core::limits::{MAX_PATTERN_BYTES, MAX_PATTERN_RULES, MAX_PATTERNS};
use fiscaflow_core::model::{Action, Book, Condition, Rule, Stage, TextField, TextOp};
use fiscaflow_core::rules::check_rule;
use fiscaflow_core::{BookId, Currency, ErrorCode, Plan, Result, RuleId};
use uuid::Uuid;

fn plan() -> Plan {
    Plan::new(Book {
        id: BookId::new(Uuid::from_u128(1)),
        name: "Home".to_owned(),
        currency: Currency::iso("EUR").unwrap(),
        zone: "UTC".to_owned(),
        currencies: Vec::new(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        learning: Default::default(),
    })
}

/// A rule of that number with these lists of patterns, a condition each.
fn rule(number: usize, conditions: Vec<Vec<String>>) -> Rule {
    let text = |values| Condition::Text {
        field: TextField::Description,
        op: TextOp::Regex,
        values,
        case_sensitive: false,
    };
    Rule {
        id: RuleId::new(Uuid::from_u128(u128::try_from(number).unwrap())),
        name: "rule".to_owned(),
        stage: Stage::Default,
        priority: 0,
        enabled: true,
        condition: Condition::Any { of: conditions.into_iter().map(text).collect() },
        actions: vec![Action::AddTag { tag: "x".to_owned() }],
        stop: false,
    }
}

fn numbered(pattern: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{pattern}{number}")).collect()
}

fn refused(result: Result<()>) -> ErrorCode {
    let error = result.unwrap_err();
    assert_eq!(error.at_field(), Some("condition"), "{error:?}");
    error.code()
}

#[test]
fn a_rule_has_so_many_patterns_and_no_more() {
    // Holds: the number is bounded over all conditions of a rule, whatever each is worth.
    let halves = |count: usize| {
        let mut first = numbered("shop ", count);
        let second = first.split_off(count / 2);
        rule(1, vec![first, second])
    };
    check_rule(&halves(MAX_PATTERNS), &plan()).unwrap();
    let error = check_rule(&halves(MAX_PATTERNS + 1), &plan());
    assert_eq!(refused(error), ErrorCode::LimitExceeded);
}

#[test]
fn the_patterns_of_a_rule_share_one_size() {
    // Holds: patterns that are taken alone are refused together once they grow too large, be they
    // in one condition or in several.
    let fits = |count: usize| {
        let patterns = numbered(r"\pL{4}", count);
        let one = check_rule(&rule(1, vec![patterns.clone()]), &plan());
        let apart = patterns.into_iter().map(|pattern| vec![pattern]).collect();
        let several = check_rule(&rule(1, apart), &plan());
        assert_eq!(one, several, "{count}");
        one
    };
    let first_too_many = (1..MAX_PATTERNS).find(|count| fits(*count).is_err()).unwrap();
    assert!(first_too_many > 1, "one is taken");
    assert_eq!(refused(fits(first_too_many)), ErrorCode::LimitExceeded);
    fits(first_too_many - 1).unwrap();
    let alone = check_rule(&rule(1, vec![vec![r"(\w{100}){100}".to_owned()]]), &plan());
    assert_eq!(refused(alone), ErrorCode::InvalidPattern);
}

#[test]
fn a_pattern_has_so_many_bytes_and_no_more() {
    // Holds: the text of a pattern is bounded before it is looked at.
    check_rule(&rule(1, vec![vec!["x".repeat(MAX_PATTERN_BYTES)]]), &plan()).unwrap();
    let long = rule(1, vec![vec!["x".repeat(MAX_PATTERN_BYTES + 1)]]);
    assert_eq!(refused(check_rule(&long, &plan())), ErrorCode::InvalidPattern);
}

#[test]
fn a_book_has_so_many_rules_with_patterns_and_no_more() {
    // Holds: rules with patterns are counted, rules without are not, and changing one that is
    // there needs no further place.
    let mut plan = plan();
    for number in 1..=MAX_PATTERN_RULES {
        let new = rule(number, vec![numbered("a", 1)]);
        check_rule(&new, &plan).unwrap();
        plan.rules.insert(new.id, new);
    }
    let next = rule(MAX_PATTERN_RULES + 1, vec![numbered("a", 1)]);
    assert_eq!(refused(check_rule(&next, &plan)), ErrorCode::LimitExceeded);
    check_rule(&rule(MAX_PATTERN_RULES + 1, Vec::new()), &plan).unwrap();
    check_rule(&rule(1, vec![numbered("b", 2)]), &plan).unwrap();
}
