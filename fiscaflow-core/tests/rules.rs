//! Rules: what a person set stays, every value has one winner, and conditions mean what a naive
//! reading of the tree says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use fiscaflow_core::model::{
    Action, Condition, Direction, Rule, Source, SourceKind, Stage, Status, TextField, TextOp,
    Transaction,
};
use fiscaflow_core::rules::{Facts, RuleSet, apply, explain};
use fiscaflow_core::{AccountId, Amount, CategoryId, Currency, Money, RuleId, TransactionId};
use proptest::prelude::*;
use uuid::Uuid;

fn day(number: u32) -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2026, 3, number).unwrap()
}

fn cents(minor: i64) -> Amount {
    Money::from_minor(minor, Currency::iso("EUR").unwrap()).amount()
}

fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "rewe", "REWE city", "Café Zürich", "straße", "a.b", "xRewex"])
        .prop_map(str::to_owned)
}

fn leaf() -> impl Strategy<Value = Condition> {
    let field =
        prop::sample::select(vec![TextField::Description, TextField::Payee, TextField::Notes]);
    let op = prop::sample::select(vec![TextOp::Is, TextOp::Contains, TextOp::Starts, TextOp::Ends]);
    let texts = (field, op, prop::collection::vec(text(), 1..3), any::<bool>()).prop_map(
        |(field, op, values, case_sensitive)| Condition::Text { field, op, values, case_sensitive },
    );
    let bound = || prop::option::of((-30_i64..30).prop_map(cents));
    let amounts = (bound(), bound(), any::<bool>())
        .prop_map(|(min, max, absolute)| Condition::Amount { min, max, absolute });
    let date = || prop::option::of((1_u32..10).prop_map(day));
    prop_oneof![
        texts,
        amounts,
        (date(), date()).prop_map(|(from, to)| Condition::Date { from, to }),
        any::<bool>().prop_map(|r#in| Condition::Direction {
            is: if r#in { Direction::In } else { Direction::Out }
        }),
        prop::collection::vec((0_u128..3).prop_map(|id| AccountId::new(Uuid::from_u128(id))), 0..3)
            .prop_map(|ids| Condition::Account { ids }),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(3, 12, 3, |part| {
        let parts = prop::collection::vec(part, 0..3);
        prop_oneof![
            parts.clone().prop_map(|of| Condition::All { of }),
            parts.clone().prop_map(|of| Condition::Any { of }),
            parts.prop_map(|of| Condition::Not { of }),
        ]
    })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (0_u128..4).prop_map(|id| Action::SetCategory {
            category_id: CategoryId::new(Uuid::from_u128(id))
        }),
        text().prop_map(|payee| Action::SetPayee { payee }),
        prop::sample::select(vec!["x", "y"]).prop_map(|tag| Action::AddTag { tag: tag.to_owned() }),
    ]
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let stage = prop::sample::select(vec![Stage::Pre, Stage::Default, Stage::Post]);
    let rule =
        (stage, -2_i32..3, condition(), prop::collection::vec(action(), 1..3), any::<[bool; 2]>());
    prop::collection::vec(rule, 0..6).prop_map(|rules| {
        let numbered = rules.into_iter().zip(0_u128..);
        let rule = |((stage, priority, condition, actions, flags), number): (
            (_, _, _, _, [bool; 2]),
            _,
        )| Rule {
            id: RuleId::new(Uuid::from_u128(number)),
            name: "rule".to_owned(),
            stage,
            priority,
            enabled: flags[0] || number > 0,
            condition,
            actions,
            stop: flags[1] && number == 2,
        };
        numbered.map(rule).collect()
    })
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let user = || prop::option::of(Just(Source::user()));
    let texts = (text(), prop::option::of(text()), prop::option::of(text()));
    (texts, -40_i64..40, 1_u32..12, 0_u128..3, (user(), user(), user())).prop_map(
        |((description, payee, notes), minor, date, account, sources)| Transaction {
            id: TransactionId::new(Uuid::from_u128(1)),
            account_id: AccountId::new(Uuid::from_u128(account)),
            booking_date: day(date),
            value_date: None,
            amount: Money::from_minor(minor, Currency::iso("EUR").unwrap()),
            status: Status::Posted,
            description,
            payee,
            payee_source: sources.0,
            category_id: None,
            category_source: sources.1,
            tags: vec!["own".to_owned()],
            tags_source: sources.2,
            notes,
            splits: Vec::new(),
            transfer_id: None,
            reference: None,
            external_id: None,
            attachments: Vec::new(),
            metadata: BTreeMap::new(),
            origins: Vec::new(),
            deleted: false,
            revision: 1,
        },
    )
}

/// The condition as its documentation reads, without any preparation.
fn holds(condition: &Condition, transaction: &Transaction, payee: Option<&str>) -> bool {
    let part = |part: &Condition| holds(part, transaction, payee);
    match condition {
        Condition::All { of } => of.iter().all(part),
        Condition::Any { of } => of.iter().any(part),
        Condition::Not { of } => !of.iter().any(part),
        Condition::Text { field, op, values, case_sensitive } => {
            let text = match field {
                TextField::Description => &transaction.description,
                TextField::Payee => payee.unwrap_or_default(),
                TextField::Notes => transaction.notes.as_deref().unwrap_or_default(),
            };
            let even =
                |text: &str| if *case_sensitive { text.to_owned() } else { text.to_lowercase() };
            let text = even(text);
            values.iter().map(|value| even(value)).any(|value| match op {
                TextOp::Is => text == value,
                TextOp::Contains => text.contains(&value),
                TextOp::Starts => text.starts_with(&value),
                TextOp::Ends => text.ends_with(&value),
                TextOp::Regex => unreachable!("none is made"),
            })
        }
        Condition::Amount { min, max, absolute } => {
            let minor = transaction.amount.minor();
            let amount = cents(if *absolute { minor.abs() } else { minor });
            min.is_none_or(|min| amount >= min) && max.is_none_or(|max| amount <= max)
        }
        Condition::Direction { is: Direction::In } => transaction.amount.minor() > 0,
        Condition::Direction { is: Direction::Out } => transaction.amount.minor() < 0,
        Condition::Date { from, to } => {
            let date = transaction.booking_date;
            from.is_none_or(|from| date >= from) && to.is_none_or(|to| date <= to)
        }
        Condition::Account { ids } => ids.contains(&transaction.account_id),
    }
}

/// The rules that apply, in their order, by the naive reading.
fn naive(rules: &[Rule], transaction: &Transaction) -> Vec<RuleId> {
    let mut order: Vec<&Rule> = rules.iter().filter(|rule| rule.enabled).collect();
    order.sort_by_key(|rule| (rule.stage, -rule.priority, rule.id));
    let (mut applied, mut payee) = (Vec::new(), transaction.payee.clone());
    let stays = transaction.payee_source.as_ref().is_some_and(|it| it.kind == SourceKind::User);
    for rule in order {
        if !holds(&rule.condition, transaction, payee.as_deref()) {
            continue;
        }
        applied.push(rule.id);
        for action in &rule.actions {
            if let Action::SetPayee { payee: name } = action
                && !stays
            {
                payee = Some(name.clone());
            }
        }
        if rule.stop {
            break;
        }
    }
    applied
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("FISCAFLOW_DEEP").is_some() { 1_000_000 } else { 2_000 }
    ))]

    /// The prepared rules apply exactly where the naive reading says, and in its order.
    #[test]
    fn prepared_rules_equal_the_naive_reading(rules in rules(), transaction in transaction()) {
        let outcome = RuleSet::new(&rules).evaluate(Facts::from(&transaction));
        let applied: Vec<RuleId> = outcome.steps.iter().map(|step| step.rule_id).collect();
        prop_assert_eq!(applied, naive(&rules, &transaction));
    }

    /// What a person set stays, and each value that has a source has exactly one winner.
    #[test]
    fn users_win_and_winners_are_named(rules in rules(), transaction in transaction()) {
        let rules = RuleSet::new(&rules);
        let mut after = transaction.clone();
        apply(&mut after, &rules.evaluate(Facts::from(&transaction)));
        let by_user = |source: &Option<Source>| {
            source.as_ref().is_some_and(|it| it.kind == SourceKind::User)
        };
        if by_user(&transaction.category_source) {
            prop_assert_eq!(&after.category_id, &transaction.category_id);
        }
        if by_user(&transaction.payee_source) {
            prop_assert_eq!(&after.payee, &transaction.payee);
        }
        if by_user(&transaction.tags_source) {
            prop_assert_eq!(&after.tags, &transaction.tags);
        }
        let explanation = explain(&after, &rules);
        let winners = |field: &str| {
            explanation.candidates.iter().filter(|it| it.field == field && it.won).count()
        };
        prop_assert_eq!(winners("category"), usize::from(after.category_source.is_some()));
        prop_assert_eq!(winners("payee"), usize::from(after.payee_source.is_some()));
        let tagged = after.tags_source.is_some();
        prop_assert_eq!(winners("tags"), if tagged { after.tags.len() } else { 0 });
        prop_assert!(explanation.candidates.iter().all(|it| !it.why.is_empty()));
    }
}
