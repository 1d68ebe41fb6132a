//! Rules that mean harm: their regular expressions are refused or bounded.

use std::time::Instant;

use fiscaflow_core::limits::{MAX_PATTERN_BYTES, MAX_PATTERN_SIZE};
use fiscaflow_core::model::{Action, Condition, Rule, TextField, TextOp};
use fiscaflow_core::rules::{Facts, RuleSet, Run, check_rule};
use fiscaflow_core::{ErrorCode, RuleId};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use super::{any, expressions};

/// What preparing an expression may take.
const MAX_MILLISECONDS: u128 = 15;

fn is_deep() -> bool {
    std::env::var_os("FISCAFLOW_DEEP").is_some()
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

fn hostile() -> impl Iterator<Item = Rule> {
    let mut runner = TestRunner::deterministic();
    let pattern = expressions::pattern();
    let mut draw = move || pattern.new_tree(&mut runner).unwrap().current();
    (1_u128..).map(move |number| rule(number, draw()))
}

/// Whether the crate takes an expression by itself, within the same limits.
fn is_taken_alone(pattern: &str) -> bool {
    let mut alone = regex::RegexSetBuilder::new([pattern]);
    alone.case_insensitive(true).size_limit(MAX_PATTERN_SIZE).nest_limit(32);
    pattern.len() <= MAX_PATTERN_BYTES && alone.build().is_ok()
}

/// How long it takes to check a rule, prepare it and run it once: the best of a few tries, for the
/// machine may have other work.
fn milliseconds(rule: &Rule) -> u128 {
    let plan = any::plan();
    let transaction = super::evaluation::plain("a");
    let once = || {
        let begin = Instant::now();
        if check_rule(rule, &plan).is_ok() {
            let rules = RuleSet::new([rule], &plan);
            rules.evaluate(Facts::from(&transaction), &mut Run::over(1)).unwrap();
        }
        begin.elapsed().as_millis()
    };
    let first = once();
    if first <= MAX_MILLISECONDS { first } else { (0..4).map(|_| once()).fold(first, u128::min) }
}

#[test]
fn hostile_patterns_are_taken_or_refused() {
    // Holds: each is taken or refused; what is taken the crate takes by itself within the limits,
    // and what is refused has a reason, which is the true one. How long that takes is told by the
    // deep tier.
    let count = if is_deep() { 10_000 } else { 400 };
    let plan = any::plan();
    let (mut taken, mut refused, mut slow, mut slowest) = (0, 0, 0, 0);
    for rule in hostile().take(count) {
        let Condition::Text { values, .. } = &rule.condition else { unreachable!() };
        match check_rule(&rule, &plan) {
            Ok(()) => {
                assert!(is_taken_alone(&values[0]), "{}", values[0]);
                taken += 1;
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::InvalidPattern);
                let is_none = regex_syntax::ParserBuilder::new().nest_limit(32).build();
                let is_none = { is_none }.parse(&values[0]).is_err();
                let why = error.message().strip_prefix("the pattern is refused: it");
                let syntax = " is not a regular expression of the supported syntax";
                assert_eq!(why == Some(syntax), is_none, "{}", values[0]);
                refused += 1;
            }
        }
        if is_deep() {
            let took = milliseconds(&rule);
            slow += usize::from(took > MAX_MILLISECONDS);
            slowest = slowest.max(took);
            if took > MAX_MILLISECONDS {
                println!("{took} ms: {}", values[0]);
            }
        }
    }
    println!(
        "{taken} taken, {refused} refused, {slow} above {MAX_MILLISECONDS} ms, slowest {slowest} ms"
    );
    assert!(taken > count / 10 && refused > count / 10, "{taken} taken, {refused} refused");
}

#[test]
fn a_run_ends_within_its_budget() {
    // Holds: rules whose expressions do too much end the run with an error that names one of them,
    // at the same transaction each time.
    let plan = any::plan();
    let rules: Vec<Rule> = if is_deep() {
        hostile().filter(|rule| check_rule(rule, &plan).is_ok()).take(500).collect()
    } else {
        (1..=50).map(|number| rule(number, format!("[a-y]{{400}}z{number}"))).collect()
    };
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
    let begin = Instant::now();
    let (row, error) = ends().expect("the budget is used up");
    println!("ended at transaction {row} after {:?}", begin.elapsed());
    assert_eq!(error.code(), ErrorCode::RulesTooSlow);
    assert!(error.of_id().is_some_and(|id| ids.iter().any(|known| known == id)));
    assert_eq!(ends().map(|(row, _)| row), Some(row));
}

#[test]
fn what_notes_take_parts_from_fits_with_its_groups() {
    // Holds: an expression whose groups make it too large is taken where it only has to match, and
    // refused where notes tell what it found, instead of telling nothing later.
    let plan = any::plan();
    let matching = rule(1, "((a)?){0,1000}".to_owned());
    assert!(check_rule(&matching, &plan).is_ok());
    let notes = "found $1".to_owned();
    let telling = Rule { actions: vec![Action::SetNotes { notes }], ..matching };
    let error = check_rule(&telling, &plan).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidPattern);
    assert!(error.message().starts_with("the pattern is refused: it grows too large"));
}
