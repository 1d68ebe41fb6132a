//! Rules that mean harm: their regular expressions are refused or bounded.

use fiscaflow_core::ErrorCode;
use fiscaflow_core::RuleId;
use fiscaflow_core::model::{Action, Condition, Rule, TextField, TextOp};
use fiscaflow_core::rules::{Facts, RuleSet, Run, check_rule};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::any;

fn is_deep() -> bool {
    std::env::var_os("FISCAFLOW_DEEP").is_some()
}

/// Patterns that nest repeats, wide classes and alternatives, as those do that hang other engines.
fn pattern() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "\\w",
        ".",
        "[^x]",
        "(a|aa)",
        "\\pL",
        "(?:\\d|\\w)",
        "x*",
        "(.*,)",
        "é",
        "(?i)k",
        "\\b",
    ])
    .prop_map(str::to_owned);
    piece.prop_recursive(6, 24, 4, |inner| {
        let repeats = vec!["*", "+", "?", "{1,50}", "{100}", "{0,1000}", "{7,}"];
        let repeat = prop::sample::select(repeats);
        prop_oneof![
            (inner.clone(), repeat).prop_map(|(inner, repeat)| format!("({inner}){repeat}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}|{other})")),
            prop::collection::vec(inner, 1..4).prop_map(|parts| parts.concat()),
        ]
    })
}

fn rule(number: u128, pattern: String) -> Rule {
    Rule {
        id: RuleId::new(Uuid::from_u128(number)),
        name: "rule".to_owned(),
        stage: Default::default(),
        priority: 0,
        enabled: true,
        condition: Condition::Text {
            field: TextField::Description,
            op: TextOp::Regex,
            values: vec![pattern],
            case_sensitive: false,
        },
        actions: vec![Action::AddTag { tag: "x".to_owned() }],
        stop: false,
    }
}

fn hostile(count: usize) -> Vec<Rule> {
    let mut runner = TestRunner::deterministic();
    let pattern = pattern();
    let mut draw = || pattern.new_tree(&mut runner).unwrap().current();
    (1_u128..).map(|number| rule(number, draw())).take(count).collect()
}

#[test]
fn hostile_patterns_are_taken_or_refused() {
    // Holds: each is taken, or refused with a reason; none does anything else. How long that takes
    // is a benchmark's matter.
    let count = if is_deep() { 10_000 } else { 300 };
    let plan = any::plan();
    let (mut taken, mut refused) = (0, 0);
    for rule in hostile(count) {
        match check_rule(&rule, &plan) {
            Ok(()) => taken += 1,
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::InvalidPattern);
                assert!(error.message().starts_with("the pattern is refused: "));
                refused += 1;
            }
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} taken, {refused} refused");
}

#[test]
fn a_run_ends_within_its_budget() {
    // Holds: rules whose expressions do too much end the run with an error that names one of them,
    // at the same transaction each time.
    let plan = any::plan();
    let rules: Vec<Rule> = if is_deep() {
        let taken = |rule: &Rule| check_rule(rule, &plan).is_ok();
        hostile(5_000).into_iter().filter(taken).take(500).collect()
    } else {
        (1..=50).map(|number| rule(number, format!("[a-y]{{400}}z{number}"))).collect()
    };
    assert_eq!(rules.len(), if is_deep() { 500 } else { 50 });
    let ids: Vec<String> = rules.iter().map(|rule| rule.id.to_string()).collect();
    let rules = RuleSet::new(&rules, &plan);
    let text = if is_deep() { "aé,aaaa " } else { "00000000" }.repeat(64);
    let transaction = super::evaluation::plain(&text);
    let ends = || {
        let mut run = Run::over(10_000);
        (0..10_000).find_map(|row| {
            let outcome = rules.evaluate(Facts::from(&transaction), &mut run);
            outcome.err().map(|error| (row, error))
        })
    };
    let (row, error) = ends().expect("the budget is used up");
    assert_eq!(error.code(), ErrorCode::RulesTooSlow);
    assert!(error.of_id().is_some_and(|id| ids.iter().any(|known| known == id)));
    if !is_deep() {
        assert_eq!(ends().map(|(row, _)| row), Some(row));
    }
}
