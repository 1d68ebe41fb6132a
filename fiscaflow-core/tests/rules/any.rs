//! Any rule, any transaction: drawn from few texts, amounts and days, so that they often meet.

use std::collections::BTreeMap;

use fiscaflow_core::model::{
    Account, AccountKind, Action, Attachment, Book, Category, CategoryKind, Condition, Direction,
    Feature, Goal, GoalFunding, GoalState, Rule, Schedule, Source, SourceKind, Split, SplitPart,
    Stage, Status, TextField, TextOp, Transaction, Weekday, metadata,
};
use fiscaflow_core::{
    AccountId, Amount, BookId, CategoryId, Currency, GoalId, Money, Plan, RuleId, ScheduleId,
    TransactionId,
};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

pub fn day(number: u32) -> chrono::NaiveDate {
    chrono::NaiveDate::from_ymd_opt(2026, 2, 24).unwrap() + chrono::Days::new(u64::from(number))
}

pub fn cents(minor: i64) -> Amount {
    Money::from_minor(minor, euro()).amount()
}

pub fn euro() -> Currency {
    Currency::iso("EUR").unwrap()
}

fn status() -> impl Strategy<Value = Status> {
    select(vec![
        Status::Pending,
        Status::Posted,
        Status::Reconciled,
        Status::Void,
        Status::Disputed,
    ])
}

fn currency() -> impl Strategy<Value = Currency> {
    select(vec!["EUR", "JPY", "KWD"]).prop_map(|code| Currency::iso(code).unwrap())
}

pub fn text() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "rewe",
        "REWE city",
        "Café Zürich",
        "cafe",
        "straße",
        "STRASSE",
        "a.b",
        "xRewex",
        "5411",
        "CARD 12",
        "card 1234 rewe",
    ])
    .prop_map(str::to_owned)
}

fn pattern() -> impl Strategy<Value = String> {
    select(vec![
        "rewe",
        "^card (\\d+)",
        "é",
        "a.b$",
        "^$",
        "(?i)CAFE|stra",
        "[^a-z]",
        "x?rewe(x)",
        "\\d{4}",
    ])
    .prop_map(str::to_owned)
}

pub fn account_id(number: u128) -> AccountId {
    AccountId::new(Uuid::from_u128(number))
}

pub fn category_id(number: u128) -> CategoryId {
    CategoryId::new(Uuid::from_u128(number))
}

/// A book with accounts, goals and schedules 0 to 2, and categories 0 to 3, of which 1 lies below
/// 0.
pub fn plan() -> Plan {
    let mut plan = Plan::new(Book {
        id: BookId::new(Uuid::from_u128(1)),
        name: "Home".to_owned(),
        currency: euro(),
        zone: "UTC".to_owned(),
        currencies: Vec::new(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        learning: Default::default(),
    });
    for (number, name) in [(0, "Giro"), (1, "Café"), (2, "rewe")] {
        let id = account_id(number);
        let account = Account {
            id,
            name: name.to_owned(),
            kind: AccountKind::Checking,
            currency: euro(),
            opening_balance: Money::zero(euro()),
            number: None,
            bank_id: None,
            import_key: None,
            closed: false,
        };
        plan.accounts.insert(id, account);
    }
    for (number, name) in [(0, "rewe"), (1, "Café Zürich"), (2, "Fun"), (3, "Home")] {
        let id = category_id(number);
        let category = Category {
            id,
            name: name.to_owned(),
            kind: CategoryKind::Expense,
            parent_id: (number == 1).then(|| category_id(0)),
        };
        plan.categories.insert(id, category);
    }
    for number in 0..3 {
        let (goal, schedule) = (goal(number), schedule(number));
        plan.goals.insert(goal.id, goal);
        plan.schedules.insert(schedule.id, schedule);
    }
    plan
}

/// A goal that transactions are linked to.
fn goal(number: u128) -> Goal {
    Goal {
        id: goal_id(number),
        name: format!("goal {number}"),
        target: Money::from_minor(100_000, euro()),
        start: day(1),
        due: None,
        funding: GoalFunding::Transactions { direction: Direction::Out },
        state: GoalState::Active,
        milestones: vec![100],
    }
}

fn schedule(number: u128) -> Schedule {
    Schedule {
        id: schedule_id(number),
        name: format!("schedule {number}"),
        account_id: account_id(0),
        payee: None,
        category_id: None,
        amount: Money::from_minor(-100, euro()),
        tolerance_percent: 10,
        recurrence: serde_json::from_str(r#"{"start": "2026-01-01", "unit": "months"}"#).unwrap(),
        tolerance_days: 3,
        active: false,
    }
}

fn amount() -> impl Strategy<Value = Amount> {
    let few = (-30_i64..30).prop_map(cents);
    let fine = (-300_000_000_i64..300_000_000, 0_u32..11)
        .prop_map(|(digits, scale)| Amount::new(rust_decimal::Decimal::new(digits, scale)));
    prop_oneof![3 => few, 1 => fine]
}

fn bound() -> impl Strategy<Value = Option<Amount>> {
    prop::option::of(amount())
}

/// Conditions on the amount: two within bounds, one exact and one about for each other.
fn on_amounts() -> impl Strategy<Value = Condition> {
    let amounts = ([bound(), bound(), bound(), bound()], any::<bool>()).prop_map(
        |([min, max, above, below], absolute)| Condition::Amount {
            min,
            max,
            above,
            below,
            absolute,
        },
    );
    let exact = (amount(), any::<bool>()).prop_map(|(amount, absolute)| Condition::Amount {
        min: Some(amount),
        max: Some(amount),
        above: None,
        below: None,
        absolute,
    });
    let small = || prop::option::of((0_i64..3_000).prop_map(cents));
    let near = (amount(), small(), small(), any::<bool>()).prop_map(
        |(value, within, percent, absolute)| Condition::AmountNear {
            value,
            within,
            percent,
            absolute,
        },
    );
    prop_oneof![2 => amounts, 1 => exact, 1 => near]
}

fn leaf() -> impl Strategy<Value = Condition> {
    let ops = select(vec![TextOp::Is, TextOp::Contains, TextOp::Starts, TextOp::Ends]);
    let field = || select(TextField::ALL);
    let texts = (field(), ops, prop::collection::vec(text(), 1..3), any::<bool>()).prop_map(
        |(field, op, values, case_sensitive)| Condition::Text { field, op, values, case_sensitive },
    );
    let patterns = (field(), prop::collection::vec(pattern(), 1..3), any::<bool>()).prop_map(
        |(field, values, case_sensitive)| Condition::Text {
            field,
            op: TextOp::Regex,
            values,
            case_sensitive,
        },
    );
    let empty = field().prop_map(|field| Condition::Text {
        field,
        op: TextOp::Empty,
        values: Vec::new(),
        case_sensitive: false,
    });
    let date = || prop::option::of((1_u32..10).prop_map(day));
    let accounts = prop::collection::vec((0_u128..3).prop_map(account_id), 0..3);
    let categories = prop::collection::vec((0_u128..4).prop_map(category_id), 0..3);
    let codes = prop::collection::vec(select(vec!["EUR", "JPY", "KWD"]), 0..3);
    prop_oneof![
        4 => texts,
        2 => patterns,
        1 => empty,
        4 => on_amounts(),
        1 => (date(), date()).prop_map(|(from, to)| Condition::Date { from, to }),
        1 => (1_u32..12).prop_map(day).prop_map(|day| Condition::Date {
            from: Some(day),
            to: Some(day),
        }),
        1 => ((1_u32..10).prop_map(day), 0_u32..4)
            .prop_map(|(date, days)| Condition::DateNear { date, days }),
        1 => prop::collection::vec(select(Weekday::ALL), 0..3)
            .prop_map(|is| Condition::Weekday { is }),
        1 => (prop::collection::vec(1_u32..32, 0..3), any::<bool>())
            .prop_map(|(days, last)| Condition::DayOfMonth { days, last }),
        1 => select(Direction::ALL).prop_map(|is| Condition::Direction { is }),
        1 => accounts.prop_map(|ids| Condition::Account { ids }),
        1 => categories.prop_map(|ids| Condition::Category { ids }),
        1 => codes.prop_map(|codes| Condition::Currency {
            codes: codes.into_iter().map(str::to_owned).collect()
        }),
        1 => prop::collection::vec(status(), 0..3).prop_map(|is| Condition::Status { is }),
        1 => select(Feature::ALL).prop_map(|what| Condition::Has { what }),
        1 => (bound(), bound()).prop_map(|(min, max)| Condition::Balance { min, max }),
    ]
}

pub fn condition() -> impl Strategy<Value = Condition> {
    leaf().prop_recursive(3, 12, 3, |part| {
        let parts = prop::collection::vec(part, 0..3);
        prop_oneof![
            parts.clone().prop_map(|of| Condition::All { of }),
            parts.clone().prop_map(|of| Condition::Any { of }),
            parts.prop_map(|of| Condition::Not { of }),
        ]
    })
}

pub fn schedule_id(number: u128) -> ScheduleId {
    ScheduleId::new(Uuid::from_u128(number))
}

pub fn goal_id(number: u128) -> GoalId {
    GoalId::new(Uuid::from_u128(number))
}

fn part() -> impl Strategy<Value = SplitPart> {
    let amount = (1_i64..20).prop_map(|minor| (Some(cents(minor)), None));
    let percent = (1_i64..6_000).prop_map(|minor| (None, Some(cents(minor))));
    let share = prop_oneof![amount, percent, Just((None, None))];
    let category = prop::option::of((0_u128..4).prop_map(category_id));
    (share, category, prop::option::of(text())).prop_map(
        |((amount, percent), category_id, notes)| SplitPart { amount, percent, category_id, notes },
    )
}

pub fn action() -> impl Strategy<Value = Action> {
    let tag = || select(vec!["x", "y", "rewe"]).prop_map(str::to_owned);
    let notes = || select(vec!["", "rewe", "paid $1", "a\n$$b"]).prop_map(str::to_owned);
    prop_oneof![
        (0_u128..4).prop_map(|id| Action::SetCategory { category_id: category_id(id) }),
        text().prop_map(|payee| Action::SetPayee { payee }),
        tag().prop_map(|tag| Action::AddTag { tag }),
        tag().prop_map(|tag| Action::RemoveTag { tag }),
        prop::collection::vec(tag(), 0..3).prop_map(|tags| Action::SetTags { tags }),
        notes().prop_map(|notes| Action::SetNotes { notes }),
        notes().prop_map(|notes| Action::AppendNotes { notes }),
        notes().prop_map(|notes| Action::PrependNotes { notes }),
        status().prop_map(|status| Action::SetStatus { status }),
        prop::collection::vec(part(), 0..4).prop_map(|parts| Action::Split { parts }),
        text().prop_map(|reason| Action::Flag { reason }),
        (0_u128..3).prop_map(|id| Action::LinkSchedule { schedule_id: schedule_id(id) }),
        (0_u128..3).prop_map(|id| Action::LinkGoal { goal_id: goal_id(id) }),
        (0_u128..3).prop_map(|id| Action::MarkTransfer { account_id: account_id(id) }),
    ]
}

pub fn rule(number: u128) -> impl Strategy<Value = Rule> {
    let stage = select(vec![Stage::Pre, Stage::Default, Stage::Post]);
    let actions = prop::collection::vec(action(), 1..3);
    (stage, -2_i32..3, condition(), actions, 0_u8..10, text()).prop_map(
        move |(stage, priority, condition, actions, chance, name)| Rule {
            id: RuleId::new(Uuid::from_u128(number)),
            name,
            stage,
            priority,
            enabled: chance > 0,
            condition,
            actions,
            stop: chance == 9,
        },
    )
}

pub fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec(rule(0), 0..8).prop_map(|mut rules| {
        for (rule, number) in rules.iter_mut().zip(1..) {
            rule.id = RuleId::new(Uuid::from_u128(number));
        }
        rules
    })
}

fn source() -> impl Strategy<Value = Option<Source>> {
    let kinds = vec![SourceKind::Provider, SourceKind::Learned, SourceKind::Rule, SourceKind::User];
    prop::option::of(select(kinds)).prop_map(|kind| {
        kind.map(|kind| match kind {
            SourceKind::Rule => Source::rule(RuleId::new(Uuid::from_u128(3))),
            kind => Source { kind, reference: None, confidence: 100 },
        })
    })
}

pub fn transaction() -> impl Strategy<Value = Transaction> {
    let texts =
        (text(), prop::option::of(text()), prop::option::of(text()), prop::option::of(text()));
    let sources = (source(), source(), source(), source(), source(), [source(), source()]);
    let tags = prop::collection::btree_set(select(vec!["own", "rewe", "Café"]), 0..3);
    let facts = (-40_i64..40, currency(), 1_u32..12, 0_u128..3);
    let rest = (
        status(),
        prop::option::of((0_u128..4).prop_map(category_id)),
        prop::option::of(0_u128..3),
        any::<[bool; 3]>(),
        prop::collection::btree_map(
            select(vec![metadata::MCC, metadata::COUNTERPARTY_ACCOUNT, metadata::REVIEW]),
            text(),
            0..3,
        ),
    );
    (texts, sources, tags, facts, rest).prop_map(|(texts, sources, tags, facts, rest)| {
        let (minor, currency, date, account) = facts;
        let (status, category, link, [split, transfer, attached], metadata) = rest;
        let amount = Money::from_minor(minor, currency);
        let halves = [minor / 2, minor - minor / 2].map(|minor| Split {
            amount: Money::from_minor(minor, currency),
            category_id: None,
            notes: None,
        });
        let attachment = Attachment {
            name: "a".to_owned(),
            media_type: "image/png".to_owned(),
            digest: "00".to_owned(),
        };
        let split = split && !transfer;
        Transaction {
            id: TransactionId::new(Uuid::from_u128(1)),
            account_id: account_id(account),
            booking_date: day(date),
            value_date: None,
            amount,
            status: if transfer { Status::Posted } else { status },
            status_source: sources.3,
            description: texts.0,
            payee: texts.1,
            payee_source: sources.0,
            category_id: category.filter(|_| !split),
            category_source: sources.1,
            tags: tags.into_iter().map(str::to_owned).collect(),
            tags_source: sources.2,
            notes: texts.2,
            notes_source: sources.4,
            splits: if split { halves.to_vec() } else { Vec::new() },
            schedule_id: link.map(schedule_id),
            schedule_source: sources.5[0].clone(),
            goal_id: link.map(goal_id),
            goal_source: sources.5[1].clone(),
            transfer_id: transfer.then(|| TransactionId::new(Uuid::from_u128(2))),
            reference: texts.3,
            external_id: None,
            attachments: if attached { vec![attachment] } else { Vec::new() },
            metadata: metadata
                .into_iter()
                .map(|(name, text)| (name.to_owned(), text))
                .collect::<BTreeMap<_, _>>(),
            origins: Vec::new(),
            deleted: false,
            revision: 1,
        }
    })
}
