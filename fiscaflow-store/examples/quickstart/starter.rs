//! A starter set: categories, rules and one budget that suit most households.
//!
//! Everything has an id of its own, so setting up a second time changes nothing.

use fiscaflow_core::Result;
use fiscaflow_core::engine::BookHandle;
use fiscaflow_core::model::{
    Action, CategoryKind, Condition, NewBudget, NewCategory, NewRule, TextField, TextOp,
};

/// Name, kind, and the words in a description that speak for it.
const CATEGORIES: &[(&str, CategoryKind, &[&str])] = &[
    (
        "Groceries",
        CategoryKind::Expense,
        &[
            "hofer",
            "aldi",
            "lidl",
            "spar ",
            "eurospar",
            "penny",
            "billa",
            "rewe",
            "edeka",
            "tesco",
            "sainsbury",
            "carrefour",
            "auchan",
            "mercadona",
            "migros",
            "coop",
            "whole foods",
            "trader joe",
            "kroger",
            "safeway",
            "supermarket",
            "supermercado",
        ],
    ),
    (
        "Eating out",
        CategoryKind::Expense,
        &[
            "restaurant",
            "cafe",
            "café",
            "coffee",
            "pizza",
            "domino's",
            "mcdonald",
            "burger",
            "starbucks",
            "deliveroo",
            "uber eats",
            "doordash",
            "bistro",
        ],
    ),
    (
        "Transport",
        CategoryKind::Expense,
        &[
            "avanti",
            "shell",
            "statoil",
            "texaco",
            "total access",
            "omv",
            "esso",
            "chevron",
            "exxon",
            "uber trip",
            "lyft",
            "taxi",
            "tfl ",
            "sncf",
            "deutsche bahn",
            "öbb",
            "parking",
            "metro",
            "airlines",
            "linhas aereas",
        ],
    ),
    (
        "Home and garden",
        CategoryKind::Expense,
        &[
            "hornbach",
            "obi ",
            "bauhaus",
            "ikea",
            "home depot",
            "lowe's",
            "leroy merlin",
            "castorama",
        ],
    ),
    (
        "Shopping",
        CategoryKind::Expense,
        &["amazon", "ebay", "zalando", "h&m", "decathlon", "next directory", "target", "walmart"],
    ),
    (
        "Subscriptions",
        CategoryKind::Expense,
        &["netflix", "spotify", "disney", "nowtv", "apple.com", "google", "playstation"],
    ),
    ("Cash", CategoryKind::Expense, &["bankomat", "atm", "cash withdrawal", "retrait dab"]),
    (
        "Bank and insurance",
        CategoryKind::Expense,
        &[
            "entgelt",
            "fee",
            "kapitalertragsteuer",
            "commission",
            "cotisation",
            "insurance",
            "versicherung",
            "assurance",
            "kontoführung",
        ],
    ),
    ("Interest", CategoryKind::Income, &["habenzinsen", "interest", "intérêts"]),
    (
        "Salary",
        CategoryKind::Income,
        &["salary", "payroll", "gehalt", "lohn", "salaire", "nómina", "nomina"],
    ),
];

pub async fn set_up(book: &BookHandle) -> Result<()> {
    let mut groceries = None;
    for (number, (name, kind, words)) in CATEGORIES.iter().enumerate() {
        let category = book
            .categories()
            .create(NewCategory {
                id: Some(format!("018f5a2c-0000-7000-8001-{number:012}").parse()?),
                name: (*name).to_owned(),
                kind: Some(*kind),
                parent_id: None,
            })
            .await?;
        groceries = groceries.or(Some(category.id));
        book.rules()
            .create(NewRule {
                id: Some(format!("018f5a2c-0000-7000-8002-{number:012}").parse()?),
                ..NewRule::new(
                    *name,
                    Condition::Any {
                        of: [TextField::Description, TextField::Payee]
                            .map(|field| mentions(field, words))
                            .into(),
                    },
                    vec![Action::SetCategory { category_id: category.id }],
                )
            })
            .await?;
    }
    book.budgets()
        .create(NewBudget {
            id: Some("018f5a2c-0000-7000-8003-000000000000".parse()?),
            name: "Groceries".to_owned(),
            category_ids: groceries.into_iter().collect(),
            limit: "350.00".parse()?,
            ..NewBudget::default()
        })
        .await?;
    Ok(())
}

fn mentions(field: TextField, words: &[&str]) -> Condition {
    Condition::Text {
        field,
        op: TextOp::Contains,
        values: words.iter().map(|word| (*word).to_owned()).collect(),
        case_sensitive: false,
    }
}
