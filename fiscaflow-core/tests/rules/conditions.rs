//! Each condition against a naive reading of its documentation.

use chrono::Datelike;
use fiscaflow_core::Money;
use fiscaflow_core::RuleId;
use fiscaflow_core::model::{Action, Condition, Rule, Stage, Transaction, Weekday};
use fiscaflow_core::rules::{Facts, RuleSet, Run};
use proptest::prelude::*;
use uuid::Uuid;

use super::{any, naive};

fn rule(condition: Condition) -> Rule {
    Rule {
        id: RuleId::new(Uuid::from_u128(1)),
        name: "rule".to_owned(),
        stage: Stage::Default,
        priority: 0,
        enabled: true,
        condition,
        actions: vec![Action::AddTag { tag: "x".to_owned() }],
        stop: false,
    }
}

fn applies(condition: &Condition, transaction: &Transaction, balance: Money) -> bool {
    let rules = RuleSet::new([&rule(condition.clone())], &any::plan());
    let facts = Facts::from(transaction).with_balance(Some(balance));
    rules.evaluate(facts, &mut Run::over(1)).unwrap().steps.len() == 1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("FISCAFLOW_DEEP").is_some() { 1_000_000 } else { 4_000 }
    ))]

    /// A prepared condition holds exactly where the naive reading says.
    #[test]
    fn prepared_conditions_equal_the_naive_reading(
        condition in any::condition(),
        transaction in any::transaction(),
        balance in -30_i64..30,
    ) {
        let balance = Money::from_minor(balance, any::euro());
        let seen = naive::seen(&transaction);
        let naive = naive::holds(&condition, &seen, &any::plan(), Some(balance));
        prop_assert_eq!(applies(&condition, &transaction, balance), naive);
    }
}

#[test]
fn weekdays_are_named_as_the_calendar_names_them() {
    // Holds: what the naive reading compares by name is what the calendar means.
    let names: Vec<String> = Weekday::ALL.iter().map(|day| format!("{day:?}")).collect();
    assert_eq!(names.first().map(String::as_str), Some("Monday"));
    assert_eq!(names.len(), 7);
    assert_eq!(any::day(5).weekday(), chrono::Weekday::Sun, "2026-03-01");
}
