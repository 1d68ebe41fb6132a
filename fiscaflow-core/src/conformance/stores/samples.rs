//! Values that stores are prone to get wrong.

use std::collections::BTreeMap;

use super::scribe::{Scribe, euro};
use crate::calendar::Period;
use crate::id::{
    AccountId, BudgetId, CategoryId, GoalId, ImportId, LayoutId, PayeeId, RuleId, ScheduleId,
    TransactionId,
};
use crate::import::Format;
use crate::model::{
    Account, AccountKind, Action, Alert, Assigned, Assignment, Attachment, Automation,
    AutomationRule, Budget, Carry, Category, CategoryKind, Condition, CustomCurrency, Dismissal,
    Document, Envelope, Goal, GoalFunding, GoalState, Import, Layout, Member, Milestone, Origin,
    Payee, QuotedRate, RateSheet, Role, Rollover, Rule, Schedule, Secret, Source, SourceKind,
    Split, Stage, Status, Transaction, TransferRefusal, Weekday,
};
use crate::money::{Currency, Money};

/// Texts that are changed on the way where a store is careless.
pub(super) const TEXTS: [&str; 22] = [
    "",
    " ",
    "plain",
    "Café",        // composed
    "Cafe\u{301}", // decomposed: another text
    "STRASSE straße",
    "İstanbul ISPARTA ısparta",
    "ΟΔΥΣΣΕΥΣ οδυσσεύς",
    "100 % cash_back \\%",
    "O'Brien's \"best\" `deal`",
    "'; DROP TABLE transactions; --",
    "{\"json\": [1, null, \"\\u0041\"]}",
    "🏦💶 👨\u{200d}👩\u{200d}👧",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠮷野家",
    "line one\nline two\r\n\tthree",
    "\u{1}\u{1f}\u{7f}\u{80}",
    "\u{fffd}\u{ffff}\u{10ffff}",
    "\u{feff}mark",
    "עברית العربية",
    "?1 $1 :name @name %s {0}",
    "0x41 1e309 NaN -0",
    "NULL",
];

fn secret() -> Secret {
    Secret {
        kind: "bank_connection".to_owned(),
        id: "a/1~".to_owned(),
        field: "access_token".to_owned(),
        key_version: 1,
        sealed: "AQAAAAE=".to_owned(),
    }
}

/// Documents: at least one of each kind, in no particular order.
pub(crate) fn documents(scribe: &Scribe) -> Vec<Document> {
    let category_id = CategoryId::new(scribe.uuid());
    let budget_id = BudgetId::new(scribe.uuid());
    let mut book = scribe.book();
    book.currencies.push(CustomCurrency { code: "MILES".to_owned(), exponent: 0 });
    vec![
        alert(budget_id).into(),
        rule(scribe, category_id).into(),
        Payee {
            id: PayeeId::new(scribe.uuid()),
            name: "REWE".to_owned(),
            aliases: vec!["Rewe Markt".to_owned(), "rewe sagt danke".to_owned()],
        }
        .into(),
        book.into(),
        import(scribe).into(),
        layout(scribe).into(),
        refusal(scribe).into(),
        schedule(scribe).into(),
        goal(scribe).into(),
        secret().into(),
        Dismissal { insight_id: "goal_behind.1".to_owned(), date: "2024-02-29".parse().unwrap() }
            .into(),
        Milestone { goal_id: goal(scribe).id, percent: 25, date: "2024-02-29".parse().unwrap() }
            .into(),
        sheet().into(),
        account(scribe).into(),
        Member { actor: "anna".parse().unwrap(), role: Role::Owner, name: None }.into(),
        Member {
            actor: "ünïcödé actor / 2".parse().unwrap(),
            role: Role::Viewer,
            name: Some("Bo".to_owned()),
        }
        .into(),
        Category {
            id: category_id,
            name: "Groceries".to_owned(),
            kind: CategoryKind::Expense,
            parent_id: None,
        }
        .into(),
        Category {
            id: CategoryId::new(scribe.uuid()),
            name: "Bakery".to_owned(),
            kind: CategoryKind::Expense,
            parent_id: Some(category_id),
        }
        .into(),
        envelope(category_id).into(),
        assignment(category_id).into(),
        Budget {
            id: budget_id,
            name: "Food".to_owned(),
            category_ids: vec![category_id],
            limit: Money::from_minor(40_000, euro()),
            thresholds: vec![80, 100, 120],
            except_category_ids: Vec::new(),
            tags: vec!["eating out".to_owned()],
            account_ids: vec![scribe.account_id],
            period: Period::Weeks { first_day: Weekday::Sunday },
            rollover: Rollover { carry: Carry::Both, ..Rollover::default() },
            start: Some(crate::parse_date("2024-02-01").unwrap()),
            pending_counts: true,
        }
        .into(),
    ]
}

fn envelope(category_id: CategoryId) -> Envelope {
    Envelope {
        category_id,
        carries_deficit_from: Some("2024-02".parse().unwrap()),
        cap: Some("250.00".parse().unwrap()),
        returns_excess: true,
        automations: vec![Automation {
            priority: 1,
            rule: AutomationRule::Fixed { amount: "100.00".parse().unwrap() },
        }],
    }
}

fn assignment(category_id: CategoryId) -> Assignment {
    Assignment {
        month: "2024-02".parse().unwrap(),
        amounts: vec![Assigned { category_id, amount: Money::from_minor(5, euro()) }],
        held: Money::zero(euro()),
    }
}

fn alert(budget_id: BudgetId) -> Alert {
    let day = |text| crate::parse_date(text).unwrap();
    Alert { budget_id, from: day("2024-02-01"), to: day("2024-02-29"), threshold: 80 }
}

fn layout(scribe: &Scribe) -> Layout {
    Layout {
        id: LayoutId::new(scribe.uuid()),
        name: "Bank, comma".to_owned(),
        account_id: Some(scribe.account_id),
        csv: crate::import::CsvProfile::default(),
    }
}

fn schedule(scribe: &Scribe) -> Schedule {
    let recurrence = r#"{"start": "2024-01-31", "unit": "months", "weekend": "before"}"#;
    Schedule {
        id: ScheduleId::new(scribe.uuid()),
        name: "Rent".to_owned(),
        account_id: scribe.account_id,
        payee: Some("Landlord".to_owned()),
        category_id: None,
        amount: Money::from_minor(-80_000, euro()),
        tolerance_percent: 0,
        recurrence: serde_json::from_str(recurrence).unwrap(),
        tolerance_days: 5,
        active: true,
    }
}

fn goal(scribe: &Scribe) -> Goal {
    Goal {
        id: GoalId::new(uuid::Uuid::from_u128(9)),
        name: "Bicycle".to_owned(),
        target: Money::from_minor(120_000, euro()),
        start: "2024-01-31".parse().unwrap(),
        due: "2024-12-31".parse().ok(),
        funding: GoalFunding::Balances { account_ids: vec![scribe.account_id] },
        state: GoalState::Paused,
        milestones: vec![25, 100],
    }
}

fn sheet() -> RateSheet {
    RateSheet {
        date: "2024-02-29".parse().unwrap(),
        base: "EUR".to_owned(),
        rates: vec![QuotedRate { quote: "USD".to_owned(), rate: "1.0823".parse().unwrap() }],
    }
}

fn refusal(scribe: &Scribe) -> TransferRefusal {
    TransferRefusal {
        from_id: TransactionId::new(scribe.uuid()),
        to_id: TransactionId::new(scribe.uuid()),
    }
}

fn account(scribe: &Scribe) -> Account {
    Account {
        id: scribe.account_id,
        name: "Giro".to_owned(),
        kind: AccountKind::Checking,
        currency: euro(),
        opening_balance: Money::from_minor(i64::MIN, euro()),
        number: Some("DE89370400440532013000".to_owned()),
        bank_id: Some("37040044".to_owned()),
        import_key: None,
        closed: false,
    }
}

fn import(scribe: &Scribe) -> Import {
    Import {
        id: ImportId::new(scribe.uuid()),
        file_name: Some("auszug.ofx".to_owned()),
        format: Format::Ofx,
        digest: "00".repeat(32),
        seq: 1,
        account_ids: vec![scribe.account_id],
        imported: u64::MAX,
        duplicates: 0,
        created_at: scribe.book().created_at,
    }
}

fn rule(scribe: &Scribe, category_id: CategoryId) -> Rule {
    Rule {
        id: RuleId::new(scribe.uuid()),
        name: "Groceries".to_owned(),
        stage: Stage::Default,
        priority: i32::MIN,
        enabled: true,
        condition: Condition::All {
            of: vec![
                Condition::Not { of: vec![Condition::Account { ids: vec![scribe.account_id] }] },
                Condition::Amount {
                    min: Some("-50.00".parse().unwrap()),
                    max: None,
                    above: None,
                    below: None,
                    absolute: false,
                },
            ],
        },
        actions: vec![
            Action::SetCategory { category_id },
            Action::AddTag { tag: "food".to_owned() },
        ],
        stop: false,
    }
}

/// A transaction with something in every field.
pub(crate) fn full_transaction(scribe: &Scribe) -> Transaction {
    let category_id = CategoryId::new(scribe.uuid());
    let split = |minor, category_id, notes: Option<&str>| Split {
        amount: Money::from_minor(minor, euro()),
        category_id,
        notes: notes.map(str::to_owned),
    };
    Transaction {
        value_date: "2024-03-03".parse().ok(),
        status: Status::Disputed,
        description: "KARTE 4711 REWE SAGT DANKE".to_owned(),
        payee: Some("REWE".to_owned()),
        payee_source: Some(Source::provider()),
        category_id: Some(category_id),
        category_source: Some(Source::user()),
        tags: vec!["food".to_owned(), "ünï".to_owned()],
        tags_source: Some(Source {
            kind: SourceKind::Learned,
            reference: Some("model 3".to_owned()),
            confidence: 61,
        }),
        notes: Some("with Bo".to_owned()),
        notes_source: Some(Source::user()),
        status_source: Some(Source::user()),
        splits: vec![
            split(-700, Some(category_id), Some("bread")),
            split(-300, Some(CategoryId::new(scribe.uuid())), None),
            split(0, None, Some("")),
        ],
        schedule_id: Some(ScheduleId::new(scribe.uuid())),
        schedule_source: Some(Source::rule(RuleId::new(scribe.uuid()))),
        goal_id: Some(GoalId::new(scribe.uuid())),
        goal_source: Some(Source::user()),
        transfer_id: Some(TransactionId::new(scribe.uuid())),
        reference: Some("RF18".to_owned()),
        external_id: Some("ext-1".to_owned()),
        attachments: vec![Attachment {
            name: "Beleg.jpg".to_owned(),
            media_type: "image/jpeg".to_owned(),
            digest: "ab".repeat(32),
        }],
        metadata: BTreeMap::from([
            ("empty".to_owned(), String::new()),
            ("key \"'".to_owned(), "value".to_owned()),
        ]),
        origins: vec![
            origin(scribe, scribe.account_id, "2024-03-01", Some("bank-1")),
            origin(scribe, scribe.account_id, "2024-03-02", None),
        ],
        ..scribe.transaction("2024-03-02", -1_000)
    }
}

/// A row of a file, with a fingerprint of its own.
pub(super) fn origin(
    scribe: &Scribe,
    account_id: AccountId,
    date: &str,
    bank_id: Option<&str>,
) -> Origin {
    Origin {
        import_id: ImportId::new(scribe.uuid()),
        account_id,
        booking_date: date.parse().unwrap(),
        amount: Money::from_minor(-100, scribe.book().currency),
        pending: false,
        bank_id: bank_id.map(str::to_owned),
        fingerprint: scribe.uuid().simple().to_string(),
    }
}

/// A currency that is not in ISO 4217.
pub(super) fn bitcoin() -> Currency {
    Currency::custom("BTC", 8).unwrap()
}
