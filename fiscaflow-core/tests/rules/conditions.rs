//! Each condition against a naive reading of its documentation.

use chrono::Datelike;
use fiscaflow_core::model::{
    Action, Condition, Direction, Feature, Rule, Source, SourceKind, Stage, TextField, TextOp,
    Transaction, Weekday, metadata,
};
use fiscaflow_core::rules::{Facts, RuleSet, Run};
use fiscaflow_core::{Amount, Money, Plan, RuleId};
use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::any;

fn by_rule(source: Option<&Source>) -> bool {
    source.is_some_and(|it| it.kind == SourceKind::Rule)
}

/// Whether rules do not see the category: one of them gave it, or it was learned.
fn is_category_open(it: &Transaction) -> bool {
    let by = |source: &Source| matches!(source.kind, SourceKind::Rule | SourceKind::Learned);
    it.category_source.as_ref().is_some_and(by)
}

/// The texts of a field, of which one has to compare.
fn texts(field: TextField, transaction: &Transaction, plan: &Plan) -> Vec<String> {
    let one = |text: Option<&String>| vec![text.cloned().unwrap_or_default()];
    let category = transaction.category_id.filter(|_| !is_category_open(transaction));
    match field {
        TextField::Description => one(Some(&transaction.description)),
        TextField::Payee => one(transaction.payee.as_ref()),
        TextField::Notes if by_rule(transaction.notes_source.as_ref()) => one(None),
        TextField::Notes => one(transaction.notes.as_ref()),
        TextField::Tags if transaction.tags.is_empty() => one(None),
        TextField::Tags => transaction.tags.clone(),
        TextField::Account => one(Some(&plan.accounts[&transaction.account_id].name)),
        TextField::Category => one(category.map(|id| &plan.categories[&id].name)),
        TextField::Reference => one(transaction.reference.as_ref()),
        TextField::CounterpartyAccount => {
            one(transaction.metadata.get(metadata::COUNTERPARTY_ACCOUNT))
        }
        TextField::Mcc => one(transaction.metadata.get(metadata::MCC)),
    }
}

fn even(text: &str) -> String {
    text.to_lowercase().replace('é', "e").replace('ü', "u").replace('ß', "ss")
}

fn compares(op: TextOp, text: &str, value: &str, as_written: bool) -> bool {
    if op == TextOp::Regex {
        let mut regex = regex::RegexBuilder::new(value);
        return regex.case_insensitive(!as_written).build().unwrap().is_match(text);
    }
    let (text, value) =
        if as_written { (text.to_owned(), value.to_owned()) } else { (even(text), even(value)) };
    match op {
        TextOp::Is => text == value,
        TextOp::Contains => text.contains(&value),
        TextOp::Starts => text.starts_with(&value),
        TextOp::Ends => text.ends_with(&value),
        TextOp::Regex | TextOp::Empty => unreachable!("handled before"),
    }
}

fn near(amount: Amount, value: Amount, within: Option<Amount>, percent: Option<Amount>) -> bool {
    let off = (amount.decimal() - value.decimal()).abs();
    let share = |percent: Decimal| value.decimal().abs() * percent / Decimal::ONE_HUNDRED;
    let default = if within.is_none() { Some("7.5".parse().unwrap()) } else { None };
    let percent = percent.map(Amount::decimal).or(default);
    within.is_none_or(|within| off <= within.decimal())
        && percent.is_none_or(|percent| off <= share(percent))
}

fn has(what: Feature, it: &Transaction) -> bool {
    let anew = is_category_open(it);
    match what {
        Feature::Category => (it.category_id.is_some() || !it.splits.is_empty()) && !anew,
        Feature::Payee => it.payee.as_ref().is_some_and(|payee| !payee.is_empty()),
        Feature::Tags => !it.tags.is_empty(),
        Feature::Notes => {
            it.notes.as_ref().is_some_and(|notes| !notes.is_empty())
                && !by_rule(it.notes_source.as_ref())
        }
        Feature::Attachments => !it.attachments.is_empty(),
        Feature::Splits => !it.splits.is_empty() && !anew,
        Feature::Transfer => it.transfer_id.is_some(),
    }
}

/// The condition as its documentation reads, without any preparation.
fn holds(condition: &Condition, it: &Transaction, plan: &Plan, balance: Money) -> bool {
    let part = |part: &Condition| holds(part, it, plan, balance);
    let size = |absolute: bool| {
        let amount = it.amount.amount().decimal();
        Amount::new(if absolute { amount.abs() } else { amount })
    };
    let date = it.booking_date;
    match condition {
        Condition::All { of } => of.iter().all(part),
        Condition::Any { of } => of.iter().any(part),
        Condition::Not { of } => !of.iter().any(part),
        Condition::Text { field, op: TextOp::Empty, .. } => {
            texts(*field, it, plan).iter().all(String::is_empty)
        }
        Condition::Text { field, op, values, case_sensitive } => {
            let texts = texts(*field, it, plan);
            let mut pairs = texts.iter().flat_map(|text| values.iter().map(move |it| (text, it)));
            pairs.any(|(text, value)| compares(*op, text, value, *case_sensitive))
        }
        Condition::Amount { min, max, above, below, absolute } => {
            let amount = size(*absolute);
            min.is_none_or(|min| amount >= min)
                && max.is_none_or(|max| amount <= max)
                && above.is_none_or(|above| amount > above)
                && below.is_none_or(|below| amount < below)
        }
        Condition::AmountNear { value, within, percent, absolute } => {
            near(size(*absolute), *value, *within, *percent)
        }
        Condition::Currency { codes } => {
            codes.iter().any(|code| code == it.amount.currency().code())
        }
        Condition::Direction { is: Direction::In } => it.amount.minor() > 0,
        Condition::Direction { is: Direction::Out } => it.amount.minor() < 0,
        Condition::Date { from, to } => {
            from.is_none_or(|from| date >= from) && to.is_none_or(|to| date <= to)
        }
        Condition::DateNear { date: near, days } => {
            (date - *near).num_days().unsigned_abs() <= u64::from(*days)
        }
        Condition::Weekday { is } => is.iter().any(|day| {
            let name = format!("{:?}", date.weekday());
            format!("{day:?}").starts_with(&name)
        }),
        Condition::DayOfMonth { days, last } => {
            let tomorrow = date.succ_opt().unwrap();
            days.contains(&date.day()) || (*last && tomorrow.month() != date.month())
        }
        Condition::Account { ids } => ids.contains(&it.account_id),
        Condition::Category { ids } => {
            let category = it.category_id.filter(|_| !is_category_open(it));
            category.is_some_and(|id| {
                let above = plan.categories[&id].parent_id;
                ids.contains(&id) || above.is_some_and(|above| ids.contains(&above))
            })
        }
        Condition::Status { is } => is.contains(&it.status),
        Condition::Has { what } => has(*what, it),
        Condition::Balance { min, max } => {
            let balance = balance.amount();
            min.is_none_or(|min| balance >= min) && max.is_none_or(|max| balance <= max)
        }
    }
}

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
        let naive = holds(&condition, &transaction, &any::plan(), balance);
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
